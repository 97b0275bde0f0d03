//! A conversation as the server tells it: by `fetch` from the log, and by GraphQL from history.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_client::Client;
use tidings_protocol::{Event, FETCH_EVENTS_MAX, Position};
use tidings_scribe::fold::{FIELDS, Told};
use tidings_stand::Account;
use uuid::Uuid;

/// Messages on one page of history.
const PAGE: u32 = 100;

/// The messages of the main timeline, and the replies in a thread, each with [`FIELDS`].
fn queries() -> [String; 2] {
    let list = |arguments: &str, list: &str| {
        format!(
            "query($id: ID!, $first: Int!, $after: String{arguments}) {{ conversation(id: $id) {{ {list}(first: $first, after: $after) \
             {{ nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} }}"
        )
    };
    [
        format!("{} }} }}", list("", "messages")),
        format!(
            "{} }} }} }}",
            list(", $root: ID!", "thread(root: $root) { replies")
        ),
    ]
}

/// The whole log of a conversation, fetched by a member.
pub(crate) async fn fetch_log(client: &Client, conversation: Uuid) -> Result<Vec<Event>> {
    let mut log: Vec<Event> = Vec::new();
    loop {
        let from = log.len() as u64 + 1;
        let answer = client.fetch(conversation, from, FETCH_EVENTS_MAX).await?;
        let is_empty = answer.events.is_empty();
        log.extend(answer.events);
        if is_empty || !answer.more {
            return Ok(log);
        }
    }
}

/// A message of the history, and who sent it.
pub(crate) type Listed = (Uuid, Told);

#[derive(Deserialize)]
struct Node {
    id: Uuid,
    sender: Sender,
    #[serde(flatten)]
    told: Told,
}

#[derive(Deserialize)]
struct Sender {
    id: Uuid,
}

/// The whole history of a conversation, as a member sees it: its main timeline and these threads.
pub(crate) async fn history(
    member: &Account,
    conversation: Uuid,
    threads: &[Uuid],
    after: Option<Position>,
) -> Result<BTreeMap<Uuid, Listed>> {
    let [main, thread] = queries();
    let variables = json!({"id": conversation, "first": PAGE});
    let nodes = member.query_all(&main, variables, "/conversation/messages", after);
    let mut messages = listed(conversation, nodes.await?)?;
    for root in threads {
        let variables = json!({"id": conversation, "first": PAGE, "root": root});
        let nodes = member.query_all(&thread, variables, "/conversation/thread/replies", after);
        for (id, reply) in listed(conversation, nodes.await?)? {
            ensure!(
                reply.1.thread == Some(*root),
                "{id} is shown in the thread below {root}, and does not stand there"
            );
            let shows_main = reply.1.also;
            let in_main = messages.insert(id, reply.clone());
            ensure!(
                in_main == shows_main.then_some(reply),
                "{id} is shown in its thread otherwise than in the main timeline: {in_main:?}"
            );
        }
    }
    Ok(messages)
}

/// The messages of a list: each once, in the order of seq.
fn listed(conversation: Uuid, nodes: Vec<Value>) -> Result<BTreeMap<Uuid, Listed>> {
    let mut messages = BTreeMap::new();
    let mut last = 0;
    for node in nodes {
        let node: Node = serde_json::from_value(node).context("a message of another shape")?;
        let Node { id, sender, told } = node;
        let seq = told.seq;
        ensure!(
            seq > last,
            "the history of {conversation} goes from seq {last} to {seq}"
        );
        last = seq;
        let again = messages.insert(id, (sender.id, told));
        ensure!(
            again.is_none(),
            "message {id} stands twice in the history of {conversation}"
        );
    }
    Ok(messages)
}
