//! What somebody says is wrong with a message.

use super::Reader;
use crate::gateway::reply::Reply;
use crate::outcome::{Accepted, Refusal};
use crate::wire::{Report, answer, refused};
use tidings_domain::{CommandId, Filing, UserId};
use tidings_eventlog::Question;
use tidings_projections::reports_free_at;
use uuid::Uuid;

impl Reader {
    /// Hands a report on, with who sent what it is about and how often that was edited: what came before it from this connection is there. The ack
    /// names the conversation, and no seq: that of the reports would tell how many there are.
    pub(super) async fn report(&mut self, id: Uuid, report: Report, reply: Reply) {
        let as_of = self.gateway.lanes.as_of();
        let conversation = report.conversation;
        let filing = match self.filing(report).await {
            Ok(filing) => filing,
            Err(refusal) => return reply.refuse(refused(Some(id), &refusal)),
        };
        let reply = self.answering(id, reply, move |result| {
            let named = |accepted| Accepted {
                stream: conversation.0,
                seq: 0,
                ..accepted
            };
            answer(id, result.map(named))
        });
        let (user, id) = (self.user, CommandId(id));
        self.gateway.lanes.submit_report(user, id, filing, as_of, reply);
    }

    /// What the decision must know. Of a conversation that is not the user's nothing is looked for.
    async fn filing(&self, report: Report) -> Result<Filing, Refusal> {
        let Report {
            conversation,
            message,
            reason,
            note,
        } = report;
        let seat = self.seat(conversation).await?;
        let log = &self.gateway.log;
        let (mut seen, mut free_at) = (None, None);
        if let Some(seat) = seat {
            let asked = [Question {
                stream: conversation.0,
                command: message,
                mark: None,
            }];
            let subjects = log.subjects(conversation.lane(), &asked).await;
            let subjects = subjects.map_err(|error| {
                tracing::debug!(%error, "a message that is reported could not be looked for");
                Refusal::Unavailable
            })?;
            let subject = subjects.into_iter().flatten().next();
            // What the user does not see is not there for them.
            seen = subject.filter(|subject| subject.seq >= seat.visible_from);
            let free = reports_free_at(&self.gateway.models, self.user.0, crate::clock::now()).await;
            free_at = free.map_err(|error| {
                tracing::debug!(%error, "how much somebody has reported could not be found");
                Refusal::Unavailable
            })?;
        }
        Ok(Filing {
            conversation,
            message,
            takes_reason: self.gateway.reports.takes(&reason),
            reason,
            note,
            is_member: seat.is_some(),
            sender: seen.as_ref().map(|subject| UserId(subject.actor)),
            versions: seen
                .map_or(0, |subject| subject.revisions as u32)
                .saturating_add(1),
            free_at,
        })
    }
}
