//! Threads: replies that hang below a message of a group.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn reply(conversation: Uuid, root: &Value, text: &str, also: bool) -> Value {
    let mut reply = message(conversation, text);
    (reply["thread"], reply["also"]) = (root.clone(), json!(also));
    reply
}

/// What a query answers, as of an ack.
async fn asked(node: &TestNode, user: &User, query: &str, after: &Value) -> Value {
    let answer = node.graphql(user, query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_a_line_of_its_own_and_what_is_also_shown_stands_in_both() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben, &cat]).await;
    let root = a.say(group, "a root").await["id"].clone();
    a.say(group, "beside it").await;
    a.acked_twice(reply(group, &root, "alone", false), 4).await;
    let both = a.acked(reply(group, &root, "both", true)).await;
    let seen = b.events(group, 5).await;
    let data: Vec<_> = seen[3..].iter().map(|event| event["data"].clone()).collect();
    let text = |text: &str| json!({ "kind": "text", "text": text });
    assert_eq!(
        data,
        [
            json!({ "message": seen[3]["data"]["message"], "content": text("alone"), "thread": root, "thread_author": ann.id }),
            json!({ "message": both["id"], "content": text("both"), "thread": root, "thread_author": ann.id, "also": true }),
        ]
    );
    assert!(seen[1..].iter().all(|event| event["kind"] == "message.sent"));

    let query = format!(
        "{{ conversation(id: \"{group}\") {{ unreadCount lastMessage {{ text }} messages {{ nodes {{ text thread also replyCount }} }} \
         threads {{ nodes {{ root {{ text }} replyCount lastReplyAt replies {{ nodes {{ text thread also }} }} }} }} }} }}"
    );
    let found = asked(&two, &ben, &query, &both["position"]).await;
    let found = &found["conversation"];
    assert_eq!(
        (&found["unreadCount"], &found["lastMessage"]["text"]),
        (&json!(3), &json!("both"))
    );
    assert_eq!(
        found["messages"]["nodes"],
        json!([
            { "text": "a root", "thread": null, "also": false, "replyCount": 2 },
            { "text": "beside it", "thread": null, "also": false, "replyCount": 0 },
            { "text": "both", "thread": root, "also": true, "replyCount": 0 },
        ])
    );
    assert_eq!(
        found["threads"]["nodes"],
        json!([{ "root": { "text": "a root" }, "replyCount": 2, "lastReplyAt": both["at"], "replies": { "nodes": [
            { "text": "alone", "thread": root, "also": false },
            { "text": "both", "thread": root, "also": true },
        ] } }])
    );

    // A recalled reply keeps its place and counts no more.
    let alone = &data[0]["message"];
    let recall = json!({ "type": "message.recall", "conversation": group, "message": alone });
    let position = a.acked(recall).await["position"].clone();
    let query = format!(
        "{{ message(conversation: \"{group}\", id: {alone}) {{ text recalledAt thread }} \
         conversation(id: \"{group}\") {{ unreadCount thread(root: {root}) {{ replyCount replies(last: 1) {{ nodes {{ text }} }} }} }} }}"
    );
    let found = asked(&one, &cat, &query, &position).await;
    assert_eq!(found["message"]["thread"], root);
    assert!(found["message"]["recalledAt"].is_string());
    assert_eq!(
        found["conversation"],
        json!({ "unreadCount": 3, "thread": { "replyCount": 1, "replies": { "nodes": [{ "text": "both" }] } } })
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_may_come_right_behind_its_root_and_begins_no_thread_itself() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let group = a.create_group(&[&ben]).await;
    let elsewhere = a.create_group(&[&ben]).await;
    let stranger = a.say(elsewhere, "elsewhere").await["id"].clone();

    // All in one frame.
    let [root, below, deeper] = [(); 3].map(|()| Uuid::now_v7());
    let (mut first, mut second) = (
        message(group, "a root"),
        reply(group, &json!(root), "below", false),
    );
    let mut third = reply(group, &json!(below), "deeper", true);
    (first["id"], second["id"], third["id"]) = (json!(root), json!(below), json!(deeper));
    a.send_text(&format!("{first}\n{second}\n{third}")).await;
    assert_eq!(a.answer(root).await["seq"], 2);
    assert_eq!(a.answer(below).await["seq"], 3);
    let refused = a.answer(deeper).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("invalid_argument"), &json!("thread"))
    );
    // So it is when all of that is long written.
    let refused = a
        .refused(reply(group, &json!(below), "deeper", false), "invalid_argument")
        .await;
    assert_eq!(refused["field"], "thread");

    for unknown in [json!(Uuid::now_v7()), stranger] {
        let refused = a
            .refused(reply(group, &unknown, "nowhere", false), "not_found")
            .await;
        assert_eq!(refused["field"], "thread", "{refused}");
    }
    let refused = a
        .refused(reply(group, &json!(null), "no thread", true), "invalid_argument")
        .await;
    assert_eq!(refused["field"], "also");
    c.refused(reply(group, &json!(root), "a stranger", false), "not_a_member")
        .await;
    let direct = a.open_direct(&ben).await;
    let said = a.say(direct, "between us").await["id"].clone();
    let refused = a
        .refused(reply(direct, &said, "below", false), "invalid_argument")
        .await;
    assert_eq!(refused["field"], "thread");

    let query = format!(
        "{{ conversation(id: \"{group}\") {{ none: thread(root: \"{below}\") {{ replyCount }} one: thread(root: \"{root}\") {{ replyCount }} }} \
         direct: conversation(id: \"{direct}\") {{ thread(root: {said}) {{ replyCount }} }} }}"
    );
    let position = a.say(direct, "the end").await["position"].clone();
    let found = asked(&node, &ben, &query, &position).await;
    assert_eq!(found["conversation"]["none"], json!(null));
    assert_eq!(found["direct"]["thread"], json!(null));
    let found = asked(&node, &cat, &query, &position).await;
    assert_eq!(found["conversation"], json!(null), "strangers see nothing");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recalled_in_a_thread_is_read_again_without_its_words() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let root = a.say(group, "a root").await["id"].clone();
    for also in [false, true] {
        let sent = a.acked(reply(group, &root, "a secret", also)).await["id"].clone();
        let edit = json!({ "type": "message.edit", "conversation": group, "message": sent,
            "content": { "kind": "text", "text": "another secret" } });
        a.acked(edit).await;
        let recall = json!({ "type": "message.recall", "conversation": group, "message": sent });
        a.acked(recall).await;
    }
    let (_b, seen) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(!json!(seen).to_string().contains("secret"), "{seen:?}");
    assert_eq!(
        (&seen[2]["data"]["content"], &seen[2]["data"]["thread"]),
        (&json!(null), &root)
    );
    node.stop().await;
}

