//! What happens in a log, and in which order.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::{Result, ensure};
use rand::RngExt as _;
use tidings_domain::event::CursorsMoved;
use tidings_domain::user::UserCommand;
use tidings_domain::{
    CommandId, Content, ConversationCommand, ConversationId, Cursor, GroupName, MessageText, UserId,
};
use uuid::Uuid;

use super::author::{Author, Room, Stream};
use super::{Archive, Listed, Seeded, Wanted, text};

/// Conversations of the reader, the large one included.
const LISTED: usize = 200;
/// Members of the large conversation. All but the reader, who would have read everything by that, write in turn.
const ARCHIVE_MEMBERS: usize = 50;
const WRITERS: usize = ARCHIVE_MEMBERS - 1;
/// Members that are named when a group is made, as far as a frame has room for them. The rest is added.
const NAMED: usize = 1_000;
/// Every so many events somebody registers, two people open a conversation, somebody's cursors move.
const REGISTERS: u64 = 500;
const OPENS: u64 = 100;
const MOVES: u64 = 20;
/// Of every hundred messages, how many go to the large conversation, and how many to the reader's other ones.
const ARCHIVE_SHARE: u32 = 33;
const READER_SHARE: u32 = 10;
/// The first people.
const READER: usize = 0;
const SENDER: usize = 1;

/// A conversation of two people, by their numbers.
struct Pair {
    room: Room,
    people: [usize; 2],
}

/// People and their conversations.
pub(super) struct Place {
    author: Author,
    /// The log's own id.
    log: Uuid,
    people: Vec<Stream>,
    archive: Room,
    /// The reader's conversations with others, and up to which message the reader has read each.
    own: Vec<(Pair, u64)>,
    others: Vec<Pair>,
    /// No two people have two conversations.
    ids: HashSet<Uuid>,
    groups: Vec<(usize, Room)>,
}

impl Place {
    /// `known` are the reader and the sender.
    pub(super) fn new(author: Author, log: Uuid, known: Vec<Stream>) -> Self {
        Self {
            author,
            log,
            people: known,
            archive: Room::new(Uuid::nil().into()),
            own: vec![],
            others: vec![],
            ids: HashSet::new(),
            groups: vec![],
        }
    }

    /// Writes so many events.
    pub(super) fn fill(&mut self, events: u64, wanted: &Wanted) -> Result<Seeded> {
        self.begin(wanted)?;
        let begun = self.author.written();
        ensure!(
            events >= begun + 4 * LISTED as u64,
            "a log with these conversations has at least {} events",
            begun + 4 * LISTED as u64 + 2
        );
        // Everybody has said something before anybody goes on.
        for own in 0..self.own.len() {
            self.say_to_reader(own)?;
        }
        while self.author.written() < events {
            match self.author.written() {
                number if number % REGISTERS == 0 => self.register()?,
                number if number % OPENS == 1 => self.open_any()?,
                number if number % MOVES == 2 => self.move_cursors()?,
                _ => self.say()?,
            }
        }
        Ok(self.seeded())
    }

    /// The author, and all streams.
    pub(super) fn leave(self) -> (Author, Vec<Stream>) {
        let pairs = self.own.into_iter().map(|(pair, _)| pair).chain(self.others);
        let rooms = pairs.map(|pair| pair.room);
        let rooms = rooms.chain(self.groups.into_iter().map(|(_, room)| room));
        let rooms = rooms.chain([self.archive]).map(|room| room.stream);
        // One that has not begun is no stream.
        let begun = rooms.filter(|stream| stream.seq > 0);
        (self.author, self.people.into_iter().chain(begun).collect())
    }

    /// The people who are there from the start, and what every log has.
    fn begin(&mut self, wanted: &Wanted) -> Result<()> {
        let largest = wanted.groups.iter().copied().max().unwrap_or(0);
        while self.people.len() < largest.max(LISTED) + 2 {
            self.register()?;
        }
        self.archive = self.group(READER, "archive", ARCHIVE_MEMBERS)?;
        for other in 0..LISTED - 1 {
            let pair = self.open(READER, SENDER + 1 + other)?;
            self.own.push((pair, 0));
        }
        for members in &wanted.groups {
            let room = self.group(SENDER, &format!("{members} people"), *members)?;
            self.groups.push((*members, room));
        }
        Ok(())
    }

    fn register(&mut self) -> Result<()> {
        let person = self.author.register(self.people.len())?;
        self.people.push(person);
        Ok(())
    }

    /// The owner makes a group with others, those who came first.
    fn group(&mut self, owner: usize, name: &str, members: usize) -> Result<Room> {
        let owner = UserId(self.people[owner].id);
        let others: Vec<UserId> = self.people[SENDER + 1..]
            .iter()
            .take(members.saturating_sub(1))
            .map(|person| UserId(person.id))
            .collect();
        let (named, added) = others.split_at(others.len().min(NAMED));
        let command = self.author.command_id();
        let mut room = Room::new(ConversationId::group(self.log, owner, CommandId(command)));
        let create = ConversationCommand::CreateGroup {
            name: GroupName::parse(name)?,
            members: named.to_vec(),
        };
        self.author.command(&mut room, owner.0, command, create)?;
        for user in added {
            let command = self.author.command_id();
            let add = ConversationCommand::AddMember { user: *user };
            self.author.command(&mut room, owner.0, command, add)?;
        }
        Ok(room)
    }

