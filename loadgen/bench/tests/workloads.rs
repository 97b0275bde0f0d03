//! Every workload in small, against a real node: what they check passes, and their reports are whole.
//! Nothing here is about speed.

#![expect(clippy::unwrap_used, reason = "a test may end at what must not happen")]

use std::path::Path;

use clap::{Args, Parser};
use serde_json::Value;
use tidings_bench::{accept, cluster, fanout, idle, latency, modest, queries, storm, sustained};
use tidings_report::Summary;

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
        // What a few connections more take is less than what the allocator gives back meanwhile, now and then.
        let is_difference = figure["name"].as_str().unwrap().contains("memory, from ");
        let median = figure["median"].as_f64().unwrap();
        assert!(median >= 0.0 || is_difference, "{figure}");
    }
    let stores = &report["machine"]["versions"];
    assert!(
        stores["PostgreSQL"].is_string() && stores["Redis"].is_string(),
        "{stores}"
    );
    assert!(out.join(format!("{workload}.svg")).is_file());
    let summary = Summary::read(out).unwrap();
    assert_eq!(summary.workloads().collect::<Vec<_>>(), [workload]);
    report
}

fn figure<'a>(report: &'a Value, name: &str) -> &'a Value {
    let figures = report["figures"].as_array().unwrap();
    let found = figures.iter().find(|figure| figure["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {report}"))
}

fn median(report: &Value, name: &str) -> f64 {
    figure(report, name)["median"].as_f64().unwrap()
}

/// In how many rounds a figure stands beside a ceiling of this name.
fn compared(report: &Value, name: &str, ceiling: &str) -> usize {
    let figure = figure(report, name);
    assert_eq!(figure["ceiling"]["name"], ceiling, "{figure}");
    figure["ceiling"]["ratios"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--connections 8 --conversations 12 --window 4 --rounds 2 --seconds 1";
    accept::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "accept");
    assert_eq!(compared(&report, "durable acks", "the append path alone"), 2);
    for name in [
        "durable acks",
        "processor time of the server per message",
        "context switches of the server per message",
        "context switches of PostgreSQL per message",
        "WAL per message",
    ] {
        assert!(median(&report, name) > 0.0, "{name}");
    }
    let behind = figure(&report, "read models behind, at most, as time");
    assert_eq!(behind["aim"]["at_most"], 2.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fanout_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--members 30 --senders 2 --rooms 2 --window 3 --rounds 2 --seconds 1";
    fanout::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "fanout");
    let name = "deliveries, 30 members, 2 senders";
    assert!(median(&report, name) > 0.0);
    assert_eq!(compared(&report, name, "raw frames, 2 in flight"), 2);
    let name = "deliveries, 2 groups of 50, 3 in flight";
    assert!(median(&report, name) > 0.0);
    assert_eq!(compared(&report, name, "raw frames, 3 in flight"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn latency_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    latency::run(args(out.path(), "--pairs 2 --rate 50 --rounds 2 --seconds 1"))
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
    let name = "send to delivered at 50/s, p50";
    assert_eq!(compared(&report, name, "echo and one commit at 50/s"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    idle::run(args(
        out.path(),
        "--connections 10 --connections 25 --conversations 3 --seconds 1",
    ))
    .await
    .unwrap();
    assert!(median(&report(out.path(), "idle"), "connections made, up to 25") > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn storm_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    storm::run(args(
        out.path(),
        "--clients 60 --missed 5 --conversations 3 --rounds 1",
    ))
    .await
    .unwrap();
    let report = report(out.path(), "storm");
    assert!(
        report["notes"].to_string().contains("300 missed messages"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn cluster_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--pairs 2 --rate 50 --members 20 --senders 2 --rounds 2 --seconds 1";
    cluster::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "cluster");
    let name = "send to delivered from node to node at 50/s, p50";
    assert_eq!(compared(&report, name, "at one node"), 2);
    for nodes in [1, 2] {
        assert!(
            median(
                &report,
                &format!("deliveries, 20 members at {nodes} nodes, 2 senders")
            ) > 0.0
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sustained_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--connections 8 --conversations 12 --rate 200 --seconds 6";
    sustained::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "sustained");
    assert!(median(&report, "durable acks, minute by minute") > 0.0);
    assert!(report["notes"].to_string().contains("too short"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn modest_measures_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--connections 8 --conversations 12 --rate 50 --rounds 2 --seconds 2";
    modest::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "modest");
    let name = "processor time per message, beside";
    assert_eq!(compared(&report, name, "PostgreSQL's for one append alone"), 2);
    for name in [
        "on disk per message",
        "transactions per message",
        "events per message",
    ] {
        assert!(median(&report, name) > 0.0, "{name}");
    }
    // An event is a row of the log and of its indexes.
    let log = median(&report, "on disk per message, public.event");
    assert!(
        log > 100.0 && log < median(&report, "on disk per message"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_measure_and_check() {
    let out = tempfile::tempdir().unwrap();
    queries::run(args(out.path(), "--rounds 2 --queries 5"))
        .await
        .unwrap();
    let report = report(out.path(), "queries");
    for name in ["page of 50 with names", "me"] {
        let beside = format!("{name}, beside, p50");
        assert_eq!(compared(&report, &beside, "one request and one statement"), 2);
    }
}
