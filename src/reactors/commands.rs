//! The commands of a reactor on their way into the log.

use crate::lanes::Lanes;
use crate::outcome::{Accepted, Refusal};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use thiserror::Error;
use tidings_domain::{
    Command, CommandId, ConversationCommand, ConversationId, PairCommand, Told, UserCommand, UserId,
};
use tidings_eventlog::ReadError;
use tidings_projections::{Fact, ProjectionError};
use uuid::Uuid;

/// Commands that are under way at once: enough to fill batches, and few beside what clients send.
const AT_ONCE: usize = 64;

/// After so many refusals one behind the other, it is not those who are written to that are the cause.
const REFUSED_IN_A_ROW: usize = 10;

/// Why something cannot be done now.
#[derive(Debug, Error)]
pub enum Later {
    #[error(transparent)]
    ReadModels(#[from] ProjectionError),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error("read models are behind the log")]
    Behind,
    #[error("a command was not taken: {0}")]
    Refused(Refusal),
}

/// How a reactor comes to the facts that it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// In their order, and with many refusals one behind the other the rest is left for later.
    InOrder,
    /// In their order, however many commands are refused.
    Stubborn,
    /// To one that was put aside, behind those that came later, however many commands are refused.
    Alone,
}

type Answer = (u64, Result<Accepted, Refusal>);

/// Takes what a reactor wants done, a few commands at a time.
pub struct Commands<'a> {
    lanes: &'a Lanes,
    log_id: Uuid,
    reactor: &'static str,
    attempt: Attempt,
    under_way: FuturesUnordered<BoxFuture<'a, Answer>>,
    aside: BTreeMap<u64, Aside>,
    refused: usize,
}

/// Why a fact is put aside, and whether it is tried again by itself.
pub(super) type Aside = (String, bool);

impl<'a> Commands<'a> {
    pub(super) fn new(lanes: &'a Lanes, log_id: Uuid, reactor: &'static str, attempt: Attempt) -> Self {
        Self {
            lanes,
            log_id,
            reactor,
            attempt,
            under_way: FuturesUnordered::new(),
            aside: BTreeMap::new(),
            refused: 0,
        }
    }

    /// Whether the fact was put aside and is tried again: what came later was reacted to before.
    pub fn is_alone(&self) -> bool {
        self.attempt == Attempt::Alone
    }

    /// Sends a command to a user's stream, once for each `event` (a stream, and a seq there), however often it is asked for. `cause` is
    /// the position of the fact that asks for it. Waits while many are under way.
    ///
    /// # Errors
    /// Many of those before it were not taken, and may be later.
    pub async fn send(
        &mut self,
        cause: u64,
        event: (Uuid, u64),
        user: UserId,
        command: UserCommand,
    ) -> Result<(), Later> {
        self.have_room().await?;
        let id = CommandId::of_reaction(self.log_id, self.reactor, event, user);
        let (lanes, as_of) = (self.lanes, self.lanes.as_of());
        self.under_way.push(Box::pin(async move {
            (cause, lanes.submit_user(user, id.0, command, Some(as_of)).await)
        }));
        Ok(())
    }

    /// The same for a command of `actor` to a conversation.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_to(
        &mut self,
        cause: u64,
        event: (Uuid, u64),
        actor: UserId,
        conversation: ConversationId,
        body: ConversationCommand,
    ) -> Result<(), Later> {
        self.have_room().await?;
        let id = CommandId::of_reaction(self.log_id, self.reactor, event, actor);
        let lanes = self.lanes;
        let command = Command {
            id,
            actor,
            conversation,
            body,
        };
        let answer = async move { (cause, lanes.submit_and_wait(command).await) };
        self.under_way.push(Box::pin(answer));
        Ok(())
    }

    /// Tells somebody something on their own stream, because of this fact: one thing at most.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn tell(&mut self, fact: &Fact<'_>, user: UserId, told: Told) -> Result<(), Later> {
        let event = (fact.stream(), fact.record.seq);
        self.send(fact.record.pos, event, user, UserCommand::Tell(told))
            .await
    }

    /// The same for a command of the first of two people to their stream, once for each second one.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_between(
        &mut self,
        cause: u64,
        event: (Uuid, u64),
        (actor, user): (UserId, UserId),
        command: PairCommand,
    ) -> Result<(), Later> {
        self.have_room().await?;
        let id = CommandId::of_reaction(self.log_id, self.reactor, event, user);
        let direct = ConversationId::direct(self.log_id, actor, user);
        let lanes = self.lanes;
        self.under_way.push(Box::pin(async move {
            let answer = lanes.submit_pair_and_wait(direct, (actor, user), id, command);
            (cause, answer.await)
        }));
        Ok(())
    }

    /// Waits while many are under way.
    async fn have_room(&mut self) -> Result<(), Later> {
        while self.under_way.len() >= AT_ONCE {
            self.answered().await?;
        }
        Ok(())
    }

    /// Puts the fact at a position aside, for whoever operates the node to look at.
    pub fn put_aside(&mut self, cause: u64, why: String) {
        self.aside.entry(cause).or_insert((why, false));
    }

    /// Waits for all answers: what is sent behind it takes effect behind what was sent before.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn settle(&mut self) -> Result<(), Later> {
        while self.answered().await? {}
        Ok(())
    }

    /// Waits for all answers. Returns the facts that are put aside, by position.
    pub(super) async fn finish(mut self) -> Result<BTreeMap<u64, Aside>, Later> {
        self.settle().await?;
        Ok(self.aside)
    }

    /// Waits for an answer; whether there was one to wait for.
    async fn answered(&mut self) -> Result<bool, Later> {
        match self.under_way.next().await {
            None => return Ok(false),
            Some((_, Ok(accepted))) => {
                self.refused = 0;
                if !accepted.duplicate {
                    metrics::counter!("tidings_reactions_total", "reactor" => self.reactor).increment(1);
                }
            }
            // A stream that cannot be read, or written for the moment, keeps nobody else waiting.
            Some((cause, Err(refusal @ (Refusal::Overloaded | Refusal::Unavailable)))) => {
                self.refused += 1;
                if self.attempt == Attempt::InOrder && self.refused >= REFUSED_IN_A_ROW {
                    return Err(Later::Refused(refusal));
                }
                self.aside.entry(cause).or_insert((refusal.to_string(), true));
            }
            Some((cause, Err(refusal))) => self.put_aside(cause, refusal.to_string()),
        }
        Ok(true)
    }
}
