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

    /// How long it rests yet, where it is too early to try again.
    pub(super) fn early(&self, what: &Path, now: Instant) -> Option<Duration> {
        let tried = self.tried().get(what).copied();
        tried
            .map(|tried| tried.again_at.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
    }

    /// It has come to nothing once more, which may be its own fault. Returns how long it rests.
    pub(super) fn failed(&self, what: &Path, now: Instant) -> Duration {
        self.rest(what, now, |before| {
            let pause = PAUSE.saturating_mul(4_u32.saturating_pow(before)).min(PAUSE_MAX);
            (before.saturating_add(1), pause)
        })
    }

    /// Something else came between, so that nothing more is known of it than before. Returns how long it rests: no longer each time.
    pub(super) fn hindered(&self, what: &Path, now: Instant) -> Duration {
        self.rest(what, now, |before| (before, PAUSE))
    }

    /// It has come to something.
    pub(super) fn forget(&self, what: &Path) {
        self.tried().pop(what);
    }

    /// Notes how often it has come to nothing, and how long it rests, by how often it had. Returns how long.
    fn rest(&self, what: &Path, now: Instant, of: impl FnOnce(u32) -> (u32, Duration)) -> Duration {
        let mut tried = self.tried();
        let (count, pause) = of(tried.get(what).map_or(0, |tried| tried.count));
        let again_at = now + pause;
        tried.put(what.clone(), Tried { count, again_at });
        pause
    }

    fn tried(&self) -> MutexGuard<'_, LruCache<Path, Tried>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    fn rests(tries: &Tries, what: &Path, now: Instant, seconds: u64) -> Instant {
        let (pause, nearly) = (Duration::from_secs(seconds), Duration::from_millis(1));
        assert_eq!(
            tries.early(what, now + pause.saturating_sub(nearly)),
            Some(nearly)
        );
        assert_eq!(tries.early(&Path::from("b"), now), None, "others do not wait");
        assert_eq!(tries.early(what, now + pause), None);
        now + pause
    }

    #[test]
    fn what_comes_to_nothing_is_tried_again_later_each_time_and_for_ever() {
        let (tries, what) = (Tries::new(), Path::from("a"));
        let mut now = Instant::now();
        assert_eq!(tries.early(&what, now), None);
        for pause in [5, 20, 80, 320, 600, 600] {
            assert_eq!(tries.failed(&what, now), Duration::from_secs(pause));
            now = rests(&tries, &what, now, pause);
        }
        tries.forget(&what);
        assert_eq!(tries.failed(&what, now), PAUSE);
    }

    #[test]
    fn what_comes_to_nothing_several_times_at_once_counts_as_often() {
        let (tries, now) = (Tries::new(), Instant::now());
        for number in 0..200 {
            let (what, together) = (Path::from(number.to_string()), Barrier::new(3));
            let failing = || {
                together.wait();
                tries.failed(&what, now)
            };
            let mut pauses = thread::scope(|scope| {
                let failing = [(); 3].map(|()| scope.spawn(failing));
                failing.map(|one| one.join().unwrap().as_secs())
            });
            pauses.sort_unstable();
            assert_eq!(pauses, [5, 20, 80]);
        }
    }

    #[test]
    fn what_something_else_came_between_rests_for_a_moment_and_no_longer_each_time() {
        let (tries, what) = (Tries::new(), Path::from("a"));
        let mut now = Instant::now();
        for _ in 0..3 {
            assert_eq!(tries.hindered(&what, now), PAUSE);
            now = rests(&tries, &what, now, 5);
        }
        assert_eq!(tries.failed(&what, now), PAUSE);
        assert_eq!(tries.hindered(&what, now), PAUSE);
        assert_eq!(
            tries.failed(&what, now),
            4 * PAUSE,
            "what was known of it is known still"
        );
    }
}
