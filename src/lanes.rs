//! Lanes: the only way into the log. One task per lane and node decides commands and commits them in batches.

mod answers;
mod asked;
mod claims;
mod facts;
#[cfg(test)]
mod fixture;
mod keeper;
mod lobby;
mod originals;
mod pace;
mod people;
mod recent;
mod regards;
mod restless;
mod round;
mod slow;
mod states;
mod task;
mod waiting;

use crate::by_lane::ByLane;
use crate::controls::Controls;
use crate::delivery::Hub;
use crate::lifecycle::Lifecycle;
use asked::{Asked, Found, Sources};
use claims::Claims;
use keeper::Keeper;
use lobby::Lobby;
use recent::Recent;
use states::Known;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tidings_domain::event::Acted;
use tidings_domain::{
    AnnouncementCommand, Command, CommandId, Conversation, ConversationId, DigestKey, Facts, Filing, Need,
    Original, Pair, PairCommand, Receipts, Regard, Rejection, ReportCommand, Rules, Stream, StreamCommand,
    UserCommand, UserId, pair_of, reports_of,
};
use tidings_eventlog::record::lane_of;
use tidings_eventlog::{Appender, Committed, Log, Pool, ReadError};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

pub use crate::outcome::{Accepted, Refusal};
pub use facts::SUBJECTS;
pub use people::People;
pub use task::LaneTask;

/// What people are to one another whose pairs have these streams, all of one lane, as the log says now; `None` of a pair that this version
/// cannot read.
pub(crate) async fn pairs(
    log: &Log,
    lane: u8,
    streams: &[Uuid],
) -> Result<Vec<(Uuid, Option<Pair>)>, ReadError> {
    let known = states::read(log, lane, streams).await?;
    let pair = |known| match known {
        Known::State(state) => Some(state.stream.pair().copied().unwrap_or_default()),
        Known::Unreadable => None,
    };
    Ok(known
        .into_iter()
        .map(|(stream, known)| (stream, pair(known)))
        .collect())
}

/// What conversations are whose streams these are, all of one lane, as the log says now; `None` of one that this version cannot read.
pub(crate) async fn conversations(
    log: &Log,
    lane: u8,
    streams: &[Uuid],
) -> Result<Vec<(Uuid, Option<Conversation>)>, ReadError> {
    let known = states::read(log, lane, streams).await?;
    let conversation = |known| match known {
        Known::State(state) => match &state.stream {
            Stream::Conversation(conversation) => Some(conversation.clone()),
            _ => Some(Conversation::default()),
        },
        Known::Unreadable => None,
    };
    Ok(known
        .into_iter()
        .map(|(stream, known)| (stream, conversation(known)))
        .collect())
}

/// What is called with the answer. Called at most once, from the lane's task, so it must not block.
pub type Reply = Box<dyn FnOnce(Result<Accepted, Refusal>) + Send>;

/// Whether a user may see a conversation, as of the control event that the answer was made on.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// How many members the conversation has.
    pub members: usize,
    /// It is a conversation of two.
    pub is_direct: bool,
    /// What they may know of one another.
    pub receipts: Receipts,
    /// Whether what is said in it may be forwarded.
    pub lets_forward: bool,
    /// Whether they may write in it. What two people are to one another is not asked.
    pub writes: Writes,
    /// The first seq that they see. What stands before does not exist for them.
    pub visible_from: u64,
    /// Where a fresh answer was asked for, the last seq of the conversation, read before it was found out who is in it and
    /// behind all that was queued earlier: whoever has the seat may see everything up to there. 0 otherwise.
    pub reach: u64,
}

/// Whether somebody may write in a conversation of which they are a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    Now,
    /// Once so much time has passed, unless something else comes to be.
    In(Duration),
    Not,
}

