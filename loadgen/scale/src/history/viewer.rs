//! Somebody who looks at conversations through GraphQL, and knows what must be seen.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use rand::RngExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_stand::Api;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::long_log::LongLog;
use crate::seed::{Archive, Listed, Seeded, text};

/// How long a question may be refused for a while.
const PATIENCE: Duration = Duration::from_mins(1);
/// Messages of a page.
pub(super) const PAGE: u64 = 50;

const MESSAGES: &str = "query($id: ID!, $first: Int, $last: Int, $before: String) { conversation(id: $id) { \
    messages(first: $first, last: $last, before: $before) { \
    nodes { id seq sentAt text sender { id displayName } } \
    pageInfo { hasPreviousPage hasNextPage startCursor } } } }";
const LIST: &str = "{ conversations(first: 200) { \
    nodes { id kind title lastSeq lastActivityAt unreadCount } pageInfo { hasNextPage } } }";
const UNREAD: &str =
    "query($id: ID!) { conversation(id: $id) { lastSeq lastReadSeq unreadCount mentionCount } }";

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Newest,
    Middle,
    Oldest,
    List,
    Unread,
}

impl Look {
    pub(super) const ALL: [Self; 5] = [Self::Newest, Self::Middle, Self::Oldest, Self::List, Self::Unread];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest page",
            Self::Middle => "page in the middle",
            Self::Oldest => "oldest page",
            Self::List => "200 conversations with unread counts",
            Self::Unread => "unread count of the largest conversation",
        }
    }

    pub(super) fn is_page(self) -> bool {
        matches!(self, Self::Newest | Self::Middle | Self::Oldest)
    }
}

/// The reader of a long log.
pub(super) struct Viewer {
    seeded: Arc<Seeded>,
    api: Api,
    token: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<Value>,
}

#[derive(Deserialize)]
struct InConversation<T> {
    conversation: Option<T>,
}

