//! What people are told in lists, counts and history, against the log.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use tidings_journal::{Journal, Kind, Logged, Record};
use tidings_protocol::EventData;
use uuid::Uuid;

use crate::fold::Fold;
use crate::http::{Listed, Totals};
use crate::own::{Due, Own};
use crate::scribe::Clock;
use crate::store::Events;
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
            Kind::Message
            | Kind::Reply
            | Kind::Edited
            | Kind::Recalled
            | Kind::Withheld
            | Kind::Shown
            | Kind::Other => {}
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
        count: listed.standing.unread_count,
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

/// What history says of messages otherwise than the log, of each conversation to one of its members, the one who hides least of it.
pub(super) async fn told_otherwise(
    events: &Events,
    own: &BTreeMap<Uuid, Own>,
    world: &World,
    ends: &BTreeMap<Uuid, End>,
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (id, events) in events {
        let is_in = |user: &Uuid| {
            ends.get(id)
                .is_some_and(|end| end.members.contains(&user.to_string()))
        };
        let own = |user: &Uuid| own.get(user).map(|own| own.of(*id)).unwrap_or_default();
        let members = world.people.iter().filter(|person| is_in(&person.user));
        let Some(member) = members.min_by_key(|person| {
            let own = own(&person.user);
            (own.cleared, own.hidden.len())
        }) else {
            continue;
        };
        let mut fold = Fold::default();
        for (seq, actor, data) in events {
            fold.take(*seq, *actor, data.clone());
        }
        let own = own(&member.user);
        let threads = fold.threads();
        // A thread whose first message somebody hides is not asked for.
        let hides = |id: &Uuid, seq: u64| seq <= own.cleared || own.hidden.contains(id);
        let seen: BTreeSet<Uuid> = fold
            .places()
            .filter(|(id, seq)| !hides(id, *seq))
            .map(|(id, _)| id)
            .collect();
        let asked: BTreeSet<Uuid> = threads.into_keys().filter(|root| seen.contains(root)).collect();
        fold.without(|id, said| {
            let alone = said.thread.filter(|_| !said.also);
            hides(id, said.seq) || alone.is_some_and(|root| !asked.contains(&root))
        });
        let told = member.messages(*id, asked.into_iter()).await?;
        let differs = fold.differs(&told);
        problems.extend(differs.map(|differs| format!("in {id}, {differs}")));
    }
    Ok(problems)
}

/// What somebody is told of their conversations otherwise than it follows from the log and from what they did for themselves.
pub(super) fn stands_otherwise(
    user: Uuid,
    listed: &[Listed],
    totals: Totals,
    events: &Events,
    own: &Own,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut due_totals = Totals {
        unread_total: 0,
        mention_total: 0,
    };
    for Listed { id, standing, .. } in listed {
        let Some(events) = events.get(id) else { continue };
        let events = events.iter().map(|(seq, actor, data)| (*seq, *actor, data));
        let due = Due::of(user, &own.of(*id), events);
        if due.standing != *standing {
            let due = due.standing;
            problems.push(format!(
                "{user} is told {standing:?} of {id}; it should be {due:?}"
            ));
        }
        if due.standing.muted {
            due_totals.mention_total += due.named;
        } else {
            due_totals.unread_total += due.standing.unread_count;
            due_totals.mention_total += due.standing.mention_count;
        }
    }
    if totals != due_totals {
        problems.push(format!(
            "{user} is told {totals:?} of all; it should be {due_totals:?}"
        ));
    }
    problems
}

/// Reads of threads that were acked, and of which the log knows nothing: neither such a read, nor a later reply of the reader's.
pub(super) fn unread_threads(
    user: Uuid,
    reads: &[(Uuid, Uuid, u64)],
    events: &Events,
    own: &Own,
) -> Vec<String> {
    let replies = |conversation: &Uuid, root: &Uuid| {
        let events = events.get(conversation).into_iter().flatten();
        let own = events.filter(|(_, actor, data)| {
            *actor == user && matches!(data, EventData::MessageSent(sent) if sent.thread == Some(*root))
        });
        own.map(|(seq, ..)| *seq).max().unwrap_or(0)
    };
    let lost = reads.iter().filter(|(conversation, root, seq)| {
        let read = own.of(*conversation).read_threads.get(root).copied();
        read.unwrap_or(0).max(replies(conversation, root)) < *seq
    });
    lost.map(|(conversation, root, seq)| {
        format!("{user} has read the thread below {root} of {conversation} up to seq {seq}, was told so, and the log does not know it")
    })
    .collect()
}
