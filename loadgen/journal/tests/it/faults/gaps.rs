//! What may be left out, and what cursors may claim.

use super::{conversation_of, found, pushed, stays};
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Fault, Record, Via};

#[test]
fn a_gap_that_begins_too_late() {
    found(Fault::Hole, |run, rng| {
        let gaps = run.places(|record| matches!(record, Record::Gap { from, to, .. } if from < to));
        let place = *gaps.choose(rng)?;
        let Record::Gap {
            conversation, from, ..
        } = run.record(place)
        else {
            return None;
        };
        let (conversation, claim) = (conversation.clone(), *from - 1);
        *from += 1;
        let claims = run.journals[place.0].records[..place.1]
            .iter()
            .rev()
            .find_map(|record| match record {
                Record::Connected { resume, .. } => Some(resume),
                _ => None,
            });
        (claims?.get(&conversation) == Some(&claim)).then_some(())
    });
}

#[test]
fn a_gap_while_live() {
    found(Fault::GapWhileLive, |run, rng| {
        let live = run.places(|record| matches!(record, Record::Delivered { via: Via::Live, .. }));
        let place = *live.choose(rng)?;
        let Record::Delivered {
            at,
            conversation,
            seq: Some(seq),
            ..
        } = run.record(place).clone()
        else {
            return None;
        };
        *run.record(place) = Record::Gap {
            at,
            conversation,
            from: seq,
            to: seq,
        };
        Some(())
    });
}

#[test]
fn a_hole_in_what_was_fetched() {
    found(Fault::FetchHole, |run, rng| {
        let fetched = |record: &Record| matches!(record, Record::Delivered { via: Via::Fetch, .. });
        let seq = |record: &Record| match record {
            Record::Delivered { seq, .. } => *seq,
            _ => None,
        };
        let inner = run.places(fetched).into_iter().filter(|(journal, index)| {
            let records = &run.journals[*journal].records;
            let page = records.get(index - 1..index + 2);
            page.is_some_and(|page| page.iter().all(fetched) && seq(&page[0]) < seq(&page[2]))
        });
        let (journal, index) = inner.choose(rng)?;
        let missing = run.journals[journal].records[index].clone();
        let records = &mut run.journals[journal].records;
        let connection = records[..index]
            .iter()
            .rposition(|record| matches!(record, Record::Connected { .. }))?;
        let until = records[index..]
            .iter()
            .position(|record| matches!(record, Record::Connected { .. }));
        let until = until.map_or(records.len(), |offset| index + offset);
        // The gap is of this connection, and nothing fetched it again.
        let same = |record: &&Record| fetched(record) && seq(record) == seq(&missing);
        let same = |record: &&Record| same(record) && conversation_of(record) == conversation_of(&missing);
        let once = records[connection..until].iter().filter(same).count() == 1;
        let told = records[connection..index].iter().any(|record| {
            matches!(record, Record::Gap { from, to, .. } if Some(*from) < seq(&missing) && Some(*to) > seq(&missing))
                && conversation_of(record) == conversation_of(&missing)
        });
        records.remove(index);
        (once && told).then_some(())
    });
}

#[test]
fn a_claim_of_what_was_never_shown() {
    found(Fault::ClaimUnseen, |run, rng| {
        let claims =
            |record: &Record| matches!(record, Record::Connected { resume, .. } if !resume.is_empty());
        let (journal, index) = *run.places(claims).choose(rng)?;
        let records = &mut run.journals[journal].records;
        let Record::Connected { resume, .. } = &mut records[index] else {
            return None;
        };
        let (conversation, seq) = resume.iter_mut().choose(rng)?;
        *seq += 1;
        let missed = (conversation.clone(), *seq);
        let behind = records[index..].iter().position(|record| {
            pushed(record).is_some_and(|(of, seq)| (of, seq) == (missed.0.as_str(), missed.1))
        })?;
        let reconnects = records[index + 1..index + behind]
            .iter()
            .any(|record| matches!(record, Record::Connected { .. }));
        records.remove(index + behind);
        (!reconnects).then_some(())
    });
}

#[test]
fn a_gap_that_leaves_out_more_than_the_limits_say() {
    found(Fault::NeedlessGap, |run, rng| {
        let gaps = run.places(|record| matches!(record, Record::Gap { .. }));
        let limited = gaps.into_iter().filter(|(journal, index)| {
            let before = run.journals[*journal].records[..*index].iter().rev();
            let mut since = before.take_while(|record| !matches!(record, Record::Connected { .. }));
            let Record::Gap { conversation, .. } = &run.journals[*journal].records[*index] else {
                return false;
            };
            // Who leaves later is owed less.
            stays(run, conversation, &run.journals[*journal].user)
                && since.any(|record| matches!(record, Record::Limits { .. }))
        });
        let (journal, index) = limited.choose(rng)?;
        let records = &mut run.journals[journal].records;
        records.remove(index + 1);
        if let Record::Gap { to, .. } = &mut records[index] {
            *to += 1;
        }
        Some(())
    });
}
