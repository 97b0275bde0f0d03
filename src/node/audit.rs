//! The audit of the read models: one stream after the other is folded anew and compared with what is read, for as long as the node runs.

use crate::lifecycle::Lifecycle;
use std::collections::BTreeMap;
use std::time::Duration;
use tidings_eventlog::Log;
use tidings_projections::{Audit, Audited, Drift, audit, drawn, names};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// Streams with differences that are remembered, and looked at again each time.
const REMEMBERED_MAX: usize = 100;

/// Looks at a stream every so often, until the node stops.
pub(super) fn start(lifecycle: &Lifecycle, log: &Log, every: Duration) {
    let (log, stop) = (log.clone(), lifecycle.stopping());
    lifecycle.spawn_for_life("audit", async move {
        stop.run_until_cancelled(keep(&log, every)).await;
    });
}

async fn keep(log: &Log, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut drifted = BTreeMap::new();
    loop {
        ticks.tick().await;
        let again: Vec<Uuid> = drifted.keys().copied().collect();
        for stream in again {
            look(log, stream, &mut drifted).await;
        }
        match drawn(log, rand::random()).await {
            Ok(Some(stream)) => look(log, stream, &mut drifted).await,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "no stream can be audited just now"),
        }
        tell(&drifted);
    }
}

/// Looks at a stream.
async fn look(log: &Log, stream: Uuid, drifted: &mut BTreeMap<Uuid, Vec<Drift>>) {
    match audit(log, stream).await {
        Ok(audited) => note(stream, audited, drifted),
        Err(error) => tracing::debug!(%error, %stream, "a stream cannot be audited just now"),
    }
}

/// Notes what is wrong with a stream, or that nothing is any more.
fn note(stream: Uuid, audited: Audited, drifted: &mut BTreeMap<Uuid, Vec<Drift>>) {
    let found = match audited {
        Audited::Done(found) => found,
        Audited::Busy => return,
        // It would be counted for as long as the node runs, whatever is done about it.
        Audited::TooLong => {
            if drifted.remove(&stream).is_some() {
                tracing::warn!(%stream, "a read model was wrong in a stream that has become too long to be audited: `tidings verify` tells");
            }
            return;
        }
    };
    metrics::counter!("tidings_projection_audited_total").increment(1);
    let Audit { drifts, .. } = found;
    if drifts.is_empty() {
        drifted.remove(&stream);
        return;
    }
    if drifted.get(&stream) != Some(&drifts) {
        for Drift {
            projection,
            table,
            key,
        } in &drifts
        {
            tracing::error!(projection, table, key, %stream, "a read model is not what the log says");
        }
    }
    if drifted.len() < REMEMBERED_MAX || drifted.contains_key(&stream) {
        drifted.insert(stream, drifts);
    }
}

/// Of each read model, the streams of which it does not hold what the log says.
fn tell(drifted: &BTreeMap<Uuid, Vec<Drift>>) {
    for name in names() {
        let is_wrong = |drifts: &&Vec<Drift>| drifts.iter().any(|drift| drift.projection == name);
        let streams = drifted.values().filter(is_wrong).count();
        metrics::gauge!("tidings_projection_drift", "projection" => name).set(streams as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_until_it_is_gone_or_nobody_can_look() {
        let stream = Uuid::from_u128(1);
        let found = |wrong: bool| {
            let drift = Drift {
                projection: "history",
                table: "message",
                key: "1".to_owned(),
            };
            Audited::Done(Audit {
                stream,
                events: 9,
                drifts: wrong.then_some(drift).into_iter().collect(),
            })
        };
        for (audited, stays) in [
            (found(true), true),
            (Audited::Busy, true),
            (found(false), false),
            (Audited::TooLong, false),
        ] {
            let mut drifted = BTreeMap::new();
            note(stream, found(true), &mut drifted);
            note(stream, audited.clone(), &mut drifted);
            assert_eq!(drifted.contains_key(&stream), stays, "{audited:?}");
        }
    }
}
