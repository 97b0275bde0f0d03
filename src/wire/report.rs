//! Reports.

use super::command::Wanted;
use tidings_domain::{ConversationId, Reason, Rejection, ReportNote};
use uuid::Uuid;

/// What somebody says is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub conversation: ConversationId,
    pub message: Uuid,
    pub reason: Reason,
    pub note: Option<ReportNote>,
}

pub(super) fn send(
    conversation: Uuid,
    message: Uuid,
    reason: &str,
    note: Option<&str>,
) -> Result<Wanted, Rejection> {
    Ok(Wanted::Report(Report {
        conversation: ConversationId(conversation),
        message,
        reason: Reason::parse(reason)?,
        note: note.map(ReportNote::parse).transpose()?,
    }))
}
