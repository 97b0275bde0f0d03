//! What a device believes about its conversations, from what it was shown.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use tidings_protocol::{Event, EventData};
use uuid::Uuid;

use crate::world::Room;

/// The conversations of one person.
#[derive(Debug)]
pub(crate) struct View {
    user: Uuid,
    rooms: BTreeMap<Uuid, Known>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) is_group: bool,
    pub(crate) owner: Uuid,
    pub(crate) members: BTreeSet<Uuid>,
}

impl View {
    pub(crate) fn new(user: Uuid, rooms: Vec<Room>) -> Self {
        let rooms = rooms.into_iter().map(|room| {
            let known = Known {
                is_group: room.is_group,
                owner: room.owner,
                members: room.members.into_iter().collect(),
            };
            (room.id, known)
        });
        Self {
            user,
            rooms: rooms.collect(),
        }
    }

    /// Where the person is in now.
    pub(crate) fn inside(&self) -> impl Iterator<Item = (Uuid, &Known)> {
        let rooms = self.rooms.iter().map(|(id, room)| (*id, room));
        rooms.filter(|(_, room)| room.members.contains(&self.user))
    }

    pub(crate) fn is_inside(&self, conversation: Uuid) -> bool {
        self.rooms
            .get(&conversation)
            .is_some_and(|room| room.members.contains(&self.user))
    }

    /// One of those that `fits`.
    pub(crate) fn any(
        &self,
        random: &mut StdRng,
        fits: impl Fn(Uuid, &Known) -> bool,
    ) -> Option<(Uuid, &Known)> {
        self.inside().filter(|(id, room)| fits(*id, room)).choose(random)
    }

    /// The server says that the person is not in.
    pub(crate) fn outside(&mut self, conversation: Uuid) {
        if let Some(room) = self.rooms.get_mut(&conversation) {
            room.members.remove(&self.user);
        }
    }

    pub(crate) fn note(&mut self, event: &Event) {
        let (joins, leaves) = match event.decode() {
            EventData::DirectOpened(opened) => (opened.users.to_vec(), vec![]),
            EventData::GroupCreated(created) => {
                let owner = created.owner;
                self.rooms.entry(event.conversation).or_insert_with(|| Known {
                    is_group: true,
                    owner,
                    members: BTreeSet::new(),
                });
                (created.members, vec![])
            }
            EventData::MemberAdded(added) => (vec![added.user], vec![]),
            EventData::MemberRemoved(removed) => (vec![], vec![removed.user]),
            EventData::MemberLeft(left) => (vec![], vec![left.user]),
            _ => return,
        };
        let room = self.rooms.entry(event.conversation).or_insert_with(|| Known {
            // Only groups let people in later, and their owners know them from the beginning.
            is_group: true,
            owner: Uuid::nil(),
            members: BTreeSet::new(),
        });
        room.members.extend(joins);
        for user in leaves {
            room.members.remove(&user);
        }
    }
}

/// Whether people say a last word in a conversation: in half of them, the last thing that happened under the faults must
/// reach everybody by itself, and a read of it must hold.
pub(crate) fn gets_farewell(conversation: &Uuid) -> bool {
    conversation.as_bytes()[14].is_multiple_of(2)
}
