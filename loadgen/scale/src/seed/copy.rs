//! Rows of the log's tables in PostgreSQL's binary COPY format, sent while more are made.

use anyhow::{Context as _, Result};
use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::SinkExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use tidings_bench::database::Database;

/// What is sent at once, and how many of these may wait.
const PART: usize = 256 * 1024;
const WAITING: usize = 16;
/// The format's signature, flags, and length of a header extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// 2000-01-01, from which PostgreSQL counts, in microseconds since 1970.
const EPOCH_US: i64 = 946_684_800_000_000;

/// Rows for one table on a connection of their own.
pub(super) struct Table {
    part: BytesMut,
    parts: mpsc::Sender<Bytes>,
    copying: JoinHandle<Result<u64>>,
}

impl Table {
    /// Begins to copy into a table: `event (lane, pos, …)`.
    pub(super) async fn open(database_url: &str, table: &str) -> Result<Self> {
        let database = Database::open(database_url).await?;
        let sql = format!("COPY {table} FROM STDIN (FORMAT binary)");
        let (parts, mut taken) = mpsc::channel::<Bytes>(WAITING);
        let copying = tokio::spawn(async move {
            let mut sink = std::pin::pin!(database.copy_in(&sql).await?);
            while let Some(part) = taken.recv().await {
                sink.send(part).await.context("COPY broke off")?;
            }
            Ok(sink.finish().await?)
        });
        let mut part = BytesMut::with_capacity(PART + 1024);
        part.put_slice(HEAD);
        Ok(Self { part, parts, copying })
    }

    /// Adds a row. Blocks while too much waits, so it is not for the runtime's threads.
    pub(super) fn row(&mut self, fields: &[Field<'_>]) -> Result<()> {
        self.part.put_i16(fields.len() as i16);
        for field in fields {
            field.put(&mut self.part);
        }
        if self.part.len() >= PART {
            let part = self.part.split().freeze();
            self.parts.blocking_send(part).ok().context("COPY broke off")?;
        }
        Ok(())
    }

    /// Ends the copy; answers how many rows the table took.
    pub(super) async fn close(mut self) -> Result<u64> {
        self.part.put_i16(-1);
        // Where nobody takes it, the task below says why.
        let _ = self.parts.send(self.part.freeze()).await;
        drop(self.parts);
        self.copying.await.context("COPY broke off")?
    }
}

/// A value of a row.
pub(super) enum Field<'a> {
    Flag(bool),
    Small(i16),
    Big(i64),
    Id(Uuid),
    At(DateTime<Utc>),
    Bytes(&'a [u8]),
}

impl Field<'_> {
    /// Each value comes behind its length.
    fn put(&self, row: &mut BytesMut) {
        match self {
            Self::Flag(flag) => {
                row.put_i32(1);
                row.put_u8(u8::from(*flag));
            }
            Self::Small(number) => {
                row.put_i32(2);
                row.put_i16(*number);
            }
            Self::Big(number) => {
                row.put_i32(8);
                row.put_i64(*number);
            }
            Self::Id(id) => {
                row.put_i32(16);
                row.put_slice(id.as_bytes());
            }
            Self::At(at) => {
                row.put_i32(8);
                row.put_i64(at.timestamp_micros() - EPOCH_US);
            }
            Self::Bytes(bytes) => {
                row.put_i32(bytes.len() as i32);
                row.put_slice(bytes);
            }
        }
    }
}
