//! A person's device with the client library: talks, reads, manages groups, moves from node to node.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tidings_client::{Backoff, Client, Config, EventStream, Incoming, Tokens, connect};
use tidings_protocol::Resume;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::effects::{Effects, SET_BACK};
use crate::hand::{DAWDLING, Done, Hand, Order, Refusal, Reins};
use crate::http::Person;
use crate::scribe::{Clock, Scribe};
use crate::view::{View, gets_farewell};
use crate::world::World;
use answers::Answer;

pub(crate) mod answers;
mod doings;
mod own;

/// What the second device of a person is called.
pub(crate) const SECOND_NAME: &str = "laptop";
/// Longer than any run: every command is brought to an answer.
const COMMAND_LIMIT: Duration = Duration::from_mins(10);
/// Before a gap that could not be fetched is asked for again.
pub(crate) const FETCH_PAUSE: Duration = Duration::from_millis(300);
/// How often a gap is asked for of which nothing comes.
pub(crate) const FETCH_TRIES: u32 = 10;
/// What devices react with. Those of one person have none in common: what is set already leaves nothing in the log.
const EMOJI: [&str; 2] = ["👍", ":wave:"];
const EMOJI_OF_SECOND: [&str; 2] = ["🎉", "👩‍👩‍👧‍👦"];

