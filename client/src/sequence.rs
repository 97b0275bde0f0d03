//! Keeps every conversation in order: drops what was seen, holds back what came too early, and says what to
//! fetch. It does no I/O.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tidings_protocol::{Event, Events, Gap, Notice, Resume};
use uuid::Uuid;

use crate::Incoming;

/// The most events held back behind a hole; those beyond are fetched again.
const HELD_MAX: usize = 1000;

/// The events to ask for, from this seq on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) conversation: Uuid,
    pub(crate) from: u64,
}

/// What stands behind a hole.
#[derive(Default)]
struct Hole {
    held: BTreeMap<u64, Event>,
    /// The highest seq that is known to exist.
    to: u64,
}

/// The cursors, and the holes being filled.
pub(crate) struct Sequencer {
    cursors: HashMap<Uuid, u64>,
    notices: Option<u64>,
    holes: HashMap<Uuid, Hole>,
    counts: Arc<Counts>,
}

/// How often something had to be put right.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) repeats: AtomicU64,
    pub(crate) holes: AtomicU64,
}

impl Sequencer {
    pub(crate) fn new(resume: &Resume, counts: Arc<Counts>) -> Self {
        Self {
            counts,
            cursors: resume.conversations.iter().map(|(id, seq)| (*id, *seq)).collect(),
            notices: resume.notices,
            holes: HashMap::new(),
        }
    }

    /// What to resume from: all that was put out, whether the user took it yet or not.
    pub(crate) fn resume(&self) -> Resume {
        Resume {
            conversations: self.cursors.iter().map(|(id, seq)| (*id, *seq)).collect(),
            notices: self.notices,
        }
    }

