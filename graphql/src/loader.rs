//! Loaders: what the fields of many objects ask for is gathered, and read with one statement.
//!
//! Gathering ends when the request can do nothing more without the answers (see [`waves`](crate::waves)), not by a timer as in
//! the loader that comes with the library.

use crate::database::NoAnswer;
use crate::waves::Waves;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::task::unconstrained;

/// Reads many values at once.
pub(crate) trait Loader<K>: Send + Sync + 'static {
    type Value: Clone + Send + 'static;

    /// The values of those keys that have one. No key is there twice.
    fn load(&self, keys: &[K]) -> impl Future<Output = Result<HashMap<K, Self::Value>, NoAnswer>> + Send;
}

/// A loader that gathers what it is asked.
pub(crate) struct Gathering<K, L: Loader<K>>(Arc<Shared<K, L>>);

struct Shared<K, L: Loader<K>> {
    loader: L,
    waves: Waves,
    state: Mutex<State<K, L::Value>>,
}

type Found<V> = Result<Option<V>, NoAnswer>;

struct State<K, V> {
    /// Those who wait for the next batch.
    asked: HashMap<K, Vec<oneshot::Sender<Found<V>>>>,
    /// What has been read for this request, also that there is nothing; `None` where nothing is remembered.
    known: Option<HashMap<K, Option<V>>>,
}

impl<K, L> Gathering<K, L>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    L: Loader<K>,
{
    /// Asks the database in each wave in which it is asked itself.
    pub(crate) fn new(loader: L, waves: &Waves) -> Self {
        Self::with(loader, waves, None)
    }

    /// Asks the database once for each key, for as long as the request lasts.
    pub(crate) fn remembering(loader: L, waves: &Waves) -> Self {
        Self::with(loader, waves, Some(HashMap::new()))
    }

    fn with(loader: L, waves: &Waves, known: Option<HashMap<K, Option<L::Value>>>) -> Self {
        let state = Mutex::new(State {
            asked: HashMap::new(),
            known,
        });
        Self(Arc::new(Shared {
            loader,
            waves: waves.clone(),
            state,
        }))
    }

    /// The value of `key`, if there is one.
    pub(crate) async fn load_one(&self, key: K) -> Found<L::Value> {
        self.ask(key).wait().await
    }

    /// What is asked from here on is read again, because something has changed it.
    pub(crate) fn forget(&self) {
        if let Some(known) = &mut self.0.lock().known {
            known.clear();
        }
    }

