//! Batching by waves: what a request's loaders have been asked is read when the request can do nothing more without it.
//!
//! A batch that goes by a timer splits whenever the machine is slow. Here a request costs as many statements as its fields
//! have levels and kinds, however many objects there are and on whatever runtime.

use futures_util::future::BoxFuture;
use futures_util::stream::Stream;
use futures_util::task::AtomicWaker;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use tokio::task::JoinSet;

/// The batches of one request. Dropping the last handle ends them.
#[derive(Clone, Default)]
pub(crate) struct Waves(Arc<Mutex<Batches>>);

#[derive(Default)]
struct Batches {
    waiting: Vec<BoxFuture<'static, ()>>,
    running: JoinSet<()>,
}

impl Waves {
    /// Where a loader leaves its batches.
    pub(crate) fn spawner(&self) -> impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static {
        let waves = self.clone();
        move |batch| waves.lock().waiting.push(batch)
    }

    /// Runs the request that the batches belong to.
    pub(crate) fn carry<R>(self, request: R) -> Carried<R> {
        Carried {
            request,
            waves: self,
            bell: Arc::default(),
        }
    }

    /// Whether the last wave has come in. A request that saw it come in piece by piece would ask for more piece by piece.
    fn have_come_in(&self, context: &mut Context<'_>) -> bool {
        let mut batches = self.lock();
        while let Poll::Ready(Some(_)) = batches.running.poll_join_next(context) {}
        batches.running.is_empty()
    }

    /// Starts what waits.
    fn roll(&self, context: &mut Context<'_>) {
        let mut batches = self.lock();
        let started = !batches.waiting.is_empty();
        for batch in std::mem::take(&mut batches.waiting) {
            batches.running.spawn(batch);
        }
        drop(batches);
        // Registers for their end; when they have all ended already, the next step is due at once.
        if self.have_come_in(context) && started {
            context.waker().wake_by_ref();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Batches> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that starts the next wave of its batches whenever it has come to a standstill.
pub(crate) struct Carried<R> {
    request: R,
    waves: Waves,
    bell: Arc<Bell>,
}

/// Tells whether a request that has to wait has already been woken again.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    request: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.request.wake();
    }
}

impl<R> Carried<R> {
    fn step<T>(
        &mut self,
        context: &Context<'_>,
        poll: impl FnOnce(&mut R, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.bell.request.register(context.waker());
        self.bell.rung.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut context = Context::from_waker(&waker);
        if !self.waves.have_come_in(&mut context) {
            return Poll::Pending;
        }
        let polled = poll(&mut self.request, &mut context);
        // One that was woken meanwhile can go on and may ask for more.
        if polled.is_pending() && !self.bell.rung.load(Ordering::Acquire) {
            self.waves.roll(&mut context);
        }
        polled
    }
}

impl<F: Future + Unpin> Future for Carried<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.step(context, |request, context| Pin::new(request).poll(context))
    }
}

impl<S: Stream + Unpin> Stream for Carried<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.step(context, |request, context| Pin::new(request).poll_next(context))
    }
}
