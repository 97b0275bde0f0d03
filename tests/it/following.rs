//! What happens in a conversation, as its members follow it over GraphQL.

use crate::support::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

/// A greeted socket of GraphQL.
async fn greeted(node: &TestNode, user: &User) -> Socket {
    let mut request = format!("ws://{}/graphql/ws", node.node.address())
        .into_client_request()
        .unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let mut socket = Socket::from(connect_async(request).await.unwrap().0);
    socket
        .send(&json!({ "type": "connection_init", "payload": { "token": user.token } }))
        .await;
    assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
    socket
}

async fn follow(socket: &mut Socket, id: &str, conversation: Uuid) {
    let query = format!(
        "subscription {{ conversationEvents(id: \"{conversation}\") {{ seq kind position data stream by {{ id }} }} }}"
    );
    socket
        .send(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } }))
        .await;
}

/// The next event of a subscription.
async fn event(socket: &mut Socket, id: &str) -> Value {
    let said = socket.take(|said| said["id"] == id).await;
    assert_eq!(said["type"], "next", "{said}");
    assert!(said["payload"].get("errors").is_none(), "{said}");
    said["payload"]["data"]["conversationEvents"].clone()
}

/// The first that a subscription says, while `speaker` speaks: what is said before it has begun, it does not tell.
async fn said(socket: &mut Socket, id: &str, speaker: &mut Socket, conversation: Uuid) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        speaker.say(conversation, "are you there").await;
        let said = socket.take(|said| said["id"] == id);
        if let Ok(said) = tokio::time::timeout(Duration::from_millis(500), said).await {
            return said;
        }
        assert!(tokio::time::Instant::now() < deadline, "it says nothing");
    }
}

/// The same, which is an event.
async fn begun(socket: &mut Socket, id: &str, speaker: &mut Socket, conversation: Uuid) -> Value {
    let said = said(socket, id, speaker, conversation).await;
    assert_eq!(said["type"], "next", "{said}");
    said["payload"]["data"]["conversationEvents"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_follow_a_conversation_until_they_are_removed() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let mut a = one.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let other = a.create_group(&[&ben]).await;
    // On the other node.
    let mut b = greeted(&two, &ben).await;
    follow(&mut b, "g", group).await;
    let mut last = begun(&mut b, "g", &mut a, group).await;

    // The next ones, in order, as on the socket, and nothing of other conversations.
    a.say(other, "elsewhere").await;
    let sent = a.say(group, "hello").await;
    while last["seq"].as_u64() < sent["seq"].as_u64() {
        let next = event(&mut b, "g").await;
        assert_eq!(next["seq"].as_u64(), last["seq"].as_u64().map(|seq| seq + 1));
        last = next;
    }
    assert_eq!(
        (&last["kind"], &last["position"]),
        (&json!("message.sent"), &sent["position"])
    );
    assert_eq!((id(&last["stream"]), id(&last["by"]["id"])), (group, ann.id));
    let data: Value = serde_json::from_str(last["data"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&data["message"], &data["content"]),
        (&sent["id"], &json!({ "kind": "text", "text": "hello" }))
    );

    // It ends with the removal, and does not begin for whoever is no member.
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    a.say(group, "without ben").await;
    assert_eq!(event(&mut b, "g").await["kind"], "member.removed");
    let end = b.take(|said| said["id"] == "g").await;
    assert_eq!(end, json!({ "type": "complete", "id": "g" }));
    let (mut c, mut d) = (greeted(&one, &cat).await, greeted(&one, &cat).await);
    for (socket, id, conversation) in [
        (&mut b, "r", group),
        (&mut c, "r", other),
        (&mut d, "r", Uuid::new_v4()),
    ] {
        follow(socket, id, conversation).await;
        let refused = socket.take(|said| said["id"] == id).await.to_string();
        assert!(refused.contains("not_found"), "{refused}");
    }
    one.stop().await;
    two.stop().await;
}

/// Each event is paid for, and what there is to pay with takes its time to come.
#[tokio::test(flavor = "multi_thread")]
async fn who_spends_too_much_on_what_they_follow_is_told_late_and_misses_nothing() {
    const PER_SECOND: usize = 500;
    const BURST: usize = 1_000;
    const EVENTS: usize = 9;
    let store = Store::new().await;
    let mut config = store.config();
    config.graphql.cost_per_second = PER_SECOND as u32;
    config.graphql.cost_burst = BURST as u32;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let talk = a.open_direct(&ben).await;
    let mut b = greeted(&node, &ben).await;
    let query = format!(
        "subscription {{ conversationEvents(id: \"{talk}\") {{ seq {} }} }} fragment f on Event {{ {} }}",
        "...f ".repeat(5),
        "kind ".repeat(100)
    );
    let before = Instant::now();
    b.send(&json!({ "type": "subscribe", "id": "f", "payload": { "query": query } }))
        .await;
    let mut last = begun(&mut b, "f", &mut a, talk).await;
    for _ in 0..EVENTS {
        a.say(talk, "go on").await;
    }
    for _ in 0..EVENTS {
        // Whoever falls silent is let go.
        b.send(&json!({ "type": "pong" })).await;
        let next = event(&mut b, "f").await;
        assert_eq!(next["seq"].as_u64(), last["seq"].as_u64().map(|seq| seq + 1));
        last = next;
    }
    let each = 1 + 1 + 5 * 101;
    let earned = EVENTS * each - BURST;
    let least = Duration::from_secs_f64(earned as f64 / PER_SECOND as f64);
    assert!(before.elapsed() >= least, "{:?} of {least:?}", before.elapsed());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_follows_so_many_conversations_and_no_more() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let talk = a.open_direct(&ben).await;
    let mut followers = vec![];
    for n in 0..51 {
        // A socket has fewer operations than that at once.
        if n % 5 == 0 {
            followers.push(greeted(&node, &ben).await);
        }
        // Nobody reads most of them for a while, and whoever falls silent is let go.
        for socket in &mut followers {
            socket.send(&json!({ "type": "pong" })).await;
        }
        let socket = followers.last_mut().unwrap();
        follow(socket, &n.to_string(), talk).await;
        if n < 50 {
            begun(socket, &n.to_string(), &mut a, talk).await;
        }
    }
    let socket = followers.last_mut().unwrap();
    let refused = socket.take(|said| said["id"] == "50").await;
    assert!(refused.to_string().contains("rate_limited"), "{refused}");
    // Who goes makes room.
    drop(followers);
    let mut again = greeted(&node, &ben).await;
    let mut attempt = 100;
    eventually(async || {
        attempt += 1;
        let id = attempt.to_string();
        follow(&mut again, &id, talk).await;
        let said = said(&mut again, &id, &mut a, talk).await;
        said["payload"].get("errors").is_none().then_some(())
    })
    .await;
    node.stop().await;
}
