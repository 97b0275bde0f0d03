//! The order of one sender, and of real time.

use super::{at, found, tries};
use crate::world::{Run, run};
use rand::seq::IteratorRandom as _;
use tidings_journal::{Fault, Kind, Logged, Record};
use uuid::Uuid;

/// Makes two messages of the log change places, in the eyes of everybody.
fn swap(run: &mut Run, one: usize, other: usize) {
    let (a, b) = (run.log[one].clone(), run.log[other].clone());
    let moved = |from: &Logged, to: &Logged| Logged {
        seq: to.seq,
        ..from.clone()
    };
    (run.log[one], run.log[other]) = (moved(&b, &a), moved(&a, &b));
    for record in run.journals.iter_mut().flat_map(|journal| &mut journal.records) {
        match record {
            Record::Ack { id, seq, .. } if Some(*id) == a.id => *seq = Some(b.seq),
            Record::Ack { id, seq, .. } if Some(*id) == b.id => *seq = Some(a.seq),
            Record::Delivered { id, digest, .. } if id.is_some() && *id == a.id => {
                (*id, *digest) = (b.id, b.digest);
            }
            Record::Delivered { id, digest, .. } if id.is_some() && *id == b.id => {
                (*id, *digest) = (a.id, a.digest);
            }
            _ => {}
        }
    }
}

/// Messages that follow each other in a conversation, as indices in the log.
pub(super) fn adjacent(run: &Run) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (index, logged) in run
        .log
        .iter()
        .enumerate()
        .filter(|(_, logged)| logged.kind == Kind::Message)
    {
        let next = run.log.iter().position(|next| {
            (&next.conversation, next.seq, next.kind) == (&logged.conversation, logged.seq + 1, Kind::Message)
        });
        found.extend(next.map(|next| (index, next)));
    }
    found
}

/// The place of the only try to send a message.
fn only_try(run: &Run, id: Option<Uuid>) -> Option<(usize, usize)> {
    match tries(run, id?)[..] {
        [place] => Some(place),
        _ => None,
    }
}

/// Messages that follow each other in the log, were sent once on one connection, and the first of which was acked.
fn sent_in_order(run: &Run) -> Vec<(usize, usize)> {
    let mut pairs = adjacent(run);
    pairs.retain(|(one, other)| {
        let tries = [one, other].map(|index| only_try(run, run.log[*index].id));
        let [Some((journal, first)), Some((same, second))] = tries else {
            return false;
        };
        let connects = |record: &Record| matches!(record, Record::Connected { .. });
        let acked = acks(run, run.log[*one].id);
        journal == same
            && first < second
            && !acked.is_empty()
            && !run.journals[journal].records[first..second].iter().any(connects)
    });
    pairs
}

fn acks(run: &Run, message: Option<Uuid>) -> Vec<(usize, usize)> {
    run.places(|record| matches!(record, Record::Ack { id, .. } if Some(*id) == message))
}

#[test]
fn two_messages_of_one_sender_in_the_wrong_order() {
    found(Fault::SenderOrder, |run, rng| {
        let (one, other) = sent_in_order(run).into_iter().choose(rng)?;
        swap(run, one, other);
        Some(())
    });
}

#[test]
fn a_message_whose_answer_was_lost_may_have_been_turned_away_before_a_later_one_was_taken() {
    for seed in 0..100 {
        let mut run = run(seed);
        let Some((one, other)) = sent_in_order(&run).first().copied() else {
            continue;
        };
        let message = run.log[one].id;
        swap(&mut run, one, other);
        for (journal, index) in acks(&run, message).into_iter().rev() {
            run.journals[journal].records.remove(index);
        }
        let wrong = run.check().err();
        assert!(
            wrong
                .as_ref()
                .is_none_or(|wrong| wrong.fault != Fault::SenderOrder),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_message_before_one_that_was_known_before_it_was_sent() {
    found(Fault::RealTimeOrder, |run, rng| {
        let pairs = adjacent(run).into_iter().filter(|(one, other)| {
            let id = run.log[*one].id;
            let acked = run.places(|record| matches!(record, Record::Ack { id: of, .. } if Some(*of) == id));
            let acked = acked
                .iter()
                .map(|(journal, index)| at(&run.journals[*journal].records[*index]))
                .min();
            let sent = tries(run, run.log[*other].id.unwrap_or_default());
            let sent = sent
                .iter()
                .map(|(journal, index)| at(&run.journals[*journal].records[*index]))
                .min();
            acked.is_some_and(|acked| sent.is_some_and(|sent| acked < sent))
                && run.log[*one].actor != run.log[*other].actor
        });
        let (one, other) = pairs.choose(rng)?;
        swap(run, one, other);
        for journal in &mut run.journals {
            journal
                .records
                .retain(|record| !matches!(record, Record::Unread { .. }));
        }
        Some(())
    });
}
