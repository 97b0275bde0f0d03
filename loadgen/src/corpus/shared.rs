//! What all people of a run write into.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use anyhow::anyhow;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use tidings_protocol::{Ack, Content, Event, MessageSend, Position};
use tidings_scribe::{
    said::{Said, says},
    scribe::Clock,
};
use tokio::sync::watch;
use uuid::Uuid;

use super::forwards::Copied;

/// So many of the last messages of a conversation are known.
const SPOKEN: usize = 16;

/// Ack latencies up to this are told apart.
const LATENCY_MICROS_MAX: u64 = 600_000_000;

pub(crate) struct Shared {
    /// Events that came to any client.
    pub(crate) deliveries: AtomicU64,
    pub(crate) reconnects: AtomicU64,
    pub(crate) window: usize,
    pub(crate) clock: Clock,
    journals: PathBuf,
    latency: Mutex<Histogram<u64>>,
    acked: Mutex<Acked>,
    /// Changes that were refused because their message had been recalled.
    late: Mutex<Vec<Late>>,
    /// The message of each conversation that was acked last, unless it was taken back.
    latest: Mutex<HashMap<Uuid, Uuid>>,
    talk: Mutex<Talk>,
    fault: watch::Sender<Option<String>>,
}

/// What was acked.
#[derive(Default)]
struct Acked {
    /// The highest ack of each conversation.
    heads: HashMap<Uuid, Ack>,
    /// By conversation and seq, the commands; the events of most do not tell them.
    commands: HashMap<(Uuid, u64), Uuid>,
    /// Those of people who are outside and told no seq: by conversation, time and what the event says.
    outside: HashMap<(Uuid, i64, u64), Uuid>,
    /// How many of each kind.
    counts: BTreeMap<&'static str, u64>,
}

/// What was said in which thread, and to whom.
#[derive(Default)]
struct Talk {
    /// By conversation, and by who spoke there last: what begins the thread in which that stands or would be answered.
    roots: HashMap<(Uuid, Option<Uuid>), Uuid>,
    /// The threads of each conversation in which somebody has replied, the last one last.
    threads: HashMap<Uuid, Vec<Uuid>>,
    /// Who was mentioned by a message, and whether everybody was.
    mentioned: HashMap<Uuid, (Vec<Uuid>, bool)>,
    copies: Vec<Copied>,
    /// The messages of each conversation that were acked last and were not taken back, each with who sent it.
    spoken: HashMap<Uuid, Vec<(Uuid, Uuid)>>,
}

/// A change that came too late.
#[derive(Clone)]
pub(crate) struct Late {
    pub(crate) reader: String,
    pub(crate) conversation: Uuid,
    pub(crate) message: Uuid,
}

impl Shared {
    /// With a directory for the journals.
    pub(crate) fn new(window: usize, journals: PathBuf) -> Self {
        Self {
            deliveries: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            window,
            clock: Clock::start(),
            journals,
            latency: Mutex::new(
                Histogram::new_with_max(LATENCY_MICROS_MAX, 3).expect("the bounds are valid for a histogram"),
            ),
            acked: Mutex::default(),
            late: Mutex::default(),
            latest: Mutex::default(),
            talk: Mutex::default(),
            fault: watch::Sender::new(None),
        }
    }

    pub(crate) fn journals(&self) -> &Path {
        &self.journals
    }

    /// Takes the ack of a command.
    pub(crate) fn acked(&self, said: &Said, ack: &Ack) {
        let mut acked = lock(&self.acked);
        *acked.counts.entry(said.action.name()).or_default() += 1;
        if ack.seq == 0 {
            let event = (ack.conversation, ack.at.millis(), said.digest);
            acked.outside.insert(event, said.id);
        } else {
            acked.commands.insert((ack.conversation, ack.seq), said.id);
        }
        let head = acked.heads.entry(ack.conversation).or_insert_with(|| ack.clone());
        head.seq = head.seq.max(ack.seq);
        // All of a conversation is in one lane.
        head.position = head.position.max(ack.position);
    }

    /// Takes a message that was acked: others may answer it.
    pub(crate) fn said(&self, sender: Uuid, id: Uuid, send: &MessageSend) {
        let conversation = send.conversation;
        let root = send.thread.unwrap_or(id);
        {
            let mut talk = lock(&self.talk);
            talk.roots.insert((conversation, None), root);
            talk.roots.insert((conversation, Some(sender)), root);
            if let Some(thread) = send.thread {
                let threads = talk.threads.entry(conversation).or_default();
                threads.retain(|other| *other != thread);
                threads.push(thread);
            }
            if send.everyone || !send.mentions.is_empty() {
                let mentions = (send.mentions.clone(), send.everyone);
                talk.mentioned.insert(id, mentions);
            }
            let spoken = talk.spoken.entry(conversation).or_default();
            spoken.push((id, sender));
            spoken.drain(..spoken.len().saturating_sub(SPOKEN));
            if let Some(source) = send.forward {
                talk.copies.push(Copied {
                    conversation,
                    message: id,
                    source,
                });
            }
        }
        for (kind, counts) in [
            ("replies", send.thread.is_some()),
            ("everyone", send.everyone),
            ("forwards", send.forward.is_some()),
            ("files", matches!(send.content, Some(Content::File { .. }))),
        ] {
            if counts {
                self.did(kind);
            }
        }
        self.set_latest(conversation, id);
    }

