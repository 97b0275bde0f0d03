//! Subscriptions under way: each answer has the whole budget, and is paid for like a query.
//!
//! Who has spent too much is told later. Nothing is missed by that: what has happened meanwhile waits where it comes from, in the
//! log or in the state that is told, and is asked for when there is something to pay with.

use crate::budget::Budget;
use crate::errors::{Refusal, coded};
use crate::serve::answer::Answer;
use crate::serve::complete::Question;
use crate::serve::graphql::Graphql;
use crate::viewer::Viewer;
use crate::waves::Carried;
use async_graphql::Response;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use std::time::Duration;
use tokio::time::sleep;

/// It is tried again after this at the latest: what is heard of other nodes may make a wait shorter.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A subscription under way.
pub(super) struct Following {
    pub(super) graphql: Graphql,
    pub(super) answers: Carried<BoxStream<'static, Response>>,
    pub(super) question: Question,
    pub(super) budget: Budget,
    pub(super) payer: Option<Viewer>,
    /// What an answer costs.
    pub(super) again: usize,
    /// Whether the next one is paid for.
    pub(super) is_paid: bool,
}

impl Following {
    pub(super) fn stream(self) -> BoxStream<'static, Answer> {
        stream::unfold(self, |mut following| async move {
            let answer = following.next().await?;
            Some((answer, following))
        })
        .boxed()
    }

    /// The next answer. Resolving it begins as soon as there is something to tell, so it is paid for before.
    async fn next(&mut self) -> Option<Answer> {
        if !self.is_paid {
            pay(&self.graphql, self.payer.as_ref(), self.again).await;
        }
        self.is_paid = false;
        let response = self.answers.next().await?;
        let refused = self.budget.refusal();
        self.budget.renew();
        Some(match refused {
            Some(refusal) => refusal.into_response().into(),
            None => self.question.complete(coded(response)).into(),
        })
    }
}

/// Takes a cost, and waits for as long as that is refused.
async fn pay(graphql: &Graphql, payer: Option<&Viewer>, cost: usize) {
    while let Err(Refusal { retry_after_ms, .. }) = graphql.spend(payer, cost) {
        let wait = retry_after_ms.map_or(PAUSE_MAX, Duration::from_millis);
        sleep(wait.min(PAUSE_MAX)).await;
    }
}
