//! What a connection goes on from.

use serde_json::json;
use tidings_client::connect;
use uuid::Uuid;

use crate::peer::{Listener, ROOM, event, next, welcome};

#[tokio::test]
async fn a_cursor_ahead_of_the_log_goes_back_with_it_and_new_events_are_none_that_were_seen() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.resume.conversations.insert(ROOM, 90);
    config.resume.notices = Some(30);
    let (_client, mut events) = connect(config);
    let (mut peer, hello) = listener.welcome().await;
    assert_eq!(hello["resume"], json!({ROOM.to_string(): 90, "self": 30}));
    for (conversation, head) in [(Some(ROOM), 7), (None, 2)] {
        peer.write(
            &json!({"type": "error", "code": "invalid_argument", "message": "ahead", "retryable": false,
            "field": "resume", "conversation": conversation, "head": head}),
        )
        .await;
    }
    peer.write(&event(8)).await;
    peer.write(
        &json!({"type": "notice", "seq": 3, "kind": "announcement", "at": "2026-11-23T16:00:00.000Z",
        "data": {}}),
    )
    .await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(next(&mut events).await);
    }
    assert_eq!(seen, ["connected", "back to 7", "back to 2", "8", "notice 3"]);
    let cursors = events.cursors();
    assert_eq!((cursors.conversations[&ROOM], cursors.notices), (8, Some(3)));
    peer.cut();
    assert_eq!(next(&mut events).await, "disconnected");
    let (_peer, hello) = listener.welcome().await;
    assert_eq!(hello["resume"], json!({ROOM.to_string(): 8, "self": 3}));
}

#[tokio::test]
async fn a_cursor_that_the_server_cannot_read_ends_nothing() {
    let listener = Listener::bind().await;
    let (_client, mut events) = listener.connect();
    let mut peer = listener.accept().await;
    peer.read().await;
    peer.write(
        &json!({"type": "error", "code": "invalid_argument", "message": "no cursor", "retryable": false,
        "field": "resume"}),
    )
    .await;
    peer.write(&welcome(25_000)).await;
    assert_eq!(next(&mut events).await, "connected");
}

#[tokio::test]
async fn all_cursors_are_named_however_many_there_are() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    for id in 0..2000 {
        config.resume.conversations.insert(Uuid::from_u128(id), 5);
    }
    let (_client, _events) = connect(config);
    let mut peer = listener.accept().await;
    let mut named = 0;
    loop {
        let part = peer.read().await;
        assert!(part.to_string().len() < 65_536);
        named += part["resume"].as_object().unwrap().len();
        if part["more"] != true {
            break;
        }
    }
    assert_eq!(named, 2000);
}
