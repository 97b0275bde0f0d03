//! Puts any chat server under the checker, through an adapter.
