//! Which people there are. Accounts know; lanes are given somebody who asks them.

use futures_util::future::BoxFuture;
use std::collections::HashSet;
use tidings_domain::UserId;

/// Who is asked which people there are. People never go away.
pub trait People: Send + Sync {
    /// Whether all of them are known to exist without asking anybody. Does not block.
    fn remembers(&self, users: &[UserId]) -> bool;

    /// Those of them who exist, asked in one go; `None` when nobody answers in time. Asking again is safe.
    fn existing(&self, users: Vec<UserId>) -> BoxFuture<'_, Option<HashSet<UserId>>>;
}
