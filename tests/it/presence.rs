//! Who is there: told to those who watch and may see it, and to nobody else.

use crate::support::*;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tidings::config::Config;
use tidings_services::{Port, Redis};
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

/// A node that takes nobody who has gone for there.
fn quick(store: &Store) -> Config {
    let mut config = store.config();
    config.presence.grace_ms = 0;
    config.presence.renew_ms = 500;
    config.presence.poll_ms = 50;
    config.presence.update_ms = 50;
    config.presence.count_ms = 100;
    config
}

/// One for which whoever has gone is still there for as long as a test takes.
fn patient(store: &Store) -> Config {
    let mut config = quick(store);
    config.presence.grace_ms = 600_000;
    config
}

/// Returns when a node that has said something before hears by now of all who hide: others have had a lease's length to say it again, should
/// Redis have lost it when the node came.
async fn hears_all(config: &Config) {
    tokio::time::sleep(Duration::from_millis(config.presence.lease_ms)).await;
}

fn watch(users: &[&User], conversations: &[Uuid]) -> Value {
    let users: Vec<Uuid> = users.iter().map(|user| user.id).collect();
    json!({ "type": "presence.watch", "users": users, "conversations": conversations })
}

/// Watches, and answers what is there once it is known. What was told before that waits no more.
async fn watching(socket: &mut Socket, users: &[&User], conversations: &[Uuid]) -> Value {
    let mut wish = watch(users, conversations);
    let id = Uuid::now_v7();
    wish["id"] = json!(id);
    socket.send(&wish).await;
    let is_answer = |object: &Value| object["id"] == json!(id);
    let mut object = Value::Null;
    while !is_answer(&object) {
        object = socket.take(|object| is_told(object) || is_answer(object)).await;
    }
    assert_eq!(object["type"], "presence.state", "{object}");
    if object["unknown"] == true {
        return socket
            .take(|object| is_state(object) && object["unknown"] != true)
            .await;
    }
    object
}

fn is_told(object: &Value) -> bool {
    object["type"] == "presence" || is_state(object)
}

fn is_state(object: &Value) -> bool {
    object["type"] == "presence.state"
}

/// Until a connection that watches somebody, and nobody else, has been shown that they are there.
async fn there_is(socket: &mut Socket, user: &User) {
    let state = watching(socket, &[user], &[]).await;
    if online(&state, user) != Some(true) {
        until(socket, user, true).await;
    }
}

/// Until this is told of somebody, which is what is told next; everything else about anybody fails. Where for a moment nobody knew, or there
/// was no room for what was told, all is told anew, perhaps of the time before: what is said of them in that counts once it is this.
async fn told(socket: &mut Socket, of: &User, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let object = socket.take(is_told).await;
        if !is_state(&object) {
            assert!(object["user"] == json!(of.id) && is_it(&object), "{object}");
            return object;
        }
        let mut said = object["users"][of.id.to_string()].clone();
        if said.is_object() {
            said["type"] = json!("presence");
            said["user"] = json!(of.id);
            if is_it(&said) {
                return said;
            }
        }
    }
}

/// The same, where it is about one thing.
async fn told_that(socket: &mut Socket, of: &User, key: &str, value: impl Into<Value>) -> Value {
    let value = value.into();
    told(socket, of, |said| said[key] == value).await
}

fn online(state: &Value, user: &User) -> Option<bool> {
    state["users"][user.id.to_string()]["online"].as_bool()
}

/// Until a connection says so of somebody.
async fn until(socket: &mut Socket, user: &User, is_online: bool) {
    socket
        .take(|object| {
            let of_user = object["user"] == json!(user.id) && object["online"] == is_online;
            (object["type"] == "presence" && of_user)
                || (is_state(object) && online(object, user) == Some(is_online))
        })
        .await;
}

