//! A user's own stream: registration, and how far the user has read and been sent.

pub mod cursors;
pub mod registration;

use crate::event::{CursorsMoved, InboxExpired, Registered, UserEvent};
use crate::rejection::{Field, Rejection};

/// What decisions about a user depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    registered: bool,
}

/// What can be asked of a user's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserCommand {
    Register(Registered),
    MoveCursors {
        moved: CursorsMoved,
        /// What is known of the same cursors, for the state does not hold them: there are as many as conversations.
        known: CursorsMoved,
    },
    ExpireInbox(InboxExpired),
}

impl User {
    pub fn exists(&self) -> bool {
        self.registered
    }

    pub(crate) fn thaw(registered: u8) -> Option<Self> {
        let registered = match registered {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Self { registered })
    }

    /// Decides a command. Registering again is answered with no event: it happened once. So are cursors that stay where
    /// they are.
    pub fn decide(&self, command: UserCommand) -> Result<Vec<UserEvent>, Rejection> {
        match command {
            UserCommand::Register(registered) => Ok(self.register(registered)),
            _ if !self.registered => Err(Rejection::NotFound(Field::User)),
            UserCommand::MoveCursors { moved, known } => Ok(cursors::move_on(moved, &known)),
            UserCommand::ExpireInbox(expired) => Ok(vec![UserEvent::InboxExpired(expired)]),
        }
    }

    /// Folds one event.
    pub fn evolve(&mut self, event: &UserEvent) {
        if let UserEvent::Registered(_) = event {
            self.registered = true;
        }
    }
}
