//! Tidings, through its client library. It has seqs, one order for both sides of a direct conversation, and takes a
//! repeat of an id for what it is, so all that the checker knows is judged.

mod export;
mod session;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tidings_client::{Backoff, Client, Config, EventStream, Incoming as Said, connect};
use tidings_journal::Logged;
use tidings_protocol::{Action, Content, Event, EventData, FETCH_EVENTS_MAX, Position, Resume};
use tidings_stand::{Account, Api};
use tokio::time::timeout;
use uuid::Uuid;

use crate::seam::{Conversation, Person, Server, UNANSWERED_MAX};
pub use export::Export;
pub use session::{TidingsPlace, TidingsSession};

/// How long a connection or a command of the preparations may take.
const PATIENCE: Duration = Duration::from_secs(30);

const UNREAD: &str = "query($id: ID!) { conversation(id: $id) { unreadCount } }";

/// One or several nodes of a cluster; people are spread over them.
pub struct Tidings {
    nodes: Vec<Api>,
    people: Mutex<usize>,
    positions: Positions,
    export: Export,
}

/// The last position known of each conversation, so that counts are asked of read models that include it.
type Positions = Arc<Mutex<HashMap<Uuid, Position>>>;

impl Tidings {
    /// For base addresses like `http://127.0.0.1:8080`, at least one.
    pub fn new(nodes: &[String], export: Export) -> Result<Self> {
        let nodes = nodes.iter().map(|node| Api::new(node));
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        if nodes.is_empty() {
            bail!("no address of a node");
        }
        Ok(Self {
            nodes,
            people: Mutex::new(0),
            positions: Positions::default(),
            export,
        })
    }
}

impl Server for Tidings {
    type Person = TidingsPerson;

    const REPEATS_ARE_SAFE: bool = true;

    async fn person(&self, name: &str) -> Result<TidingsPerson> {
        let number = {
            let mut people = lock(&self.people);
            *people += 1;
            *people
        };
        let home = &self.nodes[number % self.nodes.len()];
        let account = home.register(name).await?;
        // Each connection starts at the next node, so that resuming crosses nodes.
        let urls =
            (0..self.nodes.len()).map(|step| self.nodes[(number + step) % self.nodes.len()].socket_url());
        Ok(TidingsPerson {
            user: account.user.to_string(),
            id: account.user,
            account,
            urls: urls.collect(),
            connections: Mutex::new(0),
            conversations: Mutex::default(),
            read: Arc::default(),
            positions: Arc::clone(&self.positions),
        })
    }

    async fn group(&self, name: &str, members: &[&TidingsPerson]) -> Result<Conversation> {
        let (owner, others) = members.split_first().context("a group needs an owner")?;
        let action = Action::GroupCreate {
            name: name.to_owned(),
            members: others.iter().map(|person| person.id).collect(),
        };
        owner.begin(action, members).await
    }

    async fn direct(&self, [one, other]: [&TidingsPerson; 2]) -> Result<Vec<Conversation>> {
        let action = Action::DirectOpen { user: other.id };
        Ok(vec![one.begin(action, &[one, other]).await?])
    }

    async fn export(&self, conversation: &Conversation, reader: &TidingsPerson) -> Result<Vec<Logged>> {
        match &self.export {
            Export::Fetch => export::fetched(conversation, reader).await,
            Export::Database(database) => database.of(conversation).await,
        }
    }
}

/// A registered person.
pub struct TidingsPerson {
    user: String,
    id: Uuid,
    account: Account,
    urls: Vec<String>,
    connections: Mutex<usize>,
    /// Those that the first connection must be shown from the beginning.
    conversations: Mutex<Vec<Uuid>>,
    /// The position of the last read.
    read: Arc<Mutex<Option<Position>>>,
    positions: Positions,
}

impl Person for TidingsPerson {
    type Session = TidingsSession;

    fn user(&self) -> &str {
        &self.user
    }

