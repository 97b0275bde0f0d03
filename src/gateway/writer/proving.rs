//! What the client has of that which was written: it is asked for proofs, and what is proved is noted.

use super::Writer;
use crate::delivery::Brought;
use crate::gateway::gaps::Filled;
use crate::planted;
use crate::wire::Frame;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_domain::{ConversationId, Cursor};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// Conversations that are looked at whether they show deliveries, of those of which one ping asks for a proof.
const ASKED: usize = 100;
/// How long what was proved last waits for room, when the connection ends.
const LAST_NOTE: Duration = Duration::from_secs(5);

impl Writer {
    pub(super) fn proof_wanted(&mut self) -> bool {
        let pause = self.gateway.limits.proof();
        self.receipts.wanted(Instant::now(), pause, &self.shared.answered)
    }

    pub(super) fn proof_wanted_with_answer(&mut self) -> bool {
        let pause = self.gateway.limits.proof();
        self.receipts
            .wanted_with_answer(Instant::now(), pause, &self.shared.answered)
    }

    /// A ping whose answer proves everything that was written.
    pub(super) fn ping(&mut self) -> Frame {
        if self.admitted {
            return Frame::ping(&[]);
        }
        self.ping_behind()
    }

    /// The same for one that goes out behind everything that was admitted.
    pub(super) fn ping_behind(&mut self) -> Frame {
        let places = &mut self.places;
        let asked = self.receipts.ping(Instant::now(), &self.shared.answered, places);
        if asked.first {
            self.shared.gaps.asked(asked.number);
            self.note_soon();
        }
        Frame::ping(&asked.number.to_be_bytes())
    }

    /// Has the proof that is asked for noted soon, where it is of a conversation whose members are shown it.
    fn note_soon(&mut self) {
        let cursors = &self.gateway.cursors;
        let mut some = self.receipts.asked().take(ASKED);
        if some.any(|conversation| cursors.shows_deliveries(conversation)) {
            let soon = Duration::from_millis(self.gateway.limits.delivered_direct_ms);
            self.timers.note_by(Instant::now() + soon);
        }
    }

    /// The client has answered the close that was said, or closed and read on: it has everything that was written.
    pub(in crate::gateway) fn close_answered(&mut self, code: Option<u16>) {
        if self.said.is_some() && self.said == code {
            self.received_all();
        }
    }

    /// The client has everything that was written.
    pub(in crate::gateway) fn received_all(&mut self) {
        if !self.admitted {
            self.receipts.all(&self.places);
        }
    }

    /// Moves a conversation's place, for which a proof is to be asked.
    pub(in crate::gateway) fn open_place(&mut self, conversation: Uuid, cursor: Cursor) {
        if self.owing && self.shared.gaps.holds(conversation) {
            self.places.keep(conversation, cursor);
        } else if self.places.open(conversation, cursor) {
            self.receipts.open(conversation);
        }
    }

    /// Notes what an answer to `fetch` has brought of a gap.
    pub(super) fn brought(&mut self, brought: &Brought) {
        let Brought { conversation, to, .. } = *brought;
        match self.shared.gaps.brought(brought) {
            None => {}
            Some(Filled::Partly) => self.receipts.open_to(conversation, to),
            Some(Filled::Whole) => {
                let behind = self.places.get(conversation).map(|place| place.cursor);
                let cursor = behind.filter(|cursor| cursor.seq > to.seq).unwrap_or(to);
                self.open_place(conversation, cursor);
            }
        }
    }

    /// Tells the user's stream what this device has proved to have. Where that has no room, nobody waits: it is told next time.
    pub(super) fn note_delivered(&mut self) {
        let moved = self.moved();
        if !moved.is_empty()
            && let Err(moved) =
                self.gateway
                    .cursors
                    .delivered(self.subscriber.user, self.shared.time_lines, moved)
        {
            self.receipts.put_back(moved);
        }
        // What is not proved yet is looked at again: the client may be slow to answer.
        self.note_soon();
    }

    /// The same when there is no next time.
    pub(in crate::gateway) async fn note_delivered_last(&mut self) {
        let moved = self.moved();
        if !moved.is_empty() {
            let (user, time_lines) = (self.subscriber.user, self.shared.time_lines);
            let noting = self.gateway.cursors.delivered_last(user, time_lines, moved);
            // A later device is sent the same events once more.
            let _ = timeout(LAST_NOTE, noting).await;
        }
    }

    fn moved(&mut self) -> BTreeMap<ConversationId, Cursor> {
        if planted::is("unproved") {
            self.receipts.all(&self.places);
        }
        self.receipts.take(&self.shared.answered)
    }
}
