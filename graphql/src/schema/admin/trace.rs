//! What happened to a message.

use super::parked::{self, Parked};
use crate::backend::{EventsFound, TraceState};
use crate::database::{Database, NoAnswer};
use crate::freshness::Freshness;
use crate::schema::cursor::{EventPlace, MemberPlace};
use crate::schema::event::EventConnection;
use crate::schema::long::Long;
use crate::schema::page::{List, Page};
use crate::schema::time::Time;
use crate::schema::user::{self, User};
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use tidings_eventlog::Position;
use tidings_projections::inbox::{self, SentMessage};
use uuid::Uuid;

/// Recipients that are counted; of more it is not known how many there are.
const COUNTED_MAX: i64 = 10_000;

/// What happened to a message, as the log and the read models tell it. It tells nothing of what was said.
pub(crate) struct MessageTrace(pub(super) TraceState);

/// A read model, and whether it has come to all that happened to a message.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct TracedProjection {
    name: &'static str,
    state: TracedState,
    /// The first of the message's events that it has put aside.
    aside: Option<Parked>,
}

/// How far a read model is with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum TracedState {
    /// It has come to the last of the message's events.
    Folded,
    /// It has not come to the last of them yet.
    Behind,
    /// It has put one of them aside.
    Parked,
}

/// With how many people a message is. All were members when it was sent; its sender is none of them.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct RecipientCounts {
    recipients: Long,
    /// Of how many a device is known to have it.
    delivered: Long,
    read: Long,
}

/// Somebody who was a member when a message was sent.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Recipient {
    /// Whether a device of theirs is known to have it.
    delivered: bool,
    read: bool,
    /// They have left, or were removed, since.
    has_left: bool,
    #[graphql(skip)]
    user: Uuid,
}

#[async_graphql::ComplexObject]
impl Recipient {
    async fn user(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.user).await?)
    }
}

#[Object]
impl MessageTrace {
    async fn message(&self) -> ID {
        self.0.event.command.into()
    }

    async fn conversation(&self) -> ID {
        self.0.event.stream.into()
    }

    /// Where the log has it, as `<lane>:<pos>`.
    async fn position(&self) -> String {
        let (lane, pos) = (self.0.event.lane, self.0.event.pos);
        Position { lane, pos }.to_string()
    }

    async fn seq(&self) -> Long {
        Long(self.0.event.seq.cast_signed())
    }

    async fn sent_at(&self) -> Time {
        Time(self.0.event.at)
    }

    async fn sender(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.0.event.by).await?)
    }

    /// When it was taken back.
    async fn recalled_at(&self) -> Option<Time> {
        self.0.recalled_at.map(Time)
    }

    /// Whether `events` holds all that there are: of each kind 1,000 are told, and pins among the first 10,000 changes of members, roles,
    /// names and pins behind the message.
    async fn complete(&self) -> bool {
        self.0.complete
    }

    /// Its own event and those about it, in the order of the log: that it was sent, edited, recalled, pinned, and reacted to.
    #[expect(
        clippy::unused_async,
        reason = "the library wants every field to be asynchronous"
    )]
    async fn events(&self, first: Option<i32>, after: Option<String>) -> Result<EventConnection> {
        let page = Page::<EventPlace>::parse(first, after, None, None)?;
        let from = page.after.map(|place| place.0);
        let all = std::iter::once(&self.0.event).chain(&self.0.about);
        let entries = all
            .map(|event| (event.place_in_stream(), event.clone()))
            .filter(|(place, _)| from.is_none_or(|from| place.number > from.number))
            .collect();
        Ok(EventConnection::of(&page, EventsFound { entries, cut: None }))
    }

    /// The read models, by name, on the node that answers.
    async fn projections(&self, context: &Context<'_>) -> Result<Vec<TracedProjection>> {
        Ok(projections(context, &self.0).await?)
    }

    /// With how many people it is; null where more than 10,000 were members.
    async fn counts(&self, context: &Context<'_>) -> Result<Option<RecipientCounts>> {
        let database = context.data_unchecked::<Database>();
        let select = inbox::recipient_counts(self.sent(), COUNTED_MAX + 1);
        let counts = database.ask(&select).await?.pop();
        let counts = counts.filter(|counts| counts.looked_at <= COUNTED_MAX);
        Ok(counts.map(|counts| RecipientCounts {
            recipients: Long(counts.looked_at),
            delivered: Long(counts.delivered),
            read: Long(counts.read),
        }))
    }

    /// Who was a member when it was sent, but its sender, in the order of their ids, and whether they have it.
    async fn recipients(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<List<MemberPlace, Recipient>> {
        let page = Page::<MemberPlace>::parse(first, after, None, None)?;
        let from = page.after.map(|place| place.0);
        let select = inbox::recipients(self.sent(), from, page.rows());
        let found = context.data_unchecked::<Database>().ask(&select).await?;
        let found = found.into_iter().map(|recipient| Recipient {
            delivered: recipient.is_delivered,
            read: recipient.has_read,
            has_left: recipient.has_left,
            user: recipient.user,
        });
        let entries = page.entries(found.collect(), from.is_some(), false);
        Ok(entries.into_list(|recipient: Recipient| (MemberPlace(recipient.user), recipient)))
    }
}

impl MessageTrace {
    fn sent(&self) -> SentMessage {
        let event = &self.0.event;
        SentMessage {
            conversation: event.stream,
            seq: event.seq.cast_signed(),
            sender: event.by,
        }
    }
}

async fn projections(context: &Context<'_>, trace: &TraceState) -> Result<Vec<TracedProjection>, NoAnswer> {
    let lane = trace.event.lane;
    let positions: Vec<u64> = std::iter::once(&trace.event)
        .chain(&trace.about)
        .map(|event| event.pos)
        .collect();
    let last = positions.last().copied().unwrap_or_default();
    let aside = parked::at(context.data_unchecked::<Database>(), lane, &positions).await?;
    let lags = context.data_unchecked::<Freshness>().checkpoints().lag();
    let all = tidings_projections::all().into_iter();
    let told = all.map(|projection| {
        let name = projection.name();
        let aside = aside.iter().find(|parked| parked.address().0 == name).cloned();
        let lag = lags.iter().find(|lag| lag.projection == name && lag.lane == lane);
        let state = if aside.is_some() {
            TracedState::Parked
        } else if lag.is_some_and(|lag| lag.pos >= last) {
            TracedState::Folded
        } else {
            TracedState::Behind
        };
        TracedProjection { name, state, aside }
    });
    Ok(told.collect())
}
