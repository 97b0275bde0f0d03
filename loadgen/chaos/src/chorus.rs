//! Somebody who says the same, under one id, to every node at the same time, and twice to each. It must take effect once and
//! get the same answer each time.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tidings_journal::Journal;
use tidings_protocol::{Ack, Action, ErrorCode};
use tokio::time::{Instant, sleep, timeout};

use crate::company::Filed;
use crate::device::answers::is_over;
use crate::effects::Effects;
use crate::http::Person;
use crate::said::Said;
use crate::scribe::{Clock, Scribe};
use crate::witness::{Answer, Witness};

/// How long one node may take to answer before the storm goes on without it. Where none has answered, it is the machine that is slow, and they
/// are given twice as long, up to the longest.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
const LONGEST_LIMIT: Duration = Duration::from_secs(48);
/// How long a message may stay without any answer. Longer than all faults of a run.
const PATIENCE: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_millis(100);
/// How often the same is said to each node at once.
const TIMES: usize = 2;

/// Somebody who says the same to all nodes.
pub(crate) struct Chorus {
    witnesses: Vec<Witness>,
    scribe: Scribe,
    /// How long nodes are given now.
    limit: Duration,
    pub(crate) effects: Effects,
    pub(crate) problems: Vec<String>,
}

/// What a chorus leaves.
#[derive(Default)]
pub(crate) struct Sung {
    pub(crate) journals: Vec<Journal>,
    pub(crate) effects: Effects,
    pub(crate) problems: Vec<String>,
    /// What was reported.
    pub(crate) filed: Vec<Filed>,
}

impl Sung {
    pub(crate) fn and(&mut self, other: Self) {
        self.journals.extend(other.journals);
        self.effects.merge(&other.effects);
        self.problems.extend(other.problems);
        self.filed.extend(other.filed);
    }
}

impl Chorus {
    /// `name` is that of the person's device.
    pub(crate) fn new(clock: Clock, name: &str, person: &Person, nodes: &[SocketAddr]) -> Self {
        let witness = |(number, node): (usize, &SocketAddr)| {
            let journal = format!("{name} at {number}");
            Witness::new(clock, person, name, &journal, *node)
        };
        Self {
            witnesses: nodes.iter().enumerate().map(witness).collect(),
            scribe: Scribe::new(clock, person.user, name),
            limit: ANSWER_LIMIT,
            effects: Effects::default(),
            problems: Vec::new(),
        }
    }

    pub(crate) fn close(self) -> Sung {
        let journals = self.witnesses.into_iter().map(Witness::close);
        Sung {
            journals: journals.chain([self.scribe.close()]).collect(),
            effects: self.effects,
            problems: self.problems,
            filed: Vec::new(),
        }
    }

    /// Says something for the first time, until there is an answer. What comes back is the ack, where it is one.
    pub(crate) async fn say(&mut self, said: &Said) -> Option<Ack> {
        let at = self.scribe.now();
        let opens = said.conversation.is_nil();
        if !opens {
            self.scribe.send(said.clone());
        }
        match self.insist(said).await {
            Some(Answer::Ack(ack)) => {
                self.effects.add(said.action.name(), 1);
                self.scribe.did(at, &said.action);
                match said.action {
                    // Somebody else may have opened it, and then the log has nothing of this.
                    Action::DirectOpen { .. } => self.scribe.tried(at, said, ack.conversation),
                    _ if opens => self.scribe.made(at, said, &ack),
                    _ => {}
                }
                return Some(ack);
            }
            Some(Answer::Refused(error)) => self.scribe.refused(said.id, error.code.as_str()),
            None => self.problems.push(format!("{} got no answer", said.id)),
        }
        None
    }

    /// Says something to everybody; answers whether it was taken. Where it comes too often, every node has to say so, and until when.
    pub(crate) async fn call(&mut self, said: &Said) -> bool {
        self.scribe.send(said.clone());
        match self.insist(said).await {
            Some(Answer::Ack(_)) => true,
            Some(Answer::Refused(error)) => {
                self.scribe.refused(said.id, error.code.as_str());
                if !is_over(&error) || error.retry_after_ms.is_none() {
                    let (code, field) = (error.code, error.field);
                    let id = said.id;
                    self.problems.push(format!(
                        "{id} is refused with {code} ({field:?}), and not for being said too often"
                    ));
                }
                self.effects.add("calls too many", 1);
                false
            }
            None => {
                self.problems.push(format!("{} got no answer", said.id));
                false
            }
        }
    }

    /// Says what every node has to refuse with this code; what was acked before leaves them nothing else. Returns whether all of them have
    /// refused it: one that has not answered may carry it out once the reason is gone.
    pub(crate) async fn say_in_vain(&mut self, said: &Said, code: ErrorCode) -> bool {
        self.scribe.send(said.clone());
        let (id, name) = (said.id, said.action.name());
        match self.insist(said).await {
            Some(Answer::Refused(error)) => {
                self.scribe.refused(id, error.code.as_str());
                self.effects.add("refused as it should be", 1);
                if error.code != code {
                    let other = error.code;
                    self.problems.push(format!(
                        "{id} ({name}) is refused with {other}, and should be with {code}"
                    ));
                }
                return self.is_refused_by_all(said).await;
            }
            Some(Answer::Ack(_)) => self.problems.push(format!(
                "{id} ({name}) was acked, and should be refused with {code}"
            )),
            None => self.problems.push(format!("{id} got no answer")),
        }
        false
    }

