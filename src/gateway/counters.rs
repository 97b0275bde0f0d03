//! Counters of what happens for every message: looked up once, because looking up costs more than counting.

use metrics::{Counter, Histogram, counter, histogram};
use tidings_protocol::{Action, Command};

/// Handles to the busiest counters of the gateway.
pub struct Counters {
    pub(super) frames_written: Counter,
    pub(super) acks: Histogram,
    messages: Counter,
}

impl Counters {
    /// Call it once the recorder is installed.
    pub fn new() -> Self {
        Self {
            frames_written: counter!("tidings_frames_written_total"),
            acks: histogram!("tidings_ack_seconds"),
            messages: counter!("tidings_commands_total", "type" => "message.send"),
        }
    }

    /// Counts a command by its type.
    pub(super) fn command(&self, command: &Command) {
        match &command.action {
            Action::MessageSend(_) => self.messages.increment(1),
            action => counter!("tidings_commands_total", "type" => action.name()).increment(1),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}
