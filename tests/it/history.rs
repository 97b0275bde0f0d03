//! What newcomers of a group see: on the socket, by `fetch`, in GraphQL and by search, and what they can do about the rest.

use crate::deaf::{arrived, gone, narrow};
use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn of(kind: &str, group: Uuid, user: &User) -> Value {
    json!({ "type": kind, "conversation": group, "user": user.id })
}

fn own(kind: &str, group: Uuid) -> Value {
    json!({ "type": kind, "conversation": group })
}

fn set(group: Uuid, settings: &Value) -> Value {
    json!({ "type": "group.settings", "conversation": group, "settings": settings })
}

fn fetch(group: Uuid, from: u64) -> Value {
    json!({ "type": "fetch", "conversation": group, "from": from, "limit": 1000 })
}

fn edit(group: Uuid, sent: &Value, words: &str) -> Value {
    json!({ "type": "message.edit", "conversation": group, "message": sent["id"],
        "content": { "kind": "text", "text": words } })
}

/// The seqs and the words that somebody fetches of a group from its beginning.
async fn fetched(socket: &mut Socket, group: Uuid) -> (Vec<u64>, Vec<String>) {
    let page = socket.command(fetch(group, 1)).await;
    let events = page["events"].as_array().unwrap_or_else(|| panic!("{page}"));
    (seqs(events), words(events))
}

/// The seqs of a group page by page, as somebody fetches them from one of them on.
async fn pages(socket: &mut Socket, group: Uuid, mut from: u64) -> Vec<Vec<u64>> {
    let mut pages = vec![];
    loop {
        let page = socket.command(fetch(group, from)).await;
        let events = page["events"].as_array().unwrap_or_else(|| panic!("{page}"));
        let seqs = seqs(events);
        from = seqs.last().map_or(from, |last| last + 1);
        pages.push(seqs);
        if page["more"] == false {
            return pages;
        }
    }
}

/// What came of a group: its events, and in brackets the gaps.
fn came(missed: &[Value], group: Uuid) -> Vec<String> {
    let of = missed
        .iter()
        .filter(|object| object["conversation"] == json!(group));
    let came = of.filter_map(|object| match object["type"].as_str()? {
        "event" => Some(object["seq"].to_string()),
        "gap" => Some(format!("[{}-{}]", object["from"], object["to"])),
        _ => None,
    });
    came.collect()
}

async fn data(node: &TestNode, user: &User, query: &str) -> Value {
    node.folded(user).await;
    let answer = node.graphql(user, query, None).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.filter_map(|message| message["text"].as_str()).collect()
}

/// The words of a group that somebody finds, in the order in which they were said.
async fn found(node: &TestNode, user: &User, word: &str) -> Vec<String> {
    let query = format!("{{ search(query: \"{word}\") {{ nodes {{ text seq }} }} }}");
    let found = data(node, user, &query).await;
    let nodes = found["search"]["nodes"].as_array().unwrap();
    let mut found: Vec<_> = nodes
        .iter()
        .map(|node| (node["seq"].as_u64(), text(&node["text"])))
        .collect();
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
}

/// Somebody finds this and no more, as soon as the search has come as far.
async fn finds(node: &TestNode, user: &User, word: &str, words: &[&str]) {
    eventually(async || (found(node, user, word).await == words).then_some(())).await;
}

/// Uploads some words as a file.
async fn upload(node: &TestNode, user: &User, words: &'static str) -> Value {
    let url = node.url("/attachments?name=plan.txt");
    let request = node.http.post(url).bearer_auth(&user.token).body(words);
    let answer = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&answer).unwrap()["id"].clone()
}

async fn download(node: &TestNode, user: &User, file: &Value) -> u16 {
    let url = node.url(&format!("/attachments/{}", text(file)));
    let request = node.http.get(url).bearer_auth(&user.token);
    request.send().await.unwrap().status().as_u16()
}

/// A group of Ann's with Ben in which something was said before newcomers did not see it, and after.
struct Told {
    group: Uuid,
    old: Value,
    hidden: Value,
    file: Value,
}

