//! What is appended is read back.

use crate::invariants;
use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use std::time::Duration;
use tidings_eventlog::{Doubt, Keep, NewEvent, Outcome, Slice, Step};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_batch_gets_dense_positions_in_its_order() {
    let test = TestLog::new().await;
    let (a, b) = (stream(1, 1), stream(1, 2));
    let proposals = [
        proposal(a, 0, vec![control(), message()]),
        proposal(b, 0, vec![control()]),
        proposal(a, 0, vec![message(), control(), message()]),
    ];
    let done = appended(test.appender().append(&batch(1, &proposals)).await.unwrap());
    let places: Vec<_> = done
        .events
        .iter()
        .map(|e| (e.pos, e.stream, e.seq, e.msg_no, e.idx))
        .collect();
    assert_eq!(
        places,
        [
            (1, a, 1, 0, 0),
            (2, a, 2, 1, 1),
            (3, b, 1, 0, 0),
            (4, a, 3, 2, 0),
            (5, a, 4, 2, 1),
            (6, a, 5, 3, 2)
        ]
    );
    assert_eq!(done.of(2).len(), 3);
    assert_eq!(test.log.lane(1, 0, u64::MAX, 100).await.unwrap(), done.events);
    invariants::check(&test).await;
}

#[tokio::test]
async fn reads_by_lane_stream_heads_and_controls_agree() {
    let test = TestLog::new().await;
    let a = stream(2, 1);
    let appender = test.appender();
    appended(
        appender
            .append(&batch(
                2,
                &[proposal(a, 0, vec![control(), message(), message()])],
            ))
            .await
            .unwrap(),
    );
    appended(
        appender
            .append(&batch(2, &[proposal(a, 1, vec![message(), control()])]))
            .await
            .unwrap(),
    );

    let heads = test.log.heads().await.unwrap();
    assert_eq!(heads.len(), 4);
    assert_eq!((heads[2].lane, heads[2].head), (2, 5));
    let seqs = |events: Vec<tidings_eventlog::Recorded>| events.iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(seqs(test.log.lane(2, 1, 4, 2).await.unwrap()), [2, 3]);
    assert_eq!(seqs(test.log.stream(a, 2, 4, 10).await.unwrap()), [2, 3, 4]);
    let steps = test.log.steps(2, &[stream(2, 9), a], 1, 100).await.unwrap();
    let steps = steps.into_iter().map(|step| match step {
        Step::Control(event) => event,
        kept @ Step::Kept { .. } => panic!("{kept:?}"),
    });
    assert_eq!(seqs(steps.collect()), [1, 5]);
    let after_within = |seq, pos, limit| {
        let places = [(stream(2, 9), 0, 0), (a, seq, pos)];
        let log = &test.log;
        async move { seqs(log.controls_after(&places, limit).await.unwrap()) }
    };
    let after = |seq, pos| after_within(seq, pos, 10);
    assert_eq!(after_within(0, 0, 1).await, [1]);
    assert_eq!(after(0, 0).await, [1, 5]);
    assert_eq!(after(1, 0).await, [5]);
    assert_eq!(after(0, 4).await, [5]);
    assert_eq!(after(0, 5).await, [0; 0]);
    let heads = test.log.stream_heads(&[stream(2, 9), a]).await.unwrap();
    assert!(heads[0].is_none());
    let head = heads[1].unwrap();
    assert_eq!((head.seq, head.msg_no, head.guard), (5, 3, 5));
    assert_eq!(
        test.log.msg_nos(&[(a, 3), (a, 6)]).await.unwrap(),
        [Some(2), None]
    );
}

