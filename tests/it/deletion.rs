//! Deleted accounts: who had one is out at every node, others lose them, and what they have said stays under nobody's name.

use crate::administration::{administrator, ask};
use crate::support::*;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

const ACCOUNT_DELETED: i16 = 101;
const PASSWORD: &str = "a long passphrase";

/// Deletes one's own account. The status of the answer.
async fn delete(node: &TestNode, user: &User, password: &str) -> u16 {
    let request = node.http.post(node.url("/auth/delete")).bearer_auth(&user.token);
    let request = request.header("content-type", "application/json");
    let body = json!({ "password": password }).to_string();
    request.body(body).send().await.unwrap().status().as_u16()
}

/// Registers or signs in under a name. The status of the answer.
async fn enter(node: &TestNode, how: &str, name: &str) -> u16 {
    let request = node.http.post(node.url(&format!("/auth/{how}")));
    let request = request.header("content-type", "application/json");
    let body = json!({ "username": name, "password": PASSWORD }).to_string();
    request.body(body).send().await.unwrap().status().as_u16()
}

async fn asked(node: &TestNode, viewer: &User, query: &str) -> Value {
    let answer = node.graphql(viewer, query, None).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    answer["data"].clone()
}

/// Who is in a conversation and as what, in the order of their ids; nobody where the read models do not know it yet.
async fn members(node: &TestNode, viewer: &User, conversation: Uuid) -> Vec<(Uuid, String)> {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ members {{ nodes {{ user {{ id }} role }} }} }} }}"
    );
    let found = asked(node, viewer, &query).await["conversation"]["members"]["nodes"].clone();
    let nodes = found.as_array().into_iter().flatten();
    nodes
        .map(|member| (id(&member["user"]["id"]), text(&member["role"])))
        .collect()
}

/// Until a group has these members.
async fn left_to(node: &TestNode, viewer: &User, group: Uuid, wanted: &[(&User, &str)]) {
    let mut wanted: Vec<(Uuid, String)> = wanted
        .iter()
        .map(|(user, role)| (user.id, (*role).to_owned()))
        .collect();
    wanted.sort();
    eventually(async || (members(node, viewer, group).await == wanted).then_some(())).await;
}

/// Until what somebody says to whoever is gone is refused.
async fn until_nobody_listens(socket: &mut Socket, direct: Uuid) {
    eventually(async || {
        let answer = socket.command(message(direct, "are you there?")).await;
        (answer["code"] == "forbidden").then_some(())
    })
    .await;
}

async fn count(store: &Store, sql: &str, values: &[&(dyn ToSql + Sync)]) -> i64 {
    let client = store.client().await;
    client.query_one(sql, values).await.unwrap().get(0)
}

