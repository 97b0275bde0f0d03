use tidings_journal::{Export, Fault, check};

use super::*;

/// When the log went back.
const AT: Micros = 100;

fn message(conversation: &str, seq: u64, id: u128) -> Logged {
    Logged {
        conversation: conversation.to_owned(),
        seq,
        kind: Kind::Message,
        actor: "ann".to_owned(),
        id: Some(Uuid::from_u128(id)),
        digest: id as u64,
        whole: Some(id as u64),
        of: None,
        withheld: false,
        stored: None,
        users: vec![],
    }
}

/// `torn` loses its seqs 3 and 4, and gets another 3; `gone` loses all; `same` loses nothing, and gets a seq 2.
fn restored() -> (Vec<Logged>, Restored) {
    let kept = vec![
        message("same", 1, 11),
        message("torn", 1, 1),
        message("torn", 2, 2),
    ];
    let lost = [
        kept.clone(),
        vec![
            message("torn", 3, 3),
            message("torn", 4, 4),
            message("gone", 1, 21),
        ],
    ];
    let log = [kept.clone(), vec![message("same", 2, 12), message("torn", 3, 5)]];
    let restored = Restored {
        at: AT,
        lost: lost.concat(),
        kept,
    };
    (log.concat(), restored)
}

/// The eras of one journal: before, its part that lasts, and after.
fn parted(records: Vec<Record>) -> [Vec<Record>; 3] {
    let (log, restored) = restored();
    let journal = Journal {
        user: "ann".to_owned(),
        device: "phone".to_owned(),
        records,
    };
    let eras = Eras::of(&[journal], &log, vec![], &restored);
    let of = |era: &[Journal], device: &str| {
        let mut found = era.iter().filter(|journal| journal.device == device);
        found
            .next()
            .expect("each era has a journal of the device")
            .records
            .clone()
    };
    [
        of(&eras.before, "phone"),
        of(&eras.after, "phone, before"),
        of(&eras.after, "phone"),
    ]
}

fn connected(at: Micros, claims: &[(&str, u64)]) -> Record {
    let claims = claims
        .iter()
        .map(|(conversation, seq)| ((*conversation).to_owned(), *seq));
    Record::Connected {
        at,
        resume: claims.collect(),
    }
}

fn shown(at: Micros, logged: &Logged) -> Record {
    Record::Delivered {
        at,
        conversation: logged.conversation.clone(),
        seq: Some(logged.seq),
        id: logged.id,
        digest: logged.digest,
        whole: logged.whole,
        withheld: false,
        via: Via::Live,
    }
}

fn sent(at: Micros, conversation: &str, id: u128) -> Record {
    Record::Send {
        at,
        id: Uuid::from_u128(id),
        conversation: conversation.to_owned(),
        digest: id as u64,
    }
}

fn acked(at: Micros, id: u128) -> Record {
    Record::Ack {
        at,
        id: Uuid::from_u128(id),
        seq: None,
        stored: None,
    }
}

/// Who was shown what of `torn` and the others.
fn seqs(records: &[Record]) -> Vec<(&str, u64)> {
    let shown = records.iter().filter_map(|record| match record {
        Record::Delivered {
            conversation, seq, ..
        } => Some((conversation.as_str(), (*seq)?)),
        _ => None,
    });
    shown.collect()
}

#[test]
fn a_connection_that_stood_when_the_log_went_back_belongs_to_the_time_before_until_it_ends() {
    let [before, lasting, after] = parted(vec![
        connected(10, &[]),
        shown(20, &message("torn", 2, 2)),
        shown(30, &message("torn", 3, 3)),
        shown(120, &message("torn", 4, 4)),
        Record::Disconnected { at: 130 },
        connected(140, &[("torn", 2)]),
        shown(150, &message("torn", 3, 5)),
        Record::End { at: 160 },
    ]);
    assert_eq!(seqs(&before), [("torn", 2), ("torn", 3), ("torn", 4)]);
    assert_eq!(seqs(&lasting), [("torn", 2)]);
    assert_eq!(after.first(), Some(&connected(140, &[("torn", 2)])));
    assert_eq!(seqs(&after), [("torn", 3)]);
}

