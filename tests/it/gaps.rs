//! What cannot be shown is said.

use crate::support::*;
use bytes::Bytes;
use serde_json::json;
use tidings_eventlog::{Appender, Batch, LogConfig, NewEvent, Outcome, Proposal};
use uuid::Uuid;

/// Appends an event without any content, of a kind that need not be known.
async fn append_empty(store: &Store, conversation: Uuid, guard: u64, kind: i16) {
    let proposal = Proposal {
        stream: conversation,
        command: Uuid::now_v7(),
        digest: 1,
        actor: Uuid::now_v7(),
        guard,
        events: vec![NewEvent {
            kind,
            ver: 1,
            control: false,
            countable: false,
            payload: Bytes::from_static(b"{}"),
        }],
    };
    let mut batch = Batch::new(conversation.as_bytes()[15]);
    batch.push(&proposal);
    let appender = Appender::new(
        LogConfig::from_url(store.database.url())
            .unwrap()
            .with_timeout(PATIENCE),
    );
    let outcome = appender.append(&batch).await.unwrap();
    assert!(matches!(outcome, Outcome::Appended(_)), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_shown_is_said_as_a_gap_and_left_out_of_pages() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let mut b = node.socket(&ben).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "before").await;
    assert_eq!(seqs(&b.events(conversation, 2).await), [1, 2]);
    // A kind that no version knows yet, and a message that is spoilt.
    append_empty(&store, conversation, 1, 9_999).await;
    append_empty(&store, conversation, 1, 16).await;
    a.say(conversation, "after").await;
    for seq in [3, 4] {
        let gap = b.until("gap").await;
        assert_eq!(
            (&gap["conversation"], &gap["from"], &gap["to"]),
            (&json!(conversation), &json!(seq), &json!(seq))
        );
    }
    assert_eq!(seqs(&b.events(conversation, 1).await), [5]);
    for (from, limit) in [(3, 1), (4, 1), (3, 1000)] {
        let fetch = json!({ "type": "fetch", "conversation": conversation, "from": from, "limit": limit });
        let page = b.command(fetch).await;
        assert_eq!(seqs(page["events"].as_array().unwrap()), [5], "{page}");
        assert_eq!(page["more"], false);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_said_at_once_and_not_with_the_next_event() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let mut b = node.socket(&ben).await;
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    append_empty(&store, conversation, 1, 9_999).await;
    let gap = b.until("gap").await;
    assert_eq!(
        (&gap["conversation"], &gap["from"], &gap["to"]),
        (&json!(conversation), &json!(2), &json!(2))
    );
    node.stop().await;
}
