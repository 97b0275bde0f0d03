//! What decisions depend on beyond the state of a conversation.

use crate::command::Command;
use crate::conversation::forward::{Forwarded, Original};
use crate::conversation::reaction::{EMOJI_OF_USER_MAX, Emoji};
use crate::conversation::thread::Line;
use crate::event::{Content, ConversationEvent};
use crate::id::{CommandId, ConversationId, UserId};
use crate::membership::Membership;
use crate::pair::Pair;
use crate::rejection::{Field, Rejection};
use crate::report::Reports;
use crate::rules::Rules;
use crate::user::setting::{Audience, Settings};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a command wants to know beyond the state of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// Of a message of the same conversation.
    Message { message: Uuid, aspect: Aspect },
    /// Whether all of these people exist.
    Users(&'a [UserId]),
}

impl<'a> Need<'a> {
    /// The people of whom it is asked whether they exist, if it is about people.
    pub fn users(self) -> Option<&'a [UserId]> {
        match self {
            Self::Users(users) => Some(users),
            Self::Message { .. } => None,
        }
    }

    /// The message that it is about, if it is about one.
    pub fn message(self) -> Option<Uuid> {
        match self {
            Self::Message { message, .. } => Some(message),
            Self::Users(_) => None,
        }
    }
}

/// What a command wants to know of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// That it is there.
    Presence,
    /// What it is, and what has become of it.
    Message,
    /// The same, and which reactions people have on it, the actor above all.
    Reactions,
}

/// What is known of the things that commands name. Whoever has commands decided loads what they need
/// ([`Command::needs`](crate::Command::needs)) and [folds](Self::evolve) what stands before them in the same batch.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub(crate) rules: Rules,
    /// People who exist.
    users: HashSet<UserId>,
    /// How many conversations more people may be put into. Whoever is not there may be put into any number.
    rooms: HashMap<UserId, u32>,
    messages: HashMap<(ConversationId, Uuid), Known>,
    /// Of messages that are there or will be, who has sent them and where they stand.
    sent: HashMap<(ConversationId, Uuid), Sent>,
    /// By who has stored them.
    attachments: HashMap<(UserId, Uuid), Attachment>,
    /// By the commands that forward them: an id belongs to whoever uses it, in one conversation.
    originals: HashMap<(UserId, ConversationId, CommandId), Original>,
    /// What people are to those whom they want something of, who is named second, as far as read models have come.
    regards: HashMap<(UserId, UserId), Regard>,
    /// What two people are to one another where the command is decided that is next: its own batch vouches for it.
    pair: Pair,
    /// What was reported of the message that it is about; the same.
    reports: Reports,
    /// Messages that something in the batch is about.
    touched: HashSet<(ConversationId, Uuid)>,
}

/// Who has sent a message, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) sender: UserId,
    pub(crate) line: Line,
    /// `None` of one that is not written yet.
    pub(crate) seq: Option<u64>,
}

#[derive(Clone, Debug)]
enum Known {
    /// It is there, and no more is known.
    There,
    /// It will be, once what has been decided is written: its place is not known before.
    Coming,
    /// It is there, in a form that this version cannot read.
    Unreadable,
    Message(Box<Message>),
}

/// What is known of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub seq: u64,
    /// How many messages the main timeline has up to and including it.
    pub msg_no: u64,
    pub line: Line,
    pub sender: UserId,
    pub at: DateTime<Utc>,
    /// As the last edit left it.
    pub content: Content,
    /// How often it has been written: 1 and its edits.
    pub versions: usize,
    pub recalled: bool,
    /// Whose content it is, where it is not the sender's own.
    pub forwarded: Option<Forwarded>,
    pub reactions: Reactions,
}

impl Message {
    /// The number that counts take for it where it counts no more: 0 where the main timeline never had it.
    pub(crate) fn counted_no(&self) -> u64 {
        if self.line.is_main() { self.msg_no } else { 0 }
    }
}

/// What is known of an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// When it was stored.
    pub at: DateTime<Utc>,
    pub is_picture: bool,
}

/// What somebody is to a person whom they want something of, and what that person wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regard {
    pub settings: Settings,
    pub is_contact: bool,
    /// The person blocks them.
    pub is_blocked: bool,
    /// They block the person.
    pub blocks: bool,
    pub ties: Ties,
}

impl Regard {
    /// Whether the person lets them put them into a group.
    fn lets_add(&self) -> bool {
        !self.is_blocked && lets(self.settings.add_me, self.is_contact)
    }
}

/// Whether somebody is among those for whom something is.
fn lets(audience: Audience, is_contact: bool) -> bool {
    match audience {
        Audience::Everyone => true,
        Audience::Contacts => is_contact,
        Audience::Nobody => false,
    }
}

