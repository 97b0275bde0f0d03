//! How a connection breaks, comes back and goes on, against a scripted other side.

#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs"
)]

#[path = "connection/closing.rs"]
mod closing;
#[path = "connection/messages.rs"]
mod messages;
#[path = "connection/peer.rs"]
mod peer;
#[path = "connection/presence.rs"]
mod presence;
#[path = "connection/receipts.rs"]
mod receipts;
#[path = "connection/refused.rs"]
mod refused;
#[path = "connection/resuming.rs"]
mod resuming;
#[path = "connection/slow.rs"]
mod slow;
#[path = "connection/store.rs"]
mod store;
#[cfg(feature = "tls")]
#[path = "connection/tls.rs"]
mod tls;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use peer::{Listener, ROOM, event, next, say, welcome, within};
use serde_json::json;
use tidings_client::{
    CommandError, ConnectionState, SendStatus, Token, TokenFailure, TokenReason, Tokens, connect,
};
use tidings_protocol::ErrorCode;

#[tokio::test]
async fn unanswered_commands_are_sent_again_in_order_with_their_ids_and_cursors_resume() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, hello) = listener.welcome().await;
    assert_eq!(hello["token"], "a-token");
    assert_eq!(hello["device"], "a-device");
    assert!(hello.get("resume").is_none());
    let mut pending = Vec::new();
    for text in ["one", "two", "three"] {
        pending.push(client.send(say(text)).await.unwrap());
    }
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(peer.read().await["id"].clone());
    }
    peer.write(&event(4)).await;
    peer.ack(&json!({"id": ids[1]}), 5).await;
    assert_eq!(pending.remove(1).await.unwrap().seq, 5);
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "4");
    assert_eq!(pending[0].status(), SendStatus::Pending);
    peer.cut();

    assert_eq!(next(&mut events).await, "disconnected");
    let (mut peer, hello) = listener.welcome().await;
    assert_eq!(hello["resume"], json!({ROOM.to_string(): 4}));
    for (index, pending) in [0, 2].into_iter().zip(pending) {
        let again = peer.read().await;
        assert_eq!(again["id"], ids[index]);
        assert_eq!(again["id"], pending.id().to_string());
        peer.ack(&again, 6).await;
        assert_eq!(pending.await.unwrap().seq, 6);
    }
    assert_eq!(events.cursors().conversations[&ROOM], 4);
}

#[tokio::test]
async fn a_hole_is_filled_before_later_events_come_out() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.resume.conversations.insert(ROOM, 2);
    let (_client, mut events) = connect(config);
    let (mut peer, hello) = listener.welcome().await;
    assert_eq!(hello["resume"], json!({ROOM.to_string(): 2}));
    peer.write(&event(3)).await;
    peer.write(&event(2)).await;
    peer.write(&event(6)).await;
    let fetch = peer.read().await;
    assert_eq!((&fetch["type"], &fetch["from"]), (&json!("fetch"), &json!(4)));
    peer.write(&event(7)).await;
    peer.write(&json!({"type": "events", "id": fetch["id"], "conversation": ROOM,
        "events": [event(4), event(5), event(6)], "more": true}))
        .await;
    peer.write(&json!({"type": "gap", "conversation": ROOM, "from": 8, "to": 20}))
        .await;
    peer.write(&event(21)).await;
    let mut seen = Vec::new();
    for _ in 0..8 {
        seen.push(next(&mut events).await);
    }
    assert_eq!(seen, ["connected", "3", "4", "5", "6", "7", "gap 8..20", "21"]);
    let corrections = events.corrections();
    assert_eq!((corrections.repeats, corrections.holes), (1, 1));
}

#[tokio::test]
async fn it_gives_up_after_the_limit_of_attempts_and_fails_what_waits() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let pending = client.send(say("never")).await.unwrap();
    for _ in 0..5 {
        listener.accept().await.cut();
    }
    for _ in 0..4 {
        assert_eq!(next(&mut events).await, "disconnected");
    }
    assert!(next(&mut events).await.starts_with("over: "));
    assert_eq!(next(&mut events).await, "end");
    let error = within(pending).await.unwrap_err();
    assert_eq!(error, CommandError::Closed { sent: false });
    assert!(error.is_retryable() && !error.may_have_taken_effect());
    assert!(client.send(say("too late")).await.is_err());
}

#[tokio::test]
async fn a_close_that_forbids_it_is_not_followed_by_a_return() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let pending = client.send(say("perhaps")).await.unwrap();
    peer.read().await;
    peer.write(&json!({"type": "close", "code": 4503, "reason": "suspended", "reconnect": false}))
        .await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(
        next(&mut events).await,
        "over: the server closed with 4503: suspended"
    );
    assert_eq!(next(&mut events).await, "end");
    assert!(within(pending).await.unwrap_err().may_have_taken_effect());
}

#[tokio::test]
async fn it_stays_away_as_long_as_the_server_asks() {
    let listener = Listener::bind().await;
    let (_client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let asked = std::time::Instant::now();
    peer.write(
        &json!({"type": "close", "code": 4000, "reason": "going away", "reconnect": true,
        "retry_after_ms": 300}),
    )
    .await;
    listener.welcome().await;
    assert!(asked.elapsed() >= Duration::from_millis(300));
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "disconnected");
    assert_eq!(next(&mut events).await, "connected");
}

