//! A command's fingerprint: a canonical form of what it says, hashed.

use crate::id::UserId;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Length-prefixed fields, so that no two commands share a form. It must never change for a command that has been written,
/// so it does not use any library's serialisation.
pub(crate) struct Form(Sha256);

impl Form {
    pub(crate) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(crate) fn tag(&mut self, tag: u8) {
        self.0.update([tag]);
    }

    pub(crate) fn id(&mut self, id: Uuid) {
        self.0.update(id.as_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    /// A set: neither order nor repeats say anything.
    pub(crate) fn users(&mut self, users: &[UserId]) {
        let users: BTreeSet<&UserId> = users.iter().collect();
        self.0.update((users.len() as u64).to_be_bytes());
        for user in users {
            self.id(user.0);
        }
    }

    /// The first 64 bits of the hash.
    pub(crate) fn finish(self) -> i64 {
        let digest = self.0.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(first)
    }
}
