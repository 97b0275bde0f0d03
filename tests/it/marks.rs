//! What people mark for themselves, and the notices that tell their devices.

use crate::support::*;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

fn mute(conversation: Uuid, on: bool) -> Value {
    json!({ "type": "conversation.mute", "conversation": conversation, "on": on })
}

fn archive(conversation: Uuid, on: bool) -> Value {
    json!({ "type": "conversation.archive", "conversation": conversation, "on": on })
}

fn mark(conversation: Uuid, unread: bool) -> Value {
    json!({ "type": "conversation.mark", "conversation": conversation, "unread": unread })
}

fn read(conversation: Uuid, seq: u64) -> Value {
    json!({ "type": "read", "conversation": conversation, "seq": seq })
}

fn mentioning(conversation: Uuid, user: &User) -> Value {
    let mut sent = message(conversation, "you!");
    sent["mentions"] = json!([user.id]);
    sent
}

/// What a conversation is to somebody, and what they have to read in all.
async fn seen(node: &TestNode, user: &User, conversation: Uuid, after: &Value) -> Value {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ muted mutedUntil archived markedUnread unreadCount }} unreadTotal mentionTotal }}"
    );
    // The conversation is in another lane than what somebody marks in it.
    node.folded(user).await;
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

async fn is(node: &TestNode, user: &User, conversation: Uuid, field: &str, after: &Value) -> bool {
    let seen = seen(node, user, conversation, after).await;
    seen["conversation"][field].as_bool().unwrap()
}

/// Kinds and data of notices.
fn told(notices: &[Value]) -> Vec<(Value, Value)> {
    let notices = notices.iter().filter(|object| object["type"] == "notice");
    notices
        .map(|notice| (notice["kind"].clone(), notice["data"].clone()))
        .collect()
}

async fn notices(socket: &mut Socket, count: usize) -> Vec<Value> {
    let mut notices = vec![];
    while notices.len() < count {
        notices.push(socket.until("notice").await);
    }
    notices
}

