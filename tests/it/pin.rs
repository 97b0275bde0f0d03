//! Messages that a conversation keeps in view.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn pin(conversation: Uuid, message: &Value, on: bool) -> Value {
    json!({ "type": "message.pin", "conversation": conversation, "message": message, "on": on })
}

/// The texts of the pinned messages, and which of all messages are said to be pinned.
async fn pinned(node: &TestNode, user: &User, conversation: Uuid, after: &Value) -> (Value, Value) {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ pins {{ text }} messages {{ nodes {{ pinned }} }} }} }}"
    );
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let found = &answer["data"]["conversation"];
    let texts = |list: &Value, field: &str| {
        let list = list.as_array().unwrap().iter();
        list.map(|message| message[field].clone()).collect::<Value>()
    };
    (
        texts(&found["pins"], "text"),
        texts(&found["messages"]["nodes"], "pinned"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_admins_pin_and_everybody_sees_it() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben, &cat]).await;
    let mut said = vec![];
    for words in ["one", "two", "three"] {
        said.push(a.say(group, words).await["id"].clone());
    }
    b.events(group, 4).await;

    a.acked_twice(pin(group, &said[0], true), 5).await;
    // What is so already is acked and not written.
    a.acked(pin(group, &said[0], true)).await;
    a.acked(pin(group, &said[1], false)).await;
    let position = a.acked(pin(group, &said[2], true)).await["position"].clone();
    let seen = b.events(group, 2).await;
    assert_eq!(
        (&seen[0]["kind"], &seen[0]["actor"], &seen[0]["data"]),
        (
            &json!("pin.changed"),
            &json!(ann.id),
            &json!({ "message": said[0], "message_seq": 2, "on": true })
        )
    );
    assert_eq!(seqs(&seen), [5, 6]);
    assert_eq!(
        pinned(&two, &ben, group, &position).await,
        (json!(["three", "one"]), json!([true, false, true]))
    );

    b.refused(pin(group, &said[1], true), "forbidden").await;
    b.refused(pin(group, &said[0], false), "forbidden").await;
    let promoted = json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "admin" });
    a.acked(promoted).await;
    let position = b.acked(pin(group, &said[0], false)).await["position"].clone();
    assert_eq!(
        pinned(&one, &cat, group, &position).await,
        (json!(["three"]), json!([false, false, true]))
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recall_unpins_and_what_is_not_there_cannot_be_pinned() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let mut c = node.socket(&cat).await;
    let conversation = a.open_direct(&ben).await;
    // Right behind what it refers to, in the same frame.
    let sent = Uuid::now_v7();
    let mut send = message(conversation, "keep this");
    send["id"] = json!(sent);
    let mut command = pin(conversation, &json!(sent), true);
    let pinning = Uuid::now_v7();
    command["id"] = json!(pinning);
    a.send_text(&format!("{send}\n{command}")).await;
    a.answer(sent).await;
    let position = a.answer(pinning).await["position"].clone();
    assert_eq!(
        pinned(&node, &ben, conversation, &position).await,
        (json!(["keep this"]), json!([true]))
    );

    let recall = json!({ "type": "message.recall", "conversation": conversation, "message": sent });
    assert_eq!(a.acked(recall).await["seq"], 5);
    let seen = b.events(conversation, 5).await;
    let kinds: Vec<_> = seen.iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(
        kinds,
        [
            "direct.opened",
            "message.sent",
            "pin.changed",
            "pin.changed",
            "message.recalled"
        ]
    );
    assert_eq!(
        seen[3]["data"],
        json!({ "message": sent, "message_seq": 2, "on": false })
    );
    let position = a.say(conversation, "gone").await["position"].clone();
    assert_eq!(
        pinned(&node, &ben, conversation, &position).await,
        (json!([]), json!([false, false]))
    );

    for unknown in [json!(sent), json!(Uuid::now_v7())] {
        let refused = a.refused(pin(conversation, &unknown, true), "not_found").await;
        assert_eq!(refused["field"], "message", "{refused}");
    }
    c.refused(pin(conversation, &json!(sent), true), "not_a_member")
        .await;
    node.stop().await;
}
