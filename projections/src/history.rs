//! Messages, with what was done to them later.

mod fold;

pub(crate) use fold::History;
