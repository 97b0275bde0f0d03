//! Commands that make other events than messages, and what such events say.

use super::{Fault, Record, Run, found, pushed};
use crate::world::run;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Journal, Kind};
use uuid::Uuid;

/// What the command asks for.
const SAYS: u64 = 99;

/// Makes one of the events that are no messages the effect of a command, sent and acked by a device of its own; answers where
/// the log has it.
fn command(run: &mut Run, rng: &mut StdRng) -> Option<usize> {
    let others = run.log.iter().enumerate();
    let others = others.filter(|(_, logged)| logged.kind != Kind::Message && logged.seq > 1);
    let place = others.choose(rng)?.0;
    let id = Uuid::from_u128(77);
    run.log[place].id = Some(id);
    say(run, place, SAYS);
    let logged = run.log[place].clone();
    let records = vec![
        Record::Send {
            at: 0,
            id,
            conversation: logged.conversation.clone(),
            digest: SAYS,
        },
        Record::Ack {
            at: 1_000_000,
            id,
            seq: Some(logged.seq),
            stored: logged.stored,
        },
    ];
    run.journals.push(Journal {
        user: logged.actor,
        device: "manager".to_owned(),
        records,
    });
    Some(place)
}

/// The event says this, in the log and wherever it is shown.
fn say(run: &mut Run, place: usize, says: u64) {
    run.log[place].digest = says;
    let event = (run.log[place].conversation.clone(), run.log[place].seq);
    for record in run.journals.iter_mut().flat_map(|journal| &mut journal.records) {
        if let Record::Delivered {
            conversation,
            seq: Some(seq),
            digest,
            ..
        } = record
            && (conversation.as_str(), *seq) == (event.0.as_str(), event.1)
        {
            *digest = says;
        }
    }
}

#[test]
fn commands_that_took_effect_pass() {
    for seed in 0..100 {
        let mut run = run(seed);
        if command(&mut run, &mut StdRng::seed_from_u64(seed)).is_some() {
            run.check().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        }
    }
}

#[test]
fn an_acked_command_that_is_not_in_the_log() {
    found(Fault::Lost, |run, rng| {
        let place = command(run, rng)?;
        run.log[place].id = None;
        Some(())
    });
}

#[test]
fn a_command_that_did_something_else() {
    found(Fault::Altered, |run, rng| {
        let place = command(run, rng)?;
        say(run, place, SAYS + 1);
        Some(())
    });
}

#[test]
fn an_event_by_a_command_that_nobody_sent() {
    found(Fault::Forged, |run, rng| {
        let place = command(run, rng)?;
        run.log[place].id = Some(Uuid::from_u128(78));
        run.journals.pop();
        Some(())
    });
}

#[test]
fn an_event_that_is_shown_as_another_kind_or_with_other_data() {
    found(Fault::ShownOther, |run, rng| {
        let place = *run.places(|record| pushed(record).is_some()).choose(rng)?;
        let (conversation, seq) = pushed(run.record(place)).map(|(of, seq)| (of.to_owned(), seq))?;
        for logged in &mut run.log {
            if logged.conversation == conversation && logged.seq == seq {
                logged.whole = Some(5);
            }
        }
        if let Record::Delivered { whole, .. } = run.record(place) {
            *whole = Some(6);
        }
        Some(())
    });
}
