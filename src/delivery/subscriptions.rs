//! Who on this node sees which conversation of one lane.

use super::hub::{Audience, Subscriber};
use crate::planted;
use crate::wire::{Frame, LiveEvent};
use rand::RngExt as _;
use std::collections::{BTreeSet, HashMap};
use tidings_domain::UserId;
use tidings_protocol::{Close, CloseCode};
use uuid::Uuid;

/// Where more connections than this see a conversation, nobody is shown typing: each time would reach them all.
const TYPING_CONNECTIONS_MAX: usize = 100;

/// Subscriptions of one lane.
#[derive(Default)]
pub(super) struct Subscriptions {
    conversations: HashMap<Uuid, Vec<Subscriber>>,
    /// Every connection of this node, by user: being added to a conversation subscribes them.
    users: HashMap<UserId, Vec<Subscriber>>,
    /// What each connection is subscribed to, to end it all when the connection ends.
    of_connection: HashMap<u64, Own>,
}

/// The conversations of one connection. Every lane has one for each connection, so it is small.
#[derive(Default)]
struct Own {
    /// In order.
    subscribed: Vec<Uuid>,
    /// There while the connection has not yet said what it wants to see, and may be reading that from read models which do not
    /// know of the newest leaves.
    settling: Option<Box<Settling>>,
}

/// Conversations that the user has left meanwhile, with the seq of the leave.
#[derive(Default)]
struct Settling {
    left: Vec<(Uuid, u64)>,
}

impl Own {
    fn settling() -> Self {
        Self {
            subscribed: vec![],
            settling: Some(Box::default()),
        }
    }

    fn sees(&self, conversation: Uuid) -> bool {
        self.subscribed.binary_search(&conversation).is_ok()
    }

    /// Returns whether it is new.
    fn add(&mut self, conversation: Uuid) -> bool {
        let place = self.subscribed.binary_search(&conversation);
        if let Err(place) = place {
            self.subscribed.insert(place, conversation);
        }
        place.is_err()
    }

    fn remove(&mut self, conversation: Uuid) {
        if let Ok(place) = self.subscribed.binary_search(&conversation) {
            self.subscribed.remove(place);
        }
    }

    /// Forgets that the user has left a conversation.
    fn is_back(&mut self, conversation: Uuid) {
        if let Some(settling) = &mut self.settling {
            settling.left.retain(|(gone, _)| *gone != conversation);
        }
    }
}

impl Subscriptions {
    /// Registers a connection, or lets one that is registered settle anew: from now on leaves are kept for
    /// [`Subscriptions::settle`].
    pub(super) fn register(&mut self, subscriber: Subscriber) {
        if let Some(own) = self.of_connection.get_mut(&subscriber.connection) {
            own.settling = Some(Box::default());
            return;
        }
        self.of_connection.insert(subscriber.connection, Own::settling());
        // Most users have one connection, and a vector makes room for four unless told.
        let connections = self.users.entry(subscriber.user);
        connections
            .or_insert_with(|| Vec::with_capacity(1))
            .push(subscriber);
    }

    /// Subscribes a connection to what it has read that its user may see, except what the user has left since it was
    /// registered; answers those with the seq of the leave.
    pub(super) fn settle(&mut self, subscriber: &Subscriber, conversations: Vec<Uuid>) -> Vec<(Uuid, u64)> {
        let Some(own) = self.of_connection.get_mut(&subscriber.connection) else {
            return vec![];
        };
        let left = own.settling.take().unwrap_or_default().left;
        let mut new = conversations;
        new.retain(|conversation| {
            let deaf = planted::is("deaf") && conversation.as_u128() % 64 < 16;
            !deaf && !own.sees(*conversation) && left.iter().all(|(gone, _)| gone != conversation)
        });
        new.sort_unstable();
        new.dedup();
        // All at once, for there may be thousands of them, and with no more room than they need.
        own.subscribed.reserve_exact(new.len());
        own.subscribed.extend_from_slice(&new);
        own.subscribed.sort_unstable();
        for conversation in new {
            let seers = self.conversations.entry(conversation).or_default();
            seers.push(subscriber.clone());
        }
        left
    }

    /// Subscribes a connection; nothing for one that is not registered or subscribed already.
    fn subscribe(&mut self, subscriber: &Subscriber, conversation: Uuid) {
        let Some(own) = self.of_connection.get_mut(&subscriber.connection) else {
            return;
        };
        if own.add(conversation) {
            self.conversations
                .entry(conversation)
                .or_default()
                .push(subscriber.clone());
        }
    }

