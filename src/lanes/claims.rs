//! Ids of commands that are on their way, over all lanes of a node.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// What a user's ids in flight were sent to. Bounded by the queues of the lanes.
#[derive(Default)]
pub(super) struct Claims(Mutex<HashMap<(Uuid, Uuid), Claim>>);

struct Claim {
    stream: Uuid,
    /// The same command may be on its way several times.
    count: u32,
}

impl Claims {
    /// Says that `actor` has sent `id` to `stream`; `false` when it is on its way to another one.
    pub(super) fn claim(&self, actor: Uuid, id: Uuid, stream: Uuid) -> bool {
        let mut claims = self.claims();
        let claim = claims.entry((actor, id)).or_insert(Claim { stream, count: 0 });
        if claim.stream != stream {
            return false;
        }
        claim.count += 1;
        true
    }

    /// Says that one of them was answered.
    pub(super) fn release(&self, actor: Uuid, id: Uuid) {
        let mut claims = self.claims();
        if let Some(claim) = claims.get_mut(&(actor, id)) {
            claim.count -= 1;
            if claim.count == 0 {
                claims.remove(&(actor, id));
            }
        }
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<(Uuid, Uuid), Claim>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
