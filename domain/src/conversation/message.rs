//! Messages: what they hold, and who may send them.

use super::forward::{Forwarded, Source, original, source_form};
use super::thread::{InThread, Line};
use super::{Conversation, dedupe};
use crate::command::Command;
use crate::digest::Form;
use crate::event::{ConversationEvent, Event};
use crate::facts::Facts;
use crate::id::UserId;
use crate::kind::{Kind, Stored};
use crate::membership::Role;
use crate::rejection::{Field, Rejection};
use crate::text::MessageText;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most people that one message may mention.
pub const MENTIONS_MAX: usize = 100;

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    Text {
        text: MessageText,
    },
    Image {
        attachment: Uuid,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        caption: Option<MessageText>,
    },
    File {
        attachment: Uuid,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        caption: Option<MessageText>,
    },
}

impl Content {
    /// The attachment that it shows.
    pub fn attachment(&self) -> Option<Uuid> {
        match self {
            Self::Text { .. } => None,
            Self::Image { attachment, .. } | Self::File { attachment, .. } => Some(*attachment),
        }
    }
}

/// What a message is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Something of the sender's own.
    Content(Content),
    /// What another message says.
    Forward(Source),
}

/// A message as somebody wants to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendMessage {
    pub says: Says,
    pub reply_to: Option<Uuid>,
    pub mentions: Vec<UserId>,
    /// Mentions all members of a group.
    pub everyone: bool,
    pub thread: Option<InThread>,
}

/// Just that: it answers nothing and mentions nobody.
impl From<Content> for SendMessage {
    fn from(content: Content) -> Self {
        Says::Content(content).into()
    }
}

/// The same.
impl From<Says> for SendMessage {
    fn from(says: Says) -> Self {
        Self {
            says,
            reply_to: None,
            mentions: vec![],
            everyone: false,
            thread: None,
        }
    }
}

/// A message. Its id is the id of the command that sent it, which the log keeps beside the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    pub content: Content,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_to: Option<Uuid>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub mentions: Vec<UserId>,
    /// The message that begins the thread in which it stands.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thread: Option<Uuid>,
    /// Who sent the message that begins the thread: they follow it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thread_author: Option<UserId>,
    /// It stands in a thread and is shown in the main timeline, too.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub also: bool,
    /// Mentions everybody who is in the group then, but for the sender.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub everyone: bool,
    /// Whose content it is, where it is not the sender's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub forwarded: Option<Forwarded>,
    /// The sender, where it was sent in slow mode: their next message has to wait for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub slow: Option<UserId>,
}

impl MessageSent {
    /// A message of the main timeline that holds this and nothing else.
    pub fn new(content: Content) -> Self {
        Self {
            content,
            reply_to: None,
            mentions: vec![],
            thread: None,
            thread_author: None,
            also: false,
            everyone: false,
            forwarded: None,
            slow: None,
        }
    }

    /// Where it stands.
    pub fn line(&self) -> Line {
        match self.thread {
            None => Line::Main,
            Some(_) if self.also => Line::Both,
            Some(_) => Line::Thread,
        }
    }
}

/// Just that.
impl From<Content> for MessageSent {
    fn from(content: Content) -> Self {
        Self::new(content)
    }
}

impl Stored for MessageSent {
    const KIND: Kind = Kind::MESSAGE_SENT;
    const NAME: &'static str = "message.sent";
    const MESSAGE: bool = true;
    const COUNTABLE: bool = true;

    fn into_event(self) -> Event {
        ConversationEvent::MessageSent(self).into()
    }
}

