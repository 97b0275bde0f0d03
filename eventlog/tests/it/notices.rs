//! Notices are found among whatever else a stream holds.

use crate::support::{TestLog, appended, batch, proposal, stream};
use bytes::Bytes;
use std::time::Duration;
use tidings_eventlog::{Log, LogConfig, NOTICES, NewEvent, NoticeRange, NoticesFound};
use uuid::Uuid;

fn event(kind: i16) -> NewEvent {
    NewEvent {
        kind,
        ver: 1,
        control: false,
        countable: false,
        payload: Bytes::from_static(b"{}"),
    }
}

#[tokio::test]
async fn the_newest_notices_are_found_and_read_in_order() {
    let test = TestLog::new().await;
    let (id, other) = (stream(1, 1), stream(1, 2));
    // Every third event is a notice: 3, 6, … 30.
    let events = (1..=30).map(|seq| event(if seq % 3 == 0 { 71 } else { 65 }));
    for (stream, events) in [(id, events.collect()), (other, vec![event(96), event(68)])] {
        let outcome = test
            .appender()
            .append(&batch(1, &[proposal(stream, 0, events)]))
            .await;
        appended(outcome.unwrap());
    }
    let log = &test.log;
    let range = |stream: Uuid, after, to| NoticeRange { stream, after, to };
    let found = |last, left_out| Some(NoticesFound { last, left_out });
    let ranges = [
        range(id, 0, 30),
        range(id, 6, 29),
        range(id, 27, 29),
        range(other, 0, 9),
        range(id, 21, 30),
    ];
    assert_eq!(
        log.find_notices(&ranges, &[3; 5]).await.unwrap(),
        [
            found(30, Some(21)),
            found(27, Some(18)),
            None,
            None,
            found(30, None)
        ]
    );
    let seqs = async |after, to, limit, bytes| {
        let page = log.notices(range(id, after, to), limit, bytes).await.unwrap();
        page.into_iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, 30, 4, 1000).await, [3, 6, 9, 12]);
    assert_eq!(seqs(12, 17, 4, 1000).await, [15]);
    assert_eq!(seqs(12, 30, 4, 3).await, [15, 18]);
    assert_eq!(seqs(30, 40, 4, 1000).await, [0; 0]);
}

#[tokio::test]
async fn notices_are_found_by_an_index_that_holds_nothing_else() {
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let client = test.client().await;
    client
        .batch_execute(&format!(
            "INSERT INTO event SELECT 1, n, '{id}', n, 0, CASE WHEN n % 100 = 0 THEN {} ELSE 65 END, 1, false, gen_random_uuid(), now(), \
                    gen_random_uuid(), 0, 0, '{{}}' FROM generate_series(1, 20000) n",
            NOTICES.start()
        ))
        .await
        .unwrap();
    client.batch_execute("ANALYZE event").await.unwrap();
    let mut config = LogConfig::from_url(test.database.url())
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    config.pool_size = 1;
    let log = Log::new(config.pool().unwrap(), Duration::from_mins(1));
    let range = NoticeRange {
        stream: id,
        after: 0,
        to: 20_000,
    };
    assert!(log.find_notices(&[range], &[10]).await.unwrap()[0].is_some());
    assert_eq!(log.notices(range, 500, 1 << 20).await.unwrap().len(), 200);
    let session = log.pool().get().await.unwrap();
    let statements = "SELECT name, cardinality(parameter_types)::int8 FROM pg_prepared_statements WHERE statement LIKE '%BETWEEN 69 AND 95%' AND statement NOT LIKE '%pg_prepared%'";
    let prepared = session.query(statements, &[]).await.unwrap();
    assert_eq!(prepared.len(), 2);
    for row in prepared {
        let (name, arguments): (String, i64) = (row.get(0), row.get(1));
        let arguments = if arguments == 5 {
            format!("'{{1}}', '{{{id}}}', '{{0}}', '{{20000}}', '{{10}}'")
        } else {
            format!("1, '{id}', 0, 20000, 500, 1000")
        };
        let explain = format!("EXPLAIN EXECUTE \"{name}\" ({arguments})");
        let rows = session.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("_ntc") && !plan.contains("Seq Scan"), "{plan}");
    }
}
