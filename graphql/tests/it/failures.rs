//! When the database does not answer.

use crate::support::{LONG, World, code};
use bytes::Bytes;
use serde_json::json;
use std::time::Duration;
use tidings_domain::UserId;
use tidings_domain::event::MemberRemoved;
use tidings_domain::kind::Kind;
use tidings_eventlog::{Appender, Batch, NewEvent, Outcome, Proposal};
use tidings_graphql::GraphqlConfig;
use uuid::Uuid;

#[tokio::test]
async fn a_field_that_cannot_be_read_leaves_the_others() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world
        .run("ALTER TABLE p_groups_3.group_setting RENAME TO gone")
        .await;
    let query =
        format!("{{ conversation(id: \"{group}\") {{ title settings {{ post }} }} me {{ username }} }}");
    let answer = world.ask(me, &query).await;
    assert_eq!(
        answer["data"],
        json!({ "conversation": { "title": "Group 1", "settings": null }, "me": { "username": "user1" } })
    );
    assert_eq!(code(&answer), "unavailable");
    let said = answer["errors"].to_string();
    assert!(
        !said.contains("SELECT") && !said.contains("group_setting") && !said.contains("p_groups_3"),
        "{said}"
    );
    world
        .run("ALTER TABLE p_groups_3.gone RENAME TO group_setting")
        .await;
    let data = world.data(me, &query).await;
    assert!(data["conversation"]["settings"]["post"].is_string());
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
    lock.batch_execute("LOCK TABLE p_conversations_3.person IN ACCESS EXCLUSIVE MODE")
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
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(answer.await.unwrap()["data"]["me"]["username"], json!("user1"));
}

/// Appends a recall as only a newer program can read it.
async fn recall_by_a_newer_program(world: &World, conversation: Uuid, sender: Uuid, message: Uuid) {
    let mut batch = Batch::new(0);
    batch.push(&Proposal {
        stream: conversation,
        command: message,
        digest: 1,
        actor: sender,
        guard: 0,
        events: vec![NewEvent {
            kind: Kind::MESSAGE_RECALLED.0,
            ver: 99,
            control: false,
            countable: false,
            payload: Bytes::from(json!({ "message": message }).to_string()),
        }],
    });
    let appended = Appender::new(world.log_config.clone()).append(&batch).await;
    assert!(matches!(appended.unwrap(), Outcome::Appended(_)));
}

#[tokio::test]
async fn what_a_newer_program_has_taken_back_an_older_one_does_not_show() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    let message = world.message(group, 1, me).await;
    let query = format!("{{ conversation(id: \"{group}\") {{ lastMessage {{ text }} }} }}");
    assert_eq!(
        world.data(me, &query).await,
        json!({ "conversation": { "lastMessage": { "text": "text 1" } } })
    );
    recall_by_a_newer_program(&world, group, me, message).await;
    assert!(world.projector.catch_up(0).await.is_err());
    let mut asking = std::pin::pin!(world.ask(me, &query));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut asking).await;
    assert!(early.is_err(), "{early:?}");
    // As a newer program does it, and this one sees it.
    world
        .run(
            "UPDATE p_history_4.message SET text = NULL, recalled_at = at; \
             UPDATE projection_checkpoint SET pos = 1 WHERE lane = 0",
        )
        .await;
    world.projector.catch_up(0).await.unwrap();
    let answer = tokio::time::timeout(LONG, asking).await.unwrap();
    assert_eq!(
        answer["data"],
        json!({ "conversation": { "lastMessage": { "text": null } } }),
        "{answer:#}"
    );
}

/// Appends that somebody was removed.
async fn removed(world: &World, conversation: Uuid, by: Uuid, user: Uuid) {
    let mut batch = Batch::new(0);
    let event = MemberRemoved { user: UserId(user) };
    batch.push(&Proposal {
        stream: conversation,
        command: user,
        digest: 1,
        actor: by,
        guard: 0,
        events: vec![NewEvent {
            kind: Kind::MEMBER_REMOVED.0,
            ver: 1,
            control: true,
            countable: false,
            payload: serde_json::to_vec(&event).unwrap().into(),
        }],
    });
    let appended = Appender::new(world.log_config.clone()).append(&batch).await;
    assert!(matches!(appended.unwrap(), Outcome::Appended(_)));
}

#[tokio::test]
async fn whoever_was_removed_is_shown_nothing_while_that_cannot_be_folded() {
    let world = World::new().await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let group = world.group(1, &[me, other]).await;
    world.message(group, 1, other).await;
    let query = format!("{{ conversation(id: \"{group}\") {{ lastMessage {{ text }} }} }}");
    assert!(world.data(me, &query).await["conversation"].is_object());
    world
        .run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE 'not now' USING ERRCODE = 'insufficient_privilege'; END $$; \
             CREATE TRIGGER refuse BEFORE UPDATE ON p_conversations_3.member EXECUTE FUNCTION refuse()",
        )
        .await;
    removed(&world, group, other, me).await;
    assert!(world.projector.catch_up(0).await.is_err());
    let mut asking = std::pin::pin!(world.ask(me, &query));
    let early = tokio::time::timeout(Duration::from_millis(500), &mut asking).await;
    assert!(early.is_err(), "{early:?}");
    world.run("DROP TRIGGER refuse ON p_conversations_3.member").await;
    world.projector.catch_up(0).await.unwrap();
    let answer = tokio::time::timeout(LONG, asking).await.unwrap();
    assert_eq!(answer["data"], json!({ "conversation": null }), "{answer:#}");
}
