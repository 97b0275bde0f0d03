//! Conversations as they were: at a time, and when the log had come to a position.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn of(kind: &str, group: Uuid, user: &User) -> Value {
    json!({ "type": kind, "conversation": group, "user": user.id })
}

fn rename(group: Uuid, name: &str) -> Value {
    json!({ "type": "group.rename", "conversation": group, "name": name })
}

fn edit(group: Uuid, sent: &Value, words: &str) -> Value {
    json!({ "type": "message.edit", "conversation": group, "message": sent["id"],
        "content": { "kind": "text", "text": words } })
}

fn react(group: Uuid, sent: &Value, emoji: &str, on: bool) -> Value {
    json!({ "type": "message.react", "conversation": group, "message": sent["id"], "emoji": emoji, "on": on })
}

fn pin(group: Uuid, sent: &Value, on: bool) -> Value {
    json!({ "type": "message.pin", "conversation": group, "message": sent["id"], "on": on })
}

/// What an ack names: when the log had come to it.
fn at(ack: &Value) -> String {
    format!("position: {}", ack["position"])
}

/// The answer to what is asked of a conversation at a moment.
async fn asked(node: &TestNode, user: &User, group: Uuid, moment: &str, fields: &str) -> Value {
    // That the viewer is a member is what the read models say.
    node.folded(user).await;
    let query = format!("{{ conversation(id: \"{group}\") {{ asOf({moment}) {{ {fields} }} }} }}");
    node.graphql(user, &query, None).await
}

async fn past(node: &TestNode, user: &User, group: Uuid, moment: &str, fields: &str) -> Value {
    let answer = asked(node, user, group, moment, fields).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["conversation"]["asOf"].clone()
}

/// The code of the error that something is answered with, and the field that it names.
async fn refused(node: &TestNode, user: &User, group: Uuid, moment: &str, fields: &str) -> (String, String) {
    let answer = asked(node, user, group, moment, fields).await;
    let error = &answer["errors"][0]["extensions"];
    assert!(error.is_object(), "{answer}");
    (text(&error["code"]), text(&error["field"]))
}

