//! Redis and PostgreSQL go away in the middle of traffic: nothing acked is lost, repeated or reordered.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tidings_services::testing::{Private, private_postgres};
use tidings_services::{ChaosProxy, Postgres, Redis};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

/// Ann on one node talks to Ben on another while `disturb` runs; Ben must see everything once, in order.
async fn undisturbed_talk(one: &TestNode, two: &TestNode, disturb: impl AsyncFnOnce(&Heard)) {
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    let heard = Heard::default();
    let (stop, mut stopped) = watch::channel(false);
    let (said, mut all_said) = watch::channel(None);
    let talking = async {
        let mut count = 0_u64;
        while !*stopped.borrow_and_update() {
            a.say(conversation, &count.to_string()).await;
            count += 1;
            tokio::time::sleep(BREATH).await;
        }
        // Some more, so that the way back to normal is seen too.
        for _ in 0..20 {
            a.say(conversation, &count.to_string()).await;
            count += 1;
        }
        said.send(Some(count)).unwrap();
        count
    };
    let disturbing = async {
        disturb(&heard).await;
        stop.send(true).unwrap();
    };
    let hearing = async {
        let mut seen = vec![];
        loop {
            let all = tokio::select! {
                events = b.events(conversation, 1) => {
                    seen.extend(events);
                    heard.0.send_replace(seen.len() as u64);
                    *all_said.borrow_and_update()
                }
                changed = all_said.changed() => {
                    changed.unwrap();
                    *all_said.borrow_and_update()
                }
            };
            if all == Some(seen.len() as u64) {
                return seen;
            }
        }
    };
    let (count, (), seen) = tokio::join!(talking, disturbing, hearing);
    assert_eq!(seqs(&seen), (2..count + 2).collect::<Vec<_>>());
    assert_eq!(
        words(&seen),
        (0..count).map(|n| n.to_string()).collect::<Vec<_>>()
    );
}

/// How many messages Ben has heard.
#[derive(Default)]
struct Heard(watch::Sender<u64>);

impl Heard {
    /// Waits until Ben has heard so many more.
    async fn more(&self, count: u64) {
        let mut heard = self.0.subscribe();
        let wanted = *heard.borrow_and_update() + count;
        // Each takes its time on a busy machine.
        let waiting = timeout(5 * PATIENCE, heard.wait_for(|heard| *heard >= wanted));
        waiting
            .await
            .expect("nothing is heard while it is disturbed")
            .unwrap();
    }
}