/// Seven events: the group's beginning, a message, its pin, the change, a message, a reply to it in a thread, and a file.
async fn told(node: &TestNode, a: &mut Socket, ann: &User, ben: &User) -> Told {
    let group = a.create_group(&[ben]).await;
    let old = a.say(group, "old treasure").await;
    a.acked(json!({ "type": "message.pin", "conversation": group, "message": old["id"], "on": true }))
        .await;
    a.acked(set(group, &json!({ "history": "joined", "pin": "members" })))
        .await;
    let hidden = a.say(group, "hidden treasure").await;
    let mut reply = message(group, "a treasure below");
    reply["thread"] = hidden["id"].clone();
    a.acked(reply).await;
    let file = upload(node, ann, "a plan of the island").await;
    let shown = json!({ "type": "message.send", "conversation": group,
        "content": { "kind": "file", "attachment": file, "caption": "treasure map" } });
    assert_eq!(a.acked(shown).await["seq"], 7);
    Told {
        group,
        old,
        hidden,
        file,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_sees_what_is_sent_from_their_joining_on_wherever_they_look() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let mut c = two.socket(&cat).await;
    let Told {
        group,
        old,
        hidden,
        file,
    } = told(&one, &mut a, &ann, &ben).await;
    assert_eq!(a.acked(of("group.add", group, &cat)).await["seq"], 8);
    // An edit of what they do not see comes at its place and says nothing.
    a.acked(edit(group, &hidden, "hidden gem")).await;
    let mut reply = message(group, "new treasure");
    reply["reply_to"] = hidden["id"].clone();
    let new = a.acked(reply).await;
    a.acked(edit(group, &new, "newest treasure")).await;
    let live = c.events(group, 4).await;
    assert_eq!(seqs(&live), [8, 9, 10, 11]);
    assert_eq!(words(&live), ["new treasure", "newest treasure"]);
    assert_eq!(
        live[1]["data"],
        json!({ "message": hidden["id"], "message_seq": 5, "content": null })
    );
    let bens = b.events(group, 11).await;
    assert_eq!(bens[8]["data"]["content"]["text"], "hidden gem");

    // Fetched, and caught up with, by a device that has nothing or says that it has.
    assert_eq!(fetched(&mut c, group).await, (vec![8, 9, 10, 11], words(&live)));
    let (_, missed) = two.resumed(&cat, json!({ group.to_string(): 0 })).await;
    let gaps: Vec<&Value> = missed.iter().filter(|object| object["type"] == "gap").collect();
    assert_eq!(gaps.len(), 1, "{missed:?}");
    assert_eq!((&gaps[0]["from"], &gaps[0]["to"]), (&json!(1), &json!(7)));
    let events: Vec<Value> = missed
        .into_iter()
        .filter(|object| object["type"] == "event" && object["conversation"] == json!(group))
        .collect();
    assert_eq!(
        (seqs(&events), words(&events)),
        (vec![8, 9, 10, 11], words(&live))
    );
    assert_eq!(fetched(&mut b, group).await.0, (1..=11).collect::<Vec<_>>());

    // GraphQL.
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ settings {{ history }} lastMessage {{ text }} pins {{ text }} unreadCount \
             messages {{ nodes {{ text replyTo {{ text }} edits {{ nodes {{ text }} }} }} pageInfo {{ hasPreviousPage }} }} \
             threads {{ nodes {{ replyCount }} }} }} \
           old: message(conversation: \"{group}\", id: {}) {{ text edits {{ nodes {{ text }} }} seenBy {{ nodes {{ role }} }} }} \
           hidden: message(conversation: \"{group}\", id: {}) {{ text replyCount }} \
           new: message(conversation: \"{group}\", id: {}) {{ text }} }}",
        old["id"], hidden["id"], new["id"]
    );
    let hers = data(&two, &cat, &query).await;
    let conversation = &hers["conversation"];
    assert_eq!(
        conversation["messages"],
        json!({ "nodes": [{ "text": "newest treasure", "replyTo": null,
                "edits": { "nodes": [{ "text": "new treasure" }, { "text": "newest treasure" }] } }],
            "pageInfo": { "hasPreviousPage": false } })
    );
    assert_eq!(
        (&conversation["pins"], &conversation["threads"]["nodes"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(conversation["settings"]["history"], "JOINED");
    assert_eq!(conversation["unreadCount"], 1);
    assert_eq!(conversation["lastMessage"]["text"], "newest treasure");
    assert_eq!((&hers["old"], &hers["hidden"]), (&Value::Null, &Value::Null));
    assert_eq!(hers["new"]["text"], "newest treasure");
    let his = data(&one, &ben, &query).await;
    assert_eq!(
        texts(&his["conversation"]["messages"]["nodes"]),
        ["old treasure", "hidden gem", "treasure map", "newest treasure"]
    );
    assert_eq!(texts(&his["conversation"]["pins"]), ["old treasure"]);
    assert_eq!(his["hidden"], json!({ "text": "hidden gem", "replyCount": 1 }));

    // Search and files.
    finds(&two, &cat, "treasure ", &["newest treasure"]).await;
    finds(
        &two,
        &ben,
        "treasure ",
        &[
            "old treasure",
            "a treasure below",
            "treasure map",
            "newest treasure",
        ],
    )
    .await;
    assert_eq!(download(&two, &cat, &file).await, 404);
    assert_eq!(download(&two, &ben, &file).await, 200);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newcomer_does_not_see_does_not_exist_for_what_they_do() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let Told { group, hidden, .. } = told(&node, &mut a, &ann, &ben).await;
    a.acked(of("group.add", group, &cat)).await;
    let elsewhere = c.create_group(&[]).await;
    let new = a.say(group, "new").await;
    let about = |message: &Value| {
        let mut reply = message_to(group);
        reply["reply_to"] = message.clone();
        let mut below = message_to(group);
        below["thread"] = message.clone();
        [
            (reply, "invalid_argument"),
            (below, "not_found"),
            (
                json!({ "type": "message.react", "conversation": group, "message": message, "emoji": "👍", "on": true }),
                "not_found",
            ),
            (
                json!({ "type": "message.pin", "conversation": group, "message": message, "on": true }),
                "not_found",
            ),
            (
                json!({ "type": "message.send", "conversation": elsewhere,
                    "forward": { "conversation": group, "message": message } }),
                "not_found",
            ),
            (
                json!({ "type": "thread.follow", "conversation": group, "thread": message, "on": true }),
                "not_found",
            ),
            (
                json!({ "type": "report.send", "conversation": group, "message": message, "reason": "an insult" }),
                "not_found",
            ),
            (
                json!({ "type": "message.hide", "conversation": group, "messages": [message] }),
                "not_found",
            ),
        ]
    };
    let nobodys = json!(Uuid::now_v7());
    for ((unseen, code), (absent, _)) in about(&hidden["id"]).into_iter().zip(about(&nobodys)) {
        let kind = unseen["type"].clone();
        let refused = c.refused(unseen, code).await;
        // As of one that nobody has sent.
        let as_ever = c.refused(absent, code).await;
        for part in ["field", "message"] {
            assert_eq!(refused[part], as_ever[part], "{kind}");
        }
    }
    for (seen, _) in about(&new["id"]) {
        c.acked(seen).await;
    }
    // Neither does what an admin has not seen.
    a.acked(json!({ "type": "group.role", "conversation": group, "user": cat.id, "role": "admin" }))
        .await;
    let recall =
        |message: &Value| json!({ "type": "message.recall", "conversation": group, "message": message });
    c.refused(recall(&hidden["id"]), "not_found").await;
    c.refused(edit(group, &hidden, "mine"), "not_found").await;
    a.acked(recall(&hidden["id"])).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_reads_and_follows_what_goes_on_below_a_message_that_they_do_not_see() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let Told { group, hidden, .. } = told(&node, &mut a, &ann, &ben).await;
    a.acked(of("group.add", group, &cat)).await;
    let root = hidden["id"].clone();
    let read = |seq: u64| json!({ "type": "read", "conversation": group, "thread": root, "seq": seq });
    let follow =
        |on: bool| json!({ "type": "thread.follow", "conversation": group, "thread": root, "on": on });
    let below = |words: &str| {
        let mut reply = message(group, words);
        reply["thread"] = root.clone();
        reply
    };
    // As long as she sees nothing of it, there is no thread.
    for command in [read(8), follow(false)] {
        let refused = c.refused(command, "not_found").await;
        assert_eq!(
            (&refused["field"], &refused["message"]),
            (&json!("thread"), &json!("no such thread"))
        );
    }
    // What she was just told of she has read, however far the read models have come.
    let mut mentioning = below("look here");
    mentioning["mentions"] = json!([cat.id]);
    a.acked(mentioning.clone()).await;
    c.events(group, 2).await;
    c.acked(read(9)).await;
    a.acked(mentioning).await;
    c.events(group, 1).await;
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ mentionCount unreadThreads thread(root: {root}) {{ following unreadCount }} }} }}"
    );
    let counted = async |mentions: u64, threads: u64, following: bool| {
        let expected = json!({ "conversation": { "mentionCount": mentions, "unreadThreads": threads,
            "thread": { "following": following, "unreadCount": mentions } } });
        assert_eq!(data(&node, &cat, &query).await, expected);
    };
    counted(1, 1, true).await;
    c.acked(read(10)).await;
    counted(0, 0, true).await;
    c.acked(follow(false)).await;
    a.acked(below("and here")).await;
    c.events(group, 1).await;
    c.acked(read(11)).await;
    counted(0, 0, false).await;
    // There is no message for her that an answer would hang below.
    let refused = c.refused(below("mine"), "not_found").await;
    assert_eq!(refused["field"], "thread");
    node.stop().await;
}

