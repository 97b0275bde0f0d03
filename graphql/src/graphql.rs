//! The schema, and one request's way through it.

use crate::after::Freshness;
use crate::complete::{Question, Types};
use crate::database::Database;
use crate::errors::{Refusal, coded};
use crate::limits::budget::{Answers, Budget, Counting};
use crate::limits::turns::{Place, Turns};
use crate::limits::{self, Excess};
use crate::loaders::Loaders;
use crate::query::Query;
use crate::subscription::Subscription;
use crate::variables;
use crate::viewer::Viewer;
use crate::waves::Waves;
use async_graphql::parser::types::OperationType;
use async_graphql::{EmptyMutation, Request, Response, Schema, ServerError};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::Serialize;
use std::time::Duration;
use tidings_eventlog::Pool;
use tidings_projections::Checkpoints;
use tokio::time::timeout;
use uuid::Uuid;

type TidingsSchema = Schema<Query, EmptyMutation, Subscription>;

/// Bounds of the work that requests make.
#[derive(Clone, Copy, Debug)]
pub struct GraphqlConfig {
    /// How long a request waits for the read models to come to its position.
    pub wait: Duration,
    /// How long one statement may take, waiting for a connection included.
    pub statement_timeout: Duration,
    /// How many statements of all requests run at once.
    pub statements_at_once: usize,
    /// How long a request may take in all.
    pub deadline: Duration,
    /// The most that one answer may come to, in bytes: of rows read, and of JSON.
    pub answer_bytes: usize,
    /// The same of all answers of this node that are being made or sent.
    pub answers_bytes: usize,
    /// Requests of all viewers that are answered at once.
    pub requests_at_once: usize,
    /// Requests of one viewer that are answered at once.
    pub requests_per_viewer: usize,
    /// The cost that a viewer may cause each second in the long run, and at once.
    pub cost_per_second: u32,
    pub cost_burst: u32,
}

impl Default for GraphqlConfig {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            statements_at_once: 8,
            deadline: Duration::from_secs(15),
            answer_bytes: 8 * 1024 * 1024,
            answers_bytes: 256 * 1024 * 1024,
            requests_at_once: 256,
            requests_per_viewer: 8,
            cost_per_second: 10_000,
            cost_burst: 200_000,
        }
    }
}

/// Answers GraphQL requests. Cheap to clone.
#[derive(Clone)]
pub struct Graphql {
    schema: TidingsSchema,
    database: Database,
    freshness: Freshness,
    types: Types,
    answers: Answers,
    turns: Turns,
    deadline: Duration,
}

/// What a request is answered with. It counts among the answers of this node until it is dropped.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Answer {
    pub response: Response,
    #[serde(skip)]
    pub(crate) held: Held,
}

/// The place and the bytes that an answer takes, given back when dropped.
#[derive(Default)]
pub(crate) struct Held {
    _place: Option<Place>,
    _budget: Option<Budget>,
}

impl Graphql {
    /// Reads through `pool`; `checkpoints` say how far the read models are.
    pub fn new(pool: Pool, checkpoints: Checkpoints, config: GraphqlConfig) -> Self {
        let database = Database::new(pool, config.statements_at_once, config.statement_timeout);
        let freshness = Freshness::new(checkpoints, config.wait);
        let schema = builder().data(freshness.clone()).finish();
        let types = Types::of(&schema.sdl());
        Self {
            schema,
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
            deadline: config.deadline,
        }
    }

