//! What somebody is told of their account, on their own stream: that it was let in somewhere, and what others have made of it. Accounts
//! themselves are no matter of the log.

use crate::event::{Event, UserEvent};
use crate::kind::{Kind, Stored};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What has become of an account. It holds no secret, and no address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "matter", rename_all = "snake_case")]
pub enum AccountMatter {
    /// Somebody who knew the password has signed in.
    SignedIn {
        session: Uuid,
        /// What began the session, as far as it said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        device: Option<String>,
    },
    PasswordChanged,
    /// The user may do more than before, or less.
    RolesChanged {
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        granted: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        taken: Vec<String>,
    },
    /// The user was suspended, and is no longer.
    Reinstated,
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

impl Stored for AccountMatter {
    const KIND: Kind = Kind::ACCOUNT;
    const NAME: &'static str = "account";

    fn into_event(self) -> Event {
        UserEvent::Account(self).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matter_of_a_later_version_is_read_as_one_that_is_not_known() {
        let later = r#"{"matter":"moved_house","to":"Turin"}"#;
        let read: AccountMatter = serde_json::from_str(later).unwrap();
        assert_eq!(read, AccountMatter::Unknown);
    }
}
