//! A log to be written full and thrown away.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tidings_eventlog::{LogConfig, NewEvent, Proposal, schema};
use tidings_stand::{Session, Stand};
use uuid::Uuid;

use crate::{PATIENCE, PAYLOAD, within};

pub(crate) const LANES: u8 = 4;
pub(crate) const STREAMS: usize = 1_000;

/// The number of a chat message's kind; the log does not care.
const KIND: i16 = 16;

/// A migrated log in a database of its own. One that is not removed goes with the stand.
pub(crate) struct Scratch {
    pub(crate) config: LogConfig,
    name: String,
}

impl Scratch {
    pub(crate) async fn make(stand: &Stand) -> Result<Self> {
        let name = format!("ceiling_{}", Uuid::new_v4().simple());
        within("making a database", stand.postgres().ensure_database(&name)).await?;
        let config = LogConfig::from_url(&stand.postgres().url(&name))?;
        within("migration", schema::migrate(&config, u16::from(LANES))).await?;
        Ok(Self { config, name })
    }

    pub(crate) async fn connect(&self) -> Result<Session> {
        Session::open(&self.config.postgres, PATIENCE).await
    }

    /// Makes sure that the log holds exactly so many events, and removes it.
    pub(crate) async fn verify_and_remove(self, stand: &Stand, events: u64) -> Result<()> {
        let session = self.connect().await?;
        let row = within("counting", session.query_one("SELECT count(*) FROM event", &[])).await?;
        let found: i64 = row.try_get(0)?;
        ensure!(
            u64::try_from(found) == Ok(events),
            "{events} events were answered, but the table holds {found}"
        );
        drop(session);
        let admin = Session::open(&stand.database_url().parse()?, PATIENCE).await?;
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        within("removing a database", admin.batch_execute(&drop)).await
    }
}

/// The ids of streams, dealt to the lanes in turn.
pub(crate) fn streams() -> Vec<Uuid> {
    let stream = |number: usize| {
        let mut bytes = *Uuid::new_v4().as_bytes();
        bytes[15] = (number % usize::from(LANES)) as u8;
        Uuid::from_bytes(bytes)
    };
    (0..STREAMS).map(stream).collect()
}

pub(crate) fn lane_of(stream: Uuid) -> u8 {
    stream.as_bytes()[15]
}

pub(crate) fn payload() -> Bytes {
    Bytes::from(vec![b'x'; PAYLOAD])
}

/// A command that appends one message to a stream.
pub(crate) fn message(stream: Uuid, payload: &Bytes) -> Proposal {
    Proposal {
        stream,
        command: Uuid::now_v7(),
        digest: 0,
        actor: stream,
        guard: 0,
        events: vec![NewEvent {
            kind: KIND,
            ver: 1,
            control: false,
            countable: true,
            payload: payload.clone(),
        }],
    }
}

/// Takes the value that every one of these tasks answers.
pub(crate) async fn all<T: 'static>(mut tasks: tokio::task::JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut answers = vec![];
    while let Some(done) = tasks.join_next().await {
        answers.push(done.context("a task ended")??);
    }
    Ok(answers)
}