fn follow(conversation: Uuid, root: &Value, on: bool) -> Value {
    json!({ "type": "thread.follow", "conversation": conversation, "thread": root, "on": on })
}

fn read(conversation: Uuid, root: &Value, seq: u64) -> Value {
    json!({ "type": "read", "conversation": conversation, "thread": root, "seq": seq })
}

/// Whether somebody follows a thread, what they have not read of it, and what their conversation counts.
async fn counted(node: &TestNode, user: &User, group: Uuid, root: &Value, after: &Value) -> Value {
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ unreadCount mentionCount unreadThreads thread(root: {root}) {{ following unreadCount }} }} }}"
    );
    let found = asked(node, user, &query, after).await;
    let found = &found["conversation"];
    json!([
        found["thread"]["following"],
        found["thread"]["unreadCount"],
        found["unreadThreads"],
        found["mentionCount"],
        found["unreadCount"]
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_part_in_a_thread_follows_it_until_they_say_otherwise() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (mut phone, mut laptop) = (one.socket(&cat).await, two.socket(&cat).await);
    let group = a.create_group(&[&ben, &cat]).await;
    let root = a.say(group, "a root").await["id"].clone();
    let mut mentioning = reply(group, &root, "you!", false);
    mentioning["mentions"] = json!([cat.id]);
    b.events(group, 2).await;
    let position = b.acked(mentioning).await["position"].clone();
    for (user, expected) in [
        (&ann, json!([true, 1, 1, 0, 0])),
        (&ben, json!([true, 0, 0, 0, 1])),
        (&cat, json!([true, 1, 1, 1, 1])),
    ] {
        assert_eq!(counted(&two, user, group, &root, &position).await, expected);
    }

    let ack = phone.acked(follow(group, &root, false)).await;
    assert_eq!(ack["conversation"], json!(group));
    for socket in [&mut phone, &mut laptop] {
        let notice = socket.until("notice").await;
        assert_eq!(
            (&notice["kind"], &notice["seq"]),
            (&json!("thread.followed"), &ack["seq"])
        );
        assert_eq!(
            notice["data"],
            json!({ "conversation": group, "thread": root, "on": false })
        );
    }
    let seen = counted(&one, &cat, group, &root, &ack["position"]).await;
    assert_eq!(seen, json!([false, 1, 0, 1, 1]));

    // What is read in a thread is no more of the main timeline.
    let ack = phone.acked(read(group, &root, 3)).await;
    let notice = laptop.until("notice").await;
    assert_eq!(
        (&notice["kind"], &notice["data"]),
        (
            &json!("thread.read"),
            &json!({ "conversation": group, "thread": root, "seq": 3 })
        )
    );
    let seen = counted(&two, &cat, group, &root, &ack["position"]).await;
    assert_eq!(seen, json!([false, 0, 0, 0, 1]));
    // What moves nothing is acked all the same, and nobody is told.
    phone.acked(read(group, &root, 2)).await;
    let ack = phone.acked(follow(group, &root, true)).await;
    let notice = laptop.until("notice").await;
    assert_eq!(
        (&notice["kind"], &notice["seq"]),
        (&json!("thread.followed"), &ack["seq"])
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_follow_and_read_threads_and_only_those_that_there_are() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let group = a.create_group(&[&ben]).await;
    let root = a.say(group, "a root").await["id"].clone();
    let below = a.acked(reply(group, &root, "below", true)).await["id"].clone();
    for command in [follow(group, &root, true), read(group, &root, 3)] {
        c.refused(command, "not_a_member").await;
    }
    for command in [follow(group, &below, true), read(group, &below, 3)] {
        let refused = a.refused(command, "invalid_argument").await;
        assert_eq!(refused["field"], "thread");
    }
    let unknown = json!(Uuid::now_v7());
    for command in [follow(group, &unknown, true), read(group, &unknown, 3)] {
        let refused = a.refused(command, "not_found").await;
        assert_eq!(refused["field"], "thread");
    }
    for seq in [0, 4] {
        let refused = a.refused(read(group, &root, seq), "invalid_argument").await;
        assert_eq!(refused["field"], "seq");
    }
    // There are none between two.
    let direct = a.open_direct(&ben).await;
    let said = a.say(direct, "between us").await["id"].clone();
    for command in [follow(direct, &said, true), read(direct, &said, 2)] {
        let refused = a.refused(command, "invalid_argument").await;
        assert_eq!(refused["field"], "thread");
    }
    // A thread can be followed before anybody replies, right behind the message that begins it.
    let (sent, following) = (Uuid::now_v7(), Uuid::now_v7());
    let (mut first, mut second) = (message(group, "another root"), follow(group, &json!(sent), true));
    (first["id"], second["id"]) = (json!(sent), json!(following));
    a.send_text(&format!("{first}\n{second}")).await;
    a.answer(sent).await;
    assert_eq!(a.answer(following).await["type"], "ack");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_below_what_its_reader_has_hidden_is_listed_and_opened_until_it_is_cleared() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let root = a.say(group, "a root").await["id"].clone();
    let last = a.acked(reply(group, &root, "below", false)).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ threads {{ nodes {{ id root {{ text }} replyCount }} }} \
         thread(root: {root}) {{ id root {{ text }} replyCount replies {{ nodes {{ text }} }} }} }} }}"
    );
    b.events(group, 3).await;
    let hide = json!({ "type": "message.hide", "conversation": group, "messages": [root] });
    b.acked(hide).await;
    // The read models of both lanes have come so far.
    let shown = eventually(async || {
        let shown = asked(&node, &ben, &query, &last["position"]).await["conversation"].clone();
        (shown["threads"]["nodes"][0]["root"] == json!(null)).then_some(shown)
    })
    .await;
    assert_eq!(
        shown["threads"]["nodes"],
        json!([{ "id": root, "root": null, "replyCount": 1 }])
    );
    assert_eq!(
        shown["thread"],
        json!({ "id": root, "root": null, "replyCount": 1, "replies": { "nodes": [{ "text": "below" }] } })
    );
    let clear = json!({ "type": "conversation.clear", "conversation": group, "seq": 3 });
    b.acked(clear).await;
    eventually(async || {
        let shown = asked(&node, &ben, &query, &json!(null)).await["conversation"].clone();
        (shown == json!({ "threads": { "nodes": [] }, "thread": null })).then_some(())
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_thread_was_read_is_never_told_to_go_back() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut phone, mut laptop) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&ben).await,
    );
    let group = a.create_group(&[&ben]).await;
    let root = a.say(group, "a root").await["id"].clone();
    for _ in 0..10 {
        a.acked(reply(group, &root, "below", false)).await;
    }
    phone.events(group, 12).await;
    // All at once, far before the read models are told of the first one.
    let commands: Vec<Value> = (3..=12)
        .rev()
        .map(|seq| {
            let mut command = read(group, &root, seq);
            command["id"] = json!(Uuid::now_v7());
            command
        })
        .collect();
    let frame: Vec<String> = commands.iter().map(ToString::to_string).collect();
    phone.send_text(&frame.join("\n")).await;
    for command in &commands {
        assert_eq!(phone.answer(id(&command["id"])).await["type"], "ack");
    }
    let end = phone.acked(follow(group, &root, true)).await;
    let notice = laptop.until("notice").await;
    assert_eq!(notice["data"]["seq"], 12);
    let notice = laptop.until("notice").await;
    assert_eq!(
        (&notice["kind"], &notice["seq"]),
        (&json!("thread.followed"), &end["seq"])
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_read_what_stands_in_a_thread_is_who_has_read_the_thread() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    let group = a.create_group(&[&ben, &cat]).await;
    let root = a.say(group, "a root").await["id"].clone();
    let alone = a.acked(reply(group, &root, "alone", false)).await["id"].clone();
    let last = a.acked(reply(group, &root, "both", true)).await;
    let both = &last["id"];
    // Ben reads the thread, and Cat everything else.
    b.acked(read(group, &root, 4)).await;
    c.acked(json!({ "type": "read", "conversation": group, "seq": 4 }))
        .await;
    let query = format!(
        "{{ alone: message(conversation: \"{group}\", id: {alone}) {{ seenBy {{ nodes {{ user {{ id }} }} }} }} \
         both: message(conversation: \"{group}\", id: {both}) {{ seenBy {{ nodes {{ user {{ id }} }} }} }} }}"
    );
    let who = |list: &Value| {
        let nodes = list["seenBy"]["nodes"].as_array().unwrap().iter();
        let mut who: Vec<Uuid> = nodes.map(|member| id(&member["user"]["id"])).collect();
        who.sort_unstable();
        who
    };
    let mut all = vec![ben.id, cat.id];
    all.sort_unstable();
    eventually(async || {
        let shown = asked(&node, &ann, &query, &last["position"]).await;
        (who(&shown["both"]) == all).then(|| assert_eq!(who(&shown["alone"]), [ben.id]))
    })
    .await;
    node.stop().await;
}
