//! Writes a connection: owns the sink and the cursors.
//!
//! The log is the truth and this connection a consumer of it. The writer knows the last seq that it wrote of each
//! conversation, so whatever comes in, each event goes out once, in order, without a hole.

use super::session::Shared;
use super::{Gateway, close};
use crate::hub::{LiveEvent, Subscriber, encode};
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidings_domain::{ConversationId, Cursor};
use tidings_eventlog::ReadError;
use tidings_protocol::{Close, CloseCode, Resume, ServerFrame};
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

/// Events written before the sink is flushed.
const FLUSH_EVENTS: usize = 64;
/// Events read from the log at once to fill a hole.
const FILL_PAGE: usize = 500;
/// Pause after a read that failed, while the log is away.
const PAUSE: Duration = Duration::from_millis(250);

/// Why writing ends.
pub(super) enum Stop {
    /// The client is gone or does not take anything any more.
    Gone,
    /// The reason is said first.
    Close(Close),
}

pub(super) struct Writer {
    pub(super) gateway: Arc<Gateway>,
    sink: SplitSink<WebSocket, Message>,
    pub(super) shared: Arc<Shared>,
    pub(super) subscriber: Subscriber,
    /// What the client says it has seen; taken by the first catch-up.
    pub(super) resume: Resume,
    /// The last seq written of each conversation.
    pub(super) cursors: HashMap<Uuid, u64>,
    /// Cursors that moved since they were last noted as delivered.
    pub(super) delivered: HashMap<Uuid, Cursor>,
    note_at: Instant,
    beat_at: Instant,
}

