//! That somebody is told an announcement: by a notice of their own stream, when they are there.

use crate::announcement::AnnouncementText;
use crate::event::{Event, UserEvent};
use crate::kind::{Kind, Stored};
use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The user is told an announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Of the announcement.
    pub id: Uuid,
    pub text: AnnouncementText,
    /// When it was made for.
    pub at: Moment,
}

impl Stored for Announced {
    const KIND: Kind = Kind::ANNOUNCED;
    const NAME: &'static str = "announcement";

    fn into_event(self) -> Event {
        UserEvent::Announced(self).into()
    }
}
