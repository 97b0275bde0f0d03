//! Read-your-writes.

use crate::support::{LONG, World, code, viewer};
use async_graphql::Request;
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;
use tidings_domain::event::Registered;
use tidings_domain::stored::encode;
use tidings_domain::{Event, UserEvent};
use tidings_eventlog::{Appender, Batch, NewEvent, Outcome, Position, Proposal};
use tidings_graphql::GraphqlConfig;
use uuid::Uuid;

/// On lane 1.
fn somebody() -> Uuid {
    Uuid::from_u128(0x0700_0000_0001)
}

async fn register(world: &World, user: Uuid) -> Position {
    let registered = Registered {
        username: "late".into(),
        display_name: "Late".into(),
    };
    let (kind, ver, payload) = encode(&Event::User(UserEvent::Registered(registered)));
    let event = NewEvent {
        kind: kind.0,
        ver,
        control: true,
        countable: false,
        payload: Bytes::from(payload),
    };
    let mut batch = Batch::new(1);
    batch.push(&Proposal {
        stream: user,
        command: user,
        digest: 1,
        actor: user,
        guard: 0,
        events: vec![event],
    });
    match Appender::new(world.log_config.clone())
        .append(&batch)
        .await
        .unwrap()
    {
        Outcome::Appended(_) => Position { lane: 1, pos: 1 },
        refused => panic!("{refused:?}"),
    }
}

async fn ask(world: &World, user: Uuid, request: Request, after: Option<&str>) -> Value {
    let response = world.graphql.execute(request, Some(viewer(user)), after).await;
    serde_json::to_value(response).unwrap()
}

#[tokio::test]
async fn a_query_waits_for_its_position() {
    let world = World::new().await;
    let user = somebody();
    let position = register(&world, user).await.to_string();
    let asking = ask(&world, user, Request::new("{ me { username } }"), Some(&position));
    let mut asking = std::pin::pin!(asking);
    // Nothing folds events yet.
    assert!(
        tokio::time::timeout(Duration::from_millis(50), &mut asking)
            .await
            .is_err()
    );
    let running = tokio::spawn(world.projector.clone().run_lane(1));
    let answer = tokio::time::timeout(LONG, asking).await.unwrap();
    assert_eq!(answer["data"]["me"]["username"], json!("late"), "{answer:#}");
    running.abort();
}

/// A crash of the database takes back what was folded last, and the process remembers more than there is.
#[tokio::test]
async fn what_was_taken_back_is_waited_for_again() {
    let world = World::new().await;
    let user = somebody();
    let position = register(&world, user).await;
    world.projector.catch_up(1).await.unwrap();
    let passed = world
        .projector
        .checkpoints()
        .passed(position, Duration::ZERO)
        .await;
    assert_eq!(passed, Ok(()));
    world
        .run("UPDATE projection_checkpoint SET pos = 0 WHERE lane = 1; DELETE FROM p_conversations_3.person")
        .await;
    let (query, after) = (Request::new("{ me { username } }"), position.to_string());
    let asking = ask(&world, user, query, Some(&after));
    let mut asking = std::pin::pin!(asking);
    // What it remembers lets it read; what it reads says that it must wait.
    assert!(
        tokio::time::timeout(Duration::from_millis(500), &mut asking)
            .await
            .is_err()
    );
    world.projector.catch_up(1).await.unwrap();
    let answer = tokio::time::timeout(LONG, asking).await.unwrap();
    assert_eq!(answer["data"]["me"]["username"], json!("late"), "{answer:#}");
}

/// Who asks for a person carries no position: the node finds out itself how far the read models must be.
#[tokio::test]
async fn a_person_who_was_taken_back_is_waited_for_again_by_id_and_by_name() {
    let world = World::new().await;
    let user = somebody();
    register(&world, user).await;
    for query in [
        format!("{{ found: user(id: \"{user}\") {{ username }} }}"),
        "{ found: userByName(username: \"late\") { username } }".to_owned(),
    ] {
        world.projector.catch_up(1).await.unwrap();
        world
            .run(
                "UPDATE projection_checkpoint SET pos = 0 WHERE lane = 1; DELETE FROM p_conversations_3.person",
            )
            .await;
        let asking = ask(&world, user, Request::new(query), None);
        let mut asking = std::pin::pin!(asking);
        // Memory says that everything is there. Nothing folds events yet.
        let early = tokio::time::timeout(Duration::from_millis(500), &mut asking).await;
        assert!(early.is_err(), "{early:?}");
        world.projector.catch_up(1).await.unwrap();
        let answer = tokio::time::timeout(LONG, asking).await.unwrap();
        assert_eq!(answer["data"]["found"]["username"], json!("late"), "{answer:#}");
    }
}

