//! One person: does the jobs given, one after the other, on a connection of their own.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, bail};
use tidings_client::{Client, CommandError, Config, Pending, connect};
use tidings_protocol::{Ack, Action, Content, Limits, MessageSend, Position, Resume};
use tidings_scribe::{own::Own, said::Said, scribe::Scribe};
use tidings_stand::Account;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};
use uuid::Uuid;

use super::{
    amend::Line,
    listen::{Progress, listen},
    own::Notices,
    pen::Pen,
    schedule::Return,
    shared::Shared,
    shut::{Refusal, Shut},
    slow::Slow,
};

/// How long a connection may take until all that was missed has come.
const SYNC_TIMEOUT: Duration = Duration::from_mins(2);

/// Reads are acked late, so some may be under way at a time.
const READS_MAX: usize = 8;

/// What files are called. Nobody looks for that.
const FILE_NAME: &str = "qqzz";

/// Something to do.
pub(crate) enum Job {
    Say {
        conversation: Uuid,
        text: String,
        how: How,
        permit: OwnedSemaphorePermit,
    },
    /// Reads all that has come in a conversation.
    Read(Uuid),
    Edit,
    Recall,
    React(Uuid),
    Pin(Uuid),
    Mute(Uuid),
    /// From one conversation to another.
    Forward(Uuid, Uuid),
    Hide(Uuid),
    Clear(Uuid),
    Archive(Uuid),
    Mark(Uuid),
    Follow(Uuid),
    ReadThread(Uuid),
    Leave,
    Return(Return),
    /// Blocks a user, or ends that.
    Block(Uuid, bool),
    /// From here on, something stands against what is done in a conversation, or nothing does any more.
    Shut(Uuid, Option<Shut>),
    /// From here on, members wait so many seconds between two messages to a conversation, or do not.
    Slow(Uuid, Option<u32>),
    /// Does nothing more to a message of their own.
    Forget(Uuid),
    /// Tries what has to be refused.
    Vain(Said, Refusal),
    /// Something that leaves nothing in any conversation.
    Want(Action, oneshot::Sender<Result<Ack, CommandError>>),
    /// Says when all before it is done, with `reads` also that all reads are acked.
    Rest {
        reads: bool,
        answer: oneshot::Sender<()>,
    },
    /// Anything else.
    Do(Said, oneshot::Sender<Result<Ack, CommandError>>),
}

/// How a message is said, and to whom.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// In the thread in which this person is answered, or else whoever spoke last; and whether the main timeline shows it.
    pub(crate) thread: Option<(Option<Uuid>, bool)>,
    pub(crate) mention: Option<Uuid>,
    pub(crate) everyone: bool,
    /// As the caption of a file.
    pub(crate) file: bool,
}

pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) account: Account,
    /// How many there have been; one is in use at a time.
    pub(crate) devices: usize,
    /// The journal of the one in use.
    pen: Option<Pen>,
    /// The last seq that any earlier device was shown, by conversation.
    shown: HashMap<Uuid, u64>,
    /// What this person has done for themselves, and what their devices were told of it.
    pub(crate) own: Own,
    pub(super) notices: Notices,
    /// Where the last of it that was acked stands in the log.
    pub(crate) read_at: Option<Position>,
    /// Where the blocks stand, each on the lane of the two.
    pub(crate) parted_at: Vec<Position>,
    /// Conversations in which something stands against what this person does.
    pub(super) shut: HashMap<Uuid, Shut>,
    /// Conversations in which they wait between two messages.
    pub(super) slow: HashMap<Uuid, Slow>,
    urls: Vec<String>,
    cursors: Resume,
    live: Option<Live>,
    reads: Vec<(Uuid, u64, Pending)>,
    /// The last message, unless it was recalled.
    pub(super) last: Option<Line>,
    pub(super) edits: usize,
    /// What this person reacts to now.
    pub(super) reacted: Option<Uuid>,
    /// What this person has pinned last and not unpinned.
    pub(super) pinned: Option<Uuid>,
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
            devices: 0,
            pen: None,
            shown: HashMap::new(),
            own: Own::default(),
            notices: Notices::default(),
            read_at: None,
            parted_at: Vec::new(),
            shut: HashMap::new(),
            slow: HashMap::new(),
            urls,
            cursors: Resume::default(),
            live: None,
            reads: Vec::new(),
            last: None,
            edits: 0,
            reacted: None,
            pinned: None,
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
                how,
                permit,
            } => {
                self.say(conversation, text, how).await?;
                drop(permit);
            }
            Job::Read(conversation) => self.read(conversation).await?,
            Job::Edit => self.edit().await?,
            Job::Recall => self.recall().await?,
            Job::React(conversation) => self.react(conversation).await?,
            Job::Pin(conversation) => self.pin(conversation).await?,
            Job::Mute(conversation) => self.mute(conversation).await?,
            Job::Forward(from, to) => self.forward(from, to).await?,
            Job::Hide(conversation) => self.hide(conversation).await?,
            Job::Clear(conversation) => self.clear(conversation).await?,
            Job::Archive(conversation) => self.archive(conversation).await?,
            Job::Mark(conversation) => self.mark(conversation).await?,
            Job::Follow(conversation) => self.follow(conversation).await?,
            Job::ReadThread(conversation) => self.read_thread(conversation).await?,
            Job::Leave => self.leave().await?,
            Job::Return(how) => self.come(how).await?,
            Job::Block(user, on) => self.block(user, on).await?,
            Job::Shut(conversation, Some(shut)) => {
                self.shut.insert(conversation, shut);
            }
            Job::Shut(conversation, None) => {
                self.shut.remove(&conversation);
            }
            Job::Slow(conversation, Some(seconds)) => {
                self.slow.insert(conversation, Slow::new(seconds));
            }
            Job::Slow(conversation, None) => {
                self.slow.remove(&conversation);
            }
            Job::Forget(message) => self.last = self.last.filter(|own| own.id != message),
            Job::Vain(said, refusal) => self.try_in_vain(&said, refusal).await?,
            Job::Want(action, answer) => {
                let wanted = self.client()?.send(action).await?;
                // Nobody may listen any more.
                let _ = answer.send(wanted.await);
            }
            Job::Rest { reads, answer } => {
                if reads {
                    self.settle_reads(0).await;
                }
                // Nobody may listen any more.
                let _ = answer.send(());
            }
            Job::Do(said, answer) => {
                let result = self.make(&said).await?;
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
        if how == Return::NewDevice || self.pen.is_none() {
            self.replace_device()?;
        }
        let pen = self.pen().clone();
        let mut config = Config::new("", "", device(self.devices));
        config.urls = self.urls.clone();
        config.tokens = self.account.tokens();
        config.resume = self.cursors.clone();
        pen.note(Scribe::connecting);
        let (client, events) = connect(config);
        let (sender, progress) = watch::channel(Progress::default());
        let shared = Arc::clone(&self.shared);
        let listening = listen(
            self.name.clone(),
            client.clone(),
            events,
            pen,
            sender,
            self.notices.clone(),
            shared,
        );
        let listener = tokio::spawn(listening);
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
            self.pen().note(Scribe::disconnected);
        }
        Ok(())
    }

    /// Puts a new device, which has been shown nothing, in the place of the one in use.
    fn replace_device(&mut self) -> Result<()> {
        if let Some(pen) = self.pen.take() {
            for conversation in self.shared.conversations() {
                let shown = self.shown.entry(conversation).or_default();
                *shown = pen.seen(conversation).max(*shown);
            }
            pen.close()?;
        }
        self.devices += 1;
        self.cursors = Resume::default();
        let (dir, clock) = (self.shared.journals(), self.shared.clock);
        self.pen = Some(Pen::create(dir, clock, self.account.user, &device(self.devices))?);
        Ok(())
    }

    /// The journal of the device in use.
    pub(crate) fn pen(&self) -> &Pen {
        self.pen.as_ref().expect("whoever works has come before")
    }

    /// The names of all devices.
    pub(crate) fn device_names(&self) -> impl Iterator<Item = String> {
        (1..=self.devices).map(device)
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

    /// The last seq of a conversation that any device was shown; 0 for none.
    pub(crate) fn shown(&self, conversation: Uuid) -> u64 {
        let before = self.shown.get(&conversation).copied().unwrap_or(0);
        before.max(self.pen().seen(conversation))
    }

    /// Whether gaps are still being fetched.
    pub(crate) fn is_fetching(&self) -> bool {
        self.live
            .as_ref()
            .is_some_and(|live| live.progress.borrow().fetching > 0)
    }

    pub(super) async fn wait(&mut self, what: &str, done: impl Fn(&Progress) -> bool) -> Result<()> {
        let Some(live) = &mut self.live else { return Ok(()) };
        let waited = tokio::time::timeout(SYNC_TIMEOUT, live.progress.wait_for(|progress| done(progress)));
        waited
            .await
            .with_context(|| format!("{what} did not come in time"))??;
        Ok(())
    }

    async fn say(&mut self, conversation: Uuid, text: String, how: How) -> Result<()> {
        let content = if how.file {
            let file = self.account.upload(FILE_NAME, text.clone()).await?;
            Content::file(file, Some(text))
        } else {
            Content::text(text)
        };
        // The first line of all has nothing to stand below.
        let thread = how.thread.and_then(|(of, also)| {
            let root = self.shared.root(conversation, of)?;
            Some((root, also))
        });
        let said = Said::send(MessageSend {
            mentions: how.mention.into_iter().collect(),
            everyone: how.everyone,
            thread: thread.map(|(root, _)| root),
            also: thread.is_some_and(|(_, also)| also),
            ..MessageSend::new(conversation, content)
        });
        let started = Instant::now();
        let refusal = self.refusal(&said);
        let result = self.ask(&said).await?;
        if let Some(refusal) = refusal {
            self.was_refused(&said, refusal, &result);
            return Ok(());
        }
        match result {
            Ok(_) => {
                // Whoever waits for their turn says nothing of acks.
                if !self.slow.contains_key(&conversation) {
                    self.shared.took(started.elapsed());
                }
                self.has_said(&said);
                // A file keeps its file.
                self.last = (!how.file).then(|| Line {
                    conversation,
                    id: said.id,
                    acked: Instant::now(),
                });
            }
            Err(error) => self.not_acked(&said, &error),
        }
        Ok(())
    }

    /// A message was acked.
    pub(super) fn has_said(&mut self, said: &Said) {
        if let Action::MessageSend(send) = &said.action {
            self.shared.said(self.account.user, said.id, send);
            if let Some(slow) = self.slow.get_mut(&send.conversation) {
                slow.speaks();
            }
        }
    }

    /// Sends a command and writes down what becomes of it.
    pub(super) async fn ask(&mut self, said: &Said) -> Result<Result<Ack, CommandError>> {
        self.pen().note(|scribe| scribe.send(said.clone()));
        let pending = self.client()?.send_as(said.id, said.action.clone()).await?;
        let result = pending.await;
        match &result {
            Ok(ack) => {
                self.pen().note(|scribe| {
                    scribe.acked(ack);
                });
                self.shared.acked(said, ack);
            }
            Err(CommandError::Refused(error)) => {
                self.pen()
                    .note(|scribe| scribe.refused(said.id, error.code.as_str()));
            }
            Err(_) => {}
        }
        Ok(result)
    }

    /// Sends a command whose conversation may have no name yet.
    async fn make(&mut self, said: &Said) -> Result<Result<Ack, CommandError>> {
        let mut at = 0;
        self.pen().note(|scribe| at = scribe.now());
        let pending = self.client()?.send_as(said.id, said.action.clone()).await?;
        let result = pending.await;
        if let Ok(ack) = &result {
            self.pen().note(|scribe| scribe.made(at, said, ack));
            self.shared.acked(said, ack);
        }
        Ok(result)
    }

    pub(super) fn not_acked(&self, said: &Said, error: &CommandError) {
        let (name, what, id) = (&self.name, said.action.name(), said.id);
        self.shared.fail(format!(
            "{name}'s {what} {id} to {} was not acked: {error}",
            said.conversation
        ));
    }

    async fn read(&mut self, conversation: Uuid) -> Result<()> {
        let seq = self.shown(conversation);
        if seq == 0 {
            return Ok(());
        }
        self.settle_reads(READS_MAX - 1).await;
        let pending = self
            .client()?
            .send(Action::Read {
                conversation,
                seq,
                thread: None,
            })
            .await?;
        self.reads.push((conversation, seq, pending));
        Ok(())
    }

    /// Waits for the acks of all but the last `keep` reads.
    pub(super) async fn settle_reads(&mut self, keep: usize) {
        while self.reads.len() > keep {
            let (conversation, seq, pending) = self.reads.remove(0);
            match pending.await {
                Ok(ack) => {
                    self.pen().note(|scribe| scribe.read(conversation, seq));
                    self.own.read(conversation, seq);
                    self.read_at = self.read_at.max(Some(ack.position));
                }
                Err(error) => {
                    let name = &self.name;
                    self.shared
                        .fail(format!("{name}'s read of {conversation} was not acked: {error}"));
                }
            }
        }
    }
}

fn device(number: usize) -> String {
    format!("device-{number}")
}
