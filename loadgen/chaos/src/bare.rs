//! A device without the client library: it sees every frame as the server sent it, sends several messages at a time, and its
//! socket holds so little that the server feels it when it does not read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tidings_protocol::{Action, Content, ErrorCode, ErrorFrame, Events, FETCH_EVENTS_MAX, Gap, ServerFrame};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::device::{FETCH_PAUSE, FETCH_TRIES, words};
use crate::effects::{Effects, SET_BACK};
use crate::hand::{Done, Hand, Order, Reins};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::{Clock, Scribe};
use crate::view::{View, gets_farewell};
use crate::wire::Wire;
use crate::world::World;

/// Messages under way at a time.
const UNDER_WAY: usize = 24;
/// The text of a flood's messages, in bytes.
const FLOOD_BYTES: usize = 7000;
/// Silence after which the connection is given up: longer than any pause of a node.
const SILENCE: Duration = Duration::from_secs(8);
/// What bare devices react with, and no other device of their people.
const EMOJI: &str = "🔥";

struct Bare {
    person: Person,
    name: String,
    nodes: Vec<SocketAddr>,
    random: StdRng,
    scribe: Scribe,
    view: View,
    cursors: BTreeMap<Uuid, u64>,
    /// What still is to be said in a flood.
    flood: Option<(Uuid, usize)>,
    /// Whether messages that were turned away go out again at this time.
    again_at: Option<Instant>,
    again: Vec<Said>,
    /// Messages that were turned away or refused once: what answers them may be refused for it.
    turned_away: BTreeSet<Uuid>,
    /// Gaps that are to be fetched, and those that are being fetched, by the command that asks.
    gaps: Vec<Gap>,
    fetching: BTreeMap<Uuid, Gap>,
    /// How often a fetch brought nothing, by where it began.
    vain: BTreeMap<(Uuid, u64), u32>,
    act_at: Instant,
    /// Until when the person has no device, and whether they come back with this one.
    away: Option<(Instant, bool)>,
    /// Conversations that still get a farewell; none before it is time to rest.
    farewells: Option<Vec<Uuid>>,
    effects: Effects,
    /// Conversations of which this device knew more than the log.
    rewound: BTreeSet<Uuid>,
    problems: Vec<String>,
}

/// What ended a connection.
enum End {
    Broken,
    Finished,
}

/// Starts the bare device of the person `number`, at one of the nodes.
pub(crate) fn start(world: &World, number: usize, nodes: &[SocketAddr], clock: Clock, seed: u64) -> Hand {
    let person = world.people[number].clone();
    let name = "bare";
    let label = format!("p{number} on {name}");
    let scribe = Scribe::new(clock, person.user, name);
    let seen = scribe.seen().clone();
    let mut nodes = nodes.to_vec();
    let places = nodes.len();
    nodes.rotate_left(number % places.max(1));
    let bare = Bare {
        name: name.to_owned(),
        nodes,
        random: StdRng::seed_from_u64(seed),
        scribe,
        view: View::new(person.user, world.rooms_of(person.user)),
        cursors: BTreeMap::new(),
        flood: None,
        again_at: None,
        again: Vec::new(),
        turned_away: BTreeSet::new(),
        gaps: Vec::new(),
        fetching: BTreeMap::new(),
        vain: BTreeMap::new(),
        act_at: Instant::now(),
        away: None,
        farewells: None,
        effects: Effects::default(),
        rewound: BTreeSet::new(),
        problems: Vec::new(),
        person,
    };
    let user = bare.person.user;
    Hand::start(label, user, seen, |reins| bare.run(reins))
}

impl Bare {
    async fn run(mut self, mut reins: Reins) -> Done {
        loop {
            self.scribe.connecting();
            let connected = Wire::connect(self.nodes[0], &self.person.token, &self.name, &self.cursors).await;
            if let Ok(mut wire) = connected {
                self.scribe.connected(&self.cursors, wire.limits());
                let ended = self.talk_over(&mut wire, &mut reins).await;
                if matches!(ended, Ok(End::Finished)) {
                    break;
                }
                // What was read has reached the person.
                for frame in wire.end() {
                    self.take(frame);
                }
                self.scribe.disconnected();
            }
            reins.say_at_rest(false);
            self.nodes.rotate_left(1);
            let pause = Duration::from_millis(self.random.random_range(10..200));
            let mut again_at = Instant::now() + pause;
            if let Some((back_at, is_kept)) = self.away {
                if !is_kept {
                    self.cursors.clear();
                    self.scribe.forget();
                    self.effects.add("devices replaced", 1);
                }
                again_at = back_at;
            }
            if self.wait(again_at, &mut reins).await {
                break;
            }
            self.away = None;
        }
        Done {
            connections: self.scribe.connections(),
            effects: self.effects,
            journal: self.scribe.close(),
            problems: self.problems,
            unless_out: Vec::new(),
        }
    }

