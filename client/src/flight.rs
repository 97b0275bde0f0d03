//! Commands without an answer, in the order in which they were given.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use tidings_protocol::{Ack, Action, ClientFrame, Command, ErrorFrame, Events, FETCH_EVENTS_MAX};
use tokio::{sync::oneshot, time::Instant};
use uuid::Uuid;

use crate::{CommandError, SendStatus, handle::StatusCell};

/// What a command can be answered with.
#[derive(Debug)]
pub(crate) enum Answer {
    Ack(Ack),
    Events(Events),
}

/// A command on its way from a handle to the task.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: Uuid,
    /// Encoded once, so that a repeat has the same content.
    pub(crate) text: String,
    pub(crate) answer: oneshot::Sender<Result<Answer, CommandError>>,
    pub(crate) status: StatusCell,
}

/// For whom the answer is.
enum Origin {
    User {
        answer: oneshot::Sender<Result<Answer, CommandError>>,
        status: StatusCell,
    },
    /// This library itself, to fill a hole in a conversation.
    Hole(Uuid),
}

struct Waiting {
    id: Uuid,
    text: String,
    origin: Origin,
    refusals: u32,
    sent: bool,
    deadline: Instant,
}

/// What came of an answer that belongs to a hole.
pub(crate) enum HoleAnswer {
    Filled(Events),
    /// It cannot be filled by asking.
    Refused(Uuid),
}

/// The unanswered commands. Keys rise with age, so repeats after a reconnect keep the first order.
pub(crate) struct Flight {
    waiting: BTreeMap<u64, Waiting>,
    order_of: HashMap<Uuid, u64>,
    unsent: BTreeSet<u64>,
    next_order: u64,
    timeout: Duration,
    attempts_max: u32,
    /// Until when the server wants to hear no commands.
    quiet_until: Option<Instant>,
}

