//! The wire and the domain, the one told in the words of the other: the only room that translates between them.
//!
//! Everything here is pure and synchronous.

mod answer;
mod ban;
mod command;
mod contact;
mod direct;
mod event;
mod frame;
mod group;
mod group_settings;
mod hiding;
mod invitation;
mod joining;
mod link;
mod mark;
mod message;
mod muted;
mod notice;
mod pin;
mod presence;
mod profile;
mod reaction;
mod reading;
mod report;
mod setting;
mod thread;
mod typing;
mod welcome;

pub use answer::{answer, answer_made, refused};
pub use command::{Wanted, translate};
pub use event::{Edits, LiveEvent, encode, gap, shown};
pub use frame::Frame;
pub use hiding::Hide;
pub use notice::{notice, notice_gap};
pub use presence::{Sight, Watched, presence, presence_count, presence_state, said_with_hello, status};
pub use reading::receipt;
pub use report::Report;
pub use typing::typing;
pub use welcome::{Announced, welcome};
