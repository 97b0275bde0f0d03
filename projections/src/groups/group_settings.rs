//! Settings: one row for each that was ever changed.

use crate::fact::Fact;
use crate::projection::run;
use crate::select::{Select, Sql};
use deadpool_postgres::Transaction;
use std::collections::BTreeMap;
use tidings_domain::{History, Join, SettingsChange, Who};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

static SETTINGS: Sql = Sql::new(include_str!("settings.sql"));

/// A setting that was changed once, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub conversation: Uuid,
    name: String,
    value: String,
}

/// The settings of each of `conversations` that were ever changed.
pub fn settings(conversations: Vec<Uuid>) -> Select<Setting> {
    let read = |row: &Row| {
        Ok(Setting {
            conversation: row.try_get("conversation")?,
            name: row.try_get("name")?,
            value: row.try_get("value")?,
        })
    };
    Select::new(&SETTINGS, read).with(conversations)
}

impl Setting {
    /// Says it in `change`. A setting that this version does not have says nothing.
    pub fn say(&self, change: &mut SettingsChange) {
        let who = || match self.value.as_str() {
            "members" => Some(Who::Members),
            "admins" => Some(Who::Admins),
            _ => None,
        };
        match self.name.as_str() {
            "post" => change.post = who(),
            "invite" => change.invite = who(),
            "pin" => change.pin = who(),
            "everyone" => change.everyone = who(),
            "threads" => change.threads = who(),
            "react" => change.react = who(),
            "attach" => change.attach = who(),
            "forward" => change.forward = self.value.parse().ok(),
            "history" => {
                change.history = match self.value.as_str() {
                    "shared" => Some(History::Shared),
                    "joined" => Some(History::Joined),
                    _ => None,
                }
            }
            "join" => {
                change.join = match self.value.as_str() {
                    "invite" => Some(Join::Invite),
                    "request" => Some(Join::Request),
                    "open" => Some(Join::Open),
                    _ => None,
                }
            }
            "slow_s" => change.slow_s = self.value.parse().ok(),
            _ => {}
        }
    }
}

/// What a change says: names and values.
fn said(change: &SettingsChange) -> impl Iterator<Item = (&'static str, String)> {
    let SettingsChange {
        post,
        invite,
        pin,
        everyone,
        threads,
        react,
        attach,
        forward,
        history,
        join,
        slow_s,
    } = *change;
    let who = |who: Option<Who>| {
        who.map(|who| match who {
            Who::Members => "members".to_owned(),
            Who::Admins => "admins".to_owned(),
        })
    };
    let all = [
        ("post", who(post)),
        ("invite", who(invite)),
        ("pin", who(pin)),
        ("everyone", who(everyone)),
        ("threads", who(threads)),
        ("react", who(react)),
        ("attach", who(attach)),
        ("forward", forward.map(|forward| forward.to_string())),
        (
            "history",
            history.map(|history| match history {
                History::Shared => "shared".to_owned(),
                History::Joined => "joined".to_owned(),
            }),
        ),
        (
            "join",
            join.map(|join| match join {
                Join::Invite => "invite".to_owned(),
                Join::Request => "request".to_owned(),
                Join::Open => "open".to_owned(),
            }),
        ),
        ("slow_s", slow_s.map(|seconds| seconds.to_string())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

/// What a batch changes.
#[derive(Default)]
pub(super) struct Changed(BTreeMap<(Uuid, &'static str), String>);

impl Changed {
    pub(super) fn fold(&mut self, fact: &Fact<'_>, change: &SettingsChange) {
        let settings = said(change).map(|(name, value)| ((fact.stream(), name), value));
        self.0.extend(settings);
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let conversations: Vec<Uuid> = self.0.keys().map(|(conversation, _)| *conversation).collect();
        let names: Vec<&str> = self.0.keys().map(|(_, name)| *name).collect();
        let values: Vec<&str> = self.0.values().map(String::as_str).collect();
        let sql = include_str!("setting.sql");
        run(transaction, schema, sql, &[&conversations, &names, &values]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_domain::GroupSettings;

    #[test]
    fn what_is_written_of_settings_is_read_again() {
        let default = GroupSettings::default();
        let other = |who| match who {
            Who::Members => Some(Who::Admins),
            Who::Admins => Some(Who::Members),
        };
        let change = SettingsChange {
            post: other(default.post),
            invite: other(default.invite),
            pin: other(default.pin),
            everyone: other(default.everyone),
            threads: other(default.threads),
            react: other(default.react),
            attach: other(default.attach),
            forward: Some(!default.forward),
            history: Some(History::Joined),
            join: Some(Join::Request),
            slow_s: Some(30),
        };
        let mut read = SettingsChange::default();
        for (name, value) in said(&change) {
            let conversation = Uuid::nil();
            let name = name.to_owned();
            Setting {
                conversation,
                name,
                value,
            }
            .say(&mut read);
        }
        assert_eq!(read, change);
    }
}
