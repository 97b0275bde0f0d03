//! The hub: the way into the lanes' tasks, and to everybody who is connected here.
//!
//! One task a lane owns the subscriptions of the lane's conversations, so there are no locks. Batches come from local
//! commits, from other nodes, and from the log; positions tell repeats and holes apart.

use super::outbox::Outbox;
use super::task::HubTask;
use crate::by_lane::ByLane;
use crate::controls::Controls;
use crate::lifecycle::Lifecycle;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_domain::UserId;
use tidings_eventlog::{Committed, LaneHead, Log};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;

/// Messages that may wait for one lane's hub. Senders wait when it is full.
const QUEUE: usize = 1024;
/// KiB of events that may wait there.
const QUEUE_KIB: u32 = 32 << 10;

/// Ephemeral frames that may wait for one lane's hub, which takes them when it has nothing else to do. More are not shown.
const PASSING_QUEUE: usize = 256;
/// Typing leaves this many places to receipts.
const PASSING_RESERVED: usize = 128;

/// A connection, as the hub knows it.
#[derive(Clone)]
pub struct Subscriber {
    pub connection: u64,
    pub user: UserId,
    pub outbox: Arc<Outbox>,
}

pub(super) enum Message {
    /// A range of the lane, from wherever it came, with the room that it takes in the queue.
    Batch {
        batch: Committed,
        room: OwnedSemaphorePermit,
        /// Since when it has been on its way.
        since: Instant,
    },
    /// The lane has come here, perhaps on another time line.
    Head(LaneHead),
    Register(Subscriber, oneshot::Sender<()>),
    Subscribe(Subscriber, Vec<Uuid>, oneshot::Sender<Vec<(Uuid, u64)>>),
    Unregister(u64, UserId),
}

/// What is shown to those who are there, and may be lost.
pub(super) enum Passing {
    Receipt {
        conversation: Uuid,
        audience: Audience,
        frame: Bytes,
    },
    Typing {
        conversation: Uuid,
        /// The connection that it comes from, which has to see the conversation; `None` when another node has made sure.
        from: Option<u64>,
        audience: Audience,
        frame: Bytes,
        /// Done when it is shown.
        onward: Onward,
    },
    /// The question whether what is typed on a connection would be shown.
    Typist {
        conversation: Uuid,
        from: u64,
        /// Done when it would.
        onward: Onward,
    },
}

impl Passing {
    fn conversation(&self) -> Uuid {
        match self {
            Self::Receipt { conversation, .. }
            | Self::Typing { conversation, .. }
            | Self::Typist { conversation, .. } => *conversation,
        }
    }
}

/// What else is done with an ephemeral frame. It must not block.
pub type Onward = Box<dyn FnOnce() + Send>;

/// Who is shown a receipt, or that somebody types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody who sees the conversation.
    All,
    /// The same without these people, who are few and in order.
    AllBut(Arc<[UserId]>),
    /// The connections of one user.
    User(UserId),
}

impl Audience {
    pub(super) fn has(&self, user: UserId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(users) => users.binary_search(&user).is_err(),
            Self::User(one) => *one == user,
        }
    }
}

/// What the hub tells the rest of the node about each range that it has dispatched.
pub trait Observer: Send + Sync + 'static {
    /// Lane `lane` is known up to `pos`.
    fn advanced(&self, lane: u8, pos: u64);

    /// Somebody came into a conversation, or left it.
    fn moved(&self, conversation: Uuid, user: UserId, came: bool);

    /// Somebody wants something else to be known of them.
    fn settled(&self, user: UserId);

    /// Somebody may have come into a conversation, or left one, and nobody can say who: the log has gone back.
    fn doubted(&self);

    /// The same of one stream, in which something has happened that cannot be read: somebody may have come into the conversation or left it, or
    /// it may have become otherwise between `by`, who did it, and somebody. `seers` are those here who may have seen the conversation.
    fn obscured(&self, stream: Uuid, by: UserId, seers: &BTreeSet<UserId>);

    /// Something has become of an announcement.
    fn announced(&self);

    /// One of two people has blocked the other, or does so no more.
    fn parted(&self, one: UserId, other: UserId);

    /// Two people have become contacts, or are none any more.
    fn tied(&self, one: UserId, other: UserId);

    /// Something has happened in a conversation by which others may write there now. Said before anybody is shown it.
    fn ruled(&self, conversation: Uuid);
}

