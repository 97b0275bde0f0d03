//! After the faults: everybody comes to rest, and then all must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_journal::{Fault, Journal, Kind, Logged, Micros, Summary, World as Word};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::company::Filed;
use crate::effects::{ADDED, Effects, SET_BACK};
use crate::ground::Ground;
use crate::hand::{Hand, Order};
use crate::own::Own;
use crate::scribe::Clock;
use crate::store::{self, Database};
use crate::view::gets_farewell;
use crate::world::World;
use against_log::{End, compare, counts, ends, stands_otherwise, told, told_otherwise, unread_threads};
use judge::{has_lost, is_about_what_was_lost, judge};

mod against_log;
mod judge;
mod report;

/// How long everything may take to come to rest, also on a machine that is busy with much else.
const REST_LIMIT: Duration = Duration::from_mins(5);
/// How long `tidings verify` may take.
const VERIFY_LIMIT: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(50);

/// What came out of a run.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) journals: Vec<Journal>,
    pub(crate) log: Vec<Logged>,
    pub(crate) connections: u64,
    pub(crate) effects: Effects,
    /// What was reported.
    pub(crate) filed: Vec<Filed>,
    /// When the traffic began, on the clock of the journals.
    pub(crate) began: Micros,
    /// When all was well again.
    pub(crate) healed: Option<Micros>,
    /// Of the journals, where they contradict nothing.
    pub(crate) summary: Option<Summary>,
    /// What should not be, in words. Empty for a run that passes.
    pub(crate) problems: Vec<String>,
    /// The rules of the checker that were broken.
    pub(crate) broken: Vec<Fault>,
}

impl Findings {
    /// What the run says of itself beside the journals.
    pub(crate) fn words(&self) -> Option<Word> {
        self.healed.map(|at| Word::Healed { at })
    }
}

/// Brings everything to rest and checks it. `findings` holds what is known before.
pub(crate) async fn settle(
    ground: &Ground,
    program: &Path,
    world: &World,
    hands: Vec<Hand>,
    clock: Clock,
    findings: &mut Findings,
) -> Result<()> {
    ground.ready().await?;
    for hand in &hands {
        hand.order(Order::Rest).await;
    }
    findings.healed = Some(clock.now());
    let rested = reaches(REST_LIMIT, async || Ok(hands.iter().all(Hand::is_at_rest))).await?;
    if !rested {
        let restless = hands.iter().filter_map(|hand| {
            let waits_for = hand.waits_for()?;
            Some(format!("{} ({waits_for})", hand.label))
        });
        let restless: Vec<_> = restless.collect();
        findings
            .problems
            .push(format!("not at rest in time: {}", restless.join(", ")));
    }
    let database = Database::connect(&ground.database_url()).await?;
    if !reaches(REST_LIMIT, async || Ok(database.behind().await? == 0)).await? {
        findings
            .problems
            .push("the read models did not catch up with the log".to_owned());
    }
    findings.log = database.log().await?;
    let restored = ground.restored();
    let in_added = |logged: &&Logged| {
        let id: Option<Uuid> = logged.conversation.parse().ok();
        id.is_some_and(|id| u16::from(id.as_bytes()[15]) >= world.lanes)
    };
    ground.count(ADDED, findings.log.iter().filter(in_added).count() as u64);
    let ends = ends(&findings.log);
    let others_told = told(&findings.journals);
    let lacks = |hand: &Hand| -> Vec<String> {
        let user = hand.user.to_string();
        let own = ends.iter().filter(|(_, end)| end.members.contains(&user));
        let behind = own.filter_map(|(id, end)| {
            let seen = hand.seen.of(*id);
            // A device without a cursor is sent what its user has not been sent: another device may have it all, or have had it
            // before it was lost.
            let excused = seen == 0
                && (hand.seen.ever(*id) == end.head
                    || others_told.contains(&(user.as_str(), *id, end.head))
                    || hands
                        .iter()
                        .any(|other| other.user == hand.user && other.seen.ever(*id) == end.head));
            (seen != end.head && !excused)
                .then(|| format!("{} has seen {id} up to seq {seen} of {}", hand.label, end.head))
        });
        behind.collect()
    };
    let complete = reaches(REST_LIMIT, async || {
        Ok(hands.iter().all(|hand| lacks(hand).is_empty()))
    });
    let lacking: Vec<_> = if complete.await? {
        vec![]
    } else {
        hands.iter().flat_map(lacks).collect()
    };
    findings.problems.extend(lacking);
    let (events, own) = (database.events().await?, database.own().await?);
    for person in &world.people {
        let listed = person.conversations().await?;
        let totals = person.totals().await?;
        let nothing = Own::default();
        let own = own.get(&person.user).unwrap_or(&nothing);
        findings
            .problems
            .extend(stands_otherwise(person.user, &listed, totals, &events, own));
        let user = person.user.to_string();
        findings.problems.extend(compare(&user, &ends, &listed));
        findings.journals.push(counts(user, &listed, clock));
    }
    for hand in hands {
        let (label, id, user) = (hand.label.clone(), hand.user, hand.user.to_string());
        let done = hand.finish().await?;
        findings.connections += done.connections;
        findings.effects.merge(&done.effects);
        if restored.is_none() {
            let nothing = Own::default();
            let own = own.get(&id).unwrap_or(&nothing);
            let unread = unread_threads(id, &done.read_threads, &events, own);
            findings.problems.extend(unread);
        }
        // Who was out when they asked has no right to it, and is told of that when their device comes to it.
        let was_out = |conversation: Uuid| {
            let mut log = findings.log.iter();
            log.any(|logged| {
                logged.kind == Kind::Left
                    && logged.conversation == conversation.to_string()
                    && logged.users.contains(&user)
            })
        };
        let unexcused = done.unless_out.into_iter();
        let may_be_lost = |conversation: Uuid| {
            let of_it = |restored| has_lost(conversation, restored);
            restored.as_ref().is_some_and(of_it)
        };
        let unexcused = unexcused
            .filter(|(conversation, _)| !was_out(*conversation) && !may_be_lost(*conversation))
            .map(|(_, problem)| problem);
        let refusals = done.refusals.into_iter().filter(|refusal| {
            let excused = |restored| is_about_what_was_lost(refusal, restored);
            !restored.as_ref().is_some_and(excused)
        });
        let problems = done.problems.into_iter().chain(unexcused);
        let problems = problems
            .chain(refusals.map(|refusal| refusal.to_string()))
            .map(|problem| format!("{label}: {problem}"));
        findings.problems.extend(problems);
        findings.journals.push(done.journal);
    }
    if restored.is_none() && findings.effects.of(SET_BACK) > 0 {
        findings
            .problems
            .push("a cursor is said to be ahead of a log that has never gone back".to_owned());
    }
    match judge(findings, &own, restored.as_ref()) {
        Ok(summary) => {
            if summary.acked == 0 {
                findings.problems.push("nothing was acked".to_owned());
            }
            findings.effects.add("gaps", summary.gaps);
            findings.effects.add("fetched events", summary.fetched);
            findings.summary = Some(summary);
        }
        Err((era, counterexample)) => {
            findings.broken.extend(counterexample.counts.keys());
            findings.problems.push(format!("{era}{counterexample}"));
        }
    }
    findings
        .problems
        .extend(told_otherwise(&events, &own, world, &ends).await?);
    if let Err(error) = verify(program, &ground.database_url()).await {
        findings.problems.push(format!("{error:#}"));
    }
    let reported = report::seen_otherwise(ground, world, &findings.filed).await;
    findings.problems.extend(reported?);
    findings
        .problems
        .extend(fanned_out(ground, &database, world, &ends).await?);
    ground.ready().await?;
    findings.effects.merge(&ground.effects().await);
    findings.problems.extend(ground.panics());
    Ok(())
}

