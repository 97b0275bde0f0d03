//! What administrators tell everybody: one event, told once to each who is there, and to each who comes back.

use crate::administration::{administrator, ask};
use crate::support::*;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use std::process::Stdio;
use tidings_services::Port;
use tokio::process::{Child, Command};
use uuid::Uuid;

const ANNOUNCED: i16 = 86;
const ANNOUNCEMENT_CHANGED: i16 = 100;

const STATE: &str = "id text state madeAt at publishedAt cancelledAt by { id } cancelledBy { id }";

/// A time to come, as the wire says it.
fn later(seconds: i64) -> (DateTime<Utc>, String) {
    let at = Utc::now() + TimeDelta::seconds(seconds);
    (at, at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn order(words: &str, at: Option<&str>) -> String {
    let at = at.map(|at| format!(", at: \"{at}\"")).unwrap_or_default();
    format!("mutation {{ announce(text: \"{words}\"{at}) {{ {STATE} }} }}")
}

async fn announce(node: &TestNode, root: &User, words: &str, at: Option<&str>) -> Value {
    ask(node, root, &order(words, at)).await["announce"].clone()
}

fn cancel(id: &str) -> String {
    format!("mutation {{ cancelAnnouncement(id: \"{id}\") {{ {STATE} }} }}")
}

/// All announcements as an administrator sees them, oldest first.
async fn listed(node: &TestNode, root: &User) -> Vec<Value> {
    let query = format!("{{ admin {{ announcements(first: 5) {{ nodes {{ {STATE} }} }} }} }}");
    let answer = ask(node, root, &query).await;
    answer["admin"]["announcements"]["nodes"]
        .as_array()
        .unwrap()
        .clone()
}

/// The next announcement that a device is told.
async fn told(socket: &mut Socket) -> Value {
    socket
        .take(|object| object["type"] == "notice" && object["kind"] == "announcement")
        .await
}

/// A device that comes back, and the first announcement that it is told: while it is caught up, or as soon as the node has seen that
/// it is there.
async fn back(node: &TestNode, user: &User) -> (Socket, Value) {
    let (mut socket, missed) = node.resumed(user, json!({ "self": 0 })).await;
    let already = missed.into_iter().find(|object| object["kind"] == "announcement");
    let first = match already {
        Some(notice) => notice,
        None => told(&mut socket).await,
    };
    (socket, first)
}

async fn count(store: &Store, sql: &str, values: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> i64 {
    store.client().await.query_one(sql, values).await.unwrap().get(0)
}

/// How often somebody was told anything that was announced.
async fn times_told(store: &Store, user: &User) -> i64 {
    let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = $2";
    count(store, sql, &[&user.id, &ANNOUNCED]).await
}

/// How often the log says that the time of something has come.
async fn times_published(store: &Store) -> i64 {
    let sql =
        "SELECT count(*) FROM event WHERE kind = $1 AND convert_from(payload, 'UTF8') LIKE '%published%'";
    count(store, sql, &[&ANNOUNCEMENT_CHANGED]).await
}

fn code(answer: &Value) -> (&Value, &Value) {
    let extensions = &answer["errors"][0]["extensions"];
    (&extensions["code"], &extensions["field"])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_there_is_told_at_once_on_every_node_and_who_is_not_at_their_return() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut phone, mut tablet) = (one.socket(&ann).await, two.socket(&ann).await);
    let mut b = two.socket(&ben).await;
    let made = announce(&one, &root, "the server rests", None).await;
    assert_eq!(
        (&made["state"], &made["by"]["id"]),
        (&json!("PUBLISHED"), &json!(root.id))
    );
    let data = json!({ "id": made["id"], "text": "the server rests", "at": made["at"] });
    // All devices of somebody are told by the same notice.
    let first = told(&mut phone).await;
    assert_eq!(first["data"], data);
    assert_eq!(told(&mut tablet).await, first);
    assert_eq!(told(&mut b).await["data"], data);

    // Who comes back is told then; who comes for the first time never knew of it.
    let dan = two.register("dan").await;
    let mut d = two.socket(&dan).await;
    let (mut c, at_return) = back(&two, &cat).await;
    assert_eq!(at_return["data"], data);
    announce(&two, &root, "it is back", None).await;
    assert_eq!(told(&mut d).await["data"]["text"], "it is back");
    let second = told(&mut c).await;
    assert_eq!(second["data"]["text"], "it is back");
    assert!(second["seq"].as_u64() > at_return["seq"].as_u64());

    // A device is sent what it has not seen, from any cursor on, and nothing twice.
    for (cursor, missed) in [
        (json!(0), vec![&at_return, &second]),
        (at_return["seq"].clone(), vec![&second]),
        (second["seq"].clone(), vec![]),
    ] {
        let (mut late, sent) = one.resumed(&cat, json!({ "self": cursor })).await;
        assert_eq!(sent.iter().collect::<Vec<_>>(), missed);
        late.works().await;
        assert_eq!(late.next_already(), None);
    }
    for (user, times) in [(&ann, 2), (&ben, 2), (&cat, 2), (&dan, 1), (&root, 0)] {
        let all = async || (times_told(&store, user).await == times).then_some(());
        eventually(all).await;
    }
    // However many there are: two events, and the two acts that ordered them.
    let sql = "SELECT count(*) FROM event WHERE kind = $1";
    assert_eq!(count(&store, sql, &[&ANNOUNCEMENT_CHANGED]).await, 2);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_is_told_at_its_time_and_once_by_however_many_nodes() {
    let store = Store::new().await;
    let nodes = [store.node().await, store.node().await, store.node().await];
    let root = administrator(&nodes[0]).await;
    let ann = nodes[1].register("ann").await;
    let mut devices = vec![];
    for node in &nodes {
        devices.push(node.socket(&ann).await);
    }
    // The order has to come before its time, on a busy machine too.
    let (at, wire) = later(15);
    let made = announce(&nodes[0], &root, "now", Some(&wire)).await;
    assert_eq!((&made["state"], &made["at"]), (&json!("SCHEDULED"), &json!(wire)));
    assert_eq!(made["publishedAt"], Value::Null);
    for device in &mut devices {
        let notice = told(device).await;
        assert_eq!(
            notice["data"],
            json!({ "id": made["id"], "text": "now", "at": wire })
        );
        assert!(Utc::now() >= at);
    }
    let published = eventually(async || {
        let all = listed(&nodes[2], &root).await;
        all.into_iter().find(|made| made["state"] == "PUBLISHED")
    })
    .await;
    assert_eq!(
        (&published["id"], &published["by"]["id"]),
        (&made["id"], &json!(root.id))
    );
    // Another one comes behind it, so whatever would have come twice is there by then.
    announce(&nodes[1], &root, "and another", None).await;
    for device in &mut devices {
        assert_eq!(told(device).await["data"]["text"], "and another");
    }
    assert_eq!(
        (times_published(&store).await, times_told(&store, &ann).await),
        (1, 2)
    );
    for node in nodes {
        node.stop().await;
    }
}

/// A node in a process of its own, to be killed.
async fn process(store: &Store) -> (Child, Port) {
    // Nobody takes it in between.
    let port = Port::unused().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_tidings"))
        .arg("serve")
        .env("TIDINGS_DATABASE_URL", store.database.url())
        .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000")
        .env("TIDINGS_REDIS_URL", &store.redis_url)
        .env("TIDINGS_LISTEN", format!("127.0.0.1:{}", port.number()))
        .env("TIDINGS_ATTACHMENTS__FOLDER", store.files.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually(async || {
        tokio::net::TcpStream::connect(("127.0.0.1", port.number()))
            .await
            .ok()
    })
    .await;
    (child, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_that_is_killed_before_the_time_was_ordered_another_one_carries_out_once() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let ann = node.register("ann").await;
    node.stop().await;
    let (mut child, port) = process(&store).await;
    // The order has to come before its time, on a busy machine too.
    let (at, wire) = later(15);
    let body = json!({ "query": order("after a crash", Some(&wire)) }).to_string();
    let made = eventually(async || {
        let request = reqwest::Client::new().post(format!("http://127.0.0.1:{}/graphql", port.number()));
        let request = request
            .bearer_auth(&root.token)
            .header("content-type", "application/json");
        let answer = request.body(body.clone()).send().await.ok()?.text().await.ok()?;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        Some(answer["data"]["announce"].clone())
    })
    .await;
    child.kill().await.unwrap();
    eventually(async || (Utc::now() > at).then_some(())).await;
    let (one, two) = tokio::join!(store.node(), store.node());
    let (mut a, notice) = back(&one, &ann).await;
    let (mut again, same) = back(&two, &ann).await;
    assert_eq!(
        notice["data"],
        json!({ "id": made["id"], "text": "after a crash", "at": wire })
    );
    assert_eq!(same, notice);
    announce(&one, &root, "and another", None).await;
    for device in [&mut a, &mut again] {
        assert_eq!(told(device).await["data"]["text"], "and another");
    }
    assert_eq!(
        (times_published(&store).await, times_told(&store, &ann).await),
        (1, 2)
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_in_time_is_told_to_nobody_and_afterwards_that_is_a_conflict() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let ann = one.register("ann").await;
    let mut a = two.socket(&ann).await;
    let (_, wire) = later(3600);
    let made = announce(&one, &root, "never", Some(&wire)).await;
    let id = text(&made["id"]);
    for node in [&two, &one] {
        // Whoever asks again is answered the same.
        let cancelled = ask(node, &root, &cancel(&id)).await["cancelAnnouncement"].clone();
        assert_eq!(
            (
                &cancelled["state"],
                &cancelled["cancelledBy"]["id"],
                &cancelled["publishedAt"]
            ),
            (&json!("CANCELLED"), &json!(root.id), &Value::Null)
        );
    }
    let now = announce(&two, &root, "at once", None).await;
    assert_eq!(told(&mut a).await["data"]["text"], "at once");
    let refused = one.graphql(&root, &cancel(&text(&now["id"])), None).await;
    assert_eq!(code(&refused).0, "conflict", "{refused}");
    let refused = one
        .graphql(&root, &cancel(&Uuid::now_v7().to_string()), None)
        .await;
    assert_eq!(code(&refused), (&json!("not_found"), &json!("id")), "{refused}");
    assert_eq!(times_told(&store, &ann).await, 1);
    let acts = ask(
        &one,
        &root,
        "{ admin { audit(first: 100) { nodes { act target by { id } } } } }",
    )
    .await;
    let acts = acts["admin"]["audit"]["nodes"].as_array().unwrap().clone();
    let of_first: Vec<&Value> = acts.iter().filter(|act| act["target"] == id.as_str()).collect();
    let names: Vec<&Value> = of_first.iter().map(|act| &act["act"]).collect();
    assert_eq!(
        names,
        ["announcement.make", "announcement.cancel", "announcement.cancel"]
    );
    assert!(of_first.iter().all(|act| act["by"]["id"] == json!(root.id)));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_administrator_announces_and_what_cannot_be_right_leaves_no_trace() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let ann = node.register("ann").await;
    let (_, past) = later(-1);
    let (_, far) = later(400 * 86_400);
    for (who, query, expected) in [
        (&ann, order("me too", None), (json!("forbidden"), Value::Null)),
        (
            &ann,
            cancel(&Uuid::now_v7().to_string()),
            (json!("forbidden"), Value::Null),
        ),
        (
            &root,
            order(" ", None),
            (json!("invalid_argument"), json!("text")),
        ),
        (
            &root,
            order(&"x".repeat(8193), None),
            (json!("too_large"), json!("text")),
        ),
        (
            &root,
            order("too late", Some(&past)),
            (json!("invalid_argument"), json!("at")),
        ),
    ] {
        let refused = node.graphql(who, &query, None).await;
        assert_eq!(code(&refused), (&expected.0, &expected.1), "{refused}");
    }
    let sql = "SELECT count(*) FROM event WHERE kind = ANY($1)";
    assert_eq!(
        count(&store, sql, &[&vec![96_i16, ANNOUNCEMENT_CHANGED]]).await,
        0
    );
    let refused = node.graphql(&root, &order("too far", Some(&far)), None).await;
    assert_eq!(
        code(&refused),
        (&json!("invalid_argument"), &json!("at")),
        "{refused}"
    );
    assert_eq!(listed(&node, &root).await, [] as [Value; 0]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_see_whom_an_announcement_has_reached_and_who_has_read_it() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    announce(&one, &root, "read me", None).await;
    let reach = async |delivered: i64, read: i64| {
        let expected = json!({ "delivered": delivered, "read": read });
        let query = "{ admin { announcements(first: 1) { nodes { reach { delivered read } } } } }";
        // Whoever asks again and again is refused now and then.
        let reached = async || {
            let answer = two.graphql(&root, query, None).await;
            (answer["data"]["admin"]["announcements"]["nodes"][0]["reach"] == expected).then_some(())
        };
        eventually(reached).await;
    };
    let seq = told(&mut a).await["seq"].as_u64().unwrap();
    told(&mut b).await;
    reach(2, 0).await;
    let read = |user: &User, seq: u64| json!({ "type": "read", "conversation": user.id, "seq": seq });
    let ack = a.acked(read(&ann, seq)).await;
    assert_eq!((&ack["conversation"], &ack["seq"]), (&json!(ann.id), &json!(seq)));
    reach(2, 1).await;
    // It never moves back, and is no further than there are notices.
    let stays = async || (a.acked(read(&ann, seq - 1)).await["seq"] == json!(seq)).then_some(());
    eventually(stays).await;
    for beyond in [0, seq + 1_000_000] {
        let refused = a.refused(read(&ann, beyond), "invalid_argument").await;
        assert_eq!(refused["field"], "seq");
    }
    // Nobody reads for others.
    b.refused(read(&ann, seq), "not_a_member").await;
    let (mut c, notice) = back(&two, &cat).await;
    let seq = notice["seq"].as_u64().unwrap();
    c.acked(read(&cat, seq)).await;
    reach(3, 2).await;
    one.stop().await;
    two.stop().await;
}
