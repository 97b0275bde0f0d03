//! What the user marks for themselves, on the user's own stream.

use super::Reader;
use super::commands::charge;
use crate::gateway::Gateway;
use crate::gateway::reply::Reply;
use crate::outcome::{Accepted, Refusal};
use crate::wire::{answer, refused};
use tidings_domain::{CommandId, ConversationId, Cursor, Mark, Marking, UserId};
use tokio::time::Instant;
use uuid::Uuid;

impl Reader {
    /// Hands a mark on, with where its conversation is: what came before it from this connection is behind it.
    pub(super) async fn mark(&mut self, id: Uuid, conversation: ConversationId, mark: Mark, reply: Reply) {
        if matches!(mark, Mark::Unread { .. }) {
            // A read that was asked for before would end the mark.
            while self.reading.join_next().await.is_some() {}
            self.gateway.cursors.settle(self.user).await;
        }
        let as_of = self.gateway.lanes.as_of();
        let place = match place(&self.gateway, self.user, conversation).await {
            Ok(place) => place,
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let (budget, began) = (self.registered.budget.clone(), Instant::now());
        let acks = self.gateway.counters.acks.clone();
        let reply = Box::new(move |result: Result<Accepted, Refusal>| {
            if let Err(refusal) = &result {
                charge(&budget, refusal);
            }
            // The ack names the conversation that was marked; the seq is that of the notice.
            let result = result.map(|accepted| Accepted {
                stream: conversation.0,
                ..accepted
            });
            reply.send(&answer(id, result));
            acks.record(began.elapsed());
        });
        let marking = Marking {
            conversation,
            mark,
            place,
        };
        let (user, id) = (self.user, CommandId(id));
        self.gateway.lanes.submit_marking(user, id, marking, as_of, reply);
    }
}

/// The end of a conversation; `None` for somebody who is no member of it, which is for the decision to say: it may be a repeat.
async fn place(
    gateway: &Gateway,
    user: UserId,
    conversation: ConversationId,
) -> Result<Option<Cursor>, Refusal> {
    match gateway.lanes.authorize(conversation, user, false).await {
        Ok(_) => {}
        Err(refusal) if refusal.is_for_strangers() => return Ok(None),
        Err(refusal) => return Err(refusal),
    }
    let heads = gateway.lookups.heads(vec![conversation.0]).await;
    let head = heads.map_err(|error| {
        tracing::debug!(%error, "a conversation to be marked could not be read");
        Refusal::Unavailable
    })?;
    let head = head.into_iter().flatten().next().ok_or(Refusal::Unavailable)?;
    Ok(Some(Cursor {
        seq: head.seq,
        msg_no: head.msg_no,
    }))
}
