//! Contacts: one asks, and the other accepts or does not. Requests that cross meet. Who is declined or blocked is not told, and sees what
//! one sees who waits. What somebody who is blocked makes of contacts is so for them alone until the block ends.

use super::{Change, Pair, PairChanged, YOU_BLOCK};
use crate::facts::Ties;
use crate::id::UserId;
use crate::rejection::{Field, Rejection};
use crate::text::Greeting;
use chrono::{DateTime, TimeDelta, Utc};

/// The most contacts that somebody has.
pub const CONTACTS_MAX: u32 = 5_000;
/// The most people whom somebody waits for at a time.
pub const REQUESTS_MAX: u32 = 100;
/// The most people whom somebody asks in a day.
pub const REQUESTS_A_DAY: u32 = 50;
/// Who was declined is not heard for so long.
pub const DECLINED_DAYS: i64 = 7;
/// Who has taken back so many requests that the other heard, and had an answer to none, is not heard any more: nobody is sent texts that
/// way who answers none.
pub const TAKEN_BACK_MAX: u8 = 3;

impl Pair {
    pub(super) fn request(
        &self,
        (actor, user): (UserId, UserId),
        text: Option<&Greeting>,
        ties: &Ties,
        now: DateTime<Utc>,
    ) -> Result<Option<Change>, Rejection> {
        let (mine, theirs) = (self.of(actor, user), self.of(user, actor));
        if mine.blocks {
            return Err(you_block());
        }
        if mine.contact {
            return Ok(None);
        }
        if theirs.asks.is_some() && !mine.behind.accepted {
            ties.have_room()?;
            return Ok(Some(Change::Accepted));
        }
        // Heard or not, they wait as it seems to them.
        if mine.asks.is_some() {
            return Ok(None);
        }
        ties.have_room()?;
        if ties.requests >= REQUESTS_MAX {
            return Err(Rejection::Conflict("you wait for too many people"));
        }
        if ties.today >= REQUESTS_A_DAY {
            return Err(Rejection::TooOften {
                field: Field::User,
                reason: "you have asked too many people today",
                wait: ties.free_at.map_or(TimeDelta::hours(1), |free| free - now),
            });
        }
        Ok(Some(Change::Requested { text: text.cloned() }))
    }

    pub(super) fn accept(
        &self,
        (actor, user): (UserId, UserId),
        ties: &Ties,
    ) -> Result<Option<Change>, Rejection> {
        if self.of(actor, user).contact {
            return Ok(None);
        }
        if self.of(user, actor).asks != Some(true) {
            return Err(Rejection::NO_REQUEST);
        }
        if self.of(actor, user).blocks {
            return Err(you_block());
        }
        ties.have_room()?;
        Ok(Some(Change::Accepted))
    }

    pub(super) fn decline(
        &self,
        (actor, user): (UserId, UserId),
        now: DateTime<Utc>,
    ) -> Result<Change, Rejection> {
        if self.of(user, actor).asks != Some(true) {
            return Err(Rejection::NO_REQUEST);
        }
        Ok(Change::Declined {
            until: (now + TimeDelta::days(DECLINED_DAYS)).into(),
        })
    }

    pub(super) fn withdraw(&self, (actor, user): (UserId, UserId)) -> Result<Change, Rejection> {
        if self.of(actor, user).asks.is_none() {
            return Err(Rejection::NO_REQUEST);
        }
        Ok(Change::Withdrawn)
    }

    pub(super) fn remove(&self, (actor, user): (UserId, UserId)) -> Option<Change> {
        self.of(actor, user).contact.then_some(Change::Removed)
    }

    /// What else comes of a change where a block stood or stands between the two. Who blocks the other one no more is told what that one has made of
    /// contacts meanwhile. And who takes back a request that was accepted behind their block ends what the other one takes for a contact.
    pub(super) fn follows(&self, (actor, user): (UserId, UserId), change: &Change) -> Vec<PairChanged> {
        let (mine, theirs) = (self.of(actor, user), self.of(user, actor));
        let has_answer = theirs.behind.accepted && mine.asks.is_some();
        match change {
            Change::Blocked { on: false } => {
                let is_over = theirs.behind.removed && !theirs.contact && (mine.contact || has_answer);
                let late = [(has_answer, Change::Accepted), (is_over, Change::Removed)];
                let late = late.into_iter().filter(|(is_so, _)| *is_so);
                late.map(|(_, change)| PairChanged {
                    by: user,
                    user: actor,
                    change,
                    heard: true,
                    only: Some(actor),
                })
                .collect()
            }
            Change::Withdrawn if has_answer && theirs.contact && !theirs.blocks => vec![PairChanged {
                by: actor,
                user,
                change: Change::Removed,
                heard: true,
                only: Some(user),
            }],
            _ => vec![],
        }
    }

    /// Whether a change is so for `actor` alone: the other one wants nothing of them now, so it changes nothing for that one.
    pub(super) fn is_hidden(&self, (actor, user): (UserId, UserId), change: &Change) -> bool {
        self.blocks(user, actor) && matches!(change, Change::Accepted | Change::Removed)
    }

    /// Whether `user` is told of what `actor` does: never where they block them, and of a request neither where they have declined one.
    pub(super) fn is_heard(
        &self,
        (actor, user): (UserId, UserId),
        change: &Change,
        now: DateTime<Utc>,
    ) -> bool {
        let (mine, theirs) = (self.of(actor, user), self.of(user, actor));
        let of_itself = match change {
            Change::Requested { .. } => {
                let waits = mine.unheard_until.is_some_and(|until| until.time() > now);
                !waits && mine.taken_back < TAKEN_BACK_MAX
            }
            Change::Accepted => true,
            // Not by whom it is over for already.
            Change::Removed => theirs.contact,
            Change::Withdrawn => mine.asks == Some(true),
            Change::Declined { .. } | Change::Blocked { .. } => false,
        };
        of_itself && !theirs.blocks
    }
}

impl Ties {
    /// Refuses one more contact to somebody who has as many as may be.
    fn have_room(&self) -> Result<(), Rejection> {
        if self.contacts >= CONTACTS_MAX {
            return Err(Rejection::Conflict("you have too many contacts"));
        }
        Ok(())
    }
}

fn you_block() -> Rejection {
    Rejection::Denied {
        field: Field::User,
        reason: YOU_BLOCK,
    }
}
