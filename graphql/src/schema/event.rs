//! Events of the log.

use super::cursor::EventPlace;
use super::long::Long;
use super::page::Page;
use super::time::Time;
use super::user::{self, User};
use crate::backend::{EventState, EventsFound, LogPlace};
use async_graphql::connection::{CursorType as _, PageInfo};
use async_graphql::{ComplexObject, Context, ID, Result, SimpleObject};
use tidings_eventlog::Position;
use uuid::Uuid;

/// An event as the log holds it: what happened, where, when and by whom.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Event {
    /// Its place in the log, as `<lane>:<pos>`.
    position: String,
    /// Its place among the events of its conversation or user.
    seq: Long,
    /// What happened, such as `message.sent`. The number of a kind that this version does not know.
    kind: String,
    at: Time,
    /// What it says, as on the socket, in JSON: told to members of the conversation, who subscribe to it. Administrators are told nothing
    /// of what was said.
    data: Option<String>,
    #[graphql(skip)]
    stream: Uuid,
    #[graphql(skip)]
    command: Uuid,
    #[graphql(skip)]
    by: Uuid,
}

#[ComplexObject]
impl Event {
    /// The conversation or the user that it belongs to.
    async fn stream(&self) -> ID {
        self.stream.into()
    }

    /// The id of the command that brought it, which is the id of a message that was sent.
    async fn command(&self) -> ID {
        self.command.into()
    }

    /// Who did it. What the server does for somebody, they did.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl From<EventState> for Event {
    fn from(state: EventState) -> Self {
        let (lane, pos) = (state.lane, state.pos);
        Self {
            position: Position { lane, pos }.to_string(),
            seq: Long(state.seq.cast_signed()),
            kind: state.kind,
            at: Time(state.at),
            data: state.data,
            stream: state.stream,
            command: state.command,
            by: state.by,
        }
    }
}

/// Events of the log.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct EventConnection {
    edges: Vec<EventEdge>,
    page_info: PageInfo,
    /// Whether everything was looked at that belongs before the end of this page. Where it was not, so many events were looked at that
    /// the rest is left to the next page: the last cursor leads on, also where there are no edges.
    complete: bool,
}

#[ComplexObject]
impl EventConnection {
    async fn nodes(&self) -> Vec<&Event> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

/// An edge in a connection.
#[derive(Debug, SimpleObject)]
pub(crate) struct EventEdge {
    /// The item at the end of the edge
    node: Event,
    /// A cursor for use in pagination
    cursor: String,
}

impl EventConnection {
    /// A page of what was found behind its beginning.
    pub(crate) fn of(page: &Page<EventPlace>, found: EventsFound) -> Self {
        let entries = page.entries(found.entries, page.after.is_some(), found.cut.is_some());
        let edge = |(place, state): (LogPlace, EventState)| EventEdge {
            node: state.into(),
            cursor: EventPlace(place).encode_cursor(),
        };
        let edges: Vec<EventEdge> = entries.items.into_iter().map(edge).collect();
        let start_cursor = edges.first().map(|edge| edge.cursor.clone());
        let last = edges.last().map(|edge| edge.cursor.clone());
        Self {
            page_info: PageInfo {
                has_previous_page: entries.has_previous,
                has_next_page: entries.has_next,
                start_cursor,
                end_cursor: found.cut.map(|place| EventPlace(place).encode_cursor()).or(last),
            },
            complete: found.cut.is_none(),
            edges,
        }
    }
}
