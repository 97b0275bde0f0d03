//! The people and conversations of a run.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Result, bail};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tidings_protocol::{Action, ServerFrame};
use tidings_stand::Node;
use uuid::Uuid;

use crate::fault::BARE;
use crate::http::{Http, Person};
use crate::wire::Wire;

/// People in all. The first [`BARE`] of them also have a bare device each.
pub(crate) const PEOPLE: usize = 14;
const GROUPS: usize = 4;
/// Pairs beside those of the bare devices.
const PAIRS: usize = 6;

/// Who there is, and what they talk in.
pub(crate) struct World {
    pub(crate) people: Vec<Person>,
    pub(crate) rooms: Vec<Room>,
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
    /// Makes accounts and conversations while all is well.
    pub(crate) async fn make(nodes: &[Node], http: &Http, random: &mut StdRng) -> Result<Self> {
        let tag = Uuid::new_v4().simple().to_string();
        let mut people = Vec::with_capacity(PEOPLE);
        for number in 0..PEOPLE {
            let node = &nodes[number % nodes.len()];
            let name = format!("p{number}-{}", &tag[..8]);
            people.push(http.register(&node.url(), &name).await?);
        }
        let mut makers: BTreeMap<usize, Wire> = BTreeMap::new();
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
            let action = Action::DirectOpen { user };
            let id = opened(&mut makers, nodes, &people, owner, action).await?;
            if rooms.iter().all(|room: &Room| room.id != id) {
                rooms.push(Room {
                    id,
                    is_group: false,
                    owner: people[owner].user,
                    members: vec![people[owner].user, user],
                });
            }
        }
        for number in 0..GROUPS {
            let mut users: Vec<Uuid> = people.iter().map(|person| person.user).collect();
            let owner = users.swap_remove(number);
            users.shuffle(random);
            users.truncate(random.random_range(3..PEOPLE - 2));
            let action = Action::GroupCreate {
                name: format!("group {number}"),
                members: users.clone(),
            };
            let id = opened(&mut makers, nodes, &people, number, action).await?;
            users.push(owner);
            rooms.push(Room {
                id,
                is_group: true,
                owner,
                members: users,
            });
        }
        Ok(Self { people, rooms })
    }

    /// What somebody talks in at the beginning.
    pub(crate) fn rooms_of(&self, user: Uuid) -> Vec<Room> {
        let own = self.rooms.iter().filter(|room| room.members.contains(&user));
        own.cloned().collect()
    }
}

/// Opens a conversation as one of the people.
async fn opened(
    makers: &mut BTreeMap<usize, Wire>,
    nodes: &[Node],
    people: &[Person],
    maker: usize,
    action: Action,
) -> Result<Uuid> {
    let wire = match makers.entry(maker) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            let node = nodes[maker % nodes.len()].address();
            new.insert(Wire::connect(node, &people[maker].token, "maker", &BTreeMap::new()).await?)
        }
    };
    let id = Uuid::now_v7();
    wire.send(&[(id, action)]).await?;
    loop {
        match wire.next().await? {
            ServerFrame::Ack(ack) if ack.id == id => return Ok(ack.conversation),
            ServerFrame::Error(error) if error.id == Some(id) => bail!("not opened: {}", error.message),
            _ => {}
        }
    }
}
