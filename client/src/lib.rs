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
//! # Commands that are not lost
//!
//! [`connect_with`] takes a [`CommandStore`]: [`FileStore`], [`MemoryStore`], or one of the program's own. A command is in it before
//! it is sent and until it is answered, so a program that crashes and comes back sends what had no answer, under the same ids, and the log has
//! it once. [`Pending::changes`] says how far each has come.
//!
//! ```no_run
//! # async fn example(ann: uuid::Uuid, conversation: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
//! use futures_util::StreamExt as _;
//! use tidings_client::{Config, FileStore, SendStatus, connect_with};
//! use tidings_protocol::Content;
//!
//! let store = FileStore::open("commands", ann, FileStore::BYTES_MAX)?;
//! let config = Config::new("ws://127.0.0.1:8080/ws", "a.jwt.token", "laptop");
//! let (client, events, recovered) = connect_with(config, store);
//! for command in recovered {
//!     println!("was not answered yet: {}", command.kept.frame);
//! }
//! let mut changes = client.say(conversation, Content::text("hi")).await?.changes();
//! while let Some(status) = changes.next().await {
//!     match status {
//!         SendStatus::Failed { code, retryable } => println!("{code}, again later: {retryable}"),
//!         status => println!("{status:?}"),
//!     }
//! }
//! # drop(events);
//! # Ok(())
//! # }
//! ```
//!
//! # An example
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tidings_client::{Config, Incoming, connect};
//! use tidings_protocol::Content;
//!
//! let (client, mut events) = connect(Config::new("ws://127.0.0.1:8080/ws", "a.jwt.token", "laptop"));
//! let conversation = "01990000-0000-7000-8000-000000000001".parse()?;
//! let pending = client.say(conversation, Content::text("hi")).await?;
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
mod keeper;
mod queue;
mod receipts;
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
pub use handle::{Client, Pending, Recovered};
pub use incoming::{Corrections, EventStream, Incoming};
pub use state::ConnectionState;
pub use status::SendStatus;
pub use store::{CommandStore, FileStore, Kept, MemoryStore, OpenError, StoreError};
pub use tls::{Tls, TlsError};

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    handle::{Outgoing, Shape, ToStore},
    keeper::{Keeper, Settled},
};

/// Starts the connection's task and returns at once; [`Incoming::Connected`] says when it stands.
///
/// The task ends when the [`EventStream`] is dropped, when [`Client::close`] is called, or when the server or
/// the limit of attempts forbids another try. It must be called within a tokio runtime.
///
/// What was not sent ends with the program; [`connect_with`] keeps it.
pub fn connect(config: Config) -> (Client, EventStream) {
    let (requests_in, requests) = mpsc::channel(config.command_queue.max(1));
    start(config, None, requests_in, requests, None, std::future::ready(()))
}

/// The same with a store, which has every command from before it is sent until it is answered. What it has from earlier
/// connections is sent first, in the old order and with the old ids, so that what was in the log already stays there once.
///
/// Commands wait in it as long as it takes, whatever [`Config::command_timeout`] says: for days without a network, across
/// crashes of the program. One that the server refuses for good is told to its [`Pending`] and leaves the store. A store that is
/// full takes nothing until some were answered, and [`Client::send`] says so with [`CommandError::NotKept`]. Questions
/// ([`Client::fetch`]) and typing are not kept.
///
/// The store is let go when [`EventStream::close`] returns, or soon after the stream was dropped.
pub fn connect_with(config: Config, store: impl CommandStore) -> (Client, EventStream, Vec<Recovered>) {
    let (requests_in, requests) = mpsc::channel(config.command_queue.max(1));
    let (to_store, stored) = mpsc::channel(config.command_queue.max(1));
    let settled = Arc::new(Settled::default());
    let mut ready = VecDeque::new();
    let mut recovered = Vec::new();
    for kept in store.kept() {
        let text = Arc::clone(&kept.frame);
        let shape = Shape {
            conversation: kept.conversation(),
            message: kept.is_message(),
        };
        let (request, pending) = handle::request(kept.id, shape, text, Some(Arc::clone(&settled)));
        ready.push_back(request);
        recovered.push(Recovered { kept, pending });
    }
    let owner = store.user();
    let keeper = Keeper::new(store, stored, requests_in.clone(), ready, Arc::clone(&settled));
    let to_store = ToStore {
        requests: to_store,
        settled,
    };
    let (client, events) = start(config, owner, requests_in, requests, Some(to_store), keeper.run());
    (client, events, recovered)
}

/// Starts the task of a connection, with what has to run beside it.
fn start(
    config: Config,
    owner: Option<Uuid>,
    requests_in: mpsc::Sender<Outgoing>,
    requests: mpsc::Receiver<Outgoing>,
    to_store: Option<ToStore>,
    beside: impl Future<Output = ()> + Send + 'static,
) -> (Client, EventStream) {
    let (queue, events) = queue::Queue::new(config.event_queue, config.event_bytes);
    let (state, states) = watch::channel(ConnectionState::Connecting);
    let ended = CancellationToken::new();
    let client = Client::new(requests_in, to_store, states, ended.clone());
    let (had, seen) = (queue.had(), config.resume.clone());
    let counts = Arc::new(sequence::Counts::default());
    let task = task::Task::new(
        config,
        requests,
        queue,
        state,
        ended.clone(),
        Arc::clone(&counts),
        owner,
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "the stream of events that is returned ends it"
    )]
    let task = tokio::spawn(async move {
        tokio::join!(task.run(), beside);
    });
    (client, EventStream::new(events, had, seen, counts, ended, task))
}
