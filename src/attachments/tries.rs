//! What came to nothing, and nobody knows whether it always will: when it is tried again. Kept in memory, so that a node that begins again
//! tries again.

use lru::LruCache;
use object_store::path::Path;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So much is remembered. What is forgotten is tried as if it never had been.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");
/// How long the second try waits behind the first. Each one behind it waits four times as long,
const PAUSE: Duration = Duration::from_secs(5);
/// and none longer than this.
const PAUSE_MAX: Duration = Duration::from_mins(10);

pub(super) struct Tries(Mutex<LruCache<Path, Tried>>);

#[derive(Clone, Copy)]
struct Tried {
    count: u32,
    again_at: Instant,
}

impl Tries {
    pub(super) fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    /// How often it has come to nothing, where it is too early to try again.
    pub(super) fn early(&self, what: &Path, now: Instant) -> Option<u32> {
        let tried = self.tried().get(what).copied();
        tried
            .filter(|tried| tried.again_at > now)
            .map(|tried| tried.count)
    }

    /// It has come to nothing once more. Returns how often.
    pub(super) fn failed(&self, what: &Path, now: Instant) -> u32 {
        let mut all = self.tried();
        let before = all.get(what).map_or(0, |tried| tried.count);
        let pause = PAUSE.saturating_mul(4_u32.saturating_pow(before)).min(PAUSE_MAX);
        let count = before.saturating_add(1);
        let again_at = now + pause;
        all.put(what.clone(), Tried { count, again_at });
        count
    }

    /// It has come to something.
    pub(super) fn forget(&self, what: &Path) {
        self.tried().pop(what);
    }

    fn tried(&self) -> MutexGuard<'_, LruCache<Path, Tried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_nothing_is_tried_again_later_each_time_and_for_ever() {
        let (tries, what) = (Tries::new(), Path::from("a"));
        let mut now = Instant::now();
        assert_eq!(tries.early(&what, now), None);
        for (count, pause) in [(1, 5), (2, 20), (3, 80), (4, 320), (5, 600), (6, 600)] {
            assert_eq!(tries.failed(&what, now), count);
            let pause = Duration::from_secs(pause);
            let nearly = now + pause.saturating_sub(Duration::from_millis(1));
            assert_eq!(tries.early(&what, nearly), Some(count));
            assert_eq!(tries.early(&Path::from("b"), nearly), None, "others do not wait");
            now += pause;
            assert_eq!(tries.early(&what, now), None);
        }
        tries.forget(&what);
        assert_eq!(tries.failed(&what, now), 1);
    }
}
