//! Accounts on whole nodes: registration reaches the log, and tokens open connections on every node.

use crate::support::*;
use serde_json::{Value, json};
use tidings::accounts::Role;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

async fn post(node: &TestNode, path: &str, body: Value) -> (u16, Value) {
    let request = node
        .http
        .post(node.url(path))
        .header("content-type", "application/json");
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    )
}

async fn send(node: &TestNode, path: &str, token: &str, body: Value) -> (u16, Value) {
    let request = node.http.post(node.url(path)).bearer_auth(token);
    let request = request
        .header("content-type", "application/json")
        .body(body.to_string());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// Another session of the same user.
async fn login(node: &TestNode, user: &User) -> User {
    let credentials = json!({ "username": user.username, "password": "a long passphrase" });
    let (status, admitted) = post(node, "/auth/login", credentials).await;
    assert_eq!(status, 200, "{admitted}");
    User {
        token: text(&admitted["token"]),
        ..user.clone()
    }
}

/// A greeted socket of GraphQL.
async fn graphql_socket(node: &TestNode, user: &User) -> Socket {
    let mut request = format!("ws://{}/graphql/ws", node.node.address())
        .into_client_request()
        .unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut socket = Socket::from(stream);
    socket
        .send(&json!({ "type": "connection_init", "payload": { "token": user.token } }))
        .await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    socket
}

/// Nodes whose heartbeats tell nothing while a test lasts.
async fn two_nodes(store: &Store) -> (TestNode, TestNode) {
    let node = async || {
        let mut config = store.config();
        config.gateway.heartbeat_ms = 3_600_000;
        TestNode::start(config).await
    };
    (node().await, node().await)
}

/// How a connection ends that says hello with this token.
async fn ends(node: &TestNode, token: &str) -> (Value, Option<u16>) {
    let mut socket = node.raw().await;
    socket.send(&json!({ "type": "hello", "token": token })).await;
    let (said, code) = socket.closed().await;
    (said.unwrap(), code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_one_node_is_a_user_of_all() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let (ann, bob) = (here.register("ann").await, here.register("bob").await);
    let credentials = json!({ "username": ann.username.to_uppercase(), "password": "a long passphrase" });
    let (status, admitted) = post(&there, "/auth/login", credentials).await;
    assert_eq!(status, 200, "{admitted}");
    assert_eq!(id(&admitted["user"]), ann.id);
    // The log knows both, or the conversation could not be opened.
    let mut socket = there.socket(&ann).await;
    let conversation = socket.open_direct(&bob).await;
    socket.say(conversation, "hello").await;
    let (status, refreshed) = post(
        &here,
        "/auth/refresh",
        json!({ "refresh_token": admitted["refresh_token"] }),
    )
    .await;
    assert_eq!(status, 200, "{refreshed}");
    let ann = User {
        token: text(&refreshed["token"]),
        ..ann
    };
    here.socket(&ann).await.works().await;
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_there_is_no_connection() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let unsigned = &ann.token[..=ann.token.rfind('.').unwrap()];
    for token in ["", "token", unsigned] {
        let (said, code) = ends(&node, token).await;
        assert_eq!((code, &said["reconnect"]), (Some(4501), &json!(false)), "{token}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_user_is_turned_away_until_reinstated() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    assert!(node.node.accounts().suspend(ann.id).await.unwrap());
    let (said, code) = ends(&node, &ann.token).await;
    assert_eq!((code, &said["reconnect"]), (Some(4503), &json!(false)));
    let credentials = json!({ "username": ann.username, "password": "a long passphrase" });
    let (status, problem) = post(&node, "/auth/login", credentials).await;
    assert_eq!((status, &problem["code"]), (403, &json!("forbidden")));
    assert!(node.node.accounts().reinstate(ann.id).await.unwrap());
    node.socket(&ann).await.works().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_reaches_every_open_socket_on_every_node() {
    let store = Store::new().await;
    let (here, there) = two_nodes(&store).await;
    let (ann, bob) = (here.register("ann").await, here.register("bob").await);
    let mut sockets = vec![here.socket(&ann).await, there.socket(&ann).await];
    let mut graphql = vec![
        graphql_socket(&here, &ann).await,
        graphql_socket(&there, &ann).await,
    ];
    let (mut other, mut other_graphql) = (there.socket(&bob).await, graphql_socket(&there, &bob).await);
    assert!(here.node.accounts().suspend(ann.id).await.unwrap());
    for socket in &mut sockets {
        let (said, code) = socket.closed().await;
        assert_eq!((code, &said.unwrap()["reconnect"]), (Some(4503), &json!(false)));
    }
    for socket in &mut graphql {
        assert_eq!(socket.next().await, Err(Some(4403)));
    }
    let answer = there.graphql(&ann, "{ me { id } }", None).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "forbidden");
    other.works().await;
    other_graphql.send(&json!({ "type": "ping" })).await;
    assert_eq!(other_graphql.receive().await["type"], "pong");
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_closes_its_sockets_on_every_node_and_no_others() {
    let store = Store::new().await;
    let (here, there) = two_nodes(&store).await;
    let ann = here.register("ann").await;
    let other = login(&there, &ann).await;
    let (mut ended, mut ended_graphql) = (there.socket(&ann).await, graphql_socket(&there, &ann).await);
    let mut open = there.socket(&other).await;
    let (status, _) = send(&here, "/auth/logout", &ann.token, json!(null)).await;
    assert_eq!(status, 204);
    let (said, code) = ended.closed().await;
    assert_eq!((code, &said.unwrap()["reconnect"]), (Some(4501), &json!(false)));
    assert_eq!(ended_graphql.next().await, Err(Some(4403)));
    // Its token opens no other.
    let (_, code) = ends(&there, &ann.token).await;
    assert_eq!(code, Some(4501));
    open.works().await;

    // A new password leaves the session that sets it.
    let third = login(&here, &ann).await;
    let mut ended = there.socket(&third).await;
    let body = json!({ "password": "a long passphrase", "new_password": "a longer passphrase" });
    let (status, granted) = send(&here, "/auth/password", &other.token, body).await;
    assert_eq!(status, 200, "{granted}");
    let (_, code) = ended.closed().await;
    assert_eq!(code, Some(4501));
    open.works().await;
    let renewed = json!({ "type": "hello", "token": granted["token"] });
    open.send(&renewed).await;
    open.until("welcome").await;
    here.stop().await;
    there.stop().await;
}

/// A socket that takes a token of another session over lives and ends with that one.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_socket_ends_with_the_session_of_its_newest_token() {
    let store = Store::new().await;
    let (here, there) = two_nodes(&store).await;
    let ann = here.register("ann").await;
    let other = login(&here, &ann).await;
    let mut socket = there.socket(&ann).await;
    socket
        .send(&json!({ "type": "hello", "token": other.token }))
        .await;
    socket.until("welcome").await;
    let mut old = there.socket(&ann).await;
    assert_eq!(send(&here, "/auth/logout", &ann.token, json!(null)).await.0, 204);
    assert_eq!(old.closed().await.1, Some(4501));
    socket.works().await;
    assert_eq!(
        send(&here, "/auth/logout", &other.token, json!(null)).await.0,
        204
    );
    assert_eq!(socket.closed().await.1, Some(4501));
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_shut_users_out_and_let_them_in_from_the_command_line() {
    let store = Store::new().await;
    let (here, there) = two_nodes(&store).await;
    let ann = here.register("ann").await;
    let tidings = async |arguments: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tidings"));
        command
            .args(arguments)
            .args(["--database-url", store.database.url()])
            .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000");
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.success(), !said.is_empty(), "{said}");
        said
    };
    let mut socket = here.socket(&ann).await;
    let name = ann.username.to_uppercase();
    assert_eq!(
        tidings(&["user", "suspend", &name]).await,
        format!("{name} is suspended\n")
    );
    assert_eq!(socket.closed().await.1, Some(4503));
    assert_eq!(
        tidings(&["user", "reinstate", &name]).await,
        format!("{name} is reinstated\n")
    );
    let mut socket = eventually(async || {
        let mut socket = there.raw().await;
        let hello = json!({ "type": "hello", "token": ann.token });
        socket.send(&hello).await;
        let welcome = socket.next().await;
        welcome
            .is_ok_and(|object| object["type"] == "welcome")
            .then_some(socket)
    })
    .await;
    tidings(&["user", "grant", &name, "admin"]).await;
    let admin = login(&there, &ann).await;
    let answer = there.graphql(&admin, "{ readModels { name } }", None).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(
        tidings(&["user", "sign-out", &name]).await,
        format!("2 sessions of {name} have ended\n")
    );
    assert_eq!(socket.closed().await.1, Some(4501));
    let back = login(&there, &ann).await;
    let mut socket = here.socket(&back).await;
    assert_eq!(
        tidings(&["user", "delete", &name]).await,
        format!("the account {name} is deleted\n")
    );
    assert_eq!(socket.closed().await.1, Some(4501));
    // Nodes tell the log of it.
    let client = store.client().await;
    eventually(async || {
        let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = 101";
        let told: i64 = client.query_one(sql, &[&ann.id]).await.unwrap().get(0);
        (told == 1).then_some(())
    })
    .await;
    assert_eq!(tidings(&["user", "suspend", &name]).await, "");
    assert_eq!(tidings(&["user", "suspend", "nobody"]).await, "");
    assert_eq!(tidings(&["parked"]).await, "0 events are parked\n");
    assert_eq!(tidings(&["parked", "retry"]).await, "0 events are parked\n");
    here.stop().await;
    there.stop().await;
}

/// What the next notice tells of the account.
async fn matter(socket: &mut Socket) -> Value {
    let notice = socket.until("notice").await;
    assert_eq!(notice["kind"], "account", "{notice}");
    notice["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_told_of_a_sign_in_a_new_password_roles_and_a_suspensions_end() {
    let store = Store::new().await;
    let (here, there) = two_nodes(&store).await;
    let ann = here.register("ann").await;
    let (mut a, mut b) = (here.socket(&ann).await, there.socket(&ann).await);
    let credentials =
        json!({ "username": ann.username, "password": "a long passphrase", "device": "a phone" });
    let (status, phone) = post(&there, "/auth/login", credentials).await;
    assert_eq!(status, 200, "{phone}");
    let listing = there.http.get(there.url("/auth/sessions"));
    let listing = listing.bearer_auth(text(&phone["token"])).send().await.unwrap();
    let sessions: Value = serde_json::from_str(&listing.text().await.unwrap()).unwrap();
    let mut sessions = sessions.as_array().unwrap().iter();
    let current = sessions.find(|session| session["current"] == true).unwrap();
    let expected = json!({ "matter": "signed_in", "session": current["id"], "device": "a phone" });
    for socket in [&mut a, &mut b] {
        assert_eq!(matter(socket).await, expected);
    }
    // A refresh is no sign-in: what comes next is something else.
    let refresh = json!({ "refresh_token": phone["refresh_token"] });
    assert_eq!(post(&here, "/auth/refresh", refresh).await.0, 200);
    let change = json!({ "password": "a long passphrase", "new_password": "a longer passphrase" });
    assert_eq!(send(&there, "/auth/password", &ann.token, change).await.0, 200);
    let accounts = here.node.accounts();
    for socket in [&mut a, &mut b] {
        assert_eq!(matter(socket).await, json!({ "matter": "password_changed" }));
    }
    for (roles, told) in [
        (
            &[Role::Moderator][..],
            json!({ "matter": "roles_changed", "granted": ["moderator"] }),
        ),
        (
            &[][..],
            json!({ "matter": "roles_changed", "taken": ["moderator"] }),
        ),
    ] {
        assert!(accounts.set_roles(ann.id, roles).await.unwrap());
        assert_eq!(matter(&mut a).await, told);
    }
    assert!(accounts.suspend(ann.id).await.unwrap());
    assert_eq!(a.closed().await.1, Some(4503));
    assert!(accounts.reinstate(ann.id).await.unwrap());
    let is_told = |object: &Value| object["data"]["matter"] == "reinstated";
    let (mut a, missed) = here.resumed(&ann, json!({})).await;
    if !missed.iter().any(is_told) {
        a.take(is_told).await;
    }
    here.stop().await;
    there.stop().await;
}