#[tokio::test]
async fn slices_end_where_their_bytes_do_and_never_before_their_first_event() {
    let test = TestLog::new().await;
    let (a, b) = (stream(2, 1), stream(2, 2));
    let long = |bytes: usize| NewEvent {
        payload: vec![b'x'; bytes].into(),
        ..message()
    };
    let appender = test.appender();
    let proposals = [
        proposal(a, 0, vec![long(100), long(200), long(50_000), long(10)]),
        proposal(b, 0, vec![long(300), long(1)]),
    ];
    appended(appender.append(&batch(2, &proposals)).await.unwrap());
    let slice = |ranges: &[(Uuid, u64, u64)], bytes| Slice {
        ranges: ranges.to_vec(),
        bytes,
    };
    let slices = [
        // Ranges go on where those before them end, in their order.
        slice(&[(a, 1, 2), (stream(2, 9), 1, 5), (b, 1, 9), (a, 4, 4)], 1 << 20),
        slice(&[], 1 << 20),
        slice(&[(a, 1, 4)], 299),
        slice(&[(a, 1, 4)], 300),
        slice(&[(a, 1, 4)], 301),
        slice(&[(a, 3, 4), (b, 1, 2)], 1),
        slice(&[(b, 2, 2), (a, 1, 1)], 2),
    ];
    let found = test.log.slices(&slices).await.unwrap();
    let places: Vec<Vec<(Uuid, u64)>> = found
        .iter()
        .map(|events| events.iter().map(|event| (event.stream, event.seq)).collect())
        .collect();
    assert_eq!(
        places,
        [
            vec![(a, 1), (a, 2), (b, 1), (b, 2), (a, 4)],
            vec![],
            vec![(a, 1), (a, 2)],
            vec![(a, 1), (a, 2)],
            vec![(a, 1), (a, 2), (a, 3)],
            vec![(a, 3)],
            vec![(b, 2), (a, 1)],
        ]
    );
}

#[tokio::test]
async fn a_repeat_gets_its_first_answer_and_nothing_is_written() {
    let test = TestLog::new().await;
    let a = stream(0, 1);
    let appender = test.appender();
    let first = proposal(a, 0, vec![control(), message()]);
    let done = appended(
        appender
            .append(&batch(0, std::slice::from_ref(&first)))
            .await
            .unwrap(),
    );
    let other = proposal(a, 1, vec![message()]);
    let Outcome::Refused { repeats, .. } = appender
        .append(&batch(0, &[other.clone(), first.clone()]))
        .await
        .unwrap()
    else {
        panic!("a repeat was appended");
    };
    assert_eq!(repeats.len(), 1);
    let last = done.events.last().unwrap();
    assert_eq!(
        (
            repeats[0].proposal,
            repeats[0].pos,
            repeats[0].seq,
            repeats[0].at,
            repeats[0].digest
        ),
        (1, last.pos, last.seq, last.at, 7)
    );
    assert_eq!(test.log.heads().await.unwrap()[0].head, 2);
    let asked = [(stream(0, 9), other.command), (a, first.command)];
    let doubts = test.log.doubts(0, &asked).await.unwrap();
    let nothing = Doubt {
        repeat: None,
        guard: 0,
        last: None,
    };
    assert_eq!(doubts[0], nothing);
    let repeat = doubts[1].repeat.as_ref();
    assert_eq!(
        repeat.map(|repeat| (repeat.proposal, repeat.pos)),
        Some((1, last.pos))
    );
    assert_eq!(doubts[1].guard, 1);
    let stands = doubts[1].last.unwrap();
    assert_eq!((stands.seq, stands.pos, stands.at), (last.seq, last.pos, last.at));
    // The same id for another stream is found as well.
    let reused = tidings_eventlog::Proposal {
        stream: stream(0, 2),
        guard: 0,
        ..first
    };
    assert!(matches!(
        appender.append(&batch(0, &[reused])).await.unwrap(),
        Outcome::Refused { .. }
    ));
    invariants::check(&test).await;
}

