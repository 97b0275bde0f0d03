//! What was announced: one row for each, whatever has become of it.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Listed, Range, Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::{AnnouncementChange, AnnouncementChanged};
use tidings_domain::{ANNOUNCEMENTS, Moment};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static LIST: Sql = Sql::new(include_str!("announcements.sql"));
static BY_ID: Sql = Sql::new(include_str!("announcements_by_id.sql"));

/// What was announced, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub id: Uuid,
    pub by: Uuid,
    pub text: String,
    pub made_at: DateTime<Utc>,
    /// When it was made for: when it was made, where it is for at once.
    pub at: DateTime<Utc>,
    pub published_at: Option<DateTime<Utc>>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub cancelled_by: Option<Uuid>,
}

/// A part of all announcements, in the order of their ids, which is that of their making.
pub fn announcements(range: &Range<Uuid>) -> Select<Listed<Announcement>> {
    let read = |row: &Row| Listed::read(row, "announcement", Announcement::read);
    Select::new(&LIST, read).with(vec![ANNOUNCEMENTS]).within(range)
}

/// Those of `ids` that there are.
pub fn announcements_by_id(ids: Vec<Uuid>) -> Select<Announcement> {
    Select::new(&BY_ID, Announcement::read)
        .with(ANNOUNCEMENTS)
        .with(ids)
}

impl Announcement {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("announcement")?,
            by: row.try_get("by_user")?,
            text: row.try_get("text")?,
            made_at: row.try_get("made_at")?,
            at: row.try_get("at")?,
            published_at: row.try_get("published_at")?,
            cancelled_at: row.try_get("cancelled_at")?,
            cancelled_by: row.try_get("cancelled_by")?,
        })
    }
}

/// An announcement that was made.
struct Made<'a> {
    by: Uuid,
    text: &'a str,
    since: DateTime<Utc>,
    at: DateTime<Utc>,
    published_at: Option<DateTime<Utc>>,
}

/// What has become of one that had waited.
struct Over {
    at: DateTime<Utc>,
    cancelled_by: Option<Uuid>,
}

/// What a batch changes, by stream and announcement.
#[derive(Default)]
pub(super) struct Changes<'a> {
    made: BTreeMap<(Uuid, Uuid), Made<'a>>,
    over: BTreeMap<(Uuid, Uuid), Over>,
}

impl<'a> Changes<'a> {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, changed: &'a AnnouncementChanged) {
        let key = (fact.stream(), changed.announcement);
        let over = |cancelled_by| Over {
            at: fact.at(),
            cancelled_by,
        };
        match &changed.change {
            AnnouncementChange::Made { text, at } => {
                let made = Made {
                    by: fact.record.actor,
                    text: text.as_str(),
                    since: fact.at(),
                    at: at.map_or(fact.at(), Moment::time),
                    published_at: at.is_none().then(|| fact.at()),
                };
                self.made.insert(key, made);
            }
            AnnouncementChange::Published => {
                self.over.insert(key, over(None));
            }
            AnnouncementChange::Cancelled => {
                self.over.insert(key, over(Some(fact.record.actor)));
            }
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.made.is_empty() {
            let (streams, ids): (Vec<Uuid>, Vec<Uuid>) = self.made.keys().copied().unzip();
            let made = || self.made.values();
            let bys: Vec<Uuid> = made().map(|made| made.by).collect();
            let texts: Vec<&str> = made().map(|made| made.text).collect();
            let made_ats: Vec<DateTime<Utc>> = made().map(|made| made.since).collect();
            let ats: Vec<DateTime<Utc>> = made().map(|made| made.at).collect();
            let published: Vec<Option<DateTime<Utc>>> = made().map(|made| made.published_at).collect();
            let sql = include_str!("announcement.sql");
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
                [&streams, &ids, &bys, &texts, &made_ats, &ats, &published];
            run(transaction, schema, sql, &values).await?;
        }
        if !self.over.is_empty() {
            let (streams, ids): (Vec<Uuid>, Vec<Uuid>) = self.over.keys().copied().unzip();
            let at =
                |over: &Over, cancelled: bool| (over.cancelled_by.is_some() == cancelled).then_some(over.at);
            let published: Vec<_> = self.over.values().map(|over| at(over, false)).collect();
            let cancelled: Vec<_> = self.over.values().map(|over| at(over, true)).collect();
            let bys: Vec<Option<Uuid>> = self.over.values().map(|over| over.cancelled_by).collect();
            let sql = include_str!("announcement_over.sql");
            run(
                transaction,
                schema,
                sql,
                &[&streams, &ids, &published, &cancelled, &bys],
            )
            .await?;
        }
        Ok(())
    }
}
