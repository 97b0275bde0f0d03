//! What is too much.

use crate::support::{LONG, World, code, user, viewer};
use async_graphql::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tidings_graphql::{GraphqlConfig, Viewer};
use uuid::Uuid;

/// A group with `count` messages of `bytes` each.
async fn talk(world: &World, n: u64, me: Uuid, count: u32, bytes: u32) -> Uuid {
    let group = world.group(n, &[me]).await;
    world
        .run(&format!(
            "INSERT INTO p_history_4.message (conversation, seq, message, msg_no, sender, at, kind, text, mentions) \
             SELECT '{group}', no + 1, gen_random_uuid(), no, '{me}', now(), 'text', repeat('x', {bytes}), '{{}}' \
             FROM generate_series(1, {count}) no"
        ))
        .await;
    group
}

fn aliases(count: usize, field: &str) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        write!(text, "a{i}: {field} ").unwrap();
        text
    })
}

/// One page under many names costs the database nothing, and the answer all the more.
#[tokio::test]
async fn an_answer_is_bounded_in_bytes_however_it_is_asked_for() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = talk(&world, 1, me, 100, 8_000).await;
    let page = |fields: &str| {
        format!("conversation(id: \"{group}\") {{ messages(first: 100) {{ nodes {{ {fields} }} }} }}")
    };
    for query in [
        aliases(124, &page("text")),
        page(&aliases(20, "text")),
        aliases(6, &page("text again: text")),
    ] {
        let answer = world.ask(me, &format!("{{ {query} }}")).await;
        assert_eq!(code(&answer), "too_large", "{query:.300}");
        assert_eq!(answer["data"], Value::Null);
    }
    let data = world.data(me, &format!("{{ {} }}", page("text"))).await;
    assert_eq!(
        data["conversation"]["messages"]["nodes"].as_array().map(Vec::len),
        Some(100)
    );
}

/// The rest of the rows is not read when it is clear that they are too many.
#[tokio::test]
async fn what_is_read_is_bounded_before_it_is_there() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = talk(&world, 1, me, 200, 100_000).await;
    let ids = format!("{{ conversation(id: \"{group}\") {{ messages(first: 200) {{ nodes {{ id }} }} }} }}");
    assert_eq!(code(&world.ask(me, &ids).await), "too_large");
    let few = ids.replace("first: 200", "first: 20");
    assert!(world.ask(me, &few).await.get("errors").is_none());
}

#[tokio::test]
async fn a_long_name_is_not_repeated_in_a_list() {
    let world = World::new().await;
    let me = world.person(1).await;
    let query = |length: usize| {
        format!(
            "{{ conversations(first: 200) {{ nodes {{ {}: id }} }} }}",
            "a".repeat(length)
        )
    };
    assert!(world.ask(me, &query(128)).await.get("errors").is_none());
    assert_eq!(code(&world.ask(me, &query(129)).await), "too_large");
}

