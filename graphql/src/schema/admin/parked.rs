//! Events that could not be folded, as administrators see them.

use crate::database::{Database, NoAnswer};
use crate::schema::cursor::ParkedPlace;
use crate::schema::page::{Entries, Page, surroundings};
use crate::schema::time::Time;
use async_graphql::{ComplexObject, Enum, ID, SimpleObject};
use tidings_eventlog::Position;
use tidings_projections::is_confidential;
use tokio_postgres::Row;
use uuid::Uuid;

/// An event that a read model could not take, or one behind it in the same stream; or one that a reactor could not answer.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct Parked {
    /// The read model, or the reactor.
    projection: String,
    /// Its place in the log, as `<lane>:<pos>`.
    position: String,
    /// What is wrong with it, or that it waits for another one.
    error: String,
    /// How often it was tried.
    attempts: i32,
    #[graphql(name = "parkedAt")]
    at: Time,
    state: ParkedState,
    #[graphql(skip)]
    stream: Uuid,
    /// The kind of the event; `None` where the log has none there.
    #[graphql(skip)]
    kind: Option<i16>,
    #[graphql(skip)]
    place: ParkedPlace,
}

/// What has become of an event that was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ParkedState {
    /// It waits.
    Waiting,
    /// It is in the read model after all.
    Folded,
    /// An administrator has left it out.
    Skipped,
}

#[ComplexObject]
impl Parked {
    async fn id(&self) -> ID {
        format!("{}:{}", self.projection, self.position).into()
    }

    /// The conversation or the user that it belongs to. Null of what no administrator is told of, as reports and blocks.
    async fn stream(&self) -> Option<ID> {
        let is_told = self.kind.is_some_and(|kind| !is_confidential(kind));
        is_told.then(|| self.stream.into())
    }
}

impl Parked {
    pub(super) fn place(&self) -> ParkedPlace {
        self.place.clone()
    }

    /// The same event, of which this has become.
    pub(crate) fn now(self, state: ParkedState) -> Self {
        Self { state, ..self }
    }

    /// Its read model, lane, position and stream.
    pub(crate) fn address(&self) -> (String, u8, u64, Uuid) {
        let lane = u8::try_from(self.place.lane).unwrap_or_default();
        (
            self.projection.clone(),
            lane,
            self.place.pos.cast_unsigned(),
            self.stream,
        )
    }

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        let place = ParkedPlace {
            projection: row.try_get("projection")?,
            lane: row.try_get("lane")?,
            pos: row.try_get("pos")?,
        };
        let position = Position {
            lane: u8::try_from(place.lane).unwrap_or_default(),
            pos: place.pos.cast_unsigned(),
        };
        Ok(Self {
            projection: place.projection.clone(),
            position: position.to_string(),
            error: row.try_get("error")?,
            attempts: row.try_get("attempts")?,
            at: Time(row.try_get("parked_at")?),
            state: ParkedState::Waiting,
            stream: row.try_get("stream")?,
            kind: row.try_get("kind")?,
            place,
        })
    }
}

/// The event of that id, while it is parked.
pub(crate) async fn one(database: &Database, id: &ID) -> Result<Option<Parked>, NoAnswer> {
    let Some((name, lane, pos)) = address(id) else {
        return Ok(None);
    };
    let rows = if let Some(projection) = tidings_projections::find(name) {
        let (sql, version) = (include_str!("parked/one.sql"), projection.version());
        database
            .rows(sql, &[&name, &version, &lane, &pos], Parked::read)
            .await?
    } else {
        let sql = include_str!("parked/one_of_reactor.sql");
        database.rows(sql, &[&name, &lane, &pos], Parked::read).await?
    };
    Ok(rows.into_iter().next())
}

/// Reads an id: a read model or a reactor, and a position.
fn address(id: &ID) -> Option<(&str, i16, i64)> {
    let (name, position) = id.split_once(':')?;
    let (lane, pos) = position.split_once(':')?;
    let lane: u8 = lane.parse().ok()?;
    Some((name, lane.into(), pos.parse().ok()?))
}

/// What the live read models have put aside of some positions of a lane, by the name of the read model and by position.
pub(super) async fn at(database: &Database, lane: u8, positions: &[u64]) -> Result<Vec<Parked>, NoAnswer> {
    let (names, versions) = live();
    let (lane, positions): (i16, Vec<i64>) = (
        lane.into(),
        positions.iter().copied().map(u64::cast_signed).collect(),
    );
    let sql = include_str!("parked/at.sql");
    database
        .rows(sql, &[&names, &versions, &lane, &positions], Parked::read)
        .await
}

/// The names of the live read models, and the version of each.
fn live() -> (Vec<&'static str>, Vec<i32>) {
    tidings_projections::all()
        .map(|projection| (projection.name(), projection.version()))
        .into_iter()
        .unzip()
}

/// A page of what the live read models and the reactors have put aside.
pub(super) async fn read(database: &Database, page: &Page<ParkedPlace>) -> Result<Entries<Parked>, NoAnswer> {
    let (names, versions) = live();
    let sql = include_str!("parked/page.sql").replace("{direction}", page.direction(true));
    let name = |place: &Option<ParkedPlace>| place.as_ref().map(|place| place.projection.clone());
    let lane = |place: &Option<ParkedPlace>| place.as_ref().map(|place| place.lane);
    let pos = |place: &Option<ParkedPlace>| place.as_ref().map(|place| place.pos);
    let rows = database
        .rows(
            &sql,
            &[
                &names,
                &versions,
                &name(&page.after),
                &lane(&page.after),
                &pos(&page.after),
                &name(&page.before),
                &lane(&page.before),
                &pos(&page.before),
                &page.rows(),
            ],
            |row| {
                // An empty page is one row without an event.
                let found: Option<&str> = row.try_get("projection")?;
                Ok((surroundings(row)?, found.map(|_| Parked::read(row)).transpose()?))
            },
        )
        .await?;
    Ok(page.gathered(rows))
}
