//! The wire and the domain, the one told in the words of the other: the only room that translates between them.
//!
//! Everything here is pure and synchronous.

mod answer;
mod command;
mod direct;
mod event;
mod frame;
mod group;
mod hiding;
mod mark;
mod message;
mod notice;
mod pin;
mod profile;
mod reaction;
mod reading;
mod setting;
mod thread;
mod typing;
mod welcome;

pub use answer::{answer, refused};
pub use command::{Wanted, translate};
pub use event::{LiveEvent, encode, gap, shown};
pub use frame::Frame;
pub use hiding::Hide;
pub use notice::{notice, notice_gap};
pub use reading::receipt;
pub use typing::typing;
pub use welcome::{Announced, welcome};
