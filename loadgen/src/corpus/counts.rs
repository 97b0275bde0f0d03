//! Unread counts and inboxes of some people against what was acked and delivered.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context as _, Result};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tidings_protocol::Position;
use tokio::time::Instant;
use uuid::Uuid;

use super::{people::Run, person::Person};
use crate::checker::{Fault, Sent, check_pending, check_unread};

/// How many people are looked at.
const SAMPLE: usize = 100;

/// How long read models of users may lag behind.
const LAG_MAX: Duration = Duration::from_mins(1);

const CONVERSATIONS: &str = "query($after: String) { conversations(first: 100, after: $after) {
    nodes { id unreadCount } pageInfo { hasNextPage endCursor } } }";
const INBOX: &str = "query($after: String) { inbox(first: 100, after: $after) {
    nodes { conversation { id } pendingCount } pageInfo { hasNextPage endCursor } } }";

/// Checks up to [`SAMPLE`] people, those who are away first; returns how many.
pub(crate) async fn check_counts(
    run: &Run,
    sent: &HashMap<Uuid, Vec<&Sent>>,
    seed: u64,
    after: Option<Position>,
) -> Result<usize> {
    let mut order: Vec<usize> = (0..run.people.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.sort_by_key(|index| run.people[*index].is_here());
    order.truncate(SAMPLE);
    for index in &order {
        let person = &run.people[*index];
        let conversations: Vec<Uuid> = run
            .conversations
            .iter()
            .filter(|conversation| conversation.members.iter().any(|(member, _)| member == index))
            .map(|conversation| conversation.id)
            .collect();
        let deadline = Instant::now() + LAG_MAX;
        // Cursors of users are gathered before they are written, so the counts may come a little later.
        while let Some(fault) = look(person, &conversations, sent, after).await? {
            if Instant::now() >= deadline {
                return Err(fault.into());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(order.len())
}

/// The first wrong count of a person.
async fn look(
    person: &Person,
    conversations: &[Uuid],
    sent: &HashMap<Uuid, Vec<&Sent>>,
    after: Option<Position>,
) -> Result<Option<Fault>> {
    let unread = counts(
        person,
        CONVERSATIONS,
        "/conversations",
        "/id",
        "/unreadCount",
        after,
    )
    .await?;
    let pending = counts(
        person,
        INBOX,
        "/inbox",
        "/conversation/id",
        "/pendingCount",
        after,
    )
    .await?;
    let user = (person.name.as_str(), person.account.user);
    for id in conversations {
        let sent = sent.get(id).map(Vec::as_slice).unwrap_or_default();
        let count = |of: &HashMap<Uuid, u64>| of.get(id).copied().unwrap_or(0);
        let read = person.read.get(id).copied().unwrap_or(0);
        let result = check_unread(user, *id, sent, read, count(&unread)).and_then(|()| {
            let delivered = person.next(*id).saturating_sub(1);
            check_pending(user.0, *id, sent, delivered, count(&pending))
        });
        if let Err(fault) = result {
            return Ok(Some(fault));
        }
    }
    Ok(None)
}

async fn counts(
    person: &Person,
    query: &str,
    list: &str,
    id: &str,
    count: &str,
    after: Option<Position>,
) -> Result<HashMap<Uuid, u64>> {
    let nodes = person.account.query_all(query, json!({}), list, after).await?;
    nodes
        .iter()
        .map(|node| {
            let id = node
                .pointer(id)
                .and_then(Value::as_str)
                .and_then(|id| id.parse().ok());
            let count = node.pointer(count).and_then(Value::as_u64);
            id.zip(count)
                .with_context(|| format!("{list} of another shape: {node}"))
        })
        .collect()
}