/// Ends a connection; returns when its node has noticed.
async fn leave(mut socket: Socket) {
    socket.stream.close(None).await.unwrap();
    socket.closed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_share_a_conversation_see_each_other_come_and_go_on_every_node() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben, eve] = here.people(["ann", "ben", "eve"]).await;
    let mut a = here.socket(&ann).await;
    let _stranger = there.socket(&eve).await;
    a.open_direct(&ben).await;
    let state = watching(&mut a, &[&ben, &eve], &[]).await;
    assert_eq!(
        (online(&state, &ben), online(&state, &eve)),
        (Some(false), None),
        "{state}"
    );
    let b = there.socket(&ben).await;
    let come = told_that(&mut a, &ben, "online", true).await;
    assert_eq!(come.get("last_seen"), None);
    leave(b).await;
    let gone = told_that(&mut a, &ben, "online", false).await;
    assert!(gone["last_seen"].is_string(), "{gone}");
    let state = watching(&mut a, &[&ben], &[]).await;
    assert!(
        state["users"][ben.id.to_string()]["last_seen"].is_string(),
        "{state}"
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_takes_the_place_of_what_was() {
    let store = Store::new().await;
    let node = TestNode::start(quick(&store)).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let (b, c) = (node.socket(&ben).await, node.socket(&cat).await);
    a.create_group(&[&ben, &cat]).await;
    there_is(&mut a, &ben).await;
    there_is(&mut a, &cat).await;
    let state = watching(&mut a, &[&cat], &[]).await;
    assert_eq!((online(&state, &ben), online(&state, &cat)), (None, Some(true)));
    leave(b).await;
    leave(c).await;
    told_that(&mut a, &cat, "online", false).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_what_they_say_are_one_person() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let mut a = here.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let status = async |socket: &mut Socket, value: &str| {
        socket.send(&json!({ "type": "status", "value": value })).await;
        socket.works().await;
    };
    there_is(&mut a, &ann).await;
    let mut one = here.socket(&ben).await;
    status(&mut one, "away").await;
    there_is(&mut a, &ben).await;
    // A small conversation is watched as if each were named.
    let state = watching(&mut a, &[], &[group]).await;
    assert_eq!(state["conversations"][group.to_string()]["online"], 2, "{state}");
    assert_eq!(online(&state, &ben), Some(true));
    // What his first device says is seen before there is a second.
    if state["users"][ben.id.to_string()]["status"] != "away" {
        a.take(|object| object["user"] == json!(ben.id) && object["status"] == "away")
            .await;
    }
    let mut two = there.socket(&ben).await;
    a.take(|object| {
        object["user"] == json!(ben.id) && object["online"] == true && object.get("status").is_none()
    })
    .await;
    status(&mut two, "dnd").await;
    told_that(&mut a, &ben, "status", "dnd").await;
    // Invisible at one of them is invisible.
    status(&mut one, "invisible").await;
    told_that(&mut a, &ben, "online", false).await;
    let state = watching(&mut a, &[&ben], &[group]).await;
    assert_eq!(online(&state, &ben), Some(false));
    assert_eq!(state["conversations"][group.to_string()]["online"], 1, "{state}");
    status(&mut one, "away").await;
    told_that(&mut a, &ben, "status", "dnd").await;
    leave(two).await;
    told_that(&mut a, &ben, "status", "away").await;
    leave(one).await;
    told_that(&mut a, &ben, "online", false).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hides_on_one_node_is_last_seen_on_no_other_also_where_that_one_stops() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben, cat, dan] = here.people(["ann", "ben", "cat", "dan"]).await;
    let mut a = here.socket(&ann).await;
    a.create_group(&[&ben, &cat, &dan]).await;
    let mut hiding = vec![];
    for user in [&ben, &dan] {
        let mut socket = here.socket(user).await;
        there_is(&mut a, user).await;
        socket
            .send(&json!({ "type": "status", "value": "invisible" }))
            .await;
        until(&mut a, user, false).await;
        hiding.push(socket);
    }
    let before = chrono::Utc::now();
    // Ben comes and goes on the other node, Dan stays.
    leave(there.socket(&ben).await).await;
    let _stays = there.socket(&dan).await;
    // What that node says, it says in order: this is behind it.
    let c = there.socket(&cat).await;
    there_is(&mut a, &cat).await;
    leave(c).await;
    until(&mut a, &cat, false).await;
    hears_all(&quick(&store)).await;
    there.stop().await;
    let client = store.client().await;
    let is_seen = async |user: &User| {
        let sql = "SELECT FROM last_seen WHERE user_id = $1 AND at >= $2";
        client
            .query_opt(sql, &[&user.id, &before])
            .await
            .unwrap()
            .is_some()
    };
    assert!(is_seen(&cat).await);
    assert!(!is_seen(&ben).await && !is_seen(&dan).await);
    here.stop().await;
    assert!(!is_seen(&ben).await && !is_seen(&dan).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hides_on_one_node_is_last_seen_on_no_other_that_stops_when_redis_has_lost_who_hides() {
    let (store, redis) = Store::with_redis().await;
    // What this one has said it says again when the test is over.
    let mut slow = quick(&store);
    (slow.presence.lease_ms, slow.presence.renew_ms) = (600_000, 200_000);
    let (here, there, later) = (
        TestNode::start(slow).await,
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let mut a = here.socket(&ann).await;
    a.create_group(&[&ben, &cat]).await;
    let mut hiding = here.socket(&ben).await;
    there_is(&mut a, &ben).await;
    hiding
        .send(&json!({ "type": "status", "value": "invisible" }))
        .await;
    until(&mut a, &ben, false).await;
    let before = chrono::Utc::now();
    let _stays = [there.socket(&ben).await, later.socket(&ben).await];
    for node in [&there, &later] {
        // What a node says, it says in order: this is behind it.
        let c = node.socket(&cat).await;
        there_is(&mut a, &cat).await;
        leave(c).await;
        until(&mut a, &cat, false).await;
    }
    hears_all(&quick(&store)).await;
    let redis = connection(&redis).await;
    let flush = redis::cmd("FLUSHALL");
    let () = flush.query_async(&mut redis.clone()).await.unwrap();
    // Most probably it has not noticed,
    there.stop().await;
    // and this one has.
    eventually(async || {
        let nodes = key(&redis, "nodes").await?;
        let nodes: u64 = ask(&redis, "ZCARD", &nodes, &[]).await;
        (nodes > 0).then_some(())
    })
    .await;
    later.stop().await;
    let client = store.client().await;
    let sql = "SELECT FROM last_seen WHERE user_id = $1 AND at >= $2";
    let seen = client.query_opt(sql, &[&ben.id, &before]).await.unwrap();
    assert!(seen.is_none());
    here.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_within_the_grace_is_not_told() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(patient(&store)).await,
        TestNode::start(patient(&store)).await,
    );
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let mut a = here.socket(&ann).await;
    let b = here.socket(&ben).await;
    a.create_group(&[&ben, &cat]).await;
    there_is(&mut a, &ben).await;
    let state = watching(&mut a, &[&ben, &cat], &[]).await;
    assert_eq!(online(&state, &ben), Some(true));
    leave(b).await;
    let b = there.socket(&ben).await;
    leave(b).await;
    let _b = here.socket(&ben).await;
    // What is told next is that somebody else has come.
    let _c = there.socket(&cat).await;
    told_that(&mut a, &cat, "online", true).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_the_last_conversation_is_seen_no_more() {
    let store = Store::new().await;
    let node = TestNode::start(quick(&store)).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let mut b = node.socket(&ben).await;
    let group = a.create_group(&[&ben, &cat]).await;
    watching(&mut a, &[&ben, &cat], &[group]).await;
    watching(&mut b, &[&ann, &cat], &[group]).await;
    b.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    let gone = |state: &Value, user: &User| is_state(state) && online(state, user).is_none();
    a.take(|object| gone(object, &ben) && online(object, &cat).is_some())
        .await;
    b.take(|object| gone(object, &ann) && gone(object, &cat) && object["conversations"] == json!({}))
        .await;
    // They come to be together elsewhere, and see each other again.
    a.open_direct(&ben).await;
    there_is(&mut a, &ben).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_is_bounded_in_number_and_in_time() {
    let store = Store::new().await;
    let node = TestNode::start(quick(&store)).await;
    let ann = node.register("ann").await;
    let mut a = node.socket(&ann).await;
    let ids = |count: usize| -> Vec<Uuid> { (0..count).map(|_| Uuid::now_v7()).collect() };
    for (command, field) in [
        (json!({ "users": ids(201) }), "users"),
        (json!({ "conversations": ids(6) }), "conversations"),
    ] {
        let mut command = command;
        command["type"] = json!("presence.watch");
        assert_eq!(a.refused(command, "too_large").await["field"], field);
    }
    let wrong = json!({ "type": "presence.watch", "users": ["nobody"] });
    assert_eq!(a.refused(wrong, "invalid_argument").await["field"], "users");
    for _ in 0..20 {
        let state = a
            .command(json!({ "type": "presence.watch", "users": ids(1), "conversations": ids(1) }))
            .await;
        assert_eq!(
            (&state["users"], &state["conversations"]),
            (&json!({}), &json!({})),
            "{state}"
        );
    }
    let refused = a.refused(watch(&[], &[]), "rate_limited").await;
    assert!(refused["retry_after_ms"].is_u64(), "{refused}");
    a.send(&json!({ "type": "status", "value": "asleep" })).await;
    assert_eq!(a.until("error").await["field"], "value");
    node.stop().await;
}

/// A node in a process of its own, to be killed.
struct Process {
    child: Child,
    port: Port,
}

impl Process {
    async fn start(store: &Store) -> Self {
        // Nobody takes it in between.
        let port = Port::unused().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_tidings"))
            .arg("serve")
            .env("TIDINGS_DATABASE_URL", store.database.url())
            .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000")
            .env("TIDINGS_REDIS_URL", &store.redis_url)
            .env("TIDINGS_LISTEN", format!("127.0.0.1:{}", port.number()))
            .env("TIDINGS_ATTACHMENTS__FOLDER", store.files.path())
            .env("TIDINGS_PRESENCE__GRACE_MS", "600000")
            .env("TIDINGS_PRESENCE__LEASE_MS", "3000")
            .env("TIDINGS_PRESENCE__RENEW_MS", "500")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        eventually(async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port.number()))
                .await
                .ok()
        })
        .await;
        Self { child, port }
    }

    async fn socket(&self, user: &User) -> Socket {
        let request = format!("ws://127.0.0.1:{}/ws", self.port.number())
            .into_client_request()
            .unwrap();
        let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut socket = Socket::from(stream);
        socket
            .send(&json!({ "type": "hello", "token": user.token }))
            .await;
        socket.until("synced").await;
        socket
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        let done = std::process::Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(done.unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_killed_node_are_gone_when_its_lease_is_over() {
    let store = Store::new().await;
    let here = TestNode::start(quick(&store)).await;
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let mut a = here.socket(&ann).await;
    a.open_direct(&ben).await;
    let mut there = Process::start(&store).await;
    watching(&mut a, &[&ben], &[]).await;
    let _b = there.socket(&ben).await;
    until(&mut a, &ben, true).await;
    there.child.kill().await.unwrap();
    until(&mut a, &ben, false).await;
    here.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_stopped_node_are_gone_and_come_back_with_it() {
    let store = Store::new().await;
    let here = TestNode::start(quick(&store)).await;
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let mut a = here.socket(&ann).await;
    a.open_direct(&ben).await;
    let there = Process::start(&store).await;
    watching(&mut a, &[&ben], &[]).await;
    let _b = there.socket(&ben).await;
    until(&mut a, &ben, true).await;
    there.signal("STOP");
    until(&mut a, &ben, false).await;
    there.signal("CONT");
    until(&mut a, &ben, true).await;
    here.stop().await;
}

async fn connection(redis: &Redis) -> redis::aio::MultiplexedConnection {
    connected(&redis.url(0)).await
}

/// The one key of presence that ends so.
async fn key(redis: &redis::aio::MultiplexedConnection, ending: &str) -> Option<String> {
    let keys: Vec<String> = ask(redis, "KEYS", &format!("tidings:*:{{p}}:{ending}"), &[]).await;
    keys.into_iter().next()
}

async fn ask<T: redis::FromRedisValue>(
    redis: &redis::aio::MultiplexedConnection,
    command: &str,
    key: &str,
    arguments: &[&[u8]],
) -> T {
    let mut command = redis::cmd(command);
    command.arg(key);
    for argument in arguments {
        command.arg(*argument);
    }
    command.query_async(&mut redis.clone()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_has_lost_everything_hears_it_again_and_nobody_is_told() {
    let (store, redis) = Store::with_redis().await;
    let (here, there) = (
        TestNode::start(patient(&store)).await,
        TestNode::start(patient(&store)).await,
    );
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let mut a = here.socket(&ann).await;
    let _b = there.socket(&ben).await;
    a.create_group(&[&ben, &cat]).await;
    there_is(&mut a, &ben).await;
    let state = watching(&mut a, &[&ben, &cat], &[]).await;
    assert_eq!(online(&state, &ben), Some(true));
    let redis = connection(&redis).await;
    for _ in 0..3 {
        let flush = redis::cmd("FLUSHALL");
        let () = flush.query_async(&mut redis.clone()).await.unwrap();
        eventually(async || {
            let nodes = key(&redis, "nodes").await?;
            let nodes: u64 = ask(&redis, "ZCARD", &nodes, &[]).await;
            (nodes == 2).then_some(())
        })
        .await;
    }
    // Behind all that, the first that is told is that somebody else has come.
    let _c = there.socket(&cat).await;
    told_that(&mut a, &cat, "online", true).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nothing_is_known_and_chat_goes_on() {
    let (store, redis) = Store::with_redis().await;
    let mut config = quick(&store);
    config.presence.lease_ms = 3_000;
    let (here, there) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let mut a = here.socket(&ann).await;
    let mut b = there.socket(&ben).await;
    let direct = a.open_direct(&ben).await;
    there_is(&mut a, &ben).await;
    redis.kill().await.unwrap();
    a.take(|object| is_state(object) && object["unknown"] == true)
        .await;
    let state = a.command(watch(&[&ben], &[])).await;
    assert_eq!(
        (&state["unknown"], &state["users"]),
        (&json!(true), &json!({})),
        "{state}"
    );
    a.say(direct, "all the same").await;
    assert_eq!(words(&b.events(direct, 2).await), ["all the same"]);
    redis.restart().await.unwrap();
    a.take(|object| is_state(object) && online(object, &ben) == Some(true))
        .await;
    leave(b).await;
    until(&mut a, &ben, false).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_answers_and_takes_nothing_shows_nobody_as_gone() {
    let (store, redis) = Store::with_redis().await;
    let mut config = quick(&store);
    config.presence.lease_ms = 3_000;
    let (here, there) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let mut a = here.socket(&ann).await;
    let b = there.socket(&ben).await;
    a.open_direct(&ben).await;
    there_is(&mut a, &ben).await;
    let state = watching(&mut a, &[&ben], &[]).await;
    assert_eq!(online(&state, &ben), Some(true));
    let mut connection = connection(&redis).await;
    // As one that is full, or may not write.
    let mut replicas = async |wanted: u8| {
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("min-replicas-to-write").arg(wanted);
        let () = command.query_async(&mut connection).await.unwrap();
    };
    replicas(1).await;
    let state = a.take(is_told).await;
    assert_eq!(
        (&state["type"], &state["unknown"]),
        (&json!("presence.state"), &json!(true)),
        "{state}"
    );
    replicas(0).await;
    a.take(|object| is_state(object) && online(object, &ben) == Some(true))
        .await;
    leave(b).await;
    until(&mut a, &ben, false).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_has_lost_what_was_said_last_hears_it_again_though_as_many_are_there() {
    let (store, redis) = Store::with_redis().await;
    let node = TestNode::start(quick(&store)).await;
    let ann = node.register("ann").await;
    let mut a = node.socket(&ann).await;
    let redis = connection(&redis).await;
    let on = eventually(async || key(&redis, "on:*").await).await;
    let id = on.rsplit(':').next().unwrap();
    eventually(async || {
        let is_on: bool = ask(&redis, "SISMEMBER", &on, &[ann.id.as_bytes()]).await;
        is_on.then_some(())
    })
    .await;
    let keys: Vec<String> = ask(&redis, "KEYS", &format!("*:{id}"), &[]).await;
    let mut before: Vec<(&String, Vec<u8>)> = vec![];
    for key in &keys {
        before.push((key, ask(&redis, "DUMP", key, &[]).await));
    }
    let status = async |socket: &mut Socket, value: &str| {
        socket.send(&json!({ "type": "status", "value": value })).await;
        socket.works().await;
    };
    status(&mut a, "dnd").await;
    let is_dnd = async || {
        let dnd = key(&redis, "dnd:*").await?;
        let is_dnd: bool = ask(&redis, "SISMEMBER", &dnd, &[ann.id.as_bytes()]).await;
        is_dnd.then_some(())
    };
    eventually(async || is_dnd().await).await;
    // It is as it was before she said so.
    let mut all = redis::pipe();
    all.atomic().cmd("DEL").arg(key(&redis, "dnd:*").await);
    for (key, value) in before {
        let restore = all.cmd("RESTORE").arg(key).arg(0);
        restore.arg(value).arg("REPLACE");
    }
    let _: redis::Value = all.query_async(&mut redis.clone()).await.unwrap();
    eventually(async || is_dnd().await).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_services_read_who_is_there_and_what_changes() {
    let (store, redis) = Store::with_redis().await;
    let node = TestNode::start(quick(&store)).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let redis = connection(&redis).await;
    let on = eventually(async || key(&redis, "on:*").await).await;
    let is_on = async |user: &User| ask::<bool>(&redis, "SISMEMBER", &on, &[user.id.as_bytes()]).await;
    eventually(async || is_on(&ann).await.then_some(())).await;
    assert!(!is_on(&ben).await);
    let life: i64 = ask(&redis, "PTTL", &on, &[]).await;
    assert!((1..=15_000).contains(&life), "{life}");
    let connections = key(&redis, "conn:*").await.unwrap();
    let known: Vec<u8> = ask(&redis, "HGET", &connections, &[ann.id.as_bytes()]).await;
    let known: Value = serde_json::from_slice(&known).unwrap();
    assert_eq!(
        (&known[0]["device"], &known[0]["status"]),
        (&json!("test"), &json!("online"))
    );
    a.send(&json!({ "type": "status", "value": "invisible" })).await;
    eventually(async || (!is_on(&ann).await).then_some(())).await;
    let changes = key(&redis, "presence").await.unwrap();
    let changes: redis::streams::StreamRangeReply = ask(&redis, "XRANGE", &changes, &[b"-", b"+"]).await;
    let said: Vec<String> = changes.ids.iter().filter_map(|entry| entry.get("s")).collect();
    assert_eq!(said, ["online", "hidden"]);
    node.stop().await;
}

/// A node that is none: what it says in Redis is written by the test, as docs/operations.md says it.
struct Ghost {
    redis: redis::aio::MultiplexedConnection,
    prefix: String,
    id: Uuid,
}

impl Ghost {
    async fn new(redis: &Redis) -> Self {
        let redis = connection(redis).await;
        let nodes = eventually(async || key(&redis, "nodes").await).await;
        let prefix = nodes.strip_suffix("nodes").unwrap().to_owned();
        let id = Uuid::now_v7();
        let lease = chrono::Utc::now().timestamp_millis() + 3_600_000;
        let _: u64 = ask(
            &redis,
            "ZADD",
            &nodes,
            &[lease.to_string().as_bytes(), id.as_bytes()],
        )
        .await;
        Self { redis, prefix, id }
    }

    async fn come(&mut self, users: &[Uuid]) {
        let (set, changes) = (
            format!("{}on:{}", self.prefix, self.id.simple()),
            format!("{}presence", self.prefix),
        );
        let mut all = redis::pipe();
        all.atomic();
        for user in users {
            all.cmd("SADD").arg(&set).arg(user.as_bytes());
            let change = all.cmd("XADD").arg(&changes).arg("*");
            change
                .arg("n")
                .arg(self.id.as_bytes())
                .arg("u")
                .arg(user.as_bytes());
            change.arg("s").arg("online");
        }
        let _: redis::Value = all.query_async(&mut self.redis).await.unwrap();
    }
}

async fn frames(node: &TestNode) -> u64 {
    let metrics = node.http.get(node.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("tidings_presence_frames_total "));
    count.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_ten_thousand_costs_changes_times_those_who_watch() {
    let (store, redis) = Store::with_redis().await;
    let mut config = quick(&store);
    // What happens at once is read within this, on a busy machine too.
    config.presence.count_ms = 1_000;
    let node = TestNode::start(config).await;
    let people = node.people(["ann", "ben", "cat", "dan", "eve"]).await;
    let mut a = node.socket(&people[0]).await;
    let group = a.create_group(&people.iter().skip(1).collect::<Vec<_>>()).await;
    node.folded(&people[0]).await;
    let client = store.client().await;
    let table: String = client
        .query_one("SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables WHERE table_name = 'member' AND table_schema LIKE '%conversations%'", &[])
        .await
        .unwrap()
        .get(0);
    let crowd: Vec<Uuid> = (0..10_000).map(|_| Uuid::now_v7()).collect();
    let sql = format!(
        "INSERT INTO {table} (conversation, user_id, role, joined_seq, joined_msg_no, joined_at) SELECT $1, u, 'member', 1, 0, now() FROM unnest($2::uuid[]) u"
    );
    client.execute(&sql, &[&group, &crowd]).await.unwrap();
    let mut ghost = Ghost::new(&redis).await;
    ghost.come(&crowd[..2_000]).await;
    // Fifty connections watch.
    let mut sockets = vec![];
    for number in 0..50 {
        sockets.push(node.socket(&people[number % 5]).await);
    }
    let counted = |object: &Value| -> Option<u64> {
        let of_state = &object["conversations"][group.to_string()]["online"];
        let of_count = (object["type"] == "presence.count").then_some(&object["online"]);
        of_state.as_u64().or_else(|| of_count.and_then(Value::as_u64))
    };
    for socket in &mut sockets {
        let state = watching(socket, &[], &[group]).await;
        assert_eq!(
            state["users"],
            json!({}),
            "a large group is counted, and nobody is named"
        );
        // Those who watch come to be there, too.
        if counted(&state) != Some(2_005) {
            socket.take(|object| counted(object) == Some(2_005)).await;
        }
    }
    // What was given to the last of them is counted by now, or a moment later.
    let mut before = frames(&node).await;
    eventually(async || {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let earlier = std::mem::replace(&mut before, frames(&node).await);
        (before == earlier).then_some(())
    })
    .await;
    // One after the other, each is told to each who watches, and to nobody else.
    for number in 0..10 {
        ghost.come(&crowd[2_000 + number..2_001 + number]).await;
        for socket in &mut sockets {
            let wanted = 2_006 + number as u64;
            socket.take(|object| counted(object) == Some(wanted)).await;
        }
    }
    // The node counts when all are told.
    let told = eventually(async || Some(frames(&node).await - before).filter(|told| *told >= 500)).await;
    // Whoever had no room for one, which is so where its writer is slow, is told all anew, and the next number once more.
    assert!((50 * 10..=50 * 11).contains(&told), "{told} frames");
    // Whoever changes how they are there, and is not in the group, costs nothing; and hundreds at once are as good as one.
    let strangers: Vec<Uuid> = (0..500).map(|_| Uuid::now_v7()).collect();
    ghost.come(&strangers).await;
    ghost.come(&crowd[3_000..3_500]).await;
    for socket in &mut sockets {
        socket.take(|object| counted(object) == Some(2_515)).await;
    }
    let together = frames(&node).await - before - told;
    assert!(together <= 50 * 3, "{together} frames for what happened at once");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_leaves_its_users_the_grace_to_come_to_another() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(patient(&store)).await,
        TestNode::start(patient(&store)).await,
    );
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let mut a = here.socket(&ann).await;
    a.create_group(&[&ben, &cat]).await;
    let b = there.socket(&ben).await;
    there_is(&mut a, &ben).await;
    let state = watching(&mut a, &[&ben, &cat], &[]).await;
    assert_eq!(online(&state, &ben), Some(true));
    there.stop().await;
    drop(b);
    let (_b, _c) = (here.socket(&ben).await, here.socket(&cat).await);
    told_that(&mut a, &cat, "online", true).await;
    let state = watching(&mut a, &[&ben], &[]).await;
    assert_eq!(online(&state, &ben), Some(true));
    here.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hides_when_they_were_last_seen_is_shown_it_of_nobody_who_is_watched_already() {
    let store = Store::new().await;
    let node = TestNode::start(quick(&store)).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, b) = (node.socket(&ann).await, node.socket(&ben).await);
    a.open_direct(&ben).await;
    there_is(&mut a, &ben).await;
    leave(b).await;
    told(&mut a, &ben, |said| said["last_seen"].is_string()).await;
    let settings = |last_seen: &str| json!({ "type": "settings.update", "last_seen": last_seen });
    let is_told = |object: &Value, is_told: bool| {
        let of_state = &object["users"][ben.id.to_string()];
        let of_ben = object["type"] == "presence" && object["user"] == json!(ben.id);
        let seen = if of_ben { object } else { of_state };
        seen.is_object() && seen["last_seen"].is_string() == is_told
    };
    a.acked(settings("nobody")).await;
    a.take(|object| is_told(object, false)).await;
    a.acked(settings("everyone")).await;
    a.take(|object| is_told(object, true)).await;
    // The same goes for those who are watched.
    let mut b = node.socket(&ben).await;
    a.take(|object| is_told(object, false)).await;
    b.acked(settings("nobody")).await;
    leave(b).await;
    let gone = told_that(&mut a, &ben, "online", false).await;
    assert_eq!(gone.get("last_seen"), None);
    let mut b = node.socket(&ben).await;
    b.acked(settings("everyone")).await;
    leave(b).await;
    a.take(|object| is_told(object, true)).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_while_only_a_question_keeps_the_conversation_is_neither_counted_nor_shown() {
    let store = Store::new().await;
    let node = TestNode::start(quick(&store)).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben, &cat]).await;
    node.folded(&ann).await;
    let query = format!("{{ conversation(id: \"{group}\") {{ onlineCount }} }}");
    let counted = async |wanted: u64| {
        eventually(async || {
            let answer = node.graphql(&ann, &query, None).await;
            (answer["data"]["conversation"]["onlineCount"] == wanted).then_some(())
        })
        .await;
    };
    counted(2).await;
    b.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    counted(1).await;
    let state = watching(&mut a, &[], &[group]).await;
    assert_eq!(
        (online(&state, &ben), online(&state, &cat)),
        (None, Some(false)),
        "{state}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn graphql_tells_those_who_share_a_conversation_and_as_much_as_they_show() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben, eve] = here.people(["ann", "ben", "eve"]).await;
    let mut a = here.socket(&ann).await;
    let b = there.socket(&ben).await;
    let group = a.create_group(&[&ben]).await;
    here.folded(&ann).await;
    let ask = async |of: &User, by: &User| {
        let query = format!(
            "{{ user(id: \"{}\") {{ online lastSeen }} conversation(id: \"{group}\") {{ onlineCount }} }}",
            of.id
        );
        let answer = here.graphql(by, &query, None).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    };
    let seen = async |online: bool| {
        eventually(async || {
            let data = ask(&ben, &ann).await;
            (data["user"]["online"] == online).then_some(data)
        })
        .await
    };
    let both = eventually(async || {
        let data = seen(true).await;
        (data["conversation"]["onlineCount"] == 2).then_some(data)
    })
    .await;
    assert_eq!(both["user"]["lastSeen"], json!(null));
    let strange = ask(&ben, &eve).await;
    assert_eq!(
        strange,
        json!({ "user": { "online": null, "lastSeen": null }, "conversation": null })
    );
    leave(b).await;
    seen(false).await;
    // It is written by the minute, and when its node stops.
    hears_all(&quick(&store)).await;
    there.stop().await;
    assert!(seen(false).await["user"]["lastSeen"].is_string());
    // Who does not show it is not shown it, either.
    let mut b = here.socket(&ben).await;
    let settings = |last_seen: &str| json!({ "type": "settings.update", "last_seen": last_seen });
    b.acked(settings("nobody")).await;
    leave(b).await;
    here.folded(&ann).await;
    assert_eq!(seen(false).await["user"]["lastSeen"], json!(null));
    let state = watching(&mut a, &[&ben], &[]).await;
    assert_eq!(state["users"][ben.id.to_string()], json!({ "online": false }));
    let mut b = here.socket(&ben).await;
    b.acked(settings("everyone")).await;
    leave(b).await;
    a.acked(settings("nobody")).await;
    here.folded(&ann).await;
    assert_eq!(seen(false).await["user"]["lastSeen"], json!(null));
    a.acked(settings("everyone")).await;
    here.folded(&ann).await;
    assert!(seen(false).await["user"]["lastSeen"].is_string());
    here.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_note_the_same_people_do_not_stand_in_each_others_way() {
    let store = Store::new().await;
    let node = TestNode::start(quick(&store)).await;
    let note = include_str!("../../src/presence/note_last_seen.sql");
    let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let (mut other, here, watcher) = (store.client().await, store.client().await, store.client().await);
    let at = |users: &[Uuid]| vec![chrono::Utc::now(); users.len()];
    let all = vec![second, first];
    here.execute(note, &[&all, &at(&all)]).await.unwrap();
    // Another node has written one of them, and is about to write the other.
    let other = other.transaction().await.unwrap();
    other.execute(note, &[&vec![first], &at(&[first])]).await.unwrap();
    let pid: i32 = here
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let times = at(&all);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&all, &times];
    let writing = here.execute(note, &values);
    let going_on = async {
        eventually(async || {
            let waits = "SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted";
            let waits: i64 = watcher.query_one(waits, &[&pid]).await.unwrap().get(0);
            (waits > 0).then_some(())
        })
        .await;
        let written = other.execute(note, &[&vec![second], &at(&[second])]).await;
        other.commit().await.unwrap();
        written
    };
    let (written, other) = tokio::join!(writing, going_on);
    assert!(written.is_ok() && other.is_ok(), "{written:?} {other:?}");
    node.stop().await;
}

/// Says how somebody is there; returns when their node knows.
async fn status(socket: &mut Socket, value: &str) {
    socket.send(&json!({ "type": "status", "value": value })).await;
    socket.works().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_block_stands_either_is_shown_to_the_other_as_if_they_were_invisible() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (here.socket(&ann).await, there.socket(&ben).await);
    let mut c = there.socket(&cat).await;
    let group = a.create_group(&[&ben, &cat]).await;
    let direct = a.open_direct(&ben).await;
    let all = [&ann, &ben, &cat];
    let counts =
        |state: &Value| [group, direct].map(|of| state["conversations"][of.to_string()]["online"].as_u64());
    for socket in [&mut a, &mut b, &mut c] {
        for user in all {
            there_is(socket, user).await;
        }
    }
    // By name, and as members of the group and of their direct conversation.
    for socket in [&mut a, &mut b] {
        let state = watching(socket, &[&ann, &ben], &[group, direct]).await;
        assert_eq!(counts(&state), [Some(3), Some(2)], "{state}");
    }
    watching(&mut c, &[&ann, &ben], &[group]).await;
    let query = format!(
        "{{ user(id: \"{}\") {{ online lastSeen }} group: conversation(id: \"{group}\") {{ onlineCount }} direct: conversation(id: \"{direct}\") {{ onlineCount }} }}",
        ann.id
    );
    let seen = async |online: bool, of_group: u64, of_direct: u64| {
        let expected = json!({
            "user": { "online": online, "lastSeen": null },
            "group": { "onlineCount": of_group },
            "direct": { "onlineCount": of_direct },
        });
        // For a moment it may be that nobody knows.
        eventually(async || {
            let answer = there.graphql(&ben, &query, None).await;
            (answer["data"] == expected).then_some(())
        })
        .await;
    };
    there.folded(&ben).await;
    seen(true, 3, 2).await;
    // It is told once, in the words in which it is told that somebody has become invisible.
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": true }))
        .await;
    let hidden = |of: &User| json!({ "type": "presence", "user": of.id, "online": false });
    told(&mut a, &ben, |said| *said == hidden(&ben)).await;
    told(&mut b, &ann, |said| *said == hidden(&ann)).await;
    seen(false, 2, 1).await;
    // What they do from then on is told to others, and not to the other one.
    for (socket, of) in [(&mut a, &ann), (&mut b, &ben)] {
        status(socket, "away").await;
        told_that(socket, of, "status", "away").await;
        told_that(&mut c, of, "status", "away").await;
    }
    status(&mut c, "dnd").await;
    for socket in [&mut a, &mut b, &mut c] {
        told_that(socket, &cat, "status", "dnd").await;
    }
    // Whoever asks again is shown the same, and it is the same for both; others are shown both.
    for (socket, of) in [(&mut a, &ben), (&mut b, &ann)] {
        let state = watching(socket, &[&ann, &ben], &[group, direct]).await;
        let of = &state["users"][of.id.to_string()];
        assert_eq!(*of, json!({ "online": false }), "{state}");
        assert_eq!(counts(&state), [Some(2), Some(1)], "{state}");
    }
    let state = watching(&mut c, &[&ann, &ben], &[group]).await;
    assert_eq!(
        (online(&state, &ann), online(&state, &ben), counts(&state)[0]),
        (Some(true), Some(true), Some(3)),
        "{state}"
    );
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": false }))
        .await;
    for (socket, of) in [(&mut a, &ben), (&mut b, &ann)] {
        let back = json!({ "type": "presence", "user": of.id, "online": true, "status": "away" });
        told(socket, of, |said| *said == back).await;
    }
    there.folded(&ben).await;
    seen(true, 3, 2).await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_contacts_alone_when_they_were_last_seen_shows_it_to_those_and_is_shown_it_of_those() {
    let store = Store::new().await;
    let (here, there) = (
        TestNode::start(quick(&store)).await,
        TestNode::start(quick(&store)).await,
    );
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let (mut a, mut c) = (here.socket(&ann).await, here.socket(&cat).await);
    let mut b = there.socket(&ben).await;
    a.create_group(&[&ben, &cat]).await;
    let contact = |kind: &str, user: &User| json!({ "type": kind, "user": user.id });
    a.acked(contact("contact.request", &ben)).await;
    b.acked(contact("contact.accept", &ann)).await;
    let settings = |last_seen: &str| json!({ "type": "settings.update", "last_seen": last_seen });
    b.acked(settings("contacts")).await;
    for socket in [&mut a, &mut c] {
        there_is(socket, &ben).await;
    }
    leave(b).await;
    told(&mut a, &ben, |said| said["last_seen"].is_string()).await;
    let gone = told_that(&mut c, &ben, "online", false).await;
    assert_eq!(gone.get("last_seen"), None);
    // It is written by the minute, and when its node stops.
    hears_all(&quick(&store)).await;
    there.stop().await;
    let query = format!("{{ user(id: \"{}\") {{ online lastSeen }} }}", ben.id);
    let seen = async |by: &User| {
        eventually(async || {
            let answer = here.graphql(by, &query, None).await;
            let user = answer["data"]["user"].clone();
            (user["online"] == false).then_some(user["lastSeen"].is_string())
        })
        .await
    };
    here.folded(&ann).await;
    assert_eq!((seen(&ann).await, seen(&cat).await), (true, false));
    let is_told = |state: &Value| state["users"][ben.id.to_string()]["last_seen"].is_string();
    assert!(is_told(&watching(&mut a, &[&ben], &[]).await));
    assert!(!is_told(&watching(&mut c, &[&ben], &[]).await));
    // Whoever shows it to contacts alone is shown it of contacts alone.
    let mut b = here.socket(&ben).await;
    there_is(&mut a, &ben).await;
    b.acked(settings("everyone")).await;
    leave(b).await;
    until(&mut a, &ben, false).await;
    for socket in [&mut a, &mut c] {
        socket.acked(settings("contacts")).await;
    }
    here.folded(&ann).await;
    assert_eq!((seen(&ann).await, seen(&cat).await), (true, false));
    assert!(is_told(&watching(&mut a, &[&ben], &[]).await));
    assert!(!is_told(&watching(&mut c, &[&ben], &[]).await));
    // Who is no contact any more is as others are.
    a.acked(contact("contact.remove", &ben)).await;
    here.folded(&ann).await;
    assert!(!seen(&ann).await);
    assert!(!is_told(&watching(&mut a, &[&ben], &[]).await));
    here.stop().await;
}
