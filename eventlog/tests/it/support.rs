//! A fresh log for each test.

use bytes::Bytes;
use std::time::Duration;
use tidings_eventlog::{Appended, Appender, Batch, Log, LogConfig, NewEvent, Outcome, Proposal, schema};
use tidings_services::testing::{TestDatabase, shared};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub(crate) const LANES: u8 = 4;

pub(crate) struct TestLog {
    pub(crate) log: Log,
    pub(crate) config: LogConfig,
    pub(crate) database: TestDatabase,
}

impl TestLog {
    pub(crate) async fn new() -> Self {
        let database = shared()
            .database("eventlog", async |url| {
                schema::migrate(
                    &LogConfig::from_url(&url)?.with_timeout(Duration::from_mins(1)),
                    u16::from(LANES),
                )
                .await
                .map(|_| ())
            })
            .await
            .unwrap();
        let config = LogConfig::from_url(database.url())
            .unwrap()
            .with_timeout(Duration::from_mins(1));
        let log = Log::new(config.pool().unwrap(), config.timeout);
        Self {
            log,
            config,
            database,
        }
    }

    pub(crate) fn appender(&self) -> Appender {
        Appender::new(self.config.clone())
    }

    /// A connection of its own, for what the crate does not do.
    pub(crate) async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

pub(crate) fn stream(lane: u8, n: u64) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    bytes[15] = lane;
    Uuid::from_bytes(bytes)
}

pub(crate) fn message() -> NewEvent {
    NewEvent {
        kind: 16,
        ver: 1,
        control: false,
        countable: true,
        payload: Bytes::from_static(b"{}"),
    }
}

pub(crate) fn control() -> NewEvent {
    NewEvent {
        kind: 3,
        ver: 1,
        control: true,
        countable: false,
        payload: Bytes::from_static(b"{}"),
    }
}

pub(crate) fn proposal(stream: Uuid, guard: u64, events: Vec<NewEvent>) -> Proposal {
    Proposal {
        stream,
        command: Uuid::new_v4(),
        digest: 7,
        actor: Uuid::from_u128(1),
        guard,
        events,
    }
}

pub(crate) fn batch(lane: u8, proposals: &[Proposal]) -> Batch {
    let mut batch = Batch::new(lane);
    for proposal in proposals {
        batch.push(proposal);
    }
    batch
}

#[track_caller]
pub(crate) fn appended(outcome: Outcome) -> Appended {
    match outcome {
        Outcome::Appended(appended) => appended,
        refused => panic!("{refused:?}"),
    }
}
