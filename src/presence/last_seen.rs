//! When people were last there: kept in a table beside the log, in batches, by the node that they came to or went from. Nothing is kept of a
//! visit that nobody was shown, because they hid on another node.

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
pub(super) struct Departures(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// Those who may have hidden elsewhere: nothing is written of them before that is known.
    unsure: HashMap<UserId, DateTime<Utc>>,
    seen: HashMap<UserId, DateTime<Utc>>,
}

impl Departures {
    /// Whoever has come, or was there until now, was seen now, unless they hide elsewhere. Returns who that is.
    pub(super) fn note(&self, changes: &[Change]) -> Vec<UserId> {
        let moved = |change: &&Change| change.was.is_there() != change.shown.is_there();
        self.doubt(changes.iter().filter(moved))
    }

    /// The node stops: whoever is there was seen now, unless they hide elsewhere.
    pub(super) fn end(&self, there: &[Change]) {
        self.doubt(there.iter().filter(|change| change.shown.is_there()));
    }

    fn doubt<'a>(&self, changes: impl Iterator<Item = &'a Change>) -> Vec<UserId> {
        let (users, now) = (
            changes.map(|change| change.user).collect::<Vec<_>>(),
            clock::now(),
        );
        let mut waiting = self.waiting();
        for user in &users {
            put(&mut waiting.unsure, *user, now);
        }
        users
    }

    /// Some of those of whom it is not known whether they hide elsewhere.
    pub(super) fn unsure(&self, most: usize) -> Vec<UserId> {
        self.waiting().unsure.keys().copied().take(most).collect()
    }

    /// Whether these hide elsewhere. Whoever does was not seen; whoever does not was, where what was answered is all that nodes had said.
    pub(super) fn answered(&self, users: &[UserId], hidden: &[bool], is_all: bool) {
        let mut waiting = self.waiting();
        let Waiting { unsure, seen } = &mut *waiting;
        let hides = |index: usize| hidden.get(index).copied().unwrap_or(true);
        for (index, user) in users.iter().enumerate() {
            if hides(index) {
                unsure.remove(user);
            } else if is_all && let Some(at) = unsure.remove(user) {
                put(seen, *user, at);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
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

    pub(super) async fn write(&self, tables: &Tables) {
        let seen: Vec<(UserId, DateTime<Utc>)> = self.waiting().seen.drain().collect();
        let mut parts = seen.chunks(ROWS);
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
            if waiting.seen.len() < WAITING_MAX {
                waiting.seen.entry(*user).or_insert(*at);
            }
        }
    }
}

fn put(waiting: &mut HashMap<UserId, DateTime<Utc>>, user: UserId, at: DateTime<Utc>) {
    if waiting.len() < WAITING_MAX || waiting.contains_key(&user) {
        waiting.insert(user, at);
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
    use tidings_domain::presence::Shown;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    /// Those who are to be written.
    fn seen(departures: &Departures) -> Vec<UserId> {
        let mut seen: Vec<UserId> = departures.waiting().seen.keys().copied().collect();
        seen.sort_unstable();
        seen
    }

    #[test]
    fn whoever_hides_elsewhere_is_not_seen_and_whoever_may_waits() {
        let departures = Departures::default();
        let change = |number, was, shown| Change {
            user: user(number),
            was,
            shown,
            devices: vec![],
        };
        let moved = departures.note(&[
            change(1, Shown::Offline, Shown::Online),
            change(2, Shown::Away, Shown::Hidden),
            change(3, Shown::Online, Shown::Away),
            change(4, Shown::Hidden, Shown::Offline),
            change(5, Shown::Dnd, Shown::Offline),
        ]);
        assert_eq!(moved, [user(1), user(2), user(5)]);
        // Nodes may not have said all again.
        departures.answered(&moved, &[true, false, false], false);
        assert!(seen(&departures).is_empty());
        let mut unsure = departures.unsure(10);
        unsure.sort_unstable();
        assert_eq!(unsure, [user(2), user(5)]);
        departures.answered(&unsure, &[false, true], true);
        assert_eq!(
            (seen(&departures), departures.unsure(10)),
            (vec![user(2)], vec![])
        );
        departures.end(&[
            change(6, Shown::Online, Shown::Online),
            change(7, Shown::Hidden, Shown::Hidden),
        ]);
        assert_eq!(departures.unsure(10), [user(6)]);
    }

    #[test]
    fn what_could_not_be_written_waits_again_behind_what_is_newer() {
        let (departures, at) = (Departures::default(), clock::now());
        let (seen, earlier) = (at, at - TimeDelta::minutes(1));
        departures.waiting().seen.insert(user(1), seen);
        departures.keep_back([(user(1), earlier), (user(2), earlier)].iter());
        let waiting = departures.waiting().seen.clone();
        assert_eq!(waiting, HashMap::from([(user(1), seen), (user(2), earlier)]));
    }
}
