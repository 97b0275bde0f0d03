//! States of long streams: nobody waits for somebody else's, and they are kept beside the log.

use crate::support::*;
use serde_json::json;
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
