//! What was taken back is shown to nobody who comes later, and nothing else is withheld.

use std::collections::BTreeMap;

use tidings_journal::{Counterexample, Export, Fault, Journal, Kind, Logged, Record, Summary, Via, check};
use uuid::Uuid;

const MESSAGE: Uuid = Uuid::from_u128(1);
const EDIT: Uuid = Uuid::from_u128(2);
const RECALL: Uuid = Uuid::from_u128(3);

/// Ann says something to Ben, edits it, and takes it back.
fn log() -> Vec<Logged> {
    let event = |seq, kind, id: Option<Uuid>| Logged {
        conversation: "c".to_owned(),
        seq,
        kind,
        actor: "ann".to_owned(),
        id,
        digest: seq * 10,
        whole: None,
        of: None,
        withheld: false,
        stored: None,
        users: vec![],
    };
    let of_message = |logged| Logged {
        of: Some(MESSAGE),
        ..logged
    };
    vec![
        Logged {
            users: vec!["ann".to_owned(), "ben".to_owned()],
            digest: 0,
            ..event(1, Kind::Joined, None)
        },
        event(2, Kind::Message, Some(MESSAGE)),
        of_message(event(3, Kind::Edited, Some(EDIT))),
        of_message(event(4, Kind::Recalled, Some(RECALL))),
    ]
}

/// Something that a device was shown at this time.
fn shown(at: u64, seq: u64, withheld: bool) -> Record {
    Record::Delivered {
        at,
        conversation: "c".to_owned(),
        seq: Some(seq),
        id: (seq == 2).then_some(MESSAGE),
        digest: if withheld || seq == 1 { 0 } else { seq * 10 },
        whole: None,
        withheld,
        via: Via::CatchUp,
    }
}

fn sent(at: u64, id: Uuid, seq: u64) -> [Record; 2] {
    [
        Record::Send {
            at,
            id,
            conversation: "c".to_owned(),
            digest: seq * 10,
        },
        Record::Ack {
            at: at + 5,
            id,
            seq: Some(seq),
            stored: None,
        },
    ]
}

fn connected(at: u64) -> [Record; 2] {
    let resume = BTreeMap::new();
    [
        Record::Connecting { at },
        Record::Connected { at: at + 1, resume },
    ]
}

fn journal(user: &str, records: Vec<Record>) -> Journal {
    let (user, device) = (user.to_owned(), "phone".to_owned());
    Journal {
        user,
        device,
        records,
    }
}

/// Ann's journal: the message at 20, the edit at 30, the recall at 40.
fn ann() -> Journal {
    let mut records = connected(10).to_vec();
    records.push(shown(12, 1, false));
    records.push(Record::Synced { at: 13 });
    for (at, id, seq) in [(20, MESSAGE, 2), (30, EDIT, 3), (40, RECALL, 4)] {
        records.extend(sent(at, id, seq));
        records.push(shown(at + 6, seq, false));
    }
    records.push(Record::End { at: 900 });
    journal("ann", records)
}

/// Ben's, whose device comes at this time and is shown these events, withheld or not.
fn ben(at: u64, withheld: [bool; 4]) -> Journal {
    let mut records = connected(at).to_vec();
    records.extend(
        (1..)
            .zip(withheld)
            .map(|(seq, withheld)| shown(at + seq + 1, seq, withheld)),
    );
    records.push(Record::Synced { at: at + 10 });
    records.push(Record::End { at: 900 });
    journal("ben", records)
}

fn judged(journals: &[Journal], log: Vec<Logged>) -> Result<Summary, Counterexample> {
    check(journals, &log.into_iter().collect::<Export>())
}

fn fault(journals: &[Journal], log: Vec<Logged>) -> Fault {
    judged(journals, log).unwrap_err().fault
}

const LEFT_OUT: [bool; 4] = [false, true, true, false];
const ALL: [bool; 4] = [false; 4];