    /// Says what is so already, under an id of its own: it is acked, and leaves nothing in the log. What the ack says of a place is that of just
    /// then, at each node another.
    pub(crate) async fn say_needlessly(&mut self, said: &Said) {
        let (id, name) = (said.id, said.action.name());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let answers = self.ask_all(said).await;
            for answer in &answers {
                if let Answer::Refused(error) = answer
                    && !error.retryable
                {
                    let code = error.code;
                    self.problems
                        .push(format!("{id} ({name}) is so already, and is refused with {code}"));
                    return;
                }
            }
            if answers.iter().any(|answer| matches!(answer, Answer::Ack(_))) {
                self.effects.add("acked to no effect", 1);
                return;
            }
            sleep(PAUSE).await;
        }
        self.problems.push(format!("{id} got no answer"));
    }

    /// The kinds of notices that came on any connection.
    pub(crate) fn noticed(&self) -> BTreeSet<&str> {
        self.witnesses.iter().flat_map(Witness::noticed).collect()
    }

    /// Says what was refused until every node has answered in one round; what they were told before has had its turn then.
    async fn is_refused_by_all(&mut self, said: &Said) -> bool {
        let (deadline, all) = (Instant::now() + PATIENCE, self.witnesses.len() * TIMES);
        while Instant::now() < deadline {
            let answers = self.ask_all(said).await;
            if answers.iter().any(|answer| matches!(answer, Answer::Ack(_))) {
                self.problems.push(format!(
                    "{} was refused by one node and acked by another",
                    said.id
                ));
                return false;
            }
            let is_over = |answer: &Answer| matches!(answer, Answer::Refused(error) if !error.retryable || is_over(error));
            if answers.len() == all && answers.iter().all(is_over) {
                return true;
            }
            sleep(PAUSE).await;
        }
        false
    }

    /// Says once more what was acked, and must hear the same.
    pub(crate) async fn say_again(&mut self, said: &Said, first: &Ack) {
        let Some(Answer::Ack(ack)) = self.insist(said).await else {
            self.problems
                .push(format!("{} was acked, and later not", said.id));
            return;
        };
        self.compare(first, &ack);
        // Who has found an opened conversation finds it again.
        if !ack.duplicate && !matches!(said.action, Action::DirectOpen { .. }) {
            self.problems
                .push(format!("{} was answered as if it were new", said.id));
        }
    }

    /// The id of what was acked, with something else under it.
    pub(crate) async fn say_otherwise(&mut self, other: &Said) {
        let id = other.id;
        match self.insist(other).await {
            Some(Answer::Refused(error)) if error.code == ErrorCode::Conflict => {}
            Some(Answer::Refused(error)) => {
                let (code, name) = (error.code, other.action.name());
                self.problems.push(format!(
                    "{id} with another content ({name}) is refused with {code}"
                ));
            }
            Some(Answer::Ack(_)) => self
                .problems
                .push(format!("{id} was acked with another content too")),
            None => self
                .problems
                .push(format!("{id} with another content got no answer")),
        }
    }

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
                        self.effects.add("repeats answered", u64::from(ack.duplicate));
                        self.scribe.acked(&ack);
                        match &mut first {
                            Some(first) => {
                                self.compare(first, &ack);
                                first.duplicate |= ack.duplicate;
                            }
                            None => first = Some(ack),
                        }
                    }
                    Answer::Refused(error) if !error.retryable || is_over(&error) => refused = Some(error),
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

    /// Two answers to one command, from wherever.
    pub(crate) fn compare(&mut self, first: &Ack, other: &Ack) {
        let place = |ack: &Ack| (ack.conversation, ack.seq, ack.position, ack.at);
        if place(first) != place(other) || first.data != other.data {
            self.problems
                .push(format!("one command has two answers: {first:?} and {other:?}"));
        }
    }

    /// Sends a message to each node at once, as often as that is done; answers what came in time.
    async fn ask_all(&mut self, message: &Said) -> Vec<Answer> {
        let limit = self.limit;
        let asked = self.witnesses.iter_mut().map(async |witness| {
            let answers = timeout(limit, witness.ask(message, TIMES)).await;
            let answers = answers.ok().and_then(Result::ok);
            if answers.is_none() {
                // The node is away, or too late: what it still says is lost with the connection.
                witness.hang_up();
            }
            answers.unwrap_or_default()
        });
        let answers: Vec<Answer> = join_all(asked).await.into_iter().flatten().collect();
        if answers.is_empty() {
            self.limit = (limit * 2).min(LONGEST_LIMIT);
        }
        answers
    }
}
