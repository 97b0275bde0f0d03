//! The workloads in small, against real nodes: what they check passes, and their reports are whole.
//! Nothing here is about speed.

#![expect(clippy::unwrap_used, reason = "a test may end at what must not happen")]

use std::path::Path;

use clap::{Args, Parser};
use serde_json::Value;
use tidings_report::Summary;
use tidings_scale::{changes, growth, history, long, rebuild, search};

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

/// Reads a report and sees that its checker passed and that every figure has a value.
fn report(out: &Path, workload: &str) -> Value {
    let text = std::fs::read_to_string(out.join(format!("{workload}.json"))).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let notes = report["notes"].to_string();
    assert!(notes.contains("checker: PASS"), "{notes}");
    for figure in report["figures"].as_array().unwrap() {
        assert!(figure["median"].as_f64().unwrap() > 0.0, "{figure}");
    }
    assert!(out.join(format!("{workload}.svg")).is_file());
    report
}

/// Whether a figure stands beside another one, and has this aim.
fn compared(report: &Value, name: &str, beside: &str, aim: &str) {
    let figures = report["figures"].as_array().unwrap();
    let figure = figures.iter().find(|figure| figure["name"] == name);
    let figure = figure.unwrap_or_else(|| panic!("no {name} in {report}"));
    assert_eq!(figure["ceiling"]["name"], beside, "{figure}");
    assert!(figure["aim"][aim].is_number(), "{figure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_looks_and_checks() {
    let out = tempfile::tempdir().unwrap();
    let line = "--events 1500,4000 --history-rounds 2 --history-seconds 1 --looks 40";
    history::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "history");
    for page in ["newest page", "page in the middle", "oldest page"] {
        let name = format!("{page}, 4000 events, p50");
        compared(&report, &name, "1500 events", "at_most");
    }
    assert!(report["notes"].to_string().contains("80 pages and lists"));
    let cold = report["latencies"].as_array().unwrap().iter();
    let cold: Vec<&Value> = cold
        .filter(|latency| latency["name"].as_str().unwrap().contains("nothing cached"))
        .collect();
    assert_eq!(cold.len(), 2);
    assert!(cold.iter().all(|latency| latency["count"] == 199), "{cold:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_share_their_logs() {
    let out = tempfile::tempdir().unwrap();
    let line = "--history 1500,3000 --history-rounds 1 --history-seconds 1 --looks 20 --growth 1500,3000 --groups 3,40 \
                --messages 10 --connections 6 --conversations 8 --window 4 --rounds 1 --seconds 1";
    long::run(args(out.path(), line)).await.unwrap();
    report(out.path(), "history");
    let report = report(out.path(), "growth");
    let name = "durable acks, 3000 events";
    compared(&report, name, "1500 events", "at_least");
    let name = "rows written per message, 40 members";
    compared(&report, name, "3 members", "at_most");
    compared(&report, "WAL per message, 40 members", "3 members", "at_most");
    let summary = Summary::read(out.path()).unwrap();
    assert_eq!(summary.workloads().count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_group_are_seen_beside_its_rest() {
    let out = tempfile::tempdir().unwrap();
    let line = "--members 30 --changes 2500 --connections 4 --rate 50 --rounds 1 --seconds 1";
    changes::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "changes");
    let name = "send to ack while the group changes, p99";
    compared(&report, name, "while it rests", "at_most");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_is_found_in_every_script() {
    let out = tempfile::tempdir().unwrap();
    let line = "--rows 6000 --fresh 1500 --searches 6 --sample 500";
    search::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "search");
    compared(&report, "index of words, rebuilt", "text", "at_most");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("7500 messages") && notes.contains("48 searches"),
        "{notes}"
    );
    assert!(!report.to_string().contains("unknown"));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_are_rebuilt_beside_those_who_write() {
    let out = tempfile::tempdir().unwrap();
    let line = "--events 1500 --connections 4 --rate 50 --rounds 1 --seconds 1";
    rebuild::run(args(out.path(), line)).await.unwrap();
    let report = report(out.path(), "rebuild");
    let name = "send to ack while all is rebuilt, p99";
    compared(&report, name, "while nothing is rebuilt", "at_most");
    let name = "rows written by a rebuild";
    compared(&report, name, "COPY of the same rows", "at_least");
    let figures = report["figures"].as_array().unwrap();
    let name = "events of the log rebuilt, history alone";
    assert!(figures.iter().any(|figure| figure["name"] == name), "{report}");
    assert!(report["notes"].to_string().contains("equal the log row for row"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_too_short_is_refused() {
    let out = tempfile::tempdir().unwrap();
    let line = "--events 500 --groups 3";
    let error = growth::run(args(out.path(), line)).await.unwrap_err();
    assert!(format!("{error:#}").contains("at least"), "{error:#}");
    assert!(!out.path().join("growth.json").exists());
}
