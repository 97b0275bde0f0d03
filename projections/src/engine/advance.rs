//! One step of a lane: a range of events into some projections, in one transaction with their checkpoints.

use crate::engine::observer::Observer;
use crate::engine::store::{self, Aside};
use crate::engine::target::Target;
use crate::error::{Fault, ProjectionError, describe, fault};
use crate::fact::{Decoded, Fact};
use crate::projection::Folds;
use deadpool_postgres::{ClientWrapper, Transaction};
use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;
use tidings_domain::stored::DecodeError;
use uuid::Uuid;

/// The longest that one transaction may take.
const LIMIT: Duration = Duration::from_mins(1);

/// What came of a range.
#[derive(Debug, Default)]
pub(crate) struct Advanced {
    /// Targets that could not go on.
    pub(crate) held: Vec<Held>,
}

/// A target that could not go on, which is no event's fault.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) label: String,
    pub(crate) reason: String,
    /// Where the event stands that it could not fold.
    pub(crate) pos: u64,
    /// That event is of a kind or a version that this program does not know: a newer one is to go on.
    pub(crate) for_newer: bool,
}

/// Why a range was given up before its end. What was done until then is consistent.
#[derive(Debug)]
pub(crate) enum Setback {
    /// A checkpoint is not where it was: somebody else has done the work.
    Moved,
    /// It may succeed later.
    Failed(ProjectionError),
}

/// Why one transaction was given up.
enum Refused {
    Moved,
    Late,
    Failed(Fault, String),
}

impl From<tokio_postgres::Error> for Refused {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(fault(&error), describe(&error))
    }
}

/// Folds a dense range of a lane into `targets`, whose checkpoints must all be just before it. An event that a projection
/// cannot take is found by halving and put aside together with the later ones of its stream.
pub(crate) async fn advance(
    client: &mut ClientWrapper,
    lane: u8,
    targets: &[&Target],
    events: &[Decoded],
    observer: &dyn Observer,
) -> Result<Advanced, Setback> {
    let mut advanced = Advanced::default();
    let mut todo = vec![(targets.to_vec(), 0..events.len())];
    while let Some((mut set, range)) = todo.pop() {
        set.retain(|target| !advanced.held.iter().any(|held| held.label == target.label));
        if set.is_empty() || range.is_empty() {
            continue;
        }
        if let Some((known, reason)) = unknown(&set, &events[range.clone()]) {
            let middle = range.start + known;
            match &set[..] {
                [target] if known == 0 => advanced.held.push(Held {
                    label: target.label.clone(),
                    reason,
                    pos: events[middle].record.pos,
                    for_newer: true,
                }),
                [_] => {
                    todo.push((set.clone(), middle..range.end));
                    todo.push((set, range.start..middle));
                }
                _ => todo.extend(set.into_iter().rev().map(|target| (vec![target], range.clone()))),
            }
            continue;
        }
        match fold(client, lane, &set, &events[range.clone()], observer).await {
            Ok(()) => {}
            Err(refused @ (Refused::Moved | Refused::Late | Refused::Failed(Fault::Transient, _))) => {
                return Err(refused.into());
            }
            Err(Refused::Failed(..)) if set.len() > 1 => {
                todo.extend(set.into_iter().rev().map(|target| (vec![target], range.clone())));
            }
            Err(Refused::Failed(Fault::Poison | Fault::Slow, _)) if range.len() > 1 => {
                let (first, second) = halves(range);
                todo.push((set.clone(), second));
                todo.push((set, first));
            }
            Err(Refused::Failed(Fault::Broken | Fault::Slow, error)) => {
                advanced.held.push(Held {
                    label: set[0].label.clone(),
                    reason: error,
                    pos: events[range.start].record.pos,
                    for_newer: false,
                });
            }
            Err(Refused::Failed(Fault::Poison, error)) => {
                put_aside(client, lane, set[0], &events[range.start], &error, observer).await?;
            }
        }
    }
    Ok(advanced)
}

impl From<Refused> for Setback {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Moved => Self::Moved,
            Refused::Late => Self::Failed(ProjectionError::Timeout(LIMIT)),
            // Another session may succeed where this one did not.
            Refused::Failed(Fault::Transient, error) => Self::Failed(ProjectionError::Unreachable(error)),
            Refused::Failed(_, error) => Self::Failed(ProjectionError::Database(error)),
        }
    }
}

/// How many events there are before the first that one of `targets` looks at and this program does not know, and what it says.
fn unknown(targets: &[&Target], events: &[Decoded]) -> Option<(usize, String)> {
    let looks = |kind| targets.iter().any(|target| target.projection.folds().has(kind));
    first_unknown(looks, events)
}

