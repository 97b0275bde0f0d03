//! What a client says, and how it is read.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Content, DEVICE_CHARS_MAX, GroupSettings, MessageSend, ParseError, Profile, Resume, ResumePart, Role,
    Settings, Status, Timestamp, ban, contact, direct,
    fields::{Field, Fields},
    group, group_settings, hiding, invitation, joining, link, mark, message, muted, pin, presence, profile,
    reaction, reading, report, resume, setting, thread, typing,
};

/// One object from a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Says who is there; again in mid-session to renew the token.
    Hello(Hello),
    /// More cursors of a hello that announced them.
    Resume(ResumePart),
    /// Answered by `pong`.
    Ping {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        id: Option<Uuid>,
    },
    /// The user types, or has stopped. No answer.
    Typing { conversation: Uuid, on: bool },
    /// How the user is there on this connection. No answer.
    Status { value: Status },
    /// Anything that is answered with its id.
    #[serde(untagged)]
    Command(Command),
}

/// The first frame of a connection.
#[derive(Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hello {
    /// May be left out where the upgrade carried `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub token: Option<String>,
    /// Chosen by the client, at most 64 characters, the same on each return of the same device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    pub device: Option<String>,
    #[serde(skip_serializing_if = "Resume::is_empty")]
    #[schemars(default)]
    pub resume: Resume,
    /// More cursors follow, in `resume` objects.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub more: bool,
    /// Cursors that could not be read, and count as absent.
    #[serde(skip)]
    pub unreadable: usize,
}

/// The token stays out of logs.
impl std::fmt::Debug for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hello")
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("device", &self.device)
            .field("resume", &self.resume)
            .field("more", &self.more)
            .field("unreadable", &self.unreadable)
            .finish()
    }
}

