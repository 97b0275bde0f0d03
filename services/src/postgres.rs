//! A private PostgreSQL.

mod cluster;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio_postgres::{Client, NoTls};

use crate::error::ServiceError;
use crate::files::{Home, ServerTls, running_port};
use crate::instance::{Instance, Recipe, blocking};
use crate::orphan;
use crate::programs::find_postgres;
use crate::secret::Secret;

const SERVICE: &str = "PostgreSQL";
/// The superuser of every private instance.
const USER: &str = "tidings";
const STATEMENT_LIMIT: Duration = Duration::from_mins(1);

/// What the instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Commits survive a power cut; sized for a developer's machine under load.
    Durable,
    /// Commits survive a crash of the server, not of the machine; small and quick to start.
    Test,
}

/// How to run a [`Postgres`].
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    pub profile: Profile,
    /// Server settings by name, applied over those of the profile.
    pub settings: Vec<(String, String)>,
    /// Whoever asks for TLS is given it.
    pub tls: Option<ServerTls>,
}

impl PostgresOptions {
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            settings: Vec::new(),
            tls: None,
        }
    }

    pub fn with_tls(self, tls: ServerTls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A PostgreSQL of this process's own. Dropping it stops the server soon afterwards; [`Postgres::stop`] also waits.
/// Clones are handles of the same server.
#[derive(Debug, Clone)]
pub struct Postgres {
    instance: Arc<Instance>,
    secret: Secret,
}

impl Postgres {
    /// Starts PostgreSQL 14 or later with its data in `dir`, which is created and initialised when need be. The port
    /// of an earlier run is used again while it is free. A server that an earlier, killed run left on the directory
    /// is stopped first.
    ///
    /// # Errors
    /// When PostgreSQL is missing or too old, the directory is in use or not usable, or the server does not start;
    /// the error names what was missing, or the server's log.
    pub async fn start(dir: &Path, options: PostgresOptions) -> Result<Self, ServiceError> {
        let dir = dir.to_owned();
        blocking(move || Self::start_blocking(&dir, &options)).await
    }

    pub(crate) fn start_blocking(dir: &Path, options: &PostgresOptions) -> Result<Self, ServiceError> {
        let home = Home::open(SERVICE, dir)?;
        let version = fs::read_to_string(home.data().join("PG_VERSION")).ok();
        let version = version.and_then(|text| text.trim().parse().ok());
        let programs = find_postgres(version, dir)?;
        let data = home.data().to_owned();
        let pid_file = data.join("postmaster.pid");
        let kept = Secret::read(home.dir());
        let secret = kept.clone().map_or_else(Secret::make, Ok)?;
        if version.is_none() {
            secret.keep(&home)?;
            cluster::initialise(&home, &programs, options.profile, &secret)?;
        } else if kept.is_none() {
            // Made by a version that asked for no password.
            orphan::stop(&data, &pid_file, Signal::INT)?;
            cluster::protect(&home, &programs, options.profile, &secret)?;
            secret.keep(&home)?;
        }
        let mut arguments = vec!["-D".to_owned(), data.display().to_string()];
        let settings = cluster::settings(options.profile)
            .iter()
            .map(|(name, value)| (*name, *value));
        let extra = options
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in settings.chain(extra) {
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        if let Some(tls) = &options.tls {
            let (certificate, key) = home.write_tls(tls)?;
            for setting in [
                "ssl=on".to_owned(),
                format!("ssl_cert_file={certificate}"),
                format!("ssl_key_file={key}"),
            ] {
                arguments.extend(["-c".to_owned(), setting]);
            }
        }
        let recipe = Recipe {
            service: SERVICE,
            program: programs.bin.join("postgres"),
            arguments,
            port_option: "-p",
            pid_file,
            secret: secret.clone(),
            clean: Signal::INT,
            abandoned: match options.profile {
                Profile::Durable => "INT",
                Profile::Test => "QUIT",
            },
            ready: cluster::is_ready,
        };
        Ok(Self {
            instance: Arc::new(Instance::start(recipe, home)?),
            secret,
        })
    }

    /// The connection URL of a database on the server that another process of the same owner runs on `dir`; `None` when none
    /// does.
    pub fn running(dir: &Path, database: &str) -> Option<String> {
        let port = running_port(dir)?;
        Some(url(&Secret::read(dir)?, port, database))
    }

    /// The connection URL of a database on this server, for a superuser. It holds the password.
    pub fn url(&self, database: &str) -> String {
        url(&self.secret, self.port(), database)
    }

    pub fn port(&self) -> u16 {
        self.instance.port()
    }

    /// The server's process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.instance.pid()
    }

    pub fn log_path(&self) -> PathBuf {
        self.instance.log_path()
    }

    /// Creates a database unless it exists.
    pub async fn ensure_database(&self, name: &str) -> Result<(), ServiceError> {
        let action = format!("create the database {name}");
        self.administer(&action, async |client| {
            let found = client
                .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
                .await?;
            match found {
                Some(_) => Ok(()),
                None => {
                    client
                        .batch_execute(&format!("CREATE DATABASE {}", quoted(name)))
                        .await
                }
            }
        })
        .await
    }

    /// Runs statements on the maintenance database, over a connection of their own, within a time limit.
    pub(crate) async fn administer<T>(
        &self,
        action: &str,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, ServiceError> {
        let url = self.url("postgres");
        let run = async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let mut work = std::pin::pin!(work(&client));
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                result = &mut work => result,
                // The connection ends before its client only by an error, which the work then reports too.
                _ = &mut connection => work.await,
            }
        };
        match tokio::time::timeout(STATEMENT_LIMIT, run).await {
            Ok(result) => result.map_err(|source| ServiceError::Database {
                action: action.to_owned(),
                source,
            }),
            Err(_) => Err(ServiceError::NoAnswer {
                action: action.to_owned(),
                limit: STATEMENT_LIMIT,
            }),
        }
    }

    /// Ends all connections, writes a checkpoint and stops.
    pub async fn stop(self) -> Result<(), ServiceError> {
        self.run(Instance::stop_clean).await
    }

    /// Stops without a checkpoint, so that the next start recovers from the log as after a crash. The server can be
    /// started again by [`Postgres::restart`].
    pub async fn stop_immediate(&self) -> Result<(), ServiceError> {
        self.run(|instance| instance.stop(Signal::QUIT)).await
    }

    /// Kills the server and all its children with SIGKILL. It can be started again by [`Postgres::restart`].
    pub async fn kill(&self) -> Result<(), ServiceError> {
        self.run(Instance::kill).await
    }

    /// Starts the server again on the same port and data; one that still runs is stopped cleanly first.
    pub async fn restart(&self) -> Result<(), ServiceError> {
        self.run(Instance::restart).await
    }

    /// Freezes the server: its connections stay open and nothing is answered until [`Postgres::resume`].
    pub async fn pause(&self) -> Result<(), ServiceError> {
        self.run(|instance| {
            instance.signal_all(Signal::STOP);
            Ok(())
        })
        .await
    }

    pub async fn resume(&self) -> Result<(), ServiceError> {
        self.run(|instance| {
            instance.signal_all(Signal::CONT);
            Ok(())
        })
        .await
    }

    async fn run(
        &self,
        work: impl FnOnce(&Instance) -> Result<(), ServiceError> + Send + 'static,
    ) -> Result<(), ServiceError> {
        let instance = Arc::clone(&self.instance);
        blocking(move || work(&instance)).await
    }
}

fn url(secret: &Secret, port: u16, database: &str) -> String {
    format!("postgres://{USER}:{}@127.0.0.1:{port}/{database}", secret.text())
}

/// An SQL identifier, safe for any name.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
