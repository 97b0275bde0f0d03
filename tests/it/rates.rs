//! What users and addresses may do in a time, at all nodes together.

use crate::administration::{login, promoted};
use crate::faults::{port_of, through};
use crate::support::*;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tidings::accounts::Role;
use tidings::config::Config;
use tidings_services::ChaosProxy;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

/// What may be used at once, in these tests; in their time hardly anything is earned.
const BURST: usize = 400;
/// Between two tries at the other node: Redis may take its time, and the node has not given half of what it would give alone.
const PAUSE: Duration = Duration::from_millis(100);

fn scarce(store: &Store) -> Config {
    let mut config = store.config();
    config.gateway.commands_per_second = 1;
    config.gateway.commands_burst = BURST as u32;
    config.graphql.cost_per_second = 1;
    config.graphql.cost_burst = BURST as u32;
    config
}

/// Tries until it is refused, and returns how often it was not, and the refusal.
async fn tried(pause: Duration, mut attempt: impl AsyncFnMut() -> Option<Value>) -> (usize, Value) {
    for granted in 0.. {
        if let Some(refusal) = attempt().await {
            return (granted, refusal);
        }
        assert!(granted < 10 * BURST, "nothing is refused");
        tokio::time::sleep(pause).await;
    }
    unreachable!()
}

/// Says pings one by one until one is refused.
async fn pings(socket: &mut Socket, pause: Duration) -> (usize, Value) {
    tried(pause, async || {
        let id = Uuid::new_v4();
        socket.send(&json!({ "type": "ping", "id": id })).await;
        let answer = socket.answer(id).await;
        (answer["type"] == "error").then_some(answer)
    })
    .await
}

/// Asks for the least until it is refused.
async fn queries(node: &TestNode, user: &User, pause: Duration) -> (usize, Value) {
    tried(pause, async || {
        let answer = node.graphql(user, "{ me { id } }", None).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        (code == "rate_limited").then_some(answer)
    })
    .await
}

/// Says hello, for the first time or once more; answers what may be sent at once.
async fn hello(socket: &mut Socket, token: &str) -> usize {
    socket.send(&json!({ "type": "hello", "token": token })).await;
    let welcome = socket.until("welcome").await;
    welcome["limits"]["commands_burst"].as_u64().unwrap() as usize
}

/// Connects and says who it is; or the status or the close code of the refusal.
async fn connects(node: &TestNode, user: &User, path: &str) -> Result<Socket, u16> {
    let mut request = format!("ws://{}{path}", node.node.address())
        .into_client_request()
        .unwrap();
    let (protocol, greeting) = match path {
        "/ws" => ("tidings.v1", json!({ "type": "hello", "token": user.token })),
        _ => (
            "graphql-transport-ws",
            json!({ "type": "connection_init", "payload": { "token": user.token } }),
        ),
    };
    let protocol = protocol.parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let mut socket = match connect_async(request).await {
        Ok((stream, _)) => Socket::from(stream),
        Err(Error::Http(response)) => return Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    };
    socket.send(&greeting).await;
    match socket.next().await {
        Ok(object) if object["type"] == "close" => Err(socket.closed().await.1.unwrap()),
        Ok(_) => Ok(socket),
        Err(code) => Err(code.unwrap()),
    }
}

