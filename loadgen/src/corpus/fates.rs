//! Who comes into the group how, who is muted there or shown out and comes back, who blocks whom and asks whom to be a contact, and when the
//! group is in slow mode, and before which message. The same for the same log and seed.

use std::collections::{BTreeMap, BTreeSet};

use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::{
    contact::{self, Step},
    moderation::Ending,
    plan::{Plan, Target},
    schedule::OWNER,
    slow::{BRIEF_S, HOURS_S, Stretches},
};

/// At most so many people come in by a link, as many by an invitation, and as many because they ask.
const ENTRIES_MAX: usize = 50;

/// Whoever says less than this in the group has nothing left to say while they are muted or out.
const LINES_MIN: usize = 6;

/// How many of those who talk in the group are muted or shown out: everybody waits for each time that it happens.
const TROUBLED: (usize, usize) = (3, 16);

/// How many pairs block each other in their own conversation, and how many people somebody of the group.
const PAIRS: (usize, usize) = (2, 8);
const STRANGERS: (usize, usize) = (3, 16);

/// Whether what is reported is withheld, and what becomes of the report.
const CASES: [(bool, Option<Ending>); 4] = [
    (true, Some(Ending::Nothing)),
    (true, Some(Ending::Resolved)),
    (false, Some(Ending::TakenBack)),
    (true, None),
];

/// How somebody comes into the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Added,
    ByLink,
    Invited,
    Asked,
}

/// Something that befalls somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The owner mutes them in the group, until a moment that the run does not come to or for ever, or ends that.
    Silence {
        person: usize,
        ends: bool,
    },
    Unsilence(usize),
    /// The owner removes them from the group.
    Remove(usize),
    /// Or bans them.
    Ban(usize),
    /// They come back, after the ban is lifted where there is one.
    Back {
        person: usize,
        banned: bool,
        entry: Entry,
    },
    /// Somebody blocks somebody else, or does so no more.
    Block {
        by: usize,
        whom: usize,
        on: bool,
    },
    /// Somebody who was shown out asks to be let in, and has no answer.
    Knock(usize),
    /// The owner has ordinary members wait so many seconds between two messages, and has this admin.
    Slow {
        seconds: u32,
        admin: Option<usize>,
    },
    /// Two people want something of each other.
    Tie {
        pair: [usize; 2],
        step: Step,
    },
    /// The owner reports what somebody said in the group, and a moderator withholds it or not.
    Report {
        number: usize,
        withhold: bool,
    },
    /// A moderator settles that report.
    Settle {
        number: usize,
        ending: Ending,
    },
}

impl Act {
    /// Who has to be there for it.
    pub(crate) fn doers(self) -> [usize; 2] {
        match self {
            Self::Silence { .. }
            | Self::Unsilence(_)
            | Self::Remove(_)
            | Self::Ban(_)
            | Self::Slow { .. }
            | Self::Report { .. }
            | Self::Settle { .. } => [OWNER, OWNER],
            Self::Back { person, .. } | Self::Knock(person) => [OWNER, person],
            Self::Block { by, whom, .. } => [by, whom],
            Self::Tie { pair, .. } => pair,
        }
    }
}

/// What happens to somebody who talks in the group, one after the other for each of them.
#[derive(Clone, Copy)]
enum Fate {
    MutedThenRemoved,
    BannedForAWhile,
    RemovedForAWhile,
    BannedForGood,
    MutedForGood,
}

const FATES: [Fate; 5] = [
    Fate::MutedThenRemoved,
    Fate::BannedForAWhile,
    Fate::RemovedForAWhile,
    Fate::BannedForGood,
    Fate::MutedForGood,
];

pub(crate) struct Fates {
    entries: Vec<Entry>,
    /// By the message before which they happen.
    acts: BTreeMap<usize, Vec<Act>>,
}

