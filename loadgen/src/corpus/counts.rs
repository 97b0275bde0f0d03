//! What some people are told of their conversations: for their journals, and to be compared when the log is known; and their inboxes
//! against what they were shown.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tidings_protocol::Position;
use tidings_scribe::fold::Told;
use tidings_scribe::own::{LOOKED_AT_MAX, Standing};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    due::{Looked, totals},
    people::Run,
    person::Person,
    shared::Shared,
    verify::Histories,
};

/// How many people are looked at.
const SAMPLE: usize = 100;

/// How long inboxes may lag behind.
const LAG_MAX: Duration = Duration::from_mins(1);

const CONVERSATIONS: &str = "query($after: String) { conversations(first: 100, after: $after) {
    nodes { id unreadCount mentionCount unreadThreads muted archived markedUnread } pageInfo { hasNextPage endCursor } } }";
const INBOX: &str = "query($after: String) { inbox(first: 100, after: $after) {
    nodes { conversation { id } pendingCount } pageInfo { hasNextPage endCursor } } }";

/// Looks at up to [`SAMPLE`] people, those who are away first.
pub(crate) async fn look(
    run: &Run,
    histories: &Histories,
    seed: u64,
    shared: &Shared,
) -> Result<Vec<Looked>> {
    let mut order: Vec<usize> = (0..run.people.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.sort_by_key(|index| run.people[*index].is_here());
    order.truncate(SAMPLE);
    let mut all = Vec::new();
    for index in &order {
        let person = &run.people[*index];
        let own = run.conversations.iter();
        let own = own.filter(|conversation| conversation.members.contains(index));
        let own: Vec<Uuid> = own.map(|conversation| conversation.id).collect();
        let left = run.conversations.iter();
        let left = left.filter(|conversation| conversation.left.contains_key(index));
        let left: Vec<Uuid> = left.map(|conversation| conversation.id).collect();
        let (standings, after) = standings(person, own.iter().chain(&left), shared).await?;
        for id in &own {
            ensure!(standings.contains_key(id), "{} is not told of {id}", person.name);
        }
        for id in &left {
            ensure!(
                !standings.contains_key(id),
                "{} is told of {id}, which they were shown out of",
                person.name
            );
        }
        person.pen().note(|scribe| {
            for (id, standing) in &standings {
                if is_exact(person, *id, histories) {
                    scribe.unread(*id, standing.unread_count);
                }
            }
        });
        all.push(Looked {
            person: *index,
            standings,
            totals: totals(&person.account, after).await?,
            after,
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
    Ok(all)
}

/// Whether what blocked people say is certainly taken off, so that the journal can tell the count.
fn is_exact(person: &Person, conversation: Uuid, histories: &Histories) -> bool {
    let own = person.own.of(conversation);
    let messages = histories.get(&conversation).into_iter().flatten();
    let behind = messages.filter(|(_, (_, told))| is_main(told) && told.seq > own.read);
    own.blocked.is_empty() || behind.count() <= LOOKED_AT_MAX
}

fn is_main(told: &Told) -> bool {
    told.thread.is_none() || told.also
}

/// What read models tell that have everything which the person has done and all have said in these conversations, and a position of theirs.
async fn standings(
    person: &Person,
    conversations: impl Iterator<Item = &Uuid>,
    shared: &Shared,
) -> Result<(HashMap<Uuid, Standing>, Option<Position>)> {
    let heads = conversations.filter_map(|id| shared.position(*id));
    let mut positions: BTreeMap<_, Position> = BTreeMap::new();
    let own = person.read_at.iter().chain(&person.parted_at).copied();
    for position in heads.chain(own) {
        let last = positions.entry(position.lane).or_insert(position);
        *last = position.max(*last);
    }
    let (mut standings, mut last) = (HashMap::new(), None);
    // A query waits for one lane, and read models never go back.
    for after in positions.into_values() {
        let told = told(
            person,
            CONVERSATIONS,
            "/conversations",
            "/id",
            |node| serde_json::from_value(node.clone()).ok(),
            Some(after),
        );
        (standings, last) = (told.await?, Some(after));
    }
    Ok((standings, last))
}

/// What is wrong with a person's inbox: undelivered are the messages after the last event that any device was shown. Those of people whom
/// they block do not count, unless there are too many to look who sent them.
async fn inbox(person: &Person, own: &[Uuid], histories: &Histories) -> Result<Option<String>> {
    let count = |node: &Value| node.pointer("/pendingCount")?.as_u64();
    let pending = told(person, INBOX, "/inbox", "/conversation/id", count, None).await?;
    for id in own {
        let shown = person.shown(*id);
        let messages = histories.get(id).into_iter().flatten();
        let hides = person.own.of(*id);
        let place = shown.max(hides.cleared);
        let waiting: Vec<_> = messages
            .filter(|(_, (_, told))| is_main(told) && told.seq > place)
            .collect();
        let looks = waiting.len() <= LOOKED_AT_MAX;
        let due = waiting.iter().filter(|(message, (sender, told))| {
            let unheard = looks && hides.blocked.contains(sender);
            !told.recalled && !told.withheld && !hides.hidden.contains(*message) && !unheard
        });
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
