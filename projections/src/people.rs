//! What people show of themselves, what they want of others, what they are to one another, and what they report.

mod apart;
mod contact;
mod fold;
mod last_seen;
mod profile;
mod receipts;
mod report;
mod setting;
mod tie;
pub(crate) mod tied;

pub use apart::{apart, apart_in, parted};
pub use contact::{contacts, contacts_among};
pub(crate) use fold::People;
pub use last_seen::{LastSeen, last_seen};
pub use profile::{Name, Profile, names, profiles};
pub use receipts::{kept_from, withheld};
pub use report::{Handled, Report, ReportPlace, ReportState, report, reports, reports_free_at};
pub use setting::settings;
pub use tidings_domain::presence::NAMED_MEMBERS_MAX;
pub use tidings_domain::{Audience, Handling, Settings};
pub use tie::{Tie, TieKind, regards, ties, ties_of};
