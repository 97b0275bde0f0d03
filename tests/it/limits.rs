//! Connections, heartbeats, and clients that do not read.

use crate::deaf::{arrived, narrow};
use crate::support::*;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_announced() {
    let mut config = Store::new().await.config();
    config.gateway.heartbeat_ms = 20_000;
    config.attachments.file_bytes = 5000;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let mut socket = node.raw().await;
    socket.send(&json!({ "type": "hello", "token": ann.token })).await;
    let welcome = socket.receive().await;
    let limits = &welcome["limits"];
    assert_eq!(
        (
            &limits["frame_bytes"],
            &limits["text_bytes"],
            &limits["catch_up_events"],
            &limits["catch_up_total"]
        ),
        (&json!(65536), &json!(8192), &json!(1000), &json!(10000))
    );
    assert_eq!(limits["attachment_bytes"], 5000);
    assert_eq!(welcome["heartbeat_ms"], 20_000);
    assert!(text(&welcome["server"]).starts_with("tidings/"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_header_will_do() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let mut request = format!("ws://{}/ws", node.node.address())
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {}", ann.token).parse().unwrap());
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "tidings.v1".parse().unwrap());
    let (stream, response) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "tidings.v1");
    let mut socket = Socket::from(stream);
    socket.send(&json!({ "type": "hello" })).await;
    assert_eq!(socket.receive().await["type"], "welcome");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_and_a_node_have_only_so_many_connections() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.connections_per_user = 2;
    config.gateway.connections = 3;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let first = node.socket(&ann).await;
    let mut second = node.socket(&ann).await;
    let mut third = node.raw().await;
    third.send(&json!({ "type": "hello", "token": ann.token })).await;
    let (said, code) = third.closed().await;
    assert_eq!(code, Some(4029));
    assert!(text(&said.unwrap()["reason"]).contains("connections"));
    let mut b = node.socket(&ben).await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/ws", node.node.address()))
        .await
        .unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else {
        panic!("{refused}")
    };
    assert_eq!(response.status(), 503);
    second.works().await;
    b.works().await;
    // A place becomes free when somebody leaves.
    drop(first);
    eventually(async || (node.node.gateway().registry.count() < 3).then_some(())).await;
    node.socket(&ann).await.works().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_too_often_is_told_to_wait() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.connects_per_minute = 1;
    config.gateway.connects_burst = 2;
    config.gateway.address_connects_per_minute = 1;
    config.gateway.address_connects_burst = 4;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    // A minute earns one more, to her and to the address.
    let before = std::time::Instant::now();
    let earned = || before.elapsed().as_secs() / 60;
    let mut let_in = 0;
    let said = loop {
        let mut socket = node.raw().await;
        socket.send(&json!({ "type": "hello", "token": ann.token })).await;
        let said = socket.receive().await;
        if said["type"] == "close" {
            assert_eq!(socket.closed().await.1, Some(4029));
            break said;
        }
        assert_eq!(said["type"], "welcome", "{said}");
        let_in += 1;
    };
    assert!((2..=2 + earned()).contains(&let_in), "{let_in}");
    assert_eq!(said["reconnect"], true);
    assert!(text(&said["reason"]).contains("too often"));
    assert!(said["retry_after_ms"].as_u64().unwrap() > 0);
    // Others are not concerned, until it is their address that comes too often.
    node.socket(&ben).await.works().await;
    let refused = loop {
        match tokio_tungstenite::connect_async(format!("ws://{}/ws", node.node.address())).await {
            Ok(_) => let_in += 1,
            Err(error) => break error,
        }
    };
    assert!(let_in <= 2 + earned(), "{let_in}");
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else {
        panic!("{refused}")
    };
    assert_eq!(response.status(), 429);
    assert!(response.headers().contains_key("retry-after"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_knows_who_is_there() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let _socket = node.socket(&ann).await;
    let connections = node.node.gateway().registry.connections();
    assert_eq!(connections.len(), 1);
    assert_eq!((connections[0].user.0, &*connections[0].device), (ann.id, "test"));
    assert!(connections[0].address.is_loopback());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_misses_two_heartbeats_is_closed_and_who_answers_is_not() {
    let store = Store::new().await;
    let mut config = store.config();
    // Far more than a busy machine stands still.
    config.gateway.heartbeat_ms = 5_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut alive = node.socket(&ann).await;
    let silent = node.socket(&ben).await;
    // Reading answers pings; not reading answers none.
    let gone = eventually(async || {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(10), alive.stream.next()).await;
        (node.node.gateway().registry.count() == 1).then_some(())
    });
    gone.await;
    alive.works().await;
    drop(silent);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_catches_up_from_the_log_without_losing_anything() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.outbox_events = 16;
    config.gateway.slow_ms = 300_000;
    config.gateway.send_buffer_bytes = 4096;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    // It reads nothing before everything is said.
    let slow = narrow(node.node.address(), &ben).await;
    arrived(&slow, "synced").await;
    let gateway = node.node.gateway();
    let connections = gateway.registry.connections();
    let bens = connections
        .iter()
        .find(|connection| connection.user.0 == ben.id)
        .unwrap();
    a.say_much(conversation, 200).await;
    // Whoever reads has all of it, so it has come to the outbox of the slow one, too. There nothing of it waits: it was dropped.
    a.events(conversation, 201).await;
    eventually(async || {
        let (_, waiting) = gateway.logins.of(bens.id)?;
        (waiting == 0).then_some(())
    })
    .await;
    let mut slow = Socket::from(slow);
    assert_eq!(
        seqs(&slow.events(conversation, 201).await),
        (1..=201).collect::<Vec<_>>()
    );
    slow.works().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_closed_as_too_slow_and_told_so_when_it_does() {
    let store = Store::new().await;
    // Those who read are beside it, where nobody is closed for being slow.
    let node = store.node().await;
    let mut config = store.config();
    // Long enough that it is seen in the middle of its page.
    config.gateway.slow_ms = 10_000;
    config.gateway.send_buffer_bytes = 4096;
    let impatient = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say_much(conversation, 50).await;
    let stuck = narrow(impatient.node.address(), &ben).await;
    // It is in the middle of a page, and then the page is given up.
    let room = &impatient.node.gateway().page_room;
    eventually(async || (room.held() > 0).then_some(())).await;
    eventually(async || (room.held() == 0).then_some(())).await;
    let (said, code) = Socket::from(stuck).closed().await;
    assert_eq!(code, Some(4001));
    assert_eq!(said.unwrap()["reconnect"], true);
    // What it missed is there when it comes back, all of it: it has proved nothing.
    let (_socket, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), (1..=51).collect::<Vec<_>>());
    impatient.stop().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_catches_up_slowly_is_sent_nothing_more_once_it_is_suspended() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.slow_ms = 300_000;
    config.gateway.send_buffer_bytes = 4096;
    config.gateway.catch_up_page_bytes = 64 << 10;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say_much(conversation, 50).await;
    let slow = narrow(node.node.address(), &ben).await;
    let gateway = node.node.gateway();
    eventually(async || (gateway.page_room.held() > 0).then_some(())).await;
    assert!(node.node.accounts().suspend(ben.id).await.unwrap());
    assert!(gateway.authenticator.refusal(ben.id, None).is_some());
    let mut slow = Socket::from(slow);
    let mut events = 0;
    let code = loop {
        match slow.next().await {
            Ok(object) if object["type"] == "event" => events += 1,
            Ok(_) => {}
            Err(code) => break code,
        }
    };
    assert_eq!(code, Some(4503));
    assert!(events < 20, "{events}");
    node.stop().await;
}

/// How many of 60 pings are let through, said in one go.
async fn pings_let_through(socket: &mut Socket) -> usize {
    let ping = |_| json!({ "type": "ping", "id": Uuid::new_v4() }).to_string();
    let frame: Vec<String> = (0..60).map(ping).collect();
    socket.send_text(&frame.join("\n")).await;
    let mut let_through = 0;
    for _ in 0..60 {
        let answer = socket.receive().await;
        let_through += usize::from(answer["type"] == "pong");
    }
    let_through
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_finds_the_budget_that_was_left() {
    let store = Store::new().await;
    let mut config = store.config();
    // In the time that this test may take not even one more is earned.
    config.gateway.commands_per_second = 1;
    config.gateway.commands_burst = 40;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut socket = node.socket(&ann).await;
    let before = std::time::Instant::now();
    let mut let_through = pings_let_through(&mut socket).await;
    for _ in 0..3 {
        drop(socket);
        eventually(async || (node.node.gateway().registry.count() == 0).then_some(())).await;
        socket = node.socket(&ann).await;
        let_through += pings_let_through(&mut socket).await;
    }
    let earned = before.elapsed().as_secs() as usize + 1;
    assert!(
        (40..=40 + earned).contains(&let_through),
        "{let_through}, {earned} earned"
    );
    // Others have budgets of their own.
    assert!(pings_let_through(&mut node.socket(&ben).await).await >= 40);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_more_work_costs_more() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.commands_per_second = 1;
    config.gateway.commands_burst = 102;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = b.open_direct(&ann).await;
    let fetch = json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 1000 });
    let before = std::time::Instant::now();
    let mut answered = 0;
    loop {
        let answer = a.command(fetch.clone()).await;
        if answer["type"] == "error" {
            assert_eq!(answer["code"], "rate_limited", "{answer}");
            // Waiting as long as it says is enough.
            let earned = before.elapsed().as_millis() as u64;
            let wait = answer["retry_after_ms"].as_u64().unwrap();
            assert!(
                (1..=51_100).contains(&wait) && wait + earned + 1_000 >= 51_000,
                "{answer} after {earned}"
            );
            break;
        }
        answered += 1;
    }
    assert!(
        answered >= 2 && answered <= 2 + before.elapsed().as_secs() / 51,
        "{answered} large fetches"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_one_is_not_in_cost_more() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.commands_per_second = 1;
    config.gateway.commands_burst = 100;
    let node = TestNode::start(config).await;
    let commands = [
        json!({ "type": "read", "seq": 1 }),
        json!({ "type": "fetch", "from": 1, "limit": 1 }),
        json!({ "type": "message.send", "content": { "kind": "text", "text": "x" } }),
    ];
    for (n, mut command) in commands.into_iter().enumerate() {
        let user = node.register(&format!("stranger{n}")).await;
        let mut socket = node.socket(&user).await;
        let before = std::time::Instant::now();
        let mut refused = 0;
        loop {
            command["conversation"] = json!(Uuid::now_v7());
            let answer = socket.command(command.clone()).await;
            if answer["code"] == "rate_limited" {
                break;
            }
            assert_eq!(answer["code"], "not_a_member", "{answer}");
            refused += 1;
        }
        let earned = before.elapsed().as_secs() / 10 + 1;
        assert!(
            (10..=10 + earned).contains(&refused),
            "{command}: {refused}, {earned} earned"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_put_into_more_conversations_than_one_may_be_in() {
    let store = Store::new().await;
    let mut config = store.config();
    config.user_conversations_max = 3;
    let node = TestNode::start(config).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let direct = a.open_direct(&ben).await;
    let first = a.create_group(&[&ben]).await;
    let other = a.create_group(&[]).await;
    let counted = async |user: &User| {
        let query = "{ conversations(first: 9) { nodes { id } } }";
        eventually(async || {
            let answer = node.graphql(user, query, None).await;
            let nodes = answer["data"]["conversations"]["nodes"].as_array()?.len();
            (nodes == 3).then_some(())
        })
        .await;
    };
    counted(&ann).await;
    // Ann is in three: neither she nor anybody else puts her into a fourth.
    let create = |members: &[&User]| {
        let members: Vec<Uuid> = members.iter().map(|user| user.id).collect();
        json!({ "type": "group.create", "name": "more", "members": members })
    };
    a.refused(create(&[]), "conflict").await;
    b.refused(create(&[&ann]), "conflict").await;
    a.refused(json!({ "type": "direct.open", "user": cat.id }), "conflict")
        .await;
    // What is there already goes on, and one who is left takes a third.
    assert_eq!(a.open_direct(&ben).await, direct);
    a.say(first, "hello").await;
    a.acked(json!({ "type": "group.add", "conversation": other, "user": ben.id }))
        .await;
    counted(&ben).await;
    b.refused(create(&[]), "conflict").await;
    // Who leaves has room again, once that is known.
    b.acked(json!({ "type": "group.leave", "conversation": first }))
        .await;
    eventually(async || (b.command(create(&[])).await["type"] == "ack").then_some(())).await;
    node.stop().await;
}
