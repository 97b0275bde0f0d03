//! A private Redis, without persistence: what it holds can be made again from the log.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::error::ServiceError;
use crate::files::{Home, ServerTls};
use crate::instance::{Instance, Recipe, blocking};
use crate::programs::find_redis;
use crate::secret::Secret;

const SERVICE: &str = "Redis";
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// How to run a [`Redis`].
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// Server settings by name, applied over the usual ones.
    pub settings: Vec<(String, String)>,
    /// A port of its own for those who speak TLS, which the caller keeps ([`crate::Port`]).
    pub tls: Option<(u16, ServerTls)>,
}

impl RedisOptions {
    pub fn with_tls(self, port: u16, tls: ServerTls) -> Self {
        Self {
            tls: Some((port, tls)),
            ..self
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A Redis of this process's own. Dropping it stops the server soon afterwards; [`Redis::stop`] also waits. Clones
/// are handles of the same server. It forgets everything whenever it stops.
#[derive(Debug, Clone)]
pub struct Redis {
    instance: Arc<Instance>,
    secret: Secret,
}

impl Redis {
    /// Starts Redis 7 or later with its files in `dir`. The port of an earlier run is used again while it is free. A
    /// server that an earlier, killed run left on the directory is stopped first.
    ///
    /// # Errors
    /// When Redis is missing or too old, the directory is in use or not usable, or the server does not start; the
    /// error names what was missing, or the server's log.
    pub async fn start(dir: &Path, options: RedisOptions) -> Result<Self, ServiceError> {
        let dir = dir.to_owned();
        blocking(move || Self::start_blocking(&dir, &options)).await
    }

    pub(crate) fn start_blocking(dir: &Path, options: &RedisOptions) -> Result<Self, ServiceError> {
        let home = Home::open(SERVICE, dir)?;
        let program = find_redis()?;
        home.create_private(home.data())?;
        let data = home.data().to_owned();
        let pid_file = data.join("redis.pid");
        let secret = Secret::read(home.dir()).map_or_else(Secret::make, Ok)?;
        secret.keep(&home)?;
        // In a file, because everybody can read what a program was started with.
        let file = data.with_file_name("redis.conf");
        home.write_private(&file, &format!("requirepass {}\n", secret.text()))?;
        let (data_text, pid_text) = (data.display().to_string(), pid_file.display().to_string());
        let settings = [
            ("bind", "127.0.0.1"),
            ("protected-mode", "yes"),
            ("save", ""),
            ("appendonly", "no"),
            ("daemonize", "no"),
            ("logfile", ""),
            ("dir", data_text.as_str()),
            ("pidfile", pid_text.as_str()),
        ];
        let extra = options
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let tls = match &options.tls {
            None => vec![],
            Some((port, tls)) => {
                let (certificate, key) = home.write_tls(tls)?;
                vec![
                    ("tls-port", port.to_string()),
                    ("tls-cert-file", certificate),
                    ("tls-key-file", key),
                    ("tls-auth-clients", "no".to_owned()),
                ]
            }
        };
        let tls = tls.iter().map(|(name, value)| (*name, value.as_str()));
        let all = settings.into_iter().chain(tls).chain(extra);
        let recipe = Recipe {
            service: SERVICE,
            program,
            arguments: std::iter::once(file.display().to_string())
                .chain(all.flat_map(|(name, value)| [format!("--{name}"), value.to_owned()]))
                .collect(),
            secret: secret.clone(),
            port_option: "--port",
            pid_file,
            clean: Signal::TERM,
            abandoned: "TERM",
            ready: is_ready,
        };
        Ok(Self {
            instance: Arc::new(Instance::start(recipe, home)?),
            secret,
        })
    }

    /// The connection URL of a logical database (0 to 15 unless the setting `databases` allows more). It holds the password.
    pub fn url(&self, database: u32) -> String {
        format!(
            "redis://:{}@127.0.0.1:{}/{database}",
            self.secret.text(),
            self.port()
        )
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

    /// Ends all connections and stops.
    pub async fn stop(self) -> Result<(), ServiceError> {
        self.run(Instance::stop_clean).await
    }

    /// Stops without regard for connections or data. The server can be started again by [`Redis::restart`].
    pub async fn stop_immediate(&self) -> Result<(), ServiceError> {
        self.run(Instance::kill).await
    }

    /// Kills the server with SIGKILL. It can be started again, empty, by [`Redis::restart`].
    pub async fn kill(&self) -> Result<(), ServiceError> {
        self.run(Instance::kill).await
    }

    /// Starts the server again, empty, on the same port; one that still runs is stopped first.
    pub async fn restart(&self) -> Result<(), ServiceError> {
        self.run(Instance::restart).await
    }

    /// Freezes the server: its connections stay open and nothing is answered until [`Redis::resume`].
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

/// Asks the server on `port` for its process id, so that a stranger who took the port first is not mistaken for ours.
fn is_ready(recipe: &Recipe, port: u16, server: Pid) -> bool {
    let ask = || -> std::io::Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, PROBE_LIMIT)?;
        stream.set_read_timeout(Some(PROBE_LIMIT))?;
        stream.set_write_timeout(Some(PROBE_LIMIT))?;
        let secret = recipe.secret.text();
        stream.write_all(format!("AUTH {secret}\r\nINFO server\r\nQUIT\r\n").as_bytes())?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let wanted = format!("process_id:{}", server.as_raw_nonzero());
    ask().is_ok_and(|answer| answer.lines().any(|line| line.trim() == wanted))
}
