//! What the server does of itself when something has happened: once, whatever breaks, and on one node of all.

use crate::support::*;
use serde_json::json;
use std::process::Stdio;
use tokio::process::{Child, Command};
use uuid::Uuid;

const INBOX_EXPIRED: i16 = 66;

/// Who runs the expiry of inboxes.
const OWNERS: &str = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted \
      AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('tidings.reactor.inbox-expiry', 0)";

/// A message that Ben and Eve have not been sent, on a lane that is not his, written while no inbox expired.
struct Owed {
    store: Store,
    conversation: Uuid,
    ben: User,
    eve: User,
    client: tokio_postgres::Client,
}

impl Owed {
    async fn new() -> Self {
        let store = Store::new().await;
        let node = store.node().await;
        let ann = node.register("ann").await;
        let lane = |id: Uuid| id.as_bytes()[15];
        let ben = loop {
            let ben = node.register("ben").await;
            if lane(ben.id) != lane(ann.id) {
                break ben;
            }
        };
        let eve = node.register("eve").await;
        let mut a = node.socket(&ann).await;
        // A group is on the lane of whoever makes it.
        let conversation = a.create_group(&[&ben, &eve]).await;
        assert_ne!(lane(conversation), lane(ben.id));
        a.say(conversation, "soon gone").await;
        node.stop().await;
        let client = store.client().await;
        Self {
            store,
            conversation,
            ben,
            eve,
            client,
        }
    }

    /// A node whose inboxes keep nothing.
    async fn node(&self) -> TestNode {
        TestNode::start(forgetful(&self.store)).await
    }