/// The history of threads can be read, and folds nothing, until what this begins is rolled back.
async fn hold_threads(store: &Store) -> tokio_postgres::Client {
    let database = store.client().await;
    let stop = "BEGIN; LOCK TABLE p_history_4.thread IN SHARE MODE";
    database.batch_execute(stop).await.unwrap();
    database
}

/// A command to a conversation, with an id.
fn numbered(conversation: Uuid, mut command: Value) -> Value {
    command["conversation"] = json!(conversation);
    command["id"] = json!(Uuid::now_v7());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_thread_that_is_waited_for_holds_up_nothing_else_and_keeps_its_order() {
    let store = Store::new().await;
    let mut config = store.config();
    // Longer than the test has patience.
    config.gateway.catch_up_wait_ms = 3_600_000;
    let node = TestNode::start(config).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    let Told { group, hidden, .. } = told(&node, &mut a, &ann, &ben).await;
    a.acked(of("group.add", group, &cat)).await;
    let other = c.open_direct(&ann).await;
    let database = hold_threads(&store).await;
    let mut reply = message(group, "a treasure for you");
    reply["thread"] = hidden["id"].clone();
    let seq = a.acked(reply).await["seq"].clone();
    let with_id = |command: Value| numbered(group, command);
    let follow = |on: bool| with_id(json!({ "type": "thread.follow", "thread": hidden["id"], "on": on }));
    let waiting = [
        with_id(json!({ "type": "read", "thread": hidden["id"], "seq": seq })),
        follow(true),
        follow(false),
        with_id(json!({ "type": "conversation.mute", "on": true })),
    ];
    for command in &waiting {
        c.send(command).await;
    }
    // What it says there, and what it says for itself of another conversation, is done meanwhile.
    c.say(group, "where is it?").await;
    c.acked(json!({ "type": "conversation.mute", "conversation": other, "on": true }))
        .await;
    let muted = c.take(|object| object["kind"] == "conversation.muted").await;
    assert_eq!(muted["data"]["conversation"], json!(other));
    database.batch_execute("ROLLBACK").await.unwrap();
    let mut notices = vec![];
    for command in &waiting {
        let told = c.answer(id(&command["id"])).await;
        assert_eq!(told["type"], "ack", "{told}");
        notices.push(told["seq"].as_u64().unwrap());
    }
    assert!(notices.is_sorted(), "{notices:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_thread_that_is_waited_for_is_done_however_the_connection_ends() {
    let store = Store::new().await;
    let node = store.node().await;
    let mut config = store.config();
    // Longer than the test has patience.
    config.gateway.catch_up_wait_ms = 3_600_000;
    config.gateway.slow_ms = 5_000;
    config.gateway.send_buffer_bytes = 4096;
    let impatient = TestNode::start(config).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut phone) = (node.socket(&ann).await, node.socket(&cat).await);
    let Told { group, hidden, .. } = told(&node, &mut a, &ann, &ben).await;
    let mut leaving = impatient.socket(&cat).await;
    // It reads nothing more than this.
    let stuck = narrow(impatient.node.address(), &cat).await;
    arrived(&stuck, "synced").await;
    let mut stuck = Socket::from(stuck);
    a.acked(of("group.add", group, &cat)).await;
    // Her node has heard of that.
    leaving.say(group, "hello").await;
    let database = hold_threads(&store).await;
    let mut reply = message(group, "a treasure for you");
    reply["thread"] = hidden["id"].clone();
    let seq = a.acked(reply).await["seq"].clone();
    let with_id = |command: Value| numbered(group, command);
    let read = || json!({ "type": "read", "thread": hidden["id"], "seq": seq });
    let archive = json!({ "type": "conversation.archive", "on": true });
    for command in [read(), archive] {
        leaving.send(&with_id(command)).await;
    }
    leaving.stream.close(None).await.unwrap();
    leaving.closed().await;
    // What waits for nothing says that what stands before it is taken. Then the server closes, and was asked nothing more.
    let mute = json!({ "type": "conversation.mute", "on": true });
    for command in [read(), mute, message(group, "where is it?")] {
        stuck.send(&with_id(command)).await;
    }
    a.take(|object| object["data"]["content"]["text"] == "where is it?")
        .await;
    a.say_much(group, 20).await;
    gone(&impatient, &cat).await;
    database.batch_execute("ROLLBACK").await.unwrap();
    for kind in ["thread.read", "conversation.archived", "conversation.muted"] {
        let told = phone.take(|object| object["kind"] == kind).await;
        assert_eq!(told["data"]["conversation"], json!(group));
    }
    node.stop().await;
    impatient.stop().await;
}

fn message_to(group: Uuid) -> Value {
    message(group, "what was that?")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_newcomers_did_not_see_it_stays_unseen_when_they_see_all_again() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut d) = (one.socket(&ann).await, two.socket(&dan).await);
    let Told { group, file, .. } = told(&one, &mut a, &ann, &ben).await;
    a.acked(of("group.add", group, &cat)).await;
    a.say(group, "new treasure").await;
    let shared = a.acked(set(group, &json!({ "history": "shared" }))).await;
    assert_eq!(shared["seq"], 10);
    a.say(group, "open treasure").await;
    a.acked(of("group.add", group, &dan)).await;
    a.say(group, "last treasure").await;
    assert_eq!(
        fetched(&mut d, group).await,
        (
            vec![11, 12, 13],
            vec!["open treasure".to_owned(), "last treasure".to_owned()]
        )
    );
    finds(&two, &dan, "treasure ", &["open treasure", "last treasure"]).await;
    let query =
        format!("{{ conversation(id: \"{group}\") {{ unreadCount messages {{ nodes {{ text }} }} }} }}");
    let his = data(&two, &dan, &query).await["conversation"].clone();
    assert_eq!(
        texts(&his["messages"]["nodes"]),
        ["open treasure", "last treasure"]
    );
    // What he has not been there for is his to read, and no news.
    assert_eq!(his["unreadCount"], 1);
    assert_eq!(download(&one, &dan, &file).await, 404);
    // Cat sees no more than before.
    let mut c = two.socket(&cat).await;
    assert_eq!(fetched(&mut c, group).await.0, (8..=13).collect::<Vec<_>>());
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_is_a_newcomer_on_every_device() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    a.say(group, "before").await;
    a.acked(set(group, &json!({ "history": "joined" }))).await;
    a.acked(of("group.remove", group, &ben)).await;
    assert_eq!(seqs(&b.events(group, 4).await), [1, 2, 3, 4]);
    a.say(group, "behind his back").await;
    a.say(group, "and more").await;
    a.acked(of("group.add", group, &ben)).await;
    a.say(group, "welcome back").await;
    // Who was connected all the time is told what is left out.
    let gap = b.until("gap").await;
    assert_eq!(
        gap,
        json!({ "type": "gap", "conversation": group, "from": 5, "to": 6 })
    );
    let events = b.events(group, 2).await;
    assert_eq!(
        (seqs(&events), words(&events)),
        (vec![7, 8], vec!["welcome back".to_owned()])
    );
    // So is a device that was away, which is shown the leaving as well.
    let (mut tablet, missed) = two.resumed(&ben, json!({ group.to_string(): 3 })).await;
    assert_eq!(came(&missed, group), ["4", "[5-6]", "7", "8"]);
    for socket in [&mut b, &mut tablet] {
        assert_eq!(pages(socket, group, 1).await, [vec![1, 2, 3, 4], vec![7, 8]]);
        assert_eq!(pages(socket, group, 5).await, [vec![7, 8]]);
    }
    one.stop().await;
    two.stop().await;
}

