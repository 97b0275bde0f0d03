//! Inboxes that have waited too long.

use crate::error::{ProjectionError, within};
use crate::session::SHORT;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tidings_domain::{ConversationId, Cursor, UserId};
use tidings_eventlog::{Lease, Pool};
use uuid::Uuid;

/// Memberships that one statement looks at.
const PAGE: i64 = 2000;

/// A page of memberships.
struct Page {
    /// User, conversation and delivered messages, where more wait.
    pending: Vec<(Uuid, Uuid, i64)>,
    last: Option<(Uuid, Uuid)>,
}

/// Current members with messages from `cutoff` or before that were never delivered, and the last message of each such
/// conversation at or before `cutoff`: where their delivery cursor is to be moved. At most `limit` users; when the answer is
/// that long there may be more. Looks at all memberships, in small statements.
pub async fn expired(
    pool: &Pool,
    cutoff: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<(UserId, BTreeMap<ConversationId, Cursor>)>, ProjectionError> {
    let mut found: BTreeMap<UserId, BTreeMap<ConversationId, Cursor>> = BTreeMap::new();
    let client = within(SHORT, pool.get()).await?;
    let mut after = (Uuid::nil(), Uuid::nil());
    // One user more may have been cut off by the end of a page.
    while found.len() <= limit {
        let page = pending(&client, after).await?;
        let ends = ends(&client, &page, cutoff).await?;
        for (user, conversation, delivered) in page.pending {
            if let Some(end) = ends
                .get(&conversation)
                .filter(|end| end.msg_no as i64 > delivered)
            {
                found
                    .entry(user.into())
                    .or_default()
                    .insert(conversation.into(), *end);
            }
        }
        match page.last {
            Some(last) => after = last,
            None => break,
        }
    }
    Ok(found.into_iter().take(limit).collect())
}

async fn pending(client: &Lease, after: (Uuid, Uuid)) -> Result<Page, ProjectionError> {
    within(SHORT, async {
        let statement = client.prepare_cached(include_str!("pending.sql")).await?;
        let mut page = Page {
            pending: vec![],
            last: None,
        };
        for row in client.query(&statement, &[&after.0, &after.1, &PAGE]).await? {
            let (user, conversation): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            page.last = Some((user, conversation));
            if let Some(delivered) = row.try_get(2)? {
                page.pending.push((user, conversation, delivered));
            }
        }
        Ok::<_, tokio_postgres::Error>(page)
    })
    .await
}

async fn ends(
    client: &Lease,
    page: &Page,
    cutoff: DateTime<Utc>,
) -> Result<HashMap<Uuid, Cursor>, ProjectionError> {
    let conversations: BTreeSet<Uuid> = page
        .pending
        .iter()
        .map(|(_, conversation, _)| *conversation)
        .collect();
    let conversations: Vec<Uuid> = conversations.into_iter().collect();
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    within(SHORT, async {
        let statement = client.prepare_cached(include_str!("cutoff.sql")).await?;
        let rows = client.query(&statement, &[&conversations, &cutoff]).await?;
        rows.iter()
            .map(|row| {
                let (seq, msg_no): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
                Ok((
                    row.try_get(0)?,
                    Cursor {
                        seq: seq as u64,
                        msg_no: msg_no as u64,
                    },
                ))
            })
            .collect::<Result<_, tokio_postgres::Error>>()
    })
    .await
}
