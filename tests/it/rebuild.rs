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
    b.acked(json!({ "type": "read", "conversation": conversation, "seq": 11 }))
        .await;
    let log = node.node.gateway().log.clone();
    let rebuilding = async {
        let replayed = tidings_projections::replay(&log, &[], 2, &()).await.unwrap();
        assert!(replayed.events > 50);
    };
    let talking = async {
        for n in 50..150 {
            a.say(conversation, &n.to_string()).await;
        }
        a.say(conversation, "last").await["position"].clone()
    };
    let ((), position) = tokio::join!(rebuilding, talking);
    let query =
        format!("{{ conversation(id: \"{conversation}\") {{ unreadCount lastMessage {{ text }} }} }}");
    let answer = node.graphql(&ben, &query, position.as_str()).await;
    assert_eq!(
        answer["data"]["conversation"],
        json!({ "unreadCount": 141, "lastMessage": { "text": "last" } }),
        "{answer}"
    );
    let report = tidings_projections::verify(&log, &[], 2, &()).await.unwrap();
    assert!(report.is_equal(), "{report:#?}");

    // And it would notice.
    let client = store.client().await;
    client
        .batch_execute("UPDATE p_unread.reader SET read_msg_no = read_msg_no + 1")
        .await
        .unwrap();
    let report = tidings_projections::verify(&log, &["unread"], 2, &())
        .await
        .unwrap();
    assert!(!report.is_equal());
    node.stop().await;
}
