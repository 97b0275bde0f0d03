//! What overtakes what on a connection whose client is slow.

use crate::deaf::{arrived, narrow};
use crate::support::*;
use futures_util::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

const SAID: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn answers_errors_and_notices_overtake_what_waits_for_a_slow_client() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.outbox_bytes = 8 << 20;
    config.gateway.send_buffer_bytes = 4096;
    config.gateway.slow_ms = 300_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let mut slow = narrow(node.node.address(), &ben).await;
    arrived(&slow, "synced").await;
    let (mut other, mut third) = (node.socket(&ben).await, node.socket(&ben).await);
    a.say_much(conversation, SAID).await;
    // Another device of his has all of it: it has come to the outbox of the slow one.
    third.events(conversation, SAID).await;
    let (said, refused) = (Uuid::now_v7(), Uuid::now_v7());
    let mut say = message(conversation, "from where I am");
    say["id"] = json!(said);
    let bad = json!({ "type": "message.send", "id": refused, "conversation": Uuid::now_v7(), "content": { "kind": "text", "text": "" } });
    for command in [say, bad] {
        slow.send(Message::text(command.to_string())).await.unwrap();
    }
    other
        .acked(json!({ "type": "conversation.mute", "conversation": conversation, "on": true }))
        .await;
    third.until("notice").await;
    let mut slow = Socket::from(slow);
    let (mut chat, mut before) = (0, vec![]);
    while chat < SAID {
        let object = slow.receive().await;
        match object["type"].as_str() {
            Some("event") if object["conversation"] == json!(conversation) => chat += 1,
            Some("ack" | "error" | "notice") => before.push((text(&object["type"]), chat)),
            _ => {}
        }
    }
    for kind in ["ack", "error", "notice"] {
        let place = before.iter().find(|(other, _)| other == kind);
        // What was being written when they came is in front of them, and nothing else.
        assert!(
            place.is_some_and(|(_, chat)| *chat < SAID / 2),
            "{kind}: {before:?}"
        );
    }
    node.stop().await;
}
