//! What counts are, said in whole sentences and found by looking at everything that ever happened. Nothing here is kept up to date, so
//! nothing can fall behind.

use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::{ConversationEvent, Event, Membership, UserEvent};
use tidings_eventlog::Recorded;
use uuid::Uuid;

/// What a member of a conversation is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Up to which seq it is read.
    pub(super) position: u64,
    pub(super) unread: i64,
    pub(super) mentions: i64,
    pub(super) muted: bool,
    pub(super) marked: bool,
    pub(super) unread_threads: i64,
    /// Of each message of the main timeline that is no reply: whether the thread below it is followed, and how many of its replies are unread.
    pub(super) threads: BTreeMap<Uuid, (bool, i64)>,
}

/// Everything that has happened in a conversation, and what its people have said of it for themselves.
#[derive(Default)]
pub(super) struct Told {
    messages: Vec<Message>,
    /// Those who are in it, with the seq of their joining.
    members: BTreeMap<Uuid, u64>,
    own: BTreeMap<Uuid, Own>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is asked for by itself")]
struct Message {
    id: Uuid,
    seq: u64,
    sender: Uuid,
    /// The message that begins its thread.
    thread: Option<Uuid>,
    also: bool,
    names: Vec<Uuid>,
    everyone: bool,
    recalled: bool,
    withheld: bool,
}

#[derive(Default)]
struct Own {
    read: u64,
    cleared: u64,
    hidden: BTreeSet<u64>,
    threads_read: BTreeMap<Uuid, u64>,
    follows: BTreeMap<Uuid, bool>,
    muted: bool,
    marked: bool,
}

impl Message {
    /// Whether the main timeline shows it.
    fn is_main(&self) -> bool {
        self.thread.is_none() || self.also
    }

    /// Whether it still says something, to anybody.
    fn is_whole(&self) -> bool {
        !self.recalled && !self.withheld
    }

    fn mentions_by_name(&self, user: Uuid) -> bool {
        self.sender != user && self.names.contains(&user)
    }

    fn mentions(&self, user: Uuid) -> bool {
        self.mentions_by_name(user) || self.everyone && self.sender != user
    }
}

impl Told {
    /// Takes the next thing that happened. A mute that ends by itself is over when its end is before `now`, in seconds.
    pub(super) fn take(&mut self, record: &Recorded, event: &Event, now: i64) {
        match event {
            Event::Conversation(event) => self.happen(record, event),
            Event::User(event) => self.say(record.stream, event, now),
            Event::Pair(_) | Event::Report(_) | Event::Administration(_) | Event::Announcement(_) => {}
        }
    }

