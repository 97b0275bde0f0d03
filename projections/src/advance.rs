//! One step of a lane: a range of events into some projections, in one transaction with their checkpoints.

use crate::error::{Fault, ProjectionError, describe, fault};
use crate::fact::{Decoded, Fact};
use crate::observer::Observer;
use crate::store::{self, Aside};
use crate::target::Target;
use deadpool_postgres::{ClientWrapper, Transaction};
use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;
use uuid::Uuid;

/// The longest that one transaction may take.
const LIMIT: Duration = Duration::from_mins(1);

/// What came of a range.
#[derive(Debug, Default)]
pub(crate) struct Advanced {
    /// Targets that could not go on, with the reason, which is no event's fault.
    pub(crate) held: Vec<(String, String)>,
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
        set.retain(|target| !advanced.held.iter().any(|(label, _)| *label == target.label));
        if set.is_empty() || range.is_empty() {
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
                advanced.held.push((set[0].label.clone(), error));
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
        let parked = store::parked_streams(&transaction, lane, targets).await?;
        let nothing = HashSet::new();
        let mut asides = vec![];
        for target in targets {
            let (facts, aside) = sort_out(events, parked.get(&target.label).unwrap_or(&nothing));
            if !facts.is_empty() {
                target
                    .projection
                    .apply(&transaction, &target.schema, &facts)
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

/// Divides events into those to fold and those that must wait for an event that could not be.
fn sort_out<'a>(events: &'a [Decoded], parked: &HashSet<Uuid>) -> (Vec<Fact<'a>>, Vec<Aside>) {
    let mut broken: HashSet<Uuid> = HashSet::new();
    let (mut facts, mut aside) = (Vec::with_capacity(events.len()), vec![]);
    for Decoded { record, event } in events {
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
