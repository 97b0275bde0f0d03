//! Writes a connection: owns the sink and the cursors.
//!
//! The log is the truth and this connection a consumer of it. The writer knows the last seq that it wrote of each
//! conversation, so whatever comes in, each event goes out once, in order, without a hole.

mod proving;
mod waiting;

use super::places::{Admission, Places};
use super::proof::Receipts;
use super::shared::Shared;
use super::socket::Sink;
use super::timers::{Due, Timers};
use super::views::Views;
use super::{Gateway, close};
use crate::delivery::Subscriber;
use crate::planted;
use crate::wire::{Frame, LiveEvent};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tidings_domain::{ConversationId, Cursor, UserId};
use tidings_eventlog::ReadError;
use tidings_eventlog::record::lane_of;
use tidings_projections::Visible;
use tidings_protocol::{Close, CloseCode, ServerFrame};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use uuid::Uuid;

/// Events written before the sink is flushed.
const FLUSH_EVENTS: usize = 64;

/// Why writing ends.
pub(super) enum Stop {
    /// The client is gone or does not take anything any more.
    Gone,
    /// The reason is said first.
    Close(Close),
}

impl Stop {
    /// The read models lack something that somebody may have been told of already.
    pub(super) fn behind(lane: u8) -> Self {
        tracing::warn!(lane, "a connection found the read models too far behind");
        Self::Close(Close {
            reason: "read models are behind".to_owned(),
            ..Close::new(CloseCode::GoingAway).with_retry_after_ms(1000)
        })
    }
}

pub(super) struct Writer {
    pub(super) gateway: Arc<Gateway>,
    sink: Sink,
    pub(super) shared: Arc<Shared>,
    pub(super) subscriber: Subscriber,
    /// The place of each conversation.
    pub(super) places: Places,
    /// What the user sees of each.
    pub(super) views: Views,
    pub(super) receipts: Receipts,
    /// The last notice that was written, or the end of the user's stream behind it.
    pub(super) notices: u64,
    /// The first catch-up is done.
    pub(super) synced: bool,
    /// A gap was told of a conversation that the user has left.
    pub(super) owing: bool,
    /// Places have moved for events that are not written yet.
    admitted: bool,
    /// The code of the close that was said, behind everything that was written.
    said: Option<u16>,
    timers: Timers,
    /// Wakes the writer for what is due. Kept over the waits, since most of them end by an event.
    alarm: Pin<Box<Sleep>>,
}

impl Writer {
    pub(super) fn new(
        gateway: Arc<Gateway>,
        sink: Sink,
        shared: Arc<Shared>,
        subscriber: Subscriber,
    ) -> Self {
        let now = Instant::now();
        let note = Duration::from_millis(gateway.limits.delivered_ms);
        let timers = Timers::new(now, gateway.limits.heartbeat(), note);
        Self {
            gateway,
            sink,
            shared,
            subscriber,
            places: Places::default(),
            views: Views::default(),
            receipts: Receipts::new(now),
            notices: 0,
            synced: false,
            owing: false,
            admitted: false,
            said: None,
            alarm: Box::pin(sleep_until(timers.beat_at())),
            timers,
        }
    }

    /// Writes until the connection ends.
    pub(super) async fn run(&mut self) {
        let Err(stop) = self.serve().await;
        if let Stop::Close(close) = stop {
            let code = close.code;
            if Box::pin(close::say(&mut self.sink, close)).await {
                self.said = Some(code);
            }
        }
    }

