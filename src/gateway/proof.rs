//! What proves that a client has what was written to it.
//!
//! A completed write proves nothing: the kernel, a proxy or a dead network may have the bytes. Nor does any frame of the
//! client: it may have been on its way before the write. A ping that carries a number goes out behind what was written, and
//! only the pong with that number shows that the client has read so far.

use super::places::Places;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tidings_domain::{ConversationId, Cursor};
use tokio::time::Instant;
use uuid::Uuid;

/// The number of the newest ping that the client has answered, as the reader tells the writer. It is looked at when the
/// writer has something to do anyway: a pong wakes nobody.
#[derive(Default)]
pub(super) struct Answered {
    number: AtomicU32,
    /// The number of the newest ping.
    asked: AtomicU32,
    /// The client has asked for an answer, perhaps because it goes away and wants to prove first what it has.
    prompted: AtomicBool,
}

impl Answered {
    /// Takes the payload of a pong. One that is none of ours proves nothing. Answers whether it was waited for.
    pub(super) fn pong(&self, payload: &[u8]) -> bool {
        let Ok(number) = payload.try_into().map(u32::from_be_bytes) else {
            return false;
        };
        let before = self.number.swap(number, Ordering::Relaxed);
        before != number && number == self.asked.load(Ordering::Relaxed)
    }

    /// With the answer that goes out next, a proof is asked for, however lately it was.
    pub(super) fn prompt(&self) {
        self.prompted.store(true, Ordering::Relaxed);
    }

    pub(super) fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }
}

/// A ping that asks for a proof.
pub(super) struct Asked {
    pub(super) number: u32,
    /// It is the first with its number: the answer proves everything in front of it.
    pub(super) first: bool,
}

/// What was written to a connection and is not proved yet, and what is proved and not stored yet.
pub(super) struct Receipts {
    /// Conversations that were written to since the last numbered ping: up to their places, or to the cursor given.
    open: Vec<(Uuid, Option<Cursor>)>,
    /// Places in front of the ping that is not answered yet.
    marked: Vec<(Uuid, Cursor)>,
    proved: BTreeMap<ConversationId, Cursor>,
    /// The number of the newest ping. 0 is none.
    number: u32,
    /// Since when something has been open, or the last look for a proof that had not come.
    since: Instant,
    /// When a proof was asked for last.
    asked: Option<Instant>,
}

/// The pause where a ping goes out with an answer: this client is awake and reading.
const SOON: Duration = Duration::from_secs(1);

