//! What a server has to tell somebody of a conversation: what they have not read, where they are mentioned, which threads wait for them, what
//! they have marked, and what is left of it for them. It follows from the log and from what they did for themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tidings_protocol::{EventData, NoticeData};
use uuid::Uuid;

/// What GraphQL is asked of a conversation, for [`Standing`].
pub const FIELDS: &str = "unreadCount mentionCount unreadThreads muted archived markedUnread";

/// Of more messages than this behind somebody's place, a server does not look at who sent them: those of people whom they block count, too.
pub const LOOKED_AT_MAX: usize = 500;

/// What somebody did for themselves in all their conversations.
#[derive(Clone, Debug, Default)]
pub struct Own {
    conversations: BTreeMap<Uuid, Private>,
    /// Whom they block.
    blocked: BTreeSet<Uuid>,
}

/// The same in one conversation.
#[derive(Clone, Debug, Default)]
pub struct Private {
    /// Up to here the main timeline was read.
    pub read: u64,
    pub cleared: u64,
    pub hidden: BTreeSet<Uuid>,
    pub muted: bool,
    /// Each change of that, with the conversation's last event then.
    pub mutes: Vec<(u64, bool)>,
    /// The conversation's last event when it was archived.
    pub archived: Option<u64>,
    /// Its last event when it was marked as unread.
    pub marked: Option<u64>,
    /// What was said of threads: whether they are followed, and how far they were read.
    pub follows: BTreeMap<Uuid, bool>,
    pub read_threads: BTreeMap<Uuid, u64>,
    /// Whom they block, here as everywhere.
    pub blocked: BTreeSet<Uuid>,
}

impl Private {
    /// Whether the conversation was muted when it came to this seq.
    fn muted_at(&self, seq: u64) -> bool {
        let last = self.mutes.iter().rev().find(|(changed, _)| *changed < seq);
        last.is_some_and(|(_, on)| *on)
    }
}

impl Own {
    /// Takes the next notice.
    pub fn take(&mut self, notice: &NoticeData) {
        match notice {
            NoticeData::ConversationMuted(muted) => {
                let own = self.of_mut(muted.conversation);
                own.muted = muted.on;
                own.mutes.push((muted.seq, muted.on));
            }
            NoticeData::ConversationArchived(archived) => {
                self.of_mut(archived.conversation).archived = archived.on.then_some(archived.seq);
            }
            NoticeData::ConversationMarked(marked) => {
                self.of_mut(marked.conversation).marked = marked.seq.filter(|_| marked.unread);
            }
            NoticeData::MessagesHidden(hidden) => {
                self.of_mut(hidden.conversation).hidden.extend(&hidden.messages);
            }
            NoticeData::ConversationCleared(cleared) => {
                let own = self.of_mut(cleared.conversation);
                own.cleared = own.cleared.max(cleared.seq);
            }
            NoticeData::ThreadFollowed(followed) => {
                self.of_mut(followed.conversation)
                    .follows
                    .insert(followed.thread, followed.on);
            }
            NoticeData::ThreadRead(read) => self.read_thread(read.conversation, read.thread, read.seq),
            NoticeData::UserBlocked(blocked) => self.block(blocked.user, blocked.on),
            _ => {}
        }
    }

    /// They block somebody from now on, or do so no more.
    pub fn block(&mut self, user: Uuid, on: bool) {
        if on {
            self.blocked.insert(user);
        } else {
            self.blocked.remove(&user);
        }
    }

    pub fn blocked(&self) -> &BTreeSet<Uuid> {
        &self.blocked
    }

    /// The main timeline was read up to here, which ends a mark as unread.
    pub fn read(&mut self, conversation: Uuid, seq: u64) {
        let own = self.of_mut(conversation);
        own.read = own.read.max(seq);
        own.marked = None;
    }

    pub fn read_thread(&mut self, conversation: Uuid, thread: Uuid, seq: u64) {
        let read = &mut self.of_mut(conversation).read_threads;
        let read = read.entry(thread).or_default();
        *read = seq.max(*read);
    }

