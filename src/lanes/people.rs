//! Which people there are. Others know; lanes are given somebody who asks them.

use futures_util::future::BoxFuture;
use std::collections::HashMap;
use tidings_domain::UserId;

/// Who is asked which people there are, and how many conversations more each of them may be put into. Whoever's account is deleted
/// goes away, and is soon not remembered.
pub trait People: Send + Sync {
    /// The same as [`existing`](Self::existing) of a command's people, where all of them are known to exist and to have room without
    /// asking anybody: one conversation more is counted for each. Does not block.
    fn remembers(&self, users: &[UserId]) -> Option<HashMap<UserId, u32>>;

    /// Those of them who exist, asked in one go, each with how many conversations more they may be put into, as far as is known;
    /// `None` when nobody answers in time. Asking again is safe.
    fn existing(&self, users: Vec<UserId>) -> BoxFuture<'_, Option<HashMap<UserId, u32>>>;
}
