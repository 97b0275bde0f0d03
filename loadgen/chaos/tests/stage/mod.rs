//! Plays plans against real servers. Whatever chance brings, every run must pass.

use std::time::Duration;

use tidings_chaos::{Effects, Fault, Plan, Step, play};
use tidings_stand::find_program;

/// How often a plan made by hand is played until it has its effects.
const RUNS: usize = 4;

/// The steps of a plan made by hand: each fault after so many milliseconds and for so many.
pub(crate) fn steps(faults: &[(u64, u64, Fault)]) -> Vec<Step> {
    let step = |(at, lasts, fault): &(u64, u64, Fault)| Step {
        at: Duration::from_millis(*at),
        fault: fault.clone(),
        lasts: Duration::from_millis(*lasts),
    };
    faults.iter().map(step).collect()
}

/// Plays a plan until it has had each of the effects, in whichever run, which is left to chance; fails when there is one that it never had.
pub(crate) async fn has_effects(plan: &Plan, wanted: &[&str]) {
    let mut all = Effects::default();
    let has = |all: &Effects, effect: &&&str| all.of(effect) > 0;
    for _ in 0..RUNS {
        all.merge(&passes(plan).await);
        if wanted.iter().all(|effect| has(&all, &effect)) {
            return;
        }
    }
    let never: Vec<_> = wanted.iter().filter(|effect| !has(&all, effect)).collect();
    panic!("no {never:?}: {all}");
}

pub(crate) async fn passes(plan: &Plan) -> Effects {
    let program = find_program().unwrap();
    let keep = std::env::temp_dir().join("tidings-chaos-tests");
    let outcome = Box::pin(play(plan, &program, &keep)).await.unwrap();
    assert!(
        outcome.passed(),
        "{:#?}\n{plan}\nevidence: {:?}",
        outcome.problems,
        outcome.evidence
    );
    assert!(outcome.faults > 0 && outcome.acked > 0 && outcome.reconnects > 0);
    assert!(outcome.acked <= outcome.messages);
    outcome.effects
}
