//! Each kind of fault is planted in runs that were right, and must be found and named.

mod commands;
mod gaps;
mod heard;
mod log;
mod missing;
mod order;
mod owed;
mod shown;
mod strangers;
mod unread;
mod whole;
mod without_seqs;

use crate::world::{Run, Seqs, World, run};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tidings_journal::{Fault, Kind, Logged, Micros, Record, Via};
use uuid::Uuid;

const SEEDS: u64 = 200;
/// Few runs have a place for some faults.
const PLANTED_MIN: u64 = 3;

/// Plants a fault; none where the run has no place for it.
type Plant = fn(&mut Run, &mut StdRng) -> Option<()>;

/// Plants in many runs: what is found must have this name each time.
fn found(fault: Fault, plant: Plant) {
    found_in(Seqs::Told, fault, plant);
}

fn found_in(seqs: Seqs, fault: Fault, plant: Plant) {
    let mut planted = 0;
    for seed in 0..SEEDS {
        let mut run = World::new(seed, seqs).play();
        if plant(&mut run, &mut StdRng::seed_from_u64(seed)).is_some() {
            planted += 1;
            let wrong = run
                .check()
                .expect_err(&format!("seed {seed}: {fault} was not found"));
            assert_eq!(wrong.fault, fault, "seed {seed}: {wrong}");
            assert!(!wrong.evidence.is_empty());
        }
    }
    assert!(planted >= PLANTED_MIN, "{fault} was planted {planted} times only");
}

fn conversation_of(record: &Record) -> Option<&str> {
    match record {
        Record::Delivered { conversation, .. }
        | Record::Gap { conversation, .. }
        | Record::Read { conversation, .. }
        | Record::Unread { conversation, .. } => Some(conversation),
        _ => None,
    }
}

/// What came by itself: conversation and seq.
fn pushed(record: &Record) -> Option<(&str, u64)> {
    match record {
        Record::Delivered {
            conversation,
            seq,
            via,
            ..
        } if *via != Via::Fetch => Some((conversation, (*seq)?)),
        _ => None,
    }
}

fn delivered(logged: &Logged, at: Micros, via: Via) -> Record {
    Record::Delivered {
        at,
        conversation: logged.conversation.clone(),
        seq: Some(logged.seq),
        id: logged.id,
        digest: logged.digest,
        whole: logged.whole,
        withheld: false,
        via,
    }
}

/// The pushes of each conversation that follow each other on one connection: journal and both indices.
fn neighbours(run: &Run) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    for (number, journal) in run.journals.iter().enumerate() {
        let mut last: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
        for (index, record) in journal.records.iter().enumerate() {
            if matches!(record, Record::Connected { .. }) {
                last.clear();
            }
            if let Some((conversation, _)) = pushed(record)
                && let Some(before) = last.insert(conversation, index)
            {
                found.push((number, before, index));
            }
        }
    }
    found
}

fn head(run: &Run, conversation: &str) -> u64 {
    run.log
        .iter()
        .filter(|logged| logged.conversation == conversation)
        .count() as u64
}

/// Whether somebody never leaves a conversation.
fn stays(run: &Run, conversation: &str, user: &String) -> bool {
    let own = run
        .log
        .iter()
        .filter(|logged| logged.conversation == conversation);
    let mut changes = own.filter(|logged| logged.users.contains(user));
    changes.all(|change| change.kind == Kind::Joined)
}

fn logged_at<'a>(run: &'a Run, conversation: &str, seq: u64) -> Option<&'a Logged> {
    run.log
        .iter()
        .find(|logged| logged.conversation == conversation && logged.seq == seq)
}

fn at(record: &Record) -> Micros {
    record.at()
}

/// Tries to send a message.
fn tries(run: &Run, id: Uuid) -> Vec<(usize, usize)> {
    run.places(|record| matches!(record, Record::Send { id: of, .. } if *of == id))
}

#[test]
fn of_several_contradictions_the_smallest_is_shown() {
    let mut run = run(3);
    let (journal, index, _) = neighbours(&run)[0];
    run.journals[journal].records.remove(index);
    let acks = run.places(|record| matches!(record, Record::Ack { .. }));
    if let Record::Ack { id, .. } = run.record(acks[0]) {
        *id = Uuid::from_u128(7);
    }
    let wrong = run.check().unwrap_err();
    assert_eq!(
        (wrong.fault, wrong.evidence.len()),
        (Fault::AnswerToNothing, 1),
        "{wrong}"
    );
    assert!(wrong.others > 0);
    assert_eq!(wrong.evidence[0].line as usize, acks[0].1 + 2);
}