    /// The same as a process, to be killed.
    fn process(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_tidings"))
            .arg("serve")
            .env("TIDINGS_DATABASE_URL", self.store.database.url())
            .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000")
            .env("TIDINGS_REDIS_URL", &self.store.redis_url)
            .env("TIDINGS_LISTEN", "127.0.0.1:0")
            .env("TIDINGS_INBOX_DAYS", "0")
            .env("TIDINGS_INBOX_CLEAN_UP_S", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// How often the log says that something of somebody's has expired.
    async fn expired(&self, whose: &User) -> i64 {
        let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = $2";
        self.number(sql, &[&whose.id, &INBOX_EXPIRED]).await
    }

    /// Whether the reactor is done with the conversation.
    async fn done(&self) -> bool {
        let sql = "SELECT count(*) FROM reactor_checkpoint c JOIN event e ON e.lane = c.lane AND e.stream = $1 AND e.kind = 16 \
                   WHERE c.reactor = 'inbox-expiry' AND c.pos >= e.pos";
        self.number(sql, &[&self.conversation]).await > 0
    }

    async fn number(&self, sql: &str, values: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> i64 {
        self.client.query_one(sql, values).await.unwrap().get(0)
    }

    /// Waits until somebody waits for what this test holds, and lets nothing come of it, as when the whole machine is gone.
    async fn kill(&self, mut process: Child, statement: &str) {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' \
                       AND query LIKE $1";
        let is_waiting = async || (self.number(waiting, &[&statement]).await > 0).then_some(());
        eventually(is_waiting).await;
        process.kill().await.unwrap();
        let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                      AND pid <> pg_backend_pid() AND query LIKE $1";
        self.number(others, &[&statement]).await;
        let gone = async || (self.number(waiting, &[&statement]).await == 0).then_some(());
        eventually(gone).await;
    }
}

fn forgetful(store: &Store) -> tidings::config::Config {
    let mut config = store.config();
    config.inbox_days = 0;
    config.inbox_clean_up_s = 1;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_before_its_command_leaves_the_reaction_to_the_next() {
    let owed = Owed::new().await;
    // Nothing is appended to Ben's lane meanwhile.
    let mut holder = owed.store.client().await;
    let held = holder.transaction().await.unwrap();
    let lane = i16::from(owed.ben.id.as_bytes()[15]);
    held.query("SELECT 1 FROM log_lane WHERE lane = $1 FOR UPDATE", &[&lane])
        .await
        .unwrap();
    owed.kill(owed.process(), "%append_lane%").await;
    held.rollback().await.unwrap();
    assert_eq!(owed.expired(&owed.ben).await, 0);
    assert!(!owed.done().await);
    let node = owed.node().await;
    eventually(async || owed.done().await.then_some(())).await;
    assert_eq!(owed.expired(&owed.ben).await, 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_killed_behind_its_command_has_reacted_once() {
    let owed = Owed::new().await;
    // The read models do not learn of it either, so that the next node finds everything as this one did.
    let mut holder = owed.store.client().await;
    let held = holder.transaction().await.unwrap();
    let lane = i16::from(owed.ben.id.as_bytes()[15]);
    held.query(
        "SELECT 1 FROM projection_checkpoint WHERE lane = $1 FOR UPDATE",
        &[&lane],
    )
    .await
    .unwrap();
    owed.client
        .batch_execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$; \
             CREATE TRIGGER wait BEFORE UPDATE ON reactor_checkpoint FOR EACH ROW \
                 WHEN (OLD.pos <> NEW.pos AND NEW.reactor = 'inbox-expiry') EXECUTE FUNCTION wait()",
        )
        .await
        .unwrap();
    let barrier = owed.store.client().await;
    barrier
        .batch_execute("SELECT pg_advisory_lock(4711)")
        .await
        .unwrap();
    let process = owed.process();
    eventually(async || (owed.expired(&owed.ben).await == 1).then_some(())).await;
    owed.kill(process, "%UPDATE reactor_checkpoint%").await;
    drop(barrier);
    owed.client
        .batch_execute("DROP TRIGGER wait ON reactor_checkpoint")
        .await
        .unwrap();
    assert!(!owed.done().await);
    let node = owed.node().await;
    eventually(async || owed.done().await.then_some(())).await;
    assert_eq!(owed.expired(&owed.ben).await, 1);
    held.rollback().await.unwrap();
    // Ben is told that something is missing.
    let (_b, missed) = node.resumed(&owed.ben, json!({})).await;
    assert_eq!(missed[0]["type"], "gap", "{missed:?}");
    node.stop().await;
}

/// A node whose clock is two days ahead looks at what was said a moment ago, in inboxes that keep it for a day.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_ahead_takes_nothing_out_of_inboxes_before_its_time() {
    let owed = Owed::new().await;
    let node = owed.store.node().await;
    node.folded(&owed.ben).await;
    node.stop().await;
    owed.store.another_clock().await;
    owed.store.clock_behind("2 days").await;
    let conversation = owed.conversation;
    let times = format!(
        "UPDATE event SET at = at - CASE stream WHEN '{conversation}' THEN interval '2 days' ELSE interval '4 days' END; \
         UPDATE p_history_4.message SET at = at - interval '2 days'"
    );
    owed.client.batch_execute(&times).await.unwrap();
    let mut config = forgetful(&owed.store);
    config.inbox_days = 1;
    let node = TestNode::start(config).await;
    // What came before has been there for longer.
    let before = "SELECT count(*) FROM reactor_checkpoint c \
                   WHERE c.reactor = 'inbox-expiry' AND c.pos > 0 \
                     AND c.pos >= (SELECT min(e.pos) - 1 FROM event e WHERE e.lane = c.lane AND e.stream = $1)";
    eventually(async || (owed.number(before, &[&conversation]).await > 0).then_some(())).await;
    assert!(!owed.done().await);
    assert_eq!(owed.expired(&owed.ben).await, 0);
    owed.store.clock_behind("0").await;
    eventually(async || owed.done().await.then_some(())).await;
    assert_eq!(owed.expired(&owed.ben).await, 1);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_nodes_one_runs_a_reactor_and_another_takes_over() {
    let owed = Owed::new().await;
    let first = owed.node().await;
    eventually(async || (owed.number(OWNERS, &[]).await == 1).then_some(())).await;
    let second = owed.node().await;
    eventually(async || owed.done().await.then_some(())).await;
    assert_eq!(
        (owed.expired(&owed.ben).await, owed.number(OWNERS, &[]).await),
        (1, 1)
    );
    first.stop().await;
    let ann = second.register("ann").await;
    let mut a = second.socket(&ann).await;
    let talk = a.open_direct(&owed.ben).await;
    a.say(talk, "soon gone too").await;
    eventually(async || (owed.expired(&owed.ben).await == 2).then_some(())).await;
    assert_eq!(owed.number(OWNERS, &[]).await, 1);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reacted_to_is_listed_tried_again_and_skipped() {
    let owed = Owed::new().await;
    // What only a bug would write.
    owed.client
        .execute(
            "UPDATE event SET payload = '{\"content\":5}' WHERE stream = $1 AND kind = 16",
            &[&owed.conversation],
        )
        .await
        .unwrap();
    let node = owed.node().await;
    let tidings = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidings"));
        let url = owed.store.database.url();
        let command = command
            .arg("parked")
            .args(arguments)
            .args(["--database-url", url])
            .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000");
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let line = eventually(async || {
        let said = tidings(&[]).await;
        said.lines()
            .find(|line| line.contains("inbox-expiry"))
            .map(str::to_owned)
    })
    .await;
    assert!(
        line.contains(&owed.conversation.to_string()) && line.contains("tried 1 times"),
        "{line}"
    );
    let place = line.split_whitespace().nth(2).unwrap().to_owned();
    let said = tidings(&["retry"]).await;
    assert!(said.contains("inbox-expiry   1 will be tried again"), "{said}");
    let tried = "SELECT count(*) FROM reactor_parked WHERE attempts = 2 AND NOT again";
    eventually(async || (owed.number(tried, &[]).await == 1).then_some(())).await;
    assert!(
        tidings(&["skip", "inbox-expiry", &place])
            .await
            .contains("is given up")
    );
    assert!(!tidings(&[]).await.contains("inbox-expiry"));
    assert!(owed.done().await, "it kept others waiting");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_whose_stream_cannot_be_read_keeps_nobody_waiting() {
    let owed = Owed::new().await;
    let spoil = "UPDATE event e SET payload = $2 FROM (SELECT payload FROM event WHERE stream = $1 AND seq = 1) was \
                 WHERE e.stream = $1 AND e.seq = 1 RETURNING was.payload";
    let spoilt: &[u8] = b"{}";
    let row = owed
        .client
        .query_one(spoil, &[&owed.eve.id, &spoilt])
        .await
        .unwrap();
    let payload: Vec<u8> = row.get(0);
    let node = owed.node().await;
    let aside = "SELECT count(*) FROM reactor_parked WHERE reactor = 'inbox-expiry'";
    eventually(async || (owed.number(aside, &[]).await == 1).then_some(())).await;
    assert!(owed.done().await);
    assert_eq!(
        (owed.expired(&owed.ben).await, owed.expired(&owed.eve).await),
        (1, 0)
    );
    // It is tried again by itself, though not for ever; a node that can read the stream carries it out.
    let tried = "SELECT count(*) FROM reactor_parked WHERE attempts > 2";
    eventually(async || (owed.number(tried, &[]).await == 1).then_some(())).await;
    node.stop().await;
    owed.client
        .query_one(spoil, &[&owed.eve.id, &payload])
        .await
        .unwrap();
    owed.client
        .batch_execute("UPDATE reactor_parked SET again = true")
        .await
        .unwrap();
    let node = owed.node().await;
    eventually(async || (owed.number(aside, &[]).await == 0).then_some(())).await;
    assert_eq!(
        (owed.expired(&owed.ben).await, owed.expired(&owed.eve).await),
        (1, 1)
    );
    node.stop().await;
}

/// As it may be that somebody asked for, of a log that has gone back since.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tried_again_keeps_nobody_waiting() {
    let owed = Owed::new().await;
    owed.client
        .execute(
            "INSERT INTO reactor_parked (reactor, lane, pos, stream, error, again) \
             SELECT 'inbox-expiry', lane, head + 1000, $1::uuid, 'it was away', true FROM log_lane WHERE lane = 0",
            &[&owed.conversation],
        )
        .await
        .unwrap();
    let node = owed.node().await;
    eventually(async || owed.done().await.then_some(())).await;
    assert_eq!(owed.expired(&owed.ben).await, 1);
    let tried = "SELECT count(*) FROM reactor_parked WHERE attempts > 1 AND error <> 'it was away'";
    eventually(async || (owed.number(tried, &[]).await == 1).then_some(())).await;
    node.stop().await;
}