    fn happen(&mut self, record: &Recorded, event: &ConversationEvent) {
        match event.membership() {
            Membership::Joined(joined) => {
                // Those who were there from the beginning have come before everything.
                let joined_seq = if record.seq == 1 { 0 } else { record.seq };
                for (user, _) in joined.iter() {
                    self.members.insert(user.0, joined_seq);
                    self.own.entry(user.0).or_default().marked = false;
                }
            }
            Membership::Left(user) => {
                self.members.remove(&user.0);
            }
            Membership::Unchanged => {}
        }
        match event {
            ConversationEvent::MessageSent(sent) => {
                let message = Message {
                    id: record.command,
                    seq: record.seq,
                    sender: record.actor,
                    thread: sent.thread,
                    also: sent.also,
                    names: sent.mentions.iter().map(|user| user.0).collect(),
                    everyone: sent.everyone,
                    recalled: false,
                    withheld: false,
                };
                if message.is_main() {
                    self.own.entry(record.actor).or_default().marked = false;
                }
                self.messages.push(message);
            }
            ConversationEvent::MessageRecalled(recalled) => {
                for message in &mut self.messages {
                    message.recalled |= message.id == recalled.message;
                }
            }
            ConversationEvent::MessageWithheld(changed) => {
                let messages = self.messages.iter_mut();
                for message in messages.filter(|message| message.id == changed.message) {
                    message.withheld = changed.withheld;
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, user: Uuid, event: &UserEvent, now: i64) {
        let own = self.own.entry(user).or_default();
        match event {
            UserEvent::CursorsMoved(moved) => {
                for cursor in moved.read.values() {
                    own.read = own.read.max(cursor.seq);
                    own.marked = false;
                }
            }
            UserEvent::ThreadRead(read) => {
                let known = own.threads_read.entry(read.thread).or_default();
                *known = read.seq.max(*known);
            }
            UserEvent::ThreadFollowed(followed) => {
                own.follows.insert(followed.thread, followed.on);
            }
            UserEvent::MessagesHidden(hidden) => own.hidden.extend(&hidden.seqs),
            UserEvent::ConversationCleared(cleared) => own.cleared = own.cleared.max(cleared.seq),
            UserEvent::ConversationMuted(muted) => {
                let over = muted.until.is_some_and(|until| until.time().timestamp() < now);
                own.muted = muted.on && !over;
            }
            UserEvent::ConversationMarked(marked) => own.marked = marked.unread,
            _ => {}
        }
    }

    /// The messages that begin threads, or may.
    pub(super) fn roots(&self) -> Vec<Uuid> {
        let roots = self.messages.iter().filter(|message| message.thread.is_none());
        roots.map(|message| message.id).collect()
    }

    /// What somebody is told who blocks these people; `None` where they are no member.
    pub(super) fn counts(&self, user: Uuid, blocked: &BTreeSet<Uuid>) -> Option<Counts> {
        self.members.get(&user)?;
        let own = self.own.get(&user);
        let of_root = |root| {
            let unread = self.unread_in(user, blocked, root);
            (root, (self.follows(user, root), unread))
        };
        let threads: BTreeMap<Uuid, (bool, i64)> = self.roots().into_iter().map(of_root).collect();
        let is_unread = |message: &Message| self.is_unread(user, blocked, message);
        Some(Counts {
            position: self.position(user),
            unread: self.count(|message| message.is_main() && is_unread(message)),
            mentions: self.count(|message| message.mentions(user) && is_unread(message)),
            muted: own.is_some_and(|own| own.muted),
            marked: own.is_some_and(|own| own.marked),
            unread_threads: threads
                .values()
                .filter(|(follows, unread)| *follows && *unread > 0)
                .count() as i64,
            threads,
        })
    }

    /// Unread messages that mention by name somebody who blocks these people.
    pub(super) fn named(&self, user: Uuid, blocked: &BTreeSet<Uuid>) -> i64 {
        self.count(|message| message.mentions_by_name(user) && self.is_unread(user, blocked, message))
    }

    fn count(&self, counts: impl Fn(&Message) -> bool) -> i64 {
        self.messages.iter().filter(|message| counts(message)).count() as i64
    }

    /// A message is unread that lies behind one's position where it stands, was not recalled, is not withheld now, is not hidden from oneself, and is of
    /// nobody whom one blocks now.
    fn is_unread(&self, user: Uuid, blocked: &BTreeSet<Uuid>, message: &Message) -> bool {
        let position = match message.thread {
            Some(root) if !message.also => self.position_in(user, root),
            _ => self.position(user),
        };
        message.seq > position
            && message.is_whole()
            && !self.is_hidden(user, message)
            && !blocked.contains(&message.sender)
    }

    fn is_hidden(&self, user: Uuid, message: &Message) -> bool {
        let own = self.own.get(&user);
        own.is_some_and(|own| message.seq <= own.cleared || own.hidden.contains(&message.seq))
    }

    /// The furthest of one's joining, of what one has read and cleared, and of one's own last message of the main timeline.
    fn position(&self, user: Uuid) -> u64 {
        let read = self.own.get(&user).map_or(0, |own| own.read);
        let sent = self.last(|message| message.sender == user && message.is_main());
        self.floor(user).max(read).max(sent)
    }

    /// In a thread, the furthest of one's joining, of what one has read there and cleared, and of one's own last reply.
    fn position_in(&self, user: Uuid, root: Uuid) -> u64 {
        let own = self.own.get(&user);
        let read = own.and_then(|own| own.threads_read.get(&root)).copied();
        let sent = self.last(|message| message.sender == user && message.thread == Some(root));
        self.floor(user).max(read.unwrap_or(0)).max(sent)
    }

    /// Nothing up to here is unread to somebody, wherever it stands.
    fn floor(&self, user: Uuid) -> u64 {
        let joined = self.members.get(&user).copied().unwrap_or(0);
        joined.max(self.own.get(&user).map_or(0, |own| own.cleared))
    }

    fn last(&self, is_meant: impl Fn(&Message) -> bool) -> u64 {
        let last = self.messages.iter().rev().find(|message| is_meant(message));
        last.map_or(0, |message| message.seq)
    }

    /// Replies of others that are unread, whether the main timeline shows them or not: their place is the thread's here.
    fn unread_in(&self, user: Uuid, blocked: &BTreeSet<Uuid>, root: Uuid) -> i64 {
        let position = self.position_in(user, root);
        self.count(|message| {
            message.thread == Some(root)
                && message.sender != user
                && message.seq > position
                && message.is_whole()
                && !self.is_hidden(user, message)
                && !blocked.contains(&message.sender)
        })
    }

    /// What somebody has said of following a thread counts. Where they have said nothing, whoever began it follows it once it has a reply,
    /// and whoever replied in it or was named in it.
    fn follows(&self, user: Uuid, root: Uuid) -> bool {
        let said = self.own.get(&user).and_then(|own| own.follows.get(&root));
        if let Some(follows) = said {
            return *follows;
        }
        let began = |id: Uuid| {
            let mut roots = self.messages.iter();
            roots.any(|message| message.id == id && message.sender == user)
        };
        let mut replies = self
            .messages
            .iter()
            .filter(|message| message.thread == Some(root));
        replies.any(|reply| reply.sender == user || reply.names.contains(&user) || began(root))
    }
}
