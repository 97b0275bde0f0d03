//! Reads, which wait to be gathered and hold nobody up meanwhile.

use super::Reader;
use super::commands::charge;
use crate::cursors::Read;
use crate::gateway::reply::Reply;
use crate::wire::{answer, refused};
use std::sync::Arc;
use tidings_domain::ConversationId;
use tidings_protocol::{ErrorCode, ErrorFrame};
use tokio::time::Instant;
use uuid::Uuid;

/// When refused reads are worth another try.
const READS_AGAIN_MS: u64 = 1000;

impl Reader {
    /// Finds out how many members a message reaches, so that the next ones are paid for.
    pub(super) fn ask_size(&mut self, conversation: ConversationId) {
        while self.reading.try_join_next().is_some() {}
        if self.reading.is_empty() {
            let (gateway, user) = (Arc::clone(&self.gateway), self.user);
            self.reading.spawn(async move {
                // Whoever may not write there is refused soon enough, and takes nobody's place among the sizes.
                if let Ok(seat) = gateway.lanes.authorize(conversation, user, false).await {
                    gateway.sizes.note(conversation.0, seat.members, Instant::now());
                }
            });
        }
    }

    /// Hands a read on, without waiting for the lane that knows whether the user may.
    pub(super) fn read(&mut self, id: Uuid, conversation: ConversationId, seq: u64, reply: Reply) {
        while self.reading.try_join_next().is_some() {}
        let Some(reply) = self.among_reads(id, reply) else {
            return;
        };
        let (gateway, user) = (Arc::clone(&self.gateway), self.user);
        if conversation.0 == user.0 {
            // Their notices, which no lane knows as a conversation.
            self.reading.spawn(async move {
                let read = gateway.announcements.read(user, seq).await;
                reply.send(&answer(id, read));
            });
            return;
        }
        let (budget, time_lines) = (self.registered.budget.clone(), self.shared.time_lines);
        self.reading.spawn(async move {
            match gateway.lanes.authorize(conversation, user, false).await {
                Ok(seat) => {
                    gateway.sizes.note(conversation.0, seat.members, Instant::now());
                    let read = Read {
                        conversation,
                        seq,
                        seat,
                        reply: Box::new(move |result| reply.send(&answer(id, result))),
                    };
                    gateway.cursors.read(user, time_lines, read).await;
                }
                Err(refusal) => {
                    charge(&budget, &refusal);
                    reply.refuse(refused(Some(id), &refusal));
                }
            }
        });
    }

    /// Gives an answer that may take long its place among those of reads, which hold nobody up. It is refused where there is none.
    pub(super) fn among_reads(&self, id: Uuid, reply: Reply) -> Option<Reply> {
        let Ok(permit) = Arc::clone(&self.shared.reads).try_acquire_owned() else {
            let refusal = ErrorFrame::new(Some(id), ErrorCode::RateLimited, "too many reads at once");
            reply.refuse(refusal.with_retry_after_ms(READS_AGAIN_MS));
            return None;
        };
        Some(Reply { permit, ..reply })
    }
}
