//! The socket itself: opening it, and writing without being held up.

use std::{
    collections::VecDeque,
    task::{Poll, ready},
    time::Duration,
};

use futures_util::{Sink as _, stream::SplitSink};
use tidings_protocol::SUBPROTOCOL;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        client::IntoClientRequest as _,
        error::UrlError,
        handshake::client::{Request, Response},
        http::{HeaderValue, header::RETRY_AFTER},
        protocol::WebSocketConfig,
    },
};

use crate::{DisconnectReason, Tls};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket with small buffers, so that a process can hold many.
pub(crate) async fn dial(url: &str, tls: &Tls) -> Result<Socket, DisconnectReason> {
    // Addresses are often written as those of the pages beside.
    let url = match url.split_once("://") {
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(("http", rest)) => format!("ws://{rest}"),
        _ => url.to_owned(),
    };
    let mut request = url.into_client_request().map_err(refusal)?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(4096);
    let (socket, _) = open(request, config, tls).await.map_err(refusal)?;
    Ok(socket)
}

#[cfg(feature = "tls")]
async fn open(
    request: Request,
    config: WebSocketConfig,
    tls: &Tls,
) -> Result<(Socket, Response), tungstenite::Error> {
    let secure = request.uri().scheme_str() == Some("wss");
    let connector = secure.then(|| tokio_tungstenite::Connector::Rustls(tls.config()));
    tokio_tungstenite::connect_async_tls_with_config(request, Some(config), true, connector).await
}

#[cfg(not(feature = "tls"))]
async fn open(
    request: Request,
    config: WebSocketConfig,
    _: &Tls,
) -> Result<(Socket, Response), tungstenite::Error> {
    tokio_tungstenite::connect_async_with_config(request, Some(config), true).await
}

/// What a failed opening says about the next try.
fn refusal(error: tungstenite::Error) -> DisconnectReason {
    match error {
        tungstenite::Error::Http(response) => {
            let seconds = response.headers().get(RETRY_AFTER);
            let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            DisconnectReason::UpgradeRefused {
                status: response.status().as_u16(),
                retry_after: seconds.map(Duration::from_secs),
            }
        }
        tungstenite::Error::Url(UrlError::UnableToConnect(_)) => network(&error),
        tungstenite::Error::Url(_) | tungstenite::Error::HttpFormat(_) => {
            DisconnectReason::BadAddress(error.to_string())
        }
        error => network(&error),
    }
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
