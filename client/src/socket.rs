//! The socket itself: opening it, and writing without being held up.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _, stream::SplitSink};
use tidings_protocol::SUBPROTOCOL;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        self, Bytes, Message,
        client::IntoClientRequest as _,
        error::UrlError,
        handshake::client::{Request, Response},
        http::{HeaderValue, header::RETRY_AFTER},
        protocol::WebSocketConfig,
    },
};

use crate::{DisconnectReason, Tls, queue::Taken};

/// A WebSocket whose pongs wait for the user. As long as the user does not have everything that was read, the one that it would
/// send by itself goes out without what its ping said: that shows that this side lives, and proves nothing.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    proof: Arc<Proof>,
}

/// What a pong would prove just now.
pub(crate) struct Proof {
    had: Arc<Taken>,
    /// How many values the user has to have.
    wanted: AtomicU64,
    /// Whether the last ping was answered as it came.
    given: AtomicBool,
}

impl Proof {
    fn new(had: Arc<Taken>) -> Self {
        Self {
            had,
            wanted: AtomicU64::new(u64::MAX),
            given: AtomicBool::new(false),
        }
    }

    /// From now on the user has to have so many values; `None` where it takes more than that.
    pub(crate) fn want(&self, values: Option<u64>) {
        self.wanted.store(values.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether the ping that was read last has its answer.
    pub(crate) fn is_given(&self) -> bool {
        self.given.load(Ordering::Relaxed)
    }

    fn give(&self) -> bool {
        let given = self.had.count() >= self.wanted.load(Ordering::Relaxed);
        self.given.store(given, Ordering::Relaxed);
        given
    }
}

impl Socket {
    /// Shared with whoever knows what was read.
    pub(crate) fn proof(&self) -> Arc<Proof> {
        Arc::clone(&self.proof)
    }
}

impl Stream for Socket {
    type Item = Result<Message, tungstenite::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.stream.poll_next_unpin(cx));
        if matches!(next, Some(Ok(Message::Ping(_)))) && !self.proof.give() {
            // It takes the place of the one that is ready. A socket that takes nothing any more says so when it is read again.
            let _ = self.stream.start_send_unpin(Message::Pong(Bytes::new()));
        }
        Poll::Ready(next)
    }
}

impl Sink<Message> for Socket {
    type Error = tungstenite::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.stream.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Self::Error> {
        self.stream.start_send_unpin(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.stream.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.stream.poll_close_unpin(cx)
    }
}

/// Opens a socket with small buffers, so that a process can hold many; `had` counts what the user has.
pub(crate) async fn dial(url: &str, tls: &Tls, had: Arc<Taken>) -> Result<Socket, DisconnectReason> {
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
    let (stream, _) = open(request, config, tls).await.map_err(refusal)?;
    let proof = Arc::new(Proof::new(had));
    Ok(Socket { stream, proof })
}

#[cfg(feature = "tls")]
async fn open(
    request: Request,
    config: WebSocketConfig,
    tls: &Tls,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), tungstenite::Error> {
    let secure = request.uri().scheme_str() == Some("wss");
    let connector = secure.then(|| tokio_tungstenite::Connector::Rustls(tls.config()));
    tokio_tungstenite::connect_async_tls_with_config(request, Some(config), true, connector).await
}

#[cfg(not(feature = "tls"))]
async fn open(
    request: Request,
    config: WebSocketConfig,
    _: &Tls,
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), tungstenite::Error> {
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

/// Puts all messages on the wire. Cancel-safe: one leaves the queue only when the sink took it.
pub(crate) async fn write(
    sink: &mut SplitSink<Socket, Message>,
    outgoing: &mut VecDeque<Message>,
) -> Result<(), tungstenite::Error> {
    std::future::poll_fn(|cx| {
        let mut sink = Pin::new(&mut *sink);
        while !outgoing.is_empty() {
            ready!(sink.as_mut().poll_ready(cx))?;
            if let Some(message) = outgoing.pop_front() {
                sink.as_mut().start_send(message)?;
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