    /// What begins the thread in which somebody is answered who spoke last in a conversation, or else whoever did.
    pub(crate) fn root(&self, conversation: Uuid, of: Option<Uuid>) -> Option<Uuid> {
        let talk = lock(&self.talk);
        let root = talk.roots.get(&(conversation, of));
        root.or_else(|| talk.roots.get(&(conversation, None))).copied()
    }

    /// The thread of a conversation in which somebody has replied last.
    pub(crate) fn thread(&self, conversation: Uuid) -> Option<Uuid> {
        lock(&self.talk).threads.get(&conversation)?.last().copied()
    }

    /// All threads of a conversation in which somebody has replied.
    pub(crate) fn threads(&self, conversation: Uuid) -> Vec<Uuid> {
        let threads = lock(&self.talk).threads.get(&conversation).cloned();
        threads.unwrap_or_default()
    }

    /// Who was mentioned by a message, and whether everybody was.
    pub(crate) fn mentioned(&self, message: Uuid) -> Option<(Vec<Uuid>, bool)> {
        lock(&self.talk).mentioned.get(&message).cloned()
    }

    pub(crate) fn copies(&self) -> Vec<Copied> {
        lock(&self.talk).copies.clone()
    }

    /// Counts a command that makes no event of a conversation.
    pub(crate) fn did(&self, kind: &'static str) {
        *lock(&self.acked).counts.entry(kind).or_default() += 1;
    }

    /// How long a message took to its ack.
    pub(crate) fn took(&self, took: Duration) {
        lock(&self.latency).saturating_record(took.as_micros() as u64);
    }

    /// How many commands of a kind were acked.
    pub(crate) fn count(&self, kind: &str) -> u64 {
        lock(&self.acked).counts.get(kind).copied().unwrap_or(0)
    }

    /// The command of which an ack said that it made this event.
    pub(crate) fn command(&self, event: &Event) -> Option<Uuid> {
        let acked = lock(&self.acked);
        let placed = acked.commands.get(&(event.conversation, event.seq));
        let outside = || {
            let event = (event.conversation, event.at.millis(), says(&event.decode()));
            acked.outside.get(&event)
        };
        placed.or_else(outside).copied()
    }

    pub(crate) fn late(&self, late: Late) {
        lock(&self.late).push(late);
    }

    pub(crate) fn all_late(&self) -> Vec<Late> {
        lock(&self.late).clone()
    }

    /// The message of a conversation that was acked last.
    pub(crate) fn latest(&self, conversation: Uuid) -> Option<Uuid> {
        lock(&self.latest).get(&conversation).copied()
    }

    fn set_latest(&self, conversation: Uuid, message: Uuid) {
        lock(&self.latest).insert(conversation, message);
    }

    /// One of the last messages of a conversation, and its sender, who is not this one.
    pub(crate) fn spoken(&self, conversation: Uuid, other_than: Uuid) -> Option<(Uuid, Uuid)> {
        let talk = lock(&self.talk);
        let mut spoken = talk.spoken.get(&conversation)?.iter().rev();
        spoken.find(|(_, sender)| *sender != other_than).copied()
    }

    /// Nothing more is done to a message.
    pub(crate) fn forget_latest(&self, conversation: Uuid, message: Uuid) {
        if let Some(spoken) = lock(&self.talk).spoken.get_mut(&conversation) {
            spoken.retain(|(id, _)| *id != message);
        }
        let mut latest = lock(&self.latest);
        if latest.get(&conversation) == Some(&message) {
            latest.remove(&conversation);
        }
    }

    /// Conversations in which anything was acked.
    pub(crate) fn conversations(&self) -> Vec<Uuid> {
        lock(&self.acked).heads.keys().copied().collect()
    }

    /// The highest acked seq of a conversation.
    pub(crate) fn head(&self, conversation: Uuid) -> u64 {
        lock(&self.acked)
            .heads
            .get(&conversation)
            .map_or(0, |ack| ack.seq)
    }

    /// Somebody who is acked nothing, or no seq, has done something to a conversation.
    pub(crate) fn reached(&self, conversation: Uuid, seq: u64) {
        if let Some(head) = lock(&self.acked).heads.get_mut(&conversation) {
            head.seq = seq.max(head.seq);
        }
    }

    /// Where that ack stands in the log.
    pub(crate) fn position(&self, conversation: Uuid) -> Option<Position> {
        lock(&self.acked).heads.get(&conversation).map(|ack| ack.position)
    }

    pub(crate) fn latency(&self) -> MutexGuard<'_, Histogram<u64>> {
        lock(&self.latency)
    }

    /// Stops the run; the first fault counts.
    pub(crate) fn fail(&self, fault: String) {
        self.fault.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(fault);
            is_first
        });
    }

    /// The first fault, as an error.
    pub(crate) fn sound(&self) -> anyhow::Result<()> {
        match &*self.fault.borrow() {
            Some(fault) => Err(anyhow!(fault.clone())),
            None => Ok(()),
        }
    }

    /// Waits until something failed.
    pub(crate) async fn failed(&self) {
        // The sender lives as long as `self`.
        let _ = self.fault.subscribe().wait_for(Option::is_some).await;
    }
}

/// A progress bar on a terminal, nothing elsewhere.
pub(crate) fn bar(what: &'static str, length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:>14} [{bar:40}] {pos}/{len} {per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_message(what)
}

/// Nothing here stays half-written by a panic, so a poisoned lock is as good as another.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
