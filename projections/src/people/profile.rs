//! What people show of themselves, and the names that they had.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use chrono::{DateTime, Utc};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::About;
use tidings_domain::event::{Avatar, ProfileUpdated, Registered};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static PROFILES: Sql = Sql::new(include_str!("profiles.sql"));
static NAMES: Sql = Sql::new(include_str!("names.sql"));

/// What somebody shows beside their name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Empty, where nothing is told.
    pub about: String,
    /// An attachment of theirs.
    pub avatar: Option<Uuid>,
}

/// A name that somebody is shown under, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub display_name: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// What these people show; who has shown nothing yet is not among the answers.
pub fn profiles(users: Vec<Uuid>) -> Select<(Uuid, Profile)> {
    let read = |row: &Row| {
        let profile = Profile {
            about: row.try_get("about")?,
            avatar: row.try_get("avatar")?,
        };
        Ok((row.try_get("user_id")?, profile))
    };
    Select::new(&PROFILES, read).with(users)
}

/// The `most` newest names of each of these people, each person's newest first.
pub fn names(users: Vec<Uuid>, most: i64) -> Select<(Uuid, Name)> {
    let read = |row: &Row| {
        let name = Name {
            display_name: row.try_get("display_name")?,
            at: row.try_get("at")?,
        };
        Ok((row.try_get("user_id")?, name))
    };
    Select::new(&NAMES, read).with(users).with(most)
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changes<'a> {
    /// By user and seq.
    names: BTreeMap<(Uuid, i64), (&'a str, DateTime<Utc>)>,
    shown: BTreeMap<Uuid, Shown<'a>>,
}

#[derive(Default)]
struct Shown<'a> {
    about: Option<&'a str>,
    avatar: Option<Avatar>,
}

impl<'a> Changes<'a> {
    pub(super) fn register(&mut self, fact: &Fact<'_>, registered: &'a Registered) {
        self.name(fact, &registered.display_name);
    }

    pub(super) fn update(&mut self, fact: &Fact<'_>, updated: &'a ProfileUpdated) {
        if let Some(name) = &updated.display_name {
            self.name(fact, name.as_str());
        }
        if updated.about.is_some() || updated.avatar.is_some() {
            let shown = self.shown.entry(fact.stream()).or_default();
            shown.about = updated.about.as_ref().map(About::as_str).or(shown.about);
            shown.avatar = updated.avatar.or(shown.avatar);
        }
    }

    fn name(&mut self, fact: &Fact<'_>, name: &'a str) {
        self.names.insert((fact.stream(), fact.seq()), (name, fact.at()));
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if !self.names.is_empty() {
            let (users, seqs): (Vec<Uuid>, Vec<i64>) = self.names.keys().copied().unzip();
            let (names, ats): (Vec<&str>, Vec<DateTime<Utc>>) = self.names.values().copied().unzip();
            let sql = include_str!("name.sql");
            run(transaction, schema, sql, &[&users, &seqs, &names, &ats]).await?;
        }
        if !self.shown.is_empty() {
            let users: Vec<Uuid> = self.shown.keys().copied().collect();
            let abouts: Vec<Option<&str>> = self.shown.values().map(|shown| shown.about).collect();
            let avatars = || self.shown.values().map(|shown| shown.avatar);
            let named: Vec<bool> = avatars().map(|avatar| avatar.is_some()).collect();
            let avatars: Vec<Option<Uuid>> = avatars()
                .map(|avatar| avatar.and_then(|Avatar(attachment)| attachment))
                .collect();
            let sql = include_str!("profile.sql");
            run(transaction, schema, sql, &[&users, &abouts, &named, &avatars]).await?;
        }
        Ok(())
    }
}
