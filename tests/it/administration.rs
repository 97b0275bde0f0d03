//! What administrators see of all nodes, and what they do.

use crate::support::*;
use serde_json::{Value, json};
use tidings::accounts::Role;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationId, pair_of, reports_of};
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Appender, Batch, Log, LogConfig, NewEvent, Outcome, Proposal};
use uuid::Uuid;

const MESSAGE_SENT: i16 = Kind::MESSAGE_SENT.0;

/// Somebody whose next token is an administrator's.
pub(crate) async fn administrator(node: &TestNode) -> User {
    promoted(node, "root", &[Role::Admin]).await
}

/// Somebody whose next token has these roles.
pub(crate) async fn promoted(node: &TestNode, name: &str, roles: &[Role]) -> User {
    let user = node.register(name).await;
    let accounts = node.node.accounts();
    assert!(accounts.set_roles(user.id, roles).await.unwrap());
    let token = login(node, &user).await.unwrap();
    User { token, ..user }
}

/// A new token, or the status of the refusal.
pub(crate) async fn login(node: &TestNode, user: &User) -> Result<String, u16> {
    let body = json!({ "username": user.username, "password": "a long passphrase" });
    let request = node.http.post(node.url("/auth/login"));
    let request = request.header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    let answer: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    if status == 200 {
        Ok(text(&answer["token"]))
    } else {
        Err(status)
    }
}

/// Answers a request of an administrator, which succeeds.
pub(crate) async fn ask(node: &TestNode, root: &User, query: &str) -> Value {
    let answer = node.graphql(root, query, None).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"].clone()
}

