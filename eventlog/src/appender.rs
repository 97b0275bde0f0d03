//! Dedicated appender connections: prepared, outside the pool, one statement at a time on each.

mod lost;

use crate::append::{AppendError, Appended, Outcome, Repeat, Stale};
use crate::batch::Batch;
use crate::blame::{Blame, describe};
use crate::connect::{LogConfig, Session};
use crate::constancy::Constancy;
use crate::record::LaneHead;
use crate::uptime::uptime;
use chrono::{DateTime, Utc};
use lost::{Backend, Lost, LostSessions};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

const APPEND: &str =
    "SELECT * FROM append_lane($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)";

/// Settings of an appender's session.
///
/// The generic plan is forced because a custom one is planned anew each time. Every statement in `append_lane` is a probe
/// by key or by place; scans, hashes and merges are ruled out because on a small or fresh table the planner takes them
/// for cheaper, and then keeps that plan while the table grows.
pub const APPENDER_SESSION: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off; \
    SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET synchronous_commit = on; \
    SET default_transaction_isolation = 'read committed'";

/// How long a refusal of the server counts after it, though sessions can be made: a full disk lets them.
const REFUSAL: Duration = Duration::from_secs(10);

/// Appends batches over a few connections of its own.
#[derive(Debug)]
pub struct Appender {
    config: LogConfig,
    slots: Semaphore,
    idle: Mutex<Vec<Connection>>,
    trouble: Mutex<Option<Trouble>>,
    lost: LostSessions,
    constancy: Constancy,
}

/// Why nothing can be appended just now. What another transaction or a batch itself is to blame for is none.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// When it began.
    pub since: Instant,
    /// When it was met last.
    pub last: Instant,
    pub reason: String,
    /// A session could be made, and then the server refused.
    refused: bool,
}

#[derive(Debug)]
struct Connection {
    session: Session,
    statement: Statement,
    backend: Backend,
}

impl Appender {
    /// Makes no connection yet.
    pub fn new(config: LogConfig) -> Self {
        Self {
            slots: Semaphore::new(config.appenders),
            idle: Mutex::new(vec![]),
            trouble: Mutex::new(None),
            lost: LostSessions::default(),
            constancy: Constancy::default(),
            config,
        }
    }

    /// Opens and prepares all connections, so that the first commands do not wait for them.
    pub async fn warm(&self) -> Result<(), AppendError> {
        for _ in 0..self.config.appenders {
            let connection = self.connect().await?;
            self.idle().push(connection);
        }
        Ok(())
    }

    /// What stands in the way of appending, as last met by an append or by `probe`.
    pub fn trouble(&self) -> Option<Trouble> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often sessions were lost, as far as is known by now. What was learnt of the log when this was another number may be
    /// in it no more: a failover may have lost the last commits.
    pub fn breaks(&self) -> u64 {
        self.miss_closed();
        self.constancy.breaks()
    }

    /// Whether what was learnt of the log at that number of [`breaks`](Self::breaks) is still in it. `false` as well where the
    /// server has not answered for some seconds, which [`probe`](Self::probe) sees to.
    pub fn vouches_since(&self, breaks: u64) -> bool {
        self.miss_closed();
        self.constancy.lasts_since(breaks, uptime())
    }

    /// Takes note of idle sessions that have been closed.
    fn miss_closed(&self) {
        let mut idle = self.idle();
        let before = idle.len();
        idle.retain(|connection| !connection.session.client.is_closed());
        if idle.len() < before {
            self.constancy.broke();
        }
    }

    /// Those of these commands of a lane that may be carried out yet: a session that was sent them was lost, and has not been
    /// [ended](Self::end_lost).
    pub fn in_doubt(&self, lane: u8, commands: impl IntoIterator<Item = Uuid>) -> HashSet<Uuid> {
        self.lost.sent(lane, commands)
    }

