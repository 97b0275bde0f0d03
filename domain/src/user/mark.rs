//! What people mark for themselves: conversations that they mute, archive, or want to come back to as unread, and threads.
//!
//! Nobody else is told, and nothing of it changes what others see.

use super::User;
use super::thread::{self, Root, Said};
use crate::digest::{DigestKey, Form};
use crate::event::{Cursor, Event, UserEvent};
use crate::id::{ConversationId, UserId};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many conversations somebody may have marked as unread at a time.
pub const MARKED_MAX: usize = 1000;

/// A conversation is muted from now on, until a moment or for ever, or it is no more. Of several the last one counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationMuted {
    pub conversation: ConversationId,
    pub on: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Moment>,
    /// The last event of the conversation then, and how many messages there were.
    #[serde(flatten)]
    pub place: Place,
}

impl Stored for ConversationMuted {
    const KIND: Kind = Kind::CONVERSATION_MUTED;
    const NAME: &'static str = "conversation.muted";

    fn into_event(self) -> Event {
        UserEvent::ConversationMuted(self).into()
    }
}

/// A conversation is put away, or taken back. It comes back by itself with the next message that is said while it is not muted, and with
/// the next that mentions the user in any case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationArchived {
    pub conversation: ConversationId,
    pub on: bool,
    /// The last event of the conversation then, and how many messages there were.
    #[serde(flatten)]
    pub place: Place,
}

impl Stored for ConversationArchived {
    const KIND: Kind = Kind::CONVERSATION_ARCHIVED;
    const NAME: &'static str = "conversation.archived";

    fn into_event(self) -> Event {
        UserEvent::ConversationArchived(self).into()
    }
}

/// A conversation is shown as unread whatever has been read of it, or no more. The user's next `read` there ends it with an event of
/// its own, and so does, without one, the user's next message there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationMarked {
    pub conversation: ConversationId,
    pub unread: bool,
    /// The last event of the conversation then, where it is marked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seq: Option<u64>,
}

impl Stored for ConversationMarked {
    const KIND: Kind = Kind::CONVERSATION_MARKED;
    const NAME: &'static str = "conversation.marked";
    /// Whether a read ends a mark is decided on.
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        UserEvent::ConversationMarked(self).into()
    }
}

/// Where a conversation was when somebody marked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub seq: u64,
    pub message_no: u64,
}

impl From<Cursor> for Place {
    fn from(cursor: Cursor) -> Self {
        Self {
            seq: cursor.seq,
            message_no: cursor.msg_no,
        }
    }
}

/// What somebody marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Muted {
        on: bool,
        until: Option<Moment>,
    },
    Archived {
        on: bool,
    },
    Unread {
        on: bool,
    },
    /// A thread of it, by the message that begins it.
    Thread {
        thread: Uuid,
        said: Said,
    },
}

/// A wish to mark a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marking {
    pub conversation: ConversationId,
    pub mark: Mark,
    /// The end of the conversation; `None` where the user is no member of it.
    pub place: Option<Cursor>,
    /// What is known of the thread, where it is about one.
    pub root: Root,
    /// Places of other conversations where what was marked before has ended by itself, some of them, as far as they are known: the user
    /// has sent something there, or has left.
    pub ended: Vec<(ConversationId, u64)>,
}

impl Marking {
    /// A fingerprint of what is asked for. Where the conversation happens to be is no part of it.
    pub(crate) fn digest(&self, user: UserId, key: &DigestKey) -> i64 {
        let mut form = Form::new(key);
        form.id(user.0);
        form.id(self.conversation.0);
        match self.mark {
            Mark::Muted { on, until } => {
                form.tag(71);
                form.tag(u8::from(on));
                if let Some(until) = until {
                    form.text(&until.time().timestamp_millis().to_string());
                }
            }
            Mark::Archived { on } => {
                form.tag(72);
                form.tag(u8::from(on));
            }
            Mark::Unread { on } => {
                form.tag(73);
                form.tag(u8::from(on));
            }
            Mark::Thread { thread, said } => {
                form.tag(match said {
                    Said::Followed { on: true } => 69,
                    Said::Followed { on: false } => 68,
                    Said::Read { .. } => 70,
                });
                form.id(thread);
                if let Said::Read { seq } = said {
                    form.text(&seq.to_string());
                }
            }
        }
        form.finish()
    }
}