    /// The values of those of `keys` that have one.
    pub(crate) async fn load_many(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<HashMap<K, L::Value>, NoAnswer> {
        // All are asked for before the first is waited for.
        let asked: Vec<(K, Asked<L::Value>)> =
            keys.into_iter().map(|key| (key.clone(), self.ask(key))).collect();
        let mut found = HashMap::with_capacity(asked.len());
        for (key, asked) in asked {
            if let Some(value) = asked.wait().await? {
                found.insert(key, value);
            }
        }
        Ok(found)
    }

    fn ask(&self, key: K) -> Asked<L::Value> {
        let mut state = self.0.lock();
        if let Some(found) = state.known.as_ref().and_then(|known| known.get(&key)) {
            return Asked::Known(found.clone());
        }
        let is_first = state.asked.is_empty();
        let (sender, receiver) = oneshot::channel();
        state.asked.entry(key).or_default().push(sender);
        drop(state);
        if is_first {
            let shared = Arc::clone(&self.0);
            self.0.waves.add(Box::pin(async move { shared.read().await }));
        }
        Asked::Waiting(receiver)
    }
}

impl<K, L> Shared<K, L>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    L: Loader<K>,
{
    /// Reads what has been asked so far.
    async fn read(&self) {
        let asked = std::mem::take(&mut self.lock().asked);
        let keys: Vec<K> = asked.keys().cloned().collect();
        let mut read = self.loader.load(&keys).await;
        let mut state = self.lock();
        for (key, waiting) in asked {
            let found = match &mut read {
                Ok(values) => Ok(values.remove(&key)),
                Err(NoAnswer) => Err(NoAnswer),
            };
            for sender in waiting {
                // Whoever does not wait any more needs nothing.
                let _ = sender.send(found.clone());
            }
            if let (Ok(found), Some(known)) = (found, &mut state.known) {
                known.insert(key, found);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<K, L::Value>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has been asked of a loader.
enum Asked<V> {
    Known(Option<V>),
    Waiting(oneshot::Receiver<Found<V>>),
}

impl<V> Asked<V> {
    async fn wait(self) -> Found<V> {
        match self {
            Self::Known(found) => Ok(found),
            // Many are answered at once, and a pause among them would only be a step more. A batch that panicked answers nobody.
            Self::Waiting(receiver) => unconstrained(receiver).await.unwrap_or(Err(NoAnswer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{join, join_all};
    use std::future::poll_fn;
    use std::task::Poll;
    use tokio::task::yield_now;

    /// Answers each key but multiples of ten with itself, and keeps what it was asked.
    #[derive(Clone, Default)]
    struct Numbers(Arc<Mutex<Vec<Vec<u32>>>>);

    impl Loader<u32> for Numbers {
        type Value = u32;

        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, NoAnswer> {
            let mut asked = keys.to_vec();
            asked.sort_unstable();
            self.0.lock().unwrap().push(asked);
            yield_now().await;
            if keys.contains(&666) {
                return Err(NoAnswer);
            }
            Ok(keys
                .iter()
                .filter(|key| *key % 10 > 0)
                .map(|key| (*key, *key))
                .collect())
        }
    }

    impl Numbers {
        fn asked(&self) -> Vec<Vec<u32>> {
            self.0.lock().unwrap().clone()
        }
    }

    /// Something that is not ready at once and wakes its task right away, as parts of a request wake each other.
    async fn pause() {
        let mut is_woken = false;
        poll_fn(|context| {
            if std::mem::replace(&mut is_woken, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// On a runtime without a clock, where whatever waited for a timer would panic.
    fn run<F: Future>(waves: &Waves, request: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(waves.clone().carry(Box::pin(request)))
    }

    #[test]
    fn a_level_of_fields_is_read_at_once_and_without_a_timer() {
        let (numbers, waves) = (Numbers::default(), Waves::default());
        let loader = Gathering::new(numbers.clone(), &waves);
        // Objects come to their next level after different numbers of pauses.
        let object = async |n: u32| {
            assert_eq!(loader.load_one(n).await, Ok(Some(n)));
            for _ in 0..n {
                pause().await;
            }
            assert_eq!(loader.load_one(n + 100).await, Ok(Some(n + 100)));
        };
        run(&waves, join_all((1..4).map(object)));
        assert_eq!(numbers.asked(), [vec![1, 2, 3], vec![101, 102, 103]]);
    }

    #[test]
    fn a_key_is_asked_for_once_in_a_batch() {
        let (numbers, waves) = (Numbers::default(), Waves::default());
        let loader = Gathering::new(numbers.clone(), &waves);
        let (one, many) = run(&waves, join(loader.load_one(7), loader.load_many([7, 10, 8])));
        assert_eq!(one, Ok(Some(7)));
        assert_eq!(many, Ok(HashMap::from([(7, 7), (8, 8)])));
        assert_eq!(numbers.asked(), [vec![7, 8, 10]]);
    }

    #[test]
    fn what_is_remembered_is_not_asked_for_again() {
        let (numbers, waves) = (Numbers::default(), Waves::default());
        let (forgetful, remembering) = (
            Gathering::new(numbers.clone(), &waves),
            Gathering::remembering(numbers.clone(), &waves),
        );
        run(&waves, async {
            for _ in 0..2 {
                assert_eq!(remembering.load_many([3, 10]).await, Ok(HashMap::from([(3, 3)])));
            }
            for _ in 0..2 {
                assert_eq!(forgetful.load_one(4).await, Ok(Some(4)));
            }
        });
        assert_eq!(numbers.asked(), [vec![3, 10], vec![4], vec![4]]);
    }

    #[test]
    fn a_batch_that_failed_is_told_to_all_and_not_remembered() {
        let (numbers, waves) = (Numbers::default(), Waves::default());
        let loader = Gathering::remembering(numbers.clone(), &waves);
        let first = run(&waves, join(loader.load_one(666), loader.load_one(1)));
        assert_eq!(first, (Err(NoAnswer), Err(NoAnswer)));
        assert_eq!(run(&waves, loader.load_one(1)), Ok(Some(1)));
    }
}