/// A group of sixteen events that does not share its history. Ben was in from 4 to 8, from 10 to 12, and is from 14 on, and no device of his was
/// ever there.
async fn come_and_gone(a: &mut Socket, ben: &User) -> Uuid {
    let group = a.create_group(&[]).await;
    a.acked(set(group, &json!({ "history": "joined" }))).await;
    let before = a.say(group, "before him").await;
    a.acked(of("group.add", group, ben)).await;
    let first = a.say(group, "first").await;
    a.acked(edit(group, &before, "before him, edited")).await;
    a.acked(edit(group, &first, "first, edited")).await;
    a.acked(of("group.remove", group, ben)).await;
    a.say(group, "behind his back").await;
    a.acked(of("group.add", group, ben)).await;
    a.say(group, "second").await;
    a.acked(of("group.remove", group, ben)).await;
    a.say(group, "and again").await;
    a.acked(of("group.add", group, ben)).await;
    a.say(group, "welcome back").await;
    let last = a.acked(edit(group, &first, "first, edited late")).await;
    assert_eq!(last["seq"], 16);
    group
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_back_has_what_they_were_there_for_and_nothing_of_the_times_between() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let mut a = one.socket(&ann).await;
    let group = come_and_gone(&mut a, &ben).await;
    // In the inbox stands what they see now.
    let inbox = "{ inbox { nodes { pendingCount } } }";
    let waiting = data(&two, &ben, inbox).await;
    assert_eq!(waiting["inbox"]["nodes"], json!([{ "pendingCount": 1 }]));
    // A device that knows nothing, and those that were told something before.
    let (_, missed) = two.resumed(&ben, json!({})).await;
    assert_eq!(
        came(&missed, group),
        [
            "4", "5", "6", "7", "8", "[9-9]", "10", "11", "12", "[13-13]", "14", "15", "16"
        ]
    );
    // An edit has words for those who saw by one membership both it and what it edits.
    assert_eq!(
        words(&missed),
        ["first", "first, edited", "second", "welcome back"]
    );
    for (cursor, expected) in [
        (
            0,
            vec![
                "[1-3]", "4", "5", "6", "7", "8", "[9-9]", "10", "11", "12", "[13-13]", "14", "15", "16",
            ],
        ),
        (
            7,
            vec!["8", "[9-9]", "10", "11", "12", "[13-13]", "14", "15", "16"],
        ),
        (8, vec!["[9-9]", "10", "11", "12", "[13-13]", "14", "15", "16"]),
        (11, vec!["12", "[13-13]", "14", "15", "16"]),
    ] {
        let (mut socket, missed) = one.resumed(&ben, json!({ group.to_string(): cursor })).await;
        assert_eq!(came(&missed, group), expected, "{cursor}");
        assert_eq!(
            pages(&mut socket, group, 1).await,
            [vec![4, 5, 6, 7, 8], vec![10, 11, 12], vec![14, 15, 16]]
        );
        assert_eq!(fetched(&mut socket, group).await.1, ["first", "first, edited"]);
    }
    // Wherever else they look they are a newcomer.
    let query = format!("{{ conversation(id: \"{group}\") {{ messages {{ nodes {{ text }} }} }} }}");
    let his = data(&two, &ben, &query).await;
    assert_eq!(texts(&his["conversation"]["messages"]["nodes"]), ["welcome back"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_owed_before_several_removals_is_said_where_it_does_not_fit_and_can_be_fetched() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.catch_up_events = 2;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let (in_still, out) = (
        come_and_gone(&mut a, &ben).await,
        come_and_gone(&mut a, &ben).await,
    );
    a.acked(of("group.remove", out, &ben)).await;
    a.say(out, "never seen").await;
    let (mut b, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(
        came(&missed, in_still),
        ["[4-8]", "[9-9]", "[10-12]", "[13-13]", "[14-14]", "15", "16"]
    );
    assert_eq!(
        pages(&mut b, in_still, 4).await,
        [vec![4, 5, 6, 7, 8], vec![10, 11, 12], vec![14, 15, 16]]
    );
    // Of where he is out he is owed this, and nothing else.
    assert_eq!(
        came(&missed, out),
        ["[4-8]", "[9-9]", "[10-12]", "[13-13]", "[14-15]", "16", "17"]
    );
    assert_eq!(fetched(&mut b, out).await.1, ["first", "first, edited"]);
    assert_eq!(
        pages(&mut b, out, 1).await,
        [vec![4, 5, 6, 7, 8], vec![10, 11, 12], vec![14, 15]]
    );
    b.refused(fetch(out, 16), "not_a_member").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_somebody_comes_in_they_see_what_is_sent_from_then_on() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    a.acked(set(group, &json!({ "history": "joined" }))).await;
    let link = a.acked(own("group.link.create", group)).await;
    let secret = &link["data"]["secret"];
    for way in ["added", "link", "invited", "open", "asked"] {
        let newcomer = node.register(way).await;
        let mut socket = node.socket(&newcomer).await;
        a.say(group, "you were not here").await;
        match way {
            "added" => {
                a.acked(of("group.add", group, &newcomer)).await;
            }
            "link" => {
                socket
                    .acked(json!({ "type": "group.join", "secret": secret }))
                    .await;
            }
            "invited" => {
                a.acked(of("group.invite", group, &newcomer)).await;
                socket.acked(own("group.accept", group)).await;
            }
            "open" => {
                a.acked(set(group, &json!({ "join": "open" }))).await;
                socket.acked(own("group.join", group)).await;
            }
            _ => {
                a.acked(set(group, &json!({ "join": "request" }))).await;
                socket.acked(own("group.join", group)).await;
                a.acked(of("group.approve", group, &newcomer)).await;
            }
        }
        let said = a.say(group, "and now you are").await["seq"].as_u64().unwrap();
        let joined = socket.events(group, 1).await.remove(0);
        assert_eq!(
            (&joined["kind"], id(&joined["data"]["user"])),
            (&json!("member.added"), newcomer.id)
        );
        let from = joined["seq"].as_u64().unwrap();
        let (seqs, words) = fetched(&mut socket, group).await;
        assert_eq!(seqs, (from..=said).collect::<Vec<_>>(), "{way}");
        assert_eq!(words, ["and now you are"], "{way}");
    }
    node.stop().await;
}
