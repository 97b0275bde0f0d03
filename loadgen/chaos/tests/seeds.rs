//! Schedules are functions of their seeds, and a few of them played against real servers leave nothing to complain of.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::time::Duration;

use tidings_chaos::{Fault, Plan, play};
use tidings_stand::find_program;

const LENGTH: Duration = Duration::from_secs(6);

#[test]
fn a_seed_is_one_schedule_and_another_seed_another() {
    for seed in 0..50 {
        let plan = Plan::new(seed, LENGTH);
        assert_eq!(plan, Plan::new(seed, LENGTH));
        assert_ne!(plan.steps, Plan::new(seed + 1, LENGTH).steps);
        assert!(plan.steps.iter().all(|step| step.at < LENGTH));
        assert!(plan.steps.is_sorted_by_key(|step| step.at));
    }
}

#[test]
fn every_kind_of_fault_is_in_some_schedule() {
    let kinds: BTreeSet<String> = (0..100)
        .flat_map(|seed| Plan::new(seed, LENGTH).steps)
        .map(|step| kind(&step.fault))
        .collect();
    let all = [
        "Away",
        "DrainNode",
        "FlushRedis",
        "KillNode",
        "KillPostgres",
        "KillRedis",
        "Link",
        "OpenTogether",
        "PauseNode",
        "PausePostgres",
        "PauseRedis",
        "ReconnectStorm",
        "Remove",
        "Replace",
        "RetryStorm",
        "SlowReader",
        "StallReader",
        "StepClock",
        "StopPostgres",
        "TerminateBackends",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

fn kind(fault: &Fault) -> String {
    let shown = format!("{fault:?}");
    let name = shown.split([' ', '{']).next();
    name.unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_seeds_pass() {
    played(&[1, 2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_seeds_pass() {
    played(&[3, 4]).await;
}

async fn played(seeds: &[u64]) {
    let program = find_program().unwrap();
    let keep = std::env::temp_dir().join("tidings-chaos-tests");
    for seed in seeds {
        let plan = Plan::new(*seed, LENGTH);
        let outcome = Box::pin(play(&plan, &program, &keep)).await.unwrap();
        assert!(
            outcome.passed(),
            "{:#?}\n{plan}\nevidence: {:?}",
            outcome.problems,
            outcome.evidence
        );
        assert!(outcome.faults > 0 && outcome.acked > 0 && outcome.reconnects > 0);
        assert!(outcome.acked <= outcome.messages);
    }
}
