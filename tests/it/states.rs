//! States of long streams: nobody waits for somebody else's, and they are kept beside the log.

use crate::faults::{port_of, through};
use crate::support::*;
use serde_json::json;
use tidings_services::ChaosProxy;
use uuid::Uuid;

async fn rename(socket: &mut Socket, group: Uuid, times: usize) {
    for _ in 0..times {
        let rename = json!({ "type": "group.rename", "conversation": group, "name": "another" });
        socket.acked(rename).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_stream_of_somebody_else_to_be_read() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let mut a = one.socket(&ann).await;
    // Groups of one person share a lane. The second node has read neither.
    let (known, unknown) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    let mut b = two.socket(&ben).await;
    b.say(known, "hello").await;
    let holder = store.client().await;
    holder
        .batch_execute("BEGIN; LOCK TABLE stream_state IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    // In the order sent, also behind what waits.
    let waiting: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    for id in &waiting {
        let mut message = message(unknown, "aside");
        message["id"] = json!(id);
        b.send(&message).await;
    }
    for _ in 0..10 {
        b.say(known, "meanwhile").await;
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    let mut answers = vec![];
    for id in waiting {
        let answer = b.answer(id).await;
        assert_eq!(answer["type"], "ack", "{answer}");
        answers.push(answer);
    }
    assert_eq!(seqs(&answers), [2, 3, 4]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_kept_and_told_from_one_that_is_none() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    rename(&mut a, group, 300).await;
    let client = store.client().await;
    let kept = "SELECT seq FROM stream_state WHERE stream = $1";
    let seq: i64 = eventually(async || {
        let row = client.query_opt(kept, &[&group]).await.unwrap();
        row.map(|row| row.get(0))
    })
    .await;
    assert!((256..301).contains(&seq), "{seq}");
    a.acked(json!({ "type": "group.add", "conversation": group, "user": cat.id }))
        .await;
    node.stop().await;

    // Who was in before it was kept is, and who came later, and nobody else.
    let node = store.node().await;
    let (mut b, mut c) = (node.socket(&ben).await, node.socket(&cat).await);
    b.say(group, "hello").await;
    c.say(group, "hello").await;
    let dan = node.register("dan").await;
    let mut d = node.socket(&dan).await;
    d.refused(message(group, "?"), "not_a_member").await;
    node.stop().await;

    // Whatever became of it, the events tell the same.
    for spoilt in ["\\x", "\\x01ffff"] {
        let spoil = "UPDATE stream_state SET state = $1::text::bytea WHERE stream = $2";
        client.execute(spoil, &[&spoilt, &group]).await.unwrap();
        let node = store.node().await;
        let (mut b, mut d) = (node.socket(&ben).await, node.socket(&dan).await);
        b.say(group, "still").await;
        d.refused(message(group, "?"), "not_a_member").await;
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_nodes_change_is_folded_and_nothing_is_read_again() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    a.acked(json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "owner" }))
        .await;
    b.say(group, "hello").await;
    // Whoever reads a state from its beginning waits here.
    let holder = store.client().await;
    holder
        .batch_execute("BEGIN; LOCK TABLE stream_state IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    for _ in 0..5 {
        rename(&mut a, group, 1).await;
        rename(&mut b, group, 1).await;
    }
    // Also where the other node has not heard of it yet.
    a.acked(json!({ "type": "group.add", "conversation": group, "user": cat.id }))
        .await;
    let mut mention = message(group, "welcome");
    mention["mentions"] = json!([cat.id]);
    b.acked(mention).await;
    b.acked(json!({ "type": "group.remove", "conversation": group, "user": cat.id }))
        .await;
    let mut mention = message(group, "gone");
    mention["mentions"] = json!([cat.id]);
    a.refused(mention, "invalid_argument").await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_changes_at_its_rate_over_all_nodes_and_messages_have_none() {
    let store = Store::new().await;
    let mut config = store.config();
    (
        config.conversation_changes_per_second,
        config.conversation_changes_burst,
    ) = (1, 60);
    let (one, two) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (group, other) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    a.acked(json!({ "type": "group.role", "conversation": group, "user": ben.id, "role": "owner" }))
        .await;
    b.say(group, "hello").await;
    let renamed =
        |name: usize| json!({ "type": "group.rename", "conversation": group, "name": name.to_string() });
    let mut sent = vec![];
    // More than are given back however long all of them take.
    for name in 0..200 {
        let (mut rename, id) = (renamed(name), Uuid::now_v7());
        rename["id"] = json!(id);
        a.send(&rename).await;
        sent.push(id);
    }
    let mut done = 0;
    let mut refused = None;
    for id in sent {
        match a.answer(id).await {
            ack if ack["type"] == "ack" => done += 1,
            error => refused = refused.or(Some(error)),
        }
    }
    let refused = refused.unwrap();
    assert_eq!(
        (&refused["code"], &refused["retryable"]),
        (&json!("rate_limited"), &json!(true))
    );
    let wait = refused["retry_after_ms"].as_u64().unwrap();
    assert!((1..=70_000).contains(&wait), "{refused}");
    assert!(done >= 59, "a burst goes through: {done}");
    // Once the other node has heard of them, they count there too: all that goes through is what time has given back.
    b.events(group, 3 + done).await;
    let mut more = 0;
    while b.command(renamed(100 + more)).await["type"] == "ack" {
        more += 1;
    }
    assert!(
        more < 55,
        "{more} changes at the other node, as if it had been quiet"
    );
    for socket in [&mut a, &mut b] {
        socket.say(group, "as ever").await;
    }
    rename(&mut a, other, 2).await;
    // It is one for now.
    eventually(async || (a.command(renamed(200)).await["type"] == "ack").then_some(())).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_another_node_changes_all_the_time_holds_up_nobody_elses() {
    let store = Store::new().await;
    let proxy = ChaosProxy::to_port(port_of(store.database.url())).await.unwrap();
    let mut config = store.config();
    config.database_url = Some(through(store.database.url(), proxy.port()));
    let (near, far) = (store.node().await, TestNode::start(config).await);
    let [ann, ben, cat] = near.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (near.socket(&ann).await, far.socket(&ben).await);
    // Of one lane, and the far node knows both.
    let (restless, quiet) = (a.create_group(&[&ben, &cat]).await, a.create_group(&[&ben]).await);
    for group in [restless, quiet] {
        b.say(group, "hello").await;
    }
    // What it decides is old by the time that it reaches the log.
    proxy.delay(50);
    let changing = async {
        for on in [true, false].into_iter().cycle() {
            a.acked(json!({ "type": "group.mute", "conversation": restless, "user": cat.id, "on": on }))
                .await;
            tokio::time::sleep(BREATH).await;
        }
    };
    let saying = async {
        let mut said = vec![];
        for _ in 0..20 {
            for group in [restless, quiet] {
                let (mut message, id) = (message(group, "meanwhile"), Uuid::now_v7());
                message["id"] = json!(id);
                b.send(&message).await;
                said.push((group, id));
            }
        }
        for (_, id) in said.iter().filter(|(group, _)| *group == quiet) {
            let answer = b.answer(*id).await;
            assert_eq!(answer["type"], "ack", "{answer}");
        }
        said
    };
    let said = tokio::select! {
        () = changing => unreachable!("it is changed without an end"),
        said = saying => said,
    };
    // It comes to its own, or is told that it does not for now.
    for (_, id) in said.iter().filter(|(group, _)| *group == restless) {
        let answer = b.answer(*id).await;
        assert!(
            answer["type"] == "ack" || answer["code"] == "unavailable",
            "{answer}"
        );
    }
    near.stop().await;
    far.stop().await;
}
