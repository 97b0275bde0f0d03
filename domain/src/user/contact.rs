//! What somebody is told of contacts and blocks: by notices of their own stream, which follow from what has happened to the pair. What they
//! are told of invitations into groups, and of requests to be let in, stands beside this, and goes the same way.

use crate::event::{
    Event, GroupAnswered, GroupAsked, GroupInvited, InvitationEnded, JoinAnswered, UserEvent,
};
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::pair::{Change, PairChanged};
use crate::text::Greeting;
use serde::{Deserialize, Serialize};

/// Something has become otherwise between the user and somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Requested(ContactRequested),
    Accepted(ContactAccepted),
    Declined(ContactDeclined),
    Withdrawn(ContactWithdrawn),
    Removed(ContactRemoved),
    Blocked(UserBlocked),
    /// Into a group.
    Invited(GroupInvited),
    InvitationEnded(InvitationEnded),
    /// Somebody asks to be let into a group, which the user may answer.
    Asked(GroupAsked),
    /// All of those were answered.
    Answered(GroupAnswered),
    /// The user has asked, and was answered.
    JoinAnswered(JoinAnswered),
}

/// One has asked the other to be a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRequested {
    /// The other one of the two, for whoever is told.
    pub user: UserId,
    /// Who asked.
    pub by: UserId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<Greeting>,
}

impl Stored for ContactRequested {
    const KIND: Kind = Kind::CONTACT_REQUESTED;
    const NAME: &'static str = "contact.requested";

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Requested(self)).into()
    }
}

macro_rules! told {
    ($(#[$doc:meta])* $name:ident, $told:ident, $kind:ident, $wire:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {
            /// The other one of the two, for whoever is told.
            pub user: UserId,
            /// Who did it.
            pub by: UserId,
        }

        impl Stored for $name {
            const KIND: Kind = Kind::$kind;
            const NAME: &'static str = $wire;

            fn into_event(self) -> Event {
                UserEvent::Told(Told::$told(self)).into()
            }
        }
    };
}

told! {
    /// They are contacts from now on.
    ContactAccepted, Accepted, CONTACT_ACCEPTED, "contact.accepted"
}
told! {
    /// Somebody does not want to be a contact, which they alone are told.
    ContactDeclined, Declined, CONTACT_DECLINED, "contact.declined"
}
told! {
    /// Who had asked does so no more.
    ContactWithdrawn, Withdrawn, CONTACT_WITHDRAWN, "contact.withdrawn"
}
told! {
    /// They are contacts no more.
    ContactRemoved, Removed, CONTACT_REMOVED, "contact.removed"
}

/// The user blocks somebody from now on, or does not, which they alone are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserBlocked {
    pub user: UserId,
    pub on: bool,
}

impl Stored for UserBlocked {
    const KIND: Kind = Kind::USER_BLOCKED;
    const NAME: &'static str = "user.blocked";

    fn into_event(self) -> Event {
        UserEvent::Told(Told::Blocked(self)).into()
    }
}

impl Told {
    /// Who is told of a change, and what: who made it, when they made it, and the other one where they hear it.
    pub fn of(changed: &PairChanged) -> impl Iterator<Item = (UserId, Self)> + '_ {
        let sides = changed.sides();
        let told = sides.filter(move |(one, _)| *one == changed.by || changed.heard);
        told.map(move |(one, other)| (one, Self::about(changed, other)))
    }

    /// What is told to somebody of whom `user` is the other one.
    fn about(changed: &PairChanged, user: UserId) -> Self {
        let by = changed.by;
        match &changed.change {
            Change::Requested { text } => Self::Requested(ContactRequested {
                user,
                by,
                text: text.clone(),
            }),
            Change::Accepted => Self::Accepted(ContactAccepted { user, by }),
            Change::Declined { .. } => Self::Declined(ContactDeclined { user, by }),
            Change::Withdrawn => Self::Withdrawn(ContactWithdrawn { user, by }),
            Change::Removed => Self::Removed(ContactRemoved { user, by }),
            Change::Blocked { on } => Self::Blocked(UserBlocked { user, on: *on }),
        }
    }
}
