//! Checking read models that have been built, before anybody reads them.
//!
//! As many events as one can afford to fold twice are folded again, by themselves, and every row that they make must be in what was
//! built. Lanes are closed worlds, so a lane is folded again as a whole or not at all; the short ones are taken first.

use crate::engine::build::{Build, Goals, states};
use crate::engine::observer::Stage;
use crate::engine::session::Session;
use crate::engine::target::Target;
use crate::engine::version;
use crate::error::{ProjectionError, within};
use crate::projection::{Projection, Table};
use std::time::Duration;

/// Events that are folded again at most, over all lanes.
const EVENTS: u64 = 200_000;
/// The longest that the comparison of one table may take.
const COMPARISON: Duration = Duration::from_mins(15);
/// Begins the names of what is folded again.
const SUFFIX: &str = "check";

/// Checks what `build` has built, and notes what is refused. It is an error when anything is.
pub(crate) async fn check(admin: &mut Session, build: &Build<'_>) -> Result<(), ProjectionError> {
    let goals = affordable(admin, build).await?;
    if goals.lanes.is_empty() {
        if goals.left_out > 0 {
            tracing::info!(
                "every lane is too long to be folded again; `tidings verify` does it all the same"
            );
        }
        return Ok(());
    }
    build.progress.stage(Stage::Comparing);
    let projections: Vec<&'static dyn Projection> =
        build.targets.iter().map(|target| target.projection).collect();
    let mut again = Build::begin_anew(admin, build.log, &projections, SUFFIX).await?;
    again.gentle = build.gentle;
    let found = compare(admin, build, &again, &goals).await;
    again.discard(admin).await;
    let Some((target, reason)) = found? else {
        tracing::info!(
            lanes = goals.lanes.len(),
            left_out = goals.left_out,
            "what was built is what the log says"
        );
        return Ok(());
    };
    version::refuse(admin, target, &reason).await?;
    let projection = target.projection.name().to_owned();
    Err(ProjectionError::Refused { projection, reason })
}

/// Lanes that are folded again, up to where they are built, and how many others hold events.
struct Affordable {
    lanes: Goals,
    left_out: usize,
}

async fn affordable(admin: &Session, build: &Build<'_>) -> Result<Affordable, ProjectionError> {
    let targets: Vec<&Target> = build.targets.iter().collect();
    let mut lanes: Vec<(u8, Vec<u64>)> = states(build.log, admin, &targets)
        .await?
        .into_iter()
        .map(|(lane, state)| (lane, state.positions.iter().map(|pos| pos.unwrap_or(0)).collect()))
        .filter(|(_, positions): &(u8, Vec<u64>)| positions.iter().any(|pos| *pos > 0))
        .collect();
    let length = |positions: &[u64]| positions.iter().max().copied().unwrap_or(0);
    lanes.sort_by_key(|(_, positions)| length(positions));
    let (all, mut events) = (lanes.len(), 0);
    let lanes: Goals = lanes
        .into_iter()
        .take_while(|(_, positions)| {
            events += length(positions);
            events <= EVENTS
        })
        .collect();
    Ok(Affordable {
        left_out: all - lanes.len(),
        lanes,
    })
}

/// The first difference, and whose it is.
async fn compare<'a>(
    admin: &Session,
    build: &'a Build<'_>,
    again: &Build<'_>,
    goals: &Affordable,
) -> Result<Option<(&'a Target, String)>, ProjectionError> {
    again.fill(&goals.lanes).await?;
    for (built, again) in build.targets.iter().zip(&again.targets) {
        for table in built.projection.tables() {
            let differs = within(
                COMPARISON,
                difference(admin, built, again, *table, goals.left_out == 0),
            );
            if let Some(reason) = differs.await? {
                return Ok(Some((built, reason)));
            }
        }
    }
    Ok(None)
}

/// How a table differs; where the whole log was folded again, rows beyond what it makes count, too.
async fn difference(
    admin: &Session,
    built: &Target,
    again: &Target,
    table: Table,
    whole: bool,
) -> Result<Option<String>, tokio_postgres::Error> {
    let Table { name, key, .. } = table;
    let (built, again) = (&built.quoted, &again.quoted);
    let on: Vec<String> = key
        .iter()
        .map(|column| format!("b.{column} = a.{column}"))
        .collect();
    let shown: Vec<String> = key.iter().map(|column| format!("a.{column}::text")).collect();
    let sql = format!(
        "SELECT concat_ws(', ', {}) FROM {again}.{name} a LEFT JOIN {built}.{name} b ON {} \
          WHERE b::text IS DISTINCT FROM a::text LIMIT 1",
        shown.join(", "),
        on.join(" AND ")
    );
    if let Some(row) = admin.client.query_opt(&sql, &[]).await? {
        let key: String = row.try_get(0)?;
        return Ok(Some(format!("{name} ({key}) is not what its events make of it")));
    }
    if whole {
        let sql =
            format!("SELECT (SELECT count(*) FROM {built}.{name}), (SELECT count(*) FROM {again}.{name})");
        let row = admin.client.query_one(&sql, &[]).await?;
        let (has, should): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if has != should {
            return Ok(Some(format!("{name} has {has} rows, and the log makes {should}")));
        }
    }
    Ok(None)
}
