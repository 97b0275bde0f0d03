//! What a connection needs to know before it starts.

use std::{pin::Pin, sync::Arc, time::Duration};

use tidings_protocol::Resume;

use crate::{Backoff, Tls};

/// The settings of one connection.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Addresses like `ws://host:port/ws` or `wss://host/ws`, at least one. The first is tried first; each failed try goes on to
    /// the next.
    pub urls: Vec<String>,
    /// The same on each return of the same device, at most 64 characters.
    pub device: String,
    pub tokens: Tokens,
    /// Cursors to resume from, as [`crate::EventStream::cursors`] gave them.
    pub resume: Resume,
    pub backoff: Backoff,
    /// Whom to believe that a `wss` address is who it says.
    pub tls: Tls,
    /// How many [`crate::Incoming`] values the user's end of the queue holds.
    pub event_queue: usize,
    /// How many bytes of [`crate::Incoming`] values may wait for the user. The socket is read on behind that, so that
    /// commands are answered; events are left out then, and fetched again when half of this is free.
    pub event_bytes: usize,
    /// How many commands may wait for the task.
    pub command_queue: usize,
    /// How many commands may be unanswered at a time; the server's own limit counts too. Those that wait because the server wants to hear
    /// nothing of their conversation for now are not among them: of these there may be 1,024.
    pub in_flight_max: usize,
    /// How long a command may stay unanswered, reconnects and refusals for now included. One in a store waits for ever.
    pub command_timeout: Duration,
    /// How long the upgrade, and then the welcome, may take.
    pub connect_timeout: Duration,
}

impl Config {
    /// The usual settings, with one address and one token.
    pub fn new(url: impl Into<String>, token: impl Into<String>, device: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            device: device.into(),
            tokens: Tokens::fixed(token),
            resume: Resume::default(),
            backoff: Backoff::default(),
            tls: Tls::default(),
            event_queue: 256,
            event_bytes: 4 << 20,
            command_queue: 64,
            in_flight_max: 64,
            command_timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(10),
        }
    }
}

/// A token, and when to replace it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    pub text: String,
    /// After this the provider is asked again and a new `hello` renews the session; `None` for never.
    pub renew_in: Option<Duration>,
}

impl Token {
    /// A token that is used until the server refuses it.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            renew_in: None,
        }
    }

    /// The same, to be replaced after `delay`.
    #[must_use]
    pub fn renewed_in(mut self, delay: Duration) -> Self {
        self.renew_in = Some(delay);
        self
    }
}

/// Why a token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenReason {
    /// For a new connection.
    Connect,
    /// Because the one in use grows old.
    Renew,
    /// Because the server did not take the last one.
    Refused,
}

/// The provider has no token to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no token: {0}")]
pub struct TokenFailure(pub String);

/// What a provider returns.
pub type TokenFuture = Pin<Box<dyn Future<Output = Result<Token, TokenFailure>> + Send>>;

type Provider = Arc<dyn Fn(TokenReason) -> TokenFuture + Send + Sync>;

/// Where tokens come from.
#[derive(Clone)]
pub struct Tokens(Source);

#[derive(Clone)]
enum Source {
    Fixed(String),
    Provider(Provider),
}

impl Tokens {
    /// Always the same token. When the server does not take it, the connection ends.
    pub fn fixed(token: impl Into<String>) -> Self {
        Self(Source::Fixed(token.into()))
    }

    /// Asks `provider` before each connection, for renewal, and once more when the server refused a token.
    pub fn provider(provider: impl Fn(TokenReason) -> TokenFuture + Send + Sync + 'static) -> Self {
        Self(Source::Provider(Arc::new(provider)))
    }

    pub(crate) fn get(&self, reason: TokenReason) -> TokenFuture {
        match &self.0 {
            Source::Fixed(token) => Box::pin(std::future::ready(Ok(Token::new(token.clone())))),
            Source::Provider(provider) => provider(reason),
        }
    }

    /// Whether another try may bring another token.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self.0, Source::Provider(_))
    }
}
