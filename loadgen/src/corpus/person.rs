//! One person: does the jobs given, one after the other, on a connection of their own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tidings_client::{Client, CommandError, Config, Pending, connect};
use tidings_protocol::{Ack, Action, Content, Limits, Resume};
use tidings_stand::Account;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};
use uuid::Uuid;

use super::{
    amend::Own,
    listen::{Progress, listen},
    schedule::Return,
    shared::{Shared, lock},
};
use crate::checker::{Fault, Journal, Message, Sent, text_print};

/// How long a connection may take until all that was missed has come.
const SYNC_TIMEOUT: Duration = Duration::from_mins(2);

/// Reads are acked late, so some may be under way at a time.
const READS_MAX: usize = 8;

/// Something to do.
pub(crate) enum Job {
    Say {
        conversation: Uuid,
        text: String,
        permit: OwnedSemaphorePermit,
    },
    /// Reads all that has come in a conversation.
    Read(Uuid),
    Edit,
    Recall,
    React(Uuid),
    Leave,
    Return(Return),
    /// Anything else.
    Do(Action, oneshot::Sender<Result<Ack, CommandError>>),
}

pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) account: Account,
    /// What was acked, in the order of sending.
    pub(crate) sent: Vec<Sent>,
    /// The highest read that was acked, by conversation.
    pub(crate) read: HashMap<Uuid, u64>,
    /// Each device's deliveries, the one in use last.
    pub(crate) devices: Vec<Arc<Mutex<Journal>>>,
    urls: Vec<String>,
    cursors: Resume,
    live: Option<Live>,
    reads: Vec<(Uuid, u64, Pending)>,
    /// The last message, unless it was recalled.
    pub(super) last: Option<Own>,
    /// What this person reacts to now.
    pub(super) reacted: Option<Uuid>,
    pub(super) shared: Arc<Shared>,
}

struct Live {
    client: Client,
    progress: watch::Receiver<Progress>,
    listener: JoinHandle<Resume>,
}

impl Person {
    pub(crate) fn new(name: String, account: Account, urls: Vec<String>, shared: Arc<Shared>) -> Self {
        Self {
            name,
            account,
            sent: Vec::new(),
            read: HashMap::new(),
            devices: Vec::new(),
            urls,
            cursors: Resume::default(),
            live: None,
            reads: Vec::new(),
            last: None,
            reacted: None,
            shared,
        }
    }

    /// Does jobs until there are no more; the connection stays.
    pub(crate) async fn work(mut self, mut jobs: mpsc::Receiver<Job>) -> Result<Self> {
        while let Some(job) = jobs.recv().await {
            self.job(job)
                .await
                .with_context(|| format!("{} cannot go on", self.name))?;
        }
        self.settle_reads(0).await;
        Ok(self)
    }

    async fn job(&mut self, job: Job) -> Result<()> {
        match job {
            Job::Say {
                conversation,
                text,
                permit,
            } => {
                self.say(conversation, text).await?;
                drop(permit);
            }
            Job::Read(conversation) => self.read(conversation).await?,
            Job::Edit => self.edit().await?,
            Job::Recall => self.recall().await?,
            Job::React(conversation) => self.react(conversation).await?,
            Job::Leave => self.leave().await?,
            Job::Return(how) => self.come(how).await?,
            Job::Do(action, answer) => {
                let result = match self.client()?.send(action).await {
                    Ok(pending) => pending.await,
                    Err(error) => Err(error),
                };
                if let Ok(ack) = &result {
                    self.shared.acked(ack, None);
                }
                // Nobody may listen any more.
                let _ = answer.send(result);
            }
        }
        Ok(())
    }

    /// Connects and waits until all that was missed has come.
    pub(crate) async fn come(&mut self, how: Return) -> Result<()> {
        if self.live.is_some() {
            bail!("already here");
        }
        if how == Return::NewDevice || self.devices.is_empty() {
            self.devices.push(Arc::new(Mutex::new(Journal::new(&self.name))));
            self.cursors = Resume::default();
        }
        let journal = self.devices.last().map(Arc::clone).context("no device")?;
        let mut config = Config::new("", "", format!("device-{}", self.devices.len()));
        config.urls = self.urls.clone();
        config.tokens = self.account.tokens();
        config.resume = self.cursors.clone();
        let (client, events) = connect(config);
        let (sender, progress) = watch::channel(Progress::default());
        let shared = Arc::clone(&self.shared);
        let listener = tokio::spawn(listen(
            self.name.clone(),
            client.clone(),
            events,
            journal,
            sender,
            shared,
        ));
        self.live = Some(Live {
            client,
            progress,
            listener,
        });
        self.wait("all that was missed", |progress| {
            progress.synced || progress.ended
        })
        .await
    }