/// A command: it gets exactly one answer, which carries its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Command {
    #[serde(flatten)]
    pub action: Action,
    /// Made by the client, UUIDv7 recommended; the key by which a repeat is known.
    pub id: Uuid,
}

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Action {
    /// Opens the one conversation with a user, or finds it.
    #[serde(rename = "direct.open")]
    DirectOpen { user: Uuid },
    #[serde(rename = "group.create")]
    GroupCreate { name: String, members: Vec<Uuid> },
    #[serde(rename = "group.add")]
    GroupAdd { conversation: Uuid, user: Uuid },
    #[serde(rename = "group.remove")]
    GroupRemove { conversation: Uuid, user: Uuid },
    #[serde(rename = "group.leave")]
    GroupLeave { conversation: Uuid },
    #[serde(rename = "group.rename")]
    GroupRename { conversation: Uuid, name: String },
    #[serde(rename = "group.role")]
    GroupRole {
        conversation: Uuid,
        user: Uuid,
        role: Role,
    },
    /// Makes somebody else the owner in one's own place.
    #[serde(rename = "group.transfer")]
    GroupTransfer { conversation: Uuid, user: Uuid },
    /// Sets a group otherwise: what is named, and nothing else.
    #[serde(rename = "group.settings")]
    GroupSettings {
        conversation: Uuid,
        settings: GroupSettings,
    },
    /// Lets a member write nothing, until a moment or for ever, or ends that.
    #[serde(rename = "group.mute")]
    GroupMute {
        conversation: Uuid,
        user: Uuid,
        on: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        until: Option<Timestamp>,
    },
    /// Puts somebody out of a group and keeps them out, until a moment or for ever.
    #[serde(rename = "group.ban")]
    GroupBan {
        conversation: Uuid,
        user: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        until: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        reason: Option<String>,
    },
    /// Lifts a ban.
    #[serde(rename = "group.unban")]
    GroupUnban { conversation: Uuid, user: Uuid },
    /// Makes an invite link; the ack's `data` has `link` and `secret`.
    #[serde(rename = "group.link.create")]
    GroupLinkCreate {
        conversation: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        expires_in_s: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        uses: Option<u32>,
    },
    #[serde(rename = "group.link.revoke")]
    GroupLinkRevoke { conversation: Uuid, link: Uuid },
    /// Comes in by the secret of a link, or into a group that is open, or asks to be let in.
    #[serde(rename = "group.join")]
    GroupJoin {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        conversation: Option<Uuid>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        secret: Option<String>,
    },
    /// Lets somebody in who asked for it.
    #[serde(rename = "group.approve")]
    GroupApprove { conversation: Uuid, user: Uuid },
    /// Does not.
    #[serde(rename = "group.refuse")]
    GroupRefuse { conversation: Uuid, user: Uuid },
    /// Asks somebody to come into a group.
    #[serde(rename = "group.invite")]
    GroupInvite { conversation: Uuid, user: Uuid },
    /// Comes into a group that one is invited to.
    #[serde(rename = "group.accept")]
    GroupAccept { conversation: Uuid },
    /// Does not.
    #[serde(rename = "group.decline")]
    GroupDecline { conversation: Uuid },
    /// Takes an invitation back.
    #[serde(rename = "group.withdraw")]
    GroupWithdraw { conversation: Uuid, user: Uuid },
    /// The command's id is the message's id.
    #[serde(rename = "message.send")]
    MessageSend(MessageSend),
    /// Gives a message of one's own another text or caption.
    #[serde(rename = "message.edit")]
    MessageEdit {
        conversation: Uuid,
        message: Uuid,
        content: Content,
    },
    /// Takes a message back.
    #[serde(rename = "message.recall")]
    MessageRecall { conversation: Uuid, message: Uuid },
    /// Sets or takes back a reaction of one's own.
    #[serde(rename = "message.react")]
    MessageReact {
        conversation: Uuid,
        message: Uuid,
        /// One grapheme, or `:name:`.
        emoji: String,
        on: bool,
    },
    /// Pins a message, or takes the pin away.
    #[serde(rename = "message.pin")]
    MessagePin {
        conversation: Uuid,
        message: Uuid,
        on: bool,
    },
    /// Hides messages from oneself.
    #[serde(rename = "message.hide")]
    MessageHide { conversation: Uuid, messages: Vec<Uuid> },
    /// Clears a conversation for oneself, up to a seq.
    #[serde(rename = "conversation.clear")]
    ConversationClear { conversation: Uuid, seq: u64 },
    /// Mutes a conversation for oneself, until a moment or for ever, or ends that.
    #[serde(rename = "conversation.mute")]
    ConversationMute {
        conversation: Uuid,
        on: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        until: Option<Timestamp>,
    },
    /// Archives a conversation for oneself, or takes it back.
    #[serde(rename = "conversation.archive")]
    ConversationArchive { conversation: Uuid, on: bool },
    /// Marks a conversation as unread for oneself, or ends that.
    #[serde(rename = "conversation.mark")]
    ConversationMark { conversation: Uuid, unread: bool },
    /// Follows a thread, or does so no more.
    #[serde(rename = "thread.follow")]
    ThreadFollow {
        conversation: Uuid,
        /// The message that begins the thread.
        thread: Uuid,
        on: bool,
    },
    /// Shows something else of oneself to everybody.
    #[serde(rename = "profile.update")]
    ProfileUpdate(Profile),
    /// Changes what others may do and know.
    #[serde(rename = "settings.update")]
    SettingsUpdate(Settings),
    /// Asks somebody to be a contact.
    #[serde(rename = "contact.request")]
    ContactRequest {
        user: Uuid,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        text: Option<String>,
    },
    /// Takes somebody for a contact who has asked.
    #[serde(rename = "contact.accept")]
    ContactAccept { user: Uuid },
    /// Does not. Who has asked is not told.
    #[serde(rename = "contact.decline")]
    ContactDecline { user: Uuid },
    /// Asks no more.
    #[serde(rename = "contact.withdraw")]
    ContactWithdraw { user: Uuid },
    /// Ends being contacts.
    #[serde(rename = "contact.remove")]
    ContactRemove { user: Uuid },
    /// Blocks somebody, or does so no more. They are not told.
    #[serde(rename = "user.block")]
    UserBlock { user: Uuid, on: bool },
    /// Tells moderators what is wrong with a message. Nobody else learns of it.
    #[serde(rename = "report.send")]
    ReportSend {
        conversation: Uuid,
        message: Uuid,
        reason: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        note: Option<String>,
    },
    /// Read up to here; never moves back. With the user's own id as the conversation, their notices are read.
    #[serde(rename = "read")]
    Read {
        conversation: Uuid,
        seq: u64,
        /// Of this thread and not of the main timeline.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(default)]
        thread: Option<Uuid>,
    },
    /// Watches who is there, in place of whatever this connection has watched; answered by `presence.state`.
    #[serde(rename = "presence.watch")]
    PresenceWatch {
        #[schemars(default)]
        users: Vec<Uuid>,
        #[schemars(default)]
        conversations: Vec<Uuid>,
    },
    /// Asks for at most `limit` events from seq `from` on; answered by `events`.
    #[serde(rename = "fetch")]
    Fetch {
        conversation: Uuid,
        from: u64,
        limit: u32,
    },
}

