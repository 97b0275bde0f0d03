//! The task that knows who watches whom on this node, reads what nodes say of them, and tells those who watch.
//!
//! Redis is read only while somebody watches: one transaction every half second, whatever the number of users.

use super::PresenceConfig;
use super::circle::{Circle, Granted};
use super::errands::Errand;
use super::keys::Keys;
use super::last_seen::last_seen;
use super::lease::Unheard;
use super::moves::{Move, Moves};
use super::reading::{Entry, Place, Reading, read};
use super::watching::{Watch, Watching};
use crate::clock;
use crate::fanout::Redis;
use crate::outcome::Refusal;
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use std::time::Duration;
use tidings_domain::presence::{NAMED_MEMBERS_MAX, Shown};
use tidings_domain::{ConversationId, UserId};
use tidings_projections::people::LastSeen;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// People about whom nodes are asked at once.
const ASKED_AT_ONCE: usize = 1_000;
/// Look-ups under way.
const ERRANDS: usize = 4;
/// Readings are never closer together.
const GATHER: Duration = Duration::from_millis(20);
/// Pause after a reading that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// What the task is told and asked.
pub(super) enum Message {
    Watch(Watch),
    Unwatch(u64),
    /// How others see these people.
    Shown(Vec<UserId>, oneshot::Sender<HashMap<UserId, Shown>>),
    /// How many members of a conversation are there.
    Online(ConversationId, oneshot::Sender<usize>),
}

/// What an errand brought.
enum Brought {
    Granted {
        connection: u64,
        number: u64,
        granted: Result<Granted, Refusal>,
    },
    Members {
        conversation: ConversationId,
        number: u64,
        members: Result<(Vec<UserId>, HashMap<UserId, LastSeen>), Refusal>,
    },
    LastSeen {
        users: Vec<UserId>,
        found: Option<HashMap<UserId, LastSeen>>,
    },
}

pub(super) struct Lookout {
    redis: Redis,
    keys: Keys,
    config: PresenceConfig,
    circle: Circle,
    moves: Moves,
    watching: Watching,
    unheard: Unheard,
    connection: Option<MultiplexedConnection>,
    /// The last change that was taken in.
    after: Option<Place>,
    /// When Redis was last read.
    heard_at: Option<Instant>,
    poll_at: Instant,
    /// After a failure, it is not read before this.
    pause_until: Instant,
    errands: JoinSet<Brought>,
}

impl Lookout {
    pub(super) fn new(
        redis: Redis,
        keys: Keys,
        config: PresenceConfig,
        circle: Circle,
        moves: Moves,
        unheard: Unheard,
    ) -> Self {
        Self {
            redis,
            keys,
            config,
            circle,
            moves,
            watching: Watching::default(),
            unheard,
            connection: None,
            after: None,
            heard_at: None,
            poll_at: Instant::now(),
            pause_until: Instant::now(),
            errands: JoinSet::new(),
        }
    }

    pub(super) async fn run(mut self, mut messages: mpsc::Receiver<Message>, stop: CancellationToken) {
        let now = Instant::now();
        let (mut tell_at, mut count_at) = (now + self.config.update(), now + self.config.count());
        loop {
            let idle = self.watching.is_idle();
            let impatient_at = self.watching.impatient_at();
            tokio::select! {
                // What was asked comes before what is told.
                biased;
                () = stop.cancelled() => return,
                Some(brought) = self.errands.join_next(), if !self.errands.is_empty() => {
                    if let Ok(brought) = brought {
                        self.bring(brought);
                    }
                }
                () = self.moves.come() => self.follow(),
                message = messages.recv() => match message {
                    Some(message) => self.take(message),
                    None => return,
                },
                () = sleep_until(self.poll_at), if !idle => self.poll().await,
                () = sleep_until(impatient_at.unwrap_or(now)), if impatient_at.is_some() => {
                    self.watching.answer(Instant::now());
                }
                () = sleep_until(tell_at) => {
                    let now = Instant::now();
                    let mut given = self.watching.tell();
                    tell_at = now + self.config.update();
                    if now >= count_at {
                        given += self.watching.tell_counts(now);
                        self.watching.look_again();
                        count_at = now + self.config.count();
                    }
                    let (watchers, tracked) = self.watching.sizes();
                    metrics::counter!("tidings_presence_frames_total").increment(given as u64);
                    metrics::gauge!("tidings_presence_watchers").set(watchers as f64);
                    metrics::gauge!("tidings_presence_tracked").set(tracked as f64);
                }
            }
            if idle && !self.watching.is_idle() {
                // Nothing was read while nobody watched.
                self.watching.begin();
                (self.after, self.heard_at) = (None, None);
                self.poll_at = Instant::now() + GATHER;
            } else if self.watching.is_curious() && self.heard_at.is_some() {
                let soon = (Instant::now() + GATHER).max(self.pause_until);
                self.poll_at = self.poll_at.min(soon);
            }
            // From before members are looked up until nobody wants to know who they are.
            self.moves.listen(self.watching.has_to_hear());
            self.send_out();
        }
    }