impl Fates {
    pub(crate) fn of(plan: &Plan, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0xFA7E_5000);
        let people = plan.people.len();
        let mut fates = Self {
            entries: vec![Entry::Added; people],
            acts: BTreeMap::new(),
        };
        let mut others: Vec<usize> = (0..people).filter(|person| *person != OWNER).collect();
        others.shuffle(&mut random);
        // Somebody is always there from the beginning.
        let many = (others.len() / 5).max(1).min(others.len() / 4).min(ENTRIES_MAX);
        let entries = [Entry::ByLink, Entry::Invited, Entry::Asked];
        for (number, person) in others.iter().take(entries.len() * many).enumerate() {
            fates.entries[*person] = entries[number / many];
        }

        let mut lines: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, message) in plan.messages.iter().enumerate() {
            if message.target == Target::Group && message.author != OWNER {
                lines.entry(message.author).or_default().push(index);
            }
        }
        lines.retain(|_, lines| lines.len() >= LINES_MIN);
        let mut talkers: Vec<usize> = lines.keys().copied().collect();
        talkers.shuffle(&mut random);
        let troubled = share(talkers.len(), TROUBLED);
        for ((number, person), fate) in talkers
            .iter()
            .enumerate()
            .take(troubled)
            .zip(FATES.iter().cycle())
        {
            fates.befall(*person, *fate, &lines[person], number.is_multiple_of(2));
        }
        if let Some(stretches) = Stretches::of(plan, &talkers[troubled..]) {
            fates.slow_down(&stretches);
        }

        let mut blocked = BTreeSet::new();
        fates.part_pairs(plan, &mut random, &mut blocked);
        let strangers = share(people, STRANGERS);
        let mut number = 0;
        // Those who say little first: who says something in the group has read it, and has nothing left that a block could take off.
        others.shuffle(&mut random);
        others.sort_by_key(|person| lines.contains_key(person));
        for (by, whom) in others.iter().zip(talkers.iter().cycle()) {
            let pair = (*by.min(whom), *by.max(whom));
            if number == strangers || by == whom || plan.pairs.contains(&pair) || !blocked.insert(pair) {
                continue;
            }
            let messages = plan.messages.len();
            let until = (number % 3 == 2).then_some(messages * 4 / 5 + number);
            fates.block((*by, *whom), messages * 2 / 5 + number, until);
            number += 1;
        }
        for (index, pair, step) in contact::plots(&others, &blocked, plan.messages.len()) {
            fates.at(index, Act::Tie { pair, step });
        }
        fates.moderate(plan.messages.len());
        fates
    }

    pub(crate) fn entry(&self, person: usize) -> Entry {
        self.entries[person]
    }

    /// What happens right before message `index`.
    pub(crate) fn before(&mut self, index: usize) -> Vec<Act> {
        self.acts.remove(&index).unwrap_or_default()
    }

    /// `lines` are all that somebody says in the group. What happens to them begins right behind one, so that the next one meets it.
    fn befall(&mut self, person: usize, fate: Fate, lines: &[usize], ends: bool) {
        let behind = |line: usize| lines[line - 1] + 1;
        let many = lines.len();
        let [first, second, third] = [many / 3, many * 2 / 3, many * 5 / 6].map(behind);
        let silence = Act::Silence { person, ends };
        let back = |banned, entry| Act::Back {
            person,
            banned,
            entry,
        };
        match fate {
            Fate::MutedThenRemoved => {
                self.at(first, silence);
                self.at(second, Act::Unsilence(person));
                self.at(third, Act::Remove(person));
                self.at(third, Act::Knock(person));
            }
            Fate::BannedForAWhile => {
                self.at(first, Act::Ban(person));
                self.at(second, back(true, Entry::ByLink));
            }
            Fate::RemovedForAWhile => {
                self.at(first, Act::Remove(person));
                self.at(second, back(false, Entry::Invited));
            }
            Fate::BannedForGood => self.at(second, Act::Ban(person)),
            Fate::MutedForGood => self.at(second, silence),
        }
    }

    /// One report after the other of so many messages.
    fn moderate(&mut self, messages: usize) {
        let many = 2 * CASES.len() + 2;
        for (number, (withhold, ending)) in CASES.into_iter().enumerate() {
            let tenth = |place: usize| messages * place / many;
            self.at(tenth(2 * number + 1), Act::Report { number, withhold });
            if let Some(ending) = ending {
                self.at(tenth(2 * number + 2), Act::Settle { number, ending });
            }
        }
    }

    fn slow_down(&mut self, stretches: &Stretches) {
        let Stretches { hours, brief, admin } = stretches;
        let slow = |seconds, admin| Act::Slow { seconds, admin };
        self.at(hours.start, slow(HOURS_S, *admin));
        self.at(hours.end, slow(0, None));
        self.at(*brief, slow(BRIEF_S, None));
    }

    /// Some of those who have a conversation of their own block each other in the middle of it.
    fn part_pairs(&mut self, plan: &Plan, random: &mut StdRng, blocked: &mut BTreeSet<(usize, usize)>) {
        // Nobody blocks the owner, who invites people, and the owner nobody whom they bring back: who blocks somebody brings them nowhere.
        let acts = self.acts.values().flatten();
        let back: BTreeSet<usize> = acts
            .filter_map(|act| match act {
                Act::Back { person, .. } => Some(*person),
                _ => None,
            })
            .collect();
        let pairs = plan.pairs.iter().copied().enumerate();
        let mut pairs: Vec<_> = pairs
            .filter(|(_, (one, other))| *one != OWNER || !back.contains(other))
            .collect();
        pairs.shuffle(random);
        let parted = share(pairs.len(), PAIRS);
        for (number, (index, (one, other))) in pairs.into_iter().take(parted).enumerate() {
            let messages = plan.messages.iter().enumerate();
            let said: Vec<usize> = messages
                .filter(|(_, message)| message.target == Target::Pair(index))
                .map(|(place, _)| place)
                .collect();
            let behind = |line: usize| said[line - 1] + 1;
            let until = number.is_multiple_of(2).then(|| behind(said.len() * 3 / 4));
            let (by, whom) = if one == OWNER || number % 4 < 2 {
                (one, other)
            } else {
                (other, one)
            };
            blocked.insert((one, other));
            self.block((by, whom), behind(said.len() / 2), until);
        }
    }

    fn block(&mut self, (by, whom): (usize, usize), from: usize, until: Option<usize>) {
        self.at(from, Act::Block { by, whom, on: true });
        if let Some(until) = until {
            self.at(until, Act::Block { by, whom, on: false });
        }
    }

    fn at(&mut self, index: usize, act: Act) {
        self.acts.entry(index).or_default().push(act);
    }
}

