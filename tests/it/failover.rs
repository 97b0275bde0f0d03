//! A failover loses the last commits, and nobody has noticed it yet: sessions were lost, heads have not been compared.

use crate::support::*;
use crate::time_line::come;
use serde_json::{Value, json};
use tidings::config::Config;
use tidings::lanes::AsOf;
use tidings_domain::stored::Kind;
use tokio_postgres::Client;
use uuid::Uuid;

fn lane_of(id: Uuid) -> i16 {
    i16::from(id.as_bytes()[15])
}

/// Nodes that do not look by themselves whether the log has gone back.
fn unwatchful(store: &Store) -> Config {
    let mut config = store.config();
    config.sweep_ms = 3_600_000;
    config
}

/// How far a lane has come: commits behind that are going to be lost.
struct Kept {
    lane: i16,
    head: i64,
}

impl Kept {
    async fn now(database: &Client, lane: i16) -> Self {
        let sql = "SELECT head FROM log_lane WHERE lane = $1";
        let head = database.query_one(sql, &[&lane]).await.unwrap().get(0);
        Self { lane, head }
    }

    /// Everybody loses their sessions, and the server that takes them in then lacks what the lane has got since.
    async fn fail_over(&self, database: &mut Client) {
        let (lane, head) = (self.lane, self.head);
        // Who comes anew meanwhile would see what is going to be lost.
        let open = "UPDATE pg_database SET datallowconn = $1 WHERE datname = current_database()";
        database.execute(open, &[&false]).await.unwrap();
        let failing = database.transaction().await.unwrap();
        for sql in [
            "DELETE FROM event WHERE lane = $1 AND pos > $2",
            "DELETE FROM stream s WHERE lane = $1 AND $2::bigint >= 0
                AND NOT EXISTS (SELECT FROM event e WHERE e.lane = s.lane AND e.stream = s.stream)",
            "UPDATE stream s SET (head_seq, msg_no, guard_seq) = (
                SELECT max(seq), max(msg_no), coalesce(max(seq) FILTER (WHERE control), 0)
                  FROM event e WHERE e.lane = s.lane AND e.stream = s.stream) WHERE lane = $1 AND $2::bigint >= 0",
            "UPDATE log_lane SET head = $2 WHERE lane = $1",
        ] {
            failing.execute(sql, &[&lane, &head]).await.unwrap();
        }
        let others =
            "pid <> pg_backend_pid() AND application_name = 'tidings' AND datname = current_database()
                      AND backend_start < now()";
        let end = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {others}");
        failing.query_one(&end, &[]).await.unwrap();
        let left = format!("SELECT count(*) FROM pg_stat_activity WHERE {others}");
        eventually(async || {
            // A transaction sees statistics as it saw them first.
            failing
                .batch_execute("SELECT pg_stat_clear_snapshot()")
                .await
                .unwrap();
            let left: i64 = failing.query_one(&left, &[]).await.unwrap().get(0);
            (left == 0).then_some(())
        })
        .await;
        failing.commit().await.unwrap();
        database.execute(open, &[&true]).await.unwrap();
    }
}

/// A person beside `ann`, whose id is low, whose own events are in another lane than their conversation with her.
async fn ben_elsewhere(node: &TestNode, a: &mut Socket) -> (User, Uuid) {
    let mut number = 0;
    loop {
        let ben = node.register(&format!("ben{number}")).await;
        let conversation = a.open_direct(&ben).await;
        if lane_of(ben.id) != lane_of(conversation) {
            return (ben, conversation);
        }
        number += 1;
    }
}

/// Until the node has met with the loss of its sessions.
async fn until_noticed(node: &TestNode, before: AsOf) {
    let noticed = || node.node.gateway().lanes.as_of() != before;
    eventually(async || noticed().then_some(())).await;
}

/// What the moves of a person's cursors say, the oldest first.
async fn moves(database: &Client, user: &User) -> Vec<Value> {
    let sql = "SELECT payload FROM event WHERE lane = $1 AND stream = $2 AND kind = $3 ORDER BY seq";
    let kind = Kind::CURSORS_MOVED.0;
    let rows = database
        .query(sql, &[&lane_of(user.id), &user.id, &kind])
        .await
        .unwrap();
    rows.iter()
        .map(|row| serde_json::from_slice(row.get::<_, &[u8]>(0)).unwrap())
        .collect()
}

