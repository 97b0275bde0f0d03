//! What people are to those whom they want something of, and what those want, as far as the read models have come. A block that stands
//! between the two of a direct conversation is not among that: their own lane knows it.

use super::Refusal;
use chrono::TimeDelta;
use tidings_domain::{Regard, StreamCommand, UserId};
use tidings_eventlog::Pool;
use uuid::Uuid;

/// What is asked of people.
pub(crate) struct Asked {
    actor: UserId,
    users: Vec<UserId>,
    /// How many people the actor has to do with counts, too.
    ties: bool,
}

impl Asked {
    /// What a command must know.
    pub(super) fn by(command: &StreamCommand) -> Option<Self> {
        let users = command.regards();
        (!users.is_empty()).then(|| Self {
            actor: command.actor(),
            users: users.to_vec(),
            ties: matches!(command, StreamCommand::Pair { .. }),
        })
    }
}

pub(super) async fn find(pool: &Pool, asked: Asked) -> Result<Vec<(UserId, Regard)>, Refusal> {
    let Asked { actor, users, ties } = asked;
    let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let looked_up = async {
        let mut regards = tidings_projections::regards(pool, actor.0, &users).await?;
        if ties {
            let since = crate::clock::now() - TimeDelta::days(1);
            let ties = tidings_projections::ties(pool, actor.0, since).await?;
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
