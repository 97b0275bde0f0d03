//! Messages, with what was done to them later.

mod edit;
mod fold;
mod forward;
mod message;
mod past;
mod pin;
mod reaction;
mod recall;
mod thread;

pub use edit::{Edit, edits};
pub(crate) use fold::History;
pub use forward::Forwarded;
pub use message::{Message, by_id, last, pages};
pub use past::{
    PAST_REPLIES_MAX, PAST_THREADS_MAX, past_by_id, past_page, past_pins, past_replies, past_said,
    past_thread_activity, past_thread_replies, past_threads,
};
pub use pin::{pinned, pins};
pub use reaction::{Reaction, reaction_people, reactions};
pub use thread::{Thread, replies, thread_activity, thread_goes_on, threads};