#[tokio::test]
async fn a_decision_on_an_old_state_is_refused() {
    let test = TestLog::new().await;
    let a = stream(3, 1);
    let appender = test.appender();
    appended(
        appender
            .append(&batch(3, &[proposal(a, 0, vec![control()])]))
            .await
            .unwrap(),
    );
    appended(
        appender
            .append(&batch(3, &[proposal(a, 1, vec![message(), control()])]))
            .await
            .unwrap(),
    );
    for guard in [0, 1, 2, 4] {
        let outcome = appender
            .append(&batch(3, &[proposal(a, guard, vec![message()])]))
            .await
            .unwrap();
        let Outcome::Refused { repeats, stale } = outcome else {
            panic!("guard {guard} was taken")
        };
        assert!(repeats.is_empty());
        assert_eq!((stale.len(), stale[0].stream, stale[0].guard), (1, a, 3));
    }
    appended(
        appender
            .append(&batch(3, &[proposal(a, 3, vec![message()])]))
            .await
            .unwrap(),
    );
    invariants::check(&test).await;
}

#[tokio::test]
async fn segments_are_made_ahead_and_positions_cross_them() {
    let test = TestLog::new().await;
    let client = test.client().await;
    let a = stream(0, 1);
    let appender = test.appender();
    let first = proposal(a, 0, vec![control()]);
    appended(
        appender
            .append(&batch(0, std::slice::from_ref(&first)))
            .await
            .unwrap(),
    );
    // As if the first segment were nearly full.
    client
        .batch_execute(
            "UPDATE log_lane SET head = log_segment_size() - 3 WHERE lane = 0; \
             UPDATE event SET pos = log_segment_size() - 3 WHERE lane = 0",
        )
        .await
        .unwrap();
    tidings_eventlog::schema::ensure_segments(test.log.pool())
        .await
        .unwrap();
    let messages: Vec<_> = (0..10).map(|_| proposal(a, 1, vec![message()])).collect();
    let done = appended(appender.append(&batch(0, &messages)).await.unwrap());
    let read = test.log.stream(a, 1, u64::MAX, 100).await.unwrap();
    assert_eq!(read[1..], done.events[..]);
    // A command of the old segment is still known in the new one.
    assert!(matches!(
        appender.append(&batch(0, &[first])).await.unwrap(),
        Outcome::Refused { .. }
    ));
}