    /// Answers the client's close. Answers whether that is written.
    pub(super) async fn answer_close(&mut self) -> bool {
        close::answer(&mut self.sink).await
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, Stop> {
        self.write_system().await?;
        // What happens seldom is boxed: every connection has room for this future for as long as it lives.
        Box::pin(self.catch_up_first()).await?;
        self.shared.outbox.system(&ServerFrame::Synced, None);
        let mut first = true;
        loop {
            let work = self.shared.outbox.take(FLUSH_EVENTS);
            if work.is_empty() {
                self.idle().await?;
                continue;
            }
            let mut frames = Vec::with_capacity(work.system.len() + work.live.len());
            let mut permits = Vec::with_capacity(work.system.len());
            let mut brought = vec![];
            for system in work.system {
                frames.push(system.frame);
                permits.push((system.permit, system.room));
                brought.extend(system.brought);
            }
            let answers = std::mem::take(&mut first) || permits.iter().any(|(permit, _)| permit.is_some());
            if answers && self.proof_wanted_with_answer() {
                // In front, so that whoever has read the answer has seen it.
                let ping = self.ping();
                frames.insert(0, ping);
            }
            for event in work.live {
                self.admit(event, &mut frames).await?;
            }
            if self.proof_wanted() {
                frames.push(self.ping_behind());
            }
            self.write(&frames).await?;
            self.written();
            drop(permits);
            for brought in brought {
                self.brought(&brought);
            }
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
        let expires_at_ms = self.shared.expires_at_ms.load(Ordering::Relaxed);
        let proof_at = self.receipts.due(self.gateway.limits.proof());
        let due = self
            .timers
            .wake_at(expires_at_ms, proof_at, Instant::now(), crate::clock::now());
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

    /// Does what is due: heartbeat, expiry of the token, delivery cursors.
    async fn check_time(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        self.check_token()?;
        let proof_at = self.receipts.due(self.gateway.limits.proof());
        let proof_due = proof_at.is_some_and(|due| now >= due);
        let Due { beat, note } = self.timers.due(now);
        if note {
            self.note_delivered();
        }
        if beat && self.shared.missed.fetch_add(1, Ordering::Relaxed) >= 2 {
            return Err(Stop::Close(Close::new(CloseCode::HeartbeatMissed)));
        }
        if beat || (proof_due && self.proof_wanted()) {
            let ping = self.ping();
            // Boxed, like all that happens seldom.
            Box::pin(self.write(&[ping])).await?;
        }
        Ok(())
    }

    /// Takes an event in: once, in order. Fills a hole from the log first.
    async fn admit(&mut self, event: LiveEvent, frames: &mut Vec<Frame>) -> Result<(), Stop> {
        if event.conversation == self.subscriber.user.0 {
            self.admit_notice(event, frames);
            return Ok(());
        }
        // The user's own joining says where a conversation begins that is new to this connection; no other event does.
        let user = self.subscriber.user;
        let mut admission = self.places.admission(&event, || begins(&event, user));
        if admission == Admission::Unknown {
            let before = std::mem::take(frames);
            self.write(&before).await?;
            self.written();
            Box::pin(self.catch_up_lagged()).await?;
            admission = self.places.admission(&event, || false);
        }
        match admission {
            Admission::Next => {}
            Admission::Old | Admission::Unknown => return Ok(()),
            Admission::Behind(hole) => {
                // What was admitted goes out first, so that no more than a page waits.
                let before = std::mem::take(frames);
                self.write(&before).await?;
                self.written();
                let (conversation, from, _) = hole;
                let is_back = event.joins == Some(user);
                if is_back && Box::pin(self.visible_from(conversation)).await? > from {
                    // Not all that was said while they were out is theirs: they are told what is left out.
                    Box::pin(self.catch_up_lagged()).await?;
                } else {
                    Box::pin(self.write_ranges(vec![hole])).await?;
                }
                match self.places.admission(&event, || false) {
                    Admission::Next => {}
                    Admission::Old if is_back => return Ok(()),
                    _ => return Err(Stop::Close(gone_back())),
                }
            }
        }
        if event.joins == Some(user) {
            self.views.joined(event.conversation, event.seq);
        }
        if event.edits.is_some() {
            Box::pin(self.look(&event, frames)).await?;
        }
        self.admit_place(&event);
        if planted::is("hole") && event.seq.is_multiple_of(20) {
            return Ok(());
        }
        if planted::is("repeat") && event.seq.is_multiple_of(20) {
            frames.push(event.frame.clone());
        }
        let last = frames.len().saturating_sub(usize::from(planted::is("reorder")));
        frames.insert(last, self.in_view(event));
        Ok(())
    }

    /// Makes sure that it is known whether the user sees the message that an event edits. What was admitted before goes out first.
    pub(super) async fn look(&mut self, event: &LiveEvent, frames: &mut Vec<Frame>) -> Result<(), Stop> {
        let Some(edits) = &event.edits else {
            return Ok(());
        };
        let is_known = |views: &Views| {
            let shows = views.shows(event.conversation, edits.message_seq, event.seq);
            shows.is_some()
        };
        if is_known(&self.views) {
            return Ok(());
        }
        let before = std::mem::take(frames);
        self.write(&before).await?;
        self.written();
        self.visible_from(event.conversation).await?;
        if !is_known(&self.views) {
            let visible = Box::pin(self.saw(event.conversation)).await?;
            self.views.note(event.conversation, visible);
        }
        Ok(())
    }

    /// An event as the user sees it. In doubt they do not see what it edits.
    pub(super) fn in_view(&self, event: LiveEvent) -> Frame {
        let Some(edits) = &event.edits else {
            return event.frame;
        };
        let shows = self.views.shows(event.conversation, edits.message_seq, event.seq);
        if shows == Some(true) {
            event.frame
        } else {
            edits.withheld.clone()
        }
    }

    /// The first seq of a conversation that the user sees by their latest membership, or saw while they were in: what comes live is of that
    /// one.
    async fn visible_from(&mut self, conversation: Uuid) -> Result<u64, Stop> {
        let (gateway, user) = (Arc::clone(&self.gateway), self.subscriber.user);
        let seen = self.patiently(|| seen_from(&gateway, conversation, user)).await?;
        if let Some(visible_from) = seen {
            self.views.note_latest(conversation, visible_from);
            return Ok(visible_from);
        }
        let visible = Box::pin(self.saw(conversation)).await?;
        let visible_from = visible.latest();
        self.views.note(conversation, visible);
        Ok(visible_from)
    }

    /// What the user saw of a conversation that they have left, while events from before still come to them: nothing, where nothing is known
    /// of them there.
    async fn saw(&mut self, conversation: Uuid) -> Result<Visible, Stop> {
        let lane = lane_of(conversation);
        let mut known = self.gateway.hub.places();
        known.retain(|place| place.lane == lane);
        let (memberships, _) = self.vouched(&known, &[]).await?;
        let mut memberships = memberships.into_iter();
        let membership = memberships.find(|membership| membership.conversation == conversation);
        Ok(membership.map_or_else(|| Visible::since(u64::MAX), |membership| membership.visible))
    }

    /// Moves a conversation's place for an event that is about to be written.
    pub(super) fn admit_place(&mut self, event: &LiveEvent) {
        self.admitted = true;
        let cursor = Cursor {
            seq: event.seq,
            msg_no: event.msg_no,
        };
        self.open_place(event.conversation, cursor);
    }

    /// What was admitted is written.
    pub(super) fn written(&mut self) {
        self.admitted = false;
    }

    /// Writes the fast lane.
    pub(super) async fn write_system(&mut self) -> Result<(), Stop> {
        let system = self.shared.outbox.take_system();
        let mut frames = Vec::with_capacity(system.len());
        let mut permits = Vec::with_capacity(system.len());
        let mut brought = vec![];
        for system in system {
            frames.push(system.frame);
            permits.push((system.permit, system.room));
            brought.extend(system.brought);
        }
        self.write(&frames).await?;
        drop(permits);
        for brought in brought {
            self.brought(&brought);
        }
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
            Ok(Some(mut place)) => {
                let rest = self.sink.write_rest(frames, &mut place);
                match Box::pin(timeout(self.gateway.limits.slow(), rest)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Err(Stop::Gone),
                    Err(_) => {
                        self.sink.give_up(frames, &place);
                        return Err(Stop::Close(Close::new(CloseCode::TooSlow)));
                    }
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

/// Another log has taken the place of the one that the node still has events of: they fit nothing that it reads.
pub(super) fn gone_back() -> Close {
    Close {
        reason: "the log has gone back".to_owned(),
        ..Close::new(CloseCode::GoingAway).with_retry_after_ms(1000)
    }
}

/// The first seq of a conversation that `user` sees, by the log; `None` for somebody who is no member.
async fn seen_from(gateway: &Gateway, conversation: Uuid, user: UserId) -> Result<Option<u64>, ReadError> {
    match gateway
        .lanes
        .authorize(ConversationId(conversation), user, true)
        .await
    {
        Ok(seat) => Ok(Some(seat.visible_from)),
        Err(refusal) if refusal.is_for_strangers() => Ok(None),
        Err(refusal) => Err(ReadError::Database(refusal.to_string())),
    }
}

/// Whether an event makes `user` a member of its conversation, or is its first, which is shown to those alone whom it makes
/// members.
fn begins(event: &LiveEvent, user: UserId) -> bool {
    event.seq == 1 || event.joins == Some(user)
}
