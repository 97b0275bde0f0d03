//! Messages and what they hold.

use super::command::Translated;
use tidings_domain::{Content, ConversationCommand, ConversationId, MessageText, Rejection, UserId};
use tidings_protocol as protocol;
use uuid::Uuid;

pub(super) fn send(
    conversation: Uuid,
    content: protocol::Content,
    reply_to: Option<Uuid>,
    mentions: Vec<Uuid>,
) -> Result<Translated, Rejection> {
    let body = ConversationCommand::SendMessage {
        content: parse(content)?,
        reply_to,
        mentions: mentions.into_iter().map(UserId).collect(),
    };
    Ok((ConversationId(conversation), body, None))
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