    /// What was done in each conversation, but for blocks.
    pub fn iter(&self) -> impl Iterator<Item = (&Uuid, &Private)> {
        self.conversations.iter()
    }

    /// What counts in this conversation.
    pub fn of(&self, conversation: Uuid) -> Private {
        Private {
            blocked: self.blocked.clone(),
            ..self.conversations.get(&conversation).cloned().unwrap_or_default()
        }
    }

    fn of_mut(&mut self, conversation: Uuid) -> &mut Private {
        self.conversations.entry(conversation).or_default()
    }
}

/// A conversation as its list tells it to somebody, read from [`FIELDS`] of GraphQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub unread_count: u64,
    pub mention_count: u64,
    pub unread_threads: u64,
    pub muted: bool,
    pub archived: bool,
    pub marked_unread: bool,
}

/// A thread as somebody has it, read from the fields `replyCount following unreadCount` of GraphQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    pub reply_count: u64,
    pub following: bool,
    pub unread_count: u64,
}

/// All that somebody has to be told of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub standing: Standing,
    /// Of the unread mentions, those by name.
    pub named: u64,
    /// Messages that would be unread, had not somebody sent them whom they block.
    pub unheard: u64,
    /// The messages of the main timeline that are not hidden.
    pub visible: BTreeSet<Uuid>,
    /// Those threads in which somebody has replied, by the message that begins them.
    pub threads: BTreeMap<Uuid, Thread>,
}

/// A message of the log.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says a thing of its own about a message"
)]
struct Message {
    seq: u64,
    id: Uuid,
    sender: Uuid,
    thread: Option<Uuid>,
    main: bool,
    /// Whether it mentions the reader, by name and with everybody.
    named: bool,
    called: bool,
    recalled: bool,
    withheld: bool,
}

/// A conversation as its events come, for one of its members.
struct Reader<'a> {
    user: Uuid,
    own: &'a Private,
    joined: u64,
    /// The last message of the main timeline that is their own, or their joining.
    last: u64,
    messages: Vec<Message>,
    /// Threads in which they take part, with the seq of their last reply, or 0.
    parts: BTreeMap<Uuid, u64>,
}

impl Due {
    /// What `user`, who is a member at the end, is told of the conversation with these events (each with its seq and actor).
    pub fn of<'e>(
        user: Uuid,
        own: &Private,
        events: impl IntoIterator<Item = (u64, Uuid, &'e EventData)>,
    ) -> Self {
        let mut reader = Reader {
            user,
            own,
            joined: 0,
            last: 0,
            messages: Vec::new(),
            parts: BTreeMap::new(),
        };
        for (seq, actor, data) in events {
            reader.take(seq, actor, data);
        }
        reader.due()
    }
}

