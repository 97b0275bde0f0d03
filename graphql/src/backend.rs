//! What the schema asks of the server that it stands in, beyond what can be read: what administrators see of nodes and
//! connections, and what they do.

use crate::errors::Refusal;
use crate::viewer::Viewer;
use async_graphql::Enum;
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, ready};
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use tidings_eventlog::Position;
use tidings_projections::Range;
use tidings_projections::groups::GroupSettings;
use tidings_projections::people::Handling;
use uuid::Uuid;

/// The server around the schema. Whoever asks has made sure that it is an administrator who asks, but for [`Self::ticket`],
/// [`Self::follow`], what is asked of presence and of cost, and of the past, which members ask.
pub trait Backend: Send + Sync + 'static {
    /// What opens an attachment for `viewer`, who is asked for no token then, and until when. Whether the viewer may see it is asked when it
    /// is used.
    fn ticket(&self, viewer: Uuid, attachment: Uuid) -> (String, DateTime<Utc>);

    /// The same for what a report is about at which `viewer` has looked, whoever may see it otherwise. Whether the viewer still looks after reports is
    /// asked when it is used.
    fn evidence_ticket(&self, viewer: Uuid, attachment: Uuid) -> String;

    /// What `viewer` may cause by a role of theirs; `None` where that is what everybody may.
    fn allowance(&self, viewer: &Viewer) -> Option<CostAllowance>;

    /// How long `viewer` has to wait before causing `cost`, by what they have caused at all nodes; `None` where they need not. What this
    /// node lets a viewer cause is asked as well, and is nothing of the server's.
    fn wait(&self, viewer: &Viewer, cost: u32) -> Option<Duration>;

    /// `viewer` has caused `cost` here.
    fn caused(&self, viewer: &Viewer, cost: u32);

    /// Whether those of these people are there of whom that is known, as others see them. Whoever asks has made sure that the viewer
    /// may see them.
    fn there(&self, users: Vec<Uuid>) -> BoxFuture<'_, HashMap<Uuid, bool>>;

    /// How many members of a conversation are there, where that is known.
    fn online(&self, conversation: Uuid) -> BoxFuture<'_, Option<usize>>;

    /// The nodes that run, by when they started.
    fn nodes(&self) -> BoxFuture<'_, Result<Vec<NodeState>, Refusal>>;

    /// A part of the connections of all nodes, or of one user, in the order of their ids, which is that of their beginning.
    fn connections(
        &self,
        user: Option<Uuid>,
        range: Range<Uuid>,
    ) -> BoxFuture<'_, Result<Part<ConnectionState>, Refusal>>;

    /// The latest rebuild of each read model that was ever rebuilt on an administrator's order, by name.
    fn rebuilds(&self) -> BoxFuture<'_, Result<Vec<RebuildState>, Refusal>>;

    /// A part of what administrators did, in the order of the log.
    fn audit(&self, range: Range<u64>) -> BoxFuture<'_, Result<Part<Audited>, Refusal>>;

    /// Events of the log that `filter` lets through, behind `after`, by lane and position, or by seq where it names a conversation:
    /// `rows` at most.
    fn events(
        &self,
        filter: EventFilter,
        after: Option<LogPlace>,
        rows: usize,
    ) -> BoxFuture<'_, Result<EventsFound, Refusal>>;

    /// What happened to a message; `None` where the conversation has none of that id.
    fn trace(&self, conversation: Uuid, message: Uuid) -> BoxFuture<'_, Result<Option<TraceState>, Refusal>>;

    /// Has the log say that `by` looks at what was reported, and reads what the message had said by then: its versions, oldest first.
    fn evidence(&self, by: Uuid, report: ReportPosition) -> BoxFuture<'_, Result<Vec<Version>, Refusal>>;

    /// What happens in a conversation from now on, in order, up to the event by which `viewer` ceases to be a member. Refused to
    /// whoever is none.
    fn follow(
        &self,
        viewer: Uuid,
        conversation: Uuid,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<EventState, Refusal>>, Refusal>>;

    /// Up to where a conversation had come at a moment; `None` where nothing had happened in it by then. Refused where the log has not come to
    /// the moment's position.
    fn moment(&self, conversation: Uuid, moment: Moment)
    -> BoxFuture<'_, Result<Option<PastPlace>, Refusal>>;

    /// What a conversation was when it had come to `seq`; `None` where it had not begun. Whoever asks has made sure that the viewer sees that
    /// seq.
    fn past(&self, conversation: Uuid, seq: u64) -> BoxFuture<'_, Result<Option<PastState>, Refusal>>;

    /// What people had reacted with to messages of a conversation, named by their seqs, when it had come to `seq`: of each message in the order
    /// in which the emoji came. `None` where too much was put there and taken off to tell. Whoever asks has made sure that the viewer may see the
    /// messages.
    fn past_reactions(
        &self,
        conversation: Uuid,
        messages: Vec<u64>,
        seq: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<PastReaction>>, Refusal>>;

    /// Has the administrator `by` tell everybody something, now or at a time, whether or not the future is awaited to its end.
    fn announce(
        &self,
        by: Uuid,
        text: String,
        at: Option<DateTime<Utc>>,
    ) -> BoxFuture<'_, Result<MadeAnnouncement, Refusal>>;

    /// Every setting of this node, by name.
    fn settings(&self) -> Vec<SettingState>;

    /// Has the log say that the administrator `by` orders something, and carries it out, whether or not the future is awaited to
    /// its end.
    fn carry_out(&self, by: Uuid, order: Order) -> BoxFuture<'_, Result<Done, Refusal>>;
}

/// The cost that those may cause who go by a role. What is caused by one role is not counted by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostAllowance {
    pub role: &'static str,
    /// Each second in the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// Entries of a list, read as a [`Range`] says, and whether the list has any before the range and behind it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part<T> {
    pub entries: Vec<T>,
    pub around: (bool, bool),
}

