//! Registration: it happens once.

use super::User;
use crate::event::{Event, UserEvent};
use crate::kind::{Kind, Stored};
use serde::{Deserialize, Serialize};

/// Somebody has an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub username: String,
    pub display_name: String,
}

impl Stored for Registered {
    const KIND: Kind = Kind::USER_REGISTERED;
    const NAME: &'static str = "user.registered";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::Registered(self).into()
    }
}

impl User {
    pub(super) fn register(&self, registered: Registered) -> Vec<UserEvent> {
        if self.registered {
            vec![]
        } else {
            vec![UserEvent::Registered(registered)]
        }
    }
}
