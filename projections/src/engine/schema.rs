//! Schemas of projections: making and dropping them.

use crate::engine::session::SHORT;
use crate::engine::target::Target;
use crate::engine::version;
use crate::error::{ProjectionError, within};
use deadpool_postgres::Transaction;
use std::time::Duration;
use tidings_eventlog::{Home, Lease, Pool};

/// The longest that making tables may take: hundreds of files, and a flush to disk.
pub(crate) const MAKING: Duration = Duration::from_mins(2);

/// Makes the tables of this program's versions of the read models where they are missing, with checkpoints at the beginning of
/// every lane, and adds checkpoints for lanes that are new. Tables of other versions stay as they are: nodes that know them
/// go on folding and reading them. Several nodes may call it at once.
///
/// Returns the read models that are still to be built, as [`Projector::build`](crate::Projector::build) does.
pub async fn setup(pool: &Pool) -> Result<Vec<&'static str>, ProjectionError> {
    let missing = within(SHORT, async { missing(&pool.get().await?).await }).await?;
    // Nodes that start at once do not wait for each other where nothing is to be made.
    match missing {
        None => {}
        // A running node comes here for lanes that were added, and must not wait as long for a connection that is lost.
        Some(Missing::Lanes) => within(SHORT, make_all_live(pool)).await?,
        Some(Missing::Tables) => within(MAKING, make_all_live(pool)).await?,
    }
    within(SHORT, async {
        Ok::<_, ProjectionError>(version::unbuilt(&pool.get().await?).await?)
    })
    .await
}

/// What the live read models lack.
enum Missing {
    /// The schema of one of them.
    Tables,
    /// A checkpoint of this program's version in some lane, and nothing else.
    Lanes,
}

async fn missing(client: &Lease) -> Result<Option<Missing>, ProjectionError> {
    let sql = include_str!("admin/complete.sql");
    let live = Target::all_live(client.home());
    let schemas: Vec<&str> = live.iter().map(|target| target.schema.as_str()).collect();
    let labels: Vec<&str> = live.iter().map(|target| target.label.as_str()).collect();
    let versions: Vec<i32> = live.iter().map(|target| target.projection.version()).collect();
    let row = client.query_one(sql, &[&schemas, &labels, &versions]).await?;
    let (has_tables, has_lanes): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    Ok(match (has_tables, has_lanes) {
        (false, _) => Some(Missing::Tables),
        (true, false) => Some(Missing::Lanes),
        (true, true) => None,
    })
}

async fn make_all_live(pool: &Pool) -> Result<(), ProjectionError> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    exclusive(&transaction, pool.home()).await?;
    for target in Target::all_live(pool.home()) {
        make_live(&transaction, &target).await?;
    }
    Ok(transaction.commit().await?)
}

async fn make_live(transaction: &Transaction<'_>, target: &Target) -> Result<(), ProjectionError> {
    if is_begun(transaction, target).await? && exists(transaction, &target.schema).await? {
        return add_lanes(transaction, target).await;
    }
    let origin = origin(transaction, target).await?;
    create_of(transaction, target, &origin).await?;
    // Nothing is to be built where nothing has happened.
    let empty = "SELECT NOT EXISTS (SELECT 1 FROM log_lane WHERE head > 0)";
    if transaction.query_one(empty, &[]).await?.try_get(0)? {
        index(transaction, target).await?;
        version::go_live(&**transaction, &[target]).await?;
    }
    Ok(())
}

/// Holds off everybody else who makes, swaps or drops schemas of this home, until the transaction ends.
pub(crate) async fn exclusive(transaction: &Transaction<'_>, home: &Home) -> Result<(), ProjectionError> {
    transaction
        .batch_execute("SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s'")
        .await?;
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    transaction
        .execute(lock, &[&home.lock("tidings.projections")])
        .await?;
    Ok(())
}

/// Whether there is a schema of that name.
pub(crate) async fn exists(transaction: &Transaction<'_>, schema: &str) -> Result<bool, ProjectionError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
    Ok(transaction.query_one(sql, &[&schema]).await?.try_get(0)?)
}

/// Makes the target's schema and tables anew, without what [`index`] makes, and with checkpoints at the beginning of every lane.
pub(crate) async fn create(transaction: &Transaction<'_>, target: &Target) -> Result<(), ProjectionError> {
    drop(transaction, target).await?;
    transaction
        .batch_execute(&format!("CREATE SCHEMA {}", target.quoted))
        .await?;
    transaction
        .batch_execute(&target.projection.ddl().replace("{schema}", &target.quoted))
        .await?;
    add_lanes(transaction, target).await
}

