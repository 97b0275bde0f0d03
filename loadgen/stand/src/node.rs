//! One node as a process of its own, always on the same port.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_services::{Port, Program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::{Clock, StandOptions, Usage};

/// A node that is not ready by then will not be. Migration of an empty database counts.
const READY_LIMIT: Duration = Duration::from_mins(2);
/// How long an answer may take, and how long it may be.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
const ANSWER_BYTES_MAX: u64 = 1 << 20;
const KILL_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A node of a stand. It may be down.
pub struct Node {
    binary: Mutex<PathBuf>,
    config: PathBuf,
    log: PathBuf,
    port: Port,
    program: Mutex<Option<Arc<Program>>>,
    clock: Option<Clock>,
    environment: Vec<(String, String)>,
}

impl Node {
    pub(crate) async fn start(
        name: &str,
        home: &Path,
        options: &StandOptions,
        [database, redis]: &[String; 2],
    ) -> Result<Self> {
        let port = Port::unused().context("no free port on 127.0.0.1")?;
        let config = home.join(format!("{name}.toml"));
        fs::write(
            &config,
            format!(
                "listen = \"127.0.0.1:{}\"\ndatabase_url = \"{database}\"\nredis_url = \"{redis}\"\nload_test = {}\n{}\n{}",
                port.number(),
                options.load_test,
                options.settings,
                options.tables
            ),
        )?;
        let clock = if options.clocks {
            Clock::new(home.join(format!("{name}.clock")))?
        } else {
            None
        };
        let node = Self {
            binary: Mutex::new(options.program.clone()),
            config,
            log: home.join(format!("{name}.log")),
            port,
            program: Mutex::new(None),
            clock,
            environment: options.environment.clone(),
        };
        node.launch(&[]).await?;
        node.ready().await?;
        Ok(node)
    }

    /// Starts the process again after [`Node::kill`] or [`Node::stop`], with these variables in its environment. Does not
    /// wait until it is ready.
    pub async fn launch(&self, environment: &[(String, String)]) -> Result<()> {
        let arguments = [
            "serve",
            "--migrate",
            "--config",
            &self.config.display().to_string(),
        ]
        .map(str::to_owned);
        let (binary, log, mut environment) = (self.binary(), self.log.clone(), environment.to_vec());
        environment.extend(self.environment.iter().cloned());
        environment.extend(self.clock.iter().flat_map(Clock::environment));
        let unstarted = format!("cannot start {}", binary.display());
        let started =
            tokio::task::spawn_blocking(move || Program::start(&binary, &arguments, &environment, &log));
        let program = started.await?.context(unstarted)?;
        *self.slot() = Some(Arc::new(program));
        Ok(())
    }

    /// Takes another build of the program for whatever is started from now on.
    pub fn exchange(&self, binary: PathBuf) {
        *self.binary.lock().unwrap_or_else(PoisonError::into_inner) = binary;
    }

    /// Runs another command of the program on the node's configuration, such as `replay`, whether the node is up or not.
    /// Answers what it printed.
    pub async fn run(&self, command: &[&str], limit: Duration) -> Result<String> {
        let name = command.join(" ");
        let binary = self.binary();
        let running = tokio::process::Command::new(&binary)
            .args(command)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(limit, running)
            .await
            .with_context(|| format!("{name} did not end within {limit:?}"))?
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("{name} failed: {} {}", printed.trim(), errors.trim());
        }
        Ok(printed)
    }

    /// Waits until the node says that it can serve.
    pub async fn ready(&self) -> Result<()> {
        let deadline = Instant::now() + READY_LIMIT;
        while !self.is_ready().await {
            if self.slot().as_ref().is_none_or(|program| !program.is_running()) {
                bail!("the node ended: {}", self.last_words());
            }
            if Instant::now() >= deadline {
                bail!("the node was not ready in time: {}", self.last_words());
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Whether the node says now that it can serve.
    pub async fn is_ready(&self) -> bool {
        let asking = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port())).await?;
            socket
                .write_all(b"GET /readyz HTTP/1.0\r\nhost: localhost\r\n\r\n")
                .await?;
            let mut status = [0; 12];
            socket.read_exact(&mut status).await?;
            Ok::<_, std::io::Error>(status.ends_with(b" 200"))
        };
        matches!(timeout(Duration::from_secs(5), asking).await, Ok(Ok(true)))
    }

    /// What the node answers to `GET path`, head and body; none when it does not answer soon.
    pub async fn get(&self, path: &str) -> Option<String> {
        let asking = async {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port())).await?;
            let request = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\n\r\n");
            socket.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            socket.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        timeout(ANSWER_LIMIT, asking).await.ok()?.ok()
    }

    pub fn port(&self) -> u16 {
        self.port.number()
    }

    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port()).into()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The node's own clock; none unless the stand was started with clocks.
    pub fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// While it runs.
    pub fn pid(&self) -> Option<u32> {
        let program = self.slot().clone()?;
        program.is_running().then(|| program.pid())
    }

    /// What the process has used so far.
    pub fn usage(&self) -> Usage {
        self.pid().map(Usage::of).unwrap_or_default()
    }

    /// Kills the process at once.
    pub async fn kill(&self) {
        self.end(|program| program.kill(KILL_LIMIT)).await;
    }

    /// Asks the process to end, and kills it when it has not within `limit`.
    pub async fn stop(&self, limit: Duration) {
        self.end(move |program| program.stop(limit) || program.kill(KILL_LIMIT))
            .await;
    }

    /// Stops the process in the middle of whatever it does.
    pub fn pause(&self) {
        if let Some(program) = self.slot().as_ref() {
            program.pause();
        }
    }

    pub fn resume(&self) {
        if let Some(program) = self.slot().as_ref() {
            program.resume();
        }
    }

    /// The file that the process's output goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    async fn end(&self, how: impl FnOnce(&Program) -> bool + Send + 'static) {
        let Some(program) = self.slot().take() else { return };
        // That it cannot be waited for leaves it to its watchdog.
        let _ = tokio::task::spawn_blocking(move || how(&program)).await;
    }

    /// The last lines of its log, for whoever has to say that something went wrong.
    pub fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..].join(" | ")
    }

    fn binary(&self) -> PathBuf {
        self.binary.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<Program>>> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
