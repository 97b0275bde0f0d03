//! What an event takes on disk.

use crate::support::{LANES, TestLog, appended, batch, message, proposal, stream};
use tidings_eventlog::Proposal;
use uuid::Uuid;

/// Streams of each lane.
const STREAMS: u64 = 100;
/// Commands of each batch.
const COMMANDS: u64 = 20;
const ROUNDS: u64 = 150;

#[tokio::test]
async fn an_event_without_content_takes_little_room() {
    let test = TestLog::new().await;
    let appender = test.appender();
    for round in 0..ROUNDS {
        for lane in 0..LANES {
            let streams = (0..COMMANDS).map(|n| stream(lane, (round * 7 + n) % STREAMS));
            // As clients make their ids: growing with time, whatever the lane.
            let proposals = streams.map(|stream| Proposal {
                command: Uuid::now_v7(),
                ..proposal(stream, 0, vec![message()])
            });
            let proposals: Vec<Proposal> = proposals.collect();
            appended(appender.append(&batch(lane, &proposals)).await.unwrap());
        }
    }
    let client = test.client().await;
    let sizes = client
        .query(
            "SELECT relname::text, pg_relation_size(oid) FROM pg_class \
              WHERE relname ~ '^event_000000' AND relkind IN ('r', 'i') ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let events = ROUNDS * COMMANDS * u64::from(LANES);
    let each = |row: &tokio_postgres::Row| row.get::<_, i64>(1) as f64 / events as f64;
    let all: f64 = sizes.iter().map(each).sum();
    let named: Vec<(String, f64)> = sizes.iter().map(|row| (row.get(0), each(row))).collect();
    // Its row takes 132, and each of three indexes between 28 and 36 where its pages are full.
    assert!(all < 285.0, "{all:.0} bytes: {named:.0?}");
}
