//! A seeded log is what a node would have written.

#![expect(clippy::unwrap_used, reason = "a test may end at what must not happen")]

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tidings_bench::people;
use tidings_domain::stored::{Kind, decode};
use tidings_eventlog::{Appender, Batch, Log, LogConfig, NewEvent, Outcome, Proposal, schema};
use tidings_scale::seed::{Wanted, seed};
use tidings_stand::{Stand, StandOptions, find_program};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// With more members in a group than are named when it is made.
const EVENTS: u64 = 5_000;
const GROUPS: [usize; 2] = [10, 1_050];

/// Everything but times, which say when something was really appended.
const EVENT_ROWS: &str = "SELECT md5(string_agg(e::text, '|' ORDER BY lane, pos)) FROM \
    (SELECT lane, pos, stream, seq, msg_no, kind, ver, control, actor, command, idx, digest, payload FROM event) e";
const STREAM_ROWS: &str = "SELECT md5(string_agg(s::text, '|' ORDER BY lane, stream)) FROM \
    (SELECT lane, stream, head_seq, msg_no, guard_seq FROM stream) s";
const LANE_ROWS: &str =
    "SELECT md5(string_agg(l::text, '|' ORDER BY lane)) FROM (SELECT lane, head FROM log_lane) l";
/// How many times are wrong: in lanes, of streams, of lanes.
const WRONG_TIMES: &str = "SELECT \
    (SELECT count(*) FROM (SELECT at - lag(at) OVER (PARTITION BY lane ORDER BY pos) AS step FROM event) e \
      WHERE step <= interval '0') + \
    (SELECT count(*) FROM stream s WHERE s.last_at <> (SELECT max(at) FROM event e WHERE e.lane = s.lane AND e.stream = s.stream)) + \
    (SELECT count(*) FROM log_lane l WHERE l.head > 0 AND l.last_at <> (SELECT max(at) FROM event e WHERE e.lane = l.lane))";

