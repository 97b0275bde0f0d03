//! Events that were put aside: listing them, and folding them after all.

use crate::engine::session::{SHORT, Session};
use crate::engine::target::{Target, chosen};
use crate::engine::version;
use crate::error::{ProjectionError, describe, within};
use crate::fact::{Decoded, Fact};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::HashSet;
use tidings_domain::stored::Kind;
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Log, Pool};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Events that are folded in one transaction.
const PAGE: i64 = 200;

/// An event that a live projection has put aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    pub projection: String,
    pub lane: u8,
    pub pos: u64,
    pub stream: Uuid,
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    pub parked_at: DateTime<Utc>,
}

impl Parked {
    pub(super) fn read(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            projection: row.try_get(0)?,
            lane: u8::try_from(row.try_get::<_, i16>(1)?).unwrap_or(0),
            pos: row.try_get::<_, i64>(2)? as u64,
            stream: row.try_get(3)?,
            error: row.try_get(4)?,
            attempts: row.try_get(5)?,
            parked_at: row.try_get(6)?,
        })
    }
}

/// Whether no administrator is told of whom or what an event of this kind is, nor where it stands.
pub fn is_confidential(kind: i16) -> bool {
    Kind::CONFIDENTIAL.contains(&Kind(kind))
}

/// What a retry came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Events that are folded now.
    pub applied: u64,
    /// Events that are still aside.
    pub left: u64,
}

