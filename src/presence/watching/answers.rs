//! Who waits for an answer, and what is answered.

use super::watcher::{Ignorance, Watcher, Wishes};
use super::{TRACKED_MAX, WATCHES_WINDOW, Watching};
use crate::outcome::Refusal;
use crate::wire::{Sight, Watched};
use std::collections::HashSet;
use std::time::Duration;
use tidings_domain::presence::Shown;
use tidings_domain::{ConversationId, UserId};
use tokio::time::Instant;

/// Questions that wait for an answer.
pub(super) const QUESTIONS_MAX: usize = 10_000;
/// How long an answer waits until all of it is known.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a question does: whoever asks has more to tell.
pub(in crate::presence) const QUESTION_PATIENCE: Duration = Duration::from_millis(500);
/// How long it is found out all the same what it asked, for whoever asks again.
pub(super) const FIND_OUT: Duration = Duration::from_secs(5);

/// Where goes what is watched, or nothing where nobody knows who is there. It must not block.
pub type Reply = Box<dyn FnOnce(Result<Option<Watched>, Refusal>) + Send>;

/// Who is told how people are there; nothing where it is not known.
pub(in crate::presence) type Told = Box<dyn FnOnce(Option<&Watching>) + Send>;

pub(super) struct Answering {
    pub(super) reply: Reply,
    pub(super) until: Instant,
    /// What it watched before, and whether that was sure: this stands where the wish is refused.
    pub(super) before: (Wishes, bool),
}

impl Answering {
    /// Answers that nothing is known.
    pub(super) fn unknown(self) {
        (self.reply)(Ok(None));
    }
}

/// A question that is asked once.
pub(super) struct Question {
    pub(super) users: Vec<UserId>,
    pub(super) conversation: Option<ConversationId>,
    /// Whom to tell; nobody once they were told that it is not known.
    pub(super) reply: Option<Told>,
    pub(super) until: Instant,
    /// How long those whom it names matter.
    pub(super) kept_until: Instant,
}

impl Question {
    /// When there is something to do about it, if nothing is found out until then.
    pub(super) fn due_at(&self) -> Instant {
        if self.reply.is_some() {
            self.until
        } else {
            self.kept_until
        }
    }
}

impl Watching {
    /// Asks once how people are there. `reply` is called with nothing where it is not known.
    pub(in crate::presence) fn ask(
        &mut self,
        users: Vec<UserId>,
        conversation: Option<ConversationId>,
        reply: Told,
        now: Instant,
    ) {
        if !self.make_room(users.len(), TRACKED_MAX) || self.questions.len() >= QUESTIONS_MAX {
            return reply(None);
        }
        for user in &users {
            self.track(*user).questions += 1;
        }
        if let Some(conversation) = conversation {
            let room = self.open_room(conversation, now);
            room.kept_until = Some(now + WATCHES_WINDOW);
        }
        let question = Question {
            users,
            conversation,
            reply: Some(reply),
            until: now + QUESTION_PATIENCE,
            kept_until: now + FIND_OUT,
        };
        self.answer_question(question, now, false);
    }

    /// How others see a user, where that is known.
    pub(in crate::presence) fn shown(&self, user: UserId) -> Option<Shown> {
        self.view.shown(user).filter(|_| self.is_known)
    }

    /// Answers those who wait and of whose wishes everything is known, or who have waited long enough.
    pub(in crate::presence) fn answer(&mut self, now: Instant) {
        self.answer_ready();
        while let Some((until, connection)) = self.impatient.first().copied().filter(|first| first.0 <= now) {
            self.impatient.remove(&(until, connection));
            if let Some(answering) = self.answering.remove(&connection) {
                answering.unknown();
            }
            if let Some(watcher) = self.watchers.get_mut(&connection) {
                (watcher.is_behind, watcher.ignorance) = (true, Ignorance::Told);
            }
        }
        self.answer_questions(now, false);
    }