/// Whether the read models are far enough and what they hold are answered together. Whoever sees the second first must not
/// leave out rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_row_is_left_out_however_the_answers_come() {
    let world = World::new().await;
    let position = register(&world, somebody()).await.to_string();
    world.projector.catch_up(1).await.unwrap();
    let mut readers = vec![];
    for n in 1..=8 {
        readers.push(world.person(n).await);
    }
    let group = world.group(1, &readers).await;
    world.messages(group, 20, readers[0]).await;
    let query =
        format!("{{ conversation(id: \"{group}\") {{ messages(first: 20) {{ nodes {{ seq }} }} }} }}");
    let asking = readers.into_iter().map(|reader| {
        let (graphql, query, position) = (world.graphql.clone(), query.clone(), position.clone());
        tokio::spawn(async move {
            for _ in 0..150 {
                let request = Request::new(query.clone());
                let answer = graphql
                    .execute(request, Some(viewer(reader)), Some(&position))
                    .await;
                let answer = serde_json::to_value(answer).unwrap();
                let told = answer["data"]["conversation"]["messages"]["nodes"].as_array();
                assert_eq!(told.map(Vec::len), Some(20), "{answer}");
            }
        })
    });
    for asked in futures_util::future::join_all(asking).await {
        asked.unwrap();
    }
}

/// Nobody who has just signed up can know a position.
#[tokio::test]
async fn whoever_has_just_registered_is_found() {
    let world = World::new().await;
    let user = somebody();
    register(&world, user).await;
    let lanes: Vec<_> = [0, 1]
        .map(|lane| tokio::spawn(world.projector.clone().run_lane(lane)))
        .into();
    let query = format!(
        "{{ me {{ username }} user(id: \"{user}\") {{ id }} userByName(username: \"Late\") {{ id }} }}"
    );
    let answer = tokio::time::timeout(LONG, ask(&world, user, Request::new(query), None))
        .await
        .unwrap();
    assert_eq!(
        answer["data"],
        json!({ "me": { "username": "late" }, "user": { "id": user }, "userByName": { "id": user } }),
        "{answer:#}"
    );
    for lane in lanes {
        lane.abort();
    }
}

#[tokio::test]
async fn a_query_does_not_wait_for_ever() {
    let wait = Duration::from_millis(20);
    let world = World::with(GraphqlConfig {
        wait,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let me = world.person(1).await;
    world.run("UPDATE log_lane SET head = 5").await;
    let answer = ask(&world, me, Request::new("{ me { id } }"), Some("0:1")).await;
    assert_eq!(code(&answer), "unavailable");
    assert_eq!(answer["errors"][0]["extensions"]["retryable"], json!(true));
    let extended = |after: Value| {
        let mut request = Request::new("{ me { id } }");
        request.extensions.0.insert(
            "after".to_owned(),
            async_graphql::Value::from_json(after).unwrap(),
        );
        request
    };
    assert_eq!(
        code(&ask(&world, me, extended(json!("1:1")), None).await),
        "unavailable"
    );
    assert_eq!(
        code(&ask(&world, me, extended(json!(["0:0", "1:5"])), None).await),
        "unavailable"
    );
    for passed in [
        json!("0:0"),
        json!(["0:0", "1:0"]),
        json!("0:0, 1:0"),
        Value::Null,
    ] {
        let answer = ask(&world, me, extended(passed), Some("0:0,1:0")).await;
        assert_eq!(answer["data"]["me"]["id"], json!(me), "{answer:#}");
    }
    for wrong in [
        json!(17),
        json!("0"),
        json!("2:1"),
        // The log has not come there, so nobody knows how long to wait.
        json!("0:6"),
        json!(["1:5", "0:9223372036854775807"]),
        json!("0:-1"),
        json!([["0:1"]]),
        json!({ "lane": 0 }),
        json!("0:0,"),
    ] {
        let answer = ask(&world, me, extended(wrong.clone()), None).await;
        assert_eq!(
            (code(&answer), &answer["errors"][0]["extensions"]["field"]),
            ("invalid_argument", &json!("after")),
            "{wrong}"
        );
    }
    for wrong in ["2:1", "0:6", "0:0,1:9223372036854775807"] {
        let answer = ask(&world, me, extended(json!("0:0")), Some(wrong)).await;
        assert_eq!(
            (code(&answer), &answer["errors"][0]["extensions"]["field"]),
            ("invalid_argument", &json!("tidings-after")),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn the_read_models_say_how_far_they_are() {
    let world = World::new().await;
    let user = somebody();
    register(&world, user).await;
    world.projector.catch_up(1).await.unwrap();
    let query = "{ readModels { name lane position head behind } }";
    assert_eq!(code(&world.ask(user, query).await), "forbidden");
    let answer = world.ask_as_admin(user, query).await;
    let models = answer["data"]["readModels"].as_array().unwrap();
    let history = models
        .iter()
        .find(|model| model["name"] == "history" && model["lane"] == 1)
        .unwrap();
    assert_eq!(
        *history,
        json!({ "name": "history", "lane": 1, "position": "1:1", "head": "1:1", "behind": 0 })
    );
}
