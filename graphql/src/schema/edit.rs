//! What edited messages have said.

use super::cursor::MessagePlace;
use super::long::Long;
use super::page::{Entries, Page, gather, group};
use super::time::Time;
use crate::database::{Database, NoAnswer};
use crate::loader::Loader;
use async_graphql::SimpleObject;
use std::collections::HashMap;
use std::sync::Arc;
use tidings_projections::history;
use uuid::Uuid;

/// A version of a message.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct Edit {
    /// The seq of the event that brought it: the message's own, for the first version.
    pub(crate) seq: Long,
    /// Since when the message said so.
    at: Time,
    /// The text, or an attachment's caption.
    text: Option<Arc<str>>,
}

impl From<history::Edit> for Edit {
    fn from(edit: history::Edit) -> Self {
        Self {
            seq: Long(edit.seq),
            at: Time(edit.at),
            text: edit.text,
        }
    }
}

/// Reads pages of versions, of many messages at once. Whoever asks has made sure that the viewer may see the messages.
pub(crate) struct EditPages(pub(super) Database);

/// A page of a message's versions, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EditPage {
    pub(crate) conversation: Uuid,
    /// The seq of the message.
    pub(crate) message: i64,
    /// Where it ends before a place, there is nothing behind that.
    pub(crate) page: Page<MessagePlace>,
}

impl Loader<EditPage> for EditPages {
    type Value = Entries<Edit>;

    async fn load(&self, keys: &[EditPage]) -> Result<HashMap<EditPage, Entries<Edit>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations = keys.iter().map(|key| key.conversation).collect();
            let messages = keys.iter().map(|key| key.message).collect();
            let range = page.range(true, |place| place.0);
            let mut rows = self
                .0
                .ask(&history::edits(conversations, messages, &range))
                .await?;
            if page.before.is_some() {
                for row in &mut rows {
                    row.around.1 = false;
                }
            }
            pages.extend(gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
