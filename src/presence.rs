//! Who is there. Nothing of it is in the log, and nothing that counts waits for it.
//!
//! A node says in Redis who is connected to it, under a lease of its own: one refresh for all, and two writes for somebody who comes
//! and goes. Who watches is told what changes of those whom they watch, and nobody else is told anything (ADR 47).

mod circle;
mod config;
mod errands;
mod here;
mod keys;
mod last_seen;
mod lease;
mod local;
mod lookout;
mod moves;
mod queue;
mod reading;
mod view;
mod watching;
mod word;

pub use config::PresenceConfig;
pub use here::Device;
pub use local::Arrived;
pub use moves::Moves;
pub use watching::Reply;

use crate::delivery::Outbox;
use crate::fanout::Redis;
use crate::lanes::Lanes;
use crate::lifecycle::Lifecycle;
use crate::outcome::Refusal;
use circle::{Circle, Tables};
use here::Here;
use keys::Keys;
use last_seen::Departures;
use lease::Lease;
use local::Local;
use lookout::{Lookout, Message};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::presence::Shown;
use tidings_domain::{ConversationId, UserId};
use tidings_eventlog::Log;
use tidings_projections::Checkpoints;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use uuid::Uuid;
use watching::{QUESTION_PATIENCE, Watch};

/// What may wait for the task that knows who watches.
const QUEUE: usize = 1_024;

/// What presence stands on.
pub struct Foundation {
    pub checkpoints: Checkpoints,
    pub config: PresenceConfig,
    pub lanes: Lanes,
    pub log: Log,
    /// The log's own id, from which names of keys derive.
    pub log_id: Uuid,
    pub moves: Moves,
    pub redis: Redis,
    /// How long read models that are behind are waited for.
    pub wait: Duration,
}

/// Presence on this node. Cheap to clone.
#[derive(Clone)]
pub struct Presence {
    local: Arc<Local>,
    messages: mpsc::Sender<Message>,
}

impl Presence {
    /// Starts it. It works without Redis, and then knows nothing.
    pub fn start(lifecycle: &Lifecycle, ground: Foundation) -> Self {
        let Foundation {
            checkpoints,
            config,
            lanes,
            log,
            log_id,
            moves,
            redis,
            wait,
        } = ground;
        let (messages, receiver) = mpsc::channel(QUEUE);
        let local = Arc::new(Local::new(Here::new(config.grace())));
        let (keys, departures, tables) = (Keys::new(log_id), Departures::default(), Tables::new(&log));
        let lease = Lease::new(
            redis.clone(),
            keys.clone(),
            Uuid::new_v4(),
            config.clone(),
            Arc::clone(&local),
            departures.clone(),
            tables.clone(),
        );
        let unheard = lease.unheard();
        let stop = lifecycle.stopping();
        lifecycle.spawn_for_life("lease of presence", lease.run(stop.clone()));
        lifecycle.spawn_for_life("last seen", departures.keep(tables.clone(), stop.clone()));
        let circle = Circle {
            tables,
            log,
            checkpoints,
            lanes,
            wait,
        };
        let lookout = Lookout::new(redis, keys, config, circle, moves, unheard);
        lifecycle.spawn_for_life("presence", lookout.run(receiver, stop));
        Self { local, messages }
    }

    /// A connection of `user` is there, until what this returns is dropped.
    pub fn arrive(&self, user: UserId, device: Device) -> Arrived {
        self.local.arrive(user, device)
    }

    /// A connection watches these from now on, and nothing else.
    pub fn watch(
        &self,
        connection: u64,
        user: UserId,
        outbox: &Arc<Outbox>,
        users: Vec<UserId>,
        conversations: Vec<ConversationId>,
        reply: Reply,
    ) {
        let watch = Watch {
            connection,
            user,
            outbox: Arc::clone(outbox),
            users,
            conversations,
            reply,
        };
        if let Err(refused) = self.messages.try_send(Message::Watch(watch))
            && let Message::Watch(watch) = refused.into_inner()
        {
            (watch.reply)(Err(Refusal::Overloaded));
        }
    }

    /// A connection that has watched is gone.
    pub async fn unwatch(&self, connection: u64) {
        // A closed queue means that the node stops.
        let _ = self.messages.send(Message::Unwatch(connection)).await;
    }

    /// How others see those of `users` of whom it is known.
    pub async fn shown(&self, users: Vec<UserId>) -> HashMap<UserId, Shown> {
        let (reply, answer) = oneshot::channel();
        match self.messages.try_send(Message::Shown(users, reply)) {
            Ok(()) => in_time(answer).await.unwrap_or_default(),
            Err(_) => HashMap::new(),
        }
    }

    /// How many members of a conversation are there, where that is known.
    pub async fn online(&self, conversation: ConversationId) -> Option<usize> {
        let (reply, answer) = oneshot::channel();
        self.messages
            .try_send(Message::Online(conversation, reply))
            .ok()?;
        in_time(answer).await
    }
}

/// What is answered soon: a Redis that is silent keeps nobody who asks.
async fn in_time<T>(answer: oneshot::Receiver<T>) -> Option<T> {
    timeout(QUESTION_PATIENCE, answer).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_is_answered_though_nobody_can_say() {
        // Nobody takes what is asked.
        let (messages, _kept) = mpsc::channel(8);
        let local = Arc::new(Local::new(Here::new(Duration::ZERO)));
        let (presence, somebody) = (Presence { local, messages }, Uuid::nil());
        let asking = async {
            assert!(presence.shown(vec![UserId(somebody)]).await.is_empty());
            assert_eq!(presence.online(ConversationId(somebody)).await, None);
        };
        timeout(Duration::from_mins(1), asking).await.unwrap();
    }
}
