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
    /// Whom they want to know it.
    pub shown_to: Audience,
}

impl LastSeen {
    /// What of it is told to a viewer who wants these people to know the same of them. Who does not show it to somebody is not shown it of
    /// them, either.
    pub fn told(&self, viewer_shows: Audience, are_contacts: bool) -> Option<DateTime<Utc>> {
        let lets = |audience| match audience {
            Audience::Everyone => true,
            Audience::Contacts => are_contacts,
            Audience::Nobody => false,
        };
        self.at.filter(|_| lets(self.shown_to) && lets(viewer_shows))
    }
}

/// Of each of these people.
pub fn last_seen(users: Vec<Uuid>) -> Select<(Uuid, LastSeen)> {
    let read = |row: &Row| {
        let wanted: Option<&str> = row.try_get("last_seen")?;
        let wanted = wanted.and_then(Audience::by_name);
        let last_seen = LastSeen {
            at: row.try_get("at")?,
            shown_to: wanted.unwrap_or(Settings::default().last_seen),
        };
        Ok((row.try_get("user_id")?, last_seen))
    };
    Select::new(&LAST_SEEN, read).with(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_somebody_was_last_seen_is_told_where_each_of_the_two_shows_it_to_the_other() {
        use Audience::{Contacts, Everyone, Nobody};
        let at = Some(DateTime::UNIX_EPOCH);
        let told = |shown_to, viewer_shows, are_contacts| {
            let told = LastSeen { at, shown_to }.told(viewer_shows, are_contacts);
            told == at
        };
        for are_contacts in [true, false] {
            assert!(told(Everyone, Everyone, are_contacts));
            assert!(!told(Nobody, Everyone, are_contacts) && !told(Everyone, Nobody, are_contacts));
            assert_eq!(told(Contacts, Everyone, are_contacts), are_contacts);
            assert_eq!(told(Everyone, Contacts, are_contacts), are_contacts);
            assert_eq!(told(Contacts, Contacts, are_contacts), are_contacts);
        }
    }
}
