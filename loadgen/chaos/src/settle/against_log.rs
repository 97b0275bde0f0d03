//! What people are told in lists, counts and history, against the log.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use tidings_journal::{Journal, Kind, Logged, Record};
use uuid::Uuid;

use crate::http::Listed;
use crate::scribe::Clock;
use crate::store::Database;
use crate::world::World;

/// A conversation at the end of the log.
pub(super) struct End {
    pub(super) head: u64,
    pub(super) members: BTreeSet<String>,
}

/// Where the log of each conversation ends, and who is in then.
pub(super) fn ends(log: &[Logged]) -> BTreeMap<Uuid, End> {
    let mut ends: BTreeMap<Uuid, End> = BTreeMap::new();
    for logged in log {
        let Ok(id) = logged.conversation.parse() else {
            continue;
        };
        let end = ends.entry(id).or_insert_with(|| End {
            head: 0,
            members: BTreeSet::new(),
        });
        end.head = logged.seq;
        match logged.kind {
            Kind::Joined => end.members.extend(logged.users.iter().cloned()),
            Kind::Left => end.members.retain(|user| !logged.users.contains(user)),
            Kind::Message | Kind::Edited | Kind::Recalled | Kind::Other => {}
        }
    }
    ends
}

/// The conversation list of somebody against the log.
pub(super) fn compare(user: &str, ends: &BTreeMap<Uuid, End>, listed: &[Listed]) -> Vec<String> {
    let mut own: BTreeMap<Uuid, u64> = ends
        .iter()
        .filter(|(_, end)| end.members.contains(user))
        .map(|(id, end)| (*id, end.head))
        .collect();
    let mut problems = Vec::new();
    for Listed { id, last_seq, .. } in listed {
        match own.remove(id) {
            Some(head) if head == *last_seq => {}
            Some(head) => problems.push(format!(
                "{user} is told that {id} ends at seq {last_seq}; the log has {head}"
            )),
            None => problems.push(format!("{user} is told of {id} without being in")),
        }
    }
    problems.extend(own.keys().map(|id| format!("{user} is not told of {id}")));
    problems
}

/// The unread counts of somebody, as a journal of their own.
pub(super) fn counts(user: String, listed: &[Listed], clock: Clock) -> Journal {
    let at = clock.now();
    let records = listed.iter().map(|listed| Record::Unread {
        at,
        conversation: listed.id.to_string(),
        count: listed.unread_count,
    });
    Journal {
        user,
        device: "list".to_owned(),
        records: records.chain([Record::End { at }]).collect(),
    }
}

/// What those were told of who have gone: the user, the conversation, and the seq.
pub(super) fn told(journals: &[Journal]) -> BTreeSet<(&str, Uuid, u64)> {
    let all = journals.iter().flat_map(|journal| {
        let records = journal.records.iter();
        records.map(|record| (journal.user.as_str(), record))
    });
    all.filter_map(|(user, record)| match record {
        Record::Delivered {
            conversation,
            seq: Some(seq),
            ..
        }
        | Record::Gap {
            conversation,
            to: seq,
            ..
        } => Some((user, conversation.parse().ok()?, *seq)),
        _ => None,
    })
    .collect()
}

/// What history says of messages otherwise than the log, of each conversation to one of its members.
pub(super) async fn told_otherwise(
    database: &Database,
    world: &World,
    ends: &BTreeMap<Uuid, End>,
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (id, fold) in database.messages().await? {
        let is_in = |user: &Uuid| {
            ends.get(&id)
                .is_some_and(|end| end.members.contains(&user.to_string()))
        };
        let Some(member) = world.people.iter().find(|person| is_in(&person.user)) else {
            continue;
        };
        let told = member.messages(id).await?;
        let differs = fold.differs(&told);
        problems.extend(differs.map(|differs| format!("in {id}, {differs}")));
    }
    Ok(problems)
}
