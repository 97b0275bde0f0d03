//! Keeps every conversation in order: drops what was seen, holds back what came too early, leaves out what there is
//! no room for, and says what to fetch. It does no I/O.

mod counts;
mod holes;

use std::{
    cmp::Reverse,
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, atomic::Ordering},
};

use tidings_protocol::{Event, Events, Gap, Notice, Resume};
use uuid::Uuid;

use self::holes::{Held, Hole};
use crate::{Incoming, queue::Queue};

pub(crate) use self::counts::Counts;

/// The events to ask for: so many from this seq on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) conversation: Uuid,
    pub(crate) from: u64,
    pub(crate) limit: u32,
}

/// Cursors that a server takes of one connection. It goes on with the others where it knows itself how far their user has come.
const CURSORS_MAX: usize = 20_000;

/// How far a conversation has been put out.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    seq: u64,
    /// What was fetched may come by itself as well: up to here that is no repeat.
    fetched: u64,
    /// Whether anything of the conversation has come on this connection.
    heard: bool,
    /// Whether this connection was not told of the cursor: what lies before it may come once more.
    unnamed: bool,
    /// Whether an earlier connection that was not told of the cursor has shown that the log has gone back.
    doubtful: bool,
    /// When it moved last, among the moves of all.
    moved: u64,
}

impl Place {
    fn at(seq: u64) -> Self {
        Self {
            seq,
            ..Self::default()
        }
    }

    /// Moves it, of which `moves` are counted.
    fn reach(&mut self, seq: u64, moves: &mut u64) {
        *moves += 1;
        (self.seq, self.moved) = (seq, *moves);
    }
}

/// The cursors, and the holes being filled.
pub(crate) struct Sequencer {
    places: HashMap<Uuid, Place>,
    /// How often one of them has moved.
    moves: u64,
    notices: Option<u64>,
    /// Whether this connection has shown that the log has gone back. Of what it was not told, nobody says so.
    gone_back: bool,
    holes: HashMap<Uuid, Hole>,
    /// The conversations whose holes wait for room, in the order in which they are asked for.
    put_off: VecDeque<Uuid>,
    /// What has to be put out before all that was missed has been, once the server says that it has sent that.
    owed: Option<HashMap<Uuid, u64>>,
    counts: Arc<Counts>,
}

impl Sequencer {
    pub(crate) fn new(resume: &Resume, counts: Arc<Counts>) -> Self {
        Self {
            counts,
            places: resume
                .conversations
                .iter()
                .map(|(id, seq)| (*id, Place::at(*seq)))
                .collect(),
            moves: 0,
            notices: resume.notices,
            gone_back: false,
            holes: HashMap::new(),
            put_off: VecDeque::new(),
            owed: None,
        }
    }

    /// What to resume from: all that was put out, whether the user took it yet or not. Where there is more than servers take, what has rested
    /// longest is left out, for there the server most probably knows as much.
    pub(crate) fn resume(&mut self) -> Resume {
        let mut places: Vec<(&Uuid, &mut Place)> = self.places.iter_mut().collect();
        if places.len() > CURSORS_MAX {
            places.sort_unstable_by_key(|(id, place)| Reverse((place.moved, **id)));
        }
        for (index, (_, place)) in places.iter_mut().enumerate() {
            place.unnamed = index >= CURSORS_MAX;
        }
        let named = places.into_iter().take(CURSORS_MAX);
        let cursors = named.map(|(id, place)| (*id, place.seq));
        Resume {
            conversations: cursors.collect(),
            notices: self.notices,
        }
    }

    /// Takes an event as it comes. The first of a conversation without a cursor sets it: where to begin is the
    /// server's choice.
    pub(crate) fn event(&mut self, event: Event, out: &mut Queue) -> Option<Missing> {
        let conversation = event.conversation;
        let before = event.seq.saturating_sub(1);
        let place = match self.places.entry(conversation) {
            Entry::Vacant(entry) => entry.insert(Place::at(before)),
            Entry::Occupied(entry) => entry.into_mut(),
        };
        let is_first = !std::mem::replace(&mut place.heard, true);
        let in_doubt = std::mem::take(&mut place.doubtful) || self.gone_back;
        if is_first && event.seq <= place.seq && (in_doubt || !place.unnamed) {
            // A server begins behind the cursor. Where it had nothing of the conversation when this connection came, it could
            // not say that its log has gone back.
            self.rewind(Some(conversation), before, out);
            return self.event(event, out);
        }
        if event.seq <= place.seq {
            if event.seq > place.fetched && !place.unnamed {
                self.counts.repeats.fetch_add(1, Ordering::Relaxed);
            }
            return None;
        }
        let next = event.seq == place.seq + 1;
        let room = out.room_for(&event);
        if next && let Some(room) = room {
            place.reach(event.seq, &mut self.moves);
            out.event(event, room);
            self.release(conversation, out);
            return None;
        }
        if next {
            self.put_off(conversation, event.seq);
            return None;
        }
        let (seen, known) = (place.seq, self.holes.contains_key(&conversation));
        self.hold(conversation, event.seq, room.map(|room| Held::Event(event, room)));
        if known {
            return None;
        }
        self.counts.hole(Gap {
            conversation,
            from: seen + 1,
            to: before,
        });
        self.missing(conversation)
    }

