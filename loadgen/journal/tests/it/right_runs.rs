//! What a server that keeps its promises leaves behind passes, whatever happened.

use crate::world::{Seqs, World, run};
use tidings_journal::Summary;

const SEEDS: u64 = 1200;

#[test]
fn right_runs_pass_and_hold_everything() {
    let mut sum = Summary::default();
    for seed in 0..SEEDS {
        let passed = run(seed)
            .check()
            .unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        sum.acked += passed.acked;
        sum.absent += passed.absent;
        sum.gaps += passed.gaps;
        sum.fetched += passed.fetched;
        sum.reads += passed.reads;
        sum.unread += passed.unread;
        sum.claims += passed.claims;
    }
    for much in [
        sum.acked,
        sum.absent,
        sum.gaps,
        sum.fetched,
        sum.reads,
        sum.unread,
        sum.claims,
    ] {
        assert!(much > SEEDS, "{sum:?}");
    }
}

#[test]
fn right_runs_of_a_server_without_seqs_pass() {
    for seed in 0..SEEDS {
        let run = World::new(seed, Seqs::Hidden).play();
        let passed = run.check().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        assert_eq!((passed.claims, passed.gaps), (0, 0));
    }
}