fn texts(list: &Value) -> Vec<Option<&str>> {
    let list = list.as_array().unwrap().iter();
    list.map(|message| message["text"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_the_title_the_settings_and_the_members_of_then() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let first = a.say(group, "hello").await;
    a.acked(rename(group, "friends")).await;
    let settings = json!({ "post": "admins" });
    a.acked(json!({ "type": "group.settings", "conversation": group, "settings": settings }))
        .await;
    a.acked(of("group.add", group, &cat)).await;
    let role = json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "admin" });
    let promoted = a.acked(role).await;
    a.acked(of("group.remove", group, &ben)).await;
    let gone = a.acked(rename(group, "strangers")).await;

    let fields = "title myRole lastSeq settings { post } members { nodes { role user { id } } }";
    let members = |all: &[(&User, &str)]| {
        let mut all = all.to_vec();
        all.sort_by_key(|(user, _)| user.id);
        let nodes = all
            .iter()
            .map(|(user, role)| json!({ "role": role, "user": { "id": user.id } }));
        json!({ "nodes": nodes.collect::<Vec<_>>() })
    };
    assert_eq!(
        past(&node, &ann, group, &at(&first), fields).await,
        json!({ "title": "group", "myRole": "OWNER", "lastSeq": 2, "settings": { "post": "MEMBERS" },
            "members": members(&[(&ann, "OWNER"), (&ben, "MEMBER")]) })
    );
    assert_eq!(
        past(&node, &ann, group, &at(&promoted), fields).await,
        json!({ "title": "friends", "myRole": "OWNER", "lastSeq": 6, "settings": { "post": "ADMINS" },
            "members": members(&[(&ann, "OWNER"), (&ben, "ADMIN"), (&cat, "MEMBER")]) })
    );
    assert_eq!(
        past(&node, &ann, group, &at(&gone), fields).await["members"],
        members(&[(&ann, "OWNER"), (&cat, "MEMBER")])
    );
    // Now it is what it is, also to the last activity.
    let now = "title kind createdAt lastActivityAt lastSeq myRole members { nodes { role joinedAt user { id } } } \
        messages { nodes { id text } } lastMessage { id } settings { post history slowSeconds }";
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ {now} asOf(time: \"9999-01-01T00:00:00.000Z\") {{ {now} }} }} }}"
    );
    let mut live = node.graphql(&ann, &query, None).await["data"]["conversation"].clone();
    let told = live.as_object_mut().unwrap().remove("asOf").unwrap();
    assert_eq!(told, live);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_say_what_they_said_and_what_was_recalled_since_says_nothing() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let early = a.say(group, "1st").await;
    let mut reply = message(group, "me too");
    reply["reply_to"] = early["id"].clone();
    let secret = b.acked(reply).await;
    b.acked(react(group, &early, "👍", true)).await;
    let liked = a.acked(react(group, &early, "🎉", true)).await;
    let pinned = a.acked(pin(group, &early, true)).await;
    let edited = a.acked(edit(group, &early, "first")).await;
    b.acked(react(group, &early, "👍", false)).await;
    a.acked(pin(group, &early, false)).await;
    a.acked(edit(group, &early, "the very first")).await;
    b.acked(json!({ "type": "message.recall", "conversation": group, "message": secret["id"] }))
        .await;
    let last = a.say(group, "last").await;

    let fields = "messages(first: 5) { nodes { seq text editedAt recalledAt pinned replyTo { text } \
        conversation { lastSeq } edits(first: 5) { nodes { text } pageInfo { hasNextPage } } \
        reactions { emoji count viewerReacted users(first: 2) { nodes { id } } } } } \
        pins { text } lastMessage { seq }";
    let told = past(&two, &ben, group, &at(&liked), fields).await;
    let nodes = &told["messages"]["nodes"];
    assert_eq!(
        nodes[0],
        json!({ "seq": 2, "text": "1st", "editedAt": null, "recalledAt": null, "pinned": false, "replyTo": null,
            "conversation": { "lastSeq": liked["seq"] },
            "edits": { "nodes": [], "pageInfo": { "hasNextPage": false } },
            "reactions": [
                { "emoji": "👍", "count": 1, "viewerReacted": true, "users": { "nodes": [{ "id": ben.id }] } },
                { "emoji": "🎉", "count": 1, "viewerReacted": false, "users": { "nodes": [{ "id": ann.id }] } }
            ] })
    );
    // It was there then, and is taken back now.
    assert_eq!(texts(nodes), [Some("1st"), None]);
    assert!(nodes[1]["recalledAt"].is_string(), "{nodes}");
    assert_eq!(nodes[1]["replyTo"]["text"], "1st");
    assert_eq!(
        (&told["pins"], &told["lastMessage"]),
        (&json!([]), &json!({ "seq": 3 }))
    );

    let told = past(&one, &ann, group, &at(&pinned), fields).await;
    assert_eq!(texts(&told["pins"]), [Some("1st")]);
    assert_eq!(told["messages"]["nodes"][0]["pinned"], true);
    let told = past(&one, &ann, group, &at(&edited), fields).await;
    let first = &told["messages"]["nodes"][0];
    assert_eq!(first["text"], "first");
    assert_eq!(
        first["edits"],
        json!({ "nodes": [{ "text": "1st" }, { "text": "first" }], "pageInfo": { "hasNextPage": false } })
    );
    let told = past(&one, &ann, group, &at(&last), fields).await;
    let nodes = &told["messages"]["nodes"];
    assert_eq!(texts(nodes), [Some("the very first"), None, Some("last")]);
    assert_eq!(nodes[0]["reactions"].as_array().unwrap().len(), 1);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_past_go_both_ways_and_end_where_it_ends() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann] = node.people(["ann"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[]).await;
    let mut acks = vec![];
    for n in 1..=7 {
        acks.push(a.say(group, &format!("{n}")).await);
    }
    let moment = at(&acks[4]);
    let page = async |arguments: &str| {
        let info = "pageInfo { hasPreviousPage hasNextPage startCursor endCursor }";
        let fields = format!("messages({arguments}) {{ nodes {{ text }} {info} }}");
        past(&node, &ann, group, &moment, &fields).await["messages"].clone()
    };
    let around = |page: &Value| {
        let info = &page["pageInfo"];
        (info["hasPreviousPage"] == true, info["hasNextPage"] == true)
    };
    let first = page("first: 3").await;
    assert_eq!(texts(&first["nodes"]), [Some("1"), Some("2"), Some("3")]);
    assert_eq!(around(&first), (false, true));
    let rest = page(&format!("first: 3, after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(texts(&rest["nodes"]), [Some("4"), Some("5")]);
    assert_eq!(around(&rest), (true, false));
    let last = page("last: 2").await;
    assert_eq!(texts(&last["nodes"]), [Some("4"), Some("5")]);
    assert_eq!(around(&last), (true, false));
    let before = page(&format!("last: 2, before: {}", last["pageInfo"]["startCursor"])).await;
    assert_eq!(texts(&before["nodes"]), [Some("2"), Some("3")]);
    assert_eq!(around(&before), (true, true));
    node.stop().await;
}

fn reply(group: Uuid, root: &Value, words: &str, also: bool) -> Value {
    let mut reply = message(group, words);
    (reply["thread"], reply["also"]) = (root["id"].clone(), json!(also));
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_have_the_replies_and_the_order_of_then() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let (one, two) = (a.say(group, "one").await, a.say(group, "two").await);
    let alone = b.acked(reply(group, &one, "alone", false)).await;
    let both = b.acked(reply(group, &two, "both", true)).await;
    let secret = b.acked(reply(group, &one, "secret", false)).await;
    b.acked(edit(group, &alone, "all alone")).await;
    b.acked(json!({ "type": "message.recall", "conversation": group, "message": secret["id"] }))
        .await;
    let last = b.acked(reply(group, &two, "last", false)).await;

    let thread = |root: &str, count: u64, last: &Value, texts: &[Option<&str>]| {
        let replies: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
        json!({ "root": { "text": root }, "replyCount": count, "lastReplyAt": last["at"], "following": false,
            "unreadCount": 0, "replies": { "nodes": replies } })
    };
    let fields =
        "root { text } replyCount lastReplyAt following unreadCount replies(first: 5) { nodes { text } }";
    let threads = format!("threads(first: 5) {{ nodes {{ {fields} }} }}");
    let then =
        async |ack: &Value| past(&node, &ann, group, &at(ack), &threads).await["threads"]["nodes"].clone();
    assert_eq!(
        then(&alone).await,
        json!([thread("one", 1, &alone, &[Some("alone")])])
    );
    assert_eq!(
        then(&both).await,
        json!([
            thread("two", 1, &both, &[Some("both")]),
            thread("one", 1, &alone, &[Some("alone")])
        ])
    );
    // What was recalled since says nothing, and counts for no moment.
    assert_eq!(
        then(&secret).await,
        json!([
            thread("one", 1, &secret, &[Some("alone"), None]),
            thread("two", 1, &both, &[Some("both")])
        ])
    );
    assert_eq!(
        then(&last).await,
        json!([
            thread("two", 2, &last, &[Some("both"), Some("last")]),
            thread("one", 1, &secret, &[Some("all alone"), None])
        ])
    );

    let named = format!(
        "one: thread(root: {0}) {{ replyCount replies(last: 1) {{ nodes {{ id thread conversation {{ lastSeq }} }} pageInfo {{ hasPreviousPage }} }} }} \
         two: thread(root: {1}) {{ root {{ text }} replyCount lastReplyAt replies {{ nodes {{ id }} }} }} \
         reply: thread(root: {2}) {{ replyCount }} later: thread(root: {3}) {{ replyCount }}",
        one["id"], two["id"], alone["id"], last["id"]
    );
    let told = past(&node, &ann, group, &at(&alone), &named).await;
    let below =
        json!({ "id": alone["id"], "thread": one["id"], "conversation": { "lastSeq": alone["seq"] } });
    assert_eq!(
        told,
        json!({ "one": { "replyCount": 1, "replies": { "nodes": [below], "pageInfo": { "hasPreviousPage": false } } },
            "two": { "root": { "text": "two" }, "replyCount": 0, "lastReplyAt": null, "replies": { "nodes": [] } },
            "reply": null, "later": null })
    );
    let page = async |arguments: &str| {
        let fields = format!(
            "threads({arguments}) {{ nodes {{ root {{ text }} }} pageInfo {{ hasNextPage endCursor }} }}"
        );
        past(&node, &ann, group, &at(&both), &fields).await["threads"].clone()
    };
    let first = page("first: 1").await;
    assert_eq!(first["nodes"], json!([{ "root": { "text": "two" } }]));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let rest = page(&format!("first: 1, after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(rest["nodes"], json!([{ "root": { "text": "one" } }]));
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_includes_what_is_told_to_have_happened_at_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let first = a.say(group, "first").await;
    // The next one is told another time.
    let later = eventually(async || {
        let next = a.say(group, "later").await;
        (next["at"] != first["at"]).then_some(next)
    })
    .await;
    let fields = "lastSeq lastMessage { text }";
    let time = |ack: &Value| format!("time: {}", ack["at"]);
    let told = past(&node, &ann, group, &time(&later), fields).await;
    assert_eq!(told["lastSeq"], later["seq"]);
    let told = past(&node, &ann, group, &time(&first), fields).await;
    assert!(told["lastSeq"].as_u64() >= first["seq"].as_u64(), "{told}");
    assert!(told["lastSeq"].as_u64() < later["seq"].as_u64(), "{told}");
    let before = "time: \"2020-01-01T00:00:00.000Z\"";
    assert_eq!(past(&node, &ann, group, before, fields).await, Value::Null);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_looks_back_to_their_joining_where_they_see_no_more() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat, dan] = node.people(["ann", "ben", "cat", "dan"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let open = a.say(group, "for all").await;
    a.acked(of("group.add", group, &dan)).await;
    let joined = json!({ "history": "joined" });
    a.acked(json!({ "type": "group.settings", "conversation": group, "settings": joined }))
        .await;
    let hidden = a.say(group, "among us").await;
    let came = a.acked(of("group.add", group, &cat)).await;
    let seen = a.say(group, "welcome").await;

    let fields = "lastSeq members { nodes { user { id } } } messages { nodes { text } }";
    for moment in [&open, &hidden] {
        assert_eq!(past(&node, &cat, group, &at(moment), fields).await, Value::Null);
    }
    let told = past(&node, &cat, group, &at(&came), fields).await;
    assert_eq!(
        (&told["lastSeq"], &told["messages"]["nodes"]),
        (&came["seq"], &json!([]))
    );
    assert_eq!(told["members"]["nodes"].as_array().unwrap().len(), 4);
    let told = past(&node, &cat, group, &at(&seen), fields).await;
    assert_eq!(texts(&told["messages"]["nodes"]), [Some("welcome")]);
    // Who came in while all was shown looks further back, and was nothing there.
    let told = past(&node, &dan, group, &at(&open), fields).await;
    assert_eq!(texts(&told["messages"]["nodes"]), [Some("for all")]);
    assert_eq!(
        refused(&node, &dan, group, &at(&open), "myRole").await,
        ("invalid_argument".to_owned(), "myRole".to_owned())
    );
    // Who has gone sees nothing of it at any moment.
    a.acked(of("group.remove", group, &ben)).await;
    node.folded(&ann).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ asOf({}) {{ title }} }} }}",
        at(&open)
    );
    let answer = node.graphql(&ben, &query, None).await;
    assert_eq!(answer["data"], json!({ "conversation": null }), "{answer}");
    // What somebody has hidden from themselves stays hidden.
    let mut d = node.socket(&dan).await;
    d.acked(json!({ "type": "message.hide", "conversation": group, "messages": [open["id"]] }))
        .await;
    node.folded(&dan).await;
    let told = past(&node, &dan, group, &at(&open), fields).await;
    assert_eq!(told["messages"]["nodes"], json!([]));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ones_own_or_not_told_of_the_past_is_empty_or_says_so() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let ack = b.say(group, "unread").await;
    a.acked(json!({ "type": "conversation.mute", "conversation": group, "on": true }))
        .await;
    node.folded(&ann).await;
    let own = "unreadCount mentionCount lastReadSeq unreadThreads muted mutedUntil archived markedUnread onlineCount \
        banned { nodes { at } } links { nodes { id } } joinRequests { nodes { at } } invitations { nodes { at } }";
    assert_eq!(
        past(&node, &ann, group, &at(&ack), own).await,
        json!({ "unreadCount": 0, "mentionCount": 0, "lastReadSeq": 0, "unreadThreads": 0, "muted": false,
            "mutedUntil": null, "archived": false, "markedUnread": false, "onlineCount": null,
            "banned": null, "links": null, "joinRequests": null, "invitations": null })
    );
    for (field, asked) in [
        ("mutedMembers", "mutedMembers { nodes { at } }"),
        ("seenBy", "messages { nodes { seenBy { nodes { role } } } }"),
        (
            "deliveredTo",
            "messages { nodes { deliveredTo { nodes { role } } } }",
        ),
    ] {
        assert_eq!(
            refused(&node, &ann, group, &at(&ack), asked).await,
            ("invalid_argument".to_owned(), field.to_owned())
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_is_one_time_or_one_position_of_the_conversations_lane() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann] = node.people(["ann"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[]).await;
    let ack = a.say(group, "hello").await;
    let position = text(&ack["position"]);
    let (lane, pos) = position.split_once(':').unwrap();
    let (lane, pos): (u64, u64) = (lane.parse().unwrap(), pos.parse().unwrap());
    let time = "time: \"2026-01-01T00:00:00.000Z\"";
    for (moment, field) in [
        ("time: null".to_owned(), "time"),
        (format!("{time}, {}", at(&ack)), "position"),
        ("position: \"here\"".to_owned(), "position"),
        (format!("position: \"{}:{pos}\"", lane ^ 1), "position"),
        (format!("position: \"{lane}:{}\"", pos + 1_000_000), "position"),
    ] {
        assert_eq!(
            refused(&node, &ann, group, &moment, "title").await,
            ("invalid_argument".to_owned(), field.to_owned()),
            "{moment}"
        );
    }
    let nothing = past(&node, &ann, group, &format!("position: \"{lane}:0\""), "title").await;
    assert_eq!(nothing, Value::Null);
    // That nobody is a member of it is all that others learn.
    let [ben] = node.people(["ben"]).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ asOf({}) {{ title }} }} }}",
        at(&ack)
    );
    assert_eq!(
        node.graphql(&ben, &query, None).await["data"]["conversation"],
        Value::Null
    );
    node.stop().await;
}
