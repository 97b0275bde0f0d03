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
    /// For whom alone it is so: whoever did it behind a block of the other one, or that one, once the block is over. None: for both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub only: Option<UserId>,
}

impl PairChanged {
    /// Those for whom it is so, each with the other one.
    pub fn sides(&self) -> impl Iterator<Item = (UserId, UserId)> {
        let sides = [(self.by, self.user), (self.user, self.by)];
        let sides = sides.into_iter();
        sides.filter(|(one, _)| self.only.is_none_or(|only| only == *one))
    }
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
    /// Of the lower id, and of the higher one.
    sides: [Side; 2],
}

/// What one of the two has done, and how it is as they see it. Where a block stands the two may see it differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    /// The other one is a contact of theirs.
    contact: bool,
    /// They ask the other to be a contact, who has heard it or not.
    asks: Option<bool>,
    /// Until then they are not heard.
    unheard_until: Option<Moment>,
    /// Requests that they took back, since the other last answered one.
    taken_back: u8,
    blocks: bool,
    /// Behind a block of the other one, who is told when it ends.
    behind: Behind,
}

/// What somebody has made of contacts behind a block: of a request of the other one, and of their being contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Behind {
    accepted: bool,
    removed: bool,
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
        self.sides.iter().all(|side| side.contact)
    }

    /// Whether `other` is a contact of `one`, as far as that one can see.
    pub fn has_contact(&self, one: UserId, other: UserId) -> bool {
        self.of(one, other).contact
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
            PairCommand::Remove => self.remove((actor, user)),
            PairCommand::Block { on } => self.block((actor, user), *on, &ties)?,
            PairCommand::Depart => return Ok(self.depart((actor, user), now)),
        };
        let Some(change) = decided else {
            return Ok(vec![]);
        };
        let follows = self.follows((actor, user), &change);
        let changed = PairChanged {
            by: actor,
            user,
            heard: self.is_heard((actor, user), &change, now),
            only: self.is_hidden((actor, user), &change).then_some(actor),
            change,
        };
        Ok([changed].into_iter().chain(follows).collect())
    }

    /// Folds one event.
    pub fn evolve(&mut self, event: &PairChanged) {
        let PairChanged {
            by,
            user,
            change,
            heard,
            only,
        } = event;
        // What somebody did behind a block, and what becomes of that for the other one.
        let (is_hidden, is_late) = (*only == Some(*by), *only == Some(*user));
        match change {
            Change::Requested { .. } => self.of_mut(*by, *user).asks = Some(*heard),
            Change::Accepted if is_late => {
                let theirs = self.of_mut(*user, *by);
                theirs.contact = true;
                theirs.asks = None;
            }
            Change::Accepted => {
                for (one, other) in event.sides() {
                    self.of_mut(one, other).contact = true;
                }
                for side in &mut self.sides {
                    side.unheard_until = None;
                    side.taken_back = 0;
                    side.behind = Behind::default();
                }
                let mine = self.of_mut(*by, *user);
                mine.asks = None;
                mine.behind.accepted = is_hidden;
                // Whoever asked waits still, as it seems to them.
                let theirs = self.of_mut(*user, *by);
                theirs.asks = theirs.asks.filter(|_| is_hidden).map(|_| false);
            }
            Change::Declined { until } => {
                let theirs = self.of_mut(*user, *by);
                // For who asked nothing has changed.
                theirs.asks = theirs.asks.map(|_| false);
                theirs.unheard_until = Some(*until);
                theirs.taken_back = 0;
            }
            Change::Withdrawn => {
                let theirs = self.of(*user, *by);
                let has_answer = theirs.behind.accepted;
                let ends = has_answer && theirs.contact;
                let mine = self.of_mut(*by, *user);
                // Whoever accepted it hears of its end later, where they block.
                mine.behind.removed |= ends && theirs.blocks;
                // Whether or not it was heard: that depends on blocks, of which nothing may depend that comes later. One that was accepted behind
                // a block had its answer.
                mine.asks = None;
                mine.taken_back = mine.taken_back.saturating_add(u8::from(!has_answer));
            }
            Change::Removed => {
                for (one, other) in event.sides() {
                    self.of_mut(one, other).contact = false;
                }
                if is_hidden {
                    self.of_mut(*by, *user).behind.removed = true;
                } else if !is_late {
                    for side in &mut self.sides {
                        side.behind = Behind::default();
                    }
                }
            }
            Change::Blocked { on } => {
                self.of_mut(*by, *user).blocks = *on;
                if !on {
                    self.of_mut(*user, *by).behind = Behind::default();
                }
            }
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
        for side in self.sides {
            let Behind { accepted, removed } = side.behind;
            out.extend([side.contact, accepted, removed].map(u8::from));
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
        let mut sides = [Side::default(); 2];
        for side in &mut sides {
            side.contact = flag(frozen)?;
            side.behind.accepted = flag(frozen)?;
            side.behind.removed = flag(frozen)?;
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
        Some(Self { sides })
    }
}
