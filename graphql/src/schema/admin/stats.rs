//! The whole server in a few numbers.

use crate::database::{Database, NoAnswer};
use crate::freshness::{Freshness, heads};
use crate::schema::long::Long;
use async_graphql::SimpleObject;

/// Numbers of the whole server.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct Stats {
    /// Events in the log.
    events: Long,
    /// Lanes of the log.
    lanes: i32,
    /// Events that the read model which is furthest behind has not folded.
    behind: Long,
    /// Events that wait because they could not be folded, by whatever version.
    parked: Long,
}

pub(crate) async fn read(database: &Database, freshness: &Freshness) -> Result<Stats, NoAnswer> {
    let heads = heads(database, freshness, None).await?;
    let parked = database
        .rows("SELECT count(*) FROM projection_parked", &[], |row| {
            row.try_get(0)
        })
        .await?;
    let lags = freshness.checkpoints().lag();
    let behind = tidings_projections::names()
        .into_iter()
        .map(|name| {
            let of_it = lags.iter().filter(|lag| lag.projection == name);
            of_it.map(tidings_projections::Lag::events).sum()
        })
        .max()
        .unwrap_or(0_u64);
    Ok(Stats {
        events: Long(heads.iter().map(|head| head.pos).sum::<u64>().cast_signed()),
        lanes: i32::try_from(heads.len()).unwrap_or(i32::MAX),
        behind: Long(behind.cast_signed()),
        parked: Long(parked.into_iter().next().unwrap_or(0)),
    })
}
