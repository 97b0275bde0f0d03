//! What some people are told of unread messages, for their journals, their inboxes against what they were shown, and what is muted against
//! what they have said.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tidings_protocol::Position;
use tokio::time::Instant;
use uuid::Uuid;

use super::{people::Run, person::Person, shared::Shared, verify::Histories};

/// How many people are looked at.
const SAMPLE: usize = 100;

/// How long inboxes may lag behind.
const LAG_MAX: Duration = Duration::from_mins(1);

const CONVERSATIONS: &str = "query($after: String) { conversations(first: 100, after: $after) {
    nodes { id unreadCount muted } pageInfo { hasNextPage endCursor } } }";
const INBOX: &str = "query($after: String) { inbox(first: 100, after: $after) {
    nodes { conversation { id } pendingCount } pageInfo { hasNextPage endCursor } } }";

/// Looks at up to [`SAMPLE`] people, those who are away first; returns how many.
pub(crate) async fn look(run: &Run, histories: &Histories, seed: u64, shared: &Shared) -> Result<usize> {
    let mut order: Vec<usize> = (0..run.people.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.sort_by_key(|index| run.people[*index].is_here());
    order.truncate(SAMPLE);
    for index in &order {
        let person = &run.people[*index];
        let own = run.conversations.iter();
        let own = own.filter(|conversation| conversation.members.contains(index));
        let own: Vec<Uuid> = own.map(|conversation| conversation.id).collect();
        let unread = unread(person, &own, shared).await?;
        for (id, on) in &person.muted {
            let told = unread.get(id).is_some_and(|(_, muted)| *muted);
            ensure!(
                told == *on,
                "{id} is {}muted for {}",
                if told { "" } else { "not " },
                person.name
            );
        }
        person.pen().note(|scribe| {
            for id in &own {
                scribe.unread(*id, unread.get(id).map_or(0, |(count, _)| *count));
            }
        });
        let deadline = Instant::now() + LAG_MAX;
        // Nobody acks that something was delivered, and cursors of users are gathered before they are written.
        while let Some(fault) = inbox(person, &own, histories).await? {
            if Instant::now() >= deadline {
                bail!(fault);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(order.len())
}

/// The counts of read models that have everything which the person has read and all have said, and what is muted.
async fn unread(person: &Person, own: &[Uuid], shared: &Shared) -> Result<HashMap<Uuid, (u64, bool)>> {
    let heads = own.iter().filter_map(|id| shared.position(*id));
    let mut positions: BTreeMap<_, Position> = BTreeMap::new();
    for position in heads.chain(person.read_at) {
        let last = positions.entry(position.lane).or_insert(position);
        *last = position.max(*last);
    }
    let mut counts = HashMap::new();
    // A query waits for one lane, and read models never go back.
    for after in positions.into_values() {
        let told = told(
            person,
            CONVERSATIONS,
            "/conversations",
            "/id",
            |node| {
                Some((
                    node.pointer("/unreadCount")?.as_u64()?,
                    node.pointer("/muted")?.as_bool()?,
                ))
            },
            Some(after),
        );
        counts = told.await?;
    }
    Ok(counts)
}

/// What is wrong with a person's inbox: undelivered are the messages after the last event that any device was shown.
async fn inbox(person: &Person, own: &[Uuid], histories: &Histories) -> Result<Option<String>> {
    let count = |node: &Value| node.pointer("/pendingCount")?.as_u64();
    let pending = told(person, INBOX, "/inbox", "/conversation/id", count, None).await?;
    for id in own {
        let shown = person.shown(*id);
        let messages = histories.get(id).into_iter().flat_map(BTreeMap::values);
        let due = messages.filter(|(_, told)| told.seq > shown && !told.recalled);
        let due = due.count() as u64;
        let got = pending.get(id).copied().unwrap_or(0);
        if got != due {
            let name = &person.name;
            return Ok(Some(format!(
                "{name}'s inbox holds {got} messages of {id}; it should be {due}"
            )));
        }
    }
    Ok(None)
}

async fn told<T>(
    person: &Person,
    query: &str,
    list: &str,
    id: &str,
    read: impl Fn(&Value) -> Option<T>,
    after: Option<Position>,
) -> Result<HashMap<Uuid, T>> {
    let nodes = person.account.query_all(query, json!({}), list, after).await?;
    nodes
        .iter()
        .map(|node| {
            let id = node
                .pointer(id)
                .and_then(Value::as_str)
                .and_then(|id| id.parse().ok());
            id.zip(read(node))
                .with_context(|| format!("{list} of another shape: {node}"))
        })
        .collect()
}
