//! Sessions that were lost while they appended, and how they are ended.

use crate::append::AppendError;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// A role may have taken another one when the session began, which is not told of the sessions of the first. That one's own
/// rights see them, and end them.
const OWN_ROLE: &str = "SET ROLE NONE";
const ROLE_AS_BEFORE: &str = "RESET ROLE";

/// Sessions are waited for, when they are ended, for one part in so many of a time-out, and looked for so often.
const ENDINGS: u32 = 5;
const LOOKS: Duration = Duration::from_millis(20);

/// While so many are lost, nothing more is sent. They may be there at the server still, which has a hundred sessions unless told otherwise.
const LOST_MAX: usize = 64;

/// What a session is to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pid: i32,
    /// Nothing where the server does not tell.
    begun: Option<DateTime<Utc>>,
}

impl Backend {
    /// Asks the server which session this is.
    pub(super) async fn of(client: &Client) -> Result<Self, Error> {
        client.batch_execute(OWN_ROLE).await?;
        let row = client.query_one(include_str!("backend.sql"), &[]).await?;
        client.batch_execute(ROLE_AS_BEFORE).await?;
        Ok(Self {
            pid: row.try_get(0)?,
            begun: row.try_get(1)?,
        })
    }
}

/// A session that was given up while it appended to a lane. What it was sent may be on its way to the server still, and be carried out whenever it
/// arrives there.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    lane: u8,
    /// Those of its batch. Nothing else can take effect by it.
    commands: Arc<HashSet<Uuid>>,
    backend: Backend,
    /// It was waited for and did not end. Nobody waits for that any more, but looks.
    stays: bool,
}

impl Lost {
    /// Whether it was sent this command of a lane.
    pub(super) fn was_sent(&self, lane: u8, command: Uuid) -> bool {
        self.lane == lane && self.commands.contains(&command)
    }
}

/// Sessions whose append nobody has seen the end of. None is forgotten before it is known to be at its end, so where there are too many, nothing
/// is appended that could be lost as well.
#[derive(Debug, Default)]
pub(super) struct LostSessions(Mutex<Vec<Lost>>);

impl LostSessions {
    /// Follows an append of these commands that a session is about to be sent.
    pub(super) fn follow<'a>(&'a self, lane: u8, commands: &'a [Uuid], backend: Backend) -> OnItsWay<'a> {
        OnItsWay {
            lost: self,
            lane,
            commands,
            backend,
            has_ended: false,
        }
    }

    /// To be asked before an append is sent. What is on its way already may be lost yet, one on each connection.
    ///
    /// # Errors
    /// When too many are lost.
    pub(super) fn room(&self) -> Result<(), AppendError> {
        let lost = self.list().len();
        if lost < LOST_MAX {
            Ok(())
        } else {
            let message = format!("{lost} sessions that were lost have not ended");
            Err(AppendError::Unreachable(message))
        }
    }

    /// Those of these commands of a lane that one of them was sent.
    pub(super) fn sent(&self, lane: u8, commands: impl IntoIterator<Item = Uuid>) -> HashSet<Uuid> {
        let list = self.list();
        if list.is_empty() {
            return HashSet::new();
        }
        let was_sent = |command: &Uuid| list.iter().any(|lost| lost.was_sent(lane, *command));
        commands.into_iter().filter(was_sent).collect()
    }

    /// Those of them that are such.
    pub(super) fn those(&self, of: impl Fn(&Lost) -> bool) -> Vec<Lost> {
        self.list().iter().filter(|lost| of(lost)).cloned().collect()
    }

    /// Forgets those that were asked about and are not left.
    ///
    /// # Errors
    /// When one of them is.
    pub(super) fn settle(&self, asked: &[Lost], left: &[i32]) -> Result<(), AppendError> {
        let was_asked = |one: &Lost| asked.iter().any(|lost| lost.backend == one.backend);
        let is_left = |one: &Lost| left.contains(&one.backend.pid);
        self.list().retain_mut(|one| {
            let stays = was_asked(one) && is_left(one);
            if stays && !one.stays {
                tracing::warn!(
                    lane = one.lane,
                    pid = one.backend.pid,
                    "a session that was lost does not end"
                );
                one.stays = true;
            }
            stays || !was_asked(one)
        });
        if left.is_empty() {
            Ok(())
        } else {
            let message = "a session that was lost is there still";
            Err(AppendError::Unknown(message.to_owned()))
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Lost>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An append that the server carries out. Where nobody sees how it ends, also because they ask no further, its session is lost.
pub(super) struct OnItsWay<'a> {
    lost: &'a LostSessions,
    lane: u8,
    commands: &'a [Uuid],
    backend: Backend,
    pub(super) has_ended: bool,
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.lost.list().push(Lost {
                lane: self.lane,
                commands: Arc::new(self.commands.iter().copied().collect()),
                backend: self.backend,
                stays: false,
            });
        }
    }
}

