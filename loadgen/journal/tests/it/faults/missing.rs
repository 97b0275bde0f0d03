//! What must have come in time.

use super::{at, conversation_of, found, head, pushed};
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Fault, Kind, Record, Via};

#[test]
fn what_was_missed_comes_after_synced() {
    found(Fault::CaughtUpShort, |run, rng| {
        let synced = run.places(|record| matches!(record, Record::Synced { .. }));
        let late = synced.into_iter().filter(|(journal, index)| {
            let records = &run.journals[*journal].records;
            let Some((conversation, seq)) = pushed(&records[index - 1]) else {
                return false;
            };
            let connected = records[..*index]
                .iter()
                .rposition(|record| matches!(record, Record::Connected { .. }));
            let Some(Record::Connecting { at: began }) =
                connected.and_then(|at| records.get(at.checked_sub(1)?))
            else {
                return false;
            };
            let resumes = connected.is_some_and(|at| {
                matches!(&records[at], Record::Connected { resume, .. } if resume.contains_key(conversation))
            });
            let known =
                run.places(|record| at(record) < *began && pushed(record) == Some((conversation, seq)));
            // A member when it happened: neither in between two memberships nor before the first.
            let user = &run.journals[*journal].user;
            let mut changes = run.log.iter().filter(|logged| {
                logged.conversation == conversation && logged.seq <= seq && logged.users.contains(user)
            });
            let member = changes
                .next_back()
                .is_some_and(|change| change.kind == Kind::Joined || change.seq == seq);
            resumes && member && !known.is_empty()
        });
        let (journal, index) = late.choose(rng)?;
        run.journals[journal].records.swap(index - 1, index);
        Some(())
    });
}

#[test]
fn the_last_event_never_comes() {
    found(Fault::NotShown, |run, rng| {
        let lasts = run.places(|record| pushed(record).is_some()).into_iter().filter(|(journal, index)| {
            let records = &run.journals[*journal].records;
            let Some((conversation, seq)) = pushed(&records[*index]) else { return false };
            let connected = records.iter().rposition(|record| matches!(record, Record::Connected { .. }));
            seq == head(run, conversation)
                && connected.is_some_and(|at| {
                    at < *index
                        && matches!(&records[at], Record::Connected { resume, .. } if resume.contains_key(conversation))
                })
        });
        let (journal, index) = lasts.choose(rng)?;
        run.journals[journal].records.remove(index);
        Some(())
    });
}

#[test]
fn the_leaving_comes_to_one_device_and_not_to_another_that_claims_the_conversation() {
    found(Fault::NotShown, |run, rng| {
        let live = run.places(|record| matches!(record, Record::Delivered { via: Via::Live, .. }));
        let leavings = live.into_iter().filter(|(number, index)| {
            let journal = &run.journals[*number];
            let Some(leaving) = pushed(&journal.records[*index]) else {
                return false;
            };
            let mut own = run.log.iter().filter(|logged| logged.conversation == leaving.0);
            let last = own.rfind(|logged| logged.users.contains(&journal.user));
            let connected = journal
                .records
                .iter()
                .rposition(|record| matches!(record, Record::Connected { .. }));
            let claims = connected.is_some_and(|at| {
                at < *index
                    && matches!(&journal.records[at], Record::Connected { resume, .. } if resume.contains_key(leaving.0))
            });
            let others = run.journals.iter().filter(|other| {
                other.user == journal.user && other.device != journal.device
            });
            let other_has = others
                .flat_map(|other| &other.records)
                .any(|record| pushed(record) == Some(leaving));
            last.is_some_and(|last| last.kind == Kind::Left && last.seq == leaving.1) && claims && other_has
        });
        let (journal, index) = leavings.choose(rng)?;
        run.journals[journal].records.remove(index);
        Some(())
    });
}

#[test]
fn a_conversation_never_reaches_a_member() {
    found(Fault::NotShown, |run, rng| {
        let conversation = run.log.choose(rng)?.conversation.clone();
        let mut changes = run
            .log
            .iter()
            .filter(|logged| logged.conversation == conversation);
        let first = changes.next()?.users.clone();
        let moved: Vec<String> = changes.flat_map(|logged| logged.users.clone()).collect();
        let user = first
            .into_iter()
            .filter(|user| !moved.contains(user))
            .choose(rng)?;
        for journal in run.journals.iter_mut().filter(|journal| journal.user == user) {
            journal
                .records
                .retain(|record| conversation_of(record) != Some(&conversation));
            for record in &mut journal.records {
                if let Record::Connected { resume, .. } = record {
                    resume.remove(&conversation);
                }
            }
        }
        Some(())
    });
}
