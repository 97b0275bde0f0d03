//! The client library: one connection that comes back by itself.
//!
//! [`connect`] starts one task that owns the socket. [`Client`] is a cheap handle that sends commands through
//! it; [`Incoming`] values come out of [`EventStream`] in order: per conversation no event is missing or
//! repeated, across reconnects too, except where a [`Incoming::Gap`] says so. A command that was not answered
//! when the connection broke is sent again with its id, so it takes effect once.
//!
//! Acks come however slow events are taken, so a program may await one while it handles an event. What waits for it
//! meanwhile is bounded by [`Config::event_bytes`]; events beyond that are fetched again when there is room.
//!
//! The server forgets what it has proof that this device received. Its pings are answered when everything in front of them
//! has been taken out of the stream, and not before: what dies in this library's memory is sent again, to this device or to another.
//! So a program that must not lose what was in its own memory stores [`EventStream::cursors`] and resumes from them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tidings_client::{Config, Incoming, connect};
//! use tidings_protocol::{Action, Content};
//!
//! let (client, mut events) = connect(Config::new("ws://127.0.0.1:8080/ws", "a.jwt.token", "laptop"));
//! let conversation = "01990000-0000-7000-8000-000000000001".parse()?;
//! let text = Action::MessageSend { conversation, content: Content::text("hi"), reply_to: None, mentions: vec![] };
//! let pending = client.send(text).await?;
//! // The command's id is the message's; what refers to it may follow at once.
//! client.react(conversation, pending.id(), "👍", true).await?;
//! while let Some(incoming) = events.next().await {
//!     if let Incoming::Event(event) = incoming {
//!         println!("{} {:?}", event.seq, event.decode());
//!         break;
//!     }
//! }
//! println!("durable as seq {}", pending.await?.seq);
//! client.close();
//! # Ok(())
//! # }
//! ```
//!
//! Files go over HTTP and not over the connection: what `POST /attachments` answers as `id` is what a message shows, by
//! [`Content::image`](tidings_protocol::Content::image) or [`Content::file`](tidings_protocol::Content::file).

mod backoff;
mod config;
mod error;
mod flight;
mod handle;
mod hello;
mod incoming;
mod queue;
mod sequence;
mod socket;
mod state;
mod status;
mod store;
mod task;
mod tls;

pub use backoff::Backoff;
pub use config::{Config, Token, TokenFailure, TokenFuture, TokenReason, Tokens};
pub use error::{CommandError, DisconnectReason};
pub use handle::{Client, Pending};
pub use incoming::{Corrections, EventStream, Incoming};
pub use state::ConnectionState;
pub use status::SendStatus;
pub use store::{CommandStore, FileStore, Kept, MemoryStore, OpenError, StoreError};
pub use tls::{Tls, TlsError};

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Starts the connection's task and returns at once; [`Incoming::Connected`] says when it stands.
///
/// The task ends when the [`EventStream`] is dropped, when [`Client::close`] is called, or when the server or
/// the limit of attempts forbids another try. It must be called within a tokio runtime.
pub fn connect(config: Config) -> (Client, EventStream) {
    let (requests_in, requests) = mpsc::channel(config.command_queue.max(1));
    let (queue, events) = queue::Queue::new(config.event_queue, config.event_bytes);
    let (state, states) = watch::channel(ConnectionState::Connecting);
    let ended = CancellationToken::new();
    let client = Client::new(requests_in, states, ended.clone());
    let (had, seen) = (queue.had(), config.resume.clone());
    let counts = Arc::new(sequence::Counts::default());
    let task = task::Task::new(config, requests, queue, state, ended.clone(), Arc::clone(&counts));
    #[expect(
        clippy::disallowed_methods,
        reason = "the stream of events that is returned ends it"
    )]
    let task = tokio::spawn(task.run());
    (client, EventStream::new(events, had, seen, counts, ended, task))
}
