//! The server: it keeps its log, and does what it is asked in the order asked.

use super::{Seqs, World, room, user};
use rand::RngExt as _;
use tidings_journal::{Kind, Logged, Record, Stored, digest};

impl World {
    /// Of the next event that goes into the log.
    fn next_place(&self) -> Stored {
        Stored {
            lane: 0,
            pos: self.order.len() as u64 + 1,
            time: self.now as i64,
        }
    }

    pub(super) fn change(&mut self, number: usize, kind: Kind, users: &[usize]) {
        let stored = self.next_place();
        let conversation = &mut self.conversations[number];
        let seq = conversation.log.len() as u64 + 1;
        for user in users {
            let joins = kind == Kind::Joined;
            conversation.members[*user] = joins;
            conversation.left[*user] = (!joins).then_some(seq);
            if joins {
                conversation.read[*user] = seq;
            }
        }
        conversation.log.push(Logged {
            conversation: room(number),
            seq,
            kind,
            actor: user(0),
            id: None,
            digest: 0,
            whole: None,
            of: None,
            withheld: false,
            stored: Some(stored),
            users: users.iter().copied().map(user).collect(),
        });
        self.order.push((number, seq));
        if kind == Kind::Joined {
            // Their connections begin with the event; those that know the conversation go on.
            for device in self
                .devices
                .iter_mut()
                .filter(|device| users.contains(&device.user))
            {
                if let Some(connection) = &mut device.connection {
                    connection.next.entry(number).or_insert(seq);
                }
            }
        }
    }

    pub(super) fn change_members(&mut self, number: usize) {
        let user = self.rng.random_range(0..self.conversations[number].members.len());
        let kind = if self.conversations[number].members[user] {
            Kind::Left
        } else {
            Kind::Joined
        };
        if self.rng.random_bool(0.2) {
            let seq = self.conversations[number].log.len() as u64 + 1;
            let stored = self.next_place();
            self.conversations[number].log.push(Logged {
                conversation: room(number),
                seq,
                kind: Kind::Other,
                actor: user.to_string(),
                id: None,
                digest: 0,
                whole: None,
                of: None,
                withheld: false,
                stored: Some(stored),
                users: vec![],
            });
            self.order.push((number, seq));
        } else if user > 0 {
            self.change(number, kind, &[user]);
        }
    }

    /// The last seq that a user may see.
    pub(super) fn end(&self, conversation: usize, user: usize) -> u64 {
        let conversation = &self.conversations[conversation];
        conversation.left[user].unwrap_or(conversation.log.len() as u64)
    }

    /// The server refuses the next command of a device.
    pub(super) fn refuse(&mut self, device: usize) {
        let known = |id| {
            self.conversations
                .iter()
                .any(|one| one.log.iter().any(|logged| logged.id == Some(id)))
        };
        let Some(message) = self.devices[device]
            .connection
            .as_ref()
            .and_then(|one| one.commands.front())
        else {
            return;
        };
        let id = message.id;
        if known(id) {
            return;
        }
        let device = &mut self.devices[device];
        let connection = device.connection.as_mut().unwrap();
        connection.commands.pop_front();
        device.open.retain(|open| open.id != id);
        connection.answers.push_back(Record::Refused {
            at: 0,
            id,
            code: "rate_limited".to_owned(),
        });
    }

    /// The server takes the next command of a device.
    pub(super) fn commit(&mut self, device: usize) {
        let who = self.devices[device].user;
        let stored = self.next_place();
        let connection = self.devices[device].connection.as_mut().unwrap();
        let message = connection.commands.pop_front().unwrap();
        let conversation = &mut self.conversations[message.conversation];
        let known = conversation
            .log
            .iter()
            .find(|logged| logged.id == Some(message.id));
        let (seq, stored) = match known {
            Some(logged) => (logged.seq, logged.stored),
            None if !conversation.members[who] => {
                connection.answers.push_back(Record::Refused {
                    at: 0,
                    id: message.id,
                    code: "not_a_member".to_owned(),
                });
                return;
            }
            None => {
                let seq = conversation.log.len() as u64 + 1;
                conversation.log.push(Logged {
                    conversation: room(message.conversation),
                    seq,
                    kind: Kind::Message,
                    actor: user(who),
                    id: Some(message.id),
                    digest: digest(&message.text),
                    whole: None,
                    of: None,
                    withheld: false,
                    stored: Some(stored),
                    users: vec![],
                });
                conversation.read[who] = seq;
                self.order.push((message.conversation, seq));
                (seq, Some(stored))
            }
        };
        connection.answers.push_back(Record::Ack {
            at: 0,
            id: message.id,
            seq: (self.seqs == Seqs::Told).then_some(seq),
            stored,
        });
    }
}
