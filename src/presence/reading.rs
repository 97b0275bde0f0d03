//! One reading of what nodes say in Redis: leases, what changed since, and how some users are there, all of the same moment.

use super::keys::Keys;
use redis::aio::MultiplexedConnection;
use redis::streams::{StreamId, StreamRangeReply};
use redis::{RedisResult, Value, from_redis_value};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_domain::presence::Shown;
use uuid::Uuid;

/// Nodes that are looked at, of any number.
const NODES_MAX: usize = 256;
/// Changes that are read at once.
pub(super) const CHANGES_AT_ONCE: usize = 2_000;

/// A place in the stream of changes.
pub(super) type Place = (u64, u64);

/// Something that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Said {
        node: Uuid,
        user: UserId,
        shown: Shown,
    },
    /// A node has said everything again.
    Here,
    /// A node's lease ran out.
    Over(Uuid),
    /// A node stopped.
    Left(Uuid),
}

pub(super) struct Reading {
    /// Nodes, and how much longer their leases last.
    pub(super) leases: Vec<(Uuid, Duration)>,
    /// The end of the stream; `None` where it is empty.
    pub(super) newest: Option<Place>,
    pub(super) entries: Vec<Entry>,
    /// The last of these entries.
    pub(super) last: Option<Place>,
    /// There may be more entries.
    pub(super) is_part: bool,
    /// Changes behind `after` may have gone before they were read.
    pub(super) is_torn: bool,
    /// How the users are there who were asked for, in their order, by each node that was asked and has a lease.
    pub(super) found: Vec<Vec<(Uuid, Shown)>>,
}

/// Reads changes behind `after`, none where that is `None`, and asks `nodes` about `users`.
pub(super) async fn read(
    connection: &mut MultiplexedConnection,
    keys: &Keys,
    after: Option<Place>,
    nodes: &[Uuid],
    users: &[UserId],
) -> RedisResult<Reading> {
    let mut all = redis::pipe();
    all.atomic();
    all.cmd("TIME");
    all.cmd("ZRANGE")
        .arg(keys.nodes())
        .arg(0)
        .arg(NODES_MAX - 1)
        .arg("WITHSCORES");
    all.cmd("XREVRANGE")
        .arg(keys.changes())
        .arg("+")
        .arg("-")
        .arg("COUNT")
        .arg(1);
    if let Some((ms, number)) = after {
        all.cmd("XRANGE")
            .arg(keys.changes())
            .arg("-")
            .arg("+")
            .arg("COUNT")
            .arg(1);
        let from = format!("({ms}-{number}");
        all.cmd("XRANGE")
            .arg(keys.changes())
            .arg(from)
            .arg("+")
            .arg("COUNT")
            .arg(CHANGES_AT_ONCE);
    }
    if !users.is_empty() {
        for node in nodes {
            all.cmd("ZSCORE").arg(keys.nodes()).arg(node.as_bytes());
            for set in keys.of(*node).sets() {
                let command = all.cmd("SMISMEMBER").arg(set);
                for user in users {
                    command.arg(user.0.as_bytes());
                }
            }
        }
    }
    let answers: Vec<Value> = all.query_async(connection).await?;
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or(Value::Nil);
    let (seconds, micros): (i64, i64) = from_redis_value(next())?;
    let now_ms = seconds * 1000 + micros / 1000;
    let nodes_found: Vec<(Vec<u8>, f64)> = from_redis_value(next())?;
    let leases = nodes_found.into_iter().filter_map(|(node, ends)| {
        let left = (ends as i64 - now_ms).max(0);
        Some((
            Uuid::from_slice(&node).ok()?,
            Duration::from_millis(left.unsigned_abs()),
        ))
    });
    let leases = leases.collect();
    let newest: StreamRangeReply = from_redis_value(next())?;
    let newest = newest.ids.first().and_then(place);
    let (mut entries, mut last, mut is_part, mut is_torn) = (vec![], None, false, false);
    if let Some(after) = after {
        let oldest: StreamRangeReply = from_redis_value(next())?;
        let oldest = oldest.ids.first().and_then(place);
        let changes: StreamRangeReply = from_redis_value(next())?;
        is_part = changes.ids.len() >= CHANGES_AT_ONCE;
        is_torn = tears(after, oldest, is_part);
        last = changes.ids.last().and_then(place);
        entries = changes.ids.iter().filter_map(entry).collect();
    }
    let mut found = vec![vec![]; users.len()];
    if !users.is_empty() {
        for node in nodes {
            let lease: Option<f64> = from_redis_value(next())?;
            let mut sets: [Vec<bool>; 4] = Default::default();
            for set in &mut sets {
                *set = from_redis_value(next())?;
            }
            let has_lease = lease.is_some_and(|ends| ends as i64 > now_ms);
            for (index, answers) in found.iter_mut().enumerate().filter(|_| has_lease) {
                let is_in = |set: usize| sets[set].get(index).copied().unwrap_or(false);
                answers.push((*node, shown(is_in)));
            }
        }
    }
    Ok(Reading {
        leases,
        newest,
        entries,
        last,
        is_part,
        is_torn,
        found,
    })
}

/// Whether changes behind `after` may be gone from a stream that begins with `oldest`. It is trimmed to about a length, so what was read
/// last is gone only after thousands more; from one that was empty nothing is gone while it is short.
fn tears(after: Place, oldest: Option<Place>, is_part: bool) -> bool {
    oldest.is_some_and(|oldest| oldest > after) && (after > (0, 0) || is_part)
}

/// By which sets somebody is in, in the order of [`super::keys::OfNode::sets`].
fn shown(is_in: impl Fn(usize) -> bool) -> Shown {
    if is_in(3) {
        Shown::Hidden
    } else if !is_in(0) {
        Shown::Offline
    } else if is_in(2) {
        Shown::Dnd
    } else if is_in(1) {
        Shown::Away
    } else {
        Shown::Online
    }
}

fn place(entry: &StreamId) -> Option<Place> {
    let (ms, number) = entry.id.split_once('-')?;
    Some((ms.parse().ok()?, number.parse().ok()?))
}

/// An entry that this version understands; others may hold anything.
fn entry(entry: &StreamId) -> Option<Entry> {
    let field = |name| match entry.map.get(name) {
        Some(Value::BulkString(bytes)) => Some(bytes.as_slice()),
        _ => None,
    };
    let id = |name| field(name).and_then(|bytes| Uuid::from_slice(bytes).ok());
    let node = id("n")?;
    if let Some(user) = id("u") {
        let shown = match field("s")? {
            b"online" => Shown::Online,
            b"away" => Shown::Away,
            b"dnd" => Shown::Dnd,
            b"hidden" => Shown::Hidden,
            b"offline" => Shown::Offline,
            _ => return None,
        };
        let user = UserId(user);
        return Some(Entry::Said { node, user, shown });
    }
    match field("k")? {
        b"here" => Some(Entry::Here),
        b"over" => Some(Entry::Over(node)),
        b"left" => Some(Entry::Left(node)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_missed_where_the_last_that_was_read_is_gone_and_not_where_there_was_none() {
        assert!(!tears((5, 1), Some((5, 1)), true));
        assert!(!tears((5, 1), Some((4, 9)), false));
        assert!(tears((5, 1), Some((5, 2)), false));
        assert!(!tears((0, 0), Some((5, 2)), false));
        assert!(tears((0, 0), Some((5, 2)), true));
        assert!(!tears((5, 1), None, false));
    }
}
