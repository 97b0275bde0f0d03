//! `tidings serve` and `tidings migrate`, and what `tidings dev` shares with them.

use crate::config::Config;
use crate::node::Node;
use anyhow::Context as _;
use tidings_domain::stored::leave_out;
use tidings_eventlog::schema;

/// Serves until a signal, on a database that is migrated first where `migrates` says so.
pub(super) async fn run(config: Config, migrates: bool) -> anyhow::Result<()> {
    if migrates {
        migrate(&config).await?;
    }
    leave_out(config.left_out());
    let node = Node::start(config).await?;
    println!("ready http://{}/", node.address());
    until_signal(node).await
}

/// Migrates the configured database.
pub(super) async fn migrate(config: &Config) -> anyhow::Result<u32> {
    let log_config = config.log()?;
    let version = schema::migrate(&log_config, config.lanes)
        .await
        .context("the database cannot be migrated")?;
    tidings_projections::setup(&log_config.pool()?)
        .await
        .context("the read models cannot be made")?;
    Ok(version)
}

/// Serves until SIGTERM or SIGINT, then drains. A second signal ends at once.
pub(super) async fn until_signal(node: Node) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let draining = node.gateway().lifecycle.draining();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = draining.cancelled() => {}
    }
    tracing::info!("going away");
    node.shut_down();
    tokio::select! {
        () = node.stopped() => {}
        _ = terminate.recv() => tracing::warn!("a second signal: ending at once"),
        _ = interrupt.recv() => tracing::warn!("a second signal: ending at once"),
    }
    Ok(())
}
