//! Streams that have moved on while commands to them were decided here, because other nodes change them, and those of which nobody can be
//! sure. A batch is taken as a whole or not at all, so whoever goes with such a command waits as long as it does: these commands stand aside, behind those of all others, and have turns
//! of their own. Pure: the time comes in.

use super::round::Pending;
use super::{Authorize, Refusal};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long the third turn waits behind the second. Each one waits twice as long as the one before, up to sixteen times this; the first two wait
/// for nothing, for nearly all streams have moved on once and no more.
const PAUSE: Duration = Duration::from_millis(5);
const DOUBLINGS: u32 = 4;
/// What one stream may take of the room in which commands stand aside, or questions: one part in so many.
const SHARES: usize = 8;

/// How a stream is left alone.
#[derive(Clone, Copy)]
struct Rest {
    /// In how many turns it has moved on.
    turns: u32,
    /// When the next one is due.
    until: Instant,
}

/// Commands of restless streams, and the questions that were asked behind them.
pub(super) struct Restless {
    /// Streams that commands stand aside for.
    streams: HashMap<Uuid, Rest>,
    /// Those whose commands have their turn now.
    tried: HashMap<Uuid, Rest>,
    commands: Vec<Pending>,
    /// With their places in the order queued.
    questions: Vec<(usize, Authorize)>,
    /// When the last turn ended.
    ended: Instant,
    limit: usize,
}

impl Restless {
    /// None yet; up to `limit` commands will stand aside, and as many questions, of one stream an eighth of that.
    pub(super) fn new(limit: usize, now: Instant) -> Self {
        Self {
            streams: HashMap::new(),
            tried: HashMap::new(),
            commands: vec![],
            questions: vec![],
            ended: now,
            limit,
        }
    }

    /// A stream was found to have moved on from what was decided on it.
    pub(super) fn note(&mut self, stream: Uuid) {
        metrics::counter!("tidings_lane_moved_on_total").increment(1);
        self.rest(stream);
    }

    /// What is decided on a stream cannot be made sure of just now.
    pub(super) fn rest(&mut self, stream: Uuid) {
        let turns = self.tried.get(&stream).map_or(0, |rest| rest.turns);
        let turns = turns.saturating_add(1);
        let until = self.ended;
        self.streams.entry(stream).or_insert(Rest { turns, until });
    }

    /// Puts those aside that depend on a stream which is restless, and those behind them; gives back the others.
    pub(super) fn hold(&mut self, mut pending: Vec<Pending>) -> Vec<Pending> {
        if self.streams.is_empty() {
            return pending;
        }
        pending.sort_by_key(|command| command.order);
        let mut crowds = Crowds::of(self.commands.iter().map(Pending::stream), self.limit);
        let mut rest = Vec::with_capacity(pending.len());
        for command in pending {
            let stream = command.stream();
            let beside = command.command.beside();
            let mut depends = std::iter::once(stream).chain(beside);
            let Some(rests) = depends.find_map(|stream| self.streams.get(&stream).copied()) else {
                rest.push(command);
                continue;
            };
            // All that comes to its own stream stands behind it.
            self.streams.entry(stream).or_insert(rests);
            if crowds.admit(stream) {
                self.commands.push(command);
                continue;
            }
            // What may have taken effect was not refused.
            let refusal = if command.uncertain {
                Refusal::Unavailable
            } else {
                Refusal::Overloaded
            };
            (command.reply)(Err(refusal));
        }
        rest
    }

    /// Puts those questions aside that were asked behind commands which stand there; gives back the others.
    pub(super) fn hold_questions(&mut self, questions: Vec<(usize, Authorize)>) -> Vec<Authorize> {
        if self.commands.is_empty() {
            return questions.into_iter().map(|(_, question)| question).collect();
        }
        let mut first: HashMap<Uuid, usize> = HashMap::new();
        for command in &self.commands {
            let place = first.entry(command.stream()).or_insert(command.order);
            *place = command.order.min(*place);
        }
        let asked = self.questions.iter();
        let mut crowds = Crowds::of(asked.map(|(_, question)| question.conversation.0), self.limit);
        let mut rest = vec![];
        for (order, question) in questions {
            let stream = question.conversation.0;
            if first.get(&stream).is_none_or(|first| *first > order) {
                rest.push(question);
            } else if crowds.admit(stream) {
                self.questions.push((order, question));
            } else {
                // Whoever asked may be gone.
                let _ = question.reply.send(Err(Refusal::Overloaded));
            }
        }
        rest
    }

