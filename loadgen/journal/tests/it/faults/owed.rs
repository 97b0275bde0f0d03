//! What reaches none of a person's devices, and what one of them is deaf to.

use super::{at, conversation_of, found, head, pushed, tries};
use crate::world::Run;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use tidings_journal::{Fault, Journal, Kind, Record, Via};

/// The last event of a connection, after which the device came back with a claim of it.
struct Claimed {
    journal: usize,
    conversation: String,
    seq: u64,
    /// Where it was shown.
    shown: usize,
    /// Whether more came on that connection.
    goes_on: bool,
}

/// Those that no other device of the person was told of, and whose conversation the last connection of the device claims.
fn claimed(run: &Run) -> Vec<Claimed> {
    let mut found = Vec::new();
    for (number, journal) in run.journals.iter().enumerate() {
        let records = &journal.records;
        let last = records
            .iter()
            .rposition(|record| matches!(record, Record::Connected { .. }));
        let Some((connected, Record::Connected { resume, .. })) = last.map(|last| (last, &records[last]))
        else {
            continue;
        };
        for (conversation, seq) in resume {
            let event = (conversation.as_str(), *seq);
            let shown = run.places(|record| pushed(record) == Some(event));
            let own: Vec<_> = shown
                .iter()
                .filter(|(of, _)| run.journals[*of].user == journal.user)
                .collect();
            let alone = run
                .journals
                .iter()
                .filter(|other| other.user == journal.user)
                .all(|other| {
                    other.device == journal.device
                        || !other
                            .records
                            .iter()
                            .any(|record| covers(record, conversation, *seq))
                });
            let fetched = run.places(|record| {
                matches!(record, Record::Delivered { seq: of, .. } if *of == Some(*seq))
                    && conversation_of(record) == Some(conversation)
            });
            let fetched = fetched
                .iter()
                .filter(|(of, _)| run.journals[*of].user == journal.user)
                .count();
            if let [(_, shown)] = own[..]
                && alone
                && fetched == 1
                && *shown < connected
                && owes(run, conversation, *seq, &journal.user)
                && matches!(records[*shown], Record::Delivered { via: Via::Live, .. })
                // The device has seen more of it, or it would know nothing at all.
                && records[..*shown].iter().any(|record| pushed(record).is_some_and(|(of, _)| of == conversation))
            {
                let goes_on = records[connected..]
                    .iter()
                    .any(|record| comes(record, conversation));
                found.push(Claimed {
                    journal: number,
                    conversation: conversation.clone(),
                    seq: *seq,
                    shown: *shown,
                    goes_on,
                });
            }
        }
    }
    found
}

/// Whether the person was in when it happened.
fn owes(run: &Run, conversation: &str, seq: u64, user: &String) -> bool {
    let own = run
        .log
        .iter()
        .filter(|logged| logged.conversation == conversation);
    let mut changes = own.filter(|logged| logged.seq <= seq && logged.users.contains(user));
    changes
        .next_back()
        .is_some_and(|last| last.kind == Kind::Joined || last.seq == seq)
}

/// Whether the record tells of an event by a gap or a claim.
fn covers(record: &Record, conversation: &str, event: u64) -> bool {
    match record {
        Record::Connected { resume, .. } => resume.get(conversation).is_some_and(|seq| *seq >= event),
        Record::Gap { from, to, .. } => {
            conversation_of(record) == Some(conversation) && (*from..=*to).contains(&event)
        }
        _ => pushed(record) == Some((conversation, event)),
    }
}

/// Whether the record is an event or a gap of the conversation.
fn comes(record: &Record, conversation: &str) -> bool {
    let gap = matches!(record, Record::Gap { .. }) && conversation_of(record) == Some(conversation);
    gap || pushed(record).is_some_and(|(of, _)| of == conversation)
}

/// The server counts an event as delivered that never came out of the socket; the device has lost its cursors.
fn lose(run: &mut Run, claimed: &Claimed) {
    let records = &mut run.journals[claimed.journal].records;
    for record in &mut records[claimed.shown..] {
        if let Record::Connected { resume, .. } = record {
            resume.remove(&claimed.conversation);
        }
    }
    records.remove(claimed.shown);
}

fn one(run: &Run, rng: &mut StdRng, fits: impl Fn(&Claimed) -> bool) -> Option<Claimed> {
    let mut all = claimed(run);
    all.retain(fits);
    let chosen = all.choose(rng).map(|one| one.seq)?;
    all.into_iter().find(|one| one.seq == chosen)
}

#[test]
fn an_event_that_reaches_no_device() {
    found(Fault::Withheld, |run, rng| {
        let lost = one(run, rng, |claimed| !claimed.goes_on)?;
        lose(run, &lost);
        Some(())
    });
}

#[test]
fn a_connection_that_begins_behind_what_no_device_was_told_of() {
    found(Fault::LateBeginning, |run, rng| {
        let lost = one(run, rng, |claimed| claimed.goes_on)?;
        lose(run, &lost);
        Some(())
    });
}