impl Action {
    /// The conversation that it names; `None` for those that make one, name several, or are about oneself.
    pub fn conversation(&self) -> Option<Uuid> {
        match self {
            Self::DirectOpen { .. }
            | Self::GroupCreate { .. }
            | Self::PresenceWatch { .. }
            | Self::ContactRequest { .. }
            | Self::ContactAccept { .. }
            | Self::ContactDecline { .. }
            | Self::ContactWithdraw { .. }
            | Self::ContactRemove { .. }
            | Self::UserBlock { .. }
            | Self::ProfileUpdate(_)
            | Self::SettingsUpdate(_) => None,
            Self::GroupJoin { conversation, .. } => *conversation,
            Self::GroupAdd { conversation, .. }
            | Self::GroupRemove { conversation, .. }
            | Self::GroupLeave { conversation }
            | Self::GroupRename { conversation, .. }
            | Self::GroupRole { conversation, .. }
            | Self::GroupTransfer { conversation, .. }
            | Self::GroupSettings { conversation, .. }
            | Self::GroupMute { conversation, .. }
            | Self::GroupBan { conversation, .. }
            | Self::GroupUnban { conversation, .. }
            | Self::GroupLinkCreate { conversation, .. }
            | Self::GroupLinkRevoke { conversation, .. }
            | Self::GroupApprove { conversation, .. }
            | Self::GroupRefuse { conversation, .. }
            | Self::GroupInvite { conversation, .. }
            | Self::GroupAccept { conversation }
            | Self::GroupDecline { conversation }
            | Self::GroupWithdraw { conversation, .. }
            | Self::MessageSend(MessageSend { conversation, .. })
            | Self::MessageEdit { conversation, .. }
            | Self::MessageRecall { conversation, .. }
            | Self::MessageReact { conversation, .. }
            | Self::MessagePin { conversation, .. }
            | Self::MessageHide { conversation, .. }
            | Self::ReportSend { conversation, .. }
            | Self::ConversationClear { conversation, .. }
            | Self::ConversationMute { conversation, .. }
            | Self::ConversationArchive { conversation, .. }
            | Self::ConversationMark { conversation, .. }
            | Self::ThreadFollow { conversation, .. }
            | Self::Read { conversation, .. }
            | Self::Fetch { conversation, .. } => Some(*conversation),
        }
    }

    /// Its `type` on the wire; also a fit label for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DirectOpen { .. } => "direct.open",
            Self::GroupCreate { .. } => "group.create",
            Self::GroupAdd { .. } => "group.add",
            Self::GroupRemove { .. } => "group.remove",
            Self::GroupLeave { .. } => "group.leave",
            Self::GroupRename { .. } => "group.rename",
            Self::GroupRole { .. } => "group.role",
            Self::GroupTransfer { .. } => "group.transfer",
            Self::GroupSettings { .. } => "group.settings",
            Self::GroupMute { .. } => "group.mute",
            Self::GroupBan { .. } => "group.ban",
            Self::GroupUnban { .. } => "group.unban",
            Self::GroupLinkCreate { .. } => "group.link.create",
            Self::GroupLinkRevoke { .. } => "group.link.revoke",
            Self::GroupJoin { .. } => "group.join",
            Self::GroupApprove { .. } => "group.approve",
            Self::GroupRefuse { .. } => "group.refuse",
            Self::GroupInvite { .. } => "group.invite",
            Self::GroupAccept { .. } => "group.accept",
            Self::GroupDecline { .. } => "group.decline",
            Self::GroupWithdraw { .. } => "group.withdraw",
            Self::MessageSend(_) => "message.send",
            Self::MessageEdit { .. } => "message.edit",
            Self::MessageRecall { .. } => "message.recall",
            Self::MessageReact { .. } => "message.react",
            Self::MessagePin { .. } => "message.pin",
            Self::MessageHide { .. } => "message.hide",
            Self::ConversationClear { .. } => "conversation.clear",
            Self::ConversationMute { .. } => "conversation.mute",
            Self::ConversationArchive { .. } => "conversation.archive",
            Self::ConversationMark { .. } => "conversation.mark",
            Self::ThreadFollow { .. } => "thread.follow",
            Self::ProfileUpdate(_) => "profile.update",
            Self::SettingsUpdate(_) => "settings.update",
            Self::ContactRequest { .. } => "contact.request",
            Self::ContactAccept { .. } => "contact.accept",
            Self::ContactDecline { .. } => "contact.decline",
            Self::ContactWithdraw { .. } => "contact.withdraw",
            Self::ContactRemove { .. } => "contact.remove",
            Self::UserBlock { .. } => "user.block",
            Self::ReportSend { .. } => "report.send",
            Self::Read { .. } => "read",
            Self::PresenceWatch { .. } => "presence.watch",
            Self::Fetch { .. } => "fetch",
        }
    }
}