impl Flight {
    pub(crate) fn new(timeout: Duration, attempts_max: u32) -> Self {
        Self {
            waiting: BTreeMap::new(),
            order_of: HashMap::new(),
            unsent: BTreeSet::new(),
            next_order: 0,
            timeout,
            attempts_max,
            quiet_until: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn add(&mut self, request: Request, now: Instant) {
        let Request {
            id,
            text,
            answer,
            status,
        } = request;
        if self.order_of.contains_key(&id) {
            status.set(SendStatus::Unknown);
            // Nobody may listen any more.
            let _ = answer.send(Err(CommandError::UnderWay));
            return;
        }
        self.insert(id, text, Origin::User { answer, status }, now);
    }

    /// Asks for the events of a hole.
    pub(crate) fn add_hole(&mut self, conversation: Uuid, from: u64, now: Instant) {
        let id = Uuid::now_v7();
        let action = Action::Fetch {
            conversation,
            from,
            limit: FETCH_EVENTS_MAX,
        };
        let text = serde_json::to_string(&ClientFrame::Command(Command { action, id }))
            .expect("maps with string keys always serialize");
        self.insert(id, text, Origin::Hole(conversation), now);
    }

    fn insert(&mut self, id: Uuid, text: String, origin: Origin, now: Instant) {
        let order = self.next_order;
        self.next_order += 1;
        let waiting = Waiting {
            id,
            text,
            origin,
            refusals: 0,
            sent: false,
            deadline: now + self.timeout,
        };
        self.waiting.insert(order, waiting);
        self.order_of.insert(id, order);
        self.unsent.insert(order);
    }

    /// The next command to put on the wire, if the server wants to hear one now; `frame_bytes` is the most
    /// that it takes.
    pub(crate) fn next_to_send(&mut self, now: Instant, frame_bytes: usize) -> Option<String> {
        if self.quiet_until.is_some_and(|until| until > now) {
            return None;
        }
        self.quiet_until = None;
        while let Some(order) = self.unsent.pop_first() {
            let Some(waiting) = self.waiting.get_mut(&order) else {
                continue;
            };
            if waiting.text.len() > frame_bytes {
                self.fail(order, CommandError::TooLarge);
                continue;
            }
            waiting.sent = true;
            if let Origin::User { status, .. } = &waiting.origin {
                status.set(SendStatus::Sent);
            }
            return Some(waiting.text.clone());
        }
        None
    }

    pub(crate) fn acked(&mut self, ack: Ack) {
        if let Some(Waiting {
            origin: Origin::User { answer, status },
            ..
        }) = self.take(ack.id)
        {
            status.set(SendStatus::Acked);
            // Nobody may listen any more.
            let _ = answer.send(Ok(Answer::Ack(ack)));
        }
    }

    pub(crate) fn fetched(&mut self, events: Events) -> Option<HoleAnswer> {
        match self.take(events.id)?.origin {
            Origin::Hole(conversation) if conversation == events.conversation => {
                Some(HoleAnswer::Filled(events))
            }
            Origin::Hole(conversation) => Some(HoleAnswer::Refused(conversation)),
            Origin::User { answer, status } => {
                status.set(SendStatus::Acked);
                // Nobody may listen any more.
                let _ = answer.send(Ok(Answer::Events(events)));
                None
            }
        }
    }

    /// A refusal. A retryable one puts the command back in its place, and keeps all later ones from the wire
    /// until the server wants to hear commands again, lest they overtake it.
    pub(crate) fn refused(&mut self, id: Uuid, error: ErrorFrame, now: Instant) -> Option<HoleAnswer> {
        let order = *self.order_of.get(&id)?;
        let waiting = self.waiting.get_mut(&order)?;
        waiting.refusals += 1;
        if error.retryable && waiting.refusals < self.attempts_max {
            let pause = Duration::from_millis(error.retry_after_ms.unwrap_or(250));
            let until = now + pause.min(self.timeout);
            self.quiet_until = Some(self.quiet_until.map_or(until, |other| other.max(until)));
            self.unsent.insert(order);
            return None;
        }
        if let Origin::Hole(conversation) = waiting.origin {
            self.take(id);
            return Some(HoleAnswer::Refused(conversation));
        }
        self.fail(order, CommandError::Refused(error));
        None
    }

    /// When [`Self::expire`] or [`Self::next_to_send`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let oldest = self.waiting.values().next().map(|waiting| waiting.deadline);
        let quiet = self.quiet_until.filter(|_| !self.unsent.is_empty());
        [oldest, quiet].into_iter().flatten().min()
    }

    /// Gives up on commands that are too old; returns the conversations of holes among them.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Uuid> {
        let mut holes = Vec::new();
        while let Some((&order, waiting)) = self.waiting.first_key_value() {
            if waiting.deadline > now {
                break;
            }
            if let Origin::Hole(conversation) = waiting.origin {
                holes.push(conversation);
            }
            let sent = waiting.sent;
            self.fail(order, CommandError::TimedOut { sent });
        }
        holes
    }

    /// The connection is gone: all that was sent must be sent again, and holes are the next `resume`'s matter.
    pub(crate) fn connection_lost(&mut self) {
        self.quiet_until = None;
        let order_of = &mut self.order_of;
        self.waiting.retain(|_, waiting| {
            let keep = matches!(waiting.origin, Origin::User { .. });
            if !keep {
                order_of.remove(&waiting.id);
            }
            keep
        });
        self.unsent = self.waiting.keys().copied().collect();
    }

    /// The connection will not come back.
    pub(crate) fn close(&mut self) {
        while let Some((&order, waiting)) = self.waiting.first_key_value() {
            let sent = waiting.sent;
            self.fail(order, CommandError::Closed { sent });
        }
    }

    fn take(&mut self, id: Uuid) -> Option<Waiting> {
        let order = self.order_of.remove(&id)?;
        self.unsent.remove(&order);
        self.waiting.remove(&order)
    }

    fn fail(&mut self, order: u64, error: CommandError) {
        let Some(waiting) = self.waiting.remove(&order) else {
            return;
        };
        self.order_of.remove(&waiting.id);
        self.unsent.remove(&order);
        if let Origin::User { answer, status } = waiting.origin {
            let unknown = error.may_have_taken_effect();
            status.set(if unknown {
                SendStatus::Unknown
            } else {
                SendStatus::Failed
            });
            // Nobody may listen any more.
            let _ = answer.send(Err(error));
        }
    }
}