/// Handle to the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    lanes: Arc<ByLane<LaneHub>>,
    /// Every connection of this node.
    registered: Arc<Mutex<HashMap<u64, Subscriber>>>,
    /// Tells that a lane was added.
    added: Arc<Notify>,
    time_lines: Arc<AtomicU64>,
    parts: Arc<Parts>,
}

/// What the tasks of lanes are made of.
struct Parts {
    lifecycle: Lifecycle,
    log: Log,
    observer: Arc<dyn Observer>,
    controls: Controls,
    return_ms: u64,
}

struct LaneHub {
    messages: mpsc::Sender<Message>,
    passing: mpsc::Sender<Passing>,
    room: Arc<Semaphore>,
    at: watch::Receiver<LaneHead>,
}

impl Hub {
    /// A hub without lanes yet. Clients that must come again because the log has gone back spread their return over
    /// `return_ms`.
    pub fn new(
        lifecycle: &Lifecycle,
        log: &Log,
        observer: &Arc<dyn Observer>,
        controls: &Controls,
        return_ms: u64,
    ) -> Self {
        Self {
            lanes: Arc::default(),
            registered: Arc::default(),
            added: Arc::default(),
            time_lines: Arc::default(),
            parts: Arc::new(Parts {
                lifecycle: lifecycle.clone(),
                log: log.clone(),
                observer: Arc::clone(observer),
                controls: controls.clone(),
                return_ms,
            }),
        }
    }

    /// Starts the task of a lane at its head. Connections that are there already see what happens in it from now on.
    pub fn add(&self, head: LaneHead) {
        let parts = &self.parts;
        let (messages, receiver) = mpsc::channel(QUEUE);
        let (passing, passers) = mpsc::channel(PASSING_QUEUE);
        let (dispatched, at) = watch::channel(head);
        // Held until the lane can be seen, so that whoever registers or goes meanwhile meets it in one way or the other.
        let registered = self.registered();
        let task = HubTask::new(
            head,
            parts.log.clone(),
            dispatched,
            parts.controls.clone(),
            Arc::clone(&parts.observer),
            Arc::clone(&self.time_lines),
            parts.return_ms,
        );
        let task = task.with(registered.values().cloned());
        let lane = LaneHub {
            messages,
            passing,
            room: Arc::new(Semaphore::new(QUEUE_KIB as usize)),
            at,
        };
        self.lanes.add(head.lane, lane);
        drop(registered);
        let stop = parts.lifecycle.stopping();
        parts
            .lifecycle
            .spawn_for_life("hub", task.run(receiver, passers, stop));
        self.added.notify_waiters();
    }

