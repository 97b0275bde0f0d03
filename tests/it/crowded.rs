//! A person with very many conversations, beside others.

use crate::support::*;
use serde_json::json;
use uuid::Uuid;

/// Conversations of the person.
const MANY: u32 = 12_000;

/// To look all of them up takes longer than a read may, and to look up a twelfth far shorter.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_very_many_conversations_can_connect_and_keeps_nobody_waiting() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let database = store.client().await;
    for (user, from, to) in [(ann.id, 1, MANY), (ben.id, MANY + 1, MANY + 1)] {
        let ids = format!(
            "SELECT (substr(md5(n::text), 1, 30) || '00')::uuid AS id FROM generate_series({from}, {to}) n"
        );
        let joins = format!(
            "INSERT INTO stream SELECT 0, id, 1, 0, 0, now() FROM ({ids}) s; \
             INSERT INTO p_conversations_3.member SELECT id, '{user}', 'member', 1, 0, now() FROM ({ids}) s"
        );
        database.batch_execute(&joins).await.unwrap();
    }
    database
        .batch_execute(
            "ALTER TABLE stream RENAME TO stored; \
             CREATE FUNCTION takes_a_while() RETURNS bool LANGUAGE plpgsql COST 10 AS \
             'BEGIN PERFORM pg_sleep(0.0005); RETURN true; END'; \
             CREATE VIEW stream AS SELECT * FROM stored WHERE takes_a_while()",
        )
        .await
        .unwrap();
    let mut sockets = vec![];
    for user in [&ann, &ann, &ann, &ben] {
        let mut socket = node.raw().await;
        socket
            .send(&json!({ "type": "hello", "token": user.token, "device": Uuid::new_v4() }))
            .await;
        sockets.push(socket);
    }
    // Each of the many takes its time, and more on a busy machine.
    let deadline = tokio::time::Instant::now() + 5 * PATIENCE;
    for socket in sockets.iter_mut().rev() {
        socket
            .take_by(deadline, |object| object["type"] == "synced")
            .await;
    }
    database
        .batch_execute("DROP VIEW stream; ALTER TABLE stored RENAME TO stream")
        .await
        .unwrap();
    node.stop().await;
}
