//! Every command, its answer, and what others see of it.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    assert_eq!(b.open_direct(&ann).await, conversation);

    let ack = a.say(conversation, "hello").await;
    assert_eq!(ack["seq"], 2);
    let seen = b.events(conversation, 2).await;
    assert_eq!(seqs(&seen), [1, 2]);
    assert_eq!(seen[0]["kind"], "direct.opened");
    assert_eq!(seen[1]["kind"], "message.sent");
    assert_eq!(seen[1]["actor"], ann.id.to_string());
    assert_eq!(
        seen[1]["data"],
        json!({ "message": ack["id"], "content": { "kind": "text", "text": "hello" } })
    );
    assert_eq!(seen[1]["at"], ack["at"]);

    b.say(conversation, "hi").await;
    // The sender's own connection receives the events too.
    assert_eq!(words(&a.events(conversation, 3).await), ["hello", "hi"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_lives_from_creation_to_the_last_leave() {
    let store = Store::new().await;
    let node = store.node().await;
    let users = [
        node.register("ann").await,
        node.register("ben").await,
        node.register("cat").await,
    ];
    let [ann, ben, cat] = &users;
    let (mut a, mut b, mut c) = (
        node.socket(ann).await,
        node.socket(ben).await,
        node.socket(cat).await,
    );
    let group = a.create_group(&[ben]).await;
    let on = |kind: &str, user: &User| json!({ "type": kind, "conversation": group, "user": user.id });

    b.refused(on("group.add", cat), "forbidden").await;
    c.refused(message(group, "let me in"), "not_a_member").await;
    a.acked(on("group.add", cat)).await;
    c.say(group, "thanks").await;
    a.acked(json!({ "type": "group.rename", "conversation": group, "name": " tea " }))
        .await;
    a.acked(json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "admin" }))
        .await;
    b.acked(on("group.remove", cat)).await;
    c.refused(message(group, "still here?"), "not_a_member").await;
    a.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    b.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;

    let kinds = |events: &[serde_json::Value]| events.iter().map(|e| text(&e["kind"])).collect::<Vec<_>>();
    let seen = b.events(group, 9).await;
    assert_eq!(seqs(&seen), (1..=9).collect::<Vec<_>>());
    assert_eq!(
        kinds(&seen),
        [
            "group.created",
            "member.added",
            "message.sent",
            "group.renamed",
            "role.changed",
            "member.removed",
            "member.left",
            "role.changed",
            "member.left"
        ]
    );
    assert_eq!(seen[0]["data"]["members"], json!([ann.id, ben.id]));
    assert_eq!(seen[3]["data"]["name"], "tea");
    // Who was added sees from the joining on, and who was removed up to the removal.
    assert_eq!(seqs(&c.events(group, 5).await), [2, 3, 4, 5, 6]);
    c.works().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_id_gets_the_first_answer_and_other_content_is_a_conflict() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let other = a.open_direct(&cat).await;

    let id = Uuid::now_v7();
    let mut first = message(conversation, "once");
    first["id"] = json!(id);
    a.send(&first).await;
    let ack = a.answer(id).await;
    for _ in 0..3 {
        a.send(&first).await;
        let again = a.answer(id).await;
        assert_eq!(again["duplicate"], true);
        for field in ["conversation", "seq", "position", "at"] {
            assert_eq!(again[field], ack[field]);
        }
    }
    for changed in [message(conversation, "twice"), message(other, "once")] {
        let mut changed = changed;
        changed["id"] = json!(id);
        a.send(&changed).await;
        let refused = a.answer(id).await;
        assert_eq!(
            (&refused["type"], &refused["code"]),
            (&json!("error"), &json!("conflict")),
            "{refused}"
        );
        assert_eq!(refused["retryable"], false);
    }
    // Somebody else's use of the id is other content too.
    b.send(&first).await;
    assert_eq!(b.answer(id).await["code"], "conflict");
    a.say(conversation, "end").await;
    assert_eq!(words(&b.events(conversation, 3).await), ["once", "end"]);

    // A node that has never seen the id answers the same, and so does one after a restart.
    node.stop().await;
    let node = store.node().await;
    let mut a = node.socket(&ann).await;
    a.send(&first).await;
    let again = a.answer(id).await;
    assert_eq!(
        (&again["duplicate"], &again["seq"], &again["at"]),
        (&json!(true), &ack["seq"], &ack["at"])
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_answered_even_when_the_command_would_now_be_refused() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let leave = json!({ "type": "group.leave", "conversation": group, "id": Uuid::now_v7() });
    b.send(&leave).await;
    let ack = b.answer(id(&leave["id"])).await;
    assert_eq!(ack["type"], "ack");
    node.stop().await;
    let node = store.node().await;
    let mut b = node.socket(&ben).await;
    b.send(&leave).await;
    let again = b.answer(id(&leave["id"])).await;
    assert_eq!(
        (&again["type"], &again["seq"]),
        (&json!("ack"), &ack["seq"]),
        "{again}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_one_connection_take_effect_in_the_order_sent() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    let mut lines = vec![];
    for n in 0..500 {
        let mut command = message(conversation, &n.to_string());
        command["id"] = json!(Uuid::now_v7());
        lines.push(command.to_string());
    }
    // Several objects in one frame, and many frames without waiting.
    for frame in lines.chunks(7) {
        a.send_text(&frame.join("\n")).await;
    }
    let seen = words(&b.events(conversation, 500).await);
    assert_eq!(seen, (0..500).map(|n| n.to_string()).collect::<Vec<_>>());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fetch_reads_history_in_pages_for_members_only() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let conversation = a.open_direct(&ben).await;
    for n in 0..10 {
        a.say(conversation, &n.to_string()).await;
    }
    let fetch = |from: u64, limit: u64| json!({ "type": "fetch", "conversation": conversation, "from": from, "limit": limit });
    let page = a.command(fetch(3, 4)).await;
    assert_eq!((&page["type"], &page["more"]), (&json!("events"), &json!(true)));
    assert_eq!(seqs(page["events"].as_array().unwrap()), [3, 4, 5, 6]);
    let page = a.command(fetch(9, 1000)).await;
    assert_eq!(
        (seqs(page["events"].as_array().unwrap()), &page["more"]),
        (vec![9, 10, 11], &json!(false))
    );
    assert_eq!(a.command(fetch(99, 5)).await["events"], json!([]));
    assert_eq!(a.refused(fetch(0, 5), "invalid_argument").await["field"], "from");
    assert_eq!(
        a.refused(fetch(1, 1001), "invalid_argument").await["field"],
        "limit"
    );
    c.refused(fetch(1, 5), "not_a_member").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_brings_what_was_sent_just_before_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    // One that looks on, since a transaction sees what others do as it was when it first looked.
    let (mut database, watcher) = (store.client().await, store.client().await);
    for round in 1..=5 {
        // The message is on its way for as long as this lasts.
        let held = database.transaction().await.unwrap();
        held.batch_execute("SELECT * FROM log_lane FOR UPDATE")
            .await
            .unwrap();
        let (sent, fetched) = (Uuid::now_v7(), Uuid::now_v7());
        let mut send = message(conversation, "just now");
        send["id"] = json!(sent);
        let fetch =
            json!({ "type": "fetch", "id": fetched, "conversation": conversation, "from": 1, "limit": 1000 });
        a.send_text(&format!("{send}\n{fetch}")).await;
        eventually(async || {
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND wait_event_type = 'Lock' AND query LIKE '%append_lane%'";
            let count: i64 = watcher.query_one(waiting, &[]).await.unwrap().get(0);
            (count > 0).then_some(())
        })
        .await;
        b.works().await;
        held.commit().await.unwrap();
        let ack = a.answer(sent).await;
        let page = a.answer(fetched).await;
        let last = page["events"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["seq"], &ack["seq"]),
            (&ack["seq"], &json!(round + 1)),
            "{ack} {page}"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_and_receipts_are_shown_to_the_others() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    // It may be lost, and comes again while it lasts.
    let typing = tokio::select! {
        typing = b.until("typing") => typing,
        () = async {
            loop {
                a.send(&json!({ "type": "typing", "conversation": conversation, "on": true })).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        } => unreachable!(),
    };
    assert_eq!((id(&typing["user"]), &typing["on"]), (ann.id, &json!(true)));
    a.say(conversation, "read me").await;
    let ack = b
        .acked(json!({ "type": "read", "conversation": conversation, "seq": 2 }))
        .await;
    assert_eq!(
        (&ack["conversation"], &ack["seq"]),
        (&json!(conversation), &json!(2))
    );
    // That it was delivered may be said before.
    let receipt = a
        .take(|object| object["type"] == "receipt" && object["read_seq"] != 0)
        .await;
    assert_eq!((id(&receipt["user"]), &receipt["read_seq"]), (ben.id, &json!(2)));
    assert_eq!(
        b.refused(
            json!({ "type": "read", "conversation": conversation, "seq": 99 }),
            "invalid_argument"
        )
        .await["field"],
        "seq"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_history_are_answered_with_ones_own_writes() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let unread = async |user: &User, after: &serde_json::Value| {
        let query = format!(
            "{{ conversation(id: \"{conversation}\") {{ unreadCount messages(last: 2) {{ nodes {{ seq text }} }} }} }}"
        );
        let answer = node.graphql(user, &query, after.as_str()).await;
        assert!(answer["errors"].is_null(), "{answer}");
        answer["data"]["conversation"].clone()
    };
    for n in 1..=5 {
        let ack = a.say(conversation, &n.to_string()).await;
        assert_eq!(unread(&ben, &ack["position"]).await["unreadCount"], n);
        assert_eq!(unread(&ann, &ack["position"]).await["unreadCount"], 0);
    }
    let read = b
        .acked(json!({ "type": "read", "conversation": conversation, "seq": 4 }))
        .await;
    let seen = unread(&ben, &read["position"]).await;
    assert_eq!(seen["unreadCount"], 2);
    assert_eq!(
        seen["messages"]["nodes"],
        json!([{ "seq": 5, "text": "4" }, { "seq": 6, "text": "5" }])
    );
    // It never moves back.
    let read = b
        .acked(json!({ "type": "read", "conversation": conversation, "seq": 2 }))
        .await;
    assert_eq!(unread(&ben, &read["position"]).await["unreadCount"], 2);
    // Sending reads everything before it.
    let sent = b.say(conversation, "mine").await;
    assert_eq!(unread(&ben, &sent["position"]).await["unreadCount"], 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_and_mentions_are_checked() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let first = a.say(conversation, "first").await;
    let with = |field: &str, value: serde_json::Value| {
        let mut command = message(conversation, "second");
        command[field] = value;
        command
    };
    a.acked(with("reply_to", first["id"].clone())).await;
    assert_eq!(
        a.refused(with("reply_to", json!(Uuid::new_v4())), "invalid_argument")
            .await["field"],
        "reply_to"
    );
    a.acked(with("mentions", json!([ben.id]))).await;
    assert_eq!(
        a.refused(with("mentions", json!([cat.id])), "invalid_argument")
            .await["field"],
        "mentions"
    );
    node.stop().await;
}

/// An outbox that is flushed at once holds replies to its own messages, and mentions of people who are only being added.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_refers_to_may_have_been_sent_just_before_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let other = a.open_direct(&ben).await;
    b.events(group, 1).await;
    for _ in 0..10 {
        let ids: Vec<Uuid> = (0..6).map(|_| Uuid::now_v7()).collect();
        let reply = |to: Uuid, conversation: Uuid| {
            let mut command = message(conversation, "answer");
            command["reply_to"] = json!(to);
            command
        };
        let mut commands = [
            message(group, "question"),
            reply(ids[0], group),
            reply(ids[1], group),
            // A message is one of its own conversation only, and nothing refers to what comes behind it.
            reply(ids[0], other),
            reply(ids[5], group),
            message(group, "too late"),
        ];
        for (command, id) in commands.iter_mut().zip(&ids) {
            command["id"] = json!(id);
        }
        a.send_text(
            &commands
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        )
        .await;
        for (command, id) in commands.iter().zip(&ids) {
            let answer = a.answer(*id).await;
            if *id == ids[3] || *id == ids[4] {
                assert_eq!(
                    (&answer["code"], &answer["field"]),
                    (&json!("invalid_argument"), &json!("reply_to"))
                );
            } else {
                assert_eq!(answer["type"], "ack", "{command}: {answer}");
            }
        }
        let seen = b.events(group, 4).await;
        assert_eq!(seen[2]["data"]["reply_to"], json!(ids[1]));
    }
    let mut add = json!({ "type": "group.add", "id": Uuid::now_v7(), "conversation": group, "user": cat.id });
    let mut mention = message(group, "welcome");
    mention["id"] = json!(Uuid::now_v7());
    mention["mentions"] = json!([cat.id]);
    a.send_text(&format!("{add}\n{mention}")).await;
    for command in [&mut add, &mut mention] {
        let id = serde_json::from_value(command["id"].take()).unwrap();
        assert_eq!(a.answer(id).await["type"], "ack");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_sent_to_many_conversations_at_once_belongs_to_one() {
    let store = Store::new().await;
    let node = store.node().await;
    // Those below her have lanes of their own: that all of them have the same is one chance in four million.
    let mut others = node.register_by_id("person", 13).await;
    let ann = others.pop().unwrap();
    let mut a = node.socket(&ann).await;
    let mut conversations = vec![];
    let mut lanes = std::collections::BTreeSet::new();
    for other in &others {
        let conversation = a.open_direct(other).await;
        lanes.insert(conversation.as_bytes()[15]);
        conversations.push(conversation);
    }
    assert!(lanes.len() > 1, "all are on one lane");
    for _ in 0..10 {
        let id = Uuid::now_v7();
        let commands = conversations.iter().map(|conversation| {
            let mut command = message(*conversation, "hello");
            command["id"] = json!(id);
            command.to_string()
        });
        a.send_text(&commands.collect::<Vec<_>>().join("\n")).await;
        let mut acks = 0;
        for _ in &conversations {
            let answer = a.answer(id).await;
            match answer["type"].as_str() {
                Some("ack") => acks += 1,
                _ => assert_eq!(
                    (&answer["code"], &answer["field"]),
                    (&json!("conflict"), &json!("id"))
                ),
            }
        }
        assert_eq!(acks, 1);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_of_a_conversation() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, eve] = node.people(["ann", "ben", "eve"]).await;
    let (mut a, mut e) = (node.socket(&ann).await, node.socket(&eve).await);
    let room = a.create_group(&[&ben]).await;
    let sent = id(&a.say(room, "secret").await["id"]);
    let mut nowhere = *Uuid::new_v4().as_bytes();
    nowhere[15] = 0;
    let mut answers = vec![];
    for conversation in [room, Uuid::from_bytes(nowhere)] {
        for reply_to in [sent, Uuid::now_v7()] {
            let mut command = message(conversation, "?");
            command["reply_to"] = json!(reply_to);
            answers.push(e.command(command).await);
        }
        answers.push(e.command(message(conversation, "?")).await);
        answers.push(
            e.command(json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 1 }))
                .await,
        );
        answers.push(
            e.command(json!({ "type": "group.rename", "conversation": conversation, "name": "?" }))
                .await,
        );
        answers.push(
            e.command(json!({ "type": "read", "conversation": conversation, "seq": 1 }))
                .await,
        );
    }
    for answer in answers {
        assert_eq!(answer["code"], "not_a_member", "{answer}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_in_another_order_are_the_same_command() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let command = |members: [Uuid; 2], id: Uuid| json!({ "type": "group.create", "id": id, "name": "g", "members": members });
    let id = Uuid::now_v7();
    a.send(&command([ben.id, cat.id], id)).await;
    let first = a.answer(id).await;
    a.send(&command([cat.id, ben.id], id)).await;
    let again = a.answer(id).await;
    assert_eq!(
        (&again["type"], &again["duplicate"]),
        (&json!("ack"), &json!(true))
    );
    assert_eq!(again["position"], first["position"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_repeated_as_they_were_spelled_and_numbers_are_taken_as_they_are_written() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let shouted = |value: Uuid| value.to_string().to_uppercase();
    let ids: Vec<String> = (0..6).map(|_| shouted(Uuid::now_v7())).collect();
    let room = shouted(conversation);
    for (id, object) in ids.iter().zip([
        format!(r#"{{"type":"message.send","id":"ID","conversation":"{room}","content":{{"kind":"text","text":"x"}}}}"#),
        format!(r#"{{"type":"read","id":"ID","conversation":"{room}","seq":2e0}}"#),
        format!(r#"{{"type":"fetch","id":"ID","conversation":"{room}","from":1.0,"limit":10.0}}"#),
        format!(r#"{{"type":"fetch","id":"ID","conversation":"{room}","from":9007199254740993,"limit":1}}"#),
        r#"{"type":"ping","id":"ID"}"#.to_owned(),
        r#"{"type":"fly","id":"ID"}"#.to_owned(),
    ]) {
        a.send_text(&object.replace("ID", id)).await;
        let answer = a.take(|object| object["id"] == *id).await;
        match text(&answer["type"]).as_str() {
            "error" => assert!(["seq", "from"].contains(&answer["field"].as_str().unwrap_or("from")), "{answer}"),
            "pong" => {}
            kind => {
                assert!(["ack", "events"].contains(&kind), "{answer}");
                assert_eq!(answer["conversation"], json!(conversation), "{answer}");
            }
        }
    }
    // Everywhere else ids are as always.
    let event = b.events(conversation, 2).await.remove(1);
    assert_eq!(text(&event["data"]["message"]), ids[0].to_lowercase());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_people_have_names_that_can_be_shown() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[]).await;
    for name in ["\u{200b}", "\u{202e}evil"] {
        for command in [
            json!({ "type": "group.create", "name": name, "members": [] }),
            json!({ "type": "group.rename", "conversation": group, "name": name }),
        ] {
            assert_eq!(a.refused(command, "invalid_argument").await["field"], "name");
        }
        let body = json!({ "username": "shown-1", "password": "a long passphrase", "display_name": name });
        let request = node
            .http
            .post(node.url("/auth/register"))
            .header("content-type", "application/json");
        let answer = request
            .body(body.to_string())
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["field"], "display_name", "{answer}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_does_with_an_id_is_not_in_the_way_of_its_owners_repeat() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, one.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    // A group lies on the lane of who made it.
    let mut eve = one.register("eve0").await;
    for n in 1..32 {
        if eve.id.as_bytes()[15] != conversation.as_bytes()[15] {
            break;
        }
        eve = one.register(&format!("eve{n}")).await;
    }
    let mut e = two.socket(&eve).await;
    let elsewhere = e.create_group(&[]).await;
    assert_ne!(elsewhere.as_bytes()[15], conversation.as_bytes()[15]);
    let id = Uuid::now_v7();
    let mut first = message(conversation, "once");
    first["id"] = json!(id);
    a.send(&first).await;
    let ack = a.answer(id).await;
    b.events(conversation, 2).await;
    // Somebody who has heard of the id uses it on another lane, by a node that has not answered it.
    let mut other = message(elsewhere, "mine");
    other["id"] = json!(id);
    e.send(&other).await;
    assert_eq!(e.answer(id).await["type"], "ack");
    let mut again = two.socket(&ann).await;
    again.send(&first).await;
    let answer = again.answer(id).await;
    assert_eq!(answer["duplicate"], true, "{answer}");
    assert_eq!(answer["position"], ack["position"]);
    one.stop().await;
    two.stop().await;
}
