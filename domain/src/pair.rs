//! What two people are to one another: contacts, or not, and whether one blocks the other. It is decided on the stream of the pair, which
//! nobody is shown: a block must not be seen by whom it keeps away.

pub mod block;
pub mod contact;
mod deletion;

use crate::digest::{DigestKey, Form};
use crate::event::Event;
use crate::facts::Facts;
use crate::frozen::Frozen;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use crate::text::Greeting;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What somebody is told who may not reach somebody else: for a block and for what the other wants of strangers alike.
pub(crate) const KEEPS_TO_THEMSELVES: &str = "this user does not want that from you";
/// What somebody is told who wants something of a person whom they have blocked.
pub(crate) const YOU_BLOCK: &str = "you have blocked this user";

/// Something has become otherwise between two people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairChanged {
    /// Who did it.
    pub by: UserId,
    /// The other one.
    pub user: UserId,
    pub change: Change,
    /// Whether the other one is told.
    pub heard: bool,
}

/// What somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Asked the other to be a contact.
    Requested {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        text: Option<Greeting>,
    },
    /// Took the other for a contact, who had asked.
    Accepted,
    /// Did not. Until then the other is not heard who asks again.
    Declined {
        until: Moment,
    },
    /// Asks no more.
    Withdrawn,
    /// Ended it.
    Removed,
    Blocked {
        on: bool,
    },
}

impl Stored for PairChanged {
    const KIND: Kind = Kind::PAIR_CHANGED;
    const NAME: &'static str = "pair.changed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        Event::Pair(self)
    }
}

/// What decisions about two people depend on. It does not say who they are: whoever asks knows that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    contacts: bool,
    /// Of the lower id, and of the higher one.
    sides: [Side; 2],
}

/// What one of the two has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    /// They ask the other to be a contact, who has heard it or not.
    asks: Option<bool>,
    /// Until then they are not heard.
    unheard_until: Option<Moment>,
    /// Requests that they took back, since the other last answered one.
    taken_back: u8,
    blocks: bool,
}

/// What can be asked of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairCommand {
    Request {
        text: Option<Greeting>,
    },
    Accept,
    Decline,
    Withdraw,
    Remove,
    Block {
        on: bool,
    },
    /// The server's own: the actor's account is deleted.
    Depart,
}

impl PairCommand {
    /// A fingerprint of what `actor` wants of a pair.
    pub(crate) fn digest(&self, actor: UserId, pair: Uuid, key: &DigestKey) -> i64 {
        let mut form = Form::new(key);
        form.id(actor.0);
        form.id(pair);
        match self {
            Self::Request { text } => {
                form.tag(1);
                form.tag(u8::from(text.is_some()));
                form.text(text.as_ref().map_or("", Greeting::as_str));
            }
            Self::Accept => form.tag(2),
            Self::Decline => form.tag(3),
            Self::Withdraw => form.tag(4),
            Self::Remove => form.tag(5),
            Self::Block { on } => {
                form.tag(6);
                form.tag(u8::from(*on));
            }
            Self::Depart => form.tag(7),
        }
        form.finish()
    }
}

impl Pair {
    /// Whether they are contacts of one another.
    pub fn are_contacts(&self) -> bool {
        self.contacts
    }

    /// Whether `one` blocks `other`.
    pub fn blocks(&self, one: UserId, other: UserId) -> bool {
        self.of(one, other).blocks
    }