    /// Waits until it is time to connect again. Answers whether it is time to finish.
    async fn wait(&mut self, until: Instant, reins: &mut Reins) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(until) => return false,
                order = reins.orders.recv() => {
                    if self.obey(order).await {
                        return true;
                    }
                }
            }
        }
    }

    /// Uses one connection until it ends.
    async fn talk_over(&mut self, wire: &mut Wire, reins: &mut Reins) -> Result<End> {
        (self.again_at, self.again) = (None, Vec::new());
        self.gaps.extend(std::mem::take(&mut self.fetching).into_values());
        // As the contract says: what has no answer goes out again, in the first order.
        let unanswered = self.scribe.unanswered().to_vec();
        put(wire, &unanswered).await?;
        let mut silent_at = Instant::now() + SILENCE;
        // Where nothing is open, only a question shows whether anybody is there.
        let mut ping_at = Some(Instant::now() + SILENCE / 2);
        loop {
            let again_at = self.again_at;
            tokio::select! {
                order = reins.orders.recv() => {
                    if self.obey(order).await {
                        return Ok(End::Finished);
                    }
                    if self.away.is_some() {
                        return Ok(End::Broken);
                    }
                    silent_at = Instant::now() + SILENCE;
                    ping_at = Some(Instant::now() + SILENCE / 2);
                }
                frame = wire.next() => {
                    self.take(frame?);
                    silent_at = Instant::now() + SILENCE;
                    ping_at = Some(Instant::now() + SILENCE / 2);
                }
                () = sleep_until(again_at.unwrap_or_else(Instant::now)), if again_at.is_some() => {
                    self.again_at = None;
                    for said in std::mem::take(&mut self.again) {
                        self.scribe.send_again(&said);
                        put(wire, &[said]).await?;
                    }
                }
                () = sleep_until(self.act_at), if self.farewells.is_none() => {
                    let pause = if self.flood.is_some() { 5 } else { self.random.random_range(100..500) };
                    self.act_at = Instant::now() + Duration::from_millis(pause);
                    self.act(wire).await?;
                }
                () = sleep_until(ping_at.unwrap_or(silent_at)), if ping_at.is_some() => {
                    ping_at = None;
                    wire.ping().await?;
                }
                () = sleep_until(silent_at) => return Ok(End::Broken),
            }
            if self.again_at.is_none() {
                self.fetch(wire).await?;
            }
            self.say_farewells(wire).await?;
            let said = self.farewells.as_ref().is_some_and(Vec::is_empty);
            let fetched = self.gaps.is_empty() && self.fetching.is_empty();
            reins.say_at_rest(
                said && fetched && self.scribe.unanswered().is_empty() && self.scribe.is_synced(),
            );
        }
    }

    /// Whether it is time to finish.
    async fn obey(&mut self, order: Option<Order>) -> bool {
        match order {
            Some(Order::Stall(lasts)) => sleep(lasts).await,
            Some(Order::Flood {
                conversation,
                messages,
            }) => self.flood = Some((conversation, messages)),
            // Only the library is slowed.
            Some(Order::Slow { .. }) => {}
            Some(Order::Away(lasts)) => self.away = Some((Instant::now() + lasts, true)),
            Some(Order::Replace(lasts)) => self.away = Some((Instant::now() + lasts, false)),
            Some(Order::Rest) => {
                self.flood = None;
                self.farewells = Some(
                    self.view
                        .inside()
                        .map(|(id, _)| id)
                        .filter(gets_farewell)
                        .collect(),
                );
            }
            Some(Order::Finish) | None => return true,
        }
        false
    }

    fn take(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Event(event) => {
                self.scribe.shown(&event);
                self.view.note(&event);
                self.cursors.insert(event.conversation, event.seq);
            }
            ServerFrame::Gap(gap) => {
                self.scribe.gap(&gap);
                self.cursors.insert(gap.conversation, gap.to);
                self.gaps.push(gap);
            }
            ServerFrame::Synced => self.scribe.synced(),
            ServerFrame::Typing(_) => self.effects.add("typing shown", 1),
            ServerFrame::Ack(ack) => {
                let unanswered = self.scribe.unanswered().iter();
                let mut changes = unanswered.filter(|said| said.id == ack.id && said.changes_message());
                if changes.next().is_some() {
                    self.effects.add("changes right behind their message", 1);
                }
                let awaited = self.scribe.acked(&ack);
                let stray = (!awaited).then(|| format!("an ack came that nobody waited for: {}", ack.id));
                self.problems.extend(stray);
            }
            ServerFrame::Error(error) => self.refused(&error),
            ServerFrame::Events(events) => self.fetched(&events),
            ServerFrame::Receipt(receipt) => self.scribe.receipt(&receipt),
            ServerFrame::Pong { .. } => self.scribe.alive(),
            _ => {}
        }
    }

    fn refused(&mut self, error: &ErrorFrame) {
        let Some(id) = error.id else {
            if let (Some(conversation), Some(head)) = (error.conversation, error.head) {
                self.cursors.insert(conversation, head);
                self.scribe.rewound(conversation, head);
                self.rewound.insert(conversation);
                self.effects.add(SET_BACK, 1);
                return;
            }
            self.problems
                .push(format!("the server complains: {}: {}", error.code, error.message));
            return;
        };
        let code = error.code.as_str();
        if let Some(gap) = self.fetching.remove(&id) {
            self.not_fetched(gap, error);
            return;
        }
        self.turned_away.insert(id);
        if !error.retryable {
            let unanswered = self.scribe.unanswered();
            let message = unanswered.iter().find(|message| message.id == id).cloned();
            self.scribe.refused(id, code);
            match message {
                Some(message) if error.code == ErrorCode::NotAMember => {
                    self.view.outside(message.conversation);
                }
                Some(message)
                    if error.field.as_deref() == Some("mentions")
                        && self.view.names_former_members(&message) => {}
                Some(message)
                    if matches!(error.field.as_deref(), Some("reply_to" | "message"))
                        && message
                            .refers_to()
                            .is_some_and(|other| self.turned_away.contains(&other)) => {}
                // Several nodes may be at a message and its change at the same time; one of them may see the change first.
                // Clocks that step end windows.
                Some(message)
                    if error.code == ErrorCode::Forbidden
                        && error.field.as_deref() == Some("message")
                        && message.refers_to().is_some() => {}
                _ => self
                    .problems
                    .push(format!("a message was refused with {code}: {}", error.message)),
            }
            return;
        }
        if error.code == ErrorCode::Unavailable {
            self.scribe.unsettled(id, code);
        } else {
            self.scribe.turned_away(id, code);
        }
        let unanswered = self.scribe.unanswered();
        self.again
            .extend(unanswered.iter().find(|message| message.id == id).cloned());
        let pause = Duration::from_millis(error.retry_after_ms.unwrap_or(250));
        self.again_at.get_or_insert_with(|| Instant::now() + pause);
    }

    /// Asks for the next part of every gap.
    async fn fetch(&mut self, wire: &mut Wire) -> Result<()> {
        for gap in std::mem::take(&mut self.gaps) {
            let id = Uuid::now_v7();
            self.fetching.insert(id, gap);
            let Gap {
                conversation,
                from,
                to,
            } = gap;
            let limit = (to - from + 1).min(u64::from(FETCH_EVENTS_MAX)) as u32;
            let action = Action::Fetch {
                conversation,
                from,
                limit,
            };
            wire.send(&[(id, action)]).await?;
        }
        Ok(())
    }

    fn fetched(&mut self, events: &Events) {
        let Some(gap) = self.fetching.remove(&events.id) else {
            self.problems
                .push(format!("events came that nobody asked for: {}", events.id));
            return;
        };
        match self.scribe.filled(&gap, events) {
            (rest, true) => self.gaps.extend(rest),
            (_, false) => self.in_vain(gap),
        }
    }

    /// Nothing came. Whoever has left is owed only what no device of theirs has had; that they have left may come later.
    fn in_vain(&mut self, gap: Gap) {
        let tries = self.vain.entry((gap.conversation, gap.from)).or_default();
        *tries += 1;
        if *tries < FETCH_TRIES {
            self.gaps.push(gap);
            self.again_at.get_or_insert_with(|| Instant::now() + FETCH_PAUSE);
        } else if self.view.is_inside(gap.conversation) && !self.rewound.contains(&gap.conversation) {
            self.problems.push(format!("nothing comes of {gap:?}"));
        }
    }

    fn not_fetched(&mut self, gap: Gap, error: &ErrorFrame) {
        if error.retryable {
            self.gaps.push(gap);
            let pause = Duration::from_millis(error.retry_after_ms.unwrap_or(250));
            self.again_at.get_or_insert_with(|| Instant::now() + pause);
        } else if error.code != ErrorCode::NotAMember {
            let code = error.code;
            self.problems
                .push(format!("{gap:?} cannot be fetched: {code}: {}", error.message));
        }
    }

    /// Says something, or several things at once.
    async fn act(&mut self, wire: &mut Wire) -> Result<()> {
        let room = UNDER_WAY.saturating_sub(self.scribe.unanswered().len());
        let (conversation, count, length) = if let Some((conversation, left)) = self.flood {
            let count = room.min(4).min(left);
            self.flood = Some((conversation, left - count)).filter(|(_, left)| *left > 0);
            (conversation, count, FLOOD_BYTES)
        } else {
            let Some((conversation, _)) = self.view.any(&mut self.random, |_, _| true) else {
                return Ok(());
            };
            let count = self.random.random_range(1..=5).min(room);
            (conversation, count, self.random.random_range(1..200))
        };
        let mut burst: Vec<Said> = Vec::with_capacity(count);
        // What was said last, unless it was taken back; and whether it was reacted to.
        let mut last: Option<(Uuid, bool)> = None;
        for _ in 0..count {
            let text = words(&mut self.random, length);
            // Some answer or change what stands before them in the same frame.
            let before = last.filter(|_| self.flood.is_none() && self.random.random_ratio(1, 2));
            let said = match before {
                Some((message, is_reacted)) if self.random.random() => {
                    let kind = self.random.random_range(0..3);
                    last = (kind > 0).then_some((message, is_reacted || kind == 1));
                    let action = match kind {
                        0 => Action::MessageRecall {
                            conversation,
                            message,
                        },
                        1 if !is_reacted => Action::MessageReact {
                            conversation,
                            message,
                            emoji: EMOJI.to_owned(),
                            on: true,
                        },
                        _ => Action::MessageEdit {
                            conversation,
                            message,
                            content: Content::text(text),
                        },
                    };
                    Said::amendment(conversation, action)
                }
                before => {
                    let said = match before {
                        Some((before, _)) => Said::message(conversation, text, Some(before), vec![]),
                        None => self.view.message(&mut self.random, conversation, text),
                    };
                    last = Some((said.id, false));
                    Some(said)
                }
            };
            burst.extend(said);
        }
        for message in &burst {
            self.scribe.send(message.clone());
        }
        if self.random.random_ratio(1, 8) {
            wire.typing(conversation, self.random.random()).await?;
        }
        put(wire, &burst).await
    }

    async fn say_farewells(&mut self, wire: &mut Wire) -> Result<()> {
        let farewells = self.farewells.as_mut().map(std::mem::take).unwrap_or_default();
        let farewells = farewells.into_iter();
        let farewells = farewells.map(|conversation| Said::text(conversation, "farewell".to_owned()));
        let farewells: Vec<_> = farewells.collect();
        for message in &farewells {
            self.scribe.send(message.clone());
        }
        put(wire, &farewells).await
    }
}

/// Puts messages on the wire, as many in a frame as fit.
async fn put(wire: &mut Wire, messages: &[Said]) -> Result<()> {
    for some in messages.chunks(6) {
        let commands: Vec<_> = some.iter().map(|said| (said.id, said.action.clone())).collect();
        wire.send(&commands).await?;
    }
    Ok(())
}
