//! How fast conversations change. Members, roles and names are folded by every node and read again by whoever needs the conversation
//! next, so their changes have a rate. Messages have none here.

use lru::LruCache;
use std::num::NonZeroUsize;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// Conversations whose changes are remembered. One that is forgotten may change as if it had been quiet.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

/// Counts the changes of a lane's conversations, those by other nodes too, as far as they are heard of. By the generic cell rate
/// algorithm: of each, only the moment is kept at which it has rested.
pub(super) struct Paces {
    /// How long one change takes to be forgotten; zero where there is no limit.
    interval: Duration,
    burst: u32,
    rested: LruCache<Uuid, Instant>,
}

impl Paces {
    /// So many changes of each conversation a second in the long run, and `burst` at once after a quiet while; 0 a second is no limit.
    pub(super) fn new(per_second: u32, burst: u32) -> Self {
        Self {
            interval: Duration::from_secs(1).checked_div(per_second).unwrap_or_default(),
            burst: burst.max(1),
            rested: LruCache::new(REMEMBERED),
        }
    }

    /// How long a conversation has to wait for its next change, where `before` others come first; `None` where it need not.
    pub(super) fn wait(&self, conversation: Uuid, before: u32, now: Instant) -> Option<Duration> {
        let rested = self
            .rested
            .peek(&conversation)
            .map_or(now, |rested| (*rested).max(now));
        let after = rested + self.interval * (before + 1);
        let wait = after.saturating_duration_since(now + self.interval * self.burst);
        (!wait.is_zero()).then_some(wait)
    }

    /// Counts changes of a conversation.
    pub(super) fn spend(&mut self, conversation: Uuid, changes: u32, now: Instant) {
        if self.interval.is_zero() {
            return;
        }
        let before = self
            .rested
            .get(&conversation)
            .map_or(now, |rested| (*rested).max(now));
        // Other nodes may have let more through; nobody waits for longer than for a whole burst.
        let rested = (before + self.interval * changes).min(now + self.interval * self.burst);
        self.rested.put(conversation, rested);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);

    #[test]
    fn a_conversation_changes_in_bursts_and_then_at_its_rate() {
        let (mut paces, now) = (Paces::new(10, 3), Instant::now());
        assert_eq!(paces.wait(ONE, 2, now), None);
        assert_eq!(paces.wait(ONE, 3, now), Some(Duration::from_millis(100)));
        paces.spend(ONE, 3, now);
        assert_eq!(paces.wait(ONE, 0, now), Some(Duration::from_millis(100)));
        assert_eq!(paces.wait(ONE, 1, now), Some(Duration::from_millis(200)));
        assert_eq!(paces.wait(ONE, 0, now + Duration::from_millis(100)), None);
        assert_eq!(
            paces.wait(Uuid::from_u128(2), 0, now),
            None,
            "others do not feel it"
        );
        // However much is let through elsewhere.
        paces.spend(ONE, 1000, now);
        assert_eq!(paces.wait(ONE, 0, now), Some(Duration::from_millis(100)));
        assert_eq!(paces.wait(ONE, 2, now + Duration::from_millis(300)), None);
    }

    #[test]
    fn without_a_rate_nothing_is_counted() {
        let (mut paces, now) = (Paces::new(0, 0), Instant::now());
        paces.spend(ONE, 1000, now);
        assert_eq!((paces.wait(ONE, 1000, now), paces.rested.len()), (None, 0));
    }
}
