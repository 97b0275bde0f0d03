//! Who a token speaks for.

use crate::role::Role;
use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::Uuid;

/// A user who has shown a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub user: Uuid,
    pub roles: Vec<Role>,
    /// When the token stops being valid.
    pub expires_at: DateTime<Utc>,
    /// The session that the token belongs to, where it is one of ours.
    pub session: Option<Uuid>,
}

/// Why a token is not valid. Says no more than its sender may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid")]
    Invalid,
    #[error("the account is suspended")]
    Suspended,
    #[error("the session has ended")]
    Ended,
    /// It could not be found out whether it is valid.
    #[error("tokens cannot be checked just now")]
    Unavailable,
}

impl Principal {
    pub fn is_admin(&self) -> bool {
        self.roles.contains(&Role::Admin)
    }
}
