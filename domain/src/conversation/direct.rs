//! Direct conversations: one for each pair, for ever.

use super::{Conversation, THEY_ARE_IN_TOO_MANY, YOU_ARE_IN_TOO_MANY};
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::pair::KEEPS_TO_THEMSELVES;
use crate::rejection::{Field, Rejection};
use serde::{Deserialize, Serialize};

/// Two people have a conversation of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectOpened {
    pub users: [UserId; 2],
}

impl Stored for DirectOpened {
    const KIND: Kind = Kind::DIRECT_OPENED;
    const NAME: &'static str = "direct.opened";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::DirectOpened(self).into()
    }
}

impl Conversation {
    pub(super) fn open_direct(
        &self,
        actor: UserId,
        user: UserId,
        facts: &Facts,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if actor == user {
            return Err(Rejection::invalid(
                Field::User,
                "a direct conversation needs two people",
            ));
        }
        if self.exists() {
            return Ok(vec![]);
        }
        if !facts.has_users(&[user]) {
            return Err(Rejection::NotFound(Field::User));
        }
        let denied = |reason| Rejection::Denied {
            field: Field::User,
            reason,
        };
        facts.pair().lets_reach(actor, user).map_err(denied)?;
        if !facts.lets_open(actor, user) {
            return Err(denied(KEEPS_TO_THEMSELVES));
        }
        for (one, reason) in [(actor, YOU_ARE_IN_TOO_MANY), (user, THEY_ARE_IN_TOO_MANY)] {
            if !facts.has_room(one) {
                return Err(Rejection::Conflict(reason));
            }
        }
        let users = if actor <= user {
            [actor, user]
        } else {
            [user, actor]
        };
        Ok(vec![ConversationEvent::DirectOpened(DirectOpened { users })])
    }

    /// Refuses a member of a direct conversation whom the other one is not to hear, for a block of either.
    pub(super) fn reaches_other(&self, actor: UserId, facts: &Facts) -> Result<(), Rejection> {
        if !self.is_direct() || !self.is_member(actor) {
            return Ok(());
        }
        let other = self.members().find(|user| *user != actor);
        other.map_or(Ok(()), |other| {
            facts
                .pair()
                .lets_reach(actor, other)
                .map_err(Rejection::Forbidden)
        })
    }
}

pub(crate) fn open_form(form: &mut Form, user: UserId) {
    form.tag(1);
    form.id(user.0);
}
