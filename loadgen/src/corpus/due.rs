//! What some people are told of their conversations, against what is due to them by the log and by what they did for themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_protocol::{Event, EventData, Position};
use tidings_scribe::own::{Due, Standing, Thread};
use tidings_stand::Account;
use uuid::Uuid;

use super::{people::Run, person::Person, shared::Shared};

/// Whose messages and threads are read one by one, of those who are looked at.
const READERS: usize = 8;

/// Threads of a conversation that are looked at for each of them.
const THREADS: usize = 40;

const TOTALS: &str = "{ unreadTotal mentionTotal }";
const MESSAGES: &str =
    "query($id: ID!, $after: String) { conversation(id: $id) { messages(first: 100, after: $after) {
    nodes { id } pageInfo { hasNextPage endCursor } } } }";
const THREAD: &str = "query($id: ID!, $root: ID!) { conversation(id: $id) { thread(root: $root) { replyCount following unreadCount } } }";

/// What somebody was told.
pub(crate) struct Looked {
    pub(crate) person: usize,
    pub(crate) standings: HashMap<Uuid, Standing>,
    pub(crate) totals: Totals,
    /// The last position that counts, for what is asked later.
    pub(crate) after: Option<Position>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    unread_total: u64,
    mention_total: u64,
}

pub(crate) async fn totals(account: &Account, after: Option<Position>) -> Result<Totals> {
    let told = account.query(TOTALS, &Value::Null, after).await?;
    serde_json::from_value(told).context("totals of another shape")
}

/// The events of a conversation with what they said of mentions, also where that was recalled since.
pub(crate) type Log = Vec<(u64, Uuid, EventData)>;

/// The log as it was before anything was recalled, as far as it tells who was mentioned: only what is fetched later leaves that out.
pub(crate) fn with_mentions(events: &[Event], shared: &Shared) -> Log {
    let read = |event: &Event| {
        let mut data = event.decode();
        if let EventData::MessageSent(sent) = &mut data
            && sent.content.is_none()
            && let Some((mentions, everyone)) = shared.mentioned(sent.message)
        {
            (sent.mentions, sent.everyone) = (mentions, everyone);
        }
        (event.seq, event.actor, data)
    };
    events.iter().map(read).collect()
}

/// Compares all that was told; answers how many messages are unread to nobody because their sender is blocked. Of some people, messages and
/// threads are asked for now.
pub(crate) async fn compare(run: &Run, looked: &[Looked], logs: &HashMap<Uuid, Log>) -> Result<u64> {
    let mut unheard = 0;
    // Those who hide something come first.
    let hides = |looked: &&Looked| {
        let person = &run.people[looked.person];
        let mut own = looked.standings.keys().map(|id| person.own.of(*id));
        !own.any(|own| own.cleared > 0 || !own.hidden.is_empty())
    };
    let mut readers: Vec<&Looked> = looked.iter().collect();
    readers.sort_by_key(hides);
    readers.truncate(READERS);
    let readers: BTreeSet<usize> = readers.iter().map(|looked| looked.person).collect();
    for looked in looked {
        let person = &run.people[looked.person];
        let mut totals = Totals {
            unread_total: 0,
            mention_total: 0,
        };
        for (id, standing) in &looked.standings {
            let due = due(person, *id, logs)?;
            unheard += due.unheard;
            let name = &person.name;
            ensure!(
                due.standing == *standing,
                "{name} is told {standing:?} of {id}; it should be {:?}",
                due.standing
            );
            if due.standing.muted {
                totals.mention_total += due.named;
            } else {
                totals.unread_total += due.standing.unread_count;
                totals.mention_total += due.standing.mention_count;
            }
            if readers.contains(&looked.person) {
                read(person, *id, &due, looked.after).await?;
            }
        }
        ensure!(
            totals == looked.totals,
            "{} is told {:?} of all conversations; it should be {totals:?}",
            person.name,
            looked.totals
        );
    }
    Ok(unheard)
}

/// What is due to somebody of one of their conversations.
pub(crate) fn due(person: &Person, conversation: Uuid, logs: &HashMap<Uuid, Log>) -> Result<Due> {
    let log = logs.get(&conversation).context("a conversation without a log")?;
    let events = log.iter().map(|(seq, actor, data)| (*seq, *actor, data));
    Ok(Due::of(person.account.user, &person.own.of(conversation), events))
}

/// Compares the messages and threads of a conversation, as somebody sees them.
async fn read(person: &Person, conversation: Uuid, due: &Due, after: Option<Position>) -> Result<()> {
    let name = &person.name;
    let nodes = person.account.query_all(
        MESSAGES,
        json!({ "id": conversation }),
        "/conversation/messages",
        after,
    );
    let told = nodes.await?.into_iter().map(|node| {
        let id = node.get("id").and_then(Value::as_str);
        id.and_then(|id| id.parse().ok())
            .context("a message without an id")
    });
    let told: BTreeSet<Uuid> = told.collect::<Result<_>>()?;
    let hidden = told.difference(&due.visible).next();
    ensure!(
        hidden.is_none(),
        "{name} is shown {hidden:?} of {conversation}, which they hide"
    );
    let missing = due.visible.difference(&told).next();
    ensure!(
        missing.is_none(),
        "{name} is not shown {missing:?} of {conversation}"
    );
    // A thread below something that is hidden is not asked for by that.
    let threads: BTreeMap<Uuid, Thread> = due
        .threads
        .iter()
        .rev()
        .filter(|(root, _)| due.visible.contains(*root))
        .take(THREADS)
        .map(|(root, thread)| (*root, *thread))
        .collect();
    for (root, expected) in threads {
        let variables = json!({ "id": conversation, "root": root });
        let told = person.account.query(THREAD, &variables, after).await?;
        let told = told.pointer("/conversation/thread").cloned().unwrap_or_default();
        let told: Thread = serde_json::from_value(told).with_context(|| format!("no thread below {root}"))?;
        ensure!(
            told == expected,
            "{name} is told {told:?} of the thread below {root} of {conversation}; it should be {expected:?}"
        );
    }
    Ok(())
}
