//! The schema, and one request's way through it.

use crate::backend::Backend;
use crate::budget::{Answers, Budget};
use crate::database::Database;
use crate::errors::{Refusal, coded};
use crate::freshness::Freshness;
use crate::schema::loaders::Loaders;
use crate::schema::{self, Schema};
use crate::serve::after::positions;
use crate::serve::answer::{Answer, Held};
use crate::serve::complete::{Question, Types};
use crate::serve::config::GraphqlConfig;
use crate::serve::desk::{Desk, Stopped};
use crate::serve::entry::{Pace, boxed, check, pace, reading_cost, refuse, spender};
use crate::serve::following::Following;
use crate::serve::limits;
use crate::serve::limits::turns::{Place, Turns, too_much};
use crate::serve::variables;
use crate::viewer::Viewer;
use crate::waves::Waves;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use std::sync::Arc;
use std::time::Duration;
use tidings_eventlog::{Pool, Position};
use tidings_projections::Checkpoints;
use tokio::time::timeout;

/// Answers GraphQL requests. Cheap to clone.
#[derive(Clone)]
pub struct Graphql {
    schema: Schema,
    backend: Arc<dyn Backend>,
    database: Database,
    freshness: Freshness,
    types: Types,
    answers: Answers,
    turns: Turns,
    desk: Desk,
    deadline: Duration,
}

impl Graphql {
    /// Reads through `pool`; `checkpoints` say how far the read models are; `backend` is the server around.
    pub fn new(
        pool: Pool,
        checkpoints: Checkpoints,
        backend: Arc<dyn Backend>,
        config: GraphqlConfig,
    ) -> Self {
        let database = Database::new(
            pool,
            config.statements_at_once,
            config.statement_timeout,
            checkpoints.clone(),
        );
        let freshness = Freshness::new(checkpoints, config.wait);
        let schema = schema::builder()
            .data(freshness.clone())
            .data(Arc::clone(&backend))
            .finish();
        let types = Types::of(&schema.sdl());
        Self {
            schema,
            backend,
            database,
            freshness,
            types,
            answers: Answers::new(config.answer_bytes, config.answers_bytes),
            turns: Turns::new(
                config.requests_at_once,
                config.requests_per_viewer,
                config.cost_per_second,
                config.cost_burst,
            ),
            desk: Desk::new(config.threads),
            deadline: config.deadline,
        }
    }

    /// Answers a query for `viewer`. `after` is the header `tidings-after`.
    pub async fn execute(&self, request: Request, viewer: Option<Viewer>, after: Option<&str>) -> Answer {
        self.execute_into(request, viewer, after, |answer| answer).await
    }