#[test]
fn what_a_connection_that_stood_catches_up_with_may_be_of_either_log() {
    let caught_up = |mut record: Record| {
        if let Record::Delivered { via, .. } = &mut record {
            *via = Via::CatchUp;
        }
        record
    };
    let instead = message("torn", 3, 5);
    let records = |third: Record| {
        vec![
            connected(10, &[("torn", 2)]),
            third,
            Record::Disconnected { at: 130 },
            connected(140, &[("torn", 3)]),
            Record::End { at: 160 },
        ]
    };
    let [before, _, after] = parted(records(caught_up(shown(120, &instead))));
    assert_eq!((seqs(&before), seqs(&after)), (vec![], vec![("torn", 3)]));
    // Nothing else excuses it, nor what was shown before there was such a log.
    for wrong in [shown(120, &instead), caught_up(shown(90, &instead))] {
        let [before, _, after] = parted(records(wrong));
        assert_eq!((seqs(&before), seqs(&after)), (vec![("torn", 3)], vec![]));
    }
}

#[test]
fn an_answer_that_is_written_down_while_the_next_connection_is_made_belongs_to_the_last() {
    let [before, _, after] = parted(vec![
        connected(10, &[]),
        sent(20, "torn", 3),
        Record::Disconnected { at: 110 },
        Record::Connecting { at: 120 },
        acked(121, 3),
        connected(140, &[]),
        Record::End { at: 160 },
    ]);
    assert!(before.contains(&acked(121, 3)) && !after.contains(&acked(121, 3)));
}

#[test]
fn a_connection_that_set_out_before_is_known_by_what_it_was_shown() {
    let on_the_way = |event: &Logged| {
        parted(vec![
            Record::Connecting { at: AT - 1 },
            connected(AT + 1, &[]),
            shown(AT + 2, event),
            Record::End { at: AT + 3 },
        ])
    };
    let [before, _, after] = on_the_way(&message("torn", 4, 4));
    assert_eq!((seqs(&before).len(), seqs(&after).len()), (1, 0));
    let [before, _, after] = on_the_way(&message("torn", 3, 5));
    assert_eq!((seqs(&before).len(), seqs(&after).len()), (0, 1));
}

#[test]
fn an_ack_for_what_the_back_up_lacks_is_excused_and_no_other_is() {
    let [before, lasting, _] = parted(vec![
        connected(10, &[]),
        sent(11, "torn", 2),
        acked(12, 2),
        sent(13, "torn", 3),
        acked(14, 3),
        Record::End { at: 160 },
    ]);
    assert!(before.contains(&acked(12, 2)) && before.contains(&acked(14, 3)));
    assert!(lasting.contains(&acked(12, 2)) && !lasting.contains(&acked(14, 3)));
    // It may be sent again and be in the log in the end.
    assert!(lasting.contains(&sent(13, "torn", 3)));
}

#[test]
fn an_answer_of_the_time_after_comes_with_what_was_asked_before() {
    let [_, _, after] = parted(vec![
        connected(10, &[]),
        sent(20, "torn", 5),
        Record::Disconnected { at: 30 },
        connected(110, &[]),
        acked(120, 5),
        Record::End { at: 160 },
    ]);
    let asked = after.iter().position(|record| *record == sent(20, "torn", 5));
    let answered = after.iter().position(|record| *record == acked(120, 5));
    assert!(asked.is_some() && asked < answered, "{after:?}");
}

