//! What a device is shown, and what is left out.

use uuid::Uuid;

use super::Follower;
use crate::checker::found::Line;
use crate::checker::heard::Heard;
use crate::checker::hidden::Unsaid;
use crate::checker::reach::{Absence, Beginning, Gap, Reach};
use crate::checker::recalls::Recalled;
use crate::export::{Place, Sight};
use crate::fault::Fault;
use crate::record::{Micros, Via};

/// A delivery as the journal has it.
pub(super) struct Shown<'a> {
    pub(super) line: u32,
    pub(super) at: Micros,
    pub(super) conversation: &'a str,
    pub(super) seq: Option<u64>,
    pub(super) id: Option<Uuid>,
    pub(super) digest: u64,
    pub(super) whole: Option<u64>,
    pub(super) withheld: bool,
    pub(super) via: Via,
}

impl Follower<'_, '_> {
    pub(super) fn shown(&mut self, shown: &Shown<'_>) {
        let fetched = shown.via == Via::Fetch;
        self.run.summary.delivered += u64::from(!fetched);
        self.run.summary.fetched += u64::from(fetched);
        if self.connection.is_none() && !fetched {
            self.without_connection(shown.line);
            return;
        }
        let Some(conversation) = self.find(shown.line, shown.conversation) else {
            return;
        };
        if shown.seq.is_none() {
            self.without_seqs = true;
            if shown.id.is_none() {
                // Nothing tells which event it is.
                return;
            }
        } else {
            self.run.notes.with_seqs = true;
        }
        let Some(place) = self.compare(shown, conversation) else {
            return;
        };
        self.run.times.learn(place, shown.at, self.journal, shown.line);
        if fetched {
            let since = self.connection.as_ref().map_or(shown.at, |standing| standing.at);
            self.run
                .told
                .add(self.user, conversation, since, (place.seq, place.seq));
            let reach = self
                .connection
                .as_mut()
                .and_then(|standing| standing.reaches.get_mut(&conversation));
            for gap in reach.into_iter().flat_map(|reach| &mut reach.gaps) {
                gap.fetched(place.seq);
            }
        } else {
            self.advance(shown, place);
        }
        self.see(shown, place);
    }

    /// History has told of a message, and was asked at this time for all that was known of it: it leaves out what a connection leaves out that sets
    /// out then.
    pub(super) fn told(&mut self, asked: Micros, shown: &Shown<'_>) {
        let Some(conversation) = self.find(shown.line, shown.conversation) else {
            return;
        };
        let place = shown.id.and_then(|id| self.run.export.place(id));
        if let Some(place) = place.filter(|place| place.conversation == conversation) {
            self.says(Some(asked), shown, place);
            return;
        }
        let device = self.run.device(self.journal);
        let line = self.line(shown.line);
        self.run.found.add(Fault::ShownOther, [line], || {
            format!(
                "{device} was told of a message of {} that the log does not have",
                shown.conversation
            )
        });
    }

    /// Finds the event in the log, and compares it.
    fn compare(&mut self, shown: &Shown<'_>, conversation: u32) -> Option<Place> {
        let place = match (shown.seq, shown.id) {
            (Some(seq), _) => Some(Place { conversation, seq }),
            (None, Some(id)) => self
                .run
                .export
                .place(id)
                .filter(|place| place.conversation == conversation),
            (None, None) => None,
        };
        let entry = place.and_then(|place| self.run.export.entry(place));
        let (Some(place), Some(entry)) = (place, entry) else {
            let device = self.run.device(self.journal);
            self.run
                .found
                .add(Fault::ShownOther, [self.line(shown.line)], || {
                    format!(
                        "{device} was shown something in {} that the log does not have",
                        shown.conversation
                    )
                });
            return None;
        };
        let whole = entry.whole.is_none() || shown.whole.is_none() || entry.whole == shown.whole;
        // Which command made an event that is no message is not shown.
        let id = entry.id == shown.id || (!entry.kind.is_message() && shown.id.is_none());
        let same = shown.withheld || entry.withheld || (whole && entry.digest == shown.digest);
        if !id || !same {
            let device = self.run.device(self.journal);
            let lines = [self.line(shown.line), Line::Log(place)];
            self.run.found.add(Fault::ShownOther, lines, || {
                let (seq, name) = (place.seq, shown.conversation);
                format!("{device} was shown something else at seq {seq} of {name} than the log has there")
            });
        }
        let began = self.connection.as_ref().and_then(|standing| standing.began);
        self.says(began, shown, place);
        Some(place)
    }

