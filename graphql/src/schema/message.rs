//! Messages with what became of them.

use super::conversation::Conversation;
use super::loaders::{Loaders, MessageId};
use super::long::Long;
use super::time::Time;
use super::user::{self, User};
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

/// What a message consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ContentKind {
    Text,
    Image,
    File,
}

/// A message in a conversation of which the viewer is a member.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Message {
    #[graphql(skip)]
    pub(crate) id: Uuid,
    #[graphql(skip)]
    pub(crate) conversation: Uuid,
    #[graphql(skip)]
    sender: Uuid,
    #[graphql(skip)]
    reply_to: Option<Uuid>,
    #[graphql(skip)]
    mentions: Vec<Uuid>,
    #[graphql(skip)]
    attachment: Option<Uuid>,
    /// Its place among the events of the conversation.
    pub(crate) seq: Long,
    sent_at: Time,
    kind: ContentKind,
    /// The text, or an attachment's caption. Null when there is none, and when the message was recalled.
    // Shared, because a message may be asked for by many names at once.
    text: Option<Arc<str>>,
    /// When it was last edited.
    edited_at: Option<Time>,
    /// When its sender took it back.
    recalled_at: Option<Time>,
}

#[ComplexObject]
impl Message {
    /// The id of the command that sent it.
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn sender(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.sender).await?)
    }

    /// The attachment of an image or a file.
    async fn attachment(&self) -> Option<ID> {
        self.attachment.map(ID::from)
    }

    /// The message that it answers.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Option<Message>> {
        let Some(message) = self.reply_to else {
            return Ok(None);
        };
        let key = MessageId {
            conversation: self.conversation,
            message,
        };
        Ok(context.data_unchecked::<Loaders>().messages.load_one(key).await?)
    }

    /// Who is mentioned.
    async fn mentions(&self, context: &Context<'_>) -> Result<Vec<User>> {
        let mut people = context
            .data_unchecked::<Loaders>()
            .people
            .load_many(self.mentions.iter().copied())
            .await?;
        Ok(self
            .mentions
            .iter()
            .filter_map(|user| people.remove(user))
            .collect())
    }

    /// Null when the viewer has ceased to be a member since.
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<Conversation>> {
        Ok(context
            .data_unchecked::<Loaders>()
            .conversations
            .load_one(self.conversation)
            .await?)
    }
}

impl Message {
    pub(crate) fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let recalled_at = row.try_get::<_, Option<_>>("recalled_at")?.map(Time);
        let shown = recalled_at.is_none();
        Ok(Self {
            id: row.try_get("message")?,
            conversation: row.try_get("conversation")?,
            sender: row.try_get("sender")?,
            reply_to: row.try_get("reply_to")?,
            mentions: row.try_get("mentions")?,
            attachment: row.try_get::<_, Option<Uuid>>("attachment")?.filter(|_| shown),
            seq: Long(row.try_get("seq")?),
            sent_at: Time(row.try_get("at")?),
            kind: match row.try_get("kind")? {
                "image" => ContentKind::Image,
                "file" => ContentKind::File,
                _ => ContentKind::Text,
            },
            text: row
                .try_get::<_, Option<&str>>("text")?
                .filter(|_| shown)
                .map(Arc::from),
            edited_at: row.try_get::<_, Option<_>>("edited_at")?.map(Time),
            recalled_at,
        })
    }
}
