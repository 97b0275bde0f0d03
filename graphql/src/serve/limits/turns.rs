//! Who may ask now: so much cost per time, and so many requests at once, of each viewer and of all.

use crate::backend::CostAllowance;
use crate::errors::{Code, Refusal};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Viewers whose cost is remembered; the one who has not asked for longest is forgotten first.
const REMEMBERED_MAX: usize = 50_000;
/// When a place is likely to be free again.
const RETRY_AFTER_MS: u64 = 250;

/// What all requests of a node share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Shared>);

struct Shared {
    places: Arc<Semaphore>,
    per_viewer: usize,
    open: Mutex<HashMap<Uuid, usize>>,
    quota: Quota,
    /// Least recently used first.
    spent: Mutex<LruCache<Payer, Arc<Spent>>>,
}

/// What somebody has spent.
struct Spent {
    /// On reading documents, which has to be paid before anybody knows what the whole of a request costs.
    reading: DefaultDirectRateLimiter,
    /// On requests, each as a whole.
    requests: DefaultDirectRateLimiter,
}

/// A viewer, and the role that they go by.
type Payer = (Uuid, Option<&'static str>);

/// A request's place, free again when dropped.
pub(crate) struct Place {
    turns: Turns,
    viewer: Uuid,
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// `at_once` requests, of one viewer `per_viewer`; of cost `burst` at once, and `per_second` in the long run.
    pub(crate) fn new(at_once: usize, per_viewer: usize, per_second: u32, burst: u32) -> Self {
        Self(Arc::new(Shared {
            places: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))),
            per_viewer: per_viewer.max(1),
            open: Mutex::default(),
            quota: quota(per_second, burst),
            spent: Mutex::new(LruCache::unbounded()),
        }))
    }

    /// Takes a place for a request of `viewer`.
    pub(crate) fn enter(&self, viewer: Uuid) -> Result<Place, Refusal> {
        let permit = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| {
            let message = "this node answers as many requests as it can";
            Refusal::new(Code::Overloaded, message).retry_after_ms(RETRY_AFTER_MS)
        })?;
        let mut open = lock(&self.0.open);
        let count = open.entry(viewer).or_default();
        if *count >= self.0.per_viewer {
            let message = format!("at most {} requests can be open at once", self.0.per_viewer);
            return Err(Refusal::new(Code::RateLimited, message).retry_after_ms(RETRY_AFTER_MS));
        }
        *count += 1;
        Ok(Place {
            turns: self.clone(),
            viewer,
            _permit: permit,
        })
    }

    /// Takes `cost` for reading a document. It is counted by itself: were it taken of what requests cost, whoever has nothing left would be told how
    /// long to wait for the reading alone, and then be refused for the whole.
    pub(crate) fn read(
        &self,
        viewer: Uuid,
        allowance: Option<CostAllowance>,
        cost: usize,
    ) -> Result<(), Refusal> {
        let (spent, quota) = self.spent(viewer, allowance);
        take(&spent.reading, quota, cost)
    }

    /// Takes `cost` of what `viewer` may spend, by a role or as everybody, or says how long to wait for it.
    pub(crate) fn spend(
        &self,
        viewer: Uuid,
        allowance: Option<CostAllowance>,
        cost: usize,
    ) -> Result<(), Refusal> {
        let (spent, quota) = self.spent(viewer, allowance);
        take(&spent.requests, quota, cost)
    }

    fn spent(&self, viewer: Uuid, allowance: Option<CostAllowance>) -> (Arc<Spent>, Quota) {
        let own = allowance.map(|own| quota(own.per_second, own.burst));
        let quota = own.unwrap_or(self.0.quota);
        let payer: Payer = (viewer, allowance.map(|own| own.role));
        let mut remembered = lock(&self.0.spent);
        let spent = remembered.get_or_insert(payer, || {
            Arc::new(Spent {
                reading: RateLimiter::direct(quota),
                requests: RateLimiter::direct(quota),
            })
        });
        let spent = Arc::clone(spent);
        if remembered.len() > REMEMBERED_MAX {
            remembered.pop_lru();
        }
        (spent, quota)
    }
}

