//! Messages are found by what they say, on any node, once they are acked.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// The texts that somebody finds; who has seen an ack, with all that it vouches for.
async fn found(node: &TestNode, user: &User, typed: &str, ack: Option<&Value>) -> Vec<String> {
    let query = format!(
        "{{ search(query: {}) {{ nodes {{ text }} complete }} }}",
        json!(typed)
    );
    let position = ack.map(|ack| text(&ack["position"]));
    // A busy database may not have come to the end of it in the second that each step has.
    let answer = eventually(async || {
        let answer = node.graphql(user, &query, position.as_deref()).await;
        (answer["data"]["search"]["complete"] == true).then_some(answer)
    })
    .await;
    let nodes = answer["data"]["search"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| text(&node["text"])).collect()
}

fn edit(conversation: Uuid, sent: &Value, words: &str) -> Value {
    json!({ "type": "message.edit", "conversation": conversation, "message": sent["id"],
        "content": { "kind": "text", "text": words } })
}

fn recall(conversation: Uuid, sent: &Value) -> Value {
    json!({ "type": "message.recall", "conversation": conversation, "message": sent["id"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acked_is_found_on_every_node_by_members_until_it_is_taken_back() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, eve] = one.people(["ann", "ben", "eve"]).await;
    let mut a = one.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "Treffen wir uns am Café?").await;
    assert_eq!(
        found(&two, &ben, "cafe", Some(&sent)).await,
        ["Treffen wir uns am Café?"]
    );
    assert!(found(&two, &eve, "cafe", Some(&sent)).await.is_empty());
    let edited = a.acked(edit(conversation, &sent, "Lieber im Park")).await;
    assert!(found(&two, &ben, "cafe", Some(&edited)).await.is_empty());
    assert_eq!(found(&two, &ben, "park", Some(&edited)).await, ["Lieber im Park"]);
    let recalled = a.acked(recall(conversation, &sent)).await;
    assert!(found(&two, &ben, "park", Some(&recalled)).await.is_empty());
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_or_recalled_is_not_found_while_what_messages_are_found_by_lags() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let edited = a.say(conversation, "the old word").await;
    let recalled = a.say(conversation, "the other old word").await;
    assert_eq!(found(&node, &ben, "old ", Some(&recalled)).await.len(), 2);

    // It can be read, and folds nothing.
    let (database, watcher) = (store.client().await, store.client().await);
    let stop = "BEGIN; LOCK TABLE p_search_2.entry IN SHARE MODE";
    database.batch_execute(stop).await.unwrap();
    a.acked(edit(conversation, &edited, "the new word")).await;
    let last = a.acked(recall(conversation, &recalled)).await;
    // Nobody else waits for it.
    let message = format!(
        "{{ message(conversation: \"{conversation}\", id: {}) {{ recalledAt text }} }}",
        recalled["id"]
    );
    let answer = node.graphql(&ben, &message, Some(&text(&last["position"]))).await;
    assert!(answer["data"]["message"]["recalledAt"].is_string(), "{answer}");
    let entries = "SELECT count(*) FROM p_search_2.entry WHERE lexemes @@ 'old'::tsquery";
    let count = async || watcher.query_one(entries, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(count().await, 2);
    assert!(found(&node, &ben, "old ", None).await.is_empty());
    assert_eq!(found(&node, &ben, "word ", None).await, ["the new word"]);

    database.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(found(&node, &ben, "new ", Some(&last)).await, ["the new word"]);
    assert_eq!(count().await, 0);
    node.stop().await;
}
