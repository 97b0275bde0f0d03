//! Reports: what members say is wrong with a message, and what moderators make of it. They are decided on a stream of the message's reports, on the
//! lane of its conversation and shown to no member: it lies behind what the message said, so the place of a report in the log says what that was.

mod handling;

pub use handling::{Handling, ReportHandled};

use crate::digest::{DigestKey, Form};
use crate::event::Event;
use crate::frozen::Frozen;
use crate::id::{ConversationId, ReportId, UserId};
use crate::kind::{Kind, Stored};
use crate::rejection::{Field, Rejection};
use crate::text::{Reason, ReportNote};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many messages somebody may report in a day.
pub const REPORTS_A_DAY: u32 = 20;
/// Reports of one message that are kept: more say nothing new.
pub const REPORTS_OF_MESSAGE_MAX: usize = 100;

/// Somebody has reported a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFiled {
    pub report: ReportId,
    pub by: UserId,
    pub conversation: ConversationId,
    pub message: Uuid,
    /// Who sent the message.
    pub sender: UserId,
    pub reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<ReportNote>,
    /// How many versions the message had, the first included. The log may have more of them before the report: one may have come while it was on
    /// its way.
    #[serde(skip_serializing_if = "is_first", default = "first")]
    pub versions: u32,
}

/// The version of a message that nobody has edited.
const fn first() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over by reference"
)]
const fn is_first(versions: &u32) -> bool {
    *versions == first()
}

impl Stored for ReportFiled {
    const KIND: Kind = Kind::REPORT_FILED;
    const NAME: &'static str = "report.filed";
    const CONTROL: bool = true;

    fn into_event(self) -> Event {
        Event::Report(ReportEvent::Filed(self))
    }
}

/// An event of the reports of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportEvent {
    Filed(ReportFiled),
    Handled(ReportHandled),
}

/// What decisions about the reports of a message depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports(BTreeMap<ReportId, Standing>);

/// A report, and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    /// Who sent the message.
    sender: UserId,
    /// How many versions it had when it was reported last.
    versions: u32,
    /// What was done last since then.
    handled: Option<Done>,
}

/// What was done with a report, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Done {
    handling: Handling,
    by: UserId,
    note: Option<Reason>,
}

/// What can be asked of the reports of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportCommand {
    File(Filing),
    Handle {
        report: ReportId,
        /// How many versions the message had when it was reported as the actor has seen it.
        seen: u32,
        handling: Handling,
        /// Why.
        note: Option<Reason>,
    },
}

/// A wish to report a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    pub conversation: ConversationId,
    pub message: Uuid,
    pub reason: Reason,
    pub note: Option<ReportNote>,
    /// Whether the operator takes reports for this reason.
    pub takes_reason: bool,
    /// Whether the actor is a member of the conversation.
    pub is_member: bool,
    /// Who sent the message, where there is one.
    pub sender: Option<UserId>,
    /// How many versions it has, the first included.
    pub versions: u32,
    /// When the actor may report one message more, where they have reported [as many as may be](REPORTS_A_DAY), as far as read models have come.
    pub free_at: Option<DateTime<Utc>>,
}

impl ReportCommand {
    /// A fingerprint of what `actor` wants of the reports `stream`; 0 for what the server asks for by itself. What was found out is no part of it.
    pub(crate) fn digest(&self, actor: UserId, stream: Uuid, key: &DigestKey) -> i64 {
        let Self::File(filing) = self else {
            return 0;
        };
        let mut form = Form::new(key);
        form.id(actor.0);
        form.id(stream);
        form.tag(1);
        form.text(filing.reason.as_str());
        form.tag(u8::from(filing.note.is_some()));
        form.text(filing.note.as_ref().map_or("", ReportNote::as_str));
        form.finish()
    }
}

impl Reports {
    /// Decides what `actor` wants. An empty answer means that all is so already.
    pub fn decide(
        &self,
        actor: UserId,
        command: &ReportCommand,
        now: DateTime<Utc>,
    ) -> Result<Vec<ReportEvent>, Rejection> {
        match command {
            ReportCommand::File(filing) => {
                let filed = self.file(actor, filing, now)?;
                Ok(filed.map(ReportEvent::Filed).into_iter().collect())
            }
            ReportCommand::Handle {
                report,
                seen,
                handling,
                note,
            } => {
                let handled = self.handle(actor, (*report, *seen, *handling), note.as_ref())?;
                Ok(handled.map(ReportEvent::Handled).into_iter().collect())
            }
        }
    }

