//! Messages as they are now.

use crate::fact::Fact;
use crate::history::forward::{Columns, Forwarded};
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::fmt::Write;
use std::sync::Arc;
use tidings_domain::event::MessageSent;
use tidings_domain::{Content, MessageText, UserId};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    pub conversation: Uuid,
    pub seq: i64,
    /// The id of the command that sent it.
    pub id: Uuid,
    pub sender: Uuid,
    pub sent_at: DateTime<Utc>,
    /// `text`, `image` or `file`.
    pub kind: String,
    /// The text or the caption. None when it was recalled or is withheld, as is whatever else it said.
    // Shared, because a message may be asked for by many names at once.
    pub text: Option<Arc<str>>,
    pub attachment: Option<Uuid>,
    pub reply_to: Option<Uuid>,
    pub mentions: Vec<Uuid>,
    /// It mentions all who were members then.
    pub everyone: bool,
    pub forwarded: Option<Forwarded>,
    pub edited_at: Option<DateTime<Utc>>,
    pub recalled_at: Option<DateTime<Utc>>,
    /// Moderators look at it.
    pub withheld: bool,
    /// The message that begins the thread in which it stands.
    pub thread: Option<Uuid>,
    /// Whether the main timeline shows it.
    pub main: bool,
}

static BY_ID: Sql = Sql::new(include_str!("by_id.sql"));
static LAST: Sql = Sql::new(include_str!("last.sql"));
static PAGES: Sql = Sql::new(include_str!("page.sql"));

/// The messages of these ids, each in the conversation at the same place of `conversations`, but for what `viewer` has hidden or does not see.
pub fn by_id(viewer: Uuid, conversations: Vec<Uuid>, messages: Vec<Uuid>) -> Select<Message> {
    Select::new(&BY_ID, Message::read)
        .with(conversations)
        .with(messages)
        .with(viewer)
}

/// The last message in the main timeline of each of `conversations` that `viewer` has not hidden.
pub fn last(viewer: Uuid, conversations: Vec<Uuid>) -> Select<Message> {
    Select::new(&LAST, Message::read).with(conversations).with(viewer)
}

/// A part of the main timeline of each of `conversations`, in the order of their seq; of each, what lies behind the seq at the
/// same place of `floors`, but for what `viewer` has hidden.
pub fn pages(
    viewer: Uuid,
    conversations: Vec<Uuid>,
    floors: Vec<i64>,
    range: &Range<i64>,
) -> Select<Listed<Message>> {
    let read = |row: &Row| Listed::read(row, "message", Message::read);
    Select::new(&PAGES, read)
        .with(conversations)
        .with(floors)
        .within(range)
        .with(viewer)
}

impl Message {
    /// What is withheld is left out here, for all who are shown messages.
    pub(super) fn read(row: &Row) -> Result<Self, Error> {
        let message = Self::stored(row)?;
        if !message.withheld {
            return Ok(message);
        }
        Ok(Self {
            text: None,
            attachment: None,
            mentions: vec![],
            everyone: false,
            forwarded: None,
            edited_at: None,
            ..message
        })
    }

    fn stored(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            conversation: row.try_get("conversation")?,
            seq: row.try_get("seq")?,
            id: row.try_get("message")?,
            sender: row.try_get("sender")?,
            sent_at: row.try_get("at")?,
            kind: row.try_get("kind")?,
            text: row.try_get::<_, Option<&str>>("text")?.map(Arc::from),
            attachment: row.try_get("attachment")?,
            reply_to: row.try_get("reply_to")?,
            mentions: row.try_get("mentions")?,
            everyone: row.try_get("everyone")?,
            forwarded: Forwarded::read(row)?,
            edited_at: row.try_get("edited_at")?,
            recalled_at: row.try_get("recalled_at")?,
            withheld: row.try_get("withheld")?,
            thread: row.try_get("thread")?,
            main: row.try_get("main")?,
        })
    }
}

/// The messages of a batch, as columns.
#[derive(Default)]
pub(super) struct Sent<'a> {
    conversations: Vec<Uuid>,
    seqs: Vec<i64>,
    messages: Vec<Uuid>,
    msg_nos: Vec<i64>,
    senders: Vec<Uuid>,
    ats: Vec<DateTime<Utc>>,
    kinds: Vec<&'static str>,
    texts: Vec<Option<&'a str>>,
    attachments: Vec<Option<Uuid>>,
    replies: Vec<Option<Uuid>>,
    mentions: Vec<String>,
    threads: Vec<Option<Uuid>>,
    mains: Vec<bool>,
    everyone: Vec<bool>,
    forwarded: Columns,
}

impl<'a> Sent<'a> {
    pub(super) fn fold(&mut self, fact: &Fact<'a>, sent: &'a MessageSent) {
        let (kind, text, attachment) = parts(&sent.content);
        self.conversations.push(fact.stream());
        self.seqs.push(fact.seq());
        self.messages.push(fact.record.command);
        self.msg_nos.push(fact.msg_no());
        self.senders.push(fact.record.actor);
        self.ats.push(fact.at());
        self.kinds.push(kind);
        self.texts.push(text);
        self.attachments.push(attachment);
        self.replies.push(sent.reply_to);
        self.mentions.push(array_literal(&sent.mentions));
        self.threads.push(sent.thread);
        self.mains.push(sent.line().is_main());
        self.everyone.push(sent.everyone);
        self.forwarded.push(sent);
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.conversations.is_empty() {
            return Ok(());
        }
        let [sender, at, conversation, message] = self.forwarded.values();
        run(
            transaction,
            schema,
            include_str!("message.sql"),
            &[
                &self.conversations,
                &self.seqs,
                &self.messages,
                &self.msg_nos,
                &self.senders,
                &self.ats,
                &self.kinds,
                &self.texts,
                &self.attachments,
                &self.replies,
                &self.mentions,
                &self.threads,
                &self.mains,
                &self.everyone,
                sender,
                at,
                conversation,
                message,
            ],
        )
        .await?;
        Ok(())
    }
}

/// The kind of a content, its text or caption, and its attachment.
pub(super) fn parts(content: &Content) -> (&'static str, Option<&str>, Option<Uuid>) {
    match content {
        Content::Text { text } => ("text", Some(text.as_str()), None),
        Content::Image { attachment, caption } => (
            "image",
            caption.as_ref().map(MessageText::as_str),
            Some(*attachment),
        ),
        Content::File { attachment, caption } => (
            "file",
            caption.as_ref().map(MessageText::as_str),
            Some(*attachment),
        ),
    }
}

/// Ids in PostgreSQL's text form of an array.
fn array_literal(users: &[UserId]) -> String {
    let mut literal = String::from("{");
    for (i, user) in users.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(literal, "{comma}{user}").expect("writing to a string cannot fail");
    }
    literal.push('}');
    literal
}
