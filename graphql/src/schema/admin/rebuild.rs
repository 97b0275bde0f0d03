//! Rebuilds of read models that administrators have ordered.

use crate::backend::{Backend, RebuildStage, RebuildState};
use crate::errors::Refusal;
use crate::schema::long::Long;
use crate::schema::time::Time;
use crate::schema::user::{self, User};
use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use uuid::Uuid;

/// A rebuild of a read model.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub(crate) struct RebuildJob {
    projection: String,
    state: RebuildJobState,
    /// Events that are folded.
    done: Long,
    /// Events that there are to fold; it grows with the log.
    total: Long,
    started_at: Time,
    /// Null while it runs.
    ended_at: Option<Time>,
    /// Why it failed.
    error: Option<String>,
    /// It goes back to the tables that the rebuild before it has replaced.
    is_rollback: bool,
    #[graphql(skip)]
    by: Uuid,
}

/// What has become of a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "RebuildStage")]
pub(crate) enum RebuildJobState {
    /// It folds the log.
    Running,
    /// What it built is read.
    Done,
    /// An administrator has given it up.
    Cancelled,
    /// The read model is as it was.
    Failed,
    /// Its node is gone. The next one goes on from where it was.
    Interrupted,
}

#[ComplexObject]
impl RebuildJob {
    /// Who ordered it.
    async fn by(&self, context: &Context<'_>) -> Result<User> {
        Ok(user::part(context, self.by).await?)
    }
}

impl RebuildJob {
    pub(crate) fn is_of(&self, projection: &str) -> bool {
        self.projection == projection
    }
}

impl From<RebuildState> for RebuildJob {
    fn from(rebuild: RebuildState) -> Self {
        Self {
            projection: rebuild.projection,
            state: rebuild.stage.into(),
            done: Long(rebuild.done),
            total: Long(rebuild.total),
            started_at: Time(rebuild.started_at),
            ended_at: rebuild.ended_at.map(Time),
            error: rebuild.error,
            is_rollback: rebuild.is_rollback,
            by: rebuild.by,
        }
    }
}

/// The latest of each read model.
pub(crate) async fn all(backend: &dyn Backend) -> Result<Vec<RebuildJob>, Refusal> {
    let rebuilds = backend.rebuilds().await?;
    Ok(rebuilds.into_iter().map(RebuildJob::from).collect())
}
