//! A person's device with the client library: talks, reads, manages groups, moves from node to node.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use tidings_client::{Backoff, Client, CommandError, Config, EventStream, Incoming, Tokens, connect};
use tidings_journal::Micros;
use tidings_protocol::{Ack, Action, Content, ErrorCode, Events, FETCH_EVENTS_MAX, Gap, Resume, Role};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::effects::{Effects, SET_BACK};
use crate::hand::{Done, Hand, Order, Reins};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::{Clock, Scribe};
use crate::view::{View, gets_farewell};
use crate::world::World;

/// What the second device of a person is called.
pub(crate) const SECOND_NAME: &str = "laptop";
/// What a device says of an event that was shown to it and cannot be had again.
pub(crate) const NOT_AGAIN: &str = "its events do not come again";
/// Longer than any run: every command is brought to an answer.
const COMMAND_LIMIT: Duration = Duration::from_mins(10);
/// Before a gap that could not be fetched is asked for again.
pub(crate) const FETCH_PAUSE: Duration = Duration::from_millis(300);
/// How often a gap is asked for of which nothing comes.
pub(crate) const FETCH_TRIES: u32 = 10;
/// Messages under way at a time, each in another conversation.
const UNDER_WAY: usize = 4;
/// Messages of its own in one conversation that a device may still change.
const OWN_MAX: usize = 8;
/// What devices react with. Those of one person have none in common: what is set already leaves nothing in the log.
const EMOJI: [&str; 2] = ["👍", ":wave:"];
const EMOJI_OF_SECOND: [&str; 2] = ["🎉", "👩‍👩‍👧‍👦"];

/// What is being asked of the server.
#[derive(Clone, Debug)]
enum Asked {
    /// A message, or a change of a conversation.
    Say(Said),
    /// A new group, asked for at this time.
    Make {
        at: Micros,
        said: Said,
    },
    Read {
        id: Uuid,
        conversation: Uuid,
        seq: u64,
    },
}

enum Answer {
    Command(Asked, Result<Ack, CommandError>),
    Fetched(Gap, Result<Events, CommandError>),
    /// What was shown already, once more.
    SeenAgain(Gap, Result<Events, CommandError>),
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
    /// What this device said last and has not taken back, by conversation.
    own: BTreeMap<Uuid, Vec<Uuid>>,
    /// What this device has reacted with to which message.
    reacted: BTreeSet<(Uuid, &'static str)>,
    emoji: [&'static str; 2],
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
    slow: Option<(Duration, Instant)>,
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
            answers: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            own: BTreeMap::new(),
            reacted: BTreeSet::new(),
            emoji: if is_second { EMOJI_OF_SECOND } else { EMOJI },
            goes_back,
            effects: Effects::default(),
            vain: BTreeMap::new(),
            rewound: BTreeSet::new(),
            not_again: Vec::new(),
            problems: Vec::new(),
            slow: None,
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
                    act_at = Instant::now() + Duration::from_millis(self.random.random_range(20..200));
                }
            }
            self.say_farewells();
            let said = self.farewells.as_ref().is_some_and(BTreeSet::is_empty);
            reins.say_at_rest(said && self.answers.is_empty() && self.scribe.is_synced());
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

    fn answered(&mut self, answer: Answer) {
        match answer {
            Answer::Command(asked, result) => self.command_answered(asked, result),
            Answer::Fetched(gap, Ok(events)) => match self.scribe.filled(&gap, &events) {
                (Some(rest), true) => self.fetch(rest, Duration::ZERO),
                (None, _) => {}
                (Some(_), false) => self.in_vain(gap),
            },
            // Who is out need not be told any more.
            Answer::Fetched(_, Err(CommandError::Refused(error))) if error.code == ErrorCode::NotAMember => {}
            Answer::Fetched(gap, Err(CommandError::Refused(error))) if !error.retryable => {
                self.problems.push(format!(
                    "{gap:?} cannot be fetched: {}: {}",
                    error.code, error.message
                ));
            }
            Answer::Fetched(gap, Err(_)) => self.fetch(gap, FETCH_PAUSE),
            Answer::SeenAgain(gap, Ok(events)) => self.seen_again(gap, &events),
            Answer::SeenAgain(gap, Err(CommandError::Refused(error)))
                if !error.retryable && error.code != ErrorCode::NotAMember =>
            {
                self.problems.push(format!(
                    "{gap:?} was shown and cannot be fetched: {}: {}",
                    error.code, error.message
                ));
            }
            // Who is out has no right to it, and nobody needs it.
            Answer::SeenAgain(..) => {}
        }
    }

    /// A page of what was shown. There is something of it, unless the person is out by now.
    fn seen_again(&mut self, gap: Gap, events: &Events) {
        self.effects.add("fetch", 1);
        let (_, came) = self.scribe.filled(&gap, events);
        let is_whole = events
            .events
            .iter()
            .zip(gap.from..)
            .all(|(event, seq)| event.seq == seq);
        if self.view.is_inside(gap.conversation) && !(came && is_whole) {
            let problem = format!("{gap:?} was shown, and {NOT_AGAIN}: {events:?}");
            self.not_again.push((gap.conversation, problem));
        }
    }

