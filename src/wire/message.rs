//! Messages and what they hold.

use super::command::Translated;
use tidings_domain::{
    Content, ConversationCommand, ConversationEvent, ConversationId, Event, Field, InThread, MessageText,
    Rejection, UserId,
};
use tidings_protocol as protocol;
use uuid::Uuid;

pub(super) fn send(
    conversation: Uuid,
    content: protocol::Content,
    reply_to: Option<Uuid>,
    mentions: Vec<Uuid>,
    (thread, also): (Option<Uuid>, bool),
) -> Result<Translated, Rejection> {
    if also && thread.is_none() {
        return Err(Rejection::invalid(
            Field::Also,
            "only a reply in a thread is shown in the main timeline, too",
        ));
    }
    let body = ConversationCommand::SendMessage {
        content: parse(content)?,
        reply_to,
        mentions: mentions.into_iter().map(UserId).collect(),
        thread: thread.map(|root| InThread { root, also }),
    };
    Ok((ConversationId(conversation), body))
}

pub(super) fn edit(
    conversation: Uuid,
    message: Uuid,
    content: protocol::Content,
) -> Result<Translated, Rejection> {
    let content = parse(content)?;
    let body = ConversationCommand::EditMessage { message, content };
    Ok((ConversationId(conversation), body))
}

pub(super) fn recall(conversation: Uuid, message: Uuid) -> Translated {
    let body = ConversationCommand::RecallMessage { message };
    (ConversationId(conversation), body)
}

/// The data of an event of a message that was recalled: what it said is left out, and who it mentioned. `None` for an event
/// that says nothing.
pub(super) fn withdrawn(message: Uuid, event: &Event) -> Option<Vec<u8>> {
    let data = match event {
        Event::Conversation(ConversationEvent::MessageSent(sent)) => {
            serde_json::to_vec(&protocol::MessageSent {
                message,
                content: None,
                reply_to: sent.reply_to,
                mentions: vec![],
                thread: sent.thread,
                thread_author: sent.thread_author.map(|author| author.0),
                also: sent.also,
            })
        }
        Event::Conversation(ConversationEvent::MessageEdited(edited)) => {
            serde_json::to_vec(&protocol::MessageEdited {
                message: edited.message,
                message_seq: edited.message_seq,
                content: None,
            })
        }
        _ => return None,
    };
    // Ids and numbers can always be written.
    data.ok()
}

fn parse(content: protocol::Content) -> Result<Content, Rejection> {
    let text = |caption: Option<String>| caption.map(MessageText::parse).transpose();
    Ok(match content {
        protocol::Content::Text { text } => Content::Text {
            text: MessageText::parse(text)?,
        },
        protocol::Content::Image { attachment, caption } => Content::Image {
            attachment,
            caption: text(caption)?,
        },
        protocol::Content::File { attachment, caption } => Content::File {
            attachment,
            caption: text(caption)?,
        },
    })
}
