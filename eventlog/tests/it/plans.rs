//! The plans that the append really uses: index probes only, on a fresh database and on one of a million events.
//!
//! `auto_explain` reports the plans of the statements within `append_lane`, as they run, on the settings of an appender.

use crate::subjects::SUBJECTS;
use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidings_eventlog::{Log, LogConfig, Question, Slice};
use tokio_postgres::{AsyncMessage, Client, NoTls};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn an_append_on_a_fresh_database_only_probes_indexes() {
    let test = TestLog::new().await;
    appended(
        test.appender()
            .append(&batch(0, &[proposal(stream(0, 1), 0, vec![control()])]))
            .await
            .unwrap(),
    );
    only_probes(&test, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_on_a_million_events_only_probes_indexes() {
    let test = TestLog::new().await;
    let client = test.client().await;
    client
        .batch_execute(
            "INSERT INTO event SELECT (n % 4)::smallint, n / 4 + 1, ('00000000-0000-4000-8000-' || lpad(to_hex(n % 1000 * 256 + n % 4), 12, '0'))::uuid, \
                    n / 1000 + 1, n / 1000, 16, 1, n < 1000, gen_random_uuid(), now(), gen_random_uuid(), 0, 0, '{}' FROM generate_series(0, 999999) n; \
             INSERT INTO stream SELECT lane, stream, max(seq), max(seq) - 1, 1, now() FROM event GROUP BY lane, stream; \
             UPDATE log_lane SET head = 250000",
        )
        .await
        .unwrap();
    // Without statistics first, as right after a burst; then with them.
    only_probes(&test, 200).await;
    client.batch_execute("ANALYZE").await.unwrap();
    only_probes(&test, 200).await;
}

/// Appends a batch over known and new streams on a session that reports plans, and fails on any scan of a whole table.
async fn only_probes(test: &TestLog, commands: u64) {
    let (client, plans) = explaining(test).await;
    let known: Vec<(Uuid, i64)> = client
        .query(
            "SELECT stream, guard_seq FROM stream WHERE lane = 0 LIMIT 20",
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let statement = client
        .prepare(
            "SELECT * FROM append_lane($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,1,0)",
        )
        .await
        .unwrap();
    plans.lock().unwrap().clear();
    let mut sent = Uuid::nil();
    for round in 0..4_u64 {
        let mut streams: Vec<(Uuid, i64)> = known.clone();
        streams.push((stream(0, 1_000_000 + u64::from(rand::random::<u32>()) + round), 0));
        let n = commands as usize;
        let of = |i: usize| (i % streams.len()) as i32 + 1;
        let per_stream: Vec<i64> = (1..=streams.len() as i32)
            .map(|s| (0..n).filter(|i| of(*i) == s).count() as i64)
            .collect();
        let mut ids: Vec<Uuid> = (0..n).map(|_| Uuid::new_v4()).collect();
        // The last batch holds a repeat, which must be looked for.
        let repeats = round == 3;
        if repeats {
            ids[0] = sent;
        }
        sent = ids[0];
        let ordinals: Vec<i64> = (0..n).map(|i| (i / streams.len()) as i64 + 1).collect();
        let used: Vec<usize> = (0..streams.len()).filter(|s| per_stream[*s] > 0).collect();
        let s_id: Vec<Uuid> = used.iter().map(|s| streams[*s].0).collect();
        let s_guard: Vec<i64> = used.iter().map(|s| streams[*s].1).collect();
        let s_n: Vec<i64> = used.iter().map(|s| per_stream[*s]).collect();
        let payload: Vec<&[u8]> = vec![b"{}"; n];
        let row = client
            .query_one(
                &statement,
                &[
                    &0_i16,
                    &ids,
                    &vec![0_i64; n],
                    &s_id,
                    &s_guard,
                    &s_n,
                    &s_n,
                    &vec![0_i64; s_id.len()],
                    &(1..=n as i32).collect::<Vec<_>>(),
                    &vec![0_i16; n],
                    &(0..n).map(of).collect::<Vec<_>>(),
                    &ordinals,
                    &ordinals,
                    &vec![16_i16; n],
                    &vec![1_i16; n],
                    &vec![false; n],
                    &vec![Uuid::nil(); n],
                    &payload,
                ],
            )
            .await
            .unwrap();
        assert!(
            row.get::<_, Option<Vec<i32>>>("g_ordinal").is_none(),
            "the test's own guards are right"
        );
        assert_eq!(row.get::<_, Option<Vec<i32>>>("d_ordinal").is_some(), repeats);
    }
    // Notices come on the connection's own task.
    client.batch_execute("SELECT 1").await.unwrap();
    let plans = plans.lock().unwrap().join("\n");
    assert!(
        plans.contains("event_000000_cmd") && plans.contains("stream_pkey"),
        "no plans were reported:\n{plans}"
    );
    for scan in ["Seq Scan", "Bitmap Heap Scan", "Hash Join", "Merge Join"] {
        assert!(!plans.contains(scan), "{scan} in\n{plans}");
    }
}

/// A session with an appender's settings that reports the plans of nested statements as notices.
async fn explaining(test: &TestLog) -> (Client, Arc<Mutex<Vec<String>>>) {
    let (client, mut connection) = tokio_postgres::connect(test.database.url(), NoTls).await.unwrap();
    let plans: Arc<Mutex<Vec<String>>> = Arc::default();
    let collected = Arc::clone(&plans);
    tokio::spawn(async move {
        while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) => {
                    collected.lock().unwrap().push(notice.message().to_owned());
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    client
        .batch_execute(
            "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; \
             SET client_min_messages = log",
        )
        .await
        .unwrap();
    client
        .batch_execute(tidings_eventlog::APPENDER_SESSION)
        .await
        .unwrap();
    (client, plans)
}

#[tokio::test]
async fn messages_do_not_slow_hydration() {
    // Hydration reads control events through their own index, however many messages lie between.
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let appender = test.appender();
    appended(
        appender
            .append(&batch(1, &[proposal(id, 0, vec![control()])]))
            .await
            .unwrap(),
    );
    appended(
        appender
            .append(&batch(1, &[proposal(id, 1, vec![message(); 500])]))
            .await
            .unwrap(),
    );
    // The statements as they were prepared, in the one session that they were prepared in.
    let mut config = LogConfig::from_url(test.database.url())
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    config.pool_size = 1;
    let log = Log::new(config.pool().unwrap(), Duration::from_mins(1));
    assert_eq!(log.steps(1, &[id], 1, 9).await.unwrap().len(), 1);
    assert_eq!(log.controls_after(&[(id, 0, 0)], 10).await.unwrap().len(), 1);
    let session = log.pool().get().await.unwrap();
    let prepared = session
        .query(
            "SELECT name, cardinality(parameter_types)::int8 FROM pg_prepared_statements \
             WHERE statement LIKE 'SELECT e.*%e.control%' ORDER BY 2",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(prepared.len(), 2);
    for row in prepared {
        let (name, arguments): (String, i64) = (row.get(0), row.get(1));
        let arguments = if arguments == 4 {
            format!("1, '{{{id}}}', 1, 9")
        } else {
            format!("'{{1}}', '{{{id}}}', '{{0}}', '{{0}}', 10")
        };
        let explain = format!("EXPLAIN EXECUTE \"{name}\" ({arguments})");
        let rows = session.query(&explain, &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(
            plan.contains("event_000000_ctl") && !plan.contains("Seq Scan"),
            "{plan}"
        );
    }
}

#[tokio::test]
async fn what_is_about_others_is_found_by_indexes_alone() {
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let client = test.client().await;
    // Many events in two segments, a few of which are about others.
    let segment: i64 = client
        .query_one("SELECT log_segment_size()", &[])
        .await
        .unwrap()
        .get(0);
    client
        .batch_execute(&format!(
            "INSERT INTO event SELECT 1, CASE WHEN n <= 20000 THEN n ELSE {segment} + n END, '{id}', n, n, \
                    CASE WHEN n % 10 = 0 THEN 17 + (n / 10) % 3 ELSE 16 END, 1, false, gen_random_uuid(), now(), \
                    gen_random_uuid(), 0, 0, convert_to(format('{{\"message_seq\":%s,\"emoji\":\"%s\",\"on\":true}}', n - 5, n % 7), 'UTF8') \
               FROM generate_series(1, 40000) n",
        ))
        .await
        .unwrap();
    let command: Uuid = client
        .query_one(
            "SELECT command FROM event WHERE lane = 1 AND stream = $1 AND seq = 35",
            &[&id],
        )
        .await
        .unwrap()
        .get(0);
    client.batch_execute("ANALYZE event").await.unwrap();
    let mut config = LogConfig::from_url(test.database.url())
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    config.pool_size = 1;
    let log = Log::new(config.pool().unwrap(), Duration::from_mins(1)).knowing(SUBJECTS);
    let question = Question {
        stream: id,
        command,
        mark: Some((Uuid::nil(), Bytes::from_static(b"x"))),
    };
    assert!(log.subjects(1, &[question]).await.unwrap()[0].is_some());
    let slice = Slice {
        ranges: vec![(id, 1, 50)],
        bytes: 1 << 20,
    };
    assert_eq!(log.slices(&[slice]).await.unwrap()[0].len(), 50);
    assert_eq!(log.lane(1, 0, 50, 50).await.unwrap().len(), 50);
    let session = log.pool().get().await.unwrap();
    for (like, arguments) in [
        (
            "WITH asked%",
            format!("1, '{{{id}}}', '{{{command}}}', '{{{}}}', '{{x}}'", Uuid::nil()),
        ),
        (
            "%PARTITION BY u.page%",
            format!("'{{0}}', '{{1000}}', '{{1}}', '{{{id}}}', '{{1}}', '{{50}}'"),
        ),
        (
            "SELECT%FROM event e WHERE lane = $1 AND pos > $2 AND pos <= $3 ORDER BY pos LIMIT $4%",
            "1, 0, 50, 50".to_owned(),
        ),
    ] {
        let name: String = session
            .query_one(
                "SELECT name FROM pg_prepared_statements WHERE statement LIKE $1",
                &[&like],
            )
            .await
            .unwrap()
            .get(0);
        let rows = session
            .query(
                &format!("EXPLAIN (ANALYZE, BUFFERS) EXECUTE \"{name}\" ({arguments})"),
                &[],
            )
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("_abt"), "{plan}");
        for scan in [
            "Seq Scan",
            "Bitmap Heap Scan",
            "Hash Join",
            "Merge Join",
            "Materialize",
        ] {
            assert!(!plan.contains(scan), "{scan} in\n{plan}");
        }
    }
}
