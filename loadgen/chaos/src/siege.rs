//! Two neighbours talk while others misbehave, and their talk is compared with what it was before.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_protocol::{Ack, Action, EventData, ServerFrame};
use tidings_services::{PostgresOptions, Profile};
use tidings_stand::{Node, Stand, StandOptions};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::hostile::{Horde, Hostility};
use crate::http::Person;
use crate::said::Said;
use crate::scribe::Clock;
use crate::witness::{Answer, Witness};

/// Those who misbehave.
const HOSTILE: usize = 4;
/// Messages while all is well, each time.
const CALM: usize = 20;
/// How often all is well and then others misbehave: a machine that stands still for a while does not do so each time.
const TURNS: usize = 3;
/// How long a message may take to be acked and to reach the other one, and the node to say what it has counted.
const LIMIT: Duration = Duration::from_mins(1);
/// Between the messages of the neighbours, who would come to their own rate on a fast machine.
const BREATH: Duration = Duration::from_millis(20);
/// Limits that floods meet within a second or two, also at a node that was built without optimisation; neighbours stay far below their
/// rate. The second large question is one too many, and half requests end while somebody looks.
const LIMITS: &str = "[gateway]\ncommands_burst = 500\nflood = 200\n\
                      [graphql]\ncost_burst = 60000\n\
                      [http]\nhead_ms = 1000\n";

/// What became of the neighbours.
#[derive(Clone, Debug)]
pub struct Siege {
    pub hostility: Hostility,
    /// From sending to the other one's having it, the middle of all: while all is well, and while others misbehave.
    pub calm: Duration,
    pub besieged: Duration,
    /// Messages in the meantime.
    pub messages: usize,
    /// Resident memory of the node in KiB: before, and after.
    pub before_kib: u64,
    pub after_kib: u64,
    /// How often the hostile came through.
    pub came_through: u64,
    /// How often they were refused because they ask too much, and how many connections were closed as flooding.
    pub refused: u64,
    pub sent_away: u64,
}

/// What a node counts of those who ask too much.
struct Counted {
    refused: u64,
    sent_away: u64,
}

struct Neighbours {
    one: Witness,
    other: Witness,
    conversation: Uuid,
}

/// Lets others misbehave at a node, in each way three times for so long.
pub async fn besiege(program: &Path, ways: &[Hostility], lasts: Duration) -> Result<Vec<Siege>> {
    let mut options = StandOptions::new(program.to_owned());
    options.postgres = PostgresOptions::new(Profile::Durable).with("shared_buffers", "64MB");
    "database_connections = 8\n".clone_into(&mut options.settings);
    // It is about the limits that people have.
    options.load_test = false;
    options.tables.push_str(LIMITS);
    let stand = Stand::start(&options).await?;
    let node = &stand.nodes()[0];
    let mut people = Vec::new();
    for number in 0..2 + HOSTILE {
        people.push(Person::register(node, &format!("person{number}")).await?);
    }
    let (good, hostile) = people.split_at(2);
    let clock = Clock::start();
    let mut neighbours = Neighbours::meet(node, good, clock).await?;
    let mut leader = connect(node, &hostile[0], clock);
    let members = hostile.iter().map(|person| person.user).collect();
    let name = "hostile".to_owned();
    let conversation = made(&mut leader, &hostile[0], Action::GroupCreate { name, members }).await?;
    let mut sieges = Vec::new();
    for way in ways {
        let (mut calm, mut besieged) = (Vec::new(), Vec::new());
        let (mut came_through, mut refused) = (0, 0);
        let before = Counted::by(node).await?;
        let before_kib = node.usage().rss_kib;
        let horde = Horde {
            kind: *way,
            people: hostile,
            conversation,
            node: node.address(),
        };
        for _ in 0..TURNS {
            for _ in 0..CALM {
                calm.push(neighbours.talk().await?);
                sleep(BREATH).await;
            }
            let ends = Instant::now() + lasts;
            let talking = async {
                while Instant::now() < ends {
                    besieged.push(neighbours.talk().await?);
                    sleep(BREATH).await;
                }
                Ok::<_, anyhow::Error>(())
            };
            let (harm, talked) = tokio::join!(horde.harass(lasts), talking);
            talked.with_context(|| format!("beside {way}"))?;
            came_through += harm.came_through;
            refused += harm.refused;
        }
        let after = Counted::by(node).await?;
        sieges.push(Siege {
            hostility: *way,
            calm: middle(calm),
            messages: besieged.len(),
            besieged: middle(besieged),
            before_kib,
            after_kib: node.usage().rss_kib,
            came_through,
            refused: refused + after.refused - before.refused,
            sent_away: after.sent_away - before.sent_away,
        });
    }
    stand.stop().await;
    Ok(sieges)
}

impl Counted {
    async fn by(node: &Node) -> Result<Self> {
        let deadline = Instant::now() + LIMIT;
        let metrics = loop {
            match node.get("/metrics").await {
                Some(metrics) => break metrics,
                // It has much to do.
                None if Instant::now() < deadline => sleep(BREATH).await,
                None => bail!("the node does not show its metrics"),
            }
        };
        let of = |name: &str| {
            let counted = |line: &str| line.strip_prefix(name)?.trim().parse::<u64>().ok();
            // What was never counted is not there.
            metrics.lines().find_map(counted).unwrap_or(0)
        };
        Ok(Self {
            refused: of("tidings_rate_limited_total "),
            sent_away: of("tidings_connections_closed_total{code=\"4029\"} "),
        })
    }
}

impl Neighbours {
    async fn meet(node: &Node, people: &[Person], clock: Clock) -> Result<Self> {
        let [mut one, mut other] = [0, 1].map(|number| connect(node, &people[number], clock));
        other.come().await?;
        let user = people[1].user;
        let conversation = made(&mut one, &people[0], Action::DirectOpen { user }).await?;
        Ok(Self {
            one,
            other,
            conversation,
        })
    }

    /// One says something; how long it takes until it is acked and the other one has it.
    async fn talk(&mut self) -> Result<Duration> {
        let said = Said::text(self.conversation, "how are you?".to_owned());
        let start = Instant::now();
        let acked = acked(&mut self.one, &said);
        let shown = async {
            loop {
                if let ServerFrame::Event(event) = self.other.next().await?
                    && matches!(event.decode(), EventData::MessageSent(sent) if sent.message == said.id)
                {
                    return Ok(());
                }
            }
        };
        let both = async { tokio::try_join!(acked, shown) };
        timeout(LIMIT, both).await.context("a message took too long")??;
        Ok(start.elapsed())
    }
}

fn connect(node: &Node, person: &Person, clock: Clock) -> Witness {
    Witness::new(clock, person, "device", "device", node.address())
}

/// The answer to a command that nothing stands against.
async fn acked(witness: &mut Witness, said: &Said) -> Result<Ack> {
    let answers = timeout(LIMIT, witness.ask(said, 1)).await;
    match answers.context("no answer in time")??.pop() {
        Some(Answer::Ack(ack)) => Ok(ack),
        Some(Answer::Refused(error)) => bail!("refused: {}: {}", error.code, error.message),
        None => bail!("not answered"),
    }
}

/// The conversation that a command makes.
async fn made(witness: &mut Witness, person: &Person, action: Action) -> Result<Uuid> {
    let said = Said::change(person.user, Uuid::nil(), action);
    let said = said.context("the command makes no conversation")?;
    Ok(acked(witness, &said).await?.conversation)
}

fn middle(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get(took.len() / 2).copied().unwrap_or(LIMIT)
}
