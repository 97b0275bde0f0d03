//! What was sent on, against what its source has ever said.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use tidings_protocol::{Content, Event, EventData, Forwarded, Source, Timestamp};
use uuid::Uuid;

/// A message that says what another one did.
#[derive(Clone, Copy)]
pub(crate) struct Copied {
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
    pub(crate) source: Source,
}

/// What a message of the log has said.
struct Original {
    sender: Uuid,
    at: Timestamp,
    forwarded: Option<Forwarded>,
    /// Each version; `None` for one that came without its words, for it was recalled.
    said: Vec<Option<Content>>,
}

/// Compares all copies with their sources; answers how many there were.
pub(crate) fn compare<'e>(copies: &[Copied], logs: impl Iterator<Item = &'e [Event]>) -> Result<usize> {
    let mut originals: HashMap<(Uuid, Uuid), Original> = HashMap::new();
    for event in logs.flatten() {
        match event.decode() {
            EventData::MessageSent(sent) => {
                let original = Original {
                    sender: event.actor,
                    at: event.at,
                    forwarded: sent.forwarded,
                    said: vec![sent.content],
                };
                originals.insert((event.conversation, sent.message), original);
            }
            EventData::MessageEdited(edited) => {
                if let Some(original) = originals.get_mut(&(event.conversation, edited.message)) {
                    original.said.push(edited.content);
                }
            }
            _ => {}
        }
    }
    for copied in copies {
        let source = originals.get(&(copied.source.conversation, copied.source.message));
        let copy = originals.get(&(copied.conversation, copied.message));
        let (Some(source), Some(copy)) = (source, copy) else {
            anyhow::bail!(
                "{} was sent on as {}, and the log lacks one of them",
                copied.source.message,
                copied.message
            );
        };
        // What was recalled since tells nothing more.
        let (Some(Some(content)), Some(forwarded)) = (copy.said.first(), &copy.forwarded) else {
            continue;
        };
        let is_known = source.said.iter().all(Option::is_some);
        let was_said = source.said.iter().flatten().any(|said| said == content);
        ensure!(
            was_said || !is_known,
            "{} was sent on as {}, which says what it never said: {content:?}",
            copied.source.message,
            copied.message
        );
        let first = match &source.forwarded {
            Some(forwarded) => Some((forwarded.sender, forwarded.at)),
            None if is_known => Some((source.sender, source.at)),
            // It may have been sent on itself, which a recall takes back, too.
            None => None,
        };
        ensure!(
            first.is_none_or(|first| first == (forwarded.sender, forwarded.at)),
            "{} was sent on as {}, which says that the words are {}'s",
            copied.source.message,
            copied.message,
            forwarded.sender
        );
    }
    Ok(copies.len())
}
