//! What members report: what a message had said by then, and what moderators do about it. Both are in the log as acts first.

use super::Administration;
use super::acts::written;
use super::refusals;
use super::tables::unavailable;
use crate::clock;
use crate::outcome::{Accepted, Refusal as Refused};
use tidings_domain::event::Acted;
use tidings_domain::stored::{self, Kind};
use tidings_domain::{
    Act, Command, CommandId, Content, ConversationCommand, ConversationEvent, ConversationId, Event, Field,
    Handling, MessageText, Reason, Rejection, ReportCommand, ReportId, UserId,
};
use tidings_eventlog::{ReadError, Recorded};
use tidings_graphql::{
    Done, Refusal, ReportOrder, ReportPosition, SaidKind, Version, Withholding, WithholdingOrder,
};
use uuid::Uuid;

impl Administration {
    /// What a message had said by the time of its report, oldest first, once the log has it that `by` has looked.
    pub(super) async fn read_evidence(
        &self,
        by: Uuid,
        report: ReportPosition,
    ) -> Result<Vec<Version>, Refusal> {
        let looked = Acted {
            act: Act::ReadReport.as_str().to_owned(),
            target: about(report.conversation, report.message),
            // Not the report: its id follows from whose it is, and the audit is shown to those who are reported, too.
            reason: None,
        };
        self.write_down(by, looked).await?;
        let failed = |error: ReadError| {
            tracing::warn!(%error, "what was reported cannot be read");
            unavailable()
        };
        let (conversation, message) = (report.conversation, report.message);
        let pins = Kind::PIN_CHANGED.0;
        let trace = self.0.shown.trace(conversation, message, pins).await;
        let Some(trace) = trace.map_err(failed)? else {
            return Ok(vec![]);
        };
        // Recalls win over edits, also over those that come behind them.
        let recall = trace
            .about
            .iter()
            .find(|event| event.kind == Kind::MESSAGE_RECALLED.0);
        let end = recall.map_or(report.pos, |recall| recall.pos.min(report.pos));
        let edits = trace
            .about
            .iter()
            .filter(|event| event.kind == Kind::MESSAGE_EDITED.0);
        let seqs = std::iter::once(&trace.subject)
            .chain(edits)
            .filter(|event| event.pos < end)
            .map(|event| event.seq);
        let mut versions = vec![];
        for seq in seqs {
            // From the log that keeps what is gone for everybody else.
            let found = self.0.ground.log.stream(conversation, seq, seq, 1).await;
            versions.extend(found.map_err(failed)?.first().and_then(version));
        }
        Ok(versions)
    }

    /// Settles a report, or says who looks at it. What is to be taken back is taken back behind it, and what is withheld is shown again; where that
    /// fails, ordering it again makes up for it.
    pub(super) async fn handle_report(&self, by: Uuid, order: ReportOrder) -> Result<Done, Refusal> {
        let ReportOrder {
            report,
            reports,
            versions,
            conversation,
            message,
            handling,
            note,
        } = order;
        let note = reason(note.as_deref())?;
        let handle = ReportCommand::Handle {
            report: ReportId(report),
            seen: versions,
            handling,
            note: note.clone(),
        };
        let handled = self.handle(by, reports, handle).await?;
        let body = match (handling, note) {
            (Handling::Recall, Some(reason)) => ConversationCommand::Moderate { message, reason },
            (Handling::Dismiss | Handling::Resolve, _) => ConversationCommand::ShowAgain { message },
            // Looking alone changes nothing, and without a reason nothing is taken back.
            (Handling::Assign | Handling::Recall, _) => return Ok(written(&handled)),
        };
        self.moderate(by, conversation, body, &handled).await
    }

