//! What is missing of a conversation, and what is held back until it has come.

use std::collections::BTreeMap;

use tidings_protocol::{Event, FETCH_EVENTS_MAX, Gap};
use uuid::Uuid;

use super::{Missing, Sequencer};
use crate::{
    Incoming,
    queue::{Queue, Room},
};

/// The most gaps held back behind a hole; what is in those beyond is fetched.
const GAPS_HELD_MAX: usize = 1000;

/// What is missing of a conversation, and what stands behind it.
#[derive(Default)]
pub(super) struct Hole {
    /// By the first seq of each.
    pub(super) held: BTreeMap<u64, Held>,
    /// The highest seq that is known to exist.
    pub(super) to: u64,
    /// There was no room: it is asked for when there is, and nothing is held until then.
    pub(super) put_off: bool,
}

pub(super) enum Held {
    Event(Event, Room),
    /// Up to this seq the server leaves events out.
    Gap(u64),
}

impl Sequencer {
    /// There is no room for a conversation from its cursor up to `to` at least.
    pub(super) fn put_off(&mut self, conversation: Uuid, to: u64) {
        let hole = self.holes.entry(conversation).or_default();
        hole.to = hole.to.max(to);
        hole.held.retain(|_, held| matches!(held, Held::Gap(_)));
        if !hole.put_off {
            hole.put_off = true;
            self.put_off.push_back(conversation);
        }
    }

    /// Keeps something that came too early, if there is room; that it exists is remembered anyway.
    pub(super) fn hold(&mut self, conversation: Uuid, seq: u64, held: Option<Held>) {
        let hole = self.holes.entry(conversation).or_default();
        hole.to = hole.to.max(seq);
        if let Some(held) = held.filter(|_| !hole.put_off) {
            hole.held.insert(seq, held);
        }
    }

    pub(super) fn hold_gap(&mut self, gap: Gap) {
        let hole = self.holes.entry(gap.conversation).or_default();
        hole.to = hole.to.max(gap.to);
        let gaps = hole.held.values().filter(|held| matches!(held, Held::Gap(_)));
        if gaps.count() < GAPS_HELD_MAX {
            hole.held.insert(gap.from, Held::Gap(gap.to));
        }
    }

    /// What to fetch next of a conversation: up to what is held.
    pub(crate) fn missing(&self, conversation: Uuid) -> Option<Missing> {
        let hole = self.holes.get(&conversation).filter(|hole| !hole.put_off)?;
        let from = self.places.get(&conversation).map_or(1, |place| place.seq + 1);
        let end = hole.held.keys().next().copied().unwrap_or(hole.to + 1);
        Some(Missing {
            conversation,
            from,
            limit: (end.saturating_sub(from)).clamp(1, u64::from(FETCH_EVENTS_MAX)) as u32,
        })
    }

    /// Makes the cursor stand right before `seq`, with a gap for what that passes over and is not held.
    pub(super) fn skip_to(&mut self, conversation: Uuid, seq: u64, out: &mut Queue) {
        loop {
            self.release(conversation, out);
            let held = self
                .holes
                .get(&conversation)
                .and_then(|hole| hole.held.keys().next());
            let next = held.copied().map_or(seq, |held| held.min(seq));
            let place = self.places.entry(conversation).or_default();
            if next > place.seq + 1 {
                let from = place.seq + 1;
                place.reach(next - 1, &mut self.moves);
                let gap = Gap {
                    conversation,
                    from,
                    to: next - 1,
                };
                out.push(Incoming::Gap(gap), 0);
            }
            if next == seq {
                return;
            }
        }
    }

    /// Puts out what is held and in order now, and forgets the hole when nothing is missing.
    pub(super) fn release(&mut self, conversation: Uuid, out: &mut Queue) {
        let Some(hole) = self.holes.get_mut(&conversation) else {
            return;
        };
        let place = self.places.entry(conversation).or_default();
        while let Some(first) = hole.held.first_entry() {
            if *first.key() > place.seq + 1 {
                break;
            }
            let (seq, held) = first.remove_entry();
            match held {
                Held::Event(event, room) if seq > place.seq => {
                    place.reach(seq, &mut self.moves);
                    out.event(event, room);
                }
                Held::Gap(to) if to > place.seq => {
                    let from = place.seq + 1;
                    place.reach(to, &mut self.moves);
                    let gap = Gap {
                        conversation,
                        from,
                        to,
                    };
                    out.push(Incoming::Gap(gap), 0);
                }
                Held::Event(..) | Held::Gap(_) => {}
            }
        }
        if place.seq >= hole.to {
            self.holes.remove(&conversation);
        }
    }
}
