//! Registration: a new account.

use super::admission::{Admission, Caller, Entrant};
use super::error::AccountError;
use super::registrar::NewUser;
use super::rules::{DisplayName, Password, Username};
use super::service::Accounts;

impl Accounts {
    /// Makes an account and admits its user. `display_name` defaults to the username.
    ///
    /// If the log does not take the registration, the account exists nevertheless, and the next login tells the log
    /// again.
    pub async fn register(
        &self,
        username: &str,
        password: String,
        display_name: Option<&str>,
        from: impl Into<Caller>,
    ) -> Result<Admission, AccountError> {
        let from = from.into();
        let username = Username::parse(username)?;
        let password = Password::parse(&password, &username)?;
        let display_name =
            display_name.map_or_else(|| Ok(DisplayName::from(&username)), DisplayName::parse)?;
        let this = &*self.inner;
        this.guard.register(from.address)?;
        let turn = this.hasher.turn().await?;
        let hash = this.hasher.hash(turn, password.into_inner()).await?;
        let user = NewUser {
            id: this.registrar.mint_user_id(),
            username: username.as_str().to_owned(),
            display_name: display_name.as_str().to_owned(),
        };
        let insert = include_str!("sql/account_create.sql");
        let made = this
            .database
            .execute(
                insert,
                &[
                    &user.id,
                    &user.username,
                    &username.key(),
                    &user.display_name,
                    &hash,
                ],
            )
            .await?;
        if made == 0 {
            return Err(AccountError::Taken);
        }
        this.admit(
            Entrant {
                user,
                password_hash: hash,
                roles: Vec::new(),
                announced: false,
                suspended: false,
            },
            None,
            &from,
            false,
        )
        .await
    }
}
