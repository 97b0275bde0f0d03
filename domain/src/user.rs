//! A user's own stream: registration, what the user shows and wants, what the user has stored and marked, and how far the user has read
//! and been sent.

pub mod account;
pub mod announced;
pub mod attachment;
pub mod contact;
pub mod cursors;
pub mod deletion;
pub mod hiding;
pub mod invitation;
pub mod joining;
pub mod mark;
pub mod open;
pub mod profile;
pub mod registration;
pub mod setting;
pub mod thread;

use crate::event::{
    AccountDeleted, AccountMatter, Announced, AttachmentRemoved, AttachmentStored, CursorsMoved,
    InboxExpired, ProfileUpdated, Registered, SettingsUpdated, ThreadRead, Told, UserEvent,
};
use crate::frozen::Frozen;
use crate::id::ConversationId;
use crate::rejection::{Field, Rejection};
use attachment::{Quota, Usage};
use chrono::{DateTime, Utc};
use hiding::Hiding;
use invitation::Invited;
use joining::Asked;
use mark::{Marked, Marking};
use setting::Settings;
use std::collections::BTreeSet;
use thread::ThreadsRead;
use uuid::Uuid;

/// What decisions about a user depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    registered: bool,
    deleted: bool,
    usage: Usage,
    marked: Marked,
    threads_read: ThreadsRead,
    settings: Settings,
    /// The invitations that they were told of.
    invited: Invited,
    /// The groups of which they were told that somebody asks to be let in.
    asked: Asked,
}

/// What can be asked of a user's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserCommand {
    Register(Registered),
    MoveCursors {
        moved: CursorsMoved,
        /// What is known of the same cursors, for the state does not hold them: there are as many as conversations.
        known: CursorsMoved,
        /// Conversations that were read, whether or not that moves anything: it ends their marks.
        read: BTreeSet<ConversationId>,
    },
    ExpireInbox(InboxExpired),
    StoreAttachment {
        stored: AttachmentStored,
        quota: Quota,
    },
    /// Whether so much may be stored beside what is. Changes nothing.
    AskRoom {
        wanted: Usage,
        quota: Quota,
    },
    RemoveAttachment(AttachmentRemoved),
    Mark(Marking),
    Hide(Hiding),
    /// Whether the picture may be shown is for the stream to say.
    UpdateProfile(ProfileUpdated),
    UpdateSettings(SettingsUpdated),
    /// The server's own: what has become otherwise between the user and somebody else is told.
    Tell(Told),
    /// The server's own: the user is told an announcement.
    Announce(Announced),
    /// The server's own: the user is told what has become of their account.
    TellOfAccount(AccountMatter),
    /// Who may ask for it is found out before, where passwords are.
    Delete(AccountDeleted),
}

impl User {
    pub fn exists(&self) -> bool {
        self.registered
    }

    /// Whether the account is deleted.
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// What the user has stored.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// How many things the state lists one by one, about.
    pub fn entry_count(&self) -> usize {
        self.marked.count() + self.threads_read.count() + self.invited.count() + self.asked.count()
    }

