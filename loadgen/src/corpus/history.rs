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
        nodes { id seq text editedAt recalledAt reactions { emoji count } sender { id } } pageInfo { hasNextPage endCursor } } } }";

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
#[serde(rename_all = "camelCase")]
struct Node {
    id: Uuid,
    seq: u64,
    text: Option<String>,
    edited_at: Option<String>,
    recalled_at: Option<String>,
    reactions: Vec<Reaction>,
    sender: Sender,
}

#[derive(Deserialize)]
struct Reaction {
    emoji: String,
    count: usize,
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
        let Node { id, seq, .. } = node;
        ensure!(
            seq > last,
            "the history of {conversation} goes from seq {last} to {seq}"
        );
        last = seq;
        let reactions = node.reactions.into_iter();
        let told = Told {
            seq,
            text: node.text,
            edited: node.edited_at.is_some(),
            recalled: node.recalled_at.is_some(),
            reactions: reactions
                .map(|reaction| (reaction.emoji, reaction.count))
                .collect(),
        };
        let again = messages.insert(id, (node.sender.id, told));
        ensure!(
            again.is_none(),
            "message {id} stands twice in the history of {conversation}"
        );
    }
    Ok(messages)
}