    fn registered(&self) -> MutexGuard<'_, HashMap<u64, Subscriber>> {
        self.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lane's hub, which may be just about to be added.
    async fn lane(&self, lane: u8) -> &LaneHub {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            // Before looking, so that what is added from now on is noticed.
            added.as_mut().enable();
            if let Some(hub) = self.lanes.get(lane) {
                return hub;
            }
            added.await;
        }
    }

    /// Up to where `lane` was dispatched, and on which time line. All of it is in the log, unless the log goes back.
    pub fn at(&self, lane: u8) -> LaneHead {
        self.lanes.get(lane).map_or(
            LaneHead {
                lane,
                head: 0,
                epoch: 0,
            },
            |hub| *hub.at.borrow(),
        )
    }

    /// The same of all lanes.
    pub fn places(&self) -> Vec<LaneHead> {
        self.lanes.iter().map(|(_, hub)| *hub.at.borrow()).collect()
    }

    /// How many messages wait for the hub of each lane.
    pub fn queues(&self) -> Vec<(u8, usize)> {
        let waiting = |hub: &LaneHub| hub.messages.max_capacity() - hub.messages.capacity();
        self.lanes
            .iter()
            .map(|(lane, hub)| (lane, waiting(hub)))
            .collect()
    }

    /// Whether this node runs a lane.
    pub fn has(&self, lane: u8) -> bool {
        self.lanes.get(lane).is_some()
    }

    /// How often this node has seen the log go back. What was learnt of the log before such a moment may not be in it.
    pub fn time_lines(&self) -> u64 {
        self.time_lines.load(Ordering::Acquire)
    }

    /// Offers a range of a lane. Ranges may repeat, overlap, and come out of order. Waits while the hub is busy.
    pub async fn offer(&self, lane: u8, batch: Committed) {
        let Some(hub) = self.lanes.get(lane) else {
            return;
        };
        let since = Instant::now();
        let kib = u32::try_from(batch.bytes() >> 10).map_or(QUEUE_KIB, |kib| kib.min(QUEUE_KIB));
        // Neither is ever closed before the node stops.
        if let Ok(room) = Arc::clone(&hub.room).acquire_many_owned(kib).await {
            let _ = hub.messages.send(Message::Batch { batch, room, since }).await;
        }
    }

    /// Says where a lane of the log is; the hub reads what it lacks. On a new time line it begins there, and every client
    /// of this node comes again: what it was told may be lost.
    pub async fn head(&self, head: LaneHead) {
        if self.at(head.lane).is_before(head) {
            self.send(head.lane, Message::Head(head)).await;
        }
    }

    /// The same for whoever says it again soon: nobody waits for a lane that has much to do.
    pub fn offer_head(&self, head: LaneHead) {
        if self.at(head.lane).is_before(head)
            && let Some(hub) = self.lanes.get(head.lane)
        {
            // Full, or the node stops.
            let _ = hub.messages.try_send(Message::Head(head));
        }
    }

    /// The same of another time line; returns when the hub has begun it.
    pub async fn begin(&self, head: LaneHead) {
        self.head(head).await;
        if let Some(hub) = self.lanes.get(head.lane) {
            // The hub ends only with the node.
            let _ = hub.at.clone().wait_for(|at| at.epoch >= head.epoch).await;
        }
    }

    /// Registers a connection with every lane: when it returns, being added to a conversation reaches it. A connection that is
    /// registered already begins to settle anew.
    pub async fn register(&self, subscriber: &Subscriber) {
        self.registered()
            .insert(subscriber.connection, subscriber.clone());
        let mut waiting = vec![];
        for (lane, _) in self.lanes.iter() {
            let (reply, answer) = oneshot::channel();
            self.send(lane, Message::Register(subscriber.clone(), reply))
                .await;
            waiting.push(answer);
        }
        for answer in waiting {
            // The hub ends only with the node.
            let _ = answer.await;
        }
    }

    /// Subscribes a registered connection to conversations, which are all that it sees. When it returns, every later event of them goes to its
    /// outbox.
    ///
    /// Read models may not know yet that the user has left a conversation: those that were left since the connection was
    /// registered are not subscribed to, and answered with the seq of the leave.
    pub async fn subscribe(&self, subscriber: &Subscriber, conversations: &[Uuid]) -> Vec<(Uuid, u64)> {
        // Of a lane in which there are none it is known then, too.
        let mut by_lane: BTreeMap<u8, Vec<Uuid>> =
            self.lanes.iter().map(|(lane, _)| (lane, vec![])).collect();
        for conversation in conversations {
            by_lane
                .entry(conversation.as_bytes()[15])
                .or_default()
                .push(*conversation);
        }
        let mut waiting = vec![];
        for (lane, conversations) in by_lane {
            let (reply, answer) = oneshot::channel();
            let message = Message::Subscribe(subscriber.clone(), conversations, reply);
            // Another node may have been quicker to see that there is a new lane. A closed queue means that the node stops.
            let _ = self.lane(lane).await.messages.send(message).await;
            waiting.push(answer);
        }
        let mut left = vec![];
        for answer in waiting {
            // The hub ends only with the node.
            left.extend(answer.await.unwrap_or_default());
        }
        left
    }

    /// Forgets a connection.
    pub async fn unregister(&self, connection: u64, user: UserId) {
        self.registered().remove(&connection);
        for (lane, _) in self.lanes.iter() {
            self.send(lane, Message::Unregister(connection, user)).await;
        }
    }

    /// Shows a receipt to local members of a conversation. May be lost.
    pub fn receipt(&self, conversation: Uuid, audience: Audience, frame: Bytes) {
        if let Some(hub) = self.hub_of(conversation) {
            // Ephemeral: when the hub is busy, it is not shown.
            let _ = hub.passing.try_send(Passing::Receipt {
                conversation,
                audience,
                frame,
            });
        }
    }

    /// Shows other local members of a conversation, those of the audience, that somebody types, and does `onward` then. Nothing
    /// happens when the connection `from` does not see the conversation, or so many do that it would cost more than it is worth;
    /// and it is the first that is lost when the hub is busy.
    pub fn typing(
        &self,
        conversation: Uuid,
        from: Option<u64>,
        audience: Audience,
        frame: Bytes,
        onward: Onward,
    ) {
        self.pass_typing(Passing::Typing {
            conversation,
            from,
            audience,
            frame,
            onward,
        });
    }

    /// Does `onward` when what is typed on the connection `from` would be shown to others who see the conversation. May be lost.
    pub fn may_type(&self, conversation: Uuid, from: u64, onward: Onward) {
        self.pass_typing(Passing::Typist {
            conversation,
            from,
            onward,
        });
    }

    fn pass_typing(&self, passing: Passing) {
        if let Some(hub) = self.hub_of(passing.conversation())
            && hub.passing.capacity() > PASSING_RESERVED
        {
            let _ = hub.passing.try_send(passing);
        }
    }

    fn hub_of(&self, conversation: Uuid) -> Option<&LaneHub> {
        self.lanes.get(conversation.as_bytes()[15])
    }

    async fn send(&self, lane: u8, message: Message) {
        if let Some(hub) = self.lanes.get(lane) {
            // A closed queue means that the node stops.
            let _ = hub.messages.send(message).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;
    use tidings_eventlog::{LogConfig, Recorded, Standing};

    /// Notes what it is told of that cannot be read.
    #[derive(Default)]
    struct Notes {
        obscured: Mutex<Vec<(Uuid, UserId, BTreeSet<UserId>)>>,
        doubted: AtomicBool,
    }

    impl Observer for Notes {
        fn advanced(&self, _lane: u8, _pos: u64) {}
        fn moved(&self, _conversation: Uuid, _user: UserId, _came: bool) {}
        fn settled(&self, _user: UserId) {}
        fn doubted(&self) {
            self.doubted.store(true, Ordering::Relaxed);
        }
        fn obscured(&self, stream: Uuid, by: UserId, seers: &BTreeSet<UserId>) {
            self.obscured.lock().unwrap().push((stream, by, seers.clone()));
        }
        fn announced(&self) {}
        fn parted(&self, _one: UserId, _other: UserId) {}
        fn tied(&self, _one: UserId, _other: UserId) {}
        fn ruled(&self, _conversation: Uuid) {}
    }

    #[tokio::test]
    async fn what_cannot_be_read_puts_nobody_in_doubt_who_does_not_see_it() {
        let (lifecycle, notes) = (Lifecycle::new(), Arc::new(Notes::default()));
        // Nothing is missing, so that nothing is read.
        let config = LogConfig::from_url("postgres://nobody@127.0.0.1:1/nothing").unwrap();
        let log = Log::new(config.pool().unwrap(), config.timeout);
        let observer: Arc<dyn Observer> = Arc::<Notes>::clone(&notes);
        let hub = Hub::new(&lifecycle, &log, &observer, &Controls::default(), 0);
        for lane in 0..2 {
            hub.add(LaneHead {
                lane,
                head: 0,
                epoch: 1,
            });
        }
        let [seer, other] = [1_u64, 2].map(|connection| Subscriber {
            connection,
            user: UserId(Uuid::from_u128(connection.into())),
            outbox: Arc::new(Outbox::new(8, 1000)),
        });
        let (stream, by) = (Uuid::from_u128(1 << 8), UserId(Uuid::from_u128(9)));
        for (subscriber, sees) in [(&seer, vec![stream]), (&other, vec![])] {
            hub.register(subscriber).await;
            hub.subscribe(subscriber, &sees).await;
        }
        let unreadable = Recorded {
            lane: 0,
            pos: 1,
            stream,
            seq: 1,
            msg_no: 0,
            kind: 3,
            ver: 1,
            control: true,
            actor: by.0,
            at: DateTime::UNIX_EPOCH,
            command: Uuid::nil(),
            idx: 0,
            payload: "{}".into(),
            standing: Standing::Whole,
        };
        let batch = Committed {
            epoch: 1,
            events: Arc::new(vec![unreadable]),
        };
        hub.offer(0, batch).await;
        let mut at = hub.lanes.get(0).unwrap().at.clone();
        at.wait_for(|at| at.head == 1).await.unwrap();
        let told = [(stream, by, BTreeSet::from([seer.user]))];
        assert_eq!(*notes.obscured.lock().unwrap(), told);
        assert!(!notes.doubted.load(Ordering::Relaxed));
        assert!(lifecycle.tasks_ended(Duration::from_mins(1)).await);
    }
}