#[tokio::test]
async fn all_answers_of_a_node_are_bounded_together() {
    let world = World::with(GraphqlConfig {
        answers_bytes: 2_000_000,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let group = talk(&world, 1, me, 100, 8_000).await;
    let page =
        format!("{{ conversation(id: \"{group}\") {{ messages(first: 100) {{ nodes {{ text }} }} }} }}");
    let held = world
        .graphql
        .execute(Request::new(&page), Some(viewer(me)), None)
        .await;
    let answer = world.ask(me, &page).await;
    assert_eq!(code(&answer), "overloaded");
    assert_eq!(answer["errors"][0]["extensions"]["retryable"], json!(true));
    // What is small has room.
    assert_eq!(
        world.data(other, "{ me { username } }").await["me"]["username"],
        json!("user2")
    );
    drop(held);
    assert!(world.ask(me, &page).await.get("errors").is_none());
}

#[tokio::test]
async fn a_viewer_spends_what_there_is_and_leaves_others_theirs() {
    let world = World::with(GraphqlConfig {
        cost_per_second: 1,
        cost_burst: 1_500,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    let query = "{ conversations(first: 200) { nodes { id kind } } }";
    assert!(world.ask(me, query).await.get("errors").is_none());
    assert!(world.ask(me, query).await.get("errors").is_none());
    let answer = world.ask(me, query).await;
    assert_eq!(code(&answer), "rate_limited");
    let wait = answer["errors"][0]["extensions"]["retry_after_ms"]
        .as_u64()
        .unwrap();
    assert!(wait > 1_000, "{wait}");
    assert!(world.ask(other, query).await.get("errors").is_none());
}

/// The first query takes all that there is, so that not even the reading of the next could be paid of it.
#[tokio::test]
async fn whoever_waits_as_long_as_they_are_told_is_answered() {
    let world = World::with(GraphqlConfig {
        cost_per_second: 100,
        cost_burst: 602,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let me = world.person(1).await;
    let query = "{ conversations(first: 200) { nodes { id kind } } }";
    let wait = loop {
        let answer = world.ask(me, query).await;
        if answer.get("errors").is_some() {
            assert_eq!(code(&answer), "rate_limited");
            break answer["errors"][0]["extensions"]["retry_after_ms"]
                .as_u64()
                .unwrap();
        }
    };
    tokio::time::sleep(Duration::from_millis(wait)).await;
    assert!(world.ask(me, query).await.get("errors").is_none());
}

/// What the read models say first has been paid for with the request, and what they say next is paid for again.
#[tokio::test]
async fn each_answer_of_a_subscription_is_paid_for() {
    let world = World::with(GraphqlConfig {
        cost_per_second: 1,
        cost_burst: 3_500,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let me = world.person(1).await;
    let names = "name ".repeat(100);
    let query = format!(
        "subscription {{ readModels {{ {} }} }} fragment f on ReadModelProgress {{ {names} }}",
        "...f ".repeat(10)
    );
    let viewer = Viewer {
        roles: vec!["admin".to_owned()],
        ..viewer(me)
    };
    let mut answers = world.graphql.stream(Request::new(query), Some(viewer));
    let mut next = async || {
        let answer = tokio::time::timeout(LONG, answers.next()).await.unwrap().unwrap();
        assert!(answer.response.errors.is_empty(), "{:?}", answer.response);
    };
    next().await;
    world
        .run(
            "UPDATE projection_checkpoint SET pos = 5 WHERE lane = 1; UPDATE log_lane SET head = 5 WHERE lane = 1",
        )
        .await;
    world.projector.catch_up(1).await.unwrap();
    next().await;
    // Of 3,500, each has taken 1,011.
    let ids = "id ".repeat(100);
    let rest = format!(
        "{{ me {{ {} }} }} fragment g on User {{ {ids} }}",
        "...g ".repeat(19)
    );
    assert_eq!(code(&world.ask(me, &rest).await), "rate_limited");
    assert_eq!(world.data(me, "{ me { id } }").await["me"]["id"], json!(me));
}

/// While one viewer's requests are under way, here because they wait for a position, another's are answered.
#[tokio::test]
async fn requests_of_one_viewer_at_once_are_bounded() {
    let world = World::with(GraphqlConfig {
        wait: LONG,
        deadline: LONG,
        requests_per_viewer: 2,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let (me, other) = (world.person(1).await, world.person(2).await);
    world.run("UPDATE log_lane SET head = 5").await;
    let waiting = || {
        let request = Request::new("{ me { id } }");
        let execute = async |graphql: tidings_graphql::Graphql| {
            graphql.execute(request, Some(viewer(me)), Some("0:5")).await
        };
        Box::pin(execute(world.graphql.clone()))
    };
    let (mut first, mut second) = (waiting(), waiting());
    for request in [&mut first, &mut second] {
        assert!(futures_util::poll!(request).is_pending());
    }
    assert_eq!(code(&world.ask(me, "{ me { id } }").await), "rate_limited");
    assert!(world.ask(other, "{ me { id } }").await.get("errors").is_none());
    drop(first);
    assert!(world.ask(me, "{ me { id } }").await.get("errors").is_none());
}

/// Documents that are refused when they have been read need nothing but a processor; here the runtime has one thread. Those that are
/// read in no time are not worth the way.
#[tokio::test]
async fn documents_are_read_beside_those_who_serve_sockets() {
    let world = World::new().await;
    let me = world.person(1).await;
    let (graphql, started) = (world.graphql.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&started);
    let ask = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_start(move || {
                count.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .unwrap();
        let request = Request::new(format!("{{ me {{ id # {}", "x".repeat(4096)));
        serde_json::to_value(runtime.block_on(graphql.execute(request, Some(viewer(me)), None))).unwrap()
    };
    let answer = std::thread::spawn(ask).join().unwrap();
    assert!(answer["errors"][0]["message"].is_string(), "{answer}");
    assert_eq!(
        started.load(Ordering::SeqCst),
        1,
        "threads beside the runtime's own"
    );
}

#[tokio::test]
async fn a_request_has_a_deadline() {
    let world = World::with(GraphqlConfig {
        statement_timeout: LONG,
        deadline: Duration::from_millis(300),
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
}

#[tokio::test]
async fn a_stranger_asks_for_little() {
    let world = World::with(GraphqlConfig {
        cost_per_second: 1,
        cost_burst: 1_000,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let ask = async |query: &str| {
        let answer = world.graphql.execute(Request::new(query), None, None).await;
        serde_json::to_value(answer).unwrap()
    };
    let long = format!("{{ __typename {} }}", "#".repeat(9_000));
    assert_eq!(code(&ask(&long).await), "unauthenticated");
    let schema = format!("{{ __schema {{ {} }} }}", aliases(3, "types { name }"));
    assert!(ask(&schema).await.get("errors").is_none());
    assert_eq!(code(&ask(&schema).await), "rate_limited");
}

#[tokio::test]
async fn a_query_that_is_too_deep_is_refused() {
    let world = World::new().await;
    let me = world.person(1).await;
    let nested = |depth: usize| {
        let inner = (3..depth).fold("id".to_owned(), |inner, _| format!("replyTo {{ {inner} }}"));
        format!("{{ conversation(id: \"{me}\") {{ lastMessage {{ {inner} }} }} }}")
    };
    assert_eq!(world.data(me, &nested(12)).await, json!({ "conversation": null }));
    assert_eq!(code(&world.ask(me, &nested(13)).await), "too_large");
}

#[tokio::test]
async fn a_query_that_costs_too_much_is_refused() {
    let world = World::new().await;
    let me = world.person(1).await;
    let pages = |first: u32| {
        format!(
            "{{ conversations(first: {first}) {{ nodes {{ messages(first: 200) {{ nodes {{ id sender {{ id }} }} }} }} }} }}"
        )
    };
    assert!(world.ask(me, &pages(50)).await.get("errors").is_none());
    assert_eq!(code(&world.ask(me, &pages(70)).await), "too_large");
    let query = "query($n: Int!) { conversations(first: $n) { nodes { messages(first: $n) { nodes { id text } } } } }";
    assert_eq!(
        code(&world.ask_with(me, query, json!({ "n": 200 })).await),
        "too_large"
    );
    assert!(
        world
            .ask_with(me, query, json!({ "n": 20 }))
            .await
            .get("errors")
            .is_none()
    );
    let aliases = (0..60_000).fold(String::new(), |mut text, i| {
        write!(text, "a{i}: me {{ id }} ").unwrap();
        text
    });
    assert_eq!(
        code(&world.ask(me, &format!("{{ {aliases} }}")).await),
        "too_large"
    );
}

/// Each of these would take for ever, or end the process, if it came as far as validation.
#[tokio::test]
async fn hostile_documents_are_refused_at_once() {
    let world = World::new().await;
    let mut doubling = "{ ...f0 } ".to_owned();
    for i in 0..50 {
        let next = i + 1;
        write!(doubling, "fragment f{i} on Query {{ ...f{next} ...f{next} }} ").unwrap();
    }
    doubling.push_str("fragment f50 on Query { me { id } }");
    let introspection = (0..5).fold("name".to_owned(), |inner, _| {
        format!("fields {{ type {{ {inner} }} }}")
    });
    for (query, expected) in [
        (doubling, "too_large"),
        (
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(),
            "invalid_argument",
        ),
        ("{a".repeat(50_000), "too_large"),
        (format!("{{ me(x: {}", "[".repeat(100_000)), "too_large"),
        (format!("{{ me(x: {}", "{a:".repeat(100_000)), "too_large"),
        (
            format!("query($a: {}Int) {{ me {{ id }} }}", "[".repeat(100_000)),
            "too_large",
        ),
        (
            format!("{{ __schema {{ types {{ {introspection} }} }} }}"),
            "too_large",
        ),
    ] {
        assert_eq!(
            code(&world.ask(user(1), &query).await),
            expected,
            "{}",
            &query[..60]
        );
    }
}

/// Some hundred ways lead through three lists of fields, and at the end of each a name is asked for 46,656 times.
#[tokio::test]
async fn an_introspection_that_multiplies_is_refused_and_keeps_nobody_waiting() {
    let world = World::with(GraphqlConfig {
        threads: 1,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let me = world.person(1).await;
    let many = |fragment: &str| format!("...{fragment} ").repeat(36);
    let query = format!(
        "{{ __schema {{ types {{ ...a }} }} }} \
         fragment a on __Type {{ fields {{ type {{ ofType {{ ...b }} }} }} }} \
         fragment b on __Type {{ fields {{ type {{ ofType {{ ...c }} }} }} }} \
         fragment c on __Type {{ fields {{ ...d }} }} \
         fragment d on __Field {{ {} }} fragment e on __Field {{ {} }} fragment f on __Field {{ {} }}",
        many("e"),
        many("f"),
        "name ".repeat(36)
    );
    let stranger = world.graphql.execute(Request::new(query), None, None);
    let (refused, data) = tokio::join!(stranger, world.data(me, "{ me { id } }"));
    assert_eq!(data["me"]["id"], json!(me));
    let refused = serde_json::to_value(refused).unwrap();
    assert_eq!(code(&refused), "too_large");
    let message = refused["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("the introspection costs"), "{message}");
}

/// To find out what there is to be shown is work, however little is then asked of it.
#[tokio::test]
async fn schemas_are_not_free_by_the_dozen() {
    let world = World::new().await;
    let schemas = |count: usize| format!("{{ {} }}", aliases(count, "__schema { __typename }"));
    assert!(world.ask(user(1), &schemas(100)).await.get("errors").is_none());
    assert_eq!(code(&world.ask(user(1), &schemas(400)).await), "too_large");
}

/// They ask for this when they start, and somebody starts them twice.
#[tokio::test]
async fn tools_can_read_the_schema() {
    let world = World::new().await;
    let kind = (0..9).fold("name".to_owned(), |inner, _| {
        format!("kind name ofType {{ {inner} }}")
    });
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name }} mutationType {{ name }} \
           subscriptionType {{ name }} types {{ ...FullType }} directives {{ name description isRepeatable locations \
           args(includeDeprecated: true) {{ ...InputValue }} }} }} }} \
         fragment FullType on __Type {{ kind name description specifiedByURL isOneOf fields(includeDeprecated: true) {{ name \
           description args(includeDeprecated: true) {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }} \
           inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }} \
           enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} \
           possibleTypes {{ ...TypeRef }} }} \
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated \
           deprecationReason }} \
         fragment TypeRef on __Type {{ {kind} }}"
    );
    world.data(user(1), &query).await;
    let data = world.data(user(1), &query).await;
    assert_eq!(data["__schema"]["queryType"]["name"], json!("Query"));
    assert!(data["__schema"]["types"].as_array().unwrap().len() > 10);
}

#[tokio::test]
async fn wrong_documents_have_a_code() {
    let world = World::new().await;
    for query in [
        "",
        "{",
        "{ me",
        "{ nothing }",
        "{ me }",
        "query($n: Int!) { conversations(first: $n) { nodes { id } } }",
        "{ conversation { id } }",
        "mutation { me }",
    ] {
        let answer = world.ask(user(1), query).await;
        assert!(answer["data"].is_null(), "{query}");
        for error in answer["errors"].as_array().unwrap() {
            assert_eq!(error["extensions"]["code"], json!("invalid_argument"), "{query}");
        }
    }
}