/// The events that live projections have put aside, oldest first, at most `limit`.
pub async fn parked(pool: &Pool, limit: u32) -> Result<Vec<Parked>, ProjectionError> {
    let (names, versions) = version::current();
    let reading = async {
        let client = pool.get().await?;
        let sql = include_str!("admin/parked.sql");
        let rows = client.query(sql, &[&names, &versions, &i64::from(limit)]).await?;
        Ok::<_, ProjectionError>(rows.iter().map(Parked::read).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}

/// Tries the events that a live projection has put aside again, stream by stream in order. A stream whose first event fails
/// again stays aside.
pub async fn retry_parked(log: &Log, projection: &str) -> Result<Retried, ProjectionError> {
    let lanes: Vec<u8> = log.heads().await?.into_iter().map(|head| head.lane).collect();
    retry(log, projection, &lanes, None).await
}

/// The same for the events of one stream alone.
pub async fn retry_parked_stream(
    log: &Log,
    projection: &str,
    stream: Uuid,
) -> Result<Retried, ProjectionError> {
    retry(log, projection, &[lane_of(stream)], Some(stream)).await
}

/// Leaves an event out that a live projection has put aside, if it is the first of its stream that is; the next one of the stream
/// can be tried then. Returns whether it is left out. A rebuild meets the event again.
pub async fn skip_parked(log: &Log, projection: &str, lane: u8, pos: u64) -> Result<bool, ProjectionError> {
    let Some(projection) = chosen(&[projection])?.pop() else {
        return Ok(false);
    };
    let target = Target::live(log.pool().home(), projection);
    let mut session = Session::fold(log.pool()).await?;
    let transaction = within(SHORT, session.client.transaction()).await?;
    hold_runner(&transaction, &target, lane).await?;
    let sql = include_str!("admin/skip_parked.sql");
    let key: (&str, i32, i16) = (&target.label, target.projection.version(), i16::from(lane));
    let pos = pos as i64;
    let skipped = within(SHORT, transaction.execute(sql, &[&key.0, &key.1, &key.2, &pos])).await?;
    within(SHORT, transaction.commit()).await?;
    Ok(skipped > 0)
}

/// Tries what is aside in these lanes, or of one stream.
async fn retry(
    log: &Log,
    projection: &str,
    lanes: &[u8],
    only: Option<Uuid>,
) -> Result<Retried, ProjectionError> {
    let mut retried = Retried::default();
    let Some(projection) = chosen(&[projection])?.pop() else {
        return Ok(retried);
    };
    let target = Target::live(log.pool().home(), projection);
    let mut session = Session::fold(log.pool()).await?;
    for lane in lanes {
        let mut retry = Retry {
            log,
            target: &target,
            lane: *lane,
            only,
            after: 0,
            stuck: HashSet::new(),
            retried: &mut retried,
        };
        while retry.page(&mut session).await? {}
    }
    Ok(retried)
}

/// The runner of a lane waits until the transaction ends, so that no later event of a stream overtakes those that are folded in it.
async fn hold_runner(
    transaction: &Transaction<'_>,
    target: &Target,
    lane: u8,
) -> Result<(), ProjectionError> {
    let lock =
        "SELECT 1 FROM projection_checkpoint WHERE projection = $1 AND version = $2 AND lane = $3 FOR UPDATE";
    let key: (&str, i32, i16) = (&target.label, target.projection.version(), i16::from(lane));
    within(SHORT, transaction.query_opt(lock, &[&key.0, &key.1, &key.2])).await?;
    Ok(())
}

/// A lane's events that are aside, on their way to being tried.
struct Retry<'a> {
    log: &'a Log,
    target: &'a Target,
    lane: u8,
    /// Of this stream alone.
    only: Option<Uuid>,
    /// Everything up to here has been tried, or waits for something that was.
    after: u64,
    /// Streams of which an event could not be folded again.
    stuck: HashSet<Uuid>,
    retried: &'a mut Retried,
}

impl Retry<'_> {
    /// Tries a page of them; whether there may be more.
    async fn page(&mut self, session: &mut Session) -> Result<bool, ProjectionError> {
        let target = self.target;
        let key: (&str, i32, i16) = (&target.label, target.projection.version(), i16::from(self.lane));
        let mut transaction = within(SHORT, session.client.transaction()).await?;
        hold_runner(&transaction, target, self.lane).await?;
        let sql = include_str!("admin/parked_page.sql");
        let after = self.after as i64;
        let values: [&(dyn ToSql + Sync); 6] = [&key.0, &key.1, &key.2, &after, &PAGE, &self.only];
        let rows = within(SHORT, transaction.query(sql, &values)).await?;
        for row in &rows {
            let (pos, stream): (i64, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            self.after = pos as u64;
            if self.stuck.contains(&stream) {
                self.retried.left += 1;
                continue;
            }
            let refused = fold(&mut transaction, self.log, target, self.lane, self.after).await?;
            let done = match &refused {
                None => {
                    self.retried.applied += 1;
                    let sql = "DELETE FROM projection_parked WHERE projection = $1 AND version = $2 AND lane = $3 AND pos = $4";
                    within(SHORT, transaction.execute(sql, &[&key.0, &key.1, &key.2, &pos])).await
                }
                Some(error) => {
                    self.stuck.insert(stream);
                    self.retried.left += 1;
                    let sql = include_str!("admin/parked_again.sql");
                    let values: [&(dyn ToSql + Sync); 5] = [&key.0, &key.1, &key.2, &pos, error];
                    within(SHORT, transaction.execute(sql, &values)).await
                }
            };
            done?;
        }
        within(SHORT, transaction.commit()).await?;
        Ok(!rows.is_empty())
    }
}

/// Folds one event under a savepoint; answers why it could not be.
async fn fold(
    transaction: &mut Transaction<'_>,
    log: &Log,
    target: &Target,
    lane: u8,
    pos: u64,
) -> Result<Option<String>, ProjectionError> {
    let mut events = Decoded::all(log.lane(lane, pos - 1, pos, 1).await?);
    let Some(Decoded { record, event }) = events.pop() else {
        return Err(ProjectionError::Hole {
            lane,
            after: pos - 1,
            upto: pos,
        });
    };
    let event = match event {
        Ok(event) => event,
        Err(error) => return Ok(Some(error.to_string())),
    };
    let folding = async {
        let savepoint = transaction.transaction().await?;
        let facts = [Fact {
            record: &record,
            event: &event,
        }];
        match target.projection.apply(&savepoint, &target.quoted, &facts).await {
            Ok(()) => {
                savepoint.commit().await?;
                Ok(None)
            }
            Err(error) => {
                savepoint.rollback().await?;
                Ok(Some(describe(&error)))
            }
        }
    };
    within::<_, tokio_postgres::Error>(SHORT, folding).await
}