    /// Answers those of whose wishes everything is known.
    pub(super) fn answer_ready(&mut self) {
        for connection in std::mem::take(&mut self.ready) {
            if self.answering.contains_key(&connection)
                && let Some(state) = self.state(connection)
                && let Some(watcher) = self.watchers.get_mut(&connection)
            {
                watcher.told(&state);
                if let Some(Answering { reply, .. }) = self.take_answering(connection) {
                    reply(Ok(Some(state)));
                }
            }
        }
    }

    pub(super) fn take_answering(&mut self, connection: u64) -> Option<Answering> {
        let answering = self.answering.remove(&connection)?;
        self.impatient.remove(&(answering.until, connection));
        Some(answering)
    }

    /// Whether the answer to a question is known, be it that there is none.
    fn is_answered(&self, question: &Question) -> bool {
        let is_too_much = |conversation: &ConversationId| {
            let room = self.rooms.get(conversation);
            room.is_some_and(|room| room.members.as_ref().is_some_and(HashSet::is_empty))
        };
        let conversation = question.conversation.as_ref();
        question.users.iter().all(|user| self.shown(*user).is_some())
            && conversation.is_none_or(|of| self.online(*of).is_some() || is_too_much(of))
    }

    pub(super) fn answer_questions(&mut self, now: Instant, give_up: bool) {
        self.questions_due_at = None;
        for question in std::mem::take(&mut self.questions) {
            self.answer_question(question, now, give_up);
        }
    }

    /// Answers a question, or keeps it.
    fn answer_question(&mut self, mut question: Question, now: Instant, give_up: bool) {
        let is_answered = self.is_answered(&question);
        if (is_answered || give_up || now >= question.until)
            && let Some(reply) = question.reply.take()
        {
            reply(is_answered.then_some(self));
        }
        if is_answered || now >= question.kept_until {
            for user in question.users {
                self.release(user, |tracked| tracked.questions -= 1);
            }
            return;
        }
        let due_at = question.due_at();
        self.questions_due_at = Some(self.questions_due_at.map_or(due_at, |first| first.min(due_at)));
        self.questions.push(question);
    }

    /// When somebody has waited long enough.
    pub(in crate::presence) fn impatient_at(&self) -> Option<Instant> {
        let first = self.impatient.first().map(|(until, _)| *until);
        first.into_iter().chain(self.questions_due_at).min()
    }

    /// All that a connection watches, where all of it is known.
    pub(super) fn state(&self, connection: u64) -> Option<Watched> {
        if !self.is_known {
            return None;
        }
        let watcher = self
            .watchers
            .get(&connection)
            .filter(|watcher| watcher.is_sure && watcher.unknown == 0)?;
        let users: Option<Vec<(UserId, Sight)>> = watcher
            .users
            .keys()
            .map(|user| Some((*user, self.sight(*user, watcher)?)))
            .collect();
        let mut conversations = Vec::with_capacity(watcher.rooms.len());
        for conversation in &watcher.rooms {
            let room = self.rooms.get(conversation)?;
            // A conversation that is too much is left out.
            if room.members.as_ref()?.is_empty() {
                continue;
            }
            conversations.push((*conversation, self.online_to(watcher, *conversation)?));
        }
        let users = users?;
        Some(Watched { users, conversations })
    }

    /// What a connection is shown of a user, where that is known.
    pub(super) fn sight(&self, user: UserId, watcher: &Watcher) -> Option<Sight> {
        let shown = self.view.shown(user)?;
        if watcher.parted.contains(&user) {
            return Some(Sight {
                shown: Shown::Offline,
                last_seen: None,
            });
        }
        let last_seen = self.tracked.get(&user).and_then(|tracked| tracked.last_seen);
        let last_seen = last_seen.filter(|_| !shown.is_there());
        let last_seen = last_seen.and_then(|last| last.told(watcher.shows, watcher.contacts.contains(&user)));
        Some(Sight { shown, last_seen })
    }
}
