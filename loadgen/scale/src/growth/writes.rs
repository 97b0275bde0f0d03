//! What a message to a group makes PostgreSQL write.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use tidings_bench::people::{answered, connect};
use tidings_bench::wire::Socket;
use tidings_report::{Aim, Report};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::long_log::LongLog;
use tidings_bench::database::Database;

/// How much more a message to the largest group may write than one to the smallest.
const MORE: f64 = 1.1;
/// A session tells what it wrote when it has written something and has not told for a second.
const TELLS: Duration = Duration::from_millis(1_100);
const POLL: Duration = Duration::from_millis(100);
/// Nothing new for so long is nothing more to come.
const REST: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(30);
const TEXT: &str =
    "The quick brown fox jumps over the lazy dog, and everybody in the room has seen it do so before.";

/// What was counted of each group in each round, per message.
pub(super) struct Writes {
    groups: Vec<Group>,
}

struct Group {
    members: usize,
    rows: Vec<f64>,
    wal_bytes: Vec<f64>,
}

type Kind = (&'static str, &'static str, fn(&Group) -> &[f64]);

/// Names, units and values.
const KINDS: [Kind; 2] = [
    ("rows written per message", "", |group| &group.rows),
    ("WAL per message", "bytes", |group| &group.wal_bytes),
];

/// What has been written so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Written {
    events: i64,
    messages: i64,
    rows: i64,
}

impl Writes {
    /// Sends so many messages to each group, with nobody but their sender there.
    pub(super) async fn count(log: &LongLog, messages: u64, rounds: usize) -> Result<Self> {
        let database = Database::open(&log.stand.database_url()).await?;
        let mut socket = connect(log.node().address(), &log.sender, "writer").await?;
        let mut groups: Vec<(Uuid, Group)> = vec![];
        for (members, conversation) in &log.seeded.groups {
            // The first messages touch what the others find touched.
            send(&mut socket, *conversation, messages / 5 + 1).await?;
            let group = Group {
                members: *members,
                rows: vec![],
                wal_bytes: vec![],
            };
            groups.push((*conversation, group));
        }
        for _ in 0..rounds {
            for (conversation, group) in &mut groups {
                let (rows, wal_bytes) = one(&database, &mut socket, *conversation, messages).await?;
                group.rows.push(rows);
                group.wal_bytes.push(wal_bytes);
            }
        }
        Ok(Self {
            groups: groups.into_iter().map(|(_, group)| group).collect(),
        })
    }

    /// Adds the figures, and beside those of the largest group the smallest one's.
    pub(super) fn tell(mut self, report: &mut Report) {
        self.groups.sort_by_key(|group| group.members);
        for (kind, unit, of) in KINDS {
            for (index, group) in self.groups.iter().enumerate() {
                let name = format!("{kind}, {} members", group.members);
                let figure = report.figure(&name, unit, of(group));
                if index > 0 && index == self.groups.len() - 1 {
                    let smallest = &self.groups[0];
                    figure
                        .ratio_to(&format!("{} members", smallest.members), of(smallest))
                        .aim(Aim::AtMost(MORE));
                }
            }
        }
    }
}

/// Rows and bytes of the write-ahead log for each of so many messages.
async fn one(
    database: &Database,
    socket: &mut Socket,
    conversation: Uuid,
    messages: u64,
) -> Result<(f64, f64)> {
    let before = told(database, socket, conversation, None).await?;
    let wal_before = wal(database).await?;
    send(socket, conversation, messages).await?;
    database.caught_up().await?;
    let wal_bytes = wal(database).await? - wal_before;
    let expected = Written {
        events: before.events + i64::try_from(messages)? + 1,
        messages: before.messages + i64::try_from(messages)? + 1,
        ..before
    };
    let after = told(database, socket, conversation, Some(expected)).await?;
    let rows = (after.rows - before.rows) as f64 / (messages + 1) as f64;
    Ok((rows, wal_bytes as f64 / messages as f64))
}

/// Sends messages, each after the ack of the one before.
async fn send(socket: &mut Socket, conversation: Uuid, messages: u64) -> Result<()> {
    let mut last = None;
    for _ in 0..messages {
        let message = json!({
            "type": "message.send", "conversation": conversation, "content": {"kind": "text", "text": TEXT},
        });
        let seq = answered(socket, message).await?.seq;
        ensure!(
            last.is_none_or(|last| seq == last + 1),
            "seq {seq} was acked after {last:?}, though nobody else writes"
        );
        last = Some(seq);
    }
    Ok(())
}

async fn wal(database: &Database) -> Result<i64> {
    let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
    database.number(sql).await
}

/// Makes all sessions that have written messages to a group tell what they wrote, by one more message, and waits until the
/// statistics hold at least so many events and messages.
async fn told(
    database: &Database,
    socket: &mut Socket,
    conversation: Uuid,
    expected: Option<Written>,
) -> Result<Written> {
    database.caught_up().await?;
    sleep(TELLS).await;
    send(socket, conversation, 1).await?;
    let start = Instant::now();
    let mut last = written(database).await?;
    let mut since = Instant::now();
    loop {
        sleep(POLL).await;
        let now = written(database).await?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let complete = expected
            .is_none_or(|expected| last.events >= expected.events && last.messages >= expected.messages);
        if complete && since.elapsed() >= REST {
            return Ok(last);
        }
        if start.elapsed() > PATIENCE {
            bail!("PostgreSQL's statistics tell of {last:?} where at least {expected:?} was written");
        }
    }
}

async fn written(database: &Database) -> Result<Written> {
    let row = database
        .query_one(
            "SELECT coalesce(sum(n_tup_ins) FILTER (WHERE relname LIKE 'event\\_%'), 0)::bigint, \
             coalesce(sum(n_tup_ins) FILTER (WHERE schemaname = 'p_history_4' AND relname IN ('message_main', 'message_thread')), 0)::bigint, \
             sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables",
            &[],
        )
        .await
        .context("no statistics")?;
    Ok(Written {
        events: row.try_get(0)?,
        messages: row.try_get(1)?,
        rows: row.try_get(2)?,
    })
}
