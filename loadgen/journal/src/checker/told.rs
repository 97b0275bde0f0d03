//! What has reached a person, on whichever device.

use std::collections::HashMap;

use crate::record::Micros;

/// By user and conversation, what came on connections of any of the user's devices.
#[derive(Default)]
pub(super) struct Told {
    spans: HashMap<(u32, u32), Vec<Span>>,
}

/// Seqs that came on one connection: shown, left out by a gap, or claimed before anything had come.
struct Span {
    seqs: Run,
    /// When the connection began to stand.
    since: Micros,
}

/// Seqs from the first to the second, both included.
type Run = (u64, u64);

impl Told {
    pub(super) fn add(&mut self, user: u32, conversation: u32, since: Micros, seqs: Run) {
        let spans = self.spans.entry((user, conversation)).or_default();
        match spans.last_mut() {
            Some(last) if last.since == since && last.seqs.1 + 1 == seqs.0 => last.seqs.1 = seqs.1,
            _ => spans.push(Span { seqs, since }),
        }
    }

    /// What came on connections that stood at this time.
    pub(super) fn until(&self, user: u32, conversation: u32, time: Micros) -> Runs {
        let mut runs = Runs::default();
        let spans = self.spans.get(&(user, conversation));
        for span in spans.into_iter().flatten().filter(|span| span.since <= time) {
            runs.add(span.seqs);
        }
        runs
    }
}

/// A set of seqs, as runs that do not touch each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs(Vec<Run>);

impl Runs {
    pub(super) fn add(&mut self, (mut from, mut to): Run) {
        // What comes follows what came, so that there is about one run.
        self.0.retain(|run| {
            let joins = run.0 <= to + 1 && from <= run.1 + 1;
            if joins {
                (from, to) = (from.min(run.0), to.max(run.1));
            }
            !joins
        });
        self.0.push((from, to));
    }

    pub(super) fn holds(&self, seq: u64) -> bool {
        self.0.iter().any(|run| (run.0..=run.1).contains(&seq))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Run> + '_ {
        self.0.iter().copied()
    }

    /// The first seq missing between two that are there.
    pub(super) fn hole(&self) -> Option<u64> {
        let first = self.0.iter().min()?;
        (self.0.len() > 1).then_some(first.1 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_that_stood_count() {
        let mut told = Told::default();
        told.add(1, 1, 100, (1, 3));
        told.add(1, 1, 100, (4, 4));
        told.add(1, 1, 200, (5, 5));
        told.add(1, 1, 200, (8, 9));
        let held = |time| {
            (1..=9)
                .filter(|seq| told.until(1, 1, time).holds(*seq))
                .collect::<Vec<u64>>()
        };
        assert_eq!(held(99), [0; 0]);
        assert_eq!(held(100), [1, 2, 3, 4]);
        assert_eq!(held(200), [1, 2, 3, 4, 5, 8, 9]);
        assert_eq!(told.until(1, 1, 200).hole(), Some(6));
        assert!(!told.until(2, 1, 200).holds(1), "another person's");
    }
}
