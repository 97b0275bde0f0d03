//! Messages and what they hold.

use super::command::Translated;
use tidings_domain::{
    Content, ConversationCommand, ConversationEvent, ConversationId, Event, Field, InThread, MessageText,
    Rejection, Says, SendMessage, Source, UserId,
};
use tidings_protocol as protocol;
use uuid::Uuid;

pub(super) fn send(wanted: protocol::MessageSend) -> Result<Translated, Rejection> {
    if wanted.also && wanted.thread.is_none() {
        return Err(Rejection::invalid(
            Field::Also,
            "only a reply in a thread is shown in the main timeline, too",
        ));
    }
    let says = match (wanted.content, wanted.forward) {
        (Some(content), None) => Says::Content(parse(content)?),
        (None, Some(source)) => Says::Forward(Source {
            conversation: ConversationId(source.conversation),
            message: source.message,
        }),
        (None, None) => return Err(Rejection::invalid(Field::Content, "a message says something")),
        (Some(_), Some(_)) => {
            return Err(Rejection::invalid(
                Field::Forward,
                "what is forwarded has its own content",
            ));
        }
    };
    let send = SendMessage {
        says,
        reply_to: wanted.reply_to,
        mentions: wanted.mentions.into_iter().map(UserId).collect(),
        everyone: wanted.everyone,
        thread: wanted.thread.map(|root| InThread {
            root,
            also: wanted.also,
        }),
    };
    Ok((
        ConversationId(wanted.conversation),
        ConversationCommand::SendMessage(send),
    ))
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

/// The data of the event of a message that was sent on, as all members see it: whose words it is, and not where they stand, for most may not
/// see that.
pub(super) fn forwarded(message: Uuid, event: &Event) -> Option<Vec<u8>> {
    let Event::Conversation(ConversationEvent::MessageSent(sent)) = event else {
        return None;
    };
    let forwarded = sent.forwarded.as_ref().map(|forwarded| protocol::Forwarded {
        sender: forwarded.sender.0,
        at: forwarded.at.into(),
    });
    let data = protocol::MessageSent {
        message,
        content: Some(content(&sent.content)),
        withheld: false,
        reply_to: sent.reply_to,
        mentions: sent.mentions.iter().map(|user| user.0).collect(),
        everyone: sent.everyone,
        forwarded,
        thread: sent.thread,
        thread_author: sent.thread_author.map(|author| author.0),
        also: sent.also,
        slow: sent.slow.map(|sender| sender.0),
    };
    // Texts, ids and numbers can always be written.
    serde_json::to_vec(&data).ok()
}

/// The data of an event of a message that was recalled or is `withheld`: what it said is left out, and who it mentioned. `None` for an event
/// that says nothing.
pub(super) fn withdrawn(message: Uuid, event: &Event, withheld: bool) -> Option<Vec<u8>> {
    let data = match event {
        Event::Conversation(ConversationEvent::MessageSent(sent)) => {
            serde_json::to_vec(&protocol::MessageSent {
                message,
                content: None,
                withheld,
                reply_to: sent.reply_to,
                mentions: vec![],
                thread: sent.thread,
                thread_author: sent.thread_author.map(|author| author.0),
                also: sent.also,
                everyone: false,
                forwarded: None,
                slow: sent.slow.map(|sender| sender.0),
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

fn content(content: &Content) -> protocol::Content {
    let words = |caption: &Option<MessageText>| caption.as_ref().map(|caption| caption.as_str().to_owned());
    match content {
        Content::Text { text } => protocol::Content::Text {
            text: text.as_str().to_owned(),
        },
        Content::Image { attachment, caption } => protocol::Content::Image {
            attachment: *attachment,
            caption: words(caption),
        },
        Content::File { attachment, caption } => protocol::Content::File {
            attachment: *attachment,
            caption: words(caption),
        },
    }
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
