//! What happened to a message, as the log tells it.

use super::Administration;
use super::events::state;
use super::tables::unavailable;
use tidings_domain::stored::Kind;
use tidings_eventlog::Trace;
use tidings_graphql::{Refusal, TraceState};
use uuid::Uuid;

impl Administration {
    /// `None` where the conversation has no message of that id.
    pub(super) async fn traced(
        &self,
        conversation: Uuid,
        message: Uuid,
    ) -> Result<Option<TraceState>, Refusal> {
        let pins = Kind::PIN_CHANGED.0;
        let trace = self.0.shown.trace(conversation, message, pins).await;
        let trace = trace.map_err(|error| {
            tracing::warn!(%error, "what happened to a message cannot be read");
            unavailable()
        })?;
        Ok(trace.map(
            |Trace {
                 subject,
                 about,
                 complete,
             }| {
                let recall = about.iter().find(|event| event.kind == Kind::MESSAGE_RECALLED.0);
                TraceState {
                    event: state(&subject),
                    recalled_at: recall.map(|event| event.at),
                    about: about.iter().map(state).collect(),
                    complete,
                }
            },
        ))
    }
}
