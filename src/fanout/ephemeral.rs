//! Typing and receipts: shown here at once, and to other nodes through short Redis streams. They may be lost.

use super::read_marks::{ReadMark, ReadMarks};
use super::{FanoutConfig, connection};
use crate::delivery::{Audience, Hub};
use crate::lifecycle::Lifecycle;
use crate::planted;
use crate::wire;
use bytes::Bytes;
use redis::streams::{StreamId, StreamMaxlen, StreamReadOptions, StreamReadReply};
use redis::{AsyncTypedCommands, Client};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::{ConversationId, UserId};
use tidings_eventlog::Position;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Entries kept in each stream, about.
const KEEP: usize = 1000;
const QUEUE: usize = 1024;
/// Typing leaves this many places in the queue to receipts.
const RESERVED: usize = 512;
/// More than any frame of ours has.
const FRAME_MAX: usize = 1024;
const PAUSE: Duration = Duration::from_secs(1);
/// About as long as clients show that somebody types. What waited longer for Redis would be shown when it is over.
const TYPING_FOR: Duration = Duration::from_secs(5);

/// Names of the streams. Typing has its own, so that it cannot wash receipts out.
#[derive(Clone)]
pub(super) struct EphemeralKeys {
    pub(super) receipts: String,
    pub(super) typing: String,
}

/// What goes to other nodes.
enum Passing {
    Receipt {
        user: UserId,
        conversation: Uuid,
        mark: ReadMark,
        /// What was shown, which may be more than the mark.
        read: u64,
        delivered: Option<u64>,
        audience: Audience,
        frame: Bytes,
    },
    Typing {
        user: UserId,
        conversation: Uuid,
        audience: Audience,
        frame: Bytes,
        since: Instant,
    },
}

impl Passing {
    fn is_over(&self) -> bool {
        matches!(self, Self::Typing { since, .. } if since.elapsed() > TYPING_FOR)
    }

    fn audience(&self) -> &Audience {
        match self {
            Self::Receipt { audience, .. } | Self::Typing { audience, .. } => audience,
        }
    }
}

/// Sends ephemeral frames to everybody who sees a conversation. Cheap to clone.
#[derive(Clone)]
pub struct Ephemeral {
    hub: Hub,
    queue: mpsc::Sender<Passing>,
    marks: Arc<ReadMarks>,
}

impl Ephemeral {
    pub(super) fn start(
        lifecycle: &Lifecycle,
        keys: EphemeralKeys,
        hub: Hub,
        client: Client,
        config: FanoutConfig,
    ) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let node = Uuid::new_v4().simple().to_string();
        let stop = lifecycle.stopping();
        let writer = write(
            keys.clone(),
            node.clone(),
            client.clone(),
            config.clone(),
            receiver,
            stop.clone(),
        );
        lifecycle.spawn_for_life("ephemeral writer", writer);
        let marks = Arc::new(ReadMarks::new());
        let others = Others {
            node,
            hub: hub.clone(),
            queue: queue.clone(),
            marks: Arc::clone(&marks),
        };
        lifecycle.spawn_for_life("ephemeral reader", read(keys, others, client, config, stop));
        Self { hub, queue, marks }
    }

    /// What receipts have said, here and on other nodes.
    pub fn read_marks(&self) -> &ReadMarks {
        &self.marks
    }

    /// The time line that this node knows of the user's lane.
    pub fn epoch(&self, user: UserId) -> u32 {
        self.hub.at(user.lane()).epoch
    }

    /// A message of the user's stands at this seq of the main timeline: what is shown of them next says that they have read up to there.
    pub fn said(&self, user: UserId, conversation: ConversationId, seq: u64) {
        self.marks.said(user, conversation, self.epoch(user), seq);
    }

    /// Shows how far `user` has read, and has been sent where that may be known, to those of its audience who see `conversation`,
    /// unless they were shown as much.
    pub fn receipt(
        &self,
        user: UserId,
        conversation: ConversationId,
        mark: ReadMark,
        delivered: Option<u64>,
        audience: Audience,
    ) {
        if mark.epoch != self.epoch(user) {
            return;
        }
        self.marks.show(user, conversation, mark, delivered, |shown| {
            let seq = shown.read ^ u64::from(planted::is("receipt-back"));
            let frame = wire::receipt(conversation, user, seq, shown.delivered);
            self.hub.receipt(conversation.0, audience.clone(), frame.clone());
            // Ephemeral: when Redis is slow or away, other nodes do not show it.
            let _ = self.queue.try_send(Passing::Receipt {
                user,
                conversation: conversation.0,
                mark,
                read: shown.read,
                delivered: shown.delivered,
                audience,
                frame,
            });
        });
    }

    /// Shows those of the audience who see `conversation` that `user` types on `connection`, if that may.
    pub fn typing(
        &self,
        user: UserId,
        conversation: ConversationId,
        connection: u64,
        on: bool,
        audience: Audience,
    ) {
        let frame = wire::typing(conversation, user, on);
        let (queue, passed, to) = (self.queue.clone(), frame.clone(), audience.clone());
        let onward = Box::new(move || {
            if queue.capacity() > RESERVED {
                let _ = queue.try_send(Passing::Typing {
                    user,
                    conversation: conversation.0,
                    audience: to,
                    frame: passed,
                    since: Instant::now(),
                });
            }
        });
        self.hub
            .typing(conversation.0, Some(connection), audience, frame, onward);
    }
}

