//! Refusals: their stable codes and the frame that carries them.

use std::{borrow::Cow, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a command was refused. The same codes stand in GraphQL's `extensions.code` and in problem+json.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Not JSON, or not an object.
    InvalidFrame,
    /// A `type` that the server does not know.
    UnknownType,
    /// A field is missing or not as it must be; `field` says which.
    InvalidArgument,
    /// No valid token.
    Unauthenticated,
    /// The user may not do this.
    Forbidden,
    /// What the command names does not exist, or the user may not know that it does.
    NotFound,
    /// The user is no member of the conversation.
    NotAMember,
    /// The id was used before with other content, or the state has moved on.
    Conflict,
    /// More bytes or items than the limits allow.
    TooLarge,
    /// This user or address asks too much.
    RateLimited,
    /// The server has too much to do.
    Overloaded,
    /// Something that the server needs is away, or the answer took too long.
    Unavailable,
    /// A code of a later version; never sent by this one.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

impl ErrorCode {
    /// Every code that this version sends.
    pub const ALL: [Self; 12] = [
        Self::InvalidFrame,
        Self::UnknownType,
        Self::InvalidArgument,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::NotAMember,
        Self::Conflict,
        Self::TooLarge,
        Self::RateLimited,
        Self::Overloaded,
        Self::Unavailable,
    ];

    /// Whether the same command may succeed later, unchanged.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::Unavailable)
    }

    /// The code as it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFrame => "invalid_frame",
            Self::UnknownType => "unknown_type",
            Self::InvalidArgument => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::NotAMember => "not_a_member",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The refusal of a command, or of a frame that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame {
    /// The id of the refused command, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub code: ErrorCode,
    /// For people; it may change.
    pub message: Cow<'static, str>,
    /// Whether the same command may succeed later, unchanged.
    pub retryable: bool,
    /// The field that is wrong, for `invalid_argument`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Cow<'static, str>>,
    /// How long to wait before a retry, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The conversation whose cursor in `resume` is ahead of the log; absent for the notices' own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Uuid>,
    /// The seq at which that log ends: where the client's cursor belongs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<u64>,
}

impl ErrorFrame {
    /// A refusal with the code's own `retryable`, without a field or a delay.
    pub fn new(id: Option<Uuid>, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            id,
            code,
            message: message.into(),
            retryable: code.retryable(),
            field: None,
            retry_after_ms: None,
            conversation: None,
            head: None,
        }
    }

    /// The same, naming the field that is wrong.
    pub fn with_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, saying where the log of a conversation ends.
    pub fn with_head(mut self, conversation: Uuid, head: u64) -> Self {
        self.conversation = Some(conversation);
        self.head = Some(head);
        self
    }

    /// The same, with where the notices end.
    pub fn with_notices_head(mut self, head: u64) -> Self {
        self.head = Some(head);
        self
    }

    /// The same, with a delay before a retry in milliseconds.
    pub fn with_retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }
}
