//! Lanes: the only way into the log. One task per lane and node decides commands and commits them in batches.

mod cache;
mod recent;
mod task;

use crate::hub::Hub;
use crate::lifecycle::Lifecycle;
use cache::Invalidations;
use chrono::{DateTime, Utc};
use recent::Recent;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tidings_domain::user::UserCommand;
use tidings_domain::{Command, ConversationId, Rejection, UserId};
use tidings_eventlog::{Appender, Log, Position, Recorded};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use task::LaneTask;

/// The answer to a command that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub stream: Uuid,
    /// Seq of the last event that the command wrote.
    pub seq: u64,
    pub position: Position,
    pub at: DateTime<Utc>,
    /// The command was in the log already, and this is its first answer again.
    pub duplicate: bool,
}

/// Why a command is not in the log, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The id was used for a command with other content.
    #[error("this id was used for another command")]
    IdReused,
    /// The lane's queue is full.
    #[error("too much to do, try again")]
    Overloaded,
    /// The log did not answer in time. The command may have taken effect; sending it again with the same id is safe.
    #[error("the log is away, try again")]
    Unavailable,
}

/// What is called with the answer. Called at most once, from the lane's task, so it must not block.
pub type Reply = Box<dyn FnOnce(Result<Accepted, Refusal>) + Send>;

/// Whether a user may see a conversation, as of the control event that the answer was made on.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// How many members the conversation has.
    pub members: usize,
}

/// What waits in a lane's queue.
pub(crate) enum Request {
    Conversation {
        command: Command,
        digest: i64,
        reply: Reply,
    },
    User {
        user: UserId,
        id: Uuid,
        command: UserCommand,
        reply: Reply,
    },
    Authorize {
        conversation: ConversationId,
        user: UserId,
        fresh: bool,
        reply: oneshot::Sender<Result<Seat, Refusal>>,
    },
}

/// A range of a lane, from a commit or from another node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The time line that its positions belong to.
    pub epoch: u32,
    pub events: Arc<Vec<Recorded>>,
}

impl Committed {
    /// About how much memory its events take.
    pub fn bytes(&self) -> usize {
        self.events.iter().map(Recorded::bytes).sum()
    }
}

/// Sizes and waits of lanes.
#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// Commands that may wait in one lane.
    pub queue: usize,
    /// Commands in one batch.
    pub batch_commands: usize,
    /// Bytes of payload in one batch.
    pub batch_bytes: usize,
    /// Streams whose state a lane keeps.
    pub cached_streams: usize,
    /// Bytes of those states, about; one state is kept however large it is.
    pub cached_bytes: usize,
    /// Commands whose answers a node keeps, to answer quick repeats without the log.
    pub recent_commands: usize,
    /// How long a batch is tried while the log is away.
    pub patience: Duration,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self {
            queue: 8192,
            batch_commands: 1000,
            batch_bytes: 1 << 20,
            cached_streams: 50_000,
            cached_bytes: 64 << 20,
            recent_commands: 65_536,
            patience: Duration::from_secs(8),
        }
    }
}

/// What the tasks of all lanes share.
#[derive(Clone)]
struct Shared {
    log: Log,
    appender: Arc<Appender>,
    recent: Arc<Recent>,
    hub: Hub,
    limits: LaneLimits,
}

/// Handle to all lanes of this node. Cheap to clone.
#[derive(Clone)]
pub struct Lanes {
    lanes: Arc<Vec<Lane>>,
    hub: Hub,
}

struct Lane {
    queue: mpsc::Sender<Request>,
    invalid: Arc<Invalidations>,
}

