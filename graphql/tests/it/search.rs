//! Finding messages by what they say.

use crate::support::{World, code};
use serde_json::{Value, json};
use tidings_search::{Has, tokens};
use uuid::Uuid;

const SHOWN: &str = "edges { cursor node { text } snippet { text isMatch } } complete ignored unknown pageInfo { hasNextPage endCursor }";

impl World {
    /// The `no`-th message of a conversation says this, and can be found.
    async fn said(&self, conversation: Uuid, no: u64, sender: Uuid, text: &str) -> Uuid {
        let message = self.message(conversation, no, sender).await;
        self.says(message, text).await;
        let mut words: Vec<String> = tokens(text)
            .into_iter()
            .map(|token| format!("'{}':{}", token.lexeme, token.position))
            .collect();
        if Has::link(text) {
            words.push(format!("'{}'", tidings_projections::search::has(Has::Link)));
        }
        let (here, by) = (
            tidings_projections::search::conversation(conversation),
            tidings_projections::search::sender(sender),
        );
        let lexemes = format!("'{here}' '{by}' {}", words.join(" ")).replace('\'', "''");
        self.run(&format!(
            "CREATE TABLE IF NOT EXISTS p_search_2.entry_2026_01 PARTITION OF p_search_2.entry FOR VALUES \
             FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00'); \
             INSERT INTO p_search_2.entry SELECT conversation, seq, at, message, '{lexemes}' FROM p_history_4.message \
             WHERE message = '{message}'"
        ))
        .await;
        message
    }

    /// A message says something else now, which is not in what messages are found by.
    async fn says(&self, message: Uuid, text: &str) {
        let text = text.replace('\'', "''");
        self.run(&format!(
            "UPDATE p_history_4.message SET text = '{text}' WHERE message = '{message}'"
        ))
        .await;
    }

    async fn search(&self, viewer: Uuid, typed: &str, arguments: &str) -> Value {
        let query = format!("query($typed: String!) {{ search(query: $typed{arguments}) {{ {SHOWN} }} }}");
        let answer = self.ask_with(viewer, &query, json!({ "typed": typed })).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"]["search"].clone()
    }

    /// The texts that are found.
    async fn found(&self, viewer: Uuid, typed: &str) -> Vec<String> {
        texts(&self.search(viewer, typed, "").await)
    }
}

