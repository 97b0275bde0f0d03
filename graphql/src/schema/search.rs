//! Finding messages by what they say.

mod asked;
mod walk;

use super::cursor::FoundPlace;
use super::message::Message;
use super::page::Page;
use crate::errors::Refusal;
use crate::freshness::Freshness;
use asked::Asked;
use async_graphql::connection::{CursorType as _, PageInfo};
use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use tidings_eventlog::Position;
use uuid::Uuid;
use walk::Walked;

/// Which of the messages that are found come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum SearchOrder {
    /// Those that were sent last.
    #[default]
    Newest,
    /// Those that fit best: where what is typed stands close together, and often. Among the newest 2,000 that are found.
    Best,
}

/// Messages that were found.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct SearchConnection {
    edges: Vec<SearchEdge>,
    page_info: PageInfo,
    /// Whether everything was looked at that belongs before the end of this page. Where it was not, looking took too long, or too much
    /// was found to be put in order; the last cursor leads on.
    complete: bool,
    /// What was typed and is not looked for: what no message has, what a filter cannot be, and what is beyond the limits.
    ignored: Vec<String>,
    /// What was typed of people and conversations (`from:nobody`, `-in:nowhere`) that there are not, as far as the viewer may know: it is looked
    /// for all the same, and nothing is by nobody or in nowhere.
    unknown: Vec<String>,
    /// How far the read model of words was, as `<lane>:<pos>`: what is newer may not be found yet.
    positions: Vec<String>,
}

#[ComplexObject]
impl SearchConnection {
    async fn nodes(&self) -> Vec<&Message> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }
}

/// A message that was found.
#[derive(Debug, SimpleObject)]
pub(crate) struct SearchEdge {
    cursor: String,
    node: Message,
    /// The text around what was found in it. Empty where there is no text.
    snippet: Vec<SearchPiece>,
}

/// A piece of a text.
#[derive(Debug, SimpleObject)]
pub(crate) struct SearchPiece {
    text: String,
    /// Whether it is something that was looked for.
    is_match: bool,
}

/// Looks for messages.
pub(crate) async fn find(
    context: &Context<'_>,
    viewer: Uuid,
    typed: &str,
    conversation: Option<Uuid>,
    order: SearchOrder,
    page: &Page<FoundPlace>,
) -> Result<SearchConnection, Refusal> {
    // What is found is no newer than this says.
    let positions = positions(context.data_unchecked::<Freshness>());
    let asked = Asked::read(context, viewer, typed, conversation).await?;
    let walked = match &asked.wanted {
        Some(wanted) => walk::walk(context, &asked, wanted, order, page).await?,
        None => Walked::default(),
    };
    let edges: Vec<SearchEdge> = walked
        .found
        .into_iter()
        .map(|(place, message)| SearchEdge {
            cursor: place.encode_cursor(),
            snippet: snippet(&asked, &message),
            node: message,
        })
        .collect();
    let start_cursor = edges.first().map(|edge| edge.cursor.clone());
    let last = edges.last().map(|edge| edge.cursor.clone());
    let end_cursor = walked.cut.map(|place| place.encode_cursor()).or(last);
    Ok(SearchConnection {
        edges,
        page_info: PageInfo {
            has_previous_page: page.after.is_some(),
            has_next_page: walked.has_next,
            start_cursor,
            end_cursor,
        },
        complete: walked.complete,
        ignored: asked.query.ignored,
        unknown: asked.unknown,
        positions,
    })
}

fn positions(freshness: &Freshness) -> Vec<String> {
    let lags = freshness.checkpoints().lag().into_iter();
    lags.filter(|lag| lag.projection == "search")
        .map(|lag| {
            let (lane, pos) = (lag.lane, lag.pos);
            Position { lane, pos }.to_string()
        })
        .collect()
}

fn snippet(asked: &Asked, message: &Message) -> Vec<SearchPiece> {
    let pieces = tidings_search::snippet(message.said().unwrap_or_default(), &asked.query);
    pieces
        .into_iter()
        .map(|piece| SearchPiece {
            text: piece.text.to_owned(),
            is_match: piece.is_match,
        })
        .collect()
}
