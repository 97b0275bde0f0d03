//! Commands without an answer, in the order in which they were given.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tidings_protocol::{Ack, Action, ClientFrame, Command, ErrorCode, ErrorFrame, Events, PresenceState};
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use crate::{
    CommandError, SendStatus, keeper::Settled, receipts::Receipts, sequence::Missing, status::StatusSender,
};

/// An id for a new command, which sorts by when it was made.
#[expect(clippy::disallowed_methods, reason = "who sends a command mints its id")]
pub(crate) fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// How many commands may wait for their conversations, of which the server wants to hear nothing for now. They take no room from others.
const HELD_MAX: usize = 1_024;

/// The pause before a refused command is sent again grows from this, twofold each time, up to the other.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What a command can be answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    Ack(Ack),
    Events(Events),
    Presence(PresenceState),
}

/// A command on its way from a handle to the task.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Uuid,
    /// Commands of one conversation keep their order.
    pub(crate) conversation: Option<Uuid>,
    /// Whether it sends a message.
    pub(crate) message: bool,
    /// Encoded once, so that a repeat has the same content.
    pub(crate) text: Arc<str>,
    pub(crate) answer: oneshot::Sender<Result<Answer, CommandError>>,
    pub(crate) status: StatusSender,
    /// Hears whether the store has it.
    pub(crate) stored: Option<oneshot::Sender<Result<(), CommandError>>>,
    /// What the store hears of its answer by; `None` for what is in no store.
    pub(crate) settled: Option<Arc<Settled>>,
}

impl Request {
    /// The store has it.
    pub(crate) fn taken(&mut self) {
        if let Some(stored) = self.stored.take() {
            // Nobody may listen any more.
            let _ = stored.send(Ok(()));
        }
    }

    /// The store does not take it.
    pub(crate) fn refuse(self, error: CommandError) {
        if let Some(stored) = self.stored {
            // Nobody may listen any more.
            let _ = stored.send(Err(error));
        }
    }

    /// Nothing more becomes of it here.
    pub(crate) fn give_up(self, error: CommandError) {
        // Nobody may listen any more.
        let _ = self.answer.send(Err(error));
    }
}

/// For whom the answer is.
enum Origin {
    User {
        answer: oneshot::Sender<Result<Answer, CommandError>>,
        status: StatusSender,
        settled: Option<Arc<Settled>>,
        message: bool,
    },
    /// This library itself, to fill a hole.
    Hole(Missing),
}

struct Waiting {
    id: Uuid,
    /// What has to wait with it when it is refused for now: its conversation's commands, or it alone.
    queue: Uuid,
    text: Arc<str>,
    origin: Origin,
    refusals: u32,
    /// The last refusal, as long as it has not been sent again since.
    refused: Option<ErrorFrame>,
    sent: bool,
    /// It was sent once without an answer that rules out that it took effect.
    in_doubt: bool,
    /// What is in a store has none: it waits for its answer as long as it takes.
    deadline: Option<Instant>,
}

/// What came of an answer that belongs to a hole.
pub(crate) enum HoleAnswer {
    Filled(Events, Missing),
    /// It cannot be filled by asking, however often.
    Refused(Missing),
}

/// What the server wants to hear nothing of until then.
struct Pause {
    until: Instant,
    /// What of it is not on the wire.
    held: BTreeSet<u64>,
}

/// The unanswered commands. Keys rise with age, so repeats after a reconnect keep the first order.
pub(crate) struct Flight {
    waiting: BTreeMap<u64, Waiting>,
    order_of: HashMap<Uuid, u64>,
    /// What is to be put on the wire next. What is in neither this nor a pause is there.
    unsent: BTreeSet<u64>,
    /// Those with a deadline; the oldest has the next one.
    timed: BTreeSet<u64>,
    holes: usize,
    next_order: u64,
    timeout: Duration,
    /// Until when the server wants to hear no commands.
    quiet_until: Option<Instant>,
    /// What becomes of messages that were acked.
    pub(crate) receipts: Receipts,
    /// By conversation.
    pauses: HashMap<Uuid, Pause>,
}

