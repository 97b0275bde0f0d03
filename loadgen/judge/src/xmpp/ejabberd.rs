//! A private ejabberd: on 127.0.0.1, with files in a temporary directory, under a watchdog. It runs without Erlang's
//! distribution, so it needs neither epmd nor a node name, and ejabberds of the machine are none of its business.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tidings_services::{Port, Program};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::Address;

const DOMAIN: &str = "localhost";
const ROOMS: &str = "conference.localhost";
const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// A running server. Dropping it ends it.
pub struct Ejabberd {
    program: Program,
    address: Address,
    home: TempDir,
    _port: Port,
}

/// What belongs to an installation.
struct Installed {
    erl: PathBuf,
    /// The directory that holds ejabberd and the Erlang libraries that it needs.
    libraries: PathBuf,
}

impl Ejabberd {
    /// Whether this machine has one.
    pub fn is_installed() -> bool {
        Installed::find().is_some()
    }

    /// Starts the installed ejabberd and waits until it takes connections.
    pub async fn start() -> Result<Self> {
        let installed = Installed::find().context(
            "no ejabberd on this machine; on Debian: apt-get install --no-install-recommends ejabberd",
        )?;
        let home = tempfile::Builder::new().prefix("tidings-ejabberd-").tempdir()?;
        let port = Port::unused().context("no free port on 127.0.0.1")?;
        let address = Address {
            socket: ([127, 0, 0, 1], port.number()).into(),
            domain: DOMAIN.to_owned(),
            rooms: ROOMS.to_owned(),
        };
        let path = |name: &str| home.path().join(name).display().to_string();
        fs::write(path("ejabberd.yml"), settings(port.number()))?;
        let arguments = [
            "-noinput",
            "-mnesia",
            "dir",
            &format!("\"{}\"", path("spool")),
            "-s",
            "ejabberd",
        ];
        let environment = [
            ("HOME", path("")),
            ("ERL_LIBS", installed.libraries.display().to_string()),
            ("EJABBERD_CONFIG_PATH", path("ejabberd.yml")),
            ("EJABBERD_LOG_PATH", path("ejabberd.log")),
            ("ERL_CRASH_DUMP", path("crash.dump")),
        ];
        let program = Program::start(
            &installed.erl,
            &arguments.map(str::to_owned),
            &environment.map(|(name, value)| (name.to_owned(), value)),
            &home.path().join("output.log"),
        )?;
        let ejabberd = Self {
            program,
            address,
            home,
            _port: port,
        };
        ejabberd.ready().await?;
        Ok(ejabberd)
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Asks the server to end and waits for it.
    pub async fn stop(self) {
        let stopped = tokio::task::spawn_blocking(move || {
            let _ = self.program.stop(STOP_LIMIT) || self.program.kill(STOP_LIMIT);
        });
        // That it cannot be waited for leaves it to its watchdog.
        let _ = stopped.await;
    }

    async fn ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(self.address.socket).await.is_err() {
            // ejabberd that cannot start leaves the machine beneath it running.
            let log = fs::read_to_string(self.home.path().join("ejabberd.log")).unwrap_or_default();
            if let Some(line) = log.lines().find(|line| line.contains("[critical]")) {
                bail!("ejabberd does not start: {line}");
            }
            if !self.program.is_running() || Instant::now() >= deadline {
                let output = fs::read_to_string(self.program.log()).unwrap_or_default();
                bail!(
                    "ejabberd does not start: {}",
                    output.lines().last().unwrap_or("it says nothing")
                );
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

impl Installed {
    fn find() -> Option<Self> {
        let places = std::env::var_os("PATH").unwrap_or_default();
        let erl = std::env::split_paths(&places)
            .map(|place| place.join("erl"))
            .find(|path| path.is_file())?;
        let roots = [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib",
            "/usr/lib64",
            "/opt",
        ];
        let libraries = roots
            .iter()
            .map(PathBuf::from)
            .find(|root| holds_ejabberd(root))?;
        Some(Self { erl, libraries })
    }
}

fn holds_ejabberd(root: &Path) -> bool {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("ejabberd-"));
    named.any(|entry| entry.path().join("ebin/ejabberd.app").is_file())
}

/// What the workload needs and no more: no throttle, no offline store beside the archive, accounts for everybody who asks
/// on this machine.
fn settings(port: u16) -> String {
    format!(
        "hosts: [{DOMAIN}]
loglevel: warning
listen:
  - port: {port}
    ip: 127.0.0.1
    module: ejabberd_c2s
    access: everybody
    max_stanza_size: 262144
auth_method: [internal]
registration_timeout: infinity
access_rules:
  everybody:
    allow: all
modules:
  mod_disco: {{}}
  mod_mam:
    default: always
  mod_muc:
    host: {ROOMS}
    access: everybody
    access_create: everybody
    access_persistent: everybody
    access_mam: everybody
    max_users: 1000
  mod_ping: {{}}
  mod_register:
    access: everybody
    ip_access: everybody
    password_strength: 0
  mod_stream_mgmt: {{}}
"
    )
}