    /// Ends the sessions that were lost while they appended one of these commands of a lane. Behind that the commands are in the log, or never
    /// will be; after an error, those that are no more [in doubt](Self::in_doubt). One that writes already is not ended: it may have to wait for a
    /// standby, which nothing but its commit does.
    ///
    /// # Errors
    /// When one of them is there still, or nobody knows; asking again is safe.
    pub async fn end_lost(&self, lane: u8, commands: &[Uuid]) -> Result<(), AppendError> {
        self.end(|lost| commands.iter().any(|command| lost.was_sent(lane, *command)))
            .await
    }

    /// Finds out whether a session that may write can be had, and ends those that were lost. To be called about once a second.
    pub async fn probe(&self) {
        if self.look().await
            && let Err(error) = self.end(|_| true).await
        {
            tracing::debug!(%error, "sessions that were lost could not be ended");
        }
    }

    /// Returns whether such a session can be had.
    async fn look(&self) -> bool {
        let began = uptime();
        let probing = async {
            let (_slot, connection) = self.borrow().await?;
            let writable =
                "SELECT NOT (pg_is_in_recovery() OR current_setting('transaction_read_only')::bool)";
            match connection.session.client.query_one(writable, &[]).await {
                Ok(row) if row.try_get(0).unwrap_or(false) => {
                    self.idle().push(connection);
                    Ok(())
                }
                Ok(_) => Err(AppendError::Unreachable("the server only reads".into())),
                Err(error) => Err(AppendError::Unreachable(describe(&error))),
            }
        };
        let unanswered = || {
            Err(AppendError::Unreachable(format!(
                "no answer within {:?}",
                self.config.timeout
            )))
        };
        let probed = timeout(self.config.timeout, probing)
            .await
            .unwrap_or_else(|_| unanswered());
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let can_write = probed.is_ok();
        if can_write {
            self.constancy.answered(began);
        }
        match probed {
            Err(error) => self.meet(&mut trouble, &error),
            Ok(())
                if trouble
                    .as_ref()
                    .is_some_and(|met| met.refused && met.last.elapsed() < REFUSAL) => {}
            // Nothing is appended yet.
            Ok(()) if self.lost.room().is_err() => {}
            Ok(()) => *trouble = None,
        }
        can_write
    }

    /// Appends one batch, in one statement and one transaction. `Appended` means durable. While too many sessions are lost, the log
    /// counts as out of reach, until [`probe`](Self::probe) or [`end_lost`](Self::end_lost) has ended some.
    pub async fn append(&self, batch: &Batch) -> Result<Outcome, AppendError> {
        let began = uptime();
        let outcome = self.attempt(batch).await;
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match &outcome {
            Ok(_) => {
                *trouble = None;
                self.constancy.answered(began);
            }
            Err(error) => self.meet(&mut trouble, error),
        }
        outcome
    }

    async fn borrow(&self) -> Result<(SemaphorePermit<'_>, Connection), AppendError> {
        let slot = self.slot().await?;
        Ok((slot, self.connection().await?))
    }

