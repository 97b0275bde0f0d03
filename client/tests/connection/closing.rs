//! How the user goes away, and what that proves to the server.

use futures_util::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

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

#[tokio::test]
async fn a_ping_is_answered_when_everything_in_front_of_it_was_handed_out() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.event_queue = 4;
    let (client, mut events) = tidings_client::connect(config);
    let (mut peer, _) = listener.welcome().await;
    for seq in 1..=100 {
        peer.write(&event(seq)).await;
    }
    peer.ping(b"1").await;
    peer.write(&event(101)).await;
    peer.ping(b"").await;
    peer.ping(b"1").await;
    assert_eq!(next(&mut events).await, "connected");
    for seq in 1..=99 {
        assert_eq!(next(&mut events).await, seq.to_string());
    }
    let one = client.send(say("one")).await.unwrap();
    let (command, pongs) = peer.text_and_pongs().await;
    peer.ack(&command, 1).await;
    within(one).await.unwrap();
    // All three were read by then, and show that the client lives.
    client.send(say("two")).await.unwrap();
    let (_, more) = peer.text_and_pongs().await;
    assert_eq!([pongs, more].concat(), vec![Vec::<u8>::new(); 3]);
    assert_eq!(next(&mut events).await, "100");
    let pong = within(peer.0.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(b"1".as_slice().into()));
    // Whoever has everything proves it at once.
    assert_eq!(next(&mut events).await, "101");
    peer.ping(b"2").await;
    let pong = within(peer.0.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(b"2".as_slice().into()));
}

#[tokio::test]
async fn a_ping_behind_what_there_was_no_room_for_is_answered_when_that_was_fetched_and_handed_out() {
    const EVENTS: u64 = 300;
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.event_queue = 4;
    config.event_bytes = 16 * 1024;
    let (client, mut events) = tidings_client::connect(config);
    let (mut peer, _) = listener.welcome().await;
    for seq in 1..=EVENTS {
        peer.write(&event(seq)).await;
    }
    peer.ping(b"1").await;
    let pending = client.send(say("meanwhile")).await.unwrap();
    let (command, _) = peer.text_and_pongs().await;
    peer.ack(&command, EVENTS + 1).await;
    within(pending).await.unwrap();
    let taking = async {
        assert_eq!(next(&mut events).await, "connected");
        for seq in 1..EVENTS {
            assert_eq!(next(&mut events).await, seq.to_string());
        }
    };
    let serving = async {
        loop {
            let (fetch, pongs) = peer.text_and_pongs().await;
            assert!(pongs.iter().all(Vec::is_empty), "{pongs:?}");
            let (from, limit) = (fetch["from"].as_u64().unwrap(), fetch["limit"].as_u64().unwrap());
            let to = EVENTS.min(from + limit - 1);
            let page: Vec<_> = (from..=to).map(event).collect();
            peer.write(
                &json!({"type": "events", "id": fetch["id"], "conversation": ROOM, "events": page,
                "more": to < EVENTS}),
            )
            .await;
        }
    };
    tokio::select! {
        () = taking => {}
        () = serving => {}
    }
    assert_eq!(next(&mut events).await, EVENTS.to_string());
    loop {
        match within(peer.0.next()).await.unwrap().unwrap() {
            Message::Pong(payload) if payload.is_empty() => {}
            pong => {
                assert_eq!(pong, Message::Pong(b"1".as_slice().into()));
                return;
            }
        }
    }
}
