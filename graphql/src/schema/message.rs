//! Messages with what became of them.

use super::conversation::Conversation;
use super::cursor::MessagePlace;
use super::loaders::Loaders;
use super::long::Long;
use super::page::{Entries, Page, gather, group, surroundings};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use std::collections::HashMap;
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

const BY_ID: &str = "SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, \
    m.edited_at, m.recalled_at FROM unnest($1::uuid[], $2::uuid[]) k(conversation, message) \
    JOIN p_history.message m ON m.conversation = k.conversation AND m.message = k.message";

/// Reads messages by id.
pub(crate) struct Messages(pub(super) Database);

/// A message in a conversation. Whoever asks has made sure that the viewer is a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId {
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
}

impl Loader<MessageId> for Messages {
    type Value = Message;

    async fn load(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, Message>, NoAnswer> {
        let conversations: Vec<Uuid> = ids.iter().map(|id| id.conversation).collect();
        let messages: Vec<Uuid> = ids.iter().map(|id| id.message).collect();
        let found = self
            .0
            .rows(BY_ID, &[&conversations, &messages], Message::read)
            .await?;
        let key = |found: &Message| MessageId {
            conversation: found.conversation,
            message: found.id,
        };
        Ok(found
            .into_iter()
            .map(|message| (key(&message), message))
            .collect())
    }
}

/// Read from the history itself, which may be a little ahead of or behind what the conversation's row says.
const LAST: &str = "SELECT m.conversation, m.seq, m.message, m.sender, m.at, m.kind, m.text, m.attachment, m.reply_to, m.mentions, \
    m.edited_at, m.recalled_at FROM unnest($1::uuid[]) k(conversation) CROSS JOIN LATERAL \
    (SELECT * FROM p_history.message h WHERE h.conversation = k.conversation ORDER BY h.seq DESC LIMIT 1) m";

/// Reads the last message of each conversation. Whoever asks has made sure that the viewer is a member.
pub(crate) struct LastMessages(pub(super) Database);

impl Loader<Uuid> for LastMessages {
    type Value = Message;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, Message>, NoAnswer> {
        let found = self.0.rows(LAST, &[&conversations], Message::read).await?;
        Ok(found
            .into_iter()
            .map(|message| (message.conversation, message))
            .collect())
    }
}

/// Reads pages of messages, of many conversations at once. Whoever asks has made sure that the viewer is a member.
pub(crate) struct MessagePages(pub(super) Database);

/// A page of a conversation's messages, in the order of their seq.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessagePage {
    pub(crate) conversation: Uuid,
    /// Only messages behind this seq belong to the list.
    pub(crate) floor: i64,
    pub(crate) page: Page<MessagePlace>,
}

impl Loader<MessagePage> for MessagePages {
    type Value = Entries<Message>;

    async fn load(&self, keys: &[MessagePage]) -> Result<HashMap<MessagePage, Entries<Message>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations: Vec<Uuid> = keys.iter().map(|key| key.conversation).collect();
            let floors: Vec<i64> = keys.iter().map(|key| key.floor).collect();
            let (after, before) = (page.after.map(|place| place.0), page.before.map(|place| place.0));
            let sql = include_str!("message/page.sql").replace("{direction}", page.direction(true));
            let rows = self
                .0
                .rows(
                    &sql,
                    &[&conversations, &floors, &after, &before, &page.rows()],
                    |row| {
                        let number: i64 = row.try_get("number")?;
                        let found: Option<Uuid> = row.try_get("message")?;
                        Ok((
                            number,
                            surroundings(row)?,
                            found.map(|_| Message::read(row)).transpose()?,
                        ))
                    },
                )
                .await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
