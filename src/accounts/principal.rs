//! Who a token speaks for.

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

/// What a user may do beyond what every user may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Administration of the whole server.
    Admin,
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

impl Role {
    /// The role as it stands in tokens and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }
}

impl Role {
    /// The role of that name; `None` for one that this version does not know.
    pub fn named(name: &str) -> Option<Self> {
        (name == Self::Admin.as_str()).then_some(Self::Admin)
    }
}

/// Reads roles. Those that this version does not know grant nothing.
pub(super) fn parse_roles<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Role> {
    names
        .into_iter()
        .filter(|name| *name == Role::Admin.as_str())
        .map(|_| Role::Admin)
        .take(1)
        .collect()
}
