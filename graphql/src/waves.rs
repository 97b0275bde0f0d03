//! Batching by waves: what a request's loaders have been asked is read when the request can do nothing more without it.
//!
//! A batch that goes by a timer waits for the timer's next tick, and splits whenever the machine is slow. Here a request
//! costs as many statements as its fields have levels and kinds, however many objects there are and on whatever runtime, and
//! nothing but its statements is waited for.

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};
use futures_util::task::AtomicWaker;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Steps of a request before others get their turn, when it never has to wait.
const STEPS_MAX: usize = 64;

/// Reads what a loader has been asked, and tells those who asked.
pub(crate) type Batch = BoxFuture<'static, ()>;

/// The batches of one request that have not begun.
#[derive(Clone, Default)]
pub(crate) struct Waves(Arc<Mutex<Vec<Batch>>>);

impl Waves {
    /// Leaves a batch for the next wave.
    pub(crate) fn add(&self, batch: Batch) {
        self.lock().push(batch);
    }

    /// Runs the request that the batches belong to.
    pub(crate) fn carry<R>(self, request: R) -> Carried<R> {
        Carried {
            request,
            waves: self,
            running: FuturesUnordered::new(),
            bell: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that starts the next wave of its batches whenever it has come to a standstill. Dropping it ends them.
pub(crate) struct Carried<R> {
    request: R,
    waves: Waves,
    /// The wave that is being read.
    running: FuturesUnordered<Batch>,
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
        context: &mut Context<'_>,
        mut poll: impl FnMut(&mut R, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.bell.request.register(context.waker());
        let waker = Waker::from(Arc::clone(&self.bell));
        for _ in 0..STEPS_MAX {
            // A request that saw a wave come in piece by piece would ask for more piece by piece.
            while let Poll::Ready(batch) = self.running.poll_next_unpin(context) {
                if batch.is_none() {
                    break;
                }
            }
            if !self.running.is_empty() {
                return Poll::Pending;
            }
            self.bell.rung.store(false, Ordering::Release);
            let polled = poll(&mut self.request, &mut Context::from_waker(&waker));
            if polled.is_ready() {
                return polled;
            }
            // One that was woken meanwhile can go on and may ask for more.
            if self.bell.rung.load(Ordering::Acquire) {
                continue;
            }
            let wave = std::mem::take(&mut *self.waves.lock());
            if wave.is_empty() {
                return Poll::Pending;
            }
            self.running.extend(wave);
        }
        context.waker().wake_by_ref();
        Poll::Pending
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
