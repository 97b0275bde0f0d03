//! Pages of messages, of many conversations at once. Whoever asks has made sure that the viewer is a member.

use super::group;
use crate::database::{Database, NoAnswer};
use crate::schema::cursor::MessagePlace;
use crate::schema::message::Message;
use crate::schema::page::{Entries, Page, surroundings};
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) struct MessagePages(pub(super) Database);

/// A page of a conversation's messages, in the order of their seq.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessagePage {
    pub(crate) conversation: Uuid,
    /// Only messages behind this seq belong to the list.
    pub(crate) floor: i64,
    pub(crate) page: Page<MessagePlace>,
}

impl Loader<MessagePage> for MessagePages {
    type Value = Entries<Message>;
    type Error = NoAnswer;

    async fn load(&self, keys: &[MessagePage]) -> Result<HashMap<MessagePage, Entries<Message>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations: Vec<Uuid> = keys.iter().map(|key| key.conversation).collect();
            let floors: Vec<i64> = keys.iter().map(|key| key.floor).collect();
            let (after, before) = (page.after.map(|place| place.0), page.before.map(|place| place.0));
            let sql = include_str!("message_pages/page.sql").replace("{direction}", page.direction(true));
            let rows = self
                .0
                .rows(
                    &sql,
                    &[&conversations, &floors, &after, &before, &page.rows()],
                    |row| {
                        let number: i64 = row.try_get("number")?;
                        let found: Option<Uuid> = row.try_get("message")?;
                        Ok((
                            number,
                            surroundings(row)?,
                            found.map(|_| Message::read(row)).transpose()?,
                        ))
                    },
                )
                .await?;
            pages.extend(super::gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
