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
    /// It cannot be filled by asking.
    Refused(Missing),
}

/// The unanswered commands. Keys rise with age, so repeats after a reconnect keep the first order.
pub(crate) struct Flight {
    waiting: BTreeMap<u64, Waiting>,
    order_of: HashMap<Uuid, u64>,
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
    /// Until when it wants to hear none of a conversation.
    paused_until: HashMap<Uuid, Instant>,
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
            paused_until: HashMap::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
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
        let waiting = Waiting {
            id,
            queue: conversation.unwrap_or(id),
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
        self.unsent.insert(order);
    }

    /// The next command to put on the wire, if the server wants to hear one now; `frame_bytes` is the most
    /// that it takes.
    pub(crate) fn next_to_send(&mut self, now: Instant, frame_bytes: usize) -> Option<Arc<str>> {
        if self.quiet_until.is_some_and(|until| until > now) {
            return None;
        }
        self.quiet_until = None;
        self.paused_until.retain(|_, until| *until > now);
        loop {
            let order = self.unsent.iter().copied().find(|order| {
                let waiting = self.waiting.get(order);
                waiting.is_none_or(|waiting| !self.paused_until.contains_key(&waiting.queue))
            })?;
            self.unsent.remove(&order);
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
        if of_field && left <= wait {
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
            if of_field || error.code == ErrorCode::Unavailable {
                let paused = self.paused_until.entry(waiting.queue).or_insert(until);
                *paused = until.max(*paused);
            } else {
                self.quiet_until = Some(self.quiet_until.map_or(until, |other| other.max(until)));
            }
            waiting.refused = Some(error);
            self.unsent.insert(order);
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
        let pauses = self
            .quiet_until
            .into_iter()
            .chain(self.paused_until.values().copied());
        let pause = pauses.min().filter(|_| !self.unsent.is_empty());
        [oldest, pause].into_iter().flatten().min()
    }

    /// Gives up on commands that are too old; returns the holes among them.
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
        self.paused_until.clear();
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
