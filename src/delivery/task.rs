//! One lane's hub.

use super::feed::Feed;
use super::hub::{Message, Observer, Passing, Subscriber};
use super::subscriptions::Subscriptions;
use crate::controls::Controls;
use crate::planted;
use crate::wire::{LiveEvent, notice, shown};
use metrics::Histogram;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tidings_domain::stored::{self, DecodeError, Kind};
use tidings_domain::{Change, ConversationEvent, Event, Membership, UserId};
use tidings_eventlog::{LaneHead, Log, Recorded};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a hole may wait for the batch that another node is just publishing.
const HOLE_PATIENCE: Duration = Duration::from_millis(30);
/// Pause after a read of the log that failed.
const READ_PAUSE: Duration = Duration::from_millis(250);
/// Events read from the log at once.
const FILL_PAGE: usize = 250;

pub(super) struct HubTask {
    lane: u8,
    /// The time line that everything here belongs to.
    epoch: u32,
    log: Log,
    feed: Feed,
    /// The lane is known to reach this far.
    head: u64,
    dispatched: watch::Sender<LaneHead>,
    subscriptions: Subscriptions,
    controls: Controls,
    observer: Arc<dyn Observer>,
    /// When to read what is missing.
    fill_at: Option<Instant>,
    /// Counts the time lines that begin, over all lanes.
    time_lines: Arc<AtomicU64>,
    /// Over how long clients that must come again spread their return.
    return_ms: u64,
    /// How long ranges were on their way. Looked up once, because looking up costs more than recording.
    delivery: Histogram,
}

impl HubTask {
    pub(super) fn new(
        head: LaneHead,
        log: Log,
        dispatched: watch::Sender<LaneHead>,
        controls: Controls,
        observer: Arc<dyn Observer>,
        time_lines: Arc<AtomicU64>,
        return_ms: u64,
    ) -> Self {
        Self {
            lane: head.lane,
            epoch: head.epoch,
            log,
            feed: Feed::new(head.head),
            head: head.head,
            dispatched,
            subscriptions: Subscriptions::default(),
            controls,
            observer,
            fill_at: None,
            time_lines,
            return_ms,
            delivery: metrics::histogram!("tidings_delivery_seconds"),
        }
    }

    /// The same with connections that are there already.
    pub(super) fn with(mut self, registered: impl Iterator<Item = Subscriber>) -> Self {
        for subscriber in registered {
            self.subscriptions.register(subscriber);
        }
        self
    }

    pub(super) async fn run(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        mut passing: mpsc::Receiver<Passing>,
        stop: CancellationToken,
    ) {
        // Holes are filled however many messages come, and messages are taken however much there is to fill: in turn.
        let mut turn_of_messages = false;
        loop {
            let fill_at = self.fill_at;
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = wait_until(fill_at), if !turn_of_messages => {
                    self.fill().await;
                    turn_of_messages = true;
                }
                message = messages.recv() => match message {
                    Some(message) => {
                        self.take(message);
                        turn_of_messages = false;
                    }
                    None => return,
                },
                () = wait_until(fill_at), if turn_of_messages => self.fill().await,
                // Last, because it may be lost.
                Some(passing) = passing.recv() => self.show(passing),
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Batch { batch, room, since } => {
                // What another time line has at these positions is not here.
                if batch.epoch == self.epoch {
                    self.offer(batch.events);
                    self.delivery.record(since.elapsed());
                }
                drop(room);
            }
            Message::Head(head) if head.epoch != self.epoch => self.begin_again(head),
            Message::Head(head) => {
                self.head = self.head.max(head.head);
                if self.feed.next() <= self.head {
                    self.fill_at.get_or_insert_with(Instant::now);
                }
            }
            Message::Register(subscriber, reply) => {
                self.subscriptions.register(subscriber);
                // The connection may be gone already; it unregisters itself.
                let _ = reply.send(());
            }
            Message::Subscribe(subscriber, conversations, reply) => {
                let _ = reply.send(self.subscriptions.settle(&subscriber, conversations));
            }
            Message::Unregister(connection, user) => self.subscriptions.unregister(connection, user),
        }
    }

    fn show(&self, passing: Passing) {
        match passing {
            Passing::Receipt {
                conversation,
                audience,
                frame,
            } => self.subscriptions.receipt(conversation, &audience, &frame),
            Passing::Typing {
                conversation,
                from,
                audience,
                frame,
                onward,
            } => {
                if self.subscriptions.typing(conversation, from, &audience, &frame) {
                    onward();
                }
            }
            Passing::Typist {
                conversation,
                from,
                onward,
            } => {
                if self.subscriptions.may_type(conversation, from) {
                    onward();
                }
            }
        }
    }

    /// The log has gone back: what was dispatched may not be in it, so everybody who has been shown it comes again.
    fn begin_again(&mut self, head: LaneHead) {
        // A message from before the one that brought this time line.
        if head.epoch < self.epoch {
            return;
        }
        let known = self.feed.next() - 1;
        tracing::warn!(
            lane = self.lane,
            known,
            head = head.head,
            "the log has gone back; clients come again"
        );
        metrics::counter!("tidings_time_lines_total").increment(1);
        (self.epoch, self.head) = (head.epoch, head.head);
        self.feed = Feed::new(head.head);
        self.fill_at = None;
        // Who was connected goes on as if nothing had happened.
        if planted::is("time-line") {
            self.dispatched.send_replace(head);
            return;
        }
        // Before anybody is closed, who would note how far they have been sent.
        self.time_lines.fetch_add(1, Ordering::AcqRel);
        self.dispatched.send_replace(head);
        self.subscriptions.close_all(self.return_ms);
        self.observer.advanced(self.lane, head.head);
        self.observer.doubted();
    }

