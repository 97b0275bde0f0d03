//! What one device was sent, event by event.

use std::collections::HashMap;

use tidings_protocol::{Event, Gap};
use uuid::Uuid;

use super::{Fault, event_print};

/// A run of events without a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) prints: Vec<u32>,
}

impl Segment {
    /// The seq after the last.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.prints.len() as u64
    }
}

/// The deliveries to one device, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    reader: String,
    conversations: HashMap<Uuid, Vec<Segment>>,
    /// The next seq that must come by itself.
    live: HashMap<Uuid, u64>,
    fault: Option<Fault>,
}

impl Journal {
    pub(crate) fn new(reader: &str) -> Self {
        Self {
            reader: reader.to_owned(),
            ..Self::default()
        }
    }

    /// Takes an event that came by itself.
    pub(crate) fn record(&mut self, event: &Event) {
        let conversation = event.conversation;
        let print = event_print(event);
        let expected = *self.live.entry(conversation).or_insert(event.seq);
        if event.seq != expected {
            self.note(Fault::DeliveredOutOfOrder {
                reader: self.reader.clone(),
                conversation,
                expected,
                got: event.seq,
            });
        }
        self.live.insert(conversation, event.seq + 1);
        let segments = self.conversations.entry(conversation).or_default();
        match segments.last_mut() {
            Some(last) if last.next() == event.seq => last.prints.push(print),
            _ => segments.push(Segment {
                first: event.seq,
                prints: vec![print],
            }),
        }
    }

    /// Takes the word that events are left out. That is allowed only while catching up.
    pub(crate) fn gap(&mut self, gap: Gap, catching_up: bool) {
        let Gap {
            conversation,
            from,
            to,
        } = gap;
        if !catching_up {
            self.note(Fault::GapWhileLive {
                reader: self.reader.clone(),
                conversation,
                from,
                to,
            });
        }
        self.live.insert(conversation, to + 1);
    }

    /// Takes events that were fetched to fill a gap.
    pub(crate) fn fetched(&mut self, conversation: Uuid, events: &[Event]) {
        let segments = self.conversations.entry(conversation).or_default();
        for (index, event) in events.iter().enumerate() {
            let print = event_print(event);
            match segments.first_mut() {
                Some(first) if index > 0 && first.next() == event.seq => first.prints.push(print),
                // At the front, so that the last stays the one that live events go on with.
                _ => segments.insert(
                    0,
                    Segment {
                        first: event.seq,
                        prints: vec![print],
                    },
                ),
            }
        }
    }

    /// The seq after the last that this device was sent; 0 when it was sent nothing.
    pub(crate) fn next(&self, conversation: Uuid) -> u64 {
        self.conversations
            .get(&conversation)
            .and_then(|segments| segments.iter().map(Segment::next).max())
            .unwrap_or(0)
    }

    /// The runs of a conversation by seq.
    pub(crate) fn segments(&self, conversation: Uuid) -> Vec<&Segment> {
        let mut segments: Vec<_> = self
            .conversations
            .get(&conversation)
            .into_iter()
            .flatten()
            .collect();
        segments.sort_by_key(|segment| segment.first);
        segments
    }

    /// The first thing that was wrong at once.
    pub(crate) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Keeps the first fault.
    pub(crate) fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }
}
