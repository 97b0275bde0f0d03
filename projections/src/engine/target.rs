//! A projection in one of its schemas: the live one, or one that is being built beside it.

use crate::error::ProjectionError;
use crate::models;
use crate::projection::Projection;

/// Where a projection's events go.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) projection: &'static dyn Projection,
    /// The schema of its tables.
    pub(crate) schema: String,
    /// Its name in `projection_checkpoint` and `projection_parked`.
    pub(crate) label: String,
}

impl Target {
    /// The schema that readers see.
    pub(crate) fn live(projection: &'static dyn Projection) -> Self {
        Self {
            projection,
            schema: projection.schema().to_owned(),
            label: projection.name().to_owned(),
        }
    }

    /// A schema beside the live one.
    pub(crate) fn beside(projection: &'static dyn Projection, suffix: &str) -> Self {
        Self {
            projection,
            schema: format!("{}_{suffix}", projection.schema()),
            label: format!("{}_{suffix}", projection.name()),
        }
    }

    /// Every live projection, by name.
    pub(crate) fn all_live() -> Vec<Self> {
        models::all().into_iter().map(Self::live).collect()
    }
}

/// The projections of these names, by name and each once; all of them when no name is given.
pub(crate) fn chosen(names: &[&str]) -> Result<Vec<&'static dyn Projection>, ProjectionError> {
    for name in names {
        models::find(name).ok_or_else(|| ProjectionError::Unknown((*name).to_owned()))?;
    }
    let wanted =
        |projection: &&'static dyn Projection| names.is_empty() || names.contains(&projection.name());
    Ok(models::all().into_iter().filter(wanted).collect())
}
