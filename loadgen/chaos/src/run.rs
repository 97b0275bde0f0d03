//! One seed, from the start of its servers to the verdict.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use tidings_journal::{Fault as Broken, Heard, write_log, write_world};
use tidings_stand::Clock as NodeClock;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use crate::absence::Absence;
use crate::bare;
use crate::chorus::Sung;
use crate::company::{Company, Scene};
use crate::cut;
use crate::device;
use crate::effects::{Effects, shown_by};
use crate::fault::{ALONE, BARE, Fault, NODES};
use crate::ground::Ground;
use crate::hand::{Hand, Order};
use crate::hostile::Horde;
use crate::newcomer;
use crate::openings::Opening;
use crate::plan::{Plan, Step};
use crate::retries::Storm;
use crate::scribe::Clock;
use crate::settle::{Findings, settle};
use crate::world::{PEOPLE, World};

/// How long accounts and conversations may take.
const SETUP_LIMIT: Duration = Duration::from_mins(5);
/// How long a device that is to go away may take to be shown something before.
const SEEN_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// Those who have a second device with the library.
const SECOND: std::ops::Range<usize> = 8..12;
/// When a scene begins, in parts of the traffic's time.
const SCENE: std::ops::Range<f64> = 0.05..0.4;
/// Messages of a flood.
const FLOOD: usize = 200;
/// More of them than fit between a node and a bare device, whose buffers hold some 60 KB in all. The node has the others.
const ON_THE_WAY: u64 = 16;
/// Messages of one that is to be caught up with.
const SMALL_FLOOD: usize = 20;

/// What became of a seed.
pub struct Outcome {
    pub seed: u64,
    /// Faults that were done, without those that this machine cannot do.
    pub faults: usize,
    pub messages: u64,
    pub acked: u64,
    /// What the faults really did.
    pub effects: Effects,
    /// How soon everybody had everything once all was well.
    pub heard: Option<Heard>,
    /// Connections beyond the first of each device.
    pub reconnects: u64,
    /// What should not be, in words. Empty for a run that passes.
    pub problems: Vec<String>,
    /// The rules of the checker that were broken.
    pub broken: Vec<Broken>,
    /// Where the evidence of a failure lies.
    pub evidence: Option<PathBuf>,
}

