//! What is said of small runs, to the letter: which lines show it, how much was counted, and what happens in one moment.

use std::collections::BTreeMap;

use tidings_journal::{
    Counterexample, Export, Fault, Heard, Journal, Kind, Logged, Micros, Record, Source, Summary, Via, World,
    check,
};
use uuid::Uuid;

const SECOND: Micros = 1_000_000;

fn id(seq: u64) -> Uuid {
    Uuid::from_u128(seq.into())
}

/// Who comes into the conversation or goes.
fn moved(seq: u64, kind: Kind, users: &[&str]) -> Logged {
    Logged {
        conversation: "c".to_owned(),
        seq,
        kind,
        actor: "ann".to_owned(),
        id: None,
        digest: 0,
        whole: None,
        of: None,
        withheld: false,
        stored: None,
        users: users.iter().map(|user| (*user).to_owned()).collect(),
    }
}

fn said(seq: u64, actor: &str) -> Logged {
    Logged {
        actor: actor.to_owned(),
        id: Some(id(seq)),
        digest: seq * 10,
        ..moved(seq, Kind::Message, &[])
    }
}

/// Ann and Ben come together, and these say something.
fn log(actors: &[&str]) -> Vec<Logged> {
    let together = moved(1, Kind::Joined, &["ann", "ben"]);
    let all = (2..).zip(actors).map(|(seq, actor)| said(seq, actor));
    [together].into_iter().chain(all).collect()
}

fn connects(at: Micros) -> [Record; 2] {
    let resume = BTreeMap::new();
    [
        Record::Connecting { at },
        Record::Connected { at: at + 1, resume },
    ]
}

fn shown(at: Micros, seq: u64) -> Record {
    let says = seq > 1;
    Record::Delivered {
        at,
        conversation: "c".to_owned(),
        seq: Some(seq),
        id: says.then(|| id(seq)),
        digest: if says { seq * 10 } else { 0 },
        whole: None,
        withheld: false,
        via: Via::Live,
    }
}

fn sends(at: Micros, seq: u64) -> Record {
    Record::Send {
        at,
        id: id(seq),
        conversation: "c".to_owned(),
        digest: seq * 10,
    }
}

fn acked(at: Micros, seq: u64) -> Record {
    Record::Ack {
        at,
        id: id(seq),
        seq: Some(seq),
        stored: None,
    }
}

fn gap(at: Micros, from: u64, to: u64) -> Record {
    Record::Gap {
        at,
        conversation: "c".to_owned(),
        from,
        to,
    }
}

fn unread(at: Micros, count: u64) -> Record {
    Record::Unread {
        at,
        conversation: "c".to_owned(),
        count,
    }
}

/// A journal with its end.
fn journal(user: &str, device: &str, records: impl IntoIterator<Item = Record>) -> Journal {
    let mut records: Vec<Record> = records.into_iter().collect();
    let at = records.iter().map(Record::at).max().unwrap_or(0);
    records.push(Record::End { at });
    Journal {
        user: user.to_owned(),
        device: device.to_owned(),
        records,
    }
}

/// One who is there from the beginning: connected at 11, shown the beginning at 12, up to date at 13. The first line that follows is 6.
fn there(user: &str, device: &str, records: impl IntoIterator<Item = Record>) -> Journal {
    let begins = connects(10)
        .into_iter()
        .chain([shown(12, 1), Record::Synced { at: 13 }]);
    journal(user, device, begins.chain(records))
}

fn judged(journals: &[Journal], log: Vec<Logged>) -> Result<Summary, Counterexample> {
    check(journals, &log.into_iter().collect::<Export>())
}

fn fault(journals: &[Journal], log: Vec<Logged>) -> Fault {
    judged(journals, log).unwrap_err().fault
}

/// The lines that show what is wrong: whose, and which.
fn lines(wrong: &Counterexample) -> Vec<(&str, u32)> {
    let each = wrong.evidence.iter().map(|evidence| match &evidence.source {
        Source::Journal { user, .. } => (user.as_str(), evidence.line),
        Source::Log => ("log", evidence.line),
    });
    each.collect()
}

