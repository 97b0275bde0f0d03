//! GraphQL over HTTP.

use crate::server::{Answer, Server};
use crate::support::{LONG, World, code};
use axum::http::Request;
use serde_json::{Value, json};
use std::time::Duration;
use tidings_graphql::GraphqlConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

const STRICT: &str = "application/graphql-response+json";
const LEGACY: &str = "application/json";

async fn post(server: &Server, accept: &str, token: &str, body: &Value) -> Answer {
    let request = Request::post("/graphql")
        .header("content-type", "application/json; charset=utf-8")
        .header("accept", accept)
        .header("authorization", format!("Bearer {token}"));
    server.send(request.body(body.to_string()).unwrap()).await
}

async fn get(server: &Server, accept: &str, token: &Uuid, query: &str) -> Answer {
    let request = Request::get(format!("/graphql?{query}"))
        .header("accept", accept)
        .header("authorization", format!("bearer {token}"));
    server.send(request.body(String::new()).unwrap()).await
}

#[tokio::test]
async fn the_status_says_whether_a_request_was_executed() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let token = me.to_string();
    let good = json!({ "query": "query A($n: Int) { conversations(first: $n) { nodes { id } } } query B { me { id } }",
                       "operationName": "B", "variables": { "n": 3 }, "extensions": null });
    let missing = Uuid::from_u128(1 << 40).to_string();
    for (what, token, body, strict, legacy) in [
        ("good", &*token, good, 200, 200),
        ("syntax", &token, json!({ "query": "{" }), 400, 200),
        ("validation", &token, json!({ "query": "{ nothing }" }), 400, 200),
        (
            "variables",
            &token,
            json!({ "query": "query($n: Int!) { conversations(first: $n) { nodes { id } } }" }),
            400,
            200,
        ),
        (
            "wrong variable",
            &token,
            json!({ "query": "query($n: Int) { conversations(first: $n) { nodes { id } } }", "variables": { "n": "1" } }),
            400,
            200,
        ),
        (
            "wrong literal",
            &token,
            json!({ "query": "{ conversations(first: \"x\") { nodes { id } } }" }),
            400,
            200,
        ),
        (
            "too deep",
            &token,
            json!({ "query": format!("{{ me {} }}", "{ a ".repeat(20) + &"}".repeat(20)) }),
            400,
            200,
        ),
        (
            "mutation",
            &token,
            json!({ "query": "mutation { me }" }),
            400,
            200,
        ),
        (
            "subscription",
            &token,
            json!({ "query": "subscription { readModels { name } }" }),
            400,
            200,
        ),
        (
            "no operation",
            &token,
            json!({ "query": "query A { me { id } }", "operationName": "B" }),
            400,
            200,
        ),
        (
            "no user",
            &*missing,
            json!({ "query": "{ me { id } }" }),
            200,
            200,
        ),
        (
            "bad token",
            "nonsense",
            json!({ "query": "{ me { id } }" }),
            401,
            200,
        ),
        (
            "no way to check",
            "away",
            json!({ "query": "{ me { id } }" }),
            503,
            200,
        ),
    ] {
        for (accept, status) in [(STRICT, strict), (LEGACY, legacy), ("*/*", legacy)] {
            let answer = post(&server, accept, token, &body).await;
            assert_eq!(answer.status, status, "{what} {accept} {}", answer.body);
            let kind = if accept == STRICT { STRICT } else { LEGACY };
            assert_eq!(answer.headers["content-type"], format!("{kind}; charset=utf-8"));
            let json = answer.json();
            if what == "good" {
                assert_eq!(json, json!({ "data": { "me": { "id": me } } }));
            } else {
                assert!(json["errors"][0]["extensions"]["code"].is_string(), "{json}");
                assert_eq!(
                    json.get("data"),
                    (what == "no user").then_some(&Value::Null),
                    "{what}: {json}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused_whatever_is_accepted() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    let post = async |kind: &str, body: &str| {
        let request = Request::post("/graphql")
            .header("content-type", kind)
            .header("accept", LEGACY);
        server.send(request.body(body.to_owned()).unwrap()).await
    };
    let deep = format!(
        "{{\"query\":\"{{me{{id}}}}\",\"variables\":{{\"x\":{}",
        "[".repeat(100_000)
    );
    for body in [
        "",
        "{",
        "null",
        "17",
        "[]",
        "[{\"query\":\"{ me { id } }\"}]",
        "{}",
        "{\"query\":17}",
        "{\"query\":\"{ me }\",\"variables\":[]}",
        &deep,
    ] {
        let answer = post("application/json", body).await;
        assert_eq!(
            (answer.status, code(&answer.json())),
            (400, "invalid_argument"),
            "{body:.60}"
        );
    }
    for list in ["[]", " [{\"query\":\"{ me { id } }\"}]", "[\"{ me { id } }\"]"] {
        let answer = post("application/json", list).await;
        assert_eq!(answer.status, 400, "{list}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            error["message"], "several requests in one are not supported",
            "{list}"
        );
        assert_eq!(error["extensions"]["field"], "body", "{list}");
    }
    assert_eq!(post("text/plain", "{}").await.status, 415);
    let large = post(
        "application/json",
        &format!("{{\"query\":\"{}\"}}", " ".repeat(300_000)),
    )
    .await;
    assert_eq!((large.status, code(&large.json())), (413, "too_large"));
    let wants_text = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("accept", "text/plain");
    assert_eq!(
        server
            .send(wants_text.body("{}".to_owned()).unwrap())
            .await
            .status,
        406
    );
    assert_eq!(
        server
            .send(Request::put("/graphql").body(String::new()).unwrap())
            .await
            .status,
        405
    );
}

#[tokio::test]
async fn queries_can_be_sent_by_get_and_nothing_else() {
    let world = World::new().await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let query = "query=query($i:ID!)%7Buser(id:$i)%7Busername%7D%7D";
    let answer = get(
        &server,
        STRICT,
        &me,
        &format!("{query}&variables=%7B%22i%22:%22{me}%22%7D&operationName="),
    )
    .await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "data": { "user": { "username": "user1" } } }))
    );
    assert_eq!(
        get(&server, LEGACY, &me, "query=mutation%7Bme%7D").await.status,
        405
    );
    assert_eq!(
        get(
            &server,
            LEGACY,
            &me,
            "query=subscription%7BreadModels%7Bname%7D%7D"
        )
        .await
        .status,
        405
    );
    for wrong in [
        "",
        "query=%7Bme%7Bid%7D%7D&variables=17",
        "query=%7Bme%7Bid%7D%7D&extensions=%7B",
    ] {
        assert_eq!(get(&server, LEGACY, &me, wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(get(&server, STRICT, &me, "query=%7B").await.status, 400);
    let page = get(
        &server,
        "text/html,application/xhtml+xml,*/*;q=0.8",
        &me,
        "query=%7B",
    )
    .await;
    assert_eq!((page.status, page.body.as_str()), (200, "<html>"));
}

#[tokio::test]
async fn without_a_token_nothing_but_the_schema_is_told() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    let ask = async |query: &str, authorization: Option<&str>| {
        let mut request = Request::post("/graphql").header("content-type", "application/json");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        server
            .send(request.body(json!({ "query": query }).to_string()).unwrap())
            .await
            .json()
    };
    let answer = ask("{ me { id } }", None).await;
    assert_eq!(
        (&answer["data"], code(&answer)),
        (&Value::Null, "unauthenticated")
    );
    assert_eq!(
        ask("{ __typename __schema { queryType { name } } }", None).await["data"]["__typename"],
        json!("Query")
    );
    for authorization in ["Basic abc", "Bearer", "Bearer ", "Bearer nonsense"] {
        assert_eq!(
            code(&ask("{ __typename }", Some(authorization)).await),
            "unauthenticated",
            "{authorization}"
        );
    }
}

#[tokio::test]
async fn the_header_carries_positions() {
    let wait = Duration::from_millis(10);
    let world = World::with(GraphqlConfig {
        wait,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    world.run("UPDATE log_lane SET head = 7").await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let ask = async |after: &[&str]| {
        let mut request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", STRICT)
            .header("authorization", format!("Bearer {me}"));
        for after in after {
            request = request.header("Tidings-After", *after);
        }
        server
            .send(
                request
                    .body(json!({ "query": "{ me { id } }" }).to_string())
                    .unwrap(),
            )
            .await
    };
    assert_eq!(ask(&["0:0", "1:0,0:0"]).await.status, 200);
    let late = ask(&["0:0", "1:7"]).await;
    assert_eq!((late.status, code(&late.json())), (503, "unavailable"));
    assert_eq!(late.headers["retry-after"], "1");
    for wrong in [vec![""], vec!["x"], vec!["9:1"], vec!["0:0", "0"]] {
        let answer = ask(&wrong).await;
        assert_eq!(
            (answer.status, code(&answer.json())),
            (400, "invalid_argument"),
            "{wrong:?}"
        );
    }
}

/// Whoever goes by the header comes no earlier than whoever goes by the answer.
#[tokio::test]
async fn the_header_that_says_when_to_come_again_is_what_the_answer_says() {
    let world = World::with(GraphqlConfig {
        cost_per_second: 1,
        cost_burst: 1_500,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let (me, server) = (world.person(1).await, Server::start(&world).await);
    let token = me.to_string();
    let query = json!({ "query": "{ conversations(first: 200) { nodes { id kind } } }" });
    let refused = loop {
        let answer = post(&server, STRICT, &token, &query).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(!answer.headers.contains_key("retry-after"));
    };
    assert_eq!((refused.status, code(&refused.json())), (429, "rate_limited"));
    let wait = refused.json()["errors"][0]["extensions"]["retry_after_ms"]
        .as_u64()
        .unwrap();
    assert!(wait > 1_000, "{wait}");
    assert_eq!(refused.headers["retry-after"], wait.div_ceil(1000).to_string());
}

/// Nobody waits for what is not taken.
#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_it_comes() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    for length in ["300000", "99999999999"] {
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{{"
        );
        let exchange = async {
            let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(LONG, exchange).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 413", "{length}");
    }
}

/// Whoever sends all of it before reading must still come to read why it was refused.
#[tokio::test]
async fn a_body_that_is_too_large_is_answered_and_not_reset() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    let head =
        "POST /graphql HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let body = vec![b' '; 5_000_000];
    let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(50_000) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let mut declared = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
    declared.extend(&body);
    for request in [chunked, declared] {
        let exchange = async {
            let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
            stream.write_all(&request).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = tokio::time::timeout(LONG, exchange).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("too_large"), "{answer}");
    }
}
