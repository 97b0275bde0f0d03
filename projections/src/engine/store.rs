//! Checkpoints and parked events in the database.

use crate::engine::target::Target;
use deadpool_postgres::{ClientWrapper, Transaction};
use std::collections::{HashMap, HashSet};
use tokio_postgres::Error;
use uuid::Uuid;

/// How far a lane and some projections have come.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) head: u64,
    /// The lane's time line.
    pub(crate) epoch: u32,
    /// One per target, in their order; `None` where the target has no checkpoint.
    pub(crate) positions: Vec<Option<u64>>,
}

/// An event to put aside.
#[derive(Debug)]
pub(crate) struct Aside {
    pub(crate) pos: u64,
    pub(crate) stream: Uuid,
    pub(crate) error: String,
}

/// The names and versions of targets, as checkpoints have them.
pub(crate) fn keys(targets: &[&Target]) -> (Vec<String>, Vec<i32>) {
    targets
        .iter()
        .map(|target| (target.label.clone(), target.projection.version()))
        .unzip()
}

/// Reads where a lane and `targets` are.
pub(crate) async fn state(client: &ClientWrapper, lane: u8, targets: &[&Target]) -> Result<State, Error> {
    let (labels, versions) = keys(targets);
    let statement = client.prepare_cached(include_str!("store/state.sql")).await?;
    let rows = client
        .query(&statement, &[&i16::from(lane), &labels, &versions])
        .await?;
    let mut state = State {
        head: 0,
        epoch: 0,
        positions: vec![None; targets.len()],
    };
    for (row, position) in rows.iter().zip(&mut state.positions) {
        state.head = row.try_get::<_, i64>(0)? as u64;
        *position = row.try_get::<_, Option<i64>>(1)?.map(|pos| pos as u64);
        state.epoch = row.try_get::<_, i32>(2)? as u32;
    }
    Ok(state)
}

/// Moves the checkpoints of `targets` from one position to another and locks them until the transaction ends. Answers
/// `false` when one of them is not at `from`: the transaction must then be given up.
pub(crate) async fn move_checkpoints(
    transaction: &Transaction<'_>,
    lane: u8,
    targets: &[&Target],
    from: u64,
    to: u64,
) -> Result<bool, Error> {
    let (labels, versions) = keys(targets);
    let statement = transaction
        .prepare_cached(include_str!("store/advance.sql"))
        .await?;
    let moved = transaction
        .execute(
            &statement,
            &[&i16::from(lane), &labels, &versions, &(from as i64), &(to as i64)],
        )
        .await?;
    Ok(moved == targets.len() as u64)
}

/// Which of `streams`, all of one lane, each target has put aside, by label. To be read after the checkpoints are locked.
pub(crate) async fn parked_streams(
    transaction: &Transaction<'_>,
    lane: u8,
    targets: &[&Target],
    streams: &[Uuid],
) -> Result<HashMap<String, HashSet<Uuid>>, Error> {
    let (labels, versions) = keys(targets);
    let statement = transaction
        .prepare_cached(include_str!("store/parked_streams.sql"))
        .await?;
    let mut parked: HashMap<String, HashSet<Uuid>> = HashMap::new();
    for row in transaction
        .query(&statement, &[&i16::from(lane), &labels, &versions, &streams])
        .await?
    {
        parked.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?);
    }
    Ok(parked)
}

/// Puts events aside.
pub(crate) async fn park(
    transaction: &Transaction<'_>,
    lane: u8,
    target: &Target,
    events: &[Aside],
) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let positions: Vec<i64> = events.iter().map(|event| event.pos as i64).collect();
    let streams: Vec<Uuid> = events.iter().map(|event| event.stream).collect();
    let errors: Vec<&str> = events.iter().map(|event| event.error.as_str()).collect();
    let statement = transaction.prepare_cached(include_str!("store/park.sql")).await?;
    transaction
        .execute(
            &statement,
            &[
                &target.label,
                &target.projection.version(),
                &i16::from(lane),
                &positions,
                &streams,
                &errors,
            ],
        )
        .await?;
    Ok(())
}

/// How many events these targets have put aside.
pub(crate) async fn parked_count(
    client: &impl tokio_postgres::GenericClient,
    targets: &[&Target],
) -> Result<u64, Error> {
    let (labels, versions) = keys(targets);
    let sql = include_str!("admin/parked_count.sql");
    let row = client.query_one(sql, &[&labels, &versions]).await?;
    Ok(row.try_get::<_, i64>(0)? as u64)
}
