//! The checks after the last ack.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tidings_protocol::EventData;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    counts::check_counts,
    history::{fetch_log, history},
    people::Run,
    schedule::{Move, Schedule},
    shared::{Shared, bar, lock},
};
use crate::checker::{Fault, Log, Reader, Sent, check_deliveries, check_messages, event_print_with};

/// How long no delivery at all may come while some are due.
const STANDSTILL_MAX: Duration = Duration::from_secs(30);

/// What was run and looked at, and whether all was well.
pub(crate) struct Verified {
    pub(crate) people: usize,
    pub(crate) conversations: usize,
    pub(crate) messages: usize,
    pub(crate) devices: usize,
    pub(crate) counted: usize,
    pub(crate) outcome: Result<()>,
}

/// Waits for all deliveries, then compares everything.
pub(crate) async fn verify(
    mut run: Run,
    schedule: &mut Schedule,
    seed: u64,
    shared: &Arc<Shared>,
) -> Verified {
    let mut verified = Verified {
        people: run.people.len(),
        conversations: run.conversations.len(),
        messages: run.people.iter().map(|person| person.sent.len()).sum(),
        devices: 0,
        counted: 0,
        outcome: Ok(()),
    };
    verified.outcome = check(&mut run, schedule, seed, shared, &mut verified.counted).await;
    verified.devices = run.people.iter().map(|person| person.devices.len()).sum();
    verified
}

async fn check(
    run: &mut Run,
    schedule: &mut Schedule,
    seed: u64,
    shared: &Arc<Shared>,
    counted: &mut usize,
) -> Result<()> {
    wait_for_deliveries(run, shared).await?;
    let group = run.conversations.first().context("no group")?.id;
    let told = by_conversation(run, |sent| shared.amendments().in_history(sent));
    *counted = check_counts(run, &borrowed(&told), seed, shared.position(group)).await?;

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
    check_conversations(run, shared).await?;
    for (reader, conversation, id) in shared.late().iter() {
        if !shared.amendments().is_recalled(*id) {
            let (reader, conversation, id) = (reader.clone(), *conversation, *id);
            return Err(Fault::NotReacted {
                reader,
                conversation,
                id,
            }
            .into());
        }
    }

    for person in &mut run.people {
        person.leave().await?;
    }
    // Leaving shows what the clients had to put right.
    for person in &run.people {
        for journal in &person.devices {
            if let Some(fault) = lock(journal).fault() {
                return Err(fault.clone().into());
            }
        }
    }
    Ok(())
}

/// Every conversation: the log and history against the acks, and every member's deliveries against the log.
async fn check_conversations(run: &Run, shared: &Shared) -> Result<()> {
    let logged = by_conversation(run, |sent| shared.amendments().in_log(sent));
    let told = by_conversation(run, |sent| shared.amendments().in_history(sent));
    let (logged, told) = (borrowed(&logged), borrowed(&told));
    let sent = by_id(run);
    let progress = bar("checks", run.conversations.len());
    for conversation in &run.conversations {
        let id = conversation.id;
        let member = conversation
            .members
            .first()
            .map(|(index, _)| &run.people[*index])
            .context("no members")?;
        let mut log = fetch_log(member.client()?, id).await?;
        check_messages("log", id, &of(&logged, id), &log.messages)?;
        let history = history(&member.account, id, shared.position(id)).await?;
        check_messages("history", id, &of(&told, id), &history)?;
        give_back(&mut log, &sent, shared)?;
        for (index, from) in &conversation.members {
            let person = &run.people[*index];
            let journals: Vec<_> = person.devices.iter().map(|journal| lock(journal)).collect();
            let devices = journals.iter().map(|journal| &**journal).collect();
            check_deliveries(
                &Reader {
                    name: &person.name,
                    from: *from,
                    devices,
                },
                &log,
            )?;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(())
}

/// Acked messages by conversation, as they should be found; each author's in the order of sending.
fn by_conversation(run: &Run, found: impl Fn(&Sent) -> Sent) -> HashMap<Uuid, Vec<Sent>> {
    let mut sent: HashMap<Uuid, Vec<Sent>> = HashMap::new();
    for message in run.people.iter().flat_map(|person| &person.sent) {
        sent.entry(message.conversation).or_default().push(found(message));
    }
    sent
}

fn borrowed(all: &HashMap<Uuid, Vec<Sent>>) -> HashMap<Uuid, Vec<&Sent>> {
    all.iter()
        .map(|(id, sent)| (*id, sent.iter().collect()))
        .collect()
}

fn of<'a>(all: &HashMap<Uuid, Vec<&'a Sent>>, conversation: Uuid) -> Vec<&'a Sent> {
    all.get(&conversation).cloned().unwrap_or_default()
}

fn by_id(run: &Run) -> HashMap<Uuid, &Sent> {
    let sent = run.people.iter().flat_map(|person| &person.sent);
    sent.map(|sent| (sent.message.id, sent)).collect()
}

/// Finds out which prints those events had that the log tells without what was said. Each must be of a message that was recalled.
fn give_back(log: &mut Log, sent: &HashMap<Uuid, &Sent>, shared: &Shared) -> Result<(), Fault> {
    let amendments = shared.amendments();
    for event in &log.withheld {
        let (id, text) = match event.decode() {
            EventData::MessageEdited(edited) => {
                (edited.message, amendments.edit_at(edited.message, event.seq))
            }
            EventData::MessageSent(message) => {
                let sent = sent.get(&message.message);
                (message.message, sent.and_then(|sent| sent.message.text))
            }
            _ => continue,
        };
        let Some(text) = text.filter(|_| amendments.is_recalled(id)) else {
            return Err(Fault::Withheld {
                conversation: log.conversation,
                seq: event.seq,
                id,
            });
        };
        log.before.insert(event.seq, event_print_with(event, text));
    }
    Ok(())
}

/// Waits until everybody who is here was sent everything.
async fn wait_for_deliveries(run: &Run, shared: &Shared) -> Result<()> {
    let mut delivered = 0;
    let mut moved_at = Instant::now();
    while let Some(fault) = missing(run, shared) {
        if let Some(fault) = shared.fault() {
            return Err(fault.into());
        }
        let now = shared.deliveries.load(Ordering::Relaxed);
        if now != delivered {
            (delivered, moved_at) = (now, Instant::now());
        }
        if moved_at.elapsed() > STANDSTILL_MAX {
            return Err(fault.into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn missing(run: &Run, shared: &Shared) -> Option<Fault> {
    for conversation in &run.conversations {
        let head = shared.head(conversation.id);
        for (index, _) in &conversation.members {
            let person = &run.people[*index];
            let next = person.next(conversation.id);
            if person.is_here() && (next <= head || person.is_fetching()) {
                let (from, to) = (next.max(1), head);
                let reader = person.name.clone();
                return Some(Fault::NotDelivered {
                    reader,
                    conversation: conversation.id,
                    from,
                    to,
                });
            }
        }
    }
    None
}
