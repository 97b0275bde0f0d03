//! Invitations into groups that wait for somebody, each until a time.

use super::invitation::Invitation;
use crate::frozen::Frozen;
use crate::id::{ConversationId, UserId};
use crate::moment::Moment;
use chrono::DateTime;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// The most things of a kind that wait for somebody. Of more, the one that is over first makes room.
pub const OPEN_MAX: usize = 1000;

/// What waits and has not ended by a word, that included whose time is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Open(BTreeMap<Invitation, Moment>);

impl Open {
    /// Whether any of these waits, or has waited until its time was over.
    pub(super) fn has_any(&self, invitations: RangeInclusive<Invitation>) -> bool {
        self.0.range(invitations).next().is_some()
    }

    pub(super) fn push(&mut self, invitation: Invitation, until: Moment) {
        self.0.insert(invitation, until);
        if self.0.len() > OPEN_MAX {
            let first = self.0.iter().min_by_key(|(key, until)| (**until, **key));
            if let Some(first) = first.map(|(key, _)| *key) {
                self.0.remove(&first);
            }
        }
    }

    /// Removes all of these.
    pub(super) fn remove_all(&mut self, invitations: RangeInclusive<Invitation>) {
        let over: Vec<Invitation> = self.0.range(invitations).map(|(key, _)| *key).collect();
        for key in over {
            self.0.remove(&key);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn freeze(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u64).to_le_bytes());
        for ((conversation, by), until) in &self.0 {
            out.extend(conversation.0.as_bytes());
            out.extend(by.0.as_bytes());
            out.extend(until.time().timestamp_millis().to_le_bytes());
        }
    }

    pub(super) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let count = frozen.number()?;
        let all = frozen.list(count, 40, |frozen| {
            let conversation = ConversationId(Uuid::from_bytes(frozen.array()?));
            let by = UserId(Uuid::from_bytes(frozen.array()?));
            let until = DateTime::from_timestamp_millis(i64::from_le_bytes(frozen.array()?))?;
            Some(((conversation, by), Moment::from(until)))
        })?;
        let mut open = Self::default();
        for (invitation, until) in all {
            open.push(invitation, until);
        }
        Some(open)
    }
}
