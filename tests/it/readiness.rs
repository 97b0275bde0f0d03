//! What a node says of itself, and does about it.

use crate::support::*;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Error;

/// What `/readyz` answers: the status and the reasons.
async fn ready(node: &TestNode) -> (u16, Vec<String>) {
    let answer = node.http.get(node.url("/readyz")).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let reasons = body["reasons"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    (status, reasons)
}

pub(crate) async fn until_ready(node: &TestNode) {
    eventually(async || (ready(node).await.0 == 200).then_some(())).await;
}

pub(crate) async fn until_reason(node: &TestNode, reason: &str) {
    eventually(async || {
        let (status, reasons) = ready(node).await;
        (status == 503 && reasons.iter().any(|given| given == reason)).then_some(())
    })
    .await;
}

/// Makes the database one that only reads for new sessions, and ends the ones that there are; or undoes it.
async fn only_reads(store: &Store, on: bool) {
    let client = store.client().await;
    let how = if on {
        "SET default_transaction_read_only = on"
    } else {
        "RESET default_transaction_read_only"
    };
    let alter = format!("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {how}', current_database()); END $$");
    // The client's own session may be one that only reads.
    client
        .batch_execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    client.batch_execute(&alter).await.unwrap();
    if on {
        let end = "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.batch_execute(end).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_write_lets_its_clients_go_and_takes_them_again_when_it_can() {
    let store = Store::new().await;
    let mut config = store.config();
    config.unwritable_s = 1;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    until_ready(&node).await;
    only_reads(&store, true).await;
    until_reason(&node, "log_not_writable").await;
    let (said, code) = a.closed().await;
    assert_eq!(
        (code, said.unwrap()["reconnect"].as_bool()),
        (Some(4000), Some(true))
    );
    let address = format!("ws://{}/ws", node.node.address());
    let refused = tokio_tungstenite::connect_async(address).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Http(answer) if answer.status() == 503),
        "{refused}"
    );
    only_reads(&store, false).await;
    until_ready(&node).await;
    // The doors are opened a moment later.
    eventually(async || {
        let address = format!("ws://{}/ws", node.node.address());
        tokio_tungstenite::connect_async(address)
            .await
            .is_ok()
            .then_some(())
    })
    .await;
    let mut a = node.socket(&ann).await;
    a.say(conversation, "again").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_read_models_stand_still_is_not_ready() {
    let store = Store::new().await;
    let mut config = store.config();
    config.read_models_behind_s = 1;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    until_ready(&node).await;
    let holder = store.client().await;
    holder
        .batch_execute("BEGIN; LOCK TABLE projection_checkpoint IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    a.say(conversation, "what nobody folds").await;
    until_reason(&node, "read_models_behind").await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    until_ready(&node).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_readers_get_no_session_is_not_ready() {
    let store = Store::new().await;
    let mut config = store.config();
    // So long somebody waits for a session before there is none.
    config.database_timeout_ms = 15_000;
    let node = TestNode::start(config).await;
    until_ready(&node).await;
    let readers = node.node.gateway().log.pool().clone();
    let mut held = vec![];
    while held.len() < readers.max_size() {
        held.extend(readers.get().await.ok());
    }
    until_reason(&node, "readers_unavailable").await;
    drop(held);
    until_ready(&node).await;
    node.stop().await;
}
