//! Who here watches whom, and what each is to be shown: the newest state of each, gathered, as whole as there is room for.

mod answers;
mod rooms;
mod telling;
mod watcher;

pub(super) use answers::QUESTION_PATIENCE;
pub use answers::Reply;

use super::circle::Granted;
use super::errands::{Errand, Errands};
use super::queue::Queue;
use super::view::View;
use crate::delivery::Outbox;
use crate::outcome::Refusal;
use answers::{Answering, PATIENCE, Question};
use chrono::{DateTime, Utc};
use rooms::{MEANWHILE_MAX, Room};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::presence::Shown;
use tidings_domain::{Audience, ConversationId, Field, Rejection, UserId};
use tidings_projections::people::LastSeen;
use tokio::time::Instant;
use uuid::Uuid;
use watcher::{Ignorance, Watcher};

/// People of whom it matters on this node whether they are there: those who are watched, and members of conversations that are.
const TRACKED_MAX: usize = 200_000;
/// People whom one connection watches, with the members of small conversations.
const WATCHED_MAX: usize = 500;
/// How often a connection may say what it watches.
const WATCHES: u32 = 20;
const WATCHES_WINDOW: Duration = Duration::from_mins(1);
/// People of whom it is looked up at once when they were last there.
const GONE_AT_ONCE: usize = 500;

/// A wish to watch.
pub(super) struct Watch {
    pub(super) connection: u64,
    pub(super) user: UserId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) users: Vec<UserId>,
    pub(super) conversations: Vec<ConversationId>,
    pub(super) reply: Reply,
}

/// Somebody of whom it matters whether they are there.
#[derive(Default)]
struct Tracked {
    watchers: BTreeSet<u64>,
    rooms: Vec<ConversationId>,
    /// Questions that wait for it.
    questions: u32,
    is_counted: bool,
    /// Nodes were asked.
    is_known: bool,
    last_seen: Option<LastSeen>,
}

impl Tracked {
    fn is_idle(&self) -> bool {
        self.watchers.is_empty() && self.rooms.is_empty() && self.questions == 0
    }
}

/// All of it.
#[derive(Default)]
pub(super) struct Watching {
    pub(super) view: View,
    watchers: HashMap<u64, Watcher>,
    /// Those of them that wait for an answer.
    answering: HashMap<u64, Answering>,
    /// These, by when they have waited long enough.
    impatient: BTreeSet<(Instant, u64)>,
    /// Those of whose wishes all may be known by now.
    ready: Vec<u64>,
    /// The connections of each user who watches.
    of_user: HashMap<UserId, BTreeSet<u64>>,
    rooms: HashMap<ConversationId, Room>,
    tracked: HashMap<UserId, Tracked>,
    questions: Vec<Question>,
    /// When there is something to do about the first of them.
    questions_due_at: Option<Instant>,
    /// Those about whom nodes have to be asked.
    stale: Queue<UserId>,
    /// Who changed since watchers were told last.
    changed: HashSet<UserId>,
    errands: Errands,
    /// Counts the look-ups of members.
    readings: u64,
    /// Connections and conversations whose look-up did not work, and is made again.
    again: (Vec<u64>, Vec<ConversationId>),
    is_known: bool,
}

impl Watching {
    /// Whether nothing has to be read.
    pub(super) fn is_idle(&self) -> bool {
        self.tracked.is_empty() && self.answering.is_empty() && self.questions.is_empty()
    }

    /// Whether it matters who comes into conversations and leaves them.
    pub(super) fn has_to_hear(&self) -> bool {
        !self.watchers.is_empty() || !self.rooms.is_empty()
    }

    /// Somebody watches, after nobody has: nothing that was read before counts.
    pub(super) fn begin(&mut self) {
        self.view.forget_nodes();
        self.is_known = false;
    }

    /// Nodes were asked about a user.
    pub(super) fn found(&mut self, user: UserId, answers: Vec<(Uuid, Shown)>) {
        self.view.found(user, answers);
        let Some(tracked) = self.tracked.get_mut(&user) else {
            return;
        };
        if std::mem::replace(&mut tracked.is_known, true) {
            return;
        }
        for connection in &tracked.watchers {
            if let Some(watcher) = self.watchers.get_mut(connection) {
                watcher.unknown -= 1;
                if watcher.unknown == 0 && self.answering.contains_key(connection) {
                    self.ready.push(*connection);
                }
            }
        }
        for conversation in &tracked.rooms {
            if let Some(room) = self.rooms.get_mut(conversation) {
                room.unknown -= 1;
                if room.unknown == 0 && !self.answering.is_empty() {
                    self.ready.extend(&room.watchers);
                }
            }
        }
    }

