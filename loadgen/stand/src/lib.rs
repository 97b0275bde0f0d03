//! Private PostgreSQL, Redis and Tidings nodes to measure and to break. Everything listens on 127.0.0.1, lives in
//! temporary directories, and ends with this process.

mod accounts;
mod clock;
mod network;
mod node;
mod operator;
mod session;
mod usage;

pub use accounts::{Account, Answer, Api};
pub use clock::Clock;
pub use network::Network;
pub use node::Node;
pub use operator::Operator;
pub use session::Session;
pub use usage::Usage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_services::testing::{Private, private_postgres_with, private_redis};
use tidings_services::{Postgres, PostgresOptions, Profile, Redis};

/// The name of the database on the stand's PostgreSQL.
const DATABASE: &str = "tidings";

/// What a stand is made of.
#[derive(Clone, Debug)]
pub struct StandOptions {
    /// The `tidings` program; see [`find_program`].
    pub program: PathBuf,
    pub nodes: usize,
    pub postgres: PostgresOptions,
    /// Lines of TOML for the nodes' configuration files, without tables.
    pub settings: String,
    /// Tables of TOML for the same files.
    pub tables: String,
    /// Whether there are proxies around each node; see [`Stand::networks`].
    pub networks: bool,
    /// Whether each node has a clock that can be stepped, where [`Clock::is_available`]; see [`Node::clock`].
    pub clocks: bool,
    /// Variables of the nodes, each time they start.
    pub environment: Vec<(String, String)>,
    /// Whether the limits that are made for people are lifted, as a few stand for many here. It overrules [`Self::tables`].
    pub load_test: bool,
}

impl StandOptions {
    /// One node on a PostgreSQL whose commits are durable.
    ///
    /// Accounts are cheap here, because no workload measures them: people come by the thousand from one address.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            nodes: 1,
            // As docs/operations.md advises: room for the newest segments, and WAL files that are used again.
            postgres: PostgresOptions::new(Profile::Durable)
                .with("shared_buffers", "1GB")
                .with("max_wal_size", "8GB")
                .with("min_wal_size", "4GB"),
            settings: String::new(),
            tables: "[auth.password_hash]\nmemory_kib = 64\npasses = 1\nqueue = 4096\n\
                     [auth.limits]\nrequests_per_s = 100000\nrequests_burst = 100000\n"
                .to_owned(),
            networks: false,
            clocks: false,
            environment: Vec::new(),
            load_test: true,
        }
    }
}

/// The stand. Dropping it ends all of it.
pub struct Stand {
    // In this order: nodes go before what they stand on.
    nodes: Vec<Node>,
    networks: Vec<Network>,
    redis: Private<Redis>,
    postgres: Private<Postgres>,
    _home: tempfile::TempDir,
}

impl Stand {
    /// Starts PostgreSQL, Redis and the nodes, and waits until all are ready.
    pub async fn start(options: &StandOptions) -> Result<Self> {
        let postgres = private_postgres_with(options.postgres.clone()).await?;
        let redis = private_redis().await?;
        postgres.ensure_database(DATABASE).await?;
        let home = tempfile::Builder::new().prefix("tidings-stand-").tempdir()?;
        let mut nodes = Vec::with_capacity(options.nodes);
        let mut networks = Vec::new();
        for number in 0..options.nodes {
            let name = format!("node{number}");
            if options.networks {
                let stores = Network::stores(&postgres, &redis).await?;
                let urls = network::urls(&postgres, &redis, &stores);
                let node = Node::start(&name, home.path(), options, &urls).await?;
                networks.push(Network::around(&node, stores).await?);
                nodes.push(node);
            } else {
                let urls = [postgres.url(DATABASE), redis.url(0)];
                nodes.push(Node::start(&name, home.path(), options, &urls).await?);
            }
        }
        Ok(Self {
            nodes,
            networks,
            redis,
            postgres,
            _home: home,
        })
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The proxies around each node, in the order of the nodes; none unless the stand was started with them.
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The URL of the nodes' database, for a superuser.
    pub fn database_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    pub fn redis_url(&self) -> String {
        self.redis.url(0)
    }

    /// What PostgreSQL, with all its backends, has used so far.
    pub fn postgres_usage(&self) -> Usage {
        self.postgres.pid().map(Usage::of_family).unwrap_or_default()
    }

    /// What Redis has used so far.
    pub fn redis_usage(&self) -> Usage {
        self.redis.pid().map(Usage::of).unwrap_or_default()
    }

    /// Asks the nodes to end and waits for them, for longer than one takes whose log is stuck; the stores follow when the stand is dropped.
    pub async fn stop(self) {
        for node in &self.nodes {
            node.stop(Duration::from_mins(1)).await;
        }
    }
}

/// The `tidings` program: the one named by the variable `TIDINGS_BIN`, else the one beside the running program.
pub fn find_program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("TIDINGS_BIN") {
        return Ok(named.into());
    }
    let own = std::env::current_exe()?;
    // Tests run one directory deeper than programs.
    let beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join("tidings"))
        .find(|path| Path::is_file(path));
    beside.with_context(|| {
        format!(
            "no `tidings` beside {}; build it or set TIDINGS_BIN",
            own.display()
        )
    })
}
