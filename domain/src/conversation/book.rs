//! What is kept of people, by person, or by two of them. A copy costs about as much as what has changed lately, however many there are: a decision is made on
//! a copy of the state that it may change, and groups are large.

use crate::id::UserId;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A map from user to what is kept of them, where nothing else is said of the key.
#[derive(Clone, Debug)]
pub(super) struct Book<V, K = UserId> {
    /// Shared between copies.
    base: Arc<HashMap<K, V>>,
    /// What is otherwise than in `base`; `None` for who is not in it any more.
    changed: HashMap<K, Option<V>>,
    count: usize,
}

impl<V: Copy, K: Copy + Eq + Hash> Book<V, K> {
    pub(super) fn get(&self, key: K) -> Option<V> {
        match self.changed.get(&key) {
            Some(changed) => *changed,
            None => self.base.get(&key).copied(),
        }
    }

    /// How many entries it has.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, V)> + '_ {
        let base = self
            .base
            .iter()
            .filter(|(key, _)| !self.changed.contains_key(*key));
        let base = base.map(|(key, value)| (*key, *value));
        let changed = self.changed.iter();
        base.chain(changed.filter_map(|(key, value)| Some((*key, (*value)?))))
    }

    /// Puts something in, or otherwise than before; `None` takes it out. Returns what was there.
    pub(super) fn set(&mut self, key: K, value: Option<V>) -> Option<V> {
        let before = self.get(key);
        self.count = self.count + usize::from(value.is_some()) - usize::from(before.is_some());
        self.changed.insert(key, value);
        if self.changed.len() > self.changes_max() {
            self.settle();
        }
        before
    }

    /// So many changes are kept apart that a copy stays cheap, and that it is rarely worth the while to take them in.
    fn changes_max(&self) -> usize {
        64.max(self.base.len() / 64)
    }

    fn settle(&mut self) {
        let base = Arc::make_mut(&mut self.base);
        for (key, value) in self.changed.drain() {
            match value {
                Some(value) => base.insert(key, value),
                None => base.remove(&key),
            };
        }
    }
}

impl<V, K> Default for Book<V, K> {
    fn default() -> Self {
        Self {
            base: Arc::default(),
            changed: HashMap::new(),
            count: 0,
        }
    }
}

impl<V, K: Eq + Hash> FromIterator<(K, V)> for Book<V, K> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let base: HashMap<K, V> = entries.into_iter().collect();
        Self {
            count: base.len(),
            base: Arc::new(base),
            changed: HashMap::new(),
        }
    }
}

/// What is in it counts, not where it is written down.
impl<V: Copy + PartialEq, K: Copy + Eq + Hash> PartialEq for Book<V, K> {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl<V: Copy + Eq, K: Copy + Eq + Hash> Eq for Book<V, K> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    proptest! {
        /// Against a plain map, and so that copies go their own ways.
        #[test]
        fn a_book_is_a_map(
            begun in prop::collection::hash_map(0..200_u128, any::<bool>(), 0..150),
            changes in prop::collection::vec((0..200_u128, prop::option::of(any::<bool>())), 0..300),
            copied in 0..300_usize,
        ) {
            let mut plain: HashMap<UserId, bool> = begun.into_iter().map(|(n, value)| (user(n), value)).collect();
            let mut book: Book<bool> = plain.clone().into_iter().collect();
            let mut copy = None;
            for (index, (n, change)) in changes.into_iter().enumerate() {
                if index == copied {
                    copy = Some((book.clone(), plain.clone()));
                }
                let before = match change {
                    Some(value) => plain.insert(user(n), value),
                    None => plain.remove(&user(n)),
                };
                prop_assert_eq!(book.set(user(n), change), before);
                prop_assert_eq!(book.get(user(n)), change);
                prop_assert!(book.changed.len() <= book.changes_max());
            }
            for (book, plain) in copy.into_iter().chain([(book, plain)]) {
                prop_assert_eq!(book.count(), plain.len());
                let rebuilt: Book<bool> = plain.clone().into_iter().collect();
                prop_assert_eq!(&book, &rebuilt);
                prop_assert_eq!(book.iter().collect::<HashMap<_, _>>(), plain);
            }
        }
    }

    #[test]
    fn a_copy_shares_what_there_is_until_much_has_changed() {
        for (size, changes) in [(0, 64), (64 * 64, 64), (64 * 100, 100)] {
            let kept: Book<u8> = (0..size).map(|n| (user(n), 1)).collect();
            let mut copy = kept.clone();
            for n in 0..changes {
                copy.set(user(size + n), Some(1));
                assert!(Arc::ptr_eq(&kept.base, &copy.base), "{n} of {size}");
            }
            copy.set(user(size + changes), Some(1));
            assert!(
                !Arc::ptr_eq(&kept.base, &copy.base) && copy.changed.is_empty(),
                "{size}"
            );
            assert_eq!(copy.count() as u128, size + changes + 1);
        }
    }

    #[test]
    fn books_of_as_many_others_are_not_the_same() {
        let of = |n: u128| Book::from_iter([(user(n), 1)]);
        assert_ne!(of(1), of(2));
        assert_ne!(of(1), Book::default());
        assert_eq!(of(1), of(1));
    }
}
