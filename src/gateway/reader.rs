//! Reads a connection: frames, objects, commands; one after the other, so that they take effect in the order sent.

mod aside;
mod commands;
mod hello;
mod hiding;
mod marks;
mod pairs;
mod presence;
mod reads;
mod reports;

use super::Gateway;
use super::costs::cost;
use super::handshake::Renewal;
use super::incoming::{Incoming, incoming};
use super::logins::Login;
use super::registry::Registered;
use super::reply::Reply;
use super::shared::{ReaderEnd, Shared};
use super::socket::Source;
use super::voices::Typed;
use crate::announcements::Here;
use crate::presence::Arrived;
use aside::Aside;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidings_domain::{ConversationId, UserId};
use tidings_protocol::{
    ClientFrame, Close, CloseCode, ErrorCode, ErrorFrame, ServerFrame, parse_spelled, split_frame,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// Reads without an answer that a connection may have, and what it has [aside]; more are refused for rate. They do not count as commands in flight,
/// for they wait to be gathered, or for read models.
pub(super) const READS_IN_FLIGHT: u32 = 1024;
/// What is added to the time after which a refused command would be let through.
const LIMITED_MS: u64 = 100;
/// How long whoever floods stays away, at least.
const FLOODED_MS: u64 = 5_000;
/// Objects handled before other connections of the same thread get their turn.
const TURN: u32 = 64;

pub(super) struct Reader {
    gateway: Arc<Gateway>,
    pub(super) source: Source,
    shared: Arc<Shared>,
    registered: Registered,
    /// For as long as it lives, the user is there.
    arrived: Arrived,
    /// The same: announcements are told to those who are here.
    _here: Here,
    user: UserId,
    session: Uuid,
    /// Reads that are being handed on. What may change the reader's membership waits for them.
    reading: JoinSet<()>,
    /// What cannot be handed on yet.
    aside: Aside,
    renewal: Renewal,
    login: Login,
    /// Refusals for rate above acceptances.
    flood: u32,
}

impl Reader {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        source: Source,
        shared: Arc<Shared>,
        (registered, arrived, here): (Registered, Arrived, Here),
        session: Uuid,
        renewal: Renewal,
        login: Login,
    ) -> Self {
        let user = registered.connection.user;
        Self {
            gateway,
            source,
            shared,
            registered,
            arrived,
            _here: here,
            user,
            session,
            reading: JoinSet::new(),
            aside: Aside::default(),
            renewal,
            login,
            flood: 0,
        }
    }

    /// Reads until the client is gone, breaks the rules, or the connection is asked to stop.
    pub(super) async fn run(&mut self, first: Vec<String>) -> ReaderEnd {
        let Err(end) = self.read_frames(first).await;
        end
    }

    /// What was asked for before the end is done behind it: it waits for a lane, which always answers, or for read models, and not for long.
    pub(super) fn detach_all(&mut self) {
        self.reading.detach_all();
        self.aside.detach_all();
    }

    async fn read_frames(&mut self, first: Vec<String>) -> Result<Infallible, ReaderEnd> {
        for object in first {
            Box::pin(self.object(&object)).await?;
        }
        let stop = self.shared.stop_reading.clone();
        let mut turn = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(ReaderEnd::Stopped),
                next = incoming(&mut self.source) => next,
            };
            self.shared.missed.store(0, Ordering::Relaxed);
            match next {
                Incoming::Text(text) => {
                    if split_frame(&text).next().is_none() && !self.afford()? {
                        continue;
                    }
                    for object in split_frame(&text) {
                        if self.shared.outbox.is_closing() {
                            return Err(ReaderEnd::Stopped);
                        }
                        // Boxed, because idle connections would have room for it all their life.
                        Box::pin(self.object(object)).await?;
                        turn += 1;
                        if turn % TURN == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                }
                Incoming::Ping(payload) => {
                    if self.afford()? {
                        self.shared.outbox.pong(&payload);
                    }
                }
                Incoming::Pong(payload) => {
                    if !self.shared.answered.pong(&payload) {
                        self.afford()?;
                    }
                }
                Incoming::Closed { clean } => return Err(ReaderEnd::Closed { clean }),
                Incoming::Gone => return Err(ReaderEnd::Gone),
                Incoming::Violation(code) => return Err(ReaderEnd::Violation(Close::new(code))),
            }
        }
    }

    async fn object(&mut self, object: &str) -> Result<(), ReaderEnd> {
        // Taken before anything else: a client that does not read its answers is not read either.
        let permit = self.permit(1).await?;
        let (parsed, spelled) = parse_spelled(object);
        let reply = Reply {
            outbox: Arc::clone(&self.shared.outbox),
            spelled,
            permit,
        };
        let cost = cost(&parsed, &self.gateway.sizes, Instant::now());
        if let Err(wait) = self.registered.budget.take(cost.units) {
            return self.limited(&parsed, wait, reply);
        }
        if let Some(conversation) = cost.unknown {
            self.ask_size(ConversationId(conversation));
        }
        self.flood = self.flood.saturating_sub(1);
        match parsed {
            Ok(ClientFrame::Command(command)) => {
                self.gateway.counters.command(&command);
                self.command(command, reply).await
            }
            Ok(ClientFrame::Typing { conversation, on }) => {
                self.typing(ConversationId(conversation), on);
                Ok(())
            }
            Ok(ClientFrame::Status { value }) => {
                self.status(value);
                Ok(())
            }
            Ok(ClientFrame::Ping { id }) => {
                self.shared.answered.prompt();
                reply.send(&ServerFrame::Pong { id });
                Ok(())
            }
            Ok(ClientFrame::Hello(hello)) => Box::pin(self.renew(hello, reply)).await,
            Ok(ClientFrame::Resume(part)) => {
                self.resume(part, reply);
                Ok(())
            }
            Err(error) => {
                metrics::counter!("tidings_refused_objects_total", "code" => error.code().as_str())
                    .increment(1);
                reply.refuse(error.into());
                Ok(())
            }
        }
    }

    /// Pays for a frame that holds no object. Answers whether it is worth anything; too many that are not end the connection.
    fn afford(&mut self) -> Result<bool, ReaderEnd> {
        let Err(wait) = self.registered.budget.take(NonZeroU32::MIN) else {
            self.flood = self.flood.saturating_sub(1);
            return Ok(true);
        };
        self.floods(wait)?;
        Ok(false)
    }

    /// Counts a refusal for rate, which would have been none after `wait`. Too many of them end the connection.
    fn floods(&mut self, wait: Duration) -> Result<(), ReaderEnd> {
        self.flood += 1;
        if self.flood <= self.gateway.limits.flood {
            return Ok(());
        }
        let close = Close::new(CloseCode::Flooding);
        let away_ms = FLOODED_MS.max(wait.as_millis() as u64);
        Err(ReaderEnd::Violation(close.with_retry_after_ms(away_ms)))
    }

    async fn permit(&self, weight: u32) -> Result<OwnedSemaphorePermit, ReaderEnd> {
        let acquired = Arc::clone(&self.shared.in_flight).acquire_many_owned(weight);
        tokio::select! {
            biased;
            () = self.shared.stop_reading.cancelled() => Err(ReaderEnd::Stopped),
            permit = acquired => permit.map_err(|_| ReaderEnd::Stopped),
        }
    }

    fn limited(
        &mut self,
        parsed: &Result<ClientFrame, tidings_protocol::ParseError>,
        wait: Duration,
        reply: Reply,
    ) -> Result<(), ReaderEnd> {
        metrics::counter!("tidings_rate_limited_total").increment(1);
        self.floods(wait)?;
        let id = match parsed {
            Ok(ClientFrame::Command(command)) => Some(command.id),
            Ok(ClientFrame::Ping { id }) => *id,
            // Ephemeral, and never answered.
            Ok(ClientFrame::Typing { .. } | ClientFrame::Status { .. }) => return Ok(()),
            Ok(ClientFrame::Hello(_) | ClientFrame::Resume(_)) => None,
            Err(error) => error.id(),
        };
        let wait_ms = wait.as_millis() as u64 + LIMITED_MS;
        let refusal =
            ErrorFrame::new(id, ErrorCode::RateLimited, "too many commands").with_retry_after_ms(wait_ms);
        reply.refuse(refusal);
        Ok(())
    }

    /// Shows that the user types, unless that is no news.
    fn typing(&self, conversation: ConversationId, on: bool) {
        let (user, connection) = (self.user, self.registered.connection.id);
        if self
            .gateway
            .typing
            .is_news(user, conversation, on, Instant::now())
        {
            self.gateway.hearing.typing(Typed {
                user,
                conversation,
                connection,
                on,
            });
        }
    }
}