/// Until nobody is connected any more, and what their devices had is on its way to the log.
async fn gone(node: &TestNode, mut socket: Socket) {
    let before = node.node.gateway().registry.count();
    socket.stream.close(None).await.unwrap();
    socket.closed().await;
    eventually(async || (node.node.gateway().registry.count() < before).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_what_a_failover_lost_is_not_answered_from_memory() {
    let store = Store::new().await;
    let node = TestNode::start(unwatchful(&store)).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "kept").await;
    let mut database = store.client().await;
    let kept = Kept::now(&database, lane_of(conversation)).await;
    let lost = Uuid::now_v7();
    let mut command = message(conversation, "lost, and said again");
    command["id"] = json!(lost);
    a.send(&command).await;
    assert_eq!(a.answer(lost).await["type"], "ack");
    a.send(&command).await;
    assert_eq!(a.answer(lost).await["duplicate"], true);

    let before = node.node.gateway().lanes.as_of();
    let mut socket = Some(a);
    kept.fail_over(&mut database).await;
    until_noticed(&node, before).await;
    let ack = eventually(async || {
        if socket.is_none() {
            socket = come(&node, &ann).await.map(|(socket, _)| socket);
        }
        let mut a = socket.take()?;
        a.send(&command).await;
        let answer = loop {
            match a.next().await {
                Ok(object) if object["id"] == command["id"] => break object,
                Ok(_) => {}
                // The node has found out by now, and everybody is asked to come again.
                Err(_) => return None,
            }
        };
        socket = Some(a);
        (answer["type"] == "ack").then_some(answer)
    })
    .await;
    let sql = "SELECT seq FROM event WHERE lane = $1 AND stream = $2 AND command = $3";
    let stored = database
        .query(sql, &[&lane_of(conversation), &conversation, &lost])
        .await
        .unwrap();
    let stored: Vec<i64> = stored.iter().map(|row| row.get(0)).collect();
    assert_eq!(json!(stored), json!([ack["seq"]]));
    node.stop().await;
}

/// The same, where cursors are stored when they are told to be.
fn unhurried(store: &Store) -> Config {
    let mut config = unwatchful(store);
    config.read_gather_ms = 3_600_000;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_cursors_of_what_a_failover_lost_are_not_stored_and_others_are() {
    let store = Store::new().await;
    let node = TestNode::start(unhurried(&store)).await;
    let ann = node.register_by_id("ann", 8).await.swap_remove(0);
    let mut a = node.socket(&ann).await;
    let (ben, conversation) = ben_elsewhere(&node, &mut a).await;
    let lane = lane_of(conversation);
    a.say(conversation, "kept").await;
    let mut b = node.socket(&ben).await;
    let mut number = 0;
    let other = loop {
        let other = b.open_direct(&node.register(&format!("cat{number}")).await).await;
        if lane_of(other) != lane {
            break other;
        }
        number += 1;
    };
    let mut database = store.client().await;
    let kept = Kept::now(&database, lane).await;
    a.say(conversation, "lost").await;
    b.say(other, "kept").await;
    for (conversation, seq) in [(conversation, 3), (other, 2)] {
        b.take(|object| object["conversation"] == json!(conversation) && object["seq"] == seq)
            .await;
    }
    gone(&node, b).await;
    let before = node.node.gateway().lanes.as_of();
    kept.fail_over(&mut database).await;
    until_noticed(&node, before).await;

    node.node.gateway().cursors.flush().await;
    let moved = moves(&database, &ben).await;
    let delivered: Vec<&Value> = moved.iter().filter_map(|moved| moved.get("delivered")).collect();
    assert!(
        delivered
            .iter()
            .any(|delivered| delivered.get(other.to_string()).is_some()),
        "{moved:?}"
    );
    assert!(
        !delivered
            .iter()
            .any(|delivered| delivered.get(conversation.to_string()).is_some()),
        "{moved:?}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_that_waited_for_the_log_are_compared_with_it_again_after_a_failover() {
    let store = Store::new().await;
    let mut config = unwatchful(&store);
    config.read_gather_ms = 0;
    let node = TestNode::start(config).await;
    let ann = node.register_by_id("ann", 8).await.swap_remove(0);
    let mut a = node.socket(&ann).await;
    let (ben, conversation) = ben_elsewhere(&node, &mut a).await;
    a.say(conversation, "kept").await;
    let mut database = store.client().await;
    let mut b = node.socket(&ben).await;
    let kept = Kept::now(&database, lane_of(conversation)).await;
    // The log takes nothing of Ben's lane, from before there is anything that he may prove to have.
    jam(&database, lane_of(ben.id)).await;
    a.say(conversation, "lost").await;
    b.events(conversation, 1).await;
    gone(&node, b).await;
    until_jammed(&database).await;
    let before = node.node.gateway().lanes.as_of();
    kept.fail_over(&mut database).await;
    until_noticed(&node, before).await;
    unjam(&database).await;

    node.node.gateway().cursors.flush().await;
    let moved = moves(&database, &ben).await;
    let lost = moved
        .iter()
        .any(|moved| moved["delivered"][conversation.to_string()]["seq"] == 3);
    assert!(!lost, "{moved:?}");
    node.stop().await;
}
