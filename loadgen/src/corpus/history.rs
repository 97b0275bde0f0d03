//! A conversation as the server tells it: by `fetch` from the log, and by GraphQL from history.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::json;
use tidings_client::Client;
use tidings_protocol::{Content, EventData, FETCH_EVENTS_MAX, Position};
use uuid::Uuid;

use crate::{
    api::Account,
    checker::{Log, Message, event_print, text_print},
};

/// Messages on one page of history.
const PAGE: u32 = 100;

const HISTORY: &str = "query($id: ID!, $first: Int!, $after: String) { conversation(id: $id) {
    messages(first: $first, after: $after) {
        nodes { id seq text sender { id } } pageInfo { hasNextPage endCursor } } } }";

/// The whole log of a conversation, fetched by a member.
pub(crate) async fn fetch_log(client: &Client, conversation: Uuid) -> Result<Log> {
    let mut log = Log {
        conversation,
        ..Log::default()
    };
    loop {
        let from = log.prints.len() as u64 + 1;
        let answer = client.fetch(conversation, from, FETCH_EVENTS_MAX).await?;
        for event in &answer.events {
            let next = log.prints.len() as u64 + 1;
            if event.seq != next || event.conversation != conversation {
                anyhow::bail!(
                    "fetch from {from} of {conversation} brings seq {} where {next} is due",
                    event.seq
                );
            }
            log.prints.push(event_print(event));
            if let EventData::MessageSent(sent) = event.decode() {
                let text = match &sent.content {
                    Some(Content::Text { text }) => text_print(text),
                    Some(Content::Image { .. } | Content::File { .. }) | None => 0,
                };
                log.messages.push(Message {
                    seq: event.seq,
                    id: sent.message,
                    sender: event.actor,
                    text,
                });
            }
        }
        if answer.events.is_empty() || !answer.more {
            return Ok(log);
        }
    }
}

#[derive(Deserialize)]
struct Node {
    id: Uuid,
    seq: u64,
    text: Option<String>,
    sender: Sender,
}

#[derive(Deserialize)]
struct Sender {
    id: Uuid,
}

/// The whole history of a conversation, as a member sees it.
pub(crate) async fn history(
    member: &Account,
    conversation: Uuid,
    after: Option<Position>,
) -> Result<Vec<Message>> {
    let variables = json!({"id": conversation, "first": PAGE});
    let nodes = member
        .query_all(HISTORY, variables, "/conversation/messages", after)
        .await?;
    nodes
        .into_iter()
        .map(|node| {
            let node: Node = serde_json::from_value(node).context("a message of another shape")?;
            let text = node.text.as_deref().map_or(0, text_print);
            Ok(Message {
                seq: node.seq,
                id: node.id,
                sender: node.sender.id,
                text,
            })
        })
        .collect()
}