    /// Answers a query for `viewer`. `after` is the header `tidings-after`.
    pub async fn execute(&self, request: Request, viewer: Option<Viewer>, after: Option<&str>) -> Answer {
        let answering = async {
            let admitted = self.admit(request, viewer, after).await?;
            Ok::<_, Box<Response>>(self.answer(admitted).await)
        };
        // Dropping what is under way ends its statements.
        match timeout(self.deadline, answering).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(refused)) => (*refused).into(),
            Err(_) => {
                tracing::debug!("a GraphQL request took too long");
                let refusal = Refusal::unavailable("the request took too long");
                refusal.into_response().into()
            }
        }
    }

    /// Answers a query with one response, a subscription with one for each change. Dropping the stream ends it.
    pub fn stream(&self, request: Request, viewer: Option<Viewer>) -> BoxStream<'static, Answer> {
        let graphql = self.clone();
        let answers = async move {
            match timeout(graphql.deadline, graphql.admit(request, viewer, None)).await {
                Ok(Ok(admitted)) if admitted.question.is_subscription() => graphql.follow(admitted),
                Ok(Ok(admitted)) => {
                    let answered = timeout(graphql.deadline, graphql.answer(admitted)).await;
                    let late = |_| {
                        Refusal::unavailable("the request took too long")
                            .into_response()
                            .into()
                    };
                    stream::iter([answered.unwrap_or_else(late)]).boxed()
                }
                Ok(Err(refused)) => stream::iter([(*refused).into()]).boxed(),
                Err(_) => {
                    let refusal = Refusal::unavailable("the request took too long");
                    stream::iter([refusal.into_response().into()]).boxed()
                }
            }
        };
        stream::once(answers).flatten().boxed()
    }

    /// Answers a query until its budget is spent.
    async fn answer(&self, admitted: Admitted) -> Answer {
        let Admitted {
            request,
            question,
            waves,
            budget,
            place,
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
                _place: Some(place),
                _budget: Some(budget),
            },
        }
    }

    /// Answers a subscription. It takes no place among the requests; each of its answers has the whole budget.
    fn follow(&self, admitted: Admitted) -> BoxStream<'static, Answer> {
        let Admitted {
            request,
            question,
            waves,
            budget,
            ..
        } = admitted;
        let answers = waves.carry(self.schema.execute_stream(request));
        answers
            .map(move |response| {
                let refused = budget.refusal();
                budget.renew();
                match refused {
                    Some(refusal) => refusal.into_response().into(),
                    None => question.complete(coded(response)).into(),
                }
            })
            .boxed()
    }

    /// Whether the request's operation is a query; refuses what would not be executed anyway.
    pub(crate) fn is_query(
        &self,
        request: &mut Request,
        viewer: Option<&Viewer>,
    ) -> Result<bool, Box<Response>> {
        limits::check_length(request, viewer.is_some()).map_err(boxed)?;
        self.turns
            .spend(spender(viewer), reading_cost(request))
            .map_err(boxed)?;
        check(request)?;
        let name = request.operation_name.clone();
        let document = request.parsed_query().map_err(refuse)?;
        let question = Question::new(&self.types, document.clone(), name.as_deref());
        // Which operation is meant, if that is not clear, execution says better.
        Ok(question
            .operation()
            .is_none_or(|operation| operation.ty == OperationType::Query))
    }

    /// Checks what can be checked before execution, and waits for the positions that the request carries.
    async fn admit(
        &self,
        mut request: Request,
        viewer: Option<Viewer>,
        after: Option<&str>,
    ) -> Result<Admitted, Box<Response>> {
        limits::check_length(&request, viewer.is_some()).map_err(boxed)?;
        let spender = spender(viewer.as_ref());
        let place = self.turns.enter(spender).map_err(boxed)?;
        self.turns.spend(spender, reading_cost(&request)).map_err(boxed)?;
        let cost = check(&mut request)?;
        self.turns.spend(spender, cost).map_err(boxed)?;
        let positions = self.freshness.positions(after, request.extensions.get("after"));
        let positions = positions.map_err(boxed)?;
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
        let (waves, budget) = (Waves::default(), self.answers.budget());
        request = request.data(budget.clone());
        // Without a viewer nothing is read, and there is nothing to wait for.
        if let Some(viewer) = viewer {
            let database = self.database.within(&budget);
            if !self.freshness.has_passed(&positions) {
                self.freshness
                    .check_reached(&database, &positions)
                    .await
                    .map_err(boxed)?;
                self.freshness.passed(&positions).await.map_err(boxed)?;
            }
            let database = database.after(&positions);
            request = request
                .data(Loaders::new(&database, viewer.user, &waves))
                .data(database)
                .data(viewer);
        }
        Ok(Admitted {
            request,
            question,
            waves,
            budget,
            place,
        })
    }
}

/// Who pays for a request. All those who have not said who they are share what one viewer has.
fn spender(viewer: Option<&Viewer>) -> Uuid {
    viewer.map_or_else(Uuid::nil, |viewer| viewer.user)
}

/// What it costs to read a document, whatever it asks for.
fn reading_cost(request: &Request) -> usize {
    1 + request.query.len() / 256
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self {
            response,
            held: Held::default(),
        }
    }
}

fn check(request: &mut Request) -> Result<usize, Box<Response>> {
    limits::check(request).map_err(|excess| match excess {
        Excess::Syntax(error) => refuse(error),
        Excess::Refused(refusal) => boxed(refusal),
    })
}

fn refuse(error: ServerError) -> Box<Response> {
    Box::new(coded(Response::from_errors(vec![error])))
}

fn boxed(refusal: Refusal) -> Box<Response> {
    Box::new(refusal.into_response())
}

/// A request that may be executed.
struct Admitted {
    request: Request,
    question: Question,
    waves: Waves,
    budget: Budget,
    place: Place,
}

fn builder() -> async_graphql::SchemaBuilder<Query, EmptyMutation, Subscription> {
    Schema::build(Query, EmptyMutation, Subscription)
        .limit_recursive_depth(64)
        .limit_directives(8)
        .extension(Counting)
}

/// The schema in GraphQL's own language, as committed in `schema.graphql`.
pub fn sdl() -> String {
    builder().finish().sdl()
}
