//! How far a connection has come in a conversation, and what is left to decide about that.

use crate::record::Micros;

/// How far a connection has come in one conversation.
pub(super) struct Reach {
    /// The seq that must come next.
    pub(super) next: u64,
    /// The last line that moved it.
    pub(super) line: u32,
    pub(super) gaps: Vec<Gap>,
    /// For each later joining, the first event shown from the time before it.
    pub(super) absences: Vec<(u64, u64)>,
}

impl Reach {
    pub(super) fn new(next: u64, line: u32) -> Self {
        Self {
            next,
            line,
            gaps: Vec::new(),
            absences: Vec::new(),
        }
    }
}

/// Seqs that the server left out, and the runs of them that were fetched.
pub(super) struct Gap {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) line: u32,
    runs: Vec<(u64, u64)>,
}

impl Gap {
    pub(super) fn new(from: u64, to: u64, line: u32) -> Self {
        Self {
            from,
            to,
            line,
            runs: Vec::new(),
        }
    }

    pub(super) fn fetched(&mut self, seq: u64) {
        if seq < self.from || seq > self.to {
            return;
        }
        let (mut from, mut to) = (seq, seq);
        // Pages come in order, so that there is about one run.
        self.runs.retain(|run| {
            let joins = run.0 <= to + 1 && from <= run.1 + 1;
            if joins {
                (from, to) = (from.min(run.0), to.max(run.1));
            }
            !joins
        });
        self.runs.push((from, to));
    }

    /// The first seq missing between fetched ones.
    pub(super) fn hole(&self) -> Option<u64> {
        let first = self.runs.iter().min()?;
        (self.runs.len() > 1).then_some(first.1 + 1)
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

/// A journal ends with a connection that is up to date.
pub(super) struct Stay {
    pub(super) journal: u32,
    pub(super) user: u32,
    pub(super) connected_line: u32,
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
