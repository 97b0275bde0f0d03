//! The one workload that all adapters are judged by: people talk in groups and in pairs, go away and come back, and at
//! the end everything must have come to rest.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_journal::Logged;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::board::{Board, Counts};
use crate::member::{Member, Order};
use crate::plan::{Act, Plan, Room, Size};
use crate::recorder::{Clock, Recorder};
use crate::seam::{Conversation, Person, Server};

const POLL: Duration = Duration::from_millis(20);
/// Orders that wait for one person. A person that falls behind holds up the plan, not the memory.
const ORDERS_MAX: usize = 4_096;

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) counts: Counts,
    pub(crate) export: Vec<Logged>,
    /// What was still missing when patience ended.
    pub(crate) restless: Option<String>,
    /// Why the server ended a connection, if it ever did.
    pub(crate) broken: Option<String>,
}

/// Runs the plan of a seed against a server; the journals go to `dir`. What happens `beside` it begins with the traffic, and
/// nobody rests before it has ended.
pub(crate) async fn run<S: Server>(
    server: &S,
    seed: u64,
    size: &Size,
    dir: &Path,
    beside: impl Future<Output = Result<()>>,
) -> Result<Outcome> {
    let plan = Plan::new(seed, size);
    let people = gather(server, size).await?;
    let rooms = open(server, &plan, &people).await?;
    let conversations: Arc<Vec<Conversation>> = Arc::new(rooms.values().flatten().cloned().collect());
    let index: HashMap<&str, usize> = people
        .iter()
        .enumerate()
        .map(|(index, person)| (person.user(), index))
        .collect();
    let readers = conversations.iter().map(|conversation| {
        let readers = conversation
            .readers
            .iter()
            .filter_map(|user| index.get(user.as_str()).copied());
        (conversation.name.clone(), readers.collect())
    });
    let board = Arc::new(Board::new(readers.collect(), people.len()));

    Recorder::list(dir, people.iter().map(|person| person.user().to_owned()))?;
    let clock = Clock::start();
    let (end, rested) = watch::channel(());
    let mut running = JoinSet::new();
    let mut orders = Vec::with_capacity(people.len());
    for (index, person) in people.iter().enumerate() {
        let recorder = Recorder::create(dir, &format!("person{index}"), person.user(), clock)?;
        let member = Member::new(
            index,
            Arc::clone(person),
            S::REPEATS_ARE_SAFE,
            recorder,
            Arc::clone(&board),
        );
        let (sender, receiver) = mpsc::channel(ORDERS_MAX);
        running.spawn(member.run(receiver, rested.clone(), Arc::clone(&conversations)));
        orders.push(sender);
    }

    // Should somebody fail, the sends fail as well, and joining tells why.
    let told = gathered(&board, &orders).await;
    let told = told && {
        let (told, done) = tokio::join!(tell(&plan, &people, &rooms, &orders), beside);
        done?;
        told
    };
    drop((orders, rested));
    let mut restless = None;
    let mut export = Vec::new();
    if told {
        let patience = Duration::from_secs(size.patience.into());
        restless = rest(&board, &end, people.len(), patience).await;
        for conversation in conversations.iter() {
            let reader = conversation
                .readers
                .first()
                .and_then(|user| index.get(user.as_str()));
            let reader = reader.context("a conversation without a reader")?;
            let stored = server.export(conversation, &people[*reader]).await?;
            for id in stored.iter().filter_map(|logged| logged.id) {
                board.promised(&conversation.name, id);
            }
            export.extend(stored);
        }
        // A message that was never answered may have taken effect, and is on its way then.
        if restless.is_none() {
            restless = rest(&board, &end, people.len(), patience).await;
        }
    }
    // Whoever waits for it sees that it is so.
    let _ = end.send(());
    while let Some(done) = running.join_next().await {
        done??;
    }
    if !told {
        bail!("a person ended early");
    }
    Ok(Outcome {
        counts: board.counts(),
        export,
        restless,
        broken: board.reason(),
    })
}

/// Makes everybody's account.
async fn gather<S: Server>(server: &S, size: &Size) -> Result<Vec<Arc<S::Person>>> {
    // Names must be new on a server that has been judged before.
    let run = format!("{:08x}", rand::random::<u32>());
    let mut people = Vec::new();
    for number in 0..size.people {
        let name = format!("judge{run}n{number}");
        people.push(Arc::new(server.person(&name).await?));
    }
    Ok(people)
}

/// Makes the conversations of each room of the plan.
async fn open<S: Server>(
    server: &S,
    plan: &Plan,
    people: &[Arc<S::Person>],
) -> Result<HashMap<Room, Vec<Conversation>>> {
    let mut rooms = HashMap::new();
    for (index, members) in plan.groups.iter().enumerate() {
        let members: Vec<&S::Person> = members.iter().map(|member| &*people[*member]).collect();
        let name = format!("group{index}");
        let made = server.group(&name, &members).await;
        let conversation = made.with_context(|| format!("cannot make {name}"))?;
        rooms.insert(Room::Group(index), vec![conversation]);
    }
    for (index, pair) in plan.directs.iter().enumerate() {
        let made = server.direct(pair.map(|member| &*people[member])).await;
        let conversations = made.context("cannot open a direct conversation")?;
        rooms.insert(Room::Direct(index), conversations);
    }
    Ok(rooms)
}

/// Lets everybody in; false when somebody does not listen any more.
async fn gathered(board: &Board, orders: &[mpsc::Sender<Order>]) -> bool {
    for person in orders {
        if person.send(Order::Return).await.is_err() {
            return false;
        }
    }
    while board.counts().connections < orders.len() as u64 {
        if orders.iter().any(mpsc::Sender::is_closed) {
            return false;
        }
        sleep(POLL).await;
    }
    true
}

/// Tells everybody what to do when its time comes; false when somebody does not listen any more.
async fn tell<P: Person>(
    plan: &Plan,
    people: &[Arc<P>],
    rooms: &HashMap<Room, Vec<Conversation>>,
    orders: &[mpsc::Sender<Order>],
) -> bool {
    let start = Instant::now();
    for step in &plan.steps {
        let user = people[step.person].user();
        let order = match &step.act {
            Act::Say { room, text } => {
                let conversations = rooms.get(room).map_or(&[][..], Vec::as_slice);
                let writes =
                    |conversation: &&Conversation| conversation.writers.iter().any(|writer| writer == user);
                let Some(conversation) = conversations.iter().find(writes) else {
                    continue;
                };
                Order::Say {
                    conversation: conversation.name.clone(),
                    text: text.clone(),
                }
            }
            Act::Read(room) => {
                let conversations = rooms.get(room).map_or(&[][..], Vec::as_slice);
                let reads =
                    |conversation: &&Conversation| conversation.readers.iter().any(|reader| reader == user);
                let Some(conversation) = conversations.iter().find(reads) else {
                    continue;
                };
                Order::Read(conversation.name.clone())
            }
            Act::Leave => Order::Leave,
            Act::Return => Order::Return,
        };
        sleep_until(start + step.at).await;
        if orders[step.person].send(order).await.is_err() {
            return false;
        }
    }
    true
}

/// Waits until everybody has everything; says what is missing when patience ends or somebody fails.
async fn rest(board: &Board, end: &watch::Sender<()>, people: usize, patience: Duration) -> Option<String> {
    let deadline = Instant::now() + patience;
    loop {
        let restless = board.restless();
        if restless.is_none() || Instant::now() >= deadline || end.receiver_count() < people {
            return restless;
        }
        sleep(POLL).await;
    }
}
