//! What must hold of every log at any time, as one SQL check each.

use crate::support::TestLog;

/// Fails with the first broken invariant.
pub(crate) async fn check(test: &TestLog) {
    let client = test.client().await;
    let checks = [
        (
            "lanes are dense and heads true",
            "SELECT l.lane::text FROM log_lane l LEFT JOIN (SELECT lane, min(pos) first, max(pos) last, count(*) n, count(DISTINCT pos) d \
             FROM event GROUP BY lane) e USING (lane) \
             WHERE l.head <> coalesce(e.last, 0) OR l.head <> coalesce(e.n, 0) OR l.head <> coalesce(e.d, 0) OR coalesce(e.first, 1) <> 1",
        ),
        (
            "streams are dense and heads true",
            "SELECT s.stream::text FROM stream s LEFT JOIN (SELECT lane, stream, min(seq) first, max(seq) last, count(*) n, count(DISTINCT seq) d, \
             count(*) FILTER (WHERE kind = 16) messages, max(seq) FILTER (WHERE control) guard FROM event GROUP BY lane, stream) e USING (lane, stream) \
             WHERE s.head_seq <> e.last OR s.head_seq <> e.n OR s.head_seq <> e.d OR e.first <> 1 OR s.msg_no <> e.messages \
                OR s.guard_seq <> coalesce(e.guard, 0) OR e.n IS NULL",
        ),
        (
            "every stream of an event has a head",
            "SELECT e.stream::text FROM event e WHERE NOT EXISTS (SELECT 1 FROM stream s WHERE s.lane = e.lane AND s.stream = e.stream)",
        ),
        (
            "the order of positions is the order of every stream, of msg_no and of time",
            "SELECT pos::text FROM (SELECT pos, seq, lag(seq) OVER w AS before, msg_no, lag(msg_no) OVER w AS messages_before, kind \
             FROM event WINDOW w AS (PARTITION BY lane, stream ORDER BY pos)) e WHERE seq <> coalesce(before, 0) + 1 \
                OR msg_no <> coalesce(messages_before, 0) + (kind = 16)::int",
        ),
        (
            "time never goes back in a lane",
            "SELECT pos::text FROM (SELECT pos, at, lag(at) OVER (PARTITION BY lane ORDER BY pos) AS before FROM event) e WHERE at < before",
        ),
        (
            "no command is there twice",
            "SELECT command::text FROM event GROUP BY lane, command, idx HAVING count(*) > 1",
        ),
        (
            "a command's events stand together",
            "SELECT command::text FROM event GROUP BY lane, command HAVING max(pos) - min(pos) <> max(idx) OR count(DISTINCT stream) > 1",
        ),
    ];
    for (law, sql) in checks {
        let rows = client.query(&format!("{sql} LIMIT 1"), &[]).await.unwrap();
        if let Some(row) = rows.first() {
            panic!("broken: {law}: {}", row.get::<_, String>(0));
        }
    }
}