/// Ann, who says something as seq 2 at this time.
fn ann(at: Micros) -> Journal {
    there("ann", "phone", [sends(at, 2), acked(at + 5, 2), shown(at + 6, 2)])
}

#[test]
fn all_that_was_looked_at_is_counted() {
    let refused = Record::Refused {
        at: 75,
        id: id(9),
        code: "rate_limited".to_owned(),
    };
    let receipt = Record::Receipt {
        at: 50,
        conversation: "c".to_owned(),
        user: "ben".to_owned(),
        seq: 3,
    };
    let read = Record::Read {
        at: 48,
        conversation: "c".to_owned(),
        seq: 3,
    };
    let ann = there(
        "ann",
        "phone",
        [
            sends(20, 2),
            acked(25, 2),
            shown(26, 2),
            shown(45, 3),
            receipt,
            sends(70, 9),
            refused,
        ],
    );
    let resumed = |at, seq| Record::Connected {
        at,
        resume: BTreeMap::from([("c".to_owned(), seq)]),
    };
    let ben = there(
        "ben",
        "phone",
        [
            shown(27, 2),
            sends(40, 3),
            acked(44, 3),
            shown(46, 3),
            read,
            Record::Disconnected { at: 60 },
            resumed(101, 3),
            Record::Synced { at: 102 },
            unread(110, 0),
        ],
    );
    let mut fetched = shown(210, 2);
    if let Record::Delivered { via, .. } = &mut fetched {
        *via = Via::Fetch;
    }
    let tablet = [
        resumed(201, 1),
        gap(202, 2, 2),
        shown(203, 3),
        Record::Synced { at: 204 },
        fetched,
    ];
    let tablet = journal("ben", "tablet", tablet);
    let counted = Summary {
        journals: 3,
        people: 2,
        conversations: 1,
        logged: 3,
        sent: 3,
        acked: 2,
        absent: 1,
        delivered: 7,
        fetched: 1,
        withheld: 0,
        connections: 4,
        claims: 2,
        gaps: 1,
        reads: 1,
        receipts: 1,
        hidden: 0,
        unread: 1,
        stayed: 3,
        heard: None,
    };
    assert_eq!(judged(&[ann, ben, tablet], log(&["ann", "ben"])), Ok(counted));
}

#[test]
fn how_late_devices_were_is_that_of_each_at_its_worst() {
    let at = 100 * SECOND;
    let known = [sends(at, 2), acked(at, 2)];
    let healed = |at, journals: &[Journal]| {
        let export: Export = log(&["ann"]).into_iter().collect();
        check(journals, &export.with_world([World::Healed { at }])).map(|summary| summary.heard)
    };
    let late = |device: &str, seconds| there("ben", device, [shown(at + seconds * SECOND, 2)]);
    // Who comes back and is shown it once more was not that late.
    let again = connects(at + 50 * SECOND).into_iter().chain([
        shown(at + 51 * SECOND, 1),
        shown(at + 52 * SECOND, 2),
        Record::Synced { at: at + 53 * SECOND },
    ]);
    let own = known.into_iter().chain([shown(at + SECOND, 2)]).chain(again);
    let journals = [
        there("ann", "phone", own),
        late("phone", 2),
        late("tablet", 5),
        late("watch", 9),
    ];
    let heard = Heard {
        devices: 4,
        p50_ms: 5_000,
        max_ms: 9_000,
    };
    assert_eq!(healed(50 * SECOND, &journals), Ok(Some(heard)));
    // It counts from when all was well, and behind that alone.
    let of_ann = healed(at + 4 * SECOND, &journals[..]).map(|heard| heard.map(|heard| heard.max_ms));
    assert_eq!(of_ann, Ok(Some(5_000)));
    // What came by that moment is not.
    assert_eq!(healed(at + 9 * SECOND, &journals), Ok(None));
    let heard = healed(at + 9 * SECOND - 1, &journals).map(|heard| heard.map(|heard| heard.devices));
    assert_eq!(heard, Ok(Some(1)));
}

