//! What people show of themselves, what they want of others, and what they are to one another.

mod apart;
mod fold;
mod last_seen;
mod profile;
mod receipts;
mod setting;
mod tie;

pub use apart::{apart, parted};
pub(crate) use fold::People;
pub use last_seen::{LastSeen, last_seen};
pub use profile::{Name, Profile, names, profiles};
pub use receipts::{kept_from, withheld};
pub use setting::settings;
pub use tidings_domain::{Audience, Settings};
pub use tie::{Tie, TieKind, regards, ties, ties_of};
