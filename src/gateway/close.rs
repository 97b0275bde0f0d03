//! Saying why, then closing.

use super::frame::Frame;
use super::socket::{Sink, Source};
use std::time::Duration;
use tidings_protocol::{Close, ServerFrame};
use tokio::time::timeout;

/// How long a client may take to read its last words.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long the client's own close is waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// Writes the `close` object and the close frame behind all that was written.
pub(super) async fn say(sink: &mut Sink, close: Close) {
    metrics::counter!("tidings_connections_closed_total", "code" => close.code.to_string()).increment(1);
    let frame = Frame::close(&close);
    let words = Frame::text(ServerFrame::Close(close).encode().as_bytes());
    // A client that does not listen any more cannot be told.
    let _ = timeout(LAST_WORDS, sink.write(&[words, frame])).await;
}

/// Answers a client's close.
pub(super) async fn answer(sink: &mut Sink) {
    // It may have hung up already.
    let _ = timeout(LAST_WORDS, sink.write(&[Frame::farewell()])).await;
}

/// Reads on until the client closes too. To drop a socket with unread bytes resets it, and a reset can overtake the
/// reason just given.
pub(super) async fn await_farewell(source: &mut Source) {
    let _ = timeout(FAREWELL, async { while source.next().await.is_ok() {} }).await;
}
