//! Rates: what users and addresses may do in a time, in floods and guesses too.

mod limiter;

pub(crate) use limiter::{Limiter, address_key};
