//! The socket itself: opening it, and writing without being held up.

use std::{
    collections::VecDeque,
    task::{Poll, ready},
};

use futures_util::{Sink as _, stream::SplitSink};
use tidings_protocol::SUBPROTOCOL;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, Message, Utf8Bytes, client::IntoClientRequest as _, http::HeaderValue,
        protocol::WebSocketConfig,
    },
};

use crate::DisconnectReason;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket with small buffers, so that a process can hold many.
pub(crate) async fn dial(url: &str) -> Result<Socket, tungstenite::Error> {
    let mut request = url.into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(4096);
    connect_async_with_config(request, Some(config), true)
        .await
        .map(|(socket, _)| socket)
}

/// Puts all texts on the wire. Cancel-safe: a text leaves the queue only when the sink took it.
pub(crate) async fn write(
    sink: &mut SplitSink<Socket, Message>,
    outgoing: &mut VecDeque<Utf8Bytes>,
) -> Result<(), tungstenite::Error> {
    std::future::poll_fn(|cx| {
        let mut sink = std::pin::Pin::new(&mut *sink);
        while !outgoing.is_empty() {
            ready!(sink.as_mut().poll_ready(cx))?;
            if let Some(text) = outgoing.pop_front() {
                sink.as_mut().start_send(Message::Text(text))?;
            }
        }
        ready!(sink.poll_flush(cx))?;
        Poll::Ready(Ok(()))
    })
    .await
}

pub(crate) fn network(error: &tungstenite::Error) -> DisconnectReason {
    DisconnectReason::Network(error.to_string())
}
