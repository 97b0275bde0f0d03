//! What was sent, by message and device.

use std::collections::HashMap;
use std::iter;

use uuid::Uuid;

use super::found::Line;
use crate::record::Micros;

const NONE: u32 = u32::MAX;

/// All tries of one device to send one message: the same id and the same content.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: Uuid,
    pub(super) content: Content,
    pub(super) journal: u32,
    /// Of the first try.
    pub(super) at: Micros,
    pub(super) line: u32,
    pub(super) tries: u32,
    /// Tries that were refused, and the line of the last refusal.
    pub(super) refused: u32,
    pub(super) refused_line: u32,
    /// The line of the last refusal as another message than an earlier one of this id, or 0.
    pub(super) conflict_line: u32,
    /// The line of the first ack, or 0.
    pub(super) acked_line: u32,
    /// The next of the same id.
    next: u32,
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) user: u32,
    pub(super) conversation: u32,
    pub(super) digest: u64,
}

impl Sent {
    pub(super) fn line(&self) -> Line {
        Line::Journal {
            journal: self.journal,
            line: self.line,
        }
    }
}

#[derive(Default)]
pub(super) struct Messages {
    first: HashMap<Uuid, u32>,
    sent: Vec<Sent>,
}

impl Messages {
    /// Notes a try; answers its number, which all tries of the device and content share.
    pub(super) fn send(&mut self, id: Uuid, content: Content, journal: u32, at: Micros, line: u32) -> u32 {
        let known = self.numbers(id).find(|number| {
            let sent = &self.sent[*number as usize];
            sent.journal == journal && sent.content == content
        });
        if let Some(number) = known {
            self.sent[number as usize].tries += 1;
            return number;
        }
        let number = u32::try_from(self.sent.len()).expect("fewer than 2^32 messages");
        self.sent.push(Sent {
            id,
            content,
            journal,
            at,
            line,
            tries: 1,
            refused: 0,
            refused_line: 0,
            conflict_line: 0,
            acked_line: 0,
            next: self.first.insert(id, number).unwrap_or(NONE),
        });
        number
    }

    fn numbers(&self, id: Uuid) -> impl Iterator<Item = u32> + '_ {
        iter::successors(self.first.get(&id).copied(), |number| {
            let next = self.sent[*number as usize].next;
            (next != NONE).then_some(next)
        })
    }

    /// What a device sent under an id. Of several contents, the one that `prefers` is taken.
    pub(super) fn by(&self, id: Uuid, journal: u32, prefers: impl Fn(&Content) -> bool) -> Option<u32> {
        let own = |number: &u32| self.sent[*number as usize].journal == journal;
        let preferred = |number: &u32| prefers(&self.sent[*number as usize].content);
        let mut numbers = self.numbers(id).filter(own);
        let first = numbers.next()?;
        if preferred(&first) {
            return Some(first);
        }
        Some(numbers.find(preferred).unwrap_or(first))
    }

    /// All that was sent under an id.
    pub(super) fn of(&self, id: Uuid) -> impl Iterator<Item = &Sent> + '_ {
        self.numbers(id).map(|number| &self.sent[number as usize])
    }

    pub(super) fn get(&self, number: u32) -> &Sent {
        &self.sent[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Sent {
        &mut self.sent[number as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.first.keys().copied()
    }
}
