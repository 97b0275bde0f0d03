//! Messages that are sent on.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn forward(conversation: Uuid, source: Uuid, message: &Value) -> Value {
    json!({ "type": "message.send", "conversation": conversation, "forward": { "conversation": source, "message": message } })
}

const FORWARDED: &str = "text forwarded { sender { id } sentAt conversation { id } message { id text } }";

/// The last message of a conversation, as somebody is told of it.
async fn last(node: &TestNode, user: &User, conversation: Uuid, after: &Value) -> Value {
    let query = format!("{{ conversation(id: \"{conversation}\") {{ lastMessage {{ {FORWARDED} }} }} }}");
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["conversation"]["lastMessage"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forwarded_says_what_stood_there_and_where_from_only_to_those_who_see_it() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b, mut c) = (
        one.socket(&ann).await,
        two.socket(&ben).await,
        one.socket(&cat).await,
    );
    let from = a.create_group(&[&ben, &cat]).await;
    let to = b.create_group(&[&cat, &dan]).await;
    let said = a.say(from, "gnus").await;
    let edit = json!({ "type": "message.edit", "conversation": from, "message": said["id"],
        "content": { "kind": "text", "text": "news" } });
    let edited = a.acked(edit).await["position"].clone();
    last(&one, &ann, from, &edited).await;
    let mut command = forward(to, from, &said["id"]);
    command["mentions"] = json!([cat.id]);
    let sent = b.acked(command).await;
    // The same words go out to all, and nowhere is said where they come from.
    let seen = c.events(to, 2).await;
    assert_eq!(
        seen[1]["data"],
        json!({ "message": sent["id"], "content": { "kind": "text", "text": "news" }, "mentions": [cat.id],
            "forwarded": { "sender": ann.id, "at": said["at"] } })
    );
    let late = two.resumed(&dan, json!({})).await.1;
    let late = late.iter().find(|event| event["seq"] == 2).unwrap();
    assert_eq!(late["data"], seen[1]["data"]);

    let at = &sent["position"];
    for (node, user) in [(&one, &cat), (&two, &ben)] {
        assert_eq!(
            last(node, user, to, at).await,
            json!({ "text": "news", "forwarded": { "sender": { "id": ann.id }, "sentAt": said["at"],
                "conversation": { "id": from }, "message": { "id": said["id"], "text": "news" } } })
        );
    }
    let hidden = json!({ "text": "news", "forwarded": { "sender": { "id": ann.id }, "sentAt": said["at"],
        "conversation": null, "message": null } });
    assert_eq!(last(&one, &dan, to, at).await, hidden);

    // Sent on once more it is still Ann who said it, and nobody changes her words.
    let mut d = two.socket(&dan).await;
    let third = d.open_direct(&ann).await;
    let again = d.acked(forward(third, to, &sent["id"])).await;
    assert_eq!(
        last(&one, &ann, third, &again["position"]).await["forwarded"]["message"]["text"],
        "news"
    );
    assert_eq!(last(&one, &dan, third, &again["position"]).await, hidden);
    let edit = json!({ "type": "message.edit", "conversation": to, "message": sent["id"],
        "content": { "kind": "text", "text": "lies" } });
    assert_eq!(b.refused(edit, "forbidden").await["field"], "message");

    // Neither a recall of the source nor of the copy takes the other back.
    let recall = |conversation, message: &Value| json!({ "type": "message.recall", "conversation": conversation, "message": message });
    a.acked(recall(from, &said["id"])).await;
    let at = b.acked(recall(to, &sent["id"])).await["position"].clone();
    assert_eq!(
        last(&two, &dan, to, &at).await,
        json!({ "text": null, "forwarded": null })
    );
    let fetched = two.resumed(&cat, json!({ to.to_string(): 1 })).await.1;
    let recalled = fetched
        .iter()
        .find(|event| event["conversation"] == json!(to) && event["seq"] == 2)
        .unwrap();
    assert_eq!(
        recalled["data"],
        json!({ "message": sent["id"], "content": null })
    );
    assert_eq!(last(&one, &ann, third, &again["position"]).await["text"], "news");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_is_decided_once_whatever_becomes_of_its_source() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let mut a = one.socket(&ann).await;
    let from = a.create_group(&[&ben]).await;
    let to = a.open_direct(&ben).await;
    // Right behind what it sends on, in the same frame.
    let (source, id) = (Uuid::now_v7(), Uuid::now_v7());
    let mut send = message(from, "news");
    send["id"] = json!(source);
    let mut command = forward(to, from, &json!(source));
    command["id"] = json!(id);
    let mut behind = message(to, "what do you say?");
    behind["id"] = json!(Uuid::now_v7());
    a.send_text(&format!("{send}\n{command}\n{behind}")).await;
    let first = a.answer(id).await;
    assert_eq!(
        (&first["type"], &first["seq"]),
        (&json!("ack"), &json!(2)),
        "{first}"
    );
    let seen = a.events(to, 3).await;
    assert_eq!(words(&seen), ["news", "what do you say?"]);

    let recall = json!({ "type": "message.recall", "conversation": from, "message": source });
    a.acked(recall).await;
    let leave = json!({ "type": "group.leave", "conversation": from });
    a.acked(leave).await;
    for node in [&one, &two] {
        let mut socket = node.socket(&ann).await;
        socket.send(&command).await;
        let again = socket.answer(id).await;
        assert_eq!(
            (&again["type"], &again["seq"], &again["position"]),
            (&json!("ack"), &json!(2), &first["position"]),
            "{again}"
        );
        // Another source is another command.
        let mut other = forward(to, from, &json!(Uuid::now_v7()));
        other["id"] = json!(id);
        socket.send(&other).await;
        assert_eq!(socket.answer(id).await["code"], "conflict");
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_a_message_cannot_send_it_on() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let from = a.create_group(&[&cat]).await;
    let to = a.open_direct(&ben).await;
    let said = a.say(from, "a secret").await;
    let recalled = a.say(from, "a slip").await;
    a.acked(json!({ "type": "message.recall", "conversation": from, "message": recalled["id"] }))
        .await;
    let nobodys = Uuid::now_v7();
    for (is_member, source, message) in [
        (false, from, &said["id"]),
        (true, from, &recalled["id"]),
        (true, from, &json!(nobodys)),
        (true, to, &said["id"]),
        (true, nobodys, &said["id"]),
    ] {
        let socket = if is_member { &mut a } else { &mut b };
        let refused = socket.refused(forward(to, source, message), "not_found").await;
        assert_eq!(refused["field"], "forward", "{refused}");
    }
    // What one has hidden from oneself, and what was cleared away.
    let other = a.say(from, "another").await;
    let hide = json!({ "type": "message.hide", "conversation": from, "messages": [said["id"]] });
    let hidden = a.acked(hide).await["position"].clone();
    last(&node, &ann, from, &hidden).await;
    a.refused(forward(to, from, &said["id"]), "not_found").await;
    a.acked(forward(to, from, &other["id"])).await;
    let clear = json!({ "type": "conversation.clear", "conversation": from, "seq": other["seq"] });
    let cleared = a.acked(clear).await["position"].clone();
    last(&node, &ann, from, &cleared).await;
    a.refused(forward(to, from, &other["id"]), "not_found").await;
    // Nor into a conversation that one is not in.
    b.refused(forward(from, to, &json!(nobodys)), "not_a_member")
        .await;
    let mut both = forward(to, from, &said["id"]);
    both["content"] = json!({ "kind": "text", "text": "words" });
    for (wrong, field) in [
        (both, "forward"),
        (json!({ "type": "message.send", "conversation": to }), "content"),
        (
            json!({ "type": "message.send", "conversation": to, "forward": { "conversation": from } }),
            "forward",
        ),
    ] {
        let refused = a.refused(wrong, "invalid_argument").await;
        assert_eq!(refused["field"], field, "{refused}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_hidden_a_moment_ago_is_sent_on_from_no_node() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut phone, mut tablet) = (one.socket(&ann).await, two.socket(&ann).await);
    let from = phone.create_group(&[&ben]).await;
    let to = phone.open_direct(&ben).await;
    let mut said = vec![];
    for words in ["one", "two", "three"] {
        said.push(phone.say(from, words).await);
    }
    one.folded(&ann).await;
    // The read models learn of nothing that she hides.
    let mut holder = store.client().await;
    let held = holder.transaction().await.unwrap();
    let lane = i16::from(ann.id.as_bytes()[15]);
    let lock = "SELECT 1 FROM projection_checkpoint WHERE lane = $1 FOR UPDATE";
    held.query(lock, &[&lane]).await.unwrap();

    let hide = json!({ "type": "message.hide", "conversation": from, "messages": [said[1]["id"]] });
    phone.acked(hide).await;
    let refused = tablet
        .refused(forward(to, from, &said[1]["id"]), "not_found")
        .await;
    assert_eq!(refused["field"], "forward", "{refused}");
    // However much she has marked since.
    for n in 0..40 {
        phone
            .acked(json!({ "type": "conversation.mute", "conversation": from, "on": n % 2 == 0 }))
            .await;
    }
    tablet
        .refused(forward(to, from, &said[1]["id"]), "not_found")
        .await;
    tablet.acked(forward(to, from, &said[0]["id"])).await;
    let clear = json!({ "type": "conversation.clear", "conversation": from, "seq": said[1]["seq"] });
    phone.acked(clear).await;
    tablet
        .refused(forward(to, from, &said[0]["id"]), "not_found")
        .await;
    tablet.acked(forward(to, from, &said[2]["id"])).await;

    held.rollback().await.unwrap();
    one.folded(&ann).await;
    for hidden in &said[..2] {
        tablet
            .refused(forward(to, from, &hidden["id"]), "not_found")
            .await;
    }
    one.stop().await;
    two.stop().await;
}
