//! What streams were at an earlier moment.

use crate::subjects::{SUBJECTS, mark};
use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use tidings_eventlog::{Marked, NewEvent, Proposal};
use uuid::Uuid;

#[tokio::test]
async fn the_seq_of_a_position_is_found_also_where_it_is_of_another_stream() {
    let test = TestLog::new().await;
    let (a, b) = (stream(1, 1), stream(1, 2));
    let appender = test.appender();
    for id in [a, b, a, a, b] {
        let events = vec![message(), message()];
        appended(
            appender
                .append(&batch(1, &[proposal(id, 0, events)]))
                .await
                .unwrap(),
        );
    }
    let all = test.log.lane(1, 0, 99, 99).await.unwrap();
    for pos in 0..=10 {
        for (id, head) in [(a, 6), (b, 4)] {
            let until = all.iter().filter(|event| event.stream == id && event.pos <= pos);
            assert_eq!(
                test.log.stream_upto(id, head, pos).await.unwrap(),
                until.count() as u64
            );
        }
    }
    assert_eq!(
        test.log.stream_upto(a, 6, u64::MAX).await.unwrap(),
        6,
        "not beyond the head"
    );
}

#[tokio::test]
async fn control_events_come_up_to_a_seq_and_of_some_kinds_without_what_they_say() {
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let untold = NewEvent { kind: 9, ..control() };
    let events = vec![control(), message(), untold, control(), message(), control()];
    appended(
        test.appender()
            .append(&batch(1, &[proposal(id, 0, events)]))
            .await
            .unwrap(),
    );
    let controls = async |range, limit| {
        let found = test.log.controls_upto(id, range, &[9], limit).await.unwrap();
        let told = found.iter().map(|event| (event.seq, event.payload.len()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(controls((0, 5), 9).await, [(1, 2), (3, 0), (4, 2)]);
    assert_eq!(controls((1, 9), 2).await, [(3, 0), (4, 2)]);
    assert_eq!(controls((4, 9), 9).await, [(6, 2)]);
}

#[tokio::test]
async fn marks_are_those_that_were_on_then_and_too_many_are_not_told() {
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let appender = test.appender();
    let by = |actor: u128, events| Proposal {
        actor: Uuid::from_u128(actor),
        ..proposal(id, 0, events)
    };
    for proposal in [
        by(
            1,
            vec![message(), message(), mark(1, "+", true), mark(2, "+", true)],
        ), // to 4
        by(2, vec![mark(1, "+", true), mark(1, "-", true)]), // to 6
        by(1, vec![mark(1, "+", false)]),                    // 7
        by(1, vec![mark(1, "+", true)]),                     // 8
    ] {
        appended(appender.append(&batch(1, &[proposal])).await.unwrap());
    }
    let log = test.log.clone().knowing(SUBJECTS);
    let marked = async |subjects: &[u64], upto, limit| {
        let found = log.marks_upto(id, subjects, upto, limit).await.unwrap();
        let told = |marked: Marked| {
            let mark = String::from_utf8(marked.mark.to_vec()).unwrap();
            (marked.subject, mark, marked.actor.as_u128(), marked.seq)
        };
        found.map(|found| found.into_iter().map(told).collect::<Vec<_>>())
    };
    let (plus, minus) = (|| "+".to_owned(), || "-".to_owned());
    assert_eq!(
        marked(&[1], 6, 9).await.unwrap(),
        [(1, plus(), 1, 3), (1, plus(), 2, 5), (1, minus(), 2, 6)]
    );
    assert_eq!(
        marked(&[1, 2], 7, 9).await.unwrap(),
        [(1, plus(), 2, 5), (1, minus(), 2, 6), (2, plus(), 1, 4)]
    );
    assert_eq!(
        marked(&[1], 8, 5).await.unwrap(),
        [(1, plus(), 1, 8), (1, plus(), 2, 5), (1, minus(), 2, 6)]
    );
    assert_eq!(marked(&[1], 8, 4).await, None);
    assert!(marked(&[2], 3, 9).await.unwrap().is_empty());
    // A log that was not told what marks are knows of none.
    assert_eq!(test.log.marks_upto(id, &[1], 8, 9).await.unwrap(), None);
}