impl Writes {
    fn of(judged: &Result<(), Rejection>) -> Self {
        match judged {
            Ok(()) => Self::Now,
            Err(Rejection::Muted { wait: Some(wait) } | Rejection::TooOften { wait, .. }) => {
                Self::In(wait.to_std().unwrap_or_default())
            }
            Err(_) => Self::Not,
        }
    }
}

/// When something was read from the log. Once it is another moment, seqs that were found then may name other events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// How often this node had seen the log go back, see [`Hub::time_lines`].
    pub time_lines: u64,
    /// How often sessions with the log had been lost, see [`Appender::breaks`]: a failover may have lost commits that nobody misses yet.
    breaks: u64,
}

impl AsOf {
    fn now(hub: &Hub, appender: &Appender) -> Self {
        Self {
            time_lines: hub.time_lines(),
            breaks: appender.breaks(),
        }
    }
}

/// Whoever may be put into more conversations than this may be into those of any batch.
const ROOM_SMALL: u32 = 10_000;

/// What waits in a lane's queue.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are commands, and a box would cost each an allocation"
)]
pub(crate) enum Request {
    Command {
        command: StreamCommand,
        digest: i64,
        /// Those of the people whom it names who exist.
        people: Vec<UserId>,
        /// Those who may be put into few conversations more, and how many.
        rooms: Vec<(UserId, u32)>,
        /// What has to be looked up for it.
        asked: Option<Asked>,
        /// What it forwards, once it was, as far as the actor may see it.
        original: Option<Original>,
        /// What the actor is to those whom it wants something of, once it was.
        regards: Vec<(UserId, Regard)>,
        /// When the seqs that it names were found. `None` where it names none.
        as_of: Option<AsOf>,
        reply: Reply,
    },
    Authorize(Authorize),
}

/// The question whether a user may see a conversation.
pub(crate) struct Authorize {
    conversation: ConversationId,
    user: UserId,
    /// Whether the log itself must say so.
    fresh: bool,
    reply: oneshot::Sender<Result<Seat, Refusal>>,
}

/// Sizes and waits of lanes.
#[derive(Clone, Copy, Debug)]
pub struct LaneLimits {
    /// Commands that may wait in one lane.
    pub queue: usize,
    /// Commands in one batch.
    pub batch_commands: usize,
    /// Bytes of payload in one batch.
    pub batch_bytes: usize,
    /// Streams whose state a lane keeps.
    pub cached_streams: usize,
    /// Bytes of those states, about; one state is kept however large it is.
    pub cached_bytes: usize,
    /// Commands whose answers a node keeps, to answer quick repeats without the log.
    pub recent_commands: usize,
    /// How long a batch is tried while the log is away.
    pub patience: Duration,
    /// How long a batch waits for what its commands must know of messages, before it is found out which message it is that takes so
    /// long. Far less than `patience`.
    pub facts_wait: Duration,
    /// Changes of one conversation each second in the long run: of its members, their roles, its name. 0 is no limit.
    pub changes_per_second: u32,
    /// Changes of one conversation at once after a quiet while.
    pub changes_burst: u32,
    /// What the operator lets people do.
    pub rules: Rules,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self {
            queue: 8192,
            batch_commands: 1000,
            batch_bytes: 1 << 20,
            cached_streams: 50_000,
            cached_bytes: 64 << 20,
            recent_commands: 65_536,
            patience: Duration::from_secs(8),
            facts_wait: Duration::from_secs(1),
            changes_per_second: 50,
            changes_burst: 1000,
            rules: Rules::default(),
        }
    }
}

/// What lanes decide by and write to.
pub struct Ground {
    pub log: Log,
    /// For what people have hidden from themselves.
    pub hidden: Pool,
    /// For the other read models, an eighth of which is taken at most.
    pub tables: Pool,
    pub appender: Arc<Appender>,
    pub people: Arc<dyn People>,
    /// The log's own.
    pub key: DigestKey,
}

