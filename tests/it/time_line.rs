//! The log goes back: an older back-up takes its place, under the same Redis.

use crate::support::*;
use serde_json::{Value, json};
use std::process::Command;
use tidings_domain::stored::Kind;
use uuid::Uuid;

/// The database of a store, and a back-up of it.
struct BackUp {
    admin: tokio_postgres::Client,
    live: String,
}

impl BackUp {
    /// Copies the database as it is. Nodes lose their connections for a moment.
    async fn take(store: &Store) -> Self {
        let (server, live) = store.database.url().rsplit_once('/').unwrap();
        let (admin, connection) =
            tokio_postgres::connect(&format!("{server}/postgres"), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let back_up = Self {
            admin,
            live: live.to_owned(),
        };
        back_up.alone().await;
        back_up
            .run(&format!("CREATE DATABASE \"{live}_saved\" TEMPLATE \"{live}\""))
            .await;
        back_up
            .run(&format!("ALTER DATABASE \"{live}\" ALLOW_CONNECTIONS true"))
            .await;
        back_up
    }

    fn saved(&self) -> String {
        format!("{}_saved", self.live)
    }

    /// Puts the copy in the place of the database.
    async fn restore(&self) {
        self.alone().await;
        let live = &self.live;
        self.run(&format!("DROP DATABASE \"{live}\"")).await;
        self.run(&format!("ALTER DATABASE \"{live}_saved\" RENAME TO \"{live}\""))
            .await;
    }

    /// Nobody is connected to the database, and nobody can be.
    async fn alone(&self) {
        let live = &self.live;
        self.run(&format!("ALTER DATABASE \"{live}\" ALLOW_CONNECTIONS false"))
            .await;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        eventually(async || {
            self.admin
                .query(sql, &[live])
                .await
                .unwrap()
                .is_empty()
                .then_some(())
        })
        .await;
    }

    async fn run(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap();
    }
}

/// Connects; answers what was caught up with too, or nothing when the node asked the client to come again.
pub(crate) async fn come(node: &TestNode, user: &User) -> Option<(Socket, Vec<Value>)> {
    let mut socket = node.raw().await;
    socket
        .send(&json!({ "type": "hello", "token": user.token, "device": "test", "resume": {} }))
        .await;
    let mut missed = vec![];
    loop {
        let object = socket.next().await.ok()?;
        match object["type"].as_str() {
            Some("synced") => return Some((socket, missed)),
            Some("close") => return None,
            _ => missed.push(object),
        }
    }
}

/// Until a message is acked, and then until both have it live. Whoever is asked to come again does, and so begins anew.
async fn meet(
    (one, ann): (&TestNode, &User),
    (two, ben): (&TestNode, &User),
    conversation: Uuid,
) -> (Socket, Socket) {
    let hear = async |socket: &mut Socket, seq: &Value| loop {
        let object = socket.next().await.ok()?;
        if object["type"] == "event" && object["seq"] == *seq {
            return Some(());
        }
    };
    eventually(async || {
        let (mut a, _) = come(one, ann).await?;
        let (mut b, missed) = come(two, ben).await?;
        let known = words(&missed);
        assert!(!known.iter().any(|words| words.starts_with("lost")), "{known:?}");
        let mut command = message(conversation, "met");
        command["id"] = json!(Uuid::now_v7());
        a.send(&command).await;
        let mut own = vec![];
        let seq = loop {
            let object = a.next().await.ok()?;
            match object["type"].as_str() {
                Some("ack") => break object["seq"].clone(),
                Some("error") => return None,
                _ => own.push(object),
            }
        };
        if !own.iter().any(|object| object["seq"] == seq) {
            hear(&mut a, &seq).await?;
        }
        hear(&mut b, &seq).await?;
        Some((a, b))
    })
    .await
}

/// What Ann says from now on reaches both of them, and nothing else does.
async fn talk(a: &mut Socket, b: &mut Socket, conversation: Uuid) {
    for n in 0..3 {
        let said = format!("new {n}");
        let ack = a.say(conversation, &said).await;
        let seen = (a.events(conversation, 1).await, b.events(conversation, 1).await);
        assert_eq!(seen.0, seen.1);
        assert_eq!(
            (seqs(&seen.0), words(&seen.0)),
            (vec![ack["seq"].as_u64().unwrap()], vec![said])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_started_on_a_restored_back_up_deliver_what_is_acked_and_nothing_that_was_lost() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "kept").await;
    b.events(conversation, 2).await;
    one.stop().await;
    let back_up = BackUp::take(&store).await;
    let one = store.node().await;
    let (mut a, _) = eventually(async || come(&one, &ann).await).await;
    // This node has lost its sessions with the database, and may have to ask for another moment.
    let (mut b, _) = eventually(async || come(&two, &ben).await).await;
    for n in 0..20 {
        a.say(conversation, &format!("lost {n}")).await;
    }
    b.events(conversation, 20).await;
    one.stop().await;
    two.stop().await;

    back_up.restore().await;
    let (one, two) = (store.node().await, store.node().await);
    let (mut a, mut b) = meet((&one, &ann), (&two, &ben), conversation).await;
    talk(&mut a, &mut b, conversation).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn running_nodes_notice_that_the_log_went_back_and_their_clients_come_again() {
    let store = Store::new().await;
    let mut config = store.config();
    config.read_models_behind_s = 1;
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let back_up = BackUp::take(&store).await;
    eventually(async || {
        let answer = a.command(message(conversation, "lost")).await;
        (answer["type"] == "ack").then_some(())
    })
    .await;
    for n in 0..20 {
        a.say(conversation, &format!("lost {n}")).await;
    }
    b.events(conversation, 21).await;
    // What the nodes wait for then, their read models will never see.
    let holder = store.client().await;
    holder
        .batch_execute("BEGIN; LOCK TABLE projection_checkpoint IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    a.say(conversation, "lost, and folded by nobody").await;
    for node in [&one, &two] {
        crate::readiness::until_reason(node, "read_models_behind").await;
    }

    back_up.restore().await;
    for socket in [&mut a, &mut b] {
        let (said, code) = socket.closed().await;
        assert_eq!(code, Some(4000));
        assert_eq!(said.unwrap()["reconnect"], true);
    }
    let (mut a, mut b) = meet((&one, &ann), (&two, &ben), conversation).await;
    talk(&mut a, &mut b, conversation).await;
    for node in [&one, &two] {
        crate::readiness::until_ready(node).await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovered_log_that_has_overtaken_the_lost_one_is_told_from_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let back_up = BackUp::take(&store).await;
    eventually(async || {
        let answer = a.command(message(conversation, "lost")).await;
        (answer["type"] == "ack").then_some(())
    })
    .await;
    b.events(conversation, 2).await;

    // Recovered elsewhere, where another node goes on with it, before this node sees it.
    let mut elsewhere = store.config();
    elsewhere.redis_url = Some(tidings_services::testing::shared().redis_url());
    let url = store.database.url().replace(&back_up.live, &back_up.saved());
    elsewhere.database_url = Some(url.clone());
    let recovered = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .arg("recover")
        .env("TIDINGS_DATABASE_URL", &url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&recovered.stdout).into_owned();
    assert!(recovered.status.success(), "{said}");
    assert!(
        said.contains("lane 3: time line") && said.contains("no read model holds more"),
        "{said}"
    );
    let other = TestNode::start(elsewhere).await;
    let mut c = other.socket(&ann).await;
    for n in 0..30 {
        c.say(conversation, &format!("other {n}")).await;
    }
    other.stop().await;

    back_up.restore().await;
    for socket in [&mut a, &mut b] {
        assert_eq!(socket.closed().await.1, Some(4000));
    }
    let (_, missed) = eventually(async || come(&node, &ben).await).await;
    let expected: Vec<String> = (0..30).map(|n| format!("other {n}")).collect();
    assert_eq!(words(&missed), expected);
    let (mut a, mut b) = meet((&node, &ann), (&node, &ben), conversation).await;
    talk(&mut a, &mut b, conversation).await;
    node.stop().await;
}

/// Somebody's device connects, and comes no further than what `hold` keeps it from.
async fn held_up(node: &TestNode, user: &User, hold: &tokio_postgres::Transaction<'_>) -> Socket {
    let mut socket = node.raw().await;
    socket
        .send(&json!({ "type": "hello", "token": user.token, "device": "test", "resume": {} }))
        .await;
    socket.until("welcome").await;
    eventually(async || {
        // Other tests have databases of the same server.
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
            WHERE d.datname = current_database() AND NOT granted";
        let waiting: i64 = hold.query_one(waiting, &[]).await.unwrap().get(0);
        (waiting > 0).then_some(())
    })
    .await;
    socket
}

/// It is asked to come again, and was not told before that it has everything.
async fn asked_again_unsynced(socket: &mut Socket) {
    loop {
        let said = socket.next().await.unwrap();
        assert_ne!(said["type"], "synced");
        if said["type"] == "close" {
            return assert_eq!(said["code"], 4000);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_catches_up_while_the_log_goes_back_is_not_told_that_nothing_is_missing() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "missed").await;
    let mut holder = store.client().await;
    let hold = holder.transaction().await.unwrap();
    hold.batch_execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut b = held_up(&node, &ben, &hold).await;
    hold.batch_execute("UPDATE log_lane SET epoch = epoch + 1")
        .await
        .unwrap();
    hold.commit().await.unwrap();
    asked_again_unsynced(&mut b).await;
    eventually(async || come(&node, &ben).await).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_who_began_before_what_the_log_loses_was_in_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "missed").await;
    let mut holder = store.client().await;
    let (lane, id) = (i16::from(conversation.as_bytes()[15]), conversation);
    let head = "SELECT l.head, s.head_seq, s.msg_no FROM log_lane l, stream s WHERE l.lane = $1 AND s.lane = $1 AND s.stream = $2";
    let head = holder.query_one(head, &[&lane, &id]).await.unwrap();
    let (head, seq, msg_no): (i64, i64, i64) = (head.get(0), head.get(1), head.get(2));
    let hold = holder.transaction().await.unwrap();
    hold.batch_execute("LOCK TABLE p_conversations_3.member IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut b = held_up(&node, &ben, &hold).await;
    a.say(conversation, "lost").await;
    a.events(conversation, 3).await;
    for sql in [
        "DELETE FROM event WHERE lane = $1 AND pos > $2",
        "UPDATE log_lane SET head = $2 WHERE lane = $1",
    ] {
        hold.execute(sql, &[&lane, &head]).await.unwrap();
    }
    let sql = "UPDATE stream SET head_seq = $3, msg_no = $4 WHERE lane = $1 AND stream = $2";
    hold.execute(sql, &[&lane, &id, &seq, &msg_no]).await.unwrap();
    hold.commit().await.unwrap();
    asked_again_unsynced(&mut b).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_still_coming_while_the_log_goes_back_comes_again() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.hello_ms = 120_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "missed").await;
    let mut b = node.raw().await;
    b.send(&json!({ "type": "hello", "token": ben.token, "resume": {}, "more": true }))
        .await;
    b.until("welcome").await;
    // Every lane of the node goes on in another time line.
    let lanes = &node.node.gateway().lanes;
    let before = lanes.time_lines();
    let database = store.client().await;
    database
        .batch_execute("UPDATE log_lane SET epoch = epoch + 1")
        .await
        .unwrap();
    eventually(async || (lanes.time_lines() == before + 4).then_some(())).await;
    b.send(&json!({ "type": "resume", "resume": {} })).await;
    // What it said from here on would be taken for something of the time before.
    asked_again_unsynced(&mut b).await;
    let (mut b, _) = eventually(async || come(&node, &ben).await).await;
    b.acked(json!({ "type": "read", "conversation": conversation, "seq": 2 }))
        .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_and_waits_while_the_log_goes_back_is_not_taken_for_the_next() {
    let store = Store::new().await;
    let mut config = store.config();
    config.read_gather_ms = 0;
    let node = TestNode::start(config).await;
    let ann = node.register_by_id("ann", 8).await.swap_remove(0);
    let mut a = node.socket(&ann).await;
    // Somebody whose own events are in another lane, which loses nothing.
    let lane_of = |id: Uuid| i16::from(id.as_bytes()[15]);
    let mut number = 0;
    let (ben, conversation) = loop {
        let ben = node.register(&format!("ben{number}")).await;
        let conversation = a.open_direct(&ben).await;
        if lane_of(ben.id) != lane_of(conversation) {
            break (ben, conversation);
        }
        number += 1;
    };
    a.say(conversation, "kept").await;
    let mut holder = store.client().await;
    let (lane, own) = (lane_of(conversation), lane_of(ben.id));
    let sql = "SELECT l.head, s.head_seq, s.msg_no FROM log_lane l, stream s WHERE l.lane = $1 AND s.lane = $1 AND s.stream = $2";
    let head = holder.query_one(sql, &[&lane, &conversation]).await.unwrap();
    let (head, seq, msg_no): (i64, i64, i64) = (head.get(0), head.get(1), head.get(2));
    a.say(conversation, "lost").await;
    let mut b = node.socket(&ben).await;

    // The log takes nothing of that lane.
    jam(&holder, own).await;
    b.send(&json!({ "type": "read", "id": Uuid::now_v7(), "conversation": conversation, "seq": 3 }))
        .await;
    until_jammed(&holder).await;
    let loss = holder.transaction().await.unwrap();
    for sql in [
        "DELETE FROM event WHERE lane = $1 AND pos > $2",
        "UPDATE log_lane SET head = $2 WHERE lane = $1",
    ] {
        loss.execute(sql, &[&lane, &head]).await.unwrap();
    }
    let sql = "UPDATE stream SET head_seq = $3, msg_no = $4 WHERE lane = $1 AND stream = $2";
    loss.execute(sql, &[&lane, &conversation, &seq, &msg_no])
        .await
        .unwrap();
    loss.commit().await.unwrap();
    // The node finds it out, and asks everybody to come again.
    a.send(&message(conversation, "new")).await;
    while b.next().await.is_ok() {}
    unjam(&holder).await;

    node.node.gateway().cursors.flush().await;
    let sql = "SELECT count(*) FROM event WHERE lane = $1 AND stream = $2 AND kind = $3";
    let moved: i64 = holder
        .query_one(sql, &[&own, &ben.id, &Kind::CURSORS_MOVED.0])
        .await
        .unwrap()
        .get(0);
    assert_eq!(moved, 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_conversation_exists_is_acked_only_where_the_log_says_so() {
    let store = Store::new().await;
    let mut config = store.config();
    // Nobody looks by the way whether the log has gone back.
    config.sweep_ms = 3_600_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let log = store.client().await;
    let lane = i16::from(conversation.as_bytes()[15]);
    for sql in [
        "DELETE FROM event WHERE lane = $1 AND stream = $2",
        "DELETE FROM stream WHERE lane = $1 AND stream = $2",
    ] {
        log.execute(sql, &[&lane, &conversation]).await.unwrap();
    }
    assert_eq!(b.open_direct(&ann).await, conversation);
    let count = "SELECT count(*) FROM event WHERE lane = $1 AND stream = $2";
    let count = log.query_one(count, &[&lane, &conversation]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 1);
    node.stop().await;
}
