//! Who is there: what the client says of its user, and whom it watches.

use super::Reader;
use crate::gateway::reply::Reply;
use crate::wire::{self, refused};
use std::sync::atomic::Ordering;
use tidings_domain::{ConversationId, UserId};
use tidings_protocol::Status;
use uuid::Uuid;

impl Reader {
    /// Takes what the client says of this connection.
    pub(super) fn status(&self, value: Status) {
        self.arrived.say(wire::status(value));
    }

    /// Hands on what this connection watches from now on.
    pub(super) fn watch(
        &self,
        id: Uuid,
        users: Vec<UserId>,
        conversations: Vec<ConversationId>,
        reply: Reply,
    ) {
        self.shared.watches.store(true, Ordering::Relaxed);
        let answer = Box::new(move |watched: Result<_, _>| match watched {
            Ok(watched) => reply.send(&wire::presence_state(Some(id), watched)),
            Err(refusal) => reply.refuse(refused(Some(id), &refusal)),
        });
        let (connection, outbox) = (self.registered.connection.id, &self.shared.outbox);
        self.gateway
            .presence
            .watch(connection, self.user, outbox, users, conversations, answer);
    }
}