#[test]
fn of_a_conversation_of_which_nothing_is_left_nothing_is_asked_in_the_time_after() {
    let [before, lasting, after] = parted(vec![
        connected(10, &[]),
        sent(11, "gone", 21),
        acked(12, 21),
        shown(13, &message("gone", 1, 21)),
        Record::Disconnected { at: 20 },
        connected(110, &[("gone", 1), ("same", 1)]),
        Record::End { at: 160 },
    ]);
    assert_eq!(seqs(&before), [("gone", 1)]);
    assert!(seqs(&lasting).is_empty() && !lasting.contains(&sent(11, "gone", 21)));
    assert_eq!(after.first(), Some(&connected(110, &[("same", 1)])));
}

#[test]
fn what_lost_nothing_goes_on_in_both_logs_and_each_journal_ends_once() {
    let (log, restored) = restored();
    let journal = Journal {
        user: "ann".to_owned(),
        device: "phone".to_owned(),
        records: vec![connected(10, &[]), Record::End { at: 160 }],
    };
    let eras = Eras::of(&[journal], &log, vec![], &restored);
    let places: Vec<_> = eras
        .log_before
        .iter()
        .map(|logged| (logged.conversation.as_str(), logged.seq))
        .collect();
    let torn = (1..=4).map(|seq| ("torn", seq));
    let all = [("gone", 1), ("same", 1), ("same", 2)].into_iter().chain(torn);
    assert_eq!(places, all.collect::<Vec<_>>());
    for journal in eras.before.iter().chain(&eras.after) {
        let ends = journal
            .records
            .iter()
            .filter(|record| matches!(record, Record::End { .. }));
        assert_eq!(ends.count(), 1, "{}", journal.device);
        assert!(matches!(journal.records.last(), Some(Record::End { .. })));
    }
}

#[test]
fn what_a_lost_return_showed_does_not_count_once_the_return_is_lost() {
    let left = Logged {
        kind: Kind::Left,
        users: vec!["ann".to_owned()],
        ..message("torn", 2, 2)
    };
    let back = Logged {
        kind: Kind::Joined,
        users: vec!["ann".to_owned()],
        ..message("torn", 4, 4)
    };
    let kept = vec![message("torn", 1, 1), left, message("torn", 3, 3)];
    let restored = Restored {
        at: AT,
        lost: [kept.clone(), vec![back]].concat(),
        kept: kept.clone(),
    };
    let records = [
        &restored.lost[0],
        &restored.lost[1],
        &restored.lost[2],
        &restored.lost[3],
    ];
    let records = records.map(|logged| shown(50, logged));
    let journal = Journal {
        user: "ann".to_owned(),
        device: "phone".to_owned(),
        records: [vec![connected(10, &[])], records.to_vec()].concat(),
    };
    let eras = Eras::of(&[journal], &kept, vec![], &restored);
    let before = eras
        .after
        .iter()
        .find(|journal| journal.device == "phone, before")
        .unwrap();
    assert_eq!(seqs(&before.records), [("torn", 1), ("torn", 2)]);
    assert_eq!(
        seqs(&eras.before[1].records).len(),
        4,
        "judged by the log that was lost"
    );
}

/// Ann says something as seq 1 and takes it back as seq 2; `then` follows. What is kept of the log ends with seq `kept`.
fn recalled(kept: u64, then: &[Logged]) -> Restored {
    let recall = Logged {
        kind: Kind::Recalled,
        of: Some(Uuid::from_u128(1)),
        ..message("torn", 2, 2)
    };
    let lost = [vec![message("torn", 1, 1), recall], then.to_vec()].concat();
    let kept = lost.iter().filter(|logged| logged.seq <= kept);
    Restored {
        at: AT,
        kept: kept.cloned().collect(),
        lost,
    }
}

fn withheld(at: Micros, logged: &Logged) -> Record {
    let mut record = shown(at, logged);
    if let Record::Delivered {
        digest,
        whole,
        withheld,
        ..
    } = &mut record
    {
        (*digest, *whole, *withheld) = (0, None, true);
    }
    record
}

