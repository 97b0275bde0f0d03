//! The root of subscriptions.

use super::admin::backend;
use super::admin::projection::{self, ProjectionStatus};
use super::admin::stats::{self, Stats};
use super::event::Event;
use super::id;
use super::read_model::{self, ReadModelProgress};
use crate::database::Database;
use crate::freshness::Freshness;
use crate::viewer::{auditor, viewer};
use async_graphql::{Context, ID, Result};
use futures_util::StreamExt as _;
use futures_util::stream::{self, Stream};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often is looked whether anything has changed.
const EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Subscription;

#[async_graphql::Subscription]
impl Subscription {
    /// How far the read models are in each lane of the log: at once, and then whenever it has changed, at most once a second.
    /// For administrators and auditors.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn read_models(
        &self,
        context: &Context<'_>,
    ) -> Result<impl Stream<Item = Vec<ReadModelProgress>> + use<>> {
        auditor(context)?;
        let freshness = context.data_unchecked::<Freshness>().clone();
        let watch = Watch::new(freshness, None);
        Ok(stream::unfold(watch, |mut watch| async move {
            loop {
                watch.ticks.tick().await;
                let now = read_model::all(&watch.subject);
                if watch.changed(&now) {
                    return Some((now, watch));
                }
            }
        }))
    }

    /// What happens in a conversation of the viewer's from now on, in order. It ends behind the event by which the viewer ceases to be a
    /// member, and is refused to whoever is none, as if there were no such conversation.
    async fn conversation_events(
        &self,
        context: &Context<'_>,
        id: ID,
    ) -> Result<impl Stream<Item = Result<Event>> + use<>> {
        let viewer = viewer(context)?.user;
        let conversation = id::parse("id", &id)?;
        let events = backend(context).follow(viewer, conversation).await?;
        Ok(events.map(|event| Ok(Event::from(event?))))
    }

    /// The state of each read model: of all of them at once, and then of those that have changed, at most once a second. For
    /// administrators.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn projection_progress(
        &self,
        context: &Context<'_>,
    ) -> Result<impl Stream<Item = ProjectionStatus> + use<>> {
        auditor(context)?;
        let freshness = context.data_unchecked::<Freshness>().clone();
        let watch = Watch::new(freshness, Vec::<ProjectionStatus>::new());
        let state = (watch, VecDeque::new());
        Ok(stream::unfold(state, |(mut watch, mut news)| async move {
            loop {
                if let Some(next) = news.pop_front() {
                    return Some((next, (watch, news)));
                }
                watch.ticks.tick().await;
                let now = projection::all(&watch.subject);
                news.extend(now.iter().filter(|one| !watch.said.contains(one)).cloned());
                watch.said = now;
            }
        }))
    }

    /// The whole server in a few numbers: at once, and then whenever they have changed, at most once a second. For administrators and auditors.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn stats(&self, context: &Context<'_>) -> Result<impl Stream<Item = Result<Stats>> + use<>> {
        auditor(context)?;
        let subject = (
            context.data_unchecked::<Database>().clone(),
            context.data_unchecked::<Freshness>().clone(),
        );
        let watch = Watch::new(subject, None);
        Ok(stream::unfold(watch, |mut watch| async move {
            loop {
                watch.ticks.tick().await;
                match stats::read(&watch.subject.0, &watch.subject.1).await {
                    Ok(now) if watch.changed(&now) => return Some((Ok(now), watch)),
                    Ok(_) => {}
                    Err(error) => return Some((Err(error.into()), watch)),
                }
            }
        }))
    }
}

/// Looks at something now and then, and remembers what was said of it last.
struct Watch<S, T> {
    subject: S,
    ticks: Interval,
    said: T,
}

impl<S, T> Watch<S, T> {
    fn new(subject: S, said: T) -> Self {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { subject, ticks, said }
    }
}

impl<S, T: Clone + PartialEq> Watch<S, Option<T>> {
    /// Whether that is to be said.
    fn changed(&mut self, now: &T) -> bool {
        let changed = self.said.as_ref() != Some(now);
        if changed {
            self.said = Some(now.clone());
        }
        changed
    }
}
