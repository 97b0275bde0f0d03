//! Clients that send without end, faster than they are read, and nothing that means anything.

use crate::deaf::deaf;
use crate::support::*;
use serde_json::json;
use std::io::Write as _;
use std::net::TcpStream;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A masked frame without content.
fn empty(head: u8) -> [u8; 6] {
    [head, 0x80, 1, 2, 3, 4]
}

const CONTINUATION: u8 = 0x00;
const BEGINNING: u8 = 0x01;
const TEXT: u8 = 0x81;
const PONG: u8 = 0x8a;

/// Sends one frame and then others until the socket is ended.
fn send_endlessly(mut socket: &TcpStream, first: &[u8], next: [u8; 6]) {
    let burst = next.repeat(50_000);
    let mut sent = socket.write_all(first);
    while sent.is_ok() {
        sent = socket.write_all(&burst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_frames_without_end_lets_others_go_on_and_is_closed() {
    let store = Store::new().await;
    let config = store.config();
    // Whoever keeps the one thread to themselves stops the whole node. It outlives the test where it cannot be stopped.
    let alone = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let alone: &'static runtime::Runtime = Box::leak(Box::new(alone.unwrap()));
    let node = alone.spawn(TestNode::start(config)).await.unwrap();
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    for (first, next) in [
        (empty(PONG), PONG),
        (empty(TEXT), TEXT),
        (empty(BEGINNING), CONTINUATION),
    ] {
        let socket = deaf(node.node.address(), &ben).await.into_inner();
        let socket = socket.into_std().unwrap();
        socket.set_nonblocking(false).unwrap();
        let (end, ended) = oneshot::channel();
        // A thread that nobody waits for: it ends with the socket, or with the process.
        std::thread::spawn(move || {
            send_endlessly(&socket, &first, empty(next));
            let _ = end.send(());
        });
        let others = async {
            let mut a = node.socket(&ann).await;
            a.works().await;
        };
        timeout(PATIENCE, others).await.expect("others have to wait");
        timeout(PATIENCE, ended).await.expect("it goes on").unwrap();
        crate::deaf::gone(&node, &ben).await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_the_smallest_fragments_is_read() {
    use futures_util::SinkExt as _;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let mut a = node.socket(&ann).await;
    let id = uuid::Uuid::now_v7();
    let ping = format!("{}{}", json!({ "type": "ping", "id": id }), " ".repeat(60_000));
    let last = ping.len() - 1;
    for (index, byte) in ping.bytes().enumerate() {
        let kind = if index == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(vec![byte], OpCode::Data(kind), index == last);
        a.stream.feed(Message::Frame(frame)).await.unwrap();
    }
    a.stream.flush().await.unwrap();
    assert_eq!(a.answer(id).await["type"], "pong");
    node.stop().await;
}
