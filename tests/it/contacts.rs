//! Contacts, blocks, and what people want of those who are none.

use crate::support::*;
use serde_json::{Value, json};

fn wish(kind: &str, user: &User) -> Value {
    json!({ "type": kind, "user": user.id })
}

fn block(user: &User, on: bool) -> Value {
    json!({ "type": "user.block", "user": user.id, "on": on })
}

/// The next notice: its kind, whom it names, and what else it says.
async fn told(socket: &mut Socket) -> (String, Value) {
    let notice = socket.until("notice").await;
    (
        notice["kind"].as_str().unwrap().to_owned(),
        notice["data"].clone(),
    )
}

/// A list of the viewer's by GraphQL, once it includes what was acked.
async fn list(node: &TestNode, viewer: &User, name: &str, after: &Value) -> Vec<Value> {
    let of = if name == "blocked" { "id" } else { "user { id }" };
    let query = format!("{{ {name} {{ nodes {{ {of} }} }} }}");
    let answer = node.graphql(viewer, &query, after["position"].as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let nodes = answer["data"][name]["nodes"].as_array().unwrap();
    let id = |node: &Value| {
        if name == "blocked" {
            node["id"].clone()
        } else {
            node["user"]["id"].clone()
        }
    };
    nodes.iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_and_is_accepted_is_a_contact_and_all_devices_of_both_are_told() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut tablet, mut b) = (
        one.socket(&ann).await,
        two.socket(&ann).await,
        two.socket(&ben).await,
    );
    let mut request = wish("contact.request", &ben);
    request["text"] = json!("we met in Turin");
    // The same id again is the same request.
    let ack = a.acked_twice(request.clone(), 0).await;
    assert_eq!((&ack["conversation"], &ack["seq"]), (&json!(ann.id), &json!(0)));
    // One that is made already is acked.
    a.acked(request).await;
    for (socket, other) in [(&mut a, &ben), (&mut tablet, &ben), (&mut b, &ann)] {
        let expected = json!({ "user": other.id, "by": ann.id, "text": "we met in Turin" });
        assert_eq!(told(socket).await, ("contact.requested".to_owned(), expected));
    }
    assert_eq!(list(&two, &ben, "contactRequests", &ack).await, [json!(ann.id)]);
    assert_eq!(
        list(&two, &ann, "sentContactRequests", &ack).await,
        [json!(ben.id)]
    );
    assert_eq!(list(&two, &ann, "contactRequests", &ack).await, [] as [Value; 0]);
    let ack = b.acked(wish("contact.accept", &ann)).await;
    for (socket, other) in [(&mut a, &ben), (&mut tablet, &ben), (&mut b, &ann)] {
        let expected = json!({ "user": other.id, "by": ben.id });
        assert_eq!(told(socket).await, ("contact.accepted".to_owned(), expected));
    }
    for (viewer, other) in [(&ann, &ben), (&ben, &ann)] {
        assert_eq!(list(&one, viewer, "contacts", &ack).await, [json!(other.id)]);
        for none in ["contactRequests", "sentContactRequests"] {
            assert_eq!(list(&one, viewer, none, &ack).await, [] as [Value; 0], "{none}");
        }
    }
    let ack = a.acked(wish("contact.remove", &ben)).await;
    assert_eq!(told(&mut b).await.0, "contact.removed");
    assert_eq!(list(&two, &ben, "contacts", &ack).await, [] as [Value; 0]);
    // What was told is told to devices that come later.
    let (_late, missed) = two.resumed(&ben, json!({ "self": 0 })).await;
    let kinds: Vec<&Value> = missed.iter().map(|object| &object["kind"]).collect();
    let all = ["contact.requested", "contact.accepted", "contact.removed"].map(|kind| json!(kind));
    assert_eq!(kinds, all.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_though_the_logs_time_is_ahead() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    store.log_time_ahead().await;
    a.acked(wish("contact.request", &ben)).await;
    assert_eq!(told(&mut b).await.0, "contact.requested");
    b.acked(wish("contact.accept", &ann)).await;
    for kind in ["contact.requested", "contact.accepted"] {
        assert_eq!(told(&mut a).await.0, kind);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cross_meet_whatever_nodes_they_come_to() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    for round in 0..5 {
        let [ann, ben] = one.people(["ann", "ben"]).await;
        let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
        let (first, second) = tokio::join!(
            a.acked(wish("contact.request", &ben)),
            b.acked(wish("contact.request", &ann))
        );
        for ack in [&first, &second] {
            let found = list(&one, &ann, "contacts", ack).await;
            assert!(found.len() <= 1, "round {round}");
        }
        let of_both = [
            list(&one, &ann, "contacts", &first).await,
            list(&two, &ben, "contacts", &second).await,
        ];
        // One of the two acks is the later one.
        assert!(of_both.iter().any(|found| found.len() == 1), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_is_answered_as_those_who_are_not_wanted_and_told_nothing() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (mut c, mut d) = (one.socket(&cat).await, two.socket(&dan).await);
    // Ann blocks Ben, and Cat wants nothing of strangers.
    let ack = a.acked(block(&ben, true)).await;
    assert_eq!(
        told(&mut a).await,
        ("user.blocked".to_owned(), json!({ "user": ben.id, "on": true }))
    );
    assert_eq!(list(&one, &ann, "blocked", &ack).await, [json!(ben.id)]);
    let ack = c
        .acked(json!({ "type": "settings.update", "direct": "contacts", "add_me": "contacts" }))
        .await;
    one.graphql(&cat, "{ me { settings { direct } } }", ack["position"].as_str())
        .await;
    for command in ["direct.open", "group.add"] {
        let group = b.create_group(&[]).await;
        let group_of_dan = d.create_group(&[]).await;
        let wanted = |group, user: &User| json!({ "type": command, "conversation": group, "user": user.id });
        let mut blocked = b.refused(wanted(group, &ann), "forbidden").await;
        let mut stranger = d.refused(wanted(group_of_dan, &cat), "forbidden").await;
        for answer in [&mut blocked, &mut stranger] {
            answer["id"] = Value::Null;
        }
        assert_eq!(blocked, stranger, "{command}");
    }
    b.refused(
        json!({ "type": "group.create", "name": "us", "members": [ann.id] }),
        "forbidden",
    )
    .await;
    // A request is answered as if it was sent, and seems so to its sender.
    let asked = b.acked(wish("contact.request", &ann)).await;
    let other = d.acked(wish("contact.request", &cat)).await;
    assert_eq!(
        (&asked["seq"], &asked["duplicate"]),
        (&other["seq"], &other["duplicate"])
    );
    assert_eq!(told(&mut b).await.0, "contact.requested");
    assert_eq!(
        list(&two, &ben, "sentContactRequests", &asked).await,
        [json!(ann.id)]
    );
    assert_eq!(
        list(&two, &ann, "contactRequests", &asked).await,
        [] as [Value; 0]
    );
    // Whoever blocks writes neither.
    let refused = a.refused(wish("direct.open", &ben), "forbidden").await;
    assert_eq!(refused["field"], json!("user"));
    a.refused(wish("contact.request", &ben), "forbidden").await;
    // And puts the other one into no group, nor invites them there.
    let group = a.create_group(&[]).await;
    let create = json!({ "type": "group.create", "name": "us", "members": [cat.id, ben.id] });
    let refused = a.refused(create, "forbidden").await;
    assert_eq!(
        (&refused["field"], &refused["message"]),
        (&json!("members"), &json!("you have blocked one of these users"))
    );
    for command in ["group.add", "group.invite"] {
        let bring = json!({ "type": command, "conversation": group, "user": ben.id });
        let refused = a.refused(bring, "forbidden").await;
        assert_eq!(
            (&refused["field"], &refused["message"]),
            (&json!("user"), &json!("you have blocked this user")),
            "{command}"
        );
    }
    // Ann was told of nothing else: Cat's request, which comes later, is the next thing that she hears of.
    c.acked(wish("contact.request", &ann)).await;
    let (kind, data) = told(&mut a).await;
    assert_eq!(
        (kind.as_str(), &data["user"]),
        ("contact.requested", &json!(cat.id))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_makes_of_contacts_behind_a_block_is_told_when_it_ends() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        one.socket(&ann).await,
        two.socket(&ben).await,
        two.socket(&cat).await,
    );
    let none = [] as [Value; 0];
    a.acked(wish("contact.request", &ben)).await;
    for socket in [&mut a, &mut b] {
        assert_eq!(told(socket).await.0, "contact.requested");
    }
    for (command, kind) in [
        ("contact.accept", "contact.accepted"),
        ("contact.remove", "contact.removed"),
    ] {
        a.acked(block(&ben, true)).await;
        assert_eq!(told(&mut a).await.0, "user.blocked");
        let before = list(&one, &ann, "contacts", &a.acked(block(&ben, true)).await).await;
        // Ben is answered and told as ever.
        let ack = b.acked(wish(command, &ann)).await;
        b.acked(wish(command, &ann)).await;
        let expected = json!({ "user": ann.id, "by": ben.id });
        assert_eq!(told(&mut b).await, (kind.to_owned(), expected));
        let is_contact = !list(&two, &ben, "contacts", &ack).await.is_empty();
        assert_eq!(is_contact, kind == "contact.accepted");
        // For Ann all is as it was.
        assert_eq!(list(&one, &ann, "contacts", &ack).await, before);
        assert_eq!(before.is_empty(), is_contact);
        let asks = list(&one, &ann, "sentContactRequests", &ack).await;
        assert_eq!(asks.is_empty(), !before.is_empty());
        let ack = a.acked(block(&ben, false)).await;
        let mut kinds = [told(&mut a).await.0, told(&mut a).await.0];
        kinds.sort_unstable();
        assert_eq!(kinds, [kind, "user.blocked"]);
        let now = list(&one, &ann, "contacts", &ack).await;
        assert_eq!(now.is_empty(), !is_contact);
        assert_eq!(list(&one, &ann, "sentContactRequests", &ack).await, none);
    }
    // Ben hears of nothing else.
    c.acked(wish("contact.request", &ben)).await;
    let (kind, data) = told(&mut b).await;
    assert_eq!(
        (kind.as_str(), &data["user"]),
        ("contact.requested", &json!(cat.id))
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_written_behind_a_block_whatever_nodes_it_comes_to() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let talk = a.open_direct(&ben).await;
    let said = id(&b.say(talk, "hi").await["id"]);
    let shows = [
        message(talk, "again"),
        json!({ "type": "message.edit", "conversation": talk, "message": said, "content": { "kind": "text", "text": "ho" } }),
        json!({ "type": "message.react", "conversation": talk, "message": said, "emoji": "👍", "on": true }),
        json!({ "type": "message.pin", "conversation": talk, "message": said, "on": true }),
    ];
    for _ in 0..5 {
        a.acked(block(&ben, true)).await;
        // The other node knows it at once: a batch is written where the two stand as it was decided.
        for command in &shows {
            let refused = b.refused(command.clone(), "forbidden").await;
            assert_eq!(refused.get("field"), None, "{refused}");
        }
        a.refused(message(talk, "from here"), "forbidden").await;
        assert_eq!(b.open_direct(&ann).await, talk, "what is open stays so");
        a.acked(block(&ben, false)).await;
        b.say(talk, "there again").await;
    }
    a.acked(block(&ben, true)).await;
    b.acked(json!({ "type": "message.recall", "conversation": talk, "message": said }))
        .await;
    // Groups deliver as before.
    let [eve] = one.people(["eve"]).await;
    let mut e = two.socket(&eve).await;
    let group = e.create_group(&[&ann, &ben]).await;
    b.say(group, "to all").await;
    assert_eq!(a.events(group, 2).await[1]["data"]["content"]["text"], "to all");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_reached_by_those_whom_they_want() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    b.acked(wish("contact.request", &ann)).await;
    a.acked(wish("contact.accept", &ben)).await;
    // Who is a contact stands in another lane than what somebody wants.
    node.folded(&ann).await;
    let (of_ben, of_cat) = (b.create_group(&[]).await, c.create_group(&[]).await);
    let add = |group| json!({ "type": "group.add", "conversation": group, "user": ann.id });
    let wants = |audience: &str| json!({ "type": "settings.update", "direct": audience, "add_me": audience });
    let seen = async |ack: Value| {
        let answer = node
            .graphql(
                &ann,
                "{ me { settings { direct } } contacts { nodes { at } } }",
                ack["position"].as_str(),
            )
            .await;
        assert!(answer.get("errors").is_none(), "{answer}");
    };
    seen(a.acked(wants("nobody")).await).await;
    b.refused(add(of_ben), "forbidden").await;
    b.refused(wish("direct.open", &ann), "forbidden").await;
    seen(a.acked(wants("contacts")).await).await;
    c.refused(add(of_cat), "forbidden").await;
    c.refused(wish("direct.open", &ann), "forbidden").await;
    b.acked(add(of_ben)).await;
    b.open_direct(&ann).await;
    // Who has asked to come in is let in.
    let open = json!({ "type": "group.settings", "conversation": of_cat, "settings": { "join": "request" } });
    c.acked(open).await;
    a.acked(json!({ "type": "group.join", "conversation": of_cat }))
        .await;
    c.acked(add(of_cat)).await;
    // Whom one writes to oneself is asked nothing of one's own wishes.
    a.open_direct(&cat).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_its_field() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let nobody = uuid::Uuid::new_v4();
    for kind in [
        "contact.request",
        "contact.accept",
        "contact.decline",
        "contact.withdraw",
        "contact.remove",
        "user.block",
    ] {
        for (user, code) in [
            (json!(nobody), "not_found"),
            (json!(ann.id), "invalid_argument"),
            (json!("ben"), "invalid_argument"),
            (Value::Null, "invalid_argument"),
        ] {
            let command = json!({ "type": kind, "user": user, "on": true });
            let refused = a.refused(command, code).await;
            assert_eq!(refused["field"], json!("user"), "{kind} {user}");
        }
    }
    for kind in ["contact.accept", "contact.decline", "contact.withdraw"] {
        let refused = a.refused(wish(kind, &ben), "not_found").await;
        assert_eq!(refused["field"], json!("user"), "{kind}");
    }
    for (text, code) in [
        (json!("a".repeat(257)), "too_large"),
        (json!(" "), "invalid_argument"),
        (json!("a\u{202e}b"), "invalid_argument"),
        (json!(7), "invalid_argument"),
    ] {
        let command = json!({ "type": "contact.request", "user": ben.id, "text": text });
        assert_eq!(a.refused(command, code).await["field"], json!("text"), "{text}");
    }
    let refused = a.refused(wish("user.block", &ben), "invalid_argument").await;
    assert_eq!(refused["field"], json!("on"));
    // What is so already is acked.
    for command in [block(&ben, false), wish("contact.remove", &ben)] {
        a.acked(command).await;
    }
}

/// What somebody is told of what they have not read, once it includes what was acked.
async fn unread(node: &TestNode, viewer: &User, group: &Value, after: &Value) -> Value {
    let of_group = "unreadCount mentionCount unreadThreads";
    let query = format!("{{ unreadTotal mentionTotal conversation(id: {group}) {{ {of_group} }} }}");
    let answer = node.graphql(viewer, &query, after["position"].as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_say_whom_one_blocks_counts_nowhere_until_one_does_so_no_more() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    let group = a.create_group(&[&ben, &cat]).await;
    let root = a.say(group, "where?").await["id"].clone();
    b.say(group, "there").await;
    let with = |field: &str, value: Value| {
        let mut send = message(group, "here");
        send[field] = value;
        send
    };
    b.acked(with("mentions", json!([ann.id]))).await;
    b.acked(with("thread", root)).await;
    let last = c.say(group, "no").await;
    let told = |messages: u64, mentions: u64, threads: u64| {
        let of_group = json!({ "unreadCount": messages, "mentionCount": mentions, "unreadThreads": threads });
        json!({ "unreadTotal": messages, "mentionTotal": mentions, "conversation": of_group })
    };
    let group = json!(group);
    assert_eq!(unread(&node, &ann, &group, &last).await, told(3, 1, 1));
    let ack = a.acked(block(&ben, true)).await;
    assert_eq!(unread(&node, &ann, &group, &ack).await, told(1, 0, 0));
    // To Cat it is as before, and to Ben all that others have said.
    assert_eq!(unread(&node, &cat, &group, &ack).await, told(0, 0, 0));
    assert_eq!(unread(&node, &ben, &group, &ack).await, told(1, 0, 0));
    let ack = a.acked(block(&ben, false)).await;
    assert_eq!(unread(&node, &ann, &group, &ack).await, told(3, 1, 1));
    // The inbox lists a conversation in which nothing else waits, and counts nothing there.
    let dan = node.register("dan").await;
    let of_ben = b.create_group(&[&dan]).await;
    let mut d = node.socket(&dan).await;
    d.acked(block(&ben, true)).await;
    drop(d);
    eventually(async || (node.node.gateway().registry.count() == 3).then_some(())).await;
    let said = b.say(of_ben, "anybody?").await;
    let expected = json!([{ "pendingCount": 0, "conversation": { "id": of_ben } }]);
    eventually(async || {
        let inbox = "{ inbox { nodes { pendingCount conversation { id } } } }";
        let answer = node.graphql(&dan, inbox, said["position"].as_str()).await;
        (answer["data"]["inbox"]["nodes"] == expected).then_some(())
    })
    .await;
    node.stop().await;
}
