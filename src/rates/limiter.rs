//! Slowing floods and guesses: GCRA per key, in bounded memory.
//!
//! Unlike governor's own stores this one can be asked without taking anything, so that only failures are counted while
//! every attempt is checked, and it forgets the least recently used key when it is full.

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Keys that a limiter remembers.
const KEYS_MAX: usize = 100_000;

/// So many at once, and one more for each period.
pub(crate) struct Limiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    store: Store<K>,
    gcra: RateLimiter<Request<K>, Store<K>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Request<K> {
    key: K,
    take: bool,
}

struct Store<K: Hash + Eq>(Arc<Mutex<LruCache<K, Nanos>>>);

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(crate) fn new(burst: u32, period: Duration) -> Self {
        Self::with_clock(burst, period, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limiter<K, C> {
    fn with_clock(burst: u32, period: Duration, clock: C) -> Self {
        let period = period.max(Duration::from_nanos(1));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        // Only a period of zero gives none.
        let quota = Quota::with_period(period)
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(burst);
        let store = Store(Arc::new(Mutex::new(LruCache::unbounded())));
        let gcra = RateLimiter::new(quota, Store(Arc::clone(&store.0)), clock.clone());
        Self { store, gcra, clock }
    }

    /// Takes one for `key`, or answers how long to wait.
    pub(crate) fn take(&self, key: &K) -> Result<(), Duration> {
        self.ask(key, true)
    }

    /// Whether [`Self::take`] would be granted.
    pub(crate) fn check(&self, key: &K) -> Result<(), Duration> {
        self.ask(key, false)
    }

    /// Gives `key` back all that it took.
    pub(crate) fn forget(&self, key: &K) {
        self.store
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop(key);
    }

    fn ask(&self, key: &K, take: bool) -> Result<(), Duration> {
        let request = Request {
            key: key.clone(),
            take,
        };
        self.gcra
            .check_key(&request)
            .map_err(|refusal| refusal.wait_time_from(self.clock.now()))
    }
}

impl<K: Hash + Eq + Clone> StateStore for Store<K> {
    type Key = Request<K>;

    fn measure_and_replace<T, F, E>(&self, request: &Self::Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, state) = decide(states.get(&request.key).copied())?;
        if request.take {
            states.put(request.key.clone(), state);
            if states.len() > KEYS_MAX {
                states.pop_lru();
            }
        }
        Ok(answer)
    }
}

/// What counts as one address: of IPv6 the /64, because one household has all of it.
pub(crate) fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    #[test]
    fn a_burst_passes_and_then_one_a_period() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(2, Duration::from_secs(10), clock.clone());
        assert!(limiter.take(&"ada").is_ok());
        assert!(limiter.take(&"ada").is_ok());
        assert_eq!(limiter.take(&"ada"), Err(Duration::from_secs(10)));
        assert!(limiter.take(&"bob").is_ok(), "another key is not concerned");
        clock.advance(Duration::from_secs(10));
        assert!(limiter.take(&"ada").is_ok());
        assert!(limiter.take(&"ada").is_err());
        limiter.forget(&"ada");
        assert!(limiter.take(&"ada").is_ok());
    }

    #[test]
    fn asking_takes_nothing() {
        let limiter = Limiter::with_clock(1, Duration::from_secs(10), FakeRelativeClock::default());
        for _ in 0..5 {
            assert!(limiter.check(&1).is_ok());
        }
        assert!(limiter.take(&1).is_ok());
        assert_eq!(limiter.check(&1), Err(Duration::from_secs(10)));
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::with_clock(1, Duration::from_secs(10), FakeRelativeClock::default());
        for key in 0..KEYS_MAX + 10 {
            limiter.take(&key).unwrap();
        }
        assert_eq!(limiter.store.0.lock().unwrap().len(), KEYS_MAX);
        assert!(limiter.check(&(KEYS_MAX + 9)).is_err());
    }

    #[test]
    fn a_household_is_one_address() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
