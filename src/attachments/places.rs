//! How many files may come and go at once.

use super::problems;
use crate::problem::Problem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Places for files that come, or for those that go.
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_user: usize,
    of_users: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// A place. It is free again when this is dropped.
pub(super) struct Place {
    user: Uuid,
    of_users: Arc<Mutex<HashMap<Uuid, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// Whose it is.
    pub(super) fn user(&self) -> Uuid {
        self.user
    }
}

impl Places {
    pub(super) fn new(all: usize, per_user: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            per_user,
            of_users: Arc::default(),
        }
    }

    /// A place for something of `user`.
    pub(super) fn take(&self, user: Uuid) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.all).try_acquire_owned();
        let permit = permit.map_err(|_| problems::busy("there are too many files under way"))?;
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of_users.entry(user).or_default();
        if *count >= self.per_user {
            return Err(problems::too_many("you have enough files under way"));
        }
        *count += 1;
        drop(of_users);
        Ok(Place {
            user,
            of_users: Arc::clone(&self.of_users),
            _permit: permit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_users.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                of_users.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_protocol::ErrorCode;

    #[test]
    fn a_place_is_free_again_when_its_file_has_come_or_gone() {
        let places = Places::new(3, 2);
        let (ann, ben, cat) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let code = |place: Result<Place, Problem>| place.err().map(|problem| problem.code());
        let _one = places.take(ann).ok().unwrap();
        let two = places.take(ann).ok().unwrap();
        assert_eq!(code(places.take(ann)), Some(ErrorCode::RateLimited));
        let three = places.take(ben).ok().unwrap();
        assert_eq!(code(places.take(cat)), Some(ErrorCode::Overloaded));
        drop(three);
        drop(two);
        assert!(places.take(ann).is_ok());
    }
}
