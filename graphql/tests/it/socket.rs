//! Subscriptions over `graphql-transport-ws`.

use crate::server::Server;
use crate::support::{LONG, World};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(server: &Server, protocol: &str) -> Self {
        let mut request = format!("ws://{}/graphql/ws", server.address)
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol.parse().unwrap());
        Self(connect_async(request).await.unwrap().0)
    }

    /// Connected and greeted.
    async fn greeted(server: &Server, user: Uuid) -> Self {
        let mut client = Self::connect(server, "graphql-transport-ws").await;
        client.say(&json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer admin-{user}") } })).await;
        assert_eq!(client.hear().await, json!({ "type": "connection_ack" }));
        client
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(&json!({ "type": "subscribe", "id": id, "payload": { "query": query } }))
            .await;
    }

    async fn next(&mut self) -> Message {
        tokio::time::timeout(LONG, self.0.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    }

    async fn hear(&mut self) -> Value {
        let message = self.next().await;
        serde_json::from_str(message.to_text().unwrap()).unwrap_or_else(|_| panic!("{message:?}"))
    }

    /// The code that the server closes with.
    async fn closed(&mut self) -> u16 {
        self.farewell().await.0
    }

    /// The code that the server closes with, and why.
    async fn farewell(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(Some(frame)) = self.next().await {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

/// A client of tungstenite refuses a server that picks no protocol, so one that it does not offer is asked for by hand.
#[tokio::test]
async fn another_protocol_is_refused() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    let request = format!("ws://{}/graphql/ws", server.address)
        .into_client_request()
        .unwrap();
    let mut client = Client(connect_async(request).await.unwrap().0);
    assert_eq!(client.closed().await, 4406);
}

#[tokio::test]
async fn a_subscription_tells_when_the_read_models_have_moved() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let mut client = Client::greeted(&server, me).await;
    client
        .subscribe("a", "subscription { readModels { name lane position } }")
        .await;
    let first = client.hear().await;
    assert_eq!((&first["type"], &first["id"]), (&json!("next"), &json!("a")));
    let models = first["payload"]["data"]["readModels"].as_array().unwrap();
    assert!(
        models.contains(&json!({ "name": "history", "lane": 0, "position": "0:0" })),
        "{first:#}"
    );
    world.run("UPDATE projection_checkpoint SET pos = 5 WHERE lane = 1; UPDATE log_lane SET head = 5 WHERE lane = 1").await;
    world.projector.catch_up(1).await.unwrap();
    let second = client.hear().await;
    let models = second["payload"]["data"]["readModels"].as_array().unwrap();
    assert!(
        models.contains(&json!({ "name": "history", "lane": 1, "position": "1:5" })),
        "{second:#}"
    );
    client.say(&json!({ "type": "complete", "id": "a" })).await;
    // Its id is free again.
    client.subscribe("a", "{ me { id } }").await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "next", "id": "a", "payload": { "data": { "me": { "id": me } } } })
    );
    assert_eq!(client.hear().await, json!({ "type": "complete", "id": "a" }));
}

#[tokio::test]
async fn queries_and_refusals_go_over_the_socket_too() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let group = world.group(1, &[me]).await;
    world.messages(group, 2, me).await;
    let mut client = Client::greeted(&server, me).await;
    client
        .subscribe(
            "q",
            "{ conversations { nodes { lastMessage { text sender { username } } } } }",
        )
        .await;
    let answer = client.hear().await;
    assert_eq!(
        answer["payload"]["data"]["conversations"]["nodes"],
        json!([{ "lastMessage": { "text": "text 2", "sender": { "username": "user1" } } }])
    );
    assert_eq!(client.hear().await["type"], json!("complete"));
    for (query, code) in [
        ("{ nothing }", "invalid_argument"),
        ("{", "invalid_argument"),
        (&"{a".repeat(100), "too_large"),
    ] {
        client.subscribe("w", query).await;
        let refused = client.hear().await;
        assert_eq!(
            (&refused["type"], &refused["id"]),
            (&json!("error"), &json!("w")),
            "{refused}"
        );
        assert_eq!(refused["payload"][0]["extensions"]["code"], json!(code));
    }
    client
        .say(&json!({ "type": "ping", "payload": { "n": 1 } }))
        .await;
    assert_eq!(
        client.hear().await,
        json!({ "type": "pong", "payload": { "n": 1 } })
    );
    for n in 0..32 {
        client
            .subscribe(&n.to_string(), "subscription { readModels { name } }")
            .await;
        assert_eq!(client.hear().await["type"], json!("next"));
    }
    client
        .subscribe("one more", "subscription { readModels { name } }")
        .await;
    let refused = client.hear().await;
    assert_eq!(
        (&refused["type"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("too_large"))
    );
    client.subscribe("0", "{ me { id } }").await;
    assert_eq!(client.closed().await, 4409);
}