    /// When the next turn is due, if any is.
    pub(super) fn due(&self) -> Option<Instant> {
        self.streams.values().map(|rest| rest.until).min()
    }

    /// The commands of streams that have rested for long enough have a turn, in their order. Those whose first one ended as long as `patience`
    /// ago have had their turns, and come second.
    pub(super) fn begin_turn(&mut self, now: Instant, patience: Duration) -> (Vec<Pending>, Vec<Pending>) {
        let streams = std::mem::take(&mut self.streams).into_iter();
        let (mut due, mut resting): (HashMap<_, _>, HashMap<_, _>) =
            streams.partition(|(_, rest)| rest.until <= now);
        // What depends on one that rests yet waits for that, and so does all that comes to its own stream.
        for command in &self.commands {
            let rests = command
                .command
                .beside()
                .and_then(|beside| resting.get(&beside).copied());
            if let Some(rests) = rests
                && due.remove(&command.stream()).is_some()
            {
                resting.insert(command.stream(), rests);
            }
        }
        let commands = std::mem::take(&mut self.commands).into_iter();
        let (waiting, mut commands): (Vec<_>, Vec<_>) =
            commands.partition(|command| resting.contains_key(&command.stream()));
        (self.streams, self.tried, self.commands) = (resting, due, waiting);
        commands.sort_by_key(|command| command.order);
        let is_late = |command: &Pending| command.tried_at.is_some_and(|at| now >= at + patience);
        commands.into_iter().partition(|command| !is_late(command))
    }

    /// What was to come of their turn has come. Answers the questions behind which nothing stands aside any more.
    pub(super) fn end_turn(&mut self, now: Instant) -> Vec<Authorize> {
        for command in &mut self.commands {
            if self.tried.contains_key(&command.stream()) {
                command.tried_at.get_or_insert(now);
            }
        }
        for stream in std::mem::take(&mut self.tried).into_keys() {
            if let Some(rest) = self.streams.get_mut(&stream) {
                rest.until = now + pause(rest.turns);
            }
        }
        self.ended = now;
        let questions = std::mem::take(&mut self.questions);
        self.hold_questions(questions)
    }
}

/// How long a stream is left alone behind so many turns.
fn pause(turns: u32) -> Duration {
    turns
        .checked_sub(2)
        .map_or(Duration::ZERO, |more| PAUSE * (1 << more.min(DOUBLINGS)))
}

/// How many of each stream stand aside.
struct Crowds {
    of: HashMap<Uuid, usize>,
    all: usize,
    limit: usize,
}

impl Crowds {
    fn of(streams: impl Iterator<Item = Uuid>, limit: usize) -> Self {
        let mut crowds = Self {
            of: HashMap::new(),
            all: 0,
            limit,
        };
        for stream in streams {
            *crowds.of.entry(stream).or_default() += 1;
            crowds.all += 1;
        }
        crowds
    }

