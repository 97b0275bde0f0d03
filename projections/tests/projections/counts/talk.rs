//! A conversation in which a history happens: what its deeds say to the log.

use super::deed::{Deed, Mute, PEOPLE, Which, Words};
use super::definition::Told;
use crate::support::{number, sent, stream_id};
use chrono::DateTime;
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::event::{
    ConversationCleared, ConversationMarked, ConversationMuted, CursorsMoved, DirectOpened, GroupCreated,
    GroupRenamed, MemberAdded, MemberLeft, MessageEdited, MessageRecalled, MessageSent, MessageWithheld,
    MessagesHidden, PairChanged, PinChanged, Place, ReactionChanged, ThreadFollowed, ThreadRead,
};
use tidings_domain::stored::{Kind, decode};
use tidings_domain::{
    Change, Content, ConversationEvent, ConversationId, Cursor, Emoji, Event, GroupName, MessageText, Role,
    UserEvent, UserId, pair_of,
};
use tidings_eventlog::Recorded;
use uuid::Uuid;

/// A moment that is over, one that is not yet, and one between them.
const OVER: i64 = 1_000_000_000;
const STILL: i64 = 4_000_000_000;
const NOW: i64 = 2_000_000_000;

/// What somebody wants the log to hold: events of one command.
pub(super) struct Wish {
    pub(super) stream: Uuid,
    pub(super) actor: Uuid,
    pub(super) events: Vec<Event>,
}

/// A conversation.
pub(super) struct Talk {
    pub(super) id: Uuid,
    pub(super) told: Told,
    happened: Vec<Recorded>,
    direct: bool,
    people: [Uuid; PEOPLE],
    inside: BTreeSet<usize>,
    messages: Vec<Recorded>,
    /// How many messages there are up to each seq, from 0 on.
    msg_nos: Vec<u64>,
    /// Who has it marked as unread, as far as they have said.
    marked: BTreeSet<usize>,
}

impl Talk {
    /// One that has still to begin.
    pub(super) fn new(direct: bool, people: [Uuid; PEOPLE], lane: u8) -> Self {
        Self {
            id: stream_id(lane),
            told: Told::default(),
            happened: vec![],
            direct,
            people,
            inside: if direct { 0..2 } else { 0..3 }.collect(),
            messages: vec![],
            msg_nos: vec![0],
            marked: BTreeSet::new(),
        }
    }

    /// How it begins: between two, or in a group of which somebody is no member yet.
    pub(super) fn begin(&self) -> Wish {
        let members: Vec<UserId> = self.inside.iter().map(|who| self.people[*who].into()).collect();
        let event = if self.direct {
            let mut users = [members[0], members[1]];
            users.sort_unstable();
            ConversationEvent::DirectOpened(DirectOpened { users })
        } else {
            ConversationEvent::GroupCreated(GroupCreated {
                name: GroupName::parse("g").unwrap(),
                owner: members[0],
                members,
            })
        };
        self.happens(0, event)
    }

    /// What a deed says to the log; `None` where it cannot be done.
    pub(super) fn wish(&mut self, deed: &Deed) -> Option<Wish> {
        Some(match deed {
            Deed::Say(words) => self.message(words, None, false)?,
            Deed::Reply { root, also, words } => {
                let root = self.root(*root)?;
                self.message(words, Some(&root), *also)?
            }
            Deed::Edit(message) => {
                let message = self.any_message(*message)?;
                let edited = MessageEdited {
                    message: message.command,
                    message_seq: message.seq,
                    content: Content::Text {
                        text: MessageText::parse("changed").unwrap(),
                    },
                };
                let is_author = |who: &&usize| self.people[**who] == message.actor;
                let author = *self.inside.iter().find(is_author)?;
                self.happens(author, ConversationEvent::MessageEdited(edited))
            }
            Deed::Recall { who, message } => {
                let message = self.any_message(*message)?;
                let recalled = MessageRecalled {
                    message: message.command,
                    message_seq: message.seq,
                    message_no: number(&message),
                    reason: None,
                };
                self.happens(self.who(*who), ConversationEvent::MessageRecalled(recalled))
            }
            Deed::Withhold {
                who,
                message,
                withheld,
            } => {
                let message = self.any_message(*message)?;
                let changed = MessageWithheld {
                    message: message.command,
                    message_seq: message.seq,
                    message_no: number(&message),
                    withheld: *withheld,
                    reason: None,
                };
                self.happens(self.who(*who), ConversationEvent::MessageWithheld(changed))
            }
            Deed::React { who, message } => {
                let message = self.any_message(*message)?;
                let changed = ReactionChanged {
                    message: message.command,
                    message_seq: message.seq,
                    emoji: Emoji::parse("👍").unwrap(),
                    on: true,
                };
                self.happens(self.who(*who), ConversationEvent::ReactionChanged(changed))
            }
            Deed::Pin { who, message, on } => {
                let message = self.any_message(*message)?;
                let changed = PinChanged {
                    message: message.command,
                    message_seq: message.seq,
                    on: *on,
                };
                self.happens(self.who(*who), ConversationEvent::PinChanged(changed))
            }
            Deed::Rename if self.direct => return None,
            Deed::Rename => {
                let name = GroupName::parse("h").unwrap();
                self.happens(
                    self.who(0),
                    ConversationEvent::GroupRenamed(GroupRenamed { name }),
                )
            }
            Deed::Come(which) => {
                let outside: Vec<usize> = (0..PEOPLE).filter(|who| !self.inside.contains(who)).collect();
                let who = *pick(&outside, *which).filter(|_| !self.direct)?;
                let by = self.who(0);
                self.inside.insert(who);
                let added = MemberAdded {
                    user: self.people[who].into(),
                    role: Role::Member,
                    link: None,
                    asked: false,
                    waited: false,
                };
                self.happens(by, ConversationEvent::MemberAdded(added))
            }
            Deed::Leave(_) if self.direct || self.inside.len() == 1 => return None,
            Deed::Leave(which) => {
                let who = self.who(*which);
                self.inside.remove(&who);
                let user = self.people[who].into();
                self.happens(who, ConversationEvent::MemberLeft(MemberLeft { user }))
            }
            Deed::Block { who, whom, on } => self.block(*who, *whom, *on)?,
            _ => self.own_wish(deed)?,
        })
    }

