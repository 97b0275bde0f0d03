//! Who is connected to this node, and who of them may have something to be told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_domain::UserId;
use tokio::sync::Notify;

/// Who is here. There are no more than connections.
#[derive(Default)]
pub(super) struct Crowd {
    people: Mutex<People>,
    waits: Notify,
}

#[derive(Default)]
struct People {
    /// With how many connections.
    here: HashMap<UserId, usize>,
    /// Those of them who may have something to be told.
    waiting: HashSet<UserId>,
}

/// A connection is here for as long as this lives.
pub struct Here {
    crowd: Arc<Crowd>,
    user: UserId,
}

impl Crowd {
    pub(super) fn arrive(crowd: &Arc<Self>, user: UserId) -> Here {
        let mut people = crowd.people();
        *people.here.entry(user).or_default() += 1;
        people.waiting.insert(user);
        drop(people);
        crowd.waits.notify_one();
        Here {
            crowd: Arc::clone(crowd),
            user,
        }
    }

    /// There is something new for everybody.
    pub(super) fn all_wait(&self) {
        let mut people = self.people();
        let People { here, waiting } = &mut *people;
        waiting.extend(here.keys());
        drop(people);
        self.waits.notify_one();
    }

    /// These were not told everything, and are tried again with the next who wait; nobody is woken for them.
    pub(super) fn again(&self, users: impl IntoIterator<Item = UserId>) {
        let mut people = self.people();
        let People { here, waiting } = &mut *people;
        waiting.extend(users.into_iter().filter(|user| here.contains_key(user)));
    }

    /// Takes some of those who wait, so many at most.
    pub(super) fn take(&self, most: usize) -> Vec<UserId> {
        let mut people = self.people();
        let some: Vec<UserId> = people.waiting.iter().take(most).copied().collect();
        for user in &some {
            people.waiting.remove(user);
        }
        some
    }

    /// Waits until somebody does.
    pub(super) async fn wait(&self) {
        self.waits.notified().await;
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut people = self.crowd.people();
        if let Some(connections) = people.here.get_mut(&self.user) {
            *connections -= 1;
            if *connections == 0 {
                people.here.remove(&self.user);
                people.waiting.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn whoever_comes_waits_once_and_whoever_is_gone_waits_no_more() {
        let crowd = Arc::<Crowd>::default();
        let [ann, ben] = [1, 2].map(|n| UserId(Uuid::from_u128(n)));
        let phone = Crowd::arrive(&crowd, ann);
        let _tablet = Crowd::arrive(&crowd, ann);
        let of_ben = Crowd::arrive(&crowd, ben);
        assert_eq!(crowd.take(1).len() + crowd.take(9).len(), 2);
        assert!(crowd.take(9).is_empty());
        drop((phone, of_ben));
        crowd.again([ann, ben]);
        assert_eq!(crowd.take(9), [ann]);
        crowd.all_wait();
        assert_eq!(crowd.take(9), [ann]);
    }
}
