//! What those who watch are told that is new.

use super::Watching;
use super::watcher::{Watcher, encoded};
use crate::wire::{self, Frame, Sight};
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};
use tidings_domain::presence::Shown;
use tidings_domain::{ConversationId, UserId};
use tokio::time::Instant;

impl Watching {
    /// Shows those who watch what is new since the last time. Returns how many frames were given out.
    pub(in crate::presence) fn tell(&mut self) -> usize {
        for user in std::mem::take(&mut self.changed) {
            let watching = self.tracked.get(&user).into_iter();
            for connection in watching.flat_map(|tracked| &tracked.watchers) {
                // Whoever waits for an answer, or is to be shown everything, is shown this with it.
                if let Some(watcher) = self.watchers.get_mut(connection)
                    && !watcher.is_behind
                    && !self.answering.contains_key(connection)
                {
                    watcher.news.push(user);
                }
            }
        }
        let mut given = 0;
        let mut frames: HashMap<(UserId, Shown, Option<DateTime<Utc>>), String> = HashMap::new();
        let with_news: Vec<u64> = self
            .watchers
            .iter()
            .filter(|(_, watcher)| !watcher.news.is_empty() || watcher.is_behind)
            .map(|(connection, _)| *connection)
            .collect();
        for connection in with_news {
            let Some(watcher) = self.watchers.get_mut(&connection) else {
                continue;
            };
            let news = std::mem::take(&mut watcher.news);
            if self.answering.contains_key(&connection) {
                continue;
            }
            let Some(watcher) = self.watchers.get(&connection) else {
                continue;
            };
            if watcher.is_behind {
                let Some(state) = self.state(connection) else {
                    let watcher = self.watchers.get_mut(&connection);
                    given += usize::from(watcher.is_some_and(Watcher::admit));
                    continue;
                };
                let frame = encoded(Some(state.clone()));
                if let Some(watcher) = self.watchers.get_mut(&connection)
                    && watcher.outbox.presence(frame)
                {
                    watcher.told(&state);
                    given += 1;
                }
                continue;
            }
            let is_new = |user: &UserId, sight: &Sight| match watcher.users.get(user) {
                // A block says no more than that somebody has gone whom it was told to be there.
                Some(told) if watcher.parted.contains(user) => told.is_some_and(|told| told.shown.is_there()),
                Some(told) => *told != Some(*sight),
                None => false,
            };
            // Each once, though it may be news for two reasons.
            let news: BTreeSet<UserId> = news.into_iter().collect();
            let new: Vec<(UserId, Sight)> = news
                .into_iter()
                .filter_map(|user| Some((user, self.sight(user, watcher)?)))
                .filter(|(user, sight)| is_new(user, sight))
                .collect();
            let mut objects = String::new();
            for (user, sight) in &new {
                let object = frames
                    .entry((*user, sight.shown, sight.last_seen))
                    .or_insert_with(|| wire::presence(*user, *sight));
                if !objects.is_empty() {
                    objects.push('\n');
                }
                objects.push_str(object);
            }
            if self.give(connection, &objects) {
                given += 1;
                if let Some(watcher) = self.watchers.get_mut(&connection) {
                    let told = new.into_iter().map(|(user, sight)| (user, Some(sight)));
                    watcher.users.extend(told);
                }
            }
        }
        given
    }

    /// Shows those who watch large conversations how many are there, where that is new.
    pub(in crate::presence) fn tell_counts(&mut self, now: Instant) -> usize {
        for room in self.rooms.values_mut() {
            room.kept_until = room.kept_until.filter(|until| *until > now);
        }
        let idle: Vec<ConversationId> = self
            .rooms
            .iter()
            .filter(|(_, room)| room.watchers.is_empty() && room.kept_until.is_none())
            .map(|(conversation, _)| *conversation)
            .collect();
        for conversation in idle {
            self.drop_room(conversation);
        }
        let mut given = 0;
        let large: Vec<ConversationId> = self
            .rooms
            .iter()
            .filter(|(_, room)| room.members.is_some() && !room.is_named())
            .map(|(conversation, _)| *conversation)
            .collect();
        for conversation in large {
            let Some(online) = self.online(conversation) else {
                continue;
            };
            let object = wire::presence_count(conversation, online);
            for connection in self.room_watchers(conversation) {
                let watcher = self.watchers.get(&connection);
                let told = watcher.filter(|watcher| !watcher.is_behind);
                let told = told.and_then(|watcher| watcher.counts.get(&conversation));
                // Whoever waits for an answer is told with it.
                let is_new =
                    told.is_some_and(|told| *told != online) && !self.answering.contains_key(&connection);
                if is_new && self.give(connection, &object) {
                    given += 1;
                    if let Some(watcher) = self.watchers.get_mut(&connection) {
                        watcher.counts.insert(conversation, online);
                    }
                }
            }
        }
        given
    }

    /// Gives objects to a connection; one that has no room for them is shown everything later. Returns whether it had room.
    fn give(&mut self, connection: u64, objects: &str) -> bool {
        let Some(watcher) = self.watchers.get_mut(&connection) else {
            return false;
        };
        if objects.is_empty() {
            return false;
        }
        let has_room = watcher.outbox.presence(Frame::text(objects.as_bytes()));
        if !has_room {
            watcher.is_behind = true;
            metrics::counter!("tidings_presence_shed_total").increment(1);
        }
        has_room
    }
}