/// What an administrator orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    SuspendUser {
        user: Uuid,
        reason: String,
    },
    ReinstateUser {
        user: Uuid,
    },
    DeleteUser {
        user: Uuid,
        reason: String,
    },
    RevokeSessions {
        user: Uuid,
        reason: String,
    },
    /// Connections of a user, or those of a session, be it the connection's own or that of its token; with both, of both.
    Disconnect {
        user: Option<Uuid>,
        session: Option<Uuid>,
    },
    /// The stream of an event that is parked.
    RetryParked {
        projection: String,
        lane: u8,
        pos: u64,
        stream: Uuid,
    },
    SkipParked {
        projection: String,
        lane: u8,
        pos: u64,
        stream: Uuid,
        reason: String,
    },
    RebuildProjection {
        name: &'static str,
    },
    HandleReport(ReportOrder),
    WithholdReported(WithholdingOrder),
    CancelRebuild {
        name: &'static str,
    },
    RollbackProjection {
        name: &'static str,
    },
    /// A new announcement, for a time or at once.
    Announce {
        announcement: Uuid,
        text: String,
        at: Option<DateTime<Utc>>,
    },
    CancelAnnouncement {
        announcement: Uuid,
    },
}

/// What is to be done about a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOrder {
    pub report: Uuid,
    /// The stream of the message's reports.
    pub reports: Uuid,
    /// How many versions the message had when it was reported as the moderator has seen it. Where it was reported once more, it is a conflict.
    pub versions: u32,
    pub conversation: Uuid,
    pub message: Uuid,
    pub handling: Handling,
    pub note: Option<String>,
}

/// Whether the message of a report is to be withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithholdingOrder {
    pub report: Uuid,
    /// The stream of the message's reports.
    pub reports: Uuid,
    /// As in [`ReportOrder`].
    pub versions: u32,
    pub conversation: Uuid,
    pub message: Uuid,
    pub withholding: Withholding,
}

/// What is done with the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withholding {
    /// It is withheld, and members are told why.
    On { note: String },
    /// It is shown again. Why, is for the administration alone.
    Off { note: Option<String> },
}

/// What has come of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// How much was done: connections closed, sessions ended, events folded; 0 where there was nothing to do.
    Count(u64),
    /// It is in the log: up to where, and when that was written.
    Written { position: Position, at: DateTime<Utc> },
}

impl Done {
    /// How much was done.
    pub fn count(self) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Written { .. } => 1,
        }
    }

    /// Up to where the log says it, where that is all of it.
    pub fn position(self) -> Option<Position> {
        match self {
            Self::Count(_) => None,
            Self::Written { position, .. } => Some(position),
        }
    }
}

/// An announcement that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeAnnouncement {
    pub id: Uuid,
    pub made_at: DateTime<Utc>,
    /// When it was made for.
    pub at: DateTime<Utc>,
}