    /// Somebody who is in it blocks anybody, or does so no more.
    fn block(&self, who: Which, whom: Which, on: bool) -> Option<Wish> {
        let (who, whom) = (self.who(who), usize::from(whom) % PEOPLE);
        let (by, user) = (UserId(self.people[who]), UserId(self.people[whom]));
        let changed = PairChanged {
            by,
            user,
            change: Change::Blocked { on },
            heard: false,
            only: None,
        };
        (by != user).then(|| Wish {
            stream: pair_of(ConversationId::direct(Uuid::nil(), by, user)),
            actor: by.0,
            events: vec![Event::Pair(changed)],
        })
    }

    /// What somebody says of the conversation for themselves.
    fn own_wish(&mut self, deed: &Deed) -> Option<Wish> {
        let conversation = self.id.into();
        Some(match deed {
            Deed::Read { who, at } => {
                let who = self.who(*who);
                let place = self.place(*at);
                let cursor = Cursor {
                    seq: place.seq,
                    msg_no: place.message_no,
                };
                let read = UserEvent::CursorsMoved(CursorsMoved {
                    read: BTreeMap::from([(conversation, cursor)]),
                    ..CursorsMoved::default()
                });
                let unmarked = self.marked.remove(&who).then(|| self.mark(false));
                self.says(who, [read].into_iter().chain(unmarked))
            }
            Deed::ReadThread { who, root, at } => {
                let read = UserEvent::ThreadRead(ThreadRead {
                    conversation,
                    thread: self.root(*root)?.command,
                    seq: self.place(*at).seq,
                });
                self.says(self.who(*who), [read])
            }
            Deed::Follow { who, root, on } => {
                let followed = UserEvent::ThreadFollowed(ThreadFollowed {
                    conversation,
                    thread: self.root(*root)?.command,
                    on: *on,
                });
                self.says(self.who(*who), [followed])
            }
            Deed::Hide { who, messages } => {
                let mut hidden: Vec<Recorded> = messages
                    .iter()
                    .filter_map(|which| self.any_message(*which))
                    .collect();
                hidden.sort_unstable_by_key(|message| message.seq);
                hidden.dedup_by_key(|message| message.seq);
                let hidden = Some(hidden).filter(|hidden| !hidden.is_empty())?;
                let event = UserEvent::MessagesHidden(MessagesHidden {
                    conversation,
                    messages: hidden.iter().map(|message| message.command).collect(),
                    seqs: hidden.iter().map(|message| message.seq).collect(),
                    message_nos: hidden.iter().map(number).collect(),
                });
                self.says(self.who(*who), [event])
            }
            Deed::Clear { who, at } => {
                let place = self.place(*at);
                let cleared = UserEvent::ConversationCleared(ConversationCleared {
                    conversation,
                    seq: place.seq,
                    message_no: place.message_no,
                });
                self.says(self.who(*who), [cleared])
            }
            Deed::Mute { who, mute } => {
                let until = match mute {
                    Mute::Still => Some(STILL),
                    Mute::Over => Some(OVER),
                    Mute::ForEver | Mute::Off => None,
                };
                let until = until.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
                let muted = UserEvent::ConversationMuted(ConversationMuted {
                    conversation,
                    on: !matches!(mute, Mute::Off),
                    until: until.map(Into::into),
                    place: self.head(),
                });
                self.says(self.who(*who), [muted])
            }
            Deed::Mark { who, unread } => {
                let who = self.who(*who);
                let was = if *unread {
                    self.marked.insert(who);
                    true
                } else {
                    self.marked.remove(&who)
                };
                let event = was.then(|| self.mark(*unread))?;
                self.says(who, [event])
            }
            _ => return None,
        })
    }

