//! When the database does not answer.

use crate::support::{LONG, World, code};
use serde_json::json;
use std::time::Duration;
use tidings_graphql::GraphqlConfig;

#[tokio::test]
async fn a_field_that_cannot_be_read_leaves_the_others() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world.message(group, 1, me).await;
    world.run("ALTER TABLE p_history_2.message RENAME TO gone").await;
    let query =
        format!("{{ conversation(id: \"{group}\") {{ title lastMessage {{ id }} }} me {{ username }} }}");
    let answer = world.ask(me, &query).await;
    assert_eq!(
        answer["data"],
        json!({ "conversation": { "title": "Group 1", "lastMessage": null }, "me": { "username": "user1" } })
    );
    assert_eq!(code(&answer), "unavailable");
    let said = answer["errors"].to_string();
    assert!(
        !said.contains("SELECT") && !said.contains("message_id") && !said.contains("p_history"),
        "{said}"
    );
    world.run("ALTER TABLE p_history_2.gone RENAME TO message").await;
    let data = world.data(me, &query).await;
    assert!(data["conversation"]["lastMessage"]["id"].is_string());
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up() {
    let statement_timeout = Duration::from_millis(300);
    let world = World::with(GraphqlConfig {
        wait: LONG,
        statement_timeout,
        statements_at_once: 1,
        ..GraphqlConfig::default()
    })
    .await;
    let me = world.person(1).await;
    let mut blocker = world.pool.get().await.unwrap();
    let lock = blocker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE p_conversations.person IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let answer = tokio::time::timeout(LONG, world.ask(me, "{ me { username } }"))
        .await
        .unwrap();
    assert_eq!(code(&answer), "unavailable");
    // The server has given it up too, and does not hold on to the queue for the lock.
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = \
        (SELECT oid FROM pg_database WHERE datname = current_database())";
    tokio::time::timeout(LONG, async {
        while lock.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    lock.rollback().await.unwrap();
    let answer = tokio::time::timeout(LONG, async {
        loop {
            let answer = world.ask(me, "{ me { username } }").await;
            if answer.get("errors").is_none() {
                return answer;
            }
        }
    });
    assert_eq!(answer.await.unwrap()["data"]["me"]["username"], json!("user1"));
}
