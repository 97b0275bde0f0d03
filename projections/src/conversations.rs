//! People, conversations and their members.

mod acquaintance;
pub(crate) mod conversation;
pub(crate) mod counts;
mod fold;
pub(crate) mod kinds;
pub(crate) mod known_users;
mod member;
pub(crate) mod memberships;
mod newcomers;
mod person;
pub(crate) mod present;
mod receipts;
mod view;
pub(crate) mod visible;

pub use acquaintance::{acquainted, member_ids, members_among};
pub use conversation::{Activity, Conversation, activity, by_id};
pub(crate) use fold::Conversations;
pub use member::{Member, members, members_by_id};
pub use newcomers::Newcomers;
pub use person::{Person, people, person_named};
pub use receipts::receipts;
pub use view::visible_from;