    /// Whether nodes have to be asked about somebody.
    pub(super) fn is_curious(&self) -> bool {
        !self.stale.is_empty()
    }

    /// What is to be looked up next: what few wait for comes before what a connection may watch.
    pub(super) fn next_errand(&mut self) -> Option<Errand> {
        let mut gone = vec![];
        while gone.len() < GONE_AT_ONCE
            && let Some(user) = self.errands.gone.pop()
        {
            if self.tracked.contains_key(&user) {
                gone.push(user);
            }
        }
        if !gone.is_empty() {
            return Some(Errand::LastSeen(gone));
        }
        while let Some(conversation) = self.errands.rooms.pop() {
            if let Some(number) = self.rooms.get(&conversation).and_then(|room| room.reading) {
                return Some(Errand::Members(conversation, number));
            }
        }
        while let Some(connection) = self.errands.connections.pop() {
            if let Some(watcher) = self.watchers.get(&connection) {
                let (users, conversations) = watcher.wanted.clone();
                return Some(Errand::Grant {
                    connection,
                    number: watcher.number,
                    user: watcher.user,
                    users,
                    conversations,
                });
            }
        }
        None
    }

    /// A connection watches something else from now on.
    pub(super) fn watch(&mut self, watch: Watch, now: Instant) {
        let Watch {
            connection,
            user,
            outbox,
            users,
            conversations,
            reply,
        } = watch;
        let watcher = self.watchers.entry(connection).or_insert_with(|| Watcher {
            user,
            outbox,
            wanted: (vec![], vec![]),
            number: 0,
            granted: vec![],
            parted: HashSet::new(),
            users: BTreeMap::new(),
            rooms: vec![],
            unknown: 0,
            counts: HashMap::new(),
            shows: Audience::Nobody,
            contacts: HashSet::new(),
            has_changed: false,
            is_behind: false,
            is_sure: true,
            ignorance: Ignorance::Over,
            window: (now, 0),
            news: vec![],
        });
        if now >= watcher.window.0 + WATCHES_WINDOW {
            watcher.window = (now, 0);
        }
        if watcher.window.1 >= WATCHES {
            let left = (watcher.window.0 + WATCHES_WINDOW).saturating_duration_since(now);
            return reply(Err(too_often(left)));
        }
        watcher.window.1 += 1;
        watcher.number += 1;
        let wanted = std::mem::replace(&mut watcher.wanted, (users, conversations));
        let was_sure = std::mem::replace(&mut watcher.is_sure, false);
        let answering = Answering {
            reply,
            until: now + PATIENCE,
            before: (wanted, was_sure),
        };
        self.impatient.insert((answering.until, connection));
        if let Some(before) = self.answering.insert(connection, answering) {
            self.impatient.remove(&(before.until, connection));
            before.unknown();
        }
        self.of_user.entry(user).or_default().insert(connection);
        self.errands.connections.push(connection);
    }

    /// The look-up of what a connection may watch came back.
    pub(super) fn granted(
        &mut self,
        connection: u64,
        number: u64,
        granted: Result<Granted, Refusal>,
        now: Instant,
    ) {
        let watcher = self.watchers.get(&connection);
        if watcher.is_none_or(|watcher| watcher.number != number) {
            return;
        }
        let more = granted.as_ref().map_or(0, |granted| granted.users.len());
        let fits = self.make_room(more, TRACKED_MAX);
        let Some(watcher) = self.watchers.get_mut(&connection) else {
            return;
        };
        let granted = match granted {
            Ok(granted) if fits => granted,
            refused => {
                let refusal = refused.err().unwrap_or(Refusal::Overloaded);
                let Some(answering) = self.take_answering(connection) else {
                    return self.lose(connection);
                };
                let Answering { reply, before, .. } = answering;
                let is_sure = before.1;
                if let Some(watcher) = self.watchers.get_mut(&connection) {
                    (watcher.wanted, watcher.is_sure) = before;
                }
                if !is_sure {
                    self.lose(connection);
                }
                return reply(Err(refusal));
            }
        };
        // Whoever is parted no more is shown as if they came back; who has gone meanwhile comes back to nobody.
        let back = watcher.parted.difference(&granted.parted).copied();
        let back = back.filter(|user| self.view.shown(*user).is_some_and(Shown::is_there));
        let gone = granted.parted.difference(&watcher.parted).copied();
        let tied = watcher.contacts.symmetric_difference(&granted.contacts).copied();
        let news = back.chain(gone).chain(tied);
        let news = news.filter(|user| watcher.users.contains_key(user));
        watcher.news.extend(news);
        watcher.granted = granted.users;
        watcher.parted = granted.parted;
        watcher.shows = granted.shows;
        watcher.contacts = granted.contacts;
        watcher.is_sure = true;
        let before = std::mem::replace(&mut watcher.rooms, granted.conversations.clone());
        let has_changed = std::mem::replace(&mut watcher.has_changed, false) || before != watcher.rooms;
        watcher.is_behind |= has_changed && !self.answering.contains_key(&connection);
        for conversation in granted.conversations {
            let room = self.open_room(conversation, now);
            room.watchers.insert(connection);
        }
        for conversation in before {
            self.leave_room(connection, conversation);
        }
        self.settle(connection);
        self.note_last_seen(granted.last_seen);
        self.ready.push(connection);
        self.answer_ready();
    }

