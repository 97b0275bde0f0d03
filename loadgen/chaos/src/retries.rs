//! Retry storms: the same command, with the same id and content, goes to every node at the same time, and again later. It must
//! take effect once and get the same answer each time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use tidings_journal::Journal;
use tidings_protocol::{Ack, ErrorCode, ErrorFrame, ServerFrame};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::device::text;
use crate::http::Person;
use crate::scribe::{Clock, Message, Scribe};
use crate::wire::Wire;

/// How long one node may take to answer before the storm goes on without it.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long a message may stay without any answer. Longer than all faults of a run.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(100);

/// Who storms, and where.
pub(crate) struct Storm {
    pub(crate) name: String,
    pub(crate) person: Person,
    pub(crate) conversation: Uuid,
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) messages: usize,
    /// Between the first time and the next.
    pub(crate) later: Duration,
}

/// What a storm leaves.
pub(crate) struct Blown {
    pub(crate) journal: Journal,
    pub(crate) problems: Vec<String>,
}

/// What a node says to a command.
enum Answer {
    Ack(Ack),
    Refused(ErrorFrame),
}

struct Run {
    storm: Storm,
    wires: Vec<Option<Wire>>,
    scribe: Scribe,
    problems: Vec<String>,
}

impl Storm {
    /// Storms until every message has its answer.
    pub(crate) async fn blow(self, clock: Clock) -> Blown {
        let mut run = Run {
            wires: self.nodes.iter().map(|_| None).collect(),
            scribe: Scribe::new(clock, self.person.user, &self.name),
            storm: self,
            problems: Vec::new(),
        };
        let mut first_answers = BTreeMap::new();
        for number in 0..run.storm.messages {
            let message = Message {
                id: Uuid::now_v7(),
                conversation: run.storm.conversation,
                text: format!("{} {number}", run.storm.name),
            };
            run.scribe.send(message.clone());
            match run.insist(&message).await {
                Some(Answer::Ack(ack)) => {
                    first_answers.insert(message.id, (message, ack));
                }
                Some(Answer::Refused(error)) => run.scribe.refused(message.id, error.code.as_str()),
                None => run.problems.push(format!("{} got no answer", message.id)),
            }
        }
        sleep(run.storm.later).await;
        for (message, ack) in first_answers.into_values() {
            run.repeat(&message, &ack).await;
        }
        Blown {
            journal: run.scribe.close(),
            problems: run.problems,
        }
    }
}

impl Run {
    /// Sends a message to all nodes until one of them answers. All who do must say the same, and the answer is a duplicate
    /// if any of them says so: a node whose attempt broke off cannot know whether the message that it finds is its own.
    async fn insist(&mut self, message: &Message) -> Option<Answer> {
        let deadline = Instant::now() + PATIENCE;
        let mut first: Option<Ack> = None;
        let mut refused = None;
        loop {
            for answer in self.ask_all(message).await {
                match answer {
                    Answer::Ack(ack) => {
                        self.scribe.acked(message.id, ack.seq);
                        match &mut first {
                            Some(first) => {
                                self.compare(first, &ack);
                                first.duplicate |= ack.duplicate;
                            }
                            None => first = Some(ack),
                        }
                    }
                    Answer::Refused(error) if !error.retryable => refused = Some(error),
                    Answer::Refused(_) => {}
                }
            }
            if let Some(ack) = first {
                if let Some(error) = refused {
                    let (id, code) = (message.id, error.code);
                    self.problems.push(format!(
                        "{id} was acked by one node and refused with {code} by another"
                    ));
                }
                return Some(Answer::Ack(ack));
            }
            if let Some(error) = refused {
                return Some(Answer::Refused(error));
            }
            if Instant::now() >= deadline {
                return None;
            }
            sleep(PAUSE).await;
        }
    }

    /// The same message later, and then its id with another text.
    async fn repeat(&mut self, message: &Message, first: &Ack) {
        if let Some(Answer::Ack(ack)) = self.insist(message).await {
            self.compare(first, &ack);
            if !ack.duplicate {
                self.problems
                    .push(format!("{} was answered as if it were new", message.id));
            }
        } else {
            self.problems
                .push(format!("{} was acked, and later not", message.id));
        }
        let other = Message {
            text: format!("not {}", message.text),
            ..message.clone()
        };
        match self.insist(&other).await {
            Some(Answer::Refused(error)) if error.code == ErrorCode::Conflict => {}
            Some(Answer::Refused(error)) => {
                let code = error.code;
                self.problems
                    .push(format!("{} with another text is refused with {code}", message.id));
            }
            Some(Answer::Ack(_)) => self
                .problems
                .push(format!("{} was acked with another text too", message.id)),
            None => self
                .problems
                .push(format!("{} with another text got no answer", message.id)),
        }
    }

    fn compare(&mut self, first: &Ack, other: &Ack) {
        let place = |ack: &Ack| (ack.conversation, ack.seq, ack.position, ack.at);
        if place(first) != place(other) {
            self.problems
                .push(format!("one command has two answers: {first:?} and {other:?}"));
        }
    }

    /// Sends a message twice to each node at once; answers what came in time.
    async fn ask_all(&mut self, message: &Message) -> Vec<Answer> {
        let (person, name) = (&self.storm.person, &self.storm.name);
        let asked = self
            .storm
            .nodes
            .iter()
            .zip(&mut self.wires)
            .map(async |(node, wire)| {
                let asking = ask(wire, *node, person, name, message);
                let answers = timeout(ANSWER_LIMIT, asking).await.ok().and_then(Result::ok);
                if answers.is_none() {
                    // The node is away, or too late: what it still says is lost with the connection.
                    *wire = None;
                }
                answers.unwrap_or_default()
            });
        join_all(asked).await.into_iter().flatten().collect()
    }
}

async fn ask(
    wire: &mut Option<Wire>,
    node: SocketAddr,
    person: &Person,
    device: &str,
    message: &Message,
) -> Result<Vec<Answer>> {
    let wire = match wire {
        Some(wire) => wire,
        None => wire.insert(Wire::connect(node, &person.token, device, &BTreeMap::new()).await?),
    };
    let command = (message.id, text(message));
    wire.send(&[command.clone(), command]).await?;
    let mut answers = Vec::with_capacity(2);
    while answers.len() < 2 {
        match wire.next().await? {
            ServerFrame::Ack(ack) if ack.id == message.id => answers.push(Answer::Ack(ack)),
            ServerFrame::Error(error) if error.id == Some(message.id) => answers.push(Answer::Refused(error)),
            _ => {}
        }
    }
    Ok(answers)
}
