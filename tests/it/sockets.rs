//! Sockets before and beside connections: counted, and gone when nothing comes over them.

use crate::support::*;
use serde_json::{Value, json};
use tidings::config::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

async fn node(change: impl FnOnce(&mut Config)) -> TestNode {
    let mut config = Store::new().await.config();
    change(&mut config);
    TestNode::start(config).await
}

/// The node's own client keeps its socket for as long, which counts as one.
fn keeping(mut node: TestNode) -> TestNode {
    let client = reqwest::Client::builder().pool_idle_timeout(None);
    node.http = client.build().unwrap();
    node
}

/// Sockets over which nothing comes stay for longer than any test.
fn stay(config: &mut Config) {
    config.gateway.hello_ms = 300_000;
    config.http.head_ms = 300_000;
    config.graphql.init_ms = 300_000;
}

impl TestNode {
    /// A socket over which a request was answered; `None` when there is no place for it.
    async fn answered(&self) -> Option<TcpStream> {
        let mut tcp = self.tcp("GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n").await;
        let mut begin = [0; 15];
        timeout(PATIENCE, tcp.read_exact(&mut begin))
            .await
            .unwrap()
            .ok()?;
        (&begin == b"HTTP/1.1 200 OK").then_some(tcp)
    }

    /// A socket over which `words` were sent.
    async fn tcp(&self, words: &str) -> TcpStream {
        let mut tcp = TcpStream::connect(self.node.address()).await.unwrap();
        tcp.write_all(words.as_bytes()).await.unwrap();
        tcp
    }
}

