//! A person's device with the client library: talks, reads, manages groups, moves from node to node.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tidings_client::{Backoff, Client, CommandError, Config, EventStream, Incoming, Tokens, connect};
use tidings_protocol::{Ack, Action, Content, ErrorCode, Events, FETCH_EVENTS_MAX, Gap, Resume};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::hand::{Done, Hand, Order, Reins};
use crate::http::Person;
use crate::scribe::{Clock, Message, Scribe};
use crate::view::View;
use crate::world::World;

/// Longer than any run: every command is brought to an answer.
const COMMAND_LIMIT: Duration = Duration::from_mins(10);
/// Messages under way at a time, each in another conversation.
const UNDER_WAY: usize = 4;

/// What is being asked of the server.
#[derive(Clone, Debug)]
enum Asked {
    Send(Message),
    Read { id: Uuid, conversation: Uuid, seq: u64 },
    Manage { conversation: Uuid, action: Action },
}

enum Answer {
    Command(Asked, Result<Ack, CommandError>),
    Fetched(Gap, Result<Events, CommandError>),
}

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
    answers: FuturesUnordered<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    /// Conversations with a message or a change under way.
    busy: BTreeSet<Uuid>,
    problems: Vec<String>,
    slow: Option<(Duration, Instant)>,
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
            answers: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            problems: Vec::new(),
            slow: None,
            farewells: None,
        };
        device.run(reins).await
    })
}

