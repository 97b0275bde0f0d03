//! Redis and PostgreSQL go away in the middle of traffic: nothing acked is lost, repeated or reordered.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tidings_services::testing::{private_postgres, private_redis};
use tidings_services::{ChaosProxy, Redis};
use uuid::Uuid;

/// Ann on one node talks to Ben on another while `disturb` runs; Ben must see everything once, in order.
async fn undisturbed_talk(one: &TestNode, two: &TestNode, disturb: impl AsyncFnOnce()) {
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let talking = async {
        let mut count = 0_u64;
        while !*stopped.borrow_and_update() {
            a.say(conversation, &count.to_string()).await;
            count += 1;
        }
        // Some more, so that the way back to normal is seen too.
        for _ in 0..20 {
            a.say(conversation, &count.to_string()).await;
            count += 1;
        }
        count
    };
    let disturbing = async {
        disturb().await;
        stop.send(true).unwrap();
    };
    let (count, ()) = tokio::join!(talking, disturbing);
    let seen = b.events(conversation, count as usize).await;
    assert_eq!(seqs(&seen), (2..count + 2).collect::<Vec<_>>());
    assert_eq!(
        words(&seen),
        (0..count).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

async fn flush(redis: &Redis) {
    let client = redis::Client::open(redis.url(0)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_flushed_killed_and_restarted_empty_loses_nothing() {
    let mut store = Store::new().await;
    let redis = private_redis().await.unwrap();
    store.redis_url = redis.url(0);
    let (one, two) = (store.node().await, store.node().await);
    undisturbed_talk(&one, &two, async || {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            flush(&redis).await;
        }
        redis.kill().await.unwrap();
        // Without Redis the nodes follow the log itself.
        tokio::time::sleep(Duration::from_millis(800)).await;
        redis.restart().await.unwrap();
        tokio::time::sleep(Duration::from_millis(800)).await;
    })
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_redis_serves_and_says_so() {
    let mut store = Store::new().await;
    let redis = private_redis().await.unwrap();
    store.redis_url = redis.url(0);
    let (one, two) = (store.node().await, store.node().await);
    redis.kill().await.unwrap();
    eventually(async || {
        let answer = one.http.get(one.url("/readyz")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap().contains("away").then_some(())
    })
    .await;
    undisturbed_talk(&one, &two, async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
    })
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_delays_nobody_for_long() {
    let mut store = Store::new().await;
    let redis = private_redis().await.unwrap();
    store.redis_url = redis.url(0);
    let (one, two) = (store.node().await, store.node().await);
    undisturbed_talk(&one, &two, async || {
        redis.pause().await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
        redis.resume().await.unwrap();
    })
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_in_the_middle_of_traffic_loses_nothing_acked() {
    let postgres = private_postgres().await.unwrap();
    postgres.ensure_database("server").await.unwrap();
    let mut config = Store::new().await.config();
    config.database_url = Some(postgres.url("server"));
    let log_config = tidings_eventlog::LogConfig::from_url(&postgres.url("server")).unwrap();
    tidings_eventlog::schema::migrate(&log_config, 4).await.unwrap();
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let mut restarts = 0;
    for n in 0..300_u64 {
        if n % 100 == 50 {
            postgres.stop_immediate().await.unwrap();
            postgres.restart().await.unwrap();
            restarts += 1;
        }
        // The same id until it is acked, as every client does.
        let mut command = message(conversation, &n.to_string());
        command["id"] = json!(Uuid::now_v7());
        loop {
            a.send(&command).await;
            let answer = a.answer(id(&command["id"])).await;
            if answer["type"] == "ack" {
                assert_eq!(answer["seq"], n + 2);
                break;
            }
            assert_eq!(answer["retryable"], true, "{answer}");
            tokio::time::sleep(Duration::from_millis(answer["retry_after_ms"].as_u64().unwrap())).await;
        }
    }
    assert_eq!(restarts, 3);
    let seen = b.events(conversation, 301).await;
    assert_eq!(words(&seen), (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_off_makes_commands_retryable_and_heals() {
    let store = Store::new().await;
    let proxy = ChaosProxy::to_port(port_of(store.database.url())).await.unwrap();
    let mut config = store.config();
    config.database_url = Some(through(store.database.url(), proxy.port()));
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "before").await;
    proxy.cut().await;
    let refused = a.refused(message(conversation, "during"), "unavailable").await;
    assert_eq!(refused["retryable"], true);
    assert!(refused["retry_after_ms"].is_u64());
    let ready = node.http.get(node.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    a.works().await;
    proxy.restore();
    eventually(async || {
        let answer: Value = a.command(message(conversation, "after")).await;
        (answer["type"] == "ack").then_some(())
    })
    .await;
    node.stop().await;
}

fn port_of(url: &str) -> u16 {
    url.rsplit_once(':')
        .unwrap()
        .1
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

fn through(url: &str, port: u16) -> String {
    url.replace(&format!(":{}/", port_of(url)), &format!(":{port}/"))
}