impl Lanes {
    /// Starts a task per lane. Each commit is sent to its lane's `sinks` entry before the next batch begins.
    pub fn start(
        lifecycle: &Lifecycle,
        log: &Log,
        appender: &Arc<Appender>,
        hub: &Hub,
        sinks: Vec<mpsc::Sender<Committed>>,
        limits: LaneLimits,
    ) -> Self {
        let shared = Shared {
            log: log.clone(),
            appender: Arc::clone(appender),
            recent: Arc::new(Recent::new(limits.recent_commands)),
            hub: hub.clone(),
            limits,
        };
        let lanes = sinks
            .into_iter()
            .enumerate()
            .map(|(number, sink)| {
                let (queue, requests) = mpsc::channel(limits.queue);
                let invalid = Arc::new(Invalidations::default());
                let task = LaneTask::new(number as u8, shared.clone(), Arc::clone(&invalid), sink);
                lifecycle.spawn_last("lane", task.run(requests, lifecycle.hard_stop()));
                Lane { queue, invalid }
            })
            .collect();
        Self {
            lanes: Arc::new(lanes),
            hub: hub.clone(),
        }
    }

    /// How often this node has seen the log go back: see [`Hub::time_lines`].
    pub fn time_lines(&self) -> u64 {
        self.hub.time_lines()
    }

    /// How many lanes there are.
    pub fn count(&self) -> u8 {
        self.lanes.len() as u8
    }

    /// Queues a command to a conversation. Commands of one caller to one conversation take effect in the order queued.
    pub fn submit(&self, command: Command, reply: Reply) {
        let lane = command.conversation.lane();
        let digest = command.digest();
        self.queue(
            lane,
            Request::Conversation {
                command,
                digest,
                reply,
            },
        );
    }

    /// Queues a command to a user's own stream and waits for the answer.
    pub async fn submit_user(
        &self,
        user: UserId,
        id: Uuid,
        command: UserCommand,
    ) -> Result<Accepted, Refusal> {
        let (sender, receiver) = oneshot::channel();
        let reply: Reply = Box::new(move |answer| {
            // The caller may have given up waiting.
            let _ = sender.send(answer);
        });
        self.queue(
            user.lane(),
            Request::User {
                user,
                id,
                command,
                reply,
            },
        );
        receiver.await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// Asks whether `user` is a member now. With `fresh` the answer is checked against the log; without, it may be as
    /// old as fan-out takes.
    pub async fn authorize(
        &self,
        conversation: ConversationId,
        user: UserId,
        fresh: bool,
    ) -> Result<Seat, Refusal> {
        let (reply, receiver) = oneshot::channel();
        let Some(lane) = self.lanes.get(usize::from(conversation.lane())) else {
            return Err(Rejection::NotFound(tidings_domain::Field::Conversation).into());
        };
        lane.queue
            .try_send(Request::Authorize {
                conversation,
                user,
                fresh,
                reply,
            })
            .map_err(|_| Refusal::Overloaded)?;
        receiver.await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// Says that a stream's control events have moved on to `seq`, perhaps by another node.
    pub fn invalidate(&self, stream: Uuid, seq: u64) {
        if let Some(lane) = self
            .lanes
            .get(usize::from(tidings_eventlog::record::lane_of(stream)))
        {
            lane.invalid.push(stream, seq);
        }
    }

    fn queue(&self, lane: u8, request: Request) {
        let refused = match self.lanes.get(usize::from(lane)) {
            None => Some((
                request,
                Rejection::NotFound(tidings_domain::Field::Conversation).into(),
            )),
            Some(lane) => match lane.queue.try_send(request) {
                Ok(()) => None,
                Err(mpsc::error::TrySendError::Full(request)) => Some((request, Refusal::Overloaded)),
                Err(mpsc::error::TrySendError::Closed(request)) => Some((request, Refusal::Unavailable)),
            },
        };
        match refused {
            Some((Request::Conversation { reply, .. } | Request::User { reply, .. }, refusal)) => {
                reply(Err(refusal));
            }
            Some((Request::Authorize { reply, .. }, refusal)) => {
                let _ = reply.send(Err(refusal));
            }
            None => {}
        }
    }
}