    /// Refuses what `actor` wants `other` to see, where one of them blocks the other.
    pub(crate) fn lets_reach(&self, actor: UserId, other: UserId) -> Result<(), &'static str> {
        if self.blocks(actor, other) {
            Err(YOU_BLOCK)
        } else if self.blocks(other, actor) {
            Err(KEEPS_TO_THEMSELVES)
        } else {
            Ok(())
        }
    }

    /// Decides what `actor` wants of `user`. An empty answer means that all is so already.
    pub fn decide(
        &self,
        (actor, user): (UserId, UserId),
        command: &PairCommand,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<PairChanged>, Rejection> {
        if actor == user {
            return Err(Rejection::invalid(Field::User, "this is yourself"));
        }
        // What somebody waits for or is asked ends also where the other one is gone.
        let ends = matches!(
            command,
            PairCommand::Decline | PairCommand::Withdraw | PairCommand::Depart
        );
        if !ends && !facts.has_users(&[user]) {
            return Err(Rejection::NotFound(Field::User));
        }
        let ties = facts.ties(actor, user);
        let decided = match command {
            PairCommand::Request { text } => self.request((actor, user), text.as_ref(), &ties, now)?,
            PairCommand::Accept => self.accept((actor, user), &ties)?,
            PairCommand::Decline => Some(self.decline((actor, user), now)?),
            PairCommand::Withdraw => Some(self.withdraw((actor, user))?),
            PairCommand::Remove => self.remove(),
            PairCommand::Block { on } => self.block((actor, user), *on, &ties)?,
            PairCommand::Depart => return Ok(self.depart((actor, user), now)),
        };
        let Some(change) = decided else {
            return Ok(vec![]);
        };
        let heard = self.is_heard((actor, user), &change, now);
        let (by, change) = (actor, change);
        Ok(vec![PairChanged {
            by,
            user,
            change,
            heard,
        }])
    }

    /// Folds one event.
    pub fn evolve(&mut self, event: &PairChanged) {
        let PairChanged {
            by,
            user,
            change,
            heard,
        } = event;
        match change {
            Change::Requested { .. } => self.of_mut(*by, *user).asks = Some(*heard),
            Change::Accepted => {
                self.contacts = true;
                for side in &mut self.sides {
                    side.asks = None;
                    side.unheard_until = None;
                    side.taken_back = 0;
                }
            }
            Change::Declined { until } => {
                let theirs = self.of_mut(*user, *by);
                // For who asked nothing has changed.
                theirs.asks = theirs.asks.map(|_| false);
                theirs.unheard_until = Some(*until);
                theirs.taken_back = 0;
            }
            Change::Withdrawn => {
                let mine = self.of_mut(*by, *user);
                // Whether or not it was heard: that depends on blocks, of which nothing may depend that comes later.
                mine.asks = None;
                mine.taken_back = mine.taken_back.saturating_add(1);
            }
            Change::Removed => self.contacts = false,
            Change::Blocked { on } => self.of_mut(*by, *user).blocks = *on,
        }
    }

    /// What `one` has done.
    fn of(&self, one: UserId, other: UserId) -> Side {
        self.sides[usize::from(one > other)]
    }

    fn of_mut(&mut self, one: UserId, other: UserId) -> &mut Side {
        &mut self.sides[usize::from(one > other)]
    }

    pub(crate) fn freeze(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.contacts));
        for side in self.sides {
            out.push(side.asks.map_or(0, |heard| 1 + u8::from(heard)));
            out.push(u8::from(side.blocks));
            out.push(side.taken_back);
            let until = side.unheard_until.map(|until| until.time().timestamp_millis());
            out.push(u8::from(until.is_some()));
            out.extend(until.unwrap_or_default().to_le_bytes());
        }
    }

    pub(crate) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let flag = |frozen: &mut Frozen<'_>| match frozen.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        let contacts = flag(frozen)?;
        let mut sides = [Side::default(); 2];
        for side in &mut sides {
            side.asks = match frozen.byte()? {
                0 => None,
                1 => Some(false),
                2 => Some(true),
                _ => return None,
            };
            side.blocks = flag(frozen)?;
            side.taken_back = frozen.byte()?;
            let is_unheard = flag(frozen)?;
            let until = DateTime::from_timestamp_millis(frozen.array().map(i64::from_le_bytes)?)?;
            side.unheard_until = is_unheard.then(|| until.into());
        }
        Some(Self { contacts, sides })
    }
}
