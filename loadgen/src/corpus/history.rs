//! A conversation as the server tells it: by `fetch` from the log, and by GraphQL from history.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tidings_client::Client;
use tidings_protocol::{Event, FETCH_EVENTS_MAX, Position};
use tidings_scribe::fold::Told;
use tidings_stand::Account;
use uuid::Uuid;

/// Messages on one page of history.
const PAGE: u32 = 100;

const HISTORY: &str = "query($id: ID!, $first: Int!, $after: String) { conversation(id: $id) {
    messages(first: $first, after: $after) {
        nodes { id seq text editedAt recalledAt pinned reactions { emoji count } sender { id } } pageInfo { hasNextPage endCursor } } } }";

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

/// The whole history of a conversation, as a member sees it: each message once, in the order of seq.
pub(crate) async fn history(
    member: &Account,
    conversation: Uuid,
    after: Option<Position>,
) -> Result<BTreeMap<Uuid, Listed>> {
    let variables = json!({"id": conversation, "first": PAGE});
    let nodes = member
        .query_all(HISTORY, variables, "/conversation/messages", after)
        .await?;
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
