//! Retry storms: the same command, with the same id and content, goes to every node at the same time, and again later. It must
//! take effect once and get the same answer each time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use tidings_journal::Journal;
use tidings_protocol::{Ack, Action, ErrorCode, ErrorFrame, ServerFrame};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::http::Person;
use crate::said::Said;
use crate::scribe::{Clock, Scribe};
use crate::witness::Witness;

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
    pub(crate) is_group: bool,
    pub(crate) nodes: Vec<SocketAddr>,
    pub(crate) messages: usize,
    /// Between the first time and the next.
    pub(crate) later: Duration,
}

/// What a storm leaves.
pub(crate) struct Blown {
    pub(crate) journals: Vec<Journal>,
    /// Answers that said that the command was known.
    pub(crate) duplicates: u64,
    pub(crate) problems: Vec<String>,
}

/// What a node says to a command.
enum Answer {
    Ack(Ack),
    Refused(ErrorFrame),
}

struct Run {
    storm: Storm,
    witnesses: Vec<Witness>,
    scribe: Scribe,
    duplicates: u64,
    problems: Vec<String>,
}

impl Storm {
    /// Something with this text. In a group of one's own each third one is its name.
    fn says(&self, number: usize, text: String) -> Said {
        let conversation = self.conversation;
        let rename = Action::GroupRename {
            conversation,
            name: text.clone(),
        };
        let renamed = (self.is_group && number % 3 == 2)
            .then(|| Said::change(self.person.user, conversation, rename))
            .flatten();
        renamed.unwrap_or_else(|| Said::text(conversation, text))
    }

    /// Storms until every message has its answer.
    pub(crate) async fn blow(self, clock: Clock) -> Blown {
        let mut run = Run {
            witnesses: self.witnesses(clock),
            scribe: Scribe::new(clock, self.person.user, &self.name),
            storm: self,
            duplicates: 0,
            problems: Vec::new(),
        };
        let mut first_answers = BTreeMap::new();
        for number in 0..run.storm.messages {
            let text = format!("{} {number}", run.storm.name);
            let message = run.storm.says(number, text);
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
        let journals = run.witnesses.into_iter().map(Witness::close);
        Blown {
            journals: journals.chain([run.scribe.close()]).collect(),
            duplicates: run.duplicates,
            problems: run.problems,
        }
    }

    fn witnesses(&self, clock: Clock) -> Vec<Witness> {
        let nodes = self.nodes.iter().enumerate();
        let witness = |(number, node): (usize, &SocketAddr)| {
            let journal = format!("{} at {number}", self.name);
            Witness::new(clock, &self.person, &self.name, &journal, *node)
        };
        nodes.map(witness).collect()
    }
}

impl Run {
    /// Sends a message to all nodes until one of them answers. All who do must say the same, and the answer is a duplicate
    /// if any of them says so: a node whose attempt broke off cannot know whether the message that it finds is its own.
    async fn insist(&mut self, message: &Said) -> Option<Answer> {
        let deadline = Instant::now() + PATIENCE;
        let mut first: Option<Ack> = None;
        let mut refused = None;
        loop {
            for answer in self.ask_all(message).await {
                match answer {
                    Answer::Ack(ack) => {
                        self.duplicates += u64::from(ack.duplicate);
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
    async fn repeat(&mut self, message: &Said, first: &Ack) {
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
        // Of the same kind.
        let number = if matches!(message.action, Action::GroupRename { .. }) {
            2
        } else {
            0
        };
        let other = Said {
            id: message.id,
            ..self.storm.says(number, "something else".to_owned())
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
    async fn ask_all(&mut self, message: &Said) -> Vec<Answer> {
        let asked = self.witnesses.iter_mut().map(async |witness| {
            let answers = timeout(ANSWER_LIMIT, ask(witness, message)).await;
            let answers = answers.ok().and_then(Result::ok);
            if answers.is_none() {
                // The node is away, or too late: what it still says is lost with the connection.
                witness.hang_up();
            }
            answers.unwrap_or_default()
        });
        join_all(asked).await.into_iter().flatten().collect()
    }
}

async fn ask(witness: &mut Witness, message: &Said) -> Result<Vec<Answer>> {
    let command = (message.id, message.action.clone());
    witness.send(&[command.clone(), command]).await?;
    let mut answers = Vec::with_capacity(2);
    while answers.len() < 2 {
        match witness.next().await? {
            ServerFrame::Ack(ack) if ack.id == message.id => answers.push(Answer::Ack(ack)),
            ServerFrame::Error(error) if error.id == Some(message.id) => answers.push(Answer::Refused(error)),
            _ => {}
        }
    }
    Ok(answers)
}