#[test]
fn who_is_deaf_is_told_by_how_many_seconds() {
    let at = 100 * SECOND;
    let answers = (0..12).map(|n| Record::Alive {
        at: at + (n + 1) * 2 * SECOND,
    });
    let deaf = answers.chain([shown(at + 31 * SECOND, 2)]);
    let journals = [
        there(
            "ann",
            "phone",
            [sends(at, 2), acked(at + SECOND, 2), shown(at + SECOND, 2)],
        ),
        there("ben", "phone", deaf),
    ];
    let export: Export = log(&["ann"]).into_iter().collect();
    let wrong = check(&journals, &export.with_world([World::Healed { at: 50 }])).unwrap_err();
    assert_eq!(wrong.fault, Fault::Deaf, "{wrong}");
    assert!(wrong.says.contains(" 30 s after others knew"), "{wrong}");
    assert_eq!(lines(&wrong), [("ann", 7), ("ben", 18)]);
}

#[test]
fn what_was_known_before_another_was_sent_stands_before_it() {
    let run = |sent| {
        let first = there(
            "ben",
            "phone",
            [
                sends(20, 3),
                acked(30, 3),
                acked(30, 3),
                shown(sent + 4, 2),
                shown(sent + 5, 3),
            ],
        );
        let second = [
            sends(sent, 2),
            acked(sent + 1, 2),
            shown(sent + 2, 2),
            shown(sent + 3, 3),
        ];
        judged(&[first, there("ann", "phone", second)], log(&["ann", "ben"]))
    };
    let wrong = run(31).unwrap_err();
    assert_eq!(wrong.fault, Fault::RealTimeOrder, "{wrong}");
    assert_eq!(wrong.says, "seq 3 of c was known before seq 2 was sent");
    assert_eq!(lines(&wrong), [("ben", 7), ("ann", 6)]);
    // In the same moment, nobody can say.
    run(30).unwrap();
}

#[test]
fn of_contradictions_of_one_size_the_first_is_shown_and_all_are_counted() {
    let again = [shown(30, 2), shown(31, 1), shown(32, 2)];
    let wrong = judged(
        &[
            ann(20),
            there("ben", "phone", [shown(27, 2)].into_iter().chain(again)),
        ],
        log(&["ann"]),
    );
    let wrong = wrong.unwrap_err();
    assert_eq!(
        wrong.says,
        "ben on phone was shown seq 2 of c when it had come to seq 2 already"
    );
    assert_eq!(lines(&wrong), [("ben", 6), ("ben", 7)]);
    assert_eq!(wrong.others, 2);
    assert_eq!(wrong.counts, BTreeMap::from([(Fault::ShownAgain, 3)]));
}

#[test]
fn a_count_of_unread_messages_is_right_for_as_far_as_the_log_may_have_been() {
    let ann = || {
        there(
            "ann",
            "phone",
            [
                sends(20, 2),
                acked(25, 2),
                shown(26, 2),
                sends(40, 3),
                acked(45, 3),
                shown(46, 3),
            ],
        )
    };
    let told = |at, count| {
        judged(
            &[ann(), journal("ben", "list", [unread(at, count)])],
            log(&["ann", "ann"]),
        )
    };
    let wrong = |at| {
        let wrong = told(at, 7).unwrap_err();
        assert_eq!(wrong.fault, Fault::Unread);
        wrong.says
    };
    assert_eq!(
        wrong(30),
        "ben on list was told of 7 unread messages in c when the log reached seq 2 and everything up to seq 0 had been \
         read; there were 1"
    );
    assert!(
        wrong(42)
            .ends_with("the log reached seq 3 and everything up to seq 0 had been read; there were 1 to 2")
    );
    assert!(wrong(45).ends_with("there were 2"));
    // What was sent in this moment may be there.
    for (at, right) in [
        (11, 0),
        (25, 1),
        (39, 1),
        (40, 1),
        (40, 2),
        (44, 1),
        (44, 2),
        (45, 2),
    ] {
        assert!(told(at, right).is_ok(), "{right} at {at}");
    }
    assert!(told(39, 2).is_err() && told(45, 1).is_err());
}

