//! Registration, login and refresh: what happens, whatever transport asked for it.

use super::error::AccountError;
use super::limiter::address_key;
use super::password::Verdict;
use super::principal::{Role, parse_roles};
use super::refresh::RefreshToken;
use super::registrar::NewUser;
use super::rules::{DisplayName, Password, Username, prepare};
use super::service::{Accounts, Inner};
use crate::clock;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::Row;
use uuid::Uuid;

/// What a client needs to be a user.
pub struct Admission {
    pub user: Uuid,
    /// The access token, a JWT.
    pub token: String,
    /// When the access token stops being good, to the second.
    pub expires_at: DateTime<Utc>,
    /// Good once, for the next admission.
    pub refresh_token: String,
}

/// Where an admission is asked for.
#[derive(Clone, Debug)]
pub struct Caller {
    pub address: IpAddr,
    /// What the caller calls the device or program that asks.
    pub device: Option<String>,
}

impl From<IpAddr> for Caller {
    fn from(address: IpAddr) -> Self {
        Self {
            address,
            device: None,
        }
    }
}

/// An account whose password was right.
struct Entrant {
    user: NewUser,
    /// What the password was checked against.
    password_hash: String,
    roles: Vec<Role>,
    announced: bool,
    suspended: bool,
}

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
        )
        .await
    }

    /// Admits a user by password. What is wrong, the name or the password, shows neither in the answer nor in the
    /// work it takes. White space around the name is dropped: people do not see it.
    pub async fn login(
        &self,
        username: &str,
        password: String,
        from: impl Into<Caller>,
    ) -> Result<Admission, AccountError> {
        let this = &*self.inner;
        let from = from.into();
        this.guard.login(from.address)?;
        let wrong = || this.guard.wrong_address(from.address, AccountError::Wrong);
        let username = Username::parse(username.trim()).map_err(|_| wrong())?;
        let password = prepare(&password).ok_or_else(wrong)?;
        let key = username.key();
        this.guard.name(&key, from.address)?;
        // The turn comes first, so that an attempt is not counted when there is no time for it.
        let turn = this.hasher.turn().await?;
        let row = self.attempt(&key, &from).await?;
        let known: Option<Uuid> = row.try_get("o_id")?;
        let verdict = this
            .hasher
            .verify(turn, password, row.try_get("o_password_hash")?)
            .await?;
        let (Verdict::Right(renewed), Some(_)) = (verdict, known) else {
            return Err(self.wrong(&key, &from));
        };
        self.forget_attempts(&key, &from).await?;
        this.admit(Entrant::read(&row)?, renewed, &from).await
    }

    /// Counts an attempt as failed before it is made; answers what is known of the account. Refused where it comes too early.
    pub(super) async fn attempt(&self, key: &str, from: &Caller) -> Result<Row, AccountError> {
        let limits = &self.inner.config.limits;
        let begin = include_str!("sql/login_begin.sql");
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let address = address_key(from.address).to_string();
        let row = self
            .inner
            .database
            .row(
                begin,
                &[
                    &key,
                    &address,
                    &number(limits.name_failures),
                    &number(limits.name_failures_everywhere),
                    &limits.name_delay_ms.cast_signed(),
                    &limits.name_delay_ms_max.cast_signed(),
                ],
            )
            .await?;
        let row = row.ok_or_else(|| AccountError::Unavailable("a login had no answer".to_owned()))?;
        let locked_ms: i64 = row.try_get("o_locked_ms")?;
        if locked_ms > 0 {
            return Err(AccountError::TooMany {
                wait: Duration::from_millis(locked_ms.unsigned_abs()),
            });
        }
        Ok(row)
    }

    /// Takes back what was counted of a name, at this address and at all together; guesses from elsewhere stay counted.
    pub(super) async fn forget_attempts(&self, key: &str, from: &Caller) -> Result<(), AccountError> {
        self.inner.guard.right_name(key, from.address);
        let forget = include_str!("sql/login_forget.sql");
        let address = address_key(from.address).to_string();
        self.inner.database.execute(forget, &[&key, &address]).await?;
        Ok(())
    }

    /// Counts a wrong password in memory too.
    pub(super) fn wrong(&self, key: &str, from: &Caller) -> AccountError {
        self.inner.guard.wrong_name(key, from.address);
        self.inner.guard.wrong_address(from.address, AccountError::Wrong)
    }

    /// Admits a user again by a refresh token, which is spent by it. Presented again soon, and before its successor was used,
    /// it is taken for the same refresh repeated: by another tab, or because the answer was lost. Later it revokes the
    /// session: somebody else may have it.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        from: impl Into<Caller>,
    ) -> Result<Admission, AccountError> {
        let this = &*self.inner;
        let from = from.into();
        this.guard.refresh(from.address)?;
        let bad = || {
            this.guard
                .wrong_address(from.address, AccountError::BadRefreshToken)
        };
        let old = RefreshToken::parse(refresh_token).ok_or_else(bad)?;
        let new = RefreshToken::random();
        let refresh = include_str!("sql/session_refresh.sql");
        let ttl_s = i64::from(this.config.refresh_ttl_s);
        let grace_s = i64::from(this.config.refresh_grace_s);
        let address = from.address.to_canonical().to_string();
        let row = this
            .database
            .row(
                refresh,
                &[
                    &old.hash().as_slice(),
                    &new.hash().as_slice(),
                    &ttl_s,
                    &grace_s,
                    &address,
                ],
            )
            .await?;
        let row = row.ok_or_else(|| AccountError::Unavailable("a refresh had no answer".to_owned()))?;
        match row.try_get("o_outcome")? {
            "refreshed" => {}
            "suspended" => return Err(AccountError::Suspended),
            "reused" => {
                let session: Uuid = row.try_get("o_session")?;
                tracing::warn!(%session, "a spent refresh token was used again; its session is revoked");
                this.shared.standing.look().await?;
                return Err(bad());
            }
            _ => return Err(bad()),
        }
        // Its owner is there, so what strangers guessed need not keep them out.
        let key: String = row.try_get("o_key")?;
        self.forget_attempts(&key, &from).await?;
        let roles: Vec<String> = row.try_get("o_roles")?;
        let roles = parse_roles(roles.iter().map(String::as_str));
        this.admission(row.try_get("o_account")?, &roles, row.try_get("o_session")?, &new)
    }
}

