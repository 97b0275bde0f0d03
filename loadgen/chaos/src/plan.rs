//! What goes wrong when: a pure function of the seed.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::conditions::Conditions;
use crate::fault::{Fault, Kind, Target};

/// How often a fault is drawn anew when its target is taken.
const DRAWS: usize = 8;
/// How long a target is left alone between two faults.
const REST: Duration = Duration::from_millis(200);

/// Heartbeats where clients are cut off silently.
const HEARTBEAT_MS: u64 = 500;

/// The schedule of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// How long there is traffic, and within which all faults begin.
    pub length: Duration,
    pub conditions: Conditions,
    /// By time.
    pub steps: Vec<Step>,
}

/// One fault of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// After the start of the traffic.
    pub at: Duration,
    pub fault: Fault,
    pub lasts: Duration,
}

impl Plan {
    /// The schedule of a seed.
    pub fn new(seed: u64, length: Duration) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut conditions = Conditions::draw(&mut random);
        let count = random.random_range(length.mul_f64(0.8).as_secs()..=length.mul_f64(1.5).as_secs());
        // A run shows many kinds of faults rather than one often.
        let mut bag = Kind::BAG;
        bag.shuffle(&mut random);
        let kinds = bag.iter().cycle().take(count as usize);
        let mut taken: Vec<(Target, Duration, Duration)> = Vec::new();
        let mut steps = Vec::new();
        for kind in kinds {
            let free = (0..DRAWS).find_map(|_| {
                let (fault, lasts) = kind.draw(&mut random);
                let at = length.mul_f64(random.random_range(0.05..0.9));
                let at = Duration::from_millis(at.as_millis() as u64);
                let targets = fault.targets();
                let busy = taken.iter().any(|(target, from, to)| {
                    targets.contains(target) && at < *to + REST && *from < at + lasts + REST
                });
                (!busy).then_some((Step { at, fault, lasts }, targets))
            });
            if let Some((step, targets)) = free {
                let ends = step.at + step.lasts;
                taken.extend(targets.into_iter().map(|target| match target {
                    Target::TimeLine => (target, Duration::ZERO, 2 * length),
                    target => (target, step.at, ends),
                }));
                steps.push(step);
            }
        }
        steps.sort_by_key(|step| step.at);
        // Whoever is cut off without a word learns it by heartbeats, and nobody waits a minute for those.
        if steps.iter().any(|step| step.fault.is_felt_by_heartbeats()) {
            conditions.heartbeat_ms = conditions.heartbeat_ms.min(HEARTBEAT_MS);
        }
        Self {
            seed,
            length,
            conditions,
            steps,
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.length.as_secs_f64();
        writeln!(
            out,
            "seed {}, {seconds} s of traffic; {}",
            self.seed, self.conditions
        )?;
        writeln!(out, "{:>8}  {:>6}  what", "at (s)", "for (s)")?;
        for Step { at, fault, lasts } in &self.steps {
            writeln!(
                out,
                "{:8.3}  {:7.3}  {fault}",
                at.as_secs_f64(),
                lasts.as_secs_f64()
            )?;
        }
        Ok(())
    }
}
