//! A node that goes away says so, spreads its closes, and loses nothing that it has acked.

use crate::support::*;
use serde_json::json;
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tidings::lanes::LaneLimits;
use uuid::Uuid;

/// How long a node waits at least for answers before it asks for the close: as long as lanes try to commit.
fn answers() -> Duration {
    LaneLimits::default().patience
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_node_answers_what_it_took_and_closes_with_a_reason() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let mut acked = vec![];
    for n in 0..100 {
        let ack = a.say(conversation, &n.to_string()).await;
        acked.push((id(&ack["id"]), ack["seq"].clone()));
    }
    // The others are on their way when it is told to go: the log takes nothing of them before.
    let database = store.client().await;
    jam(&database, i16::from(conversation.as_bytes()[15])).await;
    let mut unanswered = HashSet::new();
    for n in 100..200 {
        let mut command = message(conversation, &n.to_string());
        let id = Uuid::now_v7();
        command["id"] = json!(id);
        a.send(&command).await;
        unanswered.insert(id);
    }
    until_jammed(&database).await;
    let stored = "SELECT count(*) FROM event WHERE stream = $1";
    let stored: i64 = database.query_one(stored, &[&conversation]).await.unwrap().get(0);
    assert_eq!(stored, 101, "the opening, and what was acked");
    let began = Instant::now();
    node.node.shut_down();
    unjam(&database).await;
    let code = loop {
        match a.next().await {
            Ok(object) if object["type"] == "ack" => {
                unanswered.remove(&id(&object["id"]));
                acked.push((id(&object["id"]), object["seq"].clone()));
            }
            Ok(object) if object["type"] == "error" => {
                assert_eq!(object["code"], "unavailable", "{object}");
                unanswered.remove(&id(&object["id"]));
            }
            Ok(object) if object["type"] == "close" => {
                assert_eq!(
                    (&object["code"], &object["reconnect"]),
                    (&json!(4000), &json!(true))
                );
                assert!(object["retry_after_ms"].is_u64());
            }
            Ok(_) => {}
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(4000));
    // What a busy machine has not answered by then is in doubt, and what was not read by then was not taken.
    let in_time = began.elapsed() < answers();
    assert!(
        unanswered.len() < 100 || !in_time,
        "what was on its way had no answer"
    );
    node.stop().await;
    let node = store.node().await;
    let (_socket, missed) = node.resumed(&ann, json!({ conversation.to_string(): 0 })).await;
    for (id, seq) in &acked {
        let event = missed.iter().find(|event| event["seq"] == *seq).unwrap();
        assert_eq!(event["data"]["message"], id.to_string());
    }
    // And nothing took effect that was refused.
    let said = missed.iter().filter(|event| event["kind"] == "message.sent");
    for event in said {
        let id = id(&event["data"]["message"]);
        let may_be = unanswered.contains(&id) || acked.iter().any(|(acked, _)| *acked == id);
        assert!(may_be, "{event}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_takes_late_is_told_before_a_draining_node_closes() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let database = store.client().await;
    jam(&database, i16::from(conversation.as_bytes()[15])).await;
    let mut unanswered = HashSet::new();
    for n in 0..10 {
        let mut command = message(conversation, &n.to_string());
        let id = Uuid::now_v7();
        command["id"] = json!(id);
        a.send(&command).await;
        unanswered.insert(id.to_string());
    }
    // All of them are read.
    a.works().await;
    until_jammed(&database).await;
    let began = Instant::now();
    node.node.shut_down();
    // As long as a failover may take.
    tokio::time::sleep(answers() / 2).await;
    unjam(&database).await;
    let code = loop {
        match a.next().await {
            Ok(object) => {
                unanswered.remove(object["id"].as_str().unwrap_or_default());
            }
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(4000));
    // A machine that is so busy may not have come to it in that time.
    assert!(
        unanswered.is_empty() || began.elapsed() >= answers(),
        "{unanswered:?}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_new_connections_are_taken_while_draining() {
    let store = Store::new().await;
    let mut config = store.config();
    // Some are there still when another one has been refused, on a busy machine too.
    config.gateway.drain_ms = 11_000;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let mut sockets = vec![];
    for _ in 0..10 {
        sockets.push(node.socket(&ann).await);
    }
    node.node.shut_down();
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/ws", node.node.address())).await;
    // Others are still there, so that it was the drain that refused and no end.
    assert!(node.node.gateway().registry.count() > 0, "the drain is over");
    assert!(refused.is_err());
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.1, Some(4000));
    }
    node.stop().await;
}
