//! What people show of themselves, and what they want of others.

mod fold;
mod profile;
mod setting;

pub(crate) use fold::People;
pub use profile::{Name, Profile, names, profiles};
pub use setting::settings;
pub use tidings_domain::{Audience, Settings};
