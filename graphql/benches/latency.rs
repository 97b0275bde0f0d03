//! How long a query takes at rest, over HTTP on one connection: nothing else is going on, so what is measured is the way and not
//! a queue.
//!
//!     cargo bench -p tidings-graphql --bench latency

#![expect(clippy::unwrap_used, reason = "a measurement that fails panics")]
#![expect(clippy::print_stdout, reason = "it is read by people")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement owns its tasks as long as it runs"
)]

#[path = "../tests/it/server.rs"]
#[expect(dead_code, reason = "for tests")]
mod server;
#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "for tests")]
mod support;

use server::Server;
use std::time::{Duration, Instant};
use support::World;
use tidings_graphql::GraphqlConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

const MESSAGES: u64 = 1_000;
const SENDERS: u64 = 8;
const WARM_UP: usize = 300;
const REQUESTS: usize = 3_000;

const ME: &str = "{ me { id username displayName } }";
const PAGE: &str = "{ conversation(id: $ID) { messages(last: 50) { nodes { id seq sentAt text sender { id displayName } } \
    pageInfo { hasPreviousPage startCursor } } } }";
const LIST: &str = "{ conversations(first: 50) { nodes { id title unreadCount mentionCount lastMessage { text sender { displayName } } } } }";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let world = World::with(GraphqlConfig {
        cost_burst: u32::MAX,
        cost_per_second: u32::MAX,
        ..GraphqlConfig::default()
    })
    .await;
    let me = world.person(1).await;
    let mut people = vec![me];
    for n in 2..=SENDERS {
        people.push(world.person(n).await);
    }
    let group = world.group(1, &people).await;
    for (no, sender) in (1..=MESSAGES).zip(people.iter().cycle()) {
        world.message(group, no, *sender).await;
    }
    for n in 2..=60 {
        let small = world.group(n, &people).await;
        world.messages(small, 1, me).await;
    }
    world.run("ANALYZE").await;
    let server = Server::start(&world).await;
    println!("{REQUESTS} requests each, one after the other; milliseconds");
    println!("{:44} {:>7} {:>7} {:>7}", "", "p50", "p95", "p99");
    for (name, query) in [
        ("me", ME.to_owned()),
        (
            "a page of 50 messages with senders' names",
            PAGE.replace("$ID", &format!("\\\"{group}\\\"")),
        ),
        ("50 conversations with their last messages", LIST.to_owned()),
    ] {
        let mut took = ask(&server, me, &query).await;
        took.sort_unstable();
        let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)].as_secs_f64() * 1_000.0;
        println!("{name:44} {:7.3} {:7.3} {:7.3}", at(50), at(95), at(99));
    }
}

async fn ask(server: &Server, viewer: Uuid, query: &str) -> Vec<Duration> {
    let body = format!("{{\"query\":\"{query}\"}}");
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {viewer}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut took = Vec::with_capacity(REQUESTS);
    for n in 0..WARM_UP + REQUESTS {
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read(&mut stream).await;
        if n >= WARM_UP {
            took.push(began.elapsed());
        } else {
            assert!(
                answer.contains("\"data\"") && !answer.contains("\"errors\""),
                "{answer}"
            );
        }
    }
    took
}

/// One answer, as long as its head says.
async fn read(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::with_capacity(32 * 1024);
    loop {
        assert!(
            stream.read_buf(&mut bytes).await.unwrap() > 0,
            "the server is gone"
        );
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        if body.len() >= length {
            return text.to_owned();
        }
    }
}
