//! A projection in one of its schemas at home: the live one, or one that is being built beside it.

use crate::error::ProjectionError;
use crate::models;
use crate::projection::Projection;
use tidings_eventlog::{Home, quoted};

/// Where a projection's events go.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) projection: &'static dyn Projection,
    /// The schema of its tables.
    pub(crate) schema: String,
    /// The same as statements have it.
    pub(crate) quoted: String,
    /// Its name in `projection_checkpoint` and `projection_parked`.
    pub(crate) label: String,
}

impl Target {
    /// The schema that readers see.
    pub(crate) fn live(home: &Home, projection: &'static dyn Projection) -> Self {
        Self::new(home, projection, "")
    }

    /// A schema beside the live one.
    pub(crate) fn beside(home: &Home, projection: &'static dyn Projection, suffix: &str) -> Self {
        Self::new(home, projection, &format!("_{suffix}"))
    }

    fn new(home: &Home, projection: &'static dyn Projection, suffix: &str) -> Self {
        let schema = home.beside(&(projection.schema().to_owned() + suffix));
        Self {
            projection,
            quoted: quoted(&schema),
            schema,
            label: projection.name().to_owned() + suffix,
        }
    }

    /// Every live projection, by name.
    pub(crate) fn all_live(home: &Home) -> Vec<Self> {
        Self::these_live(home, models::all())
    }

    /// These projections, live.
    pub(crate) fn these_live(
        home: &Home,
        projections: impl IntoIterator<Item = &'static dyn Projection>,
    ) -> Vec<Self> {
        let live = |projection| Self::live(home, projection);
        projections.into_iter().map(live).collect()
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
