//! Blocks: somebody wants nothing of somebody else, from now on or no more.

use anyhow::Result;
use tidings_protocol::Action;
use uuid::Uuid;

use super::person::Person;

impl Person {
    /// Blocks somebody, or ends that. The ack names no event; the notice of it comes some time later.
    pub(crate) async fn block(&mut self, user: Uuid, on: bool) -> Result<()> {
        let action = Action::UserBlock { user, on };
        let mut asked = 0;
        self.pen().note(|scribe| asked = scribe.now());
        let pending = self.client()?.send(action.clone()).await?;
        match pending.await {
            Ok(ack) => {
                self.shared.did(if on { "blocks" } else { "blocks.lifted" });
                self.pen().note(|scribe| scribe.did(asked, &action));
                self.own.block(user, on);
                self.parted_at.push(ack.position);
            }
            Err(error) => {
                let name = &self.name;
                self.shared
                    .fail(format!("{name}'s block of {user} was not acked: {error}"));
            }
        }
        Ok(())
    }
}
