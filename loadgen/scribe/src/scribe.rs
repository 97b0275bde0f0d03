//! Writes down what a device does and sees, as the checker wants it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tidings_journal::{Journal, Micros, Record, Stored, Via, whole};
use tidings_protocol::{Ack, Action, Event, EventData, Events, Gap, Limits, Receipt};
use tokio::time::Instant;
use uuid::Uuid;

use crate::moderation::Order;
use crate::said::{Said, is_withheld, says};

/// The clock that all journals of a run share.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn now(self) -> Micros {
        self.0.elapsed().as_micros() as Micros
    }
}

/// One device's journal as it grows.
#[derive(Debug)]
pub struct Scribe {
    clock: Clock,
    journal: Journal,
    synced: bool,
    connected: bool,
    connections: u64,
    /// Sent and not answered, in the order of sending.
    unanswered: Vec<Said>,
    /// The last seq shown, by conversation; others look at it while the device lives.
    seen: Seen,
}

/// How far a device has come; shared with those who wait for it.
#[derive(Clone, Debug, Default)]
pub struct Seen(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
struct Places {
    /// Of the device that there is now.
    now: BTreeMap<Uuid, u64>,
    /// Of those, too, in whose place it came: the last seq that any of them was shown.
    ever: BTreeMap<Uuid, u64>,
    /// Whether it has a connection, as far as it knows.
    connected: bool,
}

impl Seen {
    pub fn of(&self, conversation: Uuid) -> u64 {
        self.lock().now.get(&conversation).copied().unwrap_or(0)
    }

    pub fn ever(&self, conversation: Uuid) -> u64 {
        self.lock().ever.get(&conversation).copied().unwrap_or(0)
    }

    pub fn is_empty(&self) -> bool {
        self.lock().now.is_empty()
    }

    /// Whether the device has a connection, as far as it knows.
    pub fn is_connected(&self) -> bool {
        self.lock().connected
    }

    pub fn all(&self) -> BTreeMap<Uuid, u64> {
        self.lock().now.clone()
    }

    fn reach(&self, conversation: Uuid, seq: u64) {
        let mut places = self.lock();
        places.now.insert(conversation, seq);
        places.ever.insert(conversation, seq);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scribe {
    pub fn new(clock: Clock, user: Uuid, device: &str) -> Self {
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

    pub fn now(&self) -> Micros {
        self.clock.now()
    }

    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    pub fn connections(&self) -> u64 {
        self.connections
    }

    pub fn unanswered(&self) -> &[Said] {
        &self.unanswered
    }

    pub fn is_synced(&self) -> bool {
        self.connected && self.synced
    }

    /// What was written down since it was asked last, for those who put it into a file as it comes. What is gone is not put
    /// right any more.
    pub fn drain(&mut self) -> impl Iterator<Item = Record> {
        self.journal.records.drain(..)
    }

    /// Ends the journal.
    pub fn close(mut self) -> Journal {
        let at = self.clock.now();
        self.add(Record::End { at });
        self.journal
    }

    /// Before the attempt.
    pub fn connecting(&mut self) {
        let at = self.clock.now();
        self.add(Record::Connecting { at });
    }

    /// With the cursors that the client claimed, and what the server says of its limits. Everything unanswered goes out again,
    /// in the first order.
    pub fn connected(&mut self, resume: &BTreeMap<Uuid, u64>, limits: &Limits) {
        (self.connected, self.synced) = (true, false);
        self.seen.lock().connected = true;
        self.connections += 1;
        let at = self.clock.now();
        let resume = resume.iter().map(|(id, seq)| (id.to_string(), *seq)).collect();
        self.add(Record::Connected { at, resume });
        self.add(Record::Limits {
            at,
            catch_up: limits.catch_up_events.into(),
            catch_up_total: limits.catch_up_total.into(),
        });
        for said in self.unanswered.clone() {
            self.try_to_send(&said);
        }
    }

    /// The server says that its log ends here: what the client claimed of the conversation is put right.
    pub fn rewound(&mut self, conversation: Uuid, to: u64) {
        let claims = self
            .journal
            .records
            .iter_mut()
            .rev()
            .find_map(|record| match record {
                Record::Connected { resume, .. } => Some(resume),
                _ => None,
            });
        let conversation_name = conversation.to_string();
        match claims {
            // The log knows nothing of the person there.
            Some(resume) if to == 0 => {
                resume.remove(&conversation_name);
            }
            Some(resume) => {
                if let Some(claim) = resume.get_mut(&conversation_name) {
                    *claim = to.min(*claim);
                }
            }
            None => {}
        }
        self.seen.reach(conversation, to);
    }

    /// The device is lost; the next one has been shown nothing.
    pub fn forget(&mut self) {
        self.seen.lock().now.clear();
    }

    pub fn synced(&mut self) {
        self.synced = true;
        let at = self.clock.now();
        self.add(Record::Synced { at });
    }

    pub fn disconnected(&mut self) {
        if std::mem::take(&mut self.connected) {
            self.seen.lock().connected = false;
            let at = self.clock.now();
            self.add(Record::Disconnected { at });
        }
    }

    /// Before the command goes out.
    pub fn send(&mut self, said: Said) {
        self.try_to_send(&said);
        self.unanswered.push(said);
    }

    /// Before an unanswered command goes out once more.
    pub fn send_again(&mut self, said: &Said) {
        self.try_to_send(said);
    }

    /// A command that went out at this time has made a conversation, which had no name before.
    pub fn made(&mut self, at: Micros, said: &Said, ack: &Ack) {
        self.tried(at, said, ack.conversation);
        let at = self.clock.now();
        self.add(Record::Ack {
            at,
            id: said.id,
            seq: seq(ack),
            stored: Some(stored(ack)),
        });
    }

    /// A command that went out at this time wants to make this conversation, which had no name before.
    pub fn tried(&mut self, at: Micros, said: &Said, conversation: Uuid) {
        // Others may have told of it before, and what was said there since stands behind it.
        let records = &mut self.journal.records;
        let place = records.partition_point(|record| record.at() <= at);
        let sent = Record::Send {
            at,
            id: said.id,
            conversation: conversation.to_string(),
            digest: said.digest,
        };
        records.insert(place, sent);
    }

    /// The server has it. Answers whether that was open.
    pub fn acked(&mut self, ack: &Ack) -> bool {
        let open = self.settle(ack.id);
        if open {
            let at = self.clock.now();
            self.add(Record::Ack {
                at,
                id: ack.id,
                seq: seq(ack),
                stored: Some(stored(ack)),
            });
        }
        open
    }

    /// The server says how far somebody has read.
    pub fn receipt(&mut self, receipt: &Receipt) {
        let at = self.clock.now();
        self.add(Record::Receipt {
            at,
            conversation: receipt.conversation.to_string(),
            user: receipt.user.to_string(),
            seq: receipt.read_seq,
        });
    }

    /// The server has answered a ping.
    pub fn alive(&mut self) {
        let at = self.clock.now();
        self.add(Record::Alive { at });
    }

    /// The server does not take it, now or ever.
    pub fn refused(&mut self, id: Uuid, code: &str) {
        if self.settle(id) {
            self.turned_away(id, code);
        }
    }

    /// The server does not take it this time; it stays unanswered.
    pub fn turned_away(&mut self, id: Uuid, code: &str) {
        let (at, code) = (self.clock.now(), code.to_owned());
        self.add(Record::Refused { at, id, code });
    }

    /// The server cannot tell; it stays unanswered.
    pub fn unsettled(&mut self, id: Uuid, code: &str) {
        let (at, code) = (self.clock.now(), code.to_owned());
        self.add(Record::Unsettled { at, id, code });
    }

    /// Before a moderator's order goes out that makes this event, for the first time or again.
    pub fn ordered(&mut self, order: &Order) {
        self.goes_out(order.id, order.conversation, order.digest);
    }

    /// The server says that the order is carried out.
    pub fn carried_out(&mut self, order: &Order) {
        let (at, id) = (self.clock.now(), order.id);
        self.add(Record::Ack {
            at,
            id,
            seq: None,
            stored: None,
        });
    }

    /// An event came by itself.
    pub fn shown(&mut self, event: &Event) {
        let via = if self.synced { Via::Live } else { Via::CatchUp };
        self.seen.reach(event.conversation, event.seq);
        self.delivered(event, via);
    }

    fn fetched(&mut self, event: &Event) {
        self.delivered(event, Via::Fetch);
    }

    /// A part of a gap was fetched. Answers what is still missing, and whether anything came.
    pub fn filled(&mut self, gap: &Gap, events: &Events) -> (Option<Gap>, bool) {
        let within = events.events.iter().filter(|event| event.seq <= gap.to);
        let mut from = gap.from;
        for event in within {
            self.fetched(event);
            from = event.seq + 1;
        }
        ((from <= gap.to).then_some(Gap { from, ..*gap }), from > gap.from)
    }

    pub fn gap(&mut self, gap: &Gap) {
        let at = self.clock.now();
        self.seen.reach(gap.conversation, gap.to);
        self.add(Record::Gap {
            at,
            conversation: gap.conversation.to_string(),
            from: gap.from,
            to: gap.to,
        });
    }

    pub fn read(&mut self, conversation: Uuid, seq: u64) {
        let at = self.clock.now();
        self.add(Record::Read {
            at,
            conversation: conversation.to_string(),
            seq,
        });
    }

    /// The server has taken what the person does for themselves, which they asked for at `asked`; only what hides something, or somebody, is
    /// written down.
    pub fn did(&mut self, asked: Micros, action: &Action) {
        let at = self.clock.now();
        match action {
            Action::MessageHide {
                conversation,
                messages,
            } => self.add(Record::Hidden {
                at,
                asked,
                conversation: conversation.to_string(),
                messages: messages.clone(),
            }),
            Action::ConversationClear { conversation, seq } => self.add(Record::Cleared {
                at,
                asked,
                conversation: conversation.to_string(),
                seq: *seq,
            }),
            Action::UserBlock { user, on } => self.add(Record::Blocked {
                at,
                asked,
                user: user.to_string(),
                on: *on,
            }),
            _ => {}
        }
    }

    /// The server says how many messages wait to be read, at a moment when nothing is on its way.
    pub fn unread(&mut self, conversation: Uuid, count: u64) {
        let at = self.clock.now();
        self.add(Record::Unread {
            at,
            conversation: conversation.to_string(),
            count,
        });
    }

    /// History, or a search, has told of a message; it was asked at this time for all that was known of it.
    pub fn history(&mut self, asked: Micros, conversation: Uuid, id: Uuid, withheld: bool) {
        let at = self.clock.now();
        self.add(Record::History {
            at,
            asked,
            conversation: conversation.to_string(),
            id,
            withheld,
        });
    }

    fn delivered(&mut self, event: &Event, via: Via) {
        let data = event.decode();
        let id = match &data {
            EventData::MessageSent(sent) => Some(sent.message),
            _ => None,
        };
        let (actor, millis) = (event.actor.to_string(), event.at.millis());
        let at = self.clock.now();
        let withheld = is_withheld(&data);
        let whole = (!withheld).then(|| whole(event.kind.as_str(), &actor, millis, event.data.get()));
        self.add(Record::Delivered {
            at,
            conversation: event.conversation.to_string(),
            seq: Some(event.seq),
            id,
            digest: if withheld { 0 } else { says(&data) },
            whole,
            withheld,
            via,
        });
    }

    fn try_to_send(&mut self, said: &Said) {
        self.goes_out(said.id, said.conversation, said.digest);
    }

    fn goes_out(&mut self, id: Uuid, conversation: Uuid, digest: u64) {
        let (at, conversation) = (self.clock.now(), conversation.to_string());
        self.add(Record::Send {
            at,
            id,
            conversation,
            digest,
        });
    }

    fn settle(&mut self, id: Uuid) -> bool {
        let before = self.unanswered.len();
        self.unanswered.retain(|said| said.id != id);
        self.unanswered.len() < before
    }

    fn add(&mut self, record: Record) {
        self.journal.records.push(record);
    }
}

/// Its place, where the server tells it. Of what becomes of two people it does not: either may have done what the other one must not know. Nor does it
/// tell those who are outside how much is said inside.
fn seq(ack: &Ack) -> Option<u64> {
    (ack.seq > 0).then_some(ack.seq)
}

fn stored(ack: &Ack) -> Stored {
    Stored {
        lane: ack.position.lane,
        pos: ack.position.pos,
        time: ack.at.millis(),
    }
}
