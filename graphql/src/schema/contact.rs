//! Those whom the viewer has to do with: contacts, requests, and people whom they block. Nobody else sees them.

use super::cursor::{MemberPlace, PersonPlace};
use super::loaders::Loaders;
use super::page::{Entries, List, Page, gather, group};
use super::time::Time;
use super::user::{self, User};
use crate::database::{Database, NoAnswer};
use crate::errors::Refusal;
use crate::loader::Loader;
use async_graphql::{ComplexObject, Context, Result, SimpleObject};
use std::collections::HashMap;
use tidings_projections::people::{self, Tie, TieKind};
use uuid::Uuid;

/// Somebody who is a contact of the viewer, as the viewer is of them.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Contact {
    #[graphql(skip)]
    user: Uuid,
    /// Since when.
    at: Time,
}

#[ComplexObject]
impl Contact {
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }
}

/// That somebody asks to be a contact, which has no answer yet.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct ContactRequest {
    #[graphql(skip)]
    user: Uuid,
    /// Since when.
    at: Time,
    text: Option<String>,
}

#[ComplexObject]
impl ContactRequest {
    /// The other one: who asks the viewer, or is asked.
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }
}

/// The viewer's contacts, in the order of their ids.
pub(super) async fn contacts(
    context: &Context<'_>,
    page: Page<MemberPlace>,
) -> Result<List<MemberPlace, Contact>> {
    let entries = read(context, TieKind::Contact, page).await?;
    Ok(entries.into_list(|tie| {
        let contact = Contact {
            user: tie.user,
            at: Time(tie.at),
        };
        (MemberPlace(tie.user), contact)
    }))
}

/// Those who ask the viewer, or whom the viewer asks.
pub(super) async fn requests(
    context: &Context<'_>,
    kind: TieKind,
    page: Page<MemberPlace>,
) -> Result<List<MemberPlace, ContactRequest>> {
    let entries = read(context, kind, page).await?;
    Ok(entries.into_list(|tie| {
        let request = ContactRequest {
            user: tie.user,
            at: Time(tie.at),
            text: tie.text,
        };
        (MemberPlace(tie.user), request)
    }))
}

/// Those whom the viewer blocks.
pub(super) async fn blocked(
    context: &Context<'_>,
    page: Page<PersonPlace>,
) -> Result<List<PersonPlace, User>> {
    let page = page.by(|place: PersonPlace| Some(MemberPlace(Uuid::parse_str(&place.0).ok()?)))?;
    let entries = read(context, TieKind::Blocked, page).await?;
    let Entries {
        items,
        has_previous,
        has_next,
    } = entries;
    let ids: Vec<Uuid> = items.iter().map(|tie| tie.user).collect();
    let people = Entries {
        items: user::parts(context, &ids).await?,
        has_previous,
        has_next,
    };
    Ok(people.into_list(|user| (PersonPlace(user.id.simple().to_string()), user)))
}

async fn read(
    context: &Context<'_>,
    kind: TieKind,
    page: Page<MemberPlace>,
) -> Result<Entries<Tie>, Refusal> {
    let pages = &context.data_unchecked::<Loaders>().tie_pages;
    let found = pages.load_one(TiePage { kind, page }).await?;
    Ok(found.unwrap_or_default())
}

/// A page of those whom the viewer has to do with in one way, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TiePage {
    kind: TieKind,
    page: Page<MemberPlace>,
}

/// Reads pages of the viewer.
pub(crate) struct TiePages {
    pub(super) database: Database,
    pub(super) viewer: Uuid,
}

impl Loader<TiePage> for TiePages {
    type Value = Entries<Tie>;

    async fn load(&self, keys: &[TiePage]) -> Result<HashMap<TiePage, Self::Value>, NoAnswer> {
        let mut pages = HashMap::with_capacity(keys.len());
        for kind in [
            TieKind::Contact,
            TieKind::Sent,
            TieKind::Received,
            TieKind::Blocked,
        ] {
            let of: Vec<TiePage> = keys.iter().filter(|key| key.kind == kind).cloned().collect();
            for (page, keys) in group(&of, |key| &key.page) {
                let viewers = keys.iter().map(|_| self.viewer).collect();
                let range = page.range(true, |place| place.0);
                let rows = self.database.ask(&people::ties_of(viewers, kind, &range)).await?;
                pages.extend(gather(&keys, page, rows));
            }
        }
        Ok(pages)
    }
}