impl Outcome {
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// The clients of a run.
struct Clients {
    devices: Vec<Hand>,
    bare: Vec<Hand>,
}

/// Plays a plan with the `tidings` program, and keeps evidence under `keep` when something is wrong.
pub async fn play(plan: &Plan, program: &Path, keep: &Path) -> Result<Outcome> {
    play_with(None, plan, program, keep).await
}

/// The same with nodes that have a fault planted.
pub(crate) async fn play_with(
    planted: Option<&str>,
    plan: &Plan,
    program: &Path,
    keep: &Path,
) -> Result<Outcome> {
    let ground = Ground::prepare(program.to_owned(), &plan.conditions, planted).await?;
    let mut findings = Findings::default();
    let played = perform(plan, program, &ground, &mut findings).await;
    if let Err(error) = played {
        findings
            .problems
            .push(format!("the run could not be finished: {error:#}"));
        findings.problems.extend(ground.panics());
    }
    let mut evidence = None;
    if !findings.problems.is_empty() {
        let dir = keep.join(format!("seed-{}-{}", plan.seed, process::id()));
        let kept = keep_evidence(&dir, plan, &ground, &findings);
        kept.with_context(|| format!("cannot keep the evidence in {}", dir.display()))?;
        evidence = Some(dir);
    }
    if let Some(ground) = Arc::into_inner(ground) {
        ground.stop().await;
    }
    let (messages, acked) = findings
        .summary
        .map_or((0, 0), |summary| (summary.sent, summary.acked));
    let devices = (PEOPLE - ALONE.len() + SECOND.len() + BARE) as u64;
    Ok(Outcome {
        seed: plan.seed,
        faults: plan.steps.iter().filter(|step| is_possible(&step.fault)).count(),
        messages,
        acked,
        effects: findings.effects,
        heard: findings.summary.and_then(|summary| summary.heard),
        reconnects: findings.connections.saturating_sub(devices),
        problems: findings.problems,
        broken: findings.broken,
        evidence,
    })
}

/// Whether this machine has what the fault needs.
pub(crate) fn is_possible(fault: &Fault) -> bool {
    !matches!(fault, Fault::StepClock { .. }) || NodeClock::is_available()
}

async fn perform(plan: &Plan, program: &Path, ground: &Arc<Ground>, findings: &mut Findings) -> Result<()> {
    // Traffic has random numbers of its own, so that changing it leaves the schedules as they are.
    let mut random = StdRng::seed_from_u64(!plan.seed);
    let clock = Clock::start();
    let making = timeout(
        SETUP_LIMIT,
        World::make(ground.nodes(), plan.conditions.lanes, clock, &mut random),
    );
    let (mut world, journals) = making.await.context("no conversations in time")??;
    let restores = |step: &Step| matches!(step.fault, Fault::Restore { .. });
    world.goes_back = plan.steps.iter().any(restores);
    for moderator in &world.moderators {
        ground.make_moderator(&moderator.name).await?;
        moderator.renew().await?;
    }
    let world = Arc::new(world);
    findings.journals.extend(journals);
    findings.began = clock.now();
    let clients = Arc::new(come(&world, ground, clock, &mut random));
    let start = Instant::now();
    let mut steps = JoinSet::new();
    for (number, step) in plan.steps.iter().cloned().enumerate() {
        let (ground, world, clients) = (Arc::clone(ground), Arc::clone(&world), Arc::clone(&clients));
        let seed = random.random();
        steps.spawn(async move {
            sleep_until(start + step.at).await;
            let done = take_step(&step, number, seed, &ground, &world, &clients, clock).await;
            done.with_context(|| step.fault.to_string())
        });
    }
    let company = Company::gather(
        "scene".to_owned(),
        &world,
        &ground.addresses(),
        clock,
        &mut random,
    );
    let company = company.context("there is no scene")?;
    let scene = Scene::of(plan.seed);
    let begins = start + plan.length.mul_f64(random.random_range(SCENE));
    let later = Duration::from_millis(random.random_range(0..2000));
    let stage = Arc::clone(ground);
    steps.spawn(async move {
        sleep_until(begins).await;
        // What was acked once is acked later, too.
        let _calm = stage.calm().await;
        Ok(Some(Box::pin(company.play(scene, later)).await))
    });
    sleep_until(start + plan.length).await;
    // What has not ended may take long on a busy machine, which everybody's talk would keep busy.
    for hand in clients.devices.iter().chain(&clients.bare) {
        hand.order(Order::Dawdle).await;
    }
    while let Some(done) = steps.join_next().await {
        if let Some(sung) = done?? {
            findings.effects.merge(&sung.effects);
            findings.journals.extend(sung.journals);
            findings.problems.extend(sung.problems);
            findings.filed.extend(sung.filed);
        }
    }
    let clients = Arc::into_inner(clients).context("a step is still under way")?;
    let hands = clients.devices.into_iter().chain(clients.bare).collect();
    settle(ground, program, &world, hands, clock, findings).await
}

/// Starts all devices.
fn come(world: &World, ground: &Ground, clock: Clock, random: &mut StdRng) -> Clients {
    let urls = ground.urls();
    // Some have a bare device and nothing else: when it is lost, nobody has seen what comes meanwhile.
    let phones = (0..PEOPLE).filter(|number| !ALONE.contains(number));
    let phones = phones.map(|number| (number, "phone"));
    let laptops = SECOND.map(|number| (number, device::SECOND_NAME));
    // Those whose people have another device come first.
    let devices = laptops.chain(phones);
    let devices =
        devices.map(|(number, name)| device::start(world, number, name, &urls, clock, random.random()));
    let devices = devices.collect();
    let nodes = ground.addresses();
    let bare = (0..BARE).map(|number| bare::start(world, number, &nodes, clock, random.random()));
    Clients {
        devices,
        bare: bare.collect(),
    }
}

/// Does one fault, to the servers or by the clients.
async fn take_step(
    step: &Step,
    number: usize,
    seed: u64,
    ground: &Ground,
    world: &World,
    clients: &Clients,
    clock: Clock,
) -> Result<Option<Sung>> {
    let lasts = step.lasts;
    let _calm = match step.fault {
        Fault::RetryStorm { .. } | Fault::OpenTogether | Fault::Remove { .. } | Fault::AddLanes { .. } => {
            Some(ground.calm().await)
        }
        _ => None,
    };
    match step.fault {
        Fault::Restore { stopped } => ground.restore(stopped, lasts, clock).await?,
        Fault::StallReader { bare } => {
            let (reader, writer) = (&clients.bare[bare], &clients.bare[bare ^ 1]);
            let conversation = pair_of(world, clients, bare)?;
            // While it still reads nothing.
            let late = Instant::now() + lasts.mul_f64(0.9);
            reader.order(Order::Stall(lasts)).await;
            flood(world, clients, bare, FLOOD).await?;
            sleep_until(late).await;
            let said = writer.seen.ever(conversation);
            let held = said.saturating_sub(reader.seen.ever(conversation) + ON_THE_WAY);
            let effect = if reader.seen.is_connected() { held } else { 0 };
            ground.count(shown_by(&step.fault), effect);
        }
        Fault::CutCatchUp { bare, bytes } => {
            // There is something to be caught up with that no device has had, and one device after the other to be caught up.
            clients.bare[bare]
                .order(Order::Replace(2 * SEEN_LIMIT + lasts))
                .await;
            let writer = &clients.bare[bare ^ 1];
            let conversation = pair_of(world, clients, bare)?;
            let deadline = Instant::now() + SEEN_LIMIT;
            let before = writer.seen.ever(conversation);
            flood(world, clients, bare, SMALL_FLOOD).await?;
            while writer.seen.ever(conversation) < before + SMALL_FLOOD as u64 && Instant::now() < deadline {
                sleep(POLL).await;
            }
            let node = ground.nodes()[number % NODES].address();
            let name = format!("cut-{number}");
            let dead = cut::die_in_catch_up(node, &world.people[bare], &name, bytes, clock).await?;
            // The next device comes after this one.
            clients.bare[bare].order(Order::Replace(Duration::ZERO)).await;
            ground.count(shown_by(&step.fault), dead.cut.into());
            ground.bury(dead.network);
            return Ok(Some(Sung {
                journals: vec![dead.journal],
                ..Sung::default()
            }));
        }
        Fault::AddLanes { .. } => {
            ground.suffer(&step.fault, lasts).await?;
            let journal = newcomer::come(world, ground.nodes(), &format!("n{number}"), clock).await?;
            return Ok(Some(Sung {
                journals: vec![journal],
                ..Sung::default()
            }));
        }
        Fault::CrashBeforeFlush => {
            ground.suffer(&step.fault, lasts).await?;
            for bare in &clients.bare {
                bare.order(Order::Replace(Duration::ZERO)).await;
            }
        }
        Fault::SlowReader { device, pause_ms } => {
            let pause = Duration::from_millis(pause_ms);
            clients.devices[device].order(Order::Slow { pause, lasts }).await;
        }
        Fault::Replace { bare } => clients.bare[bare].order(Order::Replace(lasts)).await,
        Fault::Away { device } => {
            // One that has nothing yet claims nothing when it is back, and misses nothing that another one of its person has.
            let deadline = Instant::now() + SEEN_LIMIT;
            while clients.devices[device].seen.is_empty() && Instant::now() < deadline {
                sleep(POLL).await;
            }
            clients.devices[device].order(Order::Away(lasts)).await;
        }
        Fault::Remove { bare, keeps, again } => {
            let mut random = StdRng::seed_from_u64(seed);
            let away = &clients.bare[bare];
            let others = world.people.iter().filter(|person| person.user != away.user);
            let [owner, other] = others
                .sample(&mut random, 2)
                .try_into()
                .map_err(|_| anyhow!("too few people"))?;
            let absence = Absence {
                name: format!("absence-{number}"),
                owner: owner.clone(),
                other: other.user,
                away,
                nodes: ground.addresses(),
                lasts,
                keeps,
                again,
            };
            return Ok(Some(absence.play(clock).await));
        }
        Fault::Hostile { node, how } => {
            let (hostile, conversation) = &world.hostile;
            let horde = Horde {
                kind: how,
                people: hostile,
                conversation: *conversation,
                node: ground.nodes()[node].address(),
            };
            ground.count(how.effect(), horde.harass(lasts).await.came_through);
        }
        Fault::RetryStorm { commands } => {
            let mut random = StdRng::seed_from_u64(seed);
            // Who opened a conversation stays in it.
            let room = world.rooms.choose(&mut random).context("no conversation")?;
            let person = world.people.iter().find(|person| person.user == room.owner);
            let others = world.people.iter().filter(|person| person.user != room.owner);
            let others = others.map(|person| person.user).sample(&mut random, 3);
            let storm = Storm {
                name: format!("storm-{number}"),
                person: person.context("an owner is nobody")?.clone(),
                others: others.try_into().map_err(|_| anyhow!("too few people"))?,
                conversation: room.id,
                nodes: ground.addresses(),
                commands,
                later: lasts,
            };
            return Ok(Some(storm.blow(clock).await));
        }
        Fault::OpenTogether => {
            let mut random = StdRng::seed_from_u64(seed);
            let pair: Vec<_> = world.strangers().collect();
            let opening = Opening {
                name: format!("opening-{number}"),
                pair: pair
                    .choose(&mut random)
                    .context("everybody knows everybody")?
                    .clone(),
                nodes: ground.addresses(),
                later: lasts,
            };
            return Ok(Some(opening.open(clock).await));
        }
        _ => ground.suffer(&step.fault, lasts).await?,
    }
    Ok(None)
}

/// The other one of a pair of bare devices says much to this one.
async fn flood(world: &World, clients: &Clients, bare: usize, messages: usize) -> Result<()> {
    let flood = Order::Flood {
        conversation: pair_of(world, clients, bare)?,
        messages,
    };
    clients.bare[bare ^ 1].order(flood).await;
    Ok(())
}

/// The conversation of a pair of bare devices.
fn pair_of(world: &World, clients: &Clients, bare: usize) -> Result<Uuid> {
    let both = [clients.bare[bare].user, clients.bare[bare ^ 1].user];
    let pair =
        |room: &&crate::world::Room| !room.is_group && both.iter().all(|user| room.members.contains(user));
    let room = world
        .rooms
        .iter()
        .find(pair)
        .context("the pair has no conversation")?;
    Ok(room.id)
}

/// Keeps the plan, the problems, the journals, the log, and what the nodes logged.
fn keep_evidence(dir: &Path, plan: &Plan, ground: &Ground, findings: &Findings) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    let began = findings.began;
    fs::write(
        dir.join("plan.txt"),
        format!("{plan}traffic began at {began} µs of the journals\n"),
    )?;
    fs::write(dir.join("problems.txt"), findings.problems.join("\n\n"))?;
    write_log(&dir.join("log.jsonl"), &findings.log)?;
    write_world(&dir.join("world.jsonl"), &findings.words())?;
    if let Some(restored) = ground.restored() {
        write_log(&dir.join("lost.jsonl"), &restored.lost)?;
    }
    for journal in &findings.journals {
        let name = format!("{}-{}.journal.jsonl", journal.user, journal.device);
        journal.write(&dir.join(name))?;
    }
    for (number, node) in ground.nodes().iter().enumerate() {
        fs::copy(node.log(), dir.join(format!("node{number}.log")))?;
    }
    Ok(())
}
