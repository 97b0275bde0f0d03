//! What clients do under faults, by schedules made by hand: each has the effect that it is there for, and leaves nothing to
//! complain of.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod stage;

use std::time::Duration;

use stage::{has_effects, steps};
use tidings_chaos::{Conditions, Fault, Plan};

const CONDITIONS: Conditions = Conditions {
    lanes: 2,
    catch_up_events: 100,
    outbox_events: 64,
    heartbeat_ms: 25_000,
    slow_ms: 1000,
    delivered_ms: 200,
    read_gather_ms: 100,
};

/// Plays these faults until each of the effects is there.
async fn made_by_hand(seed: u64, seconds: u64, faults: &[(u64, u64, Fault)], wanted: &[&str]) {
    let plan = Plan {
        seed,
        length: Duration::from_secs(seconds),
        conditions: CONDITIONS,
        steps: steps(faults),
    };
    has_effects(&plan, wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_every_kind_are_carried_out_once_wherever_they_are_repeated() {
    let faults = [
        (100, 2500, Fault::RetryStorm { commands: 13 }),
        (300, 1500, Fault::OpenTogether),
        (1500, 300, Fault::KillNode { node: 1 }),
        (2500, 0, Fault::TerminateBackends),
    ];
    let wanted = [
        "direct.open",
        "group.create",
        "group.add",
        "group.remove",
        "group.leave",
        "group.rename",
        "group.role",
        "message.send",
        "message.pin",
        "read",
        "fetch",
        "typing shown",
        "repeats answered",
        "conversations opened from both sides",
    ];
    made_by_hand(9001, 5, &faults, &wanted).await;
}

/// Plays the scene of a seed while a node and the sessions with the log end, until each of its commands was acked.
async fn scene(seed: u64, wanted: &[&str]) {
    let faults = [
        (700, 1000, Fault::KillNode { node: 2 }),
        (1500, 0, Fault::TerminateBackends),
    ];
    made_by_hand(seed, 4, &faults, wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_are_to_one_another_is_the_same_at_every_node_whatever_breaks() {
    let wanted = [
        "profile.update",
        "settings.update",
        "contact.request",
        "contact.accept",
        "contact.decline",
        "contact.withdraw",
        "contact.remove",
        "user.block",
        "refused as it should be",
    ];
    scene(9005, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_invited_comes_in_once_or_not_whatever_breaks() {
    let wanted = [
        "group.invite",
        "group.accept",
        "group.decline",
        "group.withdraw",
        "refused as it should be",
    ];
    scene(9006, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_let_in_whom_they_should_whatever_breaks() {
    let wanted = [
        "group.link.create",
        "group.link.revoke",
        "group.join",
        "group.settings",
        "group.approve",
        "group.refuse",
        "refused as it should be",
    ];
    scene(9007, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_banned_or_put_out_is_so_at_every_node_whatever_breaks() {
    let wanted = [
        "group.mute",
        "group.ban",
        "group.unban",
        "group.transfer",
        "refused as it should be",
    ];
    scene(9008, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_is_so_once_and_only_moderators_see_it_whatever_breaks() {
    let wanted = [
        "report.send",
        "acked to no effect",
        "refused as it should be",
        "reports that two moderators settled at once",
        "reports settled while another moderator withheld",
        "messages reported while they were edited",
    ];
    scene(9009, &wanted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lags_or_is_removed_while_away_is_told_of_all_that_is_owed() {
    let remove = |bare, keeps, again| Fault::Remove { bare, keeps, again };
    let faults = [
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
    ];
    let wanted = [
        "events missed while away",
        "events taken slowly",
        "removed while away",
    ];
    made_by_hand(9002, 12, &faults, &wanted).await;
}
