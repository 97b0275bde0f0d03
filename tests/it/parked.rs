//! Conversations that the read models have put aside: whoever is in doubt is shown nothing.

use crate::support::*;
use serde_json::{Value, json};
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Appender, Batch, Log, LogConfig, NewEvent, Outcome, Proposal};
use uuid::Uuid;

const MESSAGE_SENT: i16 = 16;
const MEMBER_ADDED: i16 = 3;

/// Appends an event as it is, beside all nodes.
async fn append(store: &Store, conversation: Uuid, kind: i16, payload: &'static str) {
    let config = LogConfig::from_url(store.database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    let log = Log::new(config.pool().unwrap(), config.timeout);
    let guard = log.stream_heads(&[conversation]).await.unwrap()[0].unwrap().guard;
    let event = NewEvent {
        kind,
        ver: 1,
        control: kind != MESSAGE_SENT,
        countable: kind == MESSAGE_SENT,
        payload: payload.into(),
    };
    let mut batch = Batch::new(lane_of(conversation));
    batch.push(&Proposal {
        stream: conversation,
        command: Uuid::new_v4(),
        digest: 0,
        actor: Uuid::nil(),
        guard,
        events: vec![event],
    });
    let outcome = Appender::new(config).append(&batch).await.unwrap();
    assert!(matches!(outcome, Outcome::Appended(_)));
}

/// Appends an event of a known kind that no version can read, as only a bug would.
async fn append_garbage(store: &Store, conversation: Uuid, kind: i16) {
    append(store, conversation, kind, r#"{"what":"nobody knows"}"#).await;
    // Until it is aside, this is about events that wait to be folded.
    let client = store.client().await;
    eventually(async || {
        let sql =
            "SELECT 1 FROM projection_parked WHERE projection = 'conversations' AND stream = $1 LIMIT 1";
        client.query_opt(sql, &[&conversation]).await.unwrap()
    })
    .await;
}

async fn sees(node: &TestNode, user: &User, conversation: Uuid) -> bool {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ id }} conversations(first: 10) {{ nodes {{ id }} }} }}"
    );
    let answer = node.graphql(user, &query, None).await;
    let listed = answer["data"]["conversations"]["nodes"].as_array().unwrap();
    let listed = listed.iter().any(|found| id(&found["id"]) == conversation);
    assert_eq!(listed, !answer["data"]["conversation"].is_null(), "{answer}");
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_from_a_parked_conversation_reads_nothing_more() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, mal) = (node.register("ann").await, node.register("mal").await);
    let mut a = node.socket(&ann).await;
    // Of one creator, so in one lane: what is said in the second comes after what is said in the first.
    let (group, marker) = (a.create_group(&[&mal]).await, a.create_group(&[&mal]).await);
    assert_eq!(lane_of(group), lane_of(marker));
    append_garbage(&store, group, MESSAGE_SENT).await;
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": mal.id }))
        .await;

    let (mut m, missed) = node.resumed(&mal, json!({})).await;
    let seen: Vec<&Value> = missed
        .iter()
        .filter(|object| object["conversation"] == group.to_string())
        .collect();
    assert_eq!(seen.last().unwrap()["kind"], "member.removed", "{missed:?}");
    a.say(group, "secret").await;
    a.say(marker, "marker").await;
    let first = m.take(|object| object["kind"] == "message.sent").await;
    assert_eq!(first["conversation"], marker.to_string(), "{first}");
    assert!(!sees(&node, &mal, group).await);
    assert!(sees(&node, &mal, marker).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joined_a_parked_conversation_is_sent_what_is_said_there() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    append_garbage(&store, group, MESSAGE_SENT).await;
    let added = a
        .acked(json!({ "type": "group.add", "conversation": group, "user": cat.id }))
        .await;
    a.say(group, "one").await;
    let (mut c, missed) = node.resumed(&cat, json!({})).await;
    assert_eq!(seqs(&missed)[0], added["seq"].as_u64().unwrap(), "{missed:?}");
    assert_eq!(words(&missed), ["one"]);
    a.say(group, "two").await;
    assert_eq!(words(&c.events(group, 1).await), ["two"]);
    // Who was never in it is not shown it.
    let (_, missed) = node.resumed(&node.register("dan").await, json!({})).await;
    assert!(missed.is_empty(), "{missed:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_whose_members_are_in_doubt_is_shown_to_nobody() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let (group, well) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    append_garbage(&store, group, MEMBER_ADDED).await;
    let (_, missed) = node
        .resumed(&ben, json!({ group.to_string(): 0, well.to_string(): 0 }))
        .await;
    let shown: Vec<Uuid> = missed.iter().map(|object| id(&object["conversation"])).collect();
    assert_eq!(shown, [well], "{missed:?}");
    assert!(!sees(&node, &ben, group).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_connected_when_the_members_come_into_doubt_is_shown_nothing_more() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, mal) = (node.register("ann").await, node.register("mal").await);
    let (mut a, mut m) = (node.socket(&ann).await, node.socket(&mal).await);
    // In one lane: what is said in the second comes after what is said in the first.
    let (group, well) = (a.create_group(&[&mal]).await, a.create_group(&[&mal]).await);
    a.say(group, "before").await;
    assert_eq!(words(&m.events(group, 2).await), ["before"]);
    // It may have removed somebody.
    append_garbage(&store, group, MEMBER_ADDED).await;
    let secret = r#"{"content":{"kind":"text","text":"secret"}}"#;
    append(&store, group, MESSAGE_SENT, secret).await;
    a.say(well, "marker").await;
    let first = m.take(|object| object["kind"] == "message.sent").await;
    assert_eq!(words(&[first]), ["marker"]);
    // All else goes on as before.
    a.say(well, "more").await;
    assert_eq!(words(&m.events(well, 2).await), ["more"]);
    m.works().await;
    node.stop().await;
}
