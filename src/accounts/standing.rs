//! Who is let in no longer, although their tokens have not expired: suspended users, users whose accounts were deleted, and sessions that
//! were ended. Known on every node within a second, and at once on the one that did it.

use super::database::{Database, DatabaseError};
use super::identity::REMEMBERED_FOR;
use super::principal::AuthError;
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use uuid::Uuid;

/// A link to a file holds for two hours at least and no longer than this: all that are made within an hour are the same, and what browsers
/// keep by their address is kept. Nothing else lets anybody in for as long without a look at the account.
pub const LINK_LIFE: Duration = Duration::from_hours(3);
/// What a look reaches back beyond the last one: longer than a statement takes from its time to its commit.
const OVERLAP: Duration = Duration::from_secs(30);
/// How often sessions are forgotten whose tokens have expired.
const FORGET: Duration = Duration::from_mins(1);

/// Users and sessions as of the last look. While the database is away, the last look stands.
pub(super) struct Standing {
    database: Database,
    /// How long a token is valid at most, without anybody's asking what has become of its user.
    token_ttl: Duration,
    /// How long a deleted user is known: as long as there can be anything that lets them in, be it a token or a link to a file.
    deleted_for: Duration,
    ended: RwLock<Ended>,
    /// Counts changes.
    changes: watch::Sender<u64>,
    /// Looks happen one after the other, so that an older one cannot replace a newer.
    looking: Mutex<Looked>,
}

#[derive(Default)]
struct Ended {
    users: HashSet<Uuid>,
    /// Users whose accounts were deleted, and until when there can be tokens or links of theirs.
    deleted: HashMap<Uuid, Instant>,
    /// Ended sessions, and until when there can be tokens of theirs.
    sessions: HashMap<Uuid, Instant>,
}

struct Looked {
    /// The database's time at the last look that succeeded; `None` before the first. A node's own clock would not do: it stands still with
    /// the machine, while others go on ending sessions.
    at: Option<DateTime<Utc>>,
    forgot_at: Instant,
}

impl Standing {
    pub(super) async fn open(database: &Database, token_ttl: Duration) -> Result<Self, DatabaseError> {
        let token_ttl = token_ttl.max(REMEMBERED_FOR);
        let standing = Self {
            database: database.clone(),
            token_ttl,
            deleted_for: token_ttl.max(LINK_LIFE),
            ended: RwLock::default(),
            changes: watch::Sender::new(0),
            looking: Mutex::new(Looked {
                at: None,
                forgot_at: Instant::now(),
            }),
        };
        standing.look().await?;
        Ok(standing)
    }

    /// Why a token of this user and session is valid no longer; `None` while it is.
    pub(super) fn refusal(&self, user: Uuid, session: Option<Uuid>) -> Option<AuthError> {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        if ended.users.contains(&user) {
            return Some(AuthError::Suspended);
        }
        if ended.deleted.contains_key(&user) {
            return Some(AuthError::Ended);
        }
        session
            .is_some_and(|session| ended.sessions.contains_key(&session))
            .then_some(AuthError::Ended)
    }

    /// Those whose accounts were deleted of late.
    pub(super) fn deleted(&self) -> HashSet<Uuid> {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        ended.deleted.keys().copied().collect()
    }

    /// Tells of changes, each of which may concern anybody.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) async fn look(&self) -> Result<(), DatabaseError> {
        let mut looked = self.looking.lock().await;
        let now = Instant::now();
        let sql = include_str!("sql/ended.sql");
        let seconds = |time: Duration| i64::try_from(time.as_secs() + 1).unwrap_or(i64::MAX);
        let (token_ttl, overlap) = (seconds(self.token_ttl), seconds(OVERLAP));
        let deleted_for = seconds(self.deleted_for);
        let rows = self
            .database
            .rows(sql, &[&looked.at, &token_ttl, &overlap, &deleted_for])
            .await?;
        let (mut users, mut sessions, mut deleted) = (HashSet::new(), vec![], vec![]);
        let mut at: Option<DateTime<Utc>> = None;
        for row in rows {
            at = at.or(row.try_get(0)?);
            users.extend(row.try_get::<_, Option<Uuid>>(1)?);
            sessions.extend(row.try_get::<_, Option<Uuid>>(2)?);
            deleted.extend(row.try_get::<_, Option<Uuid>>(3)?);
        }
        looked.at = at;
        let forget = now - looked.forgot_at >= FORGET;
        if forget {
            looked.forgot_at = now;
        }
        if self.take(users, [&sessions, &deleted], now, forget) {
            self.changes.send_modify(|changes| *changes += 1);
        }
        Ok(())
    }

    /// Returns whether anything is new.
    fn take(
        &self,
        users: HashSet<Uuid>,
        [sessions, deleted]: [&[Uuid]; 2],
        now: Instant,
        forget: bool,
    ) -> bool {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = ended.users != users;
        ended.users = users;
        let Ended {
            sessions: ended_sessions,
            deleted: deleted_users,
            ..
        } = &mut *ended;
        for (new, known, kept) in [
            (sessions, ended_sessions, self.token_ttl),
            (deleted, deleted_users, self.deleted_for),
        ] {
            let until = now + kept + OVERLAP;
            for id in new {
                changed |= !known.contains_key(id);
                known.entry(*id).or_insert(until);
            }
            if forget {
                known.retain(|_, until| *until > now);
            }
        }
        changed
    }
}