#[tokio::test(flavor = "multi_thread")]
async fn all_devices_of_a_user_are_told_what_it_marks_and_nobody_else() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let mut phone = one.socket(&ann).await;
    let (mut laptop, mut tablet) = (one.socket(&ann).await, two.socket(&ann).await);
    let mut b = two.socket(&ben).await;
    let conversation = phone.open_direct(&ben).await;
    b.say(conversation, "hello").await;

    let ack = phone.acked(mute(conversation, true)).await;
    assert_eq!(ack["conversation"], json!(conversation));
    let mut acked = vec![ack];
    for command in [archive(conversation, true), mark(conversation, true)] {
        acked.push(phone.acked(command).await);
    }
    let place = json!({ "conversation": conversation, "on": true, "seq": 2, "message_no": 1 });
    let expected = [
        (json!("conversation.muted"), place.clone()),
        (json!("conversation.archived"), place),
        (
            json!("conversation.marked"),
            json!({ "conversation": conversation, "unread": true, "seq": 2 }),
        ),
    ];
    for socket in [&mut phone, &mut laptop, &mut tablet] {
        let notices = notices(socket, 3).await;
        assert_eq!(told(&notices), expected);
        assert_eq!(seqs(&notices), seqs(&acked));
    }
    // Whatever comes to him is in order, so there was none before this.
    phone.say(conversation, "for you").await;
    loop {
        let object = b.receive().await;
        assert_ne!(object["type"], "notice", "{object}");
        if object["type"] == "event" && object["data"]["content"]["text"] == "for you" {
            break;
        }
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_is_told_once_what_it_missed() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut phone = node.socket(&ann).await;
    let conversation = phone.open_direct(&ben).await;
    let mut all = vec![
        phone.acked(mute(conversation, true)).await["seq"]
            .as_u64()
            .unwrap(),
    ];
    // Reads stand between notices in the stream.
    for seq in 1..4 {
        phone.say(conversation, "x").await;
        phone.acked(read(conversation, seq)).await;
    }
    all.push(
        phone.acked(mute(conversation, false)).await["seq"]
            .as_u64()
            .unwrap(),
    );
    let (first, second) = (all[0], all[1]);
    assert!(second > first + 1, "{first} {second}");
    for cursor in [None, Some(0), Some(first), Some(second - 1), Some(second)] {
        let resume = cursor.map_or(json!({}), |cursor| json!({ "self": cursor }));
        let (mut socket, missed) = node.resumed(&ann, resume.clone()).await;
        let notices: Vec<Value> = missed
            .into_iter()
            .filter(|object| object["type"] == "notice")
            .collect();
        let expected: Vec<u64> = all
            .iter()
            .copied()
            .filter(|seq| *seq > cursor.unwrap_or(0))
            .collect();
        assert_eq!(seqs(&notices), expected, "{resume}");
        // And goes on without a repeat.
        let next = phone.acked(archive(conversation, true)).await["seq"]
            .as_u64()
            .unwrap();
        assert_eq!(socket.until("notice").await["seq"], next);
        all.push(next);
    }
    let (_socket, missed) = node.resumed(&ann, json!({ "self": 1_000_000 })).await;
    let refused: Vec<&Value> = missed.iter().filter(|object| object["type"] == "error").collect();
    assert_eq!(refused.len(), 1, "{missed:?}");
    assert_eq!(
        (
            &refused[0]["code"],
            &refused[0]["field"],
            refused[0].get("conversation")
        ),
        (&json!("invalid_argument"), &json!("resume"), None)
    );
    assert!(refused[0]["head"].as_u64().unwrap() >= second, "{refused:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_while_notices_are_made_is_told_each_once() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let mut phone = one.socket(&ann).await;
    let conversation = phone.open_direct(&ben).await;
    let making = tokio::spawn(async move {
        let mut made = vec![];
        for n in 0..300 {
            made.push(
                phone.acked(mute(conversation, n % 2 == 0)).await["seq"]
                    .as_u64()
                    .unwrap(),
            );
        }
        (phone, made)
    });
    let mut told: Vec<u64> = vec![];
    let mut comings = 0;
    while !making.is_finished() {
        let cursor = told.last().copied().unwrap_or(0);
        let (mut socket, missed) = two.resumed(&ann, json!({ "self": cursor })).await;
        let missed: Vec<Value> = missed
            .into_iter()
            .filter(|object| object["type"] == "notice")
            .collect();
        told.extend(seqs(&missed));
        // Whatever has come live by the time of an answer.
        socket.works().await;
        while let Some(object) = socket.next_already() {
            if object["type"] == "notice" {
                told.extend(object["seq"].as_u64());
            }
        }
        comings += 1;
        // How often a user comes has a rate, too, which is lower.
        tokio::time::sleep(2 * BREATH).await;
    }
    let (_phone, made) = making.await.unwrap();
    let cursor = told.last().copied().unwrap_or(0);
    let (_socket, missed) = two.resumed(&ann, json!({ "self": cursor })).await;
    let missed: Vec<Value> = missed
        .into_iter()
        .filter(|object| object["type"] == "notice")
        .collect();
    told.extend(seqs(&missed));
    assert_eq!(told, made, "{comings} connections");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_notices_the_newest_are_sent_and_the_rest_is_said() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.catch_up_events = 4;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut phone = node.socket(&ann).await;
    let conversation = phone.open_direct(&ben).await;
    let mut sent = vec![];
    for n in 0..9 {
        let ack = phone.acked(mute(conversation, n % 2 == 0)).await;
        sent.push(ack["seq"].as_u64().unwrap());
    }
    let (_socket, missed) = node.resumed(&ann, json!({ "self": sent[1] })).await;
    let notices: Vec<Value> = missed
        .into_iter()
        .filter(|object| object["type"] == "notice")
        .collect();
    assert_eq!(seqs(&notices), sent[4..]);
    assert_eq!(notices[0]["kind"], "gap");
    assert_eq!(notices[0]["data"], json!({ "from": sent[1] + 1, "to": sent[4] }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_muted_is_not_in_the_total_but_its_mentions_are() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let (quiet, loud) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    for conversation in [quiet, loud] {
        b.say(conversation, "hello").await;
        b.acked(mentioning(conversation, &ann)).await;
    }
    let total = async |after: Value| {
        let seen = seen(&node, &ann, quiet, &after).await;
        (
            seen["unreadTotal"].clone(),
            seen["mentionTotal"].clone(),
            seen["conversation"].clone(),
        )
    };
    let last = b.say(loud, "once more").await["position"].clone();
    let (unread, mentions, _) = total(last).await;
    assert_eq!((unread, mentions), (json!(5), json!(2)));
    let muted = a.acked(mute(quiet, true)).await["position"].clone();
    let (unread, mentions, conversation) = total(muted).await;
    assert_eq!((unread, mentions), (json!(3), json!(2)));
    assert_eq!(
        conversation,
        json!({ "muted": true, "mutedUntil": null, "archived": false, "markedUnread": false, "unreadCount": 2 })
    );
    // A mute that is over by the time that somebody asks, and not yet when it comes to the server, however busy that is.
    let soon = Utc::now() + TimeDelta::seconds(15);
    let mut command = mute(quiet, true);
    command["until"] = json!(soon.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    let position = a.acked(command).await["position"].clone();
    eventually(async || (!is(&node, &ann, quiet, "muted", &position).await).then_some(())).await;
    let (unread, _, conversation) = total(position).await;
    assert_eq!((&unread, &conversation["mutedUntil"]), (&json!(5), &Value::Null));
    let unmuted = a.acked(mute(quiet, false)).await["position"].clone();
    assert_eq!(total(unmuted).await.0, json!(5));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_conversation_comes_back_with_a_message_and_a_muted_one_with_a_mention() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    b.say(group, "hello").await;
    let archived = async |after: &Value| is(&node, &ann, group, "archived", after).await;

    let position = a.acked(archive(group, true)).await["position"].clone();
    assert!(archived(&position).await);
    let renamed = json!({ "type": "group.rename", "conversation": group, "name": "others" });
    let position = a.acked(renamed).await["position"].clone();
    assert!(archived(&position).await, "a change is no message");
    let position = b.say(group, "there?").await["position"].clone();
    assert!(!archived(&position).await);
    // Muting does not put it away again.
    let position = a.acked(mute(group, true)).await["position"].clone();
    assert!(!archived(&position).await);

    a.acked(archive(group, true)).await;
    let position = b.say(group, "and now?").await["position"].clone();
    assert!(archived(&position).await, "a muted one stays");
    let position = b.acked(mentioning(group, &ann)).await["position"].clone();
    assert!(!archived(&position).await);

    // What was said while it was muted brings it back as little when that ends.
    a.acked(archive(group, true)).await;
    b.say(group, "one").await;
    let position = a.acked(mute(group, false)).await["position"].clone();
    assert!(archived(&position).await);
    let position = b.say(group, "two").await["position"].clone();
    assert!(!archived(&position).await);
    let position = a.acked(archive(group, true)).await["position"].clone();
    assert!(archived(&position).await);
    let position = a.acked(archive(group, false)).await["position"].clone();
    assert!(!archived(&position).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_of_a_mute_brings_an_archived_conversation_back_and_none_puts_it_away_again() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let archived = async |after: &Value| is(&node, &ann, group, "archived", after).await;
    let until = |at: DateTime<Utc>| {
        let mut command = mute(group, true);
        command["until"] = json!(at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        command
    };

    a.acked(archive(group, true)).await;
    a.acked(mute(group, true)).await;
    b.say(group, "sh").await;
    for changed in [
        until(Utc::now() + TimeDelta::hours(1)),
        mute(group, true),
        mute(group, false),
    ] {
        let position = a.acked(changed).await["position"].clone();
        assert!(archived(&position).await);
    }
    b.say(group, "hello").await;
    for changed in [mute(group, true), mute(group, false)] {
        let position = a.acked(changed).await["position"].clone();
        assert!(!archived(&position).await);
    }

    // A mute that is not over when something is said, however slow that is, and ends then by itself.
    let mut seconds = 15;
    let position = loop {
        a.acked(archive(group, true)).await;
        let end = Utc::now() + TimeDelta::seconds(seconds);
        let position = a.acked(until(end)).await["position"].clone();
        let said = b.say(group, "sh").await["at"].as_str().unwrap().to_owned();
        if said.parse::<DateTime<Utc>>().unwrap() < end {
            break position;
        }
        seconds *= 2;
    };
    eventually(async || (!is(&node, &ann, group, "muted", &position).await).then_some(())).await;
    assert!(archived(&position).await);
    for changed in [mute(group, true), mute(group, false)] {
        let position = a.acked(changed).await["position"].clone();
        assert!(archived(&position).await);
    }
    let position = b.say(group, "hello").await["position"].clone();
    assert!(!archived(&position).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_as_unread_is_so_until_its_user_reads_or_writes_there() {
    let store = Store::new().await;
    let (node, other) = (store.node().await, store.node().await);
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let mut elsewhere = other.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    b.say(conversation, "hello").await;
    let marked = async |after: &Value| is(&other, &ann, conversation, "markedUnread", after).await;
    a.acked(read(conversation, 2)).await;

    // Right behind a read, in the same frame: it does not end what comes after it.
    let (reading, marking) = (Uuid::now_v7(), Uuid::now_v7());
    let (mut first, mut second) = (read(conversation, 2), mark(conversation, true));
    (first["id"], second["id"]) = (json!(reading), json!(marking));
    a.send_text(&format!("{first}\n{second}")).await;
    a.answer(reading).await;
    let position = a.answer(marking).await["position"].clone();
    assert!(marked(&position).await);
    assert_eq!(elsewhere.until("notice").await["data"]["unread"], true);
    // Somebody else's message changes nothing, nor does what was sent before.
    let position = b.say(conversation, "there?").await["position"].clone();
    assert!(marked(&position).await);
    // A read that moves nothing.
    let position = elsewhere.acked(read(conversation, 2)).await["position"].clone();
    assert!(!marked(&position).await);
    for socket in [&mut a, &mut elsewhere] {
        let notice = socket.take(|object| object["type"] == "notice" && object["data"]["unread"] == false);
        assert_eq!(
            notice.await["data"],
            json!({ "conversation": conversation, "unread": false })
        );
    }
    a.acked(mark(conversation, true)).await;
    let position = a.say(conversation, "here").await["position"].clone();
    assert!(!marked(&position).await);
    let position = a.acked(mark(conversation, true)).await["position"].clone();
    assert!(marked(&position).await);
    let ended = a.acked(mark(conversation, false)).await;
    assert!(!marked(&ended["position"]).await);
    // What is not there any more is acked behind what ended it.
    let again = a.acked(mark(conversation, false)).await;
    assert!(again["seq"].as_u64() >= ended["seq"].as_u64(), "{again}");
    node.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_marked_is_refused_and_a_repeat_is_answered_for_ever() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    let group = a.create_group(&[&ben]).await;
    for command in [mute(group, true), archive(group, true), mark(group, true)] {
        c.refused(command, "not_a_member").await;
    }
    a.refused(mute(Uuid::new_v4(), true), "not_a_member").await;
    for (field, command) in [
        (
            "until",
            json!({ "type": "conversation.mute", "conversation": group, "on": true, "until": "2020-01-01T00:00:00Z" }),
        ),
        (
            "until",
            json!({ "type": "conversation.mute", "conversation": group, "on": false, "until": "2999-01-01T00:00:00Z" }),
        ),
        (
            "until",
            json!({ "type": "conversation.mute", "conversation": group, "on": true, "until": "soon" }),
        ),
        (
            "on",
            json!({ "type": "conversation.mute", "conversation": group }),
        ),
        (
            "on",
            json!({ "type": "conversation.archive", "conversation": group, "on": 1 }),
        ),
        (
            "unread",
            json!({ "type": "conversation.mark", "conversation": group }),
        ),
        (
            "conversation",
            json!({ "type": "conversation.mark", "unread": true }),
        ),
    ] {
        let refused = a.refused(command.clone(), "invalid_argument").await;
        assert_eq!(refused["field"], field, "{command}");
    }
    let mut command = mute(group, true);
    command["id"] = json!(Uuid::now_v7());
    b.send(&command).await;
    let first = b.answer(id(&command["id"])).await;
    b.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    b.send(&command).await;
    let again = b.answer(id(&command["id"])).await;
    assert_eq!(
        (&again["duplicate"], &again["seq"], &again["conversation"]),
        (&json!(true), &first["seq"], &json!(group))
    );
    command["on"] = json!(false);
    b.send(&command).await;
    assert_eq!(b.answer(id(&command["id"])).await["code"], "conflict");
    node.stop().await;
}
