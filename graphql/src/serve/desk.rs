//! Where the work of requests is done: beside the runtime's workers, and on so many threads only.
//!
//! To read a document, to resolve a large selection or to write out a long answer takes a processor for many milliseconds
//! without a pause. On a worker, whatever else the worker serves would wait as long, sockets foremost; with processors left
//! over, they go on however much is asked.

use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

/// The threads that requests are worked on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Semaphore>);

/// The runtime ends, so the work was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped;

impl Desk {
    /// At most `seats` threads work at once; what waits for something else, such as a statement, takes none.
    pub(crate) fn new(seats: usize) -> Self {
        Self(Arc::new(Semaphore::new(seats.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Does `work` there. Dropping the future gives the work up at its next pause.
    pub(crate) async fn run<F>(&self, work: F) -> Result<F::Output, Stopped>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        // A task of its own takes its turn when it comes, also when whoever wants the result looks elsewhere for a while:
        // a turn that nobody takes would keep everybody else waiting.
        let work = work.in_current_span();
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever waits for the result ends it when they leave"
        )]
        let task = tokio::spawn(carry(Arc::clone(&self.0), work));
        AbortOnDropHandle::new(task).await.unwrap_or_else(stopped)
    }

    /// Does `work` where it is awaited, which spares the way to another thread and back: for what takes a fraction of a
    /// millisecond between its pauses. It takes a seat for each step all the same. Whoever awaits it must not look elsewhere
    /// meanwhile.
    pub(crate) async fn here<F: Future>(&self, work: F) -> Result<F::Output, Stopped> {
        let mut work = pin!(work);
        loop {
            let seat = self.0.acquire().await.map_err(|_| Stopped)?;
            let polled = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            drop(seat);
            if let Poll::Ready(output) = polled {
                return Ok(output);
            }
            woken().await;
        }
    }

    /// The items of a stream, each of which is made there.
    pub(crate) fn stream<S>(&self, items: S) -> impl Stream<Item = S::Item> + use<S>
    where
        S: Stream<Item: Send> + Send + Unpin + 'static,
    {
        stream::unfold((self.clone(), items), |(desk, mut items)| async move {
            let next = desk.run(async move { (items.next().await, items) }).await;
            let (item, items) = next.ok()?;
            Some((item?, (desk, items)))
        })
    }
}

/// Polls `work` on other threads until it is done, and holds a seat while it is being polled.
async fn carry<F>(seats: Arc<Semaphore>, work: F) -> Result<F::Output, Stopped>
where
    F: Future<Output: Send> + Send + 'static,
{
    let bell = Arc::new(Bell(Notify::new()));
    let mut work = Box::pin(work);
    loop {
        let seat = Arc::clone(&seats).acquire_owned().await.map_err(|_| Stopped)?;
        let waker = Waker::from(Arc::clone(&bell));
        let polling = spawn_blocking(move || {
            // Free again with the end of the poll, also when nobody waits for it any more.
            let _seat = seat;
            let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
            (polled, work)
        });
        work = match polling.await {
            Ok((Poll::Ready(output), _)) => return Ok(output),
            Ok((Poll::Pending, work)) => work,
            Err(error) => return stopped(error),
        };
        // Rung meanwhile, it does not wait.
        bell.0.notified().await;
    }
}

/// Waits until the task is woken, by whatever has its waker.
async fn woken() {
    let mut is_woken = false;
    poll_fn(|_| {
        if std::mem::replace(&mut is_woken, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Passes a panic on.
fn stopped<T>(error: JoinError) -> Result<T, Stopped> {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => Err(Stopped),
    }
}

/// Tells that work can go on.
struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, poll};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    /// On a runtime with a single thread, which this would block for ever.
    #[tokio::test]
    async fn work_does_not_keep_the_runtime_from_its_tasks() {
        let (free, blocked) = mpsc::channel();
        let work = async move { blocked.recv() };
        let desk = Desk::new(1);
        let (worked, ()) = tokio::join!(desk.run(work), async {
            yield_now().await;
            free.send(7).unwrap();
        });
        assert_eq!(worked, Ok(Ok(7)));
    }

    #[tokio::test]
    async fn no_more_work_is_done_at_once_than_there_are_seats() {
        let (desk, busy) = (Desk::new(2), Arc::new(AtomicUsize::new(0)));
        let work = (0..20).map(|_| {
            let busy = Arc::clone(&busy);
            desk.run(async move {
                for _ in 0..20 {
                    assert!(busy.fetch_add(1, Ordering::SeqCst) < 2);
                    std::thread::yield_now();
                    busy.fetch_sub(1, Ordering::SeqCst);
                    yield_now().await;
                }
            })
        });
        for done in futures_util::future::join_all(work).await {
            assert_eq!(done, Ok(()));
        }
    }

    /// One waits for something else, and one is not looked at any more although its turn comes.
    #[tokio::test]
    async fn who_waits_keeps_nobody_waiting() {
        let desk = Desk::new(1);
        let (told, waits) = oneshot::channel();
        let mut waiting = Box::pin(desk.run(waits));
        let mut forgotten = Box::pin(desk.run(yield_now()));
        assert!(poll!(&mut waiting).is_pending());
        assert!(poll!(&mut forgotten).is_pending());
        assert_eq!(desk.run(async { 1 }).await, Ok(1));
        told.send(2).unwrap();
        assert_eq!(waiting.await, Ok(Ok(2)));
        assert_eq!(forgotten.await, Ok(()));
    }

    #[tokio::test]
    async fn what_is_done_here_takes_a_seat_only_while_it_goes_on() {
        let desk = Desk::new(1);
        let (told, waits) = oneshot::channel();
        let mut waiting = Box::pin(desk.here(waits));
        assert!(poll!(&mut waiting).is_pending());
        let seat = Arc::clone(&desk.0).try_acquire_owned().unwrap();
        told.send(3).unwrap();
        assert!(poll!(&mut waiting).is_pending(), "there is no seat for it");
        drop(seat);
        assert_eq!(waiting.await, Ok(Ok(3)));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up() {
        let desk = Desk::new(1);
        let (held, given_up) = oneshot::channel::<()>();
        let mut work = Box::pin(desk.run(async move {
            std::future::pending::<()>().await;
            drop(held);
        }));
        assert!(poll!(&mut work).is_pending());
        drop(work);
        assert!(given_up.await.is_err());
        let panics = desk.run(async { panic!("no") });
        assert!(std::panic::AssertUnwindSafe(panics).catch_unwind().await.is_err());
        assert_eq!(desk.run(async { 1 }).await, Ok(1), "its seat is free again");
    }
}
