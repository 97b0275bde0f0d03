//! Sessions with the database are shared: what one table or one caller is slow at is nobody else's matter.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::Client;
use uuid::Uuid;

/// The sessions that wait for a table.
async fn waiting(watcher: &Client, table: &str) -> BTreeSet<i32> {
    let sql = format!("SELECT pid FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass");
    let rows = watcher.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Somebody holds a table, and a crowd at one node wants what is read from it. Meanwhile others at that node are told what happens, and come, and
/// read where they do not want that table, too.
async fn served_beside_a_crowd(table: &str, wanted: impl Fn(Uuid) -> Value, answer: &str, reads: bool) {
    let (store, redis) = Store::with_redis().await;
    let mut config = store.config();
    // Longer than all of this takes: who waits for the table waits to the end.
    config.database_timeout_ms = 300_000;
    let (here, there) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben, eve] = here.people(["ann", "ben", "eve"]).await;
    let others = here.register_by_id("other", 16).await;
    let (mut a, mut b) = (there.socket(&ann).await, here.socket(&ben).await);
    let talk = a.open_direct(&ben).await;
    let group = here
        .socket(&eve)
        .await
        .create_group(&others.iter().collect::<Vec<_>>())
        .await;
    let mut crowd = vec![];
    for other in &others {
        let mut socket = here.socket(other).await;
        socket.say(group, "here").await;
        crowd.push(socket);
    }
    let (holder, watcher) = (store.client().await, store.client().await);
    let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    holder.batch_execute(&lock).await.unwrap();
    let mut asked = vec![];
    for socket in &mut crowd {
        let (id, mut command) = (Uuid::now_v7(), wanted(group));
        command["id"] = json!(id);
        socket.send(&command).await;
        asked.push(id);
    }
    // Some of them wait for the table, and more for a session.
    let pool = here.node.gateway().log.pool();
    let before = eventually(async || {
        let before = waiting(&watcher, table).await;
        (!before.is_empty() && pool.usage().waiting > 3).then_some(before)
    })
    .await;
    // What another node commits is read from the log.
    redis.kill().await.unwrap();
    for _ in 0..3 {
        a.say(talk, "from there").await;
        b.say(talk, "from here").await;
    }
    let events = b.events(talk, 7).await;
    assert_eq!(seqs(&events), (1..=7).collect::<Vec<_>>());
    if reads {
        let fetch = json!({ "type": "fetch", "conversation": talk, "from": 1, "limit": 10 });
        let events = b.command(fetch).await;
        assert_eq!(events["type"], "events", "{events}");
    }
    here.resumed(&ann, json!({ talk.to_string(): 1 })).await;
    let after = waiting(&watcher, table).await;
    assert!(before.is_subset(&after), "{before:?} waited, and then {after:?}");
    holder.batch_execute("ROLLBACK").await.unwrap();
    for (socket, id) in crowd.iter_mut().zip(asked) {
        let answered = socket.answer(id).await;
        assert_eq!(answered["type"], answer, "{answered}");
    }
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_of_people_keeps_nobody_from_what_is_said() {
    let read = |group: Uuid| json!({ "type": "read", "conversation": group, "seq": 1 });
    Box::pin(served_beside_a_crowd("p_people_3.setting", read, "ack", true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_of_what_is_hidden_keeps_nobody_from_what_is_said() {
    let fetch = |group: Uuid| json!({ "type": "fetch", "conversation": group, "from": 1, "limit": 100 });
    Box::pin(served_beside_a_crowd("p_unread_6.hidden", fetch, "events", false)).await;
}

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

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_though_those_who_read_have_all_sessions() {
    let (store, redis) = Store::with_redis().await;
    let (here, there) = (store.node().await, store.node().await);
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let (mut a, mut b) = (there.socket(&ann).await, here.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    let readers = here.node.gateway().log.pool();
    let mut held = vec![];
    while held.len() < readers.max_size() {
        held.extend(readers.get().await.ok());
    }
    // What another node commits is read from the log.
    redis.kill().await.unwrap();
    a.say(conversation, "there").await;
    let events = b.events(conversation, 1).await;
    assert_eq!(words(&events), ["there"]);
    drop(held);
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_of_people_keeps_nobody_from_a_conversation_that_rested() {
    let store = Store::new().await;
    let mut config = store.config();
    // Several may ask what people want at a time.
    config.database_connections = 24;
    config.database_timeout_ms = 60_000;
    let (here, there) = (
        TestNode::start(config.clone()).await,
        TestNode::start(config).await,
    );
    let [ann, ben, eve] = here.people(["ann", "ben", "eve"]).await;
    let mut a = there.socket(&ann).await;
    // The other node has not heard of what is in these.
    let mut groups = vec![];
    for _ in 0..10 {
        groups.push(a.create_group(&[&ben]).await);
    }
    let mut b = here.socket(&ben).await;
    let mut crowd = vec![];
    for _ in 0..8 {
        crowd.push(here.socket(&eve).await);
    }
    let (holder, watcher) = (store.client().await, store.client().await);
    holder
        .batch_execute("BEGIN; LOCK TABLE p_people_3.setting IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    // Whoever asks what somebody wants is told in some seconds that it is not known. Where a busy machine takes as long to read a group, another
    // is tried.
    let mut served = false;
    for group in groups {
        let mut asked = vec![];
        for socket in &mut crowd {
            let id = Uuid::now_v7();
            socket
                .send(&json!({ "type": "direct.open", "id": id, "user": ann.id }))
                .await;
            asked.push(id);
        }
        let before = eventually(async || {
            let before = waiting(&watcher, "p_people_3.setting").await;
            (before.len() > 1).then_some(before)
        })
        .await;
        let answer = b.command(message(group, "meanwhile")).await;
        let after = waiting(&watcher, "p_people_3.setting").await;
        served |= answer["type"] == "ack" && before.is_subset(&after);
        for (socket, id) in crowd.iter_mut().zip(asked) {
            let refused = socket.answer(id).await;
            assert_eq!(refused["code"], "unavailable", "{refused}");
        }
        if served {
            break;
        }
    }
    assert!(served, "who writes waits for what somebody else wants to know");
    holder.batch_execute("ROLLBACK").await.unwrap();
    here.stop().await;
    there.stop().await;
}
