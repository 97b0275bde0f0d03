//! What is too much.

use crate::support::{World, code, user};
use serde_json::json;
use std::fmt::Write as _;

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

#[tokio::test]
async fn tools_can_read_the_schema() {
    let world = World::new().await;
    let kind = (0..9).fold("name".to_owned(), |inner, _| {
        format!("kind name ofType {{ {inner} }}")
    });
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }} \
           types {{ ...FullType }} directives {{ name description locations args {{ ...InputValue }} }} }} }} \
         fragment FullType on __Type {{ kind name description fields(includeDeprecated: true) {{ name description \
           args {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }} inputFields {{ ...InputValue }} \
           interfaces {{ ...TypeRef }} enumValues(includeDeprecated: true) {{ name }} possibleTypes {{ ...TypeRef }} }} \
         fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }} \
         fragment TypeRef on __Type {{ {kind} }}"
    );
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
