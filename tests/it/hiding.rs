//! What people hide from themselves, and from nobody else.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn hide(conversation: Uuid, messages: &[&Value]) -> Value {
    json!({ "type": "message.hide", "conversation": conversation, "messages": messages })
}

fn clear(conversation: Uuid, seq: u64) -> Value {
    json!({ "type": "conversation.clear", "conversation": conversation, "seq": seq })
}

/// The texts that somebody sees of a conversation, the last one, those that are pinned, and how many are unread and mention them.
async fn seen(node: &TestNode, user: &User, conversation: Uuid, after: &Value) -> Value {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ unreadCount mentionCount lastMessage {{ text }} pins {{ text }} \
         messages {{ nodes {{ text replyTo {{ text }} }} pageInfo {{ hasPreviousPage hasNextPage }} }} }} \
         unreadTotal mentionTotal }}"
    );
    // The conversation is in another lane than what somebody marks in it.
    node.folded(user).await;
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.filter_map(|message| message["text"].as_str()).collect()
}

/// A conversation of two, in which Ben has said these, each of which mentions Ann.
async fn talk(a: &mut Socket, b: &mut Socket, ann: &User, ben: &User, said: &[&str]) -> (Uuid, Vec<Value>) {
    let conversation = a.open_direct(ben).await;
    let mut ids = vec![];
    for words in said {
        let mut sent = message(conversation, words);
        sent["mentions"] = json!([ann.id]);
        ids.push(b.acked(sent).await["id"].clone());
    }
    (conversation, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_hides_is_gone_for_them_on_all_devices_and_for_nobody_else() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let mut tablet = two.socket(&ann).await;
    let (conversation, said) = talk(&mut a, &mut b, &ann, &ben, &["one", "two", "three", "four"]).await;
    let pin = json!({ "type": "message.pin", "conversation": conversation, "message": said[1], "on": true });
    b.acked(pin).await;
    let mut reply = message(conversation, "five");
    reply["reply_to"] = said[1].clone();
    let position = b.acked(reply).await["position"].clone();
    let before = seen(&two, &ann, conversation, &position).await["conversation"].clone();
    assert_eq!(
        (&before["unreadCount"], &before["mentionCount"]),
        (&json!(5), &json!(4))
    );
    assert_eq!(texts(&before["pins"]), ["two"]);

    let ack = a.acked(hide(conversation, &[&said[3], &said[1]])).await;
    for socket in [&mut a, &mut tablet] {
        let notice = socket.until("notice").await;
        assert_eq!(
            (&notice["kind"], &notice["seq"], &notice["data"]),
            (
                &json!("message.hidden"),
                &ack["seq"],
                &json!({ "conversation": conversation, "messages": [said[1], said[3]], "seqs": [3, 5], "message_nos": [2, 4] })
            )
        );
    }
    let all = seen(&one, &ann, conversation, &ack["position"]).await;
    let now = &all["conversation"];
    assert_eq!(texts(&now["messages"]["nodes"]), ["one", "three", "five"]);
    assert_eq!(now["messages"]["nodes"][2]["replyTo"], Value::Null);
    assert_eq!(
        (&now["unreadCount"], &now["mentionCount"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(
        (&all["unreadTotal"], &all["mentionTotal"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(
        (&now["pins"], &now["lastMessage"]["text"]),
        (&json!([]), &json!("five"))
    );
    let by_id = format!(
        "{{ message(conversation: \"{conversation}\", id: {}) {{ text }} }}",
        said[1]
    );
    assert_eq!(
        one.graphql(&ann, &by_id, None).await["data"]["message"],
        Value::Null
    );
    // A recall of what is hidden is not taken off twice.
    let recall = json!({ "type": "message.recall", "conversation": conversation, "message": said[3] });
    let position = b.acked(recall).await["position"].clone();
    let now = seen(&one, &ann, conversation, &position).await["conversation"].clone();
    assert_eq!(now["unreadCount"], json!(3));

    // Every seq is there, and for Ben every word.
    let fetch = json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 100 });
    let page = a.command(fetch.clone()).await;
    let events = page["events"].as_array().unwrap();
    assert_eq!(seqs(events), (1..=8).collect::<Vec<_>>());
    assert_eq!(words(events), ["one", "three", "five"]);
    let page = b.command(fetch).await;
    assert_eq!(
        words(page["events"].as_array().unwrap()),
        ["one", "two", "three", "five"]
    );
    let his = seen(&one, &ben, conversation, &position).await["conversation"].clone();
    assert_eq!(texts(&his["messages"]["nodes"]), ["one", "two", "three", "five"]);
    assert_eq!(texts(&his["pins"]), ["two"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_conversation_begins_behind_that_place_for_whoever_cleared_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let (conversation, _) = talk(&mut a, &mut b, &ann, &ben, &["one", "two", "three"]).await;
    let ack = a.acked(clear(conversation, 3)).await;
    let notice = a.until("notice").await;
    assert_eq!(
        (&notice["kind"], &notice["data"]),
        (
            &json!("conversation.cleared"),
            &json!({ "conversation": conversation, "seq": 3, "message_no": 2 })
        )
    );
    let now = seen(&node, &ann, conversation, &ack["position"]).await["conversation"].clone();
    assert_eq!(texts(&now["messages"]["nodes"]), ["three"]);
    assert_eq!(now["messages"]["pageInfo"]["hasPreviousPage"], false);
    assert_eq!(
        (&now["unreadCount"], &now["mentionCount"]),
        (&json!(1), &json!(1))
    );
    // It never goes back.
    let position = a.acked(clear(conversation, 1)).await["position"].clone();
    let now = seen(&node, &ann, conversation, &position).await["conversation"].clone();
    assert_eq!(texts(&now["messages"]["nodes"]), ["three"]);
    let position = a.acked(clear(conversation, 4)).await["position"].clone();
    let all = seen(&node, &ann, conversation, &position).await;
    assert_eq!(all["conversation"]["lastMessage"], Value::Null);
    assert_eq!(
        (
            &all["conversation"]["unreadCount"],
            &all["unreadTotal"],
            &all["mentionTotal"]
        ),
        (&json!(0), &json!(0), &json!(0))
    );
    let position = b.say(conversation, "four").await["position"].clone();
    let now = seen(&node, &ann, conversation, &position).await["conversation"].clone();
    assert_eq!(
        (texts(&now["messages"]["nodes"]), &now["unreadCount"]),
        (vec!["four"], &json!(1))
    );
    let his = seen(&node, &ben, conversation, &position).await["conversation"].clone();
    assert_eq!(texts(&his["messages"]["nodes"]), ["one", "two", "three", "four"]);
    let page = a
        .command(json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 100 }))
        .await;
    assert_eq!(seqs(page["events"].as_array().unwrap()), [1, 2, 3, 4, 5]);
    assert_eq!(words(page["events"].as_array().unwrap()), ["four"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_ones_own_cannot_be_hidden() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let mut c = node.socket(&cat).await;
    let (conversation, said) = talk(&mut a, &mut b, &ann, &ben, &["one"]).await;
    let other = a.open_direct(&cat).await;
    let elsewhere = a.say(other, "elsewhere").await["id"].clone();
    c.refused(hide(conversation, &[&said[0]]), "not_a_member").await;
    c.refused(clear(conversation, 1), "not_a_member").await;
    for unknown in [json!(Uuid::now_v7()), elsewhere] {
        let refused = a
            .refused(hide(conversation, &[&said[0], &unknown]), "not_found")
            .await;
        assert_eq!(refused["field"], "messages", "{refused}");
    }
    let many: Vec<Value> = (0..1001).map(|_| json!(Uuid::now_v7())).collect();
    for (messages, code) in [
        (json!([]), "invalid_argument"),
        (json!(["x"]), "invalid_argument"),
        (json!(many), "too_large"),
    ] {
        let command = json!({ "type": "message.hide", "conversation": conversation, "messages": messages });
        assert_eq!(a.refused(command, code).await["field"], "messages");
    }
    for seq in [0, 3] {
        assert_eq!(
            a.refused(clear(conversation, seq), "invalid_argument").await["field"],
            "seq"
        );
    }
    // Right behind what it is about, and twice.
    let sent = Uuid::now_v7();
    let mut send = message(conversation, "two");
    send["id"] = json!(sent);
    let mut command = hide(conversation, &[&json!(sent)]);
    command["id"] = json!(Uuid::now_v7());
    b.send_text(&format!("{send}\n{command}")).await;
    b.answer(sent).await;
    let first = b.answer(id(&command["id"])).await;
    assert_eq!(first["type"], "ack", "{first}");
    b.send(&command).await;
    let again = b.answer(id(&command["id"])).await;
    assert_eq!(
        (&again["duplicate"], &again["seq"]),
        (&json!(true), &first["seq"])
    );
    node.stop().await;
}
