//! Read models, as administrators see them.

use crate::freshness::Freshness;
use crate::schema::long::Long;
use async_graphql::{Enum, SimpleObject};
use tidings_eventlog::Position;
use tidings_projections::Lag;

/// A read model on the node that answers.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct ProjectionStatus {
    pub(crate) name: &'static str,
    /// The version of its tables and of the way they are made.
    version: i32,
    state: ProjectionState,
    /// Why it was refused after it had been built.
    refusal: Option<String>,
    /// How many events of all lanes it has not folded.
    behind: Long,
    lanes: Vec<ProjectionLane>,
}

/// What a read model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ProjectionState {
    /// It has folded everything.
    Current,
    /// It has not, in one lane at least.
    Behind,
    /// It is new in this version and is being built, so nobody reads it yet.
    Building,
    /// It was built and is not what the log says. Nobody reads it until it has been rebuilt.
    Refused,
}

/// How far a read model has come in one lane of the log.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub(crate) struct ProjectionLane {
    lane: i32,
    /// The last position that it includes, as `<lane>:<pos>`.
    position: String,
    /// The lane's last position.
    head: String,
    /// Events between both.
    behind: Long,
}

impl From<&Lag> for ProjectionLane {
    fn from(lag: &Lag) -> Self {
        let at = |pos| Position { lane: lag.lane, pos }.to_string();
        Self {
            lane: i32::from(lag.lane),
            position: at(lag.pos),
            head: at(lag.head),
            behind: Long(lag.events().cast_signed()),
        }
    }
}

/// All read models.
pub(crate) fn all(freshness: &Freshness) -> Vec<ProjectionStatus> {
    let (lags, refused) = (freshness.checkpoints().lag(), freshness.checkpoints().refused());
    tidings_projections::all()
        .into_iter()
        .map(|projection| {
            let of_it: Vec<&Lag> = lags
                .iter()
                .filter(|lag| lag.projection == projection.name())
                .collect();
            let behind: u64 = of_it.iter().map(|lag| lag.events()).sum();
            let refusal = refused.iter().find(|(name, _)| *name == projection.name());
            let state = if refusal.is_some() {
                ProjectionState::Refused
            } else if of_it.iter().any(|lag| lag.building) {
                ProjectionState::Building
            } else if behind == 0 {
                ProjectionState::Current
            } else {
                ProjectionState::Behind
            };
            ProjectionStatus {
                name: projection.name(),
                version: projection.version(),
                state,
                refusal: refusal.map(|(_, reason)| reason.clone()),
                behind: Long(behind.cast_signed()),
                lanes: of_it.into_iter().map(ProjectionLane::from).collect(),
            }
        })
        .collect()
}
