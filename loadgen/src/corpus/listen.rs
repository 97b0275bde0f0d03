//! Writes down what comes on one connection.

use std::sync::{Arc, atomic::Ordering};

use tidings_client::{Client, CommandError, DisconnectReason, EventStream, Incoming};
use tidings_protocol::{FETCH_EVENTS_MAX, Gap, Limits, Resume};
use tidings_scribe::scribe::Scribe;
use tokio::{sync::watch, task::JoinSet};

use super::{own::Notices, pen::Pen, shared::Shared};

/// How far a connection has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) limits: Option<Limits>,
    /// Whether all that was missed has come.
    pub(crate) synced: bool,
    /// Gaps being fetched.
    pub(crate) fetching: usize,
    /// The seq of the last notice.
    pub(crate) noticed: u64,
    pub(crate) ended: bool,
}

/// Reads until the connection ends; returns the cursors to resume from.
pub(crate) async fn listen(
    reader: String,
    client: Client,
    mut events: EventStream,
    pen: Pen,
    progress: watch::Sender<Progress>,
    notices: Notices,
    shared: Arc<Shared>,
) -> Resume {
    let mut fetches = JoinSet::new();
    loop {
        tokio::select! {
            incoming = events.next() => match incoming {
                Some(Incoming::Event(event)) => {
                    pen.note(|scribe| scribe.shown(&event));
                    shared.deliveries.fetch_add(1, Ordering::Relaxed);
                }
                Some(Incoming::Gap(gap)) => {
                    pen.note(|scribe| scribe.gap(&gap));
                    progress.send_modify(|progress| progress.fetching += 1);
                    fetches.spawn(fetch(client.clone(), pen.clone(), gap));
                }
                Some(Incoming::Notice(notice)) => {
                    notices.note(&notice);
                    progress.send_modify(|progress| progress.noticed = notice.seq);
                }
                Some(Incoming::Connected(welcome)) => {
                    let cursors = &events.cursors().conversations;
                    pen.note(|scribe| scribe.connected(cursors, &welcome.limits));
                    progress.send_modify(|progress| progress.limits = Some(welcome.limits.clone()));
                }
                Some(Incoming::Synced) => {
                    pen.note(Scribe::synced);
                    progress.send_modify(|progress| progress.synced = true);
                }
                Some(Incoming::Disconnected { reason, retry_in }) => {
                    pen.note(Scribe::disconnected);
                    if retry_in.is_some() {
                        shared.reconnects.fetch_add(1, Ordering::Relaxed);
                    } else if reason != DisconnectReason::ByUser {
                        shared.fail(format!("{reader}'s connection ended: {reason}"));
                    }
                }
                Some(_) => {}
                None => break,
            },
            Some(fetched) = fetches.join_next() => {
                progress.send_modify(|progress| progress.fetching -= 1);
                if let Ok(Err(error)) = fetched {
                    shared.fail(format!("{reader} could not fetch a gap: {error}"));
                }
            }
        }
    }
    let corrections = events.corrections();
    if corrections.repeats + corrections.holes > 0 {
        let (repeats, holes) = (corrections.repeats, corrections.holes);
        shared.fail(format!(
            "{reader}'s connection repeated {repeats} events and left {holes} holes that had to be fetched"
        ));
    }
    progress.send_modify(|progress| progress.ended = true);
    events.cursors().clone()
}

async fn fetch(client: Client, pen: Pen, gap: Gap) -> Result<(), CommandError> {
    let mut missing = Some(gap);
    while let Some(gap) = missing {
        let limit = FETCH_EVENTS_MAX.min((gap.to - gap.from + 1) as u32);
        let answer = client.fetch(gap.conversation, gap.from, limit).await?;
        let mut came = false;
        pen.note(|scribe| (missing, came) = scribe.filled(&gap, &answer));
        if !came {
            return Ok(());
        }
    }
    Ok(())
}