/// Ann's phone says it at 10 and takes it back at 20; Ann's tablet, or what somebody else has, does and sees what is given.
fn judged(restored: &Restored, log: &[Logged], records: Vec<Record>) -> [Vec<Fault>; 2] {
    let mut said = vec![connected(5, &[])];
    for logged in &restored.lost {
        let at = logged.seq * 10;
        let id = logged.digest.into();
        said.extend([sent(at, "torn", id), acked(at + 2, id), shown(at + 3, logged)]);
    }
    said.push(Record::Disconnected { at: 99 });
    for logged in log.iter().filter(|logged| !restored.lost.contains(logged)) {
        let at = AT + logged.seq * 10;
        said.extend([connected(at, &[]), sent(at, "torn", logged.digest.into())]);
        said.extend([
            acked(at + 2, logged.digest.into()),
            Record::Disconnected { at: at + 4 },
        ]);
    }
    let journal = |device: &str, records: Vec<Record>| Journal {
        user: "ann".to_owned(),
        device: device.to_owned(),
        records: [records, vec![Record::End { at: 900 }]].concat(),
    };
    let journals = [journal("phone", said), journal("tablet", records)];
    let eras = Eras::of(&journals, log, vec![], restored);
    let found = |journals: &[Journal], log: &[Logged]| {
        let export = log.iter().cloned().collect::<Export>();
        let found = check(journals, &export).map_err(|found| found.counts);
        found
            .err()
            .into_iter()
            .flatten()
            .map(|(fault, _)| fault)
            .collect()
    };
    [found(&eras.before, &eras.log_before), found(&eras.after, log)]
}

/// A device that sets out at this time, and is shown these.
fn comes(at: Micros, shown: Vec<Record>) -> Vec<Record> {
    let left = shown.last().map_or(at, Record::at) + 1;
    let came = vec![Record::Connecting { at }, connected(at + 1, &[])];
    [came, shown, vec![Record::Disconnected { at: left }]].concat()
}

#[test]
fn what_a_lost_recall_took_back_was_withheld_and_stands_again() {
    let restored = recalled(1, &[]);
    let [said, recall] = [&restored.lost[0], &restored.lost[1]];
    let before = comes(50, vec![withheld(52, said), shown(53, recall)]);
    let after = comes(AT + 20, vec![shown(AT + 22, said)]);
    let records = [before, after].concat();
    let none: [Vec<Fault>; 2] = Default::default();
    assert_eq!(judged(&restored, &restored.kept, records), none);
}

#[test]
fn what_the_lost_log_took_back_was_shown_to_nobody_who_came_before_it_was_lost() {
    let restored = recalled(1, &[]);
    let [said, recall] = [&restored.lost[0], &restored.lost[1]];
    let before = comes(50, vec![shown(52, said), shown(53, recall)]);
    let found = judged(&restored, &restored.kept, before);
    assert_eq!(found, [vec![Fault::ShownRecalled], vec![]]);
}

#[test]
fn what_stands_again_is_withheld_from_nobody() {
    let restored = recalled(1, &[]);
    let after = comes(AT + 20, vec![withheld(AT + 22, &restored.lost[0])]);
    let found = judged(&restored, &restored.kept, after);
    assert_eq!(found, [vec![], vec![Fault::ShownOther]]);
}

#[test]
fn a_recall_that_the_back_up_has_holds_on_both_sides() {
    let restored = recalled(2, &[message("torn", 3, 3)]);
    let said = &restored.lost[0];
    let before = comes(50, vec![shown(52, said)]);
    let found = judged(&restored, &restored.kept, before);
    assert_eq!(found, [vec![Fault::ShownRecalled], vec![Fault::ShownRecalled]]);
    let after = comes(AT + 20, vec![shown(AT + 22, said)]);
    let found = judged(&restored, &restored.kept, after);
    assert_eq!(found, [vec![], vec![Fault::ShownRecalled]]);
    let rightly = comes(AT + 20, vec![withheld(AT + 22, said)]);
    let none: [Vec<Fault>; 2] = Default::default();
    assert_eq!(judged(&restored, &restored.kept, rightly), none);
}

