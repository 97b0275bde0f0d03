//! Counts of random histories: what the read models say is what the definition says, however the lanes were folded.
//!
//! A thousand histories in `make test`, as many as one likes with `make histories N=…`. Many happen at once in one database, a deed of each at a
//! time, which makes one of them cheap. So a history that fails is not made smaller by proptest, one try after the other: all
//! that is left of it without some part is tried at once, until no part can be left out.

mod deed;
mod definition;
mod talk;

use crate::support::{LANES, World, new_event};
use deed::{Household, PEOPLE, households, smaller};
use definition::Counts;
use futures_util::{StreamExt as _, stream};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use talk::{Talk, Wish};
use tidings_domain::event::Registered;
use tidings_domain::{Change, UserEvent};
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Batch, Outcome, Proposal, Recorded};
use tidings_projections::{Order, Range, conversations, inbox, unread};
use uuid::Uuid;

/// Histories of a household, and of all that happen at once.
const CONVERSATIONS: usize = 8;
const AT_ONCE: usize = 400;
/// A database that gets no more than so many is small enough to be quick.
const DATABASE: usize = 10_000;

/// A household in which things have happened.
struct Lived {
    people: [Uuid; PEOPLE],
    talks: Vec<Talk>,
}

#[tokio::test]
async fn counts_are_what_their_definition_says_whatever_happens() {
    let wanted = from_environment("HISTORIES").unwrap_or(1000);
    let seed = from_environment("HISTORIES_SEED").unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let mut lanes = StdRng::seed_from_u64(seed);
    let (mut world, mut done, mut events) = (World::new().await, 0, 0);
    while done < wanted as usize {
        if done % DATABASE < AT_ONCE && done >= DATABASE {
            world = World::new().await;
        }
        let count = AT_ONCE.min(wanted as usize - done).div_ceil(CONVERSATIONS);
        let drawn = (0..count).map(|_| households(CONVERSATIONS).new_tree(&mut runner).unwrap().current());
        let drawn: Vec<Household> = drawn.collect();
        let lived = live(&world, &drawn, &mut lanes).await;
        events += lived.iter().map(Lived::events).sum::<usize>();
        if let Some(first) = deviations(&world, &lived)
            .await
            .into_iter()
            .position(|said| said.is_some())
        {
            let said = smallest(&world, drawn[first].clone(), &mut lanes).await;
            panic!(
                "HISTORIES_SEED={seed}, among the first {}: {said}",
                done + AT_ONCE
            );
        }
        done += count * CONVERSATIONS;
        if done % DATABASE < AT_ONCE {
            eprintln!("{done} histories, {events} events");
        }
    }
    eprintln!("{done} histories of {events} events, seed {seed}: all counts are as defined");
    assert!(events > done * 10, "histories are short");
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Leaves out of a household whatever can be left out so that it still differs from the definition; tells of what remains.
async fn smallest(world: &World, mut household: Household, lanes: &mut StdRng) -> String {
    let mut last = String::from("only when the lanes were folded in that order");
    loop {
        let mut tries = vec![household.clone()];
        tries.extend(smaller(&household));
        let lived = live(world, &tries, lanes).await;
        let mut found = deviations(world, &lived).await;
        if let Some(said) = found[0].take() {
            last = format!("{said}\n{}", lived[0].story());
        }
        let Some(next) = found.iter().position(Option::is_some) else {
            return last;
        };
        household = tries.swap_remove(next);
    }
}

/// Lets households live at once: a deed in each conversation, then the next. Now and then some lane is folded, so that what one says
/// meets more or less of what another has said.
async fn live(world: &World, households: &[Household], chance: &mut StdRng) -> Vec<Lived> {
    let mut guards = HashMap::new();
    let mut lived: Vec<Lived> = households
        .iter()
        .map(|household| Lived::new(household, chance))
        .collect();
    let registrations: Vec<Wish> = lived.iter().flat_map(Lived::registrations).collect();
    append(world, &mut guards, &registrations).await;
    let beginnings: Vec<Wish> = lived
        .iter()
        .flat_map(|household| household.talks.iter().map(Talk::begin))
        .collect();
    let begun = append(world, &mut guards, &beginnings).await;
    let talks = lived.iter_mut().flat_map(|household| &mut household.talks);
    for (talk, records) in talks.zip(begun) {
        talk.take(&records);
    }
    let histories = || households.iter().flatten();
    let longest = histories().map(|history| history.deeds.len()).max().unwrap_or(0);
    for step in 0..longest {
        let talks = lived.iter_mut().flat_map(|household| &mut household.talks);
        let (mut wishes, mut wishing) = (vec![], vec![]);
        for (talk, history) in talks.zip(histories()) {
            let wish = history.deeds.get(step).and_then(|deed| talk.wish(deed));
            if let Some(wish) = wish {
                wishes.push(wish);
                wishing.push(talk);
            }
        }
        let told = append(world, &mut guards, &wishes).await;
        for (talk, records) in wishing.into_iter().zip(told) {
            talk.take(&records);
        }
        if chance.random_bool(0.3) {
            let lane = chance.random_range(0..LANES);
            world.projector().catch_up(lane).await.unwrap();
        }
    }
    world.settle().await;
    lived
}

/// Appends what is wished, all of a lane at once; answers each as it was recorded. `guards` knows the last control event of each stream.
async fn append(world: &World, guards: &mut HashMap<Uuid, u64>, wishes: &[Wish]) -> Vec<Vec<Recorded>> {
    let mut answers = vec![vec![]; wishes.len()];
    for lane in 0..LANES {
        let of_lane: Vec<usize> = (0..wishes.len())
            .filter(|n| lane_of(wishes[*n].stream) == lane)
            .collect();
        if of_lane.is_empty() {
            continue;
        }
        let mut batch = Batch::new(lane);
        for n in &of_lane {
            let wish = &wishes[*n];
            batch.push(&Proposal {
                stream: wish.stream,
                command: Uuid::new_v4(),
                digest: 0,
                actor: wish.actor,
                guard: guards.get(&wish.stream).copied().unwrap_or(0),
                events: wish.events.iter().map(new_event).collect(),
            });
        }
        let appended = match world.appender.append(&batch).await.unwrap() {
            Outcome::Appended(appended) => appended,
            other => panic!("nobody else writes here: {other:?}"),
        };
        for event in appended.events.iter().filter(|event| event.control) {
            guards.insert(event.stream, event.seq);
        }
        for (n, wish) in of_lane.into_iter().enumerate() {
            answers[wish] = appended.of(n).to_vec();
        }
    }
    answers
}

/// What differs from the definition in each household, if anything does.
async fn deviations(world: &World, lived: &[Lived]) -> Vec<Option<String>> {
    stream::iter(lived)
        .map(|household| household.deviation(world))
        .buffered(4)
        .collect()
        .await
}

impl Lived {
    fn new(household: &Household, chance: &mut StdRng) -> Self {
        let mut lane = || chance.random_range(0..LANES);
        let people = std::array::from_fn(|_| crate::support::stream_id(lane()));
        let talks = household
            .iter()
            .map(|history| Talk::new(history.direct, people, lane()));
        Self {
            talks: talks.collect(),
            people,
        }
    }

    fn registrations(&self) -> impl Iterator<Item = Wish> {
        self.people.into_iter().map(|user| {
            let registered = Registered {
                username: format!("u{}", user.simple()),
                display_name: "somebody".to_owned(),
            };
            Wish {
                stream: user,
                actor: user,
                events: vec![UserEvent::Registered(registered).into()],
            }
        })
    }

    fn events(&self) -> usize {
        self.talks.iter().map(Talk::len).sum()
    }

    fn story(&self) -> String {
        let mut story = String::new();
        for (n, talk) in self.talks.iter().enumerate() {
            let _ = writeln!(story, "conversation {n}\n{}", talk.story());
        }
        story
    }

    /// Whom somebody blocks in the end, which is said in any of the conversations and holds in all.
    fn blocked_by(&self, user: Uuid) -> BTreeSet<Uuid> {
        let mut said: Vec<_> = self.talks.iter().flat_map(Talk::blocks).collect();
        said.sort_by_key(|(pair, seq, _)| (*pair, *seq));
        let mut blocked = BTreeSet::new();
        for (_, _, changed) in said.into_iter().filter(|(.., changed)| changed.by.0 == user) {
            if changed.change == (Change::Blocked { on: true }) {
                blocked.insert(changed.user.0);
            } else {
                blocked.remove(&changed.user.0);
            }
        }
        blocked
    }

    /// The first thing that differs from the definition.
    async fn deviation(&self, world: &World) -> Option<String> {
        for user in self.people {
            let blocked = self.blocked_by(user);
            let said = match self.said_to(world, user).await {
                Ok(said) => said,
                Err(deviation) => return Some(deviation),
            };
            for (n, talk) in self.talks.iter().enumerate() {
                let (said, defined) = (said.get(&talk.id), talk.told.counts(user, &blocked));
                if said != defined.as_ref() {
                    let name = talk.name(user);
                    return Some(format!(
                        "{name} is told of conversation {n}\n  {said:?}, by definition\n  {defined:?}"
                    ));
                }
            }
            let said = (
                world.ask(unread::unread_total(user)).await[0],
                world.ask(unread::mention_total(user)).await[0],
            );
            let defined = self.totals(user, &blocked);
            if said != defined {
                let name = self.talks[0].name(user);
                return Some(format!(
                    "{name} is told the totals of unread messages and mentions {said:?}, by definition {defined:?}"
                ));
            }
        }
        None
    }

    /// Of what is muted, only what mentions by name is in a total.
    fn totals(&self, user: Uuid, blocked: &BTreeSet<Uuid>) -> (i64, i64) {
        let of_each = self.talks.iter().filter_map(|talk| {
            let counts = talk.told.counts(user, blocked)?;
            Some(if counts.muted {
                (0, talk.told.named(user, blocked))
            } else {
                (counts.unread, counts.mentions)
            })
        });
        of_each.fold((0, 0), |sum, of_one| (sum.0 + of_one.0, sum.1 + of_one.1))
    }

    /// What the read models tell somebody of each conversation in which they are, which is the same wherever they tell it.
    async fn said_to(&self, world: &World, user: Uuid) -> Result<BTreeMap<Uuid, Counts>, String> {
        let ids: Vec<Uuid> = self.talks.iter().map(|talk| talk.id).collect();
        let seen = world.ask(conversations::by_id(user, ids.clone())).await;
        let places = seen
            .iter()
            .map(|seen| (seen.id, (seen.read_seq, seen.unread_count)));
        let places: BTreeMap<Uuid, (i64, i64)> = places.collect();
        self.compare_lists(world, user, &places).await?;
        let mentions: BTreeMap<Uuid, i64> = world
            .ask(unread::mention_counts(user, ids.clone()))
            .await
            .into_iter()
            .collect();
        let threads: BTreeMap<Uuid, i64> = world
            .ask(unread::unread_threads(user, ids.clone()))
            .await
            .into_iter()
            .collect();
        let marks: BTreeMap<Uuid, unread::Marks> =
            world.ask(unread::marks(user, ids)).await.into_iter().collect();
        let roots = self.talks.iter().flat_map(|talk| {
            let roots = talk.told.roots().into_iter();
            roots.map(|root| (talk.id, root))
        });
        let (places_of_roots, roots) = roots.unzip();
        let states = world
            .ask(unread::thread_states(user, places_of_roots, roots))
            .await;
        let told = |(id, (position, unread)): (Uuid, (i64, i64))| {
            let of_this = states.iter().filter(|state| state.conversation == id);
            let counts = Counts {
                position: position as u64,
                unread,
                mentions: mentions[&id],
                muted: marks[&id].muted,
                marked: marks[&id].unread,
                unread_threads: threads[&id],
                threads: of_this
                    .map(|state| (state.root, (state.following, state.unread)))
                    .collect(),
            };
            (id, counts)
        };
        Ok(places.into_iter().map(told).collect())
    }

    /// The list of conversations, and that of what waits, say the same of each as it itself does.
    async fn compare_lists(
        &self,
        world: &World,
        user: Uuid,
        places: &BTreeMap<Uuid, (i64, i64)>,
    ) -> Result<(), String> {
        let range = Range {
            after: None,
            before: None,
            order: Order::Ascending,
            rows: 1000,
        };
        let said = |seen: &conversations::Conversation| (seen.id, (seen.read_seq, seen.unread_count));
        let listed = world.ask(conversations::activity(user, &range)).await;
        let listed: BTreeMap<_, _> = listed
            .iter()
            .filter_map(|row| row.entry.as_ref())
            .map(said)
            .collect();
        let waiting = world.ask(inbox::waiting(user, &range)).await;
        let waiting: Vec<_> = waiting
            .iter()
            .filter_map(|row| row.entry.as_ref())
            .map(|waiting| said(&waiting.conversation))
            .collect();
        if listed != *places || waiting.iter().any(|(id, said)| places.get(id) != Some(said)) {
            let name = self.talks[0].name(user);
            return Err(format!(
                "{name} is told of places and unread messages {places:?}, in lists {listed:?} and {waiting:?}"
            ));
        }
        Ok(())
    }
}