/// How long the end of these is waited for.
fn patience(lost: &[Lost], timeout: Duration) -> Duration {
    if lost.iter().all(|lost| lost.stays) {
        Duration::ZERO
    } else {
        timeout / ENDINGS
    }
}

/// Ends sessions, all at once; answers those that did not end in their part of the time-out.
pub(super) async fn end(client: &Client, lost: &[Lost], timeout: Duration) -> Result<Vec<i32>, Error> {
    let pids: Vec<i32> = lost.iter().map(|lost| lost.backend.pid).collect();
    let begun: Vec<Option<DateTime<Utc>>> = lost.iter().map(|lost| lost.backend.begun).collect();
    let until = Instant::now() + patience(lost, timeout);
    client.batch_execute(OWN_ROLE).await?;
    let statement = client.prepare(include_str!("end.sql")).await?;
    let left = loop {
        let rows = client.query(&statement, &[&pids, &begun]).await?;
        if rows.is_empty() || Instant::now() >= until {
            break rows;
        }
        sleep(LOOKS).await;
    };
    client.batch_execute(ROLE_AS_BEFORE).await?;
    left.iter().map(|row| row.try_get(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lose(lost: &LostSessions, pid: i32) {
        lose_with(lost, pid, &[]);
    }

    fn lose_with(lost: &LostSessions, pid: i32, commands: &[Uuid]) {
        drop(lost.follow(3, commands, Backend { pid, begun: None }));
    }

    #[test]
    fn a_command_is_in_doubt_until_the_last_session_has_ended_that_was_sent_it() {
        let [one, both, neither] = [1, 2, 3].map(Uuid::from_u128);
        let lost = LostSessions::default();
        lose_with(&lost, 1, &[one, both]);
        lose_with(&lost, 2, &[both]);
        let sent = |lane| lost.sent(lane, [one, both, neither]);
        assert_eq!(sent(3), HashSet::from([one, both]));
        assert!(sent(4).is_empty());
        let of = |command| lost.those(|lost| lost.was_sent(3, command));
        assert_eq!((of(one).len(), of(both).len(), of(neither).len()), (1, 2, 0));
        lost.settle(&of(both), &[2]).unwrap_err();
        assert_eq!(sent(3), HashSet::from([both]));
        lost.settle(&of(both), &[]).unwrap();
        assert!(sent(3).is_empty());
    }

    #[test]
    fn a_session_that_does_not_end_is_waited_for_once() {
        let (lost, timeout) = (LostSessions::default(), Duration::from_secs(5));
        lose(&lost, 1);
        let all = || lost.those(|_| true);
        assert_eq!(patience(&all(), timeout), Duration::from_secs(1));
        lost.settle(&all(), &[1]).unwrap_err();
        assert_eq!(patience(&all(), timeout), Duration::ZERO);
        // But for another one's sake.
        lose(&lost, 2);
        assert_eq!(patience(&all(), timeout), Duration::from_secs(1));
    }

    #[test]
    fn nothing_is_sent_while_too_many_are_lost_and_none_that_is_left_is_forgotten() {
        let (lost, max) = (LostSessions::default(), LOST_MAX as i32);
        for pid in 1..max {
            lose(&lost, pid);
        }
        lost.room().unwrap();
        lose(&lost, max);
        assert!(matches!(lost.room(), Err(AppendError::Unreachable(_))));

        // What was on its way already is lost while the others are asked about.
        let asked = lost.those(|_| true);
        lose(&lost, max + 1);
        let left: Vec<i32> = (1..=max).collect();
        lost.settle(&asked, &left).unwrap_err();
        assert_eq!(lost.those(|_| true).len(), LOST_MAX + 1);
        lost.settle(&asked, &left[1..]).unwrap_err();
        lost.room().unwrap_err();
        lost.settle(&asked, &left[2..]).unwrap_err();
        lost.room().unwrap();

        lost.settle(&asked, &[]).unwrap();
        assert_eq!(lost.those(|one| one.backend.pid > max).len(), 1);
        assert_eq!(lost.those(|_| true).len(), 1);
    }
}
