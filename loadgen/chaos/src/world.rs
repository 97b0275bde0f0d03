//! The people and conversations of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tidings_journal::Journal;
use tidings_protocol::Action;
use tidings_stand::Node;
use tokio::time::sleep;
use uuid::Uuid;

use crate::fault::BARE;
use crate::http::Person;
use crate::said::Said;
use crate::scribe::Clock;
use crate::view::STAGED;
use crate::witness::{Answer, Witness};

/// People in all. The first [`BARE`] of them have a bare device each, and the others of the pairs nothing else.
pub(crate) const PEOPLE: usize = 14;
const GROUPS: usize = 4;
/// Those who misbehave.
const HOSTILE: usize = 4;
/// Those who have no device of their own.
const GUESTS: usize = 3;
/// Those who see what is reported.
const MODERATORS: usize = 2;
/// Before a command that was not answered goes out again. Whoever waits for the world has a limit.
const PAUSE: Duration = Duration::from_millis(50);
/// Pairs beside those of the bare devices.
const PAIRS: usize = 6;

/// Who there is, and what they talk in.
pub(crate) struct World {
    pub(crate) people: Vec<Person>,
    pub(crate) rooms: Vec<Room>,
    /// Lanes that the log begins with.
    pub(crate) lanes: u16,
    /// Whether an older back-up takes the place of the log.
    pub(crate) goes_back: bool,
    /// Those who mean no good, and the conversation that they have with one of the others.
    pub(crate) hostile: (Vec<Person>, Uuid),
    /// Those who have no device and no conversation, for [scenes](crate::company): what becomes of them disturbs nobody else.
    pub(crate) guests: [Person; GUESTS],
    /// Those who see what is reported, and have no conversation either.
    pub(crate) moderators: [Person; MODERATORS],
}

/// A conversation.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) id: Uuid,
    pub(crate) is_group: bool,
    /// Who manages a group.
    pub(crate) owner: Uuid,
    /// At the beginning.
    pub(crate) members: Vec<Uuid>,
}

impl World {
    /// Makes accounts and conversations while all is well. Who makes them is shown what happens, and has journals.
    pub(crate) async fn make(
        nodes: &[Node],
        lanes: u16,
        clock: Clock,
        random: &mut StdRng,
    ) -> Result<(Self, Vec<Journal>)> {
        let tag = Uuid::new_v4().simple().to_string();
        let mut people = Vec::with_capacity(PEOPLE);
        for number in 0..PEOPLE {
            let node = &nodes[number % nodes.len()];
            let name = format!("p{number}-{}", &tag[..8]);
            people.push(Person::register(node, &name).await?);
        }
        let mut makers: BTreeMap<usize, Witness> = BTreeMap::new();
        let mut rooms = Vec::new();
        // The pairs of bare devices, which flood each other.
        let bare = (0..BARE).step_by(2).map(|first| (first, first + 1));
        let others: Vec<_> = (0..PAIRS)
            .map(|_| {
                let first = random.random_range(0..PEOPLE);
                (first, (first + random.random_range(1..PEOPLE)) % PEOPLE)
            })
            .collect();
        for (owner, other) in bare.chain(others) {
            let user = people[other].user;
            let pair = [people[owner].user, user];
            // Opening it again finds it, and leaves nothing in the log.
            if rooms
                .iter()
                .any(|room: &Room| pair.iter().all(|user| room.members.contains(user)))
            {
                continue;
            }
            let action = Action::DirectOpen { user };
            let id = opened(maker(&mut makers, nodes, &people, clock, owner), pair[0], action).await?;
            rooms.push(Room {
                id,
                is_group: false,
                owner: pair[0],
                members: pair.to_vec(),
            });
        }
        for number in 0..GROUPS {
            let mut users: Vec<Uuid> = people.iter().map(|person| person.user).collect();
            let owner_number = BARE + number;
            let owner = users.swap_remove(owner_number);
            users.shuffle(random);
            users.truncate(random.random_range(3..PEOPLE - 2));
            let action = Action::GroupCreate {
                name: format!("group {number}"),
                members: users.clone(),
            };
            let maker = maker(&mut makers, nodes, &people, clock, owner_number);
            let id = opened(maker, owner, action).await?;
            users.push(owner);
            rooms.push(Room {
                id,
                is_group: true,
                owner,
                members: users,
            });
        }
        let mut guests = Vec::with_capacity(GUESTS);
        for number in 0..GUESTS {
            let node = &nodes[number % nodes.len()];
            let name = format!("guest{number}-{}", &tag[..8]);
            guests.push(Person::register(node, &name).await?);
        }
        let guests = guests.try_into().map_err(|_| anyhow!("too few guests"))?;
        let mut moderators = Vec::with_capacity(MODERATORS);
        for number in 0..MODERATORS {
            let node = &nodes[number % nodes.len()];
            let name = format!("moderator{number}-{}", &tag[..8]);
            moderators.push(Person::register(node, &name).await?);
        }
        let moderators = moderators.try_into().map_err(|_| anyhow!("too few moderators"))?;
        let mut hostile = Vec::with_capacity(HOSTILE);
        for number in 0..HOSTILE {
            let node = &nodes[number % nodes.len()];
            let name = format!("hostile{number}-{}", &tag[..8]);
            hostile.push(Person::register(node, &name).await?);
        }
        let mut leader = Witness::new(clock, &hostile[0], "maker", "maker", nodes[0].address());
        let members = hostile[1..].iter().chain([&people[BARE]]);
        let action = Action::GroupCreate {
            name: format!("{STAGED} by the hostile"),
            members: members.map(|person| person.user).collect(),
        };
        let id = opened(&mut leader, hostile[0].user, action).await?;
        let journals = makers.into_values().chain([leader]).map(Witness::close);
        let world = Self {
            people,
            rooms,
            lanes,
            goes_back: false,
            hostile: (hostile, id),
            guests,
            moderators,
        };
        Ok((world, journals.collect()))
    }

