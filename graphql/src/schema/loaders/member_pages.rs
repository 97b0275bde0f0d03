//! Pages of current members, of many conversations at once. Whoever asks has made sure that the viewer is one of them.

use super::group;
use crate::database::{Database, NoAnswer};
use crate::schema::cursor::MemberPlace;
use crate::schema::member::Member;
use crate::schema::page::{Entries, Page, surroundings};
use async_graphql::dataloader::Loader;
use std::collections::HashMap;
use uuid::Uuid;

pub(crate) struct MemberPages(pub(super) Database);

/// A page of a conversation's members, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MemberPage {
    pub(crate) conversation: Uuid,
    pub(crate) page: Page<MemberPlace>,
}

impl Loader<MemberPage> for MemberPages {
    type Value = Entries<Member>;
    type Error = NoAnswer;

    async fn load(&self, keys: &[MemberPage]) -> Result<HashMap<MemberPage, Entries<Member>>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (page, keys) in group(keys, |key| &key.page) {
            let conversations: Vec<Uuid> = keys.iter().map(|key| key.conversation).collect();
            let (after, before) = (page.after.map(|place| place.0), page.before.map(|place| place.0));
            let sql = include_str!("member_pages/page.sql").replace("{direction}", page.direction(true));
            let rows = self
                .0
                .rows(&sql, &[&conversations, &after, &before, &page.rows()], |row| {
                    let number: i64 = row.try_get("number")?;
                    let found: Option<Uuid> = row.try_get("user_id")?;
                    Ok((
                        number,
                        surroundings(row)?,
                        found.map(|_| Member::read(row)).transpose()?,
                    ))
                })
                .await?;
            pages.extend(super::gather(&keys, page, rows));
        }
        Ok(pages)
    }
}
