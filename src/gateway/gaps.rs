//! Gaps that a connection was told of: `fetch` brings them also to somebody who has left the conversation, once.

use super::proof::Answered;
use crate::delivery::Brought;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tidings_projections::Visible;
use uuid::Uuid;

/// How much of a gap has been written after all.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// Everything up to the end of what was brought.
    Partly,
    /// All of it: what was written behind the gap follows without a hole.
    Whole,
}

/// A gap that was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    from: u64,
    to: u64,
    /// The first event of it that is owed and has not been brought.
    next: u64,
    /// What the user sees of the conversation, or saw while they were in. Nothing else of the gap is brought.
    visible: Visible,
    /// The user has left the conversation: it is owed to them until they have it, and nothing else is.
    left: bool,
    /// Some of it is owed. Where nothing is, it is only what other devices have had, or what has lapsed: no proof is asked
    /// for, and it can be fetched for as long as the connection lives.
    owed: bool,
    /// The ping whose answer proves that all of it has come.
    proof: Option<u32>,
}

impl Gap {
    /// What the user sees of the events `from` to `to`, of which those from `owed` on are owed; `left` where the user has left.
    pub(super) fn new(from: u64, owed: u64, to: u64, visible: Visible, left: bool) -> Self {
        let next = visible.first_from(owed);
        Self {
            from,
            to,
            next,
            visible,
            left,
            owed: next <= to,
            proof: None,
        }
    }
}

/// What somebody who has left may fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) from: u64,
    pub(super) to: u64,
    /// What they saw while they were in.
    pub(super) visible: Visible,
}

/// The gaps of one connection, at most one for each of its conversations.
#[derive(Default)]
pub(super) struct Gaps(Mutex<HashMap<Uuid, Gap>>);

impl Gaps {
    pub(super) fn tell(&self, conversation: Uuid, gap: Gap) {
        self.told().insert(conversation, gap);
    }

    /// What somebody who has left may fetch from `from` on.
    pub(super) fn owed(&self, conversation: Uuid, from: u64, answered: &Answered) -> Option<Owed> {
        let mut told = self.told();
        let gap = told.get(&conversation)?;
        if gap.proof.is_some_and(|number| answered.number() >= number) {
            told.remove(&conversation);
            return None;
        }
        (from <= gap.to).then(|| Owed {
            from: from.max(gap.from),
            to: gap.to,
            visible: gap.visible.clone(),
        })
    }

    pub(super) fn has(&self, conversation: Uuid) -> bool {
        self.told().contains_key(&conversation)
    }

    /// Whether a hole of a conversation that the user has left is still open: what comes behind it proves nothing.
    pub(super) fn holds(&self, conversation: Uuid) -> bool {
        self.told()
            .get(&conversation)
            .is_some_and(|gap| gap.left && gap.next <= gap.to)
    }

    /// Notes what has been written of a gap; `None` where nothing can be proved by it.
    pub(super) fn brought(&self, brought: &Brought) -> Option<Filled> {
        let mut told = self.told();
        let gap = told.get_mut(&brought.conversation)?;
        if gap.next > gap.to || !(brought.from..=brought.to.seq).contains(&gap.next) {
            return None;
        }
        gap.next = gap.visible.first_from(brought.to.seq + 1);
        // Of a member's it is known, and proves nothing: whoever is removed later is owed no more than is left.
        if !gap.left {
            return None;
        }
        Some(if gap.next > gap.to {
            Filled::Whole
        } else {
            Filled::Partly
        })
    }

    /// The ping with this number is behind everything that has been brought.
    pub(super) fn asked(&self, number: u32) {
        for gap in self.told().values_mut() {
            if gap.owed && gap.next > gap.to {
                gap.proof.get_or_insert(number);
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, HashMap<Uuid, Gap>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_domain::Cursor;
    use tidings_projections::Stay;

    const ROOM: Uuid = Uuid::from_u128(1);

    fn brought(from: u64, to: u64) -> Brought {
        Brought {
            conversation: ROOM,
            from,
            to: Cursor { seq: to, msg_no: 0 },
        }
    }

    #[test]
    fn a_gap_is_owed_until_all_of_it_is_proved() {
        let (gaps, answered) = (Gaps::default(), Answered::default());
        gaps.tell(ROOM, Gap::new(5, 5, 20, Visible::since(3), true));
        let owed = |from| Owed {
            from,
            to: 20,
            visible: Visible::since(3),
        };
        assert_eq!(gaps.owed(ROOM, 1, &answered), Some(owed(5)));
        assert_eq!(gaps.owed(ROOM, 7, &answered), Some(owed(7)));
        assert_eq!(gaps.owed(ROOM, 21, &answered), None);
        // Not from its beginning.
        assert_eq!(gaps.brought(&brought(6, 9)), None);
        assert_eq!(gaps.brought(&brought(1, 9)), Some(Filled::Partly));
        assert!(gaps.holds(ROOM));
        gaps.asked(1);
        answered.pong(&1_u32.to_be_bytes());
        assert!(gaps.owed(ROOM, 1, &answered).is_some());
        assert_eq!(gaps.brought(&brought(10, 20)), Some(Filled::Whole));
        assert!(!gaps.holds(ROOM));
        gaps.asked(2);
        gaps.asked(3);
        assert!(gaps.owed(ROOM, 1, &answered).is_some());
        answered.pong(&2_u32.to_be_bytes());
        assert_eq!(gaps.owed(ROOM, 1, &answered), None);
        assert!(!gaps.has(ROOM));
    }

    #[test]
    fn what_a_member_has_proved_is_not_owed_when_they_are_removed() {
        let (gaps, answered) = (Gaps::default(), Answered::default());
        gaps.tell(ROOM, Gap::new(5, 5, 20, Visible::since(1), false));
        assert_eq!(gaps.brought(&brought(5, 20)), None);
        assert!(!gaps.holds(ROOM));
        gaps.asked(1);
        assert!(gaps.owed(ROOM, 1, &answered).is_some());
        answered.pong(&1_u32.to_be_bytes());
        assert_eq!(gaps.owed(ROOM, 1, &answered), None);
    }

    #[test]
    fn what_was_never_seen_within_a_gap_is_not_waited_for() {
        let gaps = Gaps::default();
        // They were in up to the tenth event, and again from the fifteenth on.
        let visible = Visible::since(15).with([Stay { from: 3, to: 10 }]);
        gaps.tell(ROOM, Gap::new(5, 5, 20, visible.clone(), true));
        assert_eq!(gaps.brought(&brought(5, 10)), Some(Filled::Partly));
        assert!(gaps.holds(ROOM));
        // Whether the next page is asked for from where the last one ended, or from where it begins.
        for from in [11, 15] {
            gaps.tell(ROOM, Gap::new(5, 11, 20, visible.clone(), true));
            assert_eq!(gaps.brought(&brought(from, 20)), Some(Filled::Whole));
        }
        // A gap that ends with what they did not see is whole where that begins.
        gaps.tell(ROOM, Gap::new(5, 5, 14, visible, true));
        assert_eq!(gaps.brought(&brought(5, 10)), Some(Filled::Whole));
    }
}
