//! From whom receipts are kept: from those who do not want them, who show none either, and where a block stands between two.

use crate::error::{ProjectionError, within};
use crate::select::{Select, Sql};
use tidings_domain::RECEIPT_MEMBERS_MAX;
use tidings_eventlog::Pool;
use uuid::Uuid;

static KEPT_FROM: Sql = Sql::new(include_str!("kept_from.sql"));
static WITHHELD: Sql = Sql::new(include_str!("withheld.sql"));

/// Those of `users` of whom `viewer` is shown no receipts.
pub fn kept_from(viewer: Uuid, users: Vec<Uuid>) -> Select<Uuid> {
    Select::new(&KEPT_FROM, |row| row.try_get("user_id"))
        .with(viewer)
        .with(users)
}

/// The members of each of `conversations` whom the receipts of `user` are kept from, as far as the read models have come; `user` is among them
/// who wants none at all. In conversations where receipts are shown there are few members.
pub async fn withheld(
    pool: &Pool,
    user: Uuid,
    conversations: &[Uuid],
) -> Result<Vec<(Uuid, Uuid)>, ProjectionError> {
    let reading = async {
        let client = pool.get().await?;
        let statement = client.prepare_cached(&WITHHELD.text(client.home())).await?;
        let most = RECEIPT_MEMBERS_MAX as i64;
        let rows = client.query(&statement, &[&user, &conversations, &most]).await?;
        let pair = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(pair).collect::<Result<Vec<_>, ProjectionError>>()
    };
    within(pool.timeout(), reading).await
}