#[tokio::test]
async fn a_command_without_an_answer_times_out_in_doubt() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.command_timeout = Duration::from_secs(2);
    let (client, _events) = connect(config);
    let (mut peer, _) = listener.welcome().await;
    let mut unanswered = client.send(say("anybody?")).await.unwrap();
    peer.read().await;
    assert_eq!(
        within(&mut unanswered).await.unwrap_err(),
        CommandError::TimedOut { sent: true }
    );
    let failed = SendStatus::Failed {
        code: ErrorCode::Unavailable,
        retryable: true,
    };
    assert_eq!(unanswered.status(), failed);
}

#[tokio::test]
async fn an_id_under_way_and_a_frame_too_large_are_refused_on_this_side() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let first = client.send(say("hi")).await.unwrap();
    let again = client.send_as(first.id(), say("hi")).await.unwrap();
    assert_eq!(within(again).await.unwrap_err(), CommandError::UnderWay);
    // The scripted server takes frames of 64 KiB.
    let large = client.send(say(&"x".repeat(66_000))).await.unwrap();
    assert_eq!(within(large).await.unwrap_err(), CommandError::TooLarge);
    let command = peer.read().await;
    peer.ack(&command, 1).await;
    assert_eq!(within(first).await.unwrap().seq, 1);
}

#[tokio::test]
async fn a_silent_server_is_left_and_tried_again() {
    let listener = Listener::bind().await;
    let (_client, mut events) = listener.connect();
    let mut silent = listener.accept().await;
    silent.read().await;
    silent.write(&welcome(20)).await;
    assert_eq!(next(&mut events).await, "connected");
    assert_eq!(next(&mut events).await, "disconnected");
    let (_peer, _) = listener.welcome().await;
    assert_eq!(next(&mut events).await, "connected");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_by_the_provider() {
    let listener = Listener::bind().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut config = listener.config();
    let reasons = Arc::clone(&asked);
    config.tokens = Tokens::provider(move |reason| {
        reasons.lock().unwrap().push(reason);
        Box::pin(async move { Ok(Token::new(format!("{reason:?}"))) })
    });
    let (_client, mut events) = connect(config);
    for token in ["Connect", "Refused"] {
        let mut peer = listener.accept().await;
        assert_eq!(peer.read().await["token"], token);
        peer.write(&json!({"type": "close", "code": 4501, "reason": "no valid token", "reconnect": false}))
            .await;
    }
    assert_eq!(next(&mut events).await, "disconnected");
    assert_eq!(
        next(&mut events).await,
        "over: the server closed with 4501: no valid token"
    );
    assert_eq!(
        *asked.lock().unwrap(),
        [TokenReason::Connect, TokenReason::Refused]
    );
}

#[tokio::test]
async fn a_token_is_renewed_in_mid_session_and_asked_for_again_where_there_was_none() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    let failed = Arc::new(AtomicBool::new(false));
    config.tokens = Tokens::provider(move |reason| {
        let fails = reason == TokenReason::Renew && !failed.swap(true, Ordering::Relaxed);
        Box::pin(async move {
            let token = Token::new(format!("{reason:?}"));
            match reason {
                _ if fails => Err(TokenFailure("not now".to_owned())),
                TokenReason::Connect => Ok(token.renewed_in(Duration::from_millis(10))),
                _ => Ok(token),
            }
        })
    });
    let (_client, _events) = connect(config);
    let (mut peer, hello) = listener.welcome().await;
    assert_eq!(hello["token"], "Connect");
    let renewed = peer.read().await;
    assert_eq!(
        (&renewed["type"], &renewed["token"]),
        (&json!("hello"), &json!("Renew"))
    );
}

#[tokio::test]
async fn the_state_of_the_connection_can_be_watched() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let mut state = client.state();
    assert_eq!(*state.borrow_and_update(), ConnectionState::Connecting);
    let (mut peer, _) = listener.welcome().await;
    let mut is = async |wanted| {
        within(state.wait_for(|state| *state == wanted)).await.unwrap();
    };
    is(ConnectionState::CatchingUp).await;
    peer.write(&json!({"type": "synced"})).await;
    is(ConnectionState::Live).await;
    peer.cut();
    let (_peer, _) = listener.welcome().await;
    is(ConnectionState::CatchingUp).await;
    client.close();
    is(ConnectionState::Ended).await;
}

#[tokio::test]
async fn what_a_later_server_says_is_tolerated() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let mut recalled = event(1);
    recalled["data"]["content"] = json!(null);
    recalled["new"] = json!({"deep": [1]});
    let mut unheard_of = event(2);
    unheard_of["kind"] = json!("something.new");
    for frame in [
        json!({"type": "weather", "conversation": ROOM, "online": 3}),
        json!({"type": "weather.state", "id": ROOM, "users": {}, "conversations": {}}),
        recalled,
        unheard_of,
    ] {
        peer.write(&frame).await;
    }
    let pending = client.send(say("hi")).await.unwrap();
    let command = peer.read().await;
    peer.write(
        &json!({"type": "ack", "id": command["id"], "conversation": ROOM, "seq": 3, "position": "0:1",
        "at": "2026-11-23T16:00:00.000Z", "data": {"link": "l", "secret": "s"}}),
    )
    .await;
    assert_eq!(within(pending).await.unwrap().seq, 3);
    let seen = [
        next(&mut events).await,
        next(&mut events).await,
        next(&mut events).await,
    ];
    assert_eq!(seen, ["connected", "1", "2"]);
}
