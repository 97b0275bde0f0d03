//! A server that tells no seqs is followed by the ids of messages.

use super::{conversation_of, found_in, stays};
use crate::world::{Run, Seqs};
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Fault, Record};

/// What came by itself from a server without seqs, by conversation, on one device.
fn followed(run: &Run) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    for (number, journal) in run.journals.iter().enumerate() {
        for (index, record) in journal.records.iter().enumerate() {
            let next = journal.records[index + 1..].iter().position(|next| {
                matches!(next, Record::Delivered { .. }) && conversation_of(next) == conversation_of(record)
            });
            if matches!(record, Record::Delivered { .. }) {
                found.extend(next.map(|offset| (number, index, index + 1 + offset)));
            }
        }
    }
    found
}

#[test]
fn without_seqs_a_hole_a_repeat_and_a_wrong_order_are_found() {
    found_in(Seqs::Hidden, Fault::Hole, |run, rng| {
        let (journal, index, _) = *followed(run).choose(rng)?;
        run.journals[journal].records.remove(index);
        Some(())
    });
    found_in(Seqs::Hidden, Fault::ShownAgain, |run, rng| {
        let (journal, index, other) = *followed(run).choose(rng)?;
        let again = run.journals[journal].records[index].clone();
        run.journals[journal].records.insert(other + 1, again);
        Some(())
    });
    found_in(Seqs::Hidden, Fault::ShownAgain, |run, rng| {
        let (journal, one, other) = *followed(run).choose(rng)?;
        run.journals[journal].records.swap(one, other);
        Some(())
    });
}

#[test]
fn without_seqs_the_last_message_that_never_comes_is_found() {
    found_in(Seqs::Hidden, Fault::NotShown, |run, rng| {
        let follows = followed(run);
        let delivered = run.places(|record| matches!(record, Record::Delivered { .. }));
        let lasts = delivered.into_iter().filter(|(journal, index)| {
            let Record::Delivered { conversation, id, .. } = &run.journals[*journal].records[*index] else {
                return false;
            };
            // Of somebody who has left, it may have come to another device, and that is enough.
            let stays = stays(run, conversation, &run.journals[*journal].user);
            let mut messages = run
                .log
                .iter()
                .filter(|logged| logged.conversation == *conversation && logged.id.is_some());
            let more = follows.iter().any(|(of, one, _)| (of, one) == (journal, index));
            stays && !more && messages.next_back().is_some_and(|last| last.id == *id)
        });
        let (journal, index) = lasts.choose(rng)?;
        run.journals[journal].records.remove(index);
        Some(())
    });
}
