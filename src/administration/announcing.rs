//! What administrators announce, and take back.

use super::Administration;
use super::acts::written;
use super::refusals::refused;
use crate::clock;
use chrono::{DateTime, Utc};
use tidings_domain::{AnnouncementCommand, AnnouncementText, Field, Rejection, UserId};
use tidings_graphql::{Backend as _, Done, MadeAnnouncement, Order, Refusal};
use uuid::Uuid;

impl Administration {
    /// Has the administrator `by` announce something. What cannot be right is refused before the log says that it was ordered.
    pub(super) async fn announced(
        &self,
        by: Uuid,
        text: String,
        at: Option<DateTime<Utc>>,
    ) -> Result<MadeAnnouncement, Refusal> {
        parse(&text)?;
        if at.is_some_and(|at| at <= clock::now()) {
            return Err(refused(&Rejection::invalid(Field::At, "the time is past").into()));
        }
        let announcement = clock::id();
        let order = Order::Announce {
            announcement,
            text,
            at,
        };
        let made_at = match self.carry_out(by, order).await? {
            Done::Written { at, .. } => at,
            Done::Count(_) => clock::now(),
        };
        Ok(MadeAnnouncement {
            id: announcement,
            made_at,
            at: at.unwrap_or(made_at),
        })
    }

    pub(super) async fn make_announcement(
        &self,
        by: Uuid,
        announcement: Uuid,
        text: String,
        at: Option<DateTime<Utc>>,
    ) -> Result<Done, Refusal> {
        let command = AnnouncementCommand::Make {
            announcement,
            text: parse(&text)?,
            at: at.map(Into::into),
        };
        let lanes = &self.0.ground.lanes;
        let made = lanes.submit_announcement(UserId(by), announcement, command).await;
        Ok(written(&made.map_err(|refusal| refused(&refusal))?))
    }

    pub(super) async fn take_back(&self, by: Uuid, announcement: Uuid) -> Result<Done, Refusal> {
        let command = AnnouncementCommand::Cancel { announcement };
        let lanes = &self.0.ground.lanes;
        let cancelled = lanes.submit_announcement(UserId(by), clock::id(), command).await;
        Ok(written(&cancelled.map_err(|refusal| refused(&refusal))?))
    }
}

fn parse(text: &str) -> Result<AnnouncementText, Refusal> {
    AnnouncementText::parse(text).map_err(|rejection| refused(&rejection.into()))
}
