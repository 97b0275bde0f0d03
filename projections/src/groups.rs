//! How groups govern themselves: their settings, who is muted or banned in them, and how people come in.

mod fold;
mod group_settings;
pub(crate) mod invitation;
mod link;
mod request;
mod sanction;
pub(crate) mod waiting;

pub(crate) use fold::Groups;
pub use group_settings::{Setting, settings};
pub use invitation::{Invitation, Invited, invitations, invited};
pub use link::{Link, links};
pub use request::{JoinRequest, requests};
pub use sanction::{Sanction, SanctionKind, sanctions};
pub use tidings_domain::{GroupSettings, History, Join, SettingsChange, Who};
