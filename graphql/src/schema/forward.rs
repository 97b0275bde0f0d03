//! Forwards: whose words a message is.

use super::conversation::Conversation;
use super::loaders::Loaders;
use super::message::{Message, MessageId};
use super::time::Time;
use super::user::{self, User};
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use tidings_projections::history;
use uuid::Uuid;

/// Whose words a message is, where they are not its sender's own. Of one that was sent on several times it is who wrote them.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Forwarded {
    #[graphql(skip)]
    sender: Uuid,
    #[graphql(skip)]
    conversation: Uuid,
    #[graphql(skip)]
    message: Uuid,
    /// When they were sent first.
    sent_at: Time,
}

#[ComplexObject]
impl Forwarded {
    /// Who wrote them.
    async fn sender(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.sender).await?)
    }

    /// Where they were written. Null for those who are no members of it.
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<Conversation>> {
        let conversations = &context.data_unchecked::<Loaders>().conversations;
        Ok(conversations.load_one(self.conversation).await?)
    }

    /// The message itself, as it is now. Null for those who are no members of its conversation, or do not see it.
    async fn message(&self, context: &Context<'_>) -> Result<Option<Message>> {
        if self.conversation(context).await?.is_none() {
            return Ok(None);
        }
        let key = MessageId {
            conversation: self.conversation,
            message: self.message,
        };
        Ok(context.data_unchecked::<Loaders>().messages.load_one(key).await?)
    }
}

impl From<history::Forwarded> for Forwarded {
    fn from(found: history::Forwarded) -> Self {
        Self {
            sender: found.sender,
            conversation: found.conversation,
            message: found.message,
            sent_at: Time(found.sent_at),
        }
    }
}
