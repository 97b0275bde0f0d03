//! People, conversations and their members.

pub(crate) mod conversation;
pub(crate) mod counts;
mod fold;
pub(crate) mod known_users;
mod member;
pub(crate) mod memberships;
mod person;

pub use conversation::{Activity, Conversation, activity, by_id};
pub(crate) use fold::Conversations;
pub use member::{Member, members};
pub use person::{Person, people, person_named};
