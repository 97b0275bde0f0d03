//! Accounts on whole nodes: registration reaches the log, and tokens open connections on every node.

use crate::support::*;
use serde_json::{Value, json};

async fn post(node: &TestNode, path: &str, body: Value) -> (u16, Value) {
    let request = node
        .http
        .post(node.url(path))
        .header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    )
}

/// How a connection ends that says hello with this token.
async fn ends(node: &TestNode, token: &str) -> (Value, Option<u16>) {
    let mut socket = node.raw().await;
    socket.send(&json!({ "type": "hello", "token": token })).await;
    let (said, code) = socket.closed().await;
    (said.unwrap(), code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_one_node_is_a_user_of_all() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let (ann, bob) = (here.register("ann").await, here.register("bob").await);
    let credentials = json!({ "username": ann.username.to_uppercase(), "password": "a long passphrase" });
    let (status, admitted) = post(&there, "/auth/login", credentials).await;
    assert_eq!(status, 200, "{admitted}");
    assert_eq!(id(&admitted["user"]), ann.id);
    // The log knows both, or the conversation could not be opened.
    let mut socket = there.socket(&ann).await;
    let conversation = socket.open_direct(&bob).await;
    socket.say(conversation, "hello").await;
    let (status, refreshed) = post(
        &here,
        "/auth/refresh",
        json!({ "refresh_token": admitted["refresh_token"] }),
    )
    .await;
    assert_eq!(status, 200, "{refreshed}");
    let ann = User {
        token: text(&refreshed["token"]),
        ..ann
    };
    here.socket(&ann).await.works().await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_there_is_no_connection() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let unsigned = &ann.token[..=ann.token.rfind('.').unwrap()];
    for token in ["", "token", unsigned] {
        let (said, code) = ends(&node, token).await;
        assert_eq!((code, &said["reconnect"]), (Some(4501), &json!(false)), "{token}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_user_is_turned_away_until_reinstated() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    assert!(node.node.accounts().suspend(ann.id).await.unwrap());
    let (said, code) = ends(&node, &ann.token).await;
    assert_eq!((code, &said["reconnect"]), (Some(4503), &json!(false)));
    let credentials = json!({ "username": ann.username, "password": "a long passphrase" });
    let (status, problem) = post(&node, "/auth/login", credentials).await;
    assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
    assert!(node.node.accounts().reinstate(ann.id).await.unwrap());
    node.socket(&ann).await.works().await;
    node.stop().await;
}