    /// Counts one more, where there is room for it.
    fn admit(&mut self, stream: Uuid) -> bool {
        let crowd = self.of.entry(stream).or_default();
        let is_room = self.all < self.limit && *crowd < self.limit.div_ceil(SHARES);
        if is_room {
            *crowd += 1;
            self.all += 1;
        }
        is_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use tidings_domain::{ConversationCommand, ConversationId, UserId, pair_of};
    use tokio::sync::oneshot;

    fn stream(n: u128) -> ConversationId {
        ConversationId(Uuid::from_u128(n))
    }

    fn leave(order: usize, conversation: u128) -> Pending {
        Pending::plain(order, conversation, ConversationCommand::Leave)
    }

    /// Depends on what the two of conversation 1 are to one another.
    fn open(order: usize) -> Pending {
        let user = UserId(Uuid::from_u128(7));
        Pending::plain(order, 1, ConversationCommand::OpenDirect { user })
    }

    fn orders(commands: &[Pending]) -> Vec<usize> {
        commands.iter().map(|command| command.order).collect()
    }

    const LONG: Duration = Duration::from_secs(8);

    #[test]
    fn where_nothing_has_moved_on_nothing_stands_aside() {
        let now = Instant::now();
        let mut restless = Restless::new(80, now);
        assert_eq!(orders(&restless.hold(vec![leave(0, 1), leave(1, 2)])), [0, 1]);
        assert_eq!(restless.due(), None);
    }

    #[test]
    fn what_depends_on_a_restless_stream_has_a_turn_of_its_own_with_all_behind_it() {
        let now = Instant::now();
        let mut restless = Restless::new(80, now);
        // On which only who writes there depends.
        restless.note(pair_of(stream(1)));
        // Whatever the round left first.
        let rest = restless.hold(vec![leave(2, 1), leave(3, 2), open(1), leave(0, 1)]);
        assert_eq!(orders(&rest), [0, 3]);
        // Also what comes later.
        assert_eq!(orders(&restless.hold(vec![leave(4, 1), leave(5, 2)])), [5]);
        let (turn, late) = restless.begin_turn(now, LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![1, 2, 4], vec![]));
        assert_eq!(orders(&restless.hold(turn)), [1, 2, 4], "it is their turn");
        restless.end_turn(now);
        assert_eq!(restless.due(), None);
    }