impl Conversation {
    pub(super) fn send(
        &self,
        command: &Command,
        send: &SendMessage,
        facts: &Facts,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConversationEvent>, Rejection> {
        let SendMessage {
            says,
            reply_to,
            mentions,
            everyone,
            thread,
        } = send;
        let Command {
            actor, conversation, ..
        } = *command;
        let role = self.writer(actor, now)?;
        let (content, forwarded) = match says {
            Says::Content(content) => {
                self.may_attach(role, content)?;
                if let Some(attachment) = content.attachment() {
                    let as_picture = matches!(content, Content::Image { .. });
                    facts.may_show((actor, attachment), as_picture, Field::Content, now)?;
                }
                (content, None)
            }
            // Whoever sees a file shows it to others, whosever it is.
            Says::Forward(_) => {
                let original = original(command, facts)?;
                self.may_attach(role, &original.content)?;
                (&original.content, Some(original.forwarded.clone()))
            }
        };
        if mentions.len() > MENTIONS_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Mentions,
                max: MENTIONS_MAX,
            });
        }
        if reply_to.is_some_and(|message| !self.has_in_view(actor, conversation, message, facts)) {
            return Err(Rejection::invalid(
                Field::ReplyTo,
                "the conversation has no such message",
            ));
        }
        if thread.is_some() && !self.lets(role, self.settings.threads) {
            return Err(Rejection::Denied {
                field: Field::Thread,
                reason: "only owners and admins reply in threads of this group",
            });
        }
        let thread_author = thread
            .map(|thread| self.reply_in(conversation, actor, thread, facts))
            .transpose()?;
        let mut mentions = mentions.clone();
        dedupe(&mut mentions);
        if !mentions.iter().all(|user| self.is_member(*user)) {
            return Err(Rejection::invalid(
                Field::Mentions,
                "only members can be mentioned",
            ));
        }
        if *everyone {
            self.may_call_everyone(role, now)?;
        }
        // The last of all, so that whoever waits for their turn learns first what is wrong.
        let slow = self.in_slow_mode(actor, role, now)?;
        let sent = MessageSent {
            content: content.clone(),
            reply_to: *reply_to,
            mentions,
            thread: thread.map(|thread| thread.root),
            thread_author,
            also: thread.is_some_and(|thread| thread.also),
            everyone: *everyone,
            forwarded,
            slow,
        };
        Ok(vec![ConversationEvent::MessageSent(sent)])
    }

    /// Refuses somebody whose message would be refused now, whatever it says. What two people are to one another is not known here.
    pub fn may_write(&self, actor: UserId, now: DateTime<Utc>) -> Result<(), Rejection> {
        let role = self.writer(actor, now)?;
        self.in_slow_mode(actor, role, now).map(|_| ())
    }

    /// The role of somebody who writes here; in slow mode they may have to wait.
    fn writer(&self, actor: UserId, now: DateTime<Utc>) -> Result<Role, Rejection> {
        let role = self.authorize(actor)?;
        if !self.lets(role, self.settings.post) {
            return Err(Rejection::Forbidden("only owners and admins write in this group"));
        }
        self.may_speak(actor, role, now)?;
        Ok(role)
    }

    /// Refuses somebody who shows no attachments here, whosever they are.
    fn may_attach(&self, role: Role, content: &Content) -> Result<(), Rejection> {
        if content.attachment().is_none() || self.lets(role, self.settings.attach) {
            return Ok(());
        }
        Err(Rejection::Denied {
            field: Field::Content,
            reason: "only owners and admins show pictures and files in this group",
        })
    }
}

pub(crate) fn send_form(form: &mut Form, send: &SendMessage) {
    form.tag(8);
    match &send.says {
        Says::Content(content) => content_form(form, content),
        Says::Forward(source) => source_form(form, *source),
    }
    form.id(send.reply_to.unwrap_or_default());
    form.users(&send.mentions);
    // What came to be said later is there only where it is said, each part with a tag of its own: forms of what was written stay.
    if let Some(InThread { root, also }) = send.thread {
        form.tag(if also { 2 } else { 1 });
        form.id(root);
    }
    if send.everyone {
        form.tag(3);
    }
}

pub(super) fn content_form(form: &mut Form, content: &Content) {
    match content {
        Content::Text { text } => {
            form.tag(1);
            form.text(text.as_str());
        }
        Content::Image { attachment, caption } | Content::File { attachment, caption } => {
            form.tag(if matches!(content, Content::Image { .. }) {
                2
            } else {
                3
            });
            form.id(*attachment);
            form.text(caption.as_ref().map_or("", |caption| caption.as_str()));
        }
    }
}
