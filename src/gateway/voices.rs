//! What is known of who is heard where: whether that somebody types is shown in a conversation, and to whom. It is remembered for a while, and
//! forgotten at once when something happens that may make it another.

use crate::delivery::Audience;
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tidings_domain::{ConversationId, UserId};
use tokio::time::Instant;

/// People of whom it is known somewhere, over all conversations: some 20 MB, if each is kept from many.
const VOICES: usize = 16_384;
/// A question that has no answer by then is asked again.
const UNANSWERED: Duration = Duration::from_secs(5);
/// For how long behind a block read models may not know of it.
const DOUBT: Duration = Duration::from_mins(1);
/// People of whom a block was heard, who are remembered for that long; of more, everybody is in doubt.
const DOUBTED: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Something that somebody does on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) user: UserId,
    pub(super) conversation: ConversationId,
    pub(super) connection: u64,
    pub(super) on: bool,
}

/// Whether somebody is heard in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    Heard(Audience),
    Silent,
}

/// The question whether somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) user: UserId,
    pub(super) conversation: ConversationId,
    /// An answer to a question before this one may be old.
    ticket: u64,
}

/// What becomes of something that was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Known(Voice),
    /// It has to be found out.
    Asked(Question),
    /// It is being found out; what was typed last is shown then.
    Waits,
}

/// All that is known. Cheap to clone.
#[derive(Clone, Default)]
pub struct Voices(Arc<Mutex<Memory>>);

struct Memory {
    of: LruCache<ConversationId, HashMap<UserId, Slot>>,
    count: usize,
    tickets: u64,
    doubted: LruCache<UserId, Instant>,
    /// What was heard of blocks before this moment is not known one by one: at the beginning, nothing.
    all_doubted_until: Instant,
}

enum Slot {
    Asked {
        ticket: u64,
        since: Instant,
        typed: Typed,
    },
    Known {
        voice: Voice,
        until: Instant,
    },
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            of: LruCache::unbounded(),
            count: 0,
            tickets: 0,
            doubted: LruCache::new(DOUBTED),
            all_doubted_until: Instant::now() + DOUBT,
        }
    }
}

impl Memory {
    fn slot(&mut self, conversation: ConversationId, user: UserId) -> Option<&mut Slot> {
        self.of.get_mut(&conversation)?.get_mut(&user)
    }

    fn put(&mut self, conversation: ConversationId, user: UserId, slot: Slot) {
        let people = self.of.get_or_insert_mut(conversation, HashMap::new);
        self.count += usize::from(people.insert(user, slot).is_none());
        while self.count > VOICES
            && let Some((_, gone)) = self.of.pop_lru()
        {
            self.count -= gone.len();
        }
    }

    /// Forgets somebody everywhere, and conversations of which nothing else is known: they would stay for ever.
    fn remove(&mut self, user: UserId) {
        let (mut gone, mut empty) = (0, vec![]);
        for (conversation, people) in &mut self.of {
            gone += usize::from(people.remove(&user).is_some());
            if people.is_empty() {
                empty.push(*conversation);
            }
        }
        for conversation in empty {
            self.of.pop(&conversation);
        }
        self.count -= gone;
    }
}

impl Voices {
    /// Whether somebody is heard, if that is known.
    pub(super) fn known(&self, typed: &Typed, now: Instant) -> Option<Voice> {
        match self.memory().slot(typed.conversation, typed.user)? {
            Slot::Known { voice, until } if now < *until => Some(voice.clone()),
            Slot::Known { .. } | Slot::Asked { .. } => None,
        }
    }

    /// Has it found out for something that was typed.
    pub(super) fn ask(&self, typed: Typed, now: Instant) -> Fate {
        let Typed {
            user, conversation, ..
        } = typed;
        let mut memory = self.memory();
        match memory.slot(conversation, user) {
            Some(Slot::Known { voice, until }) if now < *until => return Fate::Known(voice.clone()),
            Some(Slot::Asked {
                since, typed: last, ..
            }) if now < *since + UNANSWERED => {
                *last = typed;
                return Fate::Waits;
            }
            _ => {}
        }
        memory.tickets += 1;
        let ticket = memory.tickets;
        let slot = Slot::Asked {
            ticket,
            since: now,
            typed,
        };
        memory.put(conversation, user, slot);
        Fate::Asked(Question {
            user,
            conversation,
            ticket,
        })
    }

    /// It was found out, and holds for so long, unless something has happened since by which it may be otherwise: then nothing comes of it.
    /// What waits for it is handed to `show`, before anybody can overtake it; that must not block.
    pub(super) fn answer(
        &self,
        question: &Question,
        (voice, life): (Voice, Duration),
        now: Instant,
        show: impl FnOnce(Typed, &Voice),
    ) {
        let mut memory = self.memory();
        let Some(slot) = memory.slot(question.conversation, question.user) else {
            return;
        };
        let typed = match slot {
            Slot::Asked { ticket, typed, .. } if *ticket == question.ticket => *typed,
            Slot::Asked { .. } | Slot::Known { .. } => return,
        };
        show(typed, &voice);
        *slot = Slot::Known {
            voice,
            until: now + life,
        };
    }

    /// Something has happened in a conversation by which others may be heard there.
    pub fn forget(&self, conversation: ConversationId) {
        let mut memory = self.memory();
        if let Some(gone) = memory.of.pop(&conversation) {
            memory.count -= gone.len();
        }
    }

    /// One of two people has blocked the other, or does so no more. There are far fewer blocks than there are messages, so all that is known
    /// is looked through.
    pub fn part(&self, one: UserId, other: UserId) {
        let until = Instant::now() + DOUBT;
        let mut memory = self.memory();
        for user in [one, other] {
            memory.remove(user);
            if let Some((forgotten, doubted)) = memory.doubted.push(user, until)
                && forgotten != user
            {
                memory.all_doubted_until = memory.all_doubted_until.max(doubted);
            }
        }
    }

