//! Why the server ends a connection, and whether to come back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The close codes of this protocol. 4000 to 4499: reconnect and resume; 4500 to 4999: do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The server drains.
    GoingAway,
    /// The client reads too slowly.
    TooSlow,
    /// Two heartbeats went unanswered.
    HeartbeatMissed,
    /// No `hello` came in time.
    NoHello,
    /// It went on after repeated `rate_limited`.
    Flooding,
    /// The client broke the protocol.
    ProtocolViolation,
    /// No valid token, or it expired and was not renewed.
    NoValidToken,
    /// The account is suspended.
    Suspended,
    /// A frame was larger than `limits.frame_bytes`.
    FrameTooBig,
}

impl CloseCode {
    /// Every code that this version sends.
    pub const ALL: [Self; 9] = [
        Self::GoingAway,
        Self::TooSlow,
        Self::HeartbeatMissed,
        Self::NoHello,
        Self::Flooding,
        Self::ProtocolViolation,
        Self::NoValidToken,
        Self::Suspended,
        Self::FrameTooBig,
    ];

    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 4000,
            Self::TooSlow => 4001,
            Self::HeartbeatMissed => 4002,
            Self::NoHello => 4003,
            Self::Flooding => 4029,
            Self::ProtocolViolation => 4500,
            Self::NoValidToken => 4501,
            Self::Suspended => 4503,
            Self::FrameTooBig => 1009,
        }
    }

    /// A short English reason for the close frame (at most 123 bytes).
    pub const fn reason(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::TooSlow => "too slow",
            Self::HeartbeatMissed => "heartbeat missed",
            Self::NoHello => "no hello in time",
            Self::Flooding => "flooding",
            Self::ProtocolViolation => "protocol violation",
            Self::NoValidToken => "no valid token",
            Self::Suspended => "suspended",
            Self::FrameTooBig => "frame too big",
        }
    }

    /// The named code of a number, if this version has a name for it.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether a client comes back by itself after this.
    pub const fn reconnect(self) -> bool {
        Self::reconnects(self.code())
    }

    /// The same for any number. Codes outside of the protocol's own ranges (a proxy's 1001, a lost network)
    /// say nothing against coming back, except those that blame what the client sent.
    pub const fn reconnects(code: u16) -> bool {
        !matches!(code, 4500..=4999 | 1002 | 1003 | 1007 | 1008 | 1009)
    }
}

/// The last object on a connection, where the server still can send it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Close {
    /// The code of the WebSocket close frame that follows.
    pub code: u16,
    pub reason: String,
    /// Whether to come back and resume.
    pub reconnect: bool,
    /// How long to stay away, in milliseconds; spread so that clients do not return together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Close {
    /// The frame of a code, without a delay.
    pub fn new(code: CloseCode) -> Self {
        Self {
            code: code.code(),
            reason: code.reason().to_owned(),
            reconnect: code.reconnect(),
            retry_after_ms: None,
        }
    }

    /// The same, with a delay before the return in milliseconds.
    pub fn with_retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }
}
