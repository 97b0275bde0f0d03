//! Messages of which the log does not tell in time. Only commands that are about them have the harm: those are found out, refused,
//! and refused at once for a while, so that nobody else waits for them.

use super::round::Pending;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// How long a message is not asked for again: at first, for anything may stall once, and at most, where it is found out time after time.
const FIRST_REST: Duration = Duration::from_secs(4);
const REST: Duration = Duration::from_secs(30);
/// Messages that are remembered.
const REMEMBERED: usize = 1000;
/// Looks that may end in vain while one batch is settled; behind that, all who ask for messages are refused.
const LATE_MAX: usize = 6;
/// Where a look was in vain, the next one is for so much less.
const SHARE: usize = 8;

/// A stream and a message of it.
type About = (Uuid, Uuid);

/// How much is asked of the log at once while one batch is settled.
pub(super) struct Looks {
    messages: usize,
    late: usize,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            messages: usize::MAX,
            late: 0,
        }
    }
}

impl Looks {
    /// Parts commands, which are in order: those of the next look, about no more messages than that may ask for, and those that wait
    /// for another one. What stands behind one of these in its stream waits, too.
    pub(super) fn part(&self, pending: Vec<Pending>) -> (Vec<Pending>, Vec<Pending>) {
        if self.messages == usize::MAX {
            return (pending, vec![]);
        }
        let (mut asked, mut waiting) = (HashSet::new(), HashSet::new());
        pending.into_iter().partition(|command| {
            if waiting.contains(&command.stream()) {
                return false;
            }
            let Some(about) = about(command) else {
                return true;
            };
            let goes = asked.contains(&about) || asked.len() < self.messages;
            if goes {
                asked.insert(about);
            } else {
                waiting.insert(about.0);
            }
            goes
        })
    }

    /// The look for what these commands need was in vain: the next one is for fewer messages, where that may help.
    pub(super) fn narrow(&mut self, commands: &[Pending]) -> bool {
        self.late += 1;
        let messages: HashSet<About> = commands.iter().filter_map(about).collect();
        let may_help = self.messages > 1;
        self.messages = (messages.len() / SHARE).max(1);
        may_help
    }

    /// Whether so many were in vain that whoever asks for a message is refused.
    pub(super) fn are_over(&self) -> bool {
        self.late >= LATE_MAX
    }
}

/// Messages that were found out.
#[derive(Default)]
pub(super) struct Slow(HashMap<About, Found>);

/// When a message was found out last, and for how long it rests from then on.
#[derive(Clone, Copy)]
struct Found {
    at: Instant,
    rest: Duration,
}

impl Found {
    fn rests(self, now: Instant) -> bool {
        now - self.at < self.rest
    }
}

impl Slow {
    /// Those who ask for a message wait in vain.
    pub(super) fn note(&mut self, commands: &[Pending], now: Instant) {
        // One that is asked for again soon behind its rest rests longer.
        self.0.retain(|_, found| now - found.at < found.rest + REST);
        let found: HashSet<About> = commands.iter().filter_map(about).collect();
        for about in found {
            let before = self.0.get(&about);
            if before.is_some() || self.0.len() < REMEMBERED {
                let rest = before.map_or(FIRST_REST, |before| (before.rest * 2).min(REST));
                self.0.insert(about, Found { at: now, rest });
            }
        }
    }

    pub(super) fn has(&self, command: &Pending, now: Instant) -> bool {
        !self.0.is_empty()
            && about(command)
                .and_then(|about| self.0.get(&about))
                .is_some_and(|found| found.rests(now))
    }
}

fn about(command: &Pending) -> Option<About> {
    Some((command.stream(), command.about()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_domain::ConversationCommand;

    /// A recall of `message`, or where that is 0 something that asks for none.
    fn command(order: usize, stream: u128, message: u128) -> Pending {
        let body = match message {
            0 => ConversationCommand::Leave,
            _ => ConversationCommand::RecallMessage {
                message: Uuid::from_u128(message),
            },
        };
        Pending::plain(order, stream, body)
    }

    fn orders(commands: &[Pending]) -> Vec<usize> {
        commands.iter().map(|command| command.order).collect()
    }

    #[test]
    fn a_look_is_for_ever_less_and_the_order_of_a_stream_stays() {
        let make = || {
            let each = [(1, 7), (2, 0), (1, 7), (1, 8), (1, 0), (3, 9), (2, 5)];
            let each = each.into_iter().enumerate();
            each.map(|(order, (stream, message))| command(order, stream, message))
                .collect::<Vec<_>>()
        };
        let mut looks = Looks::default();
        assert_eq!(looks.part(make()).0.len(), 7);
        assert!(looks.narrow(&make()));
        let (some, others) = looks.part(make());
        assert_eq!(
            (orders(&some), orders(&others)),
            (vec![0, 1, 2], vec![3, 4, 5, 6])
        );
        let (next, others) = looks.part(others);
        assert_eq!((orders(&next), orders(&others)), (vec![3, 4], vec![5, 6]));
        // Of one message nothing less can be asked.
        assert!(!looks.narrow(&next));
        assert!(!looks.are_over());
        for _ in 0..LATE_MAX {
            looks.narrow(&next);
        }
        assert!(looks.are_over());
    }

    #[test]
    fn what_was_found_out_rests_for_a_while() {
        let (mut slow, now) = (Slow::default(), Instant::now());
        slow.note(&[command(0, 1, 7), command(1, 1, 7)], now);
        assert!(slow.has(&command(1, 1, 7), now + FIRST_REST / 2));
        assert!(!slow.has(&command(1, 1, 8), now) && !slow.has(&command(1, 2, 7), now));
        assert!(!slow.has(&command(1, 1, 7), now + FIRST_REST));
    }

    #[test]
    fn what_is_found_out_time_after_time_rests_longer_and_longer_and_once_is_forgotten() {
        let (mut slow, mut now) = (Slow::default(), Instant::now());
        let mut rests = vec![];
        for _ in 0..5 {
            slow.note(&[command(0, 1, 7)], now);
            let rest = (1..60).find(|s| !slow.has(&command(1, 1, 7), now + Duration::from_secs(*s)));
            rests.extend(rest);
            now += Duration::from_secs(rest.unwrap_or(0));
        }
        assert_eq!(rests, [4, 8, 16, 30, 30]);
        now += REST;
        slow.note(&[command(0, 1, 7)], now);
        assert!(!slow.has(&command(1, 1, 7), now + FIRST_REST));
    }
}