    fn take(&mut self, message: Message) {
        let now = Instant::now();
        match message {
            Message::Watch(watch) => {
                self.watching.watch(watch, now);
            }
            Message::Unwatch(connection) => self.watching.unwatch(connection),
            Message::Shown(users, reply) => {
                let asked = users.clone();
                let reply = Box::new(move |known: Option<&Watching>| {
                    let shown = known.map(|known| {
                        let of = |user| Some((user, known.shown(user)?));
                        users.into_iter().filter_map(of).collect()
                    });
                    // Whoever asked may have given up.
                    let _ = reply.send(shown.unwrap_or_default());
                });
                self.watching.ask(asked, None, reply, now);
            }
            Message::Online(conversation, reply) => {
                let reply = Box::new(move |known: Option<&Watching>| {
                    if let Some(online) = known.and_then(|known| known.online(conversation)) {
                        // Whoever asked may have given up.
                        let _ = reply.send(online);
                    }
                });
                self.watching.ask(vec![], Some(conversation), reply, now);
            }
        }
    }

    /// Sends for what has to be looked up, a little at a time.
    fn send_out(&mut self) {
        while self.errands.len() < ERRANDS
            && let Some(errand) = self.watching.next_errand()
        {
            let circle = self.circle.clone();
            self.errands.spawn(async move {
                match errand {
                    Errand::Grant {
                        connection,
                        number,
                        user,
                        users,
                        conversations,
                    } => Brought::Granted {
                        connection,
                        number,
                        granted: circle.grant(user, &users, &conversations).await,
                    },
                    Errand::LastSeen(users) => {
                        let found = circle.last_seen(&users).await;
                        Brought::LastSeen { users, found }
                    }
                    Errand::Members(conversation, number) => Brought::Members {
                        conversation,
                        number,
                        members: members(&circle, conversation).await,
                    },
                }
            });
        }
    }

    fn bring(&mut self, brought: Brought) {
        let now = Instant::now();
        match brought {
            Brought::Granted {
                connection,
                number,
                granted,
            } => self.watching.granted(connection, number, granted, now),
            Brought::Members {
                conversation,
                number,
                members,
            } => self.watching.members(conversation, number, members, now),
            Brought::LastSeen { users, found } => self.watching.gone(users, found.as_ref()),
        }
    }

    /// Takes in who came into conversations and left them.
    fn follow(&mut self) {
        let (moves, is_all) = self.moves.take();
        if !is_all {
            self.watching.doubt();
        }
        for moved in moves {
            match moved {
                Move::Came(conversation, user) => self.watching.moved(conversation, user, true),
                Move::Left(conversation, user) => self.watching.moved(conversation, user, false),
                Move::Settled(user) => self.watching.settled(user),
                Move::Parted(one, other) => self.watching.parted(one, other),
                Move::Tied(one, other) => self.watching.tied(one, other),
                Move::Obscured(conversation, by) => self.watching.obscured(conversation, by),
                Move::Doubted(user) => self.watching.doubted(user),
            }
        }
    }

