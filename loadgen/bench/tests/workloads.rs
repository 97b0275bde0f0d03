//! Every workload and every ceiling in small, against a real node: what they check passes, and their reports are whole.
//! Nothing here is about speed.

#![expect(clippy::unwrap_used, reason = "a test may end at what must not happen")]

use std::path::Path;
use std::time::Duration;

use clap::{Args, Parser};
use serde_json::Value;
use tidings_bench::{accept, ceilings, fanout, idle, latency, storm};
use tidings_stand::{Stand, StandOptions, find_program};

#[derive(Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    args: A,
}

/// The arguments of a workload from its command line, with a directory for the report.
fn args<A: Args>(out: &Path, line: &str) -> A {
    let out = out.display().to_string();
    let words = ["test", "--out", &out].into_iter().chain(line.split_whitespace());
    Line::try_parse_from(words)
        .unwrap_or_else(|error| panic!("{error}"))
        .args
}

/// Reads a report and sees that its checker passed and that nothing is missing.
fn report(out: &Path, workload: &str) -> Value {
    let text = std::fs::read_to_string(out.join(format!("{workload}.json"))).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let notes = report["notes"].to_string();
    assert!(notes.contains("checker: PASS"), "{notes}");
    for figure in report["figures"].as_array().unwrap() {
        assert!(figure["median"].as_f64().unwrap() >= 0.0, "{figure}");
    }
    assert!(out.join(format!("{workload}.md")).is_file());
    let drawable = !report["latencies"].as_array().unwrap().is_empty();
    assert_eq!(out.join(format!("{workload}.svg")).is_file(), drawable);
    report
}

fn figure(report: &Value, name: &str) -> f64 {
    let figures = report["figures"].as_array().unwrap();
    let found = figures.iter().find(|figure| figure["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report}"))["median"]
        .as_f64()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--connections 8 --conversations 12 --window 4 --rounds 1 --seconds 1";
    accept::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "accept");
    assert!(figure(&report, "durable acks") > 0.0);
    assert!(figure(&report, "append path alone") > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fanout_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--members 30 --senders 2 --rooms 2 --window 3 --rounds 1 --seconds 1";
    fanout::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "fanout");
    assert!(figure(&report, "deliveries, 30 members, 2 senders") > 0.0);
    assert!(figure(&report, "deliveries, 2 groups of 50, 3 in flight") > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    latency::run(args(out.path(), "--pairs 2 --rate 50 --rounds 1 --seconds 2"))
        .await
        .unwrap();
    let report = report(out.path(), "latency");
    let counts: Vec<u64> = report["latencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|latency| latency["count"].as_u64().unwrap())
        .collect();
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    idle::run(args(out.path(), "--connections 10 --connections 25 --seconds 1"))
        .await
        .unwrap();
    assert!(figure(&report(out.path(), "idle"), "connections made, up to 25") > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    storm::run(args(out.path(), "--clients 60 --missed 5 --rounds 1"))
        .await
        .unwrap();
    let report = report(out.path(), "storm");
    assert!(
        report["notes"].to_string().contains("300 missed messages"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ceilings_are_of_the_real_parts() {
    let stand = Stand::start(&StandOptions::new(find_program().unwrap()))
        .await
        .unwrap();
    let length = Duration::from_millis(300);
    assert!(ceilings::append_loop(&stand, 40, length).await.unwrap() > 0.0);
    assert!(ceilings::batched_inserts(&stand, 20, length).await.unwrap() > 0.0);
    assert!(ceilings::copy_in(&stand, 50, length).await.unwrap() > 0.0);
    assert!(ceilings::raw_frames(20, 4, length).await.unwrap() > 0.0);
    assert!(ceilings::redis_pipeline(&stand, length).await.unwrap() > 0.0);
    let times = ceilings::echo_and_commit(&stand, 50.0, Duration::from_secs(1))
        .await
        .unwrap();
    assert_eq!(
        (times.echo.count(), times.commit.count(), times.both.count()),
        (50, 50, 50)
    );
    stand.stop().await;
}