    #[test]
    fn turns_come_at_once_and_then_ever_more_seldom_until_it_is_too_late() {
        let mut now = Instant::now();
        let mut restless = Restless::new(80, now);
        restless.note(stream(1).0);
        let mut pending = restless.hold(vec![leave(0, 1)]);
        let mut pauses = vec![];
        for _ in 0..8 {
            let due = restless.due().unwrap();
            pauses.push((due - now).as_millis());
            now = due;
            let (turn, late) = restless.begin_turn(now, LONG);
            assert!(late.is_empty());
            restless.note(stream(1).0);
            pending.extend(restless.hold(turn));
            restless.end_turn(now);
        }
        assert!(pending.is_empty());
        assert_eq!(pauses, [0, 5, 10, 20, 40, 80, 80, 80]);
        // One that has moved on once waits for none of that.
        restless.note(stream(2).0);
        assert_eq!(restless.due(), Some(now));
        let (turn, late) = restless.begin_turn(now + LONG, LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![], vec![0]));
    }

    /// This stream has moved on in six turns with one command to it.
    fn often_moved_on(stream: Uuid) -> Restless {
        let mut restless = Restless::new(80, Instant::now());
        restless.note(stream);
        restless.hold(vec![leave(0, stream.as_u128())]);
        for _ in 0..6 {
            let now = restless.due().unwrap();
            let (turn, _) = restless.begin_turn(now, LONG);
            restless.note(stream);
            restless.hold(turn);
            restless.end_turn(now);
        }
        restless
    }

    #[test]
    fn a_stream_that_has_moved_on_now_takes_none_along_that_rests() {
        let mut restless = often_moved_on(stream(1).0);
        let rests = restless.due();
        restless.note(stream(2).0);
        restless.hold(vec![leave(1, 2), leave(2, 1)]);
        let now = restless.due().unwrap();
        assert!(Some(now) < rests);
        let (turn, late) = restless.begin_turn(now, LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![1], vec![]));
        restless.end_turn(now);
        assert_eq!(restless.due(), rests);
        let (turn, late) = restless.begin_turn(rests.unwrap(), LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![0, 2], vec![]));
    }

    #[test]
    fn what_depends_on_a_stream_that_rests_waits_for_it_with_all_of_its_own() {
        let mut restless = often_moved_on(pair_of(stream(1)));
        let rests = restless.due();
        restless.note(stream(1).0);
        restless.hold(vec![leave(1, 1), open(2), leave(3, 1)]);
        let now = restless.due().unwrap();
        assert!(Some(now) < rests);
        let (turn, late) = restless.begin_turn(now, LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![], vec![]));
        restless.end_turn(now);
        assert_eq!(restless.due(), rests);
        let (turn, _) = restless.begin_turn(rests.unwrap(), LONG);
        assert_eq!(orders(&turn), [0, 1, 2, 3]);
    }

    #[test]
    fn whoever_has_had_no_turn_is_not_too_late_however_long_that_has_taken() {
        let now = Instant::now();
        let mut restless = Restless::new(80, now);
        restless.note(stream(1).0);
        restless.hold(vec![leave(0, 1)]);
        let (turn, late) = restless.begin_turn(now + LONG, LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![0], vec![]));
        restless.note(stream(1).0);
        restless.hold(turn);
        restless.end_turn(now + LONG);
        let (turn, late) = restless.begin_turn(now + 2 * LONG, LONG);
        assert_eq!((orders(&turn), orders(&late)), (vec![], vec![0]));
    }

    #[test]
    fn a_question_is_answered_behind_the_commands_that_were_queued_before_it() {
        let now = Instant::now();
        let mut restless = Restless::new(80, now);
        let ask = |order, conversation| {
            let (reply, _) = oneshot::channel();
            let question = Authorize {
                conversation: stream(conversation),
                user: UserId(Uuid::nil()),
                fresh: true,
                reply,
            };
            (order, question)
        };
        let about = |questions: Vec<Authorize>| -> Vec<u128> {
            let each = questions.iter();
            each.map(|question| question.conversation.0.as_u128()).collect()
        };
        restless.note(stream(1).0);
        restless.hold(vec![leave(1, 1)]);
        assert_eq!(
            about(restless.hold_questions(vec![ask(0, 1), ask(2, 1), ask(3, 2)])),
            [1, 2]
        );
        // What comes behind the question does not hold it up.
        restless.hold(vec![leave(4, 1)]);
        let (turn, _) = restless.begin_turn(now, LONG);
        restless.note(stream(1).0);
        restless.hold(turn.into_iter().skip(1).collect());
        assert_eq!(about(restless.end_turn(now)), [1]);
    }

    #[test]
    fn no_more_stand_aside_than_may_and_one_streams_crowd_takes_no_room_of_others() {
        let now = Instant::now();
        let mut restless = Restless::new(16, now);
        for n in 1..=9 {
            restless.note(stream(n).0);
        }
        let crowd = restless.hold((0..5).map(|n| leave(n, 1)).collect());
        assert!(crowd.is_empty());
        let others = (2..=9).flat_map(|n| [leave(n * 10, n as u128), leave(n * 10 + 1, n as u128)]);
        assert!(restless.hold(others.collect()).is_empty());
        let held: Vec<usize> = [0, 1]
            .into_iter()
            .chain((2..=8).flat_map(|n| [n * 10, n * 10 + 1]))
            .collect();
        assert_eq!(orders(&restless.begin_turn(now, LONG).0), held);
    }

    #[test]
    fn what_may_have_taken_effect_is_not_refused_for_want_of_room() {
        let mut restless = Restless::new(8, Instant::now());
        restless.note(stream(1).0);
        let (told, answers) = mpsc::channel();
        for (order, uncertain) in [(0, false), (1, false), (2, true)] {
            let told = told.clone();
            let mut one = leave(order, 1);
            one.uncertain = uncertain;
            one.reply = Box::new(move |answer| told.send((order, answer.unwrap_err())).unwrap());
            restless.hold(vec![one]);
        }
        let answers: Vec<_> = answers.try_iter().collect();
        assert!(
            matches!(answers[..], [(1, Refusal::Overloaded), (2, Refusal::Unavailable)]),
            "{answers:?}"
        );
    }
}
