//! The checks after the last ack: what read models and notices tell here, all else from the journals.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use tidings_journal::{Logged, Summary, World, check_dir, write_log, write_world};
use tidings_protocol::{Event, EventData};
use tidings_scribe::{
    export::logged,
    fold::Fold,
    moderation::{Turns, ordered},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    contact, counts, due, forwards,
    history::{Listed, fetch_log, history},
    joining, moderation,
    people::Run,
    schedule::{Move, Schedule},
    shared::{Shared, bar},
    slow::{self, Paced},
    told, words,
};

/// How long no delivery at all may come while some are due.
const STANDSTILL_MAX: Duration = Duration::from_secs(30);

/// What history tells of each conversation.
pub(crate) type Histories = HashMap<Uuid, BTreeMap<Uuid, Listed>>;

/// What was run and looked at, and whether all was well.
pub(crate) struct Verified {
    pub(crate) people: usize,
    pub(crate) conversations: usize,
    pub(crate) devices: usize,
    pub(crate) counted: usize,
    /// Searches whose answers were compared, and messages that were sent on.
    pub(crate) searches: usize,
    pub(crate) copies: usize,
    /// Messages that would be unread, had somebody not blocked their sender; and people who were shown out and are not back.
    pub(crate) unheard: u64,
    pub(crate) gone: usize,
    /// What was said in slow mode, people whose lists of others were compared, and reports whose states were.
    pub(crate) paced: Paced,
    pub(crate) tied: usize,
    pub(crate) reports: usize,
    pub(crate) outcome: Result<Summary>,
}

/// Waits for all deliveries, then compares everything.
pub(crate) async fn verify(
    mut run: Run,
    schedule: &mut Schedule,
    seed: u64,
    shared: &Arc<Shared>,
) -> Verified {
    let mut done = Done::default();
    let outcome = check(&mut run, schedule, seed, shared, &mut done).await;
    let Done {
        counted,
        searches,
        copies,
        unheard,
        paced,
        tied,
        reports,
    } = done;
    Verified {
        people: run.people.len(),
        conversations: run.conversations.len(),
        devices: run.people.iter().map(|person| person.devices).sum(),
        counted,
        searches,
        copies,
        unheard,
        gone: run
            .conversations
            .iter()
            .map(|conversation| conversation.left.len())
            .sum(),
        paced,
        tied,
        reports,
        outcome,
    }
}

/// How much was looked at so far.
#[derive(Default)]
struct Done {
    counted: usize,
    searches: usize,
    copies: usize,
    unheard: u64,
    paced: Paced,
    tied: usize,
    reports: usize,
}

async fn check(
    run: &mut Run,
    schedule: &mut Schedule,
    seed: u64,
    shared: &Arc<Shared>,
    done: &mut Done,
) -> Result<Summary> {
    wait_for_deliveries(run, shared).await?;
    let histories = histories(run, shared).await?;
    let looked = counts::look(run, &histories, seed, shared).await?;
    done.counted = looked.len();
    done.searches = words::look(run, &looked, &histories).await?;

    // Now those who are away come back, and get what they missed.
    for step in schedule.gather() {
        if let Move::Return(index, how) = step {
            let person = &mut run.people[index];
            person
                .come(how)
                .await
                .with_context(|| format!("{} cannot come back", person.name))?;
        }
    }
    wait_for_deliveries(run, shared).await?;
    told::wait(run).await?;
    done.tied = contact::look(run).await?;
    done.reports = moderation::look(run).await?;
    joining::look(run, shared).await?;
    slow::look(run, shared).await?;
    let logs = logs(run, &histories, shared).await?;
    for (_, events) in &logs {
        done.paced += slow::compare(events)?;
    }
    done.copies = forwards::compare(&shared.copies(), logs.iter().map(|(_, events)| &events[..]))?;
    let with_mentions = logs
        .iter()
        .map(|(id, events)| (*id, due::with_mentions(events, shared)));
    done.unheard = due::compare(run, &looked, &with_mentions.collect()).await?;
    let log = lines(&logs, shared);
    for person in &mut run.people {
        // Who is connected when the journal ends has stayed.
        person.pen().close()?;
        person.leave().await?;
    }
    if let Some(moderation) = &run.moderation {
        moderation.close()?;
    }
    // Leaving shows what the clients had to put right.
    shared.sound()?;
    judge(run, log, shared.journals().to_owned()).await
}

