//! When people were last there: kept in a table beside the log, in batches, by the node that they came to or went from.

use super::circle::Tables;
use super::here::Change;
use crate::clock;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_projections::people::{self, LastSeen};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is written.
const EVERY: Duration = Duration::from_mins(1);
/// Users who wait to be written; of more it is not known.
const WAITING_MAX: usize = 100_000;
/// Rows of one statement.
const ROWS: usize = 1_000;

/// What waits to be written. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Departures(Arc<Mutex<HashMap<UserId, DateTime<Utc>>>>);

impl Departures {
    /// Whoever has come, or was there until now, was seen now.
    pub(super) fn note(&self, changes: &[Change]) {
        let now = clock::now();
        let moved = |change: &&Change| change.was.is_there() != change.shown.is_there();
        let mut waiting = self.waiting();
        for change in changes.iter().filter(moved) {
            if waiting.len() < WAITING_MAX || waiting.contains_key(&change.user) {
                waiting.insert(change.user, now);
            }
        }
    }

    /// The node stops: whoever is there was seen now.
    pub(super) async fn end(&self, there: &[Change], tables: &Tables) {
        let now = clock::now();
        let seen = there.iter().filter(|change| change.shown.is_there());
        self.waiting().extend(seen.map(|change| (change.user, now)));
        self.write(tables).await;
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<UserId, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes every so often until the node stops.
    pub(super) async fn keep(self, tables: Tables, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.write(&tables).await,
            }
        }
    }

    async fn write(&self, tables: &Tables) {
        let waiting: Vec<(UserId, DateTime<Utc>)> = self.waiting().drain().collect();
        let mut parts = waiting.chunks(ROWS);
        while let Some(part) = parts.next() {
            let (users, at): (Vec<Uuid>, Vec<DateTime<Utc>>) =
                part.iter().map(|(user, at)| (user.0, *at)).unzip();
            let written = tables
                .rows(include_str!("note_last_seen.sql"), &[&users, &at])
                .await;
            if written.is_none() {
                // It is tried again with those who come and go until then.
                let unwritten = part.iter().chain(parts.flatten());
                return self.keep_back(unwritten);
            }
        }
    }

    /// What could not be written waits again, unless somebody was seen since.
    fn keep_back<'a>(&self, unwritten: impl Iterator<Item = &'a (UserId, DateTime<Utc>)>) {
        let mut waiting = self.waiting();
        for (user, at) in unwritten {
            if waiting.len() < WAITING_MAX {
                waiting.entry(*user).or_insert(*at);
            }
        }
    }
}

/// When these people were last there, and who may know it.
pub(super) async fn last_seen(tables: &Tables, users: Vec<Uuid>) -> Option<HashMap<UserId, LastSeen>> {
    let found = tables.ask(&people::last_seen(users)).await?;
    let of_user = found.into_iter().map(|(user, last)| (UserId(user), last));
    Some(of_user.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn what_could_not_be_written_waits_again_behind_what_is_newer() {
        let (departures, at) = (Departures::default(), clock::now());
        let user = |number| UserId(Uuid::from_u128(number));
        let (seen, earlier) = (at, at - TimeDelta::minutes(1));
        departures.waiting().insert(user(1), seen);
        departures.keep_back([(user(1), earlier), (user(2), earlier)].iter());
        let waiting = departures.waiting().clone();
        assert_eq!(waiting, HashMap::from([(user(1), seen), (user(2), earlier)]));
    }
}
