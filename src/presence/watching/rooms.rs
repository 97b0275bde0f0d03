//! Conversations that somebody watches or asks about, and their members.

use super::watcher::Watcher;
use super::{TRACKED_MAX, Watching};
use crate::outcome::Refusal;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;
use tidings_domain::presence::NAMED_MEMBERS_MAX;
use tidings_domain::{ConversationId, UserId};
use tidings_projections::people::LastSeen;
use tokio::time::Instant;

/// The same, beyond which no large conversation is counted, so that there is room for those who are named.
pub(super) const TRACKED_WITH_LARGE: usize = 160_000;
/// The same, beyond which no conversation is counted that nobody watches, and about which it is only asked now and then.
pub(super) const TRACKED_WITH_ASKED: usize = 120_000;
/// How long a conversation that was too much is not read again.
pub(super) const TOO_MUCH_FOR: Duration = Duration::from_secs(5);
/// Who came or went while the members of a conversation are read; more are not heard.
pub(super) const MEANWHILE_MAX: usize = 10_000;

/// A conversation that somebody watches.
#[derive(Default)]
pub(super) struct Room {
    pub(super) watchers: BTreeSet<u64>,
    /// Nothing until they are read.
    pub(super) members: Option<HashSet<UserId>>,
    /// The number of the look-up whose answer is waited for.
    pub(super) reading: Option<u64>,
    /// Who came or went while they are read.
    pub(super) meanwhile: Vec<(UserId, bool)>,
    pub(super) online: usize,
    /// Members of whom it is not known yet whether they are there.
    pub(super) unknown: usize,
    /// Somebody asked how many are there, and may do so again.
    pub(super) kept_until: Option<Instant>,
    /// There was no room for its members, who count as none, and are not read again before this.
    pub(super) too_much_until: Option<Instant>,
}

impl Room {
    pub(super) fn is_named(&self) -> bool {
        let members = self.members.as_ref().map(HashSet::len);
        members.is_some_and(|members| members <= NAMED_MEMBERS_MAX)
    }
}

impl Watching {
    /// The room of a conversation; its members are looked up where that was not done, or did not work.
    pub(super) fn open_room(&mut self, conversation: ConversationId, now: Instant) -> &mut Room {
        let room = self.rooms.entry(conversation).or_default();
        let is_there = room.members.as_ref().is_some_and(|members| !members.is_empty());
        let is_too_much = room.too_much_until.is_some_and(|until| now < until);
        if !is_there && !is_too_much && room.reading.is_none() {
            room.members = None;
            self.read_members(conversation);
        }
        self.rooms.entry(conversation).or_default()
    }

    /// Has the members of a conversation looked up from now on: what an earlier look-up brings is not waited for any more.
    pub(super) fn read_members(&mut self, conversation: ConversationId) {
        if let Some(room) = self.rooms.get_mut(&conversation) {
            self.readings += 1;
            room.reading = Some(self.readings);
            room.meanwhile.clear();
            self.errands.rooms.push(conversation);
        }
    }

    /// The members of a conversation were read.
    pub(in crate::presence) fn members(
        &mut self,
        conversation: ConversationId,
        number: u64,
        members: Result<(Vec<UserId>, HashMap<UserId, LastSeen>), Refusal>,
        now: Instant,
    ) {
        let of_number = |room: &&Room| room.reading == Some(number);
        let Some(room) = self.rooms.get(&conversation).filter(of_number) else {
            return;
        };
        let is_watched = !room.watchers.is_empty();
        let more = members.as_ref().map_or(0, |(members, _)| members.len());
        let most = match more {
            0..=NAMED_MEMBERS_MAX => TRACKED_MAX,
            _ if is_watched => TRACKED_WITH_LARGE,
            _ => TRACKED_WITH_ASKED,
        };
        // Those of whom it is known already are not more.
        let more = more.saturating_sub(room.members.as_ref().map_or(0, HashSet::len));
        let fits = if is_watched {
            self.make_room(more, most)
        } else {
            self.tracked.len() + more <= most
        };
        let Some(room) = self.rooms.get_mut(&conversation) else {
            return;
        };
        room.reading = None;
        room.too_much_until = (!fits).then_some(now + TOO_MUCH_FOR);
        let (members, last_seen) = match members {
            Ok(found) if fits => found,
            // Its watchers are answered without it.
            Ok(_) => {
                room.meanwhile.clear();
                (vec![], HashMap::new())
            }
            Err(_) => return self.lose_members(conversation),
        };
        let mut members: HashSet<UserId> = members.into_iter().collect();
        for (user, came) in std::mem::take(&mut room.meanwhile) {
            if came {
                members.insert(user);
            } else {
                members.remove(&user);
            }
        }
        let before = room.members.replace(members.clone()).unwrap_or_default();
        for user in before.difference(&members) {
            self.leave(*user, conversation);
        }
        for user in members.difference(&before) {
            self.enter(*user, conversation);
        }
        self.note_last_seen(last_seen);
        for connection in self.room_watchers(conversation) {
            self.settle(connection);
            self.ready.push(connection);
        }
        self.answer_ready();
        self.answer_questions(now, false);
    }

