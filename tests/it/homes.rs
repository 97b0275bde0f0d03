//! Several logs in one database, each with its accounts and read models in a schema of its own.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tidings::config::Config;
use tidings_eventlog::schema;
use uuid::Uuid;

const ODD: &str = "Zoë's \"first\" \\ home";
/// A word that statements know.
const PLAIN: &str = "select";

/// Two homes in one database and one Redis, whose tokens are signed with the same key.
async fn home(store: &Store, name: &str) -> Config {
    let mut config = store.config();
    config.home = Some(name.to_owned());
    let keys = json!([{ "kid": "one", "secret": "the key of both homes, long enough" }]);
    config.auth.signing_keys = serde_json::from_value(keys).unwrap();
    schema::migrate(&config.log().unwrap(), 4).await.unwrap();
    config
}

/// Registers somebody of exactly this name.
async fn join(node: &TestNode, name: &str) -> User {
    let body = json!({ "username": name, "password": "a long passphrase" });
    let request = node.http.post(node.url("/auth/register"));
    let response = request
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    User {
        id: id(&answer["user"]),
        token: text(&answer["token"]),
        username: name.to_owned(),
    }
}

/// What a member sees of a conversation.
async fn seen(node: &TestNode, user: &User, conversation: Uuid, after: &Value) -> Value {
    let query = format!(
        "{{ conversations {{ nodes {{ id }} }} conversation(id: \"{conversation}\") {{ unreadCount \
         messages {{ nodes {{ text reactions {{ emoji }} }} }} }} }}"
    );
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// How many rows each table of the schemas has whose names match, of those that anybody has written to.
async fn rows(store: &Store, schemas: &str) -> BTreeMap<String, i64> {
    let client = store.client().await;
    let sql = "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
               WHERE nspname LIKE $1 AND relkind = 'r'";
    let mut counted = BTreeMap::new();
    for row in client.query(sql, &[&schemas]).await.unwrap() {
        let table: String = row.get(0);
        let count = client
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await;
        counted.insert(table, count.unwrap().get(0));
    }
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn homes_in_one_database_know_nothing_of_each_other() {
    let store = Store::new().await;
    let untouched = rows(&store, "public").await;
    let (odd, plain) = (home(&store, ODD).await, home(&store, PLAIN).await);
    let (one, two) = (TestNode::start(odd.clone()).await, TestNode::start(plain).await);
    // Another node of the first.
    let beside = TestNode::start(odd).await;
    let (ann, ben) = (join(&one, "ann").await, join(&one, "ben").await);
    let (other_ann, other_ben) = (join(&two, "ann").await, join(&two, "ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, beside.socket(&ben).await);
    let (mut other_a, mut other_b) = (two.socket(&other_ann).await, two.socket(&other_ben).await);
    let here = a.open_direct(&ben).await;
    let there = other_a.open_direct(&other_ben).await;
    let mut last = a.say(here, "one").await;
    for words in ["two", "three"] {
        last = a.say(here, words).await;
    }
    let react = json!({ "type": "message.react", "conversation": here, "message": last["id"], "emoji": "👍", "on": true });
    let last = b.acked(react).await["position"].clone();
    let other_last = other_a.say(there, "elsewhere").await["position"].clone();

    // Nodes of one home deliver to each other, and nothing to those of the other.
    assert_eq!(words(&b.events(here, 5).await), ["one", "two", "three"]);
    assert_eq!(words(&other_b.events(there, 2).await), ["elsewhere"]);
    other_b.works().await;
    let more = other_b.next_already();
    assert!(more.is_none(), "{more:?}");

    let found = seen(&beside, &ben, here, &last).await;
    assert_eq!(found["conversations"]["nodes"], json!([{ "id": here }]));
    assert_eq!(
        found["conversation"]["messages"]["nodes"],
        json!([
            { "text": "one", "reactions": [] },
            { "text": "two", "reactions": [] },
            { "text": "three", "reactions": [{ "emoji": "👍" }] }
        ])
    );
    let other = seen(&two, &other_ben, there, &other_last).await;
    assert_eq!(
        other["conversation"]["messages"]["nodes"],
        json!([{ "text": "elsewhere", "reactions": [] }])
    );
    assert_eq!(other["conversations"]["nodes"], json!([{ "id": there }]));

    // Neither people nor conversations of one exist in the other, nor are its tokens taken.
    let query = format!(
        "{{ conversation(id: \"{here}\") {{ unreadCount }} user(id: \"{}\") {{ username }} }}",
        ann.id
    );
    let answer = two.graphql(&other_ann, &query, None).await;
    assert_eq!(
        answer["data"],
        json!({ "conversation": null, "user": null }),
        "{answer}"
    );
    let answer = two.graphql(&ann, "{ me { username } }", None).await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "unauthenticated",
        "{answer}"
    );
    other_a.refused(message(here, "let me in"), "not_a_member").await;

    // Each has its leaders: two of each lane, and one of each reactor.
    let client = store.client().await;
    let leaders = "SELECT count(DISTINCT (classid, objid)) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                   WHERE d.datname = current_database() AND locktype = 'advisory' AND granted";
    eventually(async || (client.query_one(leaders, &[]).await.unwrap().get::<_, i64>(0) == 28).then_some(()))
        .await;

    // What is done to the read models of one is not done to those of the other, and waits for nobody there.
    let logs = [&one, &two].map(|node| node.node.gateway().log.clone());
    let rebuilding = logs
        .each_ref()
        .map(|log| tidings_projections::replay(log, &[], 2, &()));
    for rebuilt in futures_util::future::join_all(rebuilding).await {
        assert!(rebuilt.unwrap().events > 2);
    }
    for log in &logs {
        let report = tidings_projections::verify(log, &[], 2, &()).await.unwrap();
        assert!(
            report.is_equal() && report.tables.iter().any(|table| table.rows > 0),
            "{report:#?}"
        );
    }
    assert_eq!(seen(&two, &other_ben, there, &other_last).await, other);

    // Those who use the database without naming a home find it as it was.
    assert_eq!(rows(&store, "public").await, untouched);
    assert!(rows(&store, "p\\_%").await.is_empty());

    // One can be taken away.
    one.stop().await;
    beside.stop().await;
    let gone = "SELECT string_agg(format('DROP SCHEMA %I CASCADE', nspname), '; ') FROM pg_namespace WHERE starts_with(nspname, $1)";
    let gone: String = client.query_one(gone, &[&ODD]).await.unwrap().get(0);
    client.batch_execute(&gone).await.unwrap();
    let position = other_a.say(there, "still here").await["position"].clone();
    let found = seen(&two, &other_ben, there, &position).await;
    assert_eq!(
        found["conversation"]["messages"]["nodes"][1]["text"], "still here",
        "{found}"
    );
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_is_called_public_is_the_one_that_was_there_without_a_name() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut socket = node.socket(&ann).await;
    let conversation = socket.open_direct(&ben).await;
    let position = socket.say(conversation, "before").await["position"].clone();
    let before = seen(&node, &ann, conversation, &position).await;
    let mut config = store.config();
    config.home = Some("public".to_owned());
    schema::migrate(&config.log().unwrap(), 4).await.unwrap();
    let named = TestNode::start(config).await;
    assert_eq!(seen(&named, &ann, conversation, &position).await, before);
    named.socket(&ann).await.say(conversation, "beside").await;
    assert_eq!(words(&socket.events(conversation, 3).await), ["before", "beside"]);
    named.stop().await;
    node.stop().await;
}
