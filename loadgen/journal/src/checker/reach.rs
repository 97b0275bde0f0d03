//! How far a connection has come in a conversation, and what is left to decide about that.

use super::told::Runs;
use crate::record::Micros;

/// How far a connection has come in one conversation.
pub(super) struct Reach {
    /// The seq that must come next.
    pub(super) next: u64,
    /// The last line that moved it.
    pub(super) line: u32,
    pub(super) gaps: Vec<Gap>,
    /// Events that came since the last gap.
    pub(super) since_gap: u64,
    /// What was shown or left out by a gap.
    pub(super) told: Runs,
    /// For each later joining, the first event shown from the time before it.
    pub(super) absences: Vec<(u64, u64)>,
}

impl Reach {
    pub(super) fn new(next: u64, line: u32) -> Self {
        Self {
            next,
            line,
            gaps: Vec::new(),
            since_gap: 0,
            told: Runs::default(),
            absences: Vec::new(),
        }
    }
}

/// Seqs that the server left out, and the runs of them that were fetched.
pub(super) struct Gap {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) line: u32,
    runs: Runs,
}

impl Gap {
    pub(super) fn new(from: u64, to: u64, line: u32) -> Self {
        Self {
            from,
            to,
            line,
            runs: Runs::default(),
        }
    }

    pub(super) fn fetched(&mut self, seq: u64) {
        if (self.from..=self.to).contains(&seq) {
            self.runs.add((seq, seq));
        }
    }

    /// The first seq missing between fetched ones.
    pub(super) fn hole(&self) -> Option<u64> {
        self.runs.hole()
    }
}

/// Somebody was shown an event from a time when they were out, and came in later. That is right unless they were still out
/// when it was shown.
pub(super) struct Absence {
    pub(super) journal: u32,
    pub(super) line: u32,
    pub(super) at: Micros,
    pub(super) conversation: u32,
    pub(super) seq: u64,
    /// Where they came in.
    pub(super) joins: u64,
}

/// A connection is synced: all that was known before it set out must have come.
pub(super) struct Catch {
    pub(super) journal: u32,
    pub(super) user: u32,
    pub(super) conversation: u32,
    pub(super) began: Micros,
    pub(super) synced_line: u32,
    pub(super) next: u64,
}

/// A connection that claims nothing of a conversation begins with an event of it, or with a gap.
pub(super) struct Beginning {
    pub(super) journal: u32,
    pub(super) user: u32,
    pub(super) line: u32,
    pub(super) at: Micros,
    pub(super) conversation: u32,
    /// The first that came.
    pub(super) seq: u64,
    /// Where the connection was up to date by then.
    pub(super) synced: Option<Synced>,
}

/// When a connection was up to date, and the line that says so.
#[derive(Clone, Copy)]
pub(super) struct Synced {
    pub(super) at: Micros,
    pub(super) line: u32,
}

/// A journal ends with a connection that is up to date.
pub(super) struct Stay {
    pub(super) journal: u32,
    pub(super) user: u32,
    pub(super) connected_line: u32,
    pub(super) synced: Synced,
    /// How far it has come, with the last line of each conversation.
    pub(super) reaches: Vec<(u32, u64, u32)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_gap_join() {
        let mut gap = Gap::new(3, 9, 1);
        for seq in [3, 4, 7, 8, 2, 10] {
            gap.fetched(seq);
        }
        assert_eq!(gap.hole(), Some(5));
        gap.fetched(6);
        gap.fetched(5);
        assert_eq!(gap.hole(), None);
        assert_eq!(Gap::new(1, 5, 1).hole(), None, "nobody has to fetch");
    }
}