/// How many people somebody has to do with, as far as a command depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    pub contacts: u32,
    /// Whom they wait for.
    pub requests: u32,
    /// Whom they have asked within a day.
    pub today: u32,
    /// Whom they have invited into groups within a day, into each for itself.
    pub invitations: u32,
    /// When it is a day since the first of those whom they may ask or invite in a day.
    pub free_at: Option<DateTime<Utc>>,
    pub blocks: u32,
}

/// Which reactions people have on a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reactions {
    by_emoji: HashMap<Emoji, Reactors>,
    /// There are more emoji than are told of one by one.
    more: bool,
    /// Emoji that people have put on the message at some time, where they are known.
    tried: HashMap<UserId, HashSet<Emoji>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reactors {
    /// Those who are known to have it.
    known: HashSet<UserId>,
    /// Others may have it too.
    others: bool,
}

impl Reactions {
    /// Somebody has `emoji` on the message; `actor`, of whom it is known, has it or not.
    pub fn add(&mut self, emoji: Emoji, actor: UserId, mine: bool) {
        let reactors = self.by_emoji.entry(emoji).or_default();
        reactors.others = true;
        if mine {
            reactors.known.insert(actor);
        }
    }

    /// The actor has put `emoji` on the message at some time.
    pub fn add_tried(&mut self, emoji: Emoji, actor: UserId) {
        self.tried.entry(actor).or_default().insert(emoji);
    }

    /// More emoji were ever put on the message than can be looked at: it takes no new ones.
    pub fn and_more(&mut self) {
        self.more = true;
    }

    /// What the actor has on the message of an emoji that is written in full: as it stands there, which may be in another way, and in several.
    pub(crate) fn put(&self, emoji: &Emoji, actor: UserId) -> Vec<Emoji> {
        let by_actor = self
            .by_emoji
            .iter()
            .filter(|(_, reactors)| reactors.known.contains(&actor));
        let mut put: Vec<Emoji> = by_actor
            .filter(|(put, _)| put.in_full() == *emoji)
            .map(|(put, _)| put.clone())
            .collect();
        put.sort_unstable();
        put
    }

    /// Whether one more emoji, which is written in full, would be one too many for the message.
    pub(crate) fn is_full(&self, emoji: &Emoji, most: usize) -> bool {
        !self.by_emoji.contains_key(emoji) && (self.more || self.by_emoji.len() >= most)
    }

    /// Whether somebody has put as many different emoji on the message as one person may ever: all of them are looked at, and one person
    /// alone must not use up what can be.
    pub(crate) fn has_tried_all(&self, emoji: &Emoji, actor: UserId) -> bool {
        self.tried
            .get(&actor)
            .is_some_and(|tried| tried.len() >= EMOJI_OF_USER_MAX && !tried.contains(emoji))
    }

    /// How many emoji somebody has on the message.
    pub(crate) fn of(&self, actor: UserId) -> usize {
        self.by_emoji
            .values()
            .filter(|reactors| reactors.known.contains(&actor))
            .count()
    }

    fn set(&mut self, emoji: &Emoji, actor: UserId, on: bool) {
        if on {
            self.add_tried(emoji.clone(), actor);
            self.by_emoji
                .entry(emoji.clone())
                .or_default()
                .known
                .insert(actor);
        } else if let Some(reactors) = self.by_emoji.get_mut(emoji) {
            reactors.known.remove(&actor);
            if reactors.known.is_empty() && !reactors.others {
                self.by_emoji.remove(emoji);
            }
        }
    }
}