#[tokio::test]
async fn a_connection_without_a_good_token_is_closed() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    for (message, code) in [
        (json!({ "type": "connection_init" }), 4403),
        (
            json!({ "type": "connection_init", "payload": { "token": "nonsense" } }),
            4403,
        ),
        (
            json!({ "type": "connection_init", "payload": { "authorization": "nonsense" } }),
            4403,
        ),
        (
            json!({ "type": "connection_init", "payload": { "token": "away" } }),
            1013,
        ),
        (
            json!({ "type": "subscribe", "id": "a", "payload": { "query": "{ me { id } }" } }),
            4401,
        ),
        (json!({ "type": "nonsense" }), 4400),
        (json!(17), 4400),
    ] {
        let mut client = Client::connect(&server, "graphql-transport-ws").await;
        client.say(&message).await;
        assert_eq!(client.closed().await, code, "{message}");
    }
    let mut client = Client::greeted(&server, me).await;
    client
        .say(&json!({ "type": "connection_init", "payload": { "token": me } }))
        .await;
    assert_eq!(client.closed().await, 4429);
}

#[tokio::test]
async fn who_connects_too_often_is_told_when_to_come_back() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let mut client = Client::connect(&server, "graphql-transport-ws").await;
    client
        .say(&json!({ "type": "connection_init", "payload": { "token": format!("hasty-{me}") } }))
        .await;
    let (code, reason) = client.farewell().await;
    assert_eq!(code, 4029);
    assert!(reason.contains("3001 ms"), "{reason}");
}

#[tokio::test]
async fn a_connection_ends_with_its_token_and_with_the_server() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let mut brief = Client::connect(&server, "graphql-transport-ws").await;
    brief
        .say(&json!({ "type": "connection_init", "payload": { "token": format!("brief-{me}") } }))
        .await;
    assert_eq!(brief.closed().await, 4403);
    let (mut greeted, mut silent) = (
        Client::greeted(&server, me).await,
        Client::connect(&server, "graphql-transport-ws").await,
    );
    server.draining.cancel();
    assert_eq!((greeted.closed().await, silent.closed().await), (1012, 1012));
}

#[tokio::test]
async fn a_client_that_does_not_greet_is_closed() {
    let world = World::new().await;
    let server = Server::with_init(&world, Duration::from_millis(50)).await;
    let mut client = Client::connect(&server, "graphql-transport-ws").await;
    assert_eq!(client.closed().await, 4408);
}

#[tokio::test]
async fn an_open_socket_ends_with_its_session() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let mut client = Client::greeted(&server, me).await;
    client
        .subscribe("a", "subscription { readModels { name } }")
        .await;
    assert_eq!(client.hear().await["type"], json!("next"));
    server.revoking.cancel();
    assert_eq!(client.closed().await, 4403);
}

#[tokio::test]
async fn a_message_that_is_too_big_is_told_so() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    // What is beyond reading is told too, as long as the client listens while it writes.
    for bytes in [256 * 1024, 900 * 1024, 1500 * 1024] {
        let client = Client::greeted(&server, me).await;
        let (mut sink, mut stream) = client.0.split();
        let message = json!({ "type": "ping", "payload": { "x": "x".repeat(bytes) } });
        let writing = async {
            let _ = sink.send(Message::text(message.to_string())).await;
            std::future::pending::<()>().await;
        };
        let reading = async {
            loop {
                match stream.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => return u16::from(frame.code),
                    Some(Ok(_)) => {}
                    ended => panic!("{bytes}: {ended:?}"),
                }
            }
        };
        let code = tokio::time::timeout(LONG, async {
            tokio::select! {
                code = reading => code,
                () = writing => unreachable!(),
            }
        });
        assert_eq!(code.await.unwrap(), 1009, "{bytes}");
    }
}

#[tokio::test]
async fn a_subscription_has_one_field_at_its_root() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let mut client = Client::greeted(&server, me).await;
    for query in [
        "subscription { a: readModels { name } b: readModels { name } }",
        "subscription { ...f readModels { name } } fragment f on Subscription { b: readModels { lane } }",
        "subscription { readModels { name } __typename }",
    ] {
        client.subscribe("w", query).await;
        let refused = client.hear().await;
        let code = &refused["payload"][0]["extensions"]["code"];
        assert_eq!(
            (&refused["type"], code),
            (&json!("error"), &json!("invalid_argument")),
            "{query}"
        );
    }
}