    /// What was taken back is shown to nobody who comes later, and only that is left out, and what the person hides. Who knew of it when
    /// is settled at the end.
    fn says(&mut self, began: Option<Micros>, shown: &Shown<'_>, place: Place) {
        let (journal, user) = (self.journal, self.user);
        let Shown {
            line,
            at,
            withheld,
            via,
            ..
        } = *shown;
        if self.run.export.spells(place).next().is_some() {
            self.run.notes.recalled.push(Recalled {
                journal,
                line,
                user,
                at,
                began,
                place,
                withheld,
                via,
            });
        } else if withheld {
            self.run.notes.unsaid.push(Unsaid {
                journal,
                line,
                user,
                at,
                place,
                fetched: via == Via::Fetch,
            });
        }
    }

    /// What comes by itself comes in order, once, without a hole.
    fn advance(&mut self, shown: &Shown<'_>, place: Place) {
        let Place { conversation, seq } = place;
        let log = &self.run.export.conversations[conversation as usize];
        let Some(connection) = &mut self.connection else {
            return;
        };
        let seen = self.seen.get(&conversation).copied();
        let without_seqs = shown.seq.is_none();
        if !without_seqs && !connection.reaches.contains_key(&conversation) {
            self.run.notes.beginnings.push(Beginning {
                journal: self.journal,
                user: self.user,
                line: shown.line,
                at: shown.at,
                conversation,
                seq,
                synced: connection.synced,
            });
        }
        let reach = connection
            .reaches
            .entry(conversation)
            .or_insert_with(|| match seen {
                // Without a claim, the first event sets it; whether it may is settled when all is known.
                _ if !without_seqs => Reach::new(seq, shown.line),
                Some((seen, line)) => Reach::new(seen + 1, line),
                None => Reach::new(log.first_join(self.user), connection.line),
            });
        while without_seqs && reach.next <= log.head() && !log.is_message(reach.next) {
            reach.next += 1;
        }
        let next = reach.next;
        connection.came += 1;
        reach.since_gap += 1;
        let before = Line::Journal {
            journal: self.journal,
            line: reach.line,
        };
        reach.next = next.max(seq + 1);
        reach.line = shown.line;
        // A hole is found by itself, and explains what others were not told of.
        reach.told.add((seq.min(next), seq));
        let is_new = seen.is_none_or(|(seen, _)| seen < seq);
        if let Some(since) = self.present.filter(|_| is_new && shown.seq.is_some()) {
            let own = (self.journal, shown.line);
            let heard = Heard::new(own, place, shown.at, since, &connection.answers);
            self.run.notes.heard.push(heard);
        }
        let line = self.line(shown.line);
        self.run.reached.insert((self.user, conversation));
        self.move_to(conversation, seq, shown.line);
        if seq == next {
            return;
        }
        let device = self.run.device(self.journal);
        let name = shown.conversation;
        if seq < next {
            self.run.found.add(Fault::ShownAgain, [before, line], || {
                format!(
                    "{device} was shown seq {seq} of {name} when it had come to seq {} already",
                    next - 1
                )
            });
        } else {
            let missing = Line::Log(Place {
                conversation,
                seq: next,
            });
            self.run.found.add(Fault::Hole, [before, line, missing], || {
                format!("{device} was shown seq {seq} of {name} when seq {next} should have come next")
            });
        }
    }

    /// Whether the person may see it.
    fn see(&mut self, shown: &Shown<'_>, place: Place) {
        let Place { conversation, seq } = place;
        let log = &self.run.export.conversations[conversation as usize];
        match log.sight(self.user, seq) {
            Sight::Member => {}
            Sight::Later(joins) => {
                let reach = self
                    .connection
                    .as_mut()
                    .and_then(|standing| standing.reaches.get_mut(&conversation));
                if let Some(reach) = reach {
                    // Of a run of events, the first decides.
                    if reach
                        .absences
                        .iter()
                        .any(|(of, first)| *of == joins && *first <= seq)
                    {
                        return;
                    }
                    reach.absences.push((joins, seq));
                }
                self.run.notes.absences.push(Absence {
                    journal: self.journal,
                    line: shown.line,
                    at: shown.at,
                    conversation,
                    seq,
                    joins,
                });
            }
            Sight::Never => {
                let device = self.run.device(self.journal);
                let name = shown.conversation;
                let line = self.line(shown.line);
                match log.owed(self.user) {
                    0 => self.run.found.add(Fault::ShownToStranger, [line], || {
                        format!("{device} was shown seq {seq} of {name}; the person was never a member")
                    }),
                    left => {
                        let left_line = Line::Log(Place {
                            conversation,
                            seq: left,
                        });
                        self.run.found.add(Fault::ShownToStranger, [line, left_line], || {
                            format!("{device} was shown seq {seq} of {name}; the person was a member up to seq {left}")
                        });
                    }
                }
            }
        }
    }