impl Inner {
    /// Tells the log where it does not know yet, and begins a session.
    async fn admit(
        &self,
        entrant: Entrant,
        renewed_hash: Option<String>,
        from: &Caller,
    ) -> Result<Admission, AccountError> {
        if entrant.suspended {
            return Err(AccountError::Suspended);
        }
        let id = entrant.user.id;
        if !entrant.announced {
            match timeout(self.timeout, self.registrar.register(entrant.user)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(AccountError::Unavailable(error.to_string())),
                Err(_) => {
                    return Err(AccountError::Unavailable(
                        "the log did not answer in time".to_owned(),
                    ));
                }
            }
        }
        let begin = include_str!("sql/session_begin.sql");
        let (session, refresh) = (Uuid::new_v4(), RefreshToken::random());
        let ttl_s = i64::from(self.config.refresh_ttl_s);
        let address = from.address.to_canonical().to_string();
        let begun = self
            .database
            .execute(
                begin,
                &[
                    &id,
                    &renewed_hash,
                    &session,
                    &refresh.hash().as_slice(),
                    &ttl_s,
                    &from.device,
                    &address,
                    &entrant.password_hash,
                ],
            )
            .await?;
        if begun == 0 {
            let ask = include_str!("sql/account_suspended.sql");
            return Err(match self.database.row(ask, &[&id]).await? {
                Some(_) => AccountError::Suspended,
                // Trying again finds out what the password is now.
                None => AccountError::Unavailable("the password was set anew meanwhile".to_owned()),
            });
        }
        self.admission(id, &entrant.roles, session, &refresh)
    }

    pub(super) fn admission(
        &self,
        user: Uuid,
        roles: &[Role],
        session: Uuid,
        refresh: &RefreshToken,
    ) -> Result<Admission, AccountError> {
        let now = clock::now();
        let expires_at = (now + TimeDelta::seconds(self.config.token_ttl_s.into())).trunc_subsecs(0);
        let token = self
            .shared
            .keys
            .ring()
            .sign(user, roles, session, now, expires_at);
        let token = token.map_err(|error| AccountError::Unavailable(error.to_string()))?;
        Ok(Admission {
            user,
            token,
            expires_at,
            refresh_token: refresh.text(),
        })
    }
}

impl Entrant {
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let roles: Vec<String> = row.try_get("o_roles")?;
        Ok(Self {
            user: NewUser {
                id: row.try_get("o_id")?,
                username: row.try_get("o_username")?,
                display_name: row.try_get("o_display_name")?,
            },
            password_hash: row.try_get("o_password_hash")?,
            roles: parse_roles(roles.iter().map(String::as_str)),
            announced: row.try_get("o_announced")?,
            suspended: row.try_get("o_suspended")?,
        })
    }
}