#[test]
fn what_was_recalled_is_withheld_from_who_comes_later() {
    let summary = judged(&[ann(), ben(100, LEFT_OUT)], log()).unwrap();
    assert_eq!(summary.withheld, 2);
    // Who came before may have been shown it.
    judged(&[ann(), ben(44, ALL)], log()).unwrap();
    judged(&[ann(), ben(44, LEFT_OUT)], log()).unwrap();
    // Or who came in the moment in which somebody first knew of it.
    judged(&[ann(), ben(45, ALL)], log()).unwrap();
    assert_eq!(fault(&[ann(), ben(46, ALL)], log()), Fault::ShownRecalled);
    // And it may be left out from the moment in which it is asked for.
    judged(&[ann(), ben(37, LEFT_OUT)], log()).unwrap();
    assert_eq!(fault(&[ann(), ben(36, LEFT_OUT)], log()), Fault::ShownOther);
}

#[test]
fn an_export_may_lack_what_was_recalled_and_nothing_else() {
    let mut exported = log();
    for logged in &mut exported[1..3] {
        (logged.digest, logged.withheld) = (0, true);
    }
    let journals = [ann(), ben(100, LEFT_OUT)];
    judged(&journals, exported.clone()).unwrap();
    exported[2].withheld = false;
    judged(&journals, exported).unwrap_err();
}

#[test]
fn whoever_comes_later_and_is_shown_it_is_found() {
    assert_eq!(fault(&[ann(), ben(100, ALL)], log()), Fault::ShownRecalled);
    let edit = [false, true, false, false];
    assert_eq!(fault(&[ann(), ben(100, edit)], log()), Fault::ShownRecalled);
}

#[test]
fn what_nobody_recalled_is_withheld_from_nobody() {
    let mut kept = log();
    kept.truncate(3);
    let mut ann = ann();
    let records = &mut ann.records;
    records.retain(|record| {
        !matches!(record, Record::Send { id, .. } | Record::Ack { id, .. } if *id == RECALL)
            && !matches!(record, Record::Delivered { seq: Some(4), .. })
    });
    let mut ben = ben(100, [false, true, false, false]);
    ben.records
        .retain(|record| !matches!(record, Record::Delivered { seq: Some(4), .. }));
    assert_eq!(fault(&[ann, ben], kept), Fault::ShownOther);
    // Nor is a recall itself.
    let strange = self::ben(100, [false, true, true, true]);
    assert_eq!(fault(&[self::ann(), strange], log()), Fault::ShownOther);
}

#[test]
fn nothing_is_withheld_before_it_is_recalled() {
    let mut early = ben(26, LEFT_OUT);
    for record in &mut early.records {
        // The edit and the recall come when they have happened.
        if let Record::Delivered {
            at, seq: Some(seq), ..
        } = record
        {
            *at = [0, 28, 29, 46, 46][*seq as usize];
        } else if let Record::Synced { at } = record {
            *at = 50;
        }
    }
    assert_eq!(fault(&[ann(), early], log()), Fault::ShownOther);
}

/// The log with something else in the place of the recall, and behind it.
fn withheld(kinds: &[Kind]) -> Vec<Logged> {
    let mut log = log();
    let recall = log.pop().unwrap();
    log.extend((4..).zip(kinds).map(|(seq, kind)| Logged {
        seq,
        kind: *kind,
        id: None,
        digest: seq * 10,
        ..recall.clone()
    }));
    log
}

/// Who came at this time, and was told of so many events, without what these say.
fn came(at: u64, left_out: &[bool]) -> Journal {
    let mut ben = ben(at, ALL);
    let mut ends = ben.records.split_off(ben.records.len() - 1);
    ben.records
        .retain(|record| !matches!(record, Record::Delivered { .. } | Record::Synced { .. }));
    let told = (1..).zip(left_out);
    ben.records
        .extend(told.map(|(seq, withheld)| shown(at + seq + 1, seq, *withheld)));
    ben.records.push(Record::Synced { at: at + 10 });
    ben.records.append(&mut ends);
    ben
}

/// Ann has said and edited it, and is told of what moderators do at these times.
fn author(times: &[u64]) -> Journal {
    let mut ann = ann();
    let mut ends = ann.records.split_off(ann.records.len() - 1);
    ann.records.retain(|record| {
        !matches!(record, Record::Send { id, .. } | Record::Ack { id, .. } if *id == RECALL)
            && !matches!(record, Record::Delivered { seq: Some(4), .. })
    });
    ann.records
        .extend((4..).zip(times).map(|(seq, at)| shown(*at, seq, false)));
    ann.records.append(&mut ends);
    ann
}

