//! What the run holds of a device: it gives orders, sees how far the device has come, and takes the journal in the end.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_journal::{Journal, Micros};
use tidings_protocol::{Action, ErrorCode, ErrorFrame};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::effects::Effects;
use crate::said::Said;
use crate::scribe::Seen;

/// Orders that may wait.
const ORDERS: usize = 16;

/// A device that dawdles acts so much more rarely.
pub(crate) const DAWDLING: u32 = 10;

/// What a device is told to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Take nothing from the connection for so long.
    Stall(Duration),
    /// Take so long over each event, for so long in all.
    Slow { pause: Duration, lasts: Duration },
    /// Say much in a conversation.
    Flood { conversation: Uuid, messages: usize },
    /// End the connection, stay away for so long, and come back with what was known.
    Away(Duration),
    /// End the connection without a word, stay away for so long, and come back knowing nothing.
    Replace(Duration),
    /// Act seldom from now on, until told to rest.
    Dawdle,
    /// Say one last thing in each conversation, bring everything to an answer, and do nothing more.
    Rest,
    /// Hand over the journal, with the connection as it is.
    Finish,
}

/// A running device.
pub(crate) struct Hand {
    /// For people: who, and on what.
    pub(crate) label: String,
    pub(crate) user: Uuid,
    pub(crate) seen: Seen,
    orders: mpsc::Sender<Order>,
    /// Whether it rests, is up to date, and has nothing unanswered.
    at_rest: watch::Receiver<Option<String>>,
    task: JoinHandle<Done>,
}

/// The device's own side.
pub(crate) struct Reins {
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) at_rest: watch::Sender<Option<String>>,
}

/// What a device leaves.
pub(crate) struct Done {
    pub(crate) journal: Journal,
    pub(crate) connections: u64,
    /// What the faults that a device takes part in did to it.
    pub(crate) effects: Effects,
    pub(crate) problems: Vec<String>,
    /// Problems as well, unless the log has lost what they are about.
    pub(crate) refusals: Vec<Refusal>,
    /// Problems, by conversation, unless the person was out of it when the device did not know that yet, or the log has lost some of it.
    pub(crate) unless_out: Vec<(Uuid, String)>,
    /// How far the server said that threads were read: the conversation, what begins the thread, and up to where.
    pub(crate) read_threads: Vec<(Uuid, Uuid, u64)>,
}

/// A command that was refused for good though nothing is known against it.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// When the answer came, on the clock of the journals.
    pub(crate) at: Micros,
    /// What it is about: the conversation, and that from which a message is sent on.
    pub(crate) conversations: Vec<Uuid>,
    pub(crate) code: ErrorCode,
    message: String,
    command: &'static str,
}

impl Refusal {
    pub(crate) fn new(at: Micros, said: &Said, error: &ErrorFrame) -> Self {
        let source = match &said.action {
            Action::MessageSend(send) => send.forward.as_ref().map(|source| source.conversation),
            _ => None,
        };
        Self {
            at,
            conversations: said.action.conversation().into_iter().chain(source).collect(),
            code: error.code,
            message: error.message.to_string(),
            command: said.action.name(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conversations: Vec<String> = self.conversations.iter().map(Uuid::to_string).collect();
        write!(
            out,
            "{} of {} was refused with {} at {} µs: {}",
            self.command,
            conversations.join(" from "),
            self.code,
            self.at,
            self.message
        )
    }
}

impl Hand {
    /// Starts a device. Dropping the hand ends it.
    pub(crate) fn start<F>(label: String, user: Uuid, seen: Seen, run: impl FnOnce(Reins) -> F) -> Self
    where
        F: Future<Output = Done> + Send + 'static,
    {
        let (sender, orders) = mpsc::channel(ORDERS);
        let (standing, at_rest) = watch::channel(Some("it has not begun".to_owned()));
        let reins = Reins {
            orders,
            at_rest: standing,
        };
        Self {
            label,
            user,
            seen,
            orders: sender,
            at_rest,
            task: tokio::spawn(run(reins)),
        }
    }

    pub(crate) async fn order(&self, order: Order) {
        // A device that has ended shows when it is finished.
        let _ = self.orders.send(order).await;
    }

    pub(crate) fn is_at_rest(&self) -> bool {
        self.at_rest.borrow().is_none()
    }

    /// What it waits for, unless it is at rest.
    pub(crate) fn waits_for(&self) -> Option<String> {
        self.at_rest.borrow().clone()
    }

    pub(crate) async fn finish(mut self) -> Result<Done> {
        self.order(Order::Finish).await;
        let done = (&mut self.task).await;
        done.with_context(|| format!("{} broke", self.label))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reins {
    /// Says what it waits for, if it does.
    pub(crate) fn say_at_rest(&self, waits_for: Option<String>) {
        self.at_rest.send_if_modified(|before| {
            let is_new = *before != waits_for;
            *before = waits_for;
            is_new
        });
    }
}