/// What the tasks of all lanes share.
#[derive(Clone)]
struct Shared {
    log: Log,
    /// Where it is looked up what waits aside: over some of the log's sessions, so that slow reads leave room for those who do not wait.
    sources: Sources,
    appender: Arc<Appender>,
    recent: Arc<Recent>,
    hub: Hub,
    keeper: Keeper,
    controls: Controls,
    people: Arc<dyn People>,
    limits: LaneLimits,
}

/// Handle to all lanes of this node. Cheap to clone.
#[derive(Clone)]
pub struct Lanes {
    tasks: Arc<ByLane<Lane>>,
    lobby: Arc<Lobby>,
    claims: Arc<Claims>,
    /// Keys the fingerprints of commands.
    key: DigestKey,
    lifecycle: Lifecycle,
    shared: Shared,
}

struct Lane {
    queue: mpsc::Sender<Request>,
}

impl Lanes {
    /// No lanes yet; requests wait until they are there.
    pub fn new(
        lifecycle: &Lifecycle,
        ground: Ground,
        hub: &Hub,
        controls: &Controls,
        limits: LaneLimits,
    ) -> Self {
        let Ground {
            log,
            hidden,
            tables,
            appender,
            people,
            key,
        } = ground;
        let sources = Sources {
            log: log.portion(log.pool().max_size() / 2),
            hidden,
            regards: tables.portion(tables.max_size() / 8),
        };
        let (keeper, keeping) = Keeper::new(sources.log.clone(), lifecycle.stopping());
        lifecycle.spawn_for_life("states", keeping);
        Self {
            tasks: Arc::default(),
            lobby: Arc::default(),
            claims: Arc::default(),
            key,
            lifecycle: lifecycle.clone(),
            shared: Shared {
                log,
                sources,
                appender,
                recent: Arc::new(Recent::new(limits.recent_commands)),
                hub: hub.clone(),
                keeper,
                controls: controls.clone(),
                people,
                limits,
            },
        }
    }

    /// The key of the log, from which secrets derive.
    pub fn key(&self) -> &DigestKey {
        &self.key
    }

    /// Starts the task of a lane that the hub has. Each commit is sent to `sink` before the next batch begins.
    pub fn add(&self, lane: u8, sink: mpsc::Sender<Committed>) {
        let (queue, requests) = mpsc::channel(self.shared.limits.queue);
        let task = LaneTask::new(lane, self.shared.clone(), sink);
        let stop = self.lifecycle.stopping();
        self.lifecycle.spawn_for_life("lane", task.run(requests, stop));
        // Those that wait go first, and whoever comes meanwhile waits for the lobby.
        self.lobby.leave(lane, |waiting| {
            for request in waiting {
                send(&queue, request);
            }
            self.tasks.add(lane, Lane { queue });
        });
    }

    /// How many requests wait in each lane.
    pub fn queues(&self) -> Vec<(u8, usize)> {
        let waiting = |lane: &Lane| lane.queue.max_capacity() - lane.queue.capacity();
        self.tasks
            .iter()
            .map(|(lane, task)| (lane, waiting(task)))
            .collect()
    }

    /// How long a batch is tried while the log is away. Then its commands are answered, if nothing comes of it.
    pub fn patience(&self) -> Duration {
        self.shared.limits.patience
    }

    /// How many lanes there are.
    pub fn count(&self) -> u8 {
        u8::try_from(self.tasks.count()).unwrap_or(u8::MAX)
    }

    /// Waits until somebody asks for a lane that this node does not run. The caller finds out whether the log has it, and
    /// [adds](Self::add) it or [refuses](Self::refuse_waiting).
    pub async fn asked(&self) {
        self.lobby.asked().await;
    }

    /// How many requests have waited for a lane ever: to be asked before the log is, which can then tell of them.
    pub fn waited(&self) -> u64 {
        self.lobby.entered()
    }