fn dial(urls: &[String], person: &Person, device: &str, resume: Resume) -> (Client, EventStream) {
    let mut config = Config::new("", "", device);
    config.urls = urls.to_vec();
    config.tokens = Tokens::fixed(person.token.clone());
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
                    Some(Order::Slow { pause, lasts }) => self.slow = Some((pause, Instant::now() + lasts)),
                    // Only bare devices flood.
                    Some(Order::Flood { .. }) => {}
                    Some(Order::Rest) => {
                        self.slow = None;
                        self.farewells = Some(self.view.inside().map(|(id, _)| id).collect());
                    }
                    Some(Order::Finish) | None => return self.finish().await,
                },
                incoming = self.events.next() => self.take(incoming).await,
                Some(answer) = self.answers.next(), if !self.answers.is_empty() => self.answered(answer),
                () = sleep_until(act_at), if self.farewells.is_none() => {
                    self.act();
                    act_at = Instant::now() + Duration::from_millis(self.random.random_range(20..200));
                }
            }
            self.say_farewells();
            let said = self.farewells.as_ref().is_some_and(BTreeSet::is_empty);
            reins.say_at_rest(said && self.answers.is_empty() && self.scribe.is_synced());
        }
    }

    async fn take(&mut self, incoming: Option<Incoming>) {
        match incoming {
            Some(Incoming::Connected(_)) => self.scribe.connected(&self.events.cursors().conversations),
            Some(Incoming::Synced) => self.scribe.synced(),
            Some(Incoming::Event(event)) => {
                self.scribe.shown(&event);
                self.view.note(&event);
                if let Some((pause, until)) = self.slow {
                    sleep(pause).await;
                    self.slow = self.slow.filter(|_| Instant::now() < until);
                }
            }
            Some(Incoming::Gap(gap)) => {
                self.scribe.gap(&gap);
                self.fetch(gap);
            }
            Some(Incoming::Disconnected { reason, retry_in }) => {
                self.scribe.disconnected();
                if retry_in.is_none() {
                    self.problems
                        .push(format!("the connection ended for good: {reason}"));
                }
            }
            Some(_) => {}
            None => self.move_on(),
        }
    }

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Command(asked, result) => self.command_answered(asked, result),
            Answer::Fetched(gap, Ok(events)) => {
                let within = events.events.iter().filter(|event| event.seq <= gap.to);
                let mut last = None;
                for event in within {
                    self.scribe.fetched(event);
                    last = Some(event.seq);
                }
                if let Some(from) = last.map(|seq| seq + 1).filter(|from| *from <= gap.to) {
                    self.fetch(Gap { from, ..gap });
                }
            }
            // Nobody has to fetch a gap.
            Answer::Fetched(_, Err(_)) => {}
        }
    }

    fn command_answered(&mut self, asked: Asked, result: Result<Ack, CommandError>) {
        let refusal = match result {
            Ok(ack) => {
                match asked {
                    Asked::Send(message) => {
                        self.scribe.acked(message.id, ack.seq);
                        self.busy.remove(&message.conversation);
                    }
                    Asked::Read {
                        conversation, seq, ..
                    } => self.scribe.read(conversation, seq),
                    Asked::Manage { conversation, .. } => {
                        self.busy.remove(&conversation);
                    }
                }
                return;
            }
            Err(CommandError::Refused(error)) if !error.retryable => error,
            // The connection was closed before the answer came. The same command on the next one finds out.
            Err(_) => return self.ask_again(asked),
        };
        match asked {
            Asked::Send(message) => {
                self.scribe.refused(message.id, refusal.code.as_str());
                self.busy.remove(&message.conversation);
                if refusal.code == ErrorCode::NotAMember {
                    self.view.outside(message.conversation);
                } else {
                    self.problems.push(format!(
                        "a message was refused with {}: {}",
                        refusal.code, refusal.message
                    ));
                }
            }
            Asked::Read { .. } => {}
            Asked::Manage { conversation, .. } => {
                self.busy.remove(&conversation);
            }
        }
    }

    /// Does one thing of those that people do.
    fn act(&mut self) {
        match self.random.random_range(0..100) {
            0..70 => {
                if self.scribe.unanswered().len() < UNDER_WAY {
                    self.talk();
                }
            }
            70..85 => self.read(),
            85..94 => self.manage(),
            94..96 => self.leave(),
            _ => self.move_on(),
        }
    }

    fn talk(&mut self) {
        let busy = &self.busy;
        let room = self.view.any(&mut self.random, |id, _| !busy.contains(&id));
        if let Some((conversation, _)) = room {
            let length = if self.random.random_ratio(1, 20) {
                3000
            } else {
                self.random.random_range(1..200)
            };
            let text = words(&mut self.random, length);
            self.say(conversation, text);
        }
    }

    fn say(&mut self, conversation: Uuid, text: String) {
        let message = Message {
            id: Uuid::now_v7(),
            conversation,
            text,
        };
        self.busy.insert(conversation);
        self.scribe.send(message.clone());
        self.ask(Asked::Send(message));
    }

    /// Reads up to what was shown, or somewhat less.
    fn read(&mut self) {
        let seen = self.scribe.seen().all();
        let room = self.view.any(&mut self.random, |id, _| seen.contains_key(&id));
        let Some((conversation, _)) = room else { return };
        let back = self.random.random_range(0..3);
        let seq = seen
            .get(&conversation)
            .copied()
            .unwrap_or(1)
            .saturating_sub(back)
            .max(1);
        self.ask(Asked::Read {
            id: Uuid::now_v7(),
            conversation,
            seq,
        });
    }

    /// Lets somebody into an own group, or shows them out.
    fn manage(&mut self) {
        let (own, busy) = (self.person.user, &self.busy);
        let room = self.view.any(&mut self.random, |id, room| {
            room.is_group && room.owner == own && !busy.contains(&id)
        });
        let Some((conversation, room)) = room else { return };
        let Some(user) = self
            .people
            .choose(&mut self.random)
            .copied()
            .filter(|user| *user != own)
        else {
            return;
        };
        let action = if room.members.contains(&user) {
            Action::GroupRemove { conversation, user }
        } else {
            Action::GroupAdd { conversation, user }
        };
        self.busy.insert(conversation);
        self.ask(Asked::Manage { conversation, action });
    }

    fn leave(&mut self) {
        let (own, busy) = (self.person.user, &self.busy);
        let room = self.view.any(&mut self.random, |id, room| {
            room.is_group && room.owner != own && !busy.contains(&id)
        });
        let Some((conversation, _)) = room else { return };
        self.busy.insert(conversation);
        let action = Action::GroupLeave { conversation };
        self.ask(Asked::Manage { conversation, action });
    }

    /// Leaves and comes back at another node, with the cursors of what was taken in.
    fn move_on(&mut self) {
        self.urls.rotate_left(1);
        self.correct();
        self.scribe.disconnected();
        self.scribe.connecting();
        let resume = self.events.cursors().clone();
        (self.client, self.events) = dial(&self.urls, &self.person, &self.name, resume);
    }

    fn say_farewells(&mut self) {
        let Some(farewells) = &mut self.farewells else {
            return;
        };
        let next: Vec<Uuid> = farewells.difference(&self.busy).copied().collect();
        farewells.retain(|conversation| !next.contains(conversation));
        for conversation in next {
            self.say(conversation, "farewell".to_owned());
        }
    }

    fn ask(&mut self, asked: Asked) {
        let client = self.client.clone();
        let (id, action) = match &asked {
            Asked::Send(message) => (message.id, text(message)),
            Asked::Read {
                id,
                conversation,
                seq,
            } => {
                let (conversation, seq) = (*conversation, *seq);
                (*id, Action::Read { conversation, seq })
            }
            Asked::Manage { action, .. } => (Uuid::now_v7(), action.clone()),
        };
        self.answers.push(Box::pin(async move {
            let result = match client.send_as(id, action).await {
                Ok(pending) => pending.await,
                Err(error) => Err(error),
            };
            Answer::Command(asked, result)
        }));
    }

    fn ask_again(&mut self, asked: Asked) {
        match &asked {
            Asked::Send(message) => self.scribe.send_again(message),
            Asked::Read { .. } => {}
            // Whether it took effect will be seen.
            Asked::Manage { conversation, .. } => {
                self.busy.remove(conversation);
                return;
            }
        }
        self.ask(asked);
    }

    fn fetch(&mut self, gap: Gap) {
        let client = self.client.clone();
        let limit = (gap.to - gap.from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
        self.answers.push(Box::pin(async move {
            let fetched = client.fetch(gap.conversation, gap.from, limit).await;
            Answer::Fetched(gap, fetched)
        }));
    }

    /// A server that keeps the contract needs no corrections.
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
            journal: self.scribe.close(),
            problems: self.problems,
        }
    }
}

/// The command that sends a message.
pub(crate) fn text(message: &Message) -> Action {
    Action::MessageSend {
        conversation: message.conversation,
        content: Content::text(message.text.clone()),
        reply_to: None,
        mentions: vec![],
    }
}

/// Some text of so many bytes, unlike any other.
pub(crate) fn words(random: &mut StdRng, length: usize) -> String {
    let mut words = format!("{:016x} ", random.random::<u64>());
    words.extend(std::iter::repeat_n('~', length));
    words
}
