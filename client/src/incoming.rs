//! What comes out of a connection.

use std::{
    pin::Pin,
    sync::{Arc, PoisonError, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::Stream;
use tidings_protocol::{
    Event, Gap, Notice, Presence, PresenceCount, PresenceState, Receipt, Resume, TypingNotice, Welcome,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    DisconnectReason,
    queue::{Taken, Waiting},
    sequence::Counts,
};

/// One thing that the server said, or that became of the connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Incoming {
    /// The connection stands; what was missed follows.
    Connected(Box<Welcome>),
    /// The next event of its conversation; [`Event::decode`] says what happened in it. What a message said that has been
    /// recalled since is not in it any more.
    Event(Event),
    /// These events were left out; [`crate::Client::fetch`] brings them.
    Gap(Gap),
    /// The server's log ends before what was seen of a conversation (of the notices, where it is `None`): it was restored
    /// from a back-up. What is after `to` is no longer so, and the next events take those places. Where `to` is 0, the log knows nothing
    /// of the user in that conversation: should they be let in again, it begins with that.
    Rewound {
        conversation: Option<Uuid>,
        to: u64,
    },
    /// All that was missed has been delivered; what follows is live.
    Synced,
    Notice(Notice),
    Typing(TypingNotice),
    /// Somebody who is watched came or went ([`crate::Client::watch`]).
    Presence(Presence),
    PresenceCount(PresenceCount),
    /// Takes the place of all that was said of who is there.
    PresenceState(PresenceState),
    Receipt(Receipt),
    /// The connection ended. It comes back after `retry_in`; `None` ends the stream.
    Disconnected {
        reason: DisconnectReason,
        retry_in: Option<Duration>,
    },
}

/// How often the stream was not in order by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Corrections {
    /// Events that came again and were dropped.
    pub repeats: u64,
    /// Holes that had to be fetched.
    pub holes: u64,
    /// The newest of them: the events that were neither sent nor left out.
    pub last_hole: Option<Gap>,
}

/// The stream of a connection. Dropping it ends the connection.
#[derive(Debug)]
pub struct EventStream {
    events: mpsc::Receiver<Waiting>,
    had: Arc<Taken>,
    seen: Resume,
    counts: Arc<Counts>,
    ended: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl EventStream {
    pub(crate) fn new(
        events: mpsc::Receiver<Waiting>,
        had: Arc<Taken>,
        seen: Resume,
        counts: Arc<Counts>,
        ended: CancellationToken,
        task: JoinHandle<()>,
    ) -> Self {
        Self {
            events,
            had,
            seen,
            counts,
            ended,
            task: Some(task),
        }
    }

    /// The next value; `None` when the connection has ended for good. Cancel-safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        let incoming = self.events.recv().await?.incoming;
        self.note(&incoming);
        Some(incoming)
    }

    /// Cursors of all that this stream has handed out, to resume from in another connection. A conversation
    /// moves only when its events came out in order.
    pub fn cursors(&self) -> &Resume {
        &self.seen
    }

    /// What had to be put right on the way here. With a server that keeps the contract both stay zero.
    pub fn corrections(&self) -> Corrections {
        Corrections {
            repeats: self.counts.repeats.load(Ordering::Relaxed),
            holes: self.counts.holes.load(Ordering::Relaxed),
            last_hole: *self
                .counts
                .last_hole
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Ends the connection, waits until the socket is closed, and returns the final cursors. What has not been
    /// taken out yet is dropped and does not count as seen, neither here nor to the server.
    pub async fn close(mut self) -> Resume {
        self.events.close();
        self.ended.cancel();
        if let Some(task) = self.task.take() {
            // It ends by itself within its own time-outs; a panic in it has been reported by the runtime.
            let _ = task.await;
        }
        std::mem::take(&mut self.seen)
    }

    fn note(&mut self, incoming: &Incoming) {
        self.had.one();
        match incoming {
            Incoming::Event(event) => {
                self.seen.conversations.insert(event.conversation, event.seq);
            }
            Incoming::Gap(gap) => {
                self.seen.conversations.insert(gap.conversation, gap.to);
            }
            Incoming::Rewound {
                conversation: Some(conversation),
                to,
            } => {
                if *to > 0 {
                    self.seen.conversations.insert(*conversation, *to);
                } else {
                    self.seen.conversations.remove(conversation);
                }
            }
            Incoming::Rewound {
                conversation: None,
                to,
            } => self.seen.notices = Some(*to),
            Incoming::Notice(notice) => self.seen.notices = Some(notice.seq),
            _ => {}
        }
    }
}

impl Stream for EventStream {
    type Item = Incoming;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        let polled = self
            .events
            .poll_recv(cx)
            .map(|waiting| waiting.map(|waiting| waiting.incoming));
        if let Poll::Ready(Some(incoming)) = &polled {
            self.note(incoming);
        }
        polled
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        // First, lest the connection's task find everything taken and say so.
        self.events.close();
        self.ended.cancel();
    }
}
