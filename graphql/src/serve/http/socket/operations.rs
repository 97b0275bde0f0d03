//! The operations of one connection.

use crate::errors::{Code, Refusal};
use crate::serve::graphql::{Answer, Graphql};
use crate::serve::http::payload::Payload;
use crate::serve::http::reply::is_refusal;
use crate::viewer::Viewer;
use async_graphql::ServerError;
use futures_util::StreamExt as _;
use futures_util::stream::{self, AbortHandle, Abortable, BoxStream, SelectAll};
use std::collections::HashMap;

/// Operations of one connection at the same time.
const OPERATIONS_MAX: usize = 32;

/// What has become of an operation.
pub(super) enum Event {
    Answer(String, Box<Answer>),
    /// It was never executed.
    Refused(String, Vec<ServerError>),
    Ended(String),
}

/// All operations that run, by the id that the client gave them.
pub(super) struct Operations {
    graphql: Graphql,
    viewer: Viewer,
    handles: HashMap<String, AbortHandle>,
    answers: SelectAll<Abortable<BoxStream<'static, Event>>>,
}

impl Operations {
    pub(super) fn new(graphql: Graphql, viewer: Viewer) -> Self {
        Self {
            graphql,
            viewer,
            handles: HashMap::new(),
            answers: SelectAll::new(),
        }
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.handles.contains_key(id)
    }

    pub(super) fn start(&mut self, id: String, payload: Payload) -> Result<(), Refusal> {
        if self.handles.len() >= OPERATIONS_MAX {
            let message = format!("at most {OPERATIONS_MAX} operations can run at once");
            return Err(Refusal::new(Code::TooLarge, message));
        }
        let answers = self
            .graphql
            .stream(payload.into_request()?, Some(self.viewer.clone()));
        let (name, end) = (id.clone(), id.clone());
        let events = answers.map(move |answer| {
            if is_refusal(&answer.response) {
                Event::Refused(name.clone(), answer.response.errors)
            } else {
                Event::Answer(name.clone(), Box::new(answer))
            }
        });
        let ended = stream::once(std::future::ready(Event::Ended(end)));
        let (handle, registration) = AbortHandle::new_pair();
        self.answers
            .push(Abortable::new(events.chain(ended).boxed(), registration));
        self.handles.insert(id, handle);
        Ok(())
    }

    /// Ends an operation that the client no longer wants; nothing more is said of it.
    pub(super) fn end(&mut self, id: &str) {
        if let Some(handle) = self.handles.remove(id) {
            handle.abort();
        }
    }

    /// The next event; `None` while nothing runs. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let event = self.answers.next().await?;
        // One that was refused or has ended says nothing more.
        if let Event::Refused(id, _) | Event::Ended(id) = &event {
            self.end(id);
        }
        Some(event)
    }
}
