//! What can go wrong, and what a caller may conclude from it.

use std::time::Duration;

use tidings_protocol::{Close, CloseCode, ErrorCode, ErrorFrame};

use crate::StoreError;

/// Why a command has no good answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The server refused it; with a retryable code, until the command's time was over.
    #[error("refused with {}: {}", .0.code, .0.message)]
    Refused(ErrorFrame),
    /// No answer came in time.
    #[error("no answer in time")]
    TimedOut { sent: bool },
    /// The connection ended for good before the answer.
    #[error("the connection ended before the answer")]
    Closed { sent: bool },
    /// A command with this id waits for its answer already.
    #[error("a command with this id is under way")]
    UnderWay,
    /// It is too large for one frame of this server.
    #[error("larger than a frame may be")]
    TooLarge,
    /// The store of commands does not take it, so it is not sent.
    #[error("not kept: {0}")]
    NotKept(StoreError),
    /// The server answered something that does not fit the command.
    #[error("an answer that does not fit the command")]
    Unfit,
}

impl CommandError {
    /// Whether the same command with the same id may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(error) => error.retryable,
            Self::TimedOut { .. } | Self::Closed { .. } | Self::NotKept(_) => true,
            Self::UnderWay | Self::TooLarge | Self::Unfit => false,
        }
    }

    /// Whether it may stand in the log all the same. Sending it again with the same id tells, and is safe.
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::Refused(error) => matches!(error.code, ErrorCode::Unavailable | ErrorCode::Unknown),
            Self::TimedOut { sent } | Self::Closed { sent } => *sent,
            // What could not be written may be there after a crash all the same.
            Self::UnderWay | Self::Unfit | Self::NotKept(StoreError::Failed(_)) => true,
            Self::TooLarge | Self::NotKept(_) => false,
        }
    }

    /// The server's code; for what failed on this side, the one that comes nearest.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(error) => error.code,
            Self::TimedOut { .. } | Self::Closed { .. } | Self::NotKept(StoreError::Failed(_)) => {
                ErrorCode::Unavailable
            }
            Self::NotKept(StoreError::Full) => ErrorCode::Overloaded,
            Self::UnderWay => ErrorCode::Conflict,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Unfit => ErrorCode::Unknown,
        }
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server said so in a `close` object.
    #[error("the server closed with {}: {}", .0.code, .0.reason)]
    Closed(Close),
    /// The socket was closed with a code and no `close` object.
    #[error("the socket was closed with {code}")]
    SocketClosed { code: u16 },
    /// The `hello` was refused.
    #[error("the hello was refused with {}: {}", .0.code, .0.message)]
    HelloRefused(ErrorFrame),
    /// The server refused the upgrade with an HTTP status; `retry_after` is what it asked for.
    #[error("the server refused the upgrade with {status}")]
    UpgradeRefused {
        status: u16,
        retry_after: Option<Duration>,
    },
    /// The address is none that can be connected to.
    #[error("not an address to connect to: {0}")]
    BadAddress(String),
    /// Notices came faster than the user took them. They come again when there is room.
    #[error("more notices than there is room for")]
    Overrun,
    /// It could not be opened, or broke.
    #[error("the network failed: {0}")]
    Network(String),
    /// The server has not been heard for two and a half heartbeats, though at least 1 s and at most 10 minutes, or did not welcome in time.
    #[error("the server fell silent")]
    Silent,
    /// The provider had no token.
    #[error("no token: {0}")]
    NoToken(String),
    /// The token is of another user than the store's commands.
    #[error("the commands that are kept are of another user")]
    OtherUser,
    /// [`crate::Client::close`] was called.
    #[error("closed by this side")]
    ByUser,
}

impl DisconnectReason {
    /// Whether another try may succeed by itself.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Closed(close) => close.reconnect,
            Self::SocketClosed { code } => CloseCode::reconnects(*code),
            Self::HelloRefused(error) => error.retryable,
            // The others of this class say that the same request will be refused again.
            Self::UpgradeRefused { status, .. } => {
                !(400..500).contains(status) || [408, 425, 429].contains(status)
            }
            Self::Network(_) | Self::Silent | Self::NoToken(_) | Self::Overrun => true,
            Self::ByUser | Self::OtherUser | Self::BadAddress(_) => false,
        }
    }

    /// How long the server wants the client to stay away.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let millis = match self {
            Self::Closed(close) => close.retry_after_ms,
            Self::HelloRefused(error) => error.retry_after_ms,
            Self::UpgradeRefused { retry_after, .. } => return *retry_after,
            _ => None,
        };
        millis.map(Duration::from_millis)
    }

    /// Whether another address may do better at once than waiting would.
    pub(crate) fn blames_address(&self) -> bool {
        matches!(self, Self::UpgradeRefused { .. } | Self::BadAddress(_))
    }

    /// Whether it was about the token, so that another token may help.
    pub(crate) fn blames_token(&self) -> bool {
        let code = CloseCode::NoValidToken.code();
        match self {
            Self::Closed(close) => close.code == code,
            Self::SocketClosed { code: closed } => *closed == code,
            Self::HelloRefused(error) => error.code == ErrorCode::Unauthenticated,
            Self::UpgradeRefused { status, .. } => *status == 401,
            _ => false,
        }
    }
}