    /// Subscribes all connections of a user.
    pub(super) fn join(&mut self, user: UserId, conversation: Uuid) {
        let Some(connections) = self.users.get(&user).cloned() else {
            return;
        };
        for subscriber in connections {
            if let Some(own) = self.of_connection.get_mut(&subscriber.connection) {
                own.is_back(conversation);
            }
            self.subscribe(&subscriber, conversation);
        }
    }

    /// Ends the subscriptions of a user's connections; `seq` is of the event by which the user left.
    pub(super) fn leave(&mut self, user: UserId, conversation: Uuid, seq: u64) {
        if planted::is("reads-on") {
            return;
        }
        if let Some(subscribers) = self.conversations.get_mut(&conversation) {
            subscribers.retain(|subscriber| subscriber.user != user);
            if subscribers.is_empty() {
                self.conversations.remove(&conversation);
            }
        }
        for subscriber in self.users.get(&user).into_iter().flatten() {
            if let Some(own) = self.of_connection.get_mut(&subscriber.connection) {
                own.remove(conversation);
                own.is_back(conversation);
                if let Some(settling) = &mut own.settling {
                    settling.left.push((conversation, seq));
                }
            }
        }
    }

    /// Ends all subscriptions of a conversation. Each connection that had one catches up, and so finds out whether it may see on.
    /// Returns whose they are, and those of whom it is not known yet what they see.
    pub(super) fn doubt(&mut self, conversation: Uuid) -> BTreeSet<UserId> {
        for subscriber in self.conversations.remove(&conversation).unwrap_or_default() {
            if let Some(own) = self.of_connection.get_mut(&subscriber.connection) {
                own.remove(conversation);
                own.settling.get_or_insert_default();
            }
            subscriber.outbox.lag();
        }
        let is_settling = |subscriber: &&Subscriber| {
            let own = self.of_connection.get(&subscriber.connection);
            own.is_some_and(|own| own.settling.is_some())
        };
        let settling = self.users.values().flatten().filter(is_settling);
        settling.map(|subscriber| subscriber.user).collect()
    }

    pub(super) fn unregister(&mut self, connection: u64, user: UserId) {
        let own = self.of_connection.remove(&connection).unwrap_or_default();
        for conversation in own.subscribed {
            if let Some(subscribers) = self.conversations.get_mut(&conversation) {
                subscribers.retain(|subscriber| subscriber.connection != connection);
                if subscribers.is_empty() {
                    self.conversations.remove(&conversation);
                }
            }
        }
        if let Some(connections) = self.users.get_mut(&user) {
            connections.retain(|subscriber| subscriber.connection != connection);
            if connections.is_empty() {
                self.users.remove(&user);
            }
        }
    }

    /// Ends all connections, since the log has gone back. Clients spread their return over `return_ms`.
    pub(super) fn close_all(&self, return_ms: u64) {
        for subscriber in self.users.values().flatten() {
            let close = Close {
                reason: "the log was restored".to_owned(),
                ..Close::new(CloseCode::GoingAway)
            };
            let retry_after_ms = rand::rng().random_range(0..=return_ms);
            subscriber.outbox.close(close.with_retry_after_ms(retry_after_ms));
        }
    }

    /// Whether anybody here sees the conversation.
    pub(super) fn watched(&self, conversation: Uuid) -> bool {
        self.conversations.contains_key(&conversation)
    }

    /// Gives events of one conversation, in order, to everybody who sees it.
    pub(super) fn deliver(&self, conversation: Uuid, events: &[LiveEvent]) {
        for subscriber in self.conversations.get(&conversation).into_iter().flatten() {
            subscriber.outbox.live(events);
        }
    }

    /// Gives a notice to every connection of its user.
    pub(super) fn notify(&self, user: UserId, notice: impl FnOnce() -> LiveEvent) {
        if let Some(connections) = self.users.get(&user) {
            let notice = notice();
            for subscriber in connections {
                subscriber.outbox.live(std::slice::from_ref(&notice));
            }
        }
    }

    /// Shows a receipt to those of its audience who see the conversation.
    pub(super) fn receipt(&self, conversation: Uuid, audience: &Audience, frame: &[u8]) {
        // It may come from another version by way of Redis.
        if std::str::from_utf8(frame).is_err() {
            return;
        }
        let frame = Frame::text(frame);
        let seers = self.conversations.get(&conversation).into_iter().flatten();
        match audience {
            Audience::All => seers.for_each(|subscriber| subscriber.outbox.receipt(frame.clone())),
            Audience::AllBut(_) => {
                let others = seers.filter(|subscriber| audience.has(subscriber.user));
                others.for_each(|subscriber| subscriber.outbox.receipt(frame.clone()));
            }
            // A user has fewer connections than a large conversation has.
            Audience::User(user) => {
                for subscriber in self.users.get(user).into_iter().flatten() {
                    if self.sees(subscriber.connection, conversation) {
                        subscriber.outbox.receipt(frame.clone());
                    }
                }
            }
        }
    }

