//! A member who reads a message in all ways in which it can be read, at all nodes: in history, by a search, with a new device, and by fetching it.
//! What comes is written down; what has no answer is not known.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tidings_journal::Journal;
use tidings_protocol::{Position, ServerFrame};
use tidings_stand::{Answer, Api};
use tokio::time::timeout;
use uuid::Uuid;

use crate::chorus::Sung;
use crate::effects::Effects;
use crate::http::Person;
use crate::scribe::{Clock, Scribe};
use crate::witness::Witness;

/// How long a node may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What shows that something was withheld from a reader, or recalled.
pub(crate) const LEFT_OUT: &str = "messages read without their words";

const LOOK: &str = "query($conversation: ID!, $id: ID!) { \
     message(conversation: $conversation, id: $id) { text } conversation(id: $conversation) { unreadCount } }";
/// What is found by words lags, so it is asked for alone.
const SEARCH: &str = "query($conversation: ID!, $words: String!) { \
     search(query: $words, conversation: $conversation, first: 20) { nodes { id text } } }";

/// A message, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
    pub(crate) seq: u64,
    /// A word of it.
    pub(crate) word: &'static str,
    /// Whether nothing else goes on in the conversation, so that the count of its unread messages is known.
    pub(crate) is_quiet: bool,
}

pub(crate) struct Reader {
    person: Person,
    name: String,
    nodes: Vec<(SocketAddr, Api)>,
    clock: Clock,
    scribe: Scribe,
    journals: Vec<Journal>,
    effects: Effects,
}

impl Reader {
    /// `name` tells their journals apart.
    pub(crate) fn new(clock: Clock, name: &str, person: &Person, nodes: Vec<(SocketAddr, Api)>) -> Self {
        Self {
            person: person.clone(),
            name: name.to_owned(),
            nodes,
            clock,
            scribe: Scribe::new(clock, person.user, name),
            journals: Vec::new(),
            effects: Effects::default(),
        }
    }

    pub(crate) fn close(mut self) -> Sung {
        self.journals.push(self.scribe.close());
        Sung {
            journals: self.journals,
            effects: self.effects,
            problems: Vec::new(),
            filed: Vec::new(),
        }
    }

    /// Reads it, behind this position of its conversation: all that anybody knows of the message is before that.
    pub(crate) async fn look(&mut self, sight: &Sight, after: Position) {
        let asked_at = self.scribe.now();
        let (conversation, id) = (sight.conversation, sight.message);
        let look = json!({ "conversation": conversation, "id": id });
        let search = json!({ "conversation": conversation, "words": sight.word });
        let nodes = self.nodes.iter();
        let asked = nodes.flat_map(|(_, node)| {
            let all = [(LOOK, &look), (SEARCH, &search)];
            all.map(|(text, variables)| ask(&self.person, node, text, variables, after))
        });
        for data in join_all(asked).await.into_iter().flatten() {
            let found = data.pointer("/search/nodes").and_then(Value::as_array);
            let found = found.into_iter().flatten();
            let mut told = found
                .filter(|node| node["id"] == json!(id))
                .chain([&data["message"]]);
            if let Some(message) = told.find(|message| message.is_object()) {
                let is_bare = message["text"].is_null();
                self.scribe.history(asked_at, conversation, id, is_bare);
                self.effects.add(LEFT_OUT, u64::from(is_bare));
            }
            let count = data.pointer("/conversation/unreadCount").and_then(Value::as_u64);
            if let Some(count) = count.filter(|_| sight.is_quiet) {
                self.scribe.unread(conversation, count);
            }
        }
        let first = self.journals.len();
        let devices = (first..).zip(&self.nodes).map(|(number, (node, _))| {
            let device = format!("{} {number}", self.name);
            come(self.clock, &self.person, device, *node, sight)
        });
        let journals = join_all(devices).await;
        self.journals.extend(journals);
    }
}

/// What a node answers behind this position; none where it does not do so in time.
async fn ask(person: &Person, node: &Api, text: &str, variables: &Value, after: Position) -> Option<Value> {
    let asked = person.ask_once(node, text, variables, Some(after));
    match timeout(ANSWER_LIMIT, asked).await {
        Ok(Ok(Answer::Data(data))) => Some(data),
        _ => None,
    }
}

/// The journal of a new device that comes at the beginning of the conversation, and fetches the message once more.
async fn come(clock: Clock, person: &Person, device: String, node: SocketAddr, sight: &Sight) -> Journal {
    let mut witness =
        Witness::new(clock, person, &device, &device, node).knowing_nothing_of(sight.conversation);
    let coming = async {
        witness.come().await?;
        while !matches!(witness.next().await?, ServerFrame::Synced) {}
        witness.fetch(sight.conversation, sight.seq).await
    };
    // What has come by then is looked at.
    let _ = timeout(ANSWER_LIMIT, coming).await;
    witness.close()
}