    pub(crate) fn freeze(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.registered) | u8::from(self.deleted) << 1);
        out.extend(self.usage.bytes.to_le_bytes());
        out.extend(self.usage.files.to_le_bytes());
        out.extend((self.marked.count() as u64).to_le_bytes());
        for (conversation, seq) in self.marked.iter() {
            out.extend(conversation.0.as_bytes());
            out.extend(seq.to_le_bytes());
        }
        out.extend((self.threads_read.count() as u64).to_le_bytes());
        for read in self.threads_read.iter() {
            out.extend(read.conversation.0.as_bytes());
            out.extend(read.thread.as_bytes());
            out.extend(read.seq.to_le_bytes());
        }
        out.push(self.settings.freeze());
        self.invited.freeze(out);
        self.asked.freeze(out);
    }

    pub(crate) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let (registered, deleted) = match frozen.byte()? {
            0 => (false, false),
            1 => (true, false),
            3 => (true, true),
            _ => return None,
        };
        let (bytes, files) = (frozen.number()?, frozen.number()?);
        let count = frozen.number()?;
        let id = |frozen: &mut Frozen<'_>| frozen.array().map(Uuid::from_bytes);
        let conversation = |frozen: &mut Frozen<'_>| id(frozen).map(ConversationId);
        let marked = frozen.list(count, 24, |frozen| {
            Some((conversation(frozen)?, frozen.number()?))
        })?;
        let count = frozen.number()?;
        let read = frozen.list(count, 40, |frozen| {
            Some(ThreadRead {
                conversation: conversation(frozen)?,
                thread: id(frozen)?,
                seq: frozen.number()?,
            })
        })?;
        let mut threads_read = ThreadsRead::default();
        for read in read {
            threads_read.push(read);
        }
        let settings = Settings::thaw(frozen.byte()?)?;
        let invited = Invited::thaw(frozen)?;
        let asked = Asked::thaw(frozen)?;
        Some(Self {
            registered,
            deleted,
            usage: Usage { bytes, files },
            marked: marked.into_iter().collect(),
            threads_read,
            settings,
            invited,
            asked,
        })
    }

    /// Decides a command. Registering again is answered with no event: it happened once. So are cursors that stay where
    /// they are.
    pub fn decide(&self, command: UserCommand, now: DateTime<Utc>) -> Result<Vec<UserEvent>, Rejection> {
        match command {
            UserCommand::Register(registered) => Ok(self.register(registered)),
            _ if !self.registered => Err(Rejection::NotFound(Field::User)),
            UserCommand::Delete(deleted) => Ok(self.delete(deleted)),
            UserCommand::RemoveAttachment(removed) => Ok(vec![UserEvent::AttachmentRemoved(removed)]),
            command if self.deleted => Self::without_account(&command),
            UserCommand::MoveCursors { moved, known, read } => {
                let mut events: Vec<UserEvent> = self.marked.ended_by(&read).collect();
                // Last, so that the answer says where the cursors stand.
                events.extend(cursors::move_on(moved, &known));
                Ok(events)
            }
            UserCommand::ExpireInbox(expired) => Ok(vec![UserEvent::InboxExpired(expired)]),
            UserCommand::StoreAttachment { stored, quota } => self.store(stored, quota),
            UserCommand::AskRoom { wanted, quota } => self.has_room(wanted, quota).map(|()| vec![]),
            UserCommand::Mark(marking) => self.mark(&marking, now),
            UserCommand::Hide(hiding) => Self::hide(hiding),
            UserCommand::UpdateProfile(profile) => Ok(Self::update_profile(profile)),
            UserCommand::UpdateSettings(updated) => Ok(self.update_settings(updated)),
            UserCommand::Tell(told) if !self.lets_tell(&told, now) => Ok(vec![]),
            UserCommand::Tell(told) => Ok(vec![UserEvent::Told(told)]),
            UserCommand::Announce(announced) => Ok(vec![UserEvent::Announced(announced)]),
            UserCommand::TellOfAccount(matter) => Ok(vec![UserEvent::Account(matter)]),
        }
    }

    /// Nobody is told anything any more, and nobody is there who could wish for something.
    fn without_account(command: &UserCommand) -> Result<Vec<UserEvent>, Rejection> {
        match command {
            UserCommand::Tell(_)
            | UserCommand::Announce(_)
            | UserCommand::TellOfAccount(_)
            | UserCommand::MoveCursors { .. }
            | UserCommand::ExpireInbox(_) => Ok(vec![]),
            _ => Err(Rejection::NotFound(Field::User)),
        }
    }

    /// Whether it may be told: nobody hears of the end of what they have not heard of, nor again of what waits for them still.
    fn lets_tell(&self, told: &Told, now: DateTime<Utc>) -> bool {
        match told {
            Told::InvitationEnded(ended) => self.invited.has_any(ended.invitations()),
            Told::Asked(asked) => self.asked.lets_tell(asked.conversation, now),
            Told::Answered(answered) => self.asked.waits(answered),
            _ => true,
        }
    }

    fn hear(&mut self, told: &Told) {
        match told {
            Told::Invited(invited) => self.invited.push(invited.invitation(), invited.until),
            Told::InvitationEnded(ended) => self.invited.remove_all(ended.invitations()),
            Told::Asked(asked) => self.asked.tell(asked),
            Told::Answered(answered) => self.asked.answer(answered.conversation),
            _ => {}
        }
    }

    /// Folds one event.
    pub fn evolve(&mut self, event: &UserEvent) {
        match event {
            UserEvent::Registered(_) => self.registered = true,
            UserEvent::AccountDeleted(_) => self.deleted = true,
            UserEvent::AttachmentStored(stored) => self.usage.add(stored.size),
            UserEvent::AttachmentRemoved(removed) => self.usage.take(removed.size),
            UserEvent::ConversationMarked(marked) => self.marked.set(marked),
            UserEvent::ThreadRead(read) => self.threads_read.set(read),
            UserEvent::SettingsUpdated(updated) => self.settings = self.settings.with(*updated),
            UserEvent::Told(told) => self.hear(told),
            UserEvent::CursorsMoved(_)
            | UserEvent::InboxExpired(_)
            | UserEvent::ConversationMuted(_)
            | UserEvent::ConversationArchived(_)
            | UserEvent::MessagesHidden(_)
            | UserEvent::ConversationCleared(_)
            | UserEvent::ThreadFollowed(_)
            | UserEvent::ProfileUpdated(_)
            | UserEvent::Announced(_)
            | UserEvent::Account(_) => {}
        }
    }
}