/// A node, as it said a few seconds ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    pub id: Uuid,
    /// Where it serves.
    pub address: String,
    pub version: String,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    pub connections: i64,
    /// What it takes of the machine's memory, where that is known.
    pub resident_bytes: Option<i64>,
    pub is_draining: bool,
}

/// A connection of some node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionState {
    /// The session that its welcome named.
    pub id: Uuid,
    pub user: Uuid,
    pub node: Uuid,
    pub device: String,
    pub address: IpAddr,
    pub since: DateTime<Utc>,
    /// The session of its token, where that is one of ours.
    pub login: Option<Uuid>,
    /// Bytes of events that wait to be written to it.
    pub queued_bytes: usize,
}

/// A rebuild that an administrator has ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildState {
    pub projection: String,
    pub stage: RebuildStage,
    /// Events that are folded, of so many.
    pub done: i64,
    pub total: i64,
    pub by: Uuid,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error: Option<String>,
    /// Its tables are those that the rebuild before it has replaced.
    pub is_rollback: bool,
}

/// What has become of a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildStage {
    Running,
    Done,
    Cancelled,
    Failed,
    /// Its node is gone. The next one goes on from where it was.
    Interrupted,
}

/// What an administrator did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Its place among all that administrators did.
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub by: Uuid,
    pub act: String,
    pub target: String,
    pub reason: Option<String>,
}

/// Which events are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub lane: Option<u8>,
    pub conversation: Option<Uuid>,
    /// Who did it.
    pub user: Option<Uuid>,
    /// A name on the wire or in the log, or the number of a kind.
    pub kind: Option<String>,
    /// Not before this.
    pub from: Option<DateTime<Utc>>,
    /// Before this.
    pub to: Option<DateTime<Utc>>,
}

/// The place of an event: its lane, and its position there, or its seq in a list of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPlace {
    pub lane: u8,
    pub number: u64,
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventState {
    pub lane: u8,
    pub pos: u64,
    pub stream: Uuid,
    pub seq: u64,
    pub kind: String,
    pub at: DateTime<Utc>,
    pub by: Uuid,
    pub command: Uuid,
    /// What it says, in JSON, where it is told to a member.
    pub data: Option<String>,
}

impl EventState {
    /// Its place in a list of the whole log.
    pub fn place(&self) -> LogPlace {
        let (lane, number) = (self.lane, self.pos);
        LogPlace { lane, number }
    }

    /// Its place in a list of its stream.
    pub fn place_in_stream(&self) -> LogPlace {
        let (lane, number) = (self.lane, self.seq);
        LogPlace { lane, number }
    }
}

/// Events that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsFound {
    pub entries: Vec<(LogPlace, EventState)>,
    /// Up to where was looked, where looking ended before it had found enough or come to the end.
    pub cut: Option<LogPlace>,
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceState {
    /// Its own event.
    pub event: EventState,
    /// Those about it, in the order of the log.
    pub about: Vec<EventState>,
    /// Whether that is all of them.
    pub complete: bool,
    pub recalled_at: Option<DateTime<Utc>>,
}

/// A moment of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// With all of the millisecond in which it lies, since no time is told more exactly.
    Time(DateTime<Utc>),
    /// When the log had come to it, in the conversation's lane.
    Position(Position),
}

/// Up to where a conversation had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastPlace {
    pub seq: u64,
    /// Of the event at that seq.
    pub position: Position,
}

/// What a conversation was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastState {
    pub is_direct: bool,
    /// The name of a group.
    pub title: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When something happened last that is no message and brings a conversation to the top of lists.
    pub changed_at: DateTime<Utc>,
    pub settings: GroupSettings,
    /// In the order of their ids.
    pub members: Vec<PastMember>,
    /// Seqs of messages, the one that was pinned last first.
    pub pins: Vec<u64>,
}

/// Somebody's membership of a conversation then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastMember {
    pub user: Uuid,
    /// `owner`, `admin` or `member`.
    pub role: &'static str,
    /// When they had joined, the latest time.
    pub joined_at: DateTime<Utc>,
}

/// What some people had reacted to a message with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastReaction {
    /// The seq of the message.
    pub message: u64,
    pub emoji: String,
    /// In the order of their ids.
    pub users: Vec<Uuid>,
}