    /// Whether what is typed on a connection is shown to anybody: the connection sees the conversation, and not too many do.
    pub(super) fn may_type(&self, conversation: Uuid, connection: u64) -> bool {
        self.sees(connection, conversation) && !self.is_crowded(conversation)
    }

    /// Shows those of the audience that somebody types, but not the connection that it comes from; whether it did.
    pub(super) fn typing(
        &self,
        conversation: Uuid,
        from: Option<u64>,
        audience: &Audience,
        frame: &[u8],
    ) -> bool {
        let allowed = from.is_none_or(|connection| self.sees(connection, conversation));
        if !allowed || self.is_crowded(conversation) || std::str::from_utf8(frame).is_err() {
            return false;
        }
        let frame = Frame::text(frame);
        for subscriber in self.conversations.get(&conversation).into_iter().flatten() {
            if Some(subscriber.connection) != from && audience.has(subscriber.user) {
                subscriber.outbox.typing(frame.clone());
            }
        }
        true
    }

    fn is_crowded(&self, conversation: Uuid) -> bool {
        let seers = self.conversations.get(&conversation);
        seers.is_some_and(|seers| seers.len() > TYPING_CONNECTIONS_MAX)
    }

    fn sees(&self, connection: u64, conversation: Uuid) -> bool {
        let own = self.of_connection.get(&connection);
        own.is_some_and(|own| own.sees(conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Outbox;
    use std::sync::Arc;

    fn subscriber(connection: u64) -> Subscriber {
        Subscriber {
            connection,
            user: UserId(Uuid::from_u128(7)),
            outbox: Arc::new(Outbox::new(8, 1000)),
        }
    }

    const ROOM: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn what_was_left_while_settling_is_not_subscribed_to() {
        let mut subscriptions = Subscriptions::default();
        let one = subscriber(1);
        subscriptions.register(one.clone());
        subscriptions.leave(one.user, ROOM, 9);
        assert_eq!(subscriptions.settle(&one, vec![ROOM, OTHER]), [(ROOM, 9)]);
        assert!(!subscriptions.watched(ROOM) && subscriptions.watched(OTHER));
        // Once it has settled, leaves and joins are its subscriptions' own.
        subscriptions.leave(one.user, OTHER, 4);
        subscriptions.join(one.user, OTHER);
        assert!(subscriptions.settle(&one, vec![]).is_empty() && subscriptions.watched(OTHER));
    }

    #[test]
    fn who_comes_back_while_settling_is_subscribed_and_settling_can_begin_anew() {
        let mut subscriptions = Subscriptions::default();
        let one = subscriber(1);
        subscriptions.register(one.clone());
        subscriptions.leave(one.user, ROOM, 9);
        subscriptions.join(one.user, ROOM);
        assert!(subscriptions.settle(&one, vec![ROOM]).is_empty());
        assert!(subscriptions.watched(ROOM));
        subscriptions.register(one.clone());
        subscriptions.leave(one.user, ROOM, 11);
        assert_eq!(subscriptions.settle(&one, vec![ROOM]), [(ROOM, 11)]);
        assert!(!subscriptions.watched(ROOM));
        subscriptions.unregister(one.connection, one.user);
        assert!(subscriptions.users.is_empty() && subscriptions.of_connection.is_empty());
    }

    #[test]
    fn those_who_saw_what_is_in_doubt_are_known_until_they_have_settled_again() {
        let mut subscriptions = Subscriptions::default();
        let [one, two, three] = [1, 2, 3].map(|connection| Subscriber {
            user: UserId(Uuid::from_u128(connection.into())),
            ..subscriber(connection)
        });
        for (subscriber, sees) in [(&one, vec![ROOM]), (&two, vec![OTHER])] {
            subscriptions.register(subscriber.clone());
            subscriptions.settle(subscriber, sees);
        }
        // Of whom it is not known yet what they see.
        subscriptions.register(three.clone());
        let doubted = BTreeSet::from([one.user, three.user]);
        assert_eq!(subscriptions.doubt(ROOM), doubted);
        assert!(!subscriptions.watched(ROOM) && subscriptions.watched(OTHER));
        // They have not caught up when it happens again.
        assert_eq!(subscriptions.doubt(ROOM), doubted);
        for subscriber in [&one, &three] {
            subscriptions.register(subscriber.clone());
            subscriptions.settle(subscriber, vec![]);
        }
        assert!(subscriptions.doubt(ROOM).is_empty());
    }
}
