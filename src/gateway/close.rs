//! Saying why, then closing.

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt as _;
use futures_util::stream::{SplitSink, SplitStream, StreamExt as _};
use std::time::Duration;
use tidings_protocol::{Close, ServerFrame};
use tokio::time::timeout;

/// How long a client may take to read its last words.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long the client's own close is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// Writes the `close` object and the close frame behind all that was written.
pub(super) async fn say(sink: &mut SplitSink<WebSocket, Message>, close: Close) {
    let frame = CloseFrame {
        code: close.code,
        reason: close.reason.clone().into(),
    };
    metrics::counter!("tidings_connections_closed_total", "code" => close.code.to_string()).increment(1);
    let words = async {
        sink.feed(Message::Text(ServerFrame::Close(close).encode().into()))
            .await?;
        sink.feed(Message::Close(Some(frame))).await?;
        sink.flush().await
    };
    // A client that does not listen any more cannot be told.
    let _ = timeout(LAST_WORDS, words).await;
}

/// Reads on until the client closes too. To drop a socket with unread bytes resets it, and a reset can overtake the
/// reason just given.
pub(super) async fn await_farewell(stream: &mut SplitStream<WebSocket>) {
    let _ = timeout(FAREWELL, async { while let Some(Ok(_)) = stream.next().await {} }).await;
}