/// Makes the indexes of the target's tables that only readers need, where they are missing. It takes as long as the tables are long.
pub(crate) async fn index(transaction: &Transaction<'_>, target: &Target) -> Result<(), ProjectionError> {
    let indexes = target.projection.indexes().replace("{schema}", &target.quoted);
    transaction
        .batch_execute(&format!("SET LOCAL statement_timeout = 0; {indexes}"))
        .await?;
    Ok(())
}

/// What a build depends on beside the events: whoever goes on with it must find this unchanged.
pub(crate) async fn origin(
    transaction: &Transaction<'_>,
    target: &Target,
) -> Result<String, ProjectionError> {
    Ok(format!(
        "version {} by tidings {} {}",
        target.projection.version(),
        env!("CARGO_PKG_VERSION"),
        now(transaction).await?
    ))
}

/// The end of an [`origin`]: the lanes and their time lines.
async fn now(transaction: &Transaction<'_>) -> Result<String, ProjectionError> {
    let sql = "SELECT coalesce(string_agg(lane || ':' || epoch, ' ' ORDER BY lane), '') FROM log_lane";
    let time_lines: String = transaction.query_one(sql, &[]).await?.try_get(0)?;
    Ok(format!("on time lines {time_lines}"))
}

/// Whether the target's tables are there, of that origin, with what says how far they are.
pub(crate) async fn is_of(
    transaction: &Transaction<'_>,
    target: &Target,
    origin: &str,
) -> Result<bool, ProjectionError> {
    let sql = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1 AND obj_description(oid, 'pg_namespace') = $2) \
               AND EXISTS (SELECT FROM projection_checkpoint WHERE projection = $3 AND version = $4)";
    let version = target.projection.version();
    Ok(transaction
        .query_one(sql, &[&target.schema, &origin, &target.label, &version])
        .await?
        .try_get(0)?)
}

/// Whether the target's tables are there, with what says how far they are, and of the lanes and time lines that there are now. By which
/// program they were made is not asked.
pub(crate) async fn is_of_now(
    transaction: &Transaction<'_>,
    target: &Target,
) -> Result<bool, ProjectionError> {
    let sql = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    let noted = transaction.query_opt(sql, &[&target.schema]).await?;
    let noted: Option<String> = noted.map(|row| row.try_get(0)).transpose()?.flatten();
    match noted {
        Some(origin) if origin.ends_with(&now(transaction).await?) => {
            is_of(transaction, target, &origin).await
        }
        _ => Ok(false),
    }
}

/// Makes the target anew, and notes its origin.
pub(crate) async fn create_of(
    transaction: &Transaction<'_>,
    target: &Target,
    origin: &str,
) -> Result<(), ProjectionError> {
    create(transaction, target).await?;
    note(transaction, target, origin).await
}

/// Notes the origin of the target's tables.
pub(crate) async fn note(
    transaction: &Transaction<'_>,
    target: &Target,
    origin: &str,
) -> Result<(), ProjectionError> {
    // Digits and plain words.
    let note = format!("COMMENT ON SCHEMA {} IS '{origin}'", target.quoted);
    Ok(transaction.batch_execute(&note).await?)
}

/// Drops the target's schema, checkpoints and parked events, and what says that it is built.
pub(crate) async fn drop(transaction: &Transaction<'_>, target: &Target) -> Result<(), ProjectionError> {
    transaction
        .batch_execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", target.quoted))
        .await?;
    for table in [
        "projection_checkpoint",
        "projection_parked",
        "projection_version",
        "projection_refused",
    ] {
        let sql = format!("DELETE FROM {table} WHERE projection = $1 AND version = $2");
        transaction
            .execute(&sql, &[&target.label, &target.projection.version()])
            .await?;
    }
    Ok(())
}

/// Whether the target has a checkpoint in some lane.
pub(crate) async fn is_begun(
    transaction: &Transaction<'_>,
    target: &Target,
) -> Result<bool, ProjectionError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM projection_checkpoint WHERE projection = $1 AND version = $2)";
    Ok(transaction
        .query_one(sql, &[&target.label, &target.projection.version()])
        .await?
        .try_get(0)?)
}

/// Gives the target a checkpoint for every lane that it has none for.
pub(crate) async fn add_lanes(transaction: &Transaction<'_>, target: &Target) -> Result<(), ProjectionError> {
    let sql = include_str!("admin/add_lanes.sql");
    transaction
        .execute(sql, &[&target.label, &target.projection.version()])
        .await?;
    Ok(())
}