    /// Takes what the log holds now.
    pub(super) fn take(&mut self, records: &[Recorded]) {
        for record in records {
            let event = decode(record.kind, record.ver, &record.payload).unwrap();
            self.told.take(record, &event, NOW);
            self.happened.push(record.clone());
            if record.stream != self.id {
                continue;
            }
            self.msg_nos.push(record.msg_no);
            if matches!(&event, Event::Conversation(ConversationEvent::MessageSent(_))) {
                self.messages.push(record.clone());
            }
        }
    }

    /// Who has blocked whom, or does so no more, as far as that was said here: the pair's stream, the seq there, and what was said.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (Uuid, u64, PairChanged)> + '_ {
        self.happened.iter().filter_map(|record| {
            match decode(record.kind, record.ver, &record.payload).unwrap() {
                Event::Pair(changed) => Some((record.stream, record.seq, changed)),
                _ => None,
            }
        })
    }

    /// How many events there have been.
    pub(super) fn len(&self) -> usize {
        self.happened.len()
    }

    /// What has happened, for people to read.
    pub(super) fn story(&self) -> String {
        let lines = self.happened.iter().map(|record| self.line(record));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What a person is called.
    pub(super) fn name(&self, user: Uuid) -> &'static str {
        let who = self.people.iter().position(|other| *other == user);
        who.map_or("nobody", |who| ["ann", "bob", "cat", "dan"][who])
    }

    /// An event as a line of the story, with names in the places of ids.
    fn line(&self, record: &Recorded) -> String {
        let mut said = match decode(record.kind, record.ver, &record.payload).unwrap() {
            Event::Conversation(event) => format!("{event:?}"),
            Event::User(event) => format!("{event:?}"),
            Event::Pair(event) => format!("{event:?}"),
            Event::Report(event) => format!("{event:?}"),
            Event::Administration(event) => format!("{event:?}"),
            Event::Announcement(event) => format!("{event:?}"),
        };
        for user in self.people {
            said = said.replace(&user.to_string(), self.name(user));
        }
        for message in &self.messages {
            said = said.replace(&message.command.to_string(), &format!("message {}", message.seq));
        }
        said = said.replace(&self.id.to_string(), "here");
        let place = if record.stream == self.id {
            format!("{:3}", record.seq)
        } else {
            "   ".to_owned()
        };
        format!("{place} {}: {said}", self.name(record.actor))
    }

    fn message(&self, words: &Words, root: Option<&Recorded>, also: bool) -> Option<Wish> {
        if self.direct && root.is_some() {
            return None;
        }
        let named = self.inside.iter().filter(|who| words.names & (1 << **who) != 0);
        let message = MessageSent {
            mentions: named.map(|who| self.people[*who].into()).collect(),
            thread: root.map(|root| root.command),
            thread_author: root.map(|root| root.actor.into()),
            also,
            everyone: words.everyone && !self.direct,
            ..sent("words")
        };
        Some(self.happens(self.who(words.who), ConversationEvent::MessageSent(message)))
    }

    fn mark(&self, unread: bool) -> UserEvent {
        UserEvent::ConversationMarked(ConversationMarked {
            conversation: self.id.into(),
            unread,
            seq: unread.then_some(self.head().seq),
        })
    }

    fn happens(&self, who: usize, event: ConversationEvent) -> Wish {
        Wish {
            stream: self.id,
            actor: self.people[who],
            events: vec![event.into()],
        }
    }

    fn says(&self, who: usize, events: impl IntoIterator<Item = UserEvent>) -> Wish {
        Wish {
            stream: self.people[who],
            actor: self.people[who],
            events: events.into_iter().map(Into::into).collect(),
        }
    }

    /// One of those who are in it.
    fn who(&self, which: Which) -> usize {
        let inside: Vec<usize> = self.inside.iter().copied().collect();
        inside[usize::from(which) % inside.len()]
    }

    fn any_message(&self, which: Which) -> Option<Recorded> {
        pick(&self.messages, which).cloned()
    }

    /// One of the messages that may begin a thread.
    fn root(&self, which: Which) -> Option<Recorded> {
        let is_root = |message: &&Recorded| Kind(message.kind) == Kind::MESSAGE_SENT;
        let roots: Vec<&Recorded> = self.messages.iter().filter(is_root).collect();
        pick(&roots, which)
            .map(|root| (*root).clone())
            .filter(|_| !self.direct)
    }

    /// Any place up to the end.
    fn place(&self, at: Which) -> Place {
        let head = self.msg_nos.len() - 1;
        let seq = 1 + usize::from(at) * head / 256;
        Place {
            seq: seq as u64,
            message_no: self.msg_nos[seq],
        }
    }

    fn head(&self) -> Place {
        Place {
            seq: self.msg_nos.len() as u64 - 1,
            message_no: self.msg_nos[self.msg_nos.len() - 1],
        }
    }
}

fn pick<T>(list: &[T], which: Which) -> Option<&T> {
    list.get(usize::from(which) % list.len().max(1))
}
