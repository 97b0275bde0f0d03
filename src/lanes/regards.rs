//! What people are to those whom they want something of, and what those want, as far as the read models have come. A block that stands
//! between the two of a direct conversation is not among that: their own lane knows it.

use super::Refusal;
use chrono::TimeDelta;
use tidings_domain::{Command, ConversationCommand, Regard, StreamCommand, UserId};
use tidings_eventlog::Pool;
use uuid::Uuid;

/// What is asked of people.
pub(crate) struct Asked {
    actor: UserId,
    users: Vec<UserId>,
    counted: Counted,
}

/// Of what it counts, too, how much there is of the actor's.
enum Counted {
    Nothing,
    /// People whom they have to do with.
    Ties,
    Invitations,
}

impl Asked {
    /// What a command must know.
    pub(super) fn by(command: &StreamCommand) -> Option<Self> {
        let users = command.regards();
        (!users.is_empty()).then(|| Self {
            actor: command.actor(),
            users: users.to_vec(),
            counted: match command {
                StreamCommand::Pair { .. } => Counted::Ties,
                StreamCommand::Conversation(Command {
                    body: ConversationCommand::Invite { .. },
                    ..
                }) => Counted::Invitations,
                _ => Counted::Nothing,
            },
        })
    }
}

pub(super) async fn find(pool: &Pool, asked: Asked) -> Result<Vec<(UserId, Regard)>, Refusal> {
    let Asked {
        actor,
        users,
        counted,
    } = asked;
    let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let looked_up = async {
        let mut regards = tidings_projections::regards(pool, actor.0, &users).await?;
        let since = crate::clock::now() - TimeDelta::days(1);
        let ties = match counted {
            Counted::Nothing => None,
            Counted::Ties => Some(tidings_projections::ties(pool, actor.0, since).await?),
            Counted::Invitations => Some(tidings_projections::invitations_since(pool, actor.0, since).await?),
        };
        if let Some(ties) = ties {
            for (_, regard) in &mut regards {
                regard.ties = ties;
            }
        }
        Ok::<_, tidings_projections::ProjectionError>(regards)
    };
    match looked_up.await {
        Ok(regards) => Ok(regards
            .into_iter()
            .map(|(user, regard)| (UserId(user), regard))
            .collect()),
        Err(error) => {
            tracing::debug!(%error, "what people want could not be looked up");
            Err(Refusal::Unavailable)
        }
    }
}
