//! Small runs of every ceiling, on real stores: not how fast they are, but that they count what happened.
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::path::PathBuf;
use std::time::Duration;

use tidings_ceilings::{
    Args, Ceiling, FrameReader, Rounds, append_loop, batched_inserts, copy_in, echo_and_commit, frame_reader,
    raw_frames, raw_frames_in_flight, raw_frames_to, redis_pipeline, run,
};
use tidings_report::Summary;
use tidings_services::{PostgresOptions, Profile};
use tidings_stand::{Stand, StandOptions};

const ROUNDS: Rounds = Rounds {
    count: 2,
    warm_up: Duration::from_millis(50),
    length: Duration::from_millis(200),
};

async fn stand() -> Stand {
    let options = StandOptions {
        nodes: 0,
        postgres: PostgresOptions::new(Profile::Test),
        ..StandOptions::new(PathBuf::new())
    };
    Stand::start(&options).await.unwrap()
}

/// Databases besides those that are always there.
async fn databases(stand: &Stand) -> i64 {
    let (client, connection) = tokio_postgres::connect(&stand.database_url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    let driver = tokio::spawn(connection);
    let count = "SELECT count(*) FROM pg_database WHERE datname LIKE 'ceiling%'";
    let count = client.query_one(count, &[]).await.unwrap().get(0);
    driver.abort();
    count
}

/// That as many are in the rounds as were counted then, and none more than in all.
fn assert_counted(rates: &[f64], all: u64) {
    assert_eq!(rates.len(), ROUNDS.count);
    let counted = rates.iter().sum::<f64>() * ROUNDS.length.as_secs_f64();
    assert!(all > 0 && counted <= all as f64 + 0.5, "{counted} of {all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_that_was_answered_is_in_the_table() {
    let stand = stand().await;
    for outstanding in [1, 50] {
        let done = append_loop(&stand, outstanding, &ROUNDS).await.unwrap();
        assert_counted(&done.events_per_s, done.written);
        assert!(done.batch >= 1.0 && done.batch <= outstanding as f64);
        assert!(done.latencies.count() <= done.written);
    }
    let inserts = batched_inserts(&stand, 20, 2, &ROUNDS).await.unwrap();
    assert_counted(&inserts.rows_per_s, inserts.written);
    assert_eq!(inserts.written % 20, 0);
    let copied = copy_in(&stand, 30, 1, &ROUNDS).await.unwrap();
    assert_counted(&copied.rows_per_s, copied.written);
    assert_eq!(copied.written % 30, 0);
    assert_eq!(databases(&stand).await, 0, "the logs are removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_is_echoed_and_committed_when_it_is_due() {
    let done = echo_and_commit(&stand().await, 100.0, &ROUNDS).await.unwrap();
    assert_eq!(done.written, 45, "100 a second for 0.45 s");
    assert_eq!(done.rounds.len(), ROUNDS.count);
    for times in &done.rounds {
        assert_eq!(times.both.count(), 20);
        assert!(times.both.quantile(1.0) >= times.commit.quantile(1.0));
    }
    assert_eq!(done.all().echo.count(), 40);
}

#[tokio::test]
async fn every_entry_is_in_redis() {
    let done = redis_pipeline(&stand().await, &ROUNDS).await.unwrap();
    assert_counted(&done.entries_per_s, done.entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_is_read_by_a_thread() {
    for per_write in [1, 4] {
        let done = raw_frames(50, per_write, &ROUNDS).await.unwrap();
        assert_counted(&done.frames_per_s, done.frames);
        assert_eq!(done.frames % (50 * per_write as u64), 0);
    }
    let done = raw_frames_in_flight(50, 8, &ROUNDS).await.unwrap();
    assert_counted(&done.frames_per_s, done.frames);
    assert_eq!(done.name(), "raw frames to 50 sockets, 8 in flight");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_is_read_by_a_process() {
    let arguments = ["--exact", "reads_frames_for_another_process", "--ignored"];
    let reader = FrameReader::Process(
        std::env::current_exe().unwrap(),
        arguments.map(str::to_owned).to_vec(),
    );
    let done = raw_frames_to(&reader, 50, 2, 1, &ROUNDS).await.unwrap();
    assert_counted(&done.frames_per_s, done.frames);
}

#[tokio::test]
#[ignore = "started by every_frame_is_read_by_a_process"]
async fn reads_frames_for_another_process() {
    frame_reader().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_fails_ends_the_measurement() {
    let reader = FrameReader::Process("/bin/false".into(), vec![]);
    let limit = Duration::from_mins(1);
    let outcome = tokio::time::timeout(limit, raw_frames_to(&reader, 5, 1, 1, &ROUNDS)).await;
    assert!(outcome.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workload_reports_what_was_asked_for() {
    let out = tempfile::tempdir().unwrap();
    let args = Args {
        only: vec![Ceiling::Append, Ceiling::Frames, Ceiling::Redis],
        rounds: 2,
        seconds: 0.1,
        outstanding: vec![8],
        batches: vec![],
        sockets: vec![10],
        frames: vec![1],
        out: out.path().to_owned(),
    };
    run(args).await.unwrap();
    let summary = Summary::read(out.path()).unwrap();
    summary.write_markdown(out.path()).unwrap();
    let text = std::fs::read_to_string(out.path().join("results.md")).unwrap();
    for part in [
        "PostgreSQL",
        "Redis",
        "append path, 8 outstanding",
        "raw frames to 10",
        "XADD",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}
