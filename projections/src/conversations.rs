//! People, conversations and their members.

mod fold;
pub(crate) mod known_users;
pub(crate) mod memberships;

pub(crate) use fold::Conversations;
