//! What happens in a conversation from now on, for a member who subscribes to it over GraphQL.
//!
//! The hub wakes a follower, and the log is what it reads: what it was told of last says where to go on, however much it missed.

use super::Administration;
use super::refusals;
use super::tables::unavailable;
use crate::delivery::{Hub, Outbox, Subscriber};
use crate::lanes::Lanes;
use crate::outcome;
use crate::wire::encode;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidings_domain::stored::{self, Kind};
use tidings_domain::{ConversationId, Event, Membership, UserId};
use tidings_eventlog::{Log, Recorded};
use tidings_graphql::{Code, EventState, Refusal};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Followers on this node.
const ALL_MAX: usize = 1_000;
/// Followers of one user on this node.
const USER_MAX: usize = 50;
/// Events that wait for a follower's client; then the log is not read.
const WAITING: usize = 16;
/// Bytes of events that wait in an outbox, where they only wake.
const OUTBOX_BYTES: usize = 64 << 10;
/// Events that are read at once. As many may wait in memory for each follower who does not read.
const PAGE: usize = 16;
/// The hub knows connections by numbers, and those of sockets count from 1.
const FIRST: u64 = 1 << 63;
/// A retry before this has little hope.
const RETRY_AFTER_MS: u64 = 1_000;

/// Those who follow conversations on this node.
#[derive(Default)]
pub(super) struct Followers {
    last: AtomicU64,
    /// How many each user has.
    of_users: Mutex<HashMap<Uuid, usize>>,
}

/// A follower's place, given up when dropped.
struct Place {
    followers: Arc<Followers>,
    user: Uuid,
}

impl Followers {
    fn enter(self: &Arc<Self>, user: Uuid) -> Result<Place, Refusal> {
        let mut of_users = self.of_users();
        let own = of_users.get(&user).copied().unwrap_or(0);
        let refused =
            |code, message: &'static str| Err(Refusal::new(code, message).retry_after_ms(RETRY_AFTER_MS));
        if own >= USER_MAX {
            return refused(
                Code::RateLimited,
                "the viewer follows as many conversations as one may",
            );
        }
        if of_users.values().sum::<usize>() >= ALL_MAX {
            return refused(
                Code::Overloaded,
                "as many conversations are followed here as can be",
            );
        }
        of_users.insert(user, own + 1);
        drop(of_users);
        Ok(Place {
            followers: Arc::clone(self),
            user,
        })
    }

    fn of_users(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.of_users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_users = self.followers.of_users();
        if let Some(own) = of_users.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                of_users.remove(&self.user);
            }
        }
    }
}

/// Somebody who follows a conversation.
struct Follower {
    hub: Hub,
    lanes: Lanes,
    log: Log,
    subscriber: Subscriber,
    conversation: Uuid,
}

type Told = mpsc::Sender<Result<EventState, Refusal>>;

impl Administration {
    /// The events of a conversation from now on, while `user` is a member.
    pub(super) async fn followed(
        &self,
        user: Uuid,
        conversation: Uuid,
    ) -> Result<BoxStream<'static, Result<EventState, Refusal>>, Refusal> {
        let place = self.0.followers.enter(user)?;
        let ground = &self.0.ground;
        let connection = FIRST + self.0.followers.last.fetch_add(1, Ordering::Relaxed);
        let follower = Follower {
            hub: ground.hub.clone(),
            lanes: ground.lanes.clone(),
            log: self.0.shown.clone(),
            subscriber: Subscriber {
                connection,
                user: UserId(user),
                outbox: Arc::new(Outbox::new(WAITING, OUTBOX_BYTES)),
            },
            conversation,
        };
        let (told, mut events) = mpsc::channel(WAITING);
        let (begun, beginning) = oneshot::channel();
        let draining = ground.lifecycle.draining();
        ground.lifecycle.spawn_connection(async move {
            let ended = draining.run_until_cancelled(follower.run(begun, &told)).await;
            if ended.is_none() {
                // Where nobody listens any more, there is nobody to tell.
                let _ = told.try_send(Err(Refusal::unavailable("the server stops")));
            }
            let (hub, subscriber) = (follower.hub, follower.subscriber);
            hub.unregister(subscriber.connection, subscriber.user).await;
            drop(place);
        });
        beginning.await.unwrap_or_else(|_| Err(unavailable()))?;
        Ok(stream::poll_fn(move |context| events.poll_recv(context)).boxed())
    }
}

