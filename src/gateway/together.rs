//! Questions of one kind that many connections ask at the same time, answered by few readings.
//!
//! Whatever is asked while a reading is under way goes into the next one. Alone, a question waits for nobody; when
//! thousands of clients come back together, PostgreSQL answers dozens of them for about the price of one. What no reading can answer in time
//! has the harm alone: those that it was read with are read without it.

use crate::lifecycle::Lifecycle;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tidings_eventlog::ReadError;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Questions that may wait; more wait to be asked.
const WAITING: usize = 1_024;
/// Readings under way at the same time, where nothing speaks for fewer.
pub(super) const READERS: usize = 3;

/// Parts that a reading is taken into which fails.
const PARTS: usize = 8;
/// How often readings of the same questions may fail before what is left of them is read once more and no further: all of them, one part, and
/// each of what is in that.
const FAILURES: usize = 2 + PARTS;

/// What a question weighs in a reading.
pub(super) type Weigh<Q> = fn(&Q) -> usize;

/// So many questions in a reading, whatever they are.
pub(super) fn each<Q>(most: usize) -> (usize, Weigh<Q>) {
    (most, |_| 1)
}

/// A question, and where its answer goes.
type Asked<Q, A> = (Q, oneshot::Sender<Result<A, ReadError>>);

/// Where questions of one kind are asked.
pub(super) struct Together<Q, A> {
    questions: mpsc::Sender<Asked<Q, A>>,
}

impl<Q, A> Together<Q, A>
where
    Q: Clone + PartialEq + Send + 'static,
    A: Send + 'static,
{
    /// Starts so many `readers`. `read` answers questions in their order: as many as weigh `most` together, or one; where it has failed, none,
    /// to show that what it reads from answers at all.
    pub(super) fn start<F>(
        lifecycle: &Lifecycle,
        name: &'static str,
        readers: usize,
        (most, weigh): (usize, Weigh<Q>),
        read: F,
    ) -> Self
    where
        F: Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, ReadError>> + Clone + Send + Sync + 'static,
    {
        let (questions, asked) = mpsc::channel(WAITING);
        let asked = Arc::new(Mutex::new(Waiting {
            asked,
            left: None,
            most,
            weigh,
        }));
        for _ in 0..readers {
            lifecycle.spawn_for_life(name, serve(Arc::clone(&asked), read.clone(), lifecycle.clone()));
        }
        Self { questions }
    }

    /// # Errors
    /// When nothing could be read, or not what was asked for; asking again is safe.
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

/// What has been asked.
struct Waiting<Q, A> {
    asked: mpsc::Receiver<Asked<Q, A>>,
    /// It had no room in the last reading.
    left: Option<Asked<Q, A>>,
    most: usize,
    weigh: Weigh<Q>,
}

impl<Q, A> Waiting<Q, A> {
    /// The questions of one reading, in the order asked; none when there will be no more. Nothing is lost when the future is
    /// dropped.
    async fn gather(&mut self) -> Vec<Asked<Q, A>> {
        let first = match self.left.take() {
            Some(left) => Some(left),
            None => self.asked.recv().await,
        };
        let mut weight = first.as_ref().map_or(self.most, |(one, _)| (self.weigh)(one));
        let mut taken: Vec<_> = first.into_iter().collect();
        while weight < self.most
            && let Ok(next) = self.asked.try_recv()
        {
            weight += (self.weigh)(&next.0);
            if weight > self.most {
                self.left = Some(next);
            } else {
                taken.push(next);
            }
        }
        taken
    }
}

/// Answers questions until the node stops. One reader at a time gathers what has been asked.
async fn serve<Q, A, F>(asked: Arc<Mutex<Waiting<Q, A>>>, read: F, lifecycle: Lifecycle)
where
    Q: Clone + PartialEq,
    F: Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, ReadError>>,
{
    let stop = lifecycle.stopping();
    loop {
        let gathered = async { asked.lock().await.gather().await };
        let taken = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            taken = gathered => taken,
        };
        if taken.is_empty() {
            return;
        }
        answer(&read, taken).await;
    }
}

