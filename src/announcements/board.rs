//! What was announced: read from the log when something is heard of it, and now and then.

use super::{Announcements, Foundation};
use crate::clock;
use crate::lanes::AsOf;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::event::{Announced, AnnouncementChange, AnnouncementChanged, Event};
use tidings_domain::stored;
use tidings_domain::{ANNOUNCEMENTS, AnnouncementCommand, AnnouncementText, CommandId, Moment, UserId};
use tidings_eventlog::{ReadError, Recorded};
use uuid::Uuid;

/// The newest announcements, of which those who come back are told. Who missed more is not told the older ones.
const KEPT: usize = 100;
/// How often the log is looked at though nothing was heard.
const LOOK: Duration = Duration::from_secs(2);
/// How long what is due waits for the next attempt.
const AGAIN: Duration = Duration::from_millis(250);
/// Events that are read at once.
const PAGE: usize = 100;
/// The consumer that commands at a time come from, for their ids.
const AT_A_TIME: &str = "announcements-at-a-time";

/// An announcement that is told.
#[derive(Debug)]
pub(super) struct Published {
    /// Its place in the order in which announcements are told: the seq from which on it is.
    pub(super) order: u64,
    /// The seq of the event that made it.
    pub(super) made: u64,
    /// From when on it is told. Whoever has come later was never meant.
    pub(super) since: DateTime<Utc>,
    pub(super) announced: Announced,
}

/// One that waits for its time.
struct Scheduled {
    made: u64,
    by: UserId,
    text: AnnouncementText,
    at: Moment,
}

/// What is known of announcements.
#[derive(Default)]
pub(super) struct Board {
    /// When it was read to its end last, if it was.
    as_of: Option<AsOf>,
    /// How often the log had gone back when it was read.
    time_lines: u64,
    /// Up to which seq it was read.
    read: u64,
    scheduled: BTreeMap<Uuid, Scheduled>,
    published: VecDeque<Arc<Published>>,
}

impl Board {
    /// The announcements that are told, in their order, and when they were read; `None` where they were not, in this time line.
    pub(super) fn published(&self, time_lines: u64) -> Option<(AsOf, Vec<Arc<Published>>)> {
        let as_of = self.as_of.filter(|as_of| as_of.time_lines == time_lines)?;
        Some((as_of, self.published.iter().cloned().collect()))
    }

    /// Takes the next page in, of what was asked for then. Returns whether somebody has to be told something, or waits for the board to be read.
    fn read_on(&mut self, page: &[Recorded], as_of: AsOf) -> bool {
        let is_last = page.len() < PAGE;
        let mut is_new = is_last && self.as_of.is_none();
        for record in page {
            is_new |= self.take(record);
        }
        if is_last {
            self.as_of = Some(as_of);
        }
        is_new
    }

    /// Takes the next event in. Returns whether there is something new to be told.
    fn take(&mut self, record: &Recorded) -> bool {
        self.read = record.seq;
        let changed = match stored::decode(record.kind, record.ver, &record.payload) {
            Ok(Event::Announcement(changed)) => changed,
            Ok(_) => return false,
            Err(error) => {
                tracing::error!(lane = record.lane, pos = record.pos, %error, "an announcement cannot be read");
                return false;
            }
        };
        let AnnouncementChanged { announcement, change } = changed;
        let (made, text, at) = match change {
            AnnouncementChange::Made { text, at: Some(at) } => {
                let scheduled = Scheduled {
                    made: record.seq,
                    by: UserId(record.actor),
                    text,
                    at,
                };
                self.scheduled.insert(announcement, scheduled);
                return false;
            }
            AnnouncementChange::Made { text, at: None } => (record.seq, text, record.at.into()),
            AnnouncementChange::Published => match self.scheduled.remove(&announcement) {
                Some(scheduled) => (scheduled.made, scheduled.text, scheduled.at),
                None => return false,
            },
            AnnouncementChange::Cancelled => {
                self.scheduled.remove(&announcement);
                return false;
            }
        };
        if self.published.len() == KEPT {
            self.published.pop_front();
        }
        self.published.push_back(Arc::new(Published {
            order: record.seq,
            made,
            since: record.at,
            announced: Announced {
                id: announcement,
                text,
                at,
            },
        }));
        true
    }

    /// What is to be carried out now: by whom, and the seq of what made it.
    fn due(&self, now: DateTime<Utc>) -> Vec<(Uuid, UserId, u64)> {
        let due = self.scheduled.iter().filter(|(_, one)| one.at.time() <= now);
        due.map(|(id, one)| (*id, one.by, one.made)).collect()
    }

    /// How long it is until something is.
    fn wait(&self, now: DateTime<Utc>) -> Option<Duration> {
        let next = self.scheduled.values().map(|one| one.at.time()).min()?;
        Some((next - now).to_std().unwrap_or_default())
    }
}

impl Announcements {
    /// Keeps the board, and carries out what is due, for ever.
    pub(super) async fn watch(self) {
        loop {
            let read = self.look().await;
            if read.is_ok() && self.publish().await {
                // What that has become is read at once.
                continue;
            }
            if let Err(error) = read {
                tracing::debug!(%error, "announcements could not be read");
            }
            let wait = match self.board().wait(clock::now()) {
                // What is due was tried just now, in vain.
                Some(Duration::ZERO) => AGAIN,
                wait => wait.unwrap_or(LOOK).min(LOOK),
            };
            tokio::select! {
                () = self.0.ground.heard.0.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Reads what the board lacks.
    async fn look(&self) -> Result<(), ReadError> {
        let Foundation { lanes, log, .. } = &self.0.ground;
        let as_of = lanes.as_of();
        let time_lines = as_of.time_lines;
        if self.board().time_lines != time_lines {
            *self.board() = Board {
                time_lines,
                ..Board::default()
            };
        }
        loop {
            let from = self.board().read + 1;
            let page = log.stream(ANNOUNCEMENTS, from, u64::MAX, PAGE).await?;
            let is_new = self.board().read_on(&page, as_of);
            if is_new {
                self.0.crowd.all_wait();
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// Has the log say of what is due that it is told from here on. Returns whether it took some of it. Other nodes do the same, by the same ids.
    async fn publish(&self) -> bool {
        let Foundation { lanes, log_id, .. } = &self.0.ground;
        let due = self.board().due(clock::now());
        let mut took = false;
        for (announcement, by, made) in due {
            let id = CommandId::of_reaction(*log_id, AT_A_TIME, (ANNOUNCEMENTS, made), by);
            let command = AnnouncementCommand::Publish { announcement };
            match lanes.submit_announcement(by, id.0, command).await {
                Ok(accepted) => took |= !accepted.duplicate,
                Err(refusal) => {
                    tracing::warn!(%announcement, %refusal, "an announcement that is due waits for the log");
                }
            }
        }
        took
    }
}