fn texts(found: &Value) -> Vec<String> {
    let edges = found["edges"].as_array().unwrap().iter();
    edges
        .map(|edge| edge["node"]["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn members_find_what_is_said_in_their_conversations_newest_first() {
    let world = World::new().await;
    let (me, bob, eve) = (
        world.person(1).await,
        world.person(2).await,
        world.person(3).await,
    );
    let (ours, theirs) = (
        world.group(1, &[me, bob]).await,
        world.group(2, &[bob, eve]).await,
    );
    world.said(ours, 1, me, "Lunch at noon?").await;
    world.said(ours, 2, bob, "Résumé of the lunch").await;
    world.said(theirs, 3, eve, "secret lunch").await;
    assert_eq!(
        world.found(me, "lunch").await,
        ["Résumé of the lunch", "Lunch at noon?"]
    );
    assert_eq!(world.found(eve, "lunch").await, ["secret lunch"]);
    assert_eq!(world.found(bob, "lunch").await.len(), 3);
    assert_eq!(world.found(me, "\"at noon\" -resume ").await, ["Lunch at noon?"]);
    let found = world.search(me, "resum", "").await;
    assert_eq!(
        found["edges"][0]["snippet"],
        json!([{ "text": "Résumé", "isMatch": true }, { "text": " of the lunch", "isMatch": false }])
    );
    assert_eq!(
        (&found["complete"], &found["ignored"]),
        (&json!(true), &json!([]))
    );
    // Nor what was sent before what they see.
    world
        .run(&format!(
            "UPDATE p_conversations_3.member SET visible_from = 3 WHERE user_id = '{me}'"
        ))
        .await;
    assert_eq!(world.found(me, "lunch").await, ["Résumé of the lunch"]);
    // Nobody finds anything in what they have left.
    world
        .run(&format!(
            "UPDATE p_conversations_3.member SET left_seq = 9 WHERE user_id = '{me}'"
        ))
        .await;
    assert!(world.found(me, "lunch").await.is_empty());
}

#[tokio::test]
async fn what_was_edited_or_recalled_is_not_found_by_what_it_said() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    let edited = world.said(group, 1, me, "the old word").await;
    let recalled = world.said(group, 2, me, "another old word").await;
    world.says(edited, "the new word").await;
    world
        .run(&format!(
            "UPDATE p_history_4.message SET text = NULL, recalled_at = at WHERE message = '{recalled}'"
        ))
        .await;
    assert!(world.found(me, "old ").await.is_empty());
    assert_eq!(world.found(me, "word ").await, ["the new word"]);
}

#[tokio::test]
async fn filters_say_by_whom_where_and_when() {
    let world = World::new().await;
    let (me, bob) = (world.person(1).await, world.person(2).await);
    let (one, two) = (world.group(1, &[me, bob]).await, world.group(2, &[me, bob]).await);
    world.said(one, 1, me, "hello from me").await;
    world.said(one, 2, bob, "hello from bob").await;
    world.said(two, 2000, bob, "hello https://example.com").await;
    for (typed, count) in [
        ("hello from:user2 ", 2),
        ("hello from:@USER2 in:\"group 1\"", 1),
        ("hello from:me", 1),
        ("hello -from:me", 2),
        ("hello before:2026-01-02", 2),
        ("hello after:2026-01-01", 1),
        ("hello after:2026 ", 0),
        ("from:user1 from:user2 ", 3),
        ("has:link ", 1),
        ("hello -has:link ", 2),
        ("hello has:image ", 0),
        ("from:nobody hello", 0),
        ("in:nowhere hello", 0),
        ("after:2026-01-01 ", 1),
        ("-hello ", 0),
    ] {
        assert_eq!(world.found(me, typed).await.len(), count, "{typed}");
    }
    assert_eq!(world.found(me, &format!("hello in:{two}")).await.len(), 1);
    let here = world
        .search(me, "hello", &format!(", conversation: \"{two}\""))
        .await;
    assert_eq!(texts(&here).len(), 1);
    // Two names that exclude each other.
    let conversation = format!(", conversation: \"{two}\"");
    let nowhere = world.search(me, "hello in:\"group 1\"", &conversation).await;
    assert!(texts(&nowhere).is_empty());
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    for no in 1..=23 {
        let text = if no % 7 == 0 {
            "tea tea tea".to_owned()
        } else {
            format!("tea and more {no}")
        };
        world.said(group, no, me, &text).await;
    }
    for order in ["NEWEST", "BEST"] {
        let (mut all, mut after) = (vec![], String::new());
        loop {
            let page = world
                .search(me, "tea ", &format!(", order: {order}, first: 5{after}"))
                .await;
            assert_eq!(page["complete"], true);
            all.extend(texts(&page));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            assert_eq!(texts(&page).len(), 5);
            after = format!(", after: {}", page["pageInfo"]["endCursor"]);
        }
        assert_eq!(all.len(), 23, "{order}: {all:?}");
        if order == "NEWEST" {
            assert_eq!(all[0], "tea and more 23");
        } else {
            assert_eq!(all[..3], ["tea tea tea"; 3]);
        }
    }
}

#[tokio::test]
async fn nothing_that_is_typed_is_refused() {
    let world = World::new().await;
    let me = world.person(1).await;
    let group = world.group(1, &[me]).await;
    world.said(group, 1, me, "it's a' & b | !c <-> (d) : e*").await;
    for typed in [
        "'",
        "\"",
        "-",
        "&",
        "| !",
        "a & | b",
        ":*",
        "(",
        "\\",
        "''' :A",
        "<->",
        "in:\u{0}",
        "from:\u{0}",
        "\u{0}",
        "it's",
        "from:",
    ] {
        world.search(me, typed, "").await;
    }
    assert_eq!(world.found(me, "\"b c d e\"").await.len(), 1);
    let found = world.search(me, "b has:everything before:never ", "").await;
    assert_eq!(found["ignored"], json!(["has:everything", "before:never"]));
    assert_eq!(texts(&found).len(), 1);
    // What names nobody is looked for, and nothing is by nobody.
    let found = world.search(me, "b from:nobody -in:nowhere ", "").await;
    assert_eq!(
        (&found["ignored"], &found["unknown"]),
        (&json!([]), &json!(["from:nobody", "-in:nowhere"]))
    );
    assert!(texts(&found).is_empty());
    let found = world.search(me, "b -in:nowhere from:me ", "").await;
    assert_eq!(found["unknown"], json!(["-in:nowhere"]));
    assert_eq!(texts(&found).len(), 1);
    let nothing = world.search(me, "  ", "").await;
    assert_eq!(texts(&nothing).len(), 0);
    let refused = world
        .ask(me, "{ search(query: \"a\", after: \"m0\") { complete } }")
        .await;
    assert_eq!(code(&refused), "invalid_argument");
}

/// With more conversations than are named to the index.
#[tokio::test]
async fn somebody_in_many_conversations_finds_in_all_of_them_and_in_no_others() {
    let world = World::new().await;
    let (me, eve) = (world.person(1).await, world.person(2).await);
    let (first, other) = (world.group(1, &[me]).await, world.group(200, &[eve]).await);
    for n in 2..=70 {
        world.group(n, &[me]).await;
    }
    world.said(first, 1, me, "needle here").await;
    world.said(other, 2, eve, "needle there").await;
    let found = world.search(me, "needle", "").await;
    assert_eq!(texts(&found), ["needle here"]);
}