#[test]
fn a_connection_that_stood_is_shown_by_either_log_what_the_lost_one_took_back() {
    let restored = recalled(1, &[]);
    let [said, recall] = [&restored.lost[0], &restored.lost[1]];
    let fetched = |mut record: Record| {
        if let Record::Delivered { via, .. } = &mut record {
            *via = Via::Fetch;
        }
        record
    };
    let none: [Vec<Fault>; 2] = Default::default();
    for again in [shown(AT + 5, said), withheld(AT + 5, said)] {
        let stood = comes(50, vec![withheld(52, said), shown(53, recall), fetched(again)]);
        assert_eq!(judged(&restored, &restored.kept, stood), none);
    }
    // What was asked for before is answered by the one.
    let stood = comes(
        50,
        vec![withheld(52, said), shown(53, recall), fetched(shown(60, said))],
    );
    let found = judged(&restored, &restored.kept, stood);
    assert_eq!(found, [vec![Fault::ShownRecalled], vec![]]);
}

#[test]
fn what_was_withheld_for_a_while_before_the_back_up_was_withheld_then_on_both_sides() {
    let moderated = |kind, seq: u64| Logged {
        kind,
        of: Some(Uuid::from_u128(1)),
        ..message("torn", seq, seq.into())
    };
    let kept = vec![
        message("torn", 1, 1),
        moderated(Kind::Withheld, 2),
        moderated(Kind::Shown, 3),
    ];
    let restored = Restored {
        at: AT,
        lost: [kept.clone(), vec![message("torn", 4, 4)]].concat(),
        kept,
    };
    let [said, gone] = [&restored.lost[0], &restored.lost[1]];
    let meanwhile = |said: Record| comes(24, vec![said, shown(26, gone)]);
    let none: [Vec<Fault>; 2] = Default::default();
    let rightly = meanwhile(withheld(25, said));
    assert_eq!(judged(&restored, &restored.kept, rightly), none);
    let found = judged(&restored, &restored.kept, meanwhile(shown(25, said)));
    assert_eq!(found, [vec![Fault::ShownRecalled], vec![Fault::ShownRecalled]]);
}

#[test]
fn a_recall_that_is_repeated_and_stands_in_the_end_is_judged_by_each_log() {
    let restored = recalled(1, &[]);
    let said = &restored.lost[0];
    let again = Logged {
        kind: Kind::Recalled,
        of: Some(Uuid::from_u128(1)),
        ..message("torn", 2, 7)
    };
    let log = [restored.kept.clone(), vec![again]].concat();
    let before = comes(50, vec![withheld(52, said)]);
    let early = comes(AT + 10, vec![shown(AT + 12, said)]);
    let late = comes(AT + 40, vec![withheld(AT + 42, said)]);
    let none: [Vec<Fault>; 2] = Default::default();
    assert_eq!(judged(&restored, &log, [before, early, late].concat()), none);
    let found = judged(&restored, &log, comes(AT + 40, vec![shown(AT + 42, said)]));
    assert_eq!(found, [vec![], vec![Fault::ShownRecalled]]);
}

#[test]
fn a_connection_that_set_out_before_is_known_by_what_was_withheld_from_it() {
    let restored = recalled(1, &[]);
    let [said, recall] = [&restored.lost[0], &restored.lost[1]];
    let records = vec![
        Record::Connecting { at: AT - 1 },
        connected(AT + 1, &[]),
        withheld(AT + 2, said),
        shown(AT + 3, recall),
        Record::Disconnected { at: AT + 4 },
    ];
    let none: [Vec<Fault>; 2] = Default::default();
    assert_eq!(judged(&restored, &restored.kept, records.clone()), none);
    // Even where nothing else tells.
    let records = [&records[..3], &records[4..]].concat();
    assert_eq!(judged(&restored, &restored.kept, records), none);
}
