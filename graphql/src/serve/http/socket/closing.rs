//! Why a socket is closed.

use crate::errors::{Code, Refusal};
use std::borrow::Cow;
use std::time::Duration;

/// Why a connection is closed.
pub(super) enum Closing {
    /// The server stops; another connection can be made.
    GoingAway,
    InvalidMessage,
    /// An operation before the greeting.
    Unauthorized,
    /// No good token, or no longer.
    Forbidden,
    WrongProtocol,
    InitTimeout,
    Duplicate(String),
    TooManyInits,
    /// A message is longer than any may be.
    TooBig,
    /// Whether the token is good cannot be found out just now.
    TryAgain,
    /// The user begins too many connections, and may begin another after this.
    TooOften(Duration),
}

impl Closing {
    /// Why somebody is closed whose token is refused.
    pub(super) fn of(refusal: &Refusal) -> Self {
        if refusal.code == Code::Unavailable {
            Self::TryAgain
        } else {
            Self::Forbidden
        }
    }

    /// What the library means by the code that it closes with.
    pub(super) fn meant_by(code: u16) -> Self {
        match code {
            1011 => Self::Unauthorized,
            4429 => Self::TooManyInits,
            _ => Self::InvalidMessage,
        }
    }

    pub(super) fn code(&self) -> u16 {
        match self {
            Self::TooBig => 1009,
            Self::GoingAway => 1012,
            Self::TryAgain => 1013,
            // As on the other socket. Clients take codes that the protocol does not name for reasons to come back.
            Self::TooOften(_) => 4029,
            Self::InvalidMessage => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden => 4403,
            Self::WrongProtocol => 4406,
            Self::InitTimeout => 4408,
            Self::Duplicate(_) => 4409,
            Self::TooManyInits => 4429,
        }
    }

    pub(super) fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::GoingAway => "Going away".into(),
            Self::TryAgain => "Try again later".into(),
            Self::TooOften(wait) => {
                let wait_ms = wait.as_millis() + 1;
                format!("This user connects too often; again in {wait_ms} ms").into()
            }
            Self::InvalidMessage => "Invalid message received".into(),
            Self::Unauthorized => "Unauthorized".into(),
            Self::Forbidden => "Forbidden".into(),
            Self::WrongProtocol => "Subprotocol not acceptable".into(),
            Self::InitTimeout => "Connection initialisation timeout".into(),
            // A reason has 123 bytes at most.
            Self::Duplicate(id) if id.len() <= 64 => format!("Subscriber for {id} already exists").into(),
            Self::Duplicate(_) => "Subscriber already exists".into(),
            Self::TooBig => "Message too big".into(),
            Self::TooManyInits => "Too many initialisation requests".into(),
        }
    }
}