/// What the log says that administrators did, oldest first.
async fn audit(node: &TestNode, root: &User) -> Vec<(String, String, Value)> {
    let query = "{ admin { audit(first: 100) { nodes { act target reason by { id } } } } }";
    let acts = ask(node, root, query).await["admin"]["audit"]["nodes"].clone();
    let read = |act: &Value| {
        assert_eq!(id(&act["by"]["id"]), root.id);
        (text(&act["act"]), text(&act["target"]), act["reason"].clone())
    };
    acts.as_array().unwrap().iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_all_nodes_are_seen_and_closed_from_any_of_them() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let mut again = two.socket(&ben).await;
    let nodes = eventually(async || {
        let query = "{ admin { nodes { id address version connections draining } } }";
        let nodes = ask(&one, &root, query).await["admin"]["nodes"].clone();
        (nodes.as_array().unwrap().len() == 2).then_some(nodes)
    })
    .await;
    let addresses: Vec<String> = nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| text(&node["address"]))
        .collect();
    for node in [&one, &two] {
        assert!(addresses.contains(&node.node.address().to_string()), "{nodes}");
    }

    let page = async |arguments: &str| {
        let query = format!(
            "{{ admin {{ connections({arguments}) {{ nodes {{ id node user {{ id }} device }} \
             pageInfo {{ endCursor hasNextPage hasPreviousPage }} }} }} }}"
        );
        // A node that does not answer the other one in five seconds counts as away.
        eventually(async || {
            let answer = one.graphql(&root, &query, None).await;
            let found = answer["data"]["admin"]["connections"].clone();
            answer.get("errors").is_none().then_some(found)
        })
        .await
    };
    let users = |page: &Value| -> Vec<Uuid> {
        let nodes = page["nodes"].as_array().unwrap();
        nodes
            .iter()
            .map(|connection| id(&connection["user"]["id"]))
            .collect()
    };
    let all = page("first: 10").await;
    assert_eq!(users(&all), [ann.id, ben.id, ben.id]);
    assert_ne!(all["nodes"][0]["node"], all["nodes"][1]["node"]);
    // Page by page, from either end, over both nodes.
    let first = page("first: 2").await;
    assert_eq!(
        (users(&first), &first["pageInfo"]["hasNextPage"]),
        (vec![ann.id, ben.id], &json!(true))
    );
    let cursor = text(&first["pageInfo"]["endCursor"]);
    let rest = page(&format!("first: 2, after: \"{cursor}\"")).await;
    assert_eq!(
        (users(&rest), &rest["pageInfo"]["hasPreviousPage"]),
        (vec![ben.id], &json!(true))
    );
    assert_eq!(users(&page("last: 1").await), [ben.id]);
    assert_eq!(
        users(&page(&format!("user: \"{}\"", ben.id)).await),
        [ben.id, ben.id]
    );

    // One of them by its session, then all of the user, who are connected to the other node.
    let session = text(&all["nodes"][1]["id"]);
    // A node that does not answer in five seconds counts as silent, and does as it was asked all the same: then nobody may be left to be closed.
    let disconnect = async |whom: &str| {
        let mutation = format!("mutation {{ disconnect({whom}) }}");
        let mut is_again = false;
        eventually(async || {
            let answer = one.graphql(&root, &mutation, None).await;
            let Some(closed) = answer["data"]["disconnect"].as_u64() else {
                let code = &answer["errors"][0]["extensions"]["code"];
                assert_eq!(*code, json!("unavailable"), "{answer}");
                is_again = true;
                return None;
            };
            assert!(closed == 1 || (is_again && closed == 0), "{answer}");
            Some(())
        })
        .await;
    };
    disconnect(&format!("session: \"{session}\"")).await;
    let (said, code) = b.closed().await;
    assert_eq!(
        (said.unwrap()["reconnect"].clone(), code),
        (json!(true), Some(4000))
    );
    again.works().await;
    disconnect(&format!("user: \"{}\"", ben.id)).await;
    assert_eq!(again.closed().await.1, Some(4000));
    a.works().await;
    let mut acts = audit(&two, &root).await;
    // To ask again is another act.
    acts.dedup();
    let user = format!("user {}", ben.id);
    assert_eq!(
        acts,
        [
            (
                "connection.disconnect".to_owned(),
                format!("session {session}"),
                Value::Null
            ),
            ("connection.disconnect".to_owned(), user, Value::Null)
        ]
    );
    one.stop().await;
    // It has said that it goes.
    let query = "{ admin { nodes { address } } }";
    let left = ask(&two, &root, query).await["admin"]["nodes"].clone();
    assert_eq!(left, json!([{ "address": two.node.address().to_string() }]));
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suspended_is_out_on_every_node_and_the_log_says_why() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let ben = two.register("ben").await;
    let mut b = two.socket(&ben).await;
    let mutation = format!(
        "mutation {{ suspendUser(id: \"{}\", reason: \"spam\") {{ id suspendedAt }} }}",
        ben.id
    );
    let suspended = ask(&one, &root, &mutation).await["suspendUser"].clone();
    assert_eq!(id(&suspended["id"]), ben.id);
    assert!(suspended["suspendedAt"].is_string(), "{suspended}");
    assert_eq!(b.closed().await.1, Some(4503));
    assert!(login(&two, &ben).await.is_err());

    let mutation = format!(
        "mutation {{ reinstateUser(id: \"{}\") {{ suspendedAt }} }}",
        ben.id
    );
    let reinstated = ask(&one, &root, &mutation).await;
    assert_eq!(reinstated["reinstateUser"]["suspendedAt"], Value::Null);
    let token = login(&one, &ben).await.unwrap();
    let back = User { token, ..ben.clone() };
    let mut b = one.socket(&back).await;
    let mutation = format!(
        "mutation {{ revokeSessions(id: \"{}\", reason: \"lost phone\") }}",
        ben.id
    );
    let revoked = ask(&two, &root, &mutation).await;
    assert_eq!(revoked["revokeSessions"], 2);
    assert_eq!(b.closed().await.1, Some(4501));

    let acts = audit(&one, &root).await;
    let told: Vec<(&str, &Value)> = acts
        .iter()
        .map(|(act, _, reason)| (act.as_str(), reason))
        .collect();
    let reasons = [json!("spam"), Value::Null, json!("lost phone")];
    assert_eq!(
        told,
        [
            ("user.suspend", &reasons[0]),
            ("user.reinstate", &reasons[1]),
            ("user.revoke_sessions", &reasons[2])
        ]
    );
    assert!(acts.iter().all(|(_, target, _)| *target == ben.id.to_string()));
    // Nobody shuts oneself out, or somebody who is not there, or without saying why.
    for (user, reason, code) in [
        (root.id, "tired", "invalid_argument"),
        (Uuid::new_v4(), "spam", "not_found"),
        (ben.id, " ", "invalid_argument"),
    ] {
        let mutation = format!("mutation {{ suspendUser(id: \"{user}\", reason: \"{reason}\") {{ id }} }}");
        let refused = one.graphql(&root, &mutation, None).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{refused}");
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_may_leaves_no_trace() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut b = node.socket(&ben).await;
    for mutation in [
        format!(
            "mutation {{ suspendUser(id: \"{}\", reason: \"because\") {{ id }} }}",
            ben.id
        ),
        format!("mutation {{ disconnect(user: \"{}\") }}", ben.id),
    ] {
        let refused = node.graphql(&ann, &mutation, None).await;
        assert_eq!(
            refused["errors"][0]["extensions"]["code"], "forbidden",
            "{refused}"
        );
    }
    b.works().await;
    assert_eq!(audit(&node, &root).await, []);
    node.stop().await;
}

