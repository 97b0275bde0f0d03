//! A private PostgreSQL through its life, on the real server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tidings_services::testing::private_postgres;
use tidings_services::{Postgres, PostgresOptions, Profile, ServiceError};
use tokio_postgres::{Client, NoTls};

const PATIENCE: Duration = Duration::from_mins(1);

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn setting(client: &Client, name: &str) -> String {
    client
        .query_one("SELECT current_setting($1)", &[&name])
        .await
        .unwrap()
        .get(0)
}

/// A temporary directory that an unprivileged user can enter.
fn open_directory() -> tempfile::TempDir {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .unwrap()
}

fn directory_of(dir: &Path) -> PostgresOptions {
    assert!(dir.exists());
    PostgresOptions::new(Profile::Test)
}

#[tokio::test]
async fn the_durable_profile_flushes_and_settings_of_the_caller_win() {
    let dir = open_directory();
    let options = PostgresOptions::new(Profile::Durable)
        .with("work_mem", "7MB")
        .with("shared_buffers", "32MB");
    let postgres = Postgres::start(&dir.path().join("postgres"), options)
        .await
        .unwrap();
    let client = connect(&postgres.url("postgres")).await;
    assert_eq!(setting(&client, "fsync").await, "on");
    assert_eq!(setting(&client, "synchronous_commit").await, "on");
    assert_eq!(setting(&client, "listen_addresses").await, "127.0.0.1");
    assert_eq!(setting(&client, "work_mem").await, "7MB");
    assert_eq!(setting(&client, "shared_buffers").await, "32MB");
    assert_eq!(setting(&client, "server_encoding").await, "UTF8");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn data_and_port_outlive_a_stop_and_a_new_start() {
    let dir = open_directory();
    let first = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    let port = first.port();
    first.ensure_database("kept \"here\"").await.unwrap();
    first.ensure_database("kept \"here\"").await.unwrap();
    first.stop().await.unwrap();
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err(),
        "the server still listens"
    );

    let second = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    assert_eq!(second.port(), port);
    let client = connect(&second.url("postgres")).await;
    let found = client
        .query("SELECT 1 FROM pg_database WHERE datname = 'kept \"here\"'", &[])
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_that_was_taken_meanwhile_is_replaced() {
    let dir = open_directory();
    let first = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    let port = first.port();
    first.stop().await.unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let second = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    assert_ne!(second.port(), port);
    connect(&second.url("postgres"))
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
    drop(taken);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn whoever_cannot_read_the_secret_is_let_nowhere() {
    let postgres = private_postgres().await.unwrap();
    let url = postgres.url("postgres");
    let (scheme, rest) = url.split_once("tidings:").unwrap();
    let address = rest.split_once('@').unwrap().1;
    for stranger in ["tidings", "tidings:guess"] {
        let refused = tokio_postgres::connect(&format!("{scheme}{stranger}@{address}"), NoTls).await;
        assert!(refused.is_err(), "{stranger} was let in");
    }
    for file in ["secret", "server.log", "port", "lock"] {
        let mode = fs::metadata(postgres.dir().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

/// Data of a version that asked for no password is given one and keeps what it holds.
#[tokio::test]
async fn data_that_was_open_to_everybody_is_closed_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("postgres");
    let options = || PostgresOptions::new(Profile::Durable);
    let postgres = Postgres::start(&dir, options()).await.unwrap();
    postgres.ensure_database("kept").await.unwrap();
    postgres.stop().await.unwrap();
    let base = fs::canonicalize(dir.join("elsewhere")).unwrap_or_else(|_| dir.clone());
    fs::remove_file(dir.join("secret")).unwrap();
    fs::write(base.join("data/pg_hba.conf"), "host all all 127.0.0.1/32 trust\n").unwrap();
    let again = Postgres::start(&dir, options()).await.unwrap();
    connect(&again.url("kept"))
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
    let stranger = format!("postgres://tidings@127.0.0.1:{}/kept", again.port());
    assert!(tokio_postgres::connect(&stranger, NoTls).await.is_err());
    again.stop().await.unwrap();
    if base != dir {
        fs::remove_dir_all(base).unwrap();
    }
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let postgres = private_postgres().await.unwrap();
    let error = Postgres::start(postgres.dir(), directory_of(postgres.dir()))
        .await
        .unwrap_err();
    assert!(matches!(error, ServiceError::InUse { .. }), "{error}");
    connect(&postgres.url("postgres"))
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
}

#[tokio::test]
async fn committed_rows_survive_a_kill_and_a_restart_on_the_same_port() {
    let postgres = private_postgres().await.unwrap();
    let url = postgres.url("postgres");
    let client = connect(&url).await;
    client
        .batch_execute("CREATE TABLE kept AS SELECT 7 AS number")
        .await
        .unwrap();
    let pid = postgres.pid().unwrap();

    postgres.kill().await.unwrap();
    assert_eq!(postgres.pid(), None);
    assert!(client.query("SELECT 1", &[]).await.is_err());
    assert!(tokio_postgres::connect(&url, NoTls).await.is_err());

    postgres.restart().await.unwrap();
    assert_ne!(postgres.pid(), Some(pid));
    let row = connect(&url)
        .await
        .query_one("SELECT number FROM kept", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, i32>(0), 7);

    postgres.stop_immediate().await.unwrap();
    postgres.restart().await.unwrap();
    postgres.restart().await.unwrap();
    connect(&url)
        .await
        .query_one("SELECT number FROM kept", &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_paused_server_answers_nothing_until_it_is_resumed() {
    let postgres = private_postgres().await.unwrap();
    let client = connect(&postgres.url("postgres")).await;
    client.simple_query("SELECT 1").await.unwrap();
    postgres.pause().await.unwrap();
    let query = client.simple_query("SELECT 1");
    tokio::pin!(query);
    // A pause can only be seen as an answer that stays out.
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut query)
            .await
            .is_err()
    );
    postgres.resume().await.unwrap();
    tokio::time::timeout(PATIENCE, query).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_paused_server_can_be_stopped() {
    let postgres = private_postgres().await.unwrap();
    let _client = connect(&postgres.url("postgres")).await;
    postgres.pause().await.unwrap();
    Postgres::clone(&postgres).stop().await.unwrap();
    assert_eq!(postgres.pid(), None);
}

#[tokio::test]
async fn a_pid_file_that_names_a_stranger_does_not_prevent_a_start() {
    let dir = open_directory();
    let first = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    first.kill().await.unwrap();
    drop(first);
    // After a reboot the recorded id may belong to anything: here, to this test.
    let pid_file = dir.path().join("data/postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    let second = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    connect(&second.url("postgres"))
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
    second.stop().await.unwrap();
}

#[tokio::test]
async fn an_initialisation_that_was_cut_short_is_begun_anew() {
    let dir = open_directory();
    fs::create_dir(dir.path().join("data.new")).unwrap();
    fs::write(dir.path().join("data.new/PG_VERSION"), "15\n").unwrap();
    let postgres = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap();
    connect(&postgres.url("postgres"))
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_and_where_its_log_is() {
    let dir = open_directory();
    let options = directory_of(dir.path()).with("no_such_setting", "1");
    let error = Postgres::start(dir.path(), options)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("no_such_setting"), "{error}");
    assert!(error.contains("server.log"), "{error}");
}

#[tokio::test]
async fn data_of_another_version_is_left_alone() {
    let dir = open_directory();
    fs::create_dir(dir.path().join("data")).unwrap();
    fs::write(dir.path().join("data/PG_VERSION"), "9\n").unwrap();
    let error = Postgres::start(dir.path(), directory_of(dir.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ServiceError::DataVersion { data: 9, .. }),
        "{error}"
    );
    assert!(dir.path().join("data/PG_VERSION").exists());
}

/// A closed parent directory, as `/root` is, keeps the server's unprivileged user out. Only root has that user.
#[tokio::test]
async fn root_can_keep_its_data_under_a_directory_that_others_cannot_enter() {
    let closed = tempfile::tempdir().unwrap();
    let dir = closed.path().join("postgres");
    let postgres = Postgres::start(&dir, PostgresOptions::new(Profile::Test))
        .await
        .unwrap();
    postgres.ensure_database("kept").await.unwrap();
    postgres.stop().await.unwrap();
    let again = Postgres::start(&dir, PostgresOptions::new(Profile::Test))
        .await
        .unwrap();
    connect(&again.url("kept"))
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
    again.stop().await.unwrap();
    if let Ok(elsewhere) = fs::canonicalize(dir.join("elsewhere")) {
        assert!(
            elsewhere.starts_with("/var/lib/tidings"),
            "{}",
            elsewhere.display()
        );
        fs::remove_dir_all(elsewhere).unwrap();
    } else {
        assert!(dir.join("data/PG_VERSION").exists());
    }
}
