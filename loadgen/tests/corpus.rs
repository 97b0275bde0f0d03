//! The chat log of README's "See that it keeps its word" in small: said through real sockets to two nodes, and checked.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tidings_journal::{Journal, Record, check_dir, journals_in};
use tidings_services::{PostgresOptions, Profile};
use tidings_stand::{Stand, StandOptions, find_program};
use tokio::process::Command;
use tokio::time::timeout;

const MESSAGES: usize = 300;
/// Enough that some are always away.
const PEOPLE: usize = 12;

/// Who speaks to all of them each time, so that not everybody who does so is muted or shown out.
const OUTSPOKEN: usize = 7;

/// A log in which everybody speaks in turns, and mostly to each other by name.
fn write_log(file: &Path) {
    let lines = (0..MESSAGES).map(|n| {
        let (user, other) = (n * 7 % PEOPLE, n * 5 % PEOPLE);
        let text = if n % 3 == 0 || user == OUTSPOKEN {
            format!("to all of you, word {n} and tone{}", n % 21)
        } else {
            format!("person{other}: word {n}")
        };
        json!({ "ts": n, "user": format!("person{user}"), "text": text }).to_string()
    });
    std::fs::write(file, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[tokio::test]
async fn a_small_log_is_said_by_all_its_people_and_nothing_is_missing() {
    let mut options = StandOptions::new(find_program().unwrap());
    options.nodes = 2;
    options.postgres = PostgresOptions::new(Profile::Test);
    let stand = Stand::start(&options).await.unwrap();
    let mut corpus = Command::new(env!("CARGO_BIN_EXE_tidings-loadgen"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.jsonl");
    write_log(&file);
    let journals = folder.path().join("journals");
    corpus.arg("corpus").arg(&file).args(["--offline-share", "0.3"]);
    corpus.arg("--journals").arg(&journals);
    corpus.env("TIDINGS_BIN", find_program().unwrap());
    corpus.args(["--database-url", &stand.database_url()]);
    for node in stand.nodes() {
        corpus.args(["--url", &node.url()]);
    }
    let running = corpus.kill_on_drop(true).output();
    let output = timeout(Duration::from_mins(5), running).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complaints}");
    let number = |name: &str| -> u64 {
        let row = said.lines().find_map(|line| line.strip_prefix(name));
        row.unwrap().trim().parse().unwrap()
    };
    // What is sent on is a message, too.
    let messages = MESSAGES as u64 + number("forwards");
    assert_eq!(number("messages") + number("unsaid"), messages, "{said}");
    assert_eq!(number("people"), PEOPLE as u64, "{said}");
    for changes in [
        "edits",
        "recalls",
        "reactions",
        "pins",
        "replies",
        "forwards",
        "everyone",
        "files",
    ] {
        assert!(number(changes) > 0, "{said}");
    }
    for own in [
        "mutes",
        "archived",
        "marked unread",
        "hidden",
        "cleared",
        "follows",
        "thread reads",
    ] {
        assert!(number(own) > 0, "{said}");
    }
    for befalls in [
        "by link",
        "invited",
        "asked",
        "approved",
        "turned away",
        "silenced",
        "removed",
        "banned",
        "came back",
        "gone",
        "blocks",
        "lifted",
        "slow",
        "pauses",
        "too soon",
        "requests",
        "accepted",
        "declined",
        "withdrawn",
        "ended",
        "crossed",
        "reported",
        "withheld",
        "shown again",
        "settled",
        "reports compared",
        "unsaid",
        "unheard",
    ] {
        assert!(number(befalls) > 0, "{befalls}: {said}");
    }
    // Strangers cannot write to each other either, nor whoever is banned come in.
    assert!(number("refusals") > number("unsaid"), "{said}");
    assert!(number("searches") > 0 && number("copies compared") > 0, "{said}");
    assert!(number("deliveries") > number("messages"), "{said}");
    stand.stop().await;

    // What was kept says the same, and no more when somebody was not shown something.
    let log = journals.join("log.jsonl.gz");
    let summary = check_dir(&journals, &log).unwrap();
    assert!(said.contains(&summary.to_string()), "{summary}\n{said}");
    // The moderator says nothing, and has a journal of what they order.
    assert_eq!(summary.people, PEOPLE as u64 + 1);
    assert!(summary.unread >= PEOPLE as u64 && summary.reads > 0, "{summary}");
    // Not the moderator's, which shows nothing.
    let mut files = journals_in(&journals).unwrap().into_iter();
    let file = files.find(|file| !file.to_string_lossy().contains(".moderator."));
    let file = file.unwrap();
    let mut journal = Journal::read(&file).unwrap();
    let shown = |record: &Record| matches!(record, Record::Delivered { .. });
    let shown: Vec<usize> = (0..journal.records.len())
        .filter(|n| shown(&journal.records[*n]))
        .collect();
    journal.records.remove(shown[shown.len() / 2]);
    journal.write(&file).unwrap();
    assert!(check_dir(&journals, &log).is_err());
}
