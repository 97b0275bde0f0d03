//! Versions of read models: which of them are built, so that they may be read.

use crate::engine::session::{SHORT, Session};
use crate::engine::target::Target;
use crate::error::{ProjectionError, within};
use crate::models;
use tidings_eventlog::{Lease, Pool};
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

/// From here on these read models may be read, also those that were refused before.
pub(crate) async fn go_live(client: &impl GenericClient, targets: &[&Target]) -> Result<(), Error> {
    let labels: Vec<&str> = targets.iter().map(|target| target.projection.name()).collect();
    let versions: Vec<i32> = targets.iter().map(|target| target.projection.version()).collect();
    client
        .execute(include_str!("admin/go_live.sql"), &[&labels, &versions])
        .await?;
    Ok(())
}

/// Notes that a read model was built and is not to be read. It is for a rebuild to take that back.
pub(crate) async fn refuse(admin: &Session, target: &Target, reason: &str) -> Result<(), ProjectionError> {
    let (name, version) = (target.projection.name(), target.projection.version());
    let sql = include_str!("admin/refuse.sql");
    within(SHORT, admin.client.execute(sql, &[&name, &version, &reason])).await?;
    Ok(())
}

/// This program's read models that were built and are not to be read, each with the reason.
pub(crate) async fn refused(pool: &Pool) -> Result<Vec<(&'static str, String)>, ProjectionError> {
    let (names, versions) = current();
    let reading = async {
        let client = pool.get().await?;
        let rows = client
            .query(include_str!("admin/refused.sql"), &[&names, &versions])
            .await?;
        let mut found = vec![];
        for row in &rows {
            let name: &str = row.try_get(0)?;
            let known = names.iter().find(|known| **known == name);
            found.extend(
                known
                    .map(|name| Ok::<_, Error>((*name, row.try_get(1)?)))
                    .transpose()?,
            );
        }
        Ok::<_, ProjectionError>(found)
    };
    within(SHORT, reading).await
}

/// The names and versions of this program's read models.
pub(crate) fn current() -> (Vec<&'static str>, Vec<i32>) {
    models::all()
        .map(|projection| (projection.name(), projection.version()))
        .into_iter()
        .unzip()
}