/// Every conversation as history tells it to a member.
async fn histories(run: &Run, shared: &Shared) -> Result<Histories> {
    let progress = bar("history", run.conversations.len());
    let mut histories = Histories::new();
    for conversation in &run.conversations {
        let member = conversation.members.first().context("no members")?;
        let account = &run.people[*member].account;
        let after = shared.position(conversation.id);
        let threads = shared.threads(conversation.id);
        let history = history(account, conversation.id, &threads, after).await?;
        histories.insert(conversation.id, history);
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(histories)
}

/// Every conversation's log as a member fetches it; history must tell what it comes to.
async fn logs(run: &Run, histories: &Histories, shared: &Shared) -> Result<Vec<(Uuid, Vec<Event>)>> {
    let progress = bar("log", run.conversations.len());
    let mut logs = Vec::new();
    for conversation in &run.conversations {
        let id = conversation.id;
        let member = conversation.members.first().context("no members")?;
        let events = fetch_log(run.people[*member].client()?, id).await?;
        let history = histories.get(&id).context("no history")?;
        compare(id, &events, history)?;
        logs.push((id, events));
        progress.inc(1);
    }
    progress.finish_and_clear();
    for late in shared.all_late() {
        let told = histories.get(&late.conversation);
        let told = told.and_then(|messages| messages.get(&late.message));
        ensure!(
            told.is_some_and(|(_, told)| told.recalled),
            "{} could not react to, pin or send on message {} of {}, which nobody had recalled",
            late.reader,
            late.message,
            late.conversation
        );
    }
    Ok(logs)
}

/// The log as the checker takes it.
fn lines(logs: &[(Uuid, Vec<Event>)], shared: &Shared) -> Vec<Logged> {
    let events = logs.iter().flat_map(|(_, events)| events);
    let mut turns = Turns::default();
    let line = |event: &Event| {
        let mut line = logged(event);
        let ordered = ordered(&event.decode(), &mut turns);
        let id = line.id.or(ordered);
        line.id = id.or_else(|| shared.command(event));
        line
    };
    events.map(line).collect()
}

/// What the events of a conversation come to, against its history.
fn compare(conversation: Uuid, events: &[Event], history: &BTreeMap<Uuid, Listed>) -> Result<()> {
    let mut fold = Fold::default();
    for event in events {
        let data = event.decode();
        if let EventData::MessageSent(sent) = &data {
            let sender = history.get(&sent.message).map(|(sender, _)| *sender);
            ensure!(
                sender == Some(event.actor),
                "message {} of {conversation} is {sender:?}'s in history, and {}'s in the log",
                sent.message,
                event.actor
            );
        }
        fold.take(event.seq, event.actor, data);
    }
    let told = history.iter().map(|(id, (_, told))| (*id, told.clone()));
    match fold.differs(&told.collect()) {
        Some(difference) => bail!("{conversation}: {difference}"),
        None => Ok(()),
    }
}

/// Puts the journals before the checker, with the log and the devices that there were.
async fn judge(run: &Run, log: Vec<Logged>, dir: PathBuf) -> Result<Summary> {
    let devices = run.people.iter().flat_map(|person| {
        let user = person.account.user.to_string();
        person.device_names().map(move |device| World::Device {
            user: user.clone(),
            device,
            killed: false,
        })
    });
    let moderator = run.moderation.as_ref().map(|moderation| World::Device {
        user: moderation.user().to_string(),
        device: moderation::DEVICE.to_owned(),
        killed: false,
    });
    let devices: Vec<World> = devices.chain(moderator).collect();
    write_world(&dir.join("world.jsonl"), &devices)?;
    let checking = tokio::task::spawn_blocking(move || {
        let export = dir.join("log.jsonl.gz");
        write_log(&export, &log)?;
        anyhow::Ok(check_dir(&dir, &export)?)
    });
    checking.await?
}

/// Waits until everybody who is here was sent everything.
async fn wait_for_deliveries(run: &Run, shared: &Shared) -> Result<()> {
    let mut delivered = 0;
    let mut moved_at = Instant::now();
    while let Some(fault) = missing(run, shared) {
        shared.sound()?;
        let now = shared.deliveries.load(Ordering::Relaxed);
        if now != delivered {
            (delivered, moved_at) = (now, Instant::now());
        }
        if moved_at.elapsed() > STANDSTILL_MAX {
            bail!(fault);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn missing(run: &Run, shared: &Shared) -> Option<String> {
    for conversation in &run.conversations {
        let (id, head) = (conversation.id, shared.head(conversation.id));
        for index in &conversation.members {
            let person = &run.people[*index];
            let shown = person.shown(id);
            if person.is_here() && (shown < head || person.is_fetching()) {
                let name = &person.name;
                return Some(format!("{name} was not sent seq {} to {head} of {id}", shown + 1));
            }
        }
        // Who was shown out is told up to that, and the checker sees to it that they are told no more.
        for (index, left) in &conversation.left {
            let person = &run.people[*index];
            let shown = person.shown(id);
            if person.is_here() && (shown < *left || person.is_fetching()) {
                let name = &person.name;
                return Some(format!(
                    "{name} was not sent seq {} to {left} of {id}, where they were shown out",
                    shown + 1
                ));
            }
        }
    }
    None
}
