//! A chat server that keeps its promises, with people on it, in one thread and by a seed. Its clients write journals.

mod client;
mod server;

use std::collections::{BTreeMap, VecDeque};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tidings_journal::{
    Counterexample, Export, Journal, Kind, Logged, Micros, Record, Summary, Via, World as Word, check,
};
use uuid::Uuid;

/// What a run leaves behind.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) journals: Vec<Journal>,
    pub(crate) log: Vec<Logged>,
    /// When everybody was there again.
    pub(crate) healed: Micros,
}

impl Run {
    pub(crate) fn check(&self) -> Result<Summary, Counterexample> {
        check(&self.ended(), &self.export())
    }

    /// The journals with their ends, which are written last.
    pub(crate) fn ended(&self) -> Vec<Journal> {
        let mut journals = self.journals.clone();
        for journal in &mut journals {
            let at = journal.records.iter().map(Record::at).max().unwrap_or(0);
            journal.records.push(Record::End { at });
        }
        journals
    }

    pub(crate) fn export(&self) -> Export {
        let export: Export = self.log.iter().cloned().collect();
        export.with_world(self.words())
    }

    pub(crate) fn words(&self) -> [Word; 1] {
        [Word::Healed { at: self.healed }]
    }

    /// The places of records for which this holds.
    pub(crate) fn places(&self, wanted: impl Fn(&Record) -> bool) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for (number, journal) in self.journals.iter().enumerate() {
            let found = journal
                .records
                .iter()
                .enumerate()
                .filter(|(_, record)| wanted(record));
            places.extend(found.map(|(index, _)| (number, index)));
        }
        places
    }

    pub(crate) fn record(&mut self, (journal, index): (usize, usize)) -> &mut Record {
        &mut self.journals[journal].records[index]
    }
}

/// The most events that a client is sent while it catches up.
const CATCH_UP_MAX: u64 = 6;

/// What kind of server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seqs {
    Told,
    /// Clients get no seqs, and only messages are shown.
    Hidden,
}

struct Device {
    user: usize,
    journal: Journal,
    /// The last seq seen, by conversation.
    cursors: BTreeMap<usize, u64>,
    connection: Option<Connection>,
    /// Messages without an ack, in the order in which they were first sent.
    open: VecDeque<Message>,
}

#[derive(Clone)]
struct Message {
    id: Uuid,
    conversation: usize,
    text: String,
}

struct Connection {
    /// Commands on their way to the server.
    commands: VecDeque<Message>,
    /// Answers on their way back.
    answers: VecDeque<Record>,
    /// Events of these conversations come live, from this seq on.
    next: BTreeMap<usize, u64>,
}

struct Conversation {
    log: Vec<Logged>,
    members: Vec<bool>,
    /// The last seq that each user may see; none for members.
    left: Vec<Option<u64>>,
    read: Vec<u64>,
}

pub(crate) struct World {
    rng: StdRng,
    seqs: Seqs,
    now: Micros,
    devices: Vec<Device>,
    conversations: Vec<Conversation>,
    order: Vec<(usize, u64)>,
}

fn user(number: usize) -> String {
    format!("user{number}")
}

fn room(number: usize) -> String {
    format!("room{number}")
}

/// A run of some hundred steps.
pub(crate) fn run(seed: u64) -> Run {
    World::new(seed, Seqs::Told).play()
}

impl World {
    pub(crate) fn new(seed: u64, seqs: Seqs) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let people = rng.random_range(2..6);
        let mut devices = Vec::new();
        for number in 0..people {
            for device in 0..rng.random_range(1..3) {
                devices.push(Device {
                    user: number,
                    journal: Journal {
                        user: user(number),
                        device: format!("device{device}"),
                        records: Vec::new(),
                    },
                    cursors: BTreeMap::new(),
                    connection: None,
                    open: VecDeque::new(),
                });
            }
        }
        let mut world = Self {
            rng,
            seqs,
            now: 0,
            devices,
            conversations: Vec::new(),
            order: Vec::new(),
        };
        for number in 0..world.rng.random_range(1..4) {
            let members: Vec<usize> = (0..people)
                .filter(|user| *user == 0 || world.rng.random_bool(0.8))
                .collect();
            world.conversations.push(Conversation {
                log: Vec::new(),
                members: vec![false; people],
                left: vec![Some(0); people],
                read: vec![0; people],
            });
            world.change(number, Kind::Joined, &members);
        }
        world
    }

    /// Lets things happen, then everybody comes back and everything comes to rest.
    pub(crate) fn play(mut self) -> Run {
        for _ in 0..self.rng.random_range(200..400) {
            self.step();
        }
        for device in 0..self.devices.len() {
            self.connect(device);
        }
        let healed = self.now;
        while self.deliver_something() {}
        self.count_unread();
        let log = self.order.iter().map(|(number, seq)| {
            let conversation = &self.conversations[*number];
            conversation.log[*seq as usize - 1].clone()
        });
        Run {
            log: log.collect(),
            healed,
            journals: self.devices.into_iter().map(|device| device.journal).collect(),
        }
    }

    fn step(&mut self) {
        let device = self.rng.random_range(0..self.devices.len());
        let conversation = self.rng.random_range(0..self.conversations.len());
        match self.rng.random_range(0..100) {
            0..5 => self.connect(device),
            5..8 => self.disconnect(device),
            8..35 => self.send(device, conversation),
            35..37 => self.refuse(device),
            37..39 => self.change_members(conversation),
            39..43 => self.read(device, conversation),
            43..44 => self.fetch(device, conversation),
            _ => {
                self.deliver_something();
            }
        }
    }

    fn write(&mut self, device: usize, record: impl FnOnce(Micros) -> Record) {
        self.now += self.rng.random_range(1..50);
        self.devices[device].journal.records.push(record(self.now));
    }

    /// Lets one thing that is on its way arrive; false when nothing is.
    fn deliver_something(&mut self) -> bool {
        let mut ways = Vec::new();
        for (number, device) in self.devices.iter().enumerate() {
            let Some(connection) = &device.connection else {
                continue;
            };
            if !connection.commands.is_empty() {
                ways.push((number, Way::Command));
            }
            if !connection.answers.is_empty() {
                ways.push((number, Way::Answer));
            }
            for (conversation, next) in &connection.next {
                if *next <= self.end(*conversation, device.user) {
                    ways.push((number, Way::Event(*conversation)));
                }
            }
        }
        let Some((device, way)) = ways.choose(&mut self.rng).copied() else {
            return false;
        };
        match way {
            Way::Command => self.commit(device),
            Way::Answer => self.answer(device),
            Way::Event(conversation) => {
                let next = &mut self.devices[device].connection.as_mut().unwrap().next;
                let next = next.get_mut(&conversation).unwrap();
                *next += 1;
                let seq = *next - 1;
                self.show(device, conversation, seq, Via::Live);
            }
        }
        true
    }
}

#[derive(Clone, Copy)]
enum Way {
    Command,
    Answer,
    Event(usize),
}
