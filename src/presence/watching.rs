//! Who here watches whom, and what each is to be shown: the newest state of each, gathered, as whole as there is room for.

use super::circle::Granted;
use super::errands::{Errand, Errands};
use super::queue::Queue;
use super::view::View;
use crate::delivery::Outbox;
use crate::outcome::Refusal;
use crate::wire::{self, Frame, Sight, Watched};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::presence::{NAMED_MEMBERS_MAX, Shown};
use tidings_domain::{ConversationId, Field, Rejection, UserId};
use tidings_projections::people::LastSeen;
use tokio::time::Instant;
use uuid::Uuid;

/// People of whom it matters on this node whether they are there: those who are watched, and members of conversations that are.
const TRACKED_MAX: usize = 200_000;
/// The same, beyond which no large conversation is counted, so that there is room for those who are named.
const TRACKED_WITH_LARGE: usize = 160_000;
/// The same, beyond which no conversation is counted that nobody watches, and about which it is only asked now and then.
const TRACKED_WITH_ASKED: usize = 120_000;
/// How long a conversation that was too much is not read again.
const TOO_MUCH_FOR: Duration = Duration::from_secs(5);
/// People whom one connection watches, with the members of small conversations.
const WATCHED_MAX: usize = 500;
/// How often a connection may say what it watches.
const WATCHES: u32 = 20;
const WATCHES_WINDOW: Duration = Duration::from_mins(1);
/// Who came or went while the members of a conversation are read; more are not heard.
const MEANWHILE_MAX: usize = 10_000;
/// Questions that wait for an answer.
const QUESTIONS_MAX: usize = 10_000;
/// People of whom it is looked up at once when they were last there.
const GONE_AT_ONCE: usize = 500;
/// How long an answer waits until all of it is known.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a question does: whoever asks has more to tell.
pub(super) const QUESTION_PATIENCE: Duration = Duration::from_millis(500);
/// How long it is found out all the same what it asked, for whoever asks again.
const FIND_OUT: Duration = Duration::from_secs(5);

/// Where goes what is watched, or nothing where nobody knows who is there. It must not block.
pub type Reply = Box<dyn FnOnce(Result<Option<Watched>, Refusal>) + Send>;

/// A wish to watch.
pub(super) struct Watch {
    pub(super) connection: u64,
    pub(super) user: UserId,
    pub(super) outbox: Arc<Outbox>,
    pub(super) users: Vec<UserId>,
    pub(super) conversations: Vec<ConversationId>,
    pub(super) reply: Reply,
}

/// People and conversations that a connection asked for.
type Wishes = (Vec<UserId>, Vec<ConversationId>);

/// A connection that watches.
struct Watcher {
    user: UserId,
    outbox: Arc<Outbox>,
    /// What it asked for, to be looked up again when somebody has left a conversation.
    wanted: Wishes,
    /// Counts what it asked for.
    number: u64,
    /// What it may see: people, and with them those in small conversations.
    granted: Vec<UserId>,
    /// These, and what it was told of each.
    users: BTreeMap<UserId, Option<Sight>>,
    rooms: Vec<ConversationId>,
    /// How many of them are not known yet.
    unknown: usize,
    /// How many members it was told are there.
    counts: HashMap<ConversationId, usize>,
    /// Whether it is shown when people were last there.
    shows: bool,
    /// It was not shown something, so it is shown all when there is room.
    is_behind: bool,
    /// Whether what it may see of its wishes is known: not before that is it shown anything whole.
    is_sure: bool,
    ignorance: Ignorance,
    /// When it last began to count its wishes, and how many came since.
    window: (Instant, u32),
    /// Of whom something may be new for it.
    news: Vec<UserId>,
}

impl Watcher {
    /// It was told all of this.
    fn told(&mut self, state: &Watched) {
        for (user, sight) in &state.users {
            self.users.insert(*user, Some(*sight));
        }
        self.counts = state.conversations.iter().copied().collect();
        (self.is_behind, self.ignorance) = (false, Ignorance::Over);
    }

    /// What it was told counts no more, and it is told everything when that is known.
    fn forget(&mut self) {
        self.is_behind = true;
        if self.ignorance == Ignorance::Over {
            self.ignorance = Ignorance::Due;
        }
    }

    /// It is told that nothing is known, where it was not told yet. Returns whether it was given a frame.
    fn admit(&mut self) -> bool {
        let is_given = self.ignorance == Ignorance::Due && self.outbox.presence(encoded(None));
        if is_given {
            self.ignorance = Ignorance::Told;
        }
        is_given
    }
}

