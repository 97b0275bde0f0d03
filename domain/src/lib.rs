//! The rules of conversations and users.
//!
//! Everything here is pure: `decide` turns a command into events or a [`Rejection`], `evolve` folds events into
//! state. Time and ids arrive as arguments. There is no I/O, no clock, no randomness and no async; the wire format
//! and the log are unknown here.

pub mod administration;
pub mod announcement;
pub mod command;
pub mod conversation;
mod digest;
pub mod event;
pub mod facts;
mod frozen;
pub mod id;
pub mod kind;
pub mod membership;
mod moment;
pub mod pair;
pub mod presence;
pub mod rejection;
pub mod report;
pub mod rules;
pub mod stored;
pub mod stream;
pub mod text;
pub mod user;

pub use administration::{ADMINISTRATION, Act};
pub use announcement::{
    ANNOUNCEMENT_BYTES_MAX, ANNOUNCEMENTS, AnnouncementCommand, AnnouncementText, Announcements,
    SCHEDULED_MAX,
};
pub use command::{Command, ConversationCommand};
pub use conversation::Conversation;
pub use conversation::forward::{Forwarded, Original, Source};
pub use conversation::group_settings::{GroupSettings, Join, SettingsChange, Who};
pub use conversation::history::{Beginning, History};
pub use conversation::invitation::{INVITATIONS_A_DAY, INVITATIONS_MAX};
pub use conversation::joining::{DOORKEEPERS_MAX, JOIN_REQUEST_SECONDS, JOIN_REQUESTS_MAX};
pub use conversation::link::{LINK_SECONDS, LINKS_MAX, LinkSecret};
pub use conversation::message::{Says, SendMessage};
pub use conversation::past::{Past, PastMember};
pub use conversation::pin::PINS_MAX;
pub use conversation::reaction::Emoji;
pub use conversation::receipt::{RECEIPT_MEMBERS_MAX, Receipts};
pub use conversation::thread::{InThread, Line};
pub use conversation::withholding::WITHHELD_MAX;
pub use digest::DigestKey;
pub use event::{Content, ConversationEvent, Cursor, Event, Role, UserEvent};
pub use facts::{Aspect, Attachment, Facts, Message, Need, Reactions, Regard, Ties};
pub use frozen::FROZEN_VERSION;
pub use id::{CommandId, ConversationId, ReportId, UserId, pair_of, reports_of};
pub use membership::{Joined, Membership};
pub use moment::Moment;
pub use pair::contact::{CONTACTS_MAX, REQUESTS_A_DAY, REQUESTS_MAX};
pub use pair::{Change, Pair, PairCommand};
pub use rejection::{Field, Rejection};
pub use report::{Filing, Handling, REPORTS_A_DAY, ReportCommand, ReportEvent, Reports};
pub use rules::{Rules, Window};
pub use stream::{Stream, StreamCommand};
pub use text::{About, DisplayName, FileName, Greeting, GroupName, MessageText, Reason, ReportNote};
pub use user::attachment::{Quota, Usage};
pub use user::contact::Told;
pub use user::deletion::{AccountDeleted, DELETED_NAME, DeletedBy};
pub use user::hiding::{Found, HIDDEN_MAX, Hidden, Hiding};
pub use user::invitation::Ending;
pub use user::joining::ASKED_TOLD_MAX;
pub use user::mark::{MARKED_MAX, Mark, Marking};
pub use user::open::OPEN_MAX;
pub use user::setting::{Audience, Settings};
pub use user::thread::{Root, Said};
pub use user::{User, UserCommand};
