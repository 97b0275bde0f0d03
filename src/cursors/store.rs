//! One user's gathered moves: what they move, as one event, and the answers.

use super::gathering::{Delivered, Gathered};
use super::sent::Sent;
use super::{Read, refuse_all};
use crate::delivery::Audience;
use crate::fanout::{Ephemeral, ReadMark};
use crate::lanes::Lanes;
use crate::outcome::{Accepted, Refusal};
use crate::planted;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tidings_domain::stored::{self, Kind};
use tidings_domain::user::UserCommand;
use tidings_domain::{
    ConversationId, Cursor, Event, Field, Rejection, UserEvent, UserId, event::CursorsMoved,
};
use tidings_eventlog::{Log, Position};
use tidings_projections::read_seqs;
use uuid::Uuid;

/// Conversations with more members show no read receipts to others: each would reach them all.
const RECEIPT_MEMBERS_MAX: usize = 100;
/// Moves of a user that read models may not have folded yet, at about one a second.
const NEWEST_MOVES: usize = 200;

#[derive(Clone)]
pub(super) struct Store {
    log: Log,
    lanes: Lanes,
    ephemeral: Ephemeral,
    /// How far the log is known to say that users have been sent conversations.
    sent: Arc<Mutex<Sent>>,
    /// How often the log had gone back when this was last looked at.
    seen: Arc<AtomicU64>,
}

impl Store {
    pub(super) fn new(log: Log, lanes: Lanes, ephemeral: Ephemeral) -> Self {
        Self {
            log,
            lanes,
            ephemeral,
            sent: Arc::new(Mutex::new(Sent::new())),
            seen: Arc::default(),
        }
    }

    /// See [`Lanes::time_lines`].
    pub(super) fn time_lines(&self) -> u64 {
        self.lanes.time_lines()
    }

    /// Forgets what was known of a log that has gone back since.
    fn look_back(&self) {
        let now = self.time_lines();
        if self.seen.swap(now, Ordering::AcqRel) != now {
            self.ephemeral.read_marks().forget();
            self.sent().forget();
        }
    }