    /// Reads Redis once.
    async fn poll(&mut self) {
        let began = Instant::now();
        let is_gap = self
            .heard_at
            .is_none_or(|heard| began > heard + self.config.lease() / 3);
        if is_gap {
            // What happened meanwhile may not be in the stream any more.
            self.after = None;
            let everybody = self.watching.view.everybody();
            self.watching.stale(everybody);
        }
        let nodes = self.watching.view.nodes();
        let users = self.watching.take_stale(ASKED_AT_ONCE);
        match self.read(&nodes, &users).await {
            // Nobody is heard, so that nobody is heard of somebody says nothing.
            Ok(_) if self.unheard.is() => self.missed(users),
            Ok(reading) => {
                if is_gap {
                    self.watching.view.hold(began + self.config.lease());
                }
                self.apply(reading, &nodes, users, began);
            }
            Err(error) => {
                tracing::debug!(kind = ?error.kind(), "who is there cannot be read");
                metrics::counter!("tidings_presence_failures_total").increment(1);
                self.connection = None;
                self.missed(users);
            }
        }
    }

    /// A reading has brought nothing that can be gone by.
    fn missed(&mut self, users: Vec<UserId>) {
        self.watching.stale(users);
        let now = Instant::now();
        if self
            .heard_at
            .is_none_or(|heard| now > heard + self.config.lease())
        {
            self.watching.know(false, now);
        }
        self.pause_until = now + PAUSE;
        self.poll_at = self.pause_until;
    }

    async fn read(&mut self, nodes: &[Uuid], users: &[UserId]) -> redis::RedisResult<Reading> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.redis.connect().await?),
        };
        read(connection, &self.keys, self.after, nodes, users).await
    }

    fn apply(&mut self, reading: Reading, nodes: &[Uuid], users: Vec<UserId>, began: Instant) {
        let now = Instant::now();
        let Reading {
            leases,
            newest,
            entries,
            last,
            is_part,
            is_torn,
            found,
        } = reading;
        let mut is_news = false;
        let view = &mut self.watching.view;
        for entry in entries {
            match entry {
                Entry::Said { node, user, shown } => view.said(node, user, shown),
                Entry::Here => is_news = true,
                Entry::Over(node) => view.ran_out(node, began),
                Entry::Left(node) => view.gone(node, began + self.config.grace()),
            }
        }
        let mut has_all = !is_part;
        for (node, left) in leases {
            if left.is_zero() {
                view.ran_out(node, began);
            } else {
                is_news |= view.lease(node, began + left);
                has_all &= nodes.contains(&node);
            }
        }
        if has_all {
            for (user, answers) in users.into_iter().zip(found) {
                self.watching.found(user, answers);
            }
        } else {
            self.watching.stale(users);
        }
        // The stream begins again behind a Redis that has lost it, whose clock may be another.
        let is_lost = newest < self.after && self.after > Some((0, 0));
        self.after = if is_lost {
            Some(newest.unwrap_or_default())
        } else {
            last.or(self.after).or(newest).or(Some((0, 0)))
        };
        if is_news || is_lost || is_torn {
            let everybody = self.watching.view.everybody();
            self.watching.stale(everybody);
        }
        self.watching.view.expire(now);
        self.heard_at = Some(began);
        let is_behind = is_part || self.watching.is_curious();
        self.poll_at = now + if is_behind { GATHER } else { self.config.poll() };
        if !is_behind {
            self.watching.know(true, now);
        }
        self.watching.take_in(now, clock::now());
    }
}

/// The members of a conversation; of a small one, where each is shown, with when they were last there.
async fn members(
    circle: &Circle,
    conversation: ConversationId,
) -> Result<(Vec<UserId>, HashMap<UserId, LastSeen>), Refusal> {
    let members = circle.members(conversation).await?;
    let mut last = HashMap::new();
    if members.len() <= NAMED_MEMBERS_MAX {
        let users: Vec<Uuid> = members.iter().map(|user| user.0).collect();
        last = last_seen(&circle.tables, users)
            .await
            .ok_or(Refusal::Unavailable)?;
    }
    Ok((members, last))
}
