//! What becomes of a conversation with the account of somebody who has to do with it. A group loses them; a conversation of two stays as it is,
//! for the other one to read.

use super::{Conversation, Shape};
use crate::digest::Form;
use crate::event::{ConversationEvent, JoinRefused};
use crate::id::UserId;
use crate::rejection::Rejection;
use chrono::{DateTime, Utc};

impl Conversation {
    /// A member leaves, as by [`leave`](Self::leave): the last owner hands the group on. Whoever is invited is so no more, and whoever asks to
    /// be let in is not.
    pub(super) fn depart(
        &self,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        if self.shape != Shape::Group {
            return Ok(vec![]);
        }
        if self.is_member(user) {
            return self.leave(user, now);
        }
        let asks = self.requests.is_open(user, now);
        let refused = asks.then_some(ConversationEvent::JoinRefused(JoinRefused { user }));
        Ok(self.withdrawn(user, now).into_iter().chain(refused).collect())
    }
}

pub(crate) fn depart_form(form: &mut Form) {
    form.tag(28);
}