async fn write(
    keys: EphemeralKeys,
    node: String,
    client: Client,
    config: FanoutConfig,
    mut queue: mpsc::Receiver<Passing>,
    stop: CancellationToken,
) {
    let mut connection = None;
    loop {
        let passing = tokio::select! {
            () = stop.cancelled() => return,
            next = queue.recv() => match next { Some(next) => next, None => return },
        };
        if passing.is_over() {
            continue;
        }
        if connection.is_none() {
            connection = connection::connect(&client, config.timeout).await.ok();
        }
        let Some(open) = connection.as_mut() else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let mut fields: Vec<(&str, &[u8])> = vec![("n", node.as_bytes())];
        let (seq, read_seq, position, epoch, delivered_seq, but);
        let key = match &passing {
            Passing::Typing {
                user,
                conversation,
                frame,
                ..
            } => {
                fields.extend([
                    ("c", conversation.as_bytes().as_slice()),
                    ("f", frame),
                    ("u", user.0.as_bytes()),
                ]);
                &keys.typing
            }
            Passing::Receipt {
                user,
                conversation,
                mark,
                read,
                delivered,
                frame,
                ..
            } => {
                (seq, position) = (mark.seq.to_string(), mark.position.to_string());
                read_seq = read.to_string();
                epoch = mark.epoch.to_string();
                fields.extend([
                    ("c", conversation.as_bytes().as_slice()),
                    ("f", frame),
                    ("u", user.0.as_bytes()),
                    ("s", seq.as_bytes()),
                    ("r", read_seq.as_bytes()),
                    ("p", position.as_bytes()),
                    ("e", epoch.as_bytes()),
                ]);
                if let Some(delivered) = delivered {
                    delivered_seq = delivered.to_string();
                    fields.push(("d", delivered_seq.as_bytes()));
                }
                &keys.receipts
            }
        };
        match passing.audience() {
            Audience::All => {}
            Audience::AllBut(users) => {
                but = users
                    .iter()
                    .flat_map(|user| *user.0.as_bytes())
                    .collect::<Vec<u8>>();
                fields.push(("but", &but));
            }
            Audience::User(_) => fields.push(("own", b"1")),
        }
        let added = open
            .xadd_maxlen(key, StreamMaxlen::Approx(KEEP), "*", &fields)
            .await;
        if added.is_err() {
            connection = None;
        }
    }
}

/// What is shown of other nodes.
struct Others {
    /// This node, whose own entries are shown already.
    node: String,
    hub: Hub,
    /// To the others, of what they do not know.
    queue: mpsc::Sender<Passing>,
    marks: Arc<ReadMarks>,
}

