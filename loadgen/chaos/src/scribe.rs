//! Writes down what a device does and sees, as the checker wants it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_journal::{Journal, Micros, Record, Via, digest};
use tidings_protocol::{Content, Event, EventData, Gap};
use tokio::time::Instant;
use uuid::Uuid;

/// The clock that all journals of a run share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Micros {
        self.0.elapsed().as_micros() as Micros
    }
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Uuid,
    pub(crate) conversation: Uuid,
    pub(crate) text: String,
}

/// One device's journal as it grows.
#[derive(Debug)]
pub(crate) struct Scribe {
    clock: Clock,
    journal: Journal,
    synced: bool,
    connected: bool,
    connections: u64,
    /// Sent and not answered, in the order of sending.
    unanswered: Vec<Message>,
    /// The last seq shown, by conversation; others look at it while the device lives.
    seen: Seen,
}

/// How far a device has come; shared with those who wait for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<Uuid, u64>>>);

impl Seen {
    pub(crate) fn of(&self, conversation: Uuid) -> u64 {
        self.lock().get(&conversation).copied().unwrap_or(0)
    }

    pub(crate) fn all(&self) -> BTreeMap<Uuid, u64> {
        self.lock().clone()
    }

    fn reach(&self, conversation: Uuid, seq: u64) {
        self.lock().insert(conversation, seq);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Uuid, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scribe {
    pub(crate) fn new(clock: Clock, user: Uuid, device: &str) -> Self {
        Self {
            clock,
            journal: Journal {
                user: user.to_string(),
                device: device.to_owned(),
                records: Vec::new(),
            },
            synced: false,
            connected: false,
            connections: 0,
            unanswered: Vec::new(),
            seen: Seen::default(),
        }
    }

    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections
    }

    pub(crate) fn unanswered(&self) -> &[Message] {
        &self.unanswered
    }

    pub(crate) fn is_synced(&self) -> bool {
        self.connected && self.synced
    }

    pub(crate) fn close(self) -> Journal {
        self.journal
    }

    /// Before the attempt.
    pub(crate) fn connecting(&mut self) {
        let at = self.clock.now();
        self.add(Record::Connecting { at });
    }

    /// With the cursors that the client claimed. Everything unanswered goes out again, in the first order.
    pub(crate) fn connected(&mut self, resume: &BTreeMap<Uuid, u64>) {
        (self.connected, self.synced) = (true, false);
        self.connections += 1;
        let at = self.clock.now();
        let resume = resume.iter().map(|(id, seq)| (id.to_string(), *seq)).collect();
        self.add(Record::Connected { at, resume });
        for message in self.unanswered.clone() {
            self.try_to_send(&message);
        }
    }

    pub(crate) fn synced(&mut self) {
        self.synced = true;
        let at = self.clock.now();
        self.add(Record::Synced { at });
    }

    pub(crate) fn disconnected(&mut self) {
        if std::mem::take(&mut self.connected) {
            let at = self.clock.now();
            self.add(Record::Disconnected { at });
        }
    }

    /// Before the message goes out.
    pub(crate) fn send(&mut self, message: Message) {
        self.try_to_send(&message);
        self.unanswered.push(message);
    }

    /// Before an unanswered message goes out once more.
    pub(crate) fn send_again(&mut self, message: &Message) {
        self.try_to_send(message);
    }

    /// The server has it. Answers whether that was open.
    pub(crate) fn acked(&mut self, id: Uuid, seq: u64) -> bool {
        let open = self.settle(id);
        if open {
            let at = self.clock.now();
            self.add(Record::Ack {
                at,
                id,
                seq: Some(seq),
            });
        }
        open
    }

    /// The server does not take it, now or ever.
    pub(crate) fn refused(&mut self, id: Uuid, code: &str) {
        if self.settle(id) {
            self.turned_away(id, code);
        }
    }

    /// The server does not take it this time; it stays unanswered.
    pub(crate) fn turned_away(&mut self, id: Uuid, code: &str) {
        let (at, code) = (self.clock.now(), code.to_owned());
        self.add(Record::Refused { at, id, code });
    }

    /// The server cannot tell; it stays unanswered.
    pub(crate) fn unsettled(&mut self, id: Uuid, code: &str) {
        let (at, code) = (self.clock.now(), code.to_owned());
        self.add(Record::Unsettled { at, id, code });
    }

    /// An event came by itself.
    pub(crate) fn shown(&mut self, event: &Event) {
        let via = if self.synced { Via::Live } else { Via::CatchUp };
        self.seen.reach(event.conversation, event.seq);
        self.delivered(event, via);
    }

    pub(crate) fn fetched(&mut self, event: &Event) {
        self.delivered(event, Via::Fetch);
    }

    pub(crate) fn gap(&mut self, gap: &Gap) {
        let at = self.clock.now();
        self.seen.reach(gap.conversation, gap.to);
        self.add(Record::Gap {
            at,
            conversation: gap.conversation.to_string(),
            from: gap.from,
            to: gap.to,
        });
    }

    pub(crate) fn read(&mut self, conversation: Uuid, seq: u64) {
        let at = self.clock.now();
        self.add(Record::Read {
            at,
            conversation: conversation.to_string(),
            seq,
        });
    }

    fn delivered(&mut self, event: &Event, via: Via) {
        let (id, digest) = match event.decode() {
            EventData::MessageSent(sent) => (Some(sent.message), content_digest(&sent.content)),
            _ => (None, 0),
        };
        let at = self.clock.now();
        self.add(Record::Delivered {
            at,
            conversation: event.conversation.to_string(),
            seq: Some(event.seq),
            id,
            digest,
            via,
        });
    }

    fn try_to_send(&mut self, message: &Message) {
        let at = self.clock.now();
        self.add(Record::Send {
            at,
            id: message.id,
            conversation: message.conversation.to_string(),
            digest: digest(&message.text),
        });
    }

    fn settle(&mut self, id: Uuid) -> bool {
        let before = self.unanswered.len();
        self.unanswered.retain(|message| message.id != id);
        self.unanswered.len() < before
    }

    fn add(&mut self, record: Record) {
        self.journal.records.push(record);
    }
}

fn content_digest(content: &Content) -> u64 {
    match content {
        Content::Text { text } => digest(text),
        // Nobody here sends anything else.
        _ => 0,
    }
}
