//! What administrators tell everybody, and whom it has reached.

use crate::backend::MadeAnnouncement;
use crate::database::{Database, NoAnswer};
use crate::errors::{Code, Refusal};
use crate::loader::Loader;
use crate::schema::cursor::AnnouncementPlace;
use crate::schema::loaders::Loaders;
use crate::schema::long::Long;
use crate::schema::page::{Entries, Page};
use crate::schema::time::Time;
use crate::schema::user::{self, User};
use async_graphql::{ComplexObject, Context, Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use tidings_projections::announcements::{self, Reach};
use uuid::Uuid;

/// What is told to everybody, or is to be.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Announcement {
    #[graphql(skip)]
    id: Uuid,
    #[graphql(skip)]
    by: Uuid,
    text: String,
    state: AnnouncementState,
    made_at: Time,
    /// When it was made for: when it was made, where that is at once.
    at: Time,
    /// From when on it was told.
    published_at: Option<Time>,
    cancelled_at: Option<Time>,
    #[graphql(skip)]
    cancelled_by: Option<Uuid>,
}

/// What has become of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum AnnouncementState {
    /// It waits for its time.
    Scheduled,
    /// Who is there was told, and who comes back is.
    Published,
    /// It was taken back before its time.
    Cancelled,
}

/// How many people an announcement has come to.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub(crate) struct AnnouncementReach {
    /// Those who were told: who was there, and who has come back since.
    delivered: Long,
    /// Those of them who have read their notices up to there.
    read: Long,
}

#[ComplexObject]
impl Announcement {
    async fn id(&self) -> ID {
        self.id.into()
    }

    /// Who made it.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }

    /// Who took it back.
    async fn cancelled_by(&self, context: &Context<'_>) -> Result<Option<User>> {
        match self.cancelled_by {
            Some(by) => Ok(Some(user::part(context, by).await?)),
            None => Ok(None),
        }
    }

    /// Whom it has come to so far.
    async fn reach(&self, context: &Context<'_>) -> Result<AnnouncementReach> {
        let reaches = &context.data_unchecked::<Loaders>().reaches;
        let reach = reaches.load_one(self.id).await?.unwrap_or_default();
        Ok(AnnouncementReach {
            delivered: Long(reach.delivered),
            read: Long(reach.read),
        })
    }
}

impl Announcement {
    /// One that was just made, of which the read models need not know yet.
    pub(crate) fn made(by: Uuid, text: String, waits: bool, made: MadeAnnouncement) -> Self {
        let MadeAnnouncement { id, made_at, at } = made;
        Self {
            id,
            by,
            text,
            state: if waits {
                AnnouncementState::Scheduled
            } else {
                AnnouncementState::Published
            },
            made_at: Time(made_at),
            at: Time(at),
            published_at: (!waits).then_some(Time(made_at)),
            cancelled_at: None,
            cancelled_by: None,
        }
    }

    pub(super) fn place(&self) -> AnnouncementPlace {
        AnnouncementPlace(self.id)
    }
}

impl From<announcements::Announcement> for Announcement {
    fn from(found: announcements::Announcement) -> Self {
        let state = match (found.cancelled_at, found.published_at) {
            (Some(_), _) => AnnouncementState::Cancelled,
            (None, Some(_)) => AnnouncementState::Published,
            (None, None) => AnnouncementState::Scheduled,
        };
        let time = |at: Option<DateTime<Utc>>| at.map(Time);
        Self {
            id: found.id,
            by: found.by,
            text: found.text,
            state,
            made_at: Time(found.made_at),
            at: Time(found.at),
            published_at: time(found.published_at),
            cancelled_at: time(found.cancelled_at),
            cancelled_by: found.cancelled_by,
        }
    }
}

/// A page of all announcements, oldest first.
pub(super) async fn read(
    database: &Database,
    page: &Page<AnnouncementPlace>,
) -> Result<Entries<Announcement>, Refusal> {
    let range = page.range(true, |place| place.0);
    let rows = database.ask(&announcements::announcements(&range)).await?;
    let rows = rows
        .into_iter()
        .map(|row| (row.around, row.entry.map(Announcement::from)));
    Ok(page.gathered(rows.collect()))
}

/// The announcement of that id, as the read models know it.
pub(crate) async fn one(database: &Database, id: Uuid) -> Result<Announcement, Refusal> {
    let found = database
        .ask(&announcements::announcements_by_id(vec![id]))
        .await?;
    let found = found.into_iter().next();
    found
        .map(Announcement::from)
        .ok_or_else(|| Refusal::new(Code::NotFound, "no such announcement"))
}

/// Counts those to whom announcements have come.
pub(crate) struct Reaches(pub(crate) Database);

impl Loader<Uuid> for Reaches {
    type Value = Reach;

    async fn load(&self, announcements: &[Uuid]) -> Result<HashMap<Uuid, Reach>, NoAnswer> {
        let found = self.0.ask(&announcements::reach(announcements.to_vec())).await?;
        Ok(found.into_iter().collect())
    }
}