/// What was reported, and where the report stands in the lane of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportPosition {
    pub conversation: Uuid,
    pub message: Uuid,
    pub pos: u64,
}

/// What a message said at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub seq: u64,
    pub at: DateTime<Utc>,
    pub kind: SaidKind,
    /// The text, or what is written below a picture or file.
    pub text: Option<String>,
    pub attachment: Option<Uuid>,
}

/// What a message consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidKind {
    Text,
    Image,
    File,
}

/// A setting, of which no secret is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingState {
    /// With the names of its tables, as in `gateway.heartbeat_ms`.
    pub name: String,
    /// `None` where it is not set.
    pub value: Option<String>,
    pub source: SettingSource,
    pub description: String,
}

/// Who has said what a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SettingSource {
    /// Nobody.
    Default,
    /// The configuration file.
    File,
    /// A variable of the environment.
    Environment,
    /// A flag of the command line.
    Flag,
    /// The program itself, as `tidings dev` does, and because of other settings.
    Program,
}

/// Nothing around: for whoever only reads.
impl Backend for () {
    fn ticket(&self, _: Uuid, _: Uuid) -> (String, DateTime<Utc>) {
        (String::new(), DateTime::UNIX_EPOCH)
    }

    fn evidence_ticket(&self, _: Uuid, _: Uuid) -> String {
        String::new()
    }

    fn allowance(&self, _: &Viewer) -> Option<CostAllowance> {
        None
    }

    fn wait(&self, _: &Viewer, _: u32) -> Option<Duration> {
        None
    }

    fn caused(&self, _: &Viewer, _: u32) {}

    fn there(&self, _: Vec<Uuid>) -> BoxFuture<'_, HashMap<Uuid, bool>> {
        Box::pin(ready(HashMap::new()))
    }

    fn online(&self, _: Uuid) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(None))
    }

    fn nodes(&self) -> BoxFuture<'_, Result<Vec<NodeState>, Refusal>> {
        nothing()
    }

    fn connections(
        &self,
        _: Option<Uuid>,
        _: Range<Uuid>,
    ) -> BoxFuture<'_, Result<Part<ConnectionState>, Refusal>> {
        nothing()
    }

    fn rebuilds(&self) -> BoxFuture<'_, Result<Vec<RebuildState>, Refusal>> {
        nothing()
    }

    fn audit(&self, _: Range<u64>) -> BoxFuture<'_, Result<Part<Audited>, Refusal>> {
        nothing()
    }

    fn events(
        &self,
        _: EventFilter,
        _: Option<LogPlace>,
        _: usize,
    ) -> BoxFuture<'_, Result<EventsFound, Refusal>> {
        nothing()
    }

    fn trace(&self, _: Uuid, _: Uuid) -> BoxFuture<'_, Result<Option<TraceState>, Refusal>> {
        nothing()
    }

    fn evidence(&self, _: Uuid, _: ReportPosition) -> BoxFuture<'_, Result<Vec<Version>, Refusal>> {
        nothing()
    }

    fn follow(
        &self,
        _: Uuid,
        _: Uuid,
    ) -> BoxFuture<'_, Result<BoxStream<'static, Result<EventState, Refusal>>, Refusal>> {
        nothing()
    }

    fn moment(&self, _: Uuid, _: Moment) -> BoxFuture<'_, Result<Option<PastPlace>, Refusal>> {
        nothing()
    }

    fn past(&self, _: Uuid, _: u64) -> BoxFuture<'_, Result<Option<PastState>, Refusal>> {
        nothing()
    }

    fn past_reactions(
        &self,
        _: Uuid,
        _: Vec<u64>,
        _: u64,
    ) -> BoxFuture<'_, Result<Option<Vec<PastReaction>>, Refusal>> {
        nothing()
    }

    fn announce(
        &self,
        _: Uuid,
        _: String,
        _: Option<DateTime<Utc>>,
    ) -> BoxFuture<'_, Result<MadeAnnouncement, Refusal>> {
        nothing()
    }

    fn settings(&self) -> Vec<SettingState> {
        vec![]
    }

    fn carry_out(&self, _: Uuid, _: Order) -> BoxFuture<'_, Result<Done, Refusal>> {
        nothing()
    }
}

fn nothing<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, Refusal>> {
    Box::pin(ready(Err(Refusal::unavailable("there is no server here"))))
}
