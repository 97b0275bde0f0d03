//! What commands are answered, and what is remembered of that.

use super::recent::{Recent, Remembered};
use super::round::{Pending, Verdict};
use super::states::StreamState;
use super::{Accepted, Refusal};
use std::collections::HashMap;
use std::sync::Arc;
use tidings_domain::StreamCommand;
use tidings_domain::stored::Kind;
use tidings_eventlog::{Appended, Appender, Last, Position, Recorded, Repeat};

/// What a command is answered without the log's saying more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Accepted(Accepted),
    Unavailable,
}

impl Remembered {
    /// Whether this is the command that it remembers.
    fn is_of(&self, command: &Pending) -> bool {
        self.actor == command.actor()
            && self.digest == command.digest
            && self.accepted.stream == command.stream()
    }
}

impl Answer {
    /// Nothing is left to do: the stream began as the command wants it. Its first event is the answer.
    pub(super) fn existing(lane: u8, state: &StreamState, command: &Pending) -> Self {
        let Some(first) = state.first else {
            return Self::Unavailable;
        };
        Self::Accepted(Accepted {
            stream: command.stream(),
            seq: first.seq,
            position: Position { lane, pos: first.pos },
            at: first.at,
            duplicate: first.command == command.id() && !command.uncertain,
            pending: false,
        })
    }

    /// Nothing is left to do: the stream has come to be as the command wants it, by one of its events up to the last. The last one is
    /// the answer, so that whoever waits for its position sees what the command wanted; but for those who may not know of it, who are
    /// told a place of the lane behind it.
    fn standing(lane: u8, command: &Pending, last: Option<Last>, head: u64) -> Self {
        // Whoever asks again to be let in waits still, and is told neither how much is said inside nor when.
        let pending = command.command.asks_to_join();
        if pending
            || matches!(
                command.command,
                StreamCommand::Pair { .. } | StreamCommand::Reports { .. }
            )
        {
            // The last event may be somebody else's, of which nothing is told.
            let last = last.filter(|_| pending).map_or(0, |last| last.pos);
            return Self::Accepted(Accepted {
                stream: command.stream(),
                seq: 0,
                position: Position {
                    lane,
                    pos: last.max(head),
                },
                at: crate::clock::now(),
                duplicate: false,
                pending,
            });
        }
        let Some(last) = last else {
            return Self::Unavailable;
        };
        Self::Accepted(Accepted {
            stream: command.stream(),
            seq: last.seq,
            position: Position { lane, pos: last.pos },
            at: last.at,
            duplicate: false,
            pending: false,
        })
    }

    pub(super) fn give(self, command: Pending) {
        (command.reply)(match self {
            Self::Accepted(accepted) => Ok(accepted),
            Self::Unavailable => Err(Refusal::Unavailable),
        });
    }
}

/// The answers of one lane.
pub(super) struct Answers {
    lane: u8,
    recent: Arc<Recent>,
    appender: Arc<Appender>,
    /// How often sessions with the log had been lost before this round asked anything.
    breaks: u64,
}

impl Answers {
    pub(super) fn new(lane: u8, recent: Arc<Recent>, appender: Arc<Appender>) -> Self {
        Self {
            lane,
            recent,
            appender,
            breaks: 0,
        }
    }

    /// The log is no longer what it was when these answers were given.
    pub(super) fn forget(&self) {
        self.recent.clear();
    }

    /// Begins a round: answers quick repeats from memory, where nothing has happened to the log since; gives back the others.
    pub(super) fn recent(&mut self, pending: Vec<Pending>) -> Vec<Pending> {
        self.breaks = self.appender.breaks();
        if !self.appender.vouches_since(self.breaks) {
            return pending;
        }
        let known = self.recent.find(
            self.breaks,
            pending.iter().map(|command| (command.actor(), command.id())),
        );
        let mut rest = Vec::with_capacity(pending.len());
        for (command, known) in pending.into_iter().zip(known) {
            match known {
                None => rest.push(command),
                Some(known) => repeated(command, &known),
            }
        }
        rest
    }

