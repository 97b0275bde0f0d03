//! Lexemes of a message, as PostgreSQL takes them. Those that tell what a message is, rather than what it says, have a colon in them,
//! which no word has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use tidings_domain::{Content, MessageText};
use tidings_search::{Has, tokens};
use uuid::Uuid;

/// Stands for the conversation that a message is in.
pub fn conversation(id: Uuid) -> String {
    format!("c:{}", short(id))
}

/// Stands for who sent a message.
pub fn sender(id: Uuid) -> String {
    format!("u:{}", short(id))
}

/// Stands for what a message holds.
pub fn has(has: Has) -> &'static str {
    match has {
        Has::File => "h:file",
        Has::Image => "h:image",
        Has::Link => "h:link",
    }
}

/// Half of an id, the half that chance made. It finds; whether it is the right one, rows tell.
fn short(id: Uuid) -> String {
    format!("{:016x}", id.as_u64_pair().1)
}

/// What a message can be found by, as the text of a `tsvector`.
pub(super) fn of(message_conversation: Uuid, message_sender: Uuid, content: &Content) -> String {
    let (kind, text) = match content {
        Content::Text { text } => (None, Some(text)),
        Content::Image { caption, .. } => (Some(Has::Image), caption.as_ref()),
        Content::File { caption, .. } => (Some(Has::File), caption.as_ref()),
    };
    let text = text.map_or("", MessageText::as_str);
    let link = Has::link(text).then_some(Has::Link);
    let mut vector = format!(
        "'{}' '{}'",
        conversation(message_conversation),
        sender(message_sender)
    );
    for holds in kind.into_iter().chain(link) {
        write!(vector, " '{}'", has(holds)).expect("writing to a string cannot fail");
    }
    let found = tokens(text);
    let mut places: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for token in &found {
        places.entry(&token.lexeme).or_default().push(token.position);
    }
    for (lexeme, positions) in places {
        write!(vector, " '{lexeme}':").expect("writing to a string cannot fail");
        for (i, position) in positions.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(vector, "{comma}{position}").expect("writing to a string cannot fail");
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_by_what_it_says_and_what_it_is() {
        let content = Content::Text {
            text: MessageText::parse("To be or not to be: https://example.com").unwrap(),
        };
        assert_eq!(
            of(Uuid::from_u128(1), Uuid::from_u128(2), &content),
            "'c:0000000000000001' 'u:0000000000000002' 'h:link' 'be':2,6 'com':9 'example':8 'https':7 'not':4 'or':3 'to':1,5"
        );
    }
}