    /// Something may have happened of which nobody can say what it was.
    pub fn doubt(&self) {
        let mut memory = self.memory();
        memory.of.clear();
        memory.count = 0;
        memory.all_doubted_until = Instant::now() + DOUBT;
    }

    /// Whether read models may lack a block between this person and another.
    pub(super) fn is_doubted(&self, user: UserId, now: Instant) -> bool {
        let memory = self.memory();
        let until = memory.doubted.peek(&user).copied();
        now < memory.all_doubted_until || until.is_some_and(|until| now < until)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const LIFE: Duration = Duration::from_secs(30);

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    fn typed(n: u128, room: u128, on: bool) -> Typed {
        Typed {
            user: user(n),
            conversation: ConversationId(Uuid::from_u128(room)),
            connection: 7,
            on,
        }
    }

    fn asked(voices: &Voices, typed: Typed, now: Instant) -> Question {
        match voices.ask(typed, now) {
            Fate::Asked(question) => question,
            other => panic!("{other:?}"),
        }
    }

    /// What is shown when the answer comes.
    fn answered(voices: &Voices, question: &Question, now: Instant) -> Option<Typed> {
        let mut shown = None;
        let heard = (Voice::Heard(Audience::All), LIFE);
        voices.answer(question, heard, now, |typed, _| shown = Some(typed));
        shown
    }

    #[test]
    fn what_was_typed_last_is_shown_when_it_is_known_to_whom() {
        let (voices, start) = (Voices::default(), Instant::now());
        let (on, off) = (typed(1, 1, true), typed(1, 1, false));
        assert_eq!(voices.known(&on, start), None);
        let question = asked(&voices, on, start);
        assert_eq!(voices.ask(off, start), Fate::Waits);
        assert_eq!(answered(&voices, &question, start), Some(off));
        let heard = Voice::Heard(Audience::All);
        assert_eq!(voices.ask(on, start), Fate::Known(heard.clone()));
        let late = start + LIFE;
        assert_eq!(
            voices.known(&on, late.checked_sub(Duration::from_millis(1)).unwrap()),
            Some(heard)
        );
        assert_eq!(voices.known(&on, late), None);
        assert_ne!(asked(&voices, on, late), question);
    }

    #[test]
    fn an_answer_from_before_something_happened_is_none() {
        let (voices, start) = (Voices::default(), Instant::now());
        let on = typed(1, 1, true);
        let changes: [&dyn Fn(); 4] = [
            &|| voices.forget(on.conversation),
            &|| voices.part(user(9), user(1)),
            &|| voices.part(user(1), user(9)),
            &|| voices.doubt(),
        ];
        for change in changes {
            let question = asked(&voices, on, start);
            change();
            assert_eq!(answered(&voices, &question, start), None);
            let question = asked(&voices, on, start);
            assert_eq!(answered(&voices, &question, start), Some(on));
            change();
            assert_eq!(voices.known(&on, start), None);
        }
        // What happens to others and elsewhere changes nothing.
        let question = asked(&voices, on, start);
        voices.forget(ConversationId(Uuid::from_u128(2)));
        voices.part(user(8), user(9));
        assert_eq!(answered(&voices, &question, start), Some(on));
    }

    #[test]
    fn a_question_without_an_answer_is_asked_again() {
        let (voices, start) = (Voices::default(), Instant::now());
        let on = typed(1, 1, true);
        let first = asked(&voices, on, start);
        let second = asked(&voices, on, start + UNANSWERED);
        assert_eq!(answered(&voices, &first, start), None);
        assert_eq!(answered(&voices, &second, start), Some(on));
    }

    #[test]
    fn behind_a_block_the_read_models_are_not_trusted_for_a_while() {
        let (voices, start) = (Voices::default(), Instant::now());
        assert!(voices.is_doubted(user(1), start));
        voices.memory().all_doubted_until = start;
        assert!(!voices.is_doubted(user(1), start));
        voices.part(user(1), user(2));
        for (n, doubted) in [(1, true), (2, true), (3, false)] {
            assert_eq!(voices.is_doubted(user(n), start), doubted, "{n}");
        }
        // Those who are forgotten are in doubt like everybody then.
        for n in 0..2 * DOUBTED.get() as u128 {
            voices.part(user(100), user(101 + n));
        }
        assert!(voices.is_doubted(user(1), start) && voices.is_doubted(user(3), start));
        assert!(!voices.is_doubted(user(100), Instant::now() + DOUBT));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let (voices, start) = (Voices::default(), Instant::now());
        for n in 0..2 * VOICES as u128 {
            asked(&voices, typed(n, n % 1000, true), start);
        }
        assert!(voices.memory().count <= VOICES);
        let all = voices
            .memory()
            .of
            .iter()
            .map(|(_, people)| people.len())
            .sum::<usize>();
        assert_eq!(voices.memory().count, all);
    }

    #[test]
    fn nothing_is_kept_of_a_conversation_in_which_nobody_is_known_any_more() {
        let (voices, start) = (Voices::default(), Instant::now());
        for room in 0..9 {
            asked(&voices, typed(1, room, true), start);
        }
        asked(&voices, typed(2, 0, true), start);
        let kept = || {
            let memory = voices.memory();
            (memory.of.len(), memory.count)
        };
        assert_eq!(kept(), (9, 10));
        voices.part(user(1), user(9));
        assert_eq!(kept(), (1, 1));
        voices.part(user(9), user(2));
        assert_eq!(kept(), (0, 0));
    }
}