    /// Nothing came. Whoever has left is owed only what no device of theirs has had; that they have left may come later.
    fn in_vain(&mut self, gap: Gap) {
        let tries = self.vain.entry((gap.conversation, gap.from)).or_default();
        *tries += 1;
        if *tries < FETCH_TRIES {
            self.fetch(gap, FETCH_PAUSE);
        } else if self.view.is_inside(gap.conversation) && !self.rewound.contains(&gap.conversation) {
            self.problems.push(format!("nothing comes of {gap:?}"));
        }
    }

    fn command_answered(&mut self, asked: Asked, result: Result<Ack, CommandError>) {
        let refusal = match result {
            Ok(ack) => {
                match asked {
                    Asked::Say(said) => {
                        self.effects.add(said.action.name(), 1);
                        self.scribe.acked(&ack);
                        self.busy.remove(&said.conversation);
                        self.keep(&said);
                    }
                    Asked::Make { at, said } => {
                        self.effects.add(said.action.name(), 1);
                        self.scribe.made(at, &said, &ack);
                    }
                    Asked::Read {
                        conversation, seq, ..
                    } => {
                        self.effects.add("read", 1);
                        self.scribe.read(conversation, seq);
                    }
                }
                return;
            }
            Err(CommandError::Refused(error)) if !error.retryable => error,
            // The connection was closed before the answer came. The same command on the next one finds out.
            Err(_) => return self.ask_again(asked),
        };
        match asked {
            Asked::Say(said) => {
                self.scribe.refused(said.id, refusal.code.as_str());
                self.busy.remove(&said.conversation);
                let own = match said.action {
                    Action::MessageSend { .. } => !self.view.names_former_members(&said),
                    // Clocks that step end windows, and others take back what this one reacts to.
                    Action::MessageEdit { .. } | Action::MessageRecall { .. } => {
                        refusal.code != ErrorCode::Forbidden || refusal.field.as_deref() != Some("message")
                    }
                    Action::MessageReact { .. } => refusal.code != ErrorCode::NotFound,
                    _ => false,
                };
                if refusal.code == ErrorCode::NotAMember {
                    self.view.outside(said.conversation);
                } else if own {
                    self.problems.push(format!(
                        "a message was refused with {}: {} ({})",
                        refusal.code,
                        refusal.message,
                        said.action.name()
                    ));
                }
            }
            Asked::Make { .. } => self.problems.push(format!(
                "a group was refused with {}: {}",
                refusal.code, refusal.message
            )),
            Asked::Read { .. } => {}
        }
    }

    /// Does one thing of those that people do.
    fn act(&mut self) {
        match self.random.random_range(0..100) {
            0..54 => {
                if self.scribe.unanswered().len() < UNDER_WAY {
                    self.talk();
                }
            }
            54..66 => {
                if self.scribe.unanswered().len() < UNDER_WAY {
                    self.amend();
                }
            }
            66..68 => self.type_something(),
            68..70 => self.look_back(),
            70..85 => self.read(),
            85..94 => self.manage(),
            94..96 => self.leave(),
            96 => self.make(),
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
            let said = self.view.message(&mut self.random, conversation, text);
            self.say(said);
        }
    }

    /// Remembers what can be changed later.
    fn keep(&mut self, said: &Said) {
        let own = self.own.entry(said.conversation).or_default();
        match &said.action {
            Action::MessageSend { .. } => {
                own.push(said.id);
                own.drain(..own.len().saturating_sub(OWN_MAX));
            }
            Action::MessageRecall { message, .. } => own.retain(|own| own != message),
            _ => {}
        }
    }

    /// Edits or takes back something of its own, or reacts to what was shown last. Nothing is asked for that has been done: such a
    /// command is acked, and leaves nothing in the log.
    fn amend(&mut self) {
        let (busy, own) = (&self.busy, &self.own);
        let kind = self.random.random_range(0..6);
        let room = self.view.any(&mut self.random, |id, room| {
            let has = if kind < 3 {
                room.message.is_some()
            } else {
                own.get(&id).is_some_and(|own| !own.is_empty())
            };
            has && !room.is_staged && !busy.contains(&id)
        });
        let Some((conversation, room)) = room else { return };
        let target = if kind < 3 {
            room.message
        } else {
            own.get(&conversation)
                .and_then(|own| own.choose(&mut self.random))
                .copied()
        };
        let Some(message) = target else { return };
        let action = match kind {
            0..3 => {
                let Some(emoji) = self.emoji.choose(&mut self.random).copied() else {
                    return;
                };
                let on = self.reacted.insert((message, emoji));
                if !on && self.goes_back {
                    return;
                }
                if !on {
                    self.reacted.remove(&(message, emoji));
                }
                Action::MessageReact {
                    conversation,
                    message,
                    emoji: emoji.to_owned(),
                    on,
                }
            }
            _ if kind < 5 => Action::MessageEdit {
                conversation,
                message,
                content: Content::text(words(&mut self.random, 20)),
            },
            _ => Action::MessageRecall {
                conversation,
                message,
            },
        };
        if let Some(said) = Said::amendment(conversation, action) {
            self.say(said);
        }
    }

