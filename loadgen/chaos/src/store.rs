//! What the stores themselves say, straight from PostgreSQL and Redis.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use tidings_journal::{Kind, Logged, Stored, whole};
use tidings_protocol::{EventData, EventKind, Forwarded, NoticeData};
use tidings_stand::Session;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::moderation::Turns;
use crate::own::Own;
use crate::{moderation, pair, report, said};

/// How long connecting, and each question, may take: a whole database is copied by one of them, beside much else.
const LIMIT: Duration = Duration::from_mins(1);

/// How long read models may take to have everything that is in the log.
const FOLD_LIMIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

const WALWRITER: &str = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'";

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

/// Numbers of kinds as the log has them; those from 64 on are of people's own streams but for 102, which is of conversations, 96 is of
/// administrators', 97 of what two people are to one another, 98 of what is reported of a message, and 99 of what becomes of that.
const LOG: &str = "SELECT stream, seq, kind, actor, command, convert_from(payload, 'UTF8'), \
     command IS DISTINCT FROM lead(command) OVER (PARTITION BY stream ORDER BY seq), \
     floor(extract(epoch FROM at) * 1000)::bigint, lane, pos FROM event WHERE kind <> 96 ORDER BY stream, seq";

/// What happens in conversations, with the columns of [`LOG`].
const EVENTS: &str = "SELECT stream, seq, kind, actor, command, convert_from(payload, 'UTF8') \
     FROM event WHERE kind < 64 OR kind = 102 ORDER BY stream, seq";

/// What people have read, and have done for themselves.
const OWN: &str = "SELECT stream, kind, convert_from(payload, 'UTF8') FROM event \
     WHERE kind = 65 OR kind BETWEEN 69 AND 95 ORDER BY stream, seq";

const HEADS: &str = "SELECT lane, head, epoch FROM log_lane ORDER BY lane";

/// Lanes in which a live read model, whose name has no suffix, is behind the log, and events that none could take.
const BEHIND: &str = "SELECT (SELECT count(*) FROM projection_checkpoint c JOIN log_lane l ON l.lane = c.lane \
     WHERE c.pos < l.head AND c.projection NOT LIKE '%\\_%') + (SELECT count(*) FROM projection_parked WHERE projection NOT LIKE '%\\_%')";

mod restore;

pub(crate) use restore::{BackUp, Restored};

/// A session with the log's database.
pub(crate) struct Database(Session);