impl Reader<'_> {
    fn take(&mut self, seq: u64, actor: Uuid, data: &EventData) {
        let joins = match data {
            EventData::DirectOpened(opened) => opened.users.contains(&self.user),
            EventData::GroupCreated(created) => created.members.contains(&self.user),
            EventData::MemberAdded(added) => added.user == self.user,
            _ => false,
        };
        if joins {
            (self.joined, self.last) = (seq, seq);
        }
        match data {
            EventData::MessageSent(sent) => {
                let own = actor == self.user;
                let message = Message {
                    seq,
                    id: sent.message,
                    sender: actor,
                    thread: sent.thread,
                    main: sent.thread.is_none() || sent.also,
                    named: !own && sent.mentions.contains(&self.user),
                    called: !own && sent.everyone,
                    recalled: false,
                    withheld: false,
                };
                if own && message.main {
                    self.last = seq;
                }
                if let Some(root) = sent.thread {
                    if message.named || sent.thread_author == Some(self.user) {
                        self.parts.entry(root).or_default();
                    }
                    if own {
                        self.parts.insert(root, seq);
                    }
                }
                self.messages.push(message);
            }
            EventData::MessageRecalled(recalled) => {
                let mut messages = self.messages.iter_mut().rev();
                if let Some(message) = messages.find(|message| message.id == recalled.message) {
                    message.recalled = true;
                }
            }
            EventData::MessageWithheld(changed) => {
                let mut messages = self.messages.iter_mut().rev();
                if let Some(message) = messages.find(|message| message.id == changed.message) {
                    message.withheld = changed.withheld;
                }
            }
            _ => {}
        }
    }

    fn due(&self) -> Due {
        let mut due = Due::default();
        let place = self.own.read.max(self.own.cleared).max(self.last);
        let behind = self.messages.iter();
        let behind = behind
            .filter(|message| message.main && message.seq > place)
            .count();
        let looks = behind <= LOOKED_AT_MAX;
        for message in &self.messages {
            let cleared = message.seq <= self.own.cleared;
            let hidden = cleared || self.own.hidden.contains(&message.id);
            if message.main && !hidden {
                due.visible.insert(message.id);
            }
            let counts = !message.recalled && !message.withheld && !hidden;
            let behind = match message.thread {
                Some(root) if !message.main => message.seq > self.place_in(root),
                _ => message.seq > place,
            };
            let unheard = self.own.blocked.contains(&message.sender);
            if counts && behind {
                let standing = &mut due.standing;
                let is_off = unheard && looks;
                standing.unread_count += u64::from(message.main && !is_off);
                due.unheard += u64::from(message.main && is_off);
                standing.mention_count += u64::from(!unheard && (message.named || message.called));
                due.named += u64::from(!unheard && message.named);
            }
            if let Some(root) = message.thread {
                let thread = due.threads.entry(root).or_default();
                thread.following = self.follows(root);
                thread.reply_count += u64::from(counts);
                let unread = counts && message.sender != self.user && message.seq > self.place_in(root);
                thread.unread_count += u64::from(unread && !unheard);
            }
        }
        let waiting = due.threads.values();
        let waiting = waiting.filter(|thread| thread.following && thread.unread_count > 0);
        due.standing.unread_threads = waiting.count() as u64;
        due.standing.muted = self.own.muted;
        due.standing.archived = self.own.archived.is_some_and(|seq| self.stays_away(seq));
        due.standing.marked_unread = self.own.marked.is_some_and(|seq| self.last <= seq);
        due
    }

    /// How far they have come in a thread.
    fn place_in(&self, root: Uuid) -> u64 {
        let said = self.parts.get(&root).copied().unwrap_or(0);
        let read = self.own.read_threads.get(&root).copied().unwrap_or(0);
        said.max(read).max(self.joined).max(self.own.cleared)
    }

    fn follows(&self, root: Uuid) -> bool {
        let said = self.own.follows.get(&root).copied();
        said.unwrap_or_else(|| self.parts.contains_key(&root))
    }

    /// Whether what was archived at this seq has not come back.
    fn stays_away(&self, archived: u64) -> bool {
        let mut later = self.messages.iter().filter(|message| message.seq > archived);
        !later.any(|message| message.named || (message.main && !self.own.muted_at(message.seq)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::{
        ConversationArchived, ConversationMarked, ConversationMuted, EventKind, GroupCreated, UserBlocked,
    };

    const ANN: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);
    const ROOM: Uuid = Uuid::from_u128(3);

    fn id(seq: u64) -> Uuid {
        Uuid::from_u128(100 + u128::from(seq))
    }

    /// Ann and Ben are in from seq 1; then come these, each with who says it and fields of it. `-3` takes seq 3 back.
    fn log(lines: &[(Uuid, &str)]) -> Vec<(u64, Uuid, EventData)> {
        let created = EventData::GroupCreated(GroupCreated {
            name: "room".to_owned(),
            owner: ANN,
            members: vec![ANN, BEN],
        });
        let said = (2..).zip(lines).map(|(seq, (actor, fields))| {
            let (kind, data) = if let Some(of) = fields.strip_prefix('-') {
                let of: u64 = of.parse().unwrap_or_default();
                let data = format!(
                    r#"{{"message":"{}","message_seq":{of},"message_no":{of}}}"#,
                    id(of)
                );
                (EventKind::MessageRecalled, data)
            } else {
                let data = format!(
                    r#"{{"message":"{}","content":{{"kind":"text","text":"x"}}{fields}}}"#,
                    id(seq)
                );
                (EventKind::MessageSent, data)
            };
            let data = EventData::decode(&kind, &data);
            assert_ne!(data, EventData::Unknown);
            (seq, *actor, data)
        });
        [(1, ANN, created)].into_iter().chain(said).collect()
    }

    fn due(lines: &[(Uuid, &str)], own: &Private) -> Due {
        let log = log(lines);
        let events = log.iter().map(|(seq, actor, data)| (*seq, *actor, data));
        Due::of(BEN, own, events)
    }

    fn in_thread(root: u64, more: &str) -> String {
        format!(r#","thread":"{}","thread_author":"{ANN}"{more}"#, id(root))
    }

    const EVERYONE: &str = r#","everyone":true"#;

    #[test]
    fn what_is_read_hidden_cleared_or_recalled_counts_no_more() {
        let lines = [(ANN, ""), (ANN, ""), (ANN, EVERYONE), (ANN, "-3"), (ANN, "")];
        let count = |own: &Private| {
            let standing = due(&lines, own).standing;
            (standing.unread_count, standing.mention_count)
        };
        assert_eq!(count(&Private::default()), (3, 1));
        let read = |read| Private {
            read,
            ..Private::default()
        };
        assert_eq!(count(&read(2)), (2, 1));
        assert_eq!(count(&read(4)), (1, 0));
        let hidden = Private {
            hidden: [id(4), id(3)].into(),
            ..Private::default()
        };
        assert_eq!(count(&hidden), (2, 0));
        assert_eq!(due(&lines, &hidden).visible, [id(2), id(6)].into());
        let cleared = Private {
            cleared: 5,
            ..Private::default()
        };
        assert_eq!(count(&cleared), (1, 0));
        assert_eq!(due(&lines, &cleared).visible, [id(6)].into());
    }

    #[test]
    fn what_people_say_whom_they_block_counts_nowhere_unless_too_much_lies_behind() {
        let call = format!(r#","mentions":["{BEN}"]"#);
        let reply = in_thread(2, "");
        let lines = [
            (ANN, ""),
            (ANN, call.as_str()),
            (ANN, EVERYONE),
            (ANN, reply.as_str()),
        ];
        let mut own = Own::default();
        own.take(&NoticeData::UserBlocked(UserBlocked { user: ANN, on: true }));
        let follows: BTreeMap<Uuid, bool> = [(id(2), true)].into();
        let told = |own: &Own, lines: &[(Uuid, &str)]| {
            let own = Private {
                follows: follows.clone(),
                ..own.of(ROOM)
            };
            due(lines, &own)
        };
        let blocks = told(&own, &lines);
        assert_eq!(blocks.standing, Standing::default());
        assert_eq!((blocks.unheard, blocks.named), (3, 0));
        assert_eq!(blocks.visible.len(), 3, "and is there all the same");
        let thread = blocks.threads[&id(2)];
        assert_eq!((thread.reply_count, thread.unread_count), (1, 0));
        let many = vec![lines[0]; LOOKED_AT_MAX + 1];
        assert_eq!(told(&own, &many).standing.unread_count, many.len() as u64);
        assert_eq!(told(&own, &many[1..]).standing.unread_count, 0);
        own.block(ANN, false);
        let heard = told(&own, &lines);
        assert_eq!((heard.standing.unread_count, heard.unheard), (3, 0));
        assert_eq!(
            (heard.standing.mention_count, heard.standing.unread_threads),
            (2, 1)
        );
    }

    #[test]
    fn threads_wait_for_who_takes_part_or_follows_them() {
        let reply = in_thread(2, "");
        let named = in_thread(2, &format!(r#","mentions":["{BEN}"]"#));
        let also = in_thread(2, r#","also":true"#);
        let nobody = [(ANN, ""), (ANN, reply.as_str())];
        let threads = |lines: &[(Uuid, &str)], own: &Private| due(lines, own).standing.unread_threads;
        assert_eq!(threads(&nobody, &Private::default()), 0);
        assert_eq!(due(&nobody, &Private::default()).standing.unread_count, 1);
        let follows = |on| Private {
            follows: [(id(2), on)].into(),
            ..Private::default()
        };
        assert_eq!(threads(&nobody, &follows(true)), 1);
        let mentioned = [(ANN, ""), (ANN, named.as_str())];
        let told = due(&mentioned, &Private::default());
        assert_eq!(
            (told.standing.unread_threads, told.standing.mention_count),
            (1, 1)
        );
        assert_eq!(threads(&mentioned, &follows(false)), 0);
        let read = Private {
            read_threads: [(id(2), 3)].into(),
            ..Private::default()
        };
        let told = due(&mentioned, &read).standing;
        assert_eq!((told.unread_threads, told.mention_count), (0, 0));
        // A reply of one's own reads the thread, and with `also` the main timeline.
        let replied = [
            (ANN, ""),
            (ANN, also.as_str()),
            (BEN, reply.as_str()),
            (ANN, reply.as_str()),
        ];
        let told = due(&replied, &Private::default());
        assert_eq!((told.standing.unread_count, told.standing.unread_threads), (2, 1));
        let thread = told.threads[&id(2)];
        assert_eq!(
            (thread.reply_count, thread.unread_count, thread.following),
            (3, 1, true)
        );
        let also = [(ANN, ""), (BEN, also.as_str())];
        assert_eq!(due(&also, &Private::default()).standing.unread_count, 0);
    }

    #[test]
    fn what_is_archived_comes_back_with_what_is_said_while_it_is_not_muted() {
        let archived = ConversationArchived {
            conversation: ROOM,
            on: true,
            seq: 2,
            message_no: 1,
        };
        let muted = |on, message_no| {
            NoticeData::ConversationMuted(ConversationMuted {
                conversation: ROOM,
                on,
                until: None,
                seq: 1 + message_no,
                message_no,
            })
        };
        let lines = [(ANN, ""), (ANN, "")];
        for (mutes, stays) in [
            (vec![muted(true, 1)], true),
            (vec![muted(true, 1), muted(false, 2)], true),
            (vec![muted(true, 1), muted(false, 2), muted(true, 2)], true),
            (vec![muted(true, 2)], false),
            (vec![muted(true, 1), muted(false, 1)], false),
            (vec![muted(true, 1), muted(false, 1), muted(true, 2)], false),
        ] {
            let mut own = Own::default();
            own.take(&NoticeData::ConversationArchived(archived.clone()));
            for muted in &mutes {
                own.take(muted);
            }
            assert_eq!(due(&lines, &own.of(ROOM)).standing.archived, stays, "{mutes:?}");
        }
    }

    #[test]
    fn what_is_archived_comes_back_with_what_is_said_and_a_mark_ends_with_ones_own_message() {
        let mut own = Own::default();
        let archived = ConversationArchived {
            conversation: ROOM,
            on: true,
            seq: 2,
            message_no: 1,
        };
        own.take(&NoticeData::ConversationArchived(archived));
        let marked = ConversationMarked {
            conversation: ROOM,
            unread: true,
            seq: Some(2),
        };
        own.take(&NoticeData::ConversationMarked(marked));
        let marks = |lines: &[(Uuid, &str)], own: &Private| {
            let standing = due(lines, own).standing;
            (standing.archived, standing.marked_unread)
        };
        let mut own = own.of(ROOM);
        assert_eq!(marks(&[(ANN, "")], &own), (true, true));
        assert_eq!(marks(&[(ANN, ""), (ANN, "")], &own), (false, true));
        assert_eq!(marks(&[(ANN, ""), (ANN, &in_thread(2, ""))], &own), (true, true));
        own.mutes = vec![(2, true)];
        assert_eq!(marks(&[(ANN, ""), (BEN, "")], &own), (true, false));
        let named = format!(r#","mentions":["{BEN}"]"#);
        assert_eq!(marks(&[(ANN, ""), (ANN, &named)], &own), (false, true));
    }
}
