//! The clients: they come and go, send, read, and write down what they see.

use super::{CATCH_UP_MAX, Connection, Device, Message, Seqs, World, room, user};
use rand::RngExt as _;
use std::collections::{BTreeMap, VecDeque};
use tidings_journal::{Kind, Logged, Record, Via, digest};
use uuid::Uuid;

impl World {
    pub(super) fn connect(&mut self, number: usize) {
        if self.devices[number].connection.is_some() {
            return;
        }
        let who = self.devices[number].user;
        let told = self.seqs == Seqs::Told;
        if self.rng.random_bool(0.8) {
            self.write(number, |at| Record::Connecting { at });
        }
        let mut claims = self.devices[number].cursors.clone();
        if told && self.rng.random_bool(0.1) {
            // The client has forgotten how far it was, and goes on where any device of the person was.
            claims.clear();
        }
        let named = |(conversation, seq): (&usize, &u64)| (room(*conversation), *seq);
        let resume = if told {
            claims.iter().map(named).collect()
        } else {
            BTreeMap::new()
        };
        self.write(number, |at| Record::Connected { at, resume });
        if told && self.rng.random_bool(0.8) {
            self.write(number, |at| Record::Limits {
                at,
                catch_up: CATCH_UP_MAX,
                catch_up_total: u64::MAX,
            });
        }
        let mut next = BTreeMap::new();
        for conversation in 0..self.conversations.len() {
            let end = self.end(conversation, who);
            let log = &self.conversations[conversation].log;
            let name = user(who);
            let joins = |logged: &&Logged| logged.kind == Kind::Joined && logged.users.contains(&name);
            let Some(joined) = log.iter().find(joins).map(|logged| logged.seq) else {
                continue;
            };
            let stored = self.devices.iter().filter(|device| device.user == who);
            let stored = stored
                .filter_map(|device| device.cursors.get(&conversation))
                .max()
                .copied();
            let stored = if told { stored } else { None };
            let from = claims
                .get(&conversation)
                .copied()
                .or(stored)
                .unwrap_or(joined - 1)
                + 1;
            let mut first = from;
            if told && end >= from + CATCH_UP_MAX {
                first = end + 1 - CATCH_UP_MAX;
                let (from, to) = (from, first - 1);
                self.devices[number].cursors.insert(conversation, to);
                self.write(number, |at| Record::Gap {
                    at,
                    conversation: room(conversation),
                    from,
                    to,
                });
            }
            for seq in first..=end {
                self.show(number, conversation, seq, Via::CatchUp);
            }
            next.insert(conversation, end.max(from - 1) + 1);
        }
        self.write(number, |at| Record::Synced { at });
        self.devices[number].connection = Some(Connection {
            commands: VecDeque::new(),
            answers: VecDeque::new(),
            next,
        });
        for message in self.devices[number].open.clone() {
            self.submit(number, message);
        }
    }

    /// What is on its way is lost.
    pub(super) fn disconnect(&mut self, device: usize) {
        if self.devices[device].connection.take().is_some() {
            self.write(device, |at| Record::Disconnected { at });
        }
    }

    pub(super) fn send(&mut self, device: usize, conversation: usize) {
        let who = self.devices[device].user;
        if self.devices[device].connection.is_none() || !self.conversations[conversation].members[who] {
            return;
        }
        let message = Message {
            id: Uuid::from_u128(self.rng.random()),
            conversation,
            text: format!("{}", self.rng.random::<u32>()),
        };
        self.devices[device].open.push_back(message.clone());
        self.submit(device, message);
    }

    pub(super) fn submit(&mut self, device: usize, message: Message) {
        self.write(device, |at| Record::Send {
            at,
            id: message.id,
            conversation: room(message.conversation),
            digest: digest(&message.text),
        });
        let connection = self.devices[device].connection.as_mut().unwrap();
        connection.commands.push_back(message);
    }

    pub(super) fn answer(&mut self, number: usize) {
        let device = &mut self.devices[number];
        let mut answer = device.connection.as_mut().unwrap().answers.pop_front().unwrap();
        self.now += 1;
        if let Record::Ack { at, id, .. } | Record::Refused { at, id, .. } = &mut answer {
            *at = self.now;
            device.open.retain(|open| open.id != *id);
        }
        device.journal.records.push(answer);
    }

    pub(super) fn show(&mut self, device: usize, conversation: usize, seq: u64, via: Via) {
        let logged = self.conversations[conversation].log[seq as usize - 1].clone();
        if via != Via::Fetch {
            let cursor = self.devices[device].cursors.entry(conversation).or_default();
            *cursor = (*cursor).max(seq);
        }
        let told = self.seqs == Seqs::Told;
        if !told && logged.id.is_none() {
            return;
        }
        self.write(device, |at| Record::Delivered {
            at,
            conversation: logged.conversation,
            seq: told.then_some(seq),
            id: logged.id,
            digest: logged.digest,
            whole: logged.whole,
            withheld: false,
            via,
        });
    }

    /// A member fetches the last gap, page by page.
    pub(super) fn fetch(&mut self, device: usize, conversation: usize) {
        let who = self.devices[device].user;
        if self.devices[device].connection.is_none() || !self.conversations[conversation].members[who] {
            return;
        }
        let records = &self.devices[device].journal.records;
        let gap = records.iter().rev().find_map(|record| match record {
            Record::Gap {
                conversation: of,
                from,
                to,
                ..
            } if *of == room(conversation) => Some((*from, *to)),
            _ => None,
        });
        let (from, to) = gap.unwrap_or((1, 1));
        for seq in from..=to {
            self.show(device, conversation, seq, Via::Fetch);
        }
    }

    pub(super) fn read(&mut self, device: usize, conversation: usize) {
        let who = self.devices[device].user;
        let seen = self.devices[device].cursors.get(&conversation).copied();
        let Some(seq) = seen.filter(|_| self.conversations[conversation].members[who]) else {
            return;
        };
        if self.devices[device].connection.is_none() || seq == 0 {
            return;
        }
        let read = &mut self.conversations[conversation].read[who];
        *read = (*read).max(seq);
        let read = *read;
        self.write(device, |at| Record::Read {
            at,
            conversation: room(conversation),
            seq,
        });
        for other in 0..self.devices.len() {
            let Device {
                user: of, connection, ..
            } = &self.devices[other];
            if connection.is_some() && *of != who && self.conversations[conversation].members[*of] {
                self.devices[other].journal.records.push(Record::Receipt {
                    at: self.now,
                    conversation: room(conversation),
                    user: user(who),
                    seq: read,
                });
            }
        }
    }

    pub(super) fn count_unread(&mut self) {
        for device in 0..self.devices.len() {
            let who = self.devices[device].user;
            for number in 0..self.conversations.len() {
                let conversation = &self.conversations[number];
                if conversation.members[who] {
                    let unread = conversation.log[conversation.read[who] as usize..].iter();
                    let count = unread.filter(|logged| logged.kind == Kind::Message).count() as u64;
                    self.write(device, |at| Record::Unread {
                        at,
                        conversation: room(number),
                        count,
                    });
                }
            }
        }
    }
}
