//! What happened: the facts that the log keeps. Each stands in the file of its noun.

pub use crate::administration::Acted;
pub use crate::announcement::{AnnouncementChange, AnnouncementChanged};
pub use crate::conversation::ban::{MemberBanned, MemberUnbanned};
pub use crate::conversation::direct::DirectOpened;
pub use crate::conversation::edit::MessageEdited;
pub use crate::conversation::forward::Forwarded;
pub use crate::conversation::group::{
    GroupCreated, GroupRenamed, MemberAdded, MemberLeft, MemberRemoved, RoleChanged,
};
pub use crate::conversation::group_settings::GroupSettingsChanged;
pub use crate::conversation::invitation::{
    InvitationAccepted, InvitationDeclined, InvitationSent, InvitationWithdrawn,
};
pub use crate::conversation::joining::{JoinRefused, JoinRequested};
pub use crate::conversation::link::{LinkCreated, LinkRevoked};
pub use crate::conversation::message::{Content, MessageSent};
pub use crate::conversation::muted::MemberMuted;
pub use crate::conversation::pin::PinChanged;
pub use crate::conversation::reaction::ReactionChanged;
pub use crate::conversation::recall::MessageRecalled;
pub use crate::conversation::withholding::MessageWithheld;
pub use crate::membership::Role;
pub use crate::pair::PairChanged;
pub use crate::report::{ReportEvent, ReportFiled, ReportHandled};
pub use crate::user::account::AccountMatter;
pub use crate::user::announced::Announced;
pub use crate::user::attachment::{AttachmentRemoved, AttachmentStored};
pub use crate::user::contact::{
    ContactAccepted, ContactDeclined, ContactRemoved, ContactRequested, ContactWithdrawn, Told, UserBlocked,
};
pub use crate::user::cursors::{Cursor, CursorsMoved, InboxExpired};
pub use crate::user::deletion::{AccountDeleted, DeletedBy};
pub use crate::user::hiding::{ConversationCleared, MessagesHidden};
pub use crate::user::invitation::{Ending, GroupInvited, InvitationEnded};
pub use crate::user::joining::{GroupAnswered, GroupAsked, JoinAnswered};
pub use crate::user::mark::{ConversationArchived, ConversationMarked, ConversationMuted, Place};
pub use crate::user::profile::{Avatar, ProfileUpdated};
pub use crate::user::registration::Registered;
pub use crate::user::setting::SettingsUpdated;
pub use crate::user::thread::{ThreadFollowed, ThreadRead};

/// An event of a conversation's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationEvent {
    DirectOpened(DirectOpened),
    GroupCreated(GroupCreated),
    MemberAdded(MemberAdded),
    MemberRemoved(MemberRemoved),
    MemberLeft(MemberLeft),
    GroupRenamed(GroupRenamed),
    RoleChanged(RoleChanged),
    GroupSettingsChanged(GroupSettingsChanged),
    MemberMuted(MemberMuted),
    MemberBanned(MemberBanned),
    MemberUnbanned(MemberUnbanned),
    LinkCreated(LinkCreated),
    LinkRevoked(LinkRevoked),
    JoinRequested(JoinRequested),
    JoinRefused(JoinRefused),
    InvitationSent(InvitationSent),
    InvitationAccepted(InvitationAccepted),
    InvitationDeclined(InvitationDeclined),
    InvitationWithdrawn(InvitationWithdrawn),
    MessageSent(MessageSent),
    MessageEdited(MessageEdited),
    MessageRecalled(MessageRecalled),
    ReactionChanged(ReactionChanged),
    PinChanged(PinChanged),
    MessageWithheld(MessageWithheld),
}

impl ConversationEvent {
    /// Whether it brings its conversation to the top of lists: not what is done to an earlier message or to somebody's rights, nor what is said
    /// in a thread alone.
    pub fn brings_up(&self) -> bool {
        match self {
            Self::MessageSent(sent) => sent.line().is_main(),
            Self::DirectOpened(_)
            | Self::GroupCreated(_)
            | Self::MemberAdded(_)
            | Self::MemberRemoved(_)
            | Self::MemberLeft(_)
            | Self::GroupRenamed(_)
            | Self::RoleChanged(_)
            | Self::GroupSettingsChanged(_) => true,
            Self::MessageEdited(_)
            | Self::MessageRecalled(_)
            | Self::ReactionChanged(_)
            | Self::PinChanged(_)
            | Self::MessageWithheld(_)
            | Self::MemberMuted(_)
            | Self::MemberBanned(_)
            | Self::MemberUnbanned(_)
            | Self::LinkCreated(_)
            | Self::LinkRevoked(_)
            | Self::JoinRequested(_)
            | Self::JoinRefused(_)
            | Self::InvitationSent(_)
            | Self::InvitationAccepted(_)
            | Self::InvitationDeclined(_)
            | Self::InvitationWithdrawn(_) => false,
        }
    }
}

/// An event of a user's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEvent {
    Registered(Registered),
    CursorsMoved(CursorsMoved),
    InboxExpired(InboxExpired),
    AttachmentStored(AttachmentStored),
    AttachmentRemoved(AttachmentRemoved),
    ConversationMuted(ConversationMuted),
    ConversationArchived(ConversationArchived),
    ConversationMarked(ConversationMarked),
    MessagesHidden(MessagesHidden),
    ConversationCleared(ConversationCleared),
    ThreadFollowed(ThreadFollowed),
    ThreadRead(ThreadRead),
    ProfileUpdated(ProfileUpdated),
    SettingsUpdated(SettingsUpdated),
    /// Of what has become otherwise between the user and somebody else.
    Told(Told),
    Announced(Announced),
    /// Of what has become of the user's account.
    Account(AccountMatter),
    AccountDeleted(AccountDeleted),
}

/// Any event that the log keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Conversation(ConversationEvent),
    User(UserEvent),
    /// Of the stream of two people.
    Pair(PairChanged),
    /// Of the stream of a message's reports.
    Report(ReportEvent),
    /// Of the administration's stream.
    Administration(Acted),
    /// Of the stream of all announcements.
    Announcement(AnnouncementChanged),
}

impl From<ConversationEvent> for Event {
    fn from(event: ConversationEvent) -> Self {
        Self::Conversation(event)
    }
}

impl From<UserEvent> for Event {
    fn from(event: UserEvent) -> Self {
        Self::User(event)
    }
}

impl From<Told> for Event {
    fn from(told: Told) -> Self {
        Self::User(UserEvent::Told(told))
    }
}
