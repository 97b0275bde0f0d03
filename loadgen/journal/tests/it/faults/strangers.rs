//! What is not for those who are out.

use super::{at, delivered, found, logged_at, pushed, tries};
use rand::seq::{IndexedRandom as _, IteratorRandom as _};
use tidings_journal::{Fault, Kind, Logged, Record, Via};

#[test]
fn an_event_for_somebody_who_has_left() {
    found(Fault::ShownToStranger, |run, rng| {
        let leaves: Vec<Logged> = run
            .log
            .iter()
            .filter(|logged| logged.kind == Kind::Left)
            .cloned()
            .collect();
        let leave = leaves.choose(rng)?;
        let back = run.log.iter().any(|logged| {
            logged.conversation == leave.conversation && logged.seq > leave.seq && logged.users == leave.users
        });
        let next = logged_at(run, &leave.conversation, leave.seq + 1)?.clone();
        let shown = run.places(|record| pushed(record) == Some((&leave.conversation, leave.seq)));
        let own = shown
            .into_iter()
            .filter(|(journal, _)| run.journals[*journal].user == leave.users[0]);
        let (journal, index) = own.choose(rng)?;
        let at = at(run.record((journal, index)));
        run.journals[journal]
            .records
            .insert(index + 1, delivered(&next, at, Via::Live));
        (!back).then_some(())
    });
}

#[test]
fn an_event_for_somebody_who_was_never_in() {
    found(Fault::ShownToStranger, |run, rng| {
        let logged = run.log.choose(rng)?.clone();
        let places = run.places(|record| matches!(record, Record::Synced { .. }));
        let stranger = places.into_iter().filter(|(journal, _)| {
            let user = &run.journals[*journal].user;
            !run.log
                .iter()
                .any(|one| one.conversation == logged.conversation && one.users.contains(user))
        });
        let (journal, index) = stranger.choose(rng)?;
        let at = at(run.record((journal, index)));
        run.journals[journal]
            .records
            .insert(index + 1, delivered(&logged, at, Via::Fetch));
        Some(())
    });
}

#[test]
fn an_event_for_somebody_who_is_out_and_comes_back_later() {
    found(Fault::ShownToStranger, |run, rng| {
        let leaves: Vec<Logged> = run
            .log
            .iter()
            .filter(|logged| logged.kind == Kind::Left)
            .cloned()
            .collect();
        let leave = leaves.choose(rng)?;
        let (conversation, user) = (&leave.conversation, &leave.users[0]);
        let back = run.log.iter().find(|logged| {
            logged.conversation == *conversation && logged.seq > leave.seq && logged.users.contains(user)
        });
        let back = back?.seq;
        // What comes later, right with the leave.
        let mut moved = None;
        for (number, journal) in run
            .journals
            .iter()
            .enumerate()
            .filter(|(_, journal)| journal.user == *user)
        {
            let shown = |seq| {
                let wanted = |record: &Record| pushed(record) == Some((conversation, seq));
                journal.records.iter().position(wanted)
            };
            if let (Some(left), Some(next)) = (shown(leave.seq), shown(leave.seq + 1))
                && !journal.records[left..next]
                    .iter()
                    .any(|record| matches!(record, Record::Connected { .. }))
            {
                moved = Some((number, left, next));
            }
        }
        let (journal, left, next) = moved?;
        let time = at(&run.journals[journal].records[left]) + 1;
        let sent_later = (leave.seq + 2..back).any(|seq| {
            let id = logged_at(run, conversation, seq).and_then(|logged| logged.id);
            let tries = id.map_or(vec![], |id| tries(run, id));
            let first = tries
                .iter()
                .map(|(journal, index)| at(&run.journals[*journal].records[*index]))
                .min();
            first.is_some_and(|first| first > time)
        });
        let records = &mut run.journals[journal].records;
        let mut early = records.remove(next);
        if let Record::Delivered { at, .. } = &mut early {
            *at = time;
        }
        records.insert(left + 1, early);
        sent_later.then_some(())
    });
}