impl Receipts {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            open: vec![],
            marked: vec![],
            proved: BTreeMap::new(),
            number: 0,
            since: now,
            asked: None,
        }
    }

    /// Notes that a conversation is written to whose place was not open before.
    pub(super) fn open(&mut self, conversation: Uuid) {
        self.push(conversation, None);
    }

    /// Notes that a conversation is written up to here, wherever its place is.
    pub(super) fn open_to(&mut self, conversation: Uuid, cursor: Cursor) {
        self.push(conversation, Some(cursor));
    }

    fn push(&mut self, conversation: Uuid, cursor: Option<Cursor>) {
        if self.open.is_empty() {
            self.since = Instant::now();
        }
        self.open.push((conversation, cursor));
    }

    /// Notes a place that the client itself says it has.
    pub(super) fn claimed(&mut self, conversation: Uuid, cursor: Cursor) {
        self.prove(conversation, cursor);
    }

    /// When to ask for a proof; `None` while nothing waits for one.
    pub(super) fn due(&self, pause: Duration) -> Option<Instant> {
        (!self.open.is_empty()).then(|| self.since + pause)
    }

    /// Whether to ask for a proof now: something has waited for it for long enough, and the last one has come.
    pub(super) fn wanted(&mut self, now: Instant, pause: Duration, answered: &Answered) -> bool {
        let due = self.due(pause).is_some_and(|due| now >= due);
        due && {
            self.since = now;
            self.settle(answered);
            self.marked.is_empty()
        }
    }

    /// The same for a ping that would go out with an answer to the client.
    pub(super) fn wanted_with_answer(&mut self, now: Instant, pause: Duration, answered: &Answered) -> bool {
        let quiet = answered.prompted.swap(false, Ordering::Relaxed)
            || self.asked.is_none_or(|asked| now >= asked + pause.min(SOON));
        !self.open.is_empty() && quiet && {
            self.settle(answered);
            self.marked.is_empty()
        }
    }

    /// A ping that goes out behind everything that was written, or is written before it. While an earlier
    /// one is not answered it says that one's number again, since a client may answer only the newest of several.
    pub(super) fn ping(&mut self, now: Instant, answered: &Answered, places: &mut Places) -> Asked {
        self.settle(answered);
        let first = self.marked.is_empty() && !self.open.is_empty();
        if first {
            self.number = self.number.wrapping_add(1).max(1);
            for (conversation, cursor) in std::mem::take(&mut self.open) {
                if let Some(cursor) = cursor.or_else(|| places.close(conversation)) {
                    self.marked.push((conversation, cursor));
                }
            }
            self.asked = Some(now);
            answered.asked.store(self.number, Ordering::Relaxed);
        }
        Asked {
            number: self.number,
            first,
        }
    }

    /// The conversations of which the newest ping asks for a proof.
    pub(super) fn asked(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.marked.iter().map(|(conversation, _)| *conversation)
    }

    /// Takes in what the newest pong proves.
    fn settle(&mut self, answered: &Answered) {
        if !self.marked.is_empty() && answered.number() == self.number {
            for (conversation, cursor) in std::mem::take(&mut self.marked) {
                self.prove(conversation, cursor);
            }
        }
    }

    /// The client has shown in another way that it has everything that was written.
    pub(super) fn all(&mut self, places: &Places) {
        for (conversation, cursor) in std::mem::take(&mut self.marked) {
            self.prove(conversation, cursor);
        }
        for (conversation, cursor) in std::mem::take(&mut self.open) {
            let place = || places.get(conversation).map(|place| place.cursor);
            if let Some(cursor) = cursor.or_else(place) {
                self.prove(conversation, cursor);
            }
        }
    }

    fn prove(&mut self, conversation: Uuid, cursor: Cursor) {
        let known = self.proved.entry(ConversationId(conversation)).or_insert(cursor);
        *known = (*known).max(cursor);
    }

    /// Keeps what was taken and found no room.
    pub(super) fn put_back(&mut self, cursors: BTreeMap<ConversationId, Cursor>) {
        for (conversation, cursor) in cursors {
            self.prove(conversation.0, cursor);
        }
    }

    /// Takes what is proved and has not been taken yet.
    pub(super) fn take(&mut self, answered: &Answered) -> BTreeMap<ConversationId, Cursor> {
        self.settle(answered);
        std::mem::take(&mut self.proved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Uuid = Uuid::from_u128(1);
    const PAUSE: Duration = Duration::from_secs(2);

    struct Scene {
        receipts: Receipts,
        answered: Answered,
        places: Places,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            let now = Instant::now();
            Self {
                receipts: Receipts::new(now),
                answered: Answered::default(),
                places: Places::default(),
                now,
            }
        }

        fn write(&mut self, seq: u64) {
            let cursor = Cursor { seq, msg_no: seq };
            if self.places.open(ROOM, cursor) {
                self.receipts.open(ROOM);
            }
        }

        fn ping(&mut self) -> [u8; 4] {
            self.receipts
                .ping(self.now, &self.answered, &mut self.places)
                .number
                .to_be_bytes()
        }

        fn proved(&mut self) -> Option<u64> {
            let proved = self.receipts.take(&self.answered);
            proved.get(&ConversationId(ROOM)).map(|cursor| cursor.seq)
        }
    }

    #[test]
    fn a_pong_proves_what_was_written_before_its_ping_and_nothing_else() {
        let mut scene = Scene::new();
        scene.write(1);
        scene.write(2);
        let first = scene.ping();
        scene.write(3);
        assert_eq!(scene.proved(), None);
        scene.answered.pong(b"");
        scene.answered.pong(b"other");
        assert_eq!(scene.proved(), None);
        scene.answered.pong(&first);
        assert_eq!(scene.proved(), Some(2));
        // An old answer does not prove what came later.
        let second = scene.ping();
        scene.answered.pong(&first);
        assert_eq!(scene.proved(), None);
        scene.answered.pong(&second);
        assert_eq!((scene.proved(), scene.proved()), (Some(3), None));
    }

    #[test]
    fn a_ping_while_one_is_not_answered_repeats_its_number_and_covers_no_more() {
        let mut scene = Scene::new();
        scene.write(1);
        let first = scene.ping();
        scene.write(2);
        assert_eq!(scene.ping(), first);
        scene.answered.pong(&first);
        assert_eq!(scene.proved(), Some(1));
    }

    #[test]
    fn a_proof_is_asked_for_after_a_pause_and_again_when_it_has_come() {
        let mut scene = Scene::new();
        let wanted = |scene: &mut Scene| scene.receipts.wanted(scene.now, PAUSE, &scene.answered);
        assert!(!wanted(&mut scene) && scene.receipts.due(PAUSE).is_none());
        scene.write(1);
        assert!(!wanted(&mut scene));
        scene.now = Instant::now() + PAUSE;
        assert!(wanted(&mut scene));
        let number = scene.ping();
        scene.write(2);
        scene.now += PAUSE;
        // Not answered: it is looked at again after a pause.
        assert!(!wanted(&mut scene) && scene.receipts.due(PAUSE) > Some(scene.now));
        scene.answered.pong(&number);
        scene.now += PAUSE;
        assert!(wanted(&mut scene));
    }

    #[test]
    fn with_an_answer_a_proof_is_asked_for_sooner() {
        let mut scene = Scene::new();
        let wanted = |scene: &mut Scene| {
            let (now, answered) = (scene.now, &scene.answered);
            scene.receipts.wanted_with_answer(now, PAUSE, answered)
        };
        assert!(!wanted(&mut scene));
        scene.write(1);
        assert!(wanted(&mut scene));
        let number = scene.ping();
        scene.answered.pong(&number);
        scene.write(2);
        assert!(!wanted(&mut scene));
        scene.now += SOON;
        assert!(wanted(&mut scene));
        let number = scene.ping();
        scene.answered.pong(&number);
        scene.write(3);
        scene.answered.prompt();
        assert!(wanted(&mut scene));
    }

    #[test]
    fn what_found_no_room_is_kept_beside_what_is_proved_since() {
        let mut scene = Scene::new();
        scene.write(1);
        let first = scene.ping();
        scene.answered.pong(&first);
        let taken = scene.receipts.take(&scene.answered);
        scene.receipts.put_back(taken.clone());
        assert_eq!(scene.proved(), Some(1));
        scene.write(2);
        let second = scene.ping();
        scene.answered.pong(&second);
        scene.receipts.put_back(taken);
        assert_eq!(scene.proved(), Some(2));
    }

    #[test]
    fn what_is_proved_otherwise_takes_everything() {
        let mut scene = Scene::new();
        scene.write(1);
        scene.ping();
        scene.write(2);
        scene.receipts.all(&scene.places);
        assert_eq!(scene.proved(), Some(2));
    }
}
