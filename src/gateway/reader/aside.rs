//! What people say for themselves of a conversation and cannot be handed on yet. It holds up what they say behind it of the same conversation, and
//! nothing else.

use std::collections::HashMap;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What waits, of one connection. It ends with that, unless it is detached.
#[derive(Default)]
pub(super) struct Aside {
    waiting: JoinSet<()>,
    /// By what it is about, until the last of it was handed on.
    last: HashMap<Uuid, CancellationToken>,
}

impl Aside {
    /// Whether anything waits that is about this.
    pub(super) fn has(&self, about: Uuid) -> bool {
        self.last.get(&about).is_some_and(|last| !last.is_cancelled())
    }

    /// Until nothing waits any more that is about this and has been put here.
    pub(super) async fn settled(&self, about: Uuid) {
        if let Some(last) = self.last.get(&about) {
            last.cancelled().await;
        }
    }

    /// What waits here is handed on though the connection ends. Each finding has to come to an end by itself.
    pub(super) fn detach_all(&mut self) {
        self.waiting.detach_all();
    }

    /// Finds something out from now on, and hands it on behind what was put here before and is about the same.
    pub(super) fn put<T: Send + 'static>(
        &mut self,
        about: Uuid,
        finding: impl Future<Output = T> + Send + 'static,
        hand_on: impl FnOnce(T) + Send + 'static,
    ) {
        while self.waiting.try_join_next().is_some() {}
        self.last.retain(|_, last| !last.is_cancelled());
        let last = CancellationToken::new();
        let before = self.last.insert(about, last.clone());
        // However it ends, nobody waits for it for longer.
        let ends = last.drop_guard();
        self.waiting.spawn(async move {
            let _ends = ends;
            let found = finding.await;
            if let Some(before) = before {
                before.cancelled().await;
            }
            hand_on(found);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use tokio::sync::{mpsc, oneshot};

    #[tokio::test]
    async fn what_is_about_the_same_is_handed_on_in_its_order_and_the_rest_at_once() {
        let (told, mut hears) = mpsc::channel(8);
        let tell = || {
            let told = told.clone();
            move |what: u32| told.try_send(what).unwrap()
        };
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut aside = Aside::default();
        let (found, finding) = oneshot::channel();
        aside.put(one, async move { finding.await.unwrap() }, tell());
        aside.put(one, ready(2), tell());
        aside.put(other, ready(3), tell());
        assert_eq!(hears.recv().await, Some(3));
        aside.settled(other).await;
        assert!(aside.has(one) && !aside.has(other));
        found.send(1).unwrap();
        aside.settled(one).await;
        assert_eq!((hears.recv().await, hears.recv().await), (Some(1), Some(2)));
        assert!(!aside.has(one));
    }

    #[tokio::test]
    async fn what_comes_to_no_end_holds_up_nothing_behind_the_connection() {
        let (told, mut hears) = mpsc::channel::<()>(1);
        let mut aside = Aside::default();
        aside.put(Uuid::nil(), pending::<()>(), move |()| told.try_send(()).unwrap());
        assert!(aside.has(Uuid::nil()));
        drop(aside);
        assert_eq!(hears.recv().await, None);
    }

    #[tokio::test]
    async fn what_was_detached_is_handed_on_in_its_order_behind_the_connection() {
        let (told, mut hears) = mpsc::channel(2);
        let mut aside = Aside::default();
        let (found, finding) = oneshot::channel();
        let (one, two) = (told.clone(), told);
        aside.put(
            Uuid::nil(),
            async move { finding.await.unwrap() },
            move |what: u32| one.try_send(what).unwrap(),
        );
        aside.put(Uuid::nil(), ready(2), move |what| two.try_send(what).unwrap());
        aside.detach_all();
        drop(aside);
        found.send(1).unwrap();
        assert_eq!((hears.recv().await, hears.recv().await), (Some(1), Some(2)));
        assert_eq!(hears.recv().await, None);
    }
}
