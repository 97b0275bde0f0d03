//! Reads one connection into a journal.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, atomic::Ordering},
};

use tidings_client::{Client, CommandError, DisconnectReason, EventStream, Incoming};
use tidings_protocol::{Event, EventData, FETCH_EVENTS_MAX, Gap, Limits, Resume};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;

use super::shared::{Shared, lock};
use crate::checker::{Fault, Journal};

/// How far a connection has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) limits: Option<Limits>,
    /// Whether all that was missed has come.
    pub(crate) synced: bool,
    /// Gaps being fetched.
    pub(crate) fetching: usize,
    pub(crate) ended: bool,
}

/// Reads until the connection ends; returns the cursors to resume from.
pub(crate) async fn listen(
    reader: String,
    client: Client,
    mut events: EventStream,
    journal: Arc<Mutex<Journal>>,
    progress: watch::Sender<Progress>,
    shared: Arc<Shared>,
) -> Resume {
    let mut catching_up = true;
    let recalled = shared.amendments().all_recalled();
    let mut fetches = JoinSet::new();
    loop {
        tokio::select! {
            incoming = events.next() => match incoming {
                Some(Incoming::Event(event)) => {
                    if let Some(id) = shows(&event, &recalled) {
                        let (reader, conversation) = (reader.clone(), event.conversation);
                        shared.fail(Fault::ShownRecalled { reader, conversation, id });
                    }
                    lock(&journal).record(&event);
                    shared.delivered();
                }
                Some(Incoming::Gap(gap)) => {
                    lock(&journal).gap(gap, catching_up);
                    progress.send_modify(|progress| progress.fetching += 1);
                    fetches.spawn(fetch(client.clone(), Arc::clone(&journal), gap));
                }
                Some(Incoming::Connected(welcome)) => {
                    catching_up = true;
                    progress.send_modify(|progress| progress.limits = Some(welcome.limits.clone()));
                }
                Some(Incoming::Synced) => {
                    catching_up = false;
                    progress.send_modify(|progress| progress.synced = true);
                }
                Some(Incoming::Disconnected { retry_in: Some(_), .. }) => {
                    shared.reconnects.fetch_add(1, Ordering::Relaxed);
                }
                Some(Incoming::Disconnected { reason, retry_in: None }) => {
                    if reason != DisconnectReason::ByUser {
                        let error = reason.to_string();
                        shared.fail(Fault::ConnectionLost { reader: reader.clone(), error });
                    }
                }
                Some(_) => {}
                None => break,
            },
            Some(fetched) = fetches.join_next() => {
                progress.send_modify(|progress| progress.fetching -= 1);
                if let Ok(Err(error)) = fetched {
                    let error = format!("a gap could not be fetched: {error}");
                    lock(&journal).note(Fault::ConnectionLost { reader: reader.clone(), error });
                }
            }
        }
    }
    let corrections = events.corrections();
    if corrections.repeats + corrections.holes > 0 {
        let (repeats, holes) = (corrections.repeats, corrections.holes);
        lock(&journal).note(Fault::Corrected {
            reader,
            repeats,
            holes,
        });
    }
    progress.send_modify(|progress| progress.ended = true);
    events.cursors().clone()
}

/// The message, one of these, of which an event says what it said.
fn shows(event: &Event, recalled: &HashSet<Uuid>) -> Option<Uuid> {
    if recalled.is_empty() {
        return None;
    }
    let (message, content) = match event.decode() {
        EventData::MessageSent(sent) => (sent.message, sent.content),
        EventData::MessageEdited(edited) => (edited.message, edited.content),
        _ => return None,
    };
    (content.is_some() && recalled.contains(&message)).then_some(message)
}

async fn fetch(client: Client, journal: Arc<Mutex<Journal>>, gap: Gap) -> Result<(), CommandError> {
    let mut from = gap.from;
    while from <= gap.to {
        let limit = FETCH_EVENTS_MAX.min((gap.to - from + 1) as u32);
        let answer = client.fetch(gap.conversation, from, limit).await?;
        let Some(last) = answer.events.last() else {
            return Ok(());
        };
        from = last.seq + 1;
        lock(&journal).fetched(gap.conversation, &answer.events);
    }
    Ok(())
}