    /// Takes the server's word that events are left out.
    pub(crate) fn gap(&mut self, gap: Gap, out: &mut Queue) -> Option<Missing> {
        let conversation = gap.conversation;
        let place = self
            .places
            .entry(conversation)
            .or_insert(Place::at(gap.from.saturating_sub(1)));
        let is_first = !std::mem::replace(&mut place.heard, true);
        let in_doubt = std::mem::take(&mut place.doubtful) || self.gone_back;
        if is_first && gap.from <= place.seq && in_doubt && place.unnamed {
            self.rewind(Some(conversation), gap.from.saturating_sub(1), out);
            return self.gap(gap, out);
        }
        if gap.to <= place.seq {
            return None;
        }
        if gap.from > place.seq + 1 {
            // What lies before the gap was neither sent nor left out.
            let known = self.holes.contains_key(&conversation);
            let (from, to) = (place.seq + 1, gap.from - 1);
            self.hold_gap(gap);
            if known {
                return None;
            }
            self.counts.hole(Gap {
                conversation,
                from,
                to,
            });
            return self.missing(conversation);
        }
        let from = place.seq + 1;
        place.reach(gap.to, &mut self.moves);
        out.push(Incoming::Gap(Gap { from, ..gap }), 0);
        self.release(conversation, out);
        None
    }

    /// Takes the answer to a [`Missing`] that asked from seq `from` on. What the server leaves out even so becomes a gap.
    pub(crate) fn filled(&mut self, events: Events, from: u64, out: &mut Queue) -> Option<Missing> {
        let (conversation, next) = (events.conversation, events.next);
        for event in events.events {
            if event.conversation != conversation {
                continue;
            }
            self.skip_to(conversation, event.seq, out);
            let place = self.places.entry(conversation).or_default();
            if event.seq <= place.seq {
                continue;
            }
            let Some(room) = out.room_for(&event) else {
                self.put_off(conversation, event.seq);
                return None;
            };
            place.reach(event.seq, &mut self.moves);
            place.fetched = event.seq;
            out.event(event, room);
        }
        if let Some(next) = next
            && self.holes.contains_key(&conversation)
        {
            self.skip_to(conversation, next, out);
        }
        self.release(conversation, out);
        self.unfillable(conversation, from, out)
    }

    /// The server has nothing from `from` on. What is missing there still becomes a gap.
    pub(crate) fn unfillable(&mut self, conversation: Uuid, from: u64, out: &mut Queue) -> Option<Missing> {
        let hole = self.holes.get(&conversation)?;
        let place = self.places.get(&conversation)?;
        if place.seq < from {
            let next = hole.held.keys().next().copied().unwrap_or(hole.to + 1);
            self.skip_to(conversation, next, out);
            self.release(conversation, out);
        }
        self.missing(conversation)
    }

    /// Takes a notice; they may jump, for the user's own stream holds more than notices.
    pub(crate) fn notice(&mut self, notice: Notice, out: &mut Queue) {
        if self.notices.is_none_or(|seen| notice.seq > seen) {
            self.notices = Some(notice.seq);
            let bytes = notice.kind.len() + notice.data.get().len();
            out.push(Incoming::Notice(notice), bytes);
        }
    }

    /// The log ends at `head`, before the cursor of `conversation` (or of the notices, where it is `None`): what it
    /// says next is new. Where it has nothing for the user, that may begin anywhere.
    pub(crate) fn rewind(&mut self, conversation: Option<Uuid>, head: u64, out: &mut Queue) {
        match conversation {
            Some(conversation) => {
                let Some(place) = self
                    .places
                    .get_mut(&conversation)
                    .filter(|place| place.seq > head)
                else {
                    return;
                };
                *place = Place {
                    heard: place.heard,
                    unnamed: place.unnamed,
                    moved: place.moved,
                    ..Place::at(head)
                };
                if head == 0 {
                    self.places.remove(&conversation);
                }
                self.holes.remove(&conversation);
            }
            None if self.notices.is_some_and(|seen| seen > head) => self.notices = Some(head),
            None => return,
        }
        self.gone_back = true;
        let rewound = Incoming::Rewound {
            conversation,
            to: head,
        };
        out.push(rewound, 0);
    }

    /// The server has sent all that was missed.
    pub(crate) fn all_sent(&mut self) {
        self.owed = Some(self.holes.iter().map(|(id, hole)| (*id, hole.to)).collect());
    }

    /// Whether all that was missed has been put out since the last time that this was true.
    pub(crate) fn has_caught_up(&mut self) -> bool {
        let Some(owed) = &mut self.owed else { return false };
        owed.retain(|conversation, to| self.places.get(conversation).is_some_and(|place| place.seq < *to));
        if owed.is_empty() {
            self.owed = None;
        }
        self.owed.is_none()
    }

    /// Whether something waits to be asked for when there is room.
    pub(crate) fn is_behind(&self) -> bool {
        !self.put_off.is_empty()
    }

    /// Whether nothing is missing that is known to exist.
    pub(crate) fn is_whole(&self) -> bool {
        self.holes.is_empty()
    }

    /// There is room: what was put off first is to be asked for now.
    pub(crate) fn resumed(&mut self) -> Option<Missing> {
        while let Some(conversation) = self.put_off.pop_front() {
            let hole = self.holes.get_mut(&conversation);
            if let Some(hole) = hole.filter(|hole| hole.put_off) {
                hole.put_off = false;
                return self.missing(conversation);
            }
        }
        None
    }

    /// What was held back or put off comes again after the next `resume`.
    pub(crate) fn connection_lost(&mut self) {
        self.holes.clear();
        self.put_off.clear();
        self.owed = None;
        let gone_back = std::mem::take(&mut self.gone_back);
        for place in self.places.values_mut() {
            let was_heard = std::mem::take(&mut place.heard);
            place.doubtful |= gone_back && place.unnamed && !was_heard;
        }
    }
}

#[cfg(test)]
#[path = "sequence/tests.rs"]
mod tests;
