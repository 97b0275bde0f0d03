//! Room for files that are on their way: taken before their first byte, whichever way they come, and held until the log says that they are
//! stored.
//!
//! Whoever wants room says so in a row first, and asks the log behind that what is stored; whoever stores lets the row go behind the event.
//! So each file that is on its way is counted in one of the two, and for a moment perhaps in both.

use super::Shared;
use super::problems;
use super::refusals;
use super::storing::Claim;
use crate::clock;
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use tidings_domain::{Usage, UserCommand, UserId};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Uploads in parts that one user may have begun and not ended.
const BEGUN: i64 = 20;

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
        let taken = self.take(&coming).await?;
        if !taken.has_room {
            return Err(problems::full());
        }
        let Some(expires_at) = taken.expires_at else {
            let problem = problems::too_many("you have enough uploads under way");
            return Err(problem.retry_after_ms(60_000));
        };
        if let Err(problem) = self.ask_log(&coming, taken.others).await {
            // Where nobody answers, it is free once its time is up.
            let _ = self.give_room_back(coming.id).await;
            return Err(problem);
        }
        Ok(expires_at)
    }

    /// Notes that a file wants room, unless there is none for it as far as the read models know.
    async fn take(&self, coming: &Coming<'_>) -> Result<Taken, Problem> {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let (user, name) = (coming.claim.user, coming.claim.name.as_str());
        let (size, room) = (bytes(coming.size), bytes(self.room(user).await?));
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
                others: usage(row, 1)?,
                expires_at: row.try_get(3)?,
            })
        };
        read().map_err(|_| problems::away())
    }

    /// How many bytes somebody may store beside what they have, as far as the read models know. Refuses who may not store another file.
    async fn room(&self, user: Uuid) -> Result<u64, Problem> {
        let quota = self.config.quota();
        let usage = self
            .tables
            .ask(tidings_projections::attachments::usage(user))
            .await?;
        let (bytes, files) = usage.first().copied().unwrap_or_default();
        let (bytes, files) = (bytes.max(0) as u64, files.max(0) as u64);
        if files >= quota.files {
            return Err(problems::full());
        }
        Ok(quota.bytes.saturating_sub(bytes))
    }

    /// Refuses a file for which there is no room beside what the log holds and the `others` that are on their way.
    async fn ask_log(&self, coming: &Coming<'_>, mut others: Usage) -> Result<(), Problem> {
        let user = coming.claim.user;
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
            // One of the others may have been stored in between, and counted twice.
            let left = self.others(user, coming.id).await?;
            if left.bytes >= others.bytes {
                return Err(problem);
            }
            others = left;
        }
    }

    /// What else of a user is on its way.
    async fn others(&self, user: Uuid, id: Uuid) -> Result<Usage, Problem> {
        let sql = include_str!("room/others.sql");
        let rows = self.tables.rows(sql, &[&user, &id]).await?;
        let row = rows.first().ok_or_else(problems::away)?;
        usage(row, 0).map_err(|_| problems::away())
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

fn usage(row: &Row, first: usize) -> Result<Usage, Error> {
    let number = |index: usize| Ok::<_, Error>(row.try_get::<_, i64>(index)?.max(0) as u64);
    Ok(Usage {
        bytes: number(first)?,
        files: number(first + 1)?,
    })
}