/// The same for somebody who `hears` some kinds.
pub(super) fn halted(hears: Folds, events: &[Decoded]) -> Option<(usize, String)> {
    first_unknown(|kind| hears.has(kind), events)
}

fn first_unknown(looks: impl Fn(i16) -> bool, events: &[Decoded]) -> Option<(usize, String)> {
    let mut each = events.iter().enumerate();
    each.find_map(|(known, Decoded { record, event })| match event {
        Err(error @ (DecodeError::UnknownKind(_) | DecodeError::UnknownVersion { .. }))
            if looks(record.kind) =>
        {
            Some((known, error.to_string()))
        }
        _ => None,
    })
}

fn halves(range: Range<usize>) -> (Range<usize>, Range<usize>) {
    let middle = range.start + range.len() / 2;
    (range.start..middle, middle..range.end)
}

/// Folds a range into all of `targets` or none.
async fn fold(
    client: &mut ClientWrapper,
    lane: u8,
    targets: &[&Target],
    events: &[Decoded],
    observer: &dyn Observer,
) -> Result<(), Refused> {
    let folding = async {
        let transaction = client.transaction().await?;
        step(&transaction, lane, targets, events).await?;
        let streams: HashSet<Uuid> = events.iter().map(|event| event.record.stream).collect();
        let streams: Vec<Uuid> = streams.into_iter().collect();
        let parked = store::parked_streams(&transaction, lane, targets, &streams).await?;
        let nothing = HashSet::new();
        let mut asides = vec![];
        for target in targets {
            let folds = target.projection.folds();
            let (facts, aside) = sort_out(events, folds, parked.get(&target.label).unwrap_or(&nothing));
            if !facts.is_empty() {
                target
                    .projection
                    .apply(&transaction, &target.quoted, &facts)
                    .await?;
            }
            store::park(&transaction, lane, target, &aside).await?;
            asides.push(aside.len());
        }
        transaction.commit().await?;
        Ok(asides)
    };
    let asides = bounded(folding).await?;
    let names: Vec<&str> = targets.iter().map(|target| target.label.as_str()).collect();
    observer.applied(lane, &names, events.len());
    for (name, count) in names.iter().zip(asides).filter(|(_, count)| *count > 0) {
        tracing::error!(projection = name, lane, count, "events were put aside");
        observer.parked(lane, name, count);
    }
    Ok(())
}

/// Moves a checkpoint past one event and records why it was not folded.
async fn put_aside(
    client: &mut ClientWrapper,
    lane: u8,
    target: &Target,
    event: &Decoded,
    error: &str,
    observer: &dyn Observer,
) -> Result<(), Refused> {
    let record = &event.record;
    tracing::error!(
        projection = target.label,
        lane,
        pos = record.pos,
        stream = %record.stream,
        error,
        "an event was put aside"
    );
    let parking = async {
        let transaction = client.transaction().await?;
        step(&transaction, lane, &[target], std::slice::from_ref(event)).await?;
        let aside = Aside {
            pos: record.pos,
            stream: record.stream,
            error: error.to_owned(),
        };
        store::park(&transaction, lane, target, &[aside]).await?;
        Ok(transaction.commit().await?)
    };
    bounded(parking).await?;
    observer.parked(lane, &target.label, 1);
    Ok(())
}

async fn step(
    transaction: &Transaction<'_>,
    lane: u8,
    targets: &[&Target],
    events: &[Decoded],
) -> Result<(), Refused> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(());
    };
    let (from, to) = (first.record.pos - 1, last.record.pos);
    if store::move_checkpoints(transaction, lane, targets, from, to).await? {
        Ok(())
    } else {
        Err(Refused::Moved)
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    tokio::time::timeout(LIMIT, work)
        .await
        .map_err(|_| Refused::Late)?
}

/// Divides events that a projection looks at into those to fold and those that must wait for an event that could not be.
fn sort_out<'a>(events: &'a [Decoded], folds: Folds, parked: &HashSet<Uuid>) -> (Vec<Fact<'a>>, Vec<Aside>) {
    let mut broken: HashSet<Uuid> = HashSet::new();
    let (mut facts, mut aside) = (Vec::with_capacity(events.len()), vec![]);
    for Decoded { record, event } in events.iter().filter(|event| folds.has(event.record.kind)) {
        let error = match event {
            _ if parked.contains(&record.stream) || broken.contains(&record.stream) => {
                "an earlier event of its stream was put aside".to_owned()
            }
            Ok(event) => {
                facts.push(Fact { record, event });
                continue;
            }
            Err(error) => error.to_string(),
        };
        broken.insert(record.stream);
        aside.push(Aside {
            pos: record.pos,
            stream: record.stream,
            error,
        });
    }
    (facts, aside)
}
