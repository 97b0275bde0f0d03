//! What a device asks of the server, and what it makes of the answers.

use std::time::Duration;

use tidings_client::CommandError;
use tidings_journal::Micros;
use tidings_protocol::{Ack, Action, ErrorCode, ErrorFrame, Events, FETCH_EVENTS_MAX, Gap};
use tokio::time::sleep;
use uuid::Uuid;

use super::{Device, FETCH_PAUSE, FETCH_TRIES};
use crate::hand::Refusal;
use crate::said::Said;

/// What is being asked of the server.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// A message, or a change of a conversation.
    Say(Said),
    /// A new group, asked for at this time.
    Make { at: Micros, said: Said },
    /// Something for oneself, asked for at this time.
    ForOneself { at: Micros, said: Said },
    Read {
        id: Uuid,
        conversation: Uuid,
        seq: u64,
        thread: Option<Uuid>,
    },
}

pub(super) enum Answer {
    Command(Asked, Result<Ack, CommandError>),
    Fetched(Gap, Result<Events, CommandError>),
    /// What was shown already, once more.
    SeenAgain(Gap, Result<Events, CommandError>),
}

impl Answer {
    /// What it answers, in words.
    fn question(&self) -> String {
        match self {
            Self::Command(asked, _) => asked.words(),
            Self::Fetched(gap, _) => words_of("fetch", gap),
            Self::SeenAgain(gap, _) => words_of("look back", gap),
        }
    }
}

impl Asked {
    fn words(&self) -> String {
        match self {
            Self::Say(said) | Self::Make { said, .. } | Self::ForOneself { said, .. } => {
                format!("{} {}", said.action.name(), said.id)
            }
            Self::Read {
                id,
                conversation,
                seq,
                ..
            } => format!("read {id} of {conversation} up to {seq}"),
        }
    }
}

/// Whether a message that mentions everybody comes too often: that may be said again, but not today.
pub(crate) fn is_over(refusal: &ErrorFrame) -> bool {
    refusal.code == ErrorCode::RateLimited && refusal.field.as_deref() == Some("everyone")
}

pub(super) fn words_of(what: &str, gap: &Gap) -> String {
    format!("{what} {} from {} to {}", gap.conversation, gap.from, gap.to)
}

impl Device {
    pub(super) fn answered(&mut self, answer: Answer) {
        let words = answer.question();
        if let Some(place) = self.asked.iter().position(|asked| *asked == words) {
            self.asked.swap_remove(place);
        }
        match answer {
            Answer::Command(asked, result) => self.command_answered(asked, result),
            Answer::Fetched(gap, Ok(events)) => match self.scribe.filled(&gap, &events) {
                (Some(rest), true) => self.fetch(rest, Duration::ZERO),
                (None, _) => {}
                (Some(_), false) => self.in_vain(gap),
            },
            // Who is out need not be told any more.
            Answer::Fetched(_, Err(CommandError::Refused(error))) if error.code == ErrorCode::NotAMember => {}
            Answer::Fetched(gap, Err(CommandError::Refused(error))) if !error.retryable => {
                self.problems.push(format!(
                    "{gap:?} cannot be fetched: {}: {}",
                    error.code, error.message
                ));
            }
            Answer::Fetched(gap, Err(_)) => self.fetch(gap, FETCH_PAUSE),
            Answer::SeenAgain(gap, Ok(events)) => self.seen_again(gap, &events),
            Answer::SeenAgain(gap, Err(CommandError::Refused(error)))
                if !error.retryable && error.code != ErrorCode::NotAMember =>
            {
                self.problems.push(format!(
                    "{gap:?} was shown and cannot be fetched: {}: {}",
                    error.code, error.message
                ));
            }
            // Who is out has no right to it, and nobody needs it.
            Answer::SeenAgain(..) => {}
        }
    }

    /// A page of what was shown. There is something of it, unless the person is out by now.
    fn seen_again(&mut self, gap: Gap, events: &Events) {
        self.effects.add("fetch", 1);
        let (_, came) = self.scribe.filled(&gap, events);
        let is_whole = events
            .events
            .iter()
            .zip(gap.from..)
            .all(|(event, seq)| event.seq == seq);
        if self.view.is_inside(gap.conversation) && !(came && is_whole) {
            let problem = format!("{gap:?} was shown, and its events do not come again: {events:?}");
            self.not_again.push((gap.conversation, problem));
        }
    }

    /// Nothing came. Whoever has left is owed only what no device of theirs has had; that they have left may come later.
    fn in_vain(&mut self, gap: Gap) {
        let tries = self.vain.entry((gap.conversation, gap.from)).or_default();
        *tries += 1;
        if *tries < FETCH_TRIES {
            self.fetch(gap, FETCH_PAUSE);
        } else if self.view.is_inside(gap.conversation) && !self.rewound.contains(&gap.conversation) {
            self.problems.push(format!("nothing comes of {gap:?}"));
        }
    }

