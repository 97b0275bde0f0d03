//! What faults really did, counted where it shows: a fault that touches nothing proves nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::company::Scene;
use crate::fault::{End, Fault, Weather};

/// A fault that was planned so often must have had an effect once, and in a scene that was played so often each command is acked.
const ENOUGH: usize = 5;
/// What shows that lanes were added, counted when all is over.
pub(crate) const ADDED: &str = "events in added lanes";
/// Read models that an older node has held, and that went on while it was still there.
pub(crate) const TAKEN_OVER: &str = "read models taken over from an older node";
/// Claims of devices that were ahead of the log.
pub(crate) const SET_BACK: &str = "cursors set back";
/// What nodes could not get rid of to a device that read nothing.
const HELD_BACK: &str = "events held back from a device that read nothing";
/// The counters of a node that say what faults did to it, and the names of their sums.
const COUNTERS: [(&str, &str); 10] = [
    ("tidings_outbox_overflows_total", "slow clients noticed"),
    (
        "tidings_connections_closed_total{code=\"4001\"}",
        "slow clients noticed",
    ),
    (
        "tidings_connections_closed_total{code=\"4002\"}",
        "silent clients closed",
    ),
    ("tidings_gaps_total{reason=\"limit\"}", "gaps by the limits"),
    (
        "tidings_gaps_total{reason=\"unknown\"}",
        "gaps for what cannot be shown",
    ),
    ("tidings_slow_catch_ups_total", "catch-ups of slow clients"),
    ("tidings_hub_filled_events_total", "events that a hub filled in"),
    (
        "tidings_publish_filled_total",
        "events that a publisher filled in",
    ),
    ("tidings_publish_failed_total", "publications that failed"),
    ("tidings_lane_given_up_total", "commands given up"),
];

/// Counts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects(BTreeMap<&'static str, u64>);

impl Effects {
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, name: &'static str, count: u64) {
        *self.0.entry(name).or_default() += count;
    }

    /// Sums over several runs.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            self.add(name, *count);
        }
    }

    /// Adds what a node counts of itself, from the text of its metrics.
    pub(crate) fn scrape(&mut self, metrics: &str) {
        for line in metrics.lines() {
            let Some((counter, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let known = COUNTERS.iter().find(|(name, _)| *name == counter);
            if let (Some((_, name)), Ok(value)) = (known, value.parse::<f64>()) {
                self.add(name, value as u64);
            }
        }
    }

    /// Faults that were planned often and never had an effect, by the name of the count that would show it.
    pub fn missing(&self, planned: impl IntoIterator<Item = Fault>) -> Vec<&'static str> {
        self.never(planned.into_iter().map(|fault| shown_by(&fault)))
    }

    /// Commands of scenes that were played often, none of which was ever acked.
    pub(crate) fn unsaid(&self, scenes: impl IntoIterator<Item = Scene>) -> Vec<&'static str> {
        self.never(scenes.into_iter().flat_map(Scene::commands).copied())
    }

    /// What should show often enough to have shown, and has not.
    fn never(&self, wanted: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
        let mut times: BTreeMap<&'static str, usize> = BTreeMap::new();
        for name in wanted {
            *times.entry(name).or_default() += 1;
        }
        let missing = times
            .into_iter()
            .filter(|(name, times)| *times >= ENOUGH && self.of(name) == 0);
        missing.map(|(name, _)| name).collect()
    }
}

