//! What the server does not want, or not now.

#![expect(
    clippy::unwrap_used,
    reason = "a script that does not go as written has failed"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tidings_client::{Backoff, CommandError, Config, Incoming, connect};
use tidings_protocol::{Action, ErrorCode};
use uuid::Uuid;

use crate::peer::{Listener, next, say, within};

#[tokio::test]
async fn a_refusal_for_now_is_retried_first_and_in_order_and_a_final_one_is_not() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;

    let first = client.send(say("first")).await.unwrap();
    let command = peer.read().await;
    peer.refuse(&command, "overloaded", true).await;
    assert_eq!(peer.read().await, command);
    peer.ack(&command, 1).await;
    assert_eq!(within(first).await.unwrap().seq, 1);

    let wrong = client.send(say("wrong")).await.unwrap();
    let command = peer.read().await;
    peer.refuse(&command, "not_a_member", false).await;
    assert!(!within(wrong).await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn a_command_that_is_refused_for_its_whole_time_was_refused() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.command_timeout = Duration::from_secs(3);
    let (client, _events) = connect(config);
    let (mut peer, _) = listener.welcome().await;

    let tired = client.send(say("tired")).await.unwrap();
    let refusing = async {
        loop {
            let command = peer.read().await;
            peer.refuse(&command, "rate_limited", true).await;
        }
    };
    let error = within(async {
        tokio::select! {
            () = refusing => unreachable!(),
            answer = tired => answer.unwrap_err(),
        }
    })
    .await;
    assert!(matches!(&error, CommandError::Refused(error) if error.code == ErrorCode::RateLimited));
    assert!(error.is_retryable() && !error.may_have_taken_effect());
}

#[tokio::test]
async fn a_conversation_that_cannot_be_served_now_holds_up_no_other() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let first = client.send(say("first")).await.unwrap();
    let refused = peer.read().await;
    peer.write(
        &serde_json::json!({"type": "error", "id": refused["id"], "code": "unavailable", "message": "no",
        "retryable": true, "retry_after_ms": 600_000}),
    )
    .await;
    // Behind the refusal, so that it was heard.
    let behind = client.fetch(Uuid::from_u128(8), 1, 1);
    let answering = async {
        let command = peer.read().await;
        assert_eq!(command["type"], "fetch");
        peer.write(&serde_json::json!({"type": "events", "id": command["id"],
            "conversation": Uuid::from_u128(8), "events": [], "more": false}))
            .await;
    };
    let (answer, ()) = within(async { tokio::join!(behind, answering) }).await;
    answer.unwrap();
    // The same conversation's wait behind it, and another's do not.
    let _second = client.send(say("second")).await.unwrap();
    let other = client
        .send(Action::GroupLeave {
            conversation: Uuid::from_u128(8),
        })
        .await
        .unwrap();
    let command = peer.read().await;
    assert_eq!(command["type"], "group.leave");
    peer.ack(&command, 2).await;
    within(other).await.unwrap();
    drop(first);
}

#[tokio::test]
async fn much_that_waits_for_a_slow_conversation_holds_up_no_other() {
    let listener = Listener::bind().await;
    let mut config = listener.config();
    config.in_flight_max = 2;
    config.command_timeout = Duration::from_mins(30);
    let (client, _events) = connect(config);
    let (mut peer, _) = listener.welcome().await;
    let mut slow = Vec::new();
    for text in ["first", "second"] {
        slow.push(client.send(say(text)).await.unwrap());
    }
    for _ in 0..2 {
        let command = peer.read().await;
        peer.write(
            &serde_json::json!({"type": "error", "id": command["id"], "code": "rate_limited", "message": "slowly",
            "retryable": true, "field": "conversation", "retry_after_ms": 600_000}),
        )
        .await;
    }
    // Several times as many as may be unanswered.
    for _ in 0..10 {
        slow.push(client.send(say("another")).await.unwrap());
    }
    let other = client
        .send(Action::GroupLeave {
            conversation: Uuid::from_u128(8),
        })
        .await
        .unwrap();
    let command = peer.read().await;
    assert_eq!(command["type"], "group.leave");
    peer.ack(&command, 2).await;
    within(other).await.unwrap();
    drop(slow);
}

#[tokio::test]
async fn what_may_happen_so_often_only_is_refused_when_it_would_be_too_late_and_keeps_nobody() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let tired = client.send(say("all of you")).await.unwrap();
    let behind = client.send(say("just that")).await.unwrap();
    for wait in [3_600_000, 1] {
        let command = peer.read().await;
        if wait == 1 {
            peer.ack(&command, 1).await;
        } else {
            peer.write(
                &serde_json::json!({"type": "error", "id": command["id"], "code": "rate_limited", "message": "no",
                "retryable": true, "field": "everyone", "retry_after_ms": wait}),
            )
            .await;
        }
    }
    let error = within(tired).await.unwrap_err();
    assert!(matches!(&error, CommandError::Refused(error) if error.field.as_deref() == Some("everyone")));
    assert_eq!(within(behind).await.unwrap().seq, 1);
    // What comes next is not kept either.
    let next = client.send(say("and this")).await.unwrap();
    let command = peer.read().await;
    peer.ack(&command, 2).await;
    assert_eq!(within(next).await.unwrap().seq, 2);
}

/// Answers each connection with the next of these heads.
fn answering(heads: &'static [&'static str]) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        for head in heads {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                let read = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            write!(stream, "HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n").unwrap();
        }
    });
    (url, answering)
}

fn config(url: String) -> Config {
    let mut config = Config::new(url, "a-token", "a-device");
    config.backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(20));
    config
}

#[tokio::test]
async fn an_upgrade_refused_for_good_is_not_tried_again_and_one_refused_for_now_is_when_the_server_says() {
    let (url, server) = answering(&["503 Service Unavailable\r\nRetry-After: 1", "404 Not Found"]);
    let (_client, mut events) = connect(config(url));
    let started = Instant::now();
    assert_eq!(next(&mut events).await, "disconnected");
    assert_eq!(
        next(&mut events).await,
        "over: the server refused the upgrade with 404"
    );
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(next(&mut events).await, "end");
    server.join().unwrap();
}

#[tokio::test]
async fn who_is_asked_to_stay_away_for_ever_comes_again_in_an_hour() {
    let (url, server) = answering(&["503 Service Unavailable\r\nRetry-After: 18446744073709551615"]);
    let (_client, mut events) = connect(config(url));
    let Some(Incoming::Disconnected {
        retry_in: Some(wait), ..
    }) = within(events.next()).await
    else {
        panic!("it does not come again");
    };
    let hour = Duration::from_hours(1);
    assert!(wait >= hour && wait <= hour * 9 / 8, "{wait:?}");
    server.join().unwrap();
}

#[tokio::test]
async fn an_address_of_no_use_gives_way_to_the_next() {
    let (url, server) = answering(&["404 Not Found"]);
    let listener = Listener::bind().await;
    let mut config = config(url);
    config.urls.extend(listener.config().urls);
    let (_client, mut events) = connect(config);
    assert_eq!(next(&mut events).await, "disconnected");
    let (_peer, _) = listener.welcome().await;
    assert_eq!(next(&mut events).await, "connected");
    server.join().unwrap();
}

#[tokio::test]
async fn an_address_that_is_none_is_final() {
    let (_client, mut events) = connect(config("not an address".to_owned()));
    assert!(
        next(&mut events)
            .await
            .starts_with("over: not an address to connect to")
    );
}