    /// Before `synced`: a gap is followed by as many events as the server catches up with, or by none where the budget for all
    /// conversations is spent.
    pub(super) fn gaps_were_needed(&mut self) {
        let Some(connection) = &self.connection else {
            return;
        };
        let (Some(limits), Some(synced)) = (connection.limits, connection.synced) else {
            return;
        };
        if connection.came >= limits.total {
            return;
        }
        let short = connection.reaches.iter().filter_map(|(conversation, reach)| {
            let gap = reach.gaps.last()?;
            // Whoever has left is owed what none of their devices has had, and is told of the rest.
            let log = &self.run.export.conversations[*conversation as usize];
            let left = log.leaves_behind(self.user, gap.to);
            (reach.since_gap < limits.catch_up && !left).then_some((*conversation, gap, reach.since_gap))
        });
        let short: Vec<_> = short
            .map(|(conversation, gap, followed)| (conversation, (gap.from, gap.to), gap.line, followed))
            .collect();
        for (conversation, (from, to), line, followed) in short {
            let device = self.run.device(self.journal);
            let name = self.run.export.names.name(conversation);
            let lines = [limits.line, line, synced.line].map(|line| self.line(line));
            self.run.found.add(Fault::NeedlessGap, lines, || {
                let catch_up = limits.catch_up;
                format!(
                    "{device} was told that seqs {from} to {to} of {name} are left out and was shown {followed} events behind \
                     them; the server catches up with {catch_up}"
                )
            });
        }
    }

    /// The server leaves something out.
    pub(super) fn left_out(&mut self, line: u32, at: Micros, conversation: &str, (from, to): (u64, u64)) {
        self.run.summary.gaps += 1;
        let Some(number) = self.find(line, conversation) else {
            return;
        };
        let head = self.run.export.conversations[number as usize].head();
        let device = self.run.device(self.journal);
        let own = Line::Journal {
            journal: self.journal,
            line,
        };
        let Some(connection) = &mut self.connection else {
            self.without_connection(line);
            return;
        };
        if from == 0 || from > to || to > head {
            self.run.found.add(Fault::ShownOther, [own], || {
                format!(
                    "{device} was told of a gap {from} to {to} in {conversation}, which ends at seq {head}"
                )
            });
            return;
        }
        if let Some(synced) = connection.synced {
            let synced = Line::Journal {
                journal: self.journal,
                line: synced.line,
            };
            self.run.found.add(Fault::GapWhileLive, [synced, own], || {
                format!(
                    "{device} was up to date, and still seqs {from} to {to} of {conversation} were left out"
                )
            });
        }
        if !connection.reaches.contains_key(&number) {
            self.run.notes.beginnings.push(Beginning {
                journal: self.journal,
                user: self.user,
                line,
                at,
                conversation: number,
                seq: from,
                synced: connection.synced,
            });
        }
        let reach = connection
            .reaches
            .entry(number)
            .or_insert_with(|| Reach::new(from, line));
        let (next, before) = (reach.next, reach.line);
        reach.next = next.max(to + 1);
        reach.line = line;
        reach.gaps.push(Gap::new(from, to, line));
        reach.since_gap = 0;
        reach.told.add((from.min(next), to));
        self.run.reached.insert((self.user, number));
        self.move_to(number, to, line);
        if from > next {
            let missing = Line::Log(Place {
                conversation: number,
                seq: next,
            });
            let lines = [self.line(before), own, missing];
            self.run.found.add(Fault::Hole, lines, || {
                format!("{device} was told of a gap from seq {from} of {conversation} when seq {next} should have come next")
            });
        }
    }
}
