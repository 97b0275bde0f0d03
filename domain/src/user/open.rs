//! What waits for somebody in groups, each until a time: invitations that they were told of, and requests to be let in.

use crate::frozen::Frozen;
use crate::id::{ConversationId, UserId};
use crate::moment::Moment;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// The most things of a kind that wait for somebody. Of more, the one that is over first makes room.
pub const OPEN_MAX: usize = 1000;

/// What something that waits is known by: a group, or an invitation.
pub(super) trait Key: Copy + Ord {
    /// Bytes that it takes in what is frozen.
    const SIZE: usize;

    fn freeze(self, out: &mut Vec<u8>);

    fn thaw(frozen: &mut Frozen<'_>) -> Option<Self>;
}

impl Key for ConversationId {
    const SIZE: usize = 16;

    fn freeze(self, out: &mut Vec<u8>) {
        out.extend(self.0.as_bytes());
    }

    fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        Some(Self(Uuid::from_bytes(frozen.array()?)))
    }
}

impl Key for (ConversationId, UserId) {
    const SIZE: usize = 32;

    fn freeze(self, out: &mut Vec<u8>) {
        self.0.freeze(out);
        out.extend(self.1.0.as_bytes());
    }

    fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let conversation = ConversationId::thaw(frozen)?;
        Some((conversation, UserId(Uuid::from_bytes(frozen.array()?))))
    }
}

/// What waits and has not ended by a word, that included whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open<K>(BTreeMap<K, Moment>);

impl<K> Default for Open<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Key> Open<K> {
    pub(super) fn contains(&self, key: K) -> bool {
        self.0.contains_key(&key)
    }

    /// Whether it waits still.
    pub(super) fn is_open(&self, key: K, now: DateTime<Utc>) -> bool {
        self.0.get(&key).is_some_and(|until| until.time() > now)
    }

    /// Whether anything of these waits, or has waited until its time was over.
    pub(super) fn has_any(&self, keys: RangeInclusive<K>) -> bool {
        self.0.range(keys).next().is_some()
    }

    pub(super) fn push(&mut self, key: K, until: Moment) {
        self.0.insert(key, until);
        if self.0.len() > OPEN_MAX {
            let first = self.0.iter().min_by_key(|(key, until)| (**until, **key));
            if let Some(first) = first.map(|(key, _)| *key) {
                self.0.remove(&first);
            }
        }
    }

    pub(super) fn remove(&mut self, key: K) {
        self.0.remove(&key);
    }

    /// Removes all of these.
    pub(super) fn remove_all(&mut self, keys: RangeInclusive<K>) {
        let over: Vec<K> = self.0.range(keys).map(|(key, _)| *key).collect();
        for key in over {
            self.0.remove(&key);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn freeze(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u64).to_le_bytes());
        for (key, until) in &self.0 {
            key.freeze(out);
            out.extend(until.time().timestamp_millis().to_le_bytes());
        }
    }

    pub(super) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let count = frozen.number()?;
        let all = frozen.list(count, K::SIZE + 8, |frozen| {
            let key = K::thaw(frozen)?;
            let until = DateTime::from_timestamp_millis(i64::from_le_bytes(frozen.array()?))?;
            Some((key, Moment::from(until)))
        })?;
        let mut open = Self::default();
        for (key, until) in all {
            open.push(key, until);
        }
        Some(open)
    }
}
