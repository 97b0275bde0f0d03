//! Sessions with the database are shared: what one table or one caller is slow at is nobody else's matter.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_of_accounts_keeps_nobody_from_their_messages() {
    let store = Store::new().await;
    let mut config = store.config();
    // Short, so that the crowd is told, and longer than anything takes on a busy machine for which nobody holds a lock.
    config.database_timeout_ms = 15_000;
    let node = TestNode::start(config).await;
    let [ann, ben, eve] = node.people(["ann", "ben", "eve"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "before").await;
    let mut crowd = vec![];
    for _ in 0..30 {
        crowd.push(node.socket(&eve).await);
    }
    let (holder, watcher) = (store.client().await, store.client().await);
    holder
        .batch_execute("BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    for socket in &mut crowd {
        let id = Uuid::now_v7();
        // Whose id is of no lane is known not to exist.
        let mut somebody = *Uuid::new_v4().as_bytes();
        somebody[15] = ben.id.as_bytes()[15];
        socket
            .send(&json!({ "type": "direct.open", "id": id, "user": Uuid::from_bytes(somebody) }))
            .await;
    }
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'account'::regclass";
    eventually(async || (watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0).then_some(()))
        .await;
    let crowd = tokio::spawn(async move {
        for socket in &mut crowd {
            assert_eq!(socket.until("error").await["code"], "unavailable");
        }
    });
    // Until the last of the crowd has been told, everybody else is served.
    while !crowd.is_finished() {
        let fetch = json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 10 });
        let events = a.command(fetch).await;
        assert_eq!(events["type"], "events", "{events}");
        a.say(conversation, "meanwhile").await;
        let ready = node.http.get(node.url("/readyz")).send().await.unwrap();
        assert_eq!(ready.status(), 200, "{}", ready.text().await.unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    crowd.await.unwrap();
    holder.batch_execute("ROLLBACK").await.unwrap();
    a.open_direct(&eve).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_somebody_waits_for_the_accounts_and_nobody_else_does() {
    let store = Store::new().await;
    let mut config = store.config();
    config.database_timeout_ms = 60_000;
    let node = TestNode::start(config).await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let mut a = node.socket(&ann).await;
    // Of one lane, for the id of a group has that of its owner.
    let (first, second) = (a.create_group(&[&ben]).await, a.create_group(&[&ben]).await);
    let holder = store.client().await;
    holder
        .batch_execute("BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let (add, behind) = (Uuid::now_v7(), Uuid::now_v7());
    a.send(&json!({ "type": "group.add", "id": add, "conversation": first, "user": cat.id }))
        .await;
    let mut mention = message(first, "welcome");
    (mention["id"], mention["mentions"]) = (json!(behind), json!([cat.id]));
    a.send(&mention).await;
    // The same connection, and the same lane.
    for _ in 0..5 {
        a.say(second, "meanwhile").await;
    }
    holder.batch_execute("ROLLBACK").await.unwrap();
    // In the order sent: the mention is one of a member.
    for (id, seq) in [(add, 2), (behind, 3)] {
        let answer = a.answer(id).await;
        assert_eq!(
            (&answer["type"], &answer["seq"]),
            (&json!("ack"), &json!(seq)),
            "{answer}"
        );
    }
    node.stop().await;
}
