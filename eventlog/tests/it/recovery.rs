//! What a server or a network that misbehaves for a while leaves behind: nothing.

use crate::support::{LANES, TestLog, appended, batch, message, proposal, stream};
use std::collections::HashSet;
use std::time::Duration;
use tidings_eventlog::{AppendError, Appender, Log, LogConfig, ReadError, schema};
use tidings_services::testing::{private_postgres, private_postgres_with};
use tidings_services::{ChaosProxy, PostgresOptions, Profile};
use tokio::task::JoinSet;
use tokio_postgres::Client;
use uuid::Uuid;

/// No append begins to write before this ends.
const HOLD: &str = "BEGIN; LOCK TABLE log_lane IN ACCESS EXCLUSIVE MODE";

/// Far longer than any answer takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_mins(1);

/// New sessions of this database can only read, as those of a server that has been demoted, and the ones that there are end.
async fn make_read_only(client: &Client) {
    alter(client, "SET default_transaction_read_only = on").await;
    let end = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    client.batch_execute(end).await.unwrap();
}

/// New sessions can write again. The ones that there are stay as they are.
async fn make_writable(client: &Client) {
    alter(client, "RESET default_transaction_read_only").await;
}

async fn alter(client: &Client, how: &str) {
    let sql = format!("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {how}', current_database()); END $$");
    client.batch_execute(&sql).await.unwrap();
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn append(appender: &Appender, seq: u64) -> Result<(), AppendError> {
    let one = batch(0, &[proposal(stream(0, 1), 0, vec![message()])]);
    assert_eq!(appended(appender.append(&one).await?).events[0].seq, seq);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appender_that_met_a_read_only_server_writes_again_when_the_server_does() {
    let test = TestLog::new().await;
    let client = test.client().await;
    // By default such a server is not even taken; whoever asks for any server gets one that refuses.
    for (round, url) in [
        test.database.url().to_owned(),
        format!("{}?target_session_attrs=any", test.database.url()),
    ]
    .iter()
    .enumerate()
    {
        let first = round as u64 * 2 + 1;
        let appender = Appender::new(LogConfig::from_url(url).unwrap().with_timeout(PATIENCE));
        append(&appender, first).await.unwrap();
        make_read_only(&client).await;
        // The first finds out that its session is gone, the next meets the server as it is now.
        for _ in 0..3 {
            let refused = append(&appender, 0).await.unwrap_err();
            let passing = !matches!(refused, AppendError::Failed { transient: false, .. });
            assert!(passing, "nothing is wrong with the batch: {refused}");
        }
        make_writable(&client).await;
        append(&appender, first + 1).await.unwrap();
    }
}

/// A log that is read over `pool_size` sessions at `url`.
fn reader(url: &str, pool_size: usize, timeout: Duration) -> Log {
    let mut config = LogConfig::from_url(url).unwrap();
    (config.pool_size, config.timeout) = (pool_size, timeout);
    Log::new(config.pool().unwrap(), config.timeout)
}

async fn waiting_for_locks(client: &Client) -> i64 {
    let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = \
               (SELECT oid FROM pg_database WHERE datname = current_database())";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_given_up_ends_at_the_server_too_and_leaves_the_pool_whole() {
    let test = TestLog::new().await;
    let (holder, watcher) = (test.client().await, test.client().await);
    let log = reader(test.database.url(), 1, Duration::from_secs(15));
    log.heads().await.unwrap();
    holder
        .batch_execute("BEGIN; LOCK TABLE log_identity IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    // One runs out of time; another is dropped by whoever asked.
    let late = log.identity().await.unwrap_err();
    assert!(matches!(late, ReadError::Timeout(_)), "{late}");
    log.heads().await.unwrap();
    tokio::select! {
        biased;
        answer = log.identity() => panic!("the table is locked: {answer:?}"),
        () = async {
            while waiting_for_locks(&watcher).await == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    log.heads().await.unwrap();
    tokio::time::timeout(PATIENCE, async {
        while waiting_for_locks(&watcher).await > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_network_has_forgotten_are_replaced() {
    let test = TestLog::new().await;
    let port = url_port(test.database.url());
    let proxy = ChaosProxy::to_port(port).await.unwrap();
    let url = test
        .database
        .url()
        .replace(&format!(":{port}/"), &format!(":{}/", proxy.port()));
    let log = reader(&url, 3, Duration::from_secs(15));
    // As many sessions as there can be.
    let mut reads = JoinSet::new();
    for _ in 0..3 {
        let log = log.clone();
        reads.spawn(async move { log.identity().await.unwrap() });
    }
    reads.join_all().await;
    proxy.strand();
    // Each of them costs one time-out at most, here all at once.
    let mut reads = JoinSet::new();
    for _ in 0..3 {
        let log = log.clone();
        reads.spawn(async move { drop(log.heads().await) });
    }
    reads.join_all().await;
    for _ in 0..3 {
        log.heads().await.unwrap();
    }
}

/// Waits until this is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    tokio::time::timeout(PATIENCE, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

/// Appends until the server lets a session more wait for this, and gives that append up. Its session is lost; answers the command.
async fn lose_an_append(appender: &Appender, watcher: &Client, waits_for: &str) -> Uuid {
    let before = waiting_for(watcher, waits_for).await;
    let losing = async {
        loop {
            let one = proposal(stream(0, 1), 0, vec![message()]);
            let sent = batch(0, std::slice::from_ref(&one));
            tokio::select! {
                biased;
                outcome = appender.append(&sent) => drop(appended(outcome.unwrap())),
                () = until(async || waiting_for(watcher, waits_for).await > before) => break one.command,
            }
        }
    };
    let lost = tokio::time::timeout(PATIENCE, losing).await.unwrap();
    assert!(is_in_doubt(appender, lost));
    lost
}

/// Whether a command of lane 0 may be carried out yet.
fn is_in_doubt(appender: &Appender, command: Uuid) -> bool {
    appender.in_doubt(0, [command]).contains(&command)
}

/// Sessions that wait for this.
async fn waiting_for(watcher: &Client, event: &str) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = $1";
    watcher.query_one(sql, &[&event]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_takes_another_one_appends_and_ends_what_it_has_lost() {
    let postgres = private_postgres().await.unwrap();
    postgres.ensure_database("log").await.unwrap();
    let url = postgres.url("log");
    let mut config = LogConfig::from_url(&url).unwrap().with_timeout(PATIENCE);
    schema::migrate(&config, u16::from(LANES)).await.unwrap();
    let (holder, watcher) = (client(&url).await, client(&url).await);
    // The one that signs in may do nothing by itself, and the other one may not see its sessions.
    let roles = "CREATE ROLE app; GRANT USAGE ON SCHEMA public TO app; \
                 GRANT ALL ON ALL TABLES IN SCHEMA public TO app; \
                 CREATE ROLE login LOGIN PASSWORD 'secret'; GRANT app TO login; ALTER ROLE login SET role = app";
    watcher.batch_execute(roles).await.unwrap();
    config.postgres.user("login").password("secret");
    let appender = Appender::new(config);
    append(&appender, 1).await.unwrap();
    // It waits before it has begun to write.
    holder.batch_execute(HOLD).await.unwrap();
    let lost = lose_an_append(&appender, &watcher, "relation").await;
    appender.end_lost(0, &[lost]).await.unwrap();
    assert!(!is_in_doubt(&appender, lost));
    assert_eq!(waiting_for(&watcher, "relation").await, 0);
    holder.batch_execute("COMMIT").await.unwrap();
    append(&appender, 2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_sessions_that_were_lost_each_is_ended_for_what_it_was_sent() {
    let test = TestLog::new().await;
    let (holder, watcher) = (test.client().await, test.client().await);
    // None of them gives the lock up before all are lost.
    let appender = Appender::new(test.config.clone().with_timeout(10 * PATIENCE));
    append(&appender, 1).await.unwrap();
    holder.batch_execute(HOLD).await.unwrap();
    let mut lost = vec![];
    for _ in 0..3 {
        lost.push(lose_an_append(&appender, &watcher, "relation").await);
    }
    // No other command, nor one of another lane, is theirs.
    appender.end_lost(0, &[Uuid::new_v4()]).await.unwrap();
    appender.end_lost(1, &lost).await.unwrap();
    assert_eq!(waiting_for(&watcher, "relation").await, 3);
    appender.end_lost(0, &lost[..1]).await.unwrap();
    assert_eq!(waiting_for(&watcher, "relation").await, 2);
    let in_doubt = appender.in_doubt(0, lost.clone());
    assert_eq!(in_doubt, lost[1..].iter().copied().collect::<HashSet<_>>());
    appender.end_lost(0, &lost).await.unwrap();
    assert_eq!(waiting_for(&watcher, "relation").await, 0);
    assert!(appender.in_doubt(0, lost).is_empty());
    holder.batch_execute("COMMIT").await.unwrap();
    append(&appender, 2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_too_many_sessions_are_lost_nothing_is_appended_until_some_have_ended() {
    let postgres = private_postgres().await.unwrap();
    postgres.ensure_database("log").await.unwrap();
    let url = postgres.url("log");
    // None of them gives the lock up before all are lost.
    let config = LogConfig::from_url(&url).unwrap().with_timeout(10 * PATIENCE);
    schema::migrate(&config, u16::from(LANES)).await.unwrap();
    let (holder, watcher) = (client(&url).await, client(&url).await);
    let appender = Appender::new(config);
    append(&appender, 1).await.unwrap();
    holder.batch_execute(HOLD).await.unwrap();
    let (mut lost, mut commands) = (0, vec![]);
    let refused = loop {
        let one = proposal(stream(0, 1), 0, vec![message()]);
        let sent = batch(0, std::slice::from_ref(&one));
        tokio::select! {
            biased;
            outcome = appender.append(&sent) => break outcome.unwrap_err(),
            () = until(async || waiting_for(&watcher, "relation").await > lost) => {
                lost += 1;
                commands.push(one.command);
            }
        }
    };
    assert!(matches!(refused, AppendError::Unreachable(_)), "{refused}");
    assert_eq!(lost, 64);
    assert_eq!(appender.in_doubt(0, commands.clone()).len(), 64);
    assert_eq!(waiting_for(&watcher, "relation").await, lost);
    // Nor to another lane.
    let other = batch(1, &[proposal(stream(1, 1), 0, vec![message()])]);
    let refused = appender.append(&other).await.unwrap_err();
    assert!(matches!(refused, AppendError::Unreachable(_)), "{refused}");
    assert!(appender.trouble().is_some());
    until(async || {
        appender.probe().await;
        appender.in_doubt(0, commands.clone()).is_empty()
    })
    .await;
    assert_eq!(waiting_for(&watcher, "relation").await, 0);
    appender.probe().await;
    assert!(appender.trouble().is_none());
    holder.batch_execute("COMMIT").await.unwrap();
    append(&appender, 2).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_waits_for_a_standby_is_not_shown_before_though_nobody_waits_for_it_any_more() {
    let options = PostgresOptions::new(Profile::Test)
        .with("wal_level", "replica")
        .with("max_wal_senders", "2");
    let postgres = private_postgres_with(options).await.unwrap();
    postgres.ensure_database("log").await.unwrap();
    let url = postgres.url("log");
    let config = LogConfig::from_url(&url).unwrap().with_timeout(PATIENCE);
    schema::migrate(&config, u16::from(LANES)).await.unwrap();
    let appender = Appender::new(config);
    append(&appender, 1).await.unwrap();
    let watcher = client(&url).await;
    let standbys = async |set: &str| {
        let set = format!("ALTER SYSTEM {set}");
        watcher.batch_execute(&set).await.unwrap();
        watcher.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    };
    standbys("SET synchronous_standby_names = 'nobody'").await;
    let waits = lose_an_append(&appender, &watcher, "SyncRep").await;
    // One that has not begun to write does not stay with it.
    let holder = client(&url).await;
    let hold = format!("{HOLD}; COMMIT");
    let held = tokio::spawn(async move { holder.batch_execute(&hold).await.unwrap() });
    until(async || waiting_for(&watcher, "relation").await == 1).await;
    let ends = lose_an_append(&appender, &watcher, "relation").await;
    for _ in 0..2 {
        appender.end_lost(0, &[waits, ends]).await.unwrap_err();
        assert_eq!(appender.in_doubt(0, [waits, ends]), HashSet::from([waits]));
    }
    appender.end_lost(0, &[ends]).await.unwrap();
    assert_eq!(waiting_for(&watcher, "SyncRep").await, 1);
    let before = events(&watcher).await;
    standbys("RESET synchronous_standby_names").await;
    until(async || appender.end_lost(0, &[waits]).await.is_ok()).await;
    held.await.unwrap();
    assert_eq!(events(&watcher).await, before + 1);
}

async fn events(client: &Client) -> i64 {
    client
        .query_one("SELECT count(*) FROM event", &[])
        .await
        .unwrap()
        .get(0)
}

fn url_port(url: &str) -> u16 {
    let (_, address) = url.rsplit_once(':').unwrap();
    address.split('/').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn who_starts_on_a_schema_that_is_made_waits_for_no_migration() {
    let test = TestLog::new().await;
    let (holder, connection) = tokio_postgres::connect(test.database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    // As a migration that has been cut off leaves it, until the server notices.
    let lock = "SELECT pg_advisory_lock(hashtextextended('tidings.migrate', 0))";
    holder.execute(lock, &[]).await.unwrap();
    let mut config = test.config.clone();
    config.migration_wait = Duration::from_millis(100);
    schema::migrate(&config, u16::from(LANES)).await.unwrap();
    // Whoever has something to do waits.
    assert!(schema::migrate(&config, u16::from(LANES) + 1).await.is_err());
}
