//! Contradictions as they are found. The smallest is kept; the others are counted.

use std::collections::BTreeMap;

use crate::export::Place;
use crate::fault::Fault;

#[derive(Debug)]
pub(super) struct Contradiction {
    pub(super) fault: Fault,
    pub(super) says: String,
    pub(super) lines: Vec<Line>,
    /// How much there is to understand: lines, those that show two things counted twice.
    size: usize,
}

/// A line that is evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Journal {
        journal: u32,
        line: u32,
    },
    Log(Place),
    /// A line of the export that has no place in the log.
    Torn {
        line: u32,
    },
}

#[derive(Debug, Default)]
pub(super) struct Found {
    smallest: Option<Contradiction>,
    total: u64,
    counts: BTreeMap<Fault, u64>,
}

impl Found {
    /// Takes a contradiction with the lines that show it; the words are made only when it is kept.
    pub(super) fn add<const N: usize>(
        &mut self,
        fault: Fault,
        lines: [Line; N],
        says: impl FnOnce() -> String,
    ) {
        self.total += 1;
        *self.counts.entry(fault).or_default() += 1;
        let size = |contradiction: &Contradiction| (contradiction.size, contradiction.fault);
        if self
            .smallest
            .as_ref()
            .is_none_or(|smallest| (N, fault) < size(smallest))
        {
            self.smallest = Some(Contradiction {
                fault,
                says: says(),
                lines: distinct(&lines),
                size: N,
            });
        }
    }

    /// How many there are of each kind.
    pub(super) fn counts(&self) -> &BTreeMap<Fault, u64> {
        &self.counts
    }

    /// The smallest, and how many others there are.
    pub(super) fn smallest(&self) -> Option<(&Contradiction, u64)> {
        self.smallest.as_ref().map(|smallest| (smallest, self.total - 1))
    }
}

/// One event may show two things.
fn distinct(lines: &[Line]) -> Vec<Line> {
    let mut distinct: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        if !distinct.contains(line) {
            distinct.push(*line);
        }
    }
    distinct
}
