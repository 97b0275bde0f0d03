//! One person of the workload: does what the plan says, answers what the server says, and writes it all down.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_journal::{Record, digest};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::board::Board;
use crate::recorder::Recorder;
use crate::seam::{Conversation, Incoming, Person, Session, UNANSWERED_MAX};

/// How long a server may be away, and the pause between two tries to connect.
const AWAY_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// Something that a person is told to do.
#[derive(Debug)]
pub(crate) enum Order {
    Say { conversation: String, text: String },
    Read(String),
    Leave,
    Return,
}

/// A message without an answer.
struct Open {
    id: Uuid,
    conversation: String,
    text: String,
    /// Whether it was sent on the connection in use.
    sent: bool,
    /// Whether it was sent at all.
    tried: bool,
}

pub(crate) struct Member<P: Person> {
    index: usize,
    person: Arc<P>,
    repeats_are_safe: bool,
    recorder: Recorder,
    board: Arc<Board>,
    session: Option<P::Session>,
    place: <P::Session as Session>::Place,
    synced: bool,
    open: VecDeque<Open>,
    /// The highest reads that were asked for and not confirmed, by conversation.
    reads: HashMap<String, u64>,
    /// The last seq seen, by conversation.
    seen: HashMap<String, u64>,
}

impl<P: Person> Member<P> {
    pub(crate) fn new(
        index: usize,
        person: Arc<P>,
        repeats_are_safe: bool,
        recorder: Recorder,
        board: Arc<Board>,
    ) -> Self {
        Self {
            index,
            person,
            repeats_are_safe,
            recorder,
            board,
            session: None,
            place: Default::default(),
            synced: false,
            open: VecDeque::new(),
            reads: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    /// Follows the orders to their end, then waits with open ears until `rested` changes, and writes down what waits
    /// to be read in `conversations`.
    pub(crate) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut rested: watch::Receiver<()>,
        conversations: Arc<Vec<Conversation>>,
    ) -> Result<()> {
        let mut ordered = true;
        loop {
            let idle = !ordered && self.open.is_empty() && self.reads.is_empty() && self.synced;
            self.board.rests(self.index, idle);
            let room = self.open.len() + self.reads.len() < UNANSWERED_MAX;
            tokio::select! {
                order = orders.recv(), if ordered && room => {
                    ordered = order.is_some();
                    self.follow(order.unwrap_or(Order::Return)).await?;
                }
                incoming = heard(&mut self.session) => self.take(incoming).await?,
                // The sender outlives all people. Orders that wait for answers which never come are given up with the run.
                _ = rested.changed() => break,
            }
        }
        self.finish(&conversations).await
    }

    async fn follow(&mut self, order: Order) -> Result<()> {
        match order {
            Order::Say { conversation, text } => {
                self.open.push_back(Open {
                    id: Uuid::now_v7(),
                    conversation,
                    text,
                    sent: false,
                    tried: false,
                });
                self.send_open().await
            }
            Order::Read(conversation) => {
                let seen = self.seen.get(&conversation).copied();
                match seen {
                    Some(seq) => self.say_read(conversation, seq).await,
                    None => Ok(()),
                }
            }
            Order::Leave => self.leave().await,
            Order::Return => self.connect().await,
        }
    }

    /// Connects unless a connection stands.
    async fn connect(&mut self) -> Result<()> {
        if self.session.is_some() {
            return Ok(());
        }
        let deadline = Instant::now() + AWAY_LIMIT;
        let session = loop {
            self.recorder.add(|at| Record::Connecting { at })?;
            let tried = timeout(AWAY_LIMIT, self.person.connect(self.place.clone())).await;
            match tried.context("the server does not answer").flatten() {
                Ok(session) => break session,
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
        };
        let resume = session.claims();
        self.recorder.add(|at| Record::Connected { at, resume })?;
        self.board.count(|counts| counts.connections += 1);
        self.session = Some(session);
        self.send_open().await?;
        // Whether a read that was not confirmed took effect is unknown; asking again settles it.
        for (conversation, seq) in self.reads.clone() {
            self.say_read(conversation, seq).await?;
        }
        Ok(())
    }

    /// Sends all that was not sent on this connection.
    async fn send_open(&mut self) -> Result<()> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        for message in self.open.iter_mut().filter(|message| !message.sent) {
            self.recorder.add(|at| Record::Send {
                at,
                id: message.id,
                conversation: message.conversation.clone(),
                digest: digest(&message.text),
            })?;
            let again = message.tried;
            self.board.count(|counts| {
                counts.sent += u64::from(!again);
                counts.repeated += u64::from(again);
            });
            (message.sent, message.tried) = (true, true);
            session
                .send(message.id, &message.conversation, &message.text)
                .await?;
        }
        Ok(())
    }

    /// Says what is read. An earlier read of the conversation need not be confirmed any more.
    async fn say_read(&mut self, conversation: String, seq: u64) -> Result<()> {
        if let Some(session) = &mut self.session
            && session.read(&conversation, seq).await?
        {
            self.reads.insert(conversation, seq);
        }
        Ok(())
    }

    async fn take(&mut self, incoming: Incoming) -> Result<()> {
        match incoming {
            Incoming::Delivered {
                conversation,
                seq,
                message,
                via,
            } => {
                let (id, digest) = match &message {
                    Some((id, text)) => (Some(*id), digest(text)),
                    None => (None, 0),
                };
                if let Some(seq) = seq {
                    let seen = self.seen.entry(conversation.clone()).or_default();
                    *seen = seq.max(*seen);
                }
                self.recorder.add(|at| Record::Delivered {
                    at,
                    conversation,
                    seq,
                    id,
                    digest,
                    whole: None,
                    withheld: false,
                    via,
                })?;
                if let Some(id) = id {
                    self.board.delivered(self.index, id);
                }
            }
            Incoming::Ack { id, seq } => {
                let stored = None;
                self.recorder.add(|at| Record::Ack { at, id, seq, stored })?;
                if let Some(message) = self.answered(id) {
                    self.board.count(|counts| counts.acked += 1);
                    self.board.promised(&message.conversation, id);
                }
            }
            Incoming::Refused { id, code } => {
                self.recorder.add(|at| Record::Refused { at, id, code })?;
                self.answered(id);
                self.board.count(|counts| counts.refused += 1);
            }
            Incoming::Read { conversation, seq } => {
                if self.reads.get(&conversation).is_some_and(|asked| *asked <= seq) {
                    self.reads.remove(&conversation);
                }
                self.recorder.add(|at| Record::Read {
                    at,
                    conversation,
                    seq,
                })?;
            }
            Incoming::Synced => {
                self.synced = true;
                self.recorder.add(|at| Record::Synced { at })?;
            }
            Incoming::Gap {
                conversation,
                from,
                to,
            } => self.recorder.add(|at| Record::Gap {
                at,
                conversation,
                from,
                to,
            })?,
            Incoming::Closed { reason } => self.lost(&reason).await?,
        }
        Ok(())
    }

    fn answered(&mut self, id: Uuid) -> Option<Open> {
        let position = self.open.iter().position(|message| message.id == id)?;
        self.open.remove(position)
    }

    /// The server has ended the connection: another one takes its place.
    async fn lost(&mut self, reason: &str) -> Result<()> {
        self.leave().await?;
        self.board.broken(reason);
        // One that ends every connection at once is not asked without pause.
        sleep(PAUSE).await;
        self.connect().await
    }

    async fn leave(&mut self) -> Result<()> {
        let Some(session) = self.session.take() else {
            return Ok(());
        };
        self.count_corrections(&session);
        self.place = session.close().await;
        self.synced = false;
        let repeats_are_safe = self.repeats_are_safe;
        self.open.retain(|message| repeats_are_safe || !message.tried);
        for message in &mut self.open {
            message.sent = false;
        }
        self.recorder.add(|at| Record::Disconnected { at })
    }

    async fn finish(mut self, conversations: &[Conversation]) -> Result<()> {
        let user = self.person.user();
        let own = conversations
            .iter()
            .filter(|conversation| conversation.readers.iter().any(|reader| reader == user));
        for conversation in own {
            if let Some(count) = self.person.unread(conversation).await? {
                self.recorder.add(|at| Record::Unread {
                    at,
                    conversation: conversation.name.clone(),
                    count,
                })?;
            }
        }
        let session = self.session.take();
        if let Some(session) = &session {
            self.count_corrections(session);
        }
        // The journal ends while the connection stands, which says that nothing was missing.
        self.recorder.close()?;
        if let Some(session) = session {
            session.close().await;
        }
        Ok(())
    }

    fn count_corrections(&self, session: &P::Session) {
        let corrections = session.corrections();
        self.board.count(|counts| counts.corrected += corrections);
    }
}

/// What the connection says next; nothing while there is none.
async fn heard<S: Session>(session: &mut Option<S>) -> Incoming {
    match session {
        Some(session) => session.next().await,
        None => std::future::pending().await,
    }
}