/// Answers questions by one reading. Where that fails and a reading of nothing does not, it is done in parts, each of which is done so in turn,
/// until what it fails for is alone. Each failure may be a time-out, for which those wait who ask next: behind some of them the rest is read at
/// once, and comes to what that comes to.
async fn answer<Q, A, F>(read: &F, taken: Vec<Asked<Q, A>>)
where
    Q: Clone + PartialEq,
    F: Fn(Vec<Q>) -> BoxFuture<'static, Result<Vec<A>, ReadError>>,
{
    let mut parts = vec![taken];
    let mut failures = 0;
    while let Some(mut part) = parts.pop() {
        let is_last = failures == FAILURES;
        if is_last {
            part.extend(parts.drain(..).flatten());
        }
        // Whoever asked may have hung up meanwhile.
        part.retain(|(_, answer)| !answer.is_closed());
        if part.is_empty() {
            continue;
        }
        let questions = part.iter().map(|(question, _)| question.clone()).collect();
        let error = match read(questions).await {
            Ok(found) => {
                for ((_, answer), found) in part.into_iter().zip(found) {
                    let _ = answer.send(Ok(found));
                }
                continue;
            }
            Err(error) => error,
        };
        failures += 1;
        let mut groups = alike(part);
        if is_last || groups.len() == 1 {
            fail(groups.into_iter().flatten(), &error);
        } else if let Err(error) = read(vec![]).await {
            fail(groups.into_iter().chain(parts).flatten(), &error);
            return;
        } else {
            let size = groups.len().div_ceil(PARTS);
            while !groups.is_empty() {
                let rest = groups.split_off(groups.len().saturating_sub(size));
                parts.push(rest.into_iter().flatten().collect());
            }
        }
    }
}

