//! Blocks: somebody wants nothing of somebody else. What they are to one another stays as it is, out of sight: whoever is blocked is answered as
//! before, or as strangers are answered by those who want nothing of strangers.

use super::{Change, Pair};
use crate::facts::Ties;
use crate::id::UserId;
use crate::rejection::Rejection;

/// The most people whom somebody blocks.
pub const BLOCKS_MAX: u32 = 10_000;

impl Pair {
    pub(super) fn block(
        &self,
        (actor, user): (UserId, UserId),
        on: bool,
        ties: &Ties,
    ) -> Result<Option<Change>, Rejection> {
        if self.of(actor, user).blocks == on {
            return Ok(None);
        }
        if on && ties.blocks >= BLOCKS_MAX {
            return Err(Rejection::Conflict("you block too many people"));
        }
        Ok(Some(Change::Blocked { on }))
    }
}
