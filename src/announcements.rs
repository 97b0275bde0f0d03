//! Announcements on their way to people. One event says what is told to everybody; each is told by a notice of their own stream, written when
//! they are here, and so once for all of their devices and for none who never comes (ADR 51).
//!
//! Every node knows the newest announcements, carries out those whose time has come, and tells those who are connected to it. Nothing of it is owned by one
//! node: the log takes each of these commands once, from whichever node it comes first.

mod board;
mod crowd;
mod telling;

use crate::clock;
use crate::lanes::Lanes;
use crate::lifecycle::Lifecycle;
use crate::outcome::{Accepted, Refusal};
use board::Board;
use crowd::Crowd;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use telling::Teller;
use tidings_domain::event::CursorsMoved;
use tidings_domain::user::UserCommand;
use tidings_domain::{ConversationId, Cursor, Field, Rejection, UserId};
use tidings_eventlog::Log;
use tokio::sync::Notify;
use uuid::Uuid;

pub use crowd::Here;

/// Tells that something has become of an announcement. Cheap to clone.
#[derive(Clone, Default)]
pub struct Heard(Arc<Notify>);

impl Heard {
    /// Something has: whoever tells people looks at it.
    pub fn announced(&self) {
        self.0.notify_one();
    }
}

/// What announcements stand on.
pub struct Foundation {
    pub heard: Heard,
    pub lanes: Lanes,
    /// For those who read, over as many sessions as they may have.
    pub log: Log,
    /// The log's own id.
    pub log_id: Uuid,
}

/// Announcements on this node. Cheap to clone.
#[derive(Clone)]
pub struct Announcements(Arc<Inner>);

struct Inner {
    ground: Foundation,
    board: Mutex<Board>,
    crowd: Arc<Crowd>,
}

impl Announcements {
    /// Starts to tell people, and to carry out what is due, until the node stops.
    pub fn start(lifecycle: &Lifecycle, ground: Foundation) -> Self {
        let this = Self(Arc::new(Inner {
            ground,
            board: Mutex::default(),
            crowd: Arc::default(),
        }));
        let (stop, watching) = (lifecycle.stopping(), this.clone());
        lifecycle.spawn_for_life("announcements", async move {
            stop.run_until_cancelled(watching.watch()).await;
        });
        let (stop, teller) = (lifecycle.stopping(), Teller::new(this.clone()));
        lifecycle.spawn_for_life("telling of announcements", async move {
            stop.run_until_cancelled(teller.run()).await;
        });
        this
    }

    /// A connection of `user` is here, until what this returns is dropped: they are told what they have missed, and what comes.
    pub fn arrive(&self, user: UserId) -> Here {
        Crowd::arrive(&self.0.crowd, user)
    }

    /// `user` has read their notices up to `seq`. Answers how far they have read by now.
    pub async fn read(&self, user: UserId, seq: u64) -> Result<Accepted, Refusal> {
        let Foundation { lanes, log, .. } = &self.0.ground;
        let away = |error: &dyn std::fmt::Display| {
            tracing::debug!(%user, %error, "how far notices are read could not be found");
            Refusal::Unavailable
        };
        let as_of = lanes.as_of();
        let heads = log.stream_heads(&[user.0]).await.map_err(|error| away(&error))?;
        let head = heads.into_iter().flatten().next().map_or(0, |head| head.seq);
        if seq == 0 || seq > head {
            return Err(Rejection::invalid(Field::Seq, "there is no such notice").into());
        }
        let known = tidings_projections::read_seqs(log.pool(), user.0, &[user.0]).await;
        let known = known.map_err(|error| away(&error))?.into_iter().flatten().next();
        let up_to = |seq| CursorsMoved {
            read: BTreeMap::from([(ConversationId(user.0), Cursor { seq, msg_no: 0 })]),
            ..CursorsMoved::default()
        };
        let command = UserCommand::MoveCursors {
            moved: up_to(seq),
            known: known.map(up_to).unwrap_or_default(),
            read: BTreeSet::new(),
        };
        let accepted = lanes.submit_user(user, clock::id(), command, Some(as_of)).await?;
        Ok(Accepted {
            seq: seq.max(known.unwrap_or_default()),
            duplicate: false,
            ..accepted
        })
    }

    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.0.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