impl Follower {
    async fn run(&self, begun: oneshot::Sender<Result<(), Refusal>>, told: &Told) {
        let (seq, visible_from) = match self.begin().await {
            Ok(place) => place,
            Err(refusal) => {
                // Where nobody listens any more, there is nobody to tell.
                let _ = begun.send(Err(refusal));
                return;
            }
        };
        if begun.send(Ok(())).is_err() {
            return;
        }
        if let Err(refusal) = self.follow((seq, visible_from), told).await {
            let _ = told.send(Err(refusal)).await;
        }
    }

    /// Subscribes, where the user is a member. Returns the seq behind which they follow, and the first that they see.
    async fn begin(&self) -> Result<(u64, u64), Refusal> {
        let Subscriber { user, .. } = self.subscriber;
        self.hub.register(&self.subscriber).await;
        let seat = self
            .lanes
            .authorize(ConversationId(self.conversation), user, true);
        let seat = seat.await.map_err(|refusal| refused(&refusal))?;
        // Who has left since meets that in the log.
        self.hub.subscribe(&self.subscriber, &[self.conversation]).await;
        Ok((seat.reach, seat.visible_from))
    }

    /// Tells what happens behind `seq`, up to the event by which the user ceases to be a member.
    async fn follow(&self, (mut seq, visible_from): (u64, u64), told: &Told) -> Result<(), Refusal> {
        loop {
            let page = self.log.stream(self.conversation, seq + 1, u64::MAX, PAGE).await;
            let page = page.map_err(|error| {
                tracing::warn!(%error, "a conversation that is followed cannot be read");
                unavailable()
            })?;
            let is_full = page.len() == PAGE;
            for record in &page {
                seq = record.seq;
                let leaves = self.leaves(record)?;
                if told.send(Ok(state(record, visible_from))).await.is_err() || leaves {
                    return Ok(());
                }
            }
            if is_full {
                continue;
            }
            tokio::select! {
                () = self.subscriber.outbox.woken() => {}
                () = told.closed() => return Ok(()),
            }
            if self.subscriber.outbox.take(usize::MAX).close.is_some() {
                return Err(Refusal::unavailable("the log was restored"));
            }
        }
    }

    /// Whether the user ceases to be a member by an event. By one that this version cannot read they may.
    fn leaves(&self, record: &Recorded) -> Result<bool, Refusal> {
        if !record.control {
            return Ok(false);
        }
        match stored::decode(record.kind, record.ver, &record.payload) {
            Ok(Event::Conversation(event)) => {
                Ok(event.membership() == Membership::Left(self.subscriber.user))
            }
            Ok(_) => Ok(false),
            Err(_) => Err(Refusal::unavailable(
                "what happened can be read by a later version only",
            )),
        }
    }
}

/// An event as a member is told of it who sees the conversation from this seq on.
fn state(record: &Recorded, visible_from: u64) -> EventState {
    EventState {
        lane: record.lane,
        pos: record.pos,
        stream: record.stream,
        seq: record.seq,
        kind: super::events::kind(Kind(record.kind)),
        at: record.at,
        by: record.actor,
        command: record.command,
        data: data(record, visible_from),
    }
}

/// What an event says on the socket, as it does there.
fn data(record: &Recorded, visible_from: u64) -> Option<String> {
    #[derive(Deserialize)]
    struct Shown<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let event = encode(record)?;
    let shown: Shown<'_> = serde_json::from_slice(event.seen_from(visible_from).payload()).ok()?;
    Some(shown.data.get().to_owned())
}

/// Why nobody follows. Where the viewer is no member, the conversation does not exist for them.
fn refused(refusal: &outcome::Refusal) -> Refusal {
    if matches!(refusal, outcome::Refusal::Rejected(_)) {
        return Refusal::new(Code::NotFound, "there is no such conversation");
    }
    refusals::refused(refusal)
}
