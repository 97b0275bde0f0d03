//! The log as the checker takes it: fetched as a member, or read from the database by the server's own program.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidings_journal::Logged;
use tidings_protocol::{Event, Resume};
use tidings_scribe::export;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::{PATIENCE, TidingsPerson, fetch};
use crate::seam::Conversation;

/// How long the whole log may take.
const LOG_LIMIT: Duration = Duration::from_mins(5);

/// Where the export comes from.
pub enum Export {
    /// Each conversation is fetched by one of its members.
    Fetch,
    /// `tidings export` reads the database.
    Database(Box<Database>),
}

/// A database, and what it holds, which is read once.
pub struct Database {
    program: PathBuf,
    url: String,
    log: OnceCell<HashMap<String, Vec<Logged>>>,
}

impl Export {
    /// By the `tidings` program, from the database at a URL.
    pub fn database(program: PathBuf, url: String) -> Self {
        Self::Database(Box::new(Database {
            program,
            url,
            log: OnceCell::new(),
        }))
    }
}

impl Database {
    pub(super) async fn of(&self, conversation: &Conversation) -> Result<Vec<Logged>> {
        let log = self.log.get_or_try_init(|| self.read()).await?;
        Ok(log.get(&conversation.name).cloned().unwrap_or_default())
    }

    async fn read(&self) -> Result<HashMap<String, Vec<Logged>>> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("log.jsonl");
        let mut export = Command::new(&self.program);
        // The URL may hold a password, which a command line would show to all.
        export.env("TIDINGS_DATABASE_URL", &self.url).kill_on_drop(true);
        export.arg("export").arg("--output").arg(&file);
        let output = timeout(LOG_LIMIT, export.output())
            .await
            .context("the log was not exported in time")?
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        if !output.status.success() {
            bail!("no export: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let mut log: HashMap<String, Vec<Logged>> = HashMap::new();
        for line in tokio::fs::read_to_string(&file).await?.lines() {
            let logged: Logged = serde_json::from_str(line).context("a line of the export cannot be read")?;
            log.entry(logged.conversation.clone()).or_default().push(logged);
        }
        Ok(log)
    }
}

/// A conversation as one of its members is shown it.
pub(super) async fn fetched(conversation: &Conversation, reader: &TidingsPerson) -> Result<Vec<Logged>> {
    let id = conversation.name.parse()?;
    let (client, mut events) = reader.dial("exporter", Resume::default()).await?;
    let fetched = fetch(&client, id, 1, u64::MAX);
    // The stream must be read, or the connection stands still.
    let unread = async { while events.next().await.is_some() {} };
    let fetched = tokio::select! {
        fetched = timeout(PATIENCE, fetched) => fetched.context("the log was not fetched in time")??,
        () = unread => bail!("the connection ended while the log was fetched"),
    };
    events.close().await;
    Ok(fetched.iter().map(logged).collect())
}

/// The event as a line of an export. Of other events than messages the judge compares nothing but their place.
fn logged(event: &Event) -> Logged {
    let line = export::logged(event);
    Logged {
        digest: line.id.map_or(0, |_| line.digest),
        whole: None,
        ..line
    }
}
