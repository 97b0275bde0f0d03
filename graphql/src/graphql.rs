//! The schema, and one request's way through it.

use crate::after::Freshness;
use crate::complete::{Question, Types};
use crate::database::Database;
use crate::errors::{Refusal, coded};
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
use std::time::Duration;
use tidings_eventlog::Pool;
use tidings_projections::Checkpoints;

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
}

impl Default for GraphqlConfig {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            statements_at_once: 8,
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
}

impl Graphql {
    /// Reads through `pool`; `checkpoints` say how far the read models are.
    pub fn new(pool: Pool, checkpoints: Checkpoints, config: GraphqlConfig) -> Self {
        let database = Database::new(pool, config.statements_at_once, config.statement_timeout);
        let freshness = Freshness::new(checkpoints, config.wait);
        let schema = builder().data(freshness.clone()).data(database.clone()).finish();
        let types = Types::of(&schema.sdl());
        Self {
            schema,
            database,
            freshness,
            types,
        }
    }

    /// Answers a query for `viewer`. `after` is the header `tidings-after`.
    pub async fn execute(&self, request: Request, viewer: Option<Viewer>, after: Option<&str>) -> Response {
        match self.admit(request, viewer, after).await {
            Ok(Admitted {
                request,
                question,
                waves,
            }) => {
                let answering = waves.carry(Box::pin(self.schema.execute(request)));
                question.complete(coded(answering.await))
            }
            Err(refused) => *refused,
        }
    }

    /// Answers a query with one response, a subscription with one for each change. Dropping the stream ends it.
    pub fn stream(&self, request: Request, viewer: Option<Viewer>) -> BoxStream<'static, Response> {
        let graphql = self.clone();
        let answers = async move {
            match graphql.admit(request, viewer, None).await {
                Ok(Admitted {
                    request,
                    question,
                    waves,
                }) => {
                    let answers = waves.carry(graphql.schema.execute_stream(request));
                    answers
                        .map(move |answer| question.complete(coded(answer)))
                        .boxed()
                }
                Err(refused) => stream::iter([*refused]).boxed(),
            }
        };
        stream::once(answers).flatten().boxed()
    }

    /// Whether the request's operation is a query; refuses what would not be executed anyway.
    pub(crate) fn is_query(&self, request: &mut Request) -> Result<bool, Box<Response>> {
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
        check(&mut request)?;
        let positions = self.freshness.positions(after, request.extensions.get("after"));
        let positions = positions.map_err(boxed)?;
        let document = request.parsed_query().map_err(refuse)?.clone();
        let question = Question::new(&self.types, document, request.operation_name.as_deref());
        if let Some(operation) = question.operation() {
            variables::check(operation, &request.variables).map_err(boxed)?;
        }
        let waves = Waves::default();
        // Without a viewer nothing is read, and there is nothing to wait for.
        if let Some(viewer) = viewer {
            self.freshness.passed(&positions).await.map_err(boxed)?;
            request = request
                .data(Loaders::new(
                    &self.database.after(&positions),
                    viewer.user,
                    &waves,
                ))
                .data(viewer);
        }
        Ok(Admitted {
            request,
            question,
            waves,
        })
    }
}

fn check(request: &mut Request) -> Result<(), Box<Response>> {
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
}

fn builder() -> async_graphql::SchemaBuilder<Query, EmptyMutation, Subscription> {
    Schema::build(Query, EmptyMutation, Subscription)
        .limit_recursive_depth(64)
        .limit_directives(8)
}

/// The schema in GraphQL's own language, as committed in `schema.graphql`.
pub fn sdl() -> String {
    builder().finish().sdl()
}