#[test]
fn what_was_known_before_a_device_set_out_comes_before_it_is_up_to_date() {
    let ben = |at| {
        let late = [shown(at + 2, 1), Record::Synced { at: at + 3 }, shown(at + 4, 2)];
        journal("ben", "phone", connects(at).into_iter().chain(late))
    };
    // Ann knows of it at 25.
    judged(&[ann(20), ben(25)], log(&["ann"])).unwrap();
    let wrong = judged(&[ann(20), ben(26)], log(&["ann"])).unwrap_err();
    assert_eq!(wrong.fault, Fault::CaughtUpShort, "{wrong}");
    assert_eq!(lines(&wrong), [("ann", 7), ("ben", 5), ("log", 2)]);
}

#[test]
fn what_was_sent_when_a_device_was_up_to_date_comes_to_it() {
    let phone = || there("ben", "phone", [shown(60, 2), shown(61, 3)]);
    let tablet = |records: Vec<Record>| {
        let synced = [Record::Synced { at: 30 }];
        let begins = connects(14).into_iter().chain(synced);
        journal("ben", "tablet", begins.chain(records))
    };
    let ann = |sent| {
        there(
            "ann",
            "phone",
            [
                sends(sent, 2),
                acked(40, 2),
                shown(41, 2),
                sends(45, 3),
                acked(46, 3),
                shown(47, 3),
            ],
        )
    };
    let run = |sent, seen| judged(&[ann(sent), phone(), tablet(seen)], log(&["ann", "ann"]));
    // The other device has it: this one may begin behind what was sent before it was up to date.
    run(30, vec![shown(62, 3)]).unwrap();
    let wrong = run(31, vec![shown(62, 3)]).unwrap_err();
    assert_eq!(wrong.fault, Fault::LateBeginning, "{wrong}");
    assert_eq!(lines(&wrong), [("ben", 4), ("ann", 6), ("ben", 5)]);
    // Nor is it deaf to the last that was sent.
    let quiet = |sent| {
        let ann = there("ann", "phone", [sends(sent, 2), acked(40, 2), shown(41, 2)]);
        let phone = there("ben", "phone", [shown(60, 2)]);
        judged(&[ann, phone, tablet(vec![])], log(&["ann"]))
    };
    quiet(30).unwrap();
    let wrong = quiet(31).unwrap_err();
    assert_eq!(wrong.fault, Fault::NotShown, "{wrong}");
    assert_eq!(lines(&wrong), [("ben", 4), ("ann", 6), ("log", 2)]);
}

#[test]
fn what_a_device_claims_before_it_was_shown_anything_it_has_from_an_earlier_life() {
    let claims = |at, seq| {
        let resume = BTreeMap::from([("c".to_owned(), seq)]);
        [Record::Connected { at, resume }, Record::Synced { at: at + 1 }]
    };
    let run = |records: Vec<Record>| judged(&[ann(20), journal("ben", "phone", records)], log(&["ann"]));
    let begun = |seq| claims(30, seq).to_vec();
    run(begun(2)).unwrap();
    run([begun(1), vec![shown(40, 2)]].concat()).unwrap();
    // Once something was shown, a claim shows nothing more to be had.
    let wrong = run([begun(1), claims(40, 2).to_vec()].concat()).unwrap_err();
    assert_eq!(wrong.fault, Fault::ClaimUnseen, "{wrong}");
}