/// Everything up to the end of the socket, which the server has to bring about. A reset is an end too.
async fn rest(tcp: &mut TcpStream) -> String {
    let mut bytes = vec![];
    let mut buffer = [0; 4096];
    let reading = async {
        while let Ok(count @ 1..) = tcp.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    timeout(PATIENCE, reading).await.expect("the socket stays open");
    String::from_utf8(bytes).unwrap()
}

/// The status and the document of a refusal.
fn problem(answer: &str) -> (u16, Value) {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{answer:?}"));
    assert!(head.contains("application/problem+json"), "{head}");
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn half_requests_and_idle_sockets_are_closed() {
    let node = node(|config| config.http.head_ms = 3_000).await;
    let mut sockets = vec![];
    for words in [
        "",
        "GET /healthz HT",
        "GET /healthz HTTP/1.1\r\nHost: here\r\n",
        // Answered, and idle from then on.
        "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n",
    ] {
        sockets.push((words, node.tcp(words).await));
    }
    for (words, socket) in &mut sockets {
        let answer = rest(socket).await;
        assert_eq!(
            answer.contains("200 OK"),
            words.ends_with("\r\n\r\n"),
            "{words:?}: {answer}"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_refused_on_every_route() {
    let node = node(|config| config.http.body_ms = 500).await;
    for (path, length) in [
        ("/graphql", "Content-Length: 100"),
        ("/graphql", "Transfer-Encoding: chunked"),
        ("/auth/login", "Content-Length: 100"),
    ] {
        let begin = if length.ends_with("chunked") {
            "5\r\n{\"que"
        } else {
            "{\"que"
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n{length}\r\n\r\n{begin}"
        );
        let answer = rest(&mut node.tcp(&head).await).await;
        let (status, document) = problem(&answer);
        assert_eq!(
            (status, &document["code"]),
            (408, &json!("invalid_argument")),
            "{path} {length}"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_answers_loses_the_socket() {
    let node = node(|config| config.http.stalled_ms = 500).await;
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4096).unwrap();
    let mut tcp = tcp.connect(node.node.address()).await.unwrap();
    let asking = async {
        let request = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n".repeat(100);
        while tcp.write_all(request.as_bytes()).await.is_ok() {}
    };
    timeout(PATIENCE, asking).await.expect("the socket stays open");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_socket_counts_until_it_ends() {
    let node = node(|config| {
        config.gateway.connections = 2;
        config.http.spare_sockets = 3;
        stay(config);
    })
    .await;
    let node = keeping(node);
    // One that is used for requests, one that has said hello, and three that have not.
    let ann = node.register("ann").await;
    let connection = node.socket(&ann).await;
    let silent = node.raw().await;
    let mut request = format!("ws://{}/graphql/ws", node.node.address())
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (graphql, _) = tokio_tungstenite::connect_async(request.clone()).await.unwrap();
    let idle = node.tcp("").await;
    // The last may be counted a little after it is connected, for the client.
    let answer = eventually(async || {
        let answer = rest(&mut node.tcp("").await).await;
        (!answer.is_empty()).then_some(answer)
    })
    .await;
    let (status, document) = problem(&answer);
    assert_eq!((status, &document["code"]), (503, &json!("overloaded")));
    assert!(document["retry_after_ms"].as_u64().unwrap() > 0);
    let shown = node.http.get(node.url("/metrics")).send().await.unwrap();
    let shown = shown.text().await.unwrap();
    assert!(shown.contains("tidings_sockets "), "{shown}");
    assert!(
        shown.contains("tidings_sockets_refused_total{limit=\"node\"}"),
        "{shown}"
    );
    for pool in ["readers", "lanes", "delivery"] {
        for of in ["sessions", "borrowed", "waiting"] {
            let line = format!("tidings_pool_{of}{{pool=\"{pool}\"}} ");
            assert!(shown.contains(&line), "{shown}");
        }
    }
    // Whichever ends makes room for one, which is taken again.
    let mut taken = vec![];
    for ended in [
        Kind::Plain(idle),
        Kind::Spoken(graphql),
        Kind::Connection(silent),
        Kind::Connection(connection),
    ] {
        drop(ended);
        taken.push(eventually(async || node.answered().await).await);
        assert!(node.answered().await.is_none());
    }
    node.stop().await;
}

/// What sockets become.
#[expect(dead_code, reason = "held until dropped")]
enum Kind {
    Plain(TcpStream),
    Spoken(WebSocketStream<MaybeTlsStream<TcpStream>>),
    Connection(Socket),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_takes_no_more_hellos_than_connections() {
    let node = node(|config| config.gateway.connections = 1).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    // Both are let through before either has said hello.
    let (mut first, mut second) = (node.raw().await, node.raw().await);
    first.send(&json!({ "type": "hello", "token": ann.token })).await;
    first.until("synced").await;
    second.send(&json!({ "type": "hello", "token": ben.token })).await;
    let (said, code) = second.closed().await;
    assert_eq!((code, &said.unwrap()["reconnect"]), (Some(4000), &json!(true)));
    first.works().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_only_so_many_sockets() {
    let node = node(|config| {
        config.http.sockets_per_address = 3;
        stay(config);
    })
    .await;
    let node = keeping(node);
    let ann = node.register("ann").await;
    let mut connection = node.socket(&ann).await;
    // Who has been answered is counted.
    let idle = node.answered().await.unwrap();
    let answer = rest(&mut node.tcp("").await).await;
    let (status, document) = problem(&answer);
    assert_eq!((status, &document["code"]), (429, &json!("rate_limited")));
    connection.works().await;
    drop(idle);
    eventually(async || node.answered().await).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_each_client_is_counted_and_not_the_proxy() {
    let node = node(|config| {
        config.http.sockets_per_address = 2;
        config.auth.trusted_proxies = 1;
        stay(config);
    })
    .await;
    let ask =
        |address: &str| format!("GET /healthz HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: {address}\r\n\r\n");
    let mut open = vec![];
    for address in ["192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        let mut tcp = node.tcp(&ask(address)).await;
        let mut begin = [0; 15];
        timeout(PATIENCE, tcp.read_exact(&mut begin))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&begin, b"HTTP/1.1 200 OK", "{address}");
        open.push(tcp);
    }
    // What somebody says of themselves in front of that is nothing to go by, also where it cannot be read.
    for address in ["192.0.2.1", "192.0.2.9, 192.0.2.1", "é, 192.0.2.1"] {
        let (status, document) = problem(&rest(&mut node.tcp(&ask(address)).await).await);
        assert_eq!(
            (status, &document["code"]),
            (429, &json!("rate_limited")),
            "{address}"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_a_document_with_a_code() {
    let node = node(|_| {}).await;
    for (method, path, status, code) in [
        ("GET", "/nope", 404, "not_found"),
        ("POST", "/auth/nope", 404, "not_found"),
        ("GET", "/ws/", 404, "not_found"),
        ("GET", "/assets/nope", 404, "not_found"),
        ("PUT", "/healthz", 405, "invalid_argument"),
        ("POST", "/ws", 405, "invalid_argument"),
        ("POST", "/metrics", 405, "invalid_argument"),
        ("GET", "/auth/login", 405, "invalid_argument"),
        ("GET", "/ws", 426, "invalid_argument"),
        ("GET", "/graphql/ws", 426, "invalid_argument"),
    ] {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = rest(&mut node.tcp(&head).await).await;
        let (seen, document) = problem(&answer);
        assert_eq!(
            (seen, &document["code"]),
            (status, &json!(code)),
            "{method} {path}"
        );
        assert_eq!(document["status"], status);
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
        assert_eq!(
            answer.to_lowercase().contains("\r\nallow: "),
            status == 405,
            "{answer}"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handshakes_are_as_the_rfc_asks() {
    let node = node(|_| {}).await;
    let ask = |path: &str, host: &str, version: &str| {
        format!(
            "GET {path} HTTP/1.1\r\n{host}Connection: Upgrade, close\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{version}\r\n"
        )
    };
    for version in [
        "",
        "Sec-WebSocket-Version: 8\r\n",
        "Sec-WebSocket-Version: 14\r\n",
    ] {
        for path in ["/ws", "/graphql/ws"] {
            let answer = rest(&mut node.tcp(&ask(path, "Host: here\r\n", version)).await).await;
            let (status, document) = problem(&answer);
            assert_eq!(
                (status, &document["code"]),
                (426, &json!("invalid_argument")),
                "{path} {version}"
            );
            assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
        }
    }
    for hosts in ["", "Host: here\r\nHost: there\r\n"] {
        let answer = rest(
            &mut node
                .tcp(&ask("/ws", hosts, "Sec-WebSocket-Version: 13\r\n"))
                .await,
        )
        .await;
        let (status, document) = problem(&answer);
        assert_eq!((status, &document["field"]), (400, &json!("host")), "{hosts}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_known_origins_may_call_and_read_and_no_others() {
    let (chat, evil) = ("https://chat.example", "https://evil.example");
    let named = node(|config| config.http.origins = vec![chat.to_owned()]).await;
    let open = node(|_| ()).await;
    let send = async |node: &TestNode, method: &str, path: &str, origin: &str, asks: bool| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = node.http.request(method, node.url(path)).header("origin", origin);
        if asks {
            request = request.header("access-control-request-method", "POST");
        }
        request.send().await.unwrap()
    };
    let allowed = |response: &reqwest::Response| {
        let allowed = response.headers().get("access-control-allow-origin");
        allowed.map(|origin| origin.to_str().unwrap().to_owned())
    };
    for path in ["/auth/login", "/graphql", "/attachments", "/attachments/tus"] {
        let asked = send(&named, "OPTIONS", path, chat, true).await;
        assert_eq!(asked.status(), 204, "{path}");
        assert_eq!(allowed(&asked).as_deref(), Some(chat), "{path}");
        let headers = asked.headers()["access-control-allow-headers"].to_str().unwrap();
        assert!(headers.contains("authorization"), "{path}");
        // A refusal is read, too.
        let refused = send(&named, "POST", path, chat, false).await;
        assert!(refused.status().is_client_error(), "{path}");
        assert_eq!(allowed(&refused).as_deref(), Some(chat), "{path}");
        for (node, origin) in [(&named, evil), (&open, chat)] {
            for (method, asks) in [("OPTIONS", true), ("POST", false)] {
                let answer = send(node, method, path, origin, asks).await;
                assert_eq!(allowed(&answer), None, "{method} {path} {origin}");
            }
        }
    }
    // What a node tells of uploads is no question of a browser.
    let told = send(&named, "OPTIONS", "/attachments/tus", chat, false).await;
    assert_eq!(told.headers()["tus-version"], "1.0.0");
    assert_eq!(allowed(&told).as_deref(), Some(chat));
    assert_eq!(allowed(&send(&named, "GET", "/metrics", chat, false).await), None);
    named.stop().await;
    open.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_known_origins_connect() {
    let node = node(|config| config.http.origins = vec!["https://chat.example".to_owned()]).await;
    for path in ["/ws", "/graphql/ws"] {
        for (origin, let_in) in [
            (Some("https://chat.example"), true),
            (Some("https://evil.example"), false),
            (None, true),
        ] {
            let mut request = format!("ws://{}{path}", node.node.address())
                .into_client_request()
                .unwrap();
            let headers = request.headers_mut();
            if path == "/graphql/ws" {
                headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
            }
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            let opened = tokio_tungstenite::connect_async(request).await;
            assert_eq!(opened.is_ok(), let_in, "{path} {origin:?}");
        }
    }
    node.stop().await;
}
