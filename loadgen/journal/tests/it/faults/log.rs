//! What the log must hold, and must not.

use super::order::adjacent;
use super::{found, head, tries};
use crate::world::run;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Fault, Kind, Logged, Record, Stored};
use uuid::Uuid;

#[test]
fn an_ack_for_what_is_not_in_the_log() {
    found(Fault::Lost, |run, rng| {
        let logged: Vec<_> = run.log.iter().filter_map(|logged| logged.id).collect();
        let lost = run.places(|record| matches!(record, Record::Send { id, .. } if !logged.contains(id)));
        let place = *lost.choose(rng)?;
        let Record::Send { id, at, .. } = run.record(place).clone() else {
            return None;
        };
        let ack = Record::Ack {
            at: at + 1,
            id,
            seq: Some(3),
            stored: None,
        };
        run.journals[place.0].records.insert(place.1 + 1, ack);
        Some(())
    });
}

#[test]
fn the_end_of_a_log_that_was_acked_and_is_gone() {
    found(Fault::Lost, |run, _| {
        let (index, last) = run
            .log
            .iter()
            .enumerate()
            .rev()
            .find(|(_, logged)| logged.kind == Kind::Message)?;
        let last = last.clone();
        if last.seq < head(run, &last.conversation) {
            return None;
        }
        run.log.remove(index);
        for journal in &mut run.journals {
            journal.records.retain(|record| match record {
                Record::Unread { .. } | Record::Receipt { .. } => false,
                Record::Delivered { id, .. } => *id != last.id,
                _ => true,
            });
        }
        // Cursors of clients tell as well, but that is another fault.
        let tells = run.places(|record| match record {
            Record::Connected { resume, .. } => resume.get(&last.conversation) == Some(&last.seq),
            Record::Gap { conversation, to, .. } => *conversation == last.conversation && *to == last.seq,
            _ => false,
        });
        let acks = run.places(|record| matches!(record, Record::Ack { id, .. } if Some(*id) == last.id));
        (tells.is_empty() && !acks.is_empty()).then_some(())
    });
}

#[test]
fn an_ack_with_another_seq() {
    found(Fault::Misplaced, |run, rng| {
        let place = *run
            .places(|record| matches!(record, Record::Ack { .. }))
            .choose(rng)?;
        let Record::Ack { seq: Some(seq), .. } = run.record(place) else {
            return None;
        };
        *seq += 1;
        Some(())
    });
}

#[test]
fn an_ack_with_another_position_or_time() {
    let wrong: [fn(&mut Stored); 3] = [
        |stored| stored.lane += 1,
        |stored| stored.pos -= 1,
        |stored| stored.time += 1,
    ];
    for change in wrong {
        let mut run = run(5);
        let acks = run.places(|record| matches!(record, Record::Ack { .. }));
        let Record::Ack {
            stored: Some(stored), ..
        } = run.record(acks[0])
        else {
            panic!("acks tell the place");
        };
        change(stored);
        assert_eq!(run.check().unwrap_err().fault, Fault::Misplaced);
    }
}

#[test]
fn another_text_in_the_log_and_before_all_eyes() {
    found(Fault::Altered, |run, rng| {
        let messages = run.log.iter_mut().filter(|logged| logged.kind == Kind::Message);
        let changed = messages.choose(rng)?;
        changed.digest ^= 1;
        let changed = changed.clone();
        for record in run.journals.iter_mut().flat_map(|journal| &mut journal.records) {
            if let Record::Delivered { id, digest, .. } = record
                && *id == changed.id
            {
                *digest = changed.digest;
            }
        }
        Some(())
    });
}

#[test]
fn another_author_in_the_log() {
    found(Fault::Altered, |run, rng| {
        let messages = run.log.iter_mut().filter(|logged| logged.kind == Kind::Message);
        messages.choose(rng)?.actor = "somebody else".to_owned();
        Some(())
    });
}

#[test]
fn two_contents_acked_under_one_id() {
    found(Fault::Altered, |run, rng| {
        let acked = run.places(|record| matches!(record, Record::Ack { .. }));
        let (journal, index) = *acked.choose(rng)?;
        let Record::Ack { id, .. } = run.record((journal, index)).clone() else {
            return None;
        };
        let first = *tries(run, id).first()?;
        let Record::Send {
            at,
            conversation,
            digest,
            ..
        } = run.record(first).clone()
        else {
            return None;
        };
        let again = Record::Send {
            at: at + 1,
            id,
            conversation,
            digest: digest + 1,
        };
        // Another device of the person sends something else under the id, and is told that all is well.
        let user = run.journals[journal].user.clone();
        let other = run
            .journals
            .iter()
            .position(|one| one.user == user && one.device != run.journals[journal].device)?;
        let ack = Record::Ack {
            at: at + 2,
            id,
            seq: None,
            stored: None,
        };
        run.journals[other].records.extend([again, ack]);
        Some(())
    });
}

#[test]
fn a_message_that_the_log_has_twice() {
    found(Fault::Repeated, |run, rng| {
        let messages = run.log.iter().filter(|logged| logged.kind == Kind::Message);
        let mut again = messages.choose(rng)?.clone();
        again.seq = head(run, &again.conversation) + 1;
        run.log.push(again);
        Some(())
    });
}

#[test]
fn a_message_from_nobody() {
    found(Fault::Forged, |run, rng| {
        let conversation = run.log.choose(rng)?.conversation.clone();
        run.log.push(Logged {
            seq: head(run, &conversation) + 1,
            conversation,
            kind: Kind::Message,
            actor: "user0".to_owned(),
            id: Some(Uuid::from_u128(7)),
            digest: 7,
            whole: None,
            of: None,
            withheld: false,
            stored: None,
            users: vec![],
        });
        Some(())
    });
}

#[test]
fn a_refused_message_in_the_log() {
    found(Fault::RefusedYetLogged, |run, rng| {
        let place = *run
            .places(|record| matches!(record, Record::Ack { .. }))
            .choose(rng)?;
        let Record::Ack { at, id, .. } = run.record(place).clone() else {
            return None;
        };
        if tries(run, id).len() > 1 {
            return None;
        }
        *run.record(place) = Record::Refused {
            at,
            id,
            code: "rate_limited".to_owned(),
        };
        Some(())
    });
}

#[test]
fn an_answer_to_what_was_not_sent() {
    found(Fault::AnswerToNothing, |run, rng| {
        let place = *run
            .places(|record| matches!(record, Record::Ack { .. }))
            .choose(rng)?;
        if let Record::Ack { id, .. } = run.record(place) {
            *id = Uuid::from_u128(7);
        }
        Some(())
    });
}

#[test]
fn a_log_with_a_hole_or_out_of_order() {
    found(Fault::TornLog, |run, rng| {
        let inner = |(_, logged): &(usize, &Logged)| logged.seq < head(run, &logged.conversation);
        let (index, _) = run.log.iter().enumerate().filter(inner).choose(rng)?;
        run.log.remove(index);
        Some(())
    });
    found(Fault::TornLog, |run, rng| {
        let (one, other) = *adjacent(run).choose(rng)?;
        run.log.swap(one, other);
        Some(())
    });
}
