//! Whom people block: what those say counts as unread for them no more, also what they have said before.

use std::collections::{HashMap, HashSet};

use crate::record::Micros;

/// A block, or its end.
pub(super) struct Block {
    /// From here on it may count, and from there on it does.
    pub(super) asked: Micros,
    pub(super) at: Micros,
    /// The other one.
    pub(super) user: u32,
    pub(super) on: bool,
}

/// By who blocks, in the order in which they were confirmed on each device.
#[derive(Default)]
pub(super) struct Blocks(HashMap<u32, Vec<Block>>);

impl Blocks {
    pub(super) fn add(&mut self, by: u32, block: Block) {
        self.0.entry(by).or_default().push(block);
    }

    /// Whom somebody certainly blocks at that moment.
    pub(super) fn certain(&self, by: u32, at: Micros) -> HashSet<u32> {
        self.those(by, at, false)
    }

    /// Whom somebody blocks at that moment, or may block: of what is on its way, nobody knows whether it counts.
    pub(super) fn possible(&self, by: u32, at: Micros) -> HashSet<u32> {
        self.those(by, at, true)
    }

    /// Those of whom it is so by what is known, unless something on its way says otherwise; or also those of whom only that says it.
    fn those(&self, by: u32, at: Micros, wanted: bool) -> HashSet<u32> {
        let own = self.0.get(&by).map_or(&[][..], Vec::as_slice);
        let users: HashSet<u32> = own.iter().map(|block| block.user).collect();
        let is_so = |user: &u32| {
            let user = *user;
            let about = move || own.iter().filter(move |block| block.user == user);
            let settled = about().filter(|block| block.at <= at);
            let settled = settled.max_by_key(|block| block.at).is_some_and(|block| block.on);
            let mut open = about().filter(|block| block.asked <= at && at < block.at);
            if open.any(|block| block.on == wanted) {
                wanted
            } else {
                settled
            }
        };
        users.into_iter().filter(is_so).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_counts_certainly_when_it_is_confirmed_and_possibly_when_it_was_asked_for() {
        let mut blocks = Blocks::default();
        for (asked, at, on) in [(10, 20, true), (30, 40, false)] {
            let user = 7;
            blocks.add(1, Block { asked, at, user, on });
        }
        let told = |at| {
            (
                blocks.certain(1, at).contains(&7),
                blocks.possible(1, at).contains(&7),
            )
        };
        assert_eq!(
            [5, 10, 20, 30, 40].map(told),
            [
                (false, false),
                (false, true),
                (true, true),
                (false, true),
                (false, false)
            ]
        );
        assert!(blocks.possible(7, 20).is_empty(), "it counts for one of the two");
    }
}