impl Flight {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self {
            waiting: BTreeMap::new(),
            order_of: HashMap::new(),
            unsent: BTreeSet::new(),
            timed: BTreeSet::new(),
            holes: 0,
            next_order: 0,
            timeout,
            quiet_until: None,
            receipts: Receipts::default(),
            pauses: HashMap::new(),
        }
    }

    /// Whether another command can be taken in where `most` may be unanswered.
    pub(crate) fn has_room(&self, most: usize) -> bool {
        let held = self.held();
        held < HELD_MAX && self.waiting.len() - held < most
    }

    /// How many wait for their conversations.
    fn held(&self) -> usize {
        self.pauses.values().map(|pause| pause.held.len()).sum()
    }

    /// How many the server has, as far as is known.
    fn on_the_wire(&self) -> usize {
        self.waiting.len() - self.held() - self.unsent.len()
    }

    /// Whether a hole is being filled.
    pub(crate) fn is_filling(&self) -> bool {
        self.holes > 0
    }

    pub(crate) fn add(&mut self, request: Request, now: Instant) {
        let Request {
            id,
            conversation,
            text,
            message,
            answer,
            status,
            settled,
            ..
        } = request;
        if self.order_of.contains_key(&id) {
            let error = CommandError::UnderWay;
            status.send_replace(failed(&error));
            // Nobody may listen any more.
            let _ = answer.send(Err(error));
            return;
        }
        let origin = Origin::User {
            answer,
            status,
            settled,
            message,
        };
        self.insert(id, conversation, text, origin, now);
    }

    /// Asks for the events of a hole.
    pub(crate) fn add_hole(&mut self, missing: Missing, now: Instant) {
        let id = fresh_id();
        let Missing {
            conversation,
            from,
            limit,
        } = missing;
        let action = Action::Fetch {
            conversation,
            from,
            limit,
        };
        let text = serde_json::to_string(&ClientFrame::Command(Command { action, id }))
            .expect("maps with string keys always serialize");
        self.holes += 1;
        self.insert(id, Some(conversation), text.into(), Origin::Hole(missing), now);
    }

    fn insert(&mut self, id: Uuid, conversation: Option<Uuid>, text: Arc<str>, origin: Origin, now: Instant) {
        let order = self.next_order;
        self.next_order += 1;
        let kept = matches!(&origin, Origin::User { settled: Some(_), .. });
        if !kept {
            self.timed.insert(order);
        }
        let queue = conversation.unwrap_or(id);
        let waiting = Waiting {
            id,
            queue,
            text,
            origin,
            refusals: 0,
            refused: None,
            sent: false,
            in_doubt: false,
            deadline: (!kept).then(|| now + self.timeout),
        };
        self.waiting.insert(order, waiting);
        self.order_of.insert(id, order);
        self.put_back(order, queue);
    }

    /// What is not on the wire waits its turn, or for its conversation.
    fn put_back(&mut self, order: u64, queue: Uuid) {
        match self.pauses.get_mut(&queue) {
            Some(pause) => pause.held.insert(order),
            None => self.unsent.insert(order),
        };
    }

    /// Keeps a conversation's commands from the wire until then, at least.
    fn pause(&mut self, queue: Uuid, until: Instant) {
        if let Some(pause) = self.pauses.get_mut(&queue) {
            pause.until = until.max(pause.until);
            return;
        }
        let is_of_it = |order: &u64| {
            let waiting = self.waiting.get(order);
            waiting.is_some_and(|waiting| waiting.queue == queue)
        };
        let held: BTreeSet<u64> = self.unsent.iter().copied().filter(is_of_it).collect();
        self.unsent.retain(|order| !held.contains(order));
        self.pauses.insert(queue, Pause { until, held });
    }

    /// The next command to put on the wire, if the server wants to hear one now. It takes frames of `frame_bytes` and, unanswered,
    /// `most` commands: where that many are on the wire, the others wait for their answers.
    pub(crate) fn next_to_send(&mut self, now: Instant, frame_bytes: usize, most: usize) -> Option<Arc<str>> {
        if self.quiet_until.is_some_and(|until| until > now) {
            return None;
        }
        self.quiet_until = None;
        let unsent = &mut self.unsent;
        self.pauses.retain(|_, pause| {
            let lasts = pause.until > now;
            if !lasts {
                unsent.append(&mut pause.held);
            }
            lasts
        });
        loop {
            if self.on_the_wire() >= most {
                return None;
            }
            let order = self.unsent.pop_first()?;
            let Some(waiting) = self.waiting.get_mut(&order) else {
                continue;
            };
            if waiting.text.len() > frame_bytes {
                self.fail(order, CommandError::TooLarge);
                continue;
            }
            waiting.sent = true;
            waiting.refused = None;
            return Some(Arc::clone(&waiting.text));
        }
    }

    /// An ack is no answer to a fetch: a hole that gets one cannot be filled.
    pub(crate) fn acked(&mut self, ack: Ack) -> Option<HoleAnswer> {
        match self.take(ack.id)?.origin {
            Origin::Hole(missing) => Some(HoleAnswer::Refused(missing)),
            Origin::User {
                answer,
                status,
                settled,
                message,
            } => {
                if let Some(settled) = settled {
                    settled.push(ack.id);
                }
                status.send_replace(SendStatus::Sent);
                if message {
                    self.receipts.sent(&ack, status);
                }
                // Nobody may listen any more.
                let _ = answer.send(Ok(Answer::Ack(ack)));
                None
            }
        }
    }

    pub(crate) fn fetched(&mut self, events: Events) -> Option<HoleAnswer> {
        match self.take(events.id)?.origin {
            Origin::Hole(missing) if missing.conversation == events.conversation => {
                Some(HoleAnswer::Filled(events, missing))
            }
            Origin::Hole(missing) => Some(HoleAnswer::Refused(missing)),
            Origin::User { answer, .. } => {
                // Nobody may listen any more.
                let _ = answer.send(Ok(Answer::Events(events)));
                None
            }
        }
    }

    /// Returns what answers nothing here.
    pub(crate) fn watched(&mut self, state: PresenceState) -> Option<PresenceState> {
        let Some(waiting) = state.id.and_then(|id| self.take(id)) else {
            return Some(state);
        };
        if let Origin::User { answer, .. } = waiting.origin {
            // Nobody may listen any more.
            let _ = answer.send(Ok(Answer::Presence(state)));
        }
        None
    }

    /// A refusal. A retryable one puts the command back in its place until its time is over, and keeps those behind
    /// it from the wire, lest they overtake it: all, where the server has too much to do, else its conversation's. A rule that lets one
    /// thing happen so often keeps nobody when it says that the command's time is over before, or what would be the time of one that is kept.
    pub(crate) fn refused(&mut self, id: Uuid, error: ErrorFrame, now: Instant) -> Option<HoleAnswer> {
        let order = *self.order_of.get(&id)?;
        let waiting = self.waiting.get_mut(&order)?;
        // What it says is too much, and not how much there is.
        let of_field = error.code == ErrorCode::RateLimited && error.field.is_some();
        let wait = Duration::from_millis(error.retry_after_ms.unwrap_or(0));
        let left = waiting
            .deadline
            .map_or(self.timeout, |deadline| deadline.saturating_duration_since(now));
        let is_hole = matches!(waiting.origin, Origin::Hole(_));
        if of_field && left <= wait && !is_hole {
            self.fail(order, CommandError::Refused(error));
            return None;
        }
        if error.retryable {
            let pause = PAUSE_MIN
                .saturating_mul(1 << waiting.refusals.min(16))
                .min(PAUSE_MAX)
                .max(wait);
            let until = now + pause.min(self.timeout);
            waiting.refusals += 1;
            waiting.in_doubt |= CommandError::Refused(error.clone()).may_have_taken_effect();
            let of_queue = of_field || error.code == ErrorCode::Unavailable;
            waiting.refused = Some(error);
            let queue = waiting.queue;
            if of_queue {
                self.pause(queue, until);
            } else {
                self.quiet_until = Some(self.quiet_until.map_or(until, |other| other.max(until)));
            }
            self.put_back(order, queue);
            return None;
        }
        if let Origin::Hole(missing) = waiting.origin {
            self.take(id);
            return Some(HoleAnswer::Refused(missing));
        }
        self.fail(order, CommandError::Refused(error));
        None
    }

    /// When [`Self::expire`] or [`Self::next_to_send`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let oldest = self
            .timed
            .first()
            .and_then(|order| self.waiting.get(order)?.deadline);
        let held = self.pauses.values().filter(|pause| !pause.held.is_empty());
        let pause = match self.quiet_until {
            // Before that nothing is sent, whatever else is over.
            Some(until) => (self.on_the_wire() < self.waiting.len()).then_some(until),
            None => held.map(|pause| pause.until).min(),
        };
        [oldest, pause].into_iter().flatten().min()
    }

    /// Gives up on commands that are too old; returns the holes among them, which are still to be filled.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Missing> {
        let mut holes = Vec::new();
        while let Some(&order) = self.timed.first()
            && let Some(waiting) = self.waiting.get(&order)
        {
            if waiting.deadline.is_some_and(|deadline| deadline > now) {
                break;
            }
            if let Origin::Hole(missing) = waiting.origin {
                holes.push(missing);
            }
            let error = match &waiting.refused {
                Some(error) if !waiting.in_doubt || error.code == ErrorCode::Unavailable => {
                    CommandError::Refused(error.clone())
                }
                _ => CommandError::TimedOut { sent: waiting.sent },
            };
            self.fail(order, error);
        }
        holes
    }

    /// The connection is gone: all that was sent must be sent again, and holes are the next `resume`'s matter.
    pub(crate) fn connection_lost(&mut self) {
        self.quiet_until = None;
        self.pauses.clear();
        self.holes = 0;
        let (order_of, timed) = (&mut self.order_of, &mut self.timed);
        self.waiting.retain(|order, waiting| {
            let keep = matches!(waiting.origin, Origin::User { .. });
            if !keep {
                order_of.remove(&waiting.id);
                timed.remove(order);
            }
            waiting.in_doubt |= waiting.sent && waiting.refused.is_none();
            keep
        });
        self.unsent = self.waiting.keys().copied().collect();
    }

    /// The connection will not come back. What is in a store waits there for another one.
    pub(crate) fn close(&mut self) {
        while let Some((&order, waiting)) = self.waiting.first_key_value() {
            let sent = waiting.sent;
            self.fail(order, CommandError::Closed { sent });
        }
    }

    fn take(&mut self, id: Uuid) -> Option<Waiting> {
        let order = self.order_of.get(&id).copied()?;
        self.remove(order)
    }

    fn fail(&mut self, order: u64, error: CommandError) {
        let Some(waiting) = self.remove(order) else {
            return;
        };
        if let Origin::User {
            answer,
            status,
            settled,
            ..
        } = waiting.origin
        {
            let stays = settled.is_some() && matches!(error, CommandError::Closed { .. });
            if !stays {
                status.send_replace(failed(&error));
                if let Some(settled) = settled {
                    settled.push(waiting.id);
                }
            }
            // Nobody may listen any more.
            let _ = answer.send(Err(error));
        }
    }

    fn remove(&mut self, order: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&order)?;
        self.order_of.remove(&waiting.id);
        self.unsent.remove(&order);
        if let Some(pause) = self.pauses.get_mut(&waiting.queue) {
            pause.held.remove(&order);
        }
        self.timed.remove(&order);
        if matches!(waiting.origin, Origin::Hole(_)) {
            self.holes = self.holes.saturating_sub(1);
        }
        Some(waiting)
    }
}

