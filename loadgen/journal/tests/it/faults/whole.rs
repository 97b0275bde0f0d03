//! Journals that are not whole, or are missing.

use crate::world::{Run, run};
use tidings_journal::{Counterexample, Fault, Journal, Record, World, check};

/// Each device of a run, none of them killed.
fn devices(run: &Run) -> Vec<World> {
    let listed = run.journals.iter().map(|journal| World::Device {
        user: journal.user.clone(),
        device: journal.device.clone(),
        killed: false,
    });
    listed.collect()
}

fn judged(run: &Run, journals: &[Journal], words: Vec<World>) -> Result<(), Counterexample> {
    check(journals, &run.export().with_world(words)).map(|_| ())
}

#[test]
fn a_journal_that_was_cut_off() {
    for seed in 0..20 {
        let run = run(seed);
        let mut journals = run.ended();
        judged(&run, &journals, devices(&run)).unwrap();
        // At the end of a line, and of a connection: nothing but the end is missing.
        let at = run.journals[0].records.last().unwrap().at();
        journals[0].records.pop();
        journals[0].records.push(Record::Disconnected { at });
        let wrong = judged(&run, &journals, devices(&run)).unwrap_err();
        assert_eq!(wrong.fault, Fault::Unfinished, "{wrong}");
        let mut words = devices(&run);
        if let World::Device { killed, .. } = &mut words[0] {
            *killed = true;
        }
        judged(&run, &journals, words).expect("the device was killed");
    }
}

#[test]
fn a_journal_that_goes_on_behind_its_end() {
    let run = run(1);
    let mut journals = run.ended();
    let at = run.journals[0].records.last().unwrap().at();
    journals[0].records.push(Record::Alive { at });
    let wrong = judged(&run, &journals, vec![]).unwrap_err();
    assert_eq!(wrong.fault, Fault::Unfinished, "{wrong}");
}

#[test]
fn a_journal_that_is_missing_and_one_of_nobody() {
    let run = run(1);
    let lost = World::Device {
        user: "user0".to_owned(),
        device: "watch".to_owned(),
        killed: true,
    };
    let mut words = devices(&run);
    words.push(lost);
    let wrong = judged(&run, &run.ended(), words).unwrap_err();
    assert_eq!(wrong.fault, Fault::NoJournal, "{wrong}");
    let mut words = devices(&run);
    words.pop();
    let wrong = judged(&run, &run.ended(), words).unwrap_err();
    assert_eq!(
        (wrong.fault, wrong.evidence.len()),
        (Fault::NoJournal, 1),
        "{wrong}"
    );
}
