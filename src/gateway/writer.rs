//! Writes a connection: owns the sink and the cursors.
//!
//! The log is the truth and this connection a consumer of it. The writer knows the last seq that it wrote of each
//! conversation, so whatever comes in, each event goes out once, in order, without a hole.

use super::session::Shared;
use super::socket::Sink;
use super::{Frame, Gateway, close};
use crate::hub::{LiveEvent, Subscriber, encode};
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidings_domain::{ConversationId, Cursor};
use tidings_eventlog::ReadError;
use tidings_protocol::{Close, CloseCode, Resume, ServerFrame};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
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
    sink: Sink,
    pub(super) shared: Arc<Shared>,
    pub(super) subscriber: Subscriber,
    /// What the client says it has seen; taken by the first catch-up.
    pub(super) resume: Resume,
    /// The place of each conversation.
    pub(super) places: HashMap<Uuid, Place>,
    note_at: Instant,
    beat_at: Instant,
    /// Wakes the writer for what is due. Kept over the waits, since most of them end by an event.
    alarm: Pin<Box<Sleep>>,
    /// When the token runs out, as said by the session and as an instant.
    expiry: (i64, Instant),
}

/// How far a conversation has been written.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) cursor: Cursor,
    /// Whether the user's stream has been told.
    pub(super) noted: bool,
}

impl Writer {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        sink: Sink,
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
            places: HashMap::new(),
            note_at,
            beat_at,
            alarm: Box::pin(sleep_until(beat_at)),
            expiry: (0, now),
        }
    }

    /// Writes until the connection ends.
    pub(super) async fn run(&mut self) {
        let Err(stop) = self.serve().await;
        if let Stop::Close(close) = stop {
            Box::pin(close::say(&mut self.sink, close)).await;
        }
    }

    /// Answers the client's close.
    pub(super) async fn answer_close(&mut self) {
        close::answer(&mut self.sink).await;
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Stop> {
        self.write_system().await?;
        // What happens seldom is boxed: every connection has room for this future for as long as it lives.
        Box::pin(self.catch_up_first()).await?;
        self.shared.outbox.system(&ServerFrame::Synced, None);
        loop {
            let work = self.shared.outbox.take(FLUSH_EVENTS);
            if work.is_empty() {
                self.idle().await?;
                continue;
            }
            let mut frames = Vec::with_capacity(work.system.len() + work.live.len());
            let mut permits = Vec::with_capacity(work.system.len());
            for system in work.system {
                frames.push(system.frame);
                permits.push(system.permit);
            }
            for event in work.live {
                self.admit(event, &mut frames).await?;
            }
            self.write(&frames).await?;
            drop(permits);
            if let Some(close) = work.close {
                return Err(Stop::Close(close));
            }
            if work.lagged {
                Box::pin(self.catch_up_lagged()).await?;
            }
            self.check_time().await?;
        }
    }

    /// Waits for something to write, or for the next heartbeat.
    async fn idle(&mut self) -> Result<(), Stop> {
        let due = self.beat_at.min(self.expiry());
        if self.alarm.deadline() != due {
            self.alarm.as_mut().reset(due);
        }
        tokio::select! {
            () = self.shared.outbox.woken() => {
                // Whoever is ready to run now may have more for this connection: it goes out in the same write.
                tokio::task::yield_now().await;
                Ok(())
            }
            () = &mut self.alarm => self.check_time().await,
        }
    }

    /// When the token runs out.
    fn expiry(&mut self) -> Instant {
        let at_ms = self.shared.expires_at_ms.load(Ordering::Relaxed);
        if self.expiry.0 != at_ms {
            let in_ms = at_ms - crate::clock::now().timestamp_millis();
            let instant = Instant::now() + Duration::from_millis(u64::try_from(in_ms).unwrap_or(0));
            self.expiry = (at_ms, instant);
        }
        self.expiry.1
    }

    /// Does what is due: heartbeat, expiry of the token, delivery cursors.
    async fn check_time(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        self.check_token()?;
        if now >= self.note_at || now >= self.beat_at {
            Box::pin(self.do_due(now)).await?;
        }
        Ok(())
    }

    async fn do_due(&mut self, now: Instant) -> Result<(), Stop> {
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
            self.write(&[Frame::ping()]).await?;
        }
        Ok(())
    }

    /// Takes an event in: once, in order. Fills a hole from the log first.
    async fn admit(&mut self, event: LiveEvent, frames: &mut Vec<Frame>) -> Result<(), Stop> {
        // The first event of a conversation that is new to this connection says where it begins.
        let last = match self.places.get(&event.conversation) {
            Some(place) => place.cursor.seq,
            None => event.seq.saturating_sub(1),
        };
        if event.seq <= last {
            return Ok(());
        }
        let mut at = last;
        while at + 1 < event.seq {
            let missing = Box::pin(self.read_stream(event.conversation, at + 1, event.seq - 1)).await?;
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
        let place = Place {
            cursor: Cursor {
                seq: event.seq,
                msg_no: event.msg_no,
            },
            noted: false,
        };
        self.places.insert(event.conversation, place);
    }

    /// Tells the user's stream how far this device has been sent.
    pub(super) async fn note_delivered(&mut self) {
        let moved: BTreeMap<ConversationId, Cursor> = self
            .places
            .iter_mut()
            .filter_map(|(conversation, place)| {
                let noted = std::mem::replace(&mut place.noted, true);
                (!noted).then_some((ConversationId(*conversation), place.cursor))
            })
            .collect();
        if !moved.is_empty() {
            self.gateway.cursors.delivered(self.subscriber.user, moved).await;
        }
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
        self.write(&frames).await?;
        drop(permits);
        if self.shared.outbox.is_closing() {
            // With nothing taken of the live events, the reason is found at once.
            if let Some(close) = self.shared.outbox.take(0).close {
                return Err(Stop::Close(close));
            }
        }
        Ok(())
    }

    /// Writes frames. A client that does not take them in time is too slow.
    pub(super) async fn write(&mut self, frames: &[Frame]) -> Result<(), Stop> {
        if frames.is_empty() {
            return Ok(());
        }
        match self.sink.try_write(frames) {
            Ok(None) => {}
            Ok(Some(place)) => {
                let rest = self.sink.write_rest(frames, place);
                match Box::pin(timeout(self.gateway.limits.slow(), rest)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Err(Stop::Gone),
                    Err(_) => return Err(Stop::Close(Close::new(CloseCode::TooSlow))),
                }
            }
            Err(_) => return Err(Stop::Gone),
        }
        self.gateway
            .counters
            .frames_written
            .increment(frames.len() as u64);
        Ok(())
    }
}
