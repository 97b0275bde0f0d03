//! A connection that watches, and what it knows.

use crate::delivery::Outbox;
use crate::wire::{self, Frame, Sight, Watched};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tidings_domain::{Audience, ConversationId, UserId};
use tokio::time::Instant;

/// People and conversations that a connection asked for.
pub(super) type Wishes = (Vec<UserId>, Vec<ConversationId>);

/// A connection that watches.
pub(super) struct Watcher {
    pub(super) user: UserId,
    pub(super) outbox: Arc<Outbox>,
    /// What it asked for, to be looked up again when somebody has left a conversation.
    pub(super) wanted: Wishes,
    /// Counts what it asked for.
    pub(super) number: u64,
    /// What it may see: people, and with them those in small conversations.
    pub(super) granted: Vec<UserId>,
    /// Between whom and its user a block stands: they are shown as if they were invisible.
    pub(super) parted: HashSet<UserId>,
    /// These, and what it was told of each.
    pub(super) users: BTreeMap<UserId, Option<Sight>>,
    pub(super) rooms: Vec<ConversationId>,
    /// How many of them are not known yet.
    pub(super) unknown: usize,
    /// How many members it was told are there.
    pub(super) counts: HashMap<ConversationId, usize>,
    /// To whom its user shows when they were last there: it is shown it of nobody else.
    pub(super) shows: Audience,
    /// Its user's contacts, where it matters who they are.
    pub(super) contacts: HashSet<UserId>,
    /// What it may see may be something else since, and is looked up: it is shown all then.
    pub(super) has_changed: bool,
    /// It was not shown something, so it is shown all when there is room.
    pub(super) is_behind: bool,
    /// Whether what it may see of its wishes is known: not before that is it shown anything whole.
    pub(super) is_sure: bool,
    pub(super) ignorance: Ignorance,
    /// When it last began to count its wishes, and how many came since.
    pub(super) window: (Instant, u32),
    /// Of whom something may be new for it.
    pub(super) news: Vec<UserId>,
}

impl Watcher {
    /// It was told all of this.
    pub(super) fn told(&mut self, state: &Watched) {
        for (user, sight) in &state.users {
            self.users.insert(*user, Some(*sight));
        }
        self.counts = state.conversations.iter().copied().collect();
        (self.is_behind, self.ignorance) = (false, Ignorance::Over);
    }

    /// What it was told counts no more, and it is told everything when that is known.
    pub(super) fn forget(&mut self) {
        self.is_behind = true;
        if self.ignorance == Ignorance::Over {
            self.ignorance = Ignorance::Due;
        }
    }

    /// It is told that nothing is known, where it was not told yet. Returns whether it was given a frame.
    pub(super) fn admit(&mut self) -> bool {
        let is_given = self.ignorance == Ignorance::Due && self.outbox.presence(encoded(None));
        if is_given {
            self.ignorance = Ignorance::Told;
        }
        is_given
    }
}

/// Whether a connection is told that nothing is known.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Ignorance {
    #[default]
    Over,
    Due,
    Told,
}

/// What comes by itself.
pub(super) fn encoded(state: Option<Watched>) -> Frame {
    Frame::text(wire::presence_state(None, state).encode().as_bytes())
}
