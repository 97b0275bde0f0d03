//! What administrators announce, and take back.

use super::Administration;
use crate::clock;
use crate::outcome;
use chrono::{DateTime, Utc};
use tidings_domain::{AnnouncementCommand, AnnouncementText, Field, Rejection, UserId};
use tidings_graphql::{Code, MadeAnnouncement, Order, Refusal};
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
            return Err(rejected(&Rejection::invalid(Field::At, "the time is past")));
        }
        let announcement = clock::id();
        let order = Order::Announce {
            announcement,
            text,
            at,
        };
        let made_at = tidings_graphql::Backend::carry_out(self, by, order).await?;
        let made_at = i64::try_from(made_at)
            .ok()
            .and_then(DateTime::from_timestamp_millis);
        let made_at = made_at.unwrap_or_else(clock::now);
        Ok(MadeAnnouncement {
            id: announcement,
            made_at,
            at: at.unwrap_or(made_at),
        })
    }

    /// Answers when it was made, in milliseconds.
    pub(super) async fn make_announcement(
        &self,
        by: Uuid,
        announcement: Uuid,
        text: String,
        at: Option<DateTime<Utc>>,
    ) -> Result<u64, Refusal> {
        let command = AnnouncementCommand::Make {
            announcement,
            text: parse(&text)?,
            at: at.map(Into::into),
        };
        let lanes = &self.0.ground.lanes;
        let made = lanes.submit_announcement(UserId(by), announcement, command).await;
        let made = made.map_err(|refusal| refused(&refusal))?;
        Ok(made.at.timestamp_millis().max(0).cast_unsigned())
    }

    /// Answers the position up to which the log says it.
    pub(super) async fn take_back(&self, by: Uuid, announcement: Uuid) -> Result<u64, Refusal> {
        let command = AnnouncementCommand::Cancel { announcement };
        let lanes = &self.0.ground.lanes;
        let cancelled = lanes.submit_announcement(UserId(by), clock::id(), command).await;
        Ok(cancelled.map_err(|refusal| refused(&refusal))?.position.pos)
    }
}

fn parse(text: &str) -> Result<AnnouncementText, Refusal> {
    AnnouncementText::parse(text).map_err(|rejection| rejected(&rejection))
}

fn refused(refusal: &outcome::Refusal) -> Refusal {
    match refusal {
        outcome::Refusal::Rejected(rejection) => rejected(rejection),
        other => {
            tracing::warn!(refusal = %other, "the log does not take an announcement");
            Refusal::unavailable("the log does not take it just now")
        }
    }
}

fn rejected(rejection: &Rejection) -> Refusal {
    let message = rejection.to_string();
    let (code, field) = match rejection {
        Rejection::Invalid { field, .. } => (Code::InvalidArgument, Some(*field)),
        Rejection::TooLarge { field, .. } => (Code::TooLarge, Some(*field)),
        Rejection::NotFound(field) => (Code::NotFound, Some(*field)),
        Rejection::Conflict(_) => (Code::Conflict, None),
        _ => (Code::Forbidden, None),
    };
    Refusal {
        field: field.map(Field::as_str),
        ..Refusal::new(code, message)
    }
}