/// Those who ask the same, together.
fn alike<Q: PartialEq, A>(asked: Vec<Asked<Q, A>>) -> Vec<Vec<Asked<Q, A>>> {
    let mut groups: Vec<Vec<Asked<Q, A>>> = vec![];
    for one in asked {
        let group = groups.iter_mut().find(|group| group[0].0 == one.0);
        match group {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    groups
}

fn fail<Q, A>(asked: impl Iterator<Item = Asked<Q, A>>, error: &ReadError) {
    for (_, answer) in asked {
        let _ = answer.send(Err(ReadError::Database(error.to_string())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::Mutex as StdMutex;

    #[tokio::test]
    async fn a_reading_weighs_no_more_than_it_may_and_every_question_is_answered() {
        let lifecycle = Lifecycle::new();
        let readings: Arc<StdMutex<Vec<Vec<usize>>>> = Arc::default();
        let noted = Arc::clone(&readings);
        let together = Together::start(
            &lifecycle,
            "test",
            READERS,
            (10, |weight| *weight),
            move |asked: Vec<usize>| {
                noted.lock().unwrap().push(asked.clone());
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    Ok(asked)
                })
            },
        );
        let weights = [3, 3, 3, 3, 12, 0, 0, 10, 1, 1, 9, 2];
        let answers = join_all(weights.map(|weight| together.ask(weight))).await;
        assert!(answers.into_iter().map(Result::unwrap).eq(weights));
        let readings = readings.lock().unwrap();
        assert!(readings.len() > 4, "{readings:?}");
        assert!(
            readings
                .iter()
                .all(|one| one.len() == 1 || one.iter().sum::<usize>() <= 10),
            "{readings:?}"
        );
    }

    #[tokio::test]
    async fn who_is_read_with_what_cannot_be_read_is_answered_all_the_same() {
        let lifecycle = Lifecycle::new();
        let together = Together::start(&lifecycle, "test", 1, each(64), |asked: Vec<usize>| {
            Box::pin(async move {
                tokio::task::yield_now().await;
                if asked.contains(&7) || asked.contains(&40) {
                    return Err(ReadError::Database("it takes too long".to_owned()));
                }
                Ok(asked)
            })
        });
        // Some ask the same.
        let questions = (0..200).map(|n| n % 50);
        let answers = join_all(questions.clone().map(|question| together.ask(question))).await;
        for (question, answer) in questions.zip(answers) {
            match question {
                7 | 40 => assert!(answer.is_err()),
                _ => assert_eq!(answer.unwrap(), question),
            }
        }
    }

    #[tokio::test]
    async fn where_nothing_is_read_but_no_question_that_soon_shows() {
        let lifecycle = Lifecycle::new();
        let readings: Arc<StdMutex<usize>> = Arc::default();
        let counted = Arc::clone(&readings);
        let together = Together::start(&lifecycle, "test", 1, each(64), move |asked: Vec<usize>| {
            *counted.lock().unwrap() += 1;
            Box::pin(async move {
                tokio::task::yield_now().await;
                if asked.is_empty() {
                    return Ok(vec![]);
                }
                Err::<Vec<()>, _>(ReadError::Database("it takes too long".to_owned()))
            })
        });
        let answers = join_all((0..64).map(|question| together.ask(question))).await;
        assert!(answers.iter().all(Result::is_err));
        // All, an eighth of them, eight alone, the rest, and twice none; or so for either half, where the first did not wait for the second.
        let readings = *readings.lock().unwrap();
        assert!(readings <= 2 * (FAILURES + 1 + 2), "{readings}");
    }

    /// Which of these questions are answered that are read together, where some cannot be read, and how many readings fail for that.
    async fn read_together(questions: usize, cannot: fn(usize) -> bool) -> (Vec<usize>, usize) {
        let failures: Arc<StdMutex<usize>> = Arc::default();
        let counted = Arc::clone(&failures);
        let read = move |asked: Vec<usize>| -> BoxFuture<'static, Result<Vec<usize>, ReadError>> {
            let fails = asked.iter().copied().any(cannot);
            *counted.lock().unwrap() += usize::from(fails);
            Box::pin(async move {
                if fails {
                    return Err(ReadError::Database("it takes too long".to_owned()));
                }
                Ok(asked)
            })
        };
        let (asked, answers): (Vec<_>, Vec<_>) = (0..questions)
            .map(|question| {
                let (answer, answered) = oneshot::channel();
                ((question, answer), answered)
            })
            .unzip();
        answer(&read, asked).await;
        let answers = join_all(answers).await;
        let found = answers.into_iter().filter_map(|answer| answer.unwrap().ok());
        let failures = *failures.lock().unwrap();
        (found.collect(), failures)
    }

    #[tokio::test]
    async fn where_some_can_be_read_between_those_that_cannot_it_comes_to_an_end_all_the_same() {
        let (found, failures) = read_together(64, |question| question % 2 == 1).await;
        assert_eq!(failures, FAILURES + 1);
        assert!(
            !found.is_empty() && found.iter().all(|question| question % 2 == 0),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn what_stands_behind_a_whole_part_that_cannot_be_read_is_read() {
        let (found, failures) = read_together(64, |question| question < PARTS).await;
        assert_eq!(failures, FAILURES);
        assert!(found.into_iter().eq(PARTS..64));
    }

    #[tokio::test]
    async fn where_nothing_can_be_read_every_question_is_read_once() {
        let lifecycle = Lifecycle::new();
        let readings: Arc<StdMutex<Vec<usize>>> = Arc::default();
        let noted = Arc::clone(&readings);
        let together = Together::start(&lifecycle, "test", 1, each(10), move |asked: Vec<usize>| {
            noted.lock().unwrap().extend(asked);
            Box::pin(async move {
                tokio::task::yield_now().await;
                Err::<Vec<()>, _>(ReadError::Pool("away".to_owned()))
            })
        });
        let answers = join_all((0..100).map(|question| together.ask(question))).await;
        assert!(answers.iter().all(Result::is_err));
        let mut readings = readings.lock().unwrap().clone();
        readings.sort_unstable();
        assert!(readings.into_iter().eq(0..100));
    }
}
