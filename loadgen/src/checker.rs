//! Compares what clients saw and what the server tells with what was acknowledged. It does no I/O; the first
//! difference is a [`Fault`].

mod amended;
mod counts;
mod deliveries;
mod fault;
mod journal;
mod messages;
mod print;

pub(crate) use amended::Amendments;
pub(crate) use counts::{check_pending, check_unread};
pub(crate) use deliveries::{Reader, check_deliveries};
pub(crate) use fault::Fault;
pub(crate) use journal::Journal;
pub(crate) use messages::{Log, Message, Sent, check_messages};
pub(crate) use print::{event_print, event_print_with, is_withheld, text_print};