#[tokio::test(flavor = "multi_thread")]
async fn a_seeded_log_is_as_if_appended() {
    let stand = Stand::start(&StandOptions::new(find_program().unwrap()))
        .await
        .unwrap();
    let node = &stand.nodes()[0];
    let people = people::register(node, 2).await.unwrap();
    node.stop(Duration::from_secs(30)).await;
    let wanted = Wanted {
        events: EVENTS,
        groups: GROUPS.to_vec(),
        reader: people[0].user,
        sender: people[1].user,
    };
    let url = stand.database_url();
    let seeded = seed(&url, wanted).await.unwrap();
    assert_eq!(seeded.events, EVENTS);
    assert_eq!(seeded.listed.len(), 200);
    assert_eq!(seeded.groups.len(), GROUPS.len());

    let client = connect(&url).await;
    let count: i64 = client
        .query_one("SELECT count(*) FROM event", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(count as u64, EVENTS);
    let wrong: i64 = client.query_one(WRONG_TIMES, &[]).await.unwrap().get(0);
    assert_eq!(wrong, 0, "times that stand still or do not agree");
    let recent: bool = client
        .query_one(
            "SELECT min(at) > now() - interval '15 days' AND max(at) < now() FROM event",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(recent);

    append_anew(&stand, &client).await;
    go_on(&url, seeded.archive.conversation, seeded.archive.messages).await;

    // What the projections make of it, and nothing parked.
    let printed = node.run(&["replay"], Duration::from_mins(5)).await.unwrap();
    assert!(printed.contains("0 parked"), "{printed}");
    let printed = node.run(&["verify"], Duration::from_mins(5)).await.unwrap();
    assert!(printed.contains("rebuilt equals live"), "{printed}");
    node.launch(&[]).await.unwrap();
    node.ready().await.unwrap();
    stand.stop().await;
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    // Ends with the client.
    tokio::spawn(connection);
    client
}

/// Appends everything to an empty log in the usual way: the tables are then the same.
async fn append_anew(stand: &Stand, client: &Client) {
    stand.postgres().ensure_database("anew").await.unwrap();
    let config = LogConfig::from_url(&stand.postgres().url("anew"))
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    schema::migrate(&config, 4).await.unwrap();
    let appender = Appender::new(config);
    let rows = client
        .query(
            "SELECT lane, stream, kind, ver, control, actor, command, digest, payload FROM event ORDER BY lane, pos",
            &[],
        )
        .await
        .unwrap();
    // Seq of the last event, and of the last control event, of each stream.
    let mut guards: HashMap<Uuid, (u64, u64)> = HashMap::new();
    for lane in 0..4_u8 {
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| row.get::<_, i16>(0) == i16::from(lane))
            .collect();
        assert!(!rows.is_empty(), "lane {lane} is empty");
        for part in rows.chunks(300) {
            let mut batch = Batch::new(lane);
            for row in part {
                let (kind, payload): (i16, &[u8]) = (row.get(2), row.get(8));
                decode(kind, row.get(3), payload).unwrap();
                let (seq, guard) = guards.entry(row.get(1)).or_default();
                batch.push(&Proposal {
                    stream: row.get(1),
                    command: row.get(6),
                    digest: row.get(7),
                    actor: row.get(5),
                    guard: *guard,
                    events: vec![NewEvent {
                        kind,
                        ver: row.get(3),
                        control: row.get(4),
                        countable: Kind(kind).is_countable(),
                        payload: Bytes::copy_from_slice(payload),
                    }],
                });
                *seq += 1;
                if row.get(4) {
                    *guard = *seq;
                }
            }
            let outcome = appender.append(&batch).await.unwrap();
            assert!(matches!(outcome, Outcome::Appended(_)), "{outcome:?}");
        }
    }
    let anew = connect(&stand.postgres().url("anew")).await;
    for sql in [EVENT_ROWS, STREAM_ROWS, LANE_ROWS] {
        let seeded: String = client.query_one(sql, &[]).await.unwrap().get(0);
        let appended: String = anew.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(seeded, appended, "{sql}");
    }
}

/// Appends on top of the seeded log, and reads across the seam.
async fn go_on(url: &str, archive: Uuid, messages: u64) {
    let config = LogConfig::from_url(url)
        .unwrap()
        .with_timeout(Duration::from_mins(1));
    let log = Log::new(config.pool().unwrap(), config.timeout);
    let appender = Appender::new(config);
    let last = log
        .stream(archive, messages + 1, messages + 1, 10)
        .await
        .unwrap()
        .remove(0);
    let lane = last.lane;
    let mut proposal = Proposal {
        stream: archive,
        command: Uuid::now_v7(),
        digest: 1,
        actor: last.actor,
        guard: 1,
        events: vec![NewEvent {
            kind: last.kind,
            ver: last.ver,
            control: false,
            countable: true,
            payload: last.payload.clone(),
        }],
    };
    let mut batch = Batch::new(lane);
    batch.push(&proposal);
    let Outcome::Appended(appended) = appender.append(&batch).await.unwrap() else {
        panic!("a new message was refused");
    };
    let new = &appended.of(0)[0];
    assert_eq!((new.seq, new.msg_no), (messages + 2, messages + 1));
    assert!(new.at > last.at);
    let read = log.stream(archive, messages + 1, u64::MAX, 10).await.unwrap();
    assert_eq!(read, [last.clone(), new.clone()]);

    // A seeded command is known, and so is a seeded guard.
    proposal.command = last.command;
    let mut batch = Batch::new(lane);
    batch.push(&proposal);
    let Outcome::Refused { repeats, .. } = appender.append(&batch).await.unwrap() else {
        panic!("a repeat was appended");
    };
    assert_eq!((repeats[0].pos, repeats[0].seq), (last.pos, last.seq));
    proposal.command = Uuid::now_v7();
    proposal.guard = 7;
    let mut batch = Batch::new(lane);
    batch.push(&proposal);
    let Outcome::Refused { stale, .. } = appender.append(&batch).await.unwrap() else {
        panic!("a stale decision was appended");
    };
    assert_eq!(stale[0].guard, 1);
}
