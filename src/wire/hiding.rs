//! What people hide from themselves.

use std::collections::BTreeSet;
use tidings_domain::{Field, HIDDEN_MAX, Rejection};
use uuid::Uuid;

/// What is to be gone of a conversation, for whoever asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Hide {
    Messages(BTreeSet<Uuid>),
    /// Everything up to this seq.
    UpTo(u64),
}

pub(super) fn hide(messages: Vec<Uuid>) -> Result<Hide, Rejection> {
    // Here already, since each is looked for before anything is decided.
    if messages.len() > HIDDEN_MAX {
        return Err(Rejection::TooLarge {
            field: Field::Messages,
            max: HIDDEN_MAX,
        });
    }
    Ok(Hide::Messages(messages.into_iter().collect()))
}

pub(super) fn clear(seq: u64) -> Hide {
    Hide::UpTo(seq)
}
