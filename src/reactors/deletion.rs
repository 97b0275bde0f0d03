//! What ends for others with somebody's account: who is in a group with them, whom they talked to alone, and who has to do with them. Each of it
//! is a stream of its own, so it is ended by commands of the node's own, as often as it takes.

use super::Reactor;
use super::commands::{Commands, Later};
use crate::tables;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tidings_domain::stored::Kind;
use tidings_domain::{ConversationCommand, ConversationId, PairCommand, UserId};
use tidings_eventlog::Log;
use tidings_projections::{Checkpoints, Fact, Folds, Present, ProjectionError, present, tied, waiting};
use uuid::Uuid;

/// How often it looks for what is new.
const EVERY: Duration = Duration::from_secs(2);
/// Longer than a node takes to hear of a deletion, and mostly to commit what it had decided before: what people do to somebody who seems to be
/// there still, and what that one does, has happened by then.
const SETTLED: Duration = Duration::from_secs(3);
/// How long at least until it looks again for what came later.
const LATE: Duration = Duration::from_secs(30);
/// The read models that say whom a deletion concerns.
const MODELS: [&str; 3] = ["conversations", "groups", "people"];
/// Conversations and people that are looked up at once.
const PAGE: i64 = 500;

/// Takes people out of everything whose accounts are deleted.
pub struct AccountDeletions {
    log: Log,
    checkpoints: Checkpoints,
    /// How long read models that are behind are waited for.
    wait: Duration,
    name: &'static str,
    delay: Duration,
}

impl AccountDeletions {
    pub fn new(log: &Log, checkpoints: &Checkpoints, wait: Duration) -> Self {
        Self {
            log: log.clone(),
            checkpoints: checkpoints.clone(),
            wait,
            name: "account-deletions",
            delay: SETTLED,
        }
    }

    /// The same once more, when all has been appended or refused that was decided before nodes heard of a deletion. `append` is the longest
    /// that an append may take. Its commands have ids of their own: what the first ones did may have been undone meanwhile.
    #[must_use]
    pub fn again(&self, append: Duration) -> Self {
        Self {
            name: "account-deletions-again",
            delay: LATE.max(SETTLED + append * 2),
            ..Self::new(&self.log, &self.checkpoints, self.wait)
        }
    }

    /// Waits until the read models have come to all that the log holds by now, on whatever lanes.
    async fn catch_up(&self) -> Result<(), Later> {
        let refused = self.checkpoints.refused();
        if refused.iter().any(|(name, _)| MODELS.contains(name)) {
            return Err(Later::Behind);
        }
        let caught_up = tables::catch_up(&self.log, &self.checkpoints, &MODELS, self.wait);
        caught_up.await.map_err(|_| Later::Behind)
    }

    /// Ends what `gone` has to do with others.
    async fn end(&self, fact: &Fact<'_>, commands: &mut Commands<'_>) -> Result<(), Later> {
        let gone = UserId(fact.stream());
        let pool = self.log.pool();
        let mut places = Pages::new(
            |after| present(pool, gone.0, after, PAGE),
            |place: &Present| place.conversation,
        );
        while let Some(page) = places.next().await? {
            for place in page {
                match place.other {
                    Some(other) => part(fact, other, commands).await?,
                    None if place.is_direct => {}
                    None => leave(fact, place.conversation, commands).await?,
                }
            }
        }
        let mut groups = Pages::new(|after| waiting(pool, gone.0, after, PAGE), |group: &Uuid| *group);
        while let Some(page) = groups.next().await? {
            for group in page {
                leave(fact, group, commands).await?;
            }
        }
        let mut others = Pages::new(|after| tied(pool, gone.0, after, PAGE), |other: &Uuid| *other);
        while let Some(page) = others.next().await? {
            for other in page {
                part(fact, other, commands).await?;
            }
        }
        Ok(())
    }
}

/// What is looked up a page at a time, in the order of ids.
struct Pages<T, F> {
    look_up: F,
    place: fn(&T) -> Uuid,
    /// The last one that was looked up.
    after: Uuid,
}

impl<T, F, R> Pages<T, F>
where
    F: Fn(Uuid) -> R,
    R: Future<Output = Result<Vec<T>, ProjectionError>>,
{
    fn new(look_up: F, place: fn(&T) -> Uuid) -> Self {
        Self {
            look_up,
            place,
            after: Uuid::nil(),
        }
    }

    /// The next page, or `None` behind the last.
    async fn next(&mut self) -> Result<Option<Vec<T>>, ProjectionError> {
        let page = (self.look_up)(self.after).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        self.after = (self.place)(last);
        Ok(Some(page))
    }
}

impl Reactor for AccountDeletions {
    fn name(&self) -> &'static str {
        self.name
    }

    fn hears(&self) -> Folds {
        Folds::Only(&[Kind::ACCOUNT_DELETED])
    }

    fn needs(&self) -> &'static [&'static str] {
        &MODELS
    }

    fn delay(&self) -> Duration {
        self.delay
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
        self.catch_up().await?;
        for fact in facts {
            self.end(fact, commands).await?;
        }
        Ok(())
    }
}

/// Takes whoever is gone out of a group, or from its door.
async fn leave(fact: &Fact<'_>, group: Uuid, commands: &mut Commands<'_>) -> Result<(), Later> {
    let (gone, event) = (UserId(fact.stream()), (group, fact.record.seq));
    let group = ConversationId(group);
    commands
        .send_to(fact.record.pos, event, gone, group, ConversationCommand::Depart)
        .await
}

/// Ends what stands between whoever is gone and somebody else.
async fn part(fact: &Fact<'_>, other: Uuid, commands: &mut Commands<'_>) -> Result<(), Later> {
    let (gone, event) = (UserId(fact.stream()), (fact.stream(), fact.record.seq));
    let two = (gone, UserId(other));
    commands
        .send_between(fact.record.pos, event, two, PairCommand::Depart)
        .await
}