/// Polls until `done`; false when it was not in time.
async fn reaches(limit: Duration, done: impl AsyncFn() -> Result<bool>) -> Result<bool> {
    let deadline = Instant::now() + limit;
    while !done().await? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL).await;
    }
    Ok(true)
}

/// Read models made anew from the log equal the live ones.
async fn verify(program: &Path, database_url: &str) -> Result<()> {
    let mut verify = Command::new(program);
    verify
        .arg("verify")
        .env("TIDINGS_DATABASE_URL", database_url)
        .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000")
        .kill_on_drop(true);
    let output = timeout(VERIFY_LIMIT, verify.output())
        .await
        .context("not verified in time")??;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    bail!(
        "`tidings verify` failed:\n{}",
        String::from_utf8_lossy(&said).trim()
    )
}

/// The streams in Redis have all of the log, in each lane that was written after the faults.
async fn fanned_out(
    ground: &Ground,
    database: &Database,
    world: &World,
    ends: &BTreeMap<Uuid, End>,
) -> Result<Vec<String>> {
    let log = database.log_id().await?;
    let people: BTreeSet<String> = world
        .people
        .iter()
        .map(|person| person.user.to_string())
        .collect();
    // Somebody bade farewell in each conversation that still has members with a device. Its lane is the last byte of its id.
    let with_members = ends
        .iter()
        .filter(|(id, end)| !end.members.is_disjoint(&people) && gets_farewell(id));
    let lanes: BTreeSet<i16> = with_members.map(|(id, _)| i16::from(id.as_bytes()[15])).collect();
    let lagging = async || {
        let heads = database.heads().await?;
        let epochs = lanes.iter().filter_map(|lane| Some((*lane, heads.get(lane)?.1)));
        let streams = store::streams(&ground.redis_url(), log, epochs).await?;
        let lagging = streams
            .into_iter()
            .filter(|(lane, last)| heads.get(lane).is_none_or(|(head, _)| head != last));
        Ok::<Vec<_>, anyhow::Error>(lagging.collect())
    };
    if reaches(REST_LIMIT, async || Ok(lagging().await?.is_empty())).await? {
        return Ok(vec![]);
    }
    let lagging = lagging().await?;
    Ok(vec![format!(
        "the streams in Redis do not catch up (lane, position): {lagging:?}"
    )])
}
