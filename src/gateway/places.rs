//! How far each conversation has been written to a connection. Whatever comes in, each event goes out once, in order, without
//! a hole: that is decided here, and the writer does it.

use super::lookups::Range;
use crate::wire::LiveEvent;
use std::collections::HashMap;
use tidings_domain::Cursor;
use uuid::Uuid;

/// How far a conversation has been written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) cursor: Cursor,
    /// A proof that the client has it is still to be asked for.
    open: bool,
}

/// What is to be done with an event that has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is the next one.
    Next,
    /// It has been written.
    Old,
    /// Events before it have not: they are read from the log first.
    Behind(Range),
    /// Nothing is known of its conversation: what the client lacks of it is found out first.
    Unknown,
}

/// The place of each conversation.
#[derive(Default)]
pub(super) struct Places(HashMap<Uuid, Place>);

impl Places {
    pub(super) fn get(&self, conversation: Uuid) -> Option<Place> {
        self.0.get(&conversation).copied()
    }

    /// Judges an event. Where its conversation is not known, the event itself may say that the conversation `begins` with it
    /// for this client.
    pub(super) fn admission(&self, event: &LiveEvent, begins: impl FnOnce() -> bool) -> Admission {
        let last = match self.0.get(&event.conversation) {
            Some(place) => place.cursor.seq,
            None if begins() => event.seq.saturating_sub(1),
            None => return Admission::Unknown,
        };
        if event.seq <= last {
            Admission::Old
        } else if event.seq == last + 1 {
            Admission::Next
        } else {
            Admission::Behind((event.conversation, last + 1, event.seq - 1))
        }
    }

    /// Moves a place to what is written next. Returns whether a proof of it is to be asked for that was not before.
    pub(super) fn open(&mut self, conversation: Uuid, cursor: Cursor) -> bool {
        let before = self.0.insert(conversation, Place { cursor, open: true });
        before.is_none_or(|place| !place.open)
    }

    /// Moves a place without asking for more proof than is asked for already.
    pub(super) fn keep(&mut self, conversation: Uuid, cursor: Cursor) {
        let open = self.0.get(&conversation).is_some_and(|place| place.open);
        self.0.insert(conversation, Place { cursor, open });
    }

    /// Moves a place of which nothing is to be proved.
    pub(super) fn close_at(&mut self, conversation: Uuid, cursor: Cursor) {
        self.0.insert(conversation, Place { cursor, open: false });
    }

    /// The place up to which a proof is asked for now.
    pub(super) fn close(&mut self, conversation: Uuid) -> Option<Cursor> {
        let place = self.0.get_mut(&conversation)?;
        place.open = false;
        Some(place.cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Frame;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const ROOMS: usize = 3;

    /// A client of a log that holds `heads` events of each conversation.
    struct Client {
        heads: [u64; ROOMS],
        places: Places,
        written: Vec<(usize, u64)>,
    }

    /// What happens to it.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// An event comes from the hub: perhaps too early, perhaps again.
        Comes(usize, u64),
        /// The outbox has overflowed.
        Lags,
    }

    fn event(room: usize, seq: u64) -> LiveEvent {
        LiveEvent {
            conversation: Uuid::from_u128(room as u128),
            seq,
            msg_no: seq,
            joins: None,
            is_notice: false,
            edits: None,
            frame: Frame::text(b"{}"),
        }
    }

    impl Client {
        fn write(&mut self, room: usize, seq: u64) {
            self.written.push((room, seq));
            self.places
                .open(Uuid::from_u128(room as u128), Cursor { seq, msg_no: seq });
        }

        fn catch_up(&mut self) {
            for room in 0..ROOMS {
                let known = self.places.get(Uuid::from_u128(room as u128));
                for seq in known.map_or(0, |place| place.cursor.seq) + 1..=self.heads[room] {
                    self.write(room, seq);
                }
            }
        }

        fn take(&mut self, room: usize, seq: u64) {
            let event = event(room, seq);
            let mut admission = self.places.admission(&event, || seq == 1);
            if admission == Admission::Unknown {
                self.catch_up();
                admission = self.places.admission(&event, || false);
            }
            if let Admission::Behind((_, from, to)) = admission {
                (from..=to).for_each(|missing| self.write(room, missing));
            }
            if matches!(admission, Admission::Next | Admission::Behind(_)) {
                self.write(room, seq);
            }
        }
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            12 => (0..ROOMS, 1_u64..30).prop_map(|(room, seq)| Step::Comes(room, seq)),
            1 => Just(Step::Lags),
        ]
    }

    proptest! {
        #[test]
        fn whatever_comes_in_whatever_order_each_event_goes_out_once_in_order_without_a_hole(
            heads in [1_u64..30, 1..30, 1..30],
            cursors in [0_u64..30, 0..30, 0..30],
            steps in vec(step(), 0..80),
        ) {
            let mut client = Client { heads, places: Places::default(), written: vec![] };
            let cursors: Vec<u64> = cursors.iter().zip(heads).map(|(cursor, head)| *cursor.min(&head)).collect();
            for (room, seq) in cursors.iter().enumerate().filter(|(_, seq)| **seq > 0) {
                client
                    .places
                    .close_at(Uuid::from_u128(room as u128), Cursor { seq: *seq, msg_no: *seq });
            }
            for step in steps {
                match step {
                    Step::Comes(room, seq) => client.take(room, seq.min(heads[room])),
                    Step::Lags => client.catch_up(),
                }
            }
            for (room, cursor) in cursors.iter().enumerate() {
                let got: Vec<u64> = client
                    .written
                    .iter()
                    .filter(|(of, _)| *of == room)
                    .map(|(_, seq)| *seq)
                    .collect();
                let all: Vec<u64> = (cursor + 1..).take(got.len()).collect();
                prop_assert_eq!(got, all);
            }
        }
    }

    #[test]
    fn what_begins_for_the_client_needs_no_look_at_what_it_lacks() {
        let places = Places::default();
        for seq in [1, 5] {
            assert_eq!(places.admission(&event(1, seq), || true), Admission::Next);
            assert_eq!(places.admission(&event(1, seq), || false), Admission::Unknown);
        }
    }

    #[test]
    fn a_proof_is_asked_for_once_for_all_that_is_written_before_it() {
        let (mut places, room) = (Places::default(), Uuid::from_u128(1));
        let cursor = |seq| Cursor { seq, msg_no: seq };
        assert!(places.open(room, cursor(1)));
        assert!(!places.open(room, cursor(2)));
        assert_eq!(places.close(room), Some(cursor(2)));
        places.keep(room, cursor(3));
        assert_eq!(places.close(room), Some(cursor(3)));
        assert!(places.open(room, cursor(4)));
        places.keep(room, cursor(5));
        assert!(!places.open(room, cursor(6)));
        places.close_at(room, cursor(7));
        assert!(places.open(room, cursor(8)));
    }
}
