//! Read positions and delivery cursors: gathered for a short while, then one event on the user's stream.
//!
//! A read is acked when that event is durable. Reading the same place again is answered from memory where it is known
//! to be durable.

use crate::fanout::Ephemeral;
use crate::hub::Audience;
use crate::lanes::{Accepted, Lanes, Refusal, Seat};
use crate::lifecycle::Lifecycle;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;
use tidings_domain::user::UserCommand;
use tidings_domain::{ConversationId, Cursor, UserId, event::CursorsMoved};
use tidings_eventlog::Log;
use tidings_protocol::{Ack, ErrorCode, ErrorFrame, Position, Receipt, ServerFrame};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// Conversations with more members show no read receipts: each would reach them all.
const RECEIPT_MEMBERS_MAX: usize = 100;
/// Moves that may wait to be gathered. Senders wait when it is full.
const QUEUE: usize = 4096;
/// Users whose cursors are stored at the same time.
const IN_FLIGHT: usize = 256;

/// What is called with the answer to a read.
pub type ReadReply = Box<dyn FnOnce(ServerFrame) + Send>;

enum Move {
    Read {
        user: UserId,
        conversation: ConversationId,
        seq: u64,
        seat: Seat,
        id: Uuid,
        reply: ReadReply,
    },
    Delivered {
        user: UserId,
        cursors: BTreeMap<ConversationId, Cursor>,
    },
    Flush(oneshot::Sender<()>),
}

/// Handle to the gatherer. Cheap to clone.
#[derive(Clone)]
pub struct Cursors {
    moves: mpsc::Sender<Move>,
}

struct Read {
    conversation: ConversationId,
    seq: u64,
    seat: Seat,
    id: Uuid,
    reply: ReadReply,
}

struct Gathered {
    reads: Vec<Read>,
    delivered: BTreeMap<ConversationId, Cursor>,
}

impl Cursors {
    /// Starts the gatherer; moves wait at most `gather` for others of the same user.
    pub fn start(
        lifecycle: &Lifecycle,
        log: &Log,
        lanes: &Lanes,
        ephemeral: &Ephemeral,
        gather: Duration,
    ) -> Self {
        let (moves, receiver) = mpsc::channel(QUEUE);
        let store = Store {
            log: log.clone(),
            lanes: lanes.clone(),
            ephemeral: ephemeral.clone(),
        };
        let stop = lifecycle.hard_stop();
        lifecycle.spawn_last("cursors", async move {
            let gatherer = Gatherer {
                store,
                gather,
                users: HashMap::new(),
                order: VecDeque::new(),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = gatherer.run(receiver) => {}
            }
        });
        Self { moves }
    }

    /// Moves a member's read position. `reply` gets the ack once it is durable.
    pub async fn read(
        &self,
        user: UserId,
        conversation: ConversationId,
        seq: u64,
        seat: Seat,
        id: Uuid,
        reply: ReadReply,
    ) {
        let wanted = Move::Read {
            user,
            conversation,
            seq,
            seat,
            id,
            reply,
        };
        if let Err(mpsc::error::SendError(Move::Read { reply, .. })) = self.moves.send(wanted).await {
            let refusal = ErrorFrame::new(Some(id), ErrorCode::Unavailable, "this node is going away");
            reply(ServerFrame::Error(refusal.with_retry_after_ms(1000)));
        }
    }