impl Database {
    /// A server that has just been started, or that another fault has stopped for a moment, is waited for.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        let config = url.parse()?;
        let deadline = Instant::now() + LIMIT;
        loop {
            match Session::open(&config, LIMIT).await {
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_) => sleep(POLL).await,
                Ok(session) => return Ok(Self(session)),
            }
        }
    }

    /// The events of all conversations and of all people's own streams, by stream and seq.
    pub(crate) async fn log(&self) -> Result<Vec<Logged>> {
        let rows = timeout(LIMIT, self.0.query(LOG, &[]))
            .await
            .context("no log in time")??;
        let (mut reports, mut turns) = (BTreeMap::new(), Turns::default());
        rows.iter()
            .map(|row| {
                let stream: Uuid = row.try_get(0)?;
                let seq: i64 = row.try_get(1)?;
                let actor: Uuid = row.try_get(3)?;
                let millis: i64 = row.try_get(7)?;
                let payload: serde_json::Value = serde_json::from_str(row.try_get(5)?)?;
                let number = row.try_get::<_, i16>(2)?;
                let (kind, name, users) = match number {
                    1 => (Kind::Joined, "direct.opened", users(&payload["users"])),
                    2 => (Kind::Joined, "group.created", users(&payload["members"])),
                    3 => (Kind::Joined, "member.added", users(&payload["user"])),
                    4 => (Kind::Left, "member.removed", users(&payload["user"])),
                    5 => (Kind::Left, "member.left", users(&payload["user"])),
                    6 => (Kind::Other, "group.renamed", vec![]),
                    7 => (Kind::Other, "role.changed", vec![]),
                    8 => (Kind::Other, "group.settings_changed", vec![]),
                    9 => (Kind::Other, "member.muted", vec![]),
                    10 => (Kind::Other, "member.banned", vec![]),
                    11 => (Kind::Other, "member.unbanned", vec![]),
                    12 => (Kind::Other, "link.created", vec![]),
                    13 => (Kind::Other, "link.revoked", vec![]),
                    14 => (Kind::Other, "join.requested", vec![]),
                    15 => (Kind::Other, "join.refused", vec![]),
                    // In the main timeline, in both, and in threads alone.
                    16 | 22 => (Kind::Message, "message.sent", vec![]),
                    21 => (Kind::Reply, "message.sent", vec![]),
                    17 => (Kind::Edited, "message.edited", vec![]),
                    MESSAGE_RECALLED => (Kind::Recalled, "message.recalled", vec![]),
                    19 => (Kind::Other, "reaction.changed", vec![]),
                    20 => (Kind::Other, "pin.changed", vec![]),
                    23 => (Kind::Other, "invitation.sent", vec![]),
                    24 => (Kind::Other, "invitation.accepted", vec![]),
                    25 => (Kind::Other, "invitation.declined", vec![]),
                    26 => (Kind::Other, "invitation.withdrawn", vec![]),
                    MESSAGE_WITHHELD if payload["withheld"] == true => {
                        (Kind::Withheld, "message.withheld", vec![])
                    }
                    MESSAGE_WITHHELD => (Kind::Shown, "message.withheld", vec![]),
                    _ => (Kind::Other, "", vec![]),
                };
                let command: Uuid = row.try_get(4)?;
                let payload = shown(number, command, payload)?;
                let data = payload.to_string();
                // Of several events that one command makes, the last stands for it, as in its ack.
                let is_last: bool = row.try_get(6)?;
                let told = told_by(number, &data)?;
                let unseen = unseen(number, stream, &data, &mut reports)?;
                let of: Option<Uuid> = payload["message"]
                    .as_str()
                    .and_then(|message| message.parse().ok());
                // What moderators order has ids of its own in their journals.
                let command = match (number, of) {
                    (MESSAGE_WITHHELD, Some(message)) => {
                        moderation::withholding(message, turns.next(message))
                    }
                    (MESSAGE_RECALLED, Some(message)) if payload["reason"].is_string() => {
                        moderation::recall(message)
                    }
                    (REPORT_HANDLED, _) => moderation::handling(&data).map_or(command, |(id, _)| id),
                    _ => command,
                };
                // What follows from something else was asked for by nobody: that a read ends a mark, and whatever makes no notice. A
                // read of a thread that moves nothing leaves nothing, so that no ack vouches for it.
                let is_asked = match &told {
                    _ if number < OWN_FROM || number == MESSAGE_WITHHELD || unseen.is_some() => true,
                    Some(NoticeData::ConversationMarked(marked)) => marked.unread,
                    Some(told) => !matches!(told, NoticeData::ThreadRead(_)),
                    None => false,
                };
                Ok(Logged {
                    conversation: unseen.map_or(stream, |(name, _)| name).to_string(),
                    seq: seq.cast_unsigned(),
                    kind,
                    actor: actor.to_string(),
                    id: (is_last && is_asked).then_some(command),
                    digest: match (&told, unseen) {
                        (Some(told), _) => said::tells(told),
                        (None, Some((_, digest))) => digest,
                        (None, None) => said::logged(name, &data),
                    },
                    whole: (!name.is_empty()).then(|| whole(name, &actor.to_string(), millis, &data)),
                    of: of.filter(|_| !kind.is_message()),
                    withheld: false,
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

    /// What happened in each conversation.
    pub(crate) async fn events(&self) -> Result<Events> {
        let rows = timeout(LIMIT, self.0.query(EVENTS, &[]))
            .await
            .context("no events in time")??;
        let mut events = Events::new();
        for row in &rows {
            let number: i16 = row.try_get(2)?;
            let kind = match number {
                1 => EventKind::DirectOpened,
                2 => EventKind::GroupCreated,
                3 => EventKind::MemberAdded,
                16 | 21 | 22 => EventKind::MessageSent,
                17 => EventKind::MessageEdited,
                MESSAGE_RECALLED => EventKind::MessageRecalled,
                19 => EventKind::ReactionChanged,
                20 => EventKind::PinChanged,
                MESSAGE_WITHHELD => EventKind::MessageWithheld,
                _ => continue,
            };
            let payload = serde_json::from_str(row.try_get(5)?)?;
            let payload = shown(number, row.try_get(4)?, payload)?;
            let seq: i64 = row.try_get(1)?;
            let data = EventData::decode(&kind, &payload.to_string());
            let event = (seq.cast_unsigned(), row.try_get(3)?, data);
            events.entry(row.try_get(0)?).or_default().push(event);
        }
        Ok(events)
    }

    /// What everybody has read, and has done for themselves.
    pub(crate) async fn own(&self) -> Result<BTreeMap<Uuid, Own>> {
        let rows = timeout(LIMIT, self.0.query(OWN, &[]))
            .await
            .context("nothing that people did in time")??;
        let mut all: BTreeMap<Uuid, Own> = BTreeMap::new();
        for row in &rows {
            let own = all.entry(row.try_get(0)?).or_default();
            let data: &str = row.try_get(2)?;
            if let Some(told) = told_by(row.try_get(1)?, data)? {
                own.take(&told);
                continue;
            }
            let moved: serde_json::Value = serde_json::from_str(data)?;
            for (conversation, cursor) in moved["read"].as_object().into_iter().flatten() {
                if let Some(seq) = cursor["seq"].as_u64() {
                    own.read(conversation.parse()?, seq);
                }
            }
        }
        Ok(all)
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

    pub(crate) async fn folds(&self) -> Result<Folds> {
        let rows = timeout(LIMIT, self.0.query(FOLDS, &[]))
            .await
            .context("no checkpoints in time")??;
        let folds = rows
            .iter()
            .map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)));
        folds.collect()
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

/// The events of each conversation: seq, actor, and what happened. Those that change neither messages nor who comes in are left out.
pub(crate) type Events = BTreeMap<Uuid, Vec<(u64, Uuid, EventData)>>;

/// The first number of kinds of people's own streams.
const OWN_FROM: i16 = 64;
/// The number of what becomes of two people.
const PAIR_CHANGED: i16 = 97;
/// The numbers of what is reported of a message, and of what moderators make of that.
const REPORT_FILED: i16 = 98;
const REPORT_HANDLED: i16 = 99;
/// The number of what takes a message back.
const MESSAGE_RECALLED: i16 = 18;

/// Of an event of a stream that nobody is shown, the name that journals have for the stream, and the digest. `reports` keeps the names of the streams
/// of reports that came so far.
fn unseen(
    number: i16,
    stream: Uuid,
    data: &str,
    reports: &mut BTreeMap<Uuid, Uuid>,
) -> Result<Option<(Uuid, u64)>> {
    let read = match number {
        PAIR_CHANGED => pair::logged(data),
        REPORT_FILED => report::logged(data).inspect(|(name, _)| {
            reports.insert(stream, *name);
        }),
        REPORT_HANDLED => {
            let handled = moderation::handling(data).map(|(_, digest)| digest);
            reports.get(&stream).copied().zip(handled)
        }
        _ => return Ok(None),
    };
    Ok(Some(read.with_context(|| {
        format!("an event of kind {number} of another shape: {data}")
    })?))
}
/// The number of what moderators keep from everybody and show again, in conversations.
const MESSAGE_WITHHELD: i16 = 102;

/// The data of an event of this kind as clients are shown it.
fn shown(number: i16, command: Uuid, mut payload: serde_json::Value) -> Result<serde_json::Value> {
    if let 16 | 21 | 22 = number {
        // The log keeps it in a column.
        payload["message"] = command.to_string().into();
        if let Some(forwarded) = payload.get_mut("forwarded") {
            // Where it was said is nobody's business.
            let shown: Forwarded = serde_json::from_value(forwarded.take())?;
            *forwarded = serde_json::to_value(shown)?;
        }
    }
    Ok(payload)
}

/// The notice that an event of this kind makes, if it makes one.
fn told_by(number: i16, data: &str) -> Result<Option<NoticeData>> {
    let kind = match number {
        69 => "thread.followed",
        70 => "thread.read",
        71 => "conversation.muted",
        72 => "conversation.archived",
        73 => "conversation.marked",
        74 => "message.hidden",
        75 => "conversation.cleared",
        76 => "profile.updated",
        77 => "settings.updated",
        // Of others nobody here asks for.
        _ => return Ok(None),
    };
    let notice = said::notice(kind, data);
    Ok(Some(
        notice.with_context(|| format!("{kind} of another shape: {data}"))?,
    ))
}

/// How far each read model says that it is, by its name and lane.
pub(crate) type Folds = BTreeMap<(String, i16), i64>;

const FOLDS: &str =
    "SELECT projection, lane, pos FROM projection_checkpoint WHERE projection NOT LIKE '%\\_%'";

/// A PostgreSQL whose last folds are committed, and flushed by nothing.
pub(crate) struct Unflushed {
    pub(crate) folds: Folds,
    /// Holds up appends, each of which would flush what stands before it.
    _holder: Database,
}

impl Unflushed {
    /// Freezes what flushes by itself, holds up what flushes as it commits, and waits until the read models have everything. The
    /// server is to be killed then.
    pub(crate) async fn reach(url: &str) -> Result<Self> {
        let holder = Database::connect(url).await?;
        let session = &holder.0;
        let pid: i32 = timeout(LIMIT, session.query_one(WALWRITER, &[]))
            .await
            .context("no answer in time")??
            .try_get(0)?;
        if let Some(pid) = Pid::from_raw(pid) {
            kill_process(pid, Signal::STOP)?;
        }
        let hold = "BEGIN; LOCK TABLE log_lane IN EXCLUSIVE MODE";
        timeout(LIMIT, session.batch_execute(hold))
            .await
            .context("appends cannot be held up")??;
        let deadline = Instant::now() + FOLD_LIMIT;
        while holder.behind().await? > 0 && Instant::now() < deadline {
            sleep(POLL).await;
        }
        Ok(Self {
            folds: holder.folds().await?,
            _holder: holder,
        })
    }
}

/// How many of these a crash has taken back.
pub(crate) async fn taken_back(url: &str, before: &Folds) -> Result<u64> {
    let now = Database::connect(url).await?.folds().await?;
    let back = before
        .iter()
        .filter(|(key, pos)| now.get(key).is_none_or(|now| now < pos));
    Ok(back.count() as u64)
}

/// Makes the server refuse to write, or write again. Answers whether that was seen.
pub(crate) async fn set_read_only(url: &str, read_only: bool) -> Result<bool> {
    let set = if read_only {
        "ALTER SYSTEM SET default_transaction_read_only = on"
    } else {
        "ALTER SYSTEM RESET default_transaction_read_only"
    };
    let database = Database::connect(url).await?;
    for statement in [set, "SELECT pg_reload_conf()"] {
        timeout(LIMIT, database.0.batch_execute(statement))
            .await
            .context("no answer in time")??;
    }
    // A server reads its settings when it comes to it.
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let row = timeout(
            LIMIT,
            database.0.query_one("SHOW default_transaction_read_only", &[]),
        );
        let shown: String = row.await.context("no answer in time")??.try_get(0)?;
        if (shown == "on") == read_only {
            return Ok(true);
        }
        sleep(POLL).await;
    }
    Ok(false)
}

/// A table that nobody else can use until this is let go.
pub(crate) struct Locked {
    holder: Database,
    table: &'static str,
}

impl Locked {
    /// None where it could not be had soon.
    pub(crate) async fn take(url: &str, table: &'static str) -> Result<Option<Self>> {
        let holder = Database::connect(url).await?;
        let lock = format!("SET lock_timeout = '3s'; BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        let locked = timeout(LIMIT, holder.0.batch_execute(&lock)).await;
        let locked = locked.context("no answer in time")?;
        Ok(locked.is_ok().then_some(Self { holder, table }))
    }

    /// Answers how many sessions waited for it.
    pub(crate) async fn let_go(self) -> Result<u64> {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass";
        let session = &self.holder.0;
        let row = timeout(LIMIT, session.query_one(waiting, &[&self.table])).await;
        let waiting: i64 = row.context("no answer in time")??.try_get(0)?;
        timeout(LIMIT, session.batch_execute("ROLLBACK"))
            .await
            .context("no answer in time")??;
        Ok(waiting.unsigned_abs())
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
    // The limit here counts, not the shorter one of the library.
    let config = redis::AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let connecting = connecting.get_multiplexed_async_connection_with_config(&config);
    Ok(timeout(LIMIT, connecting)
        .await
        .context("Redis does not answer")??)
}
