//! What has to be looked up, each once, however often it is wanted.

use super::queue::Queue;
use tidings_domain::{ConversationId, UserId};

/// A look-up, as it is made.
#[derive(Debug)]
pub(super) enum Errand {
    /// What a connection may watch of what it asked for last.
    Grant {
        connection: u64,
        number: u64,
        user: UserId,
        users: Vec<UserId>,
        conversations: Vec<ConversationId>,
    },
    /// The members of a conversation, for the reading of this number.
    Members(ConversationId, u64),
    /// When people were last there, who have gone.
    LastSeen(Vec<UserId>),
}

/// Whom look-ups are about that wait. What they ask is only seen to when they are made, so it is never more than there is to ask.
#[derive(Default)]
pub(super) struct Errands {
    pub(super) gone: Queue<UserId>,
    pub(super) rooms: Queue<ConversationId>,
    pub(super) connections: Queue<u64>,
}