    /// Somebody came into a conversation, or left it.
    pub(super) fn moved(&mut self, conversation: ConversationId, user: UserId, came: bool) {
        if let Some(room) = self.rooms.get_mut(&conversation) {
            let was_named = room.is_named();
            if room.reading.is_some() {
                room.meanwhile.push((user, came));
            }
            let is_too_much = room.meanwhile.len() > MEANWHILE_MAX;
            let is_news = room.members.as_mut().is_some_and(|members| {
                if came {
                    members.insert(user)
                } else {
                    members.remove(&user)
                }
            });
            if is_news && came {
                self.enter(user, conversation);
            } else if is_news {
                self.leave(user, conversation);
            }
            let is_named = self.rooms.get(&conversation).is_some_and(Room::is_named);
            if was_named || is_named {
                for connection in self.room_watchers(conversation) {
                    self.settle(connection);
                }
            }
            if is_too_much {
                self.read_members(conversation);
            }
        }
        if came {
            return;
        }
        // Until it is known whether they share another conversation, neither is shown the other.
        let of_others = self.tracked.get(&user).map(|tracked| tracked.watchers.clone());
        let own = self.of_user.get(&user).cloned().unwrap_or_default();
        for connection in &own {
            if let Some(watcher) = self.watchers.get_mut(connection) {
                watcher.granted.clear();
                watcher.rooms.retain(|room| *room != conversation);
            }
            self.leave_room(*connection, conversation);
        }
        let doubtful: BTreeSet<u64> = own.into_iter().chain(of_others.into_iter().flatten()).collect();
        for connection in doubtful {
            if let Some(watcher) = self.watchers.get_mut(&connection) {
                watcher.granted.retain(|granted| *granted != user);
            }
            self.settle(connection);
            self.look_up_again(connection);
        }
    }

    /// Somebody wants something else to be known of them, and is shown as much of others.
    pub(super) fn settled(&mut self, user: UserId) {
        self.doubted(user);
        if let Some(tracked) = self.tracked.get_mut(&user)
            && !tracked.watchers.is_empty()
        {
            self.errands.gone.push(user);
        }
    }

    /// One of two people has blocked the other, or does so no more: each is hidden from the other before it is looked up which of it is so.
    /// Nothing else is told of it than of somebody who becomes invisible, nor is everything shown again: it would tell that there is a block.
    pub(super) fn parted(&mut self, one: UserId, other: UserId) {
        for (user, apart) in [(one, other), (other, one)] {
            for connection in self.of_user.get(&user).cloned().unwrap_or_default() {
                if let Some(watcher) = self.watchers.get_mut(&connection)
                    && watcher.parted.insert(apart)
                {
                    watcher.news.push(apart);
                }
                self.look_up(connection);
            }
        }
    }

    /// Two people have become contacts, or are none any more: until it is looked up which of it is so, neither is shown what contacts alone are.
    pub(super) fn tied(&mut self, one: UserId, other: UserId) {
        for (user, tied) in [(one, other), (other, one)] {
            for connection in self.of_user.get(&user).cloned().unwrap_or_default() {
                if let Some(watcher) = self.watchers.get_mut(&connection) {
                    watcher.contacts.remove(&tied);
                    watcher.news.push(tied);
                }
                self.look_up(connection);
            }
        }
    }

