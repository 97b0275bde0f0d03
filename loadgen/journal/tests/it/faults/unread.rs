//! Counts of unread messages.

use super::{found, head};
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use tidings_journal::{Fault, Record};

#[test]
fn a_wrong_count_of_unread_messages() {
    found(Fault::Unread, |run, rng| {
        let place = *run
            .places(|record| matches!(record, Record::Unread { .. }))
            .choose(rng)?;
        let Record::Unread { count, .. } = run.record(place) else {
            return None;
        };
        *count = if *count > 0 && rng.random_bool(0.5) {
            *count - 1
        } else {
            *count + 1
        };
        Some(())
    });
    // A read that was confirmed and forgotten.
    found(Fault::Unread, |run, rng| {
        let unread = run.places(|record| matches!(record, Record::Unread { count, .. } if *count > 0));
        let (journal, index) = *unread.choose(rng)?;
        let Record::Unread { at, conversation, .. } = run.record((journal, index)).clone() else {
            return None;
        };
        let read = Record::Read {
            at,
            seq: head(run, &conversation),
            conversation,
        };
        run.journals[journal].records.insert(index, read);
        Some(())
    });
}
