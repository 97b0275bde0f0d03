//! Notices of invitations: who is invited into a group is told, on their own stream, and what has become of it, so that all of their devices
//! know. Whom they block they hear nothing of: the invitation is in the group as ever, and nobody there can tell. Each inviter's is told by itself,
//! and what was told of is for the user's stream to know: nothing else is told to have ended.

use super::Reactor;
use super::blocks::blocks;
use super::commands::{Commands, Later};
use chrono::{DateTime, Utc};
use std::time::Duration;
use tidings_domain::event::{GroupInvited, InvitationEnded};
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationEvent, ConversationId, Ending, Event, Told, UserId};
use tidings_eventlog::Log;
use tidings_projections::{Fact, Folds};
use uuid::Uuid;

/// How often it looks for what is new.
const EVERY: Duration = Duration::from_secs(2);

/// Tells people of invitations into groups.
pub struct InvitationNotices {
    log: Log,
    log_id: Uuid,
}

impl InvitationNotices {
    /// `log_id` is the log's own id, from which the ids of pairs derive.
    pub fn new(log: &Log, log_id: Uuid) -> Self {
        Self {
            log: log.clone(),
            log_id,
        }
    }
}

impl Reactor for InvitationNotices {
    fn name(&self) -> &'static str {
        "invitation-notices"
    }

    fn hears(&self) -> Folds {
        Folds::Only(&[
            Kind::INVITATION_SENT,
            Kind::INVITATION_ACCEPTED,
            Kind::INVITATION_DECLINED,
            Kind::INVITATION_WITHDRAWN,
        ])
    }

    fn needs(&self) -> &'static [&'static str] {
        // Whoever is told and asks GraphQL then finds it.
        &["groups"]
    }

    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn react(
        &self,
        facts: &[Fact<'_>],
        _: DateTime<Utc>,
        commands: &mut Commands<'_>,
    ) -> Result<(), Later> {
        let asked: Vec<_> = facts.iter().filter_map(|fact| sent(fact)).collect();
        let blocks = blocks(&self.log, self.log_id, &asked).await?;
        // What ends one of them comes behind it, here and on the user's stream: commands to one stream are carried out in their order.
        for fact in facts {
            match sent(fact).map(|pair| blocks.get(&pair)) {
                None | Some(Some(false)) => {}
                Some(Some(true)) => continue,
                Some(None) => {
                    commands.put_aside(
                        fact.record.pos,
                        "what the two are to one another cannot be read".into(),
                    );
                    continue;
                }
            }
            if let Some((user, told)) = told(fact) {
                commands.tell(fact, user, told).await?;
            }
        }
        Ok(())
    }
}

/// Who is invited by an event, and by whom.
fn sent(fact: &Fact<'_>) -> Option<(UserId, UserId)> {
    match fact.event {
        Event::Conversation(ConversationEvent::InvitationSent(sent)) => Some((sent.user, sent.by)),
        _ => None,
    }
}

/// Who is told of an event, and what.
fn told(fact: &Fact<'_>) -> Option<(UserId, Told)> {
    let conversation = ConversationId(fact.stream());
    let ended = |user, outcome, by| {
        let ended = InvitationEnded {
            conversation,
            outcome,
            by,
        };
        Some((user, Told::InvitationEnded(ended)))
    };
    match fact.event {
        Event::Conversation(ConversationEvent::InvitationSent(sent)) => {
            let invited = GroupInvited {
                conversation,
                name: sent.name.clone(),
                by: sent.by,
                until: sent.until,
            };
            Some((sent.user, Told::Invited(invited)))
        }
        Event::Conversation(ConversationEvent::InvitationAccepted(accepted)) => {
            ended(accepted.user, Ending::Accepted, None)
        }
        Event::Conversation(ConversationEvent::InvitationDeclined(declined)) => {
            ended(declined.user, Ending::Declined, None)
        }
        Event::Conversation(ConversationEvent::InvitationWithdrawn(withdrawn)) => {
            ended(withdrawn.user, Ending::Withdrawn, withdrawn.by)
        }
        _ => None,
    }
}
