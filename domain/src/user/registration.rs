//! Registration: it happens once.

use super::User;
use crate::event::UserEvent;
use serde::{Deserialize, Serialize};

/// Somebody has an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub username: String,
    pub display_name: String,
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
