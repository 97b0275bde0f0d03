//! Reactions to messages.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn react(conversation: Uuid, message: &Value, emoji: &str, on: bool) -> Value {
    json!({ "type": "message.react", "conversation": conversation, "message": message,
        "emoji": emoji, "on": on })
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_come_and_go_and_are_seen_by_all() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "tea?").await;
    b.events(conversation, 2).await;

    b.acked_twice(react(conversation, &sent["id"], "👍🏽", true), 3)
        .await;
    // One's own message too, and names as well as pictures.
    a.acked(react(conversation, &sent["id"], ":tea:", true)).await;
    a.acked(react(conversation, &sent["id"], "👨‍👩‍👧", true)).await;
    // What is so already is acked and not written.
    a.acked(react(conversation, &sent["id"], ":tea:", true)).await;
    a.acked(react(conversation, &sent["id"], "🐌", false)).await;
    a.acked(react(conversation, &sent["id"], ":tea:", false)).await;
    let seen = a.events(conversation, 6).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        (&seen[2]["kind"], &seen[2]["actor"]),
        (&json!("reaction.changed"), &json!(ben.id))
    );
    let data =
        |emoji: &str, on: bool| json!({ "message": sent["id"], "message_seq": 2, "emoji": emoji, "on": on });
    assert_eq!(seen[2]["data"], data("👍🏽", true));
    assert_eq!(seen[3]["data"], data(":tea:", true));
    assert_eq!(seen[5]["data"], data(":tea:", false));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_is_one_picture_or_one_name_to_a_message_that_is_there() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "tea?").await;
    for bad in [
        "",
        "a",
        "👍👍",
        "hello",
        ":",
        "::",
        ":a b:",
        "\u{7}",
        &"👍".repeat(20),
    ] {
        let refused = a
            .refused(react(conversation, &sent["id"], bad, true), "invalid_argument")
            .await;
        assert_eq!(refused["field"], "emoji", "{bad:?}");
    }
    let nowhere = json!(Uuid::now_v7());
    let unknown = a
        .refused(react(conversation, &nowhere, "👍", true), "not_found")
        .await;
    assert_eq!(unknown["field"], "message");
    c.refused(react(conversation, &sent["id"], "👍", true), "not_a_member")
        .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_only_so_many_reactions() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "tea?").await;
    for n in 0..20 {
        a.acked(react(conversation, &sent["id"], &format!(":tea_{n}:"), true))
            .await;
    }
    a.refused(react(conversation, &sent["id"], ":more:", true), "conflict")
        .await;
    b.refused(react(conversation, &sent["id"], ":more:", true), "conflict")
        .await;
    // One that is there already can be joined, and one that goes makes room.
    b.acked(react(conversation, &sent["id"], ":tea_7:", true)).await;
    a.acked(react(conversation, &sent["id"], ":tea_3:", false)).await;
    b.acked(react(conversation, &sent["id"], ":more:", true)).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_uses_up_alone_what_a_message_takes_of_reactions() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "tea?").await;
    let name = |n: usize| format!(":tea_{n}:");
    for n in 0..64 {
        for on in [true, false] {
            a.acked(react(conversation, &sent["id"], &name(n), on)).await;
        }
    }
    // Nobody has one of them on the message any more.
    b.acked(react(conversation, &sent["id"], ":milk:", true)).await;
    a.refused(react(conversation, &sent["id"], ":sugar:", true), "conflict")
        .await;
    a.acked(react(conversation, &sent["id"], &name(7), true)).await;
    node.stop().await;
}

/// Reacts to a message of which the log does not tell in the middle of others, of which it does, and says something behind it, all at once.
/// Whether only the one was refused.
async fn only_the_spoilt_is_refused(socket: &mut Socket, group: Uuid, other: Uuid, spoilt: &Value) -> bool {
    let mut commands = vec![];
    for _ in 0..20 {
        let sent = socket.say(other, "another").await;
        commands.push(react(other, &sent["id"], "👍", true));
    }
    commands.insert(10, react(group, &spoilt["id"], "👍", true));
    commands.push(message(group, "behind it"));
    for command in &mut commands {
        command["id"] = json!(Uuid::now_v7());
    }
    let frame: Vec<String> = commands.iter().map(Value::to_string).collect();
    socket.send_text(&frame.join("\n")).await;
    let mut refused = vec![];
    for (n, command) in commands.iter().enumerate() {
        let answer = socket.answer(id(&command["id"])).await;
        if answer["type"] != "ack" {
            assert_eq!(answer["code"], json!("unavailable"), "{n}: {answer}");
            refused.push(n);
        }
    }
    assert!(refused.contains(&10), "{refused:?}");
    refused == [10]
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_ask_for_a_message_of_which_the_log_does_not_tell_have_the_harm() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    // Groups of one person share a lane.
    let (group, other) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    let mut all_spoilt = vec![];
    for _ in 0..8 {
        let spoilt = a.say(group, "a message").await;
        a.acked(react(group, &spoilt["id"], ":slow:", true)).await;
        all_spoilt.push(spoilt);
    }
    store
        .client()
        .await
        .batch_execute(
            "CREATE OR REPLACE FUNCTION log_mark_on(payload bytea) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
             BEGIN
                IF encode(payload, 'escape') ~ ':slow:' THEN PERFORM pg_sleep(60); END IF;
                RETURN encode(payload, 'escape') ~ '\"on\":true';
             END $$",
        )
        .await
        .unwrap();
    // On a busy machine the log may be late with the others, too: then it is asked for messages that nobody has asked for yet. Where those
    // have the harm of the spoilt one, they have it each time.
    let mut found_out = None;
    for spoilt in &all_spoilt {
        if only_the_spoilt_is_refused(&mut a, group, other, spoilt).await {
            found_out = Some(spoilt);
            break;
        }
    }
    let spoilt = found_out.expect("others are refused with it");
    // Whoever tries again takes nobody's time: to ask again would take a second each time, however fast the machine.
    eventually(async || {
        let began = std::time::Instant::now();
        b.refused(react(group, &spoilt["id"], "👎", true), "unavailable")
            .await;
        (began.elapsed().as_millis() < 900).then_some(())
    })
    .await;
    b.say(group, "hello").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_nothing_to_do_is_acked_behind_what_made_it_so() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "tea?").await;
    let edit = json!({ "type": "message.edit", "conversation": conversation, "message": sent["id"],
        "content": { "kind": "text", "text": "coffee?" } });
    let recall = json!({ "type": "message.recall", "conversation": conversation, "message": sent["id"] });
    // Whoever waits for the position of the second answer sees what the first has done, and so does another device.
    for command in [react(conversation, &sent["id"], "👍", true), edit, recall] {
        let first = a.acked(command.clone()).await;
        let last = b.say(conversation, "behind it").await;
        let second = a.acked(command).await;
        for field in ["seq", "position", "at"] {
            assert_eq!(second[field], last[field], "{second} behind {first}");
        }
        assert_eq!(second["duplicate"], json!(null), "{second}");
    }
    // What began once is told of as it began.
    let open = json!({ "type": "direct.open", "user": ben.id });
    assert_eq!(a.acked(open).await["seq"], json!(1));
    node.stop().await;
}
