//! A device without the client library: it sees every frame as the server sent it, sends several messages at a time, and its
//! socket holds so little that the server feels it when it does not read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tidings_protocol::{Gap, ServerFrame};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::effects::Effects;
use crate::hand::{DAWDLING, Done, Hand, Order, Refusal, Reins};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::{Clock, Scribe};
use crate::view::{View, gets_farewell};
use crate::wire::{LIMIT, LONG_LIMIT, Wire};
use crate::world::World;

mod answers;
mod doings;

/// Silence after which the connection is given up: longer than any pause of a node.
const SILENCE: Duration = Duration::from_secs(8);

struct Bare {
    person: Person,
    name: String,
    nodes: Vec<SocketAddr>,
    random: StdRng,
    scribe: Scribe,
    view: View,
    cursors: BTreeMap<Uuid, u64>,
    /// How long nodes are given to welcome it now.
    limit: Duration,
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
    /// How many times as long it waits before it acts once more.
    pace: u32,
    /// Until when the person has no device, and whether they come back with this one.
    away: Option<(Instant, bool)>,
    /// Conversations that still get a farewell; none before it is time to rest.
    farewells: Option<Vec<Uuid>>,
    effects: Effects,
    /// Conversations of which this device knew more than the log.
    rewound: BTreeSet<Uuid>,
    problems: Vec<String>,
    refusals: Vec<Refusal>,
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
        limit: LIMIT,
        flood: None,
        again_at: None,
        again: Vec::new(),
        turned_away: BTreeSet::new(),
        gaps: Vec::new(),
        fetching: BTreeMap::new(),
        vain: BTreeMap::new(),
        act_at: Instant::now(),
        pace: 1,
        away: None,
        farewells: None,
        effects: Effects::default(),
        rewound: BTreeSet::new(),
        problems: Vec::new(),
        refusals: Vec::new(),
        person,
    };
    let user = bare.person.user;
    Hand::start(label, user, seen, |reins| bare.run(reins))
}

impl Bare {
    async fn run(mut self, mut reins: Reins) -> Done {
        loop {
            self.scribe.connecting();
            let (begun, token) = (Instant::now(), &self.person.token);
            let connected = Wire::connect(self.nodes[0], token, &self.name, &self.cursors, self.limit).await;
            self.limit = next_limit(self.limit, begun.elapsed());
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
            reins.say_at_rest(Some("it is not connected".to_owned()));
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
            refusals: self.refusals,
            unless_out: Vec::new(),
            read_threads: Vec::new(),
        }
    }

    /// Waits until it is time to connect again, which an order may change. Answers whether it is time to finish.
    async fn wait(&mut self, mut until: Instant, reins: &mut Reins) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(until) => return false,
                order = reins.orders.recv() => {
                    if self.obey(order).await {
                        return true;
                    }
                    if let Some((back_at, _)) = self.away {
                        until = back_at;
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
                    let pause = if self.flood.is_some() { 5 } else { self.random.random_range(100..500) * u64::from(self.pace) };
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
            let unanswered = self.scribe.unanswered().len();
            let synced = self.scribe.is_synced();
            reins.say_at_rest((!(said && fetched && unanswered == 0 && synced)).then(|| {
                format!(
                    "said all: {said}, fetched all: {fetched}, unanswered: {unanswered}, synced: {synced}"
                )
            }));
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
            Some(Order::Dawdle) => self.pace = DAWDLING,
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
}

/// How long the next node is given, after one was given `limit` and took so long. Where none welcomes anybody in time, it is the machine that is slow.
fn next_limit(limit: Duration, took: Duration) -> Duration {
    if took >= limit {
        (limit * 2).min(LONG_LIMIT)
    } else {
        (took * 2).clamp(LIMIT, LONG_LIMIT)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_slow_machine_nodes_are_given_longer_and_on_a_quick_one_no_longer() {
        let seconds = Duration::from_secs;
        let mut limit = LIMIT;
        for longer in [10, 20, 20] {
            limit = next_limit(limit, limit);
            assert_eq!(limit, seconds(longer));
        }
        assert_eq!(next_limit(limit, seconds(7)), seconds(14));
        assert_eq!(next_limit(limit, seconds(1)), LIMIT);
    }
}