/// The conversations that are marked as unread, as far as the user's own stream says, and where each was then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked(BTreeMap<ConversationId, u64>);

impl Marked {
    pub(super) fn set(&mut self, marked: &ConversationMarked) {
        if marked.unread {
            self.0.insert(marked.conversation, marked.seq.unwrap_or(0));
        } else {
            self.0.remove(&marked.conversation);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    fn has(&self, conversation: ConversationId) -> bool {
        self.0.contains_key(&conversation)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ConversationId, u64)> + '_ {
        self.0.iter().map(|(conversation, seq)| (*conversation, *seq))
    }

    /// The ends of the marks of those of `read` that have one.
    pub(super) fn ended_by<'a>(
        &'a self,
        read: &'a BTreeSet<ConversationId>,
    ) -> impl Iterator<Item = UserEvent> + 'a {
        let marked = read.iter().filter(|conversation| self.has(**conversation));
        marked.map(|conversation| unmarked(*conversation))
    }

    /// The ends of the marks that have ended by themselves: of those from before these places.
    fn outlived<'a>(&'a self, ended: &'a [(ConversationId, u64)]) -> impl Iterator<Item = UserEvent> + 'a {
        let is_over = |(conversation, seq): &&(ConversationId, u64)| {
            self.0.get(conversation).is_some_and(|marked| marked < seq)
        };
        let over = ended.iter().filter(is_over);
        over.map(|(conversation, _)| unmarked(*conversation))
    }
}

impl FromIterator<(ConversationId, u64)> for Marked {
    fn from_iter<I: IntoIterator<Item = (ConversationId, u64)>>(marked: I) -> Self {
        Self(marked.into_iter().collect())
    }
}

fn unmarked(conversation: ConversationId) -> UserEvent {
    UserEvent::ConversationMarked(ConversationMarked {
        conversation,
        unread: false,
        seq: None,
    })
}

impl User {
    pub(super) fn mark(&self, marking: &Marking, now: DateTime<Utc>) -> Result<Vec<UserEvent>, Rejection> {
        let Marking {
            conversation,
            mark,
            place,
            ..
        } = *marking;
        // Who has left takes back what they marked, which is theirs.
        if mark == (Mark::Unread { on: false }) && self.marked.has(conversation) {
            return Ok(vec![unmarked(conversation)]);
        }
        let place = place.ok_or(Rejection::NotAMember)?;
        let mut events = vec![];
        let event = match mark {
            Mark::Muted {
                on: false,
                until: Some(_),
            } => {
                return Err(Rejection::invalid(Field::Until, "what is not muted has no end"));
            }
            Mark::Muted {
                until: Some(until), ..
            } if until.time() <= now => {
                return Err(Rejection::invalid(Field::Until, "this moment is over"));
            }
            Mark::Muted { on, until } => UserEvent::ConversationMuted(ConversationMuted {
                conversation,
                on,
                until,
                place: place.into(),
            }),
            Mark::Archived { on } => UserEvent::ConversationArchived(ConversationArchived {
                conversation,
                on,
                place: place.into(),
            }),
            Mark::Unread { on: true } => {
                if self.marked.count() >= MARKED_MAX && !self.marked.has(conversation) {
                    events.extend(self.marked.outlived(&marking.ended));
                    if events.is_empty() {
                        return Err(Rejection::Conflict(
                            "you have marked too many conversations as unread",
                        ));
                    }
                }
                UserEvent::ConversationMarked(ConversationMarked {
                    conversation,
                    unread: true,
                    seq: Some(place.seq),
                })
            }
            Mark::Unread { on: false } => return Ok(vec![]),
            Mark::Thread { thread, said } => {
                let said = thread::say(marking, (thread, said), place.seq, &self.threads_read)?;
                return Ok(said.into_iter().collect());
            }
        };
        // Last, so that the answer says where it stands.
        events.push(event);
        Ok(events)
    }
}
