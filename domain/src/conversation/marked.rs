//! Messages of a conversation that something holds of, until it does no more.

use std::collections::BTreeSet;
use uuid::Uuid;

/// Those of which it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked(BTreeSet<Uuid>);

impl Marked {
    pub(super) fn has(&self, message: Uuid) -> bool {
        self.0.contains(&message)
    }

    pub(super) fn set(&mut self, message: Uuid, on: bool) {
        if on {
            self.0.insert(message);
        } else {
            self.0.remove(&message);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Uuid> for Marked {
    fn from_iter<I: IntoIterator<Item = Uuid>>(messages: I) -> Self {
        Self(messages.into_iter().collect())
    }
}
