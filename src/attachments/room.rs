//! Room for files that are on their way: taken before their first byte, whichever way they come, and held until the log says that they are
//! stored.
//!
//! Whoever wants room says so in a row first, and asks the log behind that what is stored; whoever stores lets the row go behind the event.
//! So each file that is on its way is counted in one of the two. Where it stands in both and is in somebody's way, it counts in the log alone.

use super::Shared;
use super::problems;
use super::refusals;
use super::storing::Claim;
use crate::clock;
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tidings_domain::{Usage, UserCommand, UserId};
use tokio::time::sleep;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Uploads in parts that one user may have begun and not ended.
const BEGUN: i64 = 20;
/// How long it is waited, one time after the other, for files that are in the way and may be gone in a moment: they have just taken room, and
/// the log is being asked whether there is any. In milliseconds.
const WAITS_MS: [u64; 4] = [20, 40, 80, 160];

/// A file that wants room.
pub(super) struct Coming<'a> {
    /// What it is called once it is stored.
    pub(super) id: Uuid,
    pub(super) claim: &'a Claim,
    /// In bytes.
    pub(super) size: u64,
    /// Of one that comes in parts, what its sender says of it, as they say it. Nothing of one that comes in one go.
    pub(super) metadata: Option<&'a str>,
    /// After so many seconds the room is free again, however the upload ends.
    pub(super) lasts_s: i64,
}

/// What the row of a file was answered.
struct Taken {
    has_room: bool,
    /// What else is on its way.
    others: Usage,
    /// `None` where nothing was taken.
    expires_at: Option<DateTime<Utc>>,
}

impl Shared {
    /// Takes room for a file, and answers until when it is held. To be seen through, so that no room stays taken that there is not.
    pub(super) async fn take_room(&self, coming: Coming<'_>) -> Result<DateTime<Utc>, Problem> {
        self.ask_read_model(&coming).await?;
        let (others, expires_at) = self.note(&coming).await?;
        if let Err(problem) = self.ask_log(&coming, others).await {
            // Where nobody answers, it is free once its time is up.
            let _ = self.give_room_back(coming.id).await;
            return Err(problem);
        }
        Ok(expires_at)
    }

    /// Refuses a file that would not fit if it were the only one that comes, as far as the read model knows: nobody else is asked for it.
    async fn ask_read_model(&self, coming: &Coming<'_>) -> Result<(), Problem> {
        let quota = self.config.quota();
        let usage = tidings_projections::attachments::usage(coming.claim.user);
        let usage = self.tables.ask(usage).await?;
        let (bytes, files) = usage.first().copied().unwrap_or_default();
        let (bytes, files) = (bytes.max(0) as u64, files.max(0) as u64);
        if files >= quota.files || bytes.saturating_add(coming.size) > quota.bytes {
            return Err(problems::full());
        }
        Ok(())
    }

    /// Notes that a file wants room, and answers what else is on its way and until when it is noted. Refuses what would not fit beside that if
    /// nothing were stored.
    async fn note(&self, coming: &Coming<'_>) -> Result<(Usage, DateTime<Utc>), Problem> {
        let mut waits = WAITS_MS.into_iter();
        loop {
            let taken = self.take(coming).await;
            if taken.is_err() {
                // It may be noted all the same. Where nobody answers here either, it is free once its time is up.
                let sql = include_str!("room/take_back.sql");
                let _ = self.tables.rows(sql, &[&coming.id, &coming.claim.user]).await;
            }
            let taken = taken?;
            if taken.has_room {
                let expires_at = taken.expires_at.ok_or_else(|| {
                    problems::too_many("you have enough uploads under way").retry_after_ms(60_000)
                })?;
                return Ok((taken.others, expires_at));
            }
            let wait_ms = waits.next().ok_or_else(problems::full)?;
            sleep(Duration::from_millis(wait_ms)).await;
        }
    }

    async fn take(&self, coming: &Coming<'_>) -> Result<Taken, Problem> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let (user, name) = (coming.claim.user, coming.claim.name.as_str());
        let (size, room) = (bytes(coming.size), bytes(self.config.quota().bytes));
        let whole = coming.metadata.is_none();
        let values: [&(dyn ToSql + Sync); 10] = [
            &coming.id,
            &user,
            &name,
            &coming.claim.media_type,
            &coming.metadata,
            &size,
            &whole,
            &coming.lasts_s,
            &BEGUN,
            &room,
        ];
        let rows = self.tables.rows(include_str!("room/take.sql"), &values).await?;
        let row = rows.first().ok_or_else(problems::away)?;
        let read = || -> Result<Taken, Error> {
            Ok(Taken {
                has_room: row.try_get(0)?,
                others: Usage {
                    bytes: number(row, 1)?,
                    files: number(row, 2)?,
                },
                expires_at: row.try_get(3)?,
            })
        };
        read().map_err(|_| problems::away())
    }

    /// Refuses a file for which there is no room beside what the log holds and the `others` that are on their way.
    async fn ask_log(&self, coming: &Coming<'_>, mut others: Usage) -> Result<(), Problem> {
        let user = coming.claim.user;
        let mut waits = WAITS_MS.into_iter();
        loop {
            let wanted = Usage {
                bytes: others.bytes.saturating_add(coming.size),
                files: others.files.saturating_add(1),
            };
            let command = UserCommand::AskRoom {
                wanted,
                quota: self.config.quota(),
            };
            let asked = self
                .lanes
                .submit_user(UserId(user), clock::id(), command, None)
                .await;
            let Err(refusal) = asked else {
                return Ok(());
            };
            let problem = refusals::refusal(&refusal);
            if !problems::is_full(&problem) {
                return Err(problem);
            }
            // Some of them may be stored by now, and count twice, or be gone in a moment.
            let asked_with = others.bytes;
            loop {
                others = self.others(user, coming.id).await?;
                if others.bytes < asked_with {
                    break;
                }
                let wait_ms = if others.files > 0 { waits.next() } else { None };
                let Some(wait_ms) = wait_ms else {
                    return Err(problem);
                };
                sleep(Duration::from_millis(wait_ms)).await;
            }
        }
    }

    /// What else of a user is on its way and was so before a file took room, without what the log holds by now.
    async fn others(&self, user: Uuid, id: Uuid) -> Result<Usage, Problem> {
        let sql = include_str!("room/others.sql");
        let rows = self.tables.rows(sql, &[&user, &id]).await?;
        let read = |row: &Row| -> Result<(Uuid, u64), Error> { Ok((row.try_get(0)?, number(row, 1)?)) };
        let sizes = rows.iter().map(read).collect::<Result<Vec<_>, _>>();
        let sizes = sizes.map_err(|_| problems::away())?;
        let files: Vec<Uuid> = sizes.iter().map(|(file, _)| *file).collect();
        let logged = self.tables.logged(user, &files).await?;
        let mut others = Usage::default();
        for (file, size) in sizes {
            if !logged.contains(&file) {
                others.bytes = others.bytes.saturating_add(size);
                others.files += 1;
            }
        }
        Ok(others)
    }

    /// A file is not on its way any more: what it took is free, and its parts go.
    pub(super) async fn give_room_back(&self, id: Uuid) -> Result<(), Problem> {
        let sql = include_str!("room/give_back.sql");
        for row in self.tables.rows(sql, &[&id]).await? {
            self.forget(row.try_get("parts").unwrap_or_default()).await;
        }
        Ok(())
    }
}

fn number(row: &Row, index: usize) -> Result<u64, Error> {
    Ok(row.try_get::<_, i64>(index)?.max(0) as u64)
}