#[tokio::test]
async fn segments_that_were_dropped_or_detached_are_not_made_again_and_a_new_lane_has_what_it_needs() {
    let test = TestLog::new().await;
    let client = test.client().await;
    let segments = async || {
        let sql = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
                   WHERE i.inhparent = 'event'::regclass ORDER BY 1";
        let rows = client.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    let ensure = async || {
        let made = tidings_eventlog::schema::ensure_segments(test.log.pool()).await;
        made.unwrap()
    };
    // The last position of the second segment was given, and the fourth has begun.
    client
        .batch_execute(
            "UPDATE log_lane SET head = 2 * log_segment_size() - 1; \
             UPDATE log_lane SET head = 3 * log_segment_size() WHERE lane = 0",
        )
        .await
        .unwrap();
    assert_eq!(ensure().await, 3);
    client
        .batch_execute("ALTER TABLE event DETACH PARTITION event_000000; DROP TABLE event_000001")
        .await
        .unwrap();
    assert_eq!(ensure().await, 0);
    assert_eq!(segments().await, ["event_000002", "event_000003", "event_000004"]);
    // A lane that is added begins where the others have long been.
    client
        .batch_execute("INSERT INTO log_lane (lane) VALUES (9)")
        .await
        .unwrap();
    assert_eq!((ensure().await, ensure().await), (2, 0));
    assert_eq!(
        segments().await,
        [
            "event_000000_2",
            "event_000001",
            "event_000002",
            "event_000003",
            "event_000004"
        ]
    );
    let first = proposal(stream(9, 1), 0, vec![control()]);
    appended(test.appender().append(&batch(9, &[first])).await.unwrap());
}

#[tokio::test]
async fn a_state_that_is_kept_is_the_first_step_as_long_as_it_is_true() {
    let test = TestLog::new().await;
    let (id, appender) = (stream(1, 1), test.appender());
    let add = async |guard, events| {
        let proposals = [proposal(id, guard, events)];
        appended(appender.append(&batch(1, &proposals)).await.unwrap())
    };
    let first = add(0, vec![control(), message(), control(), control()])
        .await
        .events[0]
        .clone();
    let steps = async |form| {
        let steps = test.log.steps(1, &[stream(1, 9), id], form, 100).await.unwrap();
        let step = |step: Step| match step {
            Step::Control(event) => (event.seq, None),
            Step::Kept {
                first: begun,
                seq,
                state,
            } => {
                assert_eq!(
                    (begun.seq, begun.command, begun.pos, begun.at),
                    (1, first.command, 1, first.at)
                );
                (seq, Some(String::from_utf8(state.to_vec()).unwrap()))
            }
        };
        steps.into_iter().map(step).collect::<Vec<_>>()
    };
    let keep = async |epoch, form, seq, state: &str| {
        let keep = Keep {
            lane: 1,
            stream: id,
            epoch,
            seq,
            form,
            state: state.as_bytes().to_vec(),
        };
        test.log.keep(&keep).await.unwrap();
    };
    let kept = |seq, state: &str| (seq, Some(state.to_owned()));
    let bytes = async |form| {
        let streams = [stream(1, 9), id];
        test.log.kept_bytes(1, &streams, form).await.unwrap()
    };
    // Of what the log does not hold nothing is kept.
    keep(1, 1, 5, "ahead").await;
    keep(2, 1, 3, "elsewhere").await;
    assert_eq!(steps(1).await, [(1, None), (3, None), (4, None)]);
    assert_eq!(bytes(1).await, [0, 0]);
    keep(1, 1, 3, "three").await;
    assert_eq!(steps(1).await, [kept(3, "three"), (4, None)]);
    assert_eq!((bytes(1).await, bytes(2).await), (vec![0, 5], vec![0, 0]));
    // No older one takes its place, nor one in another form, however nodes of two versions take turns.
    keep(1, 1, 1, "one").await;
    keep(1, 2, 4, "later form").await;
    assert_eq!(steps(1).await, [kept(3, "three"), (4, None)]);
    keep(1, 1, 4, "four").await;
    assert_eq!(steps(1).await, [kept(4, "four")]);
    assert_eq!(steps(2).await, [kept(4, "later form")]);
    // On another time line it is nothing.
    test.log.begin_time_line().await.unwrap();
    assert_eq!(steps(2).await, [(1, None), (3, None), (4, None)]);
    assert_eq!(bytes(2).await, [0, 0]);
    let epoch = test.log.heads().await.unwrap()[1].epoch;
    keep(epoch, 1, 3, "again").await;
    assert_eq!(steps(1).await, [kept(3, "again"), (4, None)]);
    assert_eq!(steps(2).await, [(1, None), (3, None), (4, None)]);
}

#[tokio::test]
async fn programs_that_know_one_copy_of_a_state_find_theirs_beside_those_of_later_ones() {
    let test = TestLog::new().await;
    let (id, client) = (stream(1, 1), test.client().await);
    let begun = proposal(id, 0, vec![control(), control()]);
    appended(test.appender().append(&batch(1, &[begun])).await.unwrap());
    let keep = async |form, state: &str| {
        let keep = Keep {
            lane: 1,
            stream: id,
            epoch: 1,
            seq: 1,
            form,
            state: state.as_bytes().to_vec(),
        };
        test.log.keep(&keep).await.unwrap();
    };
    // As they say it.
    let keep_as_before = async |seq: i64, state: &str| {
        let sql = "INSERT INTO stream_state AS k (lane, stream, seq, form, epoch, state) VALUES (1, $1, $2, 7, 1, $3) \
                   ON CONFLICT (lane, stream) DO UPDATE \
                   SET seq = excluded.seq, form = excluded.form, epoch = excluded.epoch, state = excluded.state \
                   WHERE (k.epoch, k.form, k.seq) < (excluded.epoch, excluded.form, excluded.seq)";
        let kept = client.execute(sql, &[&id, &seq, &state.as_bytes()]).await;
        assert_eq!(kept.unwrap(), 1);
    };
    let kept = async |form| match &test.log.steps(1, &[id], form, 1).await.unwrap()[..] {
        [Step::Kept { seq, state, .. }] => Some((*seq, String::from_utf8(state.to_vec()).unwrap())),
        _ => None,
    };
    let state = |seq, state: &str| Some((seq, state.to_owned()));
    keep_as_before(1, "before").await;
    keep(8, "later").await;
    keep_as_before(2, "before, and more").await;
    assert_eq!(
        (kept(7).await, kept(8).await),
        (state(2, "before, and more"), state(1, "later"))
    );
    // Of two in one form the newer one is read.
    keep(7, "the same form").await;
    assert_eq!(kept(7).await, state(2, "before, and more"));
}

#[tokio::test]
async fn whoever_looks_behind_writers_sees_what_was_on_its_way() {
    let test = TestLog::new().await;
    let (writer, watcher) = (test.client().await, test.client().await);
    let asked = [(stream(0, 1), Uuid::new_v4())];
    let [(id, command)] = asked;
    // An append that is not committed yet.
    let append = format!(
        "BEGIN; UPDATE log_lane SET head = head + 1 WHERE lane = 0; \
         INSERT INTO stream VALUES (0, '{id}', 1, 1, 1, now()); \
         INSERT INTO event VALUES (0, 1, '{id}', 1, 1, 16, 1, true, gen_random_uuid(), now(), '{command}', 0, 0, '{{}}')"
    );
    writer.batch_execute(&append).await.unwrap();
    assert_eq!(test.log.doubts(0, &asked).await.unwrap()[0].repeat, None);
    let log = test.log.clone();
    let looking = tokio::spawn(async move { log.doubts_behind_writers(0, &asked).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE '%FOR SHARE%'";
    let waits = async {
        while watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waits).await.unwrap();
    writer.batch_execute("COMMIT").await.unwrap();
    let found = timeout(PATIENCE, looking).await.unwrap().unwrap().unwrap();
    let repeat = found[0].repeat.as_ref().map(|repeat| repeat.pos);
    assert_eq!((repeat, found[0].guard), (Some(1), 1));
    // Whoever writes to other lanes is not waited for.
    writer
        .batch_execute("BEGIN; UPDATE log_lane SET head = head WHERE lane = 1")
        .await
        .unwrap();
    assert_eq!(test.log.doubts_behind_writers(0, &asked).await.unwrap(), found);
}

#[tokio::test]
async fn of_a_range_only_what_is_asked_for_is_read_and_all_of_it_is_passed() {
    let test = TestLog::new().await;
    let a = stream(1, 1);
    let events = vec![control(), message(), message(), control(), message()];
    let done = appended(
        test.appender()
            .append(&batch(1, &[proposal(a, 0, events)]))
            .await
            .unwrap(),
    );
    let (message, due) = (done.events[1].kind, done.events[0].at);
    let kinds = [message];
    let heard = async |range, due, kinds, bytes| {
        let heard = test.log.lane_of_kinds(1, range, due, kinds, bytes).await.unwrap();
        heard.map(|heard| {
            let places: Vec<u64> = heard.events.iter().map(|event| event.pos).collect();
            (places, heard.to)
        })
    };
    let whole = 1 << 20;
    assert_eq!(
        heard((0, 9), due, Some(&kinds[..]), whole).await,
        Some((vec![2, 3, 5], 5))
    );
    assert_eq!(
        heard((0, 4), due, Some(&kinds[..]), whole).await,
        Some((vec![2, 3], 4))
    );
    assert_eq!(
        heard((0, 9), due, Some(&[9_999][..]), whole).await,
        Some((vec![], 5))
    );
    assert_eq!(heard((1, 9), due, None, whole).await, Some((vec![2, 3, 4, 5], 5)));
    // Nothing is due yet, and where bytes end what is read, the range ends with it.
    let before = due - chrono::TimeDelta::seconds(1);
    assert_eq!(
        heard((1, 9), before, Some(&kinds[..]), whole).await,
        Some((vec![], 1))
    );
    assert_eq!(heard((0, 9), due, Some(&kinds[..]), 1).await, Some((vec![2], 2)));
    assert_eq!(heard((5, 9), due, Some(&kinds[..]), whole).await, None);
}
