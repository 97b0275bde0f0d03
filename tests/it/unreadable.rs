//! A conversation that this version cannot read.

use crate::support::*;
use serde_json::json;
use tidings_domain::stored::Kind;
use tidings_eventlog::{Appender, Batch, LogConfig, NewEvent, Outcome, Proposal};
use uuid::Uuid;

/// Appends a control event that no version can read.
async fn append_garbage(store: &Store, conversation: Uuid, guard: u64) {
    let event = NewEvent {
        kind: 3,
        ver: 1,
        control: true,
        countable: false,
        payload: "{}".into(),
    };
    append(store, conversation, guard, event).await;
}

async fn append(store: &Store, conversation: Uuid, guard: u64, event: NewEvent) {
    let mut batch = Batch::new(conversation.as_bytes()[15]);
    batch.push(&Proposal {
        stream: conversation,
        command: Uuid::now_v7(),
        digest: 0,
        actor: Uuid::nil(),
        guard,
        events: vec![event],
    });
    let appender = Appender::new(
        LogConfig::from_url(store.database.url())
            .unwrap()
            .with_timeout(PATIENCE),
    );
    let outcome = appender.append(&batch).await.unwrap();
    assert!(matches!(outcome, Outcome::Appended(_)), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_its_own_commands_and_its_neighbours_go_on() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    // Groups of one person share a lane.
    let (bad, neighbour) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    append_garbage(&store, bad, 1).await;
    // Until the node has seen the event, it may answer that its state is old, or by what it knew before.
    eventually(async || {
        let answer = a
            .command(json!({ "type": "group.rename", "conversation": bad, "name": "?" }))
            .await;
        (answer["code"] == "unavailable").then_some(())
    })
    .await;

    for n in 0..10 {
        let (mut first, mut second) = (message(bad, "?"), message(neighbour, &n.to_string()));
        let (refused, acked) = (Uuid::now_v7(), Uuid::now_v7());
        (first["id"], second["id"]) = (json!(refused), json!(acked));
        a.send_text(&format!("{first}\n{second}")).await;
        let answer = a.answer(refused).await;
        assert_eq!(
            (&answer["code"], &answer["retryable"]),
            (&json!("unavailable"), &json!(true))
        );
        assert_eq!(a.answer(acked).await["type"], "ack");
        // Whether somebody may see the one has nothing to do with the other either.
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        let fetch = |id: Uuid, of: Uuid| json!({ "type": "fetch", "id": id, "conversation": of, "from": 1, "limit": 1 });
        a.send_text(&format!("{}\n{}", fetch(first, bad), fetch(second, neighbour)))
            .await;
        assert_eq!(a.answer(first).await["code"], "unavailable");
        assert_eq!(a.answer(second).await["type"], "events");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_a_newer_version_wrote_is_not_said_to_be_missing() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "hello").await;
    let revised = NewEvent {
        kind: Kind::MESSAGE_EDITED.0,
        ver: 99,
        control: false,
        countable: false,
        payload: format!(r#"{{"message_seq":{}}}"#, sent["seq"]).into(),
    };
    append(&store, conversation, 1, revised).await;
    for command in [
        json!({ "type": "message.edit", "content": { "kind": "text", "text": "again" } }),
        json!({ "type": "message.recall" }),
        json!({ "type": "message.react", "emoji": "\u{1f44d}", "on": true }),
    ] {
        let mut command = command;
        (command["conversation"], command["message"]) = (json!(conversation), sent["id"].clone());
        let refused = a.refused(command, "unavailable").await;
        assert_eq!(refused["retryable"], true);
    }
    node.stop().await;
}
