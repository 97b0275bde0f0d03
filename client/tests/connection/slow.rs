//! A user who takes events slowly, or not at all for a while.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tidings_client::{Incoming, connect};
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{Listener, ROOM, event, next, say, within};

#[tokio::test]
async fn an_ack_comes_while_hundreds_of_events_wait() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    for seq in 1..=600 {
        peer.write(&event(seq)).await;
    }
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "1");
    // As a bot does: the answer is awaited before the next event is taken.
    let answer = client.send(say("an answer")).await.unwrap();
    let command = peer.read().await;
    peer.ack(&command, 601).await;
    assert_eq!(within(answer).await.unwrap().seq, 601);
    for seq in 2..=600 {
        assert_eq!(next(&mut events).await, seq.to_string());
    }
}

/// An event of a good KiB.
fn long(seq: u64) -> Value {
    let mut event = event(seq);
    event["data"]["content"]["text"] = json!("x".repeat(1024));
    event
}

#[tokio::test]
async fn what_there_is_no_room_for_is_fetched_later_and_nothing_is_missing() {
    const EVENTS: u64 = 3000;
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.event_queue = 4;
    config.event_bytes = 128 * 1024;
    config.resume.conversations.insert(ROOM, 0);
    let (client, mut events) = connect(config);
    let (mut peer, _) = listener.welcome().await;
    for seq in 1..=EVENTS {
        peer.0.feed(Message::text(long(seq).to_string())).await.unwrap();
    }
    peer.write(&json!({"type": "synced"})).await;
    // Behind all of them, and answered though nobody has taken any: all was read.
    let pending = client.send(say("meanwhile")).await.unwrap();
    let command = peer.read().await;
    peer.ack(&command, EVENTS + 1).await;
    within(pending).await.unwrap();

    let server = tokio::spawn(peer.serve(EVENTS, 70, long));
    assert_eq!(next(&mut events).await, "connected");
    for seq in 1..=EVENTS {
        assert_eq!(next(&mut events).await, seq.to_string());
    }
    assert_eq!(
        next(&mut events).await,
        "synced",
        "only when all has been handed out"
    );
    let corrections = events.corrections();
    assert_eq!((corrections.repeats, corrections.holes), (0, 0));
    drop(events);
    within(server).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_fetched_for_now_is_asked_for_until_it_comes_and_nothing_is_proved_before() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.command_timeout = Duration::from_secs(1);
    config.resume.conversations.insert(ROOM, 0);
    let (_client, mut events) = connect(config);
    let (mut peer, _) = listener.welcome().await;
    peer.write(&event(3)).await;
    peer.ping(b"3").await;
    let taking = async {
        for value in ["connected", "1", "2", "3"] {
            assert_eq!(next(&mut events).await, value);
        }
    };
    let serving = async {
        let mut ids = Vec::new();
        loop {
            let (fetch, pongs) = peer.text_and_pongs().await;
            assert!(pongs.iter().all(Vec::is_empty), "{pongs:?}");
            assert_eq!((&fetch["type"], &fetch["from"]), (&json!("fetch"), &json!(1)));
            if !ids.contains(&fetch["id"]) {
                ids.push(fetch["id"].clone());
            }
            // One is not answered at all, two are refused for longer than a command may take.
            match ids.len() {
                1 => {}
                2 | 3 => peer.refuse(&fetch, "unavailable", true).await,
                _ => {
                    peer.write(&json!({"type": "events", "id": fetch["id"], "conversation": ROOM,
                        "events": [event(1), event(2)], "more": true}))
                        .await;
                }
            }
        }
    };
    tokio::select! {
        () = taking => {}
        () = serving => {}
    }
    let proof = loop {
        match within(peer.0.next()).await.unwrap().unwrap() {
            Message::Pong(payload) if !payload.is_empty() => break payload,
            _ => {}
        }
    };
    assert_eq!(proof, b"3".as_slice());
}

fn notice(seq: u64) -> Value {
    json!({"type": "notice", "seq": seq, "kind": "announcement", "at": "2026-11-23T16:00:00.000Z",
        "data": {"text": "x".repeat(1024)}})
}

#[tokio::test]
async fn notices_beyond_all_room_end_the_connection_and_come_again() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.event_queue = 1;
    config.event_bytes = 16 * 1024;
    let (_client, mut events) = connect(config);
    let (mut peer, _) = listener.welcome().await;
    for seq in 1..=100 {
        // It may hang up at any of them.
        let _ = peer.0.send(Message::text(notice(seq).to_string())).await;
    }
    assert_eq!(peer.closing().await, None);
    assert_eq!(next(&mut events).await, "connected");
    let mut last = 0;
    loop {
        match within(events.next()).await.unwrap() {
            Incoming::Notice(notice) => {
                assert_eq!(notice.seq, last + 1);
                last = notice.seq;
            }
            Incoming::Disconnected { retry_in, .. } => {
                assert!(retry_in.is_some());
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(last < 100, "all were kept");
    let (mut peer, hello) = listener.welcome().await;
    assert_eq!(hello["resume"], json!({"self": last}));
    peer.write(&notice(last + 1)).await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, format!("notice {}", last + 1));
}