fn take(limiter: &DefaultDirectRateLimiter, quota: Quota, cost: usize) -> Result<(), Refusal> {
    let Some(cost) = NonZeroU32::new(u32::try_from(cost).unwrap_or(u32::MAX)) else {
        return Ok(());
    };
    // What costs more than can ever be saved up costs all of it.
    match limiter.check_n(cost.min(quota.burst_size())) {
        Ok(Ok(())) | Err(_) => Ok(()),
        Ok(Err(early)) => {
            let now = governor::clock::Clock::now(limiter.clock());
            Err(too_much(early.wait_time_from(now)))
        }
    }
}

fn quota(per_second: u32, burst: u32) -> Quota {
    let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(number(per_second)).allow_burst(number(burst))
}

/// What whoever has caused too much is told.
pub(crate) fn too_much(wait: Duration) -> Refusal {
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let message = "too much was asked for in too short a time";
    Refusal::new(Code::RateLimited, message).retry_after_ms(wait.saturating_add(1))
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.turns.0.open);
        if let Some(count) = open.get_mut(&self.viewer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.viewer);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_who_takes_all_places_leaves_some_to_others() {
        let turns = Turns::new(3, 2, 1, 1);
        let (ada, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = turns.enter(ada).unwrap();
        let _second = turns.enter(ada).unwrap();
        assert_eq!(turns.enter(ada).err().unwrap().code, Code::RateLimited);
        let _third = turns.enter(bob).unwrap();
        assert_eq!(turns.enter(bob).err().unwrap().code, Code::Overloaded);
        drop(first);
        assert!(turns.enter(bob).is_ok());
        assert!(turns.enter(ada).is_ok());
    }

    #[test]
    fn cost_is_saved_up_again_in_time() {
        let turns = Turns::new(1, 1, 1, 100);
        let (ada, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(turns.spend(ada, None, 0).is_ok());
        assert!(turns.spend(ada, None, 1_000_000).is_ok(), "all that there is");
        let refused = turns.spend(ada, None, 50).unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        let wait = refused.retry_after_ms.unwrap();
        assert!((40_000..=50_001).contains(&wait), "{wait}");
        assert!(turns.spend(bob, None, 100).is_ok());
    }

    #[test]
    fn whoever_has_nothing_left_is_told_when_the_whole_can_be_paid() {
        let turns = Turns::new(1, 1, 1, 100);
        let ada = Uuid::from_u128(1);
        assert!(turns.spend(ada, None, 100).is_ok());
        assert!(turns.read(ada, None, 2).is_ok(), "it is counted by itself");
        let refused = turns.spend(ada, None, 50).unwrap_err();
        let wait = refused.retry_after_ms.unwrap();
        assert!((40_000..=50_001).contains(&wait), "{wait}");
        assert!(turns.read(ada, None, 98).is_ok());
        assert!(
            turns.read(ada, None, 98).is_err(),
            "and there is no more of it than of all"
        );
    }

    #[test]
    fn who_goes_by_a_role_has_what_the_role_has() {
        let turns = Turns::new(1, 1, 1, 100);
        let ada = Uuid::from_u128(1);
        let bot = Some(CostAllowance {
            role: "bot",
            per_second: 1,
            burst: 300,
        });
        assert!(turns.spend(ada, None, 100).is_ok());
        assert!(turns.spend(ada, None, 50).is_err());
        assert!(turns.spend(ada, bot, 250).is_ok(), "it is counted by itself");
        assert!(turns.spend(ada, bot, 100).is_err());
    }

    #[test]
    fn what_is_remembered_of_viewers_is_bounded() {
        let turns = Turns::new(1, 1, 1, 1);
        for viewer in 0..REMEMBERED_MAX + 10 {
            turns.spend(Uuid::from_u128(viewer as u128), None, 1).unwrap();
        }
        assert_eq!(lock(&turns.0.spent).len(), REMEMBERED_MAX);
    }
}