#[test]
fn what_is_withheld_is_shown_to_nobody_who_comes_later_unless_it_is_shown_again() {
    let gone = || withheld(&[Kind::Withheld]);
    judged(&[author(&[44]), came(100, &LEFT_OUT)], gone()).unwrap();
    assert_eq!(
        fault(&[author(&[44]), came(100, &ALL)], gone()),
        Fault::ShownRecalled
    );
    let back = || withheld(&[Kind::Withheld, Kind::Shown]);
    let left_out = [false, true, true, false, false];
    judged(&[author(&[44, 60]), came(100, &[false; 5])], back()).unwrap();
    assert_eq!(
        fault(&[author(&[44, 60]), came(100, &left_out)], back()),
        Fault::ShownOther
    );
    // Whoever came before somebody knew of that may not have been shown it. When that was asked for nobody knows, nor that it was withheld.
    judged(&[author(&[44, 60]), came(60, &left_out)], back()).unwrap();
    judged(&[author(&[44, 60]), came(50, &[false; 5])], back()).unwrap();
}

/// The log in which a moderator has done this, each by an order with an id.
fn moderated(kinds: &[Kind]) -> Vec<Logged> {
    let mut log = withheld(kinds);
    for logged in &mut log[3..] {
        "mod".clone_into(&mut logged.actor);
        logged.id = Some(order(logged.seq));
    }
    log
}

fn order(seq: u64) -> Uuid {
    Uuid::from_u128(100 + u128::from(seq))
}

/// The moderator's journal: the orders that made these events, each at its time, and answered or not.
fn moderator(orders: &[(u64, u64, bool)]) -> Journal {
    let mut records = Vec::new();
    for (at, seq, answered) in orders {
        let [send, ack] = sent(*at, order(*seq), *seq);
        records.push(send);
        records.extend(answered.then_some(ack));
    }
    records.push(Record::End { at: 900 });
    journal("mod", records)
}

/// Who came at this time and was told of the withholding, and is told of the rest when it happens.
fn meanwhile(at: u64, left_out: [bool; 4], times: &[u64]) -> Journal {
    let mut ben = came(at, &left_out);
    let end = ben.records.len() - 1;
    let rest = (5..).zip(times).map(|(seq, at)| shown(*at, seq, false));
    ben.records.splice(end..end, rest);
    ben
}

/// It is withheld at 50, and shown again at 200.
fn for_a_while(answered: bool, ben: Journal) -> Result<Summary, Counterexample> {
    let orders = moderator(&[(50, 4, true), (200, 5, answered)]);
    let log = moderated(&[Kind::Withheld, Kind::Shown]);
    judged(&[author(&[56, 208]), orders, ben], log)
}

#[test]
fn what_is_withheld_for_a_while_is_shown_to_nobody_who_comes_meanwhile() {
    let summary = for_a_while(true, meanwhile(100, LEFT_OUT, &[208])).unwrap();
    assert_eq!(summary.withheld, 2);
    let found = for_a_while(true, meanwhile(100, ALL, &[208])).unwrap_err();
    assert_eq!(found.fault, Fault::ShownRecalled);
    assert!(
        found.says.contains("seq 2 of c was recalled or withheld"),
        "{found}"
    );
    let edit = [false, true, false, false];
    let found = for_a_while(true, meanwhile(100, edit, &[208])).unwrap_err();
    assert_eq!(found.fault, Fault::ShownRecalled);
    // Who came before anybody knew of it may have been shown it, and it may be left out from the moment in which it is asked for.
    for_a_while(true, meanwhile(54, ALL, &[208])).unwrap();
    for_a_while(true, meanwhile(47, LEFT_OUT, &[208])).unwrap();
    let found = for_a_while(true, meanwhile(46, LEFT_OUT, &[208])).unwrap_err();
    assert_eq!(found.fault, Fault::ShownOther);
}

#[test]
fn what_was_withheld_for_a_while_is_shown_again_to_everybody_who_comes_later() {
    let left_out = [false, true, true, false, false];
    for_a_while(true, came(300, &[false; 5])).unwrap();
    assert_eq!(
        for_a_while(true, came(300, &left_out)).unwrap_err().fault,
        Fault::ShownOther
    );
    for_a_while(true, came(205, &left_out)).unwrap();
    for_a_while(true, came(205, &[false; 5])).unwrap();
}