/// How often the log says that somebody's account is deleted.
async fn deletions(store: &Store, user: &User) -> i64 {
    let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = $2";
    count(store, sql, &[&user.id, &ACCOUNT_DELETED]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_is_deleted_is_out_at_every_node_and_what_they_said_stays() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut tablet) = (one.socket(&ann).await, two.socket(&ann).await);
    let (mut b, mut c) = (two.socket(&ben).await, one.socket(&cat).await);
    let direct = a.open_direct(&ben).await;
    a.say(direct, "between us").await;
    let group = a.create_group(&[&ben, &cat]).await;
    a.say(group, "to all").await;
    b.acked(json!({ "type": "contact.request", "user": ann.id }))
        .await;
    a.acked(json!({ "type": "contact.accept", "user": ben.id })).await;
    let profile = json!({ "type": "profile.update", "display_name": "Ann B.", "about": "here" });
    a.acked(profile).await;

    assert_eq!(delete(&one, &ann, "a wrong guess").await, 401);
    a.works().await;
    assert_eq!(delete(&one, &ann, PASSWORD).await, 204);
    for socket in [&mut a, &mut tablet] {
        let (said, code) = socket.closed().await;
        assert_eq!((code, &said.unwrap()["reconnect"]), (Some(4501), &json!(false)));
    }
    for node in [&one, &two] {
        let answer = node.graphql(&ann, "{ me { id } }", None).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "unauthenticated", "{answer}");
        assert_eq!(enter(node, "login", &ann.username).await, 401);
    }
    assert_eq!(
        enter(&two, "register", &ann.username).await,
        409,
        "names are kept"
    );

    // The group goes to whoever has been there longest, and who was a contact is told.
    left_to(&two, &ben, group, &[(&ben, "OWNER"), (&cat, "MEMBER")]).await;
    let gone = ann.id.to_string();
    b.take(|object| object["kind"] == "contact.removed" && object["data"]["user"] == gone)
        .await;
    until_nobody_listens(&mut b, direct).await;

    // Nobody has to do with them any more.
    for wish in [
        json!({ "type": "direct.open", "user": ann.id }),
        json!({ "type": "contact.request", "user": ann.id }),
        json!({ "type": "group.create", "name": "g", "members": [ann.id] }),
    ] {
        c.refused(wish, "not_found").await;
    }
    for kind in ["group.add", "group.invite"] {
        let wish = json!({ "type": kind, "conversation": group, "user": ann.id });
        b.refused(wish, "not_found").await;
    }

    // What was said is there, by a deleted user who shows nothing and is found by no name.
    two.folded(&ben).await;
    let fields = "messages(first: 1) { nodes { text sender { id displayName isDeleted about names { displayName } online lastSeen } } }";
    for (conversation, said) in [(direct, "between us"), (group, "to all")] {
        let query = format!("{{ conversation(id: \"{conversation}\") {{ {fields} }} }}");
        let first = asked(&two, &ben, &query).await["conversation"]["messages"]["nodes"][0].clone();
        assert_eq!(first["text"], said, "{first}");
        let sender = &first["sender"];
        assert_eq!(
            (&sender["id"], &sender["displayName"], &sender["isDeleted"]),
            (&json!(ann.id), &json!("deleted user"), &json!(true))
        );
        assert_eq!(
            (&sender["about"], &sender["names"], &sender["lastSeen"]),
            (&Value::Null, &json!([]), &Value::Null)
        );
        assert_ne!(sender["online"], true);
    }
    let query = format!(
        "{{ userByName(username: \"{}\") {{ id }} contacts {{ nodes {{ user {{ id }} }} }} }}",
        ann.username
    );
    let found = asked(&two, &ben, &query).await;
    assert_eq!(found, json!({ "userByName": null, "contacts": { "nodes": [] } }));
    assert_eq!(deletions(&store, &ann).await, 1);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_freed_is_somebody_elses() {
    let store = Store::new().await;
    let mut config = store.config();
    config.auth.free_deleted_names = true;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    assert_eq!(delete(&node, &ann, PASSWORD).await, 204);
    assert_eq!(enter(&node, "register", &ann.username).await, 201);
    node.folded(&ben).await;
    let query = format!(
        "{{ userByName(username: \"{}\") {{ id isDeleted }} }}",
        ann.username
    );
    let found = asked(&node, &ben, &query).await["userByName"].clone();
    assert_ne!(id(&found["id"]), ann.id);
    assert_eq!(found["isDeleted"], false);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_leaves_undone_of_a_deletion_the_next_one_does() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = b.create_group(&[&ann]).await;
    let invited = b.create_group(&[]).await;
    let wish = json!({ "type": "group.invite", "conversation": invited, "user": ann.id });
    b.acked(wish).await;
    let direct = a.open_direct(&ben).await;
    a.acked(json!({ "type": "contact.request", "user": cat.id }))
        .await;
    // The log hears nothing of it before the node is gone.
    let hold = store.client().await;
    jam(&hold, i16::from(ann.id.as_bytes()[15])).await;
    let deleting = delete(&node, &ann, PASSWORD);
    let gone = async {
        let sql = "SELECT count(*) FROM account WHERE id = $1 AND deleted_at IS NOT NULL";
        eventually(async || (count(&store, sql, &[&ann.id]).await == 1).then_some(())).await;
    };
    tokio::select! {
        biased;
        status = deleting => assert_eq!(status, 204),
        () = gone => {}
    }
    node.stop().await;
    unjam(&hold).await;

    let node = store.node().await;
    let mut b = node.socket(&ben).await;
    eventually(async || (deletions(&store, &ann).await == 1).then_some(())).await;
    left_to(&node, &ben, group, &[(&ben, "OWNER")]).await;
    until_nobody_listens(&mut b, direct).await;
    let query =
        format!("{{ conversation(id: \"{invited}\") {{ invitations {{ nodes {{ user {{ id }} }} }} }} }}");
    eventually(async || {
        let open = asked(&node, &ben, &query).await["conversation"]["invitations"]["nodes"].clone();
        (open == json!([])).then_some(())
    })
    .await;
    eventually(async || {
        let query = "{ contactRequests { nodes { user { id } } } }";
        let waiting = asked(&node, &cat, query).await["contactRequests"]["nodes"].clone();
        (waiting == json!([])).then_some(())
    })
    .await;
    // It is told once, and every read model is as the log says.
    assert_eq!(deletions(&store, &ann).await, 1);
    node.folded(&ben).await;
    let log = node.node.gateway().log.clone();
    let report = tidings_projections::verify(&log, &[], 2, &()).await.unwrap();
    assert!(report.is_equal(), "{report:#?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_delete_accounts_and_the_log_says_why() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let root = administrator(&one).await;
    let ben = two.register("ben").await;
    let mut b = two.socket(&ben).await;
    let order = |user: Uuid| {
        format!(
            "mutation {{ deleteUser(id: \"{user}\", reason: \"asked by letter\") {{ id displayName isDeleted }} }}"
        )
    };
    let deleted = ask(&one, &root, &order(ben.id)).await["deleteUser"].clone();
    let expected = json!({ "id": ben.id, "displayName": "deleted user", "isDeleted": true });
    assert_eq!(deleted, expected);
    assert_eq!(b.closed().await.1, Some(4501));
    for (user, code) in [(ben.id, "not_found"), (root.id, "invalid_argument")] {
        let refused = one.graphql(&root, &order(user), None).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{refused}");
    }
    let query = "{ admin { audit(first: 1) { nodes { act target reason } } users { nodes { id } } } }";
    let told = ask(&one, &root, query).await["admin"].clone();
    assert_eq!(
        told["audit"]["nodes"],
        json!([{ "act": "user.delete", "target": ben.id, "reason": "asked by letter" }])
    );
    assert_eq!(told["users"]["nodes"], json!([{ "id": root.id }]));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_carried_out_though_the_logs_time_is_ahead() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let group = node.socket(&ann).await.create_group(&[&ben]).await;
    store.log_time_ahead().await;
    assert_eq!(delete(&node, &ann, PASSWORD).await, 204);
    left_to(&node, &ben, group, &[(&ben, "OWNER")]).await;
    node.stop().await;
}