fn failed(error: &CommandError) -> SendStatus {
    SendStatus::Failed {
        code: error.code(),
        retryable: error.is_retryable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::{Shape, request};

    const SLOW: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    /// How many may be unanswered.
    const MOST: usize = 4;

    fn say(flight: &mut Flight, conversation: Uuid, now: Instant) -> Uuid {
        let shape = Shape {
            conversation: Some(conversation),
            message: true,
        };
        let id = fresh_id();
        let (request, _) = request(id, shape, id.to_string().into(), None);
        flight.add(request, now);
        id
    }

    /// The ids of what goes out now.
    fn sent(flight: &mut Flight, now: Instant) -> Vec<Uuid> {
        let mut next = || flight.next_to_send(now, usize::MAX, MOST);
        std::iter::from_fn(|| next()?.parse().ok()).collect()
    }

    /// What a slow conversation is answered with, for a minute.
    fn slowly(id: Uuid) -> ErrorFrame {
        ErrorFrame::new(Some(id), ErrorCode::RateLimited, "slowly")
            .with_field("conversation")
            .with_retry_after_ms(60_000)
    }

    /// One that was refused as many messages to a slow conversation as it may send.
    fn slowed(now: Instant) -> (Flight, Vec<Uuid>) {
        let mut flight = Flight::new(Duration::from_mins(10));
        let ids: Vec<Uuid> = (0..MOST).map(|_| say(&mut flight, SLOW, now)).collect();
        assert_eq!(sent(&mut flight, now), ids);
        assert!(!flight.has_room(MOST));
        for id in &ids {
            assert!(flight.refused(*id, slowly(*id), now).is_none());
        }
        (flight, ids)
    }

    #[test]
    fn what_waits_for_its_conversation_takes_no_room_from_others_and_has_a_bound_of_its_own() {
        let now = Instant::now();
        let (mut flight, _) = slowed(now);
        for _ in MOST..HELD_MAX {
            assert!(flight.has_room(MOST));
            say(&mut flight, SLOW, now);
        }
        assert!(!flight.has_room(MOST));
        assert!(sent(&mut flight, now).is_empty());
        let other = say(&mut flight, OTHER, now);
        assert_eq!(sent(&mut flight, now), [other]);
    }

    #[test]
    fn when_the_pause_is_over_no_more_go_out_than_may_be_unanswered_and_in_the_first_order() {
        let now = Instant::now();
        let (mut flight, mut ids) = slowed(now);
        ids.extend((0..MOST).map(|_| say(&mut flight, SLOW, now)));
        let later = now + Duration::from_mins(1);
        assert_eq!(flight.next_deadline(), Some(later));
        assert_eq!(sent(&mut flight, later), ids[..MOST]);
        assert_eq!(flight.next_deadline(), Some(now + Duration::from_mins(10)));
        assert!(flight.refused(ids[0], slowly(ids[0]), later).is_none());
        assert!(sent(&mut flight, later).is_empty(), "the others of it wait again");
        flight.connection_lost();
        assert_eq!(sent(&mut flight, later), ids[..MOST]);
    }
}
