//! What no device has proved to have stays owed: the stored delivery cursor follows proof of receipt, never the write.

use crate::deaf::{arrived, deaf, gone};
use crate::support::*;
use serde_json::{Value, json};
use tidings_services::ChaosProxy;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Longer than any test: pings ask for a proof once and not again.
const NEVER_MS: u64 = 3_600_000;

/// What a new device is sent by a node that begins when the last one has stored all that it knows.
async fn of_a_new_device(store: &Store, last: TestNode, user: &User) -> Vec<Value> {
    last.stop().await;
    let node = store.node().await;
    let (_socket, missed) = node.resumed(user, json!({})).await;
    node.stop().await;
    missed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_keeps_everything_when_the_network_dies_while_the_server_writes() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    // More than the kernel takes: the server is in the midst of it when the network dies.
    let long = "\u{1}".repeat(8_000);
    let mut last = Value::Null;
    for _ in 0..150 {
        last = a.say(conversation, &long).await;
    }
    let proxy = ChaosProxy::start(node.node.address()).await.unwrap();
    let phone = deaf(proxy.address(), &ben).await;
    arrived(&phone, "direct.opened").await;
    proxy.cut().await;
    gone(&node, &ben).await;
    node.stop().await;
    let node = store.node().await;
    let inbox = "{ inbox { nodes { pendingCount } } }";
    let answer = node.graphql(&ben, inbox, last["position"].as_str()).await;
    assert_eq!(answer["data"]["inbox"]["nodes"], json!([{ "pendingCount": 150 }]));
    let (_socket, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), (1..=151).collect::<Vec<_>>());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_kernel_has_taken_goes_to_the_next_device() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    // The socket of a phone that has just lost its network: it takes no byte off any more.
    let phone = deaf(node.node.address(), &ben).await;
    arrived(&phone, "synced").await;
    for n in 0..20 {
        a.say(conversation, &format!("word-{n}")).await;
    }
    arrived(&phone, "word-19").await;
    // Unread bytes reset the connection.
    drop(phone);
    gone(&node, &ben).await;
    let missed = of_a_new_device(&store, node, &ben).await;
    assert_eq!(seqs(&missed), (1..=21).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_and_answers_pings_has_proved_what_it_read() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.proof_ms = 10;
    config.gateway.delivered_ms = 10;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let mut b = node.socket(&ben).await;
    let conversation = a.open_direct(&ben).await;
    let mut last = Value::Null;
    for n in 0..5 {
        last = a.say(conversation, &n.to_string()).await;
    }
    b.events(conversation, 6).await;
    // Reading on answers the pings that came behind the events, while the connection lives.
    let inbox = "{ inbox { nodes { pendingCount } } }";
    eventually(async || {
        b.works().await;
        let answer = node.graphql(&ben, inbox, last["position"].as_str()).await;
        (answer["data"]["inbox"]["nodes"] == json!([])).then_some(())
    })
    .await;
    drop(b);
    gone(&node, &ben).await;
    let missed = of_a_new_device(&store, node, &ben).await;
    assert_eq!(missed, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_caught_up_has_proved_it_when_synced_is_read() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "one").await;
    let (b, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), [1, 2]);
    drop(b);
    gone(&node, &ben).await;
    assert_eq!(of_a_new_device(&store, node, &ben).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_clean_close_counts_as_a_proof() {
    for (code, owed) in [(Some(1000), vec![]), (None, vec![]), (Some(1001), vec![4, 5])] {
        let store = Store::new().await;
        let mut config = store.config();
        config.gateway.proof_ms = NEVER_MS;
        let node = TestNode::start(config).await;
        let (ann, ben) = (node.register("ann").await, node.register("ben").await);
        let mut a = node.socket(&ann).await;
        let conversation = a.open_direct(&ben).await;
        a.say(conversation, "one").await;
        a.say(conversation, "two").await;
        // What these bring is proved by the one ping there is.
        let (mut b, _) = node.resumed(&ben, json!({})).await;
        a.say(conversation, "three").await;
        a.say(conversation, "four").await;
        b.events(conversation, 2).await;
        let frame = code.map(|code: u16| CloseFrame {
            code: code.into(),
            reason: "".into(),
        });
        b.stream.close(frame).await.unwrap();
        b.closed().await;
        gone(&node, &ben).await;
        let missed = of_a_new_device(&store, node, &ben).await;
        assert_eq!(seqs(&missed), owed, "closed with {code:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_node_stores_what_was_proved_and_leaves_the_rest_owed() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.proof_ms = NEVER_MS;
    let node = TestNode::start(config).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben, &cat]).await;
    let mut b = node.socket(&ben).await;
    let c = deaf(node.node.address(), &cat).await;
    arrived(&c, "synced").await;
    a.say(group, "last words").await;
    b.events(group, 1).await;
    arrived(&c, "last words").await;
    node.node.shut_down();
    // Who answers the close has read everything in front of it; the answer goes out while the end is waited for.
    assert_eq!(b.closed().await.1, Some(4000));
    let _ = futures_util::StreamExt::next(&mut b.stream).await;
    node.stop().await;
    drop(c);
    let node = store.node().await;
    let (_b, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(missed, Vec::<Value>::new());
    let (_c, missed) = node.resumed(&cat, json!({})).await;
    assert_eq!(seqs(&missed), [1, 2]);
    node.stop().await;
}