    /// Answers those of `chosen` that the log holds already; gives back the others.
    pub(super) fn repeats(&self, chosen: Vec<Pending>, repeats: &[Repeat]) -> Vec<Pending> {
        let by_proposal: HashMap<usize, &Repeat> =
            repeats.iter().map(|repeat| (repeat.proposal, repeat)).collect();
        let mut rest = vec![];
        for (index, command) in chosen.into_iter().enumerate() {
            match by_proposal.get(&index) {
                Some(repeat) => self.repeat(command, repeat),
                None => rest.push(command),
            }
        }
        rest
    }

    /// Answers a command that the log holds, or one like it.
    pub(super) fn repeat(&self, command: Pending, repeat: &Repeat) {
        let known = Remembered {
            actor: repeat.actor,
            digest: repeat.digest,
            accepted: Accepted {
                stream: repeat.stream,
                seq: repeat.seq,
                position: Position {
                    lane: self.lane,
                    pos: repeat.pos,
                },
                at: repeat.at,
                duplicate: true,
                pending: repeat.kind == Some(Kind::JOIN_REQUESTED.0),
            },
        };
        // Of another command it was not asked what it was.
        if known.is_of(&command) {
            self.recent
                .remember(self.breaks, std::iter::once((command.id(), known)));
        }
        repeated(command, &known);
    }

    /// Answers a command that appends nothing, where the state that it was decided on is the log's own. The `last` event of its
    /// stream was read behind that, and `head` is where the lane is known to be.
    pub(super) fn confirmed(&self, command: Pending, verdict: Verdict, last: Option<Last>, head: u64) {
        match verdict {
            Verdict::Refused(rejection) => (command.reply)(Err(rejection.into())),
            Verdict::TooFast(retry_after) => (command.reply)(Err(Refusal::TooFast { retry_after })),
            Verdict::Nothing => Answer::standing(self.lane, &command, last, head).give(command),
            Verdict::Exists(answer) => answer.give(command),
        }
    }

    /// Answers what is durable.
    pub(super) fn committed(&self, chosen: Vec<Pending>, appended: &Appended) {
        let mut remembered = Vec::with_capacity(chosen.len());
        let mut answers = Vec::with_capacity(chosen.len());
        for (index, command) in chosen.into_iter().enumerate() {
            let Some(last) = appended.of(index).last() else {
                continue;
            };
            let accepted = self.accepted(last);
            let entry = Remembered {
                actor: command.actor(),
                digest: command.digest,
                accepted,
            };
            remembered.push((command.id(), entry));
            let told = told(&command.command, accepted);
            answers.push((command.reply, told));
        }
        // Before the answers, so that an id is always known: as one on its way, or as one that was answered.
        self.recent.remember(self.breaks, remembered.into_iter());
        for (reply, accepted) in answers {
            reply(Ok(accepted));
        }
    }

    fn accepted(&self, last: &Recorded) -> Accepted {
        Accepted {
            stream: last.stream,
            seq: last.seq,
            position: Position {
                lane: self.lane,
                pos: last.pos,
            },
            at: last.at,
            duplicate: false,
            pending: Kind(last.kind) == Kind::JOIN_REQUESTED,
        }
    }
}

/// An id that is known: the same command again gets its first answer, another one is told so.
fn repeated(command: Pending, known: &Remembered) {
    let answer = if known.is_of(&command) {
        let accepted = Accepted {
            duplicate: !command.uncertain,
            ..known.accepted
        };
        Ok(told(&command.command, accepted))
    } else {
        Err(Refusal::IdReused)
    };
    (command.reply)(answer);
}

/// The answer as whoever sent the command is told it. A seq says how much is said inside, which is for those who are in.
fn told(command: &StreamCommand, accepted: Accepted) -> Accepted {
    let is_outside = accepted.pending || command.stays_outside();
    Accepted {
        seq: if is_outside { 0 } else { accepted.seq },
        ..accepted
    }
}
