//! What the schema asks of the server that it stands in, beyond what can be read: what administrators see of nodes and
//! connections, and what they do.

use crate::errors::Refusal;
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use tidings_projections::Range;
use uuid::Uuid;

/// The server around the schema. Whoever asks has made sure that it is an administrator who asks, but for [`Self::ticket`] and
/// what is asked of presence.
pub trait Backend: Send + Sync + 'static {
    /// What opens an attachment for `viewer`, who is asked for no token then, and until when. Whether the viewer may see it is asked when it
    /// is used.
    fn ticket(&self, viewer: Uuid, attachment: Uuid) -> (String, DateTime<Utc>);

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

    /// Has the log say that the administrator `by` orders something, and carries it out, whether or not the future is awaited to
    /// its end. Returns how much was done: connections closed, sessions ended, events folded; 0 where there was nothing to do.
    fn carry_out(&self, by: Uuid, order: Order) -> BoxFuture<'_, Result<u64, Refusal>>;
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
    CancelRebuild {
        name: &'static str,
    },
    RollbackProjection {
        name: &'static str,
    },
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

/// Nothing around: for whoever only reads.
impl Backend for () {
    fn ticket(&self, _: Uuid, _: Uuid) -> (String, DateTime<Utc>) {
        (String::new(), DateTime::UNIX_EPOCH)
    }

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

    fn carry_out(&self, _: Uuid, _: Order) -> BoxFuture<'_, Result<u64, Refusal>> {
        nothing()
    }
}

fn nothing<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, Refusal>> {
    Box::pin(ready(Err(Refusal::unavailable("there is no server here"))))
}
