//! What comes in from a client, frame by frame.

use super::close;
use super::socket::Source;
use bytes::Bytes;
use tidings_protocol::CloseCode;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// What came in.
pub(super) enum Incoming {
    Text(Utf8Bytes),
    Ping(Bytes),
    Pong(Bytes),
    /// The client closes.
    Closed {
        clean: bool,
    },
    Gone,
    Violation(CloseCode),
}

/// Reads one frame.
pub(super) async fn incoming(source: &mut Source) -> Incoming {
    match source.next().await {
        Ok(Message::Text(text)) => Incoming::Text(text),
        Ok(Message::Ping(payload)) => Incoming::Ping(payload),
        Ok(Message::Pong(payload)) => Incoming::Pong(payload),
        Ok(Message::Close(close)) => Incoming::Closed {
            clean: close::is_clean(close.as_ref()),
        },
        Err(Error::Capacity(_)) => Incoming::Violation(CloseCode::FrameTooBig),
        // That the stream ended without a close is the network's doing.
        Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Incoming::Gone,
        Ok(Message::Binary(_) | Message::Frame(_)) | Err(Error::Utf8(_) | Error::Protocol(_)) => {
            Incoming::Violation(CloseCode::ProtocolViolation)
        }
        Err(_) => Incoming::Gone,
    }
}