#[test]
fn where_an_order_has_no_answer_both_are_right_until_somebody_knows() {
    let left_out = [false, true, true, false, false];
    for told in [left_out, [false; 5]] {
        for_a_while(false, came(207, &told)).unwrap();
    }
    // It was not carried out.
    let orders = || moderator(&[(50, 4, true), (200, 5, false)]);
    let log = || moderated(&[Kind::Withheld]);
    judged(&[author(&[56]), orders(), came(300, &LEFT_OUT)], log()).unwrap();
    assert_eq!(
        fault(&[author(&[56]), orders(), came(300, &ALL)], log()),
        Fault::ShownRecalled
    );
}

/// Ben asks history for the message at this time, which has an answer three later.
fn asked(at: u64, withheld: bool) -> Journal {
    let history = Record::History {
        at: at + 3,
        asked: at,
        conversation: "c".to_owned(),
        id: MESSAGE,
        withheld,
    };
    let mut ben = meanwhile(100, LEFT_OUT, &[208]);
    let end = ben.records.len() - 1;
    ben.records.insert(end, history);
    ben
}

#[test]
fn history_tells_nothing_of_what_is_withheld_to_who_asks_meanwhile() {
    for_a_while(true, asked(150, true)).unwrap();
    let found = for_a_while(true, asked(150, false)).unwrap_err();
    assert_eq!(found.fault, Fault::ShownRecalled);
    // Between two words of a moderator both are right.
    for withheld in [true, false] {
        for_a_while(true, asked(51, withheld)).unwrap();
        for_a_while(true, asked(199, withheld)).unwrap();
    }
    for_a_while(true, asked(300, false)).unwrap();
    let found = for_a_while(true, asked(300, true)).unwrap_err();
    assert_eq!(found.fault, Fault::ShownOther);
    let mut strange = asked(150, true);
    for record in &mut strange.records {
        if let Record::History { id, .. } = record {
            *id = Uuid::from_u128(99);
        }
    }
    // Nor does it tell of what the log does not have.
    assert_eq!(for_a_while(true, strange).unwrap_err().fault, Fault::ShownOther);
}

#[test]
fn an_order_that_was_answered_is_in_the_log_and_nothing_else_is() {
    let orders = moderator(&[(50, 4, true), (200, 5, true)]);
    let log = moderated(&[Kind::Withheld]);
    assert_eq!(
        fault(&[author(&[56]), orders, came(100, &LEFT_OUT)], log),
        Fault::Lost
    );
    let orders = moderator(&[(50, 4, true)]);
    let log = moderated(&[Kind::Withheld, Kind::Shown]);
    let ben = meanwhile(100, LEFT_OUT, &[208]);
    assert_eq!(fault(&[author(&[56, 208]), orders, ben], log), Fault::Forged);
}

#[test]
fn what_is_recalled_while_it_is_withheld_is_shown_to_nobody_in_between() {
    let mut log = moderated(&[Kind::Withheld, Kind::Shown, Kind::Recalled]);
    log[4].id = None;
    let judged = |ben| {
        let orders = moderator(&[(50, 4, true), (200, 6, true)]);
        judged(&[author(&[56, 208, 209]), orders, ben], log.clone())
    };
    let left_out = [false, true, true, false, false, false];
    judged(meanwhile(100, LEFT_OUT, &[208, 209])).unwrap();
    judged(came(300, &left_out)).unwrap();
    for ben in [meanwhile(100, ALL, &[208, 209]), came(300, &[false; 6])] {
        assert_eq!(judged(ben).unwrap_err().fault, Fault::ShownRecalled);
    }
}

#[test]
fn what_was_recalled_counts_as_unread_for_nobody() {
    let counted = |count| {
        let at = 500;
        let conversation = "c".to_owned();
        let unread = Record::Unread {
            at,
            conversation,
            count,
        };
        let mut list = journal("ben", vec![unread, Record::End { at }]);
        list.device = "list".to_owned();
        judged(&[ann(), ben(100, LEFT_OUT), list], log())
    };
    counted(0).unwrap();
    assert_eq!(counted(1).unwrap_err().fault, Fault::Unread);
}
