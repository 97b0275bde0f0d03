//! What administrators tell everybody, whom it has reached, and who has read it.

mod announced;
mod announcement;
mod fold;

pub use announced::{Lately, Reach, lately, reach};
pub use announcement::{Announcement, announcements, announcements_by_id};
pub(crate) use fold::Announcements;
