//! Shows that somebody types to those who may know it: to nobody where a message of theirs would be refused, and never between two of whom one
//! blocks the other. Who that is is found out aside, so that no connection waits for it; what cannot be found out soon is not shown.
//!
//! A block does not make somebody silent, neither in a direct conversation: their own devices are shown it as ever, for they must not be able
//! to tell.

use super::voices::{Fate, Question, Typed, Voice, Voices};
use crate::delivery::{Audience, Hub};
use crate::fanout::Ephemeral;
use crate::lanes::{Lanes, Writes};
use crate::lifecycle::Lifecycle;
use crate::tables::{self, Behind};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_domain::pair::block::BLOCKS_MAX;
use tidings_eventlog::{Log, Pool};
use tidings_projections::{Checkpoints, conversations, people};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Questions that wait; of more, nothing is shown.
const QUEUE: usize = 256;
/// Questions that are looked into at once.
const AT_ONCE: usize = 16;
/// What takes longer is not shown: it would be over.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is taken for true. What changes it is mostly heard of at once.
const LIFE: Duration = Duration::from_secs(30);
/// The same where nothing could be found out.
const LIFE_UNKNOWN: Duration = Duration::from_secs(5);
/// Who has to do with more blocks than this, counting both sides, is heard by nobody else.
const PARTED_MAX: usize = BLOCKS_MAX as usize;
/// People from whom something is kept by name. Of somebody who has to do with more blocks, members are looked for among those; and
/// where even these are more, nobody else hears them.
const KEPT_FROM_MAX: usize = 64;
/// The read models that say who is where, and who blocks whom.
const MODELS: [&str; 2] = ["conversations", "people"];

/// What it is found out from.
pub struct Sources {
    pub checkpoints: Checkpoints,
    pub ephemeral: Ephemeral,
    pub hub: Hub,
    pub lanes: Lanes,
    pub log: Log,
    pub voices: Voices,
}

/// The way to be heard. Cheap to clone.
#[derive(Clone)]
pub struct Hearing {
    ephemeral: Ephemeral,
    hub: Hub,
    voices: Voices,
    questions: mpsc::Sender<Question>,
}

impl Hearing {
    /// Starts what finds out who is heard, which ends with the node.
    pub fn start(lifecycle: &Lifecycle, sources: Sources) -> Self {
        let (questions, asked) = mpsc::channel(QUEUE);
        let hearing = Self {
            ephemeral: sources.ephemeral,
            hub: sources.hub,
            voices: sources.voices,
            questions,
        };
        let pool = sources.log.pool();
        let finder = Finder {
            checkpoints: sources.checkpoints,
            lanes: sources.lanes,
            // An eighth of the sessions: who types keeps nobody from messages.
            pool: pool.portion(pool.max_size() / 8),
            log: sources.log,
            voices: hearing.voices.clone(),
        };
        lifecycle.spawn_for_life(
            "hearing",
            run(hearing.clone(), finder, asked, lifecycle.stopping()),
        );
        hearing
    }

    /// Shows what is typed, now or as soon as it is known to whom.
    pub(super) fn typing(&self, typed: Typed) {
        if let Some(voice) = self.voices.known(&typed, Instant::now()) {
            return self.show(typed, &voice);
        }
        // Strangers are not asked about, nor is what nobody would be shown.
        let hearing = self.clone();
        let ask = Box::new(move || hearing.ask(typed));
        self.hub.may_type(typed.conversation.0, typed.connection, ask);
    }

    fn ask(&self, typed: Typed) {
        match self.voices.ask(typed, Instant::now()) {
            Fate::Known(voice) => self.show(typed, &voice),
            Fate::Asked(question) => {
                // Where too much is asked, it is asked again later.
                let _ = self.questions.try_send(question);
            }
            Fate::Waits => {}
        }
    }

    fn show(&self, typed: Typed, voice: &Voice) {
        let Typed {
            user,
            conversation,
            connection,
            on,
        } = typed;
        if let Voice::Heard(audience) = voice {
            let audience = audience.clone();
            self.ephemeral
                .typing(user, conversation, connection, on, audience);
        }
    }
}

/// Looks into questions until the node stops.
async fn run(hearing: Hearing, finder: Finder, mut asked: mpsc::Receiver<Question>, stop: CancellationToken) {
    let mut looking = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(question) = asked.recv(), if looking.len() < AT_ONCE => {
                let (hearing, finder) = (hearing.clone(), finder.clone());
                looking.spawn(async move {
                    let found = timeout(PATIENCE, finder.find(&question)).await.ok().flatten();
                    let found = found.unwrap_or((Voice::Silent, LIFE_UNKNOWN));
                    let show = |typed, voice: &Voice| hearing.show(typed, voice);
                    hearing.voices.answer(&question, found, Instant::now(), show);
                });
            }
            Some(_) = looking.join_next() => {}
        }
    }
}

/// What finds out who is heard. Cheap to clone.
#[derive(Clone)]
struct Finder {
    checkpoints: Checkpoints,
    lanes: Lanes,
    log: Log,
    pool: Pool,
    voices: Voices,
}

impl Finder {
    /// Whether somebody is heard, and how long that holds. Nothing, where nobody can say.
    async fn find(&self, question: &Question) -> Option<(Voice, Duration)> {
        let Question {
            user, conversation, ..
        } = *question;
        let seat = self.lanes.authorize(conversation, user, false).await.ok()?;
        match seat.writes {
            Writes::Now => {}
            Writes::In(wait) => return Some((Voice::Silent, wait.min(LIFE))),
            Writes::Not => return Some((Voice::Silent, LIFE)),
        }
        tables::readable(&self.checkpoints, &MODELS).await.ok()?;
        if self.voices.is_doubted(user, Instant::now()) {
            self.catch_up().await.ok()?;
        }
        let select = people::parted(user.0, PARTED_MAX);
        let mut parted = tables::ask(&self.pool, &select).await?;
        let is_whole = parted.len() < PARTED_MAX;
        if is_whole && parted.len() > KEPT_FROM_MAX {
            self.catch_up().await.ok()?;
            let select = conversations::members_among(conversation.0, parted);
            parted = tables::ask(&self.pool, &select).await?;
        }
        let audience = if !is_whole || parted.len() > KEPT_FROM_MAX {
            Audience::User(user)
        } else if parted.is_empty() {
            Audience::All
        } else {
            parted.sort_unstable();
            Audience::AllBut(parted.into_iter().map(UserId).collect())
        };
        Some((Voice::Heard(audience), LIFE))
    }

    async fn catch_up(&self) -> Result<(), Behind> {
        tables::catch_up(&self.log, &self.checkpoints, &MODELS, PATIENCE).await
    }
}
