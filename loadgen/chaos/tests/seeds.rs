//! Schedules are functions of their seeds, and a few of them played against real servers leave nothing to complain of.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stage;

use std::collections::BTreeSet;
use std::time::Duration;

use stage::{has_effects, passes, steps};
use tidings_chaos::{End, Fault, Plan, Weather};

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
        "AddLanes",
        "Away",
        "CrashBeforeFlush",
        "CutCatchUp",
        "DrainNode",
        "FlushRedis",
        "Hostile",
        "KillNode",
        "KillPostgres",
        "KillRedis",
        "Link",
        "LockTable",
        "OlderNode",
        "OpenTogether",
        "PauseNode",
        "PausePostgres",
        "PauseRedis",
        "ReadOnlyPostgres",
        "ReconnectStorm",
        "Remove",
        "Replace",
        "Restore",
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

/// What happens to the stores, one after the other, each with the effect that it is meant to have.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_a_flush_deceives_nobody() {
    let (crash, cut) = (
        Fault::CrashBeforeFlush,
        Fault::CutCatchUp { bare: 2, bytes: 5000 },
    );
    let steps = [(300, 2000, cut), (4000, 0, crash.clone()), (7000, 300, crash)];
    let wanted = ["folds taken back by a crash", "catch-ups that the network ended"];
    made_by_hand(9001, &steps, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_refuse_wait_or_are_forgotten_lose_nothing() {
    let silent = |node, end| Fault::Link {
        node,
        end,
        weather: Weather::Silent,
    };
    let locked = |table| Fault::LockTable { table };
    let steps = [
        (300, 0, Fault::AddLanes { lanes: 7 }),
        (500, 1500, Fault::ReadOnlyPostgres),
        (600, 1500, silent(0, End::Redis)),
        (1000, 1000, silent(1, End::Clients)),
        (2500, 1500, locked("log_lane")),
        (2600, 1500, silent(2, End::Postgres)),
        (4500, 1500, locked("p_conversations_3.conversation")),
    ];
    let wanted = [
        "events in added lanes",
        "times PostgreSQL was seen read-only",
        "sessions that waited for a locked table",
        "chunks to Redis dropped",
        "chunks to clients dropped",
        "chunks to PostgreSQL dropped",
    ];
    made_by_hand(9002, &steps, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_up_under_running_nodes_deceives_nobody() {
    gone_back(9003, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_up_under_nodes_that_start_on_it_deceives_nobody() {
    gone_back(9004, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_knows_a_kind_less_holds_and_a_newer_one_takes_over() {
    let older = |kind| Fault::OlderNode { node: 0, kind };
    let steps = [(1000, 1000, older("cursors.moved"))];
    // People talk for longer than a node takes to start on a busy machine: it is their cursors that it does not know.
    let mut plan = Plan::new(9005, Duration::from_secs(24));
    plan.conditions.heartbeat_ms = 500;
    plan.steps = self::steps(&steps);
    has_effects(&plan, &["read models taken over from an older node"]).await;
}

async fn gone_back(seed: u64, stopped: bool) {
    let steps = [(2000, 2000, Fault::Restore { stopped })];
    made_by_hand(
        seed,
        &steps,
        &["events that a back-up lacked", "cursors set back"],
    )
    .await;
}

/// Plays these faults and nothing else, until each of the effects is there.
async fn made_by_hand(seed: u64, faults: &[(u64, u64, Fault)], wanted: &[&str]) {
    let mut plan = Plan::new(seed, Duration::from_secs(8));
    plan.conditions.heartbeat_ms = 500;
    plan.steps = steps(faults);
    has_effects(&plan, wanted).await;
}

async fn played(seeds: &[u64]) {
    for seed in seeds {
        passes(&Plan::new(*seed, LENGTH)).await;
    }
}
