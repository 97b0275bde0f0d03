//! One user's gathered moves: what they move, as one event, and the answers.

mod placing;
mod recall;
mod telling;

use super::gathering::{Delivered, Gathered};
use super::refuse_all;
use super::sent::Sent;
use crate::fanout::{Ephemeral, ReadMark};
use crate::lanes::{AsOf, Lanes};
use crate::outcome::{Accepted, Refusal};
use crate::planted;
use placing::within;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
pub(super) use telling::Tellers;
use tidings_domain::user::UserCommand;
use tidings_domain::{ConversationId, Cursor, Receipts, UserId, event::CursorsMoved};
use tidings_eventlog::{Log, Pool, Position};

#[derive(Clone)]
pub(super) struct Store {
    log: Log,
    /// For the read models.
    models: Pool,
    lanes: Lanes,
    ephemeral: Ephemeral,
    /// How far the log is known to say that users have been sent conversations.
    sent: Arc<Mutex<Sent>>,
    tellers: Arc<Tellers>,
    /// The moment that this is of, and what is known of read positions.
    seen: Arc<Mutex<AsOf>>,
}

impl Store {
    pub(super) fn new(log: Log, models: Pool, lanes: Lanes, ephemeral: Ephemeral) -> Self {
        // Others may tell of reads before anything is stored here: what is shown of those is of this moment, too.
        let seen = Arc::new(Mutex::new(lanes.as_of()));
        Self {
            log,
            models,
            lanes,
            ephemeral,
            sent: Arc::new(Mutex::new(Sent::new())),
            tellers: Arc::new(Tellers::new()),
            seen,
        }
    }

    /// Which conversations show deliveries, as far as it is known.
    pub(super) fn tellers(&self) -> Arc<Tellers> {
        Arc::clone(&self.tellers)
    }

    /// See [`Lanes::time_lines`].
    pub(super) fn time_lines(&self) -> u64 {
        self.lanes.time_lines()
    }

