//! Admission: what whoever has shown who they are is given, whatever transport asked for it.

use super::error::AccountError;
use super::refresh::RefreshToken;
use super::registrar::NewUser;
use super::service::Inner;
use super::sessions::SESSIONS_MAX;
use crate::clock;
use crate::role::{self, Role};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use std::net::IpAddr;
use tokio::time::timeout;
use tokio_postgres::Row;
use uuid::Uuid;

/// What a client needs to be a user.
pub struct Admission {
    pub user: Uuid,
    /// The access token, a JWT.
    pub token: String,
    /// When the access token stops being valid, to the second.
    pub expires_at: DateTime<Utc>,
    /// Valid once, for the next admission.
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
pub(super) struct Entrant {
    pub(super) user: NewUser,
    /// What the password was checked against.
    pub(super) password_hash: String,
    pub(super) roles: Vec<Role>,
    pub(super) announced: bool,
    pub(super) suspended: bool,
}

impl Inner {
    /// Tells the log where it does not know yet, and begins a session, of which its user is told if `is_told`.
    pub(super) async fn admit(
        &self,
        entrant: Entrant,
        renewed_hash: Option<String>,
        from: &Caller,
        is_told: bool,
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
                    &SESSIONS_MAX,
                    &i64::from(self.config.token_ttl_s),
                    &is_told,
                ],
            )
            .await?;
        if begun == 0 {
            let ask = include_str!("sql/account_suspended.sql");
            return Err(match self.database.row(ask, &[&id]).await? {
                Some(_) => AccountError::Suspended,
                // Trying again finds out what the password is now.
                None => AccountError::Unavailable("the password was set again meanwhile".to_owned()),
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
    pub(super) fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let roles: Vec<String> = row.try_get("o_roles")?;
        Ok(Self {
            user: NewUser {
                id: row.try_get("o_id")?,
                username: row.try_get("o_username")?,
                display_name: row.try_get("o_display_name")?,
            },
            password_hash: row.try_get("o_password_hash")?,
            roles: role::parse(roles.iter().map(String::as_str)),
            announced: row.try_get("o_announced")?,
            suspended: row.try_get("o_suspended")?,
        })
    }
}
