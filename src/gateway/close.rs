//! Saying why, then closing.

use super::socket::{Sink, Source};
use crate::accounts::AuthError;
use crate::wire::Frame;
use std::time::Duration;
use tidings_protocol::{Close, CloseCode, ServerFrame};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding;

/// How long a client may take to read its last words.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long the client's own close, and the next bytes of what it still sends, are waited for.
const SILENCE: Duration = Duration::from_secs(2);
/// How long all that may take.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a connection may take from its last words to its end.
pub(super) const END: Duration = LAST_WORDS.saturating_add(FAREWELL);

/// How a client took its leave.
#[derive(Default)]
pub(super) struct Farewell {
    /// The code of its close frame.
    pub(super) code: Option<u16>,
    /// It hung up with bytes that it had not read.
    pub(super) reset: bool,
}

/// How a connection ends whose token is not good.
pub(super) fn reason(error: AuthError) -> Close {
    match error {
        AuthError::Suspended => Close::new(CloseCode::Suspended),
        AuthError::Unavailable => Close {
            reason: "accounts are unavailable".to_owned(),
            ..Close::new(CloseCode::GoingAway).with_retry_after_ms(1000)
        },
        _ => Close::new(CloseCode::NoValidToken),
    }
}

/// Whether a client that closes so says that it has all that it was sent. One that is only going away (1001) does not:
/// browsers say that when a tab is closed, whatever its page has still to read.
pub(super) fn is_clean(close: Option<&CloseFrame>) -> bool {
    close.is_none_or(|close| matches!(close.code, coding::CloseCode::Normal | coding::CloseCode::Status))
}

/// Writes the `close` object and the close frame behind all that was written, and ends the stream there. Answers whether
/// all that is written.
pub(super) async fn say(sink: &mut Sink, close: Close) -> bool {
    metrics::counter!("tidings_connections_closed_total", "code" => close.code.to_string()).increment(1);
    let frame = Frame::close(&close);
    let words = Frame::text(ServerFrame::Close(close).encode().as_bytes());
    last_words(sink, &[words, frame]).await
}

/// Answers a client's close. Answers whether that is written.
pub(super) async fn answer(sink: &mut Sink) -> bool {
    last_words(sink, &[Frame::farewell()]).await
}

async fn last_words(sink: &mut Sink, frames: &[Frame]) -> bool {
    // A client that does not listen any more cannot be told.
    let words = async {
        sink.end_frame().await?;
        sink.write(frames).await
    };
    let written = matches!(timeout(LAST_WORDS, words).await, Ok(Ok(())));
    sink.finish();
    written
}

/// Reads off what the client still sends, until it closes too. To drop a socket with unread bytes resets it, and a reset
/// can overtake the reason just given.
pub(super) async fn await_farewell(source: &mut Source) -> Farewell {
    let mut farewell = Farewell::default();
    let _ = timeout(FAREWELL, source.read_off(&mut farewell, SILENCE)).await;
    farewell
}