/// Whether a connection is told that nothing is known.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Ignorance {
    #[default]
    Over,
    Due,
    Told,
}

struct Answering {
    reply: Reply,
    until: Instant,
    /// What it watched before, and whether that was sure: this stands where the wish is refused.
    before: (Wishes, bool),
}

/// A conversation that somebody watches.
#[derive(Default)]
struct Room {
    watchers: BTreeSet<u64>,
    /// Nothing until they are read.
    members: Option<HashSet<UserId>>,
    /// The number of the look-up whose answer is waited for.
    reading: Option<u64>,
    /// Who came or went while they are read.
    meanwhile: Vec<(UserId, bool)>,
    online: usize,
    /// Members of whom it is not known yet whether they are there.
    unknown: usize,
    /// Somebody asked how many are there, and may do so again.
    kept_until: Option<Instant>,
    /// There was no room for its members, who count as none, and are not read again before this.
    too_much_until: Option<Instant>,
}

impl Room {
    fn is_named(&self) -> bool {
        let members = self.members.as_ref().map(HashSet::len);
        members.is_some_and(|members| members <= NAMED_MEMBERS_MAX)
    }
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

/// Who is told how people are there; nothing where it is not known.
pub(super) type Told = Box<dyn FnOnce(Option<&Watching>) + Send>;

/// A question that is asked once.
struct Question {
    users: Vec<UserId>,
    conversation: Option<ConversationId>,
    /// Whom to tell; nobody once they were told that it is not known.
    reply: Option<Told>,
    until: Instant,
    /// How long those whom it names matter.
    kept_until: Instant,
}

impl Question {
    /// When there is something to do about it, if nothing is found out until then.
    fn due_at(&self) -> Instant {
        if self.reply.is_some() {
            self.until
        } else {
            self.kept_until
        }
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
            users: BTreeMap::new(),
            rooms: vec![],
            unknown: 0,
            counts: HashMap::new(),
            shows: true,
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
        watcher.granted = granted.users;
        watcher.shows = granted.shows;
        watcher.is_sure = true;
        watcher.is_behind |= !self.answering.contains_key(&connection);
        let before = std::mem::replace(&mut watcher.rooms, granted.conversations.clone());
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

    /// The members of a conversation were read.
    pub(super) fn members(
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
        for connection in self.of_user.get(&user).cloned().unwrap_or_default() {
            self.look_up_again(connection);
        }
        if let Some(tracked) = self.tracked.get_mut(&user)
            && !tracked.watchers.is_empty()
        {
            self.errands.gone.push(user);
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

    fn look_up_again(&mut self, connection: u64) {
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

    /// The members of a conversation could not be looked up. Until they can be, nobody is shown by it.
    fn lose_members(&mut self, conversation: ConversationId) {
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

    /// Asks once how people are there. `reply` is called with nothing where it is not known.
    pub(super) fn ask(
        &mut self,
        users: Vec<UserId>,
        conversation: Option<ConversationId>,
        reply: Told,
        now: Instant,
    ) {
        if !self.make_room(users.len(), TRACKED_MAX) || self.questions.len() >= QUESTIONS_MAX {
            return reply(None);
        }
        for user in &users {
            self.track(*user).questions += 1;
        }
        if let Some(conversation) = conversation {
            let room = self.open_room(conversation, now);
            room.kept_until = Some(now + WATCHES_WINDOW);
        }
        let question = Question {
            users,
            conversation,
            reply: Some(reply),
            until: now + QUESTION_PATIENCE,
            kept_until: now + FIND_OUT,
        };
        self.answer_question(question, now, false);
    }

    /// How others see a user, where that is known.
    pub(super) fn shown(&self, user: UserId) -> Option<Shown> {
        self.view.shown(user).filter(|_| self.is_known)
    }

    /// How many members of a conversation are there, where that is known.
    pub(super) fn online(&self, conversation: ConversationId) -> Option<usize> {
        let room = self.rooms.get(&conversation).filter(|_| self.is_known)?;
        let is_read = room.members.as_ref().is_some_and(|members| !members.is_empty());
        (is_read && room.unknown == 0).then_some(room.online)
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
                    // Told when it is known whether they want to have it known.
                    tracked.last_seen = Some(LastSeen {
                        at: Some(at),
                        shown: false,
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

    /// It was looked up whether people who have gone want it known when; nothing of it is known where there is no answer.
    pub(super) fn gone(&mut self, users: Vec<UserId>, found: Option<&HashMap<UserId, LastSeen>>) {
        for user in users {
            if let Some(tracked) = self.tracked.get_mut(&user) {
                // Where there is no answer, it is not told.
                let shown = found.is_some_and(|found| found.get(&user).is_none_or(|last| last.shown));
                if let Some(last) = &mut tracked.last_seen {
                    last.shown = shown;
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

    /// Answers those who wait and of whose wishes everything is known, or who have waited long enough.
    pub(super) fn answer(&mut self, now: Instant) {
        self.answer_ready();
        while let Some((until, connection)) = self.impatient.first().copied().filter(|first| first.0 <= now) {
            self.impatient.remove(&(until, connection));
            if let Some(answering) = self.answering.remove(&connection) {
                answering.unknown();
            }
            if let Some(watcher) = self.watchers.get_mut(&connection) {
                (watcher.is_behind, watcher.ignorance) = (true, Ignorance::Told);
            }
        }
        self.answer_questions(now, false);
    }

    /// Answers those of whose wishes everything is known.
    fn answer_ready(&mut self) {
        for connection in std::mem::take(&mut self.ready) {
            if self.answering.contains_key(&connection)
                && let Some(state) = self.state(connection)
                && let Some(watcher) = self.watchers.get_mut(&connection)
            {
                watcher.told(&state);
                if let Some(Answering { reply, .. }) = self.take_answering(connection) {
                    reply(Ok(Some(state)));
                }
            }
        }
    }

    fn take_answering(&mut self, connection: u64) -> Option<Answering> {
        let answering = self.answering.remove(&connection)?;
        self.impatient.remove(&(answering.until, connection));
        Some(answering)
    }

    /// Whether the answer to a question is known, be it that there is none.
    fn is_answered(&self, question: &Question) -> bool {
        let is_too_much = |conversation: &ConversationId| {
            let room = self.rooms.get(conversation);
            room.is_some_and(|room| room.members.as_ref().is_some_and(HashSet::is_empty))
        };
        let conversation = question.conversation.as_ref();
        question.users.iter().all(|user| self.shown(*user).is_some())
            && conversation.is_none_or(|of| self.online(*of).is_some() || is_too_much(of))
    }

    fn answer_questions(&mut self, now: Instant, give_up: bool) {
        self.questions_due_at = None;
        for question in std::mem::take(&mut self.questions) {
            self.answer_question(question, now, give_up);
        }
    }

    /// Answers a question, or keeps it.
    fn answer_question(&mut self, mut question: Question, now: Instant, give_up: bool) {
        let is_answered = self.is_answered(&question);
        if (is_answered || give_up || now >= question.until)
            && let Some(reply) = question.reply.take()
        {
            reply(is_answered.then_some(self));
        }
        if is_answered || now >= question.kept_until {
            for user in question.users {
                self.release(user, |tracked| tracked.questions -= 1);
            }
            return;
        }
        let due_at = question.due_at();
        self.questions_due_at = Some(self.questions_due_at.map_or(due_at, |first| first.min(due_at)));
        self.questions.push(question);
    }

    /// When somebody has waited long enough.
    pub(super) fn impatient_at(&self) -> Option<Instant> {
        let first = self.impatient.first().map(|(until, _)| *until);
        first.into_iter().chain(self.questions_due_at).min()
    }

    /// All that a connection watches, where all of it is known.
    fn state(&self, connection: u64) -> Option<Watched> {
        if !self.is_known {
            return None;
        }
        let watcher = self
            .watchers
            .get(&connection)
            .filter(|watcher| watcher.is_sure && watcher.unknown == 0)?;
        let users: Option<Vec<(UserId, Sight)>> = watcher
            .users
            .keys()
            .map(|user| Some((*user, self.sight(*user, watcher.shows)?)))
            .collect();
        let mut conversations = Vec::with_capacity(watcher.rooms.len());
        for conversation in &watcher.rooms {
            let room = self.rooms.get(conversation)?;
            // A conversation that is too much is left out.
            if room.members.as_ref()?.is_empty() {
                continue;
            }
            conversations.push((*conversation, self.online(*conversation)?));
        }
        let users = users?;
        Some(Watched { users, conversations })
    }

    fn sight(&self, user: UserId, shows: bool) -> Option<Sight> {
        let shown = self.view.shown(user)?;
        let last_seen = self.tracked.get(&user).and_then(|tracked| tracked.last_seen);
        let last_seen = last_seen.filter(|_| !shown.is_there());
        let last_seen = last_seen.and_then(|last| last.told(shows));
        Some(Sight { shown, last_seen })
    }

    /// Shows those who watch what is new since the last time. Returns how many frames were given out.
    pub(super) fn tell(&mut self) -> usize {
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
        let mut frames: HashMap<(UserId, bool), String> = HashMap::new();
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
            let (news, shows) = (std::mem::take(&mut watcher.news), watcher.shows);
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
            let told = |user: &UserId| watcher.users.get(user).copied();
            let new: Vec<(UserId, Sight)> = news
                .into_iter()
                .filter_map(|user| Some((user, self.sight(user, shows)?)))
                .filter(|(user, sight)| told(user).is_some_and(|told| told != Some(*sight)))
                .collect();
            let mut objects = String::new();
            for (user, sight) in &new {
                let object = frames
                    .entry((*user, shows))
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
    pub(super) fn tell_counts(&mut self, now: Instant) -> usize {
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

    /// How many connections watch, and of how many people it matters whether they are there.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.watchers.len(), self.tracked.len())
    }

    fn room_watchers(&self, conversation: ConversationId) -> Vec<u64> {
        let room = self.rooms.get(&conversation);
        room.map_or_else(Vec::new, |room| room.watchers.iter().copied().collect())
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

    /// The room of a conversation; its members are looked up where that was not done, or did not work.
    fn open_room(&mut self, conversation: ConversationId, now: Instant) -> &mut Room {
        let room = self.rooms.entry(conversation).or_default();
        let is_there = room.members.as_ref().is_some_and(|members| !members.is_empty());
        let is_too_much = room.too_much_until.is_some_and(|until| now < until);
        if !is_there && !is_too_much && room.reading.is_none() {
            room.members = None;
            self.read_members(conversation);
        }
        self.rooms.entry(conversation).or_default()
    }

    /// Makes room for `more` people among `most`, where conversations are kept that nobody watches. Returns whether there is.
    fn make_room(&mut self, more: usize, most: usize) -> bool {
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

    /// Has the members of a conversation looked up from now on: what an earlier look-up brings is not waited for any more.
    fn read_members(&mut self, conversation: ConversationId) {
        if let Some(room) = self.rooms.get_mut(&conversation) {
            self.readings += 1;
            room.reading = Some(self.readings);
            room.meanwhile.clear();
            self.errands.rooms.push(conversation);
        }
    }

    /// A member of a conversation is tracked with it.
    fn enter(&mut self, user: UserId, conversation: ConversationId) {
        let tracked = self.track(user);
        tracked.rooms.push(conversation);
        let (is_counted, is_known) = (tracked.is_counted, tracked.is_known);
        if let Some(room) = self.rooms.get_mut(&conversation) {
            room.online += usize::from(is_counted);
            room.unknown += usize::from(!is_known);
        }
    }

    fn leave(&mut self, user: UserId, conversation: ConversationId) {
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
    fn leave_room(&mut self, connection: u64, conversation: ConversationId) {
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

    fn drop_room(&mut self, conversation: ConversationId) {
        let members = self.rooms.remove(&conversation).and_then(|room| room.members);
        for member in members.into_iter().flatten() {
            self.release(member, |tracked| {
                tracked.rooms.retain(|other| *other != conversation);
            });
        }
    }
}

impl Answering {
    /// Answers that nothing is known.
    fn unknown(self) {
        (self.reply)(Ok(None));
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

/// What comes by itself.
fn encoded(state: Option<Watched>) -> Frame {
    Frame::text(wire::presence_state(None, state).encode().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NODE: Uuid = Uuid::from_u128(100);

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn outbox() -> Arc<Outbox> {
        Arc::new(Outbox::new(8, 1_000))
    }

    /// Objects that a connection was given, each as text.
    fn given(outbox: &Outbox) -> Vec<String> {
        let frames = outbox.take(10).system.into_iter();
        let texts = frames.map(|system| String::from_utf8(system.frame.payload().to_vec()).unwrap());
        texts
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }

    /// A connection comes to watch three people.
    fn come(
        watching: &mut Watching,
        connection: u64,
        outbox: &Arc<Outbox>,
        now: Instant,
    ) -> Arc<AtomicUsize> {
        let answered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&answered);
        let watch = Watch {
            connection,
            user: user(0),
            outbox: Arc::clone(outbox),
            users: (1..=3).map(user).collect(),
            conversations: vec![],
            reply: Box::new(move |state| {
                assert_eq!(state.unwrap().unwrap().users.len(), 3);
                count.fetch_add(1, Ordering::Relaxed);
            }),
        };
        watching.watch(watch, now);
        watching.granted(connection, 1, Ok(granted(vec![])), now);
        answered
    }

    /// That three people may be watched.
    fn granted(conversations: Vec<ConversationId>) -> Granted {
        Granted {
            users: (1..=3).map(user).collect(),
            conversations,
            last_seen: HashMap::new(),
            shows: true,
        }
    }

    /// Connections that watch three people who are there, and have been told so.
    fn watching(outboxes: &[Arc<Outbox>], now: Instant) -> Watching {
        let mut watching = Watching::default();
        watching.view.lease(NODE, now + Duration::from_hours(1));
        let answers: Vec<_> = (1..)
            .zip(outboxes)
            .map(|(connection, outbox)| come(&mut watching, connection, outbox, now))
            .collect();
        everybody_is_there(&mut watching, now);
        let answered = |answers: &Arc<AtomicUsize>| answers.load(Ordering::Relaxed) == 1;
        assert!(answers.iter().all(answered));
        assert_eq!(watching.tell(), 0, "what was answered is told again");
        watching
    }

    /// The node says of all about whom it is asked that they are there.
    fn everybody_is_there(watching: &mut Watching, now: Instant) {
        for user in watching.take_stale(usize::MAX) {
            watching.found(user, vec![(NODE, Shown::Online)]);
        }
        watching.know(true, now);
        watching.take_in(now, DateTime::UNIX_EPOCH);
    }

    fn say(watching: &mut Watching, number: u128, shown: Shown, now: Instant) {
        watching.view.said(NODE, user(number), shown);
        watching.take_in(now, DateTime::UNIX_EPOCH);
    }

    #[test]
    fn each_change_is_told_to_each_who_watches_and_what_changes_back_is_not() {
        let (outboxes, start) = ([outbox(), outbox(), outbox()], Instant::now());
        let mut watching = watching(&outboxes, start);
        let later = start + Duration::from_secs(1);
        say(&mut watching, 1, Shown::Away, later);
        say(&mut watching, 4, Shown::Online, later);
        assert_eq!(watching.tell(), 3);
        for outbox in &outboxes {
            let objects = given(outbox);
            assert!(
                objects.len() == 1 && objects[0].contains(r#""status":"away""#),
                "{objects:?}"
            );
        }
        say(&mut watching, 2, Shown::Dnd, later);
        say(&mut watching, 2, Shown::Online, later);
        assert_eq!(watching.tell(), 0);
    }

    #[test]
    fn whoever_comes_between_two_changes_is_told_of_the_second_though_it_is_as_before_for_others() {
        let (early, late, start) = (outbox(), outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&early)], start);
        say(&mut watching, 1, Shown::Away, start);
        // Answered with what has not been told yet.
        come(&mut watching, 2, &late, start);
        say(&mut watching, 1, Shown::Online, start);
        assert_eq!(watching.tell(), 1);
        let objects = given(&late);
        assert!(objects.len() == 1 && !objects[0].contains("away"), "{objects:?}");
        assert!(given(&early).is_empty());
    }

    #[test]
    fn counts_are_told_to_each_who_has_heard_another() {
        let (early, late, start) = (outbox(), outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&early)], start);
        let group = ConversationId(Uuid::from_u128(7));
        let members = 1..=NAMED_MEMBERS_MAX as u128 + 1;
        watching.granted(1, 1, Ok(granted(vec![group])), start);
        let read = Ok((members.map(user).collect(), HashMap::new()));
        watching.members(group, 1, read, start);
        everybody_is_there(&mut watching, start);
        assert_eq!((watching.tell(), watching.tell_counts(start)), (1, 0));
        say(&mut watching, 100, Shown::Offline, start);
        come(&mut watching, 2, &late, start);
        watching.granted(2, 1, Ok(granted(vec![group])), start);
        assert_eq!(watching.tell(), 1);
        say(&mut watching, 100, Shown::Online, start);
        assert_eq!(watching.tell_counts(start), 1);
        let objects = given(&late);
        assert!(objects[1].contains(r#""online":201"#), "{objects:?}");
    }

    #[test]
    fn a_look_up_that_fails_hides_what_was_known_and_is_made_again() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&one)], start);
        watching.doubt();
        watching.granted(1, 2, Err(Refusal::Unavailable), start);
        watching.tell();
        say(&mut watching, 1, Shown::Away, start);
        watching.tell();
        let objects = given(&one);
        assert!(
            objects.len() == 1 && objects[0].contains(r#""unknown":true"#),
            "{objects:?}"
        );
        watching.look_again();
        watching.granted(1, 3, Ok(granted(vec![])), start);
        everybody_is_there(&mut watching, start);
        assert_eq!(watching.tell(), 1);
        assert!(given(&one)[0].contains(&user(3).0.to_string()));
    }

    #[test]
    fn members_who_cannot_be_looked_up_are_not_taken_for_none_and_are_looked_up_again() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&one)], start);
        let group = ConversationId(Uuid::from_u128(7));
        watching.granted(1, 1, Ok(granted(vec![group])), start);
        let members = |members: &[u128]| Ok((members.iter().copied().map(user).collect(), HashMap::new()));
        watching.members(group, 1, members(&[4, 5]), start);
        everybody_is_there(&mut watching, start);
        watching.tell();
        assert!(given(&one)[0].contains(r#"{"online":2}"#));
        watching.doubt();
        watching.members(group, 2, Err(Refusal::Unavailable), start);
        watching.tell();
        let objects = given(&one);
        assert!(
            objects.len() == 1 && objects[0].contains(r#""unknown":true"#),
            "{objects:?}"
        );
        watching.look_again();
        watching.members(group, 3, members(&[4]), start);
        everybody_is_there(&mut watching, start);
        watching.tell();
        let objects = given(&one);
        assert!(objects[0].contains(r#"{"online":1}"#), "{objects:?}");
        assert!(!objects[0].contains(&user(5).0.to_string()));
    }

    #[test]
    fn whoever_is_answered_late_is_not_told_the_list_from_before_but_what_was_asked_for() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&one)], start);
        let watch = Watch {
            connection: 1,
            user: user(0),
            outbox: Arc::clone(&one),
            users: vec![user(1), user(9)],
            conversations: vec![],
            reply: Box::new(|state| assert_eq!(state.unwrap(), None)),
        };
        watching.watch(watch, start);
        let late = start + PATIENCE;
        watching.answer(late);
        assert_eq!(watching.tell(), 0);
        let allowed = Granted {
            users: vec![user(9)],
            ..granted(vec![])
        };
        watching.granted(1, 2, Ok(allowed), late);
        everybody_is_there(&mut watching, late);
        assert_eq!(watching.tell(), 1);
        let objects = given(&one);
        assert!(!objects[0].contains(&user(1).0.to_string()), "{objects:?}");
        assert!(objects[0].contains(&user(9).0.to_string()), "{objects:?}");
    }

    #[test]
    fn a_wish_that_is_refused_leaves_what_was_watched_before() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&one)], start);
        let watch = Watch {
            connection: 1,
            user: user(0),
            outbox: Arc::clone(&one),
            users: vec![user(9)],
            conversations: vec![],
            reply: Box::new(|state| assert!(state.is_err())),
        };
        watching.watch(watch, start);
        watching.granted(1, 2, Err(Refusal::Unavailable), start);
        say(&mut watching, 1, Shown::Away, start);
        assert_eq!(watching.tell(), 1);
        watching.doubt();
        let again = watching.next_errand();
        assert!(matches!(again, Some(Errand::Grant { users, .. }) if users.len() == 3));
    }

    #[test]
    fn questions_about_large_conversations_keep_nobody_from_watching() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = Watching::default();
        let group = |number| ConversationId(Uuid::from_u128(number));
        let members = |group: u128| {
            let members = (1..=100_000).map(|member| user(group << 64 | member));
            Ok((members.collect::<Vec<_>>(), HashMap::new()))
        };
        for (number, reading) in (1..=3).zip(1..) {
            watching.ask(vec![], Some(group(number)), Box::new(|_| {}), start);
            watching.members(group(number), reading, members(number), start);
            assert!(watching.sizes().1 <= TRACKED_WITH_ASKED);
        }
        assert_eq!(watching.sizes().1, 100_000);
        // What is too much is not read again for each question.
        watching.ask(vec![], Some(group(3)), Box::new(|_| {}), start);
        assert!(watching.rooms[&group(3)].reading.is_none());
        // Who is watched takes the place of who was asked about.
        come(&mut watching, 1, &one, start);
        watching.granted(1, 1, Ok(granted(vec![group(4)])), start);
        watching.members(group(4), 4, members(4), start);
        assert_eq!(watching.sizes().1, 100_003);
        assert!(!watching.rooms.contains_key(&group(1)));
    }

    #[test]
    fn a_question_is_answered_that_nothing_is_known_and_the_next_one_that_it_is() {
        let (mut watching, start) = (Watching::default(), Instant::now());
        let (answers, told) = std::sync::mpsc::channel();
        let ask = |watching: &mut Watching, now| {
            let answers = answers.clone();
            let reply = Box::new(move |known: Option<&Watching>| {
                answers
                    .send(known.is_some_and(|known| known.shown(user(1)).is_some()))
                    .unwrap();
            });
            watching.ask(vec![user(1)], None, reply, now);
        };
        ask(&mut watching, start);
        assert_eq!(watching.impatient_at(), Some(start + QUESTION_PATIENCE));
        watching.answer(start + QUESTION_PATIENCE);
        assert_eq!(told.try_recv(), Ok(false));
        watching.view.lease(NODE, start + Duration::from_hours(1));
        ask(&mut watching, start + QUESTION_PATIENCE);
        everybody_is_there(&mut watching, start + QUESTION_PATIENCE);
        assert_eq!(told.try_recv(), Ok(true));
        assert!(watching.is_idle());
        // Nobody asks again, and nothing is found out.
        ask(&mut watching, start);
        watching.know(false, start);
        watching.answer(start + FIND_OUT);
        assert!(told.try_recv().is_ok() && watching.is_idle());
    }

    #[test]
    fn who_has_other_settings_is_looked_up_as_a_viewer_and_as_one_who_is_watched() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = watching(&[one], start);
        while watching.next_errand().is_some() {}
        watching.settled(user(1));
        let errand = watching.next_errand();
        assert!(matches!(errand, Some(Errand::LastSeen(users)) if users == [user(1)]));
        watching.settled(user(0));
        let errand = watching.next_errand();
        assert!(matches!(errand, Some(Errand::Grant { connection: 1, .. })));
        watching.settled(user(9));
        assert!(watching.next_errand().is_none());
    }

    #[test]
    fn who_has_no_room_is_told_everything_when_there_is_some() {
        let (slow, start) = (outbox(), Instant::now());
        let mut watching = watching(&[Arc::clone(&slow)], start);
        let mut shown = [Shown::Away, Shown::Online].into_iter().cycle();
        for second in 1..20 {
            let now = start + Duration::from_secs(second);
            say(&mut watching, 1, shown.next().unwrap(), now);
            watching.tell();
        }
        let before = given(&slow).len();
        assert!(before < 19, "{before} were given");
        assert_eq!(watching.tell(), 1);
        let objects = given(&slow);
        assert!(
            objects.len() == 1 && objects[0].contains("presence.state"),
            "{objects:?}"
        );
        assert_eq!(watching.tell(), 0);
    }

    #[test]
    fn however_often_somebody_leaves_each_who_watches_them_is_looked_up_once_and_last() {
        let (outboxes, start) = ([outbox(), outbox()], Instant::now());
        let mut watching = watching(&outboxes, start);
        while watching.next_errand().is_some() {}
        for _ in 0..100 {
            watching.moved(ConversationId(Uuid::nil()), user(1), false);
            watching.doubt();
        }
        say(&mut watching, 2, Shown::Offline, start);
        let mut kinds = vec![];
        while let Some(errand) = watching.next_errand() {
            kinds.push(match errand {
                Errand::LastSeen(_) => "last seen",
                Errand::Members(..) => "members",
                Errand::Grant { number, users, .. } => {
                    assert_eq!((number, users.len()), (102, 3));
                    "grant"
                }
            });
        }
        assert_eq!(kinds, ["last seen", "grant", "grant"]);
    }

    #[test]
    fn when_a_connection_is_gone_nothing_is_left_of_it() {
        let (one, start) = (outbox(), Instant::now());
        let mut watching = watching(&[one], start);
        watching.unwatch(1);
        assert_eq!(watching.sizes(), (0, 0));
        assert!(watching.is_idle() && watching.view.everybody().is_empty());
    }
}