    fn open(&mut self, one: usize, other: usize) -> Result<Pair> {
        let (actor, user) = (UserId(self.people[one].id), UserId(self.people[other].id));
        let mut room = Room::new(ConversationId::direct(self.log, actor, user));
        self.ids.insert(room.stream.id);
        let command = self.author.command_id();
        let open = ConversationCommand::OpenDirect { user };
        self.author.command(&mut room, actor.0, command, open)?;
        Ok(Pair {
            room,
            people: [one, other],
        })
    }

    /// Two people, neither of them the reader, who have not talked yet.
    fn open_any(&mut self) -> Result<()> {
        loop {
            let one = self.author.rng.random_range(SENDER + 1..self.people.len());
            let other = self.author.rng.random_range(SENDER + 1..self.people.len());
            let id = ConversationId::direct(
                self.log,
                UserId(self.people[one].id),
                UserId(self.people[other].id),
            );
            if one != other && !self.ids.contains(&id.0) {
                let pair = self.open(one, other)?;
                self.others.push(pair);
                return Ok(());
            }
        }
    }

    /// A message to any conversation.
    fn say(&mut self) -> Result<()> {
        let share = self.author.rng.random_range(0..100);
        if share < ARCHIVE_SHARE || self.others.is_empty() {
            let number = self.archive.stream.msg_no + 1;
            let writer = self.people[SENDER + 1 + (number % WRITERS as u64) as usize].id;
            send(&mut self.author, &mut self.archive, writer)
        } else if share < ARCHIVE_SHARE + READER_SHARE {
            let own = self.author.rng.random_range(0..self.own.len());
            self.say_to_reader(own)
        } else {
            let number = lately(&mut self.author, self.others.len());
            let Pair { room, people } = &mut self.others[number];
            let writer = self.people[people[(room.stream.msg_no % 2) as usize]].id;
            send(&mut self.author, room, writer)
        }
    }

    fn say_to_reader(&mut self, own: usize) -> Result<()> {
        let Pair { room, people } = &mut self.own[own].0;
        let writer = self.people[people[1]].id;
        send(&mut self.author, room, writer)
    }

    /// Somebody has been sent and has read all of a conversation.
    fn move_cursors(&mut self) -> Result<()> {
        let own = self.others.is_empty() || self.author.rng.random_ratio(1, 10);
        let (pair, read) = if own {
            let number = self.author.rng.random_range(0..self.own.len());
            let (pair, read) = &mut self.own[number];
            (pair, Some(read))
        } else {
            let number = lately(&mut self.author, self.others.len());
            (&mut self.others[number], None)
        };
        let person = pair.people[self.author.rng.random_range(0..2)];
        let Stream { id, seq, msg_no, .. } = pair.room.stream;
        if let Some(read) = read
            && person == READER
        {
            *read = msg_no;
        }
        let cursors = BTreeMap::from([(ConversationId(id), Cursor { seq, msg_no })]);
        let moved = UserCommand::MoveCursors {
            moved: CursorsMoved {
                read: cursors.clone(),
                delivered: cursors,
            },
            known: CursorsMoved::default(),
            read: BTreeSet::new(),
        };
        let command = self.author.command_id();
        self.author.user(&mut self.people[person], command, moved)
    }

    fn seeded(&self) -> Seeded {
        let listed = |stream: &Stream, read: u64| Listed {
            conversation: stream.id,
            last_seq: stream.seq,
            unread: stream.msg_no - read,
            last_at: stream.last_at,
        };
        let own = self.own.iter();
        let mut list: Vec<Listed> = own
            .map(|(pair, read)| listed(&pair.room.stream, *read))
            .chain([listed(&self.archive.stream, 0)])
            .collect();
        list.sort_by_key(|listed| std::cmp::Reverse((listed.last_at, listed.conversation)));
        let writers = self.people[SENDER + 1..].iter().take(WRITERS);
        Seeded {
            events: self.author.written(),
            archive: Archive {
                conversation: self.archive.stream.id,
                messages: self.archive.stream.msg_no,
                writers: writers.map(|person| person.id).collect(),
            },
            listed: list,
            groups: self
                .groups
                .iter()
                .map(|(members, room)| (*members, room.stream.id))
                .collect(),
        }
    }
}

/// One of so many things, mostly one of the latest.
fn lately(author: &mut Author, count: usize) -> usize {
    let back = author.rng.random::<f64>().powi(3);
    count - 1 - ((count as f64 * back) as usize).min(count - 1)
}

/// The writer's next message in a conversation.
fn send(author: &mut Author, room: &mut Room, writer: Uuid) -> Result<()> {
    let command = author.command_id();
    let content = Content::Text {
        text: MessageText::parse(text(room.stream.msg_no + 1))?,
    };
    let message = ConversationCommand::SendMessage(content.into());
    author.command(room, writer, command, message)
}
