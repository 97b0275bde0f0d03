//! The administration: what administrators did to the whole server, one stream for all of it.
//!
//! Nothing is decided by these events; they tell who did what, when, and why. Each is in the log before the act is carried out.

use crate::event::Event;
use crate::kind::{Kind, Stored};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The stream of the administration, on lane 0, which every log has. It is no conversation and nobody's own.
pub const ADMINISTRATION: Uuid = Uuid::from_u128(0x0000_0000_ad31_8000_8000_0000_0000_0000);

/// An administrator has ordered something. The event's actor is the administrator.
///
/// Acts are words, not variants: a version that does not know one still reads who did something, to what, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// What was ordered, as [`Act::as_str`] says it.
    pub act: String,
    /// What it was done to: a user, a session, a read model, an event that is parked, an announcement.
    pub target: String,
    /// Why, where the administrator said so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl Stored for Acted {
    const KIND: Kind = Kind::ADMINISTRATOR_ACTED;
    const NAME: &'static str = "administrator.acted";

    fn into_event(self) -> Event {
        Event::Administration(self)
    }
}

/// What administrators do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    SuspendUser,
    ReinstateUser,
    DeleteUser,
    RevokeSessions,
    Disconnect,
    RetryParked,
    SkipParked,
    RebuildProjection,
    CancelRebuild,
    RollbackProjection,
    Announce,
    CancelAnnouncement,
    /// Looks at what a message said that somebody has reported.
    ReadReport,
    HandleReport,
    /// Keeps from everybody what a message says that somebody has reported.
    WithholdReported,
    ShowReportedAgain,
}

impl Act {
    /// The act as it stands in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuspendUser => "user.suspend",
            Self::ReinstateUser => "user.reinstate",
            Self::DeleteUser => "user.delete",
            Self::RevokeSessions => "user.revoke_sessions",
            Self::Disconnect => "connection.disconnect",
            Self::RetryParked => "parked.retry",
            Self::SkipParked => "parked.skip",
            Self::RebuildProjection => "projection.rebuild",
            Self::CancelRebuild => "projection.cancel_rebuild",
            Self::RollbackProjection => "projection.rollback",
            Self::Announce => "announcement.make",
            Self::CancelAnnouncement => "announcement.cancel",
            Self::ReadReport => "report.read",
            Self::HandleReport => "report.resolve",
            Self::WithholdReported => "report.withhold",
            Self::ShowReportedAgain => "report.show_again",
        }
    }
}
