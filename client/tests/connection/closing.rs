//! How the user goes away, and what that proves to the server.

use serde_json::json;

use crate::peer::{Listener, ROOM, event, next, say, welcome, within};

#[tokio::test]
async fn a_normal_close_says_that_all_was_taken() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    peer.write(&event(1)).await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "1");
    client.close();
    // What the server sends before it hears of that still comes out.
    for seq in 2..=500 {
        peer.write(&event(seq)).await;
    }
    let closing = tokio::spawn(async move { (peer.closing().await, peer) });
    for seq in 2..=500 {
        assert_eq!(next(&mut events).await, seq.to_string());
    }
    assert_eq!(next(&mut events).await, "over: closed by this side");
    assert_eq!(next(&mut events).await, "end");
    assert_eq!(closing.await.unwrap().0, Some(1000));
}

#[tokio::test]
async fn a_close_over_events_that_nobody_took_proves_nothing() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    peer.write(&event(1)).await;
    assert_eq!(next(&mut events).await, "connected");
    // Behind the event, so that has come.
    let pending = client.send(say("and this")).await.unwrap();
    let command = peer.read().await;
    peer.ack(&command, 2).await;
    within(pending).await.unwrap();
    client.close();
    assert_eq!(peer.closing().await, Some(1001));
    // They were there all the same.
    assert_eq!(next(&mut events).await, "1");
}

#[tokio::test]
async fn whoever_stops_listening_proves_nothing_and_close_returns_the_cursors() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    peer.write(&event(9)).await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "9");
    let closing = tokio::spawn(async move { peer.closing().await });
    let cursors = within(events.close()).await;
    assert_eq!(cursors.conversations[&ROOM], 9);
    assert_eq!(closing.await.unwrap(), Some(1001));
    assert!(client.send(say("late")).await.is_err());

    let (_client, events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    drop(events);
    assert_eq!(peer.closing().await, Some(1001));
}

#[tokio::test]
async fn a_server_that_fell_silent_is_left_without_a_word() {
    let listener = Listener::bind().await;
    let (_client, mut events) = listener.connect();
    let mut peer = listener.accept().await;
    peer.read().await;
    peer.write(&welcome(20)).await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "disconnected");
    assert_eq!(peer.closing().await, None);
    let (mut peer, _) = listener.welcome().await;
    peer.write(&json!({"type": "synced"})).await;
    assert_eq!(next(&mut events).await, "connected");
}