    async fn slot(&self) -> Result<SemaphorePermit<'_>, AppendError> {
        let slot = self.slots.acquire().await;
        slot.map_err(|_| AppendError::Unreachable("closed".into()))
    }

    /// A connection for whoever has a slot.
    async fn connection(&self) -> Result<Connection, AppendError> {
        let taken = self.idle().pop();
        match taken {
            Some(connection) if !connection.session.client.is_closed() => Ok(connection),
            Some(_) => {
                self.constancy.broke();
                self.connect().await
            }
            None => self.connect().await,
        }
    }

    async fn attempt(&self, batch: &Batch) -> Result<Outcome, AppendError> {
        let _slot = self.slot().await?;
        // Asked here, where no more can be lost than there are slots.
        self.lost.room()?;
        let connection = self.connection().await?;
        let mut on_its_way = self.lost.follow(batch.lane, &batch.commands, connection.backend);
        let ran = timeout(self.config.timeout, run(&connection, batch)).await;
        let blame = match &ran {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(Blame::of(error)),
            Err(_) => Some(Blame::Lost),
        };
        on_its_way.has_ended = blame != Some(Blame::Lost);
        if blame.is_none_or(Blame::keeps_session) {
            self.idle().push(connection);
        }
        match ran {
            Ok(Ok(row)) => read_outcome(batch, &row),
            Ok(Err(error)) => Err(classify(&error)),
            Err(_) => Err(AppendError::Unknown(self.no_answer())),
        }
    }

    /// Ends these of the sessions that were lost.
    async fn end(&self, of: impl Fn(&Lost) -> bool) -> Result<(), AppendError> {
        let asked = self.lost.those(of);
        if asked.is_empty() {
            return Ok(());
        }
        let ending = async {
            let (_slot, connection) = self.borrow().await?;
            let left = lost::end(&connection.session.client, &asked, self.config.timeout).await;
            let left = left.map_err(|error| AppendError::Unreachable(describe(&error)))?;
            self.idle().push(connection);
            Ok::<_, AppendError>(left)
        };
        let ended = timeout(self.config.timeout, ending).await;
        let left = ended.unwrap_or_else(|_| Err(AppendError::Unreachable(self.no_answer())))?;
        self.lost.settle(&asked, &left)
    }

    fn no_answer(&self) -> String {
        format!("no answer within {:?}", self.config.timeout)
    }

    /// Takes note of an error that says something about the server.
    fn meet(&self, trouble: &mut Option<Trouble>, error: &AppendError) {
        let refused = match error {
            AppendError::Failed { away: false, .. } => return,
            AppendError::Failed { .. } => true,
            AppendError::Unreachable(_) | AppendError::Unknown(_) => false,
        };
        self.constancy.broke();
        let now = Instant::now();
        *trouble = Some(Trouble {
            since: trouble.as_ref().map_or(now, |met| met.since),
            last: now,
            reason: error.to_string(),
            refused,
        });
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Connection, AppendError> {
        let unreachable = |error: tokio_postgres::Error| AppendError::Unreachable(describe(&error));
        let session = self.config.connect().await;
        let session = session.map_err(|error| AppendError::Unreachable(error.to_string()))?;
        // A lock is given up first, so that it is known that nothing was written.
        let statement = self.config.timeout.as_millis();
        let lock = statement * 3 / 5;
        let settings =
            format!("{APPENDER_SESSION}; SET statement_timeout = {statement}; SET lock_timeout = {lock}");
        let preparing = async {
            session.client.batch_execute(&settings).await?;
            // An ack for what a crash takes back.
            #[cfg(feature = "planted")]
            if std::env::var("TIDINGS_PLANTED").is_ok_and(|planted| planted == "lost") {
                session
                    .client
                    .batch_execute("SET synchronous_commit = off")
                    .await?;
            }
            let backend = Backend::of(&session.client).await?;
            let statement = session.client.prepare(APPEND).await?;
            Ok::<_, tokio_postgres::Error>((backend, statement))
        };
        match timeout(self.config.timeout, preparing).await {
            Ok(prepared) => {
                let (backend, statement) = prepared.map_err(unreachable)?;
                Ok(Connection {
                    session,
                    statement,
                    backend,
                })
            }
            Err(_) => Err(AppendError::Unreachable(self.no_answer())),
        }
    }
}

async fn run(connection: &Connection, batch: &Batch) -> Result<Row, tokio_postgres::Error> {
    let lane = i16::from(batch.lane);
    let epoch = batch.known.map(|known| known.epoch as i32);
    let known = batch.known.map(|known| known.head as i64);
    let payloads: Vec<&[u8]> = batch.event_payload.iter().map(AsRef::as_ref).collect();
    connection
        .session
        .client
        .query_one(
            &connection.statement,
            &[
                &lane,
                &batch.commands,
                &batch.digests,
                &batch.streams,
                &batch.guards,
                &batch.stream_events,
                &batch.stream_messages,
                &batch.stream_control,
                &batch.event_command,
                &batch.event_idx,
                &batch.event_stream,
                &batch.event_seq,
                &batch.event_msg_no,
                &batch.event_kind,
                &batch.event_ver,
                &batch.event_control,
                &batch.event_actor,
                &payloads,
                &epoch,
                &known,
            ],
        )
        .await
}