/// Appends a message that no version can read, as only a bug would; returns its position.
async fn append_garbage(store: &Store, conversation: Uuid) -> String {
    append_garbage_of(store, conversation, MESSAGE_SENT).await
}

/// The same of an event of another kind.
async fn append_garbage_of(store: &Store, stream: Uuid, kind: i16) -> String {
    let config = LogConfig::from_url(store.database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    let log = Log::new(config.pool().unwrap(), config.timeout);
    let guard = log.stream_heads(&[stream]).await.unwrap()[0].map_or(0, |head| head.guard);
    let event = NewEvent {
        kind,
        ver: 1,
        control: kind != MESSAGE_SENT,
        countable: kind == MESSAGE_SENT,
        payload: r#"{"what":"nobody knows"}"#.into(),
    };
    let mut batch = Batch::new(lane_of(stream));
    batch.push(&Proposal {
        stream,
        command: Uuid::new_v4(),
        digest: 0,
        actor: Uuid::nil(),
        guard,
        events: vec![event],
    });
    let outcome = Appender::new(config).append(&batch).await.unwrap();
    let Outcome::Appended(appended) = outcome else {
        panic!("it was refused: {outcome:?}");
    };
    format!("{}:{}", appended.events[0].lane, appended.events[0].pos)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_is_tried_again_or_left_out_for_a_reason() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.create_group(&[&ben]).await;
    a.say(conversation, "before").await;
    let position = append_garbage(&store, conversation).await;
    a.say(conversation, "behind").await;
    let query = "{ admin { parked(first: 50) { nodes { id projection position attempts state } } } }";
    let parked = async || ask(&node, &root, query).await["admin"]["parked"]["nodes"].clone();
    let of = |parked: &Value, projection: &str| -> Vec<Value> {
        let all = parked.as_array().unwrap().iter();
        all.filter(|event| event["projection"] == projection)
            .cloned()
            .collect()
    };
    let aside = eventually(async || {
        let aside = of(&parked().await, "history");
        (aside.len() == 2).then_some(aside)
    })
    .await;
    assert_eq!(aside[0]["position"], json!(position));
    let (first, second) = (text(&aside[0]["id"]), text(&aside[1]["id"]));

    let again = format!("mutation {{ retryParked(id: \"{first}\") {{ state attempts }} }}");
    let tried = ask(&node, &root, &again).await["retryParked"].clone();
    assert_eq!(tried, json!({ "state": "WAITING", "attempts": 2 }));
    // What waits behind another one is not left out before it.
    let skip = |id: &str| format!("mutation {{ skipParked(id: \"{id}\", reason: \"a bug\") {{ state }} }}");
    let refused = node.graphql(&root, &skip(&second), None).await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "invalid_argument",
        "{refused}"
    );
    let skipped = ask(&node, &root, &skip(&first)).await;
    assert_eq!(skipped["skipParked"]["state"], "SKIPPED");
    assert_eq!(of(&parked().await, "history"), [] as [Value; 0]);
    let refused = node.graphql(&root, &skip(&first), None).await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "not_found",
        "{refused}"
    );
    let page =
        format!("{{ conversation(id: \"{conversation}\") {{ messages(first: 9) {{ nodes {{ text }} }} }} }}");
    // The other read models have put it aside as well, or are about to: `conversations` among them, which says who sees what.
    eventually(async || {
        while let Some(event) = parked().await.as_array().unwrap().first() {
            ask(&node, &root, &skip(&text(&event["id"]))).await;
        }
        let shown =
            node.graphql(&ann, &page, None).await["data"]["conversation"]["messages"]["nodes"].clone();
        (shown == json!([{ "text": "before" }, { "text": "behind" }])).then_some(())
    })
    .await;
    let acts = audit(&node, &root).await;
    assert_eq!(acts[0], ("parked.retry".to_owned(), first.clone(), Value::Null));
    assert!(
        acts.contains(&("parked.skip".to_owned(), first, json!("a bug"))),
        "{acts:?}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_of_reports_and_blocks_tells_no_administrator_whose_it_is() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let ben = node.register("ben").await;
    let mut r = node.socket(&root).await;
    let room = r.open_direct(&ben).await;
    let said = r.say(room, "fool").await;
    let reports = reports_of(ConversationId(room), id(&said["id"]));
    let pair = pair_of(ConversationId(room));
    let mut secret = vec![];
    for (stream, kind) in [(reports, Kind::REPORT_FILED), (pair, Kind::PAIR_CHANGED)] {
        secret.push(append_garbage_of(&store, stream, kind.0).await);
    }
    let plain = append_garbage(&store, room).await;
    let query = "{ admin { parked(first: 50) { nodes { id projection position stream } } } }";
    let of = |parked: &Value, projection: &str| -> Vec<Value> {
        let all = parked.as_array().unwrap().iter();
        all.filter(|event| event["projection"] == projection)
            .cloned()
            .collect()
    };
    let (parked, aside) = eventually(async || {
        let parked = ask(&node, &root, query).await["admin"]["parked"]["nodes"].clone();
        let (people, history) = (of(&parked, "people"), of(&parked, "history"));
        (people.len() == 2 && history.len() == 1).then_some((parked, (people, history)))
    })
    .await;
    let (people, history) = aside;
    assert_eq!(
        (&history[0]["position"], &history[0]["stream"]),
        (&json!(plain), &json!(room))
    );
    for (event, position) in people.iter().zip(&secret) {
        assert_eq!(
            (&event["position"], &event["stream"]),
            (&json!(position), &Value::Null)
        );
    }
    for stream in [reports, pair] {
        assert!(!parked.to_string().contains(&stream.to_string()), "{parked}");
    }
    // What is done about them finds the stream all the same.
    let skip = format!(
        "mutation {{ skipParked(id: {}, reason: \"a bug\") {{ state stream }} }}",
        people[0]["id"]
    );
    let skipped = ask(&node, &root, &skip).await["skipParked"].clone();
    assert_eq!(skipped, json!({ "state": "SKIPPED", "stream": null }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reactor_has_put_aside_is_asked_for_again_or_given_up() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let database = store.client().await;
    let aside = "INSERT INTO reactor_parked (reactor, lane, pos, stream, error) VALUES ('tester', 0, 1, gen_random_uuid(), 'a bug'),
                 ('tester', 0, 2, gen_random_uuid(), 'a bug')";
    database.execute(aside, &[]).await.unwrap();
    let query = "{ admin { parked(first: 50) { nodes { id projection error } } } }";
    let parked = ask(&node, &root, query).await["admin"]["parked"]["nodes"].clone();
    let one = |id: &str| json!({ "id": id, "projection": "tester", "error": "a bug" });
    assert_eq!(parked, json!([one("tester:0:1"), one("tester:0:2")]));

    let again = "mutation { retryParked(id: \"tester:0:2\") { state } }";
    let tried = ask(&node, &root, again).await["retryParked"].clone();
    assert_eq!(tried, json!({ "state": "WAITING" }));
    // Its owner sees that, and nobody is told to try the other one.
    let asked = "SELECT pos FROM reactor_parked WHERE again";
    let asked = database.query(asked, &[]).await.unwrap();
    assert_eq!(
        asked.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>(),
        [2]
    );

    let skip = "mutation { skipParked(id: \"tester:0:1\", reason: \"seen to\") { state } }";
    let skipped = ask(&node, &root, skip).await["skipParked"].clone();
    assert_eq!(skipped, json!({ "state": "SKIPPED" }));
    let refused = node.graphql(&root, skip, None).await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "not_found",
        "{refused}"
    );
    let parked = ask(&node, &root, query).await["admin"]["parked"]["nodes"].clone();
    assert_eq!(parked, json!([one("tester:0:2")]));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_is_rebuilt_on_order_and_every_node_knows_how_far_it_is() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let ann = one.register("ann").await;
    let mut a = one.socket(&ann).await;
    let conversation = a.create_group(&[&root]).await;
    for n in 0..20 {
        a.say(conversation, &n.to_string()).await;
    }
    let last = text(&a.say(conversation, "last").await["position"]);
    let refused = one
        .graphql(
            &root,
            "mutation { cancelRebuild(name: \"history\") { state } }",
            None,
        )
        .await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "invalid_argument",
        "{refused}"
    );
    let mutation = "mutation { rebuildProjection(name: \"history\") { projection state by { id } } }";
    let begun = ask(&one, &root, mutation).await["rebuildProjection"].clone();
    assert_eq!(begun["projection"], "history");
    assert_eq!(id(&begun["by"]["id"]), root.id);
    let done = eventually(async || {
        let query = "{ admin { rebuilds { projection state done total endedAt error } } }";
        let rebuilds = ask(&two, &root, query).await["admin"]["rebuilds"].clone();
        assert_ne!(rebuilds[0]["state"], "FAILED", "{rebuilds}");
        (rebuilds[0]["state"] == "DONE").then(|| rebuilds[0].clone())
    })
    .await;
    assert!(
        done["done"].as_i64() > Some(20) && done["endedAt"].is_string(),
        "{done}"
    );
    let query =
        format!("{{ conversation(id: \"{conversation}\") {{ messages(last: 1) {{ nodes {{ text }} }} }} }}");
    let shown = two.graphql(&ann, &query, Some(&last)).await;
    assert_eq!(
        shown["data"]["conversation"]["messages"]["nodes"],
        json!([{ "text": "last" }])
    );
    // The way back from it, ordered at the other node.
    let mutation = "mutation { rollbackProjection(name: \"history\") { isRollback } }";
    let begun = ask(&two, &root, mutation).await["rollbackProjection"].clone();
    assert_eq!(begun["isRollback"], true);
    eventually(async || {
        let query = "{ admin { rebuilds { isRollback state } } }";
        let rebuilds = ask(&one, &root, query).await["admin"]["rebuilds"].clone();
        assert_ne!(rebuilds[0]["state"], "FAILED", "{rebuilds}");
        (rebuilds[0] == json!({ "isRollback": true, "state": "DONE" })).then_some(())
    })
    .await;
    let shown = two.graphql(&ann, &query, Some(&last)).await;
    assert_eq!(
        shown["data"]["conversation"]["messages"]["nodes"],
        json!([{ "text": "last" }])
    );
    let acts = audit(&one, &root).await;
    assert!(
        acts.iter()
            .any(|(act, target, _)| act == "projection.rollback" && target == "history")
    );
    let nothing_kept = "mutation { rollbackProjection(name: \"unread\") { state } }";
    let refused = one.graphql(&root, nothing_kept, None).await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "not_found",
        "{refused}"
    );
    let unknown = one
        .graphql(
            &root,
            "mutation { rebuildProjection(name: \"nothing\") { state } }",
            None,
        )
        .await;
    assert_eq!(
        unknown["errors"][0]["extensions"]["code"], "not_found",
        "{unknown}"
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_whose_node_is_gone_is_interrupted_and_can_be_ordered_again() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let client = store.client().await;
    let left = "INSERT INTO rebuild (projection, node, ordered_by, done, total) VALUES ('unread', gen_random_uuid(), $1, 3, 9)";
    client.execute(left, &[&root.id]).await.unwrap();
    let state = async || {
        let query = "{ admin { rebuilds { state } } }";
        text(&ask(&node, &root, query).await["admin"]["rebuilds"][0]["state"])
    };
    assert_eq!(state().await, "INTERRUPTED");
    ask(
        &node,
        &root,
        "mutation { rebuildProjection(name: \"unread\") { state } }",
    )
    .await;
    eventually(async || (state().await == "DONE").then_some(())).await;
    // One that somebody is at is not begun twice, and can be given up.
    let held = "INSERT INTO rebuild (projection, node, ordered_by) SELECT 'inbox', id, $1 FROM node";
    client.execute(held, &[&root.id]).await.unwrap();
    let twice = node
        .graphql(
            &root,
            "mutation { rebuildProjection(name: \"inbox\") { state } }",
            None,
        )
        .await;
    assert_eq!(twice["errors"][0]["extensions"]["code"], "conflict", "{twice}");
    ask(
        &node,
        &root,
        "mutation { cancelRebuild(name: \"inbox\") { state } }",
    )
    .await;
    let cancelled = client
        .query_one("SELECT cancelled FROM rebuild WHERE projection = 'inbox'", &[])
        .await
        .unwrap();
    assert!(cancelled.get::<_, bool>(0));
    node.stop().await;
}
