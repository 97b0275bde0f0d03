//! What cannot be shown is said.

use crate::support::*;
use bytes::Bytes;
use serde_json::json;
use tidings_eventlog::{Appender, Batch, LogConfig, NewEvent, Outcome, Proposal};
use uuid::Uuid;

/// Appends an event without any content, of a kind that need not be known.
async fn append_empty(store: &Store, conversation: Uuid, guard: u64, kind: i16) {
    append(store, conversation, guard, kind, vec![Bytes::from_static(b"{}")]).await;
}

/// Appends events of a kind that need not be known.
async fn append(store: &Store, conversation: Uuid, guard: u64, kind: i16, payloads: Vec<Bytes>) {
    let event = |payload| NewEvent {
        kind,
        ver: 1,
        control: false,
        countable: false,
        payload,
    };
    let proposal = Proposal {
        stream: conversation,
        command: Uuid::now_v7(),
        digest: 1,
        actor: Uuid::now_v7(),
        guard,
        events: payloads.into_iter().map(event).collect(),
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
async fn a_small_page_begins_behind_however_many_events_cannot_be_shown() {
    let store = Store::new().await;
    let mut config = store.config();
    // Nor is there room for more than a small one.
    config.gateway.catch_up_node_bytes = 0;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "before").await;
    let unknown = Bytes::from(json!({ "of": "x".repeat(100) }).to_string());
    append(&store, conversation, 1, 9_999, vec![unknown; 500]).await;
    a.say(conversation, "after").await;
    a.say(conversation, "and more").await;
    for (from, limit, shown, more) in [
        (1, 1, vec![1_u64], true),
        (3, 1, vec![503], true),
        (2, 2, vec![2, 503], true),
        (400, 2, vec![503, 504], false),
        (3, 1000, vec![503, 504], false),
    ] {
        let fetch = json!({ "type": "fetch", "conversation": conversation, "from": from, "limit": limit });
        let page = a.command(fetch).await;
        assert_eq!(seqs(page["events"].as_array().unwrap()), shown, "{page}");
        assert_eq!(page["more"], more, "{page}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_none_of_thousands_says_where_to_go_on() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "before").await;
    for _ in 0..10 {
        let unknown = Bytes::from_static(b"{}");
        append(&store, conversation, 1, 9_999, vec![unknown; 1_000]).await;
    }
    a.say(conversation, "after").await;
    let (mut from, mut empty) = (3, 0);
    let page = loop {
        let fetch = json!({ "type": "fetch", "conversation": conversation, "from": from, "limit": 1 });
        let page = a.command(fetch).await;
        assert_eq!(page["type"], "events", "{page}");
        if page["events"] != json!([]) {
            break page;
        }
        assert_eq!(page["more"], true, "{page}");
        let next = page["next"].as_u64().unwrap();
        assert!((from + 1..=10_003).contains(&next), "{page}");
        (from, empty) = (next, empty + 1);
    };
    assert!(empty > 0);
    assert_eq!(seqs(page["events"].as_array().unwrap()), [10_003]);
    assert_eq!((&page["more"], page.get("next")), (&json!(false), None));
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