    /// Stores what moves, and answers every read. Gives back the delivery cursors that could not be stored.
    pub(super) async fn store(self, user: UserId, gathered: Gathered) -> Delivered {
        let Gathered {
            time_lines,
            reads,
            delivered,
        } = gathered;
        self.look_back();
        // Before the other is asked: what is stored from here on is of this time line, or refused.
        let epoch = self.ephemeral.epoch(user);
        let as_of = self.lanes.as_of();
        if time_lines != as_of.time_lines {
            refuse_all(reads, &Refusal::Unavailable);
            return Delivered::new();
        }
        let reads = self.recalled(user, epoch, reads).await;
        let unread = self.unread(user, epoch, &reads);
        let delivered = self.unsent(user, epoch, delivered);
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
        let mut accepted = None;
        if !moved.is_empty() {
            let command = UserCommand::MoveCursors {
                moved: moved.clone(),
                known,
            };
            let submitted = self.lanes.submit_user(user, crate::clock::id(), command, Some(as_of));
            match submitted.await {
                Ok(answer) => accepted = Some(answer),
                Err(refusal) => {
                    refuse_all(reads, &refusal);
                    let lost = time_lines != self.time_lines();
                    return if lost { Delivered::new() } else { moved.delivered };
                }
            }
        }
        self.note(user, epoch, moved, accepted.as_ref());
        self.answer(user, epoch, reads);
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

    /// The reads, where it is known or can be found out how far the user has read already. Refuses them otherwise.
    async fn recalled(&self, user: UserId, epoch: u32, reads: Vec<Read>) -> Vec<Read> {
        let wanted: BTreeSet<ConversationId> = reads.iter().map(|read| read.conversation).collect();
        match self.recall(user, epoch, &wanted).await {
            Ok(()) => reads,
            Err(error) => {
                tracing::debug!(error, "read positions could not be recalled");
                refuse_all(reads, &Refusal::Unavailable);
                vec![]
            }
        }
    }

    /// The conversations of which more is read than is known to be.
    fn unread(&self, user: UserId, epoch: u32, reads: &[Read]) -> BTreeSet<ConversationId> {
        let marks = self.ephemeral.read_marks();
        let is_new = |read: &&Read| {
            let known = marks.known(user, read.conversation, epoch);
            known.is_none_or(|known| read.seq > known.seq)
        };
        reads
            .iter()
            .filter(is_new)
            .map(|read| read.conversation)
            .collect()
    }

    /// The delivery cursors that the log is not known to have.
    fn unsent(&self, user: UserId, epoch: u32, mut delivered: Delivered) -> Delivered {
        let mut sent = self.sent();
        delivered.retain(|conversation, cursor| {
            let known = sent.known(user, epoch, *conversation);
            known.is_none_or(|known| cursor.seq > known)
        });
        delivered
    }

    /// How far conversations reach, as the log itself says: 0 where there is none.
    async fn heads(
        &self,
        conversations: impl Iterator<Item = &ConversationId>,
    ) -> Result<BTreeMap<ConversationId, u64>, String> {
        let conversations: BTreeSet<ConversationId> = conversations.copied().collect();
        if conversations.is_empty() {
            return Ok(BTreeMap::new());
        }
        let streams: Vec<Uuid> = conversations.iter().map(|conversation| conversation.0).collect();
        let heads = self.log.stream_heads(&streams).await;
        let heads = heads.map_err(|error| error.to_string())?;
        let seqs = heads.into_iter().map(|head| head.map_or(0, |head| head.seq));
        Ok(conversations.into_iter().zip(seqs).collect())
    }

    /// Finds what was asked to be read. Refuses what is not there; gives the others, and for each conversation the
    /// furthest of them that is not known to be read.
    async fn place(
        &self,
        reads: Vec<Read>,
        unread: &BTreeSet<ConversationId>,
        heads: &BTreeMap<ConversationId, u64>,
    ) -> (Vec<Read>, BTreeMap<ConversationId, Cursor>) {
        let mut furthest: BTreeMap<ConversationId, u64> = BTreeMap::new();
        let mut good = Vec::with_capacity(reads.len());
        for read in reads {
            if !unread.contains(&read.conversation) {
                good.push(read);
                continue;
            }
            let head = heads.get(&read.conversation).copied().unwrap_or(0);
            if read.seq == 0 || read.seq > head {
                let nothing = Rejection::invalid(Field::Seq, "the conversation has no such event");
                (read.reply)(Err(nothing.into()));
                continue;
            }
            let seq = furthest.entry(read.conversation).or_default();
            *seq = (*seq).max(read.seq);
            good.push(read);
        }
        if furthest.is_empty() {
            return (good, BTreeMap::new());
        }
        let places: Vec<(Uuid, u64)> = furthest
            .iter()
            .map(|(conversation, seq)| (conversation.0, *seq))
            .collect();
        let msg_nos = match self.log.msg_nos(&places).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "reads could not be placed");
                refuse_all(good, &Refusal::Unavailable);
                return (vec![], BTreeMap::new());
            }
        };
        let cursors = furthest
            .into_iter()
            .zip(msg_nos)
            .filter_map(|((conversation, seq), msg_no)| {
                msg_no.map(|msg_no| (conversation, Cursor { seq, msg_no }))
            });
        (good, cursors.collect())
    }

    /// Reads how far the user has read where that is not known: from the read model, and from the newest moves in the log,
    /// which it may not have folded yet.
    async fn recall(
        &self,
        user: UserId,
        epoch: u32,
        wanted: &BTreeSet<ConversationId>,
    ) -> Result<(), String> {
        let marks = self.ephemeral.read_marks();
        let unknown: Vec<ConversationId> = wanted
            .iter()
            .copied()
            .filter(|conversation| marks.known(user, *conversation, epoch).is_none())
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let streams: Vec<Uuid> = unknown.iter().map(|conversation| conversation.0).collect();
        let folded = read_seqs(self.log.pool(), user.0, &streams)
            .await
            .map_err(|error| error.to_string())?;
        let newest = self
            .log
            .newest(user.0, Kind::CURSORS_MOVED.0, NEWEST_MOVES)
            .await
            .map_err(|error| error.to_string())?;
        // Whatever the read model has of this user's own moves, it has by the newest of them.
        let position = Position {
            lane: user.lane(),
            pos: newest.first().map_or(1, |recorded| recorded.pos),
        };
        let mut seqs: BTreeMap<ConversationId, u64> = unknown
            .into_iter()
            .zip(folded.into_iter().map(Option::unwrap_or_default))
            .collect();
        for recorded in &newest {
            // One of a later version says nothing to this one.
            if let Ok(Event::User(UserEvent::CursorsMoved(moved))) =
                stored::decode(recorded.kind, recorded.ver, &recorded.payload)
            {
                for (conversation, cursor) in moved.read {
                    if let Some(seq) = seqs.get_mut(&conversation) {
                        *seq = (*seq).max(cursor.seq);
                    }
                }
            }
        }
        for (conversation, seq) in seqs {
            marks.raise(user, conversation, ReadMark { seq, position, epoch });
        }
        Ok(())
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

    /// Remembers what is durable now.
    fn note(&self, user: UserId, epoch: u32, moved: CursorsMoved, accepted: Option<&Accepted>) {
        let Some(accepted) = accepted else { return };
        for (conversation, cursor) in moved.read {
            let mark = ReadMark {
                seq: cursor.seq,
                position: accepted.position,
                epoch,
            };
            self.ephemeral.read_marks().raise(user, conversation, mark);
        }
        let delivered = moved.delivered.into_iter();
        let delivered = delivered.map(|(conversation, cursor)| (conversation, cursor.seq));
        self.sent().remember(user, epoch, delivered);
    }

    /// Acks reads with how far the user has read, and shows that.
    fn answer(&self, user: UserId, epoch: u32, reads: Vec<Read>) {
        let at = crate::clock::now();
        let mut shown = BTreeMap::new();
        for read in reads {
            let Some(mark) = self.ephemeral.read_marks().known(user, read.conversation, epoch) else {
                // So many are remembered that this one was forgotten at once; the next try finds it in the log.
                (read.reply)(Err(Refusal::Overloaded));
                continue;
            };
            shown.insert(read.conversation, (mark, read.seat.members));
            (read.reply)(Ok(Accepted {
                stream: read.conversation.0,
                seq: mark.seq,
                position: mark.position,
                at,
                duplicate: false,
            }));
        }
        for (conversation, (mark, members)) in shown {
            let audience = if members <= RECEIPT_MEMBERS_MAX {
                Audience::All
            } else {
                Audience::User(user)
            };
            self.ephemeral.receipt(user, conversation, mark, audience);
        }
    }

    fn sent(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The delivery cursors that conversations reach. What lies beyond was sent of a log that has gone back since: kept, it would hide from
/// later devices what comes to stand there.
fn within(mut delivered: Delivered, heads: &BTreeMap<ConversationId, u64>) -> Delivered {
    delivered.retain(|conversation, cursor| {
        let is_there = heads.get(conversation).is_some_and(|head| cursor.seq <= *head);
        if !is_there {
            tracing::warn!(%conversation, seq = cursor.seq, "a delivery cursor lies beyond what the log has");
        }
        is_there
    });
    delivered
}
