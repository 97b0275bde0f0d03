//! Messages that a conversation keeps in view.

use super::message::{Message, MessageKey};
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use std::collections::HashMap;
use tidings_projections::history;
use uuid::Uuid;

/// The most messages of a conversation that are pinned at a time.
pub(crate) const PINS_MAX: usize = 250;
/// As many as most conversations have, by which what is asked of each is reckoned.
pub(crate) const PINS_USUAL: usize = 20;

/// Reads the pinned messages of many conversations at once, the one that was pinned last first. Whoever asks has made sure that the
/// viewer is a member.
pub(crate) struct Pins {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<Uuid> for Pins {
    type Value = Vec<Message>;

    async fn load(&self, conversations: &[Uuid]) -> Result<HashMap<Uuid, Vec<Message>>, NoAnswer> {
        let found = self
            .database
            .ask(&history::pins(self.viewer, conversations.to_vec()))
            .await?;
        let mut pins: HashMap<Uuid, Vec<Message>> = HashMap::new();
        for message in found {
            pins.entry(message.conversation).or_default().push(message.into());
        }
        Ok(pins)
    }
}

/// Reads which messages are pinned. Whoever asks has made sure that the viewer may see them.
pub(crate) struct Pinned(pub(super) Database);

impl Loader<MessageKey> for Pinned {
    type Value = ();

    async fn load(&self, keys: &[MessageKey]) -> Result<HashMap<MessageKey, ()>, NoAnswer> {
        let conversations = keys.iter().map(|key| key.conversation).collect();
        let messages = keys.iter().map(|key| key.message).collect();
        let found = self.0.ask(&history::pinned(conversations, messages)).await?;
        let key = |(conversation, message)| MessageKey {
            conversation,
            message,
        };
        Ok(found.into_iter().map(|pinned| (key(pinned), ())).collect())
    }
}
