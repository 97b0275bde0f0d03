//! Read positions: durable, never back, and no burden where nothing moves.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn read(conversation: Uuid, seq: u64) -> Value {
    json!({ "type": "read", "conversation": conversation, "seq": seq })
}

/// The next receipt that says something of reading.
async fn read_receipt(socket: &mut Socket) -> Value {
    socket
        .take(|object| object["type"] == "receipt" && object["read_seq"] != 0)
        .await
}

/// How many events of the user's stream move read positions.
async fn moves(database: &tokio_postgres::Client, user: &User) -> i64 {
    let sql =
        "SELECT count(*) FROM event WHERE stream = $1 AND convert_from(payload, 'UTF8') LIKE '%\"read\"%'";
    database.query_one(sql, &[&user.id]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_moves_nothing_appends_nothing_on_any_node() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let database = store.client().await;
    let (ann, ben) = (here.register("ann").await, here.register("ben").await);
    let (mut a, mut b) = (here.socket(&ann).await, here.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    for n in 0..5 {
        a.say(conversation, &n.to_string()).await;
    }
    let first = b.acked(read(conversation, 4)).await;
    assert_eq!((&first["seq"], moves(&database, &ben).await), (&json!(4), 1));
    // The same, a lower one, and the same id again; by another device too.
    let mut other = here.socket(&ben).await;
    for socket in [&mut b, &mut other] {
        for seq in [4, 2] {
            let mut again = read(conversation, seq);
            again["id"] = first["id"].clone();
            socket.send(&again).await;
            let ack = socket.answer(id(&first["id"])).await;
            assert_eq!(
                (&ack["type"], &ack["seq"], &ack["position"]),
                (&json!("ack"), &json!(4), &first["position"])
            );
        }
    }
    assert_eq!(moves(&database, &ben).await, 1);
    // A node that knows nothing of it asks the log.
    let mut elsewhere = there.socket(&ben).await;
    let ack = elsewhere.acked(read(conversation, 3)).await;
    assert_eq!((&ack["seq"], moves(&database, &ben).await), (&json!(4), 1));
    elsewhere.acked(read(conversation, 5)).await;
    assert_eq!(moves(&database, &ben).await, 2);
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_never_go_back_whichever_device_reads() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let (ann, ben) = (here.register("ann").await, here.register("ben").await);
    let mut a = here.socket(&ann).await;
    let (mut phone, mut laptop) = (here.socket(&ben).await, there.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    for n in 0..9 {
        a.say(conversation, &n.to_string()).await;
    }
    laptop.events(conversation, 10).await;
    phone.acked(read(conversation, 9)).await;
    assert_eq!(read_receipt(&mut a).await["read_seq"], 9);
    laptop.acked(read(conversation, 3)).await;
    phone.acked(read(conversation, 4)).await;
    laptop.acked(read(conversation, 10)).await;
    let hearing = async {
        for socket in [&mut a, &mut phone] {
            let mut last = 9;
            while last < 10 {
                let receipt = read_receipt(socket).await;
                let seq = receipt["read_seq"].as_u64().unwrap();
                assert!(seq >= last, "{receipt}");
                last = seq;
            }
        }
    };
    // Between nodes a receipt may be lost, and is not shown twice.
    tokio::select! {
        () = hearing => {}
        () = async {
            loop {
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                let said = laptop.say(conversation, "more").await;
                laptop.acked(read(conversation, said["seq"].as_u64().unwrap())).await;
            }
        } => unreachable!(),
    }
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_large_group_only_ones_own_devices_see_the_receipt() {
    let store = Store::new().await;
    let mut config = store.config();
    config.auth.limits.requests_per_s = 10_000;
    config.auth.limits.requests_burst = 10_000;
    let node = TestNode::start(config).await;
    let mut members = vec![];
    for n in 0..101 {
        members.push(node.register(&format!("m{n}")).await);
    }
    let mut a = node.socket(&members[0]).await;
    let group = a.create_group(&members.iter().skip(1).collect::<Vec<_>>()).await;
    let (mut phone, mut laptop) = (node.socket(&members[1]).await, node.socket(&members[1]).await);
    let said = a.say(group, "read me").await;
    phone.acked(read(group, 2)).await;
    let receipt = read_receipt(&mut laptop).await;
    assert_eq!(
        (id(&receipt["user"]), &receipt["read_seq"]),
        (members[1].id, &json!(2))
    );
    // Whoever else was shown it would have been before the next message.
    a.say(group, "next").await;
    loop {
        let object = a.receive().await;
        assert_ne!(object["type"], "receipt", "{object}");
        if object["data"]["content"]["text"] == "next" {
            break;
        }
    }
    // Nor can anybody ask.
    let message = id(&said["id"]);
    let query = format!(
        "{{ message(conversation: \"{group}\", id: \"{message}\") {{ seenBy {{ nodes {{ role }} }} }} }}"
    );
    let answer = node.graphql(&members[0], &query, said["position"].as_str()).await;
    let seen_by = json!({ "message": { "seenBy": { "nodes": [] } } });
    assert_eq!(answer["data"], seen_by, "{answer}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reads_in_a_row_hold_nothing_up() {
    let store = Store::new().await;
    let mut config = store.config();
    // Nothing is stored before the node stops.
    config.read_gather_ms = 3_600_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "read me").await;
    let mut ids = vec![];
    for n in 0..1_030_u64 {
        let mut read = read(conversation, 1 + n % 2);
        let id = Uuid::now_v7();
        read["id"] = json!(id);
        ids.push(id);
        b.send(&read).await;
    }
    b.say(conversation, "behind them").await;
    // There is an end to how many may wait.
    for id in &ids[1_024..] {
        let refused = b.answer(*id).await;
        assert_eq!(
            (&refused["code"], &refused["retryable"]),
            (&json!("rate_limited"), &json!(true))
        );
    }
    // Who leaves behind a read has read, and who reads behind a leave has not.
    let group = a.create_group(&[&ben]).await;
    let mut cat = node.socket(&node.register("cat").await).await;
    cat.refused(read(group, 1), "not_a_member").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_and_leaves_take_effect_in_the_order_sent() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    for _ in 0..20 {
        let group = a.create_group(&[&ben]).await;
        let ids = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        let mut commands = [
            read(group, 1),
            json!({ "type": "group.leave", "conversation": group }),
            read(group, 2),
        ];
        for (command, id) in commands.iter_mut().zip(ids) {
            command["id"] = json!(id);
        }
        b.send_text(&commands.map(|command| command.to_string()).join("\n"))
            .await;
        assert_eq!(b.answer(ids[0]).await["type"], "ack");
        assert_eq!(b.answer(ids[1]).await["type"], "ack");
        assert_eq!(b.answer(ids[2]).await["code"], "not_a_member");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_cursors_that_the_log_did_not_take_are_stored_later() {
    let store = Store::new().await;
    let mut config = store.config();
    config.read_gather_ms = 0;
    config.database_timeout_ms = 15_000;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "shown").await;
    b.events(conversation, 2).await;
    let mut database = store.client().await;
    let jam = database.transaction().await.unwrap();
    jam.execute("LOCK TABLE log_lane IN ACCESS EXCLUSIVE MODE", &[])
        .await
        .unwrap();
    b.stream.close(None).await.unwrap();
    b.closed().await;
    eventually(async || (node.node.gateway().registry.count() == 1).then_some(())).await;
    // By the time that the lane gives this up it has given the cursors up, which are in front of it or in another lane.
    a.refused(message(conversation, "jammed"), "unavailable").await;
    jam.rollback().await.unwrap();
    eventually(async || {
        let answer = node
            .graphql(&ben, "{ inbox { nodes { pendingCount } } }", None)
            .await;
        (answer["data"]["inbox"]["nodes"] == json!([])).then_some(())
    })
    .await;
    node.stop().await;
}

/// Somebody's device, and the furthest receipt that it was shown.
struct Shown(Socket, u64);

impl Shown {
    /// Is shown receipts, none behind the one before, up to this one.
    async fn until(&mut self, seq: u64) {
        while self.1 != seq {
            let receipt = read_receipt(&mut self.0).await;
            let next = receipt["read_seq"].as_u64().unwrap();
            assert!(
                next >= self.1 && next <= seq,
                "{receipt} behind {}, not {seq}",
                self.1
            );
            self.1 = next;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_acks_nor_receipts_go_back_while_nodes_do_not_hear_of_each_other() {
    let (store, redis) = Store::with_redis().await;
    let (here, there) = (store.node().await, store.node().await);
    let (ann, ben) = (here.register("ann").await, here.register("ben").await);
    let (mut a, mut a_there) = (here.socket(&ann).await, Shown(there.socket(&ann).await, 0));
    let (mut tab, mut phone) = (here.socket(&ben).await, there.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    for n in 0..40 {
        a.say(conversation, &n.to_string()).await;
    }
    assert_eq!(tab.acked(read(conversation, 10)).await["seq"], 10);
    let mut a_here = Shown(a, 0);
    a_here.until(10).await;
    redis.kill().await.unwrap();

    // Ann sees what is read there, and then looks here.
    assert_eq!(phone.acked(read(conversation, 20)).await["seq"], 20);
    a_there.until(20).await;
    assert_eq!(tab.acked(read(conversation, 15)).await["seq"], 20);
    a_here.until(20).await;
    // What moves nothing says how far that is, too.
    for seq in [22, 24, 25] {
        assert_eq!(phone.acked(read(conversation, seq)).await["seq"], seq);
    }
    a_there.until(25).await;
    assert_eq!(tab.acked(read(conversation, 12)).await["seq"], 25);
    a_here.until(25).await;
    // Nor do they hear afterwards of what was read meanwhile.
    assert_eq!(phone.acked(read(conversation, 30)).await["seq"], 30);
    a_there.until(30).await;
    redis.restart().await.unwrap();
    for node in [&here, &there] {
        eventually(async || {
            let answer = node.http.get(node.url("/readyz")).send().await.unwrap();
            (!answer.text().await.unwrap().contains("away")).then_some(())
        })
        .await;
    }
    assert_eq!(tab.acked(read(conversation, 28)).await["seq"], 30);
    a_here.until(30).await;
    here.stop().await;
    there.stop().await;
}
