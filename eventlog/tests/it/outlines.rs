//! What happened, without what was said.

use crate::subjects::{SUBJECTS, mark, revision, withdrawal};
use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use bytes::Bytes;
use chrono::Duration;
use tidings_eventlog::{NewEvent, Outline, Proposal, TRACE_MAX, Wanted};
use uuid::Uuid;

fn seqs(outlines: &[Outline]) -> Vec<u64> {
    outlines.iter().map(|outline| outline.seq).collect()
}

#[tokio::test]
async fn events_are_told_by_kind_and_by_who_did_them() {
    let test = TestLog::new().await;
    let (a, b) = (stream(1, 1), stream(1, 2));
    let events = vec![control(), message(), message(), control()];
    let of_a = proposal(a, 0, events);
    let of_b = Proposal {
        actor: Uuid::from_u128(2),
        ..proposal(b, 0, vec![control(), message()])
    };
    appended(test.appender().append(&batch(1, &[of_a, of_b])).await.unwrap());
    let log = &test.log;
    let all = Wanted::default();
    let told = log.lane_outlines(1, 0, 9, &all, 9).await.unwrap();
    let recorded = log.lane(1, 0, 9, 9).await.unwrap();
    assert_eq!(told.len(), 6);
    for (told, recorded) in told.iter().zip(&recorded) {
        assert_eq!(
            (told.lane, told.pos, told.stream, told.seq),
            (recorded.lane, recorded.pos, recorded.stream, recorded.seq)
        );
        assert_eq!(
            (told.kind, told.actor, told.at, told.command),
            (recorded.kind, recorded.actor, recorded.at, recorded.command)
        );
    }
    let messages = Wanted {
        kinds: Some(vec![16]),
        ..Wanted::default()
    };
    let told = log.lane_outlines(1, 0, 9, &messages, 9).await.unwrap();
    assert_eq!(told.iter().map(|one| one.pos).collect::<Vec<_>>(), [2, 3, 6]);
    let of_second = Wanted {
        actor: Some(Uuid::from_u128(2)),
        ..Wanted::default()
    };
    let told = log.lane_outlines(1, 0, 5, &of_second, 9).await.unwrap();
    assert_eq!(told.iter().map(|one| one.pos).collect::<Vec<_>>(), [5]);
    assert_eq!(
        seqs(&log.stream_outlines(a, 1, 4, &messages, 1).await.unwrap()),
        [2]
    );
    assert_eq!(
        seqs(&log.stream_outlines(a, 2, 4, &all, 9).await.unwrap()),
        [3, 4]
    );
    // What nobody is told of takes nothing of the limit, and is not found by its name either.
    let without = |wanted: &Wanted| Wanted {
        without: vec![16, 17],
        ..wanted.clone()
    };
    let rest = without(&all);
    let told = log.lane_outlines(1, 0, 9, &rest, 2).await.unwrap();
    assert_eq!(told.iter().map(|one| one.pos).collect::<Vec<_>>(), [1, 4]);
    let told = log.stream_outlines(a, 0, 4, &rest, 2).await.unwrap();
    assert_eq!(seqs(&told), [1, 4]);
    let none = without(&messages);
    assert_eq!(log.lane_outlines(1, 0, 9, &none, 9).await.unwrap(), []);
    assert_eq!(log.stream_outlines(a, 0, 4, &none, 9).await.unwrap(), []);
}

#[tokio::test]
async fn the_place_of_a_time_is_found_in_a_lane_and_in_a_stream() {
    let test = TestLog::new().await;
    let (a, b) = (stream(1, 1), stream(1, 2));
    let appender = test.appender();
    // Each batch has a time of its own, and two events.
    for id in [a, b, a, a, b] {
        appended(
            appender
                .append(&batch(1, &[proposal(id, 0, vec![message(), message()])]))
                .await
                .unwrap(),
        );
    }
    let log = &test.log;
    let all = log.lane(1, 0, 99, 99).await.unwrap();
    for at in all.iter().map(|event| event.at) {
        for at in [at, at + Duration::microseconds(1)] {
            let older = all.iter().filter(|event| event.at < at);
            assert_eq!(log.lane_before(1, 10, at).await.unwrap(), older.count() as u64);
            let older = all.iter().filter(|event| event.stream == a && event.at < at);
            assert_eq!(log.stream_before(a, 6, at).await.unwrap(), older.count() as u64);
        }
    }
    assert_eq!(log.lane_before(1, 0, all[0].at).await.unwrap(), 0);
    assert_eq!(
        log.lane_before(1, 3, all[9].at).await.unwrap(),
        3,
        "not beyond the head"
    );
}

#[tokio::test]
async fn a_subject_is_told_with_all_that_is_about_it() {
    let test = TestLog::new().await;
    let (a, other) = (stream(1, 1), stream(1, 2));
    let appender = test.appender();
    let pin = |seq: u64| NewEvent {
        kind: 20,
        payload: Bytes::from(format!(r#"{{"message_seq":{seq}}}"#)),
        ..control()
    };
    let first = proposal(a, 0, vec![message()]);
    let events = vec![
        message(),           // 2
        revision(1, "x"),    // 3
        revision(2, "x"),    // 4
        mark(1, "+", true),  // 5
        pin(1),              // 6
        pin(2),              // 7
        withdrawal(1),       // 8
        mark(1, "+", false), // 9
    ];
    let elsewhere = proposal(other, 0, vec![message(), revision(1, "y"), pin(1)]);
    let id = first.command;
    appended(
        appender
            .append(&batch(1, &[first, proposal(a, 0, events), elsewhere]))
            .await
            .unwrap(),
    );
    let log = test.log.clone().knowing(SUBJECTS);
    let trace = log.trace(a, id, 20).await.unwrap().unwrap();
    assert_eq!((trace.subject.seq, trace.subject.command), (1, id));
    assert_eq!(seqs(&trace.about), [3, 5, 6, 8, 9]);
    assert!(trace.complete);
    // In another stream there is none of that id.
    assert_eq!(log.trace(other, id, 20).await.unwrap(), None);

    // More of one kind than are told.
    let many = (0..=TRACE_MAX).map(|n| mark(1, &n.to_string(), true)).collect();
    let guard = log.stream_heads(&[a]).await.unwrap()[0].unwrap().guard;
    appended(
        appender
            .append(&batch(1, &[proposal(a, guard, many)]))
            .await
            .unwrap(),
    );
    let trace = log.trace(a, id, 20).await.unwrap().unwrap();
    assert!(!trace.complete);
    let marks = trace.about.iter().filter(|one| one.kind == 19).count();
    assert_eq!((marks, trace.about.len()), (TRACE_MAX, TRACE_MAX + 3));
}