impl Writer {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        sink: SplitSink<WebSocket, Message>,
        shared: Arc<Shared>,
        subscriber: Subscriber,
        resume: Resume,
    ) -> Self {
        let now = Instant::now();
        let beat_at = now + gateway.limits.heartbeat();
        let note_at = now + Duration::from_millis(gateway.limits.delivered_ms);
        Self {
            gateway,
            sink,
            shared,
            subscriber,
            resume,
            cursors: HashMap::new(),
            delivered: HashMap::new(),
            note_at,
            beat_at,
        }
    }

    /// Writes until the connection ends.
    pub(super) async fn run(&mut self) {
        let Err(stop) = self.serve().await;
        if let Stop::Close(close) = stop {
            close::say(&mut self.sink, close).await;
        }
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Stop> {
        self.write_system().await?;
        self.catch_up_first().await?;
        self.shared.outbox.system(&ServerFrame::Synced, None);
        loop {
            let work = self.shared.outbox.take(FLUSH_EVENTS);
            if work.is_empty() {
                self.idle().await?;
                continue;
            }
            let mut frames: Vec<Utf8Bytes> = Vec::with_capacity(work.live.len());
            for event in work.live {
                self.admit(event, &mut frames).await?;
            }
            let mut permits = Vec::with_capacity(work.system.len());
            let system = work.system.into_iter().map(|system| {
                permits.push(system.permit);
                system.frame
            });
            let system: Vec<Utf8Bytes> = system.collect();
            self.write(system.into_iter().chain(frames)).await?;
            drop(permits);
            if let Some(close) = work.close {
                return Err(Stop::Close(close));
            }
            if work.lagged {
                self.catch_up_lagged().await?;
            }
            self.check_time().await?;
        }
    }

    /// Waits for something to write, or for the next heartbeat.
    async fn idle(&mut self) -> Result<(), Stop> {
        let expires_in_ms =
            self.shared.expires_at_ms.load(Ordering::Relaxed) - crate::clock::now().timestamp_millis();
        let expiry = Instant::now() + Duration::from_millis(u64::try_from(expires_in_ms).unwrap_or(0));
        tokio::select! {
            () = self.shared.outbox.woken() => Ok(()),
            () = sleep_until(self.beat_at.min(expiry)) => self.check_time().await,
        }
    }

    /// Does what is due: heartbeat, expiry of the token, delivery cursors.
    async fn check_time(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        self.check_token()?;
        if now >= self.note_at {
            self.note_delivered().await;
            self.note_at = now + Duration::from_millis(self.gateway.limits.delivered_ms);
        }
        if now >= self.beat_at {
            self.beat_at = now + self.gateway.limits.heartbeat();
            if self.gateway.suspended.borrow().contains(&self.subscriber.user.0) {
                return Err(Stop::Close(Close::new(CloseCode::Suspended)));
            }
            if self.shared.missed.fetch_add(1, Ordering::Relaxed) >= 2 {
                return Err(Stop::Close(Close::new(CloseCode::HeartbeatMissed)));
            }
            self.send(Message::Ping(Bytes::new())).await?;
        }
        Ok(())
    }

    /// Takes an event in: once, in order. Fills a hole from the log first.
    async fn admit(&mut self, event: LiveEvent, frames: &mut Vec<Utf8Bytes>) -> Result<(), Stop> {
        // The first event of a conversation that is new to this connection says where it begins.
        let last = *self
            .cursors
            .entry(event.conversation)
            .or_insert(event.seq.saturating_sub(1));
        if event.seq <= last {
            return Ok(());
        }
        let mut at = last;
        while at + 1 < event.seq {
            let missing = self
                .read_stream(event.conversation, at + 1, event.seq - 1)
                .await?;
            let Some(newest) = missing.last().map(|event| event.seq) else {
                break;
            };
            for event in missing {
                self.wrote(&event);
                frames.push(event.frame);
            }
            at = newest;
        }
        self.wrote(&event);
        frames.push(event.frame);
        Ok(())
    }

    async fn read_stream(&mut self, conversation: Uuid, from: u64, to: u64) -> Result<Vec<LiveEvent>, Stop> {
        let log = self.gateway.log.clone();
        let events = self
            .patiently(|| log.stream(conversation, from, to, FILL_PAGE))
            .await?;
        Ok(events.iter().filter_map(encode).collect())
    }

    /// Notes that an event goes out.
    pub(super) fn wrote(&mut self, event: &LiveEvent) {
        self.cursors.insert(event.conversation, event.seq);
        self.delivered.insert(
            event.conversation,
            Cursor {
                seq: event.seq,
                msg_no: event.msg_no,
            },
        );
    }

    /// Tells the user's stream how far this device has been sent.
    pub(super) async fn note_delivered(&mut self) {
        if self.delivered.is_empty() {
            return;
        }
        let moved: BTreeMap<ConversationId, Cursor> = self
            .delivered
            .drain()
            .map(|(conversation, cursor)| (ConversationId(conversation), cursor))
            .collect();
        self.gateway.cursors.delivered(self.subscriber.user, moved).await;
    }

    /// Reads, again and again while the log is away; the fast lane goes on meanwhile.
    pub(super) async fn patiently<T, R>(&mut self, read: impl Fn() -> R) -> Result<T, Stop>
    where
        R: Future<Output = Result<T, ReadError>>,
    {
        loop {
            match self.attend(read()).await? {
                Ok(found) => return Ok(found),
                Err(error) => {
                    tracing::debug!(%error, "a connection waits for the log");
                    self.attend(tokio::time::sleep(PAUSE)).await?;
                    self.check_token()?;
                }
            }
        }
    }

    /// Waits for `work` while the fast lane goes on.
    pub(super) async fn attend<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = self.shared.outbox.woken() => self.write_system().await?,
            }
        }
    }

    /// Ends a session whose token has run out.
    fn check_token(&self) -> Result<(), Stop> {
        if crate::clock::now().timestamp_millis() >= self.shared.expires_at_ms.load(Ordering::Relaxed) {
            return Err(Stop::Close(Close::new(CloseCode::NoValidToken)));
        }
        Ok(())
    }

    /// Writes the fast lane.
    pub(super) async fn write_system(&mut self) -> Result<(), Stop> {
        let system = self.shared.outbox.take_system();
        let (frames, permits): (Vec<_>, Vec<_>) = system
            .into_iter()
            .map(|system| (system.frame, system.permit))
            .unzip();
        self.write(frames.into_iter()).await?;
        drop(permits);
        if self.shared.outbox.is_closing() {
            // With nothing taken of the live events, the reason is found at once.
            if let Some(close) = self.shared.outbox.take(0).close {
                return Err(Stop::Close(close));
            }
        }
        Ok(())
    }

    /// Writes frames and flushes them. A client that does not take them in time is too slow.
    pub(super) async fn write(&mut self, frames: impl Iterator<Item = Utf8Bytes>) -> Result<(), Stop> {
        let sink = &mut self.sink;
        let writing = async {
            let mut count: u64 = 0;
            for frame in frames {
                sink.feed(Message::Text(frame)).await?;
                count += 1;
            }
            if count > 0 {
                sink.flush().await?;
            }
            Ok::<_, axum::Error>(count)
        };
        match timeout(self.gateway.limits.slow(), writing).await {
            Ok(Ok(count)) => {
                metrics::counter!("tidings_frames_written_total").increment(count);
                Ok(())
            }
            Ok(Err(_)) => Err(Stop::Gone),
            Err(_) => Err(Stop::Close(Close::new(CloseCode::TooSlow))),
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Stop> {
        match timeout(self.gateway.limits.slow(), self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stop::Gone),
            Err(_) => Err(Stop::Close(Close::new(CloseCode::TooSlow))),
        }
    }
}