    /// Withholds what was reported, or shows it again, behind the word that `by` looks at the report: that is refused to whoever may not, and of
    /// what is settled. Nothing is withheld for what somebody settles in between; what was made once more is withheld all the more, and the report is
    /// for whoever sees what it is now.
    pub(super) async fn withhold_reported(&self, by: Uuid, order: WithholdingOrder) -> Result<Done, Refusal> {
        let WithholdingOrder {
            report,
            reports,
            versions,
            conversation,
            message,
            withholding,
        } = order;
        let report = ReportId(report);
        let body = match withholding {
            Withholding::On { note } => ConversationCommand::Withhold {
                message,
                report,
                reason: Reason::parse(&note).map_err(|rejection| refusal(&rejection.into()))?,
            },
            Withholding::Off { note } => {
                reason(note.as_deref())?;
                ConversationCommand::ShowAgain { message }
            }
        };
        let assign = ReportCommand::Handle {
            report,
            seen: versions,
            handling: Handling::Assign,
            note: None,
        };
        let looked = self.handle(by, reports, assign).await?;
        self.moderate(by, conversation, body, &looked).await
    }

    /// Says what becomes of a report.
    async fn handle(&self, by: Uuid, reports: Uuid, command: ReportCommand) -> Result<Accepted, Refusal> {
        let lanes = &self.0.ground.lanes;
        let handled = lanes.submit_handling(UserId(by), clock::id(), reports, command);
        handled.await.map_err(|refused| refusal(&refused))
    }

    /// Does to a message what follows from what became of its report.
    async fn moderate(
        &self,
        by: Uuid,
        conversation: Uuid,
        body: ConversationCommand,
        handled: &Accepted,
    ) -> Result<Done, Refusal> {
        let command = Command {
            id: CommandId(clock::id()),
            actor: UserId(by),
            conversation: ConversationId(conversation),
            body,
        };
        let moderated = self.0.ground.lanes.submit_and_wait(command).await;
        let moderated = moderated.map_err(|refused| refusal(&refused))?;
        // Both are in one lane.
        let last = if moderated.position.pos > handled.position.pos {
            &moderated
        } else {
            handled
        };
        Ok(written(last))
    }
}

/// A note, where there is one.
fn reason(note: Option<&str>) -> Result<Option<Reason>, Refusal> {
    let reason = note.map(Reason::parse).transpose();
    reason.map_err(|rejection| refusal(&rejection.into()))
}

/// What an act is about that concerns a message.
pub(super) fn about(conversation: Uuid, message: Uuid) -> String {
    format!("message {message} in {conversation}")
}

/// What an event makes a message say.
fn version(record: &Recorded) -> Option<Version> {
    let content = match stored::decode(record.kind, record.ver, &record.payload) {
        Ok(Event::Conversation(ConversationEvent::MessageSent(sent))) => sent.content,
        Ok(Event::Conversation(ConversationEvent::MessageEdited(edited))) => edited.content,
        Ok(_) => return None,
        Err(error) => {
            tracing::error!(stream = %record.stream, seq = record.seq, %error, "what was reported cannot be read");
            return None;
        }
    };
    let said = |text: &MessageText| text.as_str().to_owned();
    let (kind, text, attachment) = match &content {
        Content::Text { text } => (SaidKind::Text, Some(said(text)), None),
        Content::Image { attachment, caption } => {
            (SaidKind::Image, caption.as_ref().map(said), Some(*attachment))
        }
        Content::File { attachment, caption } => {
            (SaidKind::File, caption.as_ref().map(said), Some(*attachment))
        }
    };
    Some(Version {
        seq: record.seq,
        at: record.at,
        kind,
        text,
        attachment,
    })
}

/// Why something is not done. What clients call a reason is a note here.
fn refusal(refused: &Refused) -> Refusal {
    let refusal = refusals::refused(refused);
    match refused {
        Refused::Rejected(Rejection::TooLarge {
            field: Field::Reason,
            max,
        }) => Refusal {
            field: Some("note".into()),
            message: format!("the note is longer than {max} characters").into(),
            ..refusal
        },
        Refused::Rejected(Rejection::Invalid {
            field: Field::Reason, ..
        }) => Refusal::invalid("note", "the note shows nothing, or holds a control character"),
        _ => refusal,
    }
}
