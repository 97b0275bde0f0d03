//! Read positions and delivery cursors: gathered for a short while, then one event on the user's stream.
//!
//! A read is acked when the log says so. One that moves nothing is acked from what is known, and appends nothing.

mod gatherer;
mod gathering;
mod sent;
mod store;

use crate::fanout::Ephemeral;
use crate::lanes::{Lanes, Reply, Seat};
use crate::lifecycle::Lifecycle;
use crate::outcome::Refusal;
use gatherer::Gatherer;
use gathering::Delivered;
use std::sync::Arc;
use std::time::Duration;
use store::{Store, Tellers};
use tidings_domain::{ConversationId, UserId};
use tidings_eventlog::{Log, Pool};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Moves that may wait to be gathered. Senders wait when it is full.
const QUEUE: usize = 4096;

/// A read that waits for its answer.
pub struct Read {
    pub conversation: ConversationId,
    pub seq: u64,
    pub seat: Seat,
    /// Gets the answer once it is durable: how far the user has read.
    pub reply: Reply,
}

enum Move {
    Read(UserId, TimeLines, Read),
    Delivered(UserId, TimeLines, Delivered),
    Flush(oneshot::Sender<()>),
    Settle(UserId, oneshot::Sender<()>),
}

/// Answers reads of which nothing is stored.
fn refuse_all(reads: Vec<Read>, refusal: &Refusal) {
    for read in reads {
        (read.reply)(Err(refusal.clone()));
    }
}

/// How often the log had gone back when a connection began, see [`Hub::time_lines`](crate::delivery::Hub::time_lines): the seqs
/// that it knows name other events once that number is another.
type TimeLines = u64;

/// Handle to the gatherer. Cheap to clone.
#[derive(Clone)]
pub struct Cursors {
    moves: mpsc::Sender<Move>,
    tellers: Arc<Tellers>,
    ephemeral: Ephemeral,
}

impl Cursors {
    /// Starts the gatherer; moves wait at most `gather` for others of the same user. Of the sessions for `tables`, which are asked what was read
    /// before and who is shown it, a quarter is taken at most.
    pub fn start(
        lifecycle: &Lifecycle,
        log: &Log,
        tables: &Pool,
        lanes: &Lanes,
        ephemeral: &Ephemeral,
        gather: Duration,
    ) -> Self {
        let (moves, receiver) = mpsc::channel(QUEUE);
        let models = tables.portion(tables.max_size() / 4);
        let store = Store::new(log.clone(), models, lanes.clone(), ephemeral.clone());
        let tellers = store.tellers();
        let stop = lifecycle.stopping();
        let gatherer = Gatherer::new(store, gather);
        lifecycle.spawn_for_life("cursors", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = gatherer.run(receiver) => {}
            }
        });
        Self {
            moves,
            tellers,
            ephemeral: ephemeral.clone(),
        }
    }

    /// Whether a conversation may show its members how far the others have been sent it. Of one that is not known here that may be so:
    /// it is known as soon as some delivery cursor of it is stored.
    pub fn shows_deliveries(&self, conversation: Uuid) -> bool {
        self.tellers.known(ConversationId(conversation)) != Some(false)
    }

    /// A message of the user's stands at this seq of the main timeline, so they have read up to there. Where members may know how far they have been
    /// sent it, which is told of each message, that is told with it. Elsewhere nothing would be told for long, so nothing is noted. Does not block.
    pub fn said(&self, user: UserId, conversation: ConversationId, seq: u64) {
        if self.shows_deliveries(conversation.0) {
            self.ephemeral.said(user, conversation, seq);
        }
    }

    /// Moves a member's read position.
    pub async fn read(&self, user: UserId, time_lines: TimeLines, read: Read) {
        if let Err(mpsc::error::SendError(Move::Read(_, _, read))) =
            self.moves.send(Move::Read(user, time_lines, read)).await
        {
            (read.reply)(Err(Refusal::Unavailable));
        }
    }

    /// Moves the delivery cursors of a user. They are kept, and tried again, while the log does not take them.
    ///
    /// # Errors
    /// Gives them back when there is no room for them now.
    pub fn delivered(
        &self,
        user: UserId,
        time_lines: TimeLines,
        cursors: Delivered,
    ) -> Result<(), Delivered> {
        match self.moves.try_send(Move::Delivered(user, time_lines, cursors)) {
            Err(TrySendError::Full(Move::Delivered(_, _, cursors))) => Err(cursors),
            // When the node has stopped already, a later device is sent the same events once more.
            _ => Ok(()),
        }
    }

    /// The same for somebody who cannot come again: waits for room.
    pub async fn delivered_last(&self, user: UserId, time_lines: TimeLines, cursors: Delivered) {
        // When the node has stopped already, a later device is sent the same events once more.
        let _ = self.moves.send(Move::Delivered(user, time_lines, cursors)).await;
    }

    /// Stores what was gathered of a user so far, without waiting for more.
    pub async fn settle(&self, user: UserId) {
        let (done, waiting) = oneshot::channel();
        if self.moves.send(Move::Settle(user, done)).await.is_ok() {
            // An error means that the gatherer has ended.
            let _ = waiting.await;
        }
    }

    /// Stores everything gathered so far.
    pub async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.moves.send(Move::Flush(done)).await.is_ok() {
            // An error means that the gatherer has ended.
            let _ = waiting.await;
        }
    }
}