struct Device {
    person: Person,
    name: String,
    /// Addresses of the nodes; the next connection goes to the first.
    urls: Vec<String>,
    people: Vec<Uuid>,
    random: StdRng,
    scribe: Scribe,
    view: View,
    client: Client,
    events: EventStream,
    /// What is not answered yet, in words.
    asked: Vec<String>,
    answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Conversations with a message or a change under way.
    busy: BTreeSet<Uuid>,
    /// What this device said last and has not taken back, by conversation.
    own: BTreeMap<Uuid, Vec<Uuid>>,
    /// What this device has reacted with to which message.
    reacted: BTreeSet<(Uuid, &'static str)>,
    emoji: [&'static str; 2],
    /// Whether the person hides messages and clears conversations. Others do not, so that somebody sees all that there is.
    hides: bool,
    /// How far threads were read, by what begins them: the conversation, and up to where.
    read_threads: Vec<(Uuid, Uuid, u64)>,
    /// Whether the log goes back in this run: then no reaction ends, for where its beginning is lost that leaves nothing in the log.
    goes_back: bool,
    effects: Effects,
    /// How often a fetch brought nothing, by where it began.
    vain: BTreeMap<(Uuid, u64), u32>,
    /// Conversations of which this device knew more than the log.
    rewound: BTreeSet<Uuid>,
    /// What was shown and did not come again, by conversation.
    not_again: Vec<(Uuid, String)>,
    problems: Vec<String>,
    refusals: Vec<Refusal>,
    slow: Option<(Duration, Instant)>,
    /// How many times as long it waits before it acts once more.
    pace: u32,
    /// Whether what comes is what was missed while the device was away.
    was_away: bool,
    /// Conversations that still get a farewell; none before it is time to rest.
    farewells: Option<BTreeSet<Uuid>>,
}

/// Starts the device `name` of the person `number`, at one of the nodes.
pub(crate) fn start(
    world: &World,
    number: usize,
    name: &str,
    urls: &[String],
    clock: Clock,
    seed: u64,
) -> Hand {
    let person = world.people[number].clone();
    let label = format!("p{number} on {name}");
    let scribe = Scribe::new(clock, person.user, name);
    let seen = scribe.seen().clone();
    let view = View::new(person.user, world.rooms_of(person.user));
    let people = world.people.iter().map(|person| person.user).collect();
    let mut urls = urls.to_vec();
    let places = urls.len();
    urls.rotate_left(number % places.max(1));
    let name = name.to_owned();
    let is_second = name == SECOND_NAME;
    let goes_back = world.goes_back;
    Hand::start(label, person.user, seen, async move |reins| {
        let mut scribe = scribe;
        scribe.connecting();
        let (client, events) = dial(&urls, &person, &name, Resume::default());
        let device = Device {
            person,
            name,
            urls,
            people,
            random: StdRng::seed_from_u64(seed),
            scribe,
            view,
            client,
            events,
            asked: Vec::new(),
            answers: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            own: BTreeMap::new(),
            reacted: BTreeSet::new(),
            hides: number % 2 == 1,
            read_threads: Vec::new(),
            emoji: if is_second { EMOJI_OF_SECOND } else { EMOJI },
            goes_back,
            effects: Effects::default(),
            vain: BTreeMap::new(),
            rewound: BTreeSet::new(),
            not_again: Vec::new(),
            problems: Vec::new(),
            refusals: Vec::new(),
            slow: None,
            pace: 1,
            was_away: false,
            farewells: None,
        };
        device.run(reins).await
    })
}

fn dial(urls: &[String], person: &Person, device: &str, resume: Resume) -> (Client, EventStream) {
    let mut config = Config::new("", "", device);
    config.urls = urls.to_vec();
    config.tokens = Tokens::fixed(&*person.token);
    config.resume = resume;
    config.backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    config.event_queue = 16;
    config.command_timeout = COMMAND_LIMIT;
    config.connect_timeout = Duration::from_secs(5);
    connect(config)
}

impl Device {
    async fn run(mut self, mut reins: Reins) -> Done {
        let mut act_at = Instant::now();
        loop {
            tokio::select! {
                // What came in is written down before the answers that came after it.
                biased;
                order = reins.orders.recv() => match order {
                    Some(Order::Stall(lasts)) => sleep(lasts).await,
                    Some(Order::Away(lasts)) => self.go_away(lasts).await,
                    Some(Order::Slow { pause, lasts }) => self.slow = Some((pause, Instant::now() + lasts)),
                    // Only bare devices flood and are lost.
                    Some(Order::Flood { .. } | Order::Replace(_)) => {}
                    Some(Order::Dawdle) => self.pace = DAWDLING,
                    Some(Order::Rest) => {
                        self.slow = None;
                        self.farewells = Some(self.view.inside().map(|(id, _)| id).filter(gets_farewell).collect());
                    }
                    Some(Order::Finish) | None => return self.finish().await,
                },
                incoming = self.events.next() => self.take(incoming).await,
                Some(answer) = self.answers.next(), if !self.answers.is_empty() => self.answered(answer),
                () = sleep_until(act_at), if self.farewells.is_none() => {
                    self.act();
                    act_at = Instant::now() + self.pace * Duration::from_millis(self.random.random_range(20..200));
                }
            }
            self.say_farewells();
            let said = self.farewells.as_ref().is_some_and(BTreeSet::is_empty);
            let synced = self.scribe.is_synced();
            reins.say_at_rest((!(said && self.answers.is_empty() && synced)).then(|| {
                let asked: Vec<_> = self.asked.iter().take(5).collect();
                format!("said all: {said}, unanswered: {asked:?}, synced: {synced}")
            }));
        }
    }

    async fn take(&mut self, incoming: Option<Incoming>) {
        let Some(incoming) = incoming else {
            self.move_on();
            return;
        };
        let event = matches!(incoming, Incoming::Event(_));
        self.note(incoming);
        if let Some((pause, until)) = self.slow.filter(|_| event) {
            self.effects.add("events taken slowly", 1);
            sleep(pause).await;
            self.slow = self.slow.filter(|_| Instant::now() < until);
        }
    }

    fn note(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected(welcome) => {
                let cursors = &self.events.cursors().conversations;
                self.scribe.connected(cursors, &welcome.limits);
            }
            Incoming::Rewound {
                conversation: Some(conversation),
                to,
            } => {
                self.scribe.rewound(conversation, to);
                self.own.remove(&conversation);
                self.view.forget_root(conversation);
                self.rewound.insert(conversation);
                self.effects.add(SET_BACK, 1);
            }
            Incoming::Synced => {
                self.was_away = false;
                self.scribe.synced();
            }
            Incoming::Event(event) => {
                self.effects
                    .add("events missed while away", u64::from(self.was_away));
                self.scribe.shown(&event);
                self.view.note(&event);
            }
            Incoming::Gap(gap) => {
                self.scribe.gap(&gap);
                self.fetch(gap, Duration::ZERO);
            }
            Incoming::Typing(_) => self.effects.add("typing shown", 1),
            Incoming::Disconnected { reason, retry_in } => {
                self.scribe.disconnected();
                if retry_in.is_none() {
                    self.problems
                        .push(format!("the connection ended for good: {reason}"));
                }
            }
            _ => {}
        }
    }

    /// Leaves and comes back at another node, with the cursors of what was taken in.
    fn move_on(&mut self) {
        self.urls.rotate_left(1);
        self.correct();
        // What has not been taken out by now does not count as received, whatever the library has read.
        self.scribe.disconnected();
        self.scribe.connecting();
        let resume = self.events.cursors().clone();
        (self.client, self.events) = dial(&self.urls, &self.person, &self.name, resume);
    }

    /// Says goodbye, so that the server knows what was received, and comes back at another node.
    async fn go_away(&mut self, lasts: Duration) {
        self.client.close();
        while let Some(incoming) = self.events.next().await {
            if !matches!(incoming, Incoming::Disconnected { .. }) {
                self.note(incoming);
            }
        }
        self.scribe.disconnected();
        sleep(lasts).await;
        self.move_on();
        self.was_away = true;
    }

    /// A server that keeps the contract needs no corrections, also while its log goes back.
    fn correct(&mut self) {
        let corrections = self.events.corrections();
        if corrections.repeats + corrections.holes > 0 {
            self.problems
                .push(format!("the library had to correct the server: {corrections:?}"));
        }
    }

    async fn finish(mut self) -> Done {
        self.correct();
        self.events.close().await;
        Done {
            connections: self.scribe.connections(),
            effects: self.effects,
            journal: self.scribe.close(),
            problems: self.problems,
            refusals: self.refusals,
            unless_out: self.not_again,
            read_threads: self.read_threads,
        }
    }
}

/// Some text of so many bytes, unlike any other.
pub(crate) fn words(random: &mut StdRng, length: usize) -> String {
    let mut words = format!("{:016x} ", random.random::<u64>());
    words.extend(std::iter::repeat_n('~', length));
    words
}
