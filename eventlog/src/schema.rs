//! The database's schema: migrations, lanes, and the segments that hold the next events.

mod beforehand;
mod giving_way;

use crate::blame::describe;
use crate::connect::{ConnectError, LogConfig};
use crate::home::quoted;
use crate::pool::Pool;
use refinery::Target;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, sleep};

const NEWEST: &str = "SELECT coalesce(max(version), 0)::int FROM refinery_schema_history";

/// How often a migration looks whether another has ended.
const LOOK: Duration = Duration::from_millis(200);

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Why the schema could not be made or is not right.
#[derive(Debug, Error)]
pub enum SchemaError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("migration failed: {0}")]
    Migration(String),
    #[error("PostgreSQL {found} is too old: 14 or newer is needed")]
    TooOld { found: String },
    #[error("the database is at schema version {found}, this program needs {needed}: run `tidings migrate`")]
    Behind { found: u32, needed: u32 },
    #[error("another migration has been running for {0:?}; try again when it has ended")]
    Busy(Duration),
    #[error(
        "others have used for {wait:?} what a migration changes; try again when they have ended, such as a dump: {reason}"
    )]
    HeldUp { wait: Duration, reason: String },
    #[error("the database refused: {0}")]
    Database(String),
}

impl From<tokio_postgres::Error> for SchemaError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(describe(&error))
    }
}

/// Brings the schema up to this program's version, makes sure of `lanes` lanes, and answers the version. Several nodes
/// may call it at once. Lanes are only ever added. The schema of a newer program does for this one, as [`check`] has it, and stays
/// as it is.
pub async fn migrate(config: &LogConfig, lanes: u16) -> Result<u32, SchemaError> {
    let mut session = config.connect().await?;
    // Most of those that start find everything there, and wait for nobody.
    let version = match within(config.timeout, made(&session.client, lanes)).await? {
        Some(version) => version,
        None => run(&mut session.client, lanes, config).await?,
    };
    if version > needed() {
        tracing::info!(
            version,
            needed = needed(),
            "the schema is a newer program's: nothing is migrated"
        );
    }
    Ok(version)
}

/// The version of the schema, where nothing is left to be done: it is this program's or a newer one's, and has the lanes.
async fn made(client: &tokio_postgres::Client, lanes: u16) -> Result<Option<u32>, SchemaError> {
    let number = "SELECT current_setting('server_version_num')::int";
    let number: i32 = client.query_one(number, &[]).await?.try_get(0)?;
    if number < 140_000 {
        return Err(SchemaError::TooOld {
            found: format!("{}.{}", number / 10_000, number % 10_000),
        });
    }
    let version = newest(client).await?;
    if version < needed() {
        return Ok(None);
    }
    let found = "SELECT count(*) FROM log_lane WHERE lane < $1::int";
    let found: i64 = client.query_one(found, &[&lane_count(lanes)]).await?.try_get(0)?;
    Ok((found == i64::from(lane_count(lanes))).then_some(version))
}

/// The version of the schema; 0 where there is none.
async fn newest(client: &tokio_postgres::Client) -> Result<u32, SchemaError> {
    let made = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !client.query_one(made, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let newest: i32 = client.query_one(NEWEST, &[]).await?.try_get(0)?;
    Ok(u32::try_from(newest).unwrap_or(0))
}

fn lane_count(lanes: u16) -> i32 {
    i32::from(lanes.clamp(1, 256))
}

async fn run(
    client: &mut tokio_postgres::Client,
    lanes: u16,
    config: &LogConfig,
) -> Result<u32, SchemaError> {
    lock(client, config).await?;
    if let Some(home) = config.home.name() {
        make_home(client, home).await?;
    }
    let version = newest(client).await?;
    if version <= needed() {
        beforehand::index_segments(client, config.migration_wait).await?;
        giving_way::migrate(client, Target::Latest, config.migration_wait).await?;
    }
    client
        .execute(include_str!("schema/add_lanes.sql"), &[&lane_count(lanes)])
        .await?;
    Ok(version.max(needed()))
}

/// Takes a session lock: nodes that start together migrate one after the other. One that waits holds no snapshot meanwhile, for
/// which an index that is made beside others would have to wait in turn.
async fn lock(client: &tokio_postgres::Client, config: &LogConfig) -> Result<(), SchemaError> {
    let (wait, name) = (config.migration_wait, config.home.lock("tidings.migrate"));
    let deadline = Instant::now() + wait;
    let sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";
    loop {
        let taken = within(config.timeout, async {
            Ok(client.query_one(sql, &[&name]).await?.try_get::<_, bool>(0)?)
        });
        if taken.await? {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(SchemaError::Busy(wait));
        }
        sleep(LOOK.min(wait)).await;
    }
}

/// Makes the schema where it is missing. Whoever finds it made needs no right to make any.
async fn make_home(client: &tokio_postgres::Client, home: &str) -> Result<(), SchemaError> {
    let made = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    if !client.query_one(made, &[&home]).await?.try_get::<_, bool>(0)? {
        client
            .batch_execute(&format!("CREATE SCHEMA {}", quoted(home)))
            .await?;
    }
    Ok(())
}

/// An error with its causes; the database's own message stands in the last one.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = match error.downcast_ref::<tokio_postgres::Error>() {
            Some(error) => describe(error),
            None => error.to_string(),
        };
        text = format!("{text}: {said}");
        cause = error.source();
    }
    text
}

/// The schema version that this program needs.
pub fn needed() -> u32 {
    let runner = embedded::migrations::runner();
    runner
        .get_migrations()
        .iter()
        .map(|migration| migration.version() as u32)
        .max()
        .unwrap_or(0)
}

/// Refuses a database that has not been migrated to this program's version.
pub async fn check(pool: &Pool) -> Result<(), SchemaError> {
    let found = within(pool.timeout(), version(pool)).await?;
    let (found, needed) = (u32::try_from(found).unwrap_or(0), needed());
    if found < needed {
        Err(SchemaError::Behind { found, needed })
    } else {
        Ok(())
    }
}

async fn version(pool: &Pool) -> Result<i32, SchemaError> {
    let client = pool.get().await?;
    let table: Option<String> = client
        .query_one("SELECT to_regclass('refinery_schema_history')::text", &[])
        .await?
        .try_get(0)?;
    if table.is_none() {
        return Ok(0);
    }
    Ok(client.query_one(NEWEST, &[]).await?.try_get(0)?)
}

/// Makes the segments that the next events need; answers how many were made. To be called about once a second.
pub async fn ensure_segments(pool: &Pool) -> Result<u32, SchemaError> {
    let made: i32 = within(pool.timeout(), async {
        let client = pool.get().await?;
        let row = client.query_one("SELECT log_ensure_segments(1)", &[]).await?;
        Ok(row.try_get(0)?)
    })
    .await?;
    Ok(u32::try_from(made).unwrap_or(0))
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, SchemaError>>,
) -> Result<T, SchemaError> {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or(Err(ConnectError::Timeout(limit).into()))
}
