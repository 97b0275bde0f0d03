//! Writes down what devices of Tidings do and see, as the checker wants it, and says what their messages come to.
//!
//! [`scribe`] keeps the journal of a device, [`said`] gives commands and events the digests that journals compare, [`fold`]
//! says what the messages of a log are at its end, [`own`] what somebody has to be told of them, [`pair`] what becomes of two people, [`report`]
//! what is reported of messages, [`moderation`] what moderators order, and [`export`] makes lines of an export of events that a member fetched.

pub mod export;
pub mod fold;
pub mod moderation;
pub mod own;
pub mod pair;
pub mod report;
pub mod said;
pub mod scribe;