    /// Closes the connection when nothing is under way.
    pub(crate) async fn leave(&mut self) -> Result<()> {
        self.settle_reads(0).await;
        self.wait("gaps", |progress| progress.fetching == 0 || progress.ended)
            .await?;
        if let Some(live) = self.live.take() {
            live.client.close();
            self.cursors = live.listener.await?;
        }
        Ok(())
    }

    /// What the server allows.
    pub(crate) fn limits(&self) -> Option<Limits> {
        self.live
            .as_ref()
            .and_then(|live| live.progress.borrow().limits.clone())
    }

    pub(crate) fn client(&self) -> Result<&Client> {
        Ok(&self.live.as_ref().context("not connected")?.client)
    }

    pub(crate) fn is_here(&self) -> bool {
        self.live.is_some()
    }

    /// The seq after the last event of a conversation that any device was sent; 0 for none.
    pub(crate) fn next(&self, conversation: Uuid) -> u64 {
        self.devices
            .iter()
            .map(|journal| lock(journal).next(conversation))
            .max()
            .unwrap_or(0)
    }

    /// Whether gaps are still being fetched.
    pub(crate) fn is_fetching(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.progress.borrow().fetching > 0)
    }

    async fn wait(&mut self, what: &str, done: impl Fn(&Progress) -> bool) -> Result<()> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let waited = tokio::time::timeout(SYNC_TIMEOUT, live.progress.wait_for(|progress| done(progress)));
        waited
            .await
            .with_context(|| format!("{what} did not come in time"))??;
        Ok(())
    }

    async fn say(&mut self, conversation: Uuid, text: String) -> Result<()> {
        let print = text_print(&text);
        let content = Content::Text { text };
        let action = Action::MessageSend {
            conversation,
            content,
            reply_to: None,
            mentions: Vec::new(),
        };
        let started = Instant::now();
        let pending = self.client()?.send(action).await?;
        let id = pending.id();
        match pending.await {
            Ok(ack) => {
                self.shared.acked(&ack, Some(started.elapsed()));
                let message = Message {
                    seq: ack.seq,
                    id,
                    sender: self.account.user,
                    text: Some(print),
                    ..Message::default()
                };
                self.last = Some(Own {
                    conversation,
                    id,
                    acked: Instant::now(),
                });
                self.shared.latest().insert(conversation, id);
                self.sent.push(Sent {
                    conversation,
                    author: self.name.clone(),
                    message,
                });
            }
            Err(error) => {
                let error = error.to_string();
                self.shared.fail(Fault::NotAcked {
                    author: self.name.clone(),
                    conversation,
                    id,
                    error,
                });
            }
        }
        Ok(())
    }

    async fn read(&mut self, conversation: Uuid) -> Result<()> {
        let seq = self.next(conversation).saturating_sub(1);
        if seq == 0 {
            return Ok(());
        }
        self.settle_reads(READS_MAX - 1).await;
        let pending = self.client()?.send(Action::Read { conversation, seq }).await?;
        self.reads.push((conversation, seq, pending));
        Ok(())
    }

    /// Waits for the acks of all but the last `keep` reads.
    async fn settle_reads(&mut self, keep: usize) {
        while self.reads.len() > keep {
            let (conversation, seq, pending) = self.reads.remove(0);
            let id = pending.id();
            match pending.await {
                Ok(_) => {
                    let highest = self.read.entry(conversation).or_default();
                    *highest = seq.max(*highest);
                }
                Err(error) => {
                    let error = format!("read: {error}");
                    self.shared.fail(Fault::NotAcked {
                        author: self.name.clone(),
                        conversation,
                        id,
                        error,
                    });
                }
            }
        }
    }
}
