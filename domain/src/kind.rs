//! Kinds of stored events: one table, a line an event, from which follows all that is known of a kind.
//!
//! A kind's number is never used again for anything else, and names never carry Rust type names, so renaming a type costs
//! nothing.

use crate::conversation::thread::{Line, ThreadReplied, ThreadRepliedAlso};
use crate::event::{
    AccountDeleted, AccountMatter, Acted, Announced, AnnouncementChanged, AttachmentRemoved,
    AttachmentStored, ContactAccepted, ContactDeclined, ContactRemoved, ContactRequested, ContactWithdrawn,
    ConversationArchived, ConversationCleared, ConversationEvent, ConversationMarked, ConversationMuted,
    CursorsMoved, DirectOpened, Event, GroupAnswered, GroupAsked, GroupCreated, GroupInvited, GroupRenamed,
    GroupSettingsChanged, InboxExpired, InvitationAccepted, InvitationDeclined, InvitationEnded,
    InvitationSent, InvitationWithdrawn, JoinAnswered, JoinRefused, JoinRequested, LinkCreated, LinkRevoked,
    MemberAdded, MemberBanned, MemberLeft, MemberMuted, MemberRemoved, MemberUnbanned, MessageEdited,
    MessageRecalled, MessageSent, MessageWithheld, MessagesHidden, PairChanged, PinChanged, ProfileUpdated,
    ReactionChanged, Registered, ReportFiled, ReportHandled, RoleChanged, SettingsUpdated, ThreadFollowed,
    ThreadRead, UserBlocked,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

/// An event as the log keeps it: as JSON, with the number of its kind and a version.
pub trait Stored: Serialize + DeserializeOwned {
    const KIND: Kind;
    /// The name by which it is told from all others, in settings and golden files.
    const NAME: &'static str;
    /// The name on the wire, which does not tell all of them apart.
    const WIRE: &'static str = Self::NAME;
    /// The version that this program writes.
    const VERSION: i16 = 1;
    /// Whether decisions depend on events of this kind.
    const CONTROL: bool = false;
    /// Whether events of this kind are messages.
    const MESSAGE: bool = false;
    /// Whether they are shown in the main timeline and count as unread.
    const COUNTABLE: bool = false;

    fn into_event(self) -> Event;
}

/// The number of an event kind in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub i16);

/// What is known of a kind.
pub(crate) struct Entry {
    kind: Kind,
    name: &'static str,
    wire: &'static str,
    version: i16,
    control: bool,
    message: bool,
    countable: bool,
    pub(crate) parse: fn(&[u8]) -> serde_json::Result<Event>,
}

const fn entry<E: Stored>() -> Entry {
    Entry {
        kind: E::KIND,
        name: E::NAME,
        wire: E::WIRE,
        version: E::VERSION,
        control: E::CONTROL,
        message: E::MESSAGE,
        countable: E::COUNTABLE,
        parse: parse::<E>,
    }
}

fn parse<E: Stored>(payload: &[u8]) -> serde_json::Result<Event> {
    serde_json::from_slice::<E>(payload).map(E::into_event)
}

/// By number.
const TABLE: [Entry; 60] = [
    entry::<DirectOpened>(),
    entry::<GroupCreated>(),
    entry::<MemberAdded>(),
    entry::<MemberRemoved>(),
    entry::<MemberLeft>(),
    entry::<GroupRenamed>(),
    entry::<RoleChanged>(),
    entry::<GroupSettingsChanged>(),
    entry::<MemberMuted>(),
    entry::<MemberBanned>(),
    entry::<MemberUnbanned>(),
    entry::<LinkCreated>(),
    entry::<LinkRevoked>(),
    entry::<JoinRequested>(),
    entry::<JoinRefused>(),
    entry::<MessageSent>(),
    entry::<MessageEdited>(),
    entry::<MessageRecalled>(),
    entry::<ReactionChanged>(),
    entry::<PinChanged>(),
    entry::<ThreadReplied>(),
    entry::<ThreadRepliedAlso>(),
    entry::<InvitationSent>(),
    entry::<InvitationAccepted>(),
    entry::<InvitationDeclined>(),
    entry::<InvitationWithdrawn>(),
    entry::<Registered>(),
    entry::<CursorsMoved>(),
    entry::<InboxExpired>(),
    entry::<AttachmentStored>(),
    entry::<AttachmentRemoved>(),
    entry::<ThreadFollowed>(),
    entry::<ThreadRead>(),
    entry::<ConversationMuted>(),
    entry::<ConversationArchived>(),
    entry::<ConversationMarked>(),
    entry::<MessagesHidden>(),
    entry::<ConversationCleared>(),
    entry::<ProfileUpdated>(),
    entry::<SettingsUpdated>(),
    entry::<ContactRequested>(),
    entry::<ContactAccepted>(),
    entry::<ContactDeclined>(),
    entry::<ContactWithdrawn>(),
    entry::<ContactRemoved>(),
    entry::<UserBlocked>(),
    entry::<Announced>(),
    entry::<GroupInvited>(),
    entry::<InvitationEnded>(),
    entry::<AccountMatter>(),
    entry::<GroupAsked>(),
    entry::<GroupAnswered>(),
    entry::<JoinAnswered>(),
    entry::<Acted>(),
    entry::<PairChanged>(),
    entry::<ReportFiled>(),
    entry::<ReportHandled>(),
    entry::<AnnouncementChanged>(),
    entry::<AccountDeleted>(),
    entry::<MessageWithheld>(),
];

/// Kinds that this process takes for unknown.
static LEFT_OUT: OnceLock<Vec<Kind>> = OnceLock::new();

/// From here on this process reads and shows no event of these kinds, as an older version that does not have them. Only what is
/// said first counts: call it once, before anything is read.
pub fn leave_out(kinds: Vec<Kind>) {
    LEFT_OUT.get_or_init(|| kinds);
}

impl Kind {
    pub const DIRECT_OPENED: Self = Self(1);
    pub const GROUP_CREATED: Self = Self(2);
    pub const MEMBER_ADDED: Self = Self(3);
    pub const MEMBER_REMOVED: Self = Self(4);
    pub const MEMBER_LEFT: Self = Self(5);
    pub const GROUP_RENAMED: Self = Self(6);
    pub const ROLE_CHANGED: Self = Self(7);
    pub const GROUP_SETTINGS_CHANGED: Self = Self(8);
    pub const MEMBER_MUTED: Self = Self(9);
    pub const MEMBER_BANNED: Self = Self(10);
    pub const MEMBER_UNBANNED: Self = Self(11);
    pub const LINK_CREATED: Self = Self(12);
    pub const LINK_REVOKED: Self = Self(13);
    pub const JOIN_REQUESTED: Self = Self(14);
    pub const JOIN_REFUSED: Self = Self(15);
    pub const MESSAGE_SENT: Self = Self(16);
    pub const MESSAGE_EDITED: Self = Self(17);
    pub const MESSAGE_RECALLED: Self = Self(18);
    pub const REACTION_CHANGED: Self = Self(19);
    pub const PIN_CHANGED: Self = Self(20);
    /// A message that stands in a thread alone.
    pub const THREAD_REPLIED: Self = Self(21);
    /// A message that stands in a thread and in the main timeline.
    pub const THREAD_REPLIED_ALSO: Self = Self(22);
    pub const INVITATION_SENT: Self = Self(23);
    pub const INVITATION_ACCEPTED: Self = Self(24);
    pub const INVITATION_DECLINED: Self = Self(25);
    pub const INVITATION_WITHDRAWN: Self = Self(26);
    pub const USER_REGISTERED: Self = Self(64);
    pub const CURSORS_MOVED: Self = Self(65);
    pub const INBOX_EXPIRED: Self = Self(66);
    pub const ATTACHMENT_STORED: Self = Self(67);
    pub const ATTACHMENT_REMOVED: Self = Self(68);
    pub const THREAD_FOLLOWED: Self = Self(69);
    pub const THREAD_READ: Self = Self(70);
    pub const CONVERSATION_MUTED: Self = Self(71);
    pub const CONVERSATION_ARCHIVED: Self = Self(72);
    pub const CONVERSATION_MARKED: Self = Self(73);
    pub const MESSAGES_HIDDEN: Self = Self(74);
    pub const CONVERSATION_CLEARED: Self = Self(75);
    pub const PROFILE_UPDATED: Self = Self(76);
    pub const SETTINGS_UPDATED: Self = Self(77);
    pub const CONTACT_REQUESTED: Self = Self(78);
    pub const CONTACT_ACCEPTED: Self = Self(79);
    pub const CONTACT_DECLINED: Self = Self(80);
    pub const CONTACT_WITHDRAWN: Self = Self(81);
    pub const CONTACT_REMOVED: Self = Self(82);
    pub const USER_BLOCKED: Self = Self(83);
    pub const ANNOUNCED: Self = Self(86);
    pub const GROUP_INVITED: Self = Self(87);
    pub const INVITATION_ENDED: Self = Self(88);
    pub const ACCOUNT: Self = Self(89);
    pub const GROUP_ASKED: Self = Self(90);
    pub const GROUP_ANSWERED: Self = Self(91);
    pub const JOIN_ANSWERED: Self = Self(92);
    pub const ADMINISTRATOR_ACTED: Self = Self(96);
    pub const PAIR_CHANGED: Self = Self(97);
    pub const REPORT_FILED: Self = Self(98);
    pub const REPORT_HANDLED: Self = Self(99);
    pub const ANNOUNCEMENT_CHANGED: Self = Self(100);
    /// Of a user's own stream, and no notice: nobody is there to be told.
    pub const ACCOUNT_DELETED: Self = Self(101);
    /// Of a conversation's stream.
    pub const MESSAGE_WITHHELD: Self = Self(102);

    /// The kinds of messages, wherever they stand.
    pub const MESSAGES: [Self; 3] = [
        Self::MESSAGE_SENT,
        Self::THREAD_REPLIED,
        Self::THREAD_REPLIED_ALSO,
    ];

    /// The kinds of which nobody is told who did them, whatever their role: of the streams of pairs and of reports, whose ids can be worked out
    /// by whoever knows whom or what they are about, and what people are told where that depends on their pairs: of contacts, and of invitations and
    /// requests to be let in, for one of which nobody was told is by whom they block.
    pub const CONFIDENTIAL: [Self; 14] = [
        Self::CONTACT_REQUESTED,
        Self::CONTACT_ACCEPTED,
        Self::CONTACT_DECLINED,
        Self::CONTACT_WITHDRAWN,
        Self::CONTACT_REMOVED,
        Self::USER_BLOCKED,
        Self::GROUP_INVITED,
        Self::INVITATION_ENDED,
        Self::GROUP_ASKED,
        Self::GROUP_ANSWERED,
        Self::JOIN_ANSWERED,
        Self::PAIR_CHANGED,
        Self::REPORT_FILED,
        Self::REPORT_HANDLED,
    ];

    /// Every kind that this version can decode, by number.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self(0); TABLE.len()];
        let mut index = 0;
        while index < all.len() {
            all[index] = TABLE[index].kind;
            index += 1;
        }
        all
    };

    /// The kinds of a user's stream that the user is told of, as notices. Their numbers lie together, so that the log finds them by an index
    /// that holds nothing else (ADR 40), and so that a notice of a later version is known to be one.
    pub const NOTICES: RangeInclusive<i16> = 69..=95;

    /// What this version knows of the kind, unless it was [left out](leave_out).
    pub(crate) fn entry(self) -> Option<&'static Entry> {
        static ENTRIES: [Entry; TABLE.len()] = TABLE;
        if LEFT_OUT.get().is_some_and(|left_out| left_out.contains(&self)) {
            return None;
        }
        ENTRIES.iter().find(|entry| entry.kind == self)
    }

    /// The name in settings and golden files; `None` for a number that this version does not know or that was
    /// [left out](leave_out).
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.name)
    }

    /// The name on the wire: messages have the same one, wherever they stand.
    pub fn wire_name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.wire)
    }

    /// The kind of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == Some(name))
    }

    /// The version that this program writes; 1 of a kind that it does not know.
    pub fn version(self) -> i16 {
        self.entry().map_or(1, |entry| entry.version)
    }

    /// Whether decisions depend on every event of this kind, as they may on those of one that is not known.
    pub fn is_control(self) -> bool {
        self.entry().is_none_or(|entry| entry.control)
    }

    /// Whether it notes what has happened in another stream. It cannot be refused, and uses up nothing of what its own stream may do.
    pub fn is_noted(self) -> bool {
        matches!(
            self,
            Self::GROUP_INVITED | Self::INVITATION_ENDED | Self::GROUP_ASKED | Self::GROUP_ANSWERED
        )
    }

    /// Whether the user is told of events of this kind.
    pub fn is_notice(self) -> bool {
        Self::NOTICES.contains(&self.0)
    }

    /// Where messages of this kind stand, if it is one of messages.
    pub fn line(self) -> Option<Line> {
        match self {
            Self::MESSAGE_SENT => Some(Line::Main),
            Self::THREAD_REPLIED => Some(Line::Thread),
            Self::THREAD_REPLIED_ALSO => Some(Line::Both),
            _ => None,
        }
    }

    /// Whether events of this kind are messages.
    pub fn is_message(self) -> bool {
        self.entry().is_some_and(|entry| entry.message)
    }

    /// Whether decisions depend on this event of the kind: on all of some kinds, and on messages that mention everyone or
    /// are sent in slow mode, for those have a rate.
    pub fn is_control_event(self, event: &Event) -> bool {
        match event {
            Event::Conversation(ConversationEvent::MessageSent(sent)) => sent.everyone || sent.slow.is_some(),
            _ => self.is_control(),
        }
    }

    /// Whether events of this kind are messages of the main timeline, which unread counts count.
    pub fn is_countable(self) -> bool {
        self.entry().is_some_and(|entry| entry.countable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_number_and_a_name_of_its_own() {
        assert!(Kind::ALL.is_sorted_by(|one, next| one < next));
        for kind in Kind::ALL {
            assert_eq!(kind.name().and_then(Kind::by_name), Some(kind));
            assert!(!(kind.is_control() && kind.is_message()), "{kind:?}");
            assert_eq!(kind.is_message(), Kind::MESSAGES.contains(&kind), "{kind:?}");
            assert_eq!(kind.is_message(), kind.line().is_some(), "{kind:?}");
            assert_eq!(
                kind.is_countable(),
                kind.line().is_some_and(Line::is_main),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn a_user_is_told_of_what_they_did_for_themselves_of_others_of_announcements_and_of_their_account() {
        let told = [
            Kind::THREAD_FOLLOWED,
            Kind::THREAD_READ,
            Kind::CONVERSATION_MUTED,
            Kind::CONVERSATION_ARCHIVED,
            Kind::CONVERSATION_MARKED,
            Kind::MESSAGES_HIDDEN,
            Kind::CONVERSATION_CLEARED,
            Kind::PROFILE_UPDATED,
            Kind::SETTINGS_UPDATED,
            Kind::CONTACT_REQUESTED,
            Kind::CONTACT_ACCEPTED,
            Kind::CONTACT_DECLINED,
            Kind::CONTACT_WITHDRAWN,
            Kind::CONTACT_REMOVED,
            Kind::USER_BLOCKED,
            Kind::ANNOUNCED,
            Kind::GROUP_INVITED,
            Kind::INVITATION_ENDED,
            Kind::ACCOUNT,
            Kind::GROUP_ASKED,
            Kind::GROUP_ANSWERED,
            Kind::JOIN_ANSWERED,
        ];
        assert!(Kind::ALL.into_iter().filter(|kind| kind.is_notice()).eq(told));
    }

    #[test]
    fn of_an_unknown_kind_the_worst_is_assumed() {
        let unknown = Kind(999);
        assert_eq!((unknown.name(), unknown.version()), (None, 1));
        assert!(unknown.is_control() && !unknown.is_countable());
    }
}
