//! Events about earlier events of their stream.

use crate::support::{TestLog, appended, batch, message, proposal, stream};
use bytes::Bytes;
use tidings_eventlog::{
    MARKS_FEW, MARKS_MAX, NewEvent, Proposal, Question, Recorded, Slice, Standing, Subjects,
};
use uuid::Uuid;

pub(crate) const SUBJECTS: Subjects = Subjects {
    subjects: &[16, 21],
    revision: 17,
    withdrawal: 18,
    withholding: 102,
    mark: 19,
};

fn about(kind: i16, payload: &str) -> NewEvent {
    NewEvent {
        kind,
        countable: false,
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        ..message()
    }
}

pub(crate) fn revision(seq: u64, text: &str) -> NewEvent {
    about(17, &format!(r#"{{"message_seq":{seq},"text":"{text}"}}"#))
}

pub(crate) fn withdrawal(seq: u64) -> NewEvent {
    about(18, &format!(r#"{{"message_seq":{seq}}}"#))
}

pub(crate) fn mark(seq: u64, emoji: &str, on: bool) -> NewEvent {
    about(
        19,
        &format!(r#"{{"message_seq":{seq},"emoji":"{emoji}","on":{on}}}"#),
    )
}

pub(crate) fn withholding(seq: u64, withheld: bool) -> NewEvent {
    about(
        102,
        &format!(r#"{{"message_seq":{seq},"withheld":{withheld},"reason":"\"withheld\":true"}}"#),
    )
}

fn by(actor: u128, proposal: Proposal) -> Proposal {
    Proposal {
        actor: Uuid::from_u128(actor),
        ..proposal
    }
}

fn withdrawn(events: &[Recorded]) -> Vec<u64> {
    standing(events, Standing::Withdrawn)
}

fn standing(events: &[Recorded], standing: Standing) -> Vec<u64> {
    let found = events.iter().filter(|event| event.standing == standing);
    found.map(|event| event.seq).collect()
}

#[tokio::test]
async fn what_was_withdrawn_is_told_with_every_range_that_is_read_for_others() {
    let test = TestLog::new().await;
    let (a, b) = (stream(1, 1), stream(1, 2));
    let events = vec![
        message(),                  // 1, stays
        message(),                  // 2, is withdrawn
        revision(2, "once"),        // 3, before it
        revision(1, "once"),        // 4
        withdrawal(2),              // 5
        revision(2, "late"),        // 6, behind it
        mark(2, "\u{1f44d}", true), // 7
        NewEvent {
            kind: 21,
            ..message()
        }, // 8, of another kind of subject, is withdrawn in another batch
    ];
    let appender = test.appender();
    let done = appended(
        appender
            .append(&batch(1, &[proposal(a, 0, events)]))
            .await
            .unwrap(),
    );
    assert_eq!(withdrawn(&done.events), [0; 0], "what is committed is not read");
    // The same seqs of another stream stay.
    let other = [
        proposal(b, 0, vec![message(); 8]),
        proposal(a, 0, vec![withdrawal(8)]),
    ];
    appended(appender.append(&batch(1, &other)).await.unwrap());

    let log = test.log.clone().knowing(SUBJECTS);
    let gone = [2, 3, 6, 8];
    assert_eq!(withdrawn(&log.lane(1, 0, u64::MAX, 100).await.unwrap()), gone);
    assert_eq!(
        withdrawn(&log.lane_in(1, 1, 0, u64::MAX, 100).await.unwrap()),
        gone
    );
    assert_eq!(
        withdrawn(&log.lane_within(1, 0, u64::MAX, 100, 1 << 20).await.unwrap()),
        gone
    );
    assert_eq!(withdrawn(&log.stream(a, 1, u64::MAX, 100).await.unwrap()), gone);
    assert_eq!(withdrawn(&log.stream(b, 1, u64::MAX, 100).await.unwrap()), [0; 0]);
    let slice = |ranges: &[(Uuid, u64, u64)]| Slice {
        ranges: ranges.to_vec(),
        bytes: 1 << 20,
    };
    let slices = [
        slice(&[(b, 1, 8)]),
        slice(&[(a, 1, 2), (a, 6, 8)]),
        slice(&[(a, 3, 4)]),
    ];
    let found = log.slices(&slices).await.unwrap();
    let found: Vec<Vec<u64>> = found.iter().map(|events| withdrawn(events)).collect();
    assert_eq!(found, [vec![], vec![2, 6, 8], vec![3]]);

    // Whoever folds the log is spared the look-ups.
    assert_eq!(
        withdrawn(&test.log.lane(1, 0, u64::MAX, 100).await.unwrap()),
        [0; 0]
    );
}

#[tokio::test]
async fn what_is_withheld_is_told_until_that_ends_and_a_withdrawal_wins() {
    let test = TestLog::new().await;
    let a = stream(1, 1);
    let first = proposal(a, 0, vec![message()]); // 1
    let third = proposal(a, 0, vec![message()]); // 3
    let all = [
        first.clone(),
        proposal(a, 0, vec![message()]), // 2
        third.clone(),
        proposal(
            a,
            0,
            vec![
                revision(1, "once"),   // 4
                withholding(1, true),  // 5
                withholding(2, true),  // 6
                withholding(2, false), // 7
                withholding(3, true),  // 8
                withdrawal(3),         // 9
                withholding(1, false), // 10
                withholding(1, true),  // 11
            ],
        ),
    ];
    appended(test.appender().append(&batch(1, &all)).await.unwrap());
    let log = test.log.clone().knowing(SUBJECTS);
    let slice = Slice {
        ranges: vec![(a, 1, 4)],
        bytes: 1 << 20,
    };
    let reads = [
        log.lane(1, 0, u64::MAX, 100).await.unwrap(),
        log.lane_within(1, 0, u64::MAX, 100, 1 << 20).await.unwrap(),
        log.stream(a, 1, u64::MAX, 100).await.unwrap(),
        log.slices(&[slice]).await.unwrap().remove(0),
    ];
    for events in reads {
        assert_eq!(standing(&events, Standing::Withheld), [1, 4]);
        assert_eq!(withdrawn(&events), [3]);
    }
    let question = |command| Question {
        stream: a,
        command,
        mark: None,
    };
    let questions = [question(first.command), question(third.command)];
    let found = log.subjects(1, &questions).await.unwrap();
    let told = |index: usize| {
        let found = found[index].as_ref().unwrap();
        (found.withheld, found.withdrawn)
    };
    assert_eq!((told(0), told(1)), ((true, false), (true, true)));

    // Shown again, as if nothing had been.
    let again = proposal(a, 0, vec![withholding(1, false)]);
    appended(test.appender().append(&batch(1, &[again])).await.unwrap());
    let events = log.stream(a, 1, u64::MAX, 100).await.unwrap();
    assert_eq!(standing(&events, Standing::Withheld), [0; 0]);
    let found = log.subjects(1, &questions).await.unwrap();
    assert!(!found[0].as_ref().unwrap().withheld);
    let trace = log.trace(a, first.command, 20).await.unwrap().unwrap();
    let about: Vec<u64> = trace.about.iter().map(|one| one.seq).collect();
    assert_eq!(about, [4, 5, 10, 11, 12]);
}

#[tokio::test]
async fn a_subject_is_found_with_what_became_of_it() {
    let test = TestLog::new().await;
    let (a, b) = (stream(1, 1), stream(1, 2));
    let (ann, ben, cat) = (11, 12, 13);
    let first = by(ann, proposal(a, 0, vec![message()]));
    let other_kind = NewEvent {
        kind: 21,
        ..message()
    };
    let second = by(ben, proposal(a, 0, vec![other_kind]));
    let elsewhere = by(ben, proposal(b, 0, vec![message()]));
    let log = test.log.clone().knowing(SUBJECTS);
    let put = async |who: u128, events: Vec<NewEvent>| {
        let proposal = by(who, proposal(a, 0, events));
        appended(test.appender().append(&batch(1, &[proposal])).await.unwrap());
    };
    let all = [first.clone(), second.clone(), elsewhere];
    let done = appended(test.appender().append(&batch(1, &all)).await.unwrap());
    put(ann, vec![revision(1, "b"), revision(1, "c"), withdrawal(2)]).await;
    put(
        ann,
        vec![mark(1, "x", true), mark(1, "y", true), mark(1, "y", false)],
    )
    .await;
    put(ben, vec![mark(1, "x", true), mark(1, "z", true)]).await;
    put(
        cat,
        vec![mark(1, "w", true), mark(1, "w", false), mark(1, "w", true)],
    )
    .await;
    // Spoilt ones are about nothing.
    put(
        cat,
        vec![
            about(17, "{"),
            about(18, r#"{"text":"\"message_seq\":1"}"#),
            about(19, "\u{0}"),
        ],
    )
    .await;

    let question = |stream, command, mark: Option<(u128, &str)>| Question {
        stream,
        command,
        mark: mark.map(|(who, mark)| (Uuid::from_u128(who), Bytes::copy_from_slice(mark.as_bytes()))),
    };
    let questions = [
        question(a, first.command, None),
        question(b, first.command, None),
        question(a, second.command, None),
        question(a, first.command, Some((ben, "x"))),
        question(a, first.command, Some((ann, "unused"))),
        question(a, Uuid::new_v4(), Some((ann, "x"))),
    ];
    let found = log.subjects(1, &questions).await.unwrap();
    let one = found[0].as_ref().unwrap();
    let event = &done.events[0];
    assert_eq!(
        (one.stream, one.seq, one.msg_no, one.actor, one.at),
        (a, 1, 1, Uuid::from_u128(ann), event.at)
    );
    assert_eq!((one.kind, one.revisions, one.withdrawn), (16, 2, false));
    assert_eq!(
        one.current,
        (17, 1, Bytes::from_static(br#"{"message_seq":1,"text":"c"}"#))
    );
    assert_eq!(one.marks, []);
    assert_eq!(found[1], None);
    let two = found[2].as_ref().unwrap();
    assert_eq!(
        (two.seq, two.kind, two.revisions, two.withdrawn),
        (2, 21, 0, true)
    );
    assert_eq!(two.current, (21, 1, Bytes::from_static(b"{}")));
    let marks = |index: usize| {
        let found = found[index].as_ref().unwrap();
        assert!(!found.more_marks);
        let mut marks: Vec<(String, bool)> = found
            .marks
            .iter()
            .map(|(mark, mine)| (String::from_utf8(mark.to_vec()).unwrap(), *mine))
            .collect();
        marks.sort();
        marks
    };
    let named = |marks: &[(&str, bool)]| -> Vec<(String, bool)> {
        marks
            .iter()
            .map(|(mark, mine)| ((*mark).to_owned(), *mine))
            .collect()
    };
    assert_eq!(marks(3), named(&[("w", false), ("x", true), ("z", true)]));
    assert_eq!(marks(4), named(&[("w", false), ("x", true), ("z", false)]));
    assert_eq!(found[5], None);
    // A log that was not told which kinds are about others finds none.
    assert_eq!(test.log.subjects(1, &questions[..1]).await.unwrap(), [None]);
}

#[tokio::test]
async fn so_many_marks_are_looked_at_and_the_one_that_is_asked_for_always() {
    let test = TestLog::new().await;
    let a = stream(1, 1);
    let first = proposal(a, 0, vec![message()]);
    let name = |n: usize| format!(":{n:03}:");
    let marks = (0..=MARKS_MAX).map(|n| mark(1, &name(n), n % 2 == 0));
    let marks = proposal(a, 0, marks.collect());
    let proposals = [first.clone(), marks];
    appended(test.appender().append(&batch(1, &proposals)).await.unwrap());
    let log = test.log.clone().knowing(SUBJECTS);
    let question = |n| Question {
        stream: a,
        command: first.command,
        mark: Some((Uuid::from_u128(1), Bytes::from(name(n)))),
    };
    let found = log
        .subjects(1, &[question(0), question(MARKS_MAX)])
        .await
        .unwrap();
    let numbers: Vec<usize> = found
        .iter()
        .map(|found| {
            let found = found.as_ref().unwrap();
            assert!(found.more_marks);
            found.marks.len()
        })
        .collect();
    assert_eq!(numbers, [MARKS_MAX / 2, MARKS_MAX / 2 + 1]);
}

#[tokio::test]
async fn of_a_subject_with_many_marks_it_is_told_which_somebody_put_there_ever() {
    for count in [MARKS_FEW, MARKS_FEW + 1] {
        let test = TestLog::new().await;
        let a = stream(1, 1);
        let first = proposal(a, 0, vec![message()]);
        let put = |actor, from: usize, to: usize| {
            let each = (from..to).flat_map(|n| [true, false].map(|on| mark(1, &format!(":{n:03}:"), on)));
            by(actor, proposal(a, 0, each.collect()))
        };
        let proposals = [first.clone(), put(11, 0, 3), put(12, 2, count)];
        appended(test.appender().append(&batch(1, &proposals)).await.unwrap());
        let log = test.log.clone().knowing(SUBJECTS);
        let question = |actor| Question {
            stream: a,
            command: first.command,
            mark: Some((Uuid::from_u128(actor), Bytes::from("new"))),
        };
        let found = log
            .subjects(1, &[question(11), question(12), question(13)])
            .await
            .unwrap();
        let tried: Vec<usize> = found
            .into_iter()
            .map(|found| found.unwrap())
            .inspect(|found| assert!(found.marks.is_empty() && !found.more_marks))
            .map(|found| found.tried.len())
            .collect();
        let told = count > MARKS_FEW;
        assert_eq!(tried, if told { vec![3, count - 2, 0] } else { vec![0; 3] });
    }
}

/// Pages that a look at a subject touches whose mark one person has put on and taken off again so often, while many ask.
async fn pages_after(toggles: usize) -> u64 {
    let test = TestLog::new().await;
    let a = stream(1, 1);
    let first = by(11, proposal(a, 0, vec![message()]));
    appended(
        test.appender()
            .append(&batch(1, std::slice::from_ref(&first)))
            .await
            .unwrap(),
    );
    let on_and_off = (0..2 * toggles).map(|index| mark(1, "x", index % 2 == 0));
    let proposal = by(11, proposal(a, 0, on_and_off.collect()));
    appended(test.appender().append(&batch(1, &[proposal])).await.unwrap());
    let log = test.log.clone().knowing(SUBJECTS);
    let questions: Vec<Question> = (0..100)
        .map(|index| Question {
            stream: a,
            command: first.command,
            mark: Some((Uuid::from_u128(11), Bytes::from(format!("n{index}")))),
        })
        .collect();
    for found in log.subjects(1, &questions).await.unwrap() {
        assert_eq!(found.unwrap().marks, []);
    }
    let session = log.pool().get().await.unwrap();
    let name: String = session
        .query_one(
            "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'WITH asked%'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let each = |one: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (0..100).map(one).collect();
        format!("'{{{}}}'", all.join(","))
    };
    let arguments = [
        "1".to_owned(),
        each(&|_| a.to_string()),
        each(&|_| first.command.to_string()),
        each(&|_| Uuid::from_u128(11).to_string()),
        each(&|index| format!("n{index}")),
    ]
    .join(", ");
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS) EXECUTE \"{name}\" ({arguments})");
    let rows = session.query(&explain, &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // The first is that of the whole.
    let buffers = plan.iter().find(|line| line.contains("Buffers: shared")).unwrap();
    buffers
        .split(['=', ' '])
        .filter_map(|word| word.parse::<u64>().ok())
        .sum()
}

#[tokio::test]
async fn marks_that_come_and_go_cost_what_people_do() {
    let (few, many) = (pages_after(5).await, pages_after(1000).await);
    assert!(many < few * 3, "{few} pages after 5, {many} after 1000");
}
