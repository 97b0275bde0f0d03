//! The operations of one connection, as the library runs them.

use crate::errors::Refusal;
use crate::serve::answer::Held;
use crate::serve::graphql::Graphql;
use crate::serve::http::reply::is_refusal;
use crate::serve::http::tidy;
use crate::viewer::Viewer;
use async_graphql::{Data, Executor, Request, Response, ServerError};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Runs requests for whoever has been greeted. Clones share it.
#[derive(Clone)]
pub(super) struct Operations {
    graphql: Graphql,
    viewer: Arc<OnceLock<Viewer>>,
    /// What goes with the answer that the library has just been given. It writes out one answer and hands it on before it asks for
    /// the next.
    beside: Arc<Mutex<Option<Beside>>>,
}

/// What goes with an answer that the library writes out.
pub(super) enum Beside {
    /// It counts among the answers of this node.
    Held(Held),
    /// The request was never executed, for which the protocol has another message.
    Refused(Vec<ServerError>),
}

impl Operations {
    pub(super) fn new(graphql: Graphql) -> Self {
        Self {
            graphql,
            viewer: Arc::default(),
            beside: Arc::default(),
        }
    }

    /// Runs what comes for this viewer.
    pub(super) fn begin(&self, viewer: Viewer) {
        // There is one greeting.
        let _ = self.viewer.set(viewer);
    }

    /// What goes with the message that the library hands on; `None` when it is no answer.
    pub(super) fn beside(&self) -> Option<Beside> {
        self.beside.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Executor for Operations {
    async fn execute(&self, request: Request) -> Response {
        let Some(viewer) = self.viewer.get().cloned() else {
            return Refusal::unauthenticated().into_response();
        };
        self.graphql
            .execute(tidy(request), Some(viewer), None)
            .await
            .response
    }

    fn execute_stream(&self, request: Request, _: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        // Without a viewer it is refused.
        let answers = self.graphql.stream(tidy(request), self.viewer.get().cloned());
        let beside = Arc::clone(&self.beside);
        let note = move |with| *beside.lock().unwrap_or_else(PoisonError::into_inner) = Some(with);
        answers
            .map(move |answer| {
                note(if is_refusal(&answer.response) {
                    Beside::Refused(answer.response.errors.clone())
                } else {
                    Beside::Held(answer.held)
                });
                answer.response
            })
            .boxed()
    }
}
