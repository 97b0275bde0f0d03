//! Requests whose stream is being read, or that name people or forward messages that are being looked up, or want something of people who may
//! not want that. They wait aside, with those
//! behind them in their stream, so that nobody waits for the long stream of somebody else or for slow accounts.

use super::asked::{self, Asked, Found as Answer, Kind, Sources};
use super::people::People;
use super::states::{Known, read_within};
use super::{Refusal, Request};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::UserId;
use tidings_eventlog::{Log, Recorded};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

/// Reads that one lane has under way; the others gather behind them.
const READS: usize = 2;
/// Streams that one read takes, and about how much memory their states take. Those for which there is no room are read next.
const STREAMS: usize = 256;
const BYTES: usize = 16 << 20;
/// People that are looked up at once, about.
const PEOPLE: usize = 10_000;
/// Look-ups of one kind for single requests at once, of one lane.
const LOOK_UPS: usize = 16;
/// Control events that are kept of a stream while it is read.
const HEARD: usize = 1000;

/// What has come for those who wait.
pub(super) enum Arrived {
    Read(Read),
    /// Those of the people asked for who exist, with how many conversations more they may be put into; `None` when nobody answered.
    People(Option<HashMap<UserId, u32>>),
    Found(Found),
}

/// What was looked up for a request.
pub(super) struct Found {
    kind: Kind,
    stream: Uuid,
    ticket: Ticket,
    answer: Result<Answer, Refusal>,
}

/// Streams that were read.
pub(super) struct Read {
    sought: HashMap<Uuid, Ticket>,
    /// `None` when the log did not answer in time.
    states: Option<Vec<(Uuid, Known)>>,
}

/// Names one wish to have a stream read or a message looked up: what is read for an earlier one may be old.
type Ticket = u64;

/// Requests that need not wait any longer, with what is known of their stream where the lane does not keep that.
pub(super) struct Released {
    pub(super) stream: Uuid,
    pub(super) known: Option<Known>,
    pub(super) requests: Vec<Request>,
}

pub(super) struct Waiting {
    people: Arc<dyn People>,
    streams: HashMap<Uuid, Stream>,
    count: usize,
    room: usize,
    /// Streams that no read has taken yet.
    wanted: Vec<(Uuid, Ticket)>,
    tickets: Ticket,
    /// Streams with requests that name people whom no look-up has taken yet.
    naming: HashSet<Uuid>,
    originals: LookUps,
    regards: LookUps,
    /// Tasks, so that they go on while the lane appends. They end with the lane.
    tasks: JoinSet<Arrived>,
    reading: usize,
    looking_up: bool,
}

/// Look-ups of one kind. One kind's flood does not keep the other from its own.
#[derive(Default)]
struct LookUps {
    /// What none has taken yet.
    sought: VecDeque<Sought>,
    under_way: usize,
}

/// What is to be looked up for a request.
struct Sought {
    /// Where it is waited for.
    stream: Uuid,
    ticket: Ticket,
    asked: Asked,
    /// Patience begins here: who waits for a place among the look-ups waits no longer for it.
    since: Instant,
}

/// What waits for one stream, in order.
struct Stream {
    waiters: VecDeque<Waiter>,
    state: State,
}

enum State {
    /// To be read, or being read. Control events that were heard of meanwhile may be missing in what comes.
    Sought(Ticket, Vec<Recorded>),
    /// The lane has it.
    There,
    /// It was read, and there is no such stream; the lane does not keep that.
    Absent,
}

struct Waiter {
    request: Request,
    named: Named,
    /// Something is to be looked up for it, or being looked up.
    sought: Option<Ticket>,
}

impl Waiter {
    /// Whether all that it names is known.
    fn is_ready(&self) -> bool {
        self.named == Named::Known && self.sought.is_none()
    }
}

/// Whether those exist whom a request names.
#[derive(PartialEq)]
enum Named {
    Known,
    /// To be looked up.
    Wanted,
    BeingLookedUp,
}

impl Waiting {
    /// At most `room` requests wait.
    pub(super) fn new(room: usize, people: Arc<dyn People>) -> Self {
        Self {
            people,
            streams: HashMap::new(),
            count: 0,
            room,
            wanted: vec![],
            tickets: 0,
            naming: HashSet::new(),
            originals: LookUps::default(),
            regards: LookUps::default(),
            tasks: JoinSet::new(),
            reading: 0,
            looking_up: false,
        }
    }

