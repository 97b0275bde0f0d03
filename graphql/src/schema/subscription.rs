//! The root of subscriptions.

use super::read_model::{self, ReadModelProgress};
use crate::freshness::Freshness;
use crate::viewer::admin;
use async_graphql::{Context, Result};
use futures_util::stream::{self, Stream};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often the read models are looked at.
const EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Subscription;

#[async_graphql::Subscription]
impl Subscription {
    /// How far the read models are in each lane of the log: at once, and then whenever it has changed, at most once a second.
    /// For administrators.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn read_models(
        &self,
        context: &Context<'_>,
    ) -> Result<impl Stream<Item = Vec<ReadModelProgress>> + use<>> {
        admin(context)?;
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = Watch {
            freshness: context.data_unchecked::<Freshness>().clone(),
            ticks,
            said: None,
        };
        Ok(stream::unfold(watch, |mut watch| async move {
            let next = watch.changed().await;
            Some((next, watch))
        }))
    }
}

struct Watch {
    freshness: Freshness,
    ticks: Interval,
    said: Option<Vec<ReadModelProgress>>,
}

impl Watch {
    async fn changed(&mut self) -> Vec<ReadModelProgress> {
        loop {
            self.ticks.tick().await;
            let now = read_model::all(&self.freshness);
            if self.said.as_ref() != Some(&now) {
                self.said = Some(now.clone());
                return now;
            }
        }
    }
}