/// The name of the count that shows the effect of a fault.
pub(crate) fn shown_by(fault: &Fault) -> &'static str {
    match fault {
        Fault::KillNode { .. } => "nodes killed",
        Fault::DrainNode { .. } => "nodes drained",
        Fault::OlderNode { .. } => TAKEN_OVER,
        Fault::PauseNode { .. } => "nodes paused",
        Fault::StepClock { .. } => "clocks seen to step",
        Fault::StopPostgres => "times PostgreSQL stopped",
        Fault::KillPostgres => "times PostgreSQL killed",
        Fault::PausePostgres => "times PostgreSQL paused",
        Fault::TerminateBackends => "sessions terminated",
        Fault::CrashBeforeFlush => "folds taken back by a crash",
        Fault::ReadOnlyPostgres => "times PostgreSQL was seen read-only",
        Fault::LockTable { .. } => "sessions that waited for a locked table",
        Fault::Restore { .. } => "events that a back-up lacked",
        Fault::AddLanes { .. } => ADDED,
        Fault::FlushRedis => "keys of Redis flushed",
        Fault::KillRedis => "times Redis killed",
        Fault::PauseRedis => "times Redis paused",
        Fault::Link { end, weather, .. } => match (end, weather) {
            (End::Postgres, Weather::Cut) => "connections to PostgreSQL cut",
            (End::Postgres, Weather::Stalled) => "chunks to PostgreSQL held",
            (End::Postgres, Weather::Silent) => "chunks to PostgreSQL dropped",
            (End::Postgres, Weather::Delayed { .. }) => "chunks to PostgreSQL late",
            (End::Redis, Weather::Cut) => "connections to Redis cut",
            (End::Redis, Weather::Stalled) => "chunks to Redis held",
            (End::Redis, Weather::Silent) => "chunks to Redis dropped",
            (End::Redis, Weather::Delayed { .. }) => "chunks to Redis late",
            (End::Clients, Weather::Cut) => "connections of clients cut",
            (End::Clients, Weather::Stalled) => "chunks to clients held",
            (End::Clients, Weather::Silent) => "chunks to clients dropped",
            (End::Clients, Weather::Delayed { .. }) => "chunks to clients late",
        },
        Fault::ReconnectStorm => "clients dropped",
        Fault::StallReader { .. } => HELD_BACK,
        Fault::SlowReader { .. } => "events taken slowly",
        Fault::Replace { .. } => "devices replaced",
        Fault::Away { .. } => "events missed while away",
        Fault::Remove { .. } => "removed while away",
        Fault::CutCatchUp { .. } => "catch-ups that the network ended",
        Fault::Hostile { how, .. } => how.effect(),
        Fault::RetryStorm { .. } => "repeats answered",
        Fault::OpenTogether => "conversations opened from both sides",
    }
}

impl fmt::Display for Effects {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self
            .0
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        out.write_str(&counts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_was_planned_often_and_did_nothing_is_named() {
        let mut effects = Effects::default();
        let planned = || {
            let flushes = std::iter::repeat_n(Fault::FlushRedis, ENOUGH);
            flushes.chain([Fault::KillRedis])
        };
        assert_eq!(effects.missing(planned()), ["keys of Redis flushed"]);
        effects.add("keys of Redis flushed", 4);
        assert_eq!(effects.missing(planned()), [""; 0]);
    }

    #[test]
    fn a_command_of_a_scene_that_was_played_often_and_that_nobody_was_acked_is_named() {
        let mut effects = Effects::default();
        let scene = Scene::of(0);
        let (last, others) = scene.commands().split_last().expect("it has commands");
        for command in others.iter().copied() {
            effects.add(command, 1);
        }
        let played = |times| std::iter::repeat_n(scene, times);
        assert_eq!(effects.unsaid(played(ENOUGH)), [*last]);
        assert_eq!(effects.unsaid(played(ENOUGH - 1)), [""; 0]);
    }

    #[test]
    fn counters_of_nodes_are_summed() {
        let mut effects = Effects::default();
        let metrics = "# TYPE tidings_outbox_overflows_total counter\ntidings_outbox_overflows_total 3\n\
                       tidings_connections_closed_total{code=\"4001\"} 2\ntidings_connections_closed_total{code=\"1000\"} 9\n";
        effects.scrape(metrics);
        effects.scrape(metrics);
        assert_eq!(effects.to_string(), "10 slow clients noticed");
    }
}