impl Facts {
    /// Nothing is known yet.
    pub fn under(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// These people exist. They do from then on.
    pub fn add_users(&mut self, users: impl IntoIterator<Item = UserId>) {
        self.users.extend(users);
    }

    /// Whether all of them exist.
    pub(crate) fn has_users(&self, users: &[UserId]) -> bool {
        users.iter().all(|user| self.users.contains(user))
    }

    /// `owner` has stored the attachment.
    pub fn add_attachment(&mut self, owner: UserId, id: Uuid, attachment: Attachment) {
        self.attachments.insert((owner, id), attachment);
    }

    /// Refuses to show an attachment that somebody else than `owner` has stored or nobody, one that is gone or may soon be, and one that is
    /// no picture where it is to be one. `field` is that of the command which names it.
    pub(crate) fn may_show(
        &self,
        (owner, id): (UserId, Uuid),
        as_picture: bool,
        field: Field,
        now: DateTime<Utc>,
    ) -> Result<(), Rejection> {
        let attachment = self
            .attachments
            .get(&(owner, id))
            .filter(|attachment| self.rules.attach_window.is_open(attachment.at, now))
            .ok_or(Rejection::NotFound(field))?;
        if as_picture && !attachment.is_picture {
            return Err(Rejection::invalid(field, "this attachment is no picture"));
        }
        Ok(())
    }

    /// What `actor` is to `user`.
    pub fn add_regard(&mut self, actor: UserId, user: UserId, regard: Regard) {
        self.regards.insert((actor, user), regard);
    }

    fn regard(&self, actor: UserId, user: UserId) -> Regard {
        self.regards.get(&(actor, user)).copied().unwrap_or_default()
    }

    /// How many people `actor` has to do with, who wants something of `user`.
    pub(crate) fn ties(&self, actor: UserId, user: UserId) -> Ties {
        self.regard(actor, user).ties
    }

    /// Whether `user` lets `actor` put them into a group.
    pub(crate) fn lets_add(&self, actor: UserId, user: UserId) -> bool {
        self.regard(actor, user).lets_add()
    }

    /// Whether `actor` blocks `user`, whom they want to bring into a group. It is asked before what `user` wants: so the answer tells nothing of
    /// that which the actor does not know.
    pub(crate) fn blocks(&self, actor: UserId, user: UserId) -> bool {
        self.regard(actor, user).blocks
    }

    /// Whether `user` lets `actor` open a conversation of the two.
    pub(crate) fn lets_open(&self, actor: UserId, user: UserId) -> bool {
        lets(self.regard(actor, user).settings.direct, self.pair.are_contacts())
    }

    /// What the two people of a direct conversation are to one another, for what is decided next.
    pub fn set_pair(&mut self, pair: Pair) {
        self.pair = pair;
    }

    pub(crate) fn pair(&self) -> &Pair {
        &self.pair
    }

    /// What was reported of a message, for what is decided about it next.
    pub fn set_reports(&mut self, reports: Reports) {
        self.reports = reports;
    }

    pub(crate) fn reports(&self) -> &Reports {
        &self.reports
    }

    /// A message may be forwarded to the conversation by this command of `actor`, who sees it. What was found of the same message for
    /// another command is nothing to this one: it was at another moment.
    pub fn add_original(
        &mut self,
        actor: UserId,
        conversation: ConversationId,
        command: CommandId,
        original: Original,
    ) {
        self.originals.insert((actor, conversation, command), original);
    }

    /// What a command forwards, if its actor may see it and it was not recalled.
    pub(crate) fn original(&self, command: &Command) -> Option<&Original> {
        let Command {
            actor,
            conversation,
            id,
            ..
        } = command;
        self.originals.get(&(*actor, *conversation, *id))
    }

    /// Somebody may be put into so many conversations more. The least that is said counts.
    pub fn add_room(&mut self, user: UserId, left: u32) {
        let room = self.rooms.entry(user).or_insert(left);
        *room = left.min(*room);
    }

    /// Whether somebody may be put into one more conversation.
    pub(crate) fn has_room(&self, user: UserId) -> bool {
        self.rooms.get(&user).is_none_or(|left| *left > 0)
    }

    /// The message is there, at `seq`. What is known of it already stays known.
    pub fn add_presence(
        &mut self,
        conversation: ConversationId,
        message: Uuid,
        sender: UserId,
        (line, seq): (Line, u64),
    ) {
        let sent = Sent {
            sender,
            line,
            seq: Some(seq),
        };
        self.sent.insert((conversation, message), sent);
        self.messages
            .entry((conversation, message))
            .or_insert(Known::There);
    }

    /// Who has sent a message that is there or will be, and where it stands.
    pub(crate) fn sent(&self, conversation: ConversationId, message: Uuid) -> Option<Sent> {
        self.sent.get(&(conversation, message)).copied()
    }

    /// What the message is. Of one that several commands are about, each adds what it knows of reactions.
    pub fn add_message(&mut self, conversation: ConversationId, id: Uuid, message: Message) {
        let sent = Sent {
            sender: message.sender,
            line: message.line,
            seq: Some(message.seq),
        };
        self.sent.insert((conversation, id), sent);
        match self.messages.entry((conversation, id)).or_insert(Known::There) {
            Known::Message(known) => {
                let Reactions {
                    by_emoji,
                    more,
                    tried,
                } = message.reactions;
                known.reactions.more |= more;
                for (actor, emoji) in tried {
                    known.reactions.tried.entry(actor).or_default().extend(emoji);
                }
                for (emoji, reactors) in by_emoji {
                    let entry = known.reactions.by_emoji.entry(emoji).or_default();
                    entry.known.extend(reactors.known);
                    entry.others |= reactors.others;
                }
            }
            unknown => *unknown = Known::Message(Box::new(message)),
        }
    }

    /// The message is there, in a form that this version cannot read.
    pub fn add_unreadable(&mut self, conversation: ConversationId, message: Uuid) {
        self.messages.insert((conversation, message), Known::Unreadable);
    }

    /// Whether the message is there, or will be once what has been decided is written.
    pub fn has_message(&self, conversation: ConversationId, message: Uuid) -> bool {
        self.messages.contains_key(&(conversation, message))
    }

    /// The message, unless it is not there or was recalled.
    pub(crate) fn standing(&self, conversation: ConversationId, message: Uuid) -> Option<&Message> {
        self.message(conversation, message)
            .filter(|message| !message.recalled)
    }

    /// The message, if more is known of it than that it is there.
    pub fn message(&self, conversation: ConversationId, message: Uuid) -> Option<&Message> {
        match self.messages.get(&(conversation, message))? {
            Known::Message(message) => Some(message),
            Known::There | Known::Coming | Known::Unreadable => None,
        }
    }

    /// Whether a command cannot be decided before what stands before it is written: the message that it is about has no place yet.
    pub fn is_coming(&self, conversation: ConversationId, need: Need<'_>) -> bool {
        matches!(self.known_of(conversation, need), Some(Known::Coming))
    }

    /// Whether a command cannot be decided by this version: it cannot read the message that it is about.
    pub fn is_unreadable(&self, conversation: ConversationId, need: Need<'_>) -> bool {
        matches!(self.known_of(conversation, need), Some(Known::Unreadable))
    }

    /// What is known of the message of which more is needed than that it is there.
    fn known_of(&self, conversation: ConversationId, need: Need<'_>) -> Option<&Known> {
        match need {
            Need::Message { message, aspect } if aspect > Aspect::Presence => {
                self.messages.get(&(conversation, message))
            }
            Need::Message { .. } | Need::Users(_) => None,
        }
    }

    /// Whether something that stands before in the same batch is about the message. A refusal then may be its doing.
    pub fn is_touched(&self, conversation: ConversationId, message: Uuid) -> bool {
        self.touched.contains(&(conversation, message))
    }

    /// Folds an event that was decided and will be written before what is decided next.
    pub fn evolve(
        &mut self,
        conversation: ConversationId,
        actor: UserId,
        command: CommandId,
        event: &ConversationEvent,
    ) {
        if !self.rooms.is_empty()
            && let Membership::Joined(joined) = event.membership()
        {
            for (user, _) in joined.iter() {
                if let Some(left) = self.rooms.get_mut(&user) {
                    *left = left.saturating_sub(1);
                }
            }
        }
        let about = match event {
            ConversationEvent::MessageSent(sent) => {
                let coming = Sent {
                    sender: actor,
                    line: sent.line(),
                    seq: None,
                };
                self.sent.insert((conversation, command.0), coming);
                self.messages
                    .entry((conversation, command.0))
                    .or_insert(Known::Coming);
                return;
            }
            ConversationEvent::MessageEdited(edited) => edited.message,
            ConversationEvent::MessageRecalled(recalled) => recalled.message,
            ConversationEvent::ReactionChanged(changed) => changed.message,
            ConversationEvent::PinChanged(changed) => changed.message,
            ConversationEvent::MessageWithheld(changed) => changed.message,
            ConversationEvent::DirectOpened(_)
            | ConversationEvent::GroupCreated(_)
            | ConversationEvent::MemberAdded(_)
            | ConversationEvent::MemberRemoved(_)
            | ConversationEvent::MemberLeft(_)
            | ConversationEvent::GroupRenamed(_)
            | ConversationEvent::RoleChanged(_)
            | ConversationEvent::GroupSettingsChanged(_)
            | ConversationEvent::MemberMuted(_)
            | ConversationEvent::MemberBanned(_)
            | ConversationEvent::MemberUnbanned(_)
            | ConversationEvent::LinkCreated(_)
            | ConversationEvent::LinkRevoked(_)
            | ConversationEvent::JoinRequested(_)
            | ConversationEvent::JoinRefused(_)
            | ConversationEvent::InvitationSent(_)
            | ConversationEvent::InvitationAccepted(_)
            | ConversationEvent::InvitationDeclined(_)
            | ConversationEvent::InvitationWithdrawn(_) => return,
        };
        self.touched.insert((conversation, about));
        let Some(Known::Message(message)) = self.messages.get_mut(&(conversation, about)) else {
            return;
        };
        match event {
            ConversationEvent::MessageEdited(edited) => {
                message.content = edited.content.clone();
                message.versions += 1;
            }
            ConversationEvent::MessageRecalled(_) => message.recalled = true,
            ConversationEvent::ReactionChanged(changed) => {
                message.reactions.set(&changed.emoji, actor, changed.on);
            }
            _ => {}
        }
    }
}