    /// Forgets what was known of a log that has gone back since, or may have.
    fn look_back(&self, now: AsOf) {
        let before = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *seen, now)
        };
        if before == now {
            return;
        }
        self.sent().forget();
        if before.time_lines == now.time_lines {
            // What was shown may well be so.
            self.ephemeral.read_marks().doubt();
        } else {
            self.ephemeral.read_marks().forget();
        }
    }

    /// Stores what moves, and answers every read. Gives back the delivery cursors that could not be stored.
    pub(super) async fn store(self, user: UserId, gathered: Gathered) -> Delivered {
        let Gathered {
            time_lines,
            reads,
            delivered,
        } = gathered;
        // Before the other is asked: what is stored from here on is of this time line, or refused.
        let epoch = self.ephemeral.epoch(user);
        let as_of = self.lanes.as_of();
        self.look_back(as_of);
        if time_lines != as_of.time_lines {
            refuse_all(reads, &Refusal::Unavailable);
            return Delivered::new();
        }
        let delivered = self.unsent(user, epoch, delivered);
        let mut telling = self.telling(user, &delivered).await;
        let mut wanted: BTreeSet<ConversationId> = reads.iter().map(|read| read.conversation).collect();
        wanted.extend(&telling);
        let (reads, asked) = match self.recall(user, epoch, as_of, &wanted).await {
            Ok(asked) => (reads, asked),
            Err(error) => {
                tracing::debug!(error, "read positions could not be recalled");
                refuse_all(reads, &Refusal::Unavailable);
                telling.clear();
                (vec![], false)
            }
        };
        let unread = self.unread(user, epoch, &reads);
        let heads = match self.heads(unread.iter().chain(delivered.keys())).await {
            Ok(heads) => heads,
            Err(error) => {
                tracing::debug!(error, "cursors could not be compared with the log");
                refuse_all(reads, &Refusal::Unavailable);
                return delivered;
            }
        };
        let delivered = within(delivered, &heads);
        let (reads, moved) = self.place(reads, &unread, &heads).await;
        let moved = if planted::is("unread") {
            self.only_remember(user, epoch, moved)
        } else {
            moved
        };
        let moved = CursorsMoved {
            read: moved,
            delivered,
        };
        let known = self.known(user, epoch, &moved);
        let moved = moved.beyond(&known);
        let mut told = moved.delivered.clone();
        told.retain(|conversation, _| telling.contains(conversation));
        let read: BTreeSet<ConversationId> = reads.iter().map(|read| read.conversation).collect();
        let (mut accepted, mut behind) = (None, None);
        // A read that moves nothing may end that a conversation is marked as unread.
        if !moved.is_empty() || !read.is_empty() {
            let command = UserCommand::MoveCursors {
                moved: moved.clone(),
                known,
                read,
            };
            let submitted = self
                .lanes
                .submit_user(user, crate::clock::id(), command, Some(as_of));
            match submitted.await {
                Ok(answer) => {
                    accepted = (!moved.is_empty()).then_some(answer);
                    behind = Some(answer.position);
                }
                Err(refusal) => {
                    refuse_all(reads, &refusal);
                    let lost = time_lines != self.time_lines();
                    return if lost { Delivered::new() } else { moved.delivered };
                }
            }
        }
        let is_newest = match accepted {
            Some(accepted) => self.note(user, epoch, moved, accepted),
            None => asked,
        };
        let is_news = !reads.is_empty() || !told.is_empty();
        if is_news
            && !is_newest
            && let Err(error) = self.catch_up(user, epoch, as_of, &wanted).await
        {
            tracing::debug!(error, "the newest read positions could not be read");
            refuse_all(reads, &Refusal::Unavailable);
        } else {
            let shown = reads.iter();
            let shown = shown.filter(|read| read.seat.receipts != Receipts::default());
            let mut telling: BTreeSet<ConversationId> = shown.map(|read| read.conversation).collect();
            telling.extend(told.keys());
            let withheld = self.withheld(user, telling).await;
            self.answer(user, epoch, reads, told, behind, &withheld);
        }
        Delivered::new()
    }

    /// Takes reads for stored that are in no log.
    fn only_remember(
        &self,
        user: UserId,
        epoch: u32,
        moved: BTreeMap<ConversationId, Cursor>,
    ) -> BTreeMap<ConversationId, Cursor> {
        let position = Position { lane: 0, pos: 1 };
        for (conversation, Cursor { seq, .. }) in moved {
            let mark = ReadMark { seq, position, epoch };
            self.ephemeral.read_marks().raise(user, conversation, mark);
        }
        BTreeMap::new()
    }

    /// What is known of the cursors that are to be moved.
    fn known(&self, user: UserId, epoch: u32, moved: &CursorsMoved) -> CursorsMoved {
        let marks = self.ephemeral.read_marks();
        let cursor = |seq| Cursor { seq, msg_no: 0 };
        let read = moved.read.keys().filter_map(|conversation| {
            let mark = marks.known(user, *conversation, epoch)?;
            Some((*conversation, cursor(mark.seq)))
        });
        let mut sent = self.sent();
        let delivered = moved.delivered.keys().filter_map(|conversation| {
            let seq = sent.known(user, epoch, *conversation)?;
            Some((*conversation, cursor(seq)))
        });
        CursorsMoved {
            read: read.collect(),
            delivered: delivered.collect(),
        }
    }

    /// Remembers what is durable now. Returns whether nothing can have moved the user's read positions in between unheard.
    fn note(&self, user: UserId, epoch: u32, moved: CursorsMoved, accepted: Accepted) -> bool {
        let delivered = moved.delivered.iter();
        let delivered = delivered.map(|(conversation, cursor)| (*conversation, cursor.seq));
        self.sent().remember(user, epoch, delivered);
        let (seq, position) = (accepted.seq, accepted.position);
        let marks = moved.read.into_iter();
        let marks = marks.map(|(conversation, cursor)| {
            let mark = ReadMark {
                seq: cursor.seq,
                position,
                epoch,
            };
            (conversation, mark)
        });
        let marks: Vec<_> = marks.collect();
        let behind = seq.saturating_sub(1);
        self.ephemeral
            .read_marks()
            .follow(user, epoch, behind..=seq, &marks)
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
