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
    /// Looks after what people say to one another.
    Moderator,
    /// Sees what administrators see and do, and does nothing.
    Auditor,
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
            Self::Moderator => "moderator",
            Self::Auditor => "auditor",
        }
    }
}

impl Role {
    const ALL: [Self; 3] = [Self::Admin, Self::Moderator, Self::Auditor];

    /// The role of that name; `None` for one that this version does not know.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Reads roles, each once. Those that this version does not know grant nothing.
pub(super) fn parse_roles<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Role> {
    let mut roles = vec![];
    for role in names.into_iter().filter_map(Role::named) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_once_each_and_others_grant_nothing() {
        let roles = parse_roles(["moderator", "root", "auditor", "moderator", "Admin"]);
        assert_eq!(roles, [Role::Moderator, Role::Auditor]);
        for role in Role::ALL {
            assert_eq!(Role::named(role.as_str()), Some(role));
        }
    }
}
