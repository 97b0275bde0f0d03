//! Messages that mention all members of a group.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn call(conversation: Uuid, words: &str) -> Value {
    let mut call = message(conversation, words);
    call["everyone"] = json!(true);
    call
}

/// How often somebody is mentioned in what they have not read, and which messages mention everybody.
async fn mentioned(node: &TestNode, user: &User, conversation: Uuid, after: &Value) -> (Value, Value) {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ mentionCount messages {{ nodes {{ everyone }} }} }} }}"
    );
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let found = &answer["data"]["conversation"];
    let each = found["messages"]["nodes"].as_array().unwrap().iter();
    (
        found["mentionCount"].clone(),
        each.map(|message| message["everyone"].clone()).collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_mentions_everyone_once_each_and_a_recall_takes_it_back() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben, &cat]).await;
    let mut both = call(group, "all of you");
    both["mentions"] = json!([ben.id]);
    let sent = a.acked(both).await;
    a.acked_twice(call(group, "again"), 3).await;
    let position = a.say(group, "no more").await["position"].clone();
    let seen = b.events(group, 4).await;
    assert_eq!(
        (&seen[1]["data"]["everyone"], &seen[1]["data"]["mentions"]),
        (&json!(true), &json!([ben.id]))
    );
    assert_eq!(seen[3]["data"].get("everyone"), None);
    for (user, count) in [(&ann, 0), (&ben, 2), (&cat, 2)] {
        assert_eq!(
            mentioned(&two, user, group, &position).await,
            (json!(count), json!([true, true, false]))
        );
    }
    let recall = json!({ "type": "message.recall", "conversation": group, "message": sent["id"] });
    let position = a.acked(recall).await["position"].clone();
    for user in [&ben, &cat] {
        assert_eq!(
            mentioned(&one, user, group, &position).await,
            (json!(1), json!([false, true, false]))
        );
    }
    // What is read from the log says nothing of it any more.
    let fetched = two.resumed(&cat, json!({})).await.1;
    let recalled = fetched.iter().find(|event| event["seq"] == 2).unwrap();
    assert_eq!(
        recalled["data"],
        json!({ "message": sent["id"], "content": null })
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_for_owners_and_admins_and_not_for_two() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let refused = b.refused(call(group, "all"), "forbidden").await;
    assert_eq!(refused["field"], "everyone", "{refused}");
    let promoted = json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "admin" });
    a.acked(promoted).await;
    b.acked(call(group, "all")).await;
    let direct = a.open_direct(&ben).await;
    let refused = a.refused(call(direct, "both"), "invalid_argument").await;
    assert_eq!(refused["field"], "everyone", "{refused}");
    let mut spoilt = call(direct, "both");
    spoilt["everyone"] = json!("yes");
    let refused = a.refused(spoilt, "invalid_argument").await;
    assert_eq!(refused["field"], "everyone", "{refused}");
    node.stop().await;
}

/// The log itself holds what was mentioned when, so that no node and no restart gives more.
#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_in_an_hour_is_refused_by_whichever_node_is_asked() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ann).await);
    let group = a.create_group(&[&ben]).await;
    let other = a.create_group(&[&ben]).await;
    let (mut first, id) = (call(group, "all"), Uuid::now_v7());
    first["id"] = json!(id);
    a.send(&first).await;
    assert_eq!(a.answer(id).await["seq"], 2);
    for n in 1..10 {
        let socket = if n % 2 == 0 { &mut a } else { &mut b };
        assert_eq!(socket.acked(call(group, "all")).await["seq"], n + 2);
    }
    for socket in [&mut a, &mut b] {
        let refused = socket.refused(call(group, "all"), "rate_limited").await;
        assert_eq!(refused["field"], "everyone", "{refused}");
        let wait = refused["retry_after_ms"].as_u64().unwrap();
        assert!((3_000_000..=3_600_001).contains(&wait), "{refused}");
        socket.acked(call(other, "all")).await;
        // The first one again is answered as it was.
        socket.send(&first).await;
        let again = socket.answer(id).await;
        assert_eq!((&again["seq"], &again["duplicate"]), (&json!(2), &json!(true)));
    }
    a.say(group, "just that").await;
    one.stop().await;
    two.stop().await;
    let node = store.node().await;
    let mut a = node.socket(&ann).await;
    a.refused(call(group, "all"), "rate_limited").await;
    node.stop().await;
}
