//! What an operator does with the program on the database itself, while nodes run on it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;
use tokio::time::timeout;

/// How long a command of the program may take, also on a machine that is busy with much else.
const COMMAND_LIMIT: Duration = Duration::from_mins(2);

/// Somebody with the `tidings` program and the URL of the nodes' database.
#[derive(Clone, Debug)]
pub struct Operator {
    program: PathBuf,
    database_url: String,
}

impl Operator {
    pub fn new(program: PathBuf, database_url: String) -> Self {
        Self {
            program,
            database_url,
        }
    }

    /// The user of this name is a moderator from their next token on.
    pub async fn make_moderator(&self, name: &str) -> Result<()> {
        let granted = self.run(&["user", "grant", name, "moderator"]).await;
        granted.context("nobody could be made a moderator")
    }

    /// Runs a command of the program.
    pub async fn run(&self, command: &[&str]) -> Result<()> {
        let running = Command::new(&self.program)
            .args(command)
            .env("TIDINGS_DATABASE_URL", &self.database_url)
            .env("TIDINGS_DATABASE_TIMEOUT_MS", "30000")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(COMMAND_LIMIT, running)
            .await
            .context("it did not end in time")??;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}