    /// Moves the delivery cursors of a user.
    pub async fn delivered(&self, user: UserId, cursors: BTreeMap<ConversationId, Cursor>) {
        // When the node has stopped already, a later device is sent the same events once more.
        let _ = self.moves.send(Move::Delivered { user, cursors }).await;
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

struct Gatherer {
    store: Store,
    gather: Duration,
    users: HashMap<UserId, Gathered>,
    /// When each user's moves are due. All wait equally long, so the order of arrival is the order of dues.
    order: VecDeque<(Instant, UserId)>,
}

impl Gatherer {
    async fn run(mut self, mut moves: mpsc::Receiver<Move>) {
        let mut storing = JoinSet::new();
        loop {
            let next_due = self.order.front().map(|(due, _)| *due);
            tokio::select! {
                next = moves.recv() => match next {
                    None => return,
                    Some(Move::Flush(done)) => {
                        self.store_due(&mut storing, None).await;
                        while storing.join_next().await.is_some() {}
                        // Nobody may wait any more.
                        let _ = done.send(());
                    }
                    Some(moved) => self.take(moved),
                },
                () = tokio::time::sleep_until(next_due.unwrap_or_else(Instant::now)), if next_due.is_some() => {
                    self.store_due(&mut storing, Some(Instant::now())).await;
                }
                Some(_) = storing.join_next(), if !storing.is_empty() => {}
            }
        }
    }

    fn take(&mut self, moved: Move) {
        match moved {
            Move::Read {
                user,
                conversation,
                seq,
                seat,
                id,
                reply,
            } => {
                self.gathered(user).reads.push(Read {
                    conversation,
                    seq,
                    seat,
                    id,
                    reply,
                });
            }
            Move::Delivered { user, cursors } => {
                let gathered = self.gathered(user);
                for (conversation, cursor) in cursors {
                    let known = gathered.delivered.entry(conversation).or_insert(cursor);
                    *known = (*known).max(cursor);
                }
            }
            Move::Flush(_) => {}
        }
    }

    fn gathered(&mut self, user: UserId) -> &mut Gathered {
        self.users.entry(user).or_insert_with(|| {
            self.order.push_back((Instant::now() + self.gather, user));
            Gathered {
                reads: vec![],
                delivered: BTreeMap::new(),
            }
        })
    }

    /// Stores what is due by `now`, or everything.
    async fn store_due(&mut self, storing: &mut JoinSet<()>, now: Option<Instant>) {
        while let Some((due, user)) = self.order.front().copied() {
            if now.is_some_and(|now| due > now) {
                return;
            }
            self.order.pop_front();
            if let Some(gathered) = self.users.remove(&user) {
                while storing.len() >= IN_FLIGHT {
                    storing.join_next().await;
                }
                storing.spawn(self.store.clone().store(user, gathered));
            }
        }
    }
}

#[derive(Clone)]
struct Store {
    log: Log,
    lanes: Lanes,
    ephemeral: Ephemeral,
}

impl Store {
    async fn store(self, user: UserId, gathered: Gathered) {
        let Gathered { reads, delivered, .. } = gathered;
        let places: Vec<(Uuid, u64)> = reads.iter().map(|read| (read.conversation.0, read.seq)).collect();
        let msg_nos = match self.log.msg_nos(&places).await {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "reads could not be placed");
                return refuse_all(reads, &Refusal::Unavailable);
            }
        };
        let mut moved = CursorsMoved {
            read: BTreeMap::new(),
            delivered,
        };
        let mut good = Vec::with_capacity(reads.len());
        for (read, msg_no) in reads.into_iter().zip(msg_nos) {
            let Some(msg_no) = msg_no else {
                let refusal = ErrorFrame::new(
                    Some(read.id),
                    ErrorCode::InvalidArgument,
                    "the conversation has no such event",
                );
                (read.reply)(ServerFrame::Error(refusal.with_field("seq")));
                continue;
            };
            let cursor = Cursor {
                seq: read.seq,
                msg_no,
            };
            let furthest = moved.read.entry(read.conversation).or_insert(cursor);
            *furthest = (*furthest).max(cursor);
            good.push(read);
        }
        if moved.read.is_empty() && moved.delivered.is_empty() {
            return;
        }
        let furthest = moved.read.clone();
        match self
            .lanes
            .submit_user(user, Uuid::now_v7(), UserCommand::MoveCursors(moved))
            .await
        {
            Ok(accepted) => self.answer(user, good, &furthest, &accepted),
            Err(refusal) => refuse_all(good, &refusal),
        }
    }

    fn answer(
        &self,
        user: UserId,
        reads: Vec<Read>,
        furthest: &BTreeMap<ConversationId, Cursor>,
        accepted: &Accepted,
    ) {
        let mut shown = HashMap::new();
        for read in reads {
            if read.seat.members <= RECEIPT_MEMBERS_MAX
                && let Some(cursor) = furthest.get(&read.conversation)
            {
                shown.insert(read.conversation, cursor.seq);
            }
            (read.reply)(ServerFrame::Ack(Ack {
                id: read.id,
                conversation: read.conversation.0,
                seq: read.seq,
                position: Position {
                    lane: u16::from(accepted.position.lane),
                    pos: accepted.position.pos,
                },
                at: accepted.at.into(),
                duplicate: false,
            }));
        }
        for (conversation, read_seq) in shown {
            let receipt = Receipt {
                conversation: conversation.0,
                user: user.0,
                read_seq,
            };
            let frame = Bytes::from(ServerFrame::Receipt(receipt).encode());
            self.ephemeral.receipt(conversation.0, Audience::All, frame);
        }
    }
}

fn refuse_all(reads: Vec<Read>, refusal: &Refusal) {
    for read in reads {
        let frame = match refusal {
            Refusal::Overloaded => ErrorFrame::new(Some(read.id), ErrorCode::Overloaded, refusal.to_string()),
            _ => ErrorFrame::new(Some(read.id), ErrorCode::Unavailable, refusal.to_string()),
        };
        (read.reply)(ServerFrame::Error(frame.with_retry_after_ms(500)));
    }
}