    fn type_something(&mut self) {
        if let Some((conversation, _)) = self.view.any(&mut self.random, |_, _| true) {
            self.client.typing(conversation, self.random.random());
        }
    }

    /// Fetches some of what was shown.
    fn look_back(&mut self) {
        let room = self.view.any(&mut self.random, |_, room| !room.shown.is_empty());
        let Some((conversation, room)) = room else { return };
        let to = *room.shown.end();
        let from = self.random.random_range(*room.shown.start()..=to);
        let gap = Gap {
            conversation,
            from,
            to,
        };
        let client = self.client.clone();
        let limit = (to - from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
        self.answers.push(Box::pin(async move {
            let fetched = client.fetch(conversation, from, limit).await;
            Answer::SeenAgain(gap, fetched)
        }));
    }

    fn say(&mut self, said: Said) {
        self.busy.insert(said.conversation);
        self.scribe.send(said.clone());
        self.ask(Asked::Say(said));
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

    /// Changes something about an own group.
    fn manage(&mut self) {
        let (own, busy) = (self.person.user, &self.busy);
        let room = self.view.any(&mut self.random, |id, room| {
            room.is_group && !room.is_staged && room.owner == own && !busy.contains(&id)
        });
        let Some((conversation, room)) = room else { return };
        let somebody = self.people.choose(&mut self.random).copied();
        let Some(user) = somebody.filter(|user| *user != own) else {
            return;
        };
        let inside = room.members.contains(&user);
        let action = match self.random.random_range(0..4) {
            0 => Action::GroupRename {
                conversation,
                name: words(&mut self.random, 3),
            },
            1 if inside => Action::GroupRole {
                conversation,
                user,
                role: if self.random.random() {
                    Role::Admin
                } else {
                    Role::Member
                },
            },
            _ if inside => Action::GroupRemove { conversation, user },
            _ => Action::GroupAdd { conversation, user },
        };
        self.change(conversation, action);
    }

    fn leave(&mut self) {
        let (own, busy) = (self.person.user, &self.busy);
        let room = self.view.any(&mut self.random, |id, room| {
            room.is_group && !room.is_staged && room.owner != own && !busy.contains(&id)
        });
        if let Some((conversation, _)) = room {
            self.change(conversation, Action::GroupLeave { conversation });
        }
    }

    fn change(&mut self, conversation: Uuid, action: Action) {
        if let Some(said) = Said::change(self.person.user, conversation, action) {
            self.say(said);
        }
    }

    /// Makes a group with some others.
    fn make(&mut self) {
        let own = self.person.user;
        let count = self.random.random_range(1..5);
        let others = self.people.iter().copied().filter(|user| *user != own);
        let members = others.sample(&mut self.random, count);
        let name = words(&mut self.random, 3);
        let action = Action::GroupCreate { name, members };
        if let Some(said) = Said::change(own, Uuid::nil(), action) {
            let at = self.scribe.now();
            self.ask(Asked::Make { at, said });
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

    fn say_farewells(&mut self) {
        let Some(farewells) = &mut self.farewells else {
            return;
        };
        let next: Vec<Uuid> = farewells.difference(&self.busy).copied().collect();
        farewells.retain(|conversation| !next.contains(conversation));
        for conversation in next {
            self.say(Said::text(conversation, "farewell".to_owned()));
        }
    }

    fn ask(&mut self, asked: Asked) {
        let client = self.client.clone();
        let (id, action) = match &asked {
            Asked::Say(said) | Asked::Make { said, .. } => (said.id, said.action.clone()),
            Asked::Read {
                id,
                conversation,
                seq,
            } => {
                let (conversation, seq) = (*conversation, *seq);
                (*id, Action::Read { conversation, seq })
            }
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
        if let Asked::Say(said) = &asked {
            self.scribe.send_again(said);
        }
        self.ask(asked);
    }

    fn fetch(&mut self, gap: Gap, after: Duration) {
        let client = self.client.clone();
        let limit = (gap.to - gap.from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
        self.answers.push(Box::pin(async move {
            sleep(after).await;
            let fetched = client.fetch(gap.conversation, gap.from, limit).await;
            Answer::Fetched(gap, fetched)
        }));
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
            unless_out: self.not_again,
        }
    }
}

/// Some text of so many bytes, unlike any other.
pub(crate) fn words(random: &mut StdRng, length: usize) -> String {
    let mut words = format!("{:016x} ", random.random::<u64>());
    words.extend(std::iter::repeat_n('~', length));
    words
}
