//! Versions of read models: which of them are built, so that they may be read.

use crate::engine::target::Target;
use crate::models;
use tidings_eventlog::Lease;
use tokio_postgres::{Error, GenericClient};

/// This program's read models that are not built yet, by name.
pub(crate) async fn unbuilt(client: &Lease) -> Result<Vec<&'static str>, Error> {
    let (names, versions) = current();
    let rows = client
        .query(include_str!("admin/unbuilt.sql"), &[&names, &versions])
        .await?;
    let found: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(names
        .into_iter()
        .filter(|name| found.iter().any(|found| found == name))
        .collect())
}

/// From here on these read models may be read.
pub(crate) async fn go_live(client: &impl GenericClient, targets: &[&Target]) -> Result<(), Error> {
    let labels: Vec<&str> = targets.iter().map(|target| target.projection.name()).collect();
    let versions: Vec<i32> = targets.iter().map(|target| target.projection.version()).collect();
    client
        .execute(include_str!("admin/go_live.sql"), &[&labels, &versions])
        .await?;
    Ok(())
}

/// The names and versions of this program's read models.
pub(crate) fn current() -> (Vec<&'static str>, Vec<i32>) {
    models::all()
        .map(|projection| (projection.name(), projection.version()))
        .into_iter()
        .unzip()
}
