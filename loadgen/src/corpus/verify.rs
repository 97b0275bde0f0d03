//! The checks after the last ack.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    counts::check_counts,
    history::{fetch_log, history},
    people::Run,
    schedule::{Move, Schedule},
    shared::{Shared, bar, lock},
};
use crate::checker::{Fault, Reader, Sent, check_deliveries, check_messages};

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
    *counted = check_counts(run, &by_conversation(run), seed, shared.position(group)).await?;

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
    let sent = by_conversation(run);
    let progress = bar("checks", run.conversations.len());
    for conversation in &run.conversations {
        let id = conversation.id;
        let sent = sent.get(&id).map(Vec::as_slice).unwrap_or_default();
        let member = conversation
            .members
            .first()
            .map(|(index, _)| &run.people[*index])
            .context("no members")?;
        let log = fetch_log(member.client()?, id).await?;
        check_messages("log", id, sent, &log.messages)?;
        let history = history(&member.account, id, shared.position(id)).await?;
        check_messages("history", id, sent, &history)?;
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

/// Acked messages by conversation; each author's in the order of sending.
fn by_conversation(run: &Run) -> HashMap<Uuid, Vec<&Sent>> {
    let mut sent: HashMap<Uuid, Vec<&Sent>> = HashMap::new();
    for message in run.people.iter().flat_map(|person| &person.sent) {
        sent.entry(message.conversation).or_default().push(message);
    }
    sent
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
