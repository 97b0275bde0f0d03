//! A command's fingerprint: a canonical form of what it says, hashed with the log's secret.

use crate::id::UserId;
use crate::moment::Moment;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::fmt;
use uuid::Uuid;

/// The secret that keys the fingerprints of one log. Without it nobody can find two commands that share one, nor tell from a
/// fingerprint what was said: it stays in the log when what a message said is gone.
#[derive(Clone)]
pub struct DigestKey(Hmac<Sha256>);

impl DigestKey {
    /// Any number of bytes makes a key; the log makes 32.
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("a key may have any length"))
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(..)")
    }
}

/// Length-prefixed fields, so that no two commands share a form. It must never change for a command that has been written,
/// so it does not use any library's serialisation.
pub(crate) struct Form(Hmac<Sha256>);

impl Form {
    pub(crate) fn new(key: &DigestKey) -> Self {
        Self(key.0.clone())
    }

    pub(crate) fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }

    pub(crate) fn id(&mut self, id: Uuid) {
        self.0.update(id.as_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(&number.to_be_bytes());
    }

    /// A moment, or that there is none.
    pub(crate) fn moment(&mut self, moment: Option<Moment>) {
        self.tag(u8::from(moment.is_some()));
        self.0.update(
            &moment
                .map_or(0, |moment| moment.time().timestamp_millis())
                .to_be_bytes(),
        );
    }

    /// A set: neither order nor repeats say anything.
    pub(crate) fn users(&mut self, users: &[UserId]) {
        let users: BTreeSet<&UserId> = users.iter().collect();
        self.0.update(&(users.len() as u64).to_be_bytes());
        for user in users {
            self.id(user.0);
        }
    }

    /// The first 128 bits of the hash.
    pub(crate) fn finish_id(self) -> Uuid {
        let digest = self.0.finalize().into_bytes();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        Uuid::from_bytes(first)
    }

    /// The first 64 bits of the hash.
    pub(crate) fn finish(self) -> i64 {
        let digest = self.0.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(first)
    }
}
