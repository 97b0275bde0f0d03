//! Every close code reaches the client, whatever it was sending.

use crate::support::*;
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use tokio_tungstenite::tungstenite;
use uuid::Uuid;

/// A masked text frame of a client.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Writes bytes, and reads only then, to the very end; a reset is a failure.
fn write_all_then_read_all(address: std::net::SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (socket, _) = tungstenite::client(format!("ws://{address}/ws"), stream).unwrap();
    let mut stream = socket.get_ref();
    stream.write_all(bytes).unwrap();
    let mut read = vec![];
    stream.read_to_end(&mut read).unwrap();
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_still_sending_learns_why_it_was_closed() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let address = node.node.address();
    let many: serde_json::Map<_, _> = (0..1_600)
        .map(|_| (Uuid::new_v4().to_string(), json!(1)))
        .collect();
    let hello = json!({ "type": "hello", "token": ann.token, "resume": many });
    let short = frame(
        json!({ "type": "hello", "token": ann.token })
            .to_string()
            .as_bytes(),
    );
    let sent = [
        ("1009", frame(&vec![b'x'; 65_537])),
        ("1009", frame(&vec![b'x'; 4 << 20])),
        ("1009", frame(hello.to_string().as_bytes())),
        ("1009", [short.clone(), frame(&vec![b'x'; 1 << 20])].concat()),
        (
            "4500",
            [short, vec![0x82, 0xfe, 0xff, 0xff], vec![0; 4 << 20]].concat(),
        ),
    ];
    for (code, bytes) in sent {
        let read = tokio::task::spawn_blocking(move || write_all_then_read_all(address, &bytes));
        let read = read.await.unwrap();
        let said = String::from_utf8_lossy(&read).into_owned();
        assert!(said.contains(&format!("\"code\":{code}")), "{said}");
        let number: u16 = code.parse().unwrap();
        let tail = &read[read.len().saturating_sub(127)..];
        assert!(
            tail.windows(2).any(|pair| pair == number.to_be_bytes()),
            "no close frame with {code}"
        );
    }
    node.stop().await;
}
