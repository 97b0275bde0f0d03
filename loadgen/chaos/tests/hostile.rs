//! Neighbours of those who misbehave do not feel it, by a comparison with how it was for them in between.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use tidings_chaos::{Hostility, Siege, besiege};
use tidings_stand::find_program;

/// How much longer a message may take, in the middle. Sharing the processors costs some of it, and a server that was built without
/// optimisation has more to share; starving costs more.
const RATIO: u32 = if cfg!(debug_assertions) { 20 } else { 5 };
/// A talk that was faster than this is taken for as fast: ratios of next to nothing say nothing.
const FLOOR: Duration = Duration::from_millis(40);
/// What the node's memory may grow by, in KiB.
const GROWTH_KIB: u64 = 200 << 10;

/// How often those who were felt, or did not come to a limit in their time, are let loose: who starves others does so each time, a
/// busy machine does not.
const TRIES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_of_those_who_misbehave_do_not_feel_it() {
    let mut ways = Hostility::ALL.to_vec();
    for _ in 1..TRIES {
        let sieges = besieged(&ways).await;
        ways = sieges
            .iter()
            .filter(|siege| is_felt(siege) || !is_limited(siege))
            .map(|siege| siege.hostility)
            .collect();
        if ways.is_empty() {
            return;
        }
    }
    for siege in besieged(&ways).await {
        assert!(is_limited(&siege), "not limited: {siege:?}");
        assert!(!is_felt(&siege), "{siege:?}");
    }
}

async fn besieged(ways: &[Hostility]) -> Vec<Siege> {
    let lasts = Duration::from_secs(3);
    let sieges = Box::pin(besiege(&find_program().unwrap(), ways, lasts))
        .await
        .unwrap();
    assert_eq!(sieges.len(), ways.len());
    for siege in &sieges {
        println!("{siege:?}");
        assert!(siege.messages > 0, "{siege:?}");
        assert!(siege.after_kib <= siege.before_kib + GROWTH_KIB, "{siege:?}");
    }
    sieges
}

/// Whether they came through, and met what stands against them.
fn is_limited(siege: &Siege) -> bool {
    let meets_a_rate = matches!(
        siege.hostility,
        Hostility::Typing | Hostility::Reads | Hostility::UnknownIds | Hostility::Graphql
    );
    let is_flood = siege.hostility == Hostility::Endless;
    siege.came_through > 0 && (siege.refused > 0 || !meets_a_rate) && (siege.sent_away > 0 || !is_flood)
}

fn is_felt(siege: &Siege) -> bool {
    siege.besieged > RATIO * siege.calm.max(FLOOR)
}