async fn flush(redis: &Redis) {
    let mut connection = connected(&redis.url(0)).await;
    let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_flushed_killed_and_restarted_empty_loses_nothing() {
    let (store, redis) = Store::with_redis().await;
    let (one, two) = (store.node().await, store.node().await);
    Box::pin(undisturbed_talk(&one, &two, async |heard| {
        for _ in 0..5 {
            heard.more(10).await;
            flush(&redis).await;
        }
        redis.kill().await.unwrap();
        // Without Redis the nodes follow the log itself.
        heard.more(50).await;
        redis.restart().await.unwrap();
        heard.more(50).await;
    }))
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_redis_goes_nobody_waits_for_the_next_time_that_heads_are_compared() {
    let (store, redis) = Store::with_redis().await;
    let mut config = store.config();
    config.sweep_ms = 3_600_000;
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    for node in [&one, &two] {
        until_redis_is(node, "up").await;
    }
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    redis.kill().await.unwrap();
    a.say(conversation, "by the log alone").await;
    assert_eq!(words(&b.events(conversation, 1).await), ["by the log alone"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_redis_serves_and_says_so() {
    let (store, redis) = Store::with_redis().await;
    let (one, two) = (store.node().await, store.node().await);
    redis.kill().await.unwrap();
    eventually(async || {
        let answer = one.http.get(one.url("/readyz")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap().contains("away").then_some(())
    })
    .await;
    Box::pin(undisturbed_talk(&one, &two, async |heard| heard.more(50).await)).await;
    one.stop().await;
    two.stop().await;
}

/// Until a node says so of Redis.
async fn until_redis_is(node: &TestNode, state: &str) {
    let said = format!("\"redis\":\"{state}\"");
    eventually(async || {
        let answer = node.http.get(node.url("/readyz")).send().await.unwrap();
        answer.text().await.unwrap().contains(&said).then_some(())
    })
    .await;
}

async fn tell_redis(redis: &Redis, words: &[&str]) {
    let mut connection = connected(&redis.url(0)).await;
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    let () = command.query_async(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_counts_as_away_at_every_node() {
    let (store, redis) = Store::with_redis().await;
    let (one, two) = (store.node().await, store.node().await);
    for node in [&one, &two] {
        until_redis_is(node, "up").await;
    }
    // It answers, and misses a replica.
    tell_redis(&redis, &["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    // Nobody says anything: nodes that publish nothing notice, too.
    for node in [&one, &two] {
        until_redis_is(node, "away").await;
    }
    Box::pin(undisturbed_talk(&one, &two, async |heard| heard.more(20).await)).await;
    tell_redis(&redis, &["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    for node in [&one, &two] {
        until_redis_is(node, "up").await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_fails_counts_until_redis_has_taken_what_it_offered() {
    let (store, redis) = Store::with_redis().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    for node in [&one, &two] {
        until_redis_is(node, "up").await;
    }
    // Entries are refused alone, and not what is written to see whether anything is taken.
    tell_redis(&redis, &["ACL", "SETUSER", "default", "-xadd"]).await;
    a.say(conversation, "not by Redis").await;
    until_redis_is(&one, "away").await;
    assert_eq!(words(&b.events(conversation, 1).await), ["not by Redis"]);
    // Without another word of anybody's.
    tell_redis(&redis, &["ACL", "SETUSER", "default", "+xadd"]).await;
    until_redis_is(&one, "up").await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_keeps_nobody_from_hearing() {
    let (store, redis) = Store::with_redis().await;
    let (one, two) = (store.node().await, store.node().await);
    Box::pin(undisturbed_talk(&one, &two, async |heard| {
        redis.pause().await.unwrap();
        // It hangs for as long as it takes: acks and the way to the other node do not wait for it.
        heard.more(50).await;
        redis.resume().await.unwrap();
    }))
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed_in_the_middle_of_traffic_loses_nothing_acked() {
    let postgres = private_log().await;
    let mut config = Store::new().await.config();
    config.database_url = Some(postgres.url("server"));
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    // Twenty are always under way, so that each crash meets some whose fate nobody knows.
    let acked = watch::Sender::new(HashMap::new());
    let talking = async {
        let mut words = (0..300).map(|n| n.to_string());
        let mut under_way = HashMap::new();
        loop {
            while under_way.len() < 20
                && let Some(word) = words.next()
            {
                let mut command = message(conversation, &word);
                command["id"] = json!(Uuid::now_v7());
                a.send(&command).await;
                under_way.insert(id(&command["id"]), command);
            }
            if under_way.is_empty() {
                return;
            }
            let answer = a
                .take(|object| object["id"].is_string() && object["type"] != "event")
                .await;
            let id = id(&answer["id"]);
            if answer["type"] == "ack" {
                let command = under_way.remove(&id).unwrap();
                let seq = answer["seq"].as_u64().unwrap();
                acked.send_modify(|acked| {
                    acked.insert(seq, text(&command["content"]["text"]));
                });
                continue;
            }
            // The same id until it is acked, as every client does.
            assert_eq!(answer["retryable"], true, "{answer}");
            tokio::time::sleep(Duration::from_millis(answer["retry_after_ms"].as_u64().unwrap())).await;
            a.send(&under_way[&id]).await;
        }
    };
    let killing = async {
        for count in [50, 150, 250] {
            let waiting = timeout(5 * PATIENCE, async {
                acked
                    .subscribe()
                    .wait_for(|acked| acked.len() >= count)
                    .await
                    .map(|_| ())
            });
            waiting.await.unwrap().unwrap();
            postgres.stop_immediate().await.unwrap();
            postgres.restart().await.unwrap();
        }
    };
    tokio::join!(talking, killing);
    let seen = b.events(conversation, 301).await;
    assert_eq!(seqs(&seen), (1..=301).collect::<Vec<_>>());
    let acked = acked.borrow();
    for (event, word) in seen[1..].iter().zip(words(&seen)) {
        assert_eq!(acked.get(&event["seq"].as_u64().unwrap()), Some(&word));
    }
    node.stop().await;
}

/// A fold is committed and not yet flushed when PostgreSQL dies, and people connect as soon as it is back.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_told_synced_after_a_crash_is_sent_what_comes_next() {
    let postgres = private_log().await;
    let url = postgres.url("server");
    // What is appended is flushed with its commit, and nothing else of the node: a commit behind the fold would take the fold with it.
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let lazily = "ALTER DATABASE server SET synchronous_commit = off";
    client.batch_execute(lazily).await.unwrap();
    let proxy = ChaosProxy::to_port(port_of(&url)).await.unwrap();
    let mut config = Store::new().await.config();
    config.database_url = Some(through(&url, proxy.port()));
    // Nothing else may flush what the folds have left to be flushed later.
    config.gateway.delivered_ms = 3_600_000;
    config.gateway.catch_up_wait_ms = 30_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    let mut said = 0;
    let holder = loop {
        said += 1;
        let walwriter = sole(
            &url,
            "SELECT pid::int8 FROM pg_stat_activity WHERE backend_type = 'walwriter'",
        )
        .await;
        signal(walwriter, "STOP");
        let ack = a.say(group, "before").await;
        let position = text(&ack["position"]);
        let shown = node
            .graphql(
                &ann,
                &format!("{{ conversation(id: \"{group}\") {{ lastSeq }} }}"),
                Some(&position),
            )
            .await;
        assert_eq!(shown["data"]["conversation"]["lastSeq"], 1 + said, "{shown}");

        postgres.kill().await.unwrap();
        proxy.cut().await;
        postgres.restart().await.unwrap();
        let lost = "SELECT l.head - c.pos FROM log_lane l JOIN projection_checkpoint c USING (lane) \
                    WHERE c.projection = 'conversations' AND l.lane = get_byte(uuid_send($1::text::uuid), 15)";
        let connect = async || tokio_postgres::connect(&url, tokio_postgres::NoTls).await.ok();
        let (holder, connection) = eventually(connect).await;
        tokio::spawn(connection);
        let behind: i64 = holder
            .query_one(lost, &[&group.to_string()])
            .await
            .unwrap()
            .get(0);
        if behind > 0 {
            break holder;
        }
        // Whatever else was committed has flushed the fold with it.
        assert!(said < 20, "no crash took the fold back");
        proxy.restore();
        a = node.socket(&ann).await;
    };
    // Until this is lifted nobody can find out how far the read models are.
    holder
        .batch_execute("BEGIN; LOCK TABLE projection_checkpoint IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    proxy.restore();
    let lifted = tokio::sync::Notify::new();
    let coming = async {
        let sockets = futures_util::future::join_all((0..12).map(|_| node.socket(&ben))).await;
        lifted.notify_one();
        sockets
    };
    let lifting = async {
        // Whoever trusts memory does not wait for it.
        let _ = timeout(Duration::from_secs(3), lifted.notified()).await;
        holder.batch_execute("ROLLBACK").await.unwrap();
    };
    let (mut sockets, ()) = tokio::join!(coming, lifting);
    let mut again = node.socket(&ann).await;
    again.say(group, "after").await;
    for socket in &mut sockets {
        let after = socket
            .take(|object| object["data"]["content"]["text"] == "after")
            .await;
        assert_eq!(after["conversation"], group.to_string());
    }
    node.stop().await;
}

async fn sole(url: &str, sql: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.query_one(sql, &[]).await.unwrap().get(0)
}

fn signal(pid: i64, name: &str) {
    let done = std::process::Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status();
    assert!(done.unwrap().success());
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
    eventually(async || {
        let ready = node.http.get(node.url("/readyz")).send().await.unwrap();
        (ready.status() == 503).then_some(())
    })
    .await;
    a.works().await;
    proxy.restore();
    eventually(async || {
        let answer: Value = a.command(message(conversation, "after")).await;
        (answer["type"] == "ack").then_some(())
    })
    .await;
    node.stop().await;
}

/// Appends to a lane hang in their commits for as long as somebody holds this lock.
const HANGING: i64 = 4711;

async fn make_commits_hang(database: &tokio_postgres::Client, lane: i16) {
    let hang = format!(
        "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS $$ BEGIN
             PERFORM pg_advisory_xact_lock_shared({HANGING});
             RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER hang AFTER UPDATE ON log_lane DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW WHEN (OLD.lane = {lane}) EXECUTE FUNCTION hang()"
    );
    database.batch_execute(&hang).await.unwrap();
}

async fn until_counted(database: &tokio_postgres::Client, sql: &str) {
    eventually(async || {
        let count: i64 = database.query_one(sql, &[]).await.unwrap().get(0);
        (count > 0).then_some(())
    })
    .await;
}

/// The answer to a command that was sent; it is sent again for as long as it has none.
async fn answered(socket: &mut Socket, command: &Value) -> Value {
    loop {
        let answer = socket.answer(id(&command["id"])).await;
        if answer["code"] != "unavailable" {
            return answer;
        }
        tokio::time::sleep(BREATH).await;
        socket.send(command).await;
    }
}

/// Two groups in one lane.
async fn two_of_one_lane(socket: &mut Socket, member: &User) -> (Uuid, Uuid) {
    let (one, other) = (
        socket.create_group(&[member]).await,
        socket.create_group(&[member]).await,
    );
    // A group lies on the lane of who made it.
    assert_eq!(one.as_bytes()[15], other.as_bytes()[15]);
    (one, other)
}

/// What finds nothing to do: this was never pinned.
fn unpin(conversation: Uuid, sent: &Value) -> Value {
    json!({ "type": "message.pin", "conversation": conversation, "message": sent["id"], "on": false })
}

/// These are sent at once, and each comes to its ack.
async fn are_acked(socket: &mut Socket, commands: [Value; 2]) {
    let commands = commands.map(|mut command| {
        command["id"] = json!(Uuid::now_v7());
        command
    });
    for command in &commands {
        socket.send(command).await;
    }
    for command in &commands {
        let answer = timeout(3 * PATIENCE, answered(socket, command)).await.unwrap();
        assert_eq!(answer["type"], "ack", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_commit_hangs_is_not_refused_as_long_as_it_may_take_effect() {
    let store = Store::new().await;
    let mut config = store.config();
    // Longer than all of this takes: the commit hangs until it is let go.
    config.database_timeout_ms = 300_000;
    let one = TestNode::start(config.clone()).await;
    let (ann, ben) = (one.register("ann").await, one.register("ben").await);
    let mut a = one.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let sent = a.say(conversation, "helo").await;
    one.folded(&ann).await;
    let (holder, database) = (store.client().await, store.client().await);
    let lane = i16::from(conversation.as_bytes()[15]);
    make_commits_hang(&database, lane).await;
    let hold = format!("BEGIN; SELECT pg_advisory_xact_lock({HANGING})");
    holder.batch_execute(&hold).await.unwrap();

    let edit = json!({ "type": "message.edit", "id": Uuid::now_v7(), "conversation": conversation,
        "message": sent["id"], "content": { "kind": "text", "text": "hello" } });
    a.send(&edit).await;
    let hangs = format!(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {HANGING} AND NOT granted \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    until_counted(&database, &hangs).await;
    // It is too late by the time that a node decides which comes in the place of the first.
    age(&database, lane, conversation).await;
    let two = TestNode::start(config).await;
    let mut again = two.socket(&ann).await;
    again.send(&edit).await;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock' AND query LIKE '%FOR SHARE%'";
    let ack = tokio::select! {
        answer = answered(&mut again, &edit) => panic!("nobody knows yet: {answer}"),
        () = until_counted(&database, waits) => {
            holder.batch_execute("COMMIT").await.unwrap();
            answered(&mut again, &edit).await
        }
    };
    assert_eq!((&ack["type"], &ack["seq"]), (&json!("ack"), &json!(3)), "{ack}");
    one.stop().await;
    two.stop().await;
}

/// The message that a conversation begins with is a day old.
async fn age(database: &tokio_postgres::Client, lane: i16, conversation: Uuid) {
    let age = "UPDATE event SET at = at - interval '1 day' WHERE lane = $1 AND stream = $2 AND seq = 2";
    assert_eq!(database.execute(age, &[&lane, &conversation]).await.unwrap(), 1);
}

/// Sessions of PostgreSQL do not come to read what they are sent, for longer than a node waits.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_session_is_sent_before_it_is_given_up_is_not_carried_out_once_it_was_refused() {
    let postgres = private_log().await;
    let url = postgres.url("server");
    let mut config = Store::new().await.config();
    config.database_url = Some(url.clone());
    config.database_timeout_ms = 10_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    // Their owner may edit however late.
    let (conversation, beside) = two_of_one_lane(&mut b, &ann).await;
    let sent = a.say(conversation, "helo").await;
    let other = b.say(beside, "hello").await;
    node.folded(&ann).await;
    let (database, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    // They have appended last, or were asked whether they may.
    let appenders = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                     AND state = 'idle' AND (query LIKE '%append_lane(%' OR query LIKE '%transaction_read_only%bool%')";
    let pids: Vec<i32> = eventually(async || {
        let rows = database.query(appenders, &[]).await.unwrap();
        (rows.len() == 2).then(|| rows.iter().map(|row| row.get(0)).collect())
    })
    .await;
    for pid in &pids {
        signal(i64::from(*pid), "STOP");
    }
    let edit = json!({ "type": "message.edit", "id": Uuid::now_v7(), "conversation": conversation,
        "message": sent["id"], "content": { "kind": "text", "text": "hello" } });
    a.send(&edit).await;
    let unknown = a.answer(id(&edit["id"])).await;
    assert_eq!(unknown["code"], "unavailable", "{unknown}");
    // When it is sent again it comes too late.
    let lane = i16::from(conversation.as_bytes()[15]);
    age(&database, lane, conversation).await;
    a.send(&edit).await;
    // Others do not wait for that, neither beside it nor, once it does not stand before them, in its own conversation.
    are_acked(&mut b, [unpin(beside, &other), message(beside, "again")]).await;
    let unknown = a.answer(id(&edit["id"])).await;
    assert_eq!(unknown["code"], "unavailable", "nobody knows yet: {unknown}");
    are_acked(
        &mut b,
        [unpin(conversation, &sent), message(conversation, "again")],
    )
    .await;
    for pid in &pids {
        signal(i64::from(*pid), "CONT");
    }
    a.send(&edit).await;
    let refused = answered(&mut a, &edit).await;
    assert_eq!(refused["code"], "forbidden", "{refused}");
    // The one that was sent it is gone; another one was sent nothing.
    let there = "SELECT FROM pg_stat_activity WHERE pid = ANY($1)";
    eventually(async || {
        let left = database.query(there, &[&pids]).await.unwrap();
        (left.len() < pids.len()).then_some(())
    })
    .await;
    let edited = "SELECT FROM event WHERE lane = $1 AND command = $2";
    let edited = database.query(edited, &[&lane, &id(&edit["id"])]).await.unwrap();
    assert_eq!(edited.len(), 0, "what was refused has taken effect");
    node.stop().await;
}

/// A server of PostgreSQL for one test, with an empty log of four lanes in its database `server`.
async fn private_log() -> Private<Postgres> {
    let postgres = private_postgres().await.unwrap();
    postgres.ensure_database("server").await.unwrap();
    let config = tidings_eventlog::LogConfig::from_url(&postgres.url("server"))
        .unwrap()
        .with_timeout(PATIENCE);
    tidings_eventlog::schema::migrate(&config, 4).await.unwrap();
    postgres
}

pub(crate) fn port_of(url: &str) -> u16 {
    url.rsplit_once(':')
        .unwrap()
        .1
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn through(url: &str, port: u16) -> String {
    url.replace(&format!(":{}/", port_of(url)), &format!(":{port}/"))
}
