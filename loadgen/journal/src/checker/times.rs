//! When each event of the log was certainly there.

use super::found::Line;
use crate::export::{Export, Place};
use crate::record::Micros;

/// By conversation and seq.
pub(super) struct Times {
    known: Vec<Vec<Known>>,
}

/// The first time that a client was told of an event, by an ack or a delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) at: Micros,
    journal: u32,
    line: u32,
}

impl Known {
    const NEVER: Self = Self {
        at: Micros::MAX,
        journal: 0,
        line: 0,
    };

    pub(super) fn line(&self) -> Line {
        Line::Journal {
            journal: self.journal,
            line: self.line,
        }
    }
}

impl Times {
    pub(super) fn new(export: &Export) -> Self {
        let conversations = export.conversations.iter();
        Self {
            known: conversations
                .map(|conversation| vec![Known::NEVER; conversation.entries.len()])
                .collect(),
        }
    }

    /// Somebody knows of the event. The place is one of the log.
    pub(super) fn learn(&mut self, place: Place, at: Micros, journal: u32, line: u32) {
        let known = &mut self.known[place.conversation as usize][place.seq as usize - 1];
        if at < known.at {
            *known = Known { at, journal, line };
        }
    }

    /// By seq - 1.
    pub(super) fn of(&self, conversation: u32) -> &[Known] {
        &self.known[conversation as usize]
    }
}