fn read_outcome(batch: &Batch, row: &Row) -> Result<Outcome, AppendError> {
    let unreadable =
        |error: tokio_postgres::Error| AppendError::Unknown(format!("unreadable answer: {error}"));
    let epoch: Option<i32> = row.try_get("o_epoch").map_err(unreadable)?;
    if let Some(epoch) = epoch {
        let head: i64 = row.try_get("o_head").map_err(unreadable)?;
        return Ok(Outcome::OtherTimeLine(LaneHead {
            lane: batch.lane,
            head: head as u64,
            epoch: epoch as u32,
        }));
    }
    let repeats: Option<Vec<i32>> = row.try_get("d_ordinal").map_err(unreadable)?;
    let stale: Option<Vec<i32>> = row.try_get("g_ordinal").map_err(unreadable)?;
    if repeats.is_none() && stale.is_none() {
        let head: i64 = row.try_get("o_head").map_err(unreadable)?;
        let at: DateTime<Utc> = row.try_get("o_at").map_err(unreadable)?;
        let seq: Vec<i64> = row.try_get("o_seq").map_err(unreadable)?;
        let msg_no: Vec<i64> = row.try_get("o_msg_no").map_err(unreadable)?;
        return Ok(Outcome::Appended(Appended::number(
            batch, head, at, &seq, &msg_no,
        )));
    }
    let mut found = vec![];
    if let Some(ordinals) = repeats {
        let stream: Vec<Uuid> = row.try_get("d_stream").map_err(unreadable)?;
        let pos: Vec<i64> = row.try_get("d_pos").map_err(unreadable)?;
        let seq: Vec<i64> = row.try_get("d_seq").map_err(unreadable)?;
        let at: Vec<DateTime<Utc>> = row.try_get("d_at").map_err(unreadable)?;
        let actor: Vec<Uuid> = row.try_get("d_actor").map_err(unreadable)?;
        let digest: Vec<i64> = row.try_get("d_digest").map_err(unreadable)?;
        found.extend(ordinals.iter().enumerate().map(|(i, ordinal)| Repeat {
            proposal: *ordinal as usize - 1,
            stream: stream[i],
            pos: pos[i] as u64,
            seq: seq[i] as u64,
            at: at[i],
            actor: actor[i],
            digest: digest[i],
            kind: None,
        }));
    }
    let mut moved = vec![];
    if let Some(ordinals) = stale {
        let guard: Vec<i64> = row.try_get("g_guard").map_err(unreadable)?;
        moved.extend(ordinals.iter().zip(guard).map(|(ordinal, guard)| Stale {
            stream: batch.streams[*ordinal as usize - 1],
            guard: guard as u64,
        }));
    }
    Ok(Outcome::Refused {
        repeats: found,
        stale: moved,
    })
}

/// Tells "nothing was written" from "nobody knows", and what another try may mend from what is wrong for good.
fn classify(error: &tokio_postgres::Error) -> AppendError {
    let message = describe(error);
    match Blame::of(error) {
        Blame::Lost => AppendError::Unknown(message),
        Blame::Statement => AppendError::Failed {
            message,
            // No segment for the position yet: the keeper is making it.
            transient: error.code() == Some(&SqlState::CHECK_VIOLATION),
            away: false,
        },
        blame @ (Blame::Rival | Blame::Schema | Blame::Session) => AppendError::Failed {
            message,
            transient: true,
            away: blame != Blame::Rival,
        },
    }
}
