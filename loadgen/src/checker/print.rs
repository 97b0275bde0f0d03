//! Small prints of events and texts, so that millions of deliveries fit into memory.

use tidings_protocol::{Content, Event, EventData};
use uuid::Uuid;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// A print of a text.
pub(crate) fn text_print(text: &str) -> u64 {
    bytes_print(text.len() as u64, text.as_bytes())
}

/// A print of all that members must see alike of an event.
pub(crate) fn event_print(event: &Event) -> u32 {
    let data = event.decode();
    print_of(event, &data, content_of(&data).and_then(content_print))
}

/// The print that an event has when its message says a text with this print.
pub(crate) fn event_print_with(event: &Event, text: u64) -> u32 {
    print_of(event, &event.decode(), Some(text))
}

/// Whether it is an event that comes without what the message said.
pub(crate) fn is_withheld(data: &EventData) -> bool {
    matches!(
        data,
        EventData::MessageSent(_) | EventData::MessageEdited(_) if content_of(data).is_none()
    )
}

fn content_of(data: &EventData) -> Option<&Content> {
    match data {
        EventData::MessageSent(sent) => sent.content.as_ref(),
        EventData::MessageEdited(edited) => edited.content.as_ref(),
        _ => None,
    }
}

fn content_print(content: &Content) -> Option<u64> {
    match content {
        Content::Text { text } => Some(text_print(text)),
        other => serde_json::to_string(other).ok().as_deref().map(text_print),
    }
}

/// What a message says is mixed in last, for it may be withheld; what else changes one is taken as it stands.
fn print_of(event: &Event, data: &EventData, content: Option<u64>) -> u32 {
    let mut print = mix(event.seq, event.actor.as_u128() as u64);
    print = mix(print, event.at.millis() as u64);
    print = bytes_print(print, event.kind.as_str().as_bytes());
    print = match data {
        EventData::MessageSent(sent) => {
            let ids = [Some(sent.message), sent.reply_to].into_iter().flatten();
            ids.chain(sent.mentions.iter().copied()).fold(print, id_print)
        }
        EventData::MessageEdited(edited) => mix(id_print(print, edited.message), edited.message_seq),
        _ => bytes_print(print, event.data.get().as_bytes()),
    };
    print = mix(print, content.unwrap_or_default());
    (print >> 32) as u32
}

fn id_print(print: u64, id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    mix(mix(print, high), low)
}

fn bytes_print(start: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut print = words
        .iter()
        .fold(start, |print, word| mix(print, u64::from_le_bytes(*word)));
    let mut last = [0xFF; 8];
    last[..rest.len()].copy_from_slice(rest);
    print = mix(print, u64::from_le_bytes(last));
    mix(print, bytes.len() as u64)
}

fn mix(print: u64, word: u64) -> u64 {
    let product = u128::from(print ^ word ^ FACTOR) * u128::from(FACTOR ^ word.rotate_left(32));
    (product >> 64) as u64 ^ product as u64
}