/// Reads an object by its type; each noun reads its own.
pub(crate) fn understand(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    let kind = fields.kind()?;
    let action = match &*kind {
        "message.send" => message::send(fields)?,
        "read" => reading::read(fields)?,
        "fetch" => reading::fetch(fields)?,
        "typing" => return typing::typing(fields),
        "status" => return presence::status(fields),
        "presence.watch" => presence::watch(fields)?,
        "ping" => {
            return Ok(ClientFrame::Ping {
                id: fields.optional(Field::Id)?,
            });
        }
        "hello" => return hello(fields),
        "resume" => return resume::part(fields),
        "direct.open" => direct::open(fields)?,
        "group.create" => group::create(fields)?,
        "group.add" => group::add(fields)?,
        "group.remove" => group::remove(fields)?,
        "group.leave" => group::leave(fields)?,
        "group.rename" => group::rename(fields)?,
        "group.role" => group::role(fields)?,
        "group.transfer" => group::transfer(fields)?,
        "group.settings" => group_settings::change(fields)?,
        "group.mute" => muted::mute(fields)?,
        "group.ban" => ban::ban(fields)?,
        "group.unban" => ban::unban(fields)?,
        "group.link.create" => link::create(fields)?,
        "group.link.revoke" => link::revoke(fields)?,
        "group.join" => joining::join(fields)?,
        "group.approve" => joining::approve(fields)?,
        "group.refuse" => joining::refuse(fields)?,
        "group.invite" => invitation::invite(fields)?,
        "group.accept" => invitation::accept(fields)?,
        "group.decline" => invitation::decline(fields)?,
        "group.withdraw" => invitation::withdraw(fields)?,
        "message.edit" => message::edit(fields)?,
        "message.recall" => message::recall(fields)?,
        "message.react" => reaction::react(fields)?,
        "message.pin" => pin::pin(fields)?,
        "message.hide" => hiding::hide(fields)?,
        "conversation.clear" => hiding::clear(fields)?,
        "conversation.mute" => mark::mute(fields)?,
        "conversation.archive" => mark::archive(fields)?,
        "conversation.mark" => mark::mark(fields)?,
        "thread.follow" => thread::follow(fields)?,
        "profile.update" => profile::update(fields)?,
        "settings.update" => setting::update(fields)?,
        "contact.request" => contact::request(fields)?,
        "contact.accept" => contact::accept(fields)?,
        "contact.decline" => contact::decline(fields)?,
        "contact.withdraw" => contact::withdraw(fields)?,
        "contact.remove" => contact::remove(fields)?,
        "user.block" => contact::block(fields)?,
        "report.send" => report::send(fields)?,
        _ => return Err(ParseError::UnknownType { id: fields.id() }),
    };
    Ok(ClientFrame::Command(Command {
        action,
        id: fields.required(Field::Id)?,
    }))
}

fn hello(fields: &Fields<'_>) -> Result<ClientFrame, ParseError> {
    let device: Option<String> = fields.optional(Field::Device)?;
    if device
        .as_ref()
        .is_some_and(|device| device.chars().count() > DEVICE_CHARS_MAX)
    {
        return Err(fields.wrong(Field::Device));
    }
    let (resume, unreadable) = fields.resume();
    Ok(ClientFrame::Hello(Hello {
        token: fields.optional(Field::Token)?,
        device,
        resume,
        more: fields.optional(Field::More)?.unwrap_or_default(),
        unreadable,
    }))
}
