//! Read models are rebuilt from the log beside a serving node, and verified.

use crate::support::*;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_under_traffic_changes_no_answer_and_verifies() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    for n in 0..50 {
        a.say(conversation, &n.to_string()).await;
    }
    let read = b
        .acked(json!({ "type": "read", "conversation": conversation, "seq": 11 }))
        .await;
    let log = node.node.gateway().log.clone();
    let query =
        format!("{{ conversation(id: \"{conversation}\") {{ unreadCount lastMessage {{ text }} }} }}");
    let (rebuilt, is_rebuilt) = tokio::sync::watch::channel(false);
    let rebuilding = async {
        let replayed = tidings_projections::replay(&log, &[], 2, &()).await.unwrap();
        assert!(replayed.events > 50);
        rebuilt.send(true).unwrap();
    };
    // There is talk for as long as it lasts, so that each step of it falls among other events.
    let talking = async {
        let mut count = 50;
        while count < 150 || !*is_rebuilt.borrow() {
            a.say(conversation, &count.to_string()).await;
            count += 1;
            tokio::time::sleep(BREATH).await;
        }
        (count, a.say(conversation, "last").await["position"].clone())
    };
    // Whoever asks meanwhile is answered, and what was once counted stays so.
    let asking = async {
        let mut least = 0;
        // From now on reading takes nothing away.
        node.graphql(&ben, &query, read["position"].as_str()).await;
        while !*is_rebuilt.borrow() {
            let answer = node.graphql(&ben, &query, None).await;
            assert!(answer.get("errors").is_none(), "{answer}");
            let unread = answer["data"]["conversation"]["unreadCount"].as_u64().unwrap();
            assert!(unread >= least, "{unread} after {least}");
            assert!(
                answer["data"]["conversation"]["lastMessage"]["text"].is_string(),
                "{answer}"
            );
            least = unread;
            tokio::time::sleep(BREATH).await;
        }
    };
    let ((), (count, position), ()) = tokio::join!(rebuilding, talking, asking);
    let answer = node.graphql(&ben, &query, position.as_str()).await;
    assert_eq!(
        answer["data"]["conversation"],
        json!({ "unreadCount": count - 9, "lastMessage": { "text": "last" } }),
        "{answer}"
    );
    let report = tidings_projections::verify(&log, &[], 2, &()).await.unwrap();
    assert!(report.is_equal(), "{report:#?}");

    // And it would notice.
    let client = store.client().await;
    client
        .batch_execute("UPDATE p_unread_6.own_position SET msg_no = msg_no + 1")
        .await
        .unwrap();
    let report = tidings_projections::verify(&log, &["unread"], 2, &())
        .await
        .unwrap();
    assert!(!report.is_equal());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_builds_what_is_new_in_its_version_and_keeps_only_readers_of_that_waiting() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    for n in 0..20 {
        a.say(conversation, &n.to_string()).await;
    }
    node.stop().await;

    // As the version before has left it, which had no such tables; and the build has to wait for its turn.
    let client = store.client().await;
    client
        .batch_execute(
            "DROP SCHEMA p_history_4 CASCADE; DROP SCHEMA p_unread_6 CASCADE; \
             DELETE FROM projection_checkpoint WHERE projection IN ('history', 'unread'); \
             DELETE FROM projection_version WHERE projection IN ('history', 'unread'); \
             SELECT pg_advisory_lock(hashtextextended('tidings.projections.rebuild', 0))",
        )
        .await
        .unwrap();
    let node = store.node().await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let ack = a.say(conversation, "meanwhile").await;
    b.take(|object| object["data"]["content"]["text"] == "meanwhile")
        .await;
    let me = node
        .graphql(&ben, "{ me { username } }", ack["position"].as_str())
        .await;
    assert!(me["data"]["me"]["username"].is_string(), "{me}");
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ unreadCount messages {{ nodes {{ text }} }} }} }}"
    );
    let waited = node.graphql_once(&ben, &query, None).await;
    assert_eq!(
        waited["errors"][0]["extensions"]["code"], "unavailable",
        "{waited}"
    );

    client
        .batch_execute("SELECT pg_advisory_unlock(hashtextextended('tidings.projections.rebuild', 0))")
        .await
        .unwrap();
    let found = eventually(async || {
        let answer = node.graphql(&ben, &query, ack["position"].as_str()).await;
        answer.get("errors").is_none().then_some(answer)
    })
    .await;
    let found = &found["data"]["conversation"];
    assert_eq!(found["unreadCount"], 21, "{found}");
    assert_eq!(found["messages"]["nodes"].as_array().unwrap().len(), 21);
    node.stop().await;
}
