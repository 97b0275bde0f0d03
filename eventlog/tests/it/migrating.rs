//! A log of an earlier version is brought up to this one while others append to it.

use crate::support::{LANES, TestLog};
use refinery::Target;
use std::time::Duration;
use tidings_eventlog::schema::SchemaError;
use tidings_eventlog::{LogConfig, schema};
use tidings_services::testing::{TestDatabase, shared};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Client, NoTls};

mod embedded {
    refinery::embed_migrations!("../migrations");
}

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);
/// The last version before segments are indexed by what events are about.
const BEFORE: i32 = 13;

async fn client(database: &TestDatabase) -> Client {
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn migrate(config: LogConfig) -> Result<u32, SchemaError> {
    schema::migrate(&config, 4).await
}

/// An event that no appender knows of.
fn event(pos: i64) -> String {
    format!(
        "INSERT INTO event SELECT 0, {pos}, gen_random_uuid(), 1, 1, 18, 1, false, gen_random_uuid(), now(), gen_random_uuid(), 0, 0, \
         convert_to('{{\"message_seq\":7}}', 'UTF8')"
    )
}

/// The session that waits until it can index a segment.
async fn indexing(client: &Client) -> i32 {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(CREATE|DROP) INDEX CONCURRENTLY' \
               AND wait_event_type = 'Lock'";
    let found = async {
        loop {
            if let Some(row) = client.query_opt(sql, &[]).await.unwrap() {
                return row.get(0);
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap()
}

#[tokio::test]
async fn segments_are_indexed_beside_those_who_append_and_over_an_interruption() {
    let database = shared().empty_database().await.unwrap();
    let mut early = client(&database).await;
    embedded::migrations::runner()
        .set_target(Target::Version(BEFORE))
        .run_async(&mut early)
        .await
        .unwrap();
    let (writer, other) = (client(&database).await, client(&database).await);
    // An append that is not committed yet is waited for.
    writer
        .batch_execute(&format!("BEGIN; {}", event(1)))
        .await
        .unwrap();
    let config = LogConfig::from_url(database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    let first = tokio::spawn(migrate(config.clone()));
    let session = indexing(&other).await;
    timeout(PATIENCE, other.batch_execute(&event(2)))
        .await
        .expect("others append meanwhile")
        .unwrap();
    let terminated = other
        .execute("SELECT pg_terminate_backend($1)", &[&session])
        .await;
    terminated.unwrap();
    assert!(timeout(PATIENCE, first).await.unwrap().unwrap().is_err());

    let second = tokio::spawn(migrate(config));
    indexing(&other).await;
    timeout(PATIENCE, other.batch_execute(&event(3)))
        .await
        .expect("others append meanwhile")
        .unwrap();
    writer.batch_execute("COMMIT").await.unwrap();
    let version = timeout(PATIENCE, second).await.unwrap().unwrap().unwrap();
    assert_eq!(version, schema::needed());

    // Each segment has all of them.
    let whole = "SELECT count(*) FILTER (WHERE i.indisvalid), count(*), (SELECT count(*) FROM pg_inherits WHERE inhparent = 'event'::regclass) \
                 FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname ~ '^event_[0-9]+_(abt|mrk|ntc|wth)$'";
    let row = other.query_one(whole, &[]).await.unwrap();
    let (valid, all, segments): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!((valid, all), (4 * segments, 4 * segments));
}

/// Those who wait for a lock on a table.
async fn waiting_for(client: &Client, table: &str) {
    let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = to_regclass($1) \
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let found = async {
        while client.query_one(sql, &[&table]).await.unwrap().get::<_, i64>(0) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap();
}

/// A log of an earlier version, of which a session holds a table as a dump does.
async fn dumped(version: i32, table: &str) -> (TestDatabase, Client) {
    let database = shared().empty_database().await.unwrap();
    let mut early = client(&database).await;
    embedded::migrations::runner()
        .set_target(Target::Version(version))
        .run_async(&mut early)
        .await
        .unwrap();
    early
        .batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS SHARE MODE"))
        .await
        .unwrap();
    (database, early)
}

#[tokio::test]
async fn others_use_a_table_while_its_migration_waits_for_a_dump() {
    let append = event(1);
    for (version, table, statement) in [
        (46, "account", "SELECT count(*) FROM account"),
        (26, "event", append.as_str()),
    ] {
        let (database, dump) = dumped(version, table).await;
        let other = client(&database).await;
        let config = LogConfig::from_url(database.url())
            .unwrap()
            .with_timeout(PATIENCE);
        let migrating = tokio::spawn(migrate(config));
        waiting_for(&other, table).await;
        timeout(PATIENCE, other.batch_execute(statement))
            .await
            .expect("others use it meanwhile")
            .unwrap();
        assert!(!migrating.is_finished());
        dump.batch_execute("COMMIT").await.unwrap();
        let version = timeout(PATIENCE, migrating).await.unwrap().unwrap();
        assert_eq!(version.unwrap(), schema::needed());
    }
}

#[tokio::test]
async fn a_migration_that_is_held_up_for_too_long_says_so_and_can_be_tried_again() {
    let (database, dump) = dumped(46, "account").await;
    let mut config = LogConfig::from_url(database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    config.migration_wait = Duration::ZERO;
    let migrated = timeout(PATIENCE, migrate(config.clone())).await.unwrap();
    assert!(
        matches!(migrated, Err(SchemaError::HeldUp { .. })),
        "{migrated:?}"
    );
    dump.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migrate(config).await.unwrap(), schema::needed());
}

#[tokio::test]
async fn the_schema_of_a_newer_program_stays_as_it_is_and_lanes_are_added_to_it() {
    let test = TestLog::new().await;
    let client = test.client().await;
    let newer = schema::needed() + 1;
    let later = format!(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES ({newer}, 'later', '2026-01-01T00:00:00Z', '1')"
    );
    client.batch_execute(&later).await.unwrap();
    for lanes in [LANES, LANES + 1] {
        let migrated = schema::migrate(&test.config, u16::from(lanes)).await;
        assert_eq!(migrated.unwrap(), newer);
    }
    let counts = "SELECT (SELECT count(*) FROM log_lane), max(version) FROM refinery_schema_history";
    let row = client.query_one(counts, &[]).await.unwrap();
    let (lanes, version): (i64, i32) = (row.get(0), row.get(1));
    assert_eq!((lanes, version), (i64::from(LANES) + 1, newer as i32));
}
