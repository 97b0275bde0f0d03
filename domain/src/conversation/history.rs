//! What newcomers see of a group: how far back its history is theirs. One number for each membership, found at the joining and the same
//! for as long as it lasts, so that whoever reads compares and looks nothing up (ADR 53).

use super::Conversation;
use crate::facts::{Facts, Message};
use crate::id::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What somebody who comes into a group sees of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// All of it, but for what stands before an end of [`History::Joined`].
    Shared,
    /// What is sent from their joining on.
    Joined,
}

/// The seq of what is decided and not written: it comes behind everything that has one.
pub(crate) const UNWRITTEN: u64 = u64::MAX;

/// From which event on those see a conversation who come in now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// `None` for the joining itself.
    from: Option<u64>,
}

/// At the conversation's own.
impl Default for Beginning {
    fn default() -> Self {
        Self { from: Some(1) }
    }
}

impl Beginning {
    /// As read models and kept states have it: a seq, or nothing for the joining itself.
    pub fn stored(from: Option<u64>) -> Self {
        Self { from }
    }

    /// The same number.
    pub fn number(self) -> Option<u64> {
        self.from
    }

    /// After the history became another by the event at `seq`. What was sent while newcomers did not see it stays unseen.
    pub fn turned(history: History, seq: u64) -> Self {
        Self {
            from: match history {
                History::Shared => Some(seq.saturating_add(1)),
                History::Joined => None,
            },
        }
    }

    /// The first seq that somebody sees who comes in by the event at `joined`.
    pub fn visible_from(self, joined: u64) -> u64 {
        self.from.unwrap_or(joined)
    }
}

impl Conversation {
    /// The first seq that a member sees; `None` of somebody who is none.
    pub fn visible_from(&self, user: UserId) -> Option<u64> {
        self.members.get(user).map(|member| member.visible_from)
    }

    /// A message, where somebody sees it. To others it does not exist.
    pub(super) fn in_view<'a>(&self, user: UserId, message: Option<&'a Message>) -> Option<&'a Message> {
        message.filter(|message| self.sees(user, Some(message.seq)))
    }

    /// The same of a message of which no more is known than that it is there, or will be.
    pub(super) fn has_in_view(
        &self,
        user: UserId,
        conversation: ConversationId,
        message: Uuid,
        facts: &Facts,
    ) -> bool {
        let seq = || facts.sent(conversation, message).and_then(|sent| sent.seq);
        facts.has_message(conversation, message) && self.sees(user, seq())
    }

    /// Whether a member sees what stands at `seq`, or, without one, what stands before in the same batch. Whether that came before a joining
    /// of the same batch is not known until it is written: till then it did.
    fn sees(&self, user: UserId, seq: Option<u64>) -> bool {
        self.visible_from(user)
            .is_some_and(|from| from <= seq.unwrap_or(UNWRITTEN - 1))
    }
}