    /// Somebody has done something that cannot be read, in a conversation or to somebody: who is in it is looked up again, and what they may
    /// watch who watch it, or the one who did it.
    pub(super) fn obscured(&mut self, conversation: ConversationId, by: UserId) {
        self.read_members(conversation);
        let mut watchers: BTreeSet<u64> = self.room_watchers(conversation).into_iter().collect();
        let tracked = self.tracked.get(&by);
        watchers.extend(tracked.into_iter().flat_map(|tracked| &tracked.watchers));
        for connection in watchers {
            self.look_up_again(connection);
        }
        self.doubted(by);
    }

    /// What somebody may watch is looked up again.
    pub(super) fn doubted(&mut self, user: UserId) {
        for connection in self.of_user.get(&user).cloned().unwrap_or_default() {
            self.look_up_again(connection);
        }
    }

    /// What connections may watch, and who is in conversations, is looked up again: something was not heard.
    pub(super) fn doubt(&mut self) {
        let connections: Vec<u64> = self.watchers.keys().copied().collect();
        for connection in connections {
            self.look_up_again(connection);
        }
        let rooms: Vec<ConversationId> = self.rooms.keys().copied().collect();
        for conversation in rooms {
            self.read_members(conversation);
        }
    }

    /// Looks up again what a connection may watch, and shows it everything then.
    fn look_up_again(&mut self, connection: u64) {
        if let Some(watcher) = self.watchers.get_mut(&connection) {
            watcher.has_changed = true;
        }
        self.look_up(connection);
    }

    fn look_up(&mut self, connection: u64) {
        if let Some(watcher) = self.watchers.get_mut(&connection) {
            watcher.number += 1;
            if let Some(answering) = self.answering.get_mut(&connection) {
                (watcher.is_sure, answering.before.1) = (false, false);
            }
            self.errands.connections.push(connection);
        }
    }

    /// It could not be looked up what a connection may watch. Until it can be, it is shown nobody.
    fn lose(&mut self, connection: u64) {
        let Some(watcher) = self.watchers.get_mut(&connection) else {
            return;
        };
        watcher.granted.clear();
        watcher.is_sure = false;
        watcher.forget();
        for conversation in std::mem::take(&mut watcher.rooms) {
            self.leave_room(connection, conversation);
        }
        self.settle(connection);
        self.again.0.push(connection);
    }

    /// Looks up again what could not be looked up.
    pub(super) fn look_again(&mut self) {
        let (connections, conversations) = std::mem::take(&mut self.again);
        for connection in connections {
            self.look_up_again(connection);
        }
        for conversation in conversations {
            self.read_members(conversation);
        }
    }

    /// A connection is gone.
    pub(super) fn unwatch(&mut self, connection: u64) {
        self.take_answering(connection);
        self.errands.connections.remove(&connection);
        let Some(watcher) = self.watchers.remove(&connection) else {
            return;
        };
        if let Some(own) = self.of_user.get_mut(&watcher.user) {
            own.remove(&connection);
            if own.is_empty() {
                self.of_user.remove(&watcher.user);
            }
        }
        for user in watcher.users.into_keys() {
            self.release(user, |tracked| {
                tracked.watchers.remove(&connection);
            });
        }
        for room in watcher.rooms {
            self.leave_room(connection, room);
        }
    }

    /// Those about whom nodes are to be asked next.
    pub(super) fn take_stale(&mut self, most: usize) -> Vec<UserId> {
        let mut users = vec![];
        while users.len() < most
            && let Some(user) = self.stale.pop()
        {
            users.push(user);
        }
        users
    }

    /// Nodes have to be asked about them, again.
    pub(super) fn stale(&mut self, users: impl IntoIterator<Item = UserId>) {
        for user in users {
            if self.tracked.contains_key(&user) {
                self.stale.push(user);
            }
        }
    }

    /// Whether it is known at all who is there. Where it is not any more, those who watch are told.
    pub(super) fn know(&mut self, is_known: bool, now: Instant) {
        let was_known = std::mem::replace(&mut self.is_known, is_known);
        if is_known {
            if !was_known {
                self.ready.extend(self.answering.keys());
            }
            return;
        }
        self.impatient.clear();
        for (connection, watcher) in &mut self.watchers {
            watcher.forget();
            if let Some(answering) = self.answering.remove(connection) {
                answering.unknown();
                watcher.ignorance = Ignorance::Told;
            } else {
                watcher.admit();
            }
        }
        self.answer_questions(now, true);
    }