    /// Refuses those of the first `waited` that still wait for a lane: it is not known whether there is such a lane.
    pub fn refuse_waiting(&self, waited: u64, refusal: &Refusal) {
        for request in self.lobby.clear(waited) {
            request.refuse(refusal.clone());
        }
    }

    /// Refuses those of the first `waited` that still wait for a lane that is known not to be: as what they are about, which is not there.
    pub fn refuse_nowhere(&self, waited: u64) {
        for request in self.lobby.clear(waited) {
            let nowhere = request.nowhere();
            request.refuse(nowhere.into());
        }
    }

    /// How often this node has seen the log go back: see [`Hub::time_lines`].
    pub fn time_lines(&self) -> u64 {
        self.shared.hub.time_lines()
    }

    /// The moment that what is read from the log from now on is of.
    pub fn as_of(&self) -> AsOf {
        AsOf::now(&self.shared.hub, &self.shared.appender)
    }

    /// Queues a command to a conversation. An id that is on its way to another one is refused. Commands of one caller to one conversation take effect in the order queued.
    pub fn submit(&self, command: Command, reply: Reply) {
        let lane = command.conversation.lane();
        let digest = command.digest(&self.key);
        let Some(reply) = self.claim(command.actor.0, command.id.0, command.conversation.0, reply) else {
            return;
        };
        // Before the command itself, so that it never waits for what waits for it.
        let forwarded = command.forwards().map(|source| originals::Asked {
            source,
            actor: command.actor,
            seat: self.ask(source.conversation, command.actor, true),
        });
        let command = StreamCommand::Conversation(command);
        let regards = regards::Asked::by(&command).map(Asked::Regards);
        let asked = forwarded.map(Asked::Original).or(regards);
        self.queue(lane, Request::command(command, digest, asked, None, reply));
    }

    /// Queues a command to a user's own stream and waits for the answer. One that names seqs says when they were found, see
    /// [`Lanes::as_of`], and is refused as unavailable when the log may have gone back since.
    pub async fn submit_user(
        &self,
        user: UserId,
        id: Uuid,
        command: UserCommand,
        as_of: Option<AsOf>,
    ) -> Result<Accepted, Refusal> {
        let id = CommandId(id);
        self.submit_own(StreamCommand::User { user, id, command }, as_of)
            .await
    }

    /// Queues what somebody wishes of their own stream, on places that were found at `as_of`. Commands of one caller take effect in the order queued.
    pub fn submit_wish(&self, user: UserId, id: CommandId, command: UserCommand, as_of: AsOf, reply: Reply) {
        let Some(reply) = self.claim(user.0, id.0, user.0, reply) else {
            return;
        };
        let command = StreamCommand::User { user, id, command };
        let digest = command.digest(&self.key);
        self.queue(
            user.lane(),
            Request::command(command, digest, None, Some(as_of), reply),
        );
    }

    /// Queues what somebody wants of somebody else, whose direct conversation has this id, whether it is there or not. Commands of one caller to
    /// one pair take effect in the order queued.
    pub fn submit_pair(
        &self,
        direct: ConversationId,
        (actor, user): (UserId, UserId),
        id: CommandId,
        command: PairCommand,
        reply: Reply,
    ) {
        let pair = pair_of(direct);
        let Some(reply) = self.claim(actor.0, id.0, pair, reply) else {
            return;
        };
        let command = StreamCommand::Pair {
            actor,
            user,
            id,
            pair,
            command,
        };
        let digest = command.digest(&self.key);
        let asked = regards::Asked::by(&command).map(Asked::Regards);
        self.queue(
            direct.lane(),
            Request::command(command, digest, asked, None, reply),
        );
    }

    /// [`Lanes::submit_pair`], and waits for the answer.
    pub async fn submit_pair_and_wait(
        &self,
        direct: ConversationId,
        two: (UserId, UserId),
        id: CommandId,
        command: PairCommand,
    ) -> Result<Accepted, Refusal> {
        answered(|reply| self.submit_pair(direct, two, id, command, reply)).await
    }

