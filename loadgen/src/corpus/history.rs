//! A conversation as the server tells it: by `fetch` from the log, and by GraphQL from history.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::json;
use tidings_client::Client;
use tidings_protocol::{Content, EventData, FETCH_EVENTS_MAX, Position};
use tidings_stand::Account;
use uuid::Uuid;

use crate::checker::{Log, Message, event_print, is_withheld, text_print};

/// Messages on one page of history.
const PAGE: u32 = 100;

const HISTORY: &str = "query($id: ID!, $first: Int!, $after: String) { conversation(id: $id) {
    messages(first: $first, after: $after) {
        nodes { id seq text editedAt recalledAt reactions { emoji count } sender { id } } pageInfo { hasNextPage endCursor } } } }";

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
            let data = event.decode();
            if is_withheld(&data) {
                log.withheld.push(event.clone());
            }
            if let EventData::MessageSent(sent) = data {
                let text = sent.content.and_then(|content| match content {
                    Content::Text { text } => Some(text_print(&text)),
                    Content::Image { .. } | Content::File { .. } => None,
                });
                log.messages.push(Message {
                    seq: event.seq,
                    id: sent.message,
                    sender: event.actor,
                    text,
                    ..Message::default()
                });
            }
        }
        if answer.events.is_empty() || !answer.more {
            return Ok(log);
        }
    }
}

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
    count: u64,
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
            let reactions = node.reactions.into_iter();
            Ok(Message {
                seq: node.seq,
                id: node.id,
                sender: node.sender.id,
                text: node.text.as_deref().map(text_print),
                is_edited: node.edited_at.is_some(),
                is_recalled: node.recalled_at.is_some(),
                reactions: reactions
                    .map(|reaction| (reaction.emoji, reaction.count))
                    .collect(),
            })
        })
        .collect()
}
