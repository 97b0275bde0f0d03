//! Who talks with whom, who says what when, and who goes away: all of it follows from the seed.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand::{RngExt as _, SeedableRng as _};

/// How much happens.
#[derive(Clone, Debug, clap::Args)]
pub struct Size {
    /// People, each with one device.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub people: u16,
    /// Groups of people.
    #[arg(long, default_value_t = 4)]
    pub groups: u16,
    /// Members of each group, at most all people.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=1_000))]
    pub members: u16,
    /// Direct conversations, at most as many as there are pairs.
    #[arg(long, default_value_t = 8)]
    pub directs: u16,
    /// Messages a second over all people.
    #[arg(long, default_value_t = 200)]
    pub rate: u32,
    /// Seconds of traffic.
    #[arg(long, default_value_t = 20)]
    pub seconds: u32,
    /// How often a second somebody goes away, to come back up to three seconds later.
    #[arg(long, default_value_t = 2)]
    pub leaves: u32,
    /// Seconds that the run may take to come to rest after the traffic. What is missing then is missing.
    #[arg(long, default_value_t = 60)]
    pub patience: u32,
}

/// The longest that somebody stays away.
const AWAY_MAX: Duration = Duration::from_secs(3);
/// One in so many messages is followed by a read of its sender.
const READ_EVERY: u32 = 10;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The members of each group, by their index among the people.
    pub(crate) groups: Vec<Vec<usize>>,
    pub(crate) directs: Vec<[usize; 2]>,
    /// In the order of time.
    pub(crate) steps: Vec<Step>,
}

/// Something that one person does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) person: usize,
    pub(crate) act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Say {
        room: Room,
        text: String,
    },
    /// Reads all that has come.
    Read(Room),
    Leave,
    Return,
}

/// A place to talk, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Room {
    Group(usize),
    Direct(usize),
}

impl Plan {
    pub(crate) fn new(seed: u64, size: &Size) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let people = usize::from(size.people);
        let members = usize::from(size.members).min(people);
        let groups = (0..size.groups).map(|_| (0..people).sample(&mut random, members));
        let groups: Vec<_> = groups.collect();
        let pairs = (0..people).flat_map(|one| (one + 1..people).map(move |other| [one, other]));
        let directs = pairs.sample(&mut random, size.directs.into());
        let mut plan = Self {
            groups,
            directs,
            steps: Vec::new(),
        };
        let away = plan.leaves(&mut random, size);
        plan.talk(&mut random, size, &away);
        // Stable: what one person does at one moment keeps its order.
        plan.steps.sort_by_key(|step| step.at);
        plan
    }

    /// Sends people away and brings them back; returns who is away from when to when.
    fn leaves(&mut self, random: &mut StdRng, size: &Size) -> Vec<(usize, Duration, Duration)> {
        let mut away: Vec<(usize, Duration, Duration)> = Vec::new();
        let end = Duration::from_secs(size.seconds.into());
        for _ in 0..size.leaves * size.seconds {
            let person = random.random_range(0..usize::from(size.people));
            let from = end.mul_f64(random.random());
            let to = (from + AWAY_MAX.mul_f64(random.random())).min(end);
            let free = |(who, since, until): &(usize, Duration, Duration)| {
                *who != person || to < *since || *until < from
            };
            if !away.iter().all(free) {
                continue;
            }
            away.push((person, from, to));
            for (at, act) in [(from, Act::Leave), (to, Act::Return)] {
                self.steps.push(Step { at, person, act });
            }
        }
        away
    }

    /// Lets those who are there talk and read.
    fn talk(&mut self, random: &mut StdRng, size: &Size, away: &[(usize, Duration, Duration)]) {
        let groups = (0..self.groups.len()).map(Room::Group);
        let rooms: Vec<Room> = groups.chain((0..self.directs.len()).map(Room::Direct)).collect();
        for number in 0..size.rate * size.seconds {
            let Some(room) = rooms.choose(random).copied() else {
                return;
            };
            let speakers = match room {
                Room::Group(index) => &self.groups[index][..],
                Room::Direct(index) => &self.directs[index][..],
            };
            let at = Duration::from_secs(number.into()) / size.rate;
            let person = speakers.choose(random).copied().unwrap_or_default();
            let text = text(random);
            let reads = random.random_ratio(1, READ_EVERY);
            if away
                .iter()
                .any(|(who, from, to)| *who == person && *from <= at && at <= *to)
            {
                continue;
            }
            let act = Act::Say { room, text };
            self.steps.push(Step { at, person, act });
            if reads {
                let act = Act::Read(room);
                self.steps.push(Step { at, person, act });
            }
        }
    }
}

/// Something that a server must carry unchanged: markup, quotes, several scripts.
fn text(random: &mut StdRng) -> String {
    const WORDS: [&str; 16] = [
        "tide",
        "harbour",
        "<b>",
        "&amp;",
        "\"quoted\"",
        "it's",
        "100%",
        "\\n",
        "Grüße",
        "наука",
        "海",
        "🌊",
        "{}",
        "a/b",
        "]]>",
        "end.",
    ];
    let count = random.random_range(1..=24);
    let words = (0..count).filter_map(|_| WORDS.choose(random).copied());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn size() -> Size {
        Size {
            people: 9,
            groups: 3,
            members: 5,
            directs: 4,
            rate: 100,
            seconds: 10,
            leaves: 3,
            patience: 1,
        }
    }

    #[test]
    fn a_seed_tells_the_whole_plan() {
        assert_eq!(Plan::new(7, &size()), Plan::new(7, &size()));
        assert_ne!(Plan::new(7, &size()), Plan::new(8, &size()));
    }

    #[test]
    fn people_act_only_while_they_are_there() {
        for seed in 0..20 {
            let plan = Plan::new(seed, &size());
            let mut away = HashSet::new();
            for step in &plan.steps {
                match &step.act {
                    Act::Leave => assert!(away.insert(step.person)),
                    Act::Return => assert!(away.remove(&step.person)),
                    Act::Say { room, .. } | Act::Read(room) => {
                        assert!(!away.contains(&step.person));
                        let speakers = match *room {
                            Room::Group(index) => &plan.groups[index][..],
                            Room::Direct(index) => &plan.directs[index][..],
                        };
                        assert!(speakers.contains(&step.person));
                    }
                }
            }
            assert!(away.is_empty());
            let leaves = plan.steps.iter().filter(|step| step.act == Act::Leave).count();
            assert!(leaves >= 3, "{leaves}");
        }
    }
}
