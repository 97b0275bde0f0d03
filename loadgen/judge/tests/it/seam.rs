//! What the workload makes of servers that keep their promises, and of those that do not.

use crate::memory::{Fault, Memory};
use crate::small;
use tidings_journal::{CheckError, Fault as Found};
use tidings_judge::{Counts, judge};
use tokio::task::JoinSet;

async fn judged(fault: Fault) -> anyhow::Result<Counts> {
    let dir = tempfile::tempdir().unwrap();
    let mut size = small();
    if matches!(
        fault,
        Fault::Loses | Fault::Forgets | Fault::Mute | Fault::LeavesReadsOpen
    ) {
        // What is lost does not come, however long one waits; what is merely late must not look lost.
        size.patience = 20;
    }
    judge(&Memory::new(fault), 7, &size, dir.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_keeps_its_promises_passes() {
    let counts = judged(Fault::None).await.unwrap();
    assert_eq!(counts.acked, counts.sent);
    assert!(
        counts.sent > 100 && counts.delivered > counts.sent && counts.connections > 8,
        "{counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_breaks_one_is_found_out() {
    let planted = [
        (Fault::Loses, &[Found::Lost][..]),
        (Fault::Repeats, &[Found::ShownAgain]),
        (Fault::Swaps, &[Found::Hole, Found::ShownAgain]),
        (Fault::Changes, &[Found::Altered]),
        (
            Fault::Forgets,
            &[Found::Hole, Found::CaughtUpShort, Found::NotShown],
        ),
        (Fault::Miscounts, &[Found::Unread]),
    ];
    let mut running = JoinSet::new();
    for (fault, fitting) in planted {
        running.spawn(async move { (fault, fitting, judged(fault).await) });
    }
    while let Some(done) = running.join_next().await {
        let (fault, fitting, judged) = done.unwrap();
        let error = judged.expect_err("a fault was planted");
        match error.downcast_ref() {
            Some(CheckError::Wrong(example)) => {
                assert!(
                    fitting.contains(&example.fault),
                    "{fault:?} was found as {example}"
                );
            }
            _ => panic!("{fault:?}: {error:#}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_proves_little_does_not_pass() {
    let planted = [
        (Fault::Mute, "the run did not come to rest"),
        (Fault::LeavesReadsOpen, "the run did not come to rest"),
        (
            Fault::TurnsAway,
            "messages were acked; what is in doubt proves little",
        ),
        (Fault::IsPutRight, "the adapter put the server right"),
    ];
    let mut running = JoinSet::new();
    for (fault, fitting) in planted {
        running.spawn(async move { (fault, fitting, judged(fault).await) });
    }
    while let Some(done) = running.join_next().await {
        let (fault, fitting, judged) = done.unwrap();
        let error = judged.expect_err("nothing was proved").to_string();
        assert!(error.contains(fitting), "{fault:?}: {error}");
    }
}
