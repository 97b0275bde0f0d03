//! Events that were put aside: listing them, and folding them after all.

use crate::engine::session::{SHORT, Session};
use crate::engine::target::{Target, chosen};
use crate::engine::version;
use crate::error::{ProjectionError, describe, within};
use crate::fact::{Decoded, Fact};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::HashSet;
use tidings_eventlog::{Log, Pool};
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
        let read = |row: &tokio_postgres::Row| -> Result<Parked, tokio_postgres::Error> {
            Ok(Parked {
                projection: row.try_get(0)?,
                lane: u8::try_from(row.try_get::<_, i16>(1)?).unwrap_or(0),
                pos: row.try_get::<_, i64>(2)? as u64,
                stream: row.try_get(3)?,
                error: row.try_get(4)?,
                attempts: row.try_get(5)?,
                parked_at: row.try_get(6)?,
            })
        };
        Ok::<_, ProjectionError>(rows.iter().map(read).collect::<Result<_, _>>()?)
    };
    within(SHORT, reading).await
}

/// Tries the events that a live projection has put aside again, stream by stream in order. A stream whose first event fails
/// again stays aside.
pub async fn retry_parked(log: &Log, projection: &str) -> Result<Retried, ProjectionError> {
    let Some(projection) = chosen(&[projection])?.pop() else {
        return Ok(Retried::default());
    };
    let target = Target::live(log.pool().home(), projection);
    let mut session = Session::fold(log.pool()).await?;
    let mut retried = Retried::default();
    for lane in log.heads().await? {
        // Everything up to here has been tried, or waits for something that was.
        let mut after = 0;
        let mut stuck = HashSet::new();
        while let Some(last) = retry_page(
            &mut session,
            log,
            &target,
            lane.lane,
            after,
            &mut stuck,
            &mut retried,
        )
        .await?
        {
            after = last;
        }
    }
    Ok(retried)
}

/// Tries a page of a lane's parked events; answers the last position tried, or `None` when there are no more.
async fn retry_page(
    session: &mut Session,
    log: &Log,
    target: &Target,
    lane: u8,
    after: u64,
    stuck: &mut HashSet<Uuid>,
    retried: &mut Retried,
) -> Result<Option<u64>, ProjectionError> {
    let key: (&str, i32, i16) = (&target.label, target.projection.version(), i16::from(lane));
    let mut transaction = within(SHORT, session.client.transaction()).await?;
    // The runner waits meanwhile, so that no later event of a stream overtakes the ones that are folded here.
    let lock =
        "SELECT 1 FROM projection_checkpoint WHERE projection = $1 AND version = $2 AND lane = $3 FOR UPDATE";
    within(SHORT, transaction.query_opt(lock, &[&key.0, &key.1, &key.2])).await?;
    let sql = include_str!("admin/parked_page.sql");
    let rows = within(
        SHORT,
        transaction.query(sql, &[&key.0, &key.1, &key.2, &(after as i64), &PAGE]),
    )
    .await?;
    let mut last = None;
    for row in &rows {
        let (pos, stream): (i64, Uuid) = (row.try_get(0)?, row.try_get(1)?);
        last = Some(pos as u64);
        if stuck.contains(&stream) {
            retried.left += 1;
            continue;
        }
        let refused = fold(&mut transaction, log, target, lane, pos as u64).await?;
        let done = match &refused {
            None => {
                retried.applied += 1;
                let sql = "DELETE FROM projection_parked WHERE projection = $1 AND version = $2 AND lane = $3 AND pos = $4";
                within(SHORT, transaction.execute(sql, &[&key.0, &key.1, &key.2, &pos])).await
            }
            Some(error) => {
                stuck.insert(stream);
                retried.left += 1;
                let sql = include_str!("admin/parked_again.sql");
                within(
                    SHORT,
                    transaction.execute(sql, &[&key.0, &key.1, &key.2, &pos, error]),
                )
                .await
            }
        };
        done?;
    }
    within(SHORT, transaction.commit()).await?;
    Ok(last)
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
