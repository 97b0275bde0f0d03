//! Neighbours of those who misbehave do not feel it, by a comparison with how it was for them just before.

use std::time::Duration;

use tidings_chaos::{Hostility, Siege, besiege};
use tidings_stand::find_program;

/// How much longer a message may take, in the middle. Sharing the processors costs some of it; starving costs more.
const RATIO: u32 = 20;
/// A talk that was faster than this is taken for as fast: ratios of next to nothing say nothing.
const FLOOR: Duration = Duration::from_millis(250);
/// What the node's memory may grow by, in KiB.
const GROWTH_KIB: u64 = 200 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_of_those_who_misbehave_do_not_feel_it() {
    let lasts = Duration::from_secs(3);
    let sieges = Box::pin(besiege(&find_program().unwrap(), &Hostility::ALL, lasts))
        .await
        .unwrap();
    assert_eq!(sieges.len(), Hostility::ALL.len());
    for siege in &sieges {
        println!("{siege:?}");
    }
    for siege in sieges {
        let Siege {
            calm,
            besieged,
            before_kib,
            after_kib,
            ..
        } = siege;
        assert!(siege.came_through > 0 && siege.messages > 0, "{siege:?}");
        assert!(besieged <= RATIO * calm.max(FLOOR), "{siege:?}");
        assert!(after_kib <= before_kib + GROWTH_KIB, "{siege:?}");
    }
}
