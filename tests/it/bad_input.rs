//! Whatever a client sends gets its documented answer, and its neighbour notices nothing.

use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use uuid::Uuid;

/// A node, somebody who misbehaves, and a neighbour in the same conversation.
struct Scene {
    node: TestNode,
    rude: Socket,
    user: User,
    neighbour: Socket,
    conversation: Uuid,
}

impl Scene {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut tidings::config::Config)) -> Self {
        let store = Store::new().await;
        let mut config = store.config();
        change(&mut config);
        let node = TestNode::start(config).await;
        let (user, other) = (node.register("rude").await, node.register("neighbour").await);
        let (rude, mut neighbour) = (node.socket(&user).await, node.socket(&other).await);
        let conversation = neighbour.open_direct(&user).await;
        Self {
            node,
            rude,
            user,
            neighbour,
            conversation,
        }
    }

    /// The neighbour still talks and hears.
    async fn undisturbed(mut self) {
        self.neighbour.works().await;
        let words = Uuid::new_v4().to_string();
        self.neighbour.say(self.conversation, &words).await;
        loop {
            let event = self.neighbour.until("event").await;
            if event["data"]["content"]["text"] == words {
                break;
            }
        }
        self.node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_cannot_be_read_are_refused_one_by_one() {
    let mut scene = Scene::new().await;
    let id = Uuid::new_v4();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let conversation = scene.conversation;
    let cases: Vec<(String, &str, Option<&str>)> = vec![
        ("nonsense".into(), "invalid_frame", None),
        ("{\"type\":\"message.send\",".into(), "invalid_frame", None),
        ("[]".into(), "invalid_frame", None),
        ("\"type\"".into(), "invalid_frame", None),
        ("{}".into(), "invalid_argument", Some("type")),
        (
            format!("{{\"type\":\"fly\",\"id\":\"{id}\"}}"),
            "unknown_type",
            None,
        ),
        (format!("{{\"type\":{deep}}}"), "invalid_argument", Some("type")),
        (
            format!(
                "{{\"type\":\"message.send\",\"id\":\"{id}\",\"conversation\":7,\"content\":{{\"kind\":\"text\",\"text\":\"x\"}}}}"
            ),
            "invalid_argument",
            Some("conversation"),
        ),
        (
            format!("{{\"type\":\"message.send\",\"id\":\"{id}\",\"conversation\":\"{conversation}\"}}"),
            "invalid_argument",
            Some("content"),
        ),
        (
            format!(
                "{{\"type\":\"message.send\",\"id\":\"{id}\",\"conversation\":\"{conversation}\",\"content\":{{\"kind\":\"text\",\"text\":\"\"}}}}"
            ),
            "invalid_argument",
            Some("content"),
        ),
        (
            format!(
                "{{\"type\":\"message.send\",\"id\":\"{id}\",\"conversation\":\"{conversation}\",\"content\":{{\"kind\":\"text\",\"text\":\"a\\u0000b\"}}}}"
            ),
            "invalid_argument",
            Some("content"),
        ),
        (
            format!(
                "{{\"type\":\"message.send\",\"id\":\"{id}\",\"conversation\":\"{conversation}\",\"content\":{{\"kind\":\"text\",\"text\":\"{}\"}}}}",
                "x".repeat(8193)
            ),
            "too_large",
            Some("content"),
        ),
        (
            format!(
                "{{\"type\":\"message.send\",\"conversation\":\"{conversation}\",\"content\":{{\"kind\":\"text\",\"text\":\"x\"}}}}"
            ),
            "invalid_argument",
            Some("id"),
        ),
        (
            "{\"type\":\"message.send\",\"id\":\"not-an-id\"}".into(),
            "invalid_argument",
            None,
        ),
        (
            format!("{{\"type\":\"read\",\"id\":\"{id}\",\"conversation\":\"{conversation}\",\"seq\":-1}}"),
            "invalid_argument",
            Some("seq"),
        ),
        (
            format!(
                "{{\"type\":\"message.react\",\"id\":\"{id}\",\"conversation\":\"{conversation}\",\"message\":\"{id}\",\"emoji\":\"+\",\"on\":true}}"
            ),
            "invalid_argument",
            Some("emoji"),
        ),
    ];
    for (object, code, field) in cases {
        scene.rude.send_text(&object).await;
        let refused = scene.rude.until("error").await;
        let shown = &object[..object.len().min(100)];
        assert_eq!(refused["code"], code, "{shown}: {refused}");
        assert_eq!(refused["retryable"], false);
        if let Some(field) = field {
            assert_eq!(refused["field"], field, "{shown}: {refused}");
        }
    }
    // Good objects beside bad ones in one frame are answered too.
    let mut good = message(conversation, "good");
    good["id"] = json!(id);
    scene.rude.send_text(&format!("bad\n{good}\n\nworse")).await;
    assert_eq!(scene.rude.until("error").await["code"], "invalid_frame");
    assert_eq!(scene.rude.answer(id).await["type"], "ack");
    assert_eq!(scene.rude.until("error").await["code"], "invalid_frame");
    scene.rude.works().await;
    scene.undisturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_and_other_peoples_conversations_are_refused() {
    let mut scene = Scene::new().await;
    let nobody = Uuid::new_v4();
    let cat = scene.node.register("cat").await;
    let dan = scene.node.register("dan").await;
    let (mut cats, mut dans) = (scene.node.socket(&cat).await, scene.node.socket(&dan).await);
    let private = cats.open_direct(&dan).await;
    let mut unknown = *nobody.as_bytes();
    for last in [0, 3, 4, 255] {
        unknown[15] = last;
        scene
            .rude
            .refused(message(Uuid::from_bytes(unknown), "x"), "not_a_member")
            .await;
    }
    for kind in ["group.leave", "fetch", "read", "group.rename"] {
        let command =
            json!({ "type": kind, "conversation": private, "from": 1, "limit": 1, "seq": 1, "name": "x" });
        scene.rude.refused(command, "not_a_member").await;
    }
    scene.rude.refused(message(private, "x"), "not_a_member").await;
    scene
        .rude
        .refused(json!({ "type": "direct.open", "user": nobody }), "not_found")
        .await;
    scene
        .rude
        .refused(
            json!({ "type": "group.create", "name": "g", "members": [nobody] }),
            "not_found",
        )
        .await;
    let own = scene.user.id;
    scene
        .rude
        .refused(json!({ "type": "direct.open", "user": own }), "invalid_argument")
        .await;
    // Nobody hears a stranger type: the first that Dan hears is Cat, who began only when the stranger had been heard.
    dans.events(private, 1).await;
    let typing = json!({ "type": "typing", "conversation": private, "on": true });
    scene.rude.send(&typing).await;
    scene.rude.works().await;
    let shown = tokio::select! {
        shown = dans.until("typing") => shown,
        () = async {
            loop {
                cats.send(&typing).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        } => unreachable!(),
    };
    assert_eq!(id(&shown["user"]), cat.id);
    scene.undisturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_big_closes_the_connection() {
    let mut scene = Scene::new().await;
    scene.rude.send_text(&"x".repeat(70_000)).await;
    let (said, code) = scene.rude.closed().await;
    assert_eq!(code, Some(1009));
    assert_eq!(said.unwrap()["code"], 1009);
    scene.undisturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_frames_and_invalid_utf8_are_violations() {
    for frame in [
        Message::binary(b"{\"type\":\"ping\"}".to_vec()),
        Message::Frame(Frame::message(vec![0xc3, 0x28], OpCode::Data(Data::Text), true)),
    ] {
        let mut scene = Scene::new().await;
        scene.rude.stream.send(frame).await.unwrap();
        let (said, code) = scene.rude.closed().await;
        assert_eq!(code, Some(4500));
        assert_eq!(said.unwrap()["reconnect"], false);
        scene.undisturbed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_expired_forged_or_unsigned_are_refused() {
    let scene = Scene::new().await;
    let part = |value: Value| base64(value.to_string().as_bytes());
    let expires = 4_000_000_000_i64;
    let claims = |exp: i64| {
        part(json!({ "sub": scene.user.id, "exp": exp, "iat": 1, "iss": "tidings", "roles": ["admin"] }))
    };
    let own: Vec<&str> = scene.user.token.split('.').collect();
    let tokens = [
        String::new(),
        "nonsense".to_owned(),
        format!(
            "{}.{}.",
            part(json!({ "alg": "none", "typ": "JWT" })),
            claims(expires)
        ),
        format!("{}.{}.{}", own[0], claims(expires), own[2]),
        format!("{}.{}.{}", own[0], own[1], base64(&[7; 32])),
        format!(
            "{}.{}.{}",
            part(json!({ "alg": "HS512", "typ": "JWT" })),
            own[1],
            own[2]
        ),
    ];
    for token in tokens {
        let mut socket = scene.node.raw().await;
        socket.send(&json!({ "type": "hello", "token": token })).await;
        let (said, code) = socket.closed().await;
        assert_eq!(code, Some(4501), "{token}");
        assert_eq!(said.unwrap()["reconnect"], false);
    }
    scene.undisturbed().await;

    // A token that was good once: the first hello lasts to its end, the second comes behind it.
    let mut config = Store::new().await.config();
    config.auth.token_ttl_s = 1;
    let node = TestNode::start(config).await;
    let late = node.register("late").await;
    for comes_late in [false, true] {
        let mut socket = node.raw().await;
        socket
            .send(&json!({ "type": "hello", "token": late.token }))
            .await;
        if comes_late {
            let first = socket.receive().await;
            assert_eq!((&first["type"], &first["code"]), (&json!("close"), &json!(4501)));
        }
        assert_eq!(socket.closed().await.1, Some(4501));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_ends_the_session_unless_a_second_hello_renews_it() {
    let mut scene = Scene::with(|config| config.auth.token_ttl_s = 20).await;
    let fresh = scene.node.register("fresh").await;
    let mut renewed = scene.node.socket(&fresh).await;
    let login = json!({ "username": fresh.username, "password": "a long passphrase" }).to_string();
    // The rude one never renews and is closed; the other, whose first token is a little younger, goes on well beyond that.
    let (ended, mut has_ended) = tokio::sync::watch::channel(false);
    let closed = async {
        let (said, code) = scene.rude.closed().await;
        assert_eq!(code, Some(4501));
        assert_eq!(said.unwrap()["code"], 4501);
        ended.send(true).unwrap();
    };
    let renewing = async {
        let mut renewals_after = 0;
        while renewals_after < 5 {
            let request = scene
                .node
                .http
                .post(scene.node.url("/auth/login"))
                .header("content-type", "application/json");
            let answer = request
                .body(login.clone())
                .send()
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            let answer: Value = serde_json::from_str(&answer).unwrap();
            renewed
                .send(&json!({ "type": "hello", "token": answer["token"] }))
                .await;
            renewed.until("welcome").await;
            renewals_after += u32::from(*has_ended.borrow_and_update());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::join!(closed, renewing);
    renewed.works().await;
    // A hello of somebody else is not a renewal.
    let stranger = scene.node.register("stranger").await;
    renewed
        .send(&json!({ "type": "hello", "token": stranger.token }))
        .await;
    assert_eq!(renewed.closed().await.1, Some(4500));
    scene.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_not_hello_is_asked_and_then_closed() {
    let scene = Scene::with(|config| config.gateway.hello_ms = 15_000).await;
    let (mut silent, mut hasty) = (scene.node.raw().await, scene.node.raw().await);
    let id = Uuid::new_v4();
    hasty
        .send(&json!({ "type": "fetch", "id": id, "conversation": id, "from": 1, "limit": 1 }))
        .await;
    let refused = hasty.answer(id).await;
    assert_eq!(refused["code"], "unauthenticated");
    assert_eq!(hasty.closed().await.1, Some(4003));
    assert_eq!(silent.closed().await.1, Some(4003));
    scene.undisturbed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_commands_without_reading_hurt_nobody() {
    let mut scene = Scene::with(|config| {
        config.gateway.slow_ms = 8_000;
        config.gateway.flood = 2_000;
    })
    .await;
    let mut command = message(scene.conversation, "spam");
    let (mut sink, stream) = scene.rude.stream.split();
    let sending = async {
        for n in 0..1_000_000_u32 {
            command["id"] = json!(Uuid::from_u128(u128::from(n) + 1));
            // The server stops reading, and in the end closes.
            let sent = tokio::time::timeout(
                Duration::from_secs(20),
                sink.feed(Message::text(command.to_string())),
            );
            if !matches!(sent.await, Ok(Ok(()))) {
                return n;
            }
        }
        1_000_000
    };
    let (ended, has_ended) = tokio::sync::watch::channel(false);
    let flooding = async {
        let sent = sending.await;
        ended.send(true).unwrap();
        sent
    };
    // Each word of the neighbour is acked while the flood goes on, for as long as it goes on.
    let neighbour = async {
        let mut said = 0;
        while said < 20 || !*has_ended.borrow() {
            scene
                .neighbour
                .say(scene.conversation, &format!("calm {said}"))
                .await;
            said += 1;
            tokio::time::sleep(BREATH).await;
        }
        said
    };
    let (sent, said) = tokio::join!(flooding, neighbour);
    assert!(sent > 1_000, "the flood was none");
    assert!(
        sent < 1_000_000,
        "the flood was taken to its end, beside {said} words"
    );
    drop((sink, stream));
    // Whoever was slow here can resume and sees everything once.
    let (mut back, missed) = scene
        .node
        .resumed(&scene.user, json!({ scene.conversation.to_string(): 0 }))
        .await;
    let first = missed
        .iter()
        .find(|object| object["type"] == "gap")
        .map_or(0, |gap| gap["to"].as_u64().unwrap())
        + 1;
    let mut events: Vec<Value> = missed
        .into_iter()
        .filter(|object| object["type"] == "event")
        .collect();
    let head = scene.neighbour.say(scene.conversation, "end").await["seq"]
        .as_u64()
        .unwrap()
        - 1;
    assert!(head > said, "{head} events, {said} of them the neighbour's");
    // What was still on its way to the log came behind all that.
    while seqs(&events).last().is_none_or(|seq| *seq < head) {
        events.extend(back.events(scene.conversation, 1).await);
    }
    assert_eq!(seqs(&events), (first..=head).collect::<Vec<_>>());
    scene.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_limited_and_then_closed() {
    let mut scene = Scene::with(|config| {
        config.gateway.commands_per_second = 1;
        config.gateway.commands_burst = 10;
        config.gateway.flood = 300;
    })
    .await;
    let ping = json!({ "type": "ping", "id": Uuid::new_v4() }).to_string();
    for _ in 0..150 {
        scene.rude.send_text(&ping).await;
    }
    let limited = scene.rude.until("error").await;
    assert_eq!(
        (&limited["code"], &limited["retryable"]),
        (&json!("rate_limited"), &json!(true))
    );
    assert!(limited["retry_after_ms"].as_u64().unwrap() > 0);
    for _ in 0..1000 {
        if scene.rude.stream.send(Message::text(ping.clone())).await.is_err() {
            break;
        }
    }
    let (said, code) = scene.rude.closed().await;
    assert_eq!(code, Some(4029));
    // Whoever comes back at once is told to wait, too.
    assert!(said.unwrap()["retry_after_ms"].as_u64().unwrap() >= 5_000);
    scene.undisturbed().await;
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0_u32, |word, byte| word << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * index) & 63) as usize]));
        }
    }
    out
}
