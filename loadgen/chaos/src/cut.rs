//! A new device under which the network dies while it is being caught up: the node has written more than ever arrives, and hears
//! of nothing.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tidings_journal::Journal;
use tidings_services::ChaosProxy;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::http::Person;
use crate::scribe::Clock;
use crate::wire;
use crate::witness::Witness;

/// How long the device tries to come, and then waits for the end.
const LIMIT: Duration = Duration::from_secs(20);
/// After such a silence all that came through has come.
const QUIET: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(50);

/// What is left.
pub(crate) struct Dead {
    /// Whether the network died before the device did.
    pub(crate) cut: bool,
    pub(crate) journal: Journal,
    /// To be kept: the node is not told.
    pub(crate) network: ChaosProxy,
}

/// Lives through it, with `bytes` from the node to the device. `name` tells its journal apart.
pub(crate) async fn die_in_catch_up(
    node: SocketAddr,
    person: &Person,
    name: &str,
    bytes: u64,
    clock: Clock,
) -> Result<Dead> {
    let network = ChaosProxy::narrow(node)?;
    network.strand_after(bytes);
    let mut witness = Witness::new(clock, person, "cut", name, network.address());
    let deadline = Instant::now() + LIMIT;
    // What is cut off before the welcome waits for it in vain.
    while !matches!(timeout(wire::LIMIT, witness.come()).await, Ok(Ok(_)))
        && network.harm().held == 0
        && Instant::now() < deadline
    {
        sleep(PAUSE).await;
    }
    while let Ok(Ok(_)) = timeout_at(deadline, witness.next()).await {
        if network.harm().held > 0 {
            while let Ok(Ok(_)) = timeout(QUIET, witness.next()).await {}
            break;
        }
    }
    Ok(Dead {
        cut: network.harm().held > 0,
        journal: witness.close(),
        network,
    })
}
