//! Messages that are edited: who may, for how long, and what everybody sees of it.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn edit(conversation: Uuid, message: &Value, words: &str) -> Value {
    json!({ "type": "message.edit", "conversation": conversation, "message": message,
        "content": { "kind": "text", "text": words } })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_edits_a_message_and_everybody_sees_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "helo").await;

    let mut command = edit(conversation, &sent["id"], "hello");
    let id = Uuid::now_v7();
    command["id"] = json!(id);
    a.send(&command).await;
    let ack = a.answer(id).await;
    assert_eq!((&ack["type"], &ack["seq"]), (&json!("ack"), &json!(3)), "{ack}");
    // A repeat gets the first answer again.
    a.send(&command).await;
    let again = a.answer(id).await;
    assert_eq!(
        (&again["duplicate"], &again["seq"], &again["position"]),
        (&json!(true), &ack["seq"], &ack["position"])
    );
    // The same id for other words is another command.
    command["content"]["text"] = json!("bye");
    a.send(&command).await;
    assert_eq!(a.answer(id).await["code"], "conflict");

    // What is so already is acked and not written.
    a.acked(edit(conversation, &sent["id"], "hello")).await;
    a.say(conversation, "next").await;
    let seen = b.events(conversation, 4).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4]);
    assert_eq!(seen[2]["kind"], "message.edited");
    assert_eq!(seen[2]["actor"], ann.id.to_string());
    assert_eq!(
        seen[2]["data"],
        json!({ "message": sent["id"], "message_seq": 2, "content": { "kind": "text", "text": "hello" } })
    );
    // To go back to the first words is an edit like any other.
    assert_eq!(a.acked(edit(conversation, &sent["id"], "helo")).await["seq"], 5);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_author_edits_a_message_and_only_what_is_there() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    let group = a.create_group(&[&ben]).await;
    let sent = b.say(group, "mine").await;
    // Not even the owner.
    a.refused(edit(group, &sent["id"], "yours"), "forbidden").await;
    c.refused(edit(group, &sent["id"], "?"), "not_a_member").await;
    let unknown = b
        .refused(edit(group, &json!(Uuid::now_v7()), "?"), "not_found")
        .await;
    assert_eq!(unknown["field"], "message");
    // Membership is asked first.
    c.refused(edit(group, &json!(Uuid::now_v7()), "?"), "not_a_member")
        .await;
    // A message is named by conversation and id.
    let other = b.create_group(&[&ann]).await;
    b.refused(edit(other, &sent["id"], "?"), "not_found").await;
    // An event that is no message cannot be edited.
    let renamed = a
        .acked(json!({ "type": "group.rename", "conversation": group, "name": "tea" }))
        .await;
    a.refused(edit(group, &renamed["id"], "?"), "not_found").await;
    let empty = b.refused(edit(group, &sent["id"], ""), "invalid_argument").await;
    assert_eq!(empty["field"], "content");
    b.refused(edit(group, &sent["id"], &"x".repeat(8193)), "too_large")
        .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_edited_right_behind_its_sending() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let mut frame = vec![];
    let mut ids = vec![];
    for n in 0..20 {
        let mut first = message(conversation, &format!("draft {n}"));
        let id = Uuid::now_v7();
        first["id"] = json!(id);
        let mut second = edit(conversation, &json!(id), &format!("final {n}"));
        second["id"] = json!(Uuid::now_v7());
        ids.extend([id, id_of(&second)]);
        frame.extend([first.to_string(), second.to_string()]);
    }
    a.send_text(&frame.join("\n")).await;
    for id in ids {
        let answer = a.answer(id).await;
        assert_eq!(answer["type"], "ack", "{answer}");
    }
    let seen = b.events(conversation, 41).await;
    assert_eq!(seqs(&seen), (1..=41).collect::<Vec<_>>());
    for pair in seen[1..].chunks(2) {
        assert_eq!(pair[1]["data"]["message"], pair[0]["data"]["message"]);
        assert_eq!(pair[1]["data"]["message_seq"], pair[0]["seq"]);
    }
    node.stop().await;
}

fn id_of(command: &Value) -> Uuid {
    id(&command["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_ends_and_clients_are_told_how_long_it_is() {
    let store = Store::new().await;
    let mut config = store.config();
    config.edit_window_s = 1;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "helo").await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    let late = a
        .refused(edit(conversation, &sent["id"], "hello"), "forbidden")
        .await;
    assert_eq!(late["field"], "message");

    let mut raw = node.raw().await;
    raw.send(&json!({ "type": "hello", "token": ben.token })).await;
    let limits = raw.until("welcome").await["limits"].clone();
    assert_eq!(
        (&limits["edit_window_s"], &limits["recall_window_s"]),
        (&json!(1), &json!(600))
    );
    node.stop().await;

    // Another node may allow more, or nothing.
    for (window, allowed) in [(-1, true), (0, false)] {
        let mut config = store.config();
        config.edit_window_s = window;
        let node = TestNode::start(config).await;
        let mut a = node.socket(&ann).await;
        let edit = edit(conversation, &sent["id"], &format!("hello {window}"));
        if allowed {
            a.acked(edit).await;
        } else {
            a.refused(edit, "forbidden").await;
        }
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_on_another_node_is_seen_and_can_be_caught_up() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a1, mut a2, mut b) = (
        one.socket(&ann).await,
        two.socket(&ann).await,
        two.socket(&ben).await,
    );
    let conversation = a1.open_direct(&ben).await;
    let sent = a1.say(conversation, "1").await;
    let seen = a2.events(conversation, 2).await;
    assert_eq!(words(&seen), ["1"]);
    a2.acked(edit(conversation, &sent["id"], "2")).await;
    assert_eq!(words(&a1.events(conversation, 3).await), ["1", "2"]);
    assert_eq!(words(&b.events(conversation, 3).await), ["1", "2"]);
    let (_, missed) = one.resumed(&ben, json!({ conversation.to_string(): 2 })).await;
    assert_eq!((seqs(&missed), words(&missed)), (vec![3], vec!["2".to_owned()]));
    one.stop().await;
    two.stop().await;
}
