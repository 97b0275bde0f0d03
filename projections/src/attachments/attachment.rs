//! Attachments as they are, and who may see them.

use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// A file that somebody has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub id: Uuid,
    /// Who has stored it.
    pub owner: Uuid,
    pub at: DateTime<Utc>,
    // Shared, because an attachment may be asked for by many names at once.
    pub name: Arc<str>,
    pub media_type: Arc<str>,
    /// In bytes.
    pub size: i64,
    /// Of its bytes, in hexadecimal.
    pub sha256: Arc<str>,
    /// In pixels.
    pub width: Option<i32>,
    pub height: Option<i32>,
}

static ATTACHMENTS: Sql = Sql::new(include_str!("attachments.sql"));
static VISIBLE: Sql = Sql::new(include_str!("visible.sql"));
static USAGE: Sql = Sql::new(include_str!("usage.sql"));

/// These attachments. Whoever asks has made sure that the viewer may see a message that shows each.
pub fn attachments(ids: Vec<Uuid>) -> Select<Attachment> {
    Select::new(&ATTACHMENTS, Attachment::read).with(ids)
}

/// The attachment, if it is `viewer` who has stored it, or a message shows it in a conversation of which `viewer` is a member, or it is
/// the picture of somebody.
pub fn visible(id: Uuid, viewer: Uuid) -> Select<Attachment> {
    Select::new(&VISIBLE, Attachment::read).with(id).with(viewer)
}

/// How many bytes and how many files `owner` has stored; nothing, where that is none.
pub fn usage(owner: Uuid) -> Select<(i64, i64)> {
    Select::new(&USAGE, |row| Ok((row.try_get("bytes")?, row.try_get("files")?))).with(owner)
}

impl Attachment {
    /// Reads a row with a column for each of its fields; `attachment` and `type` for its id and its media type.
    pub fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("attachment")?,
            owner: row.try_get("owner")?,
            at: row.try_get("at")?,
            name: row.try_get::<_, &str>("name")?.into(),
            media_type: row.try_get::<_, &str>("type")?.into(),
            size: row.try_get("size")?,
            sha256: row.try_get::<_, &str>("sha256")?.into(),
            width: row.try_get("width")?,
            height: row.try_get("height")?,
        })
    }
}