    /// Answers a query, and makes of the answer what is sent. That may take as long as the answer is, so it is done where requests
    /// are worked on.
    pub(crate) async fn execute_into<T: Send + 'static>(
        &self,
        mut request: Request,
        viewer: Option<Viewer>,
        after: Option<&str>,
        finish: impl Fn(Answer) -> T + Copy + Send + 'static,
    ) -> T {
        let entered = self.enter(&request, viewer.as_ref());
        let (place, pace) = match entered.and_then(|place| Ok((place, pace(&mut request)?))) {
            Ok(entered) => entered,
            Err(refused) => return finish((*refused).into()),
        };
        let (graphql, after) = (self.clone(), after.map(str::to_owned));
        let answering = Box::pin(async move {
            let mut answer = match graphql.admit(request, viewer, after.as_deref()).await {
                Ok(admitted) => graphql.answer(admitted).await,
                Err(refused) => (*refused).into(),
            };
            answer.held.place = Some(place);
            finish(answer)
        });
        let answered = match pace {
            Pace::Short => self.within(self.desk.here(answering)).await,
            Pace::Long => self.in_time(answering).await,
        };
        answered.unwrap_or_else(|refusal| finish(refusal.into()))
    }

    /// Does the work of a request. Dropping what is under way ends its statements.
    async fn in_time<F>(&self, work: F) -> Result<F::Output, Refusal>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.within(self.desk.run(work)).await
    }

    /// Gives work up that takes too long.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Stopped>>) -> Result<T, Refusal> {
        match timeout(self.deadline, work).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(Stopped)) => Err(Refusal::unavailable("the server stops")),
            Err(_) => {
                tracing::debug!("a GraphQL request took too long");
                Err(Refusal::unavailable("the request took too long"))
            }
        }
    }

    /// Does what may take long where requests are worked on. Dropping the future gives it up at its next pause.
    pub(crate) async fn at_desk<F>(&self, work: F) -> Result<F::Output, Stopped>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.desk.run(work).await
    }

    /// Answers a query with one response, a subscription with one for each change. Dropping the stream ends it.
    pub fn stream(&self, request: Request, viewer: Option<Viewer>) -> BoxStream<'static, Answer> {
        let graphql = self.clone();
        let answers = async move {
            graphql
                .begin(request, viewer)
                .await
                .unwrap_or_else(|refused| stream::iter([(*refused).into()]).boxed())
        };
        stream::once(answers).flatten().boxed()
    }

    async fn begin(
        &self,
        request: Request,
        viewer: Option<Viewer>,
    ) -> Result<BoxStream<'static, Answer>, Box<Response>> {
        let place = self.enter(&request, viewer.as_ref())?;
        let graphql = self.clone();
        let admitting = Box::pin(async move { graphql.admit(request, viewer, None).await });
        let admitted = self.in_time(admitting).await.map_err(boxed)??;
        if admitted.question.is_subscription() {
            return Ok(self.desk.stream(self.follow(admitted)).boxed());
        }
        let graphql = self.clone();
        let answering = Box::pin(async move { graphql.answer(admitted).await });
        let mut answer = self.in_time(answering).await.map_err(boxed)?;
        answer.held.place = Some(place);
        Ok(stream::iter([answer]).boxed())
    }

    /// Answers a query until its budget is spent.
    async fn answer(&self, admitted: Admitted) -> Answer {
        let Admitted {
            request,
            question,
            waves,
            budget,
            ..
        } = admitted;
        let answering = waves.carry(Box::pin(self.schema.execute(request)));
        let response = tokio::select! {
            biased;
            () = budget.exhausted() => None,
            response = answering => Some(response),
        };
        let response = match (budget.refusal(), response) {
            (None, Some(response)) => question.complete(coded(response)),
            (Some(refusal), _) => return refusal.into_response().into(),
            // It is exhausted only with a reason.
            (None, None) => {
                return Refusal::unavailable("the answer was given up")
                    .into_response()
                    .into();
            }
        };
        Answer {
            response,
            held: Held {
                place: None,
                _budget: Some(budget),
            },
        }
    }

    /// Answers a subscription, which takes no place among the requests.
    fn follow(&self, admitted: Admitted) -> BoxStream<'static, Answer> {
        let Admitted {
            request,
            question,
            waves,
            budget,
            again,
            payer,
        } = admitted;
        let following = Following {
            graphql: self.clone(),
            answers: waves.carry(self.schema.execute_stream(request)),
            question,
            budget,
            payer,
            again,
            is_paid: true,
        };
        following.stream()
    }

    /// Takes a place for a request and what it costs this node to read it, before there is any work.
    fn enter(&self, request: &Request, viewer: Option<&Viewer>) -> Result<Place, Box<Response>> {
        limits::check_length(request, viewer.is_some()).map_err(boxed)?;
        let place = self.turns.enter(spender(viewer)).map_err(boxed)?;
        let allowance = viewer.and_then(|viewer| self.backend.allowance(viewer));
        self.turns
            .read(spender(viewer), allowance, reading_cost(request))
            .map_err(boxed)?;
        Ok(place)
    }

    /// Takes the cost of something, of what there is here and at all nodes together, or says how long to wait for it. Those who
    /// have not said who they are are counted by each node alone.
    pub(super) fn spend(&self, viewer: Option<&Viewer>, cost: usize) -> Result<(), Refusal> {
        let units = u32::try_from(cost).unwrap_or(u32::MAX);
        if let Some(viewer) = viewer
            && let Some(wait) = self.backend.wait(viewer, units)
        {
            return Err(too_much(wait));
        }
        let allowance = viewer.and_then(|viewer| self.backend.allowance(viewer));
        self.turns.spend(spender(viewer), allowance, cost)?;
        if let Some(viewer) = viewer {
            self.backend.caused(viewer, units);
        }
        Ok(())
    }

    /// Whether the request's operation is a query, and the request, whose document has been read; refuses what would not be
    /// executed anyway.
    pub(crate) async fn is_query(
        &self,
        mut request: Request,
        viewer: Option<&Viewer>,
    ) -> Result<(bool, Request), Box<Response>> {
        let _place = self.enter(&request, viewer)?;
        let types = self.types.clone();
        let reading = Box::pin(async move {
            check(&mut request)?;
            let name = request.operation_name.clone();
            let document = request.parsed_query().map_err(refuse)?;
            let question = Question::new(&types, document.clone(), name.as_deref());
            // Which operation is meant, if that is not clear, execution says better.
            let is_query = question
                .operation()
                .is_none_or(|operation| operation.ty == OperationType::Query);
            Ok((is_query, request))
        });
        self.in_time(reading).await.map_err(boxed)?
    }

    /// Checks what can be checked before execution, and waits for the positions that the request carries.
    async fn admit(
        &self,
        mut request: Request,
        viewer: Option<Viewer>,
        after: Option<&str>,
    ) -> Result<Admitted, Box<Response>> {
        let price = check(&mut request)?;
        // In one: whoever waits as long as they are told has enough for all of it.
        let whole = price.cost.saturating_add(reading_cost(&request));
        self.spend(viewer.as_ref(), whole).map_err(boxed)?;
        let carried = positions(&self.freshness, after, request.extensions.get("after")).map_err(boxed)?;
        let positions: Vec<Position> = carried.iter().map(|(_, position)| *position).collect();
        let document = request.parsed_query().map_err(refuse)?.clone();
        let question = Question::new(&self.types, document, request.operation_name.as_deref());
        if let Some(operation) = question.operation() {
            variables::check(operation, &request.variables).map_err(boxed)?;
        }
        if question.is_subscription() && question.root_fields() != 1 {
            return Err(boxed(Refusal::invalid(
                "query",
                "a subscription has one field at its root",
            )));
        }
        let (waves, budget, payer) = (Waves::default(), self.answers.budget(), viewer.clone());
        request = request.data(budget.clone());
        // Without a viewer nothing is read, and there is nothing to wait for.
        if let Some(viewer) = viewer {
            let database = self.database.within(&budget);
            if !self.freshness.has_passed(&positions) {
                self.freshness
                    .check_reached(&database, &carried)
                    .await
                    .map_err(boxed)?;
                self.freshness.passed(&positions).await.map_err(boxed)?;
            }
            let database = database.after(&positions);
            request = request
                .data(Loaders::new(&database, &self.backend, viewer.user, &waves))
                .data(database)
                .data(viewer);
        }
        Ok(Admitted {
            request,
            question,
            waves,
            budget,
            payer,
            again: price.again,
        })
    }
}

/// A request that may be executed.
struct Admitted {
    request: Request,
    question: Question,
    waves: Waves,
    budget: Budget,
    payer: Option<Viewer>,
    /// What each answer of a subscription costs behind the first, which is paid for.
    again: usize,
}
