//! Whether the server that answered once is still the one that answers. A failover may lose the last commits, and none happens
//! without sessions being lost: what was learnt of the log before that is to be learnt again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// For how long an answer counts: no other server takes over so soon where this one falls silent without closing its sessions. It is counted
/// by the [uptime](crate::uptime): while this machine is suspended another server may well take over.
const COUNTS: Duration = Duration::from_secs(3);

/// How often sessions were lost, and when one was of use last.
#[derive(Debug, Default)]
pub(crate) struct Constancy(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    breaks: u64,
    /// The uptime when something was asked that was answered.
    answered: Option<Duration>,
}

impl Constancy {
    /// A session was lost, or something may have happened to the server.
    pub(crate) fn broke(&self) {
        self.known().breaks += 1;
    }

    /// What was asked at that uptime was answered.
    pub(crate) fn answered(&self, asked: Duration) {
        let mut known = self.known();
        known.answered = known.answered.max(Some(asked));
    }

    pub(crate) fn breaks(&self) -> u64 {
        self.known().breaks
    }

    /// Whether nothing has broken since that number of breaks, as far as can be known at the uptime `now`.
    pub(crate) fn lasts_since(&self, breaks: u64, now: Duration) -> bool {
        let known = self.known();
        let answers = known.answered.is_some_and(|asked| now < asked + COUNTS);
        known.breaks == breaks && answers
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uptime::uptime;

    #[test]
    fn what_was_known_counts_until_a_session_is_lost_or_nothing_answers() {
        let (constancy, began) = (Constancy::default(), uptime());
        let breaks = constancy.breaks();
        assert!(!constancy.lasts_since(breaks, began));
        constancy.answered(began);
        assert!(constancy.lasts_since(breaks, began));
        let later = began + COUNTS;
        assert!(!constancy.lasts_since(breaks, later));
        constancy.answered(later);
        // The answer to what was asked before may come behind it.
        constancy.answered(began);
        assert!(constancy.lasts_since(breaks, later));
        constancy.broke();
        constancy.answered(later);
        assert!(!constancy.lasts_since(breaks, later));
        assert!(constancy.lasts_since(constancy.breaks(), later));
    }
}
