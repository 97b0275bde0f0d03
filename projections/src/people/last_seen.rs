//! When people were last there, and who may know it.

use super::{Audience, Settings};
use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

static LAST_SEEN: Sql = Sql::new(include_str!("last_seen.sql"));

/// When somebody was last there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastSeen {
    /// Nothing where it was never noted.
    pub at: Option<DateTime<Utc>>,
    /// Whether they want it known. Nobody knows yet who is whose contact, so it is everybody or nobody.
    pub shown: bool,
}

impl LastSeen {
    /// What of it is told to a viewer: who does not show it is not shown it of others, either.
    pub fn told(&self, viewer_shows: bool) -> Option<DateTime<Utc>> {
        self.at.filter(|_| self.shown && viewer_shows)
    }
}

/// Of each of these people.
pub fn last_seen(users: Vec<Uuid>) -> Select<(Uuid, LastSeen)> {
    let read = |row: &Row| {
        let wanted: Option<&str> = row.try_get("last_seen")?;
        let wanted = wanted.and_then(Audience::by_name);
        let last_seen = LastSeen {
            at: row.try_get("at")?,
            shown: wanted.unwrap_or(Settings::default().last_seen) == Audience::Everyone,
        };
        Ok((row.try_get("user_id")?, last_seen))
    };
    Select::new(&LAST_SEEN, read).with(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_somebody_was_last_seen_is_told_where_both_show_it() {
        let at = Some(DateTime::UNIX_EPOCH);
        let told = |shown, viewer_shows| LastSeen { at, shown }.told(viewer_shows);
        assert_eq!(told(true, true), at);
        assert_eq!([told(true, false), told(false, true)], [None, None]);
    }
}
