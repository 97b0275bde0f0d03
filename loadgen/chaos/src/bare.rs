//! A device without the client library: it sees every frame as the server sent it, sends several messages at a time, and its
//! socket holds so little that the server feels it when it does not read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tidings_protocol::{ErrorCode, ErrorFrame, ServerFrame};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::device::{text, words};
use crate::hand::{Done, Hand, Order, Reins};
use crate::http::Person;
use crate::scribe::{Clock, Message, Scribe};
use crate::view::View;
use crate::wire::Wire;
use crate::world::World;

/// Messages under way at a time.
const UNDER_WAY: usize = 24;
/// The text of a flood's messages, in bytes.
const FLOOD_BYTES: usize = 7000;
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
    /// What still is to be said in a flood.
    flood: Option<(Uuid, usize)>,
    /// Whether messages that were turned away go out again at this time.
    again_at: Option<Instant>,
    again: Vec<Message>,
    act_at: Instant,
    /// Conversations that still get a farewell; none before it is time to rest.
    farewells: Option<Vec<Uuid>>,
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
        act_at: Instant::now(),
        farewells: None,
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
                self.scribe.connected(&self.cursors);
                let ended = self.talk_over(&mut wire, &mut reins).await;
                if matches!(ended, Ok(End::Finished)) {
                    break;
                }
                self.scribe.disconnected();
            }
            reins.say_at_rest(false);
            self.nodes.rotate_left(1);
            let pause = Duration::from_millis(self.random.random_range(10..200));
            let again_at = Instant::now() + pause;
            tokio::select! {
                () = sleep_until(again_at) => {}
                order = reins.orders.recv() => {
                    if self.obey(order).await {
                        break;
                    }
                }
            }
        }
        Done {
            connections: self.scribe.connections(),
            journal: self.scribe.close(),
            problems: self.problems,
        }
    }

    /// Uses one connection until it ends.
    async fn talk_over(&mut self, wire: &mut Wire, reins: &mut Reins) -> Result<End> {
        (self.again_at, self.again) = (None, Vec::new());
        // As the contract says: what has no answer goes out again, in the first order.
        let unanswered = self.scribe.unanswered().to_vec();
        put(wire, &unanswered).await?;
        let mut silent_at = Instant::now() + SILENCE;
        loop {
            let again_at = self.again_at;
            tokio::select! {
                order = reins.orders.recv() => {
                    if self.obey(order).await {
                        return Ok(End::Finished);
                    }
                    silent_at = Instant::now() + SILENCE;
                }
                frame = wire.next() => {
                    self.take(frame?);
                    silent_at = Instant::now() + SILENCE;
                }
                () = sleep_until(again_at.unwrap_or_else(Instant::now)), if again_at.is_some() => {
                    self.again_at = None;
                    for message in std::mem::take(&mut self.again) {
                        self.scribe.send_again(&message);
                        put(wire, &[message]).await?;
                    }
                }
                () = sleep_until(self.act_at), if self.farewells.is_none() => {
                    let pause = if self.flood.is_some() { 5 } else { self.random.random_range(100..500) };
                    self.act_at = Instant::now() + Duration::from_millis(pause);
                    self.act(wire).await?;
                }
                // While nothing is open, there is nothing to wait for.
                () = sleep_until(silent_at), if !self.scribe.unanswered().is_empty() || !self.scribe.is_synced() => {
                    return Ok(End::Broken);
                }
            }
            self.say_farewells(wire).await?;
            let said = self.farewells.as_ref().is_some_and(Vec::is_empty);
            reins.say_at_rest(said && self.scribe.unanswered().is_empty() && self.scribe.is_synced());
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
            Some(Order::Rest) => {
                self.flood = None;
                self.farewells = Some(self.view.inside().map(|(id, _)| id).collect());
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
            }
            ServerFrame::Synced => self.scribe.synced(),
            ServerFrame::Ack(ack) => {
                let awaited = self.scribe.acked(ack.id, ack.seq);
                let stray = (!awaited).then(|| format!("an ack came that nobody waited for: {}", ack.id));
                self.problems.extend(stray);
            }
            ServerFrame::Error(error) => self.refused(&error),
            _ => {}
        }
    }

    fn refused(&mut self, error: &ErrorFrame) {
        let Some(id) = error.id else {
            self.problems
                .push(format!("the server complains: {}: {}", error.code, error.message));
            return;
        };
        let code = error.code.as_str();
        if !error.retryable {
            let unanswered = self.scribe.unanswered();
            let message = unanswered.iter().find(|message| message.id == id).cloned();
            self.scribe.refused(id, code);
            match message {
                Some(message) if error.code == ErrorCode::NotAMember => {
                    self.view.outside(message.conversation);
                }
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
        let burst: Vec<Message> = (0..count)
            .map(|_| Message {
                id: Uuid::now_v7(),
                conversation,
                text: words(&mut self.random, length),
            })
            .collect();
        for message in &burst {
            self.scribe.send(message.clone());
        }
        put(wire, &burst).await
    }

    async fn say_farewells(&mut self, wire: &mut Wire) -> Result<()> {
        let farewells = self.farewells.as_mut().map(std::mem::take).unwrap_or_default();
        let farewells = farewells.into_iter().map(|conversation| Message {
            id: Uuid::now_v7(),
            conversation,
            text: "farewell".to_owned(),
        });
        let farewells: Vec<_> = farewells.collect();
        for message in &farewells {
            self.scribe.send(message.clone());
        }
        put(wire, &farewells).await
    }
}

/// Puts messages on the wire, as many in a frame as fit.
async fn put(wire: &mut Wire, messages: &[Message]) -> Result<()> {
    for some in messages.chunks(6) {
        let commands: Vec<_> = some.iter().map(|message| (message.id, text(message))).collect();
        wire.send(&commands).await?;
    }
    Ok(())
}
