//! Writes the events of a long log, each of them decided and stored as a node would.

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tidings_domain::stored::{Kind, encode};
use tidings_domain::user::UserCommand;
use tidings_domain::{
    Command, CommandId, Conversation, ConversationCommand, ConversationId, DigestKey, Event, Facts, Need,
    UserId,
};
use tidings_eventlog::record::{LaneHead, StreamHead};
use uuid::{Builder, Uuid};

use super::copy::{Field, Table};

/// A stream, and how far it has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) id: Uuid,
    pub(super) seq: u64,
    pub(super) msg_no: u64,
    guard: u64,
    pub(super) last_at: DateTime<Utc>,
}

impl Stream {
    pub(super) fn of(head: &StreamHead) -> Self {
        Self {
            id: head.stream,
            seq: head.seq,
            msg_no: head.msg_no,
            guard: head.guard,
            last_at: head.last_at,
        }
    }

    fn begin(id: Uuid) -> Self {
        Self {
            id,
            seq: 0,
            msg_no: 0,
            guard: 0,
            last_at: DateTime::UNIX_EPOCH,
        }
    }

    /// As a row of the table `stream`.
    pub(super) fn row(&self) -> [Field<'_>; 6] {
        [
            Field::Small(i16::from(self.id.as_bytes()[15])),
            Field::Id(self.id),
            Field::Big(self.seq as i64),
            Field::Big(self.msg_no as i64),
            Field::Big(self.guard as i64),
            Field::At(self.last_at),
        ]
    }
}

/// A conversation with what is needed to decide about it.
pub(super) struct Room {
    pub(super) stream: Stream,
    state: Conversation,
}

impl Room {
    pub(super) fn new(id: ConversationId) -> Self {
        Self {
            stream: Stream::begin(id.0),
            state: Conversation::default(),
        }
    }
}

/// A lane, with the table that its events go to.
struct Lane {
    head: u64,
    last_at: DateTime<Utc>,
    events: Table,
}

/// When events happen: evenly from a moment on.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) from: DateTime<Utc>,
    pub(super) step: TimeDelta,
}

/// Appends to the lanes.
pub(super) struct Author {
    pub(super) rng: SmallRng,
    lanes: Vec<Lane>,
    key: DigestKey,
    next_at: DateTime<Utc>,
    step: TimeDelta,
    written: u64,
}

impl Author {
    /// `tables` has the table of each lane, in the order of `heads`.
    pub(super) fn new(heads: &[LaneHead], tables: Vec<Table>, key: DigestKey, times: Times) -> Self {
        let lanes = heads.iter().zip(tables).map(|(lane, events)| Lane {
            head: lane.head,
            last_at: times.from,
            events,
        });
        Self {
            // The same log each time, but for the ids of people who have registered by themselves.
            rng: SmallRng::seed_from_u64(1),
            lanes: lanes.collect(),
            key,
            next_at: times.from,
            step: times.step,
            written: 0,
        }
    }

    /// How many events it has written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Mints a user on a lane by chance and registers it.
    pub(super) fn register(&mut self, number: usize) -> Result<Stream> {
        let lane = self.rng.random_range(0..self.lanes.len()) as u8;
        let random = Builder::from_random_bytes(self.rng.random()).into_uuid();
        let user = UserId::mint(random, lane);
        let mut stream = Stream::begin(user.0);
        let registered = tidings_domain::event::Registered {
            username: format!("seeded{number}"),
            display_name: format!("Seeded {number}"),
        };
        // As the server does: the command's id is the user's own.
        self.user(&mut stream, user.0, UserCommand::Register(registered))?;
        Ok(stream)
    }

    /// Lets something happen on a user's own stream.
    pub(super) fn user(&mut self, stream: &mut Stream, command: Uuid, body: UserCommand) -> Result<()> {
        let mut user = tidings_domain::User::default();
        if stream.seq > 0 {
            // All that decisions about a user depend on is whether there is one.
            user.evolve(&tidings_domain::UserEvent::Registered(
                tidings_domain::event::Registered {
                    username: String::new(),
                    display_name: String::new(),
                },
            ));
        }
        let events = user.decide(body, self.next_at)?;
        let events: Vec<Event> = events.into_iter().map(Event::from).collect();
        let actor = stream.id;
        self.append(stream, actor, command, 0, &events)
    }

    /// Has a command decided and appends what it came to.
    pub(super) fn command(
        &mut self,
        room: &mut Room,
        actor: Uuid,
        id: Uuid,
        body: ConversationCommand,
    ) -> Result<()> {
        let command = Command {
            id: CommandId(id),
            actor: UserId(actor),
            conversation: ConversationId(room.stream.id),
            body,
        };
        let mut facts = Facts::default();
        if let Some(users) = command.needs().find_map(Need::users) {
            facts.add_users(users.iter().copied());
        }
        let events = room.state.decide(&command, &facts, self.next_at)?;
        for event in &events {
            room.state.evolve(event);
        }
        let events: Vec<Event> = events.into_iter().map(Event::from).collect();
        self.append(&mut room.stream, actor, id, command.digest(&self.key), &events)
    }

    /// An id as clients make them at this time.
    pub(super) fn command_id(&mut self) -> Uuid {
        let millis = u64::try_from(self.next_at.timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.rng.random()).into_uuid()
    }

    fn append(
        &mut self,
        stream: &mut Stream,
        actor: Uuid,
        command: Uuid,
        digest: i64,
        events: &[Event],
    ) -> Result<()> {
        let number = stream.id.as_bytes()[15];
        let lane = self.lanes.get_mut(usize::from(number));
        let lane = lane.with_context(|| format!("there is no lane {number}"))?;
        let at = self.next_at;
        for (idx, event) in events.iter().enumerate() {
            let (kind, ver, payload) = encode(event);
            lane.head += 1;
            stream.seq += 1;
            stream.msg_no += u64::from(kind.is_countable());
            let control = kind.is_control_event(event);
            if control {
                stream.guard = stream.seq;
            }
            let Kind(kind_number) = kind;
            lane.events.row(&[
                Field::Small(i16::from(number)),
                Field::Big(lane.head as i64),
                Field::Id(stream.id),
                Field::Big(stream.seq as i64),
                Field::Big(stream.msg_no as i64),
                Field::Small(kind_number),
                Field::Small(ver),
                Field::Flag(control),
                Field::Id(actor),
                Field::At(at),
                Field::Id(command),
                Field::Small(idx as i16),
                Field::Big(digest),
                Field::Bytes(&payload),
            ])?;
            self.written += 1;
        }
        stream.last_at = at;
        lane.last_at = at;
        // The log's clock never stands still within a lane.
        self.next_at += self.step;
        Ok(())
    }

    /// Ends the tables; answers each lane's head and last time. Fails where a table did not take every row.
    pub(super) async fn close(self) -> Result<Vec<(u64, DateTime<Utc>)>> {
        let mut ends = vec![];
        let mut taken = 0;
        for lane in self.lanes {
            taken += lane.events.close().await?;
            ends.push((lane.head, lane.last_at));
        }
        anyhow::ensure!(
            taken == self.written,
            "{} events were written, but {taken} taken",
            self.written
        );
        Ok(ends)
    }
}
