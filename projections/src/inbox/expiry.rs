//! Inboxes that have waited too long.

use crate::engine::session::{SHORT, Session};
use crate::error::{ProjectionError, within};
use crate::select::Sql;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tidings_domain::{ConversationId, Cursor, UserId};
use tidings_eventlog::Pool;
use uuid::Uuid;

/// Memberships that one page looks at.
const PAGE: i64 = 2000;
/// Whoever looks through the inboxes holds this lock.
const LOCK: &str = "tidings.inbox.expiry";

static PENDING: Sql = Sql::new(include_str!("pending.sql"));
static CUTOFF: Sql = Sql::new(include_str!("cutoff.sql"));

/// Whoever looks for inboxes that have waited too long: one session of all that are connected to the database, for as long as
/// it is held. What the others would find is the same, and nothing breaks where two do it.
pub struct Expiry {
    session: Session,
}

/// What has waited too long in one page of memberships.
#[derive(Debug)]
pub struct Expired {
    /// Where the delivery cursors of these users are to be moved.
    pub inboxes: BTreeMap<UserId, BTreeMap<ConversationId, Cursor>>,
    /// The next page. `None` behind the last membership.
    pub next: Option<Place>,
}

/// A place among all memberships: behind this user's membership of this conversation. The default is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(Uuid, Uuid);

/// A page of memberships.
struct Page {
    /// User, conversation and delivered messages, where more wait.
    pending: Vec<(Uuid, Uuid, i64)>,
    /// Where the next page begins.
    next: Option<Place>,
}

impl Expiry {
    /// Takes the task, with a session of its own; `None` where somebody else has it.
    pub async fn take(pool: &Pool) -> Result<Option<Self>, ProjectionError> {
        let session = Session::fold(pool).await?;
        Ok(session.try_lock(LOCK).await?.then_some(Self { session }))
    }

    /// Current members, of a page of memberships behind `after`, with messages from `cutoff` or before that were never
    /// delivered, and the last message of each such conversation at or before `cutoff`. However many wait, a page is two
    /// short statements. After an error the task is no longer held for certain: it is to be taken anew.
    pub async fn page(&self, cutoff: DateTime<Utc>, after: Place) -> Result<Expired, ProjectionError> {
        let session = &self.session;
        let page = pending(session, after).await?;
        let ends = ends(session, &page, cutoff).await?;
        let mut inboxes: BTreeMap<UserId, BTreeMap<ConversationId, Cursor>> = BTreeMap::new();
        for (user, conversation, delivered) in page.pending {
            let end = ends.get(&conversation);
            if let Some(end) = end.filter(|end| end.msg_no as i64 > delivered) {
                let cursors = inboxes.entry(user.into()).or_default();
                cursors.insert(conversation.into(), *end);
            }
        }
        Ok(Expired {
            inboxes,
            next: page.next,
        })
    }
}

async fn pending(session: &Session, after: Place) -> Result<Page, ProjectionError> {
    let client = &session.client;
    within(SHORT, async {
        let statement = client.prepare_cached(&PENDING.text(&session.home)).await?;
        let rows = client.query(&statement, &[&after.0, &after.1, &PAGE]).await?;
        let mut page = Page {
            pending: vec![],
            next: None,
        };
        for row in &rows {
            let (user, conversation): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            page.next = Some(Place(user, conversation));
            if let Some(delivered) = row.try_get(2)? {
                page.pending.push((user, conversation, delivered));
            }
        }
        if (rows.len() as i64) < PAGE {
            page.next = None;
        }
        Ok::<_, tokio_postgres::Error>(page)
    })
    .await
}

async fn ends(
    session: &Session,
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
    let client = &session.client;
    within(SHORT, async {
        let statement = client.prepare_cached(&CUTOFF.text(&session.home)).await?;
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