    /// Queues what somebody says is wrong with a message, on what was found of that at `as_of`.
    pub fn submit_report(&self, actor: UserId, id: CommandId, filing: Filing, as_of: AsOf, reply: Reply) {
        let (conversation, message) = (filing.conversation, filing.message);
        let reports = reports_of(conversation, message);
        let Some(reply) = self.claim(actor.0, id.0, reports, reply) else {
            return;
        };
        let command = StreamCommand::Reports {
            actor,
            id,
            reports,
            command: ReportCommand::File(filing),
        };
        let digest = command.digest(&self.key);
        self.queue(
            conversation.lane(),
            Request::command(command, digest, None, Some(as_of), reply),
        );
    }

    /// Queues what the moderator `actor` wants of a report, which is on the stream `reports`, and waits for the answer.
    pub async fn submit_handling(
        &self,
        actor: UserId,
        id: Uuid,
        reports: Uuid,
        command: ReportCommand,
    ) -> Result<Accepted, Refusal> {
        let command = StreamCommand::Reports {
            actor,
            id: CommandId(id),
            reports,
            command,
        };
        self.submit_own(command, None).await
    }

    /// [`Lanes::submit`], and waits for the answer.
    pub async fn submit_and_wait(&self, command: Command) -> Result<Accepted, Refusal> {
        answered(|reply| self.submit(command, reply)).await
    }

    /// Says that `actor` has sent `id` to `stream`, until it is answered. Refuses it where it is on its way to another one.
    fn claim(&self, actor: Uuid, id: Uuid, stream: Uuid, reply: Reply) -> Option<Reply> {
        if !self.claims.claim(actor, id, stream) {
            reply(Err(Refusal::IdReused));
            return None;
        }
        let claims = Arc::clone(&self.claims);
        Some(Box::new(move |answer| {
            claims.release(actor, id);
            reply(answer);
        }))
    }

    /// Queues what the administrator `actor` is about to do, and waits until the log has it.
    pub async fn submit_act(&self, actor: UserId, id: Uuid, acted: Acted) -> Result<Accepted, Refusal> {
        let id = CommandId(id);
        self.submit_own(StreamCommand::Administration { actor, id, acted }, None)
            .await
    }

    /// Queues what becomes of an announcement of the administrator `actor`, and waits until the log has it.
    pub async fn submit_announcement(
        &self,
        actor: UserId,
        id: Uuid,
        command: AnnouncementCommand,
    ) -> Result<Accepted, Refusal> {
        let id = CommandId(id);
        self.submit_own(StreamCommand::Announcement { actor, id, command }, None)
            .await
    }

    /// A command that the server makes itself.
    async fn submit_own(&self, command: StreamCommand, as_of: Option<AsOf>) -> Result<Accepted, Refusal> {
        let lane = lane_of(command.stream());
        answered(|reply| self.queue(lane, Request::command(command, 0, None, as_of, reply))).await
    }

    /// Asks whether `user` is a member now, behind the commands that were queued before. With `fresh` the answer is checked
    /// against the log; without, it may be as old as fan-out takes.
    pub async fn authorize(
        &self,
        conversation: ConversationId,
        user: UserId,
        fresh: bool,
    ) -> Result<Seat, Refusal> {
        let answer = self.ask(conversation, user, fresh);
        answer.await.unwrap_or(Err(Refusal::Unavailable))
    }

    /// The same, queued by now.
    fn ask(
        &self,
        conversation: ConversationId,
        user: UserId,
        fresh: bool,
    ) -> oneshot::Receiver<Result<Seat, Refusal>> {
        let (reply, receiver) = oneshot::channel();
        let request = Request::Authorize(Authorize {
            conversation,
            user,
            fresh,
            reply,
        });
        self.queue(conversation.lane(), request);
        receiver
    }

