//! A clock that goes on while the machine is suspended. The one that waits are measured with stands still then, and says nothing of what
//! others have done meanwhile.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
/// Elsewhere it goes on by itself.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// How long the machine has been up. Where a hypervisor stops it without telling it, no clock of its own counts that.
pub(crate) fn uptime() -> Duration {
    let time = clock_gettime(CLOCK);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
