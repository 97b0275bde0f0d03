//! What clients do under faults, by schedules made by hand: each has the effect that it is there for, and leaves nothing to
//! complain of.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use tidings_chaos::{Conditions, Effects, Fault, Plan, Step, play};
use tidings_stand::find_program;

const CONDITIONS: Conditions = Conditions {
    lanes: 2,
    catch_up_events: 100,
    outbox_events: 64,
    heartbeat_ms: 25_000,
    slow_ms: 1000,
    delivered_ms: 200,
    read_gather_ms: 100,
};

/// Plays these faults, each after so many milliseconds and for so many.
async fn played(seed: u64, seconds: u64, steps: &[(u64, u64, Fault)]) -> Effects {
    let steps = steps.iter().map(|(at, lasts, fault)| Step {
        at: Duration::from_millis(*at),
        fault: fault.clone(),
        lasts: Duration::from_millis(*lasts),
    });
    let plan = Plan {
        seed,
        length: Duration::from_secs(seconds),
        conditions: CONDITIONS,
        steps: steps.collect(),
    };
    let keep = std::env::temp_dir().join("tidings-chaos-tests");
    let outcome = Box::pin(play(&plan, &find_program().unwrap(), &keep))
        .await
        .unwrap();
    assert!(
        outcome.passed(),
        "{:#?}\n{plan}\nevidence: {:?}",
        outcome.problems,
        outcome.evidence
    );
    outcome.effects
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_every_kind_are_carried_out_once_wherever_they_are_repeated() {
    let effects = played(
        9001,
        5,
        &[
            (100, 2500, Fault::RetryStorm { commands: 12 }),
            (300, 1500, Fault::OpenTogether),
            (1500, 300, Fault::KillNode { node: 1 }),
            (2500, 0, Fault::TerminateBackends),
        ],
    )
    .await;
    for kind in [
        "direct.open",
        "group.create",
        "group.add",
        "group.remove",
        "group.leave",
        "group.rename",
        "group.role",
        "message.send",
        "read",
        "fetch",
        "typing shown",
        "repeats answered",
        "conversations opened from both sides",
    ] {
        assert!(effects.of(kind) > 0, "no {kind}: {effects}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lags_or_is_removed_while_away_is_told_of_all_that_is_owed() {
    let remove = |bare, keeps, again| Fault::Remove { bare, keeps, again };
    let effects = played(
        9002,
        12,
        &[
            (100, 2000, Fault::Away { device: 0 }),
            (
                200,
                3000,
                Fault::SlowReader {
                    device: 1,
                    pause_ms: 40,
                },
            ),
            // Long enough that they are still away when their removal is acked, on a busy machine too.
            (100, 6000, remove(2, true, true)),
            (200, 6000, remove(3, false, true)),
            (7500, 4000, remove(2, true, false)),
            (7600, 4000, remove(3, false, false)),
        ],
    )
    .await;
    for effect in [
        "events missed while away",
        "events taken slowly",
        "removed while away",
    ] {
        assert!(effects.of(effect) > 0, "no {effect}: {effects}");
    }
}