    /// Gives a request back that need not wait: nothing of its stream waits, whose state is `there`, and whom it names is known.
    /// Lets it wait otherwise, or refuses it where there is no room.
    pub(super) fn admit(&mut self, mut request: Request, there: bool) -> Option<Request> {
        let stream = request.stream();
        let people = request.people();
        let remembered = if people.is_empty() {
            Some(HashMap::new())
        } else {
            self.people.remembers(&people)
        };
        let known = remembered.is_some();
        let asked = request.take_asked();
        if let Some(found) = remembered {
            request.exist(&found);
        }
        let waits = self.streams.contains_key(&stream);
        if known && asked.is_none() && there && !waits {
            return Some(request);
        }
        if self.count >= self.room {
            request.refuse(Refusal::Overloaded);
            return None;
        }
        self.count += 1;
        let named = if known { Named::Known } else { Named::Wanted };
        let sought = asked.is_some().then(|| {
            self.tickets += 1;
            self.tickets
        });
        if let Some((ticket, asked)) = sought.zip(asked) {
            self.look_ups(asked.kind()).sought.push_back(Sought {
                stream,
                ticket,
                asked,
                since: Instant::now(),
            });
        }
        let queue = self.streams.entry(stream).or_insert_with(|| Stream {
            waiters: VecDeque::new(),
            state: State::There,
        });
        queue.waiters.push_back(Waiter {
            request,
            named,
            sought,
        });
        if !there && !waits {
            self.seek(stream);
        }
        if !known {
            self.naming.insert(stream);
        }
        None
    }

    fn look_ups(&mut self, kind: Kind) -> &mut LookUps {
        match kind {
            Kind::Original => &mut self.originals,
            Kind::Regards => &mut self.regards,
        }
    }

