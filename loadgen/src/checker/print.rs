//! Small prints of events and texts, so that millions of deliveries fit into memory.

use tidings_protocol::Event;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// A print of a text.
pub(crate) fn text_print(text: &str) -> u64 {
    bytes_print(text.len() as u64, text.as_bytes())
}

/// A print of all that members must see alike of an event.
pub(crate) fn event_print(event: &Event) -> u32 {
    let mut print = mix(event.seq, event.actor.as_u128() as u64);
    print = mix(print, event.at.millis() as u64);
    print = bytes_print(print, event.kind.as_str().as_bytes());
    print = bytes_print(print, event.data.get().as_bytes());
    (print >> 32) as u32
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
