//! The messages of `graphql-transport-ws`, and its reasons to close.

use crate::errors::{Code, Refusal};
use crate::serve::http::payload::Payload;
use async_graphql::{Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// What a client may say.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromClient {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Value>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Value>,
    },
    Pong,
    Subscribe {
        id: String,
        payload: Payload,
    },
    Complete {
        id: String,
    },
}

/// What a client is told.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToClient<'a> {
    ConnectionAck,
    Ping,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

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
}

impl Closing {
    pub(super) fn of(refusal: &Refusal) -> Self {
        if refusal.code == Code::Unavailable {
            Self::TryAgain
        } else {
            Self::Forbidden
        }
    }

    pub(super) fn code(&self) -> u16 {
        match self {
            Self::TooBig => 1009,
            Self::GoingAway => 1012,
            Self::TryAgain => 1013,
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
