//! Expiry of the offline inbox: messages that nobody fetched in time leave it, as an event, and stay in history.

use super::Reactor;
use super::commands::{Commands, Later};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_domain::event::InboxExpired;
use tidings_domain::stored::Kind;
use tidings_domain::user::UserCommand;
use tidings_eventlog::Pool;
use tidings_projections::{Fact, Folds, Overdue};
use uuid::Uuid;

/// Moves delivery cursors past what was said so long ago. A message is told when it has waited long enough, so only members of
/// conversations are looked at in which something has just come to wait too long, or whose members changed so long ago.
pub struct InboxExpiry {
    pool: Pool,
    keep: Duration,
    every: Duration,
}

impl InboxExpiry {
    /// Offline messages wait for `keep`, and are looked through now and then.
    pub fn new(pool: &Pool, keep: Duration, every: Duration) -> Self {
        Self {
            pool: pool.clone(),
            keep,
            every,
        }
    }
}

impl Reactor for InboxExpiry {
    fn name(&self) -> &'static str {
        "inbox-expiry"
    }

    fn hears(&self) -> Folds {
        // Whoever comes back is owed what was said before they left. What stands in threads alone is in no inbox, and expires with what
        // comes behind it.
        Folds::Only(&[Kind::MESSAGE_SENT, Kind::THREAD_REPLIED_ALSO, Kind::MEMBER_ADDED])
    }

    fn needs(&self) -> &'static [&'static str] {
        &["conversations", "history", "inbox"]
    }

    fn delay(&self) -> Duration {
        self.keep
    }

    fn every(&self) -> Duration {
        self.every
    }

    async fn react(
        &self,
        facts: &[Fact<'_>],
        due: DateTime<Utc>,
        commands: &mut Commands<'_>,
    ) -> Result<(), Later> {
        let causes: BTreeMap<Uuid, u64> = facts
            .iter()
            .map(|fact| (fact.stream(), fact.record.pos))
            .collect();
        // As far as the last message that is due, wherever these events end: whoever is far behind is moved once.
        let mut overdue = Overdue::find(&self.pool, causes.keys().copied().collect(), due).await?;
        while let Some(page) = overdue.page().await? {
            for owed in page {
                let expired = InboxExpired {
                    cursors: BTreeMap::from([(owed.conversation, owed.end)]),
                };
                let cause = causes.get(&owed.conversation.0).copied().unwrap_or_default();
                let event = (owed.conversation.0, owed.end.seq);
                commands
                    .send(cause, event, owed.user, UserCommand::ExpireInbox(expired))
                    .await?;
            }
        }
        Ok(())
    }
}