    /// Pairs of people that have no conversation of their own at the beginning.
    pub(crate) fn strangers(&self) -> impl Iterator<Item = [Person; 2]> {
        let firsts = self.people.iter().enumerate();
        let pairs = firsts.flat_map(|(number, one)| {
            let others = self.people[number + 1..].iter();
            others.map(move |other| [one.clone(), other.clone()])
        });
        pairs.filter(|pair| {
            let mut rooms = self.rooms.iter().filter(|room| !room.is_group);
            !rooms.any(|room| pair.iter().all(|person| room.members.contains(&person.user)))
        })
    }

    /// What somebody talks in at the beginning.
    pub(crate) fn rooms_of(&self, user: Uuid) -> Vec<Room> {
        let own = self.rooms.iter().filter(|room| room.members.contains(&user));
        own.cloned().collect()
    }
}

/// The one of the people who opens a conversation.
fn maker<'a>(
    makers: &'a mut BTreeMap<usize, Witness>,
    nodes: &[Node],
    people: &[Person],
    clock: Clock,
    number: usize,
) -> &'a mut Witness {
    let node = nodes[number % nodes.len()].address();
    let new = || Witness::new(clock, &people[number], "maker", "maker", node);
    makers.entry(number).or_insert_with(new)
}

/// A connection that ends meanwhile is no reason to give up: the command goes out again, and takes effect once.
pub(crate) async fn opened(maker: &mut Witness, owner: Uuid, action: Action) -> Result<Uuid> {
    let said = Said::change(owner, Uuid::nil(), action).context("the command makes no conversation")?;
    let at = maker.now();
    loop {
        match maker.ask(&said, 1).await {
            Ok(answers) => match answers.into_iter().next() {
                Some(Answer::Ack(ack)) => {
                    maker.made(at, &said, &ack);
                    return Ok(ack.conversation);
                }
                Some(Answer::Refused(error)) if !error.retryable => bail!("not opened: {}", error.message),
                _ => {}
            },
            Err(_) => maker.hang_up(),
        }
        sleep(PAUSE).await;
    }
}
