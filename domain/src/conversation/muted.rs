//! Muted members: they read along, and write nothing.

use super::Conversation;
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A member writes nothing from now on, until a moment or until that is ended, or may write again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberMuted {
    pub user: UserId,
    pub on: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Moment>,
}

impl Stored for MemberMuted {
    const KIND: Kind = Kind::MEMBER_MUTED;
    const NAME: &'static str = "member.muted";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MemberMuted(self).into()
    }
}

impl Conversation {
    /// Admins mute ordinary members, owners admins too. Whoever leaves and comes back is muted still.
    pub(super) fn mute(
        &self,
        actor: UserId,
        user: UserId,
        on: bool,
        until: Option<Moment>,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let own = self.manager(actor, now)?;
        if actor == user {
            return Err(Rejection::invalid(Field::User, "nobody mutes themselves"));
        }
        if until.is_some_and(|until| !on || until.time() <= now) {
            return Err(Rejection::invalid(
                Field::Until,
                "this goes with on, and lies in the future",
            ));
        }
        if !on && self.mutes.get(user).is_none() {
            return Ok(vec![]);
        }
        let role = match self.role(user) {
            Some(role) => role,
            // Who has left may be let write again before they come back.
            None if !on => Role::Member,
            None => return Err(Rejection::NO_MEMBER),
        };
        if role >= own {
            return Err(Rejection::Forbidden(
                "admins mute ordinary members, owners admins too",
            ));
        }
        Ok(vec![ConversationEvent::MemberMuted(MemberMuted {
            user,
            on,
            until,
        })])
    }

    /// Refuses somebody who is muted. An owner never is.
    pub(super) fn may_speak(&self, actor: UserId, role: Role, now: DateTime<Utc>) -> Result<(), Rejection> {
        match self.mutes.get(actor) {
            Some(None) if role < Role::Owner => Err(Rejection::Muted { wait: None }),
            Some(Some(until)) if role < Role::Owner && until.time() > now => Err(Rejection::Muted {
                wait: Some(until.time() - now),
            }),
            _ => Ok(()),
        }
    }
}

pub(crate) fn mute_form(form: &mut Form, user: UserId, on: bool, until: Option<Moment>) {
    form.tag(14);
    form.id(user.0);
    form.tag(u8::from(on));
    form.moment(until);
}
