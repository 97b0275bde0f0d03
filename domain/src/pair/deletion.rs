//! What two people are to one another once one of them has no account: nothing. Each thing that stood between them ends by the event that
//! always ends it; and whoever is gone keeps to themselves, so that nobody writes to them.

use super::{Change, Pair, PairChanged};
use crate::id::UserId;
use chrono::{DateTime, Utc};

impl Pair {
    pub(super) fn depart(&self, (gone, other): (UserId, UserId), now: DateTime<Utc>) -> Vec<PairChanged> {
        let (mine, theirs) = (self.of(gone, other), self.of(other, gone));
        let changes = [
            (mine.contact || theirs.contact, gone, Change::Removed),
            (mine.asks.is_some(), gone, Change::Withdrawn),
            (theirs.asks.is_some(), other, Change::Withdrawn),
            (theirs.blocks, other, Change::Blocked { on: false }),
            (!mine.blocks, gone, Change::Blocked { on: true }),
        ];
        let ends = changes.into_iter().filter(|(is_so, ..)| *is_so);
        ends.map(|(_, by, change)| PairChanged {
            by,
            user: if by == gone { other } else { gone },
            // Who is gone hears nothing.
            heard: by == gone && self.is_heard((gone, other), &change, now),
            only: None,
            change,
        })
        .collect()
    }
}
