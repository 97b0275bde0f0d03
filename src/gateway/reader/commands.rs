//! Commands on their way to those who carry them out.

use super::Reader;
use crate::gateway::costs::STRANGE;
use crate::gateway::fetch::{Fetch, fetch};
use crate::gateway::registry::Budget;
use crate::gateway::reply::Reply;
use crate::gateway::shared::ReaderEnd;
use crate::lanes;
use crate::outcome::{Accepted, Refusal};
use crate::wire::{Wanted, answer, answer_made, refused, translate};
use std::sync::Arc;
use tidings_protocol::{Command, ErrorCode, ServerFrame};
use tokio::time::Instant;
use tracing::Span;
use uuid::Uuid;

/// What an answer to `fetch` weighs among the answers in flight, since it is so much larger than the others.
const FETCH_PERMITS: u32 = 32;

impl Reader {
    pub(super) async fn command(&mut self, command: Command, reply: Reply) -> Result<(), ReaderEnd> {
        let id = command.id;
        match translate(self.gateway.log_id, self.gateway.lanes.key(), self.user, command) {
            Err(rejection) => reply.refuse(refused(Some(id), &rejection.into())),
            Ok(Wanted::Command {
                command,
                behind_reads,
                made,
            }) => {
                if behind_reads {
                    while self.reading.join_next().await.is_some() {}
                }
                let (user, conversation) = (self.user, command.conversation);
                let said = command.reads_before().then(|| Arc::clone(&self.gateway));
                let reply = self.answering(id, reply, move |result| {
                    if let (Some(gateway), Ok(accepted)) = (said, &result) {
                        gateway.cursors.said(user, conversation, accepted.seq);
                    }
                    match made {
                        Some(made) => answer_made(id, result, made),
                        None => answer(id, result),
                    }
                });
                self.gateway.lanes.submit(command, reply);
            }
            Ok(Wanted::Own(command)) => {
                let as_of = self.gateway.lanes.as_of();
                self.wish(id, self.user.0, command, as_of, reply);
            }
            Ok(Wanted::Pair {
                direct,
                user,
                command,
            }) => self.pair(id, direct, user, command, reply),
            Ok(Wanted::Hide { conversation, hide }) => {
                Box::pin(self.hide(id, conversation, hide, reply)).await;
            }
            Ok(Wanted::Report(report)) => Box::pin(self.report(id, report, reply)).await,
            Ok(Wanted::Mark { conversation, mark }) => {
                Box::pin(self.mark(id, conversation, mark, reply)).await;
            }
            Ok(Wanted::Watch { users, conversations }) => self.watch(id, users, conversations, reply),
            Ok(Wanted::Read { conversation, seq }) => self.read(id, conversation, seq, reply),
            Ok(Wanted::Fetch {
                conversation,
                from,
                limit,
            }) => {
                let weight = FETCH_PERMITS
                    .min(self.gateway.limits.commands_in_flight)
                    .saturating_sub(1)
                    .max(1);
                let Reply {
                    outbox,
                    spelled,
                    permit,
                } = reply;
                drop(permit);
                let permit = self.permit(weight).await?;
                let wanted = Fetch {
                    id,
                    spelled,
                    conversation,
                    from,
                    limit,
                };
                match Box::pin(fetch(&self.gateway, &self.shared, self.user, &wanted)).await {
                    Ok(fetched) => outbox.fetched(fetched.frame, permit, fetched.room, fetched.brought),
                    Err(refusal) => {
                        if refusal.code == ErrorCode::NotAMember {
                            self.registered.budget.owe(STRANGE);
                        }
                        let spelled = wanted.spelled;
                        let reply = Reply {
                            outbox,
                            spelled,
                            permit,
                        };
                        reply.refuse(refusal);
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends what `frame` makes of a lane's answer, and lets the user pay for it where it is a refusal that costs.
    pub(super) fn answering(
        &self,
        id: Uuid,
        reply: Reply,
        frame: impl FnOnce(Result<Accepted, Refusal>) -> ServerFrame + Send + 'static,
    ) -> lanes::Reply {
        let (budget, began) = (self.registered.budget.clone(), Instant::now());
        let acks = self.gateway.counters.acks.clone();
        // The answer comes from the lane's task.
        let span = Span::current();
        Box::new(move |result| {
            if let Err(refusal) = &result {
                charge(&budget, refusal);
                tracing::debug!(parent: &span, command = %id, %refusal, "a command was refused");
            }
            reply.send(&frame(result));
            acks.record(began.elapsed());
        })
    }
}

/// Lets the user pay for a conversation that they are not in, or where they look for something that is not there.
pub(super) fn charge(budget: &Budget, refusal: &Refusal) {
    if refusal.is_for_strangers() || refusal.is_of_a_source() || refusal.is_of_a_link() {
        budget.owe(STRANGE);
    }
}
