//! What moderators make of reports.

use super::{ReportEvent, Reports, Standing};
use crate::event::Event;
use crate::id::{ReportId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::Reason;
use serde::{Deserialize, Serialize};

/// What a moderator does with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Looks at it, so that others need not.
    Assign,
    /// Finds nothing wrong.
    Dismiss,
    /// Has seen to it, otherwise than by taking the message back.
    Resolve,
    /// Takes the message back.
    Recall,
}

/// Somebody has looked at a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportHandled {
    pub report: ReportId,
    pub by: UserId,
    pub action: Handling,
    /// Why. Of a recall the members are told it, too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<Reason>,
}

impl Stored for ReportHandled {
    const KIND: Kind = Kind::REPORT_HANDLED;
    const NAME: &'static str = "report.handled";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        Event::Report(ReportEvent::Handled(self))
    }
}

impl Handling {
    const ALL: [Self; 4] = [Self::Assign, Self::Dismiss, Self::Resolve, Self::Recall];

    /// Whether nothing is left to be done then.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Assign)
    }

    /// The word for it in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Dismiss => "dismiss",
            Self::Resolve => "resolve",
            Self::Recall => "recall",
        }
    }

    /// What the word means.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|handling| handling.as_str() == name)
    }

    /// Its number in frozen states, from 1.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Assign => 1,
            Self::Dismiss => 2,
            Self::Resolve => 3,
            Self::Recall => 4,
        }
    }

    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|handling| handling.number() == number)
    }
}

const SETTLED: Rejection = Rejection::Conflict("this report is settled already");

impl Reports {
    /// What is done with a report is done: who does the same for the same reason finds it so, who does otherwise comes too late. Nobody judges their own message, nor
    /// what they have not seen: each report under the same id is of more versions than the one before.
    pub(super) fn handle(
        &self,
        actor: UserId,
        (report, seen, handling): (ReportId, u32, Handling),
        note: Option<&Reason>,
    ) -> Result<Option<ReportHandled>, Rejection> {
        let standing = self.standing(actor, report)?;
        // Also of a repeat: it takes the message back where the first one has not come to that.
        if handling == Handling::Recall && note.is_none() {
            return Err(Rejection::invalid(
                Field::Note,
                "members are told why a message is gone",
            ));
        }
        if seen != standing.versions {
            return Err(Rejection::Conflict("this report was made once more"));
        }
        match &standing.handled {
            // The reason is what members were told: another one would be written down for what was done.
            Some(done) if done.handling.is_final() => {
                return if (done.handling, done.note.as_ref()) == (handling, note) {
                    Ok(None)
                } else {
                    Err(SETTLED)
                };
            }
            Some(done) if (done.handling, done.by) == (handling, actor) => return Ok(None),
            _ => {}
        }
        Ok(Some(ReportHandled {
            report,
            by: actor,
            action: handling,
            note: note.cloned(),
        }))
    }

    /// Refuses what is settled. Whatever was reported once more behind what the actor has seen is not.
    pub(crate) fn unsettled(&self, actor: UserId, report: ReportId) -> Result<(), Rejection> {
        match &self.standing(actor, report)?.handled {
            Some(done) if done.handling.is_final() => Err(SETTLED),
            _ => Ok(()),
        }
    }

    /// A report as it stands for whoever may judge it: who sent the message is not told of its reports.
    fn standing(&self, actor: UserId, report: ReportId) -> Result<&Standing, Rejection> {
        let standing = self.0.get(&report).filter(|standing| standing.sender != actor);
        standing.ok_or(Rejection::NotFound(Field::Message))
    }
}