    fn command_answered(&mut self, asked: Asked, result: Result<Ack, CommandError>) {
        let refusal = match result {
            Ok(ack) => {
                match asked {
                    Asked::Say(said) => {
                        self.effects.add(said.action.name(), 1);
                        self.scribe.acked(&ack);
                        self.busy.remove(&said.conversation);
                        self.keep(&said);
                    }
                    Asked::Make { at, said } => {
                        self.effects.add(said.action.name(), 1);
                        self.scribe.made(at, &said, &ack);
                    }
                    Asked::ForOneself { at, said } => {
                        self.effects.add(said.action.name(), 1);
                        self.scribe.acked(&ack);
                        self.scribe.did(at, &said.action);
                        self.busy.remove(&said.conversation);
                    }
                    Asked::Read {
                        conversation,
                        seq,
                        thread: Some(thread),
                        ..
                    } => {
                        self.effects.add("read of a thread", 1);
                        self.read_threads.push((conversation, thread, seq));
                    }
                    Asked::Read {
                        conversation, seq, ..
                    } => {
                        self.effects.add("read", 1);
                        self.scribe.read(conversation, seq);
                    }
                }
                return;
            }
            Err(CommandError::Refused(error)) if !error.retryable || is_over(&error) => error,
            // The connection was closed before the answer came. The same command on the next one finds out.
            Err(_) => return self.ask_again(asked),
        };
        match asked {
            Asked::Say(said) => {
                self.scribe.refused(said.id, refusal.code.as_str());
                self.busy.remove(&said.conversation);
                let own = match said.action {
                    // Who is named may have left, and what is sent on may have been taken back or hidden meanwhile.
                    Action::MessageSend(_) => match refusal.field.as_deref() {
                        Some("everyone") => !is_over(&refusal),
                        Some("forward") => refusal.code != ErrorCode::NotFound,
                        _ => !self.view.names_former_members(&said),
                    },
                    // Clocks that step end windows, and others take back what this one reacts to.
                    Action::MessageEdit { .. } | Action::MessageRecall { .. } => {
                        refusal.code != ErrorCode::Forbidden || refusal.field.as_deref() != Some("message")
                    }
                    Action::MessageReact { .. } => refusal.code != ErrorCode::NotFound,
                    _ => false,
                };
                if refusal.code == ErrorCode::NotAMember {
                    self.view.outside(said.conversation);
                } else if own {
                    let refusal = Refusal::new(self.scribe.now(), &said, &refusal);
                    self.refusals.push(refusal);
                }
            }
            Asked::ForOneself { said, .. } => {
                self.scribe.refused(said.id, refusal.code.as_str());
                self.busy.remove(&said.conversation);
                let of = said.action.conversation();
                if let (ErrorCode::NotAMember, Some(conversation)) = (refusal.code, of) {
                    self.view.outside(conversation);
                } else {
                    let refusal = Refusal::new(self.scribe.now(), &said, &refusal);
                    self.refusals.push(refusal);
                }
            }
            Asked::Make { .. } => self.problems.push(format!(
                "a group was refused with {}: {}",
                refusal.code, refusal.message
            )),
            Asked::Read { .. } => {}
        }
    }

    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked.push(asked.words());
        let client = self.client.clone();
        let (id, action) = match &asked {
            Asked::Say(said) | Asked::Make { said, .. } | Asked::ForOneself { said, .. } => {
                (said.id, said.action.clone())
            }
            Asked::Read {
                id,
                conversation,
                seq,
                thread,
            } => {
                let (conversation, seq, thread) = (*conversation, *seq, *thread);
                (
                    *id,
                    Action::Read {
                        conversation,
                        seq,
                        thread,
                    },
                )
            }
        };
        self.answers.push(Box::pin(async move {
            let result = match client.send_as(id, action).await {
                Ok(pending) => pending.await,
                Err(error) => Err(error),
            };
            Answer::Command(asked, result)
        }));
    }

    fn ask_again(&mut self, asked: Asked) {
        if let Asked::Say(said) | Asked::ForOneself { said, .. } = &asked {
            self.scribe.send_again(said);
        }
        self.ask(asked);
    }

    pub(super) fn fetch(&mut self, gap: Gap, after: Duration) {
        self.asked.push(words_of("fetch", &gap));
        let client = self.client.clone();
        let limit = (gap.to - gap.from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
        self.answers.push(Box::pin(async move {
            sleep(after).await;
            let fetched = client.fetch(gap.conversation, gap.from, limit).await;
            Answer::Fetched(gap, fetched)
        }));
    }
}
