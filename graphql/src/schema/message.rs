//! Messages with what became of them.

use super::attachment::Attachment;
use super::conversation::Conversation;
use super::cursor::{MemberPlace, MessagePlace};
use super::edit::{Edit, EditPage};
use super::forward::Forwarded;
use super::loaders::Loaders;
use super::long::Long;
use super::member::Member;
use super::page::{Entries, List, Page, gather, group};
use super::past::{Past, untold};
use super::reaction::{PastKey, Reaction};
use super::receipt::{self, Sent};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::errors::{Code, Refusal};
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::history;
use tidings_search::Has;
use uuid::Uuid;

/// The most people whom a message mentions.
pub(crate) const MENTIONS_MAX: usize = 100;

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
    #[graphql(skip)]
    pub(crate) thread: Option<Uuid>,
    /// What its conversation was, where it is told as it was then.
    #[graphql(skip)]
    pub(crate) past: Option<Arc<Past>>,
    /// Its place among the events of the conversation.
    pub(crate) seq: Long,
    sent_at: Time,
    kind: ContentKind,
    /// Whether it mentions everybody who was in the group then. False when it was recalled or is withheld.
    everyone: bool,
    /// Whose words it is, where they are not its sender's own. Null when it was recalled or is withheld.
    forwarded: Option<Forwarded>,
    /// The text, or an attachment's caption. Null when there is none, and when the message was recalled or is withheld.
    // Shared, because a message may be asked for by many names at once.
    text: Option<Arc<str>>,
    /// When it was last edited. Null when it never was, and when it was recalled or is withheld.
    edited_at: Option<Time>,
    /// When it was taken back, by its sender or by somebody who may.
    recalled_at: Option<Time>,
    /// Whether moderators look at it: what it says is shown to nobody until they have. Then it is there again, or recalled.
    withheld: bool,
    /// Whether it stands in a thread and the main timeline shows it, too.
    also: bool,
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

    /// The attachment of an image or a file. Null when it was recalled or is withheld.
    async fn attachment(&self, context: &Context<'_>) -> Result<Option<Attachment>> {
        let Some(attachment) = self.attachment else {
            return Ok(None);
        };
        let attachments = &context.data_unchecked::<Loaders>().attachments;
        Ok(attachments.load_one(attachment).await?)
    }

    /// The message that it answers.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Option<Message>> {
        let Some(message) = self.reply_to else {
            return Ok(None);
        };
        if let Some(past) = &self.past {
            return past.one(context, message).await;
        }
        let key = MessageId {
            conversation: self.conversation,
            message,
        };
        Ok(context.data_unchecked::<Loaders>().messages.load_one(key).await?)
    }

    /// The message that begins the thread in which it stands. Null of a message that stands in the main timeline alone.
    async fn thread(&self) -> Option<ID> {
        self.thread.map(ID::from)
    }

    /// How many replies hang below it in its thread, but for what was recalled, is withheld or hidden by the viewer. Of the past at most 1,000 are counted.
    async fn reply_count(&self, context: &Context<'_>) -> Result<i32> {
        if self.thread.is_some() {
            return Ok(0);
        }
        if let Some(past) = &self.past {
            return past.reply_count(context, self.id).await;
        }
        let root = MessageId {
            conversation: self.conversation,
            message: self.id,
        };
        let thread = context.data_unchecked::<Loaders>().threads.load_one(root).await?;
        Ok(thread.map_or(0, |thread| thread.reply_count))
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

    /// Everything that it has said, oldest first; empty when it was never edited, and when it was recalled or is withheld.
    async fn edits(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MessagePlace, Edit>> {
        let mut page: Page<MessagePlace> = Page::parse(first, after, None, None)?;
        page.before = self.past.as_ref().map(|past| MessagePlace(past.seq + 1));
        let mut entries = Entries::default();
        if self.edited_at.is_some() {
            let key = EditPage {
                conversation: self.conversation,
                message: self.seq.0,
                page,
            };
            let pages = &context.data_unchecked::<Loaders>().edit_pages;
            entries = pages.load_one(key).await?.unwrap_or_default();
        }
        Ok(entries.into_list(|edit| (MessagePlace(edit.seq.0), edit)))
    }

    /// What people have put on it, each emoji once, in the order in which they came. Empty when it was recalled or is withheld.
    async fn reactions(&self, context: &Context<'_>) -> Result<Vec<Reaction>> {
        if !self.is_shown() {
            return Ok(vec![]);
        }
        let loaders = context.data_unchecked::<Loaders>();
        let Some(past) = &self.past else {
            return Ok(loaders.reactions.load_one(self.key()).await?.unwrap_or_default());
        };
        let key = PastKey {
            of: self.key(),
            upto: past.seq,
        };
        let too_many = || {
            Refusal::new(
                Code::TooLarge,
                "too many reactions came and went to tell which were there",
            )
        };
        Ok(loaders.past_reactions.load_one(key).await?.ok_or_else(too_many)?)
    }

    /// Whether the conversation keeps it in view.
    async fn pinned(&self, context: &Context<'_>) -> Result<bool> {
        if self.recalled_at.is_some() {
            return Ok(false);
        }
        if let Some(past) = &self.past {
            return Ok(past.is_pinned(self.seq));
        }
        let pinned = &context.data_unchecked::<Loaders>().pinned;
        Ok(pinned.load_one(self.key()).await?.is_some())
    }

    /// Who has read it: those of the conversation's members who were there before it, without its sender, in the order of their ids.
    /// What stands in a thread is read by whoever has read that thread up to it. Empty in groups of more than 100 members.
    async fn seen_by(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MemberPlace, Member>> {
        let page = Page::parse(first, after, None, None)?;
        if self.past.is_some() {
            return Err(untold("seenBy"));
        }
        receipt::seen_by(context, self.sent(), page).await
    }

    /// The same of those of whom a device is known to have it. Empty in groups.
    async fn delivered_to(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MemberPlace, Member>> {
        let page = Page::parse(first, after, None, None)?;
        if self.past.is_some() {
            return Err(untold("deliveredTo"));
        }
        receipt::delivered_to(context, self.sent(), page).await
    }

    /// Null when the viewer has ceased to be a member since.
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<Conversation>> {
        if let Some(past) = &self.past {
            return Ok(Some(Arc::clone(past).into()));
        }
        Ok(context
            .data_unchecked::<Loaders>()
            .conversations
            .load_one(self.conversation)
            .await?)
    }
}

impl Message {
    fn key(&self) -> MessageKey {
        MessageKey {
            conversation: self.conversation,
            message: self.seq.0,
        }
    }

    fn sent(&self) -> Sent {
        Sent {
            message: self.key(),
            sender: self.sender,
            thread: self.thread,
            main: self.thread.is_none() || self.also,
        }
    }

    /// The text or the caption.
    pub(crate) fn said(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(crate) fn sent_by(&self) -> &Uuid {
        &self.sender
    }

    /// Whether what it says is shown, which it is not once it was recalled and while it is withheld.
    pub(crate) fn is_shown(&self) -> bool {
        self.recalled_at.is_none() && !self.withheld
    }

    /// Whether it holds something.
    pub(crate) fn has(&self, has: Has) -> bool {
        match has {
            Has::File => self.kind == ContentKind::File,
            Has::Image => self.kind == ContentKind::Image,
            Has::Link => self.said().is_some_and(Has::link),
        }
    }
}

/// A message by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageKey {
    pub(crate) conversation: Uuid,
    /// The seq of the message.
    pub(crate) message: i64,
}

impl From<history::Message> for Message {
    fn from(message: history::Message) -> Self {
        // What a recalled message held is gone from the read model; it is not shown in any case.
        let shown = message.recalled_at.is_none();
        Self {
            id: message.id,
            conversation: message.conversation,
            sender: message.sender,
            reply_to: message.reply_to,
            mentions: message.mentions,
            everyone: message.everyone && shown,
            forwarded: message.forwarded.filter(|_| shown).map(Forwarded::from),
            attachment: message.attachment.filter(|_| shown),
            seq: Long(message.seq),
            sent_at: Time(message.sent_at),
            kind: match message.kind.as_str() {
                "image" => ContentKind::Image,
                "file" => ContentKind::File,
                _ => ContentKind::Text,
            },
            text: message.text.filter(|_| shown),
            edited_at: message.edited_at.map(Time),
            recalled_at: message.recalled_at.map(Time),
            withheld: message.withheld && shown,
            also: message.thread.is_some() && message.main,
            thread: message.thread,
            past: None,
        }
    }
}

/// Reads messages by id.
pub(crate) struct Messages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

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
            .database
            .ask(&history::by_id(self.viewer, conversations, messages))
            .await?;
        let key = |found: &Message| MessageId {
            conversation: found.conversation,
            message: found.id,
        };
        let found = found.into_iter().map(Message::from);
        Ok(found.map(|message| (key(&message), message)).collect())
    }
}

/// Reads the last message of each conversation. Whoever asks has made sure that the viewer is a member.
pub(crate) struct LastMessages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for LastMessages {
    type Value = Message;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, Message>, NoAnswer> {
        let found = self
            .database
            .ask(&history::last(self.viewer, conversations.to_vec()))
            .await?;
        let found = found.into_iter().map(Message::from);
        Ok(found.map(|message| (message.conversation, message)).collect())
    }
}

/// Reads pages of messages, of many conversations at once. Whoever asks has made sure that the viewer is a member.
pub(crate) struct MessagePages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

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
            let range = page.range(true, |place| place.0);
            let pages_of = history::pages(self.viewer, conversations, floors, &range);
            let rows = self.database.ask(&pages_of).await?;
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
