//! A chat server within this process, as small as an adapter can be. It can be told to go wrong.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use tidings_journal::{Kind, Logged, Via, digest};
use tidings_judge::{Conversation, Incoming, Person, Server, Session};
use tokio::sync::watch;
use uuid::Uuid;

/// How a server may go wrong, each time with one message in twenty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It acks without storing.
    Loses,
    /// It sends a message twice.
    Repeats,
    /// It sends two messages in the wrong order.
    Swaps,
    /// It stores another text.
    Changes,
    /// It forgets a message while somebody is away.
    Forgets,
    /// It counts one too many.
    Miscounts,
    /// It takes messages, and never says so.
    Mute,
    /// It refuses one message in five.
    TurnsAway,
    /// It never confirms a read.
    LeavesReadsOpen,
    /// Its adapter drops what the server repeats.
    IsPutRight,
}

#[derive(Clone)]
pub(crate) struct Memory(Arc<Shared>);

struct Shared {
    fault: Fault,
    rooms: Mutex<HashMap<String, Room>>,
    bell: watch::Sender<()>,
}

struct Room {
    readers: Vec<String>,
    log: Vec<(String, Uuid, String)>,
    /// How much each reader has read.
    read: HashMap<String, usize>,
}

impl Memory {
    pub(crate) fn new(fault: Fault) -> Self {
        Self(Arc::new(Shared {
            fault,
            rooms: Mutex::default(),
            bell: watch::Sender::new(()),
        }))
    }

    fn open(&self, members: &[&Somebody]) -> Conversation {
        let users: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
        let name = Uuid::now_v7().to_string();
        let room = Room {
            readers: users.clone(),
            log: vec![],
            read: HashMap::new(),
        };
        self.0.rooms.lock().unwrap().insert(name.clone(), room);
        Conversation {
            name,
            writers: users.clone(),
            readers: users,
        }
    }
}

impl Server for Memory {
    type Person = Somebody;

    const REPEATS_ARE_SAFE: bool = true;

    async fn person(&self, name: &str) -> Result<Somebody> {
        Ok(Somebody {
            name: name.to_owned(),
            server: self.clone(),
        })
    }

    async fn group(&self, _: &str, members: &[&Somebody]) -> Result<Conversation> {
        Ok(self.open(members))
    }

    async fn direct(&self, pair: [&Somebody; 2]) -> Result<Vec<Conversation>> {
        Ok(vec![self.open(&pair)])
    }

    async fn export(&self, conversation: &Conversation, _: &Somebody) -> Result<Vec<Logged>> {
        let rooms = self.0.rooms.lock().unwrap();
        let room = rooms.get(&conversation.name).context("no such room")?;
        let joined = Logged {
            conversation: conversation.name.clone(),
            seq: 1,
            kind: Kind::Joined,
            actor: room.readers[0].clone(),
            id: None,
            digest: 0,
            whole: None,
            of: None,
            withheld: false,
            stored: None,
            users: room.readers.clone(),
        };
        let messages = (2..).zip(&room.log).map(|(seq, (actor, id, text))| Logged {
            conversation: conversation.name.clone(),
            seq,
            kind: Kind::Message,
            actor: actor.clone(),
            id: Some(*id),
            digest: digest(text),
            whole: None,
            of: None,
            withheld: false,
            stored: None,
            users: vec![],
        });
        Ok(std::iter::once(joined).chain(messages).collect())
    }
}

pub(crate) struct Somebody {
    name: String,
    server: Memory,
}

impl Person for Somebody {
    type Session = Connection;

    fn user(&self) -> &str {
        &self.name
    }

    async fn connect(&self, mut place: BTreeMap<String, u64>) -> Result<Connection> {
        let resumes = !place.is_empty();
        for (name, room) in self.server.0.rooms.lock().unwrap().iter() {
            if room.readers.contains(&self.name) {
                place.entry(name.clone()).or_insert(0);
            }
        }
        Ok(Connection {
            name: self.name.clone(),
            shared: Arc::clone(&self.server.0),
            bell: self.server.0.bell.subscribe(),
            claims: place.clone(),
            read_up_to: place.clone(),
            place,
            ready: VecDeque::new(),
            resumes,
            synced: false,
        })
    }

    async fn unread(&self, conversation: &Conversation) -> Result<Option<u64>> {
        let rooms = self.server.0.rooms.lock().unwrap();
        let room = rooms.get(&conversation.name).context("no such room")?;
        let read = room.read.get(&self.name).copied().unwrap_or(0);
        let unread = (room.log.len() - read) as u64;
        Ok(Some(unread + u64::from(self.server.0.fault == Fault::Miscounts)))
    }
}

