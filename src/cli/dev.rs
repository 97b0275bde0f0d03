//! `tidings dev`: a private PostgreSQL and Redis, a node on them, and demo users.

use super::serve::{migrate, until_signal};
use crate::accounts;
use crate::config::Config;
use crate::node::Node;
use anyhow::Context as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;
use tidings_services::{Postgres, PostgresOptions, Profile, Redis, RedisOptions};

/// The database's name in the private PostgreSQL.
pub(super) const DATABASE: &str = "tidings";

/// How often the private services are looked after, and at most how seldom when they do not start.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_MAX: Duration = Duration::from_mins(1);

/// Runs until a signal, and stops the private services after the node.
pub(super) async fn run(mut config: Config, data: &Path) -> anyhow::Result<()> {
    make_private(data).with_context(|| format!("the data directory {} cannot be made", data.display()))?;
    let data = data.canonicalize()?;
    let postgres = Postgres::start(&data.join("postgres"), PostgresOptions::new(Profile::Durable)).await?;
    postgres.ensure_database(DATABASE).await?;
    let redis = Redis::start(&data.join("redis"), RedisOptions::default()).await?;
    config.database_url = Some(postgres.url(DATABASE));
    // Here one address is everybody: whatever is tried out registers its people at once.
    let limits = &mut config.auth.limits;
    limits.registrations_per_s = limits.registrations_per_s.max(1_000);
    config.redis_url = Some(redis.url(0));
    // Where nothing else was said.
    if config.attachments.folder.is_relative() {
        config.attachments.folder = data.join(&config.attachments.folder);
    }

    let served = tokio::select! {
        served = serve(config) => served,
        () = keep(&postgres, &redis) => Ok(()),
    };
    redis.stop().await?;
    postgres.stop().await?;
    served
}

/// Makes a directory that is its owner's alone, or makes it so. The servers of root run as somebody else, who passes through
/// it and sees nothing there.
fn make_private(dir: &Path) -> std::io::Result<()> {
    fs::create_dir_all(dir)?;
    let found = fs::metadata(dir)?;
    let mode = if found.uid() == 0 { 0o711 } else { 0o700 };
    fs::set_permissions(dir, Permissions::from_mode(mode))
}

/// Starts a server again that has died. The node goes on by itself when it is back.
async fn keep(postgres: &Postgres, redis: &Redis) {
    let mut pause = LOOK;
    loop {
        tokio::time::sleep(pause).await;
        let mut restarted = Ok(());
        if postgres.pid().is_none() {
            tracing::warn!(log = %postgres.log_path().display(), "PostgreSQL has ended; starting it again");
            restarted = postgres.restart().await;
        }
        if redis.pid().is_none() {
            tracing::warn!(log = %redis.log_path().display(), "Redis has ended; starting it again");
            restarted = restarted.and(redis.restart().await);
        }
        pause = match restarted {
            Ok(()) => LOOK,
            Err(error) => {
                tracing::error!(%error, "failed");
                (pause * 2).min(LOOK_MAX)
            }
        };
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    migrate(&config).await?;
    let node = Node::start(config).await?;
    let demo = accounts::demo::create(node.accounts())
        .await
        .context("the demo users cannot be made")?;
    let base = format!("http://{}", node.address());
    println!("chat page            {base}/");
    println!("GraphQL playground   {base}/graphql");
    println!("health and metrics   {base}/readyz  {base}/metrics");
    println!(
        "demo users           {} (password {})",
        demo.usernames.join(", "),
        demo.password
    );
    println!("ready {base}/");
    until_signal(node).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_directory_can_be_read_by_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        // Made anew, and found open.
        for _ in 0..2 {
            make_private(&data).unwrap();
            let mode = fs::metadata(&data).unwrap().permissions().mode();
            assert_eq!(mode & 0o066, 0, "{mode:o}");
            fs::set_permissions(&data, Permissions::from_mode(0o777)).unwrap();
        }
    }
}
