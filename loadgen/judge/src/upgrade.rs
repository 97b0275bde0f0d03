//! An upgrade as it is done: node after node ends and comes back as another build, while people talk.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_stand::Stand;
use tokio::time::{Instant, sleep_until};

/// A node may take so long to end.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// Read models of all that was said are compared with the log.
const VERIFY_LIMIT: Duration = Duration::from_mins(5);

/// Replaces all nodes, one at a time, at equal distances over the time of the traffic. Until the last one has gone, both builds serve.
/// Answers how long it took.
///
/// # Errors
/// When a node does not come back.
pub async fn upgrade(stand: &Stand, newer: &Path, traffic: Duration) -> Result<Duration> {
    let nodes = stand.nodes();
    let start = Instant::now();
    let step = traffic / u32::try_from(nodes.len() + 1)?;
    for (number, node) in (1..).zip(nodes) {
        sleep_until(start + step * number).await;
        let stopped = start.elapsed();
        node.stop(STOP_LIMIT).await;
        node.exchange(newer.to_owned());
        node.launch(&[]).await?;
        let ready = node.ready().await;
        ready.with_context(|| format!("node {number} did not come back as the newer build"))?;
        println!(
            "node {number} ended after {stopped:.1?}, and was ready as the newer build after {:.1?}",
            start.elapsed()
        );
    }
    Ok(start.elapsed())
}

/// Compares the read models with the log, as the newer build does.
pub(crate) async fn verify(stand: &Stand) -> Result<()> {
    let node = stand.nodes().first().context("a stand without a node")?;
    let printed = node.run(&["verify"], VERIFY_LIMIT).await?;
    println!("{}", printed.trim());
    Ok(())
}