    fn offer(&mut self, batch: Arc<Vec<Recorded>>) {
        if let Some(last) = batch.last() {
            self.head = self.head.max(last.pos);
        }
        for (batch, new_from) in self.feed.offer(batch) {
            self.dispatch(&batch[new_from..]);
        }
        let known = self.feed.next() - 1;
        let place = LaneHead {
            lane: self.lane,
            head: known,
            epoch: self.epoch,
        };
        let moved = self
            .dispatched
            .send_if_modified(|before| std::mem::replace(before, place) != place);
        if moved {
            self.observer.advanced(self.lane, known);
        }
        self.fill_at = if known >= self.head {
            None
        } else {
            self.fill_at.or_else(|| Some(Instant::now() + HOLE_PATIENCE))
        };
    }

    /// Reads what is missing from the log: a hole, or everything up to the known head.
    async fn fill(&mut self) {
        let upto = self.feed.hole().map_or(self.head, |(_, to)| to);
        self.fill_at = None;
        match self
            .log
            .lane_in(self.lane, self.epoch, self.feed.next() - 1, upto, FILL_PAGE)
            .await
        {
            Ok(events) if events.is_empty() => {
                self.fill_at = Some(Instant::now() + READ_PAUSE);
                self.look_at_time_line().await;
            }
            Ok(events) => {
                metrics::counter!("tidings_hub_filled_events_total").increment(events.len() as u64);
                self.offer(Arc::new(events));
                if self.feed.next() <= self.head {
                    self.fill_at = Some(Instant::now());
                }
            }
            Err(error) => {
                tracing::debug!(lane = self.lane, %error, "the hub could not read the log");
                self.fill_at = Some(Instant::now() + READ_PAUSE);
            }
        }
    }

    /// Begins anew when the log has gone back: then what is missing is not there, and something else may be.
    async fn look_at_time_line(&mut self) {
        let lanes = self.log.heads().await.unwrap_or_default();
        let head = lanes.into_iter().find(|head| head.lane == self.lane);
        if let Some(head) = head.filter(|head| head.epoch != self.epoch) {
            self.begin_again(head);
        }
    }

    /// Shows events to those who may see them. What one conversation has of a batch goes to each connection at once: it is
    /// woken once, and writes it in one call.
    fn dispatch(&mut self, batch: &[Recorded]) {
        let mut waiting = Vec::new();
        for recorded in batch {
            if recorded.control {
                // Who sees a conversation is about to change.
                self.deliver(&mut waiting);
                self.dispatch_control(recorded);
            } else if self.subscriptions.watched(recorded.stream) {
                waiting.push(shown(recorded));
            }
            if Kind(recorded.kind).is_notice() {
                self.subscriptions
                    .notify(UserId(recorded.stream), || notice(recorded));
            }
            if Kind(recorded.kind) == Kind::SETTINGS_UPDATED {
                self.observer.settled(UserId(recorded.stream));
            }
        }
        self.deliver(&mut waiting);
    }

    /// Empties `events`. The order within a conversation stays.
    fn deliver(&self, events: &mut Vec<LiveEvent>) {
        events.sort_by_key(|event| event.conversation);
        for of_one in events.chunk_by(|one, next| one.conversation == next.conversation) {
            self.subscriptions.deliver(of_one[0].conversation, of_one);
        }
        events.clear();
    }

    /// Joins take effect before the event is shown, leaves after it. Who sees the conversation behind one that cannot be read is
    /// not known here: those who did find out anew whether they may.
    fn dispatch_control(&mut self, recorded: &Recorded) {
        let Ok(event) = self.control(recorded) else {
            let seers = self.subscriptions.doubt(recorded.stream);
            let by = UserId(recorded.actor);
            self.observer.obscured(recorded.stream, by, &seers);
            return;
        };
        if event.is_some() {
            self.observer.ruled(recorded.stream);
        }
        let membership = event
            .as_ref()
            .map_or(Membership::Unchanged, ConversationEvent::membership);
        if let Membership::Joined(joined) = membership {
            for (user, _) in joined.iter() {
                self.subscriptions.join(user, recorded.stream);
                self.observer.moved(recorded.stream, user, true);
            }
        }
        if self.subscriptions.watched(recorded.stream) {
            self.subscriptions.deliver(recorded.stream, &[shown(recorded)]);
        }
        if let Membership::Left(user) = membership {
            self.subscriptions.leave(user, recorded.stream, recorded.seq);
            self.observer.moved(recorded.stream, user, false);
        }
    }

    /// A control event, decoded where it is about a conversation; lanes are told of it.
    fn control(&self, recorded: &Recorded) -> Result<Option<ConversationEvent>, DecodeError> {
        self.controls.push(self.epoch, recorded);
        if Kind(recorded.kind) == Kind::USER_REGISTERED {
            return Ok(None);
        }
        match stored::decode(recorded.kind, recorded.ver, &recorded.payload) {
            Ok(Event::Conversation(event)) => Ok(Some(event)),
            Ok(Event::Pair(changed)) => {
                match changed.change {
                    Change::Blocked { .. } => self.observer.parted(changed.by, changed.user),
                    Change::Accepted | Change::Removed => self.observer.tied(changed.by, changed.user),
                    Change::Requested { .. } | Change::Declined { .. } | Change::Withdrawn => {}
                }
                Ok(None)
            }
            Ok(Event::Announcement(_)) => {
                self.observer.announced();
                Ok(None)
            }
            Ok(Event::User(_) | Event::Report(_) | Event::Administration(_)) => Ok(None),
            Err(error) => {
                tracing::error!(lane = self.lane, pos = recorded.pos, %error, "a control event cannot be read");
                Err(error)
            }
        }
    }
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