/// An eighth of so many, within bounds.
fn share(of: usize, (least, most): (usize, usize)) -> usize {
    (of / 8).clamp(least, most).min(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::synthetic::make_log;

    fn all(seed: u64) -> (Plan, Fates, Vec<(usize, Act)>) {
        let plan = Plan::of(make_log(5000, seed));
        let mut fates = Fates::of(&plan, seed);
        let acts = (0..plan.messages.len()).flat_map(|index| {
            let acts = fates.before(index);
            acts.into_iter().map(move |act| (index, act))
        });
        let acts = acts.collect();
        assert!(fates.acts.is_empty(), "nothing is left behind the last message");
        (plan, fates, acts)
    }

    #[test]
    fn everything_happens_to_somebody_and_nothing_to_the_owner() {
        let (plan, fates, acts) = all(7);
        for entry in [Entry::Added, Entry::ByLink, Entry::Invited, Entry::Asked] {
            assert!(fates.entries.contains(&entry), "{entry:?}");
        }
        assert_eq!(fates.entry(OWNER), Entry::Added);
        let happens = |fits: fn(&Act) -> bool| acts.iter().any(|(_, act)| fits(act));
        assert!(happens(|act| matches!(act, Act::Silence { ends: true, .. })));
        assert!(happens(|act| matches!(act, Act::Unsilence(_))));
        assert!(happens(|act| matches!(act, Act::Remove(_))));
        assert!(happens(|act| matches!(act, Act::Ban(_))));
        assert!(happens(|act| matches!(act, Act::Back { banned: true, .. })));
        assert!(happens(|act| matches!(act, Act::Back { banned: false, .. })));
        assert!(happens(|act| matches!(act, Act::Block { on: false, .. })));
        let in_pair = |act: &Act| match act {
            Act::Block { by, whom, .. } => plan.pairs.contains(&(*by.min(whom), *by.max(whom))),
            _ => false,
        };
        assert!(acts.iter().any(|(_, act)| in_pair(act)));
        assert!(happens(|act| matches!(act, Act::Knock(_))));
        assert!(happens(|act| matches!(act, Act::Tie { .. })));
        assert!(happens(|act| matches!(act, Act::Report { withhold: true, .. })));
        for (number, (_, ending)) in CASES.iter().enumerate() {
            let place = |fits: &dyn Fn(&Act) -> bool| acts.iter().position(|(_, act)| fits(act));
            let reported = place(&|act| matches!(act, Act::Report { number: of, .. } if *of == number));
            let settled = place(&|act| matches!(act, Act::Settle { number: of, .. } if *of == number));
            assert_eq!(settled.is_some(), ending.is_some());
            assert!(reported.is_some() && settled.is_none_or(|settled| Some(settled) > reported));
        }
        let slow: Vec<u32> = acts
            .iter()
            .filter_map(|(_, act)| match act {
                Act::Slow { seconds, .. } => Some(*seconds),
                _ => None,
            })
            .collect();
        assert_eq!(slow, [HOURS_S, 0, BRIEF_S]);
        for (_, act) in &acts {
            let whom = match *act {
                Act::Silence { person: whom, .. }
                | Act::Back { person: whom, .. }
                | Act::Unsilence(whom)
                | Act::Remove(whom)
                | Act::Ban(whom)
                | Act::Knock(whom)
                | Act::Block { whom, .. } => vec![whom],
                Act::Slow { admin, .. } => admin.into_iter().collect(),
                Act::Tie { pair, .. } => pair.to_vec(),
                Act::Report { .. } | Act::Settle { .. } => vec![],
            };
            assert!(!whom.contains(&OWNER), "{act:?}");
        }
        assert_eq!(acts, all(7).2);
        assert_ne!(acts, all(8).2);
    }

    #[test]
    fn whoever_is_muted_or_out_has_something_to_say_meanwhile() {
        let (plan, _, acts) = all(7);
        for (from, act) in &acts {
            let (Act::Silence { person, .. } | Act::Remove(person) | Act::Ban(person)) = *act else {
                continue;
            };
            let ends = acts.iter().find(|(index, later)| {
                let ends =
                    matches!(*later, Act::Unsilence(one) | Act::Back { person: one, .. } if one == person);
                ends && index > from
            });
            let until = ends.map_or(plan.messages.len(), |(index, _)| *index);
            let meanwhile = &plan.messages[*from..until];
            let mut said = meanwhile.iter();
            assert!(said.any(|message| message.author == person && message.target == Target::Group));
        }
    }

    #[test]
    fn whoever_is_an_admin_for_a_while_is_in_all_the_time() {
        let (_, _, acts) = all(7);
        let admins = acts.iter().filter_map(|(_, act)| match act {
            Act::Slow { admin, .. } => *admin,
            _ => None,
        });
        let admins: Vec<usize> = admins.collect();
        assert_eq!(admins.len(), 1);
        let is_troubled = |act: &Act| match act {
            Act::Silence { person, .. } | Act::Remove(person) | Act::Ban(person) => admins.contains(person),
            _ => false,
        };
        assert!(!acts.iter().any(|(_, act)| is_troubled(act)));
    }

    #[test]
    fn nothing_happens_where_nobody_says_much() {
        for many in [1, 5] {
            let plan = Plan::of(make_log(many, 1));
            assert!(Fates::of(&plan, 1).acts.len() <= many);
        }
    }
}