async fn read(
    keys: EphemeralKeys,
    others: Others,
    client: Client,
    config: FanoutConfig,
    stop: CancellationToken,
) {
    let options = StreamReadOptions::default().block(1000).count(256);
    let timeout = config.timeout.max(Duration::from_secs(3));
    let names = [keys.receipts.as_str(), keys.typing.as_str()];
    loop {
        let reading = async {
            let mut connection = connection::connect(&client, timeout).await?;
            // From the ends as they are now: `$` would mean a later end with each reading.
            let mut from = [String::new(), String::new()];
            for (name, from) in names.iter().zip(&mut from) {
                let newest = connection.xrevrange_count(name, "+", "-", 1).await?;
                *from = newest
                    .ids
                    .into_iter()
                    .next()
                    .map_or_else(|| "0".to_owned(), |entry| entry.id);
            }
            loop {
                let reply: Option<StreamReadReply> =
                    connection.xread_options(&names, &from, &options).await?;
                for stream in reply.into_iter().flat_map(|reply| reply.keys) {
                    let is_typing = stream.key == keys.typing;
                    for entry in stream.ids {
                        others.show(is_typing, &entry);
                        from[usize::from(is_typing)] = entry.id;
                    }
                }
            }
        };
        let ended: redis::RedisResult<()> = tokio::select! {
            () = stop.cancelled() => return,
            ended = reading => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(kind = ?error.kind(), "ephemeral reader lost Redis");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

impl Others {
    /// Shows what another node has sent. Entries of other versions may hold anything.
    fn show(&self, is_typing: bool, entry: &StreamId) -> Option<()> {
        let field = |name| match entry.map.get(name) {
            Some(redis::Value::BulkString(bytes)) => Some(bytes.as_slice()),
            _ => None,
        };
        let id = |name| field(name).and_then(|bytes| Uuid::from_slice(bytes).ok());
        let text = |name| field(name).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let (sender, conversation, frame) = (field("n")?, id("c")?, field("f")?);
        if sender == self.node.as_bytes() || frame.len() > FRAME_MAX {
            return None;
        }
        // Typing of an earlier version does not say whose it is, and is for all.
        let user = id("u").map(UserId);
        let audience = if field("own").is_some() {
            Audience::User(user?)
        } else if let Some(but) = field("but") {
            let users = but.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok());
            Audience::AllBut(users.map(UserId).collect())
        } else {
            Audience::All
        };
        if is_typing {
            let frame = Bytes::copy_from_slice(frame);
            self.hub
                .typing(conversation, None, audience, frame, Box::new(|| {}));
            return Some(());
        }
        let user = user?;
        let mark = ReadMark {
            seq: text("s")?.parse().ok()?,
            position: position(text("p")?)?,
            epoch: text("e")?.parse().ok()?,
        };
        // It was durable before it was sent.
        self.marks.raise(user, ConversationId(conversation), mark);
        // One of an earlier version does not say.
        let delivered = match text("d") {
            Some(delivered) => Some(delivered.parse().ok()?),
            None => None,
        };
        if mark.epoch == self.hub.at(user.lane()).epoch {
            let place = ConversationId(conversation);
            // Nor what was read by a message of the user's own.
            let seq = text("r").map_or(Some(mark.seq), |read| read.parse().ok())?;
            let told = ReadMark { seq, ..mark };
            self.marks.show(user, place, told, delivered, |shown| {
                // What was shown here before may say more than the other node knew.
                let frame = wire::receipt(place, user, shown.read, shown.delivered);
                self.hub.receipt(conversation, audience.clone(), frame.clone());
                // An answer is known where it was sent from alone, and comes to be shown by whichever device has it first.
                if shown.answered {
                    let _ = self.queue.try_send(Passing::Receipt {
                        user,
                        conversation,
                        mark,
                        read: shown.read,
                        delivered: shown.delivered,
                        audience,
                        frame,
                    });
                }
            });
        }
        Some(())
    }
}

/// A position as it is shown.
fn position(text: &str) -> Option<Position> {
    let (lane, pos) = text.split_once(':')?;
    Some(Position {
        lane: lane.parse().ok()?,
        pos: pos.parse().ok()?,
    })
}
