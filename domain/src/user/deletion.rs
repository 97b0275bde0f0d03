//! The end of an account: nobody is this person any more. What they said stays, under a name that is nobody's.

use super::User;
use super::setting::Audience;
use crate::event::{Avatar, Event, ProfileUpdated, SettingsUpdated, UserEvent};
use crate::kind::{Kind, Stored};
use crate::text::{About, DisplayName};
use serde::{Deserialize, Serialize};

/// The name under which stays what somebody has said whose account is deleted.
pub const DELETED_NAME: &str = "deleted user";

/// Somebody has no account any more. It is the last event by which anything is decided about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDeleted {
    pub by: DeletedBy,
    /// Whether somebody else may take the username.
    pub name_freed: bool,
}

/// Who has deleted an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletedBy {
    /// The person whose it was.
    Person,
    /// Whoever operates the server.
    Operator,
}

impl Stored for AccountDeleted {
    const KIND: Kind = Kind::ACCOUNT_DELETED;
    const NAME: &'static str = "account.deleted";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::AccountDeleted(self).into()
    }
}

impl User {
    /// What the person shows and wants is taken back by events of its own, so that everything that knows profiles and settings knows it.
    pub(super) fn delete(&self, deleted: AccountDeleted) -> Vec<UserEvent> {
        if self.deleted {
            return vec![];
        }
        let nothing = ProfileUpdated {
            display_name: DisplayName::parse(DELETED_NAME).ok(),
            about: Some(About::default()),
            avatar: Some(Avatar(None)),
        };
        let nobody = SettingsUpdated {
            receipts: Some(false),
            last_seen: Some(Audience::Nobody),
            direct: Some(Audience::Nobody),
            add_me: Some(Audience::Nobody),
        };
        vec![
            UserEvent::ProfileUpdated(nothing),
            UserEvent::SettingsUpdated(nobody),
            UserEvent::AccountDeleted(deleted),
        ]
    }
}
