//! `tidings export`, read and judged by the checker beside what clients saw.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use tidings_journal::{Export, Fault, Journal, Kind, Logged, Micros, Record, Stored, Via, check, digest};
use uuid::Uuid;

/// Runs the program's own command.
fn exported(store: &Store, path: &Path) -> Vec<Logged> {
    let program = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .args(["export", "--output"])
        .arg(path)
        .env("TIDINGS_DATABASE_URL", store.database.url())
        .output()
        .unwrap();
    assert!(
        program.status.success(),
        "{}",
        String::from_utf8_lossy(&program.stderr)
    );
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn micros(start: Instant) -> Micros {
    start.elapsed().as_micros() as Micros
}

/// What an ack tells of where and when.
fn stored(ack: &Value) -> Option<Stored> {
    let (lane, pos) = ack["position"].as_str()?.split_once(':')?;
    let at: tidings_protocol::Timestamp = serde_json::from_value(ack["at"].clone()).ok()?;
    Some(Stored {
        lane: lane.parse().ok()?,
        pos: pos.parse().ok()?,
        time: at.millis(),
    })
}

/// One device that writes down what it does and sees.
struct Writer {
    socket: Socket,
    journal: Journal,
    /// The beginning of the run, by which all of them count.
    start: Instant,
}

impl Writer {
    async fn connect(node: &TestNode, user: &User, start: Instant) -> Self {
        let mut journal = Journal {
            user: user.id.to_string(),
            device: "test".to_owned(),
            records: vec![Record::Connecting { at: micros(start) }],
        };
        let socket = node.socket(user).await;
        let at = micros(start);
        let resume = BTreeMap::new();
        journal.records.push(Record::Connected { at, resume });
        journal.records.push(Record::Synced { at });
        Self {
            socket,
            journal,
            start,
        }
    }

    async fn say(&mut self, conversation: Uuid, words: &str) {
        let mut command = message(conversation, words);
        let id = Uuid::now_v7();
        command["id"] = json!(id);
        self.journal.records.push(Record::Send {
            at: micros(self.start),
            id,
            conversation: conversation.to_string(),
            digest: digest(words),
        });
        self.socket.send(&command).await;
        let ack = self.socket.answer(id).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        self.journal.records.push(Record::Ack {
            at: micros(self.start),
            id,
            seq: ack["seq"].as_u64(),
            stored: stored(&ack),
        });
    }

    async fn see(&mut self, conversation: Uuid, count: usize) {
        for event in self.socket.events(conversation, count).await {
            let words = event["data"]["content"]["text"].as_str();
            self.journal.records.push(Record::Delivered {
                at: micros(self.start),
                conversation: text(&event["conversation"]),
                seq: event["seq"].as_u64(),
                id: words.map(|_| id(&event["data"]["message"])),
                digest: words.map_or(0, digest),
                // The program's export has what is said, and no more of an event.
                whole: None,
                withheld: false,
                via: Via::Live,
            });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_log_agrees_with_what_clients_saw() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, eve] = node.people(["ann", "ben", "eve"]).await;
    let start = Instant::now();
    let mut a = Writer::connect(&node, &ann, start).await;
    let mut b = Writer::connect(&node, &ben, start).await;
    let mut e = Writer::connect(&node, &eve, start).await;

    let group = a.socket.create_group(&[&ben]).await;
    a.say(group, "first").await;
    let member = |kind: &str| -> Value { json!({ "type": kind, "conversation": group, "user": eve.id }) };
    a.socket.acked(member("group.add")).await;
    a.say(group, "to three — naïve, 😀").await;
    a.socket.acked(member("group.remove")).await;
    a.say(group, "to two").await;
    let rename = json!({ "type": "group.rename", "conversation": group, "name": "renamed" });
    a.socket.acked(rename).await;
    let direct = b.socket.open_direct(&eve).await;
    b.say(direct, "hi").await;
    a.see(group, 7).await;
    b.see(group, 7).await;
    // Added, a message, removed.
    e.see(group, 3).await;
    b.see(direct, 2).await;
    e.see(direct, 2).await;
    node.stop().await;

    let dir = tempfile::tempdir().unwrap();
    let log = exported(&store, &dir.path().join("log.jsonl"));
    let of = |conversation: Uuid| -> Vec<Kind> {
        let own = log
            .iter()
            .filter(|logged| logged.conversation == conversation.to_string());
        own.map(|logged| logged.kind).collect()
    };
    assert_eq!(
        of(group),
        [
            Kind::Joined,
            Kind::Message,
            Kind::Joined,
            Kind::Message,
            Kind::Left,
            Kind::Message,
            Kind::Other
        ]
    );
    assert_eq!(of(direct), [Kind::Joined, Kind::Message]);
    assert_eq!(log.len(), 9, "events of users are left out");

    let mut journals = [a.journal, b.journal, e.journal];
    for journal in &mut journals {
        journal.records.push(Record::End { at: micros(start) });
    }
    let told = |record: &Record| matches!(record, Record::Ack { stored, .. } if stored.is_some());
    assert_eq!(
        journals[0].records.iter().filter(|record| told(record)).count(),
        3
    );
    let summary = check(&journals, &log.iter().cloned().collect::<Export>()).unwrap();
    assert_eq!((summary.acked, summary.delivered, summary.stayed), (4, 21, 3));

    // And it would notice.
    let end = journals[2].records.len() - 2;
    journals[2].records.remove(end);
    let wrong = check(&journals, &log.into_iter().collect::<Export>()).unwrap_err();
    assert_eq!(wrong.fault, Fault::NotShown, "{wrong}");
}
