//! Who is deaf though connected, and who is merely slow; and receipts.

use super::{found, head, pushed};
use crate::world::Run;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use tidings_journal::{Fault, Micros, Record, Via};

/// Moves the last event of a conversation to the end of a journal, behind answers that come with this time in between.
fn shown_late(run: &mut Run, rng: &mut StdRng, answers: usize, apart: Micros) -> Option<()> {
    let last = run.places(|record| matches!(record, Record::Delivered { via: Via::Live, .. }));
    let last = last.into_iter().filter(|(journal, index)| {
        let records = &run.journals[*journal].records;
        let Some((conversation, seq)) = pushed(&records[*index]) else {
            return false;
        };
        let others = run.places(|record| {
            pushed(record) == Some((conversation, seq)) && record.at() < records[*index].at()
        });
        // It came when all was well, to somebody who was there by then.
        let own = |record: &Record| matches!(record, Record::Connected { .. } | Record::Gap { .. });
        seq == head(run, conversation)
            && records[*index].at() > run.healed
            && !others.is_empty()
            && !records[*index..].iter().any(own)
    });
    let (journal, index) = *last.collect::<Vec<_>>().choose(rng)?;
    let mut event = run.journals[journal].records.remove(index);
    let records = &mut run.journals[journal].records;
    let mut now = records.last()?.at();
    for _ in 0..answers {
        now += apart;
        records.push(Record::Alive { at: now });
    }
    if let Record::Delivered { at, .. } = &mut event {
        *at = now + 30_000_000;
    }
    run.journals[journal].records.push(event);
    Some(())
}

#[test]
fn a_device_that_hears_everything_but_the_event() {
    found(Fault::Deaf, |run, rng| shown_late(run, rng, 12, 1_100_000));
}

#[test]
fn a_device_that_is_slow_in_everything_is_not_deaf() {
    let mut summaries = 0;
    for seed in 0..100 {
        for (answers, apart) in [(0, 0), (4, 1_100_000), (50, 1_000)] {
            let mut run = crate::world::run(seed);
            let mut rng = rand::SeedableRng::seed_from_u64(seed);
            if shown_late(&mut run, &mut rng, answers, apart).is_some() {
                let passed = run.check().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
                assert!(
                    passed.heard.is_some_and(|heard| heard.max_ms >= 30_000),
                    "{passed}"
                );
                summaries += 1;
            }
        }
    }
    assert!(summaries > 3);
}

#[test]
fn a_receipt_that_goes_back() {
    found(Fault::ReceiptBack, |run, rng| {
        let mut back = Vec::new();
        for (number, journal) in run.journals.iter().enumerate() {
            let mut known = std::collections::HashMap::new();
            for (index, record) in journal.records.iter().enumerate() {
                match record {
                    Record::Connected { .. } => known.clear(),
                    Record::Receipt {
                        conversation,
                        user,
                        seq,
                        ..
                    } => {
                        let before = known.insert((conversation, user), *seq);
                        back.extend(before.filter(|seq| *seq > 1).map(|seq| (number, index, seq)));
                    }
                    _ => {}
                }
            }
        }
        let (journal, index, before) = *back.choose(rng)?;
        if let Record::Receipt { seq, .. } = run.record((journal, index)) {
            *seq = before - 1;
        }
        Some(())
    });
}

#[test]
fn a_receipt_for_what_is_not_in_the_log() {
    found(Fault::ReceiptBack, |run, rng| {
        let place = *run
            .places(|record| matches!(record, Record::Receipt { .. }))
            .choose(rng)?;
        let Record::Receipt { conversation, .. } = run.record(place).clone() else {
            return None;
        };
        let beyond = head(run, &conversation) + 1;
        if let Record::Receipt { seq, .. } = run.record(place) {
            *seq = beyond;
        }
        Some(())
    });
}