    /// Has a stream read from now on, whatever is under way.
    fn seek(&mut self, stream: Uuid) {
        if let Some(queue) = self.streams.get_mut(&stream) {
            self.tickets += 1;
            queue.state = State::Sought(self.tickets, vec![]);
            self.wanted.push((stream, self.tickets));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Takes note of a control event that was heard of: a read that began before may not show it.
    pub(super) fn heard(&mut self, recorded: &Recorded) {
        let Some(queue) = self.streams.get_mut(&recorded.stream) else {
            return;
        };
        match &mut queue.state {
            State::Sought(_, heard) if heard.len() < HEARD => heard.push(recorded.clone()),
            State::Sought(..) | State::Absent => self.seek(recorded.stream),
            State::There => {}
        }
    }

    /// Takes note that a stream has control events that were not heard one by one.
    pub(super) fn moved(&mut self, stream: Uuid) {
        self.seek(stream);
    }

    /// Whatever was read or is being read may be old.
    pub(super) fn forget(&mut self) {
        self.wanted.clear();
        let streams: Vec<Uuid> = self.streams.keys().copied().collect();
        for stream in streams {
            self.seek(stream);
        }
    }

    /// Has streams read, and people and messages looked up, as many at a time as may be.
    pub(super) fn start(&mut self, sources: &Sources, lane: u8, patience: Duration) {
        while !self.wanted.is_empty() && self.reading < READS {
            let count = self.wanted.len().min(STREAMS);
            // Of a stream that was wished for again, the last wish counts.
            let sought = self.wanted.drain(..count).collect();
            let read = read_patiently(sources.log.clone(), lane, sought, patience);
            self.tasks.spawn(async move { Arrived::Read(read.await) });
            self.reading += 1;
        }
        if !self.naming.is_empty() && !self.looking_up {
            let users = self.take_unknown();
            let people = Arc::clone(&self.people);
            self.tasks
                .spawn(async move { Arrived::People(people.existing(users).await) });
            self.looking_up = true;
        }
        self.find(patience, |asked, deadline| {
            asked::find(sources.clone(), asked, deadline)
        });
    }

    /// Has things looked up, each until its own deadline. Of each kind, who came first has the first one: however many wait for a lane that
    /// says nothing, nobody waits for longer than that.
    fn find<F>(&mut self, patience: Duration, find: impl Fn(Asked, Instant) -> F)
    where
        F: Future<Output = Result<Answer, Refusal>> + Send + 'static,
    {
        for look_ups in [&mut self.originals, &mut self.regards] {
            while look_ups.under_way < LOOK_UPS
                && let Some(Sought {
                    stream,
                    ticket,
                    asked,
                    since,
                }) = look_ups.sought.pop_front()
            {
                let kind = asked.kind();
                let found = find(asked, since + patience);
                self.tasks.spawn(async move {
                    Arrived::Found(Found {
                        kind,
                        stream,
                        ticket,
                        answer: found.await,
                    })
                });
                look_ups.under_way += 1;
            }
        }
    }

    /// Those whom waiting requests name and nobody has looked up yet.
    fn take_unknown(&mut self) -> Vec<UserId> {
        let mut users = HashSet::new();
        let streams = &mut self.streams;
        self.naming.retain(|stream| {
            if users.len() >= PEOPLE {
                return true;
            }
            if let Some(queue) = streams.get_mut(stream) {
                for waiter in &mut queue.waiters {
                    if waiter.named == Named::Wanted {
                        waiter.named = Named::BeingLookedUp;
                        users.extend(waiter.request.people());
                    }
                }
            }
            false
        });
        users.into_iter().collect()
    }

    /// What comes next for those who wait, with all that has come by then: what was found while the lane appended is decided in one batch.
    /// Never, where nothing is under way.
    pub(super) async fn next(&mut self) -> Vec<Arrived> {
        let mut joined = self.tasks.join_next().await;
        let mut arrived = vec![];
        while let Some(ended) = joined {
            match ended {
                Ok(one) => arrived.push(one),
                // Nobody would be told: the lane goes the same way.
                Err(error) => {
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
            joined = self.tasks.try_join_next();
        }
        if arrived.is_empty() {
            std::future::pending::<()>().await;
        }
        for one in &arrived {
            match one {
                Arrived::Read(_) => self.reading -= 1,
                Arrived::People(_) => self.looking_up = false,
                Arrived::Found(found) => self.look_ups(found.kind).under_way -= 1,
            }
        }
        arrived
    }

    /// Streams were read: what is known of each with what was heard since, and those who need not wait any longer. What is old is
    /// left out, and read again, and so are those that were not come to. Where nothing could be read, those who waited are refused.
    pub(super) fn read(&mut self, lane: u8, read: Read) -> Vec<Released> {
        let Read { sought, states } = read;
        let Some(states) = states else {
            for (stream, ticket) in sought {
                if self.seeks(stream, ticket) {
                    self.refuse(stream);
                }
            }
            return vec![];
        };
        self.put_back(&sought, &states);
        let mut released = vec![];
        for (stream, known) in states {
            let ticket = sought.get(&stream).copied().unwrap_or(0);
            if !self.seeks(stream, ticket) {
                continue;
            }
            let Some(queue) = self.streams.get_mut(&stream) else {
                continue;
            };
            let State::Sought(_, heard) = &mut queue.state else {
                continue;
            };
            let mut known = known;
            for recorded in std::mem::take(heard) {
                known.follow(lane, &recorded);
            }
            queue.state = if known.is_absent() {
                State::Absent
            } else {
                State::There
            };
            released.push(Released {
                stream,
                known: Some(known),
                requests: self.front(stream),
            });
        }
        released
    }

    /// Has those streams read next that a read has not come to.
    fn put_back(&mut self, sought: &HashMap<Uuid, Ticket>, states: &[(Uuid, Known)]) {
        let read: HashSet<Uuid> = states.iter().map(|(stream, _)| *stream).collect();
        let left = sought
            .iter()
            .filter(|(stream, ticket)| !read.contains(*stream) && self.seeks(**stream, **ticket));
        let mut wanted: Vec<(Uuid, Ticket)> = left.map(|(stream, ticket)| (*stream, *ticket)).collect();
        wanted.sort_unstable_by_key(|(_, ticket)| *ticket);
        wanted.append(&mut self.wanted);
        self.wanted = wanted;
    }

    /// Whether a stream is waited for by this wish to have it read.
    fn seeks(&self, stream: Uuid, ticket: Ticket) -> bool {
        let queue = self.streams.get(&stream);
        queue.is_some_and(|queue| matches!(queue.state, State::Sought(own, _) if own == ticket))
    }

    /// People were looked up: those who need not wait any longer. `there` says which streams the lane has the state of.
    pub(super) fn looked_up(
        &mut self,
        found: Option<&HashMap<UserId, u32>>,
        there: impl Fn(Uuid) -> bool,
    ) -> Vec<Released> {
        let mut ready = vec![];
        for (stream, queue) in &mut self.streams {
            let asked = |waiter: &Waiter| waiter.named == Named::BeingLookedUp;
            if !queue.waiters.iter().any(asked) {
                continue;
            }
            ready.push(*stream);
            if let Some(found) = found {
                for waiter in queue.waiters.iter_mut().filter(|waiter| asked(waiter)) {
                    waiter.request.exist(found);
                    waiter.named = Named::Known;
                }
            } else {
                // Nobody else's harm: those behind them go on.
                for waiter in std::mem::take(&mut queue.waiters) {
                    if asked(&waiter) {
                        self.count -= 1;
                        waiter.request.refuse(Refusal::Unavailable);
                    } else {
                        queue.waiters.push_back(waiter);
                    }
                }
            }
        }
        self.release(ready, there)
    }

    /// Something was looked up for a request: those who need not wait any longer.
    pub(super) fn found(&mut self, found: Found, there: impl Fn(Uuid) -> bool) -> Vec<Released> {
        let Found {
            stream,
            ticket,
            answer,
            ..
        } = found;
        let Some(queue) = self.streams.get_mut(&stream) else {
            return vec![];
        };
        let asked = |waiter: &Waiter| waiter.sought == Some(ticket);
        let Some(place) = queue.waiters.iter().position(asked) else {
            return vec![];
        };
        match answer {
            Ok(answer) => {
                if let Some(waiter) = queue.waiters.get_mut(place) {
                    waiter.request.found(answer);
                    waiter.sought = None;
                }
            }
            // Nobody else's harm: those behind it go on.
            Err(refusal) => {
                if let Some(waiter) = queue.waiters.remove(place) {
                    self.count -= 1;
                    waiter.request.refuse(refusal);
                }
            }
        }
        self.release(vec![stream], there)
    }

    /// Those of these streams who need not wait any longer. `there` says which streams the lane has the state of.
    fn release(&mut self, ready: Vec<Uuid>, there: impl Fn(Uuid) -> bool) -> Vec<Released> {
        let mut released = vec![];
        for stream in ready {
            let Some(queue) = self.streams.get_mut(&stream) else {
                continue;
            };
            let known = match queue.state {
                State::Sought(..) => continue,
                State::There if there(stream) => None,
                State::There => {
                    self.seek(stream);
                    continue;
                }
                State::Absent => Some(Known::State(Arc::default())),
            };
            released.push(Released {
                stream,
                known,
                requests: self.front(stream),
            });
        }
        released
    }

    /// Takes out those before the first that names something that is not looked up.
    fn front(&mut self, stream: Uuid) -> Vec<Request> {
        let Some(queue) = self.streams.get_mut(&stream) else {
            return vec![];
        };
        let mut requests = vec![];
        while let Some(waiter) = queue.waiters.pop_front_if(|waiter| waiter.is_ready()) {
            requests.push(waiter.request);
        }
        self.count -= requests.len();
        if queue.waiters.is_empty() {
            self.streams.remove(&stream);
        }
        requests
    }

    /// Refuses those who waited for a stream that could not be read.
    fn refuse(&mut self, stream: Uuid) {
        let waiters = self.streams.remove(&stream).map(|queue| queue.waiters);
        for waiter in waiters.unwrap_or_default() {
            self.count -= 1;
            waiter.request.refuse(Refusal::Unavailable);
        }
    }
}

async fn read_patiently(log: Log, lane: u8, sought: HashMap<Uuid, Ticket>, patience: Duration) -> Read {
    // There may be no room for the last ones.
    let mut streams: Vec<Uuid> = sought.keys().copied().collect();
    streams.sort_unstable_by_key(|stream| sought.get(stream));
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(20);
    let states = loop {
        match read_within(&log, lane, &streams, BYTES).await {
            Ok(states) => break Some(states),
            Err(error) if Instant::now() + pause >= deadline => {
                tracing::warn!(lane, streams = streams.len(), %error, "streams could not be read");
                break None;
            }
            Err(error) => {
                tracing::debug!(lane, %error, "trying to read streams again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
        }
    };
    Read { sought, states }
}

#[cfg(test)]
mod tests;