/// Where Redis counts what a user sends, if it does.
async fn counted(redis: &mut redis::aio::MultiplexedConnection, user: &User) -> Option<String> {
    let pattern = format!("tidings:*:{{r:{}}}:send", user.id.simple());
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(redis).await.unwrap();
    keys.into_iter().next()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_spends_at_two_nodes_is_refused_at_the_sum() {
    let store = Store::new().await;
    let (one, two) = (
        TestNode::start(scarce(&store)).await,
        TestNode::start(scarce(&store)).await,
    );
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut first, mut second) = (one.socket(&ann).await, two.socket(&ann).await);
    let (mut quiet, mut other) = (one.socket(&ben).await, two.socket(&ben).await);
    for _ in 0..BURST / 40 {
        quiet.works().await;
        other.works().await;
    }
    let (granted, _) = pings(&mut first, Duration::ZERO).await;
    assert!(granted >= BURST, "{granted}");
    // It begins with what that node gives of its own, and with what the first one did not tell.
    let (more, refusal) = pings(&mut second, PAUSE).await;
    assert!((BURST / 16..BURST / 2).contains(&more), "{more}");
    assert_eq!(
        (&refusal["code"], &refusal["retryable"]),
        (&json!("rate_limited"), &json!(true))
    );
    assert!(refusal["retry_after_ms"].as_u64().unwrap() > 0);
    // Redis is told nothing of somebody who does little.
    let mut redis = connected(&store.redis_url).await;
    assert!(counted(&mut redis, &ann).await.is_some());
    assert_eq!(counted(&mut redis, &ben).await, None);
    other.works().await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_at_two_nodes_cost_what_they_cost_at_one() {
    let store = Store::new().await;
    let (one, two) = (
        TestNode::start(scarce(&store)).await,
        TestNode::start(scarce(&store)).await,
    );
    let ann = one.register("ann").await;
    let (granted, _) = queries(&one, &ann, Duration::ZERO).await;
    let (more, refusal) = queries(&two, &ann, 2 * PAUSE).await;
    assert!(more < granted / 2, "{more} of {granted}");
    assert!(refusal["errors"][0]["extensions"]["retry_after_ms"].is_u64());
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_registers_at_two_nodes_as_often_as_at_one() {
    let store = Store::new().await;
    let mut config = store.config();
    config.auth.limits.registrations_per_s = 1;
    config.auth.limits.registrations_burst = 48;
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let register = async |node: &TestNode, pause: Duration| {
        tried(pause, async || {
            let username = format!("ann-{}", &Uuid::new_v4().simple().to_string()[..12]);
            let body = json!({ "username": username, "password": "a long passphrase" });
            let request = node
                .http
                .post(node.url("/auth/register"))
                .header("content-type", "application/json");
            let response = request.body(body.to_string()).send().await.unwrap();
            let status = response.status();
            let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
            (status == 429).then_some(answer)
        })
        .await
    };
    let (granted, _) = register(&one, Duration::ZERO).await;
    assert!(granted >= 48, "{granted}");
    let before = Instant::now();
    let (more, refusal) = register(&two, 5 * PAUSE).await;
    let earned = before.elapsed().as_secs() as usize;
    assert!(more < 24 + earned, "{more}, {earned} earned");
    assert_eq!(refusal["code"], "rate_limited");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_node_counts_alone_and_with_it_again_all_do() {
    let store = Store::new().await;
    let proxy = ChaosProxy::to_port(port_of(&store.redis_url)).await.unwrap();
    let mut config = scarce(&store);
    config.redis_url = Some(through(&store.redis_url, proxy.port()));
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut first, mut second) = (one.socket(&ann).await, two.socket(&ann).await);
    proxy.cut().await;
    for socket in [&mut first, &mut second] {
        let (granted, _) = pings(socket, Duration::ZERO).await;
        assert!(granted >= BURST, "{granted}");
    }
    proxy.restore();
    // Until Redis hears of somebody again, who does not spend all before that.
    let (mut redis, mut third) = (connected(&store.redis_url).await, one.socket(&cat).await);
    for _ in 0..BURST / 10 {
        third.works().await;
    }
    eventually(async || {
        tokio::time::sleep(2 * PAUSE).await;
        third.works().await;
        counted(&mut redis, &cat).await
    })
    .await;
    let (mut first, mut second) = (one.socket(&ben).await, two.socket(&ben).await);
    pings(&mut first, Duration::ZERO).await;
    let (more, _) = pings(&mut second, PAUSE).await;
    assert!(more < BURST / 2, "{more}");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_may_do_what_bots_may_from_the_token_on_that_says_so() {
    let store = Store::new().await;
    let mut config = scarce(&store);
    config.rates.roles.bot.commands_per_second = 1;
    config.rates.roles.bot.commands_burst = 3 * BURST as u32;
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let person = one.register("bot").await;
    let (mut old, mut renewed) = (one.raw().await, one.raw().await);
    for socket in [&mut old, &mut renewed] {
        assert_eq!(hello(socket, &person.token).await, BURST);
    }
    let accounts = one.node.accounts();
    assert!(accounts.set_roles(person.id, &[Role::Bot]).await.unwrap());
    let bot = login(&one, &person).await.unwrap();
    assert_eq!(hello(&mut renewed, &bot).await, 3 * BURST);
    // The connection whose token does not say so goes on as it was, and has a count of its own.
    let (granted, _) = pings(&mut old, Duration::ZERO).await;
    assert!(granted < 2 * BURST, "{granted}");
    let (granted, _) = pings(&mut renewed, Duration::ZERO).await;
    assert!(granted >= 3 * BURST, "{granted}");
    let mut elsewhere = two.raw().await;
    assert_eq!(hello(&mut elsewhere, &bot).await, 3 * BURST);
    let (more, _) = pings(&mut elsewhere, PAUSE).await;
    assert!(more < 3 * BURST / 2, "{more}");
    // Whoever is no bot any more finds what they had left.
    assert!(accounts.set_roles(person.id, &[]).await.unwrap());
    let nobody = login(&one, &person).await.unwrap();
    let mut again = one.raw().await;
    assert_eq!(hello(&mut again, &nobody).await, BURST);
    let (granted, _) = pings(&mut again, Duration::ZERO).await;
    assert!(granted < BURST, "{granted}");
    // Other roles give no rate, unless they are given one.
    let moderator = promoted(&one, "mod", &[Role::Moderator]).await;
    assert_eq!(hello(&mut one.raw().await, &moderator.token).await, BURST);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_may_ask_for_what_bots_may() {
    let store = Store::new().await;
    let mut config = scarce(&store);
    config.rates.roles.bot.graphql_cost_per_second = 1;
    config.rates.roles.bot.graphql_cost_burst = 3 * BURST as u32;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let bot = promoted(&node, "bot", &[Role::Auditor, Role::Bot]).await;
    let (people, _) = queries(&node, &ann, Duration::ZERO).await;
    let (bots, _) = queries(&node, &bot, Duration::ZERO).await;
    assert!(bots > 2 * people, "{bots}, and people {people}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_too_often_is_refused_at_either_socket() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.connects_per_minute = 1;
    config.gateway.connects_burst = 4;
    config.gateway.address_connects_per_minute = 1;
    config.gateway.address_connects_burst = 20;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let bot = promoted(&node, "bot", &[Role::Bot]).await;
    // A minute earns one more, to her and to the address.
    let before = Instant::now();
    let earned = || before.elapsed().as_secs() as usize / 60;
    let mut let_in = 0;
    let refused = loop {
        let path = ["/graphql/ws", "/ws"][let_in % 2];
        match connects(&node, &ann, path).await {
            Ok(_) => let_in += 1,
            Err(code) => break code,
        }
    };
    assert_eq!(refused, 4029);
    assert!((4..=4 + earned()).contains(&let_in), "{let_in}");
    // A bot may connect more often, until it is the address that connects too often.
    let mut bots = 0;
    let refused = loop {
        match connects(&node, &bot, "/graphql/ws").await {
            Ok(_) => bots += 1,
            Err(code) => break code,
        }
    };
    assert_eq!(refused, 429);
    let all = let_in + 1 + bots;
    assert!((20..=20 + earned()).contains(&all), "{all}");
    node.stop().await;
}