    /// One person reports a message once, and again what it has been made into since.
    fn file(
        &self,
        actor: UserId,
        filing: &Filing,
        now: DateTime<Utc>,
    ) -> Result<Option<ReportFiled>, Rejection> {
        if !filing.is_member {
            return Err(Rejection::NotAMember);
        }
        let sender = filing.sender.ok_or(Rejection::NotFound(Field::Message))?;
        if sender == actor {
            return Err(Rejection::invalid(
                Field::Message,
                "you sent this message yourself",
            ));
        }
        let report = ReportId::of(filing.conversation, filing.message, actor);
        let says_nothing_new = match self.0.get(&report) {
            Some(standing) => standing.versions >= filing.versions,
            None => self.0.len() >= REPORTS_OF_MESSAGE_MAX,
        };
        if says_nothing_new {
            return Ok(None);
        }
        if !filing.takes_reason {
            return Err(Rejection::invalid(
                Field::Reason,
                "the reason is none of those that messages are reported for here",
            ));
        }
        if let Some(free_at) = filing.free_at
            && free_at > now
        {
            return Err(Rejection::TooOften {
                field: Field::Message,
                reason: "you have reported as many messages as may be in a day",
                wait: free_at - now,
            });
        }
        Ok(Some(ReportFiled {
            report,
            by: actor,
            conversation: filing.conversation,
            message: filing.message,
            sender,
            reason: filing.reason.clone(),
            note: filing.note.clone(),
            versions: filing.versions,
        }))
    }

    /// Folds one event.
    pub fn evolve(&mut self, event: &ReportEvent) {
        match event {
            ReportEvent::Filed(filed) => {
                let standing = Standing {
                    sender: filed.sender,
                    versions: filed.versions,
                    handled: None,
                };
                self.0.insert(filed.report, standing);
            }
            ReportEvent::Handled(handled) => {
                if let Some(standing) = self.0.get_mut(&handled.report) {
                    standing.handled = Some(Done {
                        handling: handled.action,
                        by: handled.by,
                        note: handled.note.clone(),
                    });
                }
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn freeze(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u64).to_le_bytes());
        for (report, standing) in &self.0 {
            out.extend(report.0.as_bytes());
            out.extend(standing.sender.0.as_bytes());
            out.extend(standing.versions.to_le_bytes());
            let done = standing.handled.as_ref();
            out.push(done.map_or(0, |done| done.handling.number()));
            out.extend(done.map_or(Uuid::nil(), |done| done.by.0).as_bytes());
            let note = done.and_then(|done| done.note.as_ref());
            let note = note.map_or("", Reason::as_str);
            out.extend((note.len() as u64).to_le_bytes());
            out.extend(note.as_bytes());
        }
    }

    pub(crate) fn thaw(frozen: &mut Frozen<'_>) -> Option<Self> {
        let count = frozen.number()?;
        let entries = frozen.list(count, 61, |frozen| {
            let mut id = || frozen.array().map(Uuid::from_bytes);
            let (report, sender) = (ReportId(id()?), UserId(id()?));
            let versions = u32::from_le_bytes(frozen.array()?);
            let handling = frozen.byte()?;
            let by = UserId(frozen.array().map(Uuid::from_bytes)?);
            let note = match frozen.number()? {
                0 => None,
                bytes => {
                    let note = String::from_utf8(frozen.list(bytes, 1, Frozen::byte)?).ok()?;
                    Some(Reason::parse(&note).ok()?)
                }
            };
            let handled = match handling {
                0 => None,
                number => Some(Done {
                    handling: Handling::numbered(number)?,
                    by,
                    note,
                }),
            };
            let standing = Standing {
                sender,
                versions,
                handled,
            };
            Some((report, standing))
        })?;
        Some(Self(entries.into_iter().collect()))
    }
}
