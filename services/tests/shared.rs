//! The servers that tests share: each test gets a database of its own, whichever runtime it runs on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use tidings_services::ServiceError;
use tidings_services::testing::{TestDatabase, shared};
use tokio_postgres::{Client, NoTls};

static MIGRATIONS: AtomicUsize = AtomicUsize::new(0);

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn migrate(url: String) -> Result<(), tokio_postgres::Error> {
    MIGRATIONS.fetch_add(1, Ordering::Relaxed);
    connect(&url)
        .await
        .batch_execute("CREATE TABLE note (text text)")
        .await
}

async fn notes(database: &TestDatabase) -> i64 {
    connect(database.url())
        .await
        .query_one("SELECT count(*) FROM note", &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn databases_of_one_template_are_separate_and_migrated_once() {
    let one = shared().database("notes", migrate).await.unwrap();
    let other = shared().database("notes", migrate).await.unwrap();
    connect(one.url())
        .await
        .batch_execute("INSERT INTO note VALUES ('a')")
        .await
        .unwrap();
    assert_eq!((notes(&one).await, notes(&other).await), (1, 0));
    let next = shared().database("notes", migrate).await.unwrap();
    assert_eq!(notes(&next).await, 0);
    assert_eq!(MIGRATIONS.load(Ordering::Relaxed), 1);
}

/// Each thread has a runtime of its own, as each test has.
#[test]
fn many_runtimes_can_ask_at_once() {
    let urls: Vec<String> = std::thread::scope(|scope| {
        let ask = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let database = shared().database("notes", migrate).await.unwrap();
                assert_eq!(notes(&database).await, 0);
                database.url().to_owned()
            })
        };
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut distinct = urls.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), urls.len());
}

#[tokio::test]
async fn a_failed_migration_is_told_and_can_be_tried_again() {
    let broken = async |_| Err("no such column");
    let error = shared().database("fragile", broken).await.unwrap_err();
    assert!(matches!(error, ServiceError::Migration { .. }), "{error}");
    assert!(error.to_string().contains("no such column"), "{error}");
    let migrate = async |url: String| {
        connect(&url)
            .await
            .batch_execute("CREATE TABLE note (text text)")
            .await
    };
    let database = shared().database("fragile", migrate).await.unwrap();
    assert_eq!(notes(&database).await, 0);
}

#[tokio::test]
async fn a_database_can_be_removed_while_somebody_is_connected() {
    let database = shared().empty_database().await.unwrap();
    let client = connect(database.url()).await;
    let url = database.url().to_owned();
    database.remove().await.unwrap();
    assert!(client.query("SELECT 1", &[]).await.is_err());
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());
}

#[test]
fn every_redis_url_is_new() {
    assert_ne!(shared().redis_url(), shared().redis_url());
}
