//! GraphQL over HTTP.

use crate::server::{Answer, Server};
use crate::support::{LONG, World, code};
use axum::http::Request;
use serde_json::{Value, json};
use std::time::Duration;
use tidings_graphql::GraphqlConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

const STRICT: &str = "application/graphql-response+json";
const LEGACY: &str = "application/json";

const JSON: (&str, &str) = ("content-type", "application/json");

/// A server, and somebody whom it knows, whose token is their id.
struct Scene {
    server: Server,
    me: Uuid,
    world: World,
}

impl Scene {
    async fn new() -> Self {
        Self::of(World::new().await).await
    }

    async fn with(config: GraphqlConfig) -> Self {
        Self::of(World::with(config).await).await
    }

    async fn of(world: World) -> Self {
        Self {
            me: world.person(1).await,
            server: Server::start(&world).await,
            world,
        }
    }

    /// Posts a body with these headers and no others.
    async fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::post("/graphql");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.server.send(request.body(body.to_owned()).unwrap()).await
    }

    /// Posts a request as whoever has this token.
    async fn ask(&self, accept: &str, token: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("accept", accept),
            ("authorization", &*bearer),
        ];
        self.post(&headers, &body.to_string()).await
    }

    /// The same by GET, as somebody whom the server knows.
    async fn get(&self, accept: &str, query: &str) -> Answer {
        let request = Request::get(format!("/graphql?{query}"))
            .header("accept", accept)
            .header("authorization", format!("bearer {}", self.me));
        self.server.send(request.body(String::new()).unwrap()).await
    }

    /// Sends bytes over a connection of its own; `answer` reads what comes of it.
    async fn raw<T>(&self, bytes: &[u8], answer: impl AsyncFnOnce(TcpStream) -> T) -> T {
        let exchange = async {
            let mut stream = TcpStream::connect(self.server.address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            answer(stream).await
        };
        tokio::time::timeout(LONG, exchange).await.unwrap()
    }
}

#[tokio::test]
async fn the_status_says_whether_a_request_was_executed() {
    let scene = Scene::new().await;
    let (me, token) = (scene.me, scene.me.to_string());
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
            let answer = scene.ask(accept, token, &body).await;
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
    let scene = Scene::new().await;
    let post = async |kind: &str, body: &str| {
        let headers = [("content-type", kind), ("accept", LEGACY)];
        scene.post(&headers, body).await
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
    let wants_text = scene.post(&[JSON, ("accept", "text/plain")], "{}").await;
    assert_eq!(wants_text.status, 406);
    let put = Request::put("/graphql").body(String::new()).unwrap();
    assert_eq!(scene.server.send(put).await.status, 405);
}

#[tokio::test]
async fn queries_can_be_sent_by_get_and_nothing_else() {
    let scene = Scene::new().await;
    let me = scene.me;
    let query = "query=query($i:ID!)%7Buser(id:$i)%7Busername%7D%7D";
    let whole = format!("{query}&variables=%7B%22i%22:%22{me}%22%7D&operationName=");
    let answer = scene.get(STRICT, &whole).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({ "data": { "user": { "username": "user1" } } }))
    );
    for other in [
        "query=mutation%7Bme%7D",
        "query=subscription%7BreadModels%7Bname%7D%7D",
    ] {
        assert_eq!(scene.get(LEGACY, other).await.status, 405, "{other}");
    }
    for wrong in [
        "",
        "query=%7Bme%7Bid%7D%7D&variables=17",
        "query=%7Bme%7Bid%7D%7D&extensions=%7B",
    ] {
        assert_eq!(scene.get(LEGACY, wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(scene.get(STRICT, "query=%7B").await.status, 400);
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    let page = scene.get(browser, "query=%7B").await;
    assert_eq!((page.status, page.body.as_str()), (200, "<html>"));
}

#[tokio::test]
async fn without_a_token_nothing_but_the_schema_is_told() {
    let scene = Scene::new().await;
    let ask = async |query: &str, authorization: Option<&str>| {
        let mut headers = vec![JSON];
        headers.extend(authorization.map(|authorization| ("authorization", authorization)));
        let body = json!({ "query": query }).to_string();
        scene.post(&headers, &body).await.json()
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
    let scene = Scene::with(GraphqlConfig {
        wait,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    scene.world.run("UPDATE log_lane SET head = 7").await;
    let bearer = format!("Bearer {}", scene.me);
    let body = json!({ "query": "{ me { id } }" }).to_string();
    let ask = async |after: &[&str]| {
        let mut headers = vec![JSON, ("accept", STRICT), ("authorization", &*bearer)];
        headers.extend(after.iter().map(|after| ("Tidings-After", *after)));
        scene.post(&headers, &body).await
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
    let scene = Scene::with(GraphqlConfig {
        cost_per_second: 1,
        cost_burst: 1_500,
        deadline: 2 * LONG,
        statement_timeout: LONG,
        ..GraphqlConfig::default()
    })
    .await;
    let token = scene.me.to_string();
    let query = json!({ "query": "{ conversations(first: 200) { nodes { id kind } } }" });
    let refused = loop {
        let answer = scene.ask(STRICT, &token, &query).await;
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
    let scene = Scene::new().await;
    for length in ["300000", "99999999999"] {
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{{"
        );
        let beginning = async |mut stream: TcpStream| {
            let mut answer = vec![0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            answer
        };
        let answer = scene.raw(request.as_bytes(), beginning).await;
        assert_eq!(answer, b"HTTP/1.1 413", "{length}");
    }
}

/// Whoever sends all of it before reading must still come to read why it was refused.
#[tokio::test]
async fn a_body_that_is_too_large_is_answered_and_not_reset() {
    let scene = Scene::new().await;
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
        let whole = async |mut stream: TcpStream| {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = scene.raw(&request, whole).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("too_large"), "{answer}");
    }
}
