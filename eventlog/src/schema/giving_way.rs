//! Migrations that give way to those who use the tables.
//!
//! One that alters a table waits until nobody else holds it: a `pg_dump` does from its beginning to its end. Whoever comes behind it for
//! that table waits for it in turn, even to read. So it waits for a moment only, leaves the table to the others, and tries again.

use super::{SchemaError, chain, embedded};
use refinery::Target;
use std::error::Error as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// How long others are held off at a time. Longer than the usual `deadlock_timeout`, behind which an autovacuum gives way itself.
const HOLD: Duration = Duration::from_secs(2);
/// How long the tables are left to them then.
const LEAVE: Duration = Duration::from_secs(3);

/// Carries out the migrations up to `target`. Gives up where nothing comes of it for as long as `wait`, because others use what the
/// next one changes.
pub(super) async fn migrate(client: &mut Client, target: Target, wait: Duration) -> Result<(), SchemaError> {
    let limit = format!("SET lock_timeout = {}", HOLD.as_millis());
    client.batch_execute(&limit).await?;
    let migrated = attempt(client, target, wait).await;
    // What is done besides waits for as long as it takes.
    let reset = client.batch_execute("RESET lock_timeout").await;
    migrated?;
    reset.map_err(SchemaError::from)
}

async fn attempt(client: &mut Client, target: Target, wait: Duration) -> Result<(), SchemaError> {
    let mut since = Instant::now();
    loop {
        let runner = embedded::migrations::runner().set_target(target);
        let Err(error) = runner.run_async(client).await else {
            return Ok(());
        };
        if !is_held_up(&error) {
            return Err(SchemaError::Migration(chain(&error)));
        }
        // Each migration is a transaction of its own: those before the one that was held up are done.
        if error
            .report()
            .is_some_and(|report| !report.applied_migrations().is_empty())
        {
            since = Instant::now();
        } else if since.elapsed() >= wait {
            return Err(SchemaError::HeldUp {
                wait,
                reason: chain(&error),
            });
        }
        tracing::info!(
            error = chain(&error),
            "a migration waits for those who use what it changes"
        );
        sleep(LEAVE.min(wait)).await;
    }
}

/// Whether a lock was not had in time.
fn is_held_up(error: &refinery::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<tokio_postgres::Error>() {
            return error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
        }
        cause = error.source();
    }
    false
}
