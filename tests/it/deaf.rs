//! Clients that do not read.

use crate::support::*;
use futures_util::SinkExt as _;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// Says hello, and reads nothing until somebody does so.
pub(crate) async fn deaf(address: SocketAddr, user: &User) -> WebSocketStream<TcpStream> {
    greeted(TcpStream::connect(address).await.unwrap(), user).await
}

/// The same with a small receive buffer, so that little fits between the two.
pub(crate) async fn narrow(address: SocketAddr, user: &User) -> WebSocketStream<TcpStream> {
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(4096).unwrap();
    greeted(tcp.connect(address).await.unwrap(), user).await
}

async fn greeted(tcp: TcpStream, user: &User) -> WebSocketStream<TcpStream> {
    let address = tcp.peer_addr().unwrap();
    let request = format!("ws://{address}/ws").into_client_request().unwrap();
    let (mut stream, _) = tokio_tungstenite::client_async(request, tcp).await.unwrap();
    let hello = json!({ "type": "hello", "token": user.token, "device": "deaf" });
    stream.send(Message::text(hello.to_string())).await.unwrap();
    stream
}

/// Waits until a text has come in that nobody has read.
pub(crate) async fn arrived(stream: &WebSocketStream<TcpStream>, text: &str) {
    eventually(async || {
        let mut seen = vec![0; 1 << 20];
        let peek = tokio::time::timeout(Duration::from_millis(20), stream.get_ref().peek(&mut seen));
        let count = peek.await.ok()?.unwrap();
        let seen = String::from_utf8_lossy(&seen[..count]).into_owned();
        seen.contains(text).then_some(())
    })
    .await;
}

/// Waits until a user has no connection any more.
pub(crate) async fn gone(node: &TestNode, user: &User) {
    let connections = || node.node.gateway().registry.connections();
    let here = || {
        connections()
            .iter()
            .any(|connection| connection.user.0 == user.id)
    };
    eventually(async || (!here()).then_some(())).await;
}