#[derive(Deserialize)]
struct Messages {
    messages: Page,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Message>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Message {
    id: Uuid,
    seq: u64,
    text: String,
    sender: Sender,
}

#[derive(Deserialize)]
struct Sender {
    id: Uuid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default)]
    has_previous_page: bool,
    has_next_page: bool,
    #[serde(default)]
    start_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Conversations {
    conversations: List,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    nodes: Vec<Entry>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: Uuid,
    last_seq: u64,
    unread_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unread {
    last_seq: u64,
    #[serde(rename = "unreadCount")]
    messages: u64,
    #[serde(rename = "mentionCount")]
    mentions: u64,
}

impl Viewer {
    pub(super) fn of(log: &LongLog) -> Result<Self> {
        Ok(Self {
            seeded: Arc::clone(&log.seeded),
            api: Api::new(&log.node().url())?,
            token: log.reader.token.clone(),
        })
    }

    fn archive(&self) -> &Archive {
        &self.seeded.archive
    }

    /// Looks, and checks all that was seen. Answers when the answer was there.
    pub(super) async fn look(&self, look: Look) -> Result<Instant> {
        let id = self.archive().conversation;
        let messages = self.archive().messages;
        match look {
            Look::Newest => {
                let variables = json!({"id": id, "last": PAGE});
                self.page(variables, messages - PAGE + 1).await
            }
            Look::Oldest => self.page(json!({"id": id, "first": PAGE}), 1).await,
            Look::Middle => {
                let half = messages / 4..=messages * 3 / 4;
                let first = rand::rng().random_range(half).clamp(2, messages - PAGE);
                let (behind, ..) = self.archive().message(first + PAGE);
                let variables = json!({"id": id, "last": PAGE, "before": cursor(behind)});
                self.page(variables, first).await
            }
            Look::List => self.list().await,
            Look::Unread => self.unread().await,
        }
    }

    /// Small conversations of the reader.
    pub(super) fn small(&self) -> impl Iterator<Item = Listed> {
        let archive = self.archive().conversation;
        let listed = self.seeded.listed.iter().copied();
        listed.filter(move |listed| listed.conversation != archive)
    }

    /// The newest page of a small conversation. Answers how long it took.
    pub(super) async fn look_at_small(&self, listed: Listed) -> Result<Duration> {
        let variables = json!({"id": listed.conversation, "last": PAGE});
        let start = Instant::now();
        let (bytes, at) = self.ask(MESSAGES, variables).await?;
        let found: InConversation<Messages> = read(&bytes)?;
        let page = found.conversation.context("no conversation")?.messages;
        // Behind the event that opened it there is nothing but messages.
        let count = (listed.last_seq - 1).min(PAGE);
        let seqs = listed.last_seq - count + 1..=listed.last_seq;
        ensure!(
            page.nodes.len() as u64 == count
                && page
                    .nodes
                    .iter()
                    .zip(seqs)
                    .all(|(message, seq)| message.seq == seq && message.text == text(seq - 1)),
            "the newest page of {} is not what was said there",
            listed.conversation
        );
        Ok(at - start)
    }

    /// A page whose first message has this number.
    async fn page(&self, variables: Value, first: u64) -> Result<Instant> {
        let backward = variables.get("last").is_some();
        let (bytes, at) = self.ask(MESSAGES, variables).await?;
        let found: InConversation<Messages> = read(&bytes)?;
        let page = found.conversation.context("no conversation")?.messages;
        ensure!(
            page.nodes.len() as u64 == PAGE,
            "{} messages on a page",
            page.nodes.len()
        );
        for (number, message) in (first..).zip(&page.nodes) {
            let (seq, sender, text) = self.archive().message(number);
            if (message.seq, message.sender.id, &message.text) != (seq, sender, &text) {
                bail!(
                    "where message {number} with seq {seq} was to come, seq {} came, or it says something else",
                    message.seq
                );
            }
        }
        let mut ids: Vec<Uuid> = page.nodes.iter().map(|message| message.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ensure!(ids.len() as u64 == PAGE, "an id comes twice on a page");
        let info = page.page_info;
        let ends = (info.has_previous_page, info.has_next_page);
        let expected = (
            backward && first > 1,
            !backward || first + PAGE <= self.archive().messages,
        );
        ensure!(
            ends == expected,
            "more before and behind: {ends:?} where it is {expected:?}"
        );
        // Cursors are the server's business; that of a far place is made here because nobody can walk there first.
        let (seq, ..) = self.archive().message(first);
        ensure!(
            info.start_cursor == Some(cursor(seq)),
            "cursors have another form than is known here"
        );
        Ok(at)
    }

    async fn list(&self) -> Result<Instant> {
        let (bytes, at) = self.ask(LIST, Value::Null).await?;
        let list = read::<Conversations>(&bytes)?.conversations;
        let known = &self.seeded.listed;
        ensure!(
            list.nodes.len() == known.len() && !list.page_info.has_next_page,
            "{} conversations where {} are",
            list.nodes.len(),
            known.len()
        );
        for (entry, known) in list.nodes.iter().zip(known) {
            ensure!(
                (entry.id, entry.last_seq, entry.unread_count)
                    == (known.conversation, known.last_seq, known.unread),
                "in the list, {} with {} unread came where {} with {} was to come",
                entry.id,
                entry.unread_count,
                known.conversation,
                known.unread
            );
        }
        Ok(at)
    }

    async fn unread(&self) -> Result<Instant> {
        let variables = json!({"id": self.archive().conversation});
        let (bytes, at) = self.ask(UNREAD, variables).await?;
        let found: InConversation<Unread> = read(&bytes)?;
        let unread = found.conversation.context("no conversation")?;
        let messages = self.archive().messages;
        ensure!(
            (unread.last_seq, unread.messages, unread.mentions) == (messages + 1, messages, 0),
            "{} unread where {messages} are",
            unread.messages
        );
        Ok(at)
    }

    /// Answers the whole answer, and when it was there. What is refused for a while is asked again, and takes as long as that takes.
    async fn ask(&self, query: &str, variables: Value) -> Result<(Bytes, Instant)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let bytes = self.api.answer(&self.token, query, variables.clone()).await?;
            // Before the answer is looked at, which is none of its time.
            let at = Instant::now();
            match pause(&bytes) {
                Some(pause) if at < deadline => sleep(pause).await,
                _ => return Ok((bytes, at)),
            }
        }
    }
}

/// After how long to ask again, where an answer says so.
fn pause(bytes: &[u8]) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Refused {
        errors: Vec<Refusal>,
    }
    #[derive(Deserialize)]
    struct Refusal {
        extensions: Extensions,
    }
    #[derive(Deserialize)]
    struct Extensions {
        retry_after_ms: u64,
    }
    let refused: Refused = serde_json::from_slice(bytes).ok()?;
    let first = refused.errors.first()?;
    Some(Duration::from_millis(first.extensions.retry_after_ms))
}

fn read<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T> {
    let answer: Answer<T> = serde_json::from_slice(bytes)?;
    match answer.data {
        Some(data) if answer.errors.is_empty() => Ok(data),
        _ => bail!("GraphQL refused: {:?}", answer.errors),
    }
}

/// The cursor of the message with this seq.
fn cursor(seq: u64) -> String {
    format!("m{seq:016x}")
}
