//! What people do to messages: edit and take back their own, react to each other's, pin them, and send them on.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_client::CommandError;
use tidings_protocol::{Action, Content, ErrorCode, MessageSend, Source};
use tidings_scribe::said::Said;
use tokio::time::Instant;
use uuid::Uuid;

use super::person::Person;
use super::shared::Late;

/// What people react with.
const EMOJI: &str = "👍";

/// Later than this, a message is left as it is: what can be recalled is up to the server.
const RECALL_WITHIN: Duration = Duration::from_mins(5);

/// A message of one's own that can still be changed.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) conversation: Uuid,
    pub(crate) id: Uuid,
    pub(crate) acked: Instant,
}

impl Person {
    /// Edits the last message, if it has not been recalled.
    pub(crate) async fn edit(&mut self) -> Result<()> {
        let Some(Line { conversation, id, .. }) = self.last else {
            return Ok(());
        };
        self.edits += 1;
        let content = Content::text(format!("edited: the edit number {} of {}", self.edits, self.name));
        let action = Action::MessageEdit {
            conversation,
            message: id,
            content,
        };
        self.must(amendment(conversation, action)?).await
    }

    /// Takes the last message back, where it is recent.
    pub(crate) async fn recall(&mut self) -> Result<()> {
        let Some(own) = self.last.filter(|own| own.acked.elapsed() < RECALL_WITHIN) else {
            return Ok(());
        };
        self.last = None;
        let (conversation, message) = (own.conversation, own.id);
        self.shared.forget_latest(conversation, message);
        let action = Action::MessageRecall {
            conversation,
            message,
        };
        self.must(amendment(conversation, action)?).await
    }

    /// Reacts to the latest message of a conversation, or takes back what is there.
    pub(crate) async fn react(&mut self, conversation: Uuid) -> Result<()> {
        let Some(message) = self.shared.latest(conversation) else {
            return Ok(());
        };
        let on = self.reacted != Some(message);
        let action = Action::MessageReact {
            conversation,
            message,
            emoji: EMOJI.to_owned(),
            on,
        };
        if self.unless_recalled(conversation, message, action).await? {
            self.reacted = on.then_some(message);
        }
        Ok(())
    }

    /// Pins the latest message of a conversation, or takes that pin away.
    pub(crate) async fn pin(&mut self, conversation: Uuid) -> Result<()> {
        let Some(message) = self.shared.latest(conversation) else {
            return Ok(());
        };
        let on = self.pinned != Some(message);
        let action = Action::MessagePin {
            conversation,
            message,
            on,
        };
        if self.unless_recalled(conversation, message, action).await? {
            self.pinned = on.then_some(message);
        }
        Ok(())
    }

    /// Sends the latest message of a conversation on to another one, or to the same, unless it is hidden.
    pub(crate) async fn forward(&mut self, from: Uuid, to: Uuid) -> Result<()> {
        let Some(message) = self.shared.latest(from) else {
            return Ok(());
        };
        if self.own.of(from).hidden.contains(&message) {
            return Ok(());
        }
        let source = Source {
            conversation: from,
            message,
        };
        let said = Said::send(MessageSend::forwarding(to, source));
        // Who has hidden nothing of it clears nothing that is the latest, either.
        if self.unless_recalled_as(from, message, &said).await? {
            self.has_said(&said);
        }
        Ok(())
    }

    async fn unless_recalled(&mut self, conversation: Uuid, message: Uuid, action: Action) -> Result<bool> {
        let said = amendment(conversation, action)?;
        self.unless_recalled_as(conversation, message, &said).await
    }

    /// Does what only a recall of the message stands against, and tells whether it was done.
    async fn unless_recalled_as(&mut self, conversation: Uuid, message: Uuid, said: &Said) -> Result<bool> {
        let refusal = self.refusal(said);
        match (self.ask(said).await?, refusal) {
            (Ok(_), None) => return Ok(true),
            // Its author may have been faster. Whether that was so is known at the end.
            (Err(CommandError::Refused(error)), _) if error.code == ErrorCode::NotFound => {
                self.shared.late(Late {
                    reader: self.name.clone(),
                    conversation,
                    message,
                });
            }
            (result, Some(refusal)) => self.was_refused(said, refusal, &result),
            (Err(error), None) => self.not_acked(said, &error),
        }
        Ok(false)
    }

    /// Does what nothing stands against, but what is known to.
    async fn must(&mut self, said: Said) -> Result<()> {
        let refusal = self.refusal(&said);
        match (self.ask(&said).await?, refusal) {
            (result, Some(refusal)) => self.was_refused(&said, refusal, &result),
            (Err(error), None) => self.not_acked(&said, &error),
            (Ok(_), None) => {}
        }
        Ok(())
    }
}

fn amendment(conversation: Uuid, action: Action) -> Result<Said> {
    Said::amendment(conversation, action).context("no change of a message")
}
