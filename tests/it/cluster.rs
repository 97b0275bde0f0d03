//! Two nodes on one PostgreSQL and one Redis.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_deliver_to_each_other_in_one_order() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let talk = async |socket: &mut Socket, name: &str| {
        let mut waiting = vec![];
        for n in 0..200 {
            let mut command = message(conversation, &format!("{name} {n}"));
            let id = Uuid::now_v7();
            command["id"] = json!(id);
            socket.send(&command).await;
            waiting.push(id);
        }
        socket.events(conversation, 401).await
    };
    let (seen_a, seen_b) = tokio::join!(talk(&mut a, "ann"), talk(&mut b, "ben"));
    assert_eq!(seqs(&seen_a), (1..=401).collect::<Vec<_>>());
    assert_eq!(seen_a, seen_b);
    for name in ["ann", "ben"] {
        let own: Vec<String> = words(&seen_a)
            .into_iter()
            .filter(|words| words.starts_with(name))
            .collect();
        assert_eq!(own, (0..200).map(|n| format!("{name} {n}")).collect::<Vec<_>>());
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_members_holds_on_every_node_at_once() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    b.say(group, "hi").await;
    for _ in 0..20 {
        a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
            .await;
        b.refused(message(group, "?"), "not_a_member").await;
        b.refused(
            json!({ "type": "fetch", "conversation": group, "from": 1, "limit": 1 }),
            "not_a_member",
        )
        .await;
        a.acked(json!({ "type": "group.add", "conversation": group, "user": ben.id }))
            .await;
        b.say(group, "hi").await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_at_two_nodes_at_once_is_one_message() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, one.register("ben").await);
    let (mut a1, mut a2) = (one.socket(&ann).await, two.socket(&ann).await);
    let conversation = a1.open_direct(&ben).await;
    for n in 0..50 {
        let mut command = message(conversation, &n.to_string());
        let id = Uuid::now_v7();
        command["id"] = json!(id);
        let ask = async |socket: &mut Socket| {
            socket.send(&command).await;
            socket.answer(id).await
        };
        let (first, second) = tokio::join!(ask(&mut a1), ask(&mut a2));
        assert_eq!(
            (&first["type"], &first["seq"], &first["position"]),
            (&second["type"], &second["seq"], &second["position"])
        );
        assert_eq!(first["seq"], n + 2);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_crosses_nodes() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    // Ephemeral: the first may be lost while the nodes are still finding Redis.
    let typing = tokio::select! {
        typing = b.until("typing") => typing,
        () = async {
            loop {
                a.send(&json!({ "type": "typing", "conversation": conversation, "on": true })).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        } => unreachable!(),
    };
    assert_eq!(id(&typing["user"]), ann.id);
    one.stop().await;
    two.stop().await;
}

/// Until a node has Redis, and has done with looking at the log often.
async fn settled(nodes: [&TestNode; 2]) {
    for node in nodes {
        eventually(async || {
            let answer = node.http.get(node.url("/readyz")).send().await.unwrap();
            answer.text().await.unwrap().contains("\"up\"").then_some(())
        })
        .await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// Says something until the other one hears it. An entry that Redis did not take in time is seen to be missing when the next one comes.
async fn heard(from: &mut Socket, to: &mut Socket, conversation: Uuid, words: &str) {
    let place = json!(conversation);
    let hearing =
        to.take(|object| object["conversation"] == place && object["data"]["content"]["text"] == words);
    tokio::select! {
        _ = hearing => {}
        () = async {
            loop {
                from.say(conversation, words).await;
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        } => unreachable!(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_cross_nodes_by_redis_alone() {
    let store = Store::new().await;
    let mut config = store.config();
    // Without an entry in Redis nobody looks at the log.
    config.sweep_ms = 3_600_000;
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    settled([&one, &two]).await;
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    for n in 0..10 {
        heard(&mut a, &mut b, conversation, &format!("ann {n}")).await;
        heard(&mut b, &mut a, conversation, &format!("ben {n}")).await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_event_whose_entry_is_lost_arrives_all_the_same() {
    let store = Store::new().await;
    let one = store.node().await;
    // A Redis that works, and in which nobody else says anything.
    let mut config = store.config();
    config.redis_url = Some(tidings_services::testing::shared().redis_url());
    let two = TestNode::start(config).await;
    settled([&one, &two]).await;
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    a.say(conversation, "the last one").await;
    assert_eq!(words(&b.events(conversation, 1).await), ["the last one"]);
    one.stop().await;
    two.stop().await;
}