#[test]
fn the_leaving_never_reaches_who_was_removed() {
    found(Fault::Withheld, |run, rng| {
        let left = |one: &Claimed| {
            let user = &run.journals[one.journal].user;
            let mut changes = run
                .log
                .iter()
                .filter(|logged| logged.conversation == one.conversation && logged.users.contains(user));
            changes
                .next_back()
                .is_some_and(|last| last.kind == Kind::Left && last.seq == one.seq)
        };
        let lost = one(run, rng, |claimed| left(claimed) && !claimed.goes_on)?;
        lose(run, &lost);
        Some(())
    });
}

/// A device with a second one beside it, and the messages of one conversation that were sent after its last `synced`.
fn live_beside_another(run: &Run, rng: &mut StdRng) -> Option<(usize, usize, String, Vec<usize>)> {
    let mut found = Vec::new();
    for (number, journal) in run.journals.iter().enumerate() {
        let others = run.journals.iter().filter(|other| other.user == journal.user);
        if others.count() < 2 {
            continue;
        }
        let records = &journal.records;
        let last = |wanted: fn(&Record) -> bool| records.iter().rposition(wanted);
        let connected = last(|record| matches!(record, Record::Connected { .. }))?;
        let synced = last(|record| matches!(record, Record::Synced { .. }))?;
        let mut live: std::collections::BTreeMap<&str, Vec<usize>> = std::collections::BTreeMap::new();
        for (index, record) in records.iter().enumerate().skip(connected) {
            if let Record::Delivered {
                conversation,
                id,
                via: Via::Live,
                ..
            } = record
            {
                let sent = id.iter().flat_map(|id| tries(run, *id));
                let first = sent
                    .map(|(journal, index)| at(&run.journals[journal].records[index]))
                    .min();
                if index > synced && first.is_some_and(|first| first > at(&records[synced])) {
                    live.entry(conversation).or_default().push(index);
                }
            }
        }
        // Who was out meanwhile was not owed all of it.
        let changes = |of: &str| {
            let own = run.log.iter().filter(|logged| logged.conversation == of);
            own.filter(|logged| logged.users.contains(&journal.user)).count()
        };
        live.retain(|of, _| changes(of) == 1);
        found.extend(
            live.into_iter()
                .map(|(of, messages)| (number, connected, of.to_owned(), messages)),
        );
    }
    found.choose(rng).cloned()
}

/// Whether a device was shown the conversation from its beginning to its end, and claimed it at each connection since.
fn follows(run: &Run, journal: &Journal, conversation: &str) -> bool {
    let mut own = run
        .log
        .iter()
        .filter(|logged| logged.conversation == conversation);
    let Some(joined) = own.find(|logged| logged.users.contains(&journal.user)) else {
        return false;
    };
    let begins = |record: &Record| match record {
        Record::Gap { from, .. } => *from == joined.seq,
        _ => pushed(record) == Some((conversation, joined.seq)),
    };
    let records = &journal.records;
    let Some(first) = records.iter().position(|record| comes(record, conversation)) else {
        return false;
    };
    let claims = |record: &Record| match record {
        Record::Connected { resume, .. } => resume.contains_key(conversation),
        _ => true,
    };
    let end = head(run, conversation);
    begins(&records[first])
        && records[first..].iter().all(claims)
        && records.iter().any(|record| covers(record, conversation, end))
}

/// The device claims nothing of the conversation any more: what its last connection brings is a beginning.
fn forget(run: &mut Run, journal: usize, connected: usize, conversation: &str) {
    if let Record::Connected { resume, .. } = run.record((journal, connected)) {
        resume.remove(conversation);
    }
}

#[test]
fn a_second_device_is_deaf_to_a_conversation() {
    found(Fault::NotShown, |run, rng| {
        let (journal, connected, conversation, _) = live_beside_another(run, rng)?;
        forget(run, journal, connected, &conversation);
        let user = run.journals[journal].user.clone();
        let mut index = 0;
        run.journals[journal].records.retain(|record| {
            index += 1;
            index <= connected
                || conversation_of(record) != Some(&conversation)
                || matches!(record, Record::Read { .. } | Record::Unread { .. })
        });
        // All else that it was owed came to the other devices.
        let others = run.journals.iter().enumerate();
        let mut others = others.filter(|(number, other)| *number != journal && other.user == user);
        let told = others.all(|(_, other)| follows(run, other, &conversation));
        told.then_some(())
    });
}

#[test]
fn a_second_device_misses_the_beginning_of_what_came_while_it_was_up_to_date() {
    found(Fault::LateBeginning, |run, rng| {
        let (journal, connected, conversation, messages) = live_beside_another(run, rng)?;
        forget(run, journal, connected, &conversation);
        let (first, last) = (*messages.first()?, *messages.last()?);
        // Everything up to its first live message is missing, and what comes then is the beginning.
        let mut index = 0;
        run.journals[journal].records.retain(|record| {
            index += 1;
            index <= connected
                || index > first + 1
                || pushed(record).is_none_or(|(of, _)| of != conversation)
                    && !matches!(record, Record::Gap { .. } if conversation_of(record) == Some(&conversation))
        });
        (last > first).then_some(())
    });
}
