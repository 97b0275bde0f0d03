//! Messages that are recalled: who may, for how long, and what is left of them.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn recall(conversation: Uuid, message: &Value) -> Value {
    json!({ "type": "message.recall", "conversation": conversation, "message": message })
}

fn edit(conversation: Uuid, message: &Value, words: &str) -> Value {
    json!({ "type": "message.edit", "conversation": conversation, "message": message,
        "content": { "kind": "text", "text": words } })
}

fn react(conversation: Uuid, message: &Value, on: bool) -> Value {
    json!({ "type": "message.react", "conversation": conversation, "message": message,
        "emoji": "👍", "on": on })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recalled_message_leaves_its_place_and_nothing_else() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let mut command = message(conversation, "secret");
    command["mentions"] = json!([ben.id]);
    let sent = a.acked(command).await;
    a.acked(edit(conversation, &sent["id"], "more secret")).await;
    b.acked(react(conversation, &sent["id"], true)).await;
    let recalled = a.acked(recall(conversation, &sent["id"])).await;
    assert_eq!(recalled["seq"], 5);
    a.say(conversation, "end").await;

    // Who was there has seen it come and go.
    let live = b.events(conversation, 6).await;
    assert_eq!(words(&live), ["secret", "more secret", "end"]);
    assert_eq!(live[4]["kind"], "message.recalled");
    assert_eq!(live[4]["actor"], ann.id.to_string());
    let data = &live[4]["data"];
    assert_eq!(
        data,
        &json!({ "message": sent["id"], "message_seq": 2, "message_no": 1 })
    );

    // Whatever is read from the log now has its place and not its words.
    let fetched = json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 10 });
    let (_, missed) = one.resumed(&ben, json!({ conversation.to_string(): 0 })).await;
    for events in [a.command(fetched).await["events"].as_array().unwrap(), &missed] {
        assert_eq!(seqs(events), [1, 2, 3, 4, 5, 6]);
        let bare = |message_seq: Option<u64>| {
            let mut data = json!({ "message": sent["id"], "content": null });
            if let Some(seq) = message_seq {
                data["message_seq"] = json!(seq);
            }
            data
        };
        assert_eq!(events[1]["data"], bare(None));
        assert_eq!(events[2]["data"], bare(Some(2)));
        assert_eq!(
            (&events[1]["actor"], &events[1]["at"]),
            (&live[1]["actor"], &live[1]["at"])
        );
        assert_eq!(events[4], live[4]);
        assert_eq!(words(events), ["end"]);
    }
    assert!(!missed.iter().any(|event| event.to_string().contains("secret")));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recalled_stays_recalled() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "no").await;
    a.acked_twice(recall(conversation, &sent["id"]), 3).await;
    // Another command for the same finds nothing to do.
    a.acked(recall(conversation, &sent["id"])).await;
    for gone in [
        edit(conversation, &sent["id"], "yes"),
        react(conversation, &sent["id"], true),
    ] {
        let refused = a.refused(gone, "not_found").await;
        assert_eq!(refused["field"], "message");
    }
    b.refused(react(conversation, &sent["id"], true), "not_found")
        .await;
    // It can still be replied to: its place is there.
    let mut reply = message(conversation, "why?");
    reply["reply_to"] = sent["id"].clone();
    b.acked(reply).await;
    let seen = a.events(conversation, 4).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authors_recall_in_time_and_admins_whatever_members_write() {
    let store = Store::new().await;
    let mut config = store.config();
    config.recall_window_s = 0;
    let node = TestNode::start(config).await;
    let [ann, ben, cat, dan] = node.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b, mut c, mut d) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
        node.socket(&dan).await,
    );
    let group = a.create_group(&[&ben, &cat]).await;
    a.acked(json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "admin" }))
        .await;
    let of_owner = a.say(group, "a").await;
    let of_admin = b.say(group, "b").await;
    let of_member = c.say(group, "c").await;
    let another = c.say(group, "d").await;
    let own = b.say(group, "e").await;

    d.refused(recall(group, &of_member["id"]), "not_a_member").await;
    let late = c.refused(recall(group, &of_member["id"]), "forbidden").await;
    assert_eq!(late["field"], "message");
    c.refused(recall(group, &of_admin["id"]), "forbidden").await;
    let unknown = c
        .refused(recall(group, &json!(Uuid::now_v7())), "not_found")
        .await;
    assert_eq!(unknown["field"], "message");
    b.refused(recall(group, &of_owner["id"]), "forbidden").await;
    b.acked(recall(group, &of_member["id"])).await;
    b.acked(recall(group, &own["id"])).await;
    a.acked(recall(group, &another["id"])).await;
    a.acked(recall(group, &of_admin["id"])).await;
    a.acked(recall(group, &of_owner["id"])).await;

    // In a direct conversation nobody is above the author.
    let conversation = a.open_direct(&cat).await;
    let sent = c.say(conversation, "mine").await;
    a.refused(recall(conversation, &sent["id"]), "forbidden").await;
    c.refused(recall(conversation, &sent["id"]), "forbidden").await;
    node.stop().await;

    let mut config = store.config();
    config.recall_window_s = -1;
    let node = TestNode::start(config).await;
    let mut c = node.socket(&cat).await;
    c.acked(recall(conversation, &sent["id"])).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_can_happen_to_a_message_happens_in_one_frame() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let mut first = message(conversation, "one");
    let sent = json!(Uuid::now_v7());
    first["id"] = sent.clone();
    let mut reply = message(conversation, "reply");
    reply["reply_to"] = sent.clone();
    let behind = [
        reply,
        edit(conversation, &sent, "two"),
        react(conversation, &sent, true),
        react(conversation, &sent, false),
        recall(conversation, &sent),
    ];
    let mut commands = vec![first];
    commands.extend(behind.map(|mut command| {
        command["id"] = json!(Uuid::now_v7());
        command
    }));
    let mut late = edit(conversation, &sent, "three");
    late["id"] = json!(Uuid::now_v7());
    let frame: Vec<String> = commands.iter().chain([&late]).map(Value::to_string).collect();
    a.send_text(&frame.join("\n")).await;
    for (seq, command) in (2..).zip(&commands) {
        let answer = a.answer(id(&command["id"])).await;
        assert_eq!(
            (&answer["type"], &answer["seq"]),
            (&json!("ack"), &json!(seq)),
            "{answer}"
        );
    }
    assert_eq!(a.answer(id(&late["id"])).await["code"], "not_found");
    let kinds: Vec<String> = b.events(conversation, 7).await[1..]
        .iter()
        .map(|event| text(&event["kind"]))
        .collect();
    assert_eq!(
        kinds,
        [
            "message.sent",
            "message.sent",
            "message.edited",
            "reaction.changed",
            "reaction.changed",
            "message.recalled"
        ]
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_comes_late_is_never_sent_what_was_recalled() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let mut ids = vec![];
    for n in 0..30 {
        ids.push(a.say(conversation, &format!("word {n}")).await["id"].clone());
    }
    for gone in ids.iter().step_by(3) {
        a.acked(recall(conversation, gone)).await;
    }
    let (_, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), (1..=41).collect::<Vec<_>>());
    let left: Vec<String> = (0..30)
        .filter(|n| n % 3 != 0)
        .map(|n| format!("word {n}"))
        .collect();
    assert_eq!(words(&missed), left);
    let bare = missed
        .iter()
        .filter(|event| event["data"]["content"].is_null() && event["kind"] == "message.sent");
    assert_eq!(bare.count(), 10);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_wins_over_what_another_node_does_to_the_message_at_that_moment() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a1, mut a2, mut b) = (
        one.socket(&ann).await,
        two.socket(&ann).await,
        two.socket(&ben).await,
    );
    let conversation = a1.open_direct(&ben).await;
    for n in 0..20 {
        let sent = a1.say(conversation, &format!("secret {n}")).await;
        let (recalled, edited, reacted) = tokio::join!(
            a1.command(recall(conversation, &sent["id"])),
            a2.command(edit(conversation, &sent["id"], "another secret")),
            b.command(react(conversation, &sent["id"], true)),
        );
        assert_eq!(recalled["type"], "ack", "{recalled}");
        for other in [edited, reacted] {
            let late =
                other["type"] == "ack" || (other["code"] == "not_found" && other["field"] == "message");
            assert!(late, "{other}");
        }
    }
    let (_, missed) = two.resumed(&ben, json!({ conversation.to_string(): 0 })).await;
    let all: Vec<u64> = (1..=missed.len() as u64).collect();
    assert_eq!(seqs(&missed), all);
    assert!(missed.len() > 40 && !missed.iter().any(|event| event.to_string().contains("secret")));
    one.stop().await;
    two.stop().await;
}