    /// Takes in what is new in the view, and answers those who have waited for it.
    pub(super) fn take_in(&mut self, now: Instant, at: DateTime<Utc>) {
        for user in self.view.take_changed() {
            let Some(shown) = self.view.shown(user) else {
                continue;
            };
            if let Some(tracked) = self.tracked.get_mut(&user) {
                if tracked.is_counted && !shown.is_there() && !tracked.watchers.is_empty() {
                    // Told when it is known whom they want to know it.
                    tracked.last_seen = Some(LastSeen {
                        at: Some(at),
                        shown_to: Audience::Nobody,
                    });
                    self.errands.gone.push(user);
                } else {
                    self.changed.insert(user);
                }
            }
            self.count(user, shown.is_there());
        }
        self.answer(now);
    }

    /// It was looked up whom people who have gone want to know when; nothing of it is known where there is no answer.
    pub(super) fn gone(&mut self, users: Vec<UserId>, found: Option<&HashMap<UserId, LastSeen>>) {
        for user in users {
            if let Some(tracked) = self.tracked.get_mut(&user) {
                // Where there is no answer, it is not told.
                let shown_to = found.map_or(Audience::Nobody, |found| {
                    found.get(&user).map(|last| last.shown_to).unwrap_or_default()
                });
                if let Some(last) = &mut tracked.last_seen {
                    last.shown_to = shown_to;
                }
                self.changed.insert(user);
            }
        }
    }

    /// What was looked up of when people were last there, which may be older than what was seen here.
    fn note_last_seen(&mut self, found: HashMap<UserId, LastSeen>) {
        for (user, last) in found {
            if let Some(tracked) = self.tracked.get_mut(&user) {
                let at = tracked.last_seen.and_then(|known| known.at).max(last.at);
                tracked.last_seen = Some(LastSeen { at, ..last });
            }
        }
    }

    fn count(&mut self, user: UserId, is_there: bool) {
        let Some(tracked) = self.tracked.get_mut(&user) else {
            return;
        };
        if tracked.is_counted == is_there {
            return;
        }
        tracked.is_counted = is_there;
        for conversation in &tracked.rooms {
            if let Some(room) = self.rooms.get_mut(conversation) {
                if is_there {
                    room.online += 1;
                } else {
                    room.online -= 1;
                }
            }
        }
    }

    /// How many connections watch, and of how many people it matters whether they are there.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.watchers.len(), self.tracked.len())
    }

    /// Has a connection watch those whom it may see, and nobody else.
    fn settle(&mut self, connection: u64) {
        let Some(watcher) = self.watchers.get(&connection) else {
            return;
        };
        let mut users: BTreeSet<UserId> = watcher.granted.iter().copied().collect();
        for conversation in &watcher.rooms {
            let room = self.rooms.get(conversation).filter(|room| room.is_named());
            let members = room.and_then(|room| room.members.as_ref()).into_iter().flatten();
            for member in members {
                if users.len() < WATCHED_MAX {
                    users.insert(*member);
                }
            }
        }
        let before: BTreeSet<UserId> = watcher.users.keys().copied().collect();
        for user in before.difference(&users) {
            self.release(*user, |tracked| {
                tracked.watchers.remove(&connection);
            });
        }
        for user in users.difference(&before) {
            self.track(*user).watchers.insert(connection);
        }
        let is_unknown = |user: &&UserId| self.tracked.get(user).is_some_and(|tracked| !tracked.is_known);
        let unknown = users.iter().filter(is_unknown).count();
        if let Some(watcher) = self.watchers.get_mut(&connection) {
            if self.answering.contains_key(&connection) {
                self.ready.push(connection);
            } else {
                watcher.is_behind |= users != before;
            }
            watcher.unknown = unknown;
            watcher.users.retain(|user, _| users.contains(user));
            for user in users {
                watcher.users.entry(user).or_default();
            }
        }
    }

    fn track(&mut self, user: UserId) -> &mut Tracked {
        if self.view.track(user) {
            self.stale.push(user);
        }
        self.tracked.entry(user).or_default()
    }

    fn release(&mut self, user: UserId, let_go: impl FnOnce(&mut Tracked)) {
        if let Some(tracked) = self.tracked.get_mut(&user) {
            let_go(tracked);
            if tracked.is_idle() {
                self.tracked.remove(&user);
                self.view.forget(user);
                self.changed.remove(&user);
                self.stale.remove(&user);
                self.errands.gone.remove(&user);
            }
        }
    }
}

fn too_often(wait: Duration) -> Refusal {
    let wait = chrono::TimeDelta::from_std(wait).unwrap_or_default();
    Refusal::Rejected(Rejection::TooOften {
        field: Field::Users,
        reason: "what is watched changes too often",
        wait,
    })
}

#[cfg(test)]
mod tests;
