//! Announcements: what administrators tell everybody, now or at a time. All are decided on one stream.
//!
//! An announcement is one event there, and a second one where it was made for a time that has come, however many people there are. Who is told, and when, is
//! not decided here: each is told by an event of their own stream.

use crate::event::Event;
use crate::frozen::Frozen;
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use crate::rejection::{Field, Rejection};
use crate::text::is_unseen;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// The stream of all announcements, on lane 0, which every log has. It is no conversation and nobody's own.
pub const ANNOUNCEMENTS: Uuid = Uuid::from_u128(0x0000_0000_a220_8000_8000_0000_0000_0000);

/// The longest text, in bytes of UTF-8.
pub const ANNOUNCEMENT_BYTES_MAX: usize = 8192;
/// Announcements that wait for their time, at most.
pub const SCHEDULED_MAX: usize = 100;
/// How far ahead one may be made.
const AHEAD_MAX: TimeDelta = TimeDelta::days(366);
/// Of so many it is remembered what has become of them; of older ones nobody can say more than that they do not wait.
const OVER_MAX: usize = 1000;

/// What is announced: 1 to 8,192 bytes of UTF-8 that show something, without NUL characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AnnouncementText(String);

impl AnnouncementText {
    /// Checks a text. Refused when nothing of it is seen, when it is too long, or when it holds a NUL, which PostgreSQL cannot store as text.
    pub fn parse(text: impl Into<String>) -> Result<Self, Rejection> {
        let text = text.into();
        if text.len() > ANNOUNCEMENT_BYTES_MAX {
            return Err(Rejection::TooLarge {
                field: Field::Text,
                max: ANNOUNCEMENT_BYTES_MAX,
            });
        }
        if text.chars().all(is_unseen) {
            return Err(Rejection::invalid(Field::Text, "the text shows nothing"));
        }
        if text.contains('\0') {
            return Err(Rejection::invalid(Field::Text, "the text holds a NUL character"));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something has become of an announcement. The event's actor is the administrator, also where its time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementChanged {
    pub announcement: Uuid,
    pub change: AnnouncementChange,
}

/// What has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementChange {
    /// It was made: for a time, or to be told at once.
    Made {
        text: AnnouncementText,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        at: Option<Moment>,
    },
    /// It will not be told.
    Cancelled,
    /// Its time has come: from here on it is told.
    Published,
}

impl Stored for AnnouncementChanged {
    const KIND: Kind = Kind::ANNOUNCEMENT_CHANGED;
    const NAME: &'static str = "announcement.changed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        Event::Announcement(self)
    }
}

/// What can be asked of announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnouncementCommand {
    Make {
        announcement: Uuid,
        text: AnnouncementText,
        at: Option<Moment>,
    },
    Cancel {
        announcement: Uuid,
    },
    /// The server's own: the time may have come.
    Publish {
        announcement: Uuid,
    },
}

/// What decisions about announcements depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcements {
    /// Those that wait, with their times.
    scheduled: BTreeMap<Uuid, Moment>,
    /// The newest of the others, and whether they were cancelled.
    over: VecDeque<(Uuid, bool)>,
}

impl Announcements {
    /// Decides a command. An empty answer means that all is so already, or that the time has not come.
    pub fn decide(
        &self,
        command: &AnnouncementCommand,
        now: DateTime<Utc>,
    ) -> Result<Vec<AnnouncementChanged>, Rejection> {
        let changed = |announcement: &Uuid, change| {
            vec![AnnouncementChanged {
                announcement: *announcement,
                change,
            }]
        };
        match command {
            AnnouncementCommand::Make {
                announcement,
                text,
                at,
            } => {
                if let Some(at) = at {
                    self.check_time(*at, now)?;
                }
                let (text, at) = (text.clone(), *at);
                Ok(changed(announcement, AnnouncementChange::Made { text, at }))
            }
            AnnouncementCommand::Cancel { announcement } => match self.scheduled.get(announcement) {
                Some(at) if at.time() > now => Ok(changed(announcement, AnnouncementChange::Cancelled)),
                Some(_) => Err(Rejection::Conflict("the time of this announcement has come")),
                None => match self.over.iter().find(|(over, _)| over == announcement) {
                    Some((_, true)) => Ok(vec![]),
                    Some((_, false)) => Err(Rejection::Conflict("this announcement was told already")),
                    None => Err(Rejection::NotFound(Field::Id)),
                },
            },
            AnnouncementCommand::Publish { announcement } => match self.scheduled.get(announcement) {
                Some(at) if at.time() <= now => Ok(changed(announcement, AnnouncementChange::Published)),
                Some(_) | None => Ok(vec![]),
            },
        }
    }

    fn check_time(&self, at: Moment, now: DateTime<Utc>) -> Result<(), Rejection> {
        if at.time() <= now {
            return Err(Rejection::invalid(Field::At, "the time is past"));
        }
        if at.time() > now + AHEAD_MAX {
            return Err(Rejection::invalid(
                Field::At,
                "the time is more than a year ahead",
            ));
        }
        if self.scheduled.len() >= SCHEDULED_MAX {
            return Err(Rejection::Conflict("as many announcements wait as may"));
        }
        Ok(())
    }

    /// Folds one event.
    pub fn evolve(&mut self, changed: &AnnouncementChanged) {
        let announcement = changed.announcement;
        match changed.change {
            AnnouncementChange::Made { at: Some(at), .. } => {
                self.scheduled.insert(announcement, at);
            }
            AnnouncementChange::Made { at: None, .. } | AnnouncementChange::Published => {
                self.end(announcement, false);
            }
            AnnouncementChange::Cancelled => self.end(announcement, true),
        }
    }

    fn end(&mut self, announcement: Uuid, cancelled: bool) {
        self.scheduled.remove(&announcement);
        if self.over.len() == OVER_MAX {
            self.over.pop_front();
        }
        self.over.push_back((announcement, cancelled));
    }

    /// How many things the state lists one by one.
    pub(crate) fn entry_count(&self) -> usize {
        self.scheduled.len() + self.over.len()
    }

    pub(crate) fn freeze(&self, out: &mut Vec<u8>) {
        out.extend((self.scheduled.len() as u64).to_le_bytes());
        for (announcement, at) in &self.scheduled {
            out.extend(announcement.as_bytes());
            out.extend(at.time().timestamp_millis().to_le_bytes());
        }
        out.extend((self.over.len() as u64).to_le_bytes());
        for (announcement, cancelled) in &self.over {
            out.extend(announcement.as_bytes());
            out.push(u8::from(*cancelled));
        }
    }

    pub(crate) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let count = frozen.number()?;
        let scheduled = frozen.list(count, 24, |frozen| {
            let announcement = frozen.array().map(Uuid::from_bytes)?;
            let at = DateTime::from_timestamp_millis(frozen.array().map(i64::from_le_bytes)?)?;
            Some((announcement, Moment::from(at)))
        })?;
        let count = frozen.number()?;
        let over = frozen.list(count, 17, |frozen| {
            let announcement = frozen.array().map(Uuid::from_bytes)?;
            match frozen.byte()? {
                0 => Some((announcement, false)),
                1 => Some((announcement, true)),
                _ => None,
            }
        })?;
        Some(Self {
            scheduled: scheduled.into_iter().collect(),
            over: over.into(),
        })
    }
}
