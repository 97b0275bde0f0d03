//! One connection to a node.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tidings_client::{Client, CommandError, EventStream, Incoming as Said, Pending};
use tidings_journal::Via;
use tidings_protocol::{Ack, Action, Content, Event, Gap, MessageSend, Position, Resume};
use uuid::Uuid;

use super::{Positions, fetch, lock, message};
use crate::seam::{Incoming, Session};

/// How far a client has come.
#[derive(Clone, Debug, Default)]
pub struct TidingsPlace {
    pub(super) cursors: Resume,
    /// What the server has left out and the client has not fetched yet.
    gaps: Vec<Gap>,
}

/// One connection of the client library, which does not come back by itself.
pub struct TidingsSession {
    client: Client,
    events: EventStream,
    claims: BTreeMap<String, u64>,
    gaps: Vec<Gap>,
    synced: bool,
    answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Fetched events.
    ready: VecDeque<Incoming>,
    read: Arc<Mutex<Option<Position>>>,
    positions: Positions,
}

/// What became of something asked.
enum Answer {
    Sent(Uuid, Result<Ack, CommandError>),
    Read(Uuid, u64, Result<Ack, CommandError>),
    Fetched(Gap, Result<Vec<Event>>),
}

impl TidingsSession {
    pub(super) fn new(
        client: Client,
        events: EventStream,
        place: TidingsPlace,
        read: Arc<Mutex<Option<Position>>>,
        positions: Positions,
    ) -> Self {
        let claims = place.cursors.conversations.iter();
        let mut session = Self {
            client,
            events,
            claims: claims.map(|(id, seq)| (id.to_string(), *seq)).collect(),
            gaps: place.gaps,
            synced: false,
            answers: FuturesUnordered::new(),
            ready: VecDeque::new(),
            read,
            positions,
        };
        for gap in session.gaps.clone() {
            session.fetch(gap);
        }
        session
    }

    fn fetch(&mut self, gap: Gap) {
        let client = self.client.clone();
        let fetched = async move {
            let events = fetch(&client, gap.conversation, gap.from, gap.to).await;
            Answer::Fetched(gap, events)
        };
        self.answers.push(Box::pin(fetched));
    }

    /// A fetched event is given out. They come in order.
    fn fetched(&mut self, conversation: &str, seq: u64) {
        for gap in &mut self.gaps {
            if gap.from == seq && gap.conversation.to_string() == conversation {
                gap.from += 1;
            }
        }
        self.gaps.retain(|gap| gap.from <= gap.to);
    }

    fn said(&mut self, said: Option<Said>) -> Option<Incoming> {
        Some(match said {
            Some(Said::Event(event)) => {
                let via = if self.synced { Via::Live } else { Via::CatchUp };
                delivered(&event, via)
            }
            Some(Said::Gap(gap)) => {
                self.gaps.push(gap);
                self.fetch(gap);
                Incoming::Gap {
                    conversation: gap.conversation.to_string(),
                    from: gap.from,
                    to: gap.to,
                }
            }
            Some(Said::Synced) => {
                self.synced = true;
                Incoming::Synced
            }
            Some(Said::Disconnected { reason, .. }) => Incoming::Closed {
                reason: reason.to_string(),
            },
            None => Incoming::Closed {
                reason: "the stream has ended".to_owned(),
            },
            Some(_) => return None,
        })
    }

    fn answered(&mut self, answer: Answer) -> Option<Incoming> {
        match answer {
            Answer::Sent(id, Ok(ack)) => {
                self.note(&ack);
                Some(Incoming::Ack {
                    id,
                    seq: Some(ack.seq),
                })
            }
            Answer::Read(conversation, seq, Ok(ack)) => {
                *lock(&self.read) = Some(ack.position);
                Some(Incoming::Read {
                    conversation: conversation.to_string(),
                    seq,
                })
            }
            Answer::Sent(id, Err(CommandError::Refused(error)))
                if !CommandError::Refused(error.clone()).may_have_taken_effect() =>
            {
                Some(Incoming::Refused {
                    id,
                    code: error.code.to_string(),
                })
            }
            // The end of the connection comes out of its stream.
            Answer::Sent(_, Err(CommandError::Closed { .. }))
            | Answer::Read(_, _, Err(CommandError::Closed { .. })) => None,
            Answer::Sent(_, Err(error)) | Answer::Read(_, _, Err(error)) => Some(Incoming::Closed {
                reason: error.to_string(),
            }),
            Answer::Fetched(_, Ok(events)) => {
                self.ready
                    .extend(events.iter().map(|event| delivered(event, Via::Fetch)));
                None
            }
            // An unfinished one is the next connection's.
            Answer::Fetched(gap, Err(error)) => Some(Incoming::Closed {
                reason: format!("seqs {} to {} cannot be fetched: {error:#}", gap.from, gap.to),
            }),
        }
    }

    fn note(&self, ack: &Ack) {
        let mut positions = lock(&self.positions);
        let position = positions.entry(ack.conversation).or_insert(ack.position);
        *position = ack.position.max(*position);
    }

    /// Puts a command on its way; none when the connection has ended.
    async fn submit(&mut self, id: Uuid, action: Action) -> Result<Option<Pending>> {
        match self.client.send_as(id, action).await {
            Ok(pending) => Ok(Some(pending)),
            Err(CommandError::Closed { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Session for TidingsSession {
    type Place = TidingsPlace;

    fn claims(&self) -> BTreeMap<String, u64> {
        self.claims.clone()
    }

    async fn send(&mut self, id: Uuid, conversation: &str, text: &str) -> Result<()> {
        let action = Action::MessageSend(MessageSend::new(conversation.parse()?, Content::text(text)));
        if let Some(pending) = self.submit(id, action).await? {
            let answer = async move { Answer::Sent(id, pending.await) };
            self.answers.push(Box::pin(answer));
        }
        Ok(())
    }

    async fn read(&mut self, conversation: &str, seq: u64) -> Result<bool> {
        let conversation = conversation.parse()?;
        let action = Action::Read {
            conversation,
            seq,
            thread: None,
        };
        if let Some(pending) = self.submit(Uuid::now_v7(), action).await? {
            let answer = async move { Answer::Read(conversation, seq, pending.await) };
            self.answers.push(Box::pin(answer));
        }
        Ok(true)
    }

    async fn next(&mut self) -> Incoming {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                if let Incoming::Delivered {
                    conversation,
                    seq: Some(seq),
                    ..
                } = &ready
                {
                    self.fetched(conversation, *seq);
                }
                return ready;
            }
            let found = tokio::select! {
                // An answer that has come counts, even when the connection has ended since.
                biased;
                Some(answer) = self.answers.next() => self.answered(answer),
                said = self.events.next() => self.said(said),
            };
            if let Some(found) = found {
                return found;
            }
        }
    }

    fn corrections(&self) -> u64 {
        let corrections = self.events.corrections();
        corrections.repeats + corrections.holes
    }

    async fn close(self) -> TidingsPlace {
        self.client.close();
        TidingsPlace {
            cursors: self.events.close().await,
            gaps: self.gaps,
        }
    }
}

fn delivered(event: &Event, via: Via) -> Incoming {
    Incoming::Delivered {
        conversation: event.conversation.to_string(),
        seq: Some(event.seq),
        message: message(event),
        via,
    }
}
