//! What a device believes about its conversations, from what it was shown.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use tidings_protocol::{Content, Event, EventData, MessageSend};
use uuid::Uuid;

use crate::said::Said;
use crate::world::Room;

/// What the names of groups begin with in which nobody but their maker changes anything.
pub(crate) const STAGED: &str = "staged";

/// How often a device mentions everybody in a group. The devices of a person have room for that within an hour, so that nothing of it waits.
const CALLS_MAX: usize = 3;

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
    /// Somebody else plays through it what they have thought out, so it is left as it is.
    pub(crate) is_staged: bool,
    /// The last message that was shown.
    pub(crate) message: Option<Uuid>,
    /// What begins the thread in which that stands, or would be answered.
    pub(crate) root: Option<Uuid>,
    /// How often this device has mentioned everybody.
    pub(crate) calls: usize,
    /// The seqs that were shown last without a hole.
    pub(crate) shown: RangeInclusive<u64>,
}

impl Known {
    fn new(is_group: bool, owner: Uuid, members: impl IntoIterator<Item = Uuid>) -> Self {
        Self {
            is_group,
            owner,
            members: members.into_iter().collect(),
            is_staged: false,
            message: None,
            root: None,
            calls: 0,
            #[expect(clippy::reversed_empty_ranges, reason = "nothing was shown")]
            shown: 1..=0,
        }
    }
}

impl View {
    pub(crate) fn new(user: Uuid, rooms: Vec<Room>) -> Self {
        let rooms = rooms
            .into_iter()
            .map(|room| (room.id, Known::new(room.is_group, room.owner, room.members)));
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

    pub(crate) fn is_group(&self, conversation: Uuid) -> bool {
        self.rooms.get(&conversation).is_some_and(|room| room.is_group)
    }

    /// One of those that `fits`.
    pub(crate) fn any(
        &self,
        random: &mut StdRng,
        fits: impl Fn(Uuid, &Known) -> bool,
    ) -> Option<(Uuid, &Known)> {
        self.inside().filter(|(id, room)| fits(*id, room)).choose(random)
    }

    /// A message that sometimes answers the last one, in its thread or not, and names people or everybody, under a new id.
    pub(crate) fn message(&mut self, random: &mut StdRng, conversation: Uuid, text: String) -> Said {
        let user = self.user;
        let mut room = self.rooms.get_mut(&conversation);
        let everyone = room.as_mut().is_some_and(|room| {
            let may = room.is_group && !room.is_staged && room.owner == user && room.calls < CALLS_MAX;
            let calls = may && random.random_ratio(1, 12);
            room.calls += usize::from(calls);
            calls
        });
        let room = room.as_deref();
        let reply_to = room
            .and_then(|room| room.message)
            .filter(|_| random.random_ratio(1, 4));
        let names = if random.random_ratio(1, 6) {
            random.random_range(1..3)
        } else {
            0
        };
        let members = room.into_iter().flat_map(|room| room.members.iter().copied());
        let mentions = members.sample(random, names);
        let group = room.filter(|room| room.is_group);
        let thread = group.and_then(|room| room.root);
        let thread = thread.filter(|_| random.random_ratio(1, 5));
        Said::send(MessageSend {
            reply_to,
            mentions,
            thread,
            also: thread.is_some() && random.random_ratio(1, 3),
            everyone,
            ..MessageSend::new(conversation, Content::text(text))
        })
    }

    /// Whether a message may name somebody who has left meanwhile, which is no fault of the server.
    pub(crate) fn names_former_members(&self, said: &Said) -> bool {
        let is_group = self
            .rooms
            .get(&said.conversation)
            .is_some_and(|room| room.is_group);
        is_group && said.names_people()
    }

    /// What was said last may have been lost.
    pub(crate) fn forget_root(&mut self, conversation: Uuid) {
        if let Some(room) = self.rooms.get_mut(&conversation) {
            (room.message, room.root) = (None, None);
        }
    }

    /// The server says that the person is not in.
    pub(crate) fn outside(&mut self, conversation: Uuid) {
        if let Some(room) = self.rooms.get_mut(&conversation) {
            room.members.remove(&self.user);
        }
    }

    pub(crate) fn note(&mut self, event: &Event) {
        let (mut joins, mut leaves) = (vec![], vec![]);
        let (mut message, mut root, mut recalled) = (None, None, None);
        let mut known = Known::new(true, Uuid::nil(), []);
        match event.decode() {
            EventData::DirectOpened(opened) => {
                known.is_group = false;
                joins = opened.users.to_vec();
            }
            EventData::GroupCreated(created) => {
                known.owner = created.owner;
                known.is_staged = created.name.starts_with(STAGED);
                joins = created.members;
            }
            EventData::MemberAdded(added) => joins = vec![added.user],
            EventData::MemberRemoved(removed) => leaves = vec![removed.user],
            EventData::MemberLeft(left) => leaves = vec![left.user],
            EventData::MessageSent(sent) => {
                message = Some(sent.message);
                root = sent.thread.or(message);
            }
            EventData::MessageRecalled(message) => recalled = Some(message.message),
            _ => {}
        }
        // Only groups let people in later, and their owners know them from the beginning.
        let room = self.rooms.entry(event.conversation).or_insert(known);
        room.message = message
            .or(room.message)
            .filter(|message| Some(*message) != recalled);
        // Threads outlive what begins them.
        room.root = root.or(room.root);
        room.shown = if event.seq == room.shown.end() + 1 {
            *room.shown.start()..=event.seq
        } else {
            event.seq..=event.seq
        };
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
