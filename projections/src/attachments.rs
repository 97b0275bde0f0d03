//! Files that people have stored, and the messages that show them.

mod attachment;
mod fold;
mod orphans;

pub use attachment::{Attachment, attachments, usage, visible};
pub(crate) use fold::Attachments;
pub use orphans::{Orphan, evidence, is_stored, orphans, unclaimed};
