//! Who on this node sees which conversation of one lane.

use super::{LiveEvent, Subscriber};
use crate::gateway::Frame;
use std::collections::{HashMap, HashSet};
use tidings_domain::UserId;
use uuid::Uuid;

/// Subscriptions of one lane.
#[derive(Default)]
pub(super) struct Subscriptions {
    conversations: HashMap<Uuid, Vec<Subscriber>>,
    /// Every connection of this node, by user: being added to a conversation subscribes them.
    users: HashMap<UserId, Vec<Subscriber>>,
    /// What each connection is subscribed to, to end it all when the connection ends.
    of_connection: HashMap<u64, HashSet<Uuid>>,
}

impl Subscriptions {
    pub(super) fn register(&mut self, subscriber: Subscriber) {
        self.of_connection.entry(subscriber.connection).or_default();
        // Most users have one connection, and a vector makes room for four unless told.
        let connections = self.users.entry(subscriber.user);
        connections
            .or_insert_with(|| Vec::with_capacity(1))
            .push(subscriber);
    }

    /// Subscribes a connection; nothing for one that is not registered or subscribed already.
    pub(super) fn subscribe(&mut self, subscriber: &Subscriber, conversation: Uuid) {
        let Some(own) = self.of_connection.get_mut(&subscriber.connection) else {
            return;
        };
        if own.insert(conversation) {
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
            self.subscribe(&subscriber, conversation);
        }
    }

    /// Ends the subscriptions of a user's connections.
    pub(super) fn leave(&mut self, user: UserId, conversation: Uuid) {
        if let Some(subscribers) = self.conversations.get_mut(&conversation) {
            subscribers.retain(|subscriber| subscriber.user != user);
            if subscribers.is_empty() {
                self.conversations.remove(&conversation);
            }
        }
        for subscriber in self.users.get(&user).into_iter().flatten() {
            if let Some(own) = self.of_connection.get_mut(&subscriber.connection) {
                own.remove(&conversation);
            }
        }
    }

    pub(super) fn unregister(&mut self, connection: u64, user: UserId) {
        for conversation in self.of_connection.remove(&connection).unwrap_or_default() {
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

    /// Whether anybody here sees the conversation.
    pub(super) fn watched(&self, conversation: Uuid) -> bool {
        self.conversations.contains_key(&conversation)
    }

    pub(super) fn deliver(&self, event: &LiveEvent) {
        for subscriber in self.conversations.get(&event.conversation).into_iter().flatten() {
            subscriber.outbox.live(event.clone());
        }
    }

    pub(super) fn ephemeral(&self, conversation: Uuid, except: u64, frame: &[u8]) {
        // It may come from another version by way of Redis.
        if std::str::from_utf8(frame).is_err() {
            return;
        }
        let frame = Frame::text(frame);
        for subscriber in self.conversations.get(&conversation).into_iter().flatten() {
            if subscriber.connection != except {
                subscriber.outbox.ephemeral(frame.clone());
            }
        }
    }
}
