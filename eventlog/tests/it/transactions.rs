//! Callers that hold transactions open, in ways that the appender never does.

use crate::invariants;
use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use std::time::Duration;
use tidings_eventlog::Outcome;
use tokio_postgres::Client;
use uuid::Uuid;

/// Appends one message with plain SQL, within whatever transaction is open.
async fn append(client: &Client, stream: Uuid, guard: i64) -> Result<(i64, i64), tokio_postgres::Error> {
    let lane = i16::from(stream.as_bytes()[15]);
    let row = client
        .query_one(
            "SELECT o_head, o_seq[1] FROM append_lane($1, ARRAY[gen_random_uuid()], ARRAY[0::bigint], ARRAY[$2::uuid], ARRAY[$3::bigint], \
             ARRAY[1::bigint], ARRAY[1::bigint], ARRAY[0::bigint], ARRAY[1], ARRAY[0::smallint], ARRAY[1], ARRAY[1::bigint], ARRAY[1::bigint], \
             ARRAY[16::smallint], ARRAY[1::smallint], ARRAY[false], ARRAY[gen_random_uuid()], ARRAY['{}'::bytea])",
            &[&lane, &stream, &guard],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_a_later_position_before_an_earlier_one() {
    // A appends and stays open. B wants the same lane and has to wait, so it can only come after A, whoever commits first
    // elsewhere. C appends to another lane and is seen at once.
    let test = TestLog::new().await;
    let (shared, other) = (stream(0, 1), stream(1, 1));
    for id in [shared, other] {
        let lane = id.as_bytes()[15];
        appended(
            test.appender()
                .append(&batch(lane, &[proposal(id, 0, vec![control()])]))
                .await
                .unwrap(),
        );
    }
    let (a, b, c) = (test.client().await, test.client().await, test.client().await);
    a.batch_execute("BEGIN").await.unwrap();
    let first = append(&a, shared, 1).await.unwrap();
    let waiting = tokio::spawn(async move {
        b.batch_execute("BEGIN").await.unwrap();
        let second = append(&b, shared, 1).await.unwrap();
        b.batch_execute("COMMIT").await.unwrap();
        second
    });
    c.batch_execute("BEGIN").await.unwrap();
    append(&c, other, 1).await.unwrap();
    c.batch_execute("COMMIT").await.unwrap();

    // B is blocked on A's lock, and nothing of either is visible.
    let watcher = test.client().await;
    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let until_blocked = async {
        while watcher.query_one(blocked, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), until_blocked)
        .await
        .unwrap();
    assert_eq!(test.log.lane(0, 1, u64::MAX, 10).await.unwrap().len(), 0);
    assert_eq!(test.log.lane(1, 1, u64::MAX, 10).await.unwrap().len(), 1);

    a.batch_execute("COMMIT").await.unwrap();
    let second = waiting.await.unwrap();
    assert_eq!((first, second), ((1, 1), (2, 2)));
    let seen: Vec<u64> = test
        .log
        .lane(0, 0, u64::MAX, 10)
        .await
        .unwrap()
        .iter()
        .map(|event| event.pos)
        .collect();
    assert_eq!(seen, [1, 2, 3]);
    invariants::check(&test).await;
}

#[tokio::test]
async fn a_rolled_back_append_leaves_no_hole() {
    let test = TestLog::new().await;
    let id = stream(2, 1);
    appended(
        test.appender()
            .append(&batch(2, &[proposal(id, 0, vec![control()])]))
            .await
            .unwrap(),
    );
    let client = test.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    append(&client, id, 1).await.unwrap();
    client.batch_execute("ROLLBACK").await.unwrap();
    let done = appended(
        test.appender()
            .append(&batch(2, &[proposal(id, 1, vec![message()])]))
            .await
            .unwrap(),
    );
    assert_eq!((done.events[0].pos, done.events[0].seq), (2, 2));
    invariants::check(&test).await;
}

#[tokio::test]
async fn a_repeatable_read_caller_fails_loudly_instead_of_writing_on_an_old_snapshot() {
    let test = TestLog::new().await;
    let id = stream(3, 1);
    appended(
        test.appender()
            .append(&batch(3, &[proposal(id, 0, vec![control()])]))
            .await
            .unwrap(),
    );
    let client = test.client().await;
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    client
        .query_one("SELECT head FROM log_lane WHERE lane = 3", &[])
        .await
        .unwrap();
    appended(
        test.appender()
            .append(&batch(3, &[proposal(id, 1, vec![message()])]))
            .await
            .unwrap(),
    );
    let refused = append(&client, id, 1).await.unwrap_err();
    assert_eq!(
        refused.code().map(|code| code.code().to_owned()),
        Some("40001".to_owned())
    );
    client.batch_execute("ROLLBACK").await.unwrap();
    invariants::check(&test).await;
}

#[tokio::test]
async fn a_lane_that_does_not_exist_is_refused() {
    let test = TestLog::new().await;
    let outcome = test
        .appender()
        .append(&batch(9, &[proposal(stream(9, 1), 0, vec![control()])]))
        .await;
    assert!(outcome.unwrap_err().to_string().contains("lane 9 does not exist"));
}

#[tokio::test]
async fn a_stream_that_is_only_checked_refuses_what_is_old_and_stays_as_it_is() {
    let test = TestLog::new().await;
    let (talk, beside, nowhere) = (stream(0, 1), stream(0, 2), stream(0, 3));
    let appender = test.appender();
    let write = async |guards: [u64; 2], proposals: &[tidings_eventlog::Proposal]| {
        let mut batch = batch(0, proposals);
        batch.check(beside, guards[0]);
        batch.check(nowhere, guards[1]);
        appender.append(&batch).await.unwrap()
    };
    // There need be none of them.
    appended(write([0, 0], &[proposal(talk, 0, vec![control()])]).await);
    appended(write([0, 0], &[proposal(beside, 0, vec![control()])]).await);
    let client = test.client().await;
    let row = async || -> (i64, i64, String) {
        let sql = "SELECT head_seq, guard_seq, last_at::text || xmin::text FROM stream WHERE stream = $1";
        let row = client.query_one(sql, &[&beside]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    };
    let before = row().await;
    let say = || proposal(talk, 1, vec![message()]);
    for (guards, wrong) in [([0, 0], beside), ([2, 0], beside), ([1, 1], nowhere)] {
        let Outcome::Refused { stale, .. } = write(guards, &[say()]).await else {
            panic!("a batch was written that {wrong} refuses");
        };
        let streams: Vec<Uuid> = stale.iter().map(|stale| stale.stream).collect();
        assert_eq!(streams, [wrong]);
    }
    appended(write([1, 0], &[say()]).await);
    assert_eq!(row().await, before);
    // One proposal of the batch may write what the others are checked by.
    appended(write([1, 0], &[proposal(beside, 1, vec![control()]), say()]).await);
    assert_eq!(row().await.0, 2);
    invariants::check(&test).await;
}
