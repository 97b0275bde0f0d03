//! What decisions depend on beyond the state of a conversation.

use crate::id::ConversationId;
use std::collections::HashSet;
use uuid::Uuid;

/// What is known of the things that commands name. Whoever has commands decided loads what they need
/// ([`Command::needs`](crate::Command::needs)) and adds what stands before them in the same batch.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    messages: HashSet<(ConversationId, Uuid)>,
}

impl Facts {
    /// The message is there, or will be once what has been decided is written.
    pub fn add_message(&mut self, conversation: ConversationId, message: Uuid) {
        self.messages.insert((conversation, message));
    }

    pub fn has_message(&self, conversation: ConversationId, message: Uuid) -> bool {
        self.messages.contains(&(conversation, message))
    }
}