    /// The members of a conversation could not be looked up. Until they can be, nobody is shown by it.
    pub(super) fn lose_members(&mut self, conversation: ConversationId) {
        let Some(room) = self.rooms.get_mut(&conversation) else {
            return;
        };
        room.meanwhile.clear();
        for member in room.members.take().into_iter().flatten() {
            self.leave(member, conversation);
        }
        for connection in self.room_watchers(conversation) {
            self.settle(connection);
            if let Some(watcher) = self.watchers.get_mut(&connection)
                && !self.answering.contains_key(&connection)
            {
                watcher.forget();
            }
        }
        self.again.1.push(conversation);
    }

    /// Makes room for `more` people among `most`, where conversations are kept that nobody watches. Returns whether there is.
    pub(super) fn make_room(&mut self, more: usize, most: usize) -> bool {
        while self.tracked.len() + more > most {
            let asked = self.rooms.iter().filter(|(_, room)| {
                room.watchers.is_empty() && room.members.as_ref().is_some_and(|members| !members.is_empty())
            });
            let oldest = asked.min_by_key(|(_, room)| room.kept_until);
            let Some(conversation) = oldest.map(|(conversation, _)| *conversation) else {
                return false;
            };
            self.drop_room(conversation);
        }
        true
    }

    /// A member of a conversation is tracked with it.
    pub(super) fn enter(&mut self, user: UserId, conversation: ConversationId) {
        let tracked = self.track(user);
        tracked.rooms.push(conversation);
        let (is_counted, is_known) = (tracked.is_counted, tracked.is_known);
        if let Some(room) = self.rooms.get_mut(&conversation) {
            room.online += usize::from(is_counted);
            room.unknown += usize::from(!is_known);
        }
    }

    pub(super) fn leave(&mut self, user: UserId, conversation: ConversationId) {
        if let Some(tracked) = self.tracked.get(&user)
            && let Some(room) = self.rooms.get_mut(&conversation)
        {
            room.online -= usize::from(tracked.is_counted);
            room.unknown -= usize::from(!tracked.is_known);
            if room.unknown == 0 && !self.answering.is_empty() {
                self.ready.extend(&room.watchers);
            }
        }
        self.release(user, |tracked| {
            tracked.rooms.retain(|other| *other != conversation);
        });
    }

    /// A connection watches a conversation no more, unless it is among those that it watches now.
    pub(super) fn leave_room(&mut self, connection: u64, conversation: ConversationId) {
        let watcher = self.watchers.get(&connection);
        if watcher.is_some_and(|watcher| watcher.rooms.contains(&conversation)) {
            return;
        }
        if let Some(room) = self.rooms.get_mut(&conversation) {
            room.watchers.remove(&connection);
            if room.watchers.is_empty() && room.kept_until.is_none() {
                self.drop_room(conversation);
            }
        }
    }

    pub(super) fn drop_room(&mut self, conversation: ConversationId) {
        let members = self.rooms.remove(&conversation).and_then(|room| room.members);
        for member in members.into_iter().flatten() {
            self.release(member, |tracked| {
                tracked.rooms.retain(|other| *other != conversation);
            });
        }
    }

    /// How many members of a conversation are there, where that is known.
    pub(in crate::presence) fn online(&self, conversation: ConversationId) -> Option<usize> {
        let room = self.rooms.get(&conversation).filter(|_| self.is_known)?;
        let is_read = room.members.as_ref().is_some_and(|members| !members.is_empty());
        (is_read && room.unknown == 0).then_some(room.online)
    }

    /// The same as a connection is told it. Where members are named, those between whom and its user a block stands do not count, like
    /// others who are not shown to be there.
    pub(super) fn online_to(&self, watcher: &Watcher, conversation: ConversationId) -> Option<usize> {
        let online = self.online(conversation)?;
        let room = self.rooms.get(&conversation).filter(|room| room.is_named());
        let members = room.and_then(|room| room.members.as_ref()).into_iter().flatten();
        let hidden = members.filter(|member| {
            let is_counted = self.tracked.get(member).is_some_and(|tracked| tracked.is_counted);
            is_counted && watcher.parted.contains(member)
        });
        Some(online - hidden.count())
    }

    pub(super) fn room_watchers(&self, conversation: ConversationId) -> Vec<u64> {
        let room = self.rooms.get(&conversation);
        room.map_or_else(Vec::new, |room| room.watchers.iter().copied().collect())
    }
}