    fn queue(&self, lane: u8, request: Request) {
        if let Some(lane) = self.tasks.get(lane) {
            return send(&lane.queue, request);
        }
        let come = || self.tasks.get(lane).map(|lane| &lane.queue);
        match self.lobby.enter(lane, request, come) {
            None => {}
            Some((request, Some(queue))) => send(queue, request),
            Some((request, None)) => request.refuse(Refusal::Overloaded),
        }
    }
}

fn send(queue: &mpsc::Sender<Request>, request: Request) {
    match queue.try_send(request) {
        Ok(()) => {}
        Err(mpsc::error::TrySendError::Full(request)) => request.refuse(Refusal::Overloaded),
        Err(mpsc::error::TrySendError::Closed(request)) => request.refuse(Refusal::Unavailable),
    }
}

/// Waits for the answer to what `queue` queues.
async fn answered(queue: impl FnOnce(Reply)) -> Result<Accepted, Refusal> {
    let (sender, receiver) = oneshot::channel();
    queue(Box::new(move |answer| {
        // The caller may have given up waiting.
        let _ = sender.send(answer);
    }));
    receiver.await.unwrap_or(Err(Refusal::Unavailable))
}

impl Request {
    /// A command of which nothing is known yet.
    fn command(
        command: StreamCommand,
        digest: i64,
        asked: Option<Asked>,
        as_of: Option<AsOf>,
        reply: Reply,
    ) -> Self {
        Self::Command {
            command,
            digest,
            people: vec![],
            rooms: vec![],
            asked,
            original: None,
            regards: vec![],
            as_of,
            reply,
        }
    }

    fn stream(&self) -> Uuid {
        match self {
            Self::Command { command, .. } => command.stream(),
            Self::Authorize(question) => question.conversation.0,
        }
    }

    /// People whom it puts somewhere: those whom it names, who must exist, and the actor where they come along.
    fn people(&self) -> Vec<UserId> {
        match self {
            Self::Command { command, .. } => {
                let named = command.needs().find_map(Need::users);
                let actor = command.brings_actor().then(|| command.actor());
                named.map_or_else(Vec::new, |users| users.iter().copied().chain(actor).collect())
            }
            Self::Authorize(_) => vec![],
        }
    }

    /// Of its people, those in `found` exist, and may be put into so many conversations more.
    fn exist(&mut self, found: &HashMap<UserId, u32>) {
        let known = |user: UserId| found.get(&user).map(|left| (user, *left));
        let all: Vec<(UserId, u32)> = self.people().into_iter().filter_map(known).collect();
        if let Self::Command { people, rooms, .. } = self {
            *people = all.iter().map(|(user, _)| *user).collect();
            rooms.extend(all.into_iter().filter(|(_, left)| *left <= ROOM_SMALL));
        }
    }

    /// What nobody has looked up for it yet.
    fn take_asked(&mut self) -> Option<Asked> {
        match self {
            Self::Command { asked, .. } => asked.take(),
            Self::Authorize(_) => None,
        }
    }

    /// What it asked for was looked up.
    fn found(&mut self, found: Found) {
        if let Self::Command {
            original, regards, ..
        } = self
        {
            match found {
                Found::Original(found) => *original = found,
                Found::Regards(found) => *regards = found,
            }
        }
    }

    /// What is wrong with it where there is neither its stream nor anybody whom it names.
    fn nowhere(&self) -> Rejection {
        let decided = match self {
            Self::Command { command, .. } => {
                Stream::default().decide(command, &Facts::default(), crate::clock::now())
            }
            Self::Authorize(_) => Err(Rejection::NotAMember),
        };
        decided.err().unwrap_or(Rejection::NotAMember)
    }

    fn refuse(self, refusal: Refusal) {
        match self {
            Self::Command { reply, .. } => reply(Err(refusal)),
            Self::Authorize(question) => {
                // Whoever asked may be gone.
                let _ = question.reply.send(Err(refusal));
            }
        }
    }
}
