//! Questions of one kind that many connections ask at the same time, answered by few readings.
//!
//! Whatever is asked while a reading is under way goes into the next one. Alone, a question waits for nobody; when
//! thousands of clients come back together, PostgreSQL answers dozens of them for about the price of one.

use crate::lifecycle::Lifecycle;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tidings_eventlog::ReadError;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Questions that may wait; more wait to be asked.
const WAITING: usize = 1_024;
/// Readings under way at the same time.
const READERS: usize = 3;

/// A question, and where its answer goes.
type Asked<Q, A> = (Q, oneshot::Sender<Result<A, ReadError>>);

/// Where questions of one kind are asked.
pub(super) struct Together<Q, A> {
    questions: mpsc::Sender<Asked<Q, A>>,
}

impl<Q, A> Together<Q, A>
where
    Q: Send + 'static,
    A: Send + 'static,
{
    /// Starts the readers. `read` answers up to `at_once` questions, in their order.
    pub(super) fn start<F>(lifecycle: &Lifecycle, name: &'static str, at_once: usize, read: F) -> Self
    where
        F: Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, ReadError>> + Clone + Send + Sync + 'static,
    {
        let (questions, asked) = mpsc::channel(WAITING);
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..READERS {
            lifecycle.spawn_last(
                name,
                serve(Arc::clone(&asked), at_once, read.clone(), lifecycle.clone()),
            );
        }
        Self { questions }
    }

    /// # Errors
    /// When the reading that the question was in has failed; asking again is safe.
    pub(super) async fn ask(&self, question: Q) -> Result<A, ReadError> {
        let gone = || ReadError::Pool("the node stops".to_owned());
        let (answer, answered) = oneshot::channel();
        self.questions
            .send((question, answer))
            .await
            .map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Answers questions until the node stops. One reader at a time gathers what has been asked.
async fn serve<Q, A, F>(
    asked: Arc<Mutex<mpsc::Receiver<Asked<Q, A>>>>,
    at_once: usize,
    read: F,
    lifecycle: Lifecycle,
) where
    F: Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, ReadError>>,
{
    let stop = lifecycle.hard_stop();
    loop {
        let mut taken = Vec::new();
        let gathered = async { asked.lock().await.recv_many(&mut taken, at_once).await };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            count = gathered => if count == 0 {
                return;
            },
        }
        // Whoever asked may have hung up meanwhile.
        taken.retain(|(_, answer)| !answer.is_closed());
        let (questions, answers): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        match read(questions).await {
            Ok(found) => {
                for (answer, found) in answers.into_iter().zip(found) {
                    let _ = answer.send(Ok(found));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(ReadError::Database(error.to_string())));
                }
            }
        }
    }
}
