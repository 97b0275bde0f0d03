//! What a connection is shown: the log's events, in order, once, without a hole.

use super::{at, delivered, found, head, logged_at, neighbours, pushed};
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Fault, Record, Via};

#[test]
fn another_event_than_the_log_has() {
    // Two devices that see two messages in different order.
    found(Fault::ShownOther, |run, rng| {
        let (journal, one, other) = *neighbours(run).choose(rng)?;
        let read = |record: &Record| match record {
            Record::Delivered { id, digest, .. } => (*id, *digest),
            _ => (None, 0),
        };
        let records = &mut run.journals[journal].records;
        let (first, second) = (read(&records[one]), read(&records[other]));
        for (index, content) in [(one, second), (other, first)] {
            if let Record::Delivered { id, digest, .. } = &mut records[index] {
                (*id, *digest) = content;
            }
        }
        (first != second).then_some(())
    });
    // Something behind the end of the log.
    found(Fault::ShownOther, |run, rng| {
        let place = *run.places(|record| pushed(record).is_some()).choose(rng)?;
        let mut beyond = run.record(place).clone();
        if let Record::Delivered {
            conversation, seq, ..
        } = &mut beyond
        {
            *seq = Some(head(run, conversation) + 1);
        }
        run.journals[place.0].records.insert(place.1 + 1, beyond);
        Some(())
    });
}

#[test]
fn an_event_twice_or_out_of_order_or_before_the_claim() {
    found(Fault::ShownAgain, |run, rng| {
        let (journal, index) = *run.places(|record| pushed(record).is_some()).choose(rng)?;
        let again = run.journals[journal].records[index].clone();
        run.journals[journal].records.insert(index + 1, again);
        Some(())
    });
    found(Fault::ShownAgain, |run, rng| {
        let (journal, one, other) = *neighbours(run).choose(rng)?;
        run.journals[journal].records.swap(one, other);
        Some(())
    });
    found(Fault::ShownAgain, |run, rng| {
        let claims = |record: &Record| matches!(record, Record::Connected { resume, .. } if resume.values().any(|seq| *seq > 0));
        let place = *run.places(claims).choose(rng)?;
        let Record::Connected { at, resume } = run.record(place).clone() else {
            return None;
        };
        let (conversation, seq) = resume.iter().find(|(_, seq)| **seq > 0)?;
        let claimed = delivered(logged_at(run, conversation, *seq)?, at + 1, Via::CatchUp);
        run.journals[place.0].records.insert(place.1 + 1, claimed);
        Some(())
    });
}

#[test]
fn a_hole_in_what_was_shown() {
    found(Fault::Hole, |run, rng| {
        let neighbours = neighbours(run);
        let starts = |(journal, one, _): &&(usize, usize, usize)| {
            neighbours
                .iter()
                .any(|(of, _, other)| (of, other) == (journal, one))
        };
        let (journal, index, _) = *neighbours.iter().filter(starts).choose(rng)?;
        run.journals[journal].records.remove(index);
        Some(())
    });
}

#[test]
fn a_hole_behind_the_claim() {
    found(Fault::Hole, |run, rng| {
        let claimed = neighbours(run).into_iter().filter(|(journal, index, _)| {
            let records = &run.journals[*journal].records;
            let connected = records[..*index].iter().rev().find_map(|record| match record {
                Record::Connected { resume, .. } => Some(resume),
                _ => None,
            });
            let shown = pushed(&records[*index]);
            shown.is_some_and(|(conversation, seq)| {
                connected.and_then(|resume| resume.get(conversation)) == Some(&(seq - 1))
            })
        });
        let (journal, index, _) = claimed.choose(rng)?;
        run.journals[journal].records.remove(index);
        Some(())
    });
}

#[test]
fn a_conversation_that_the_export_does_not_have() {
    found(Fault::UnknownConversation, |run, rng| {
        let place = *run.places(|record| pushed(record).is_some()).choose(rng)?;
        if let Record::Delivered { conversation, .. } = run.record(place) {
            "elsewhere".clone_into(conversation);
        }
        Some(())
    });
}

#[test]
fn a_delivery_without_a_connection() {
    found(Fault::NoConnection, |run, rng| {
        let (journal, index) = *run
            .places(|record| matches!(record, Record::Disconnected { .. }))
            .choose(rng)?;
        let at = at(run.record((journal, index)));
        let logged = run.log.choose(rng)?;
        let stray = delivered(logged, at, Via::Live);
        run.journals[journal].records.insert(index + 1, stray);
        Some(())
    });
}
