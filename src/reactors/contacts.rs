//! Notices of contacts and blocks: what has become otherwise between two people is told to those of them who are to know, on their own streams.

use super::Reactor;
use super::commands::{Commands, Later};
use chrono::{DateTime, Utc};
use std::time::Duration;
use tidings_domain::stored::Kind;
use tidings_domain::{Event, Told};
use tidings_projections::{Fact, Folds};

/// How often it looks for what is new.
const EVERY: Duration = Duration::from_secs(2);

/// Tells people of their contacts.
pub struct ContactNotices;

impl Reactor for ContactNotices {
    fn name(&self) -> &'static str {
        "contact-notices"
    }

    fn hears(&self) -> Folds {
        Folds::Only(&[Kind::PAIR_CHANGED])
    }

    fn needs(&self) -> &'static [&'static str] {
        // Whoever is told and asks GraphQL then finds it.
        &["people"]
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
        for fact in facts {
            let Event::Pair(changed) = fact.event else {
                continue;
            };
            for (user, told) in Told::of(changed) {
                commands.tell(fact, user, told).await?;
            }
        }
        Ok(())
    }
}
