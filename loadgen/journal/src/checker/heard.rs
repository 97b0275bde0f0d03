//! How soon devices are shown what they are owed once nothing is wrong any more, and who was deaf.

use std::collections::{BTreeMap, VecDeque};

use super::Run;
use super::found::Line;
use crate::export::Place;
use crate::fault::Fault;
use crate::record::Micros;
use crate::summary;

/// So many answers came before the event. A machine that is slow keeps back both, and one that stands still keeps back all.
const ANSWERS: usize = 10;
/// Answers that come sooner after each other are one: whatever stood in a queue comes at once.
const APART: Micros = 1_000_000;

/// The last answers that a connection brought.
#[derive(Default)]
pub(super) struct Answers(VecDeque<Micros>);

impl Answers {
    pub(super) fn came(&mut self, at: Micros) {
        if self.0.back().is_some_and(|last| at < last + APART) {
            return;
        }
        if self.0.len() == ANSWERS {
            self.0.pop_front();
        }
        self.0.push_back(at);
    }

    /// When the first of the last ones came; none where there were not as many.
    fn first(&self) -> Option<Micros> {
        (self.0.len() == ANSWERS)
            .then(|| self.0.front().copied())
            .flatten()
    }
}

/// Something was shown to a device for the first time, when all was well.
pub(super) struct Heard {
    journal: u32,
    line: u32,
    place: Place,
    at: Micros,
    /// Since when the device was there and all was well.
    since: Micros,
    /// The first of as many answers as tell the deaf from the slow.
    answers: Option<Micros>,
}

impl Heard {
    pub(super) fn new(
        (journal, line): (u32, u32),
        place: Place,
        at: Micros,
        since: Micros,
        answers: &Answers,
    ) -> Self {
        Self {
            journal,
            line,
            place,
            at,
            since,
            answers: answers.first(),
        }
    }
}

pub(super) fn settle(run: &mut Run<'_>) {
    let mut latest: BTreeMap<u32, Micros> = BTreeMap::new();
    for heard in std::mem::take(&mut run.notes.heard) {
        let Heard {
            journal, line, at, ..
        } = heard;
        let Place { conversation, seq } = heard.place;
        let known = run.times.of(conversation)[seq as usize - 1];
        let due = known.at.max(heard.since);
        let late = latest.entry(journal).or_default();
        *late = at.saturating_sub(due).max(*late);
        if heard.answers.is_none_or(|first| first <= due) {
            continue;
        }
        let device = run.device(journal);
        let name = run.export.names.name(conversation);
        let lines = [known.line(), Line::Journal { journal, line }];
        run.found.add(Fault::Deaf, lines, || {
            let seconds = (at - due) / 1_000_000;
            format!(
                "{device} was shown seq {seq} of {name} {seconds} s after others knew of it, though it was up to date and at \
                 least {ANSWERS} answers came meanwhile"
            )
        });
    }
    let mut latest: Vec<Micros> = latest.into_values().collect();
    latest.sort_unstable();
    run.summary.heard = latest.last().map(|max| summary::Heard {
        devices: latest.len() as u64,
        p50_ms: latest[latest.len() / 2] / 1000,
        max_ms: max / 1000,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_come_together_are_one() {
        let mut answers = Answers::default();
        for number in 0..ANSWERS as Micros - 1 {
            answers.came(number * APART);
            answers.came(number * APART + APART - 1);
        }
        assert_eq!(answers.first(), None);
        answers.came(20 * APART);
        assert_eq!(answers.first(), Some(0));
        answers.came(21 * APART);
        assert_eq!(answers.first(), Some(APART), "the last ones count");
    }
}
