//! What the stores themselves say, straight from PostgreSQL and Redis.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tidings_journal::{Kind, Logged, Stored, whole};
use tidings_stand::Session;
use tokio::time::timeout;
use uuid::Uuid;

use crate::said;

/// How long connecting, and each question, may take.
const LIMIT: Duration = Duration::from_secs(20);

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

/// Numbers of kinds as the log has them; those from 64 on are not about conversations.
const LOG: &str = "SELECT stream, seq, kind, actor, command, convert_from(payload, 'UTF8'), idx, \
     floor(extract(epoch FROM at) * 1000)::bigint, lane, pos FROM event WHERE kind < 64 ORDER BY stream, seq";

const HEADS: &str = "SELECT lane, head, epoch FROM log_lane ORDER BY lane";

/// Lanes in which a read model is behind the log, and events that none could take.
const BEHIND: &str = "SELECT (SELECT count(*) FROM projection_checkpoint c JOIN log_lane l ON l.lane = c.lane \
     WHERE c.pos < l.head) + (SELECT count(*) FROM projection_parked)";

/// A session with the log's database.
pub(crate) struct Database(Session);

impl Database {
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        Ok(Self(Session::open(&url.parse()?, LIMIT).await?))
    }

    /// The events of all conversations, by conversation and seq.
    pub(crate) async fn log(&self) -> Result<Vec<Logged>> {
        let rows = timeout(LIMIT, self.0.query(LOG, &[]))
            .await
            .context("no log in time")??;
        rows.iter()
            .map(|row| {
                let conversation: Uuid = row.try_get(0)?;
                let seq: i64 = row.try_get(1)?;
                let actor: Uuid = row.try_get(3)?;
                let millis: i64 = row.try_get(7)?;
                let mut payload: serde_json::Value = serde_json::from_str(row.try_get(5)?)?;
                let (kind, name, users) = match row.try_get::<_, i16>(2)? {
                    1 => (Kind::Joined, "direct.opened", users(&payload["users"])),
                    2 => (Kind::Joined, "group.created", users(&payload["members"])),
                    3 => (Kind::Joined, "member.added", users(&payload["user"])),
                    4 => (Kind::Left, "member.removed", users(&payload["user"])),
                    5 => (Kind::Left, "member.left", users(&payload["user"])),
                    6 => (Kind::Other, "group.renamed", vec![]),
                    7 => (Kind::Other, "role.changed", vec![]),
                    16 => (Kind::Message, "message.sent", vec![]),
                    _ => (Kind::Other, "", vec![]),
                };
                let command: Uuid = row.try_get(4)?;
                if kind == Kind::Message {
                    // The log keeps it in a column.
                    payload["message"] = command.to_string().into();
                }
                let data = payload.to_string();
                // Of several events that one command makes, the first stands for it.
                let first = row.try_get::<_, i16>(6).map(|idx| idx == 0)?;
                Ok(Logged {
                    conversation: conversation.to_string(),
                    seq: seq.cast_unsigned(),
                    kind,
                    actor: actor.to_string(),
                    id: first.then_some(command),
                    digest: said::logged(name, &data),
                    whole: (!name.is_empty()).then(|| whole(name, &actor.to_string(), millis, &data)),
                    stored: Some(Stored {
                        lane: row.try_get::<_, i16>(8)?.cast_unsigned(),
                        pos: row.try_get::<_, i64>(9)?.cast_unsigned(),
                        time: millis,
                    }),
                    users,
                })
            })
            .collect()
    }

    /// The last position of each lane, and the epoch of its time line.
    pub(crate) async fn heads(&self) -> Result<BTreeMap<i16, (u64, i32)>> {
        let rows = timeout(LIMIT, self.0.query(HEADS, &[]))
            .await
            .context("no heads in time")??;
        let heads = rows.iter().map(|row| {
            let head: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, (head.cast_unsigned(), row.try_get(2)?)))
        });
        heads.collect()
    }

    /// How many lanes of read models lag, and events are parked.
    pub(crate) async fn behind(&self) -> Result<i64> {
        let row = timeout(LIMIT, self.0.query_one(BEHIND, &[])).await;
        Ok(row.context("no checkpoints in time")??.try_get(0)?)
    }

    /// The log's own id, which names its keys in Redis.
    pub(crate) async fn log_id(&self) -> Result<Uuid> {
        let asked = self.0.query_one("SELECT id FROM log_identity", &[]);
        Ok(timeout(LIMIT, asked)
            .await
            .context("no identity in time")??
            .try_get(0)?)
    }
}

fn users(value: &serde_json::Value) -> Vec<String> {
    match value {
        serde_json::Value::Array(users) => {
            let users = users.iter().filter_map(serde_json::Value::as_str);
            users.map(str::to_owned).collect()
        }
        serde_json::Value::String(user) => vec![user.clone()],
        _ => vec![],
    }
}

/// Ends all sessions of clients; answers how many. A server that is away has none.
pub(crate) async fn terminate_sessions(url: &str) -> Result<u64> {
    let database = Database::connect(url).await?;
    let ended = timeout(LIMIT, database.0.query(TERMINATE, &[]))
        .await
        .context("no answer in time")??;
    Ok(ended.len() as u64)
}

/// Empties Redis; answers how many keys there were.
pub(crate) async fn flush(url: &str) -> Result<u64> {
    let mut connection = redis(url).await?;
    let mut commands = redis::pipe();
    commands.cmd("DBSIZE").cmd("FLUSHALL").ignore();
    let flushing = timeout(LIMIT, commands.query_async::<(u64,)>(&mut connection));
    let (keys,) = flushing.await.context("Redis does not answer")??;
    Ok(keys)
}

/// The last position that the stream of each of these lanes, in this epoch, has in Redis.
pub(crate) async fn streams(
    url: &str,
    log: Uuid,
    lanes: impl Iterator<Item = (i16, i32)>,
) -> Result<BTreeMap<i16, u64>> {
    let mut connection = redis(url).await?;
    let mut positions = BTreeMap::new();
    for (lane, epoch) in lanes {
        let key = format!("tidings:{}:{{{lane}}}:{epoch}:log", log.simple());
        let mut asked = redis::cmd("XREVRANGE");
        asked.arg(key).arg("+").arg("-").arg("COUNT").arg(1);
        let reply: redis::streams::StreamRangeReply = timeout(LIMIT, asked.query_async(&mut connection))
            .await
            .context("Redis does not answer")??;
        let last = reply
            .ids
            .first()
            .and_then(|entry| entry.id.split('-').next()?.parse().ok());
        positions.insert(lane, last.unwrap_or(0));
    }
    Ok(positions)
}

async fn redis(url: &str) -> Result<redis::aio::MultiplexedConnection> {
    let connecting = redis::Client::open(url)?;
    let connecting = connecting.get_multiplexed_async_connection();
    Ok(timeout(LIMIT, connecting)
        .await
        .context("Redis does not answer")??)
}