#[test]
fn a_message_is_shown_with_its_id_and_what_else_a_command_made_with_that_or_none() {
    let command = Uuid::from_u128(77);
    let run = |first: Option<Uuid>, second: Option<Uuid>| {
        let mut log = log(&["ann"]);
        log[0].id = Some(command);
        let asks = Record::Send {
            at: 5,
            id: command,
            conversation: "c".to_owned(),
            digest: 0,
        };
        let mut seen = [shown(32, 1), shown(33, 2)];
        for (record, shown) in seen.iter_mut().zip([first, second]) {
            if let Record::Delivered { id, .. } = record {
                *id = shown;
            }
        }
        let tablet = [asks].into_iter().chain(connects(30)).chain(seen);
        judged(&[ann(20), journal("ann", "tablet", tablet)], log)
    };
    run(Some(command), Some(id(2))).unwrap();
    run(None, Some(id(2))).unwrap();
    for (first, second) in [(Some(id(2)), Some(id(2))), (None, None), (None, Some(command))] {
        let wrong = run(first, second).unwrap_err();
        assert_eq!(wrong.fault, Fault::ShownOther, "{wrong}");
    }
}

#[test]
fn who_claims_nothing_of_a_conversation_is_shown_it_from_its_beginning() {
    let claims = |conversation: &str, seq, first| {
        let resume = BTreeMap::from([(conversation.to_owned(), seq)]);
        let seen = (first..=2).map(|seq| shown(30 + seq, seq));
        let records = [Record::Connected { at: 30, resume }].into_iter().chain(seen);
        judged(&[ann(20), journal("ann", "tablet", records)], log(&["ann"]))
    };
    claims("c", 0, 1).unwrap();
    assert_eq!(claims("c", 0, 2).unwrap_err().fault, Fault::Hole);
    // Nothing may be claimed of what does not exist, and no more.
    claims("nowhere", 0, 1).unwrap();
    assert_eq!(
        claims("nowhere", 1, 1).unwrap_err().fault,
        Fault::UnknownConversation
    );
}

#[test]
fn who_was_refused_once_tries_again() {
    let refused = |at| Record::Refused {
        at,
        id: id(2),
        code: "rate_limited".to_owned(),
    };
    let run = |again: Vec<Record>| {
        let first = [sends(20, 2), refused(21)];
        let rest = again.into_iter().chain([shown(26, 2)]);
        judged(
            &[there("ann", "phone", first.into_iter().chain(rest))],
            log(&["ann"]),
        )
    };
    run(vec![sends(22, 2), acked(25, 2)]).unwrap();
    for each in [vec![], vec![sends(22, 2), refused(23)]] {
        assert_eq!(run(each).unwrap_err().fault, Fault::RefusedYetLogged);
    }
}

#[test]
fn a_repeat_is_no_conflict_with_itself() {
    let conflict = Record::Refused {
        at: 25,
        id: id(2),
        code: "conflict".to_owned(),
    };
    let run = |others: Vec<Record>| {
        let tries = [
            sends(20, 2),
            sends(22, 2),
            acked(23, 2),
            conflict.clone(),
            shown(26, 2),
        ];
        judged(
            &[there("ann", "phone", others.into_iter().chain(tries))],
            log(&["ann"]),
        )
    };
    assert_eq!(run(vec![]).unwrap_err().fault, Fault::FalseConflict);
    let other = Record::Send {
        at: 19,
        id: id(2),
        conversation: "c".to_owned(),
        digest: 999,
    };
    run(vec![other]).unwrap();
}

#[test]
fn what_two_devices_of_a_person_send_under_one_id_is_one_message_and_both_are_answered() {
    let tablet = [sends(22, 2), acked(26, 2), shown(27, 2)];
    let summary = judged(&[ann(20), there("ann", "tablet", tablet)], log(&["ann"])).unwrap();
    assert_eq!((summary.sent, summary.acked, summary.absent), (1, 1, 0));
}

#[test]
fn a_gap_is_of_what_there_is() {
    let told = |from, to| {
        let come = [gap(12, from, to), Record::Synced { at: 40 }];
        let ben = journal("ben", "phone", connects(30).into_iter().chain(come));
        judged(&[ann(20), ben], log(&["ann"]))
    };
    told(1, 2).unwrap();
    for (from, to) in [(0, 2), (2, 1), (1, 3)] {
        assert_eq!(
            told(from, to).unwrap_err().fault,
            Fault::ShownOther,
            "{from} to {to}"
        );
    }
    let one = [gap(32, 1, 1), shown(33, 2), Record::Synced { at: 40 }];
    let ben = journal("ben", "phone", connects(30).into_iter().chain(one));
    judged(&[ann(20), ben], log(&["ann"])).unwrap();
}

