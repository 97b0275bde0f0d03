//! What statements on the log must look like for a lane to be a closed world, which may lie anywhere and be moved.

use crate::subjects::SUBJECTS;
use crate::support::{TestLog, appended, batch, control, message, proposal, stream};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use std::time::Duration;
use tidings_eventlog::{Keep, Log, LogConfig, NoticeRange, Outcome, Question, Slice, Wanted};

/// How often a statement reads or changes rows of the log, and how often it says of which lane.
fn names(sql: &str) -> (usize, usize) {
    let sql: String = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let tables = [
        "FROM event ",
        "FROM stream ",
        "FROM stream_state ",
        "UPDATE stream ",
        "UPDATE log_lane ",
    ];
    let tables = tables.iter().map(|table| sql.matches(table).count()).sum();
    (tables, sql.matches("lane = ").count())
}

#[tokio::test]
async fn every_read_of_events_and_streams_names_their_lane() {
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let mut config = LogConfig::from_url(test.database.url())
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    config.pool_size = 1;
    let log = Log::new(config.pool().unwrap(), Duration::from_mins(1)).knowing(SUBJECTS);
    // So that what is found is asked for, too.
    let events = proposal(id, 0, vec![message()]);
    appended(test.appender().append(&batch(1, &[events])).await.unwrap());
    log.lane(1, 0, 9, 9).await.unwrap();
    log.lane_in(1, 1, 0, 9, 9).await.unwrap();
    log.lane_within(1, 0, 9, 9, 9).await.unwrap();
    log.lane_of_kinds(1, (0, 9), Utc::now() + TimeDelta::hours(1), Some(&[16]), 9)
        .await
        .unwrap();
    log.stream(id, 0, 9, 9).await.unwrap();
    log.steps(1, &[id], 1, 9).await.unwrap();
    log.controls_after(&[(id, 0, 0)], 9).await.unwrap();
    log.doubts(1, &[(id, id)]).await.unwrap();
    log.stream_heads(&[id]).await.unwrap();
    log.msg_nos(&[(id, 1)]).await.unwrap();
    log.newest(id, 16, 0, 9).await.unwrap();
    let notices = NoticeRange {
        stream: id,
        after: 0,
        to: 9,
    };
    log.find_notices(&[notices], &[9]).await.unwrap();
    log.notices(notices, 9, 9).await.unwrap();
    log.placed(id, &[16], &[id]).await.unwrap();
    log.written(1, &[16], &[(id, id)]).await.unwrap();
    log.origins(16, &[(id, id)]).await.unwrap();
    let slice = Slice {
        ranges: vec![(id, 1, 9)],
        bytes: 9,
    };
    log.slices(&[slice]).await.unwrap();
    let question = Question {
        stream: id,
        command: id,
        mark: Some((id, Bytes::from_static(b"x"))),
    };
    log.subjects(1, &[question]).await.unwrap();
    let (all, now) = (Wanted::default(), Utc::now());
    log.lane_outlines(1, 0, 9, &all, 9).await.unwrap();
    log.stream_outlines(id, 0, 9, &all, 9).await.unwrap();
    log.lane_before(1, 9, now).await.unwrap();
    log.stream_before(id, 9, now).await.unwrap();
    log.trace(id, id, 20).await.unwrap();
    log.stream_upto(id, 9, 9).await.unwrap();
    log.controls_upto(id, (0, 9), &[16], 9).await.unwrap();
    log.marks_upto(id, &[1], 9, 9).await.unwrap();
    let keep = Keep {
        lane: 1,
        stream: id,
        epoch: 1,
        seq: 1,
        form: 1,
        state: vec![],
    };
    log.keep(&keep).await.unwrap();
    let session = log.pool().get().await.unwrap();
    let statements = session
        .query("SELECT statement FROM pg_prepared_statements", &[])
        .await
        .unwrap();
    let mut seen = 0;
    for row in statements {
        let sql: String = row.get(0);
        let (tables, lanes) = names(&sql);
        assert!(lanes >= tables, "{sql}");
        seen += usize::from(tables > 0);
    }
    assert_eq!(seen, 28, "a read that is not tested, or one that is gone");
}

#[tokio::test]
async fn an_append_begins_with_a_write_and_names_the_lane_in_every_statement() {
    let test = TestLog::new().await;
    let client = test.client().await;
    let body = async |name: &str, arguments: i16| -> String {
        let sql = "SELECT prosrc FROM pg_proc WHERE proname = $1 AND pronargs = $2";
        client.query_one(sql, &[&name, &arguments]).await.unwrap().get(0)
    };
    let append = body("append_lane", 20).await;
    let code: Vec<&str> = append
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let code = code.join("\n");
    let first = code.split_once("\nBEGIN").unwrap().1.trim_start();
    assert!(first.starts_with("UPDATE log_lane"), "{first}");
    for body in [code, body("log_repeats", 3).await] {
        let (tables, lanes) = names(&body);
        assert!(tables > 0 && lanes >= tables, "{body}");
    }
}

#[tokio::test]
async fn a_refused_batch_leaves_the_lane_where_it_was() {
    let test = TestLog::new().await;
    let id = stream(1, 1);
    let appender = test.appender();
    let first = proposal(id, 0, vec![control()]);
    appended(
        appender
            .append(&batch(1, std::slice::from_ref(&first)))
            .await
            .unwrap(),
    );
    let head = test.log.heads().await.unwrap()[1];
    // For a repeat found by the insert, for a guard, and for both.
    let stale = proposal(id, 7, vec![control()]);
    let other = proposal(stream(1, 2), 0, vec![control()]);
    for proposals in [
        vec![
            other.clone(),
            tidings_eventlog::Proposal {
                guard: 1,
                ..first.clone()
            },
        ],
        vec![other.clone(), stale],
        vec![other, tidings_eventlog::Proposal { guard: 5, ..first }],
    ] {
        let outcome = appender.append(&batch(1, &proposals)).await.unwrap();
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        assert_eq!(test.log.heads().await.unwrap()[1], head);
        assert!(test.log.stream_heads(&[stream(1, 2)]).await.unwrap()[0].is_none());
    }
    crate::invariants::check(&test).await;
}

#[tokio::test]
async fn rows_of_the_log_can_be_told_apart_by_those_who_follow_it_from_outside() {
    let test = TestLog::new().await;
    let without = "SELECT c.relname FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid \
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace \
         AND (c.relname IN ('log_lane', 'stream') OR i.inhparent = 'event'::regclass) \
         AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND (x.indisreplident OR c.relreplident = 'd' AND x.indisprimary))";
    let client = test.client().await;
    // Also of one that is made later.
    client
        .batch_execute("SELECT log_ensure_segments(3)")
        .await
        .unwrap();
    let rows = client.query(without, &[]).await.unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, [""; 0]);
    let segments = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'event'::regclass";
    assert_eq!(client.query_one(segments, &[]).await.unwrap().get::<_, i64>(0), 4);
}
