//! `loadgen chaos`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::stream::{self, StreamExt as _};
use tidings_stand::{Clock, find_program};
use tokio::time::Instant;

use crate::company::Scene;
use crate::effects::Effects;
use crate::plan::Plan;
use crate::planted::find_all;
use crate::run::{Outcome, is_possible, play};

/// Options of `loadgen chaos`.
#[derive(clap::Args)]
pub struct Args {
    /// Plays one seed.
    #[arg(long, conflicts_with_all = ["seeds", "from"], required_unless_present_any = ["seeds", "planted"])]
    seed: Option<u64>,
    /// Plays so many seeds, one after the other.
    #[arg(long)]
    seeds: Option<u64>,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Seeds that are played at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Seconds of traffic in each; another length is another schedule.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=600))]
    length: u64,
    /// Prints the schedules and plays nothing.
    #[arg(long)]
    plan: bool,
    /// Plants faults in the nodes, all or those named, and fails unless each is found within ten seeds. The `tidings` program must
    /// have been built with the feature `planted`.
    #[arg(long, num_args = 0.., value_name = "NAME", conflicts_with_all = ["seed", "seeds", "from", "plan"])]
    planted: Option<Vec<String>>,
    /// Where the evidence of failures goes, a directory for each seed [default: in the temporary directory].
    #[arg(long)]
    keep: Option<PathBuf>,
}

impl Args {
    fn seeds(&self) -> Vec<u64> {
        match (self.seed, self.seeds) {
            (Some(seed), _) => vec![seed],
            (None, count) => (self.from..).take(count.unwrap_or(1) as usize).collect(),
        }
    }
}

/// Plays the seeds. An error says which failed.
pub async fn run(args: Args) -> Result<()> {
    let length = Duration::from_secs(args.length);
    let plans = args.seeds().into_iter().map(|seed| Plan::new(seed, length));
    if args.plan {
        plans.for_each(|plan| println!("{plan}"));
        return Ok(());
    }
    if !Clock::is_available() {
        eprintln!("clock steps are left out: the library libfaketime is not installed");
    }
    let program = find_program()?;
    let keep = args
        .keep
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join("tidings-chaos"));
    if let Some(only) = &args.planted {
        return find_all(only, length, &program, &keep).await;
    }
    let played = stream::iter(plans).map(async |plan| {
        let started = Instant::now();
        let outcome = Box::pin(play(&plan, &program, &keep)).await;
        (plan, outcome, started.elapsed())
    });
    let mut played = std::pin::pin!(played.buffer_unordered(args.jobs.max(1)));
    let (mut passed, mut failed) = (0_u64, Vec::new());
    let (mut effects, mut planned) = (Effects::default(), Vec::new());
    let mut scenes = Vec::new();
    while let Some((plan, outcome, took)) = played.next().await {
        let seed = plan.seed;
        if let Ok(outcome) = &outcome {
            effects.merge(&outcome.effects);
            scenes.push(Scene::of(seed));
            planned.extend(plan.steps.into_iter().map(|step| step.fault).filter(is_possible));
        }
        match outcome {
            Ok(outcome) if outcome.passed() => {
                passed += 1;
                report(&outcome, took, "PASS");
            }
            Ok(outcome) => {
                failed.push(seed);
                report(&outcome, took, "FAIL");
                explain(&outcome, args.length);
            }
            Err(error) => {
                failed.push(seed);
                println!("seed {seed}: FAIL, could not be played: {error:#}");
            }
        }
    }
    println!("effects: {effects}");
    if failed.is_empty() {
        let missing = effects.missing(planned);
        let unsaid = effects.unsaid(scenes);
        if !missing.is_empty() || !unsaid.is_empty() {
            let missing = [missing, unsaid].concat();
            bail!(
                "{passed} passed, but some of what was planned had no effect: no {}",
                missing.join(", no ")
            );
        }
        println!("{passed} PASS");
        return Ok(());
    }
    failed.sort_unstable();
    let failed: Vec<_> = failed.iter().map(u64::to_string).collect();
    bail!("{passed} passed; failed: {}", failed.join(", "))
}

fn report(outcome: &Outcome, took: Duration, verdict: &str) {
    println!(
        "seed {}: {} faults, {} messages, {} acked, {} reconnects, {:.0} s: {verdict}",
        outcome.seed,
        outcome.faults,
        outcome.messages,
        outcome.acked,
        outcome.reconnects,
        took.as_secs_f64(),
    );
    if let Some(heard) = &outcome.heard {
        println!("  {heard}");
    }
}

fn explain(outcome: &Outcome, length: u64) {
    for problem in &outcome.problems {
        println!("  {}", problem.replace('\n', "\n  "));
    }
    if let Some(evidence) = &outcome.evidence {
        println!("  evidence: {}", evidence.display());
    }
    println!(
        "  to replay: tidings-loadgen chaos --seed {} --length {length}",
        outcome.seed
    );
}