pub(crate) struct Connection {
    name: String,
    shared: Arc<Shared>,
    bell: watch::Receiver<()>,
    claims: BTreeMap<String, u64>,
    /// The last seq that stands in `ready`, by room, and the last that was given out.
    read_up_to: BTreeMap<String, u64>,
    place: BTreeMap<String, u64>,
    ready: VecDeque<Incoming>,
    resumes: bool,
    synced: bool,
}

impl Connection {
    /// Makes ready whatever is new.
    fn look(&mut self) {
        let rooms = self.shared.rooms.lock().unwrap();
        for (name, room) in rooms.iter().filter(|(_, room)| room.readers.contains(&self.name)) {
            let from = self.read_up_to.entry(name.clone()).or_insert(0);
            let mut new = VecDeque::new();
            for seq in *from + 1..=room.log.len() as u64 + 1 {
                let message = (seq as usize).checked_sub(2).map(|index| &room.log[index]);
                new.push_back(Incoming::Delivered {
                    conversation: name.clone(),
                    seq: Some(seq),
                    message: message.map(|(_, id, text)| (*id, text.clone())),
                    via: if self.synced { Via::Live } else { Via::CatchUp },
                });
                *from = seq;
            }
            let strikes = from.is_multiple_of(20);
            match self.shared.fault {
                Fault::Repeats if strikes && let Some(last) = new.back().cloned() => new.push_back(last),
                Fault::Swaps if new.len() > 1 => new.swap(0, 1),
                Fault::Forgets if self.resumes && !self.synced && new.len() > 1 => {
                    new.pop_front();
                }
                _ => {}
            }
            self.ready.extend(new);
        }
        drop(rooms);
        if !self.synced {
            self.synced = true;
            self.ready.push_back(Incoming::Synced);
        }
    }
}

impl Session for Connection {
    type Place = BTreeMap<String, u64>;

    fn claims(&self) -> BTreeMap<String, u64> {
        self.claims.clone()
    }

    async fn send(&mut self, id: Uuid, conversation: &str, text: &str) -> Result<()> {
        if self.shared.fault == Fault::TurnsAway && id.as_u128().is_multiple_of(5) {
            let code = "full".to_owned();
            self.ready.push_back(Incoming::Refused { id, code });
            // Whoever sends hears of it.
            self.shared.bell.send_replace(());
            return Ok(());
        }
        let mut rooms = self.shared.rooms.lock().unwrap();
        let room = rooms.get_mut(conversation).context("no such room")?;
        let known = room.log.iter().position(|(_, known, _)| *known == id);
        let index = known.unwrap_or_else(|| {
            let strikes = room.log.len() % 20 == 19;
            let text = match self.shared.fault {
                Fault::Changes if strikes => "something else",
                _ => text,
            };
            if self.shared.fault != Fault::Loses || !strikes || id.as_u128().is_multiple_of(2) {
                room.log.push((self.name.clone(), id, text.to_owned()));
            }
            room.log.len() - 1
        });
        let read = room.read.entry(self.name.clone()).or_default();
        *read = (*read).max(index + 1);
        drop(rooms);
        let seq = Some(index as u64 + 2);
        if self.shared.fault != Fault::Mute {
            self.ready.push_back(Incoming::Ack { id, seq });
        }
        self.shared.bell.send_replace(());
        Ok(())
    }

    async fn read(&mut self, conversation: &str, seq: u64) -> Result<bool> {
        let mut rooms = self.shared.rooms.lock().unwrap();
        let room = rooms.get_mut(conversation).context("no such room")?;
        let read = room.read.entry(self.name.clone()).or_default();
        *read = (*read).max(seq as usize - 1);
        if self.shared.fault != Fault::LeavesReadsOpen {
            self.ready.push_back(Incoming::Read {
                conversation: conversation.to_owned(),
                seq,
            });
        }
        Ok(true)
    }

    async fn next(&mut self) -> Incoming {
        loop {
            if let Some(incoming) = self.ready.pop_front() {
                if let Incoming::Delivered {
                    conversation,
                    seq: Some(seq),
                    ..
                } = &incoming
                {
                    self.place.insert(conversation.clone(), *seq);
                }
                return incoming;
            }
            self.bell.mark_unchanged();
            self.look();
            if self.ready.is_empty() && self.bell.changed().await.is_err() {
                return Incoming::Closed {
                    reason: "the server is gone".to_owned(),
                };
            }
        }
    }

    fn corrections(&self) -> u64 {
        u64::from(self.shared.fault == Fault::IsPutRight)
    }

    async fn close(self) -> BTreeMap<String, u64> {
        self.place
    }
}
