//! What is still on its way, over all people: the run rests when everybody has everything that was promised.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// Shared by all people of a run.
#[derive(Default)]
pub(crate) struct Board {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The readers of each conversation, by their index.
    readers: HashMap<String, Vec<usize>>,
    /// What was promised to a reader and has not come.
    owed: HashSet<(usize, Uuid)>,
    delivered: HashSet<(usize, Uuid)>,
    /// People who do not rest.
    busy: HashSet<usize>,
    counts: Counts,
    /// Why the server ended the first connection that it did.
    reason: Option<String>,
}

/// What has happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages, each counted once.
    pub sent: u64,
    /// Sends of a message that was sent before.
    pub repeated: u64,
    pub acked: u64,
    pub refused: u64,
    pub delivered: u64,
    pub connections: u64,
    /// Connections that the server ended.
    pub broken: u64,
    /// Repeats and holes that never reached the journals; see [`crate::Session::corrections`].
    pub corrected: u64,
}

impl Board {
    pub(crate) fn new(readers: HashMap<String, Vec<usize>>, people: usize) -> Self {
        Self {
            state: Mutex::new(State {
                readers,
                busy: (0..people).collect(),
                ..State::default()
            }),
        }
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.state().counts);
    }

    /// The server has ended a connection.
    pub(crate) fn broken(&self, reason: &str) {
        let mut state = self.state();
        state.counts.broken += 1;
        state.reason.get_or_insert_with(|| reason.to_owned());
    }

    /// Why the server ended a connection, if it ever did.
    pub(crate) fn reason(&self) -> Option<String> {
        self.state().reason.clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts
    }

    /// A message is promised to all readers of its conversation, because it was acked or is stored.
    pub(crate) fn promised(&self, conversation: &str, id: Uuid) {
        let mut state = self.state();
        for reader in state.readers.get(conversation).cloned().unwrap_or_default() {
            if !state.delivered.contains(&(reader, id)) {
                state.owed.insert((reader, id));
            }
        }
    }

    pub(crate) fn delivered(&self, reader: usize, id: Uuid) {
        let mut state = self.state();
        state.counts.delivered += 1;
        state.owed.remove(&(reader, id));
        state.delivered.insert((reader, id));
    }

    /// Says whether a person has nothing left to do or to wait for.
    pub(crate) fn rests(&self, person: usize, rests: bool) {
        let busy = &mut self.state().busy;
        if rests {
            busy.remove(&person);
        } else {
            busy.insert(person);
        }
    }

    /// What keeps the run from resting, in words; none when it rests.
    pub(crate) fn restless(&self) -> Option<String> {
        let state = self.state();
        let (busy, owed) = (state.busy.len(), state.owed.len());
        (busy + owed > 0).then(|| format!("{busy} people busy, {owed} promised deliveries missing"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_rests_when_every_reader_has_what_was_promised() {
        let board = Board::new([("c".to_owned(), vec![0, 1])].into(), 2);
        let id = Uuid::from_u128(1);
        board.rests(0, true);
        board.delivered(1, id);
        board.promised("c", id);
        board.rests(1, true);
        assert!(board.restless().is_some(), "the other reader waits");
        board.delivered(0, id);
        assert_eq!(board.restless(), None);
        board.rests(0, false);
        assert!(board.restless().is_some());
    }

    #[test]
    fn what_is_in_doubt_keeps_nobody_waiting() {
        let board = Board::new([("c".to_owned(), vec![0])].into(), 1);
        board.rests(0, true);
        board.delivered(0, Uuid::from_u128(7));
        assert_eq!(board.restless(), None);
    }
}