    /// Takes an event as it comes. The first of a conversation without a cursor sets it: where to begin is the
    /// server's choice.
    pub(crate) fn event(&mut self, event: Event, out: &mut VecDeque<Incoming>) -> Option<Missing> {
        let conversation = event.conversation;
        let cursor = match self.cursors.entry(conversation) {
            Entry::Vacant(entry) => {
                entry.insert(event.seq);
                out.push_back(Incoming::Event(event));
                return None;
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        if event.seq <= *cursor {
            self.counts.repeats.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if event.seq == *cursor + 1 {
            *cursor = event.seq;
            out.push_back(Incoming::Event(event));
            if self.holes.contains_key(&conversation) {
                self.release(conversation, out);
            }
            return None;
        }
        let from = *cursor + 1;
        let known = self.holes.contains_key(&conversation);
        let hole = self.holes.entry(conversation).or_default();
        hole.to = hole.to.max(event.seq);
        if hole.held.len() < HELD_MAX {
            hole.held.insert(event.seq, event);
        }
        if known {
            return None;
        }
        self.counts.holes.fetch_add(1, Ordering::Relaxed);
        Some(Missing { conversation, from })
    }

    /// Takes the server's word that events are left out.
    pub(crate) fn gap(&mut self, gap: Gap, out: &mut VecDeque<Incoming>) {
        let cursor = self
            .cursors
            .entry(gap.conversation)
            .or_insert(gap.from.saturating_sub(1));
        if gap.to <= *cursor {
            return;
        }
        let from = *cursor + 1;
        *cursor = gap.to;
        out.push_back(Incoming::Gap(Gap { from, ..gap }));
        self.release(gap.conversation, out);
    }

    /// Takes the answer to a [`Missing`]. What the server leaves out even so becomes a gap.
    pub(crate) fn filled(&mut self, events: Events, out: &mut VecDeque<Incoming>) -> Option<Missing> {
        let conversation = events.conversation;
        let before = *self.cursors.get(&conversation)?;
        for event in events
            .events
            .into_iter()
            .filter(|event| event.conversation == conversation)
        {
            self.skip_to(conversation, event.seq, out);
            let cursor = self.cursors.entry(conversation).or_default();
            if event.seq > *cursor {
                *cursor = event.seq;
                out.push_back(Incoming::Event(event));
            }
        }
        self.release(conversation, out);
        let cursor = *self.cursors.get(&conversation)?;
        if !self.holes.contains_key(&conversation) {
            return None;
        }
        if cursor == before {
            return self.unfillable(conversation, out);
        }
        Some(Missing {
            conversation,
            from: cursor + 1,
        })
    }

    /// The server has nothing for the first hole of a conversation: it becomes a gap.
    pub(crate) fn unfillable(&mut self, conversation: Uuid, out: &mut VecDeque<Incoming>) -> Option<Missing> {
        let hole = self.holes.get(&conversation)?;
        let next = hole.held.keys().next().copied().unwrap_or(hole.to + 1);
        self.skip_to(conversation, next, out);
        self.release(conversation, out);
        self.holes.contains_key(&conversation).then(|| Missing {
            conversation,
            from: self.cursors.get(&conversation).map_or(1, |cursor| cursor + 1),
        })
    }

    /// Takes a notice; they may jump, for the user's own stream holds more than notices.
    pub(crate) fn notice(&mut self, notice: Notice, out: &mut VecDeque<Incoming>) {
        if self.notices.is_none_or(|seen| notice.seq > seen) {
            self.notices = Some(notice.seq);
            out.push_back(Incoming::Notice(notice));
        }
    }

    /// What was held back comes again after the next `resume`.
    pub(crate) fn connection_lost(&mut self) {
        self.holes.clear();
    }

    /// Makes the cursor stand right before `seq`, with a gap for what that passes over.
    fn skip_to(&mut self, conversation: Uuid, seq: u64, out: &mut VecDeque<Incoming>) {
        let cursor = self.cursors.entry(conversation).or_default();
        if seq > *cursor + 1 {
            out.push_back(Incoming::Gap(Gap {
                conversation,
                from: *cursor + 1,
                to: seq - 1,
            }));
            *cursor = seq - 1;
        }
    }

    /// Puts out what is held and in order now, and forgets the hole when nothing is missing.
    fn release(&mut self, conversation: Uuid, out: &mut VecDeque<Incoming>) {
        let Some(hole) = self.holes.get_mut(&conversation) else {
            return;
        };
        let cursor = self.cursors.entry(conversation).or_default();
        while let Some(entry) = hole.held.first_entry() {
            if *entry.key() > *cursor + 1 {
                break;
            }
            let event = entry.remove();
            if event.seq == *cursor + 1 {
                *cursor = event.seq;
                out.push_back(Incoming::Event(event));
            }
        }
        if *cursor >= hole.to {
            self.holes.remove(&conversation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::{EventKind, RawValue, Timestamp};

    const ROOM: Uuid = Uuid::from_u128(7);

    fn event(seq: u64) -> Event {
        Event {
            conversation: ROOM,
            seq,
            kind: EventKind::MessageSent,
            actor: Uuid::nil(),
            at: Timestamp::from_millis(0).unwrap(),
            data: RawValue::from_string("{}".to_owned()).unwrap(),
        }
    }

    fn answer(seqs: impl IntoIterator<Item = u64>, more: bool) -> Events {
        Events {
            id: Uuid::nil(),
            conversation: ROOM,
            events: seqs.into_iter().map(event).collect(),
            more,
        }
    }

    fn sequencer(cursor: u64) -> Sequencer {
        Sequencer::new(
            &Resume {
                conversations: [(ROOM, cursor)].into(),
                notices: None,
            },
            Arc::default(),
        )
    }

    /// Events as their seq, gaps as `from..to`.
    fn shown(out: &mut VecDeque<Incoming>) -> Vec<String> {
        out.drain(..)
            .map(|incoming| match incoming {
                Incoming::Event(event) => event.seq.to_string(),
                Incoming::Gap(gap) => format!("{}..{}", gap.from, gap.to),
                other => format!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn repeats_are_dropped_and_the_first_of_an_unknown_conversation_is_taken() {
        let mut sequencer = Sequencer::new(&Resume::default(), Arc::default());
        let mut out = VecDeque::new();
        for seq in [5, 5, 4, 6, 5, 7] {
            assert_eq!(sequencer.event(event(seq), &mut out), None);
        }
        assert_eq!(shown(&mut out), ["5", "6", "7"]);
        assert_eq!(sequencer.resume().conversations[&ROOM], 7);
    }

    #[test]
    fn a_hole_is_fetched_once_and_later_events_wait_for_it() {
        let mut sequencer = sequencer(2);
        let mut out = VecDeque::new();
        assert_eq!(
            sequencer.event(event(5), &mut out),
            Some(Missing {
                conversation: ROOM,
                from: 3
            })
        );
        assert_eq!(sequencer.event(event(6), &mut out), None);
        assert_eq!(sequencer.event(event(8), &mut out), None);
        assert!(out.is_empty());
        assert_eq!(
            sequencer.filled(answer(3..=4, true), &mut out),
            Some(Missing {
                conversation: ROOM,
                from: 7
            })
        );
        assert_eq!(shown(&mut out), ["3", "4", "5", "6"]);
        assert_eq!(sequencer.filled(answer(7..=9, false), &mut out), None);
        assert_eq!(sequencer.event(event(9), &mut out), None);
        assert_eq!(sequencer.event(event(10), &mut out), None);
        assert_eq!(shown(&mut out), ["7", "8", "9", "10"]);
    }

    #[test]
    fn the_missing_event_may_come_by_itself() {
        let mut sequencer = sequencer(2);
        let mut out = VecDeque::new();
        assert!(sequencer.event(event(4), &mut out).is_some());
        assert_eq!(sequencer.event(event(3), &mut out), None);
        assert_eq!(shown(&mut out), ["3", "4"]);
        assert_eq!(sequencer.filled(answer(3..=4, false), &mut out), None);
        assert!(out.is_empty());
    }

    #[test]
    fn what_the_server_does_not_have_becomes_a_gap() {
        let mut sequencer = sequencer(2);
        let mut out = VecDeque::new();
        assert!(sequencer.event(event(9), &mut out).is_some());
        assert!(sequencer.filled(answer(6..=7, true), &mut out).is_some());
        assert_eq!(shown(&mut out), ["3..5", "6", "7"]);
        assert_eq!(sequencer.filled(answer([], false), &mut out), None);
        assert_eq!(shown(&mut out), ["8..8", "9"]);

        assert!(sequencer.event(event(11), &mut out).is_some());
        assert_eq!(sequencer.unfillable(ROOM, &mut out), None);
        assert_eq!(shown(&mut out), ["10..10", "11"]);
    }

    #[test]
    fn more_than_can_be_held_is_fetched_again() {
        let mut sequencer = sequencer(0);
        let mut out = VecDeque::new();
        let last = HELD_MAX as u64 + 50;
        for seq in 2..=last {
            sequencer.event(event(seq), &mut out);
        }
        let rest = sequencer.filled(answer([1], true), &mut out);
        let from = HELD_MAX as u64 + 2;
        assert_eq!(
            rest,
            Some(Missing {
                conversation: ROOM,
                from
            })
        );
        assert_eq!(sequencer.filled(answer(from..=last, false), &mut out), None);
        let expected: Vec<_> = (1..=last).map(|seq| seq.to_string()).collect();
        assert_eq!(shown(&mut out), expected);
    }

    #[test]
    fn a_gap_moves_the_cursor_and_is_told() {
        let mut sequencer = sequencer(17);
        let mut out = VecDeque::new();
        sequencer.gap(
            Gap {
                conversation: ROOM,
                from: 18,
                to: 5230,
            },
            &mut out,
        );
        sequencer.event(event(5231), &mut out);
        sequencer.gap(
            Gap {
                conversation: ROOM,
                from: 18,
                to: 5230,
            },
            &mut out,
        );
        assert_eq!(shown(&mut out), ["18..5230", "5231"]);
    }

    #[test]
    fn a_lost_connection_forgets_what_was_held_and_keeps_the_cursor() {
        let mut sequencer = sequencer(2);
        let mut out = VecDeque::new();
        sequencer.event(event(5), &mut out);
        sequencer.connection_lost();
        assert_eq!(sequencer.resume().conversations[&ROOM], 2);
        for seq in 3..=5 {
            assert_eq!(sequencer.event(event(seq), &mut out), None);
        }
        assert_eq!(shown(&mut out), ["3", "4", "5"]);
    }
}