#[test]
fn a_gap_is_needed_where_the_limits_are_used_up() {
    let run = |catch_up, catch_up_total| {
        let limits = Record::Limits {
            at: 31,
            catch_up,
            catch_up_total,
        };
        let come = [limits, gap(32, 1, 1), shown(33, 2), Record::Synced { at: 40 }];
        let ben = journal("ben", "phone", connects(30).into_iter().chain(come));
        judged(&[ann(20), ben], log(&["ann"]))
    };
    run(1, 100).unwrap();
    run(2, 1).unwrap();
    let wrong = run(2, 2).unwrap_err();
    assert_eq!(wrong.fault, Fault::NeedlessGap, "{wrong}");
    assert_eq!(lines(&wrong), [("ben", 4), ("ben", 5), ("ben", 7)]);
}

/// Of an event that is no message.
fn change(at: Micros, seq: u64) -> Record {
    let mut record = shown(at, seq);
    if let Record::Delivered { id, digest, .. } = &mut record {
        (*id, *digest) = (None, 0);
    }
    record
}

#[test]
fn who_is_out_is_shown_nothing_before_they_come_in_again() {
    let log = || {
        let mut log = log(&[]);
        for seq in [2, 6] {
            log.push(moved(seq, Kind::Left, &["ben"]));
            log.extend([said(seq + 1, "ann"), said(seq + 2, "ann")]);
            log.push(moved(seq + 3, Kind::Joined, &["ben"]));
        }
        log
    };
    // Each time, Ben is shown the first of two messages at 50 or 150, and the second is sent then.
    let run = |sent: [Micros; 2]| {
        let (mut own, mut of_ben) = (vec![], vec![]);
        for (seq, (begin, sent)) in [2, 6].into_iter().zip([20, 120].into_iter().zip(sent)) {
            own.extend([
                change(begin, seq),
                sends(begin + 10, seq + 1),
                acked(begin + 11, seq + 1),
                shown(begin + 12, seq + 1),
                sends(sent, seq + 2),
                acked(begin + 40, seq + 2),
                shown(begin + 41, seq + 2),
                change(begin + 42, seq + 3),
            ]);
            of_ben.extend([
                change(begin + 1, seq),
                shown(begin + 30, seq + 1),
                shown(begin + 43, seq + 2),
                change(begin + 44, seq + 3),
            ]);
        }
        judged(
            &[there("ann", "phone", own), there("ben", "phone", of_ben)],
            log(),
        )
    };
    run([50, 150]).unwrap();
    for (sent, shows) in [
        ([51, 150], [("ben", 7), ("ann", 10), ("log", 5)]),
        ([50, 151], [("ben", 11), ("ann", 18), ("log", 9)]),
    ] {
        let wrong = run(sent).unwrap_err();
        assert_eq!(wrong.fault, Fault::ShownToStranger, "{wrong}");
        assert_eq!(lines(&wrong), shows);
    }
}

#[test]
fn a_receipt_says_the_same_again_and_no_more_than_there_is() {
    let told = |seqs: [u64; 2]| {
        let receipts = seqs.map(|seq| Record::Receipt {
            at: 40,
            conversation: "c".to_owned(),
            user: "ann".to_owned(),
            seq,
        });
        let seen = [shown(27, 2)].into_iter().chain(receipts);
        vec![ann(20), there("ben", "phone", seen)]
    };
    for right in [[2, 2], [1, 2]] {
        judged(&told(right), log(&["ann"])).unwrap();
    }
    for wrong in [[2, 1], [2, 3], [3, 3]] {
        assert_eq!(fault(&told(wrong), log(&["ann"])), Fault::ReceiptBack);
    }
}
