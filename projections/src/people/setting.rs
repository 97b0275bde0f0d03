//! What people want of others.

use super::{Audience, Settings};
use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::event::SettingsUpdated;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static SETTINGS: Sql = Sql::new(include_str!("settings.sql"));

/// What these people want; who has said nothing yet is not among the answers, and wants [`Settings::default`].
pub fn settings(users: Vec<Uuid>) -> Select<(Uuid, Settings)> {
    Select::new(&SETTINGS, |row| Ok((row.try_get("user_id")?, read(row)?))).with(users)
}

pub(super) fn read(row: &Row) -> Result<Settings, Error> {
    let audience = |column: &str| {
        let name: Option<&str> = row.try_get(column)?;
        Ok::<_, Error>(name.and_then(Audience::by_name))
    };
    Ok(Settings::default().with(SettingsUpdated {
        receipts: row.try_get("receipts")?,
        last_seen: audience("last_seen")?,
        direct: audience("direct")?,
        add_me: audience("add_me")?,
    }))
}

/// What a batch changes: the last of each thing that somebody wants.
#[derive(Default)]
pub(super) struct Changes(BTreeMap<Uuid, SettingsUpdated>);

impl Changes {
    pub(super) fn update(&mut self, fact: &Fact<'_>, updated: SettingsUpdated) {
        let wanted = self.0.entry(fact.stream()).or_default();
        *wanted = SettingsUpdated {
            receipts: updated.receipts.or(wanted.receipts),
            last_seen: updated.last_seen.or(wanted.last_seen),
            direct: updated.direct.or(wanted.direct),
            add_me: updated.add_me.or(wanted.add_me),
        };
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let users: Vec<Uuid> = self.0.keys().copied().collect();
        let receipts: Vec<Option<bool>> = self.0.values().map(|wanted| wanted.receipts).collect();
        let audiences = |of: fn(&SettingsUpdated) -> Option<Audience>| -> Vec<Option<&str>> {
            self.0
                .values()
                .map(|wanted| of(wanted).map(Audience::as_str))
                .collect()
        };
        let last_seen = audiences(|wanted| wanted.last_seen);
        let direct = audiences(|wanted| wanted.direct);
        let add_me = audiences(|wanted| wanted.add_me);
        let sql = include_str!("setting.sql");
        run(
            transaction,
            schema,
            sql,
            &[&users, &receipts, &last_seen, &direct, &add_me],
        )
        .await?;
        Ok(())
    }
}
