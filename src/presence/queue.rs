//! What waits in line, each once.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;

/// So many that have left may stay in line before they are put out.
const SLACK: usize = 64;

pub(super) struct Queue<T> {
    /// Also those that do not wait any more.
    line: VecDeque<T>,
    waiting: HashSet<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            line: VecDeque::new(),
            waiting: HashSet::new(),
        }
    }
}

impl<T: Copy + Eq + Hash> Queue<T> {
    /// Whoever waits already keeps their place.
    pub(super) fn push(&mut self, item: T) {
        if self.waiting.insert(item) {
            self.line.push_back(item);
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        while let Some(item) = self.line.pop_front() {
            if self.waiting.remove(&item) {
                return Some(item);
            }
        }
        None
    }

    pub(super) fn remove(&mut self, item: &T) {
        self.waiting.remove(item);
        if self.line.len() > 2 * self.waiting.len() + SLACK {
            let mut kept = HashSet::with_capacity(self.waiting.len());
            self.line
                .retain(|item| self.waiting.contains(item) && kept.insert(*item));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Pop,
        Remove(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..20_u8).prop_map(Step::Push),
            Just(Step::Pop),
            (0..20_u8).prop_map(Step::Remove)
        ]
    }

    proptest! {
        #[test]
        fn each_waits_once_and_whoever_has_left_takes_no_room(steps in proptest::collection::vec(step(), 0..2_000)) {
            let (mut queue, mut waiting) = (Queue::default(), HashSet::new());
            for step in steps {
                match step {
                    Step::Push(item) => {
                        queue.push(item);
                        waiting.insert(item);
                    }
                    Step::Pop => {
                        let item = queue.pop();
                        prop_assert_eq!(item.is_some(), !waiting.is_empty());
                        prop_assert!(item.is_none_or(|item| waiting.remove(&item)));
                    }
                    Step::Remove(item) => {
                        queue.remove(&item);
                        waiting.remove(&item);
                    }
                }
                prop_assert_eq!(queue.is_empty(), waiting.is_empty());
                prop_assert!(queue.line.len() <= 2 * 20 + SLACK + 1);
            }
        }
    }

    #[test]
    fn who_came_first_is_served_first() {
        let mut queue = Queue::default();
        for item in [3, 1, 3, 2] {
            queue.push(item);
        }
        queue.remove(&1);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(3), Some(2), None]);
    }
}