    async fn connect(&self, mut place: TidingsPlace) -> Result<TidingsSession> {
        for conversation in lock(&self.conversations).iter() {
            place.cursors.conversations.entry(*conversation).or_insert(0);
        }
        let (client, events) = self.dial("judged", place.cursors.clone()).await?;
        Ok(TidingsSession::new(
            client,
            events,
            place,
            Arc::clone(&self.read),
            Arc::clone(&self.positions),
        ))
    }

    async fn unread(&self, conversation: &Conversation) -> Result<Option<u64>> {
        let id = conversation.name.parse()?;
        let positions = [*lock(&self.read), lock(&self.positions).get(&id).copied()];
        let mut count = None;
        // They are in different lanes, and a query waits for one; read models never go back.
        for position in positions.into_iter().flatten() {
            let answer = self
                .account
                .query(UNREAD, &json!({"id": id}), Some(position))
                .await?;
            let unread = answer.pointer("/conversation/unreadCount");
            let unread = unread.and_then(Value::as_u64);
            count = Some(unread.context("no unread count in the answer")?);
        }
        Ok(count)
    }
}

impl TidingsPerson {
    /// Makes a conversation.
    async fn begin(&self, action: Action, members: &[&Self]) -> Result<Conversation> {
        let (client, events) = self.dial("maker", Resume::default()).await?;
        let answer = async { client.send(action).await?.await };
        let ack = timeout(PATIENCE, answer)
            .await
            .context("no conversation was made in time")??;
        events.close().await;
        for member in members {
            lock(&member.conversations).push(ack.conversation);
        }
        let users: Vec<String> = members.iter().map(|member| member.user.clone()).collect();
        Ok(Conversation {
            name: ack.conversation.to_string(),
            writers: users.clone(),
            readers: users,
        })
    }

    /// Opens a connection that does not come back by itself.
    async fn dial(&self, device: &str, resume: Resume) -> Result<(Client, EventStream)> {
        let mut urls = self.urls.clone();
        {
            let mut connections = lock(&self.connections);
            let turn = *connections % urls.len();
            urls.rotate_left(turn);
            *connections += 1;
        }
        let mut config = Config::new("", &*self.account.first_token, device);
        config.urls = urls;
        config.resume = resume;
        config.backoff = Backoff::default().with_attempts_max(1);
        // Sending waits for nothing, though nobody reads meanwhile.
        config.command_queue = UNANSWERED_MAX * 2;
        config.in_flight_max = UNANSWERED_MAX;
        let (client, mut events) = connect(config);
        let welcomed = async {
            loop {
                match events.next().await {
                    Some(Said::Connected(_)) => return Ok(()),
                    Some(Said::Disconnected { reason, .. }) => return Err(reason.into()),
                    Some(_) => {}
                    None => bail!("the connection ended at once"),
                }
            }
        };
        timeout(PATIENCE, welcomed)
            .await
            .context("no welcome in time")??;
        Ok((client, events))
    }
}

/// The events of a conversation from seq `from` up to `to`, or to its end.
async fn fetch(client: &Client, conversation: Uuid, mut from: u64, to: u64) -> Result<Vec<Event>> {
    let mut all = Vec::new();
    while from <= to {
        let page = client.fetch(conversation, from, FETCH_EVENTS_MAX).await?;
        let Some(last) = page.events.last() else { break };
        from = last.seq + 1;
        all.extend(page.events.into_iter().filter(|event| event.seq <= to));
        if !page.more {
            break;
        }
    }
    Ok(all)
}

/// The message's id and its text, if the event is a message. What is no text has an empty one.
fn message(event: &Event) -> Option<(Uuid, String)> {
    let EventData::MessageSent(sent) = event.decode() else {
        return None;
    };
    let text = match sent.content {
        Some(Content::Text { text }) => text,
        _ => String::new(),
    };
    Some((sent.message, text))
}

/// A value that no panic can leave half changed.
fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
