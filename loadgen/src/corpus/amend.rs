//! What people do to messages: edit and take back their own, and react to each other's.

use std::time::Duration;

use anyhow::Result;
use tidings_client::CommandError;
use tidings_protocol::{Ack, Action, Content, ErrorCode};
use tokio::time::Instant;
use uuid::Uuid;

use super::person::Person;
use crate::checker::{Fault, text_print};

/// What people react with.
const EMOJI: &str = "👍";

/// Later than this, a message is left as it is: what can be recalled is up to the server.
const RECALL_WITHIN: Duration = Duration::from_mins(5);

/// A message of one's own that can still be changed.
#[derive(Clone, Copy)]
pub(crate) struct Own {
    pub(crate) conversation: Uuid,
    pub(crate) id: Uuid,
    pub(crate) acked: Instant,
}

impl Person {
    /// Edits the last message, if it has not been recalled.
    pub(crate) async fn edit(&mut self) -> Result<()> {
        let Some(own) = self.last else { return Ok(()) };
        let text = format!("edited, {} messages later", self.sent.len());
        let print = text_print(&text);
        let action = Action::MessageEdit {
            conversation: own.conversation,
            message: own.id,
            content: Content::text(text),
        };
        if let Some(ack) = self.must(own.conversation, action).await? {
            self.shared.amendments().edited(own.id, ack.seq, print);
        }
        Ok(())
    }

    /// Takes the last message back, where it is recent.
    pub(crate) async fn recall(&mut self) -> Result<()> {
        let Some(own) = self.last.filter(|own| own.acked.elapsed() < RECALL_WITHIN) else {
            return Ok(());
        };
        self.last = None;
        let (conversation, message) = (own.conversation, own.id);
        let action = Action::MessageRecall {
            conversation,
            message,
        };
        if let Some(ack) = self.must(conversation, action).await? {
            self.shared.amendments().recalled(message, ack.seq);
        }
        Ok(())
    }

    /// Reacts to the latest message of a conversation, or takes back what is there.
    pub(crate) async fn react(&mut self, conversation: Uuid) -> Result<()> {
        let latest = self.shared.latest().get(&conversation).copied();
        let Some(message) = latest.filter(|message| !self.shared.amendments().is_recalled(*message)) else {
            return Ok(());
        };
        let on = self.reacted != Some(message);
        let pending = self.client()?.react(conversation, message, EMOJI, on).await?;
        let id = pending.id();
        match pending.await {
            Ok(ack) => {
                self.reacted = on.then_some(message);
                self.shared.acked(&ack, None);
                let user = self.account.user;
                self.shared
                    .amendments()
                    .reacted(message, ack.seq, user, EMOJI, on);
            }
            // Its author may have been faster. Whether that was so is known at the end.
            Err(CommandError::Refused(error)) if error.code == ErrorCode::NotFound => {
                let late = (self.name.clone(), conversation, message);
                self.shared.late().push(late);
            }
            Err(error) => self.not_acked(conversation, id, &error),
        }
        Ok(())
    }

    /// Does what nothing stands against.
    async fn must(&self, conversation: Uuid, action: Action) -> Result<Option<Ack>> {
        let pending = self.client()?.send(action).await?;
        let id = pending.id();
        match pending.await {
            Ok(ack) => {
                self.shared.acked(&ack, None);
                Ok(Some(ack))
            }
            Err(error) => {
                self.not_acked(conversation, id, &error);
                Ok(None)
            }
        }
    }

    fn not_acked(&self, conversation: Uuid, id: Uuid, error: &CommandError) {
        self.shared.fail(Fault::NotAcked {
            author: self.name.clone(),
            conversation,
            id,
            error: error.to_string(),
        });
    }
}
