//! `tidings dev`: a private PostgreSQL and Redis, a node on them, and demo users.

use crate::auth;
use crate::cli;
use crate::config::Config;
use crate::node::Node;
use anyhow::Context as _;
use std::path::Path;
use tidings_services::{Postgres, PostgresOptions, Profile, Redis, RedisOptions};

/// The database's name in the private PostgreSQL.
pub const DATABASE: &str = "tidings";

/// Runs until a signal, and stops the private services after the node.
pub async fn run(mut config: Config, data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(data)
        .with_context(|| format!("the data directory {} cannot be made", data.display()))?;
    let data = data.canonicalize()?;
    let postgres = Postgres::start(&data.join("postgres"), PostgresOptions::new(Profile::Durable)).await?;
    postgres.ensure_database(DATABASE).await?;
    let redis = Redis::start(&data.join("redis"), RedisOptions::default()).await?;
    config.database_url = Some(postgres.url(DATABASE));
    config.redis_url = Some(redis.url(0));

    let served = serve(config).await;
    redis.stop().await?;
    postgres.stop().await?;
    served
}

async fn serve(config: Config) -> anyhow::Result<()> {
    cli::migrate(&config).await?;
    let node = Node::start(config).await?;
    let demo = auth::demo::create(node.accounts())
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
    cli::until_signal(node).await
}
