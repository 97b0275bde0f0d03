//! The runner: read-your-writes, election, and racing workers.

use crate::support::{Crowd, Failures, LANES, PATIENCE, World, eventually};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tidings_eventlog::{Position, Recorded};
use tidings_projections::{Observer, Projector};

/// How many leader locks are held: each lane has one, and another for what lags.
pub(crate) const LEADERS: &str = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted";

/// Takes the lock of whoever leads lane 0, or gives it back.
fn leader_lock(function: &str) -> String {
    let versions = tidings_projections::all().map(|projection| projection.version().to_string());
    let versions = versions.join(".");
    format!("SELECT {function}(hashtextextended('tidings.projections.lane.0.{versions}', 0))")
}

/// A process that is stopped in the middle of a fold keeps its connection, and with it what others wait for.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_a_fold_that_is_silent_for_long() {
    let world = World::new().await;
    world
        .execute(
            "CREATE TABLE patience (of_fold text); \
             CREATE FUNCTION note_patience() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO patience VALUES (current_setting('idle_in_transaction_session_timeout')); RETURN NEW; END $$; \
             CREATE TRIGGER note_patience BEFORE UPDATE ON projection_checkpoint FOR EACH ROW EXECUTE FUNCTION note_patience()",
        )
        .await;
    let running = tokio::spawn(world.projector().run_lane(0));
    world.register(0, "ann").await;
    eventually("it folds", async || {
        world.number("SELECT count(*) FROM patience").await > 0
    })
    .await;
    assert_eq!(
        world.rows("SELECT DISTINCT of_fold FROM patience").await,
        ["(10s)"]
    );
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_waits_until_all_projections_have_passed() {
    let world = World::new().await;
    let projector = world.projector();
    let (checkpoints, wake) = (projector.checkpoints(), projector.wake());
    let runners: Vec<_> = (0..LANES)
        .map(|lane| tokio::spawn(projector.clone().run_lane(lane)))
        .collect();
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 2).await;
    for n in 1..=50 {
        let sent = world.send(talk, ann, "hello", &[]).await;
        wake.lane(sent.lane);
        checkpoints
            .passed(
                Position {
                    lane: sent.lane,
                    pos: sent.pos,
                },
                PATIENCE,
            )
            .await
            .unwrap();
        assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, n);
        assert_eq!(
            world
                .number("SELECT last_msg_no FROM p_conversations_3.conversation")
                .await,
            n
        );
    }
    let lagging = checkpoints
        .passed(Position { lane: 2, pos: 1000 }, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!((lagging.wanted.pos, lagging.at), (1000, 51));
    assert!(
        checkpoints
            .passed(Position { lane: 200, pos: 1 }, Duration::from_millis(50))
            .await
            .is_err()
    );
    // What may lag is waited for by nobody, and comes all the same.
    eventually("everything of the lane is folded", async || {
        let lag = checkpoints.lag();
        let mut of_lane = lag.iter().filter(|lag| lag.lane == 2);
        of_lane.all(|lag| lag.head == 51 && lag.events() == 0)
    })
    .await;
    // Nobody says that there is something: the poll finds it.
    world.send(talk, bob, "hello", &[]).await;
    eventually("the unannounced message is there", async || {
        world.number("SELECT count(*) FROM p_history_4.message").await == 51
    })
    .await;
    runners.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_the_worker_and_takes_over_from_it() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let (first, second) = (world.projector(), world.projector());
    let worker = tokio::spawn(first.clone().run_lane(0));
    let passed = |sent: Recorded| Position {
        lane: 0,
        pos: sent.pos,
    };
    let sent = passed(world.send(talk, ann, "one", &[]).await);
    first.checkpoints().passed(sent, PATIENCE).await.unwrap();
    let follower = tokio::spawn(second.clone().run_lane(0));
    for _ in 0..20 {
        let sent = passed(world.send(talk, ann, "more", &[]).await);
        second.checkpoints().passed(sent, PATIENCE).await.unwrap();
    }
    eventually("each has one leader", async || world.number(LEADERS).await == 2).await;
    worker.abort();
    let sent = passed(world.send(talk, ann, "last", &[]).await);
    second.checkpoints().passed(sent, PATIENCE).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 22);
    follower.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_does_the_work_of_a_silent_worker() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let leader = world.log.pool().get().await.unwrap();
    let lock = &leader_lock("pg_advisory_lock");
    leader.batch_execute(lock).await.unwrap();
    let projector = world.projector();
    let follower = tokio::spawn(projector.clone().run_lane(0));
    let sent = world.send(talk, ann, "hello", &[]).await;
    projector
        .checkpoints()
        .passed(
            Position {
                lane: 0,
                pos: sent.pos,
            },
            PATIENCE,
        )
        .await
        .unwrap();
    follower.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_workers_fold_every_event_once() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 3).await;
    let racing = async {
        let worker = |lane| {
            let projector = world.projector();
            async move {
                let mut folded = 0;
                for _ in 0..60 {
                    folded += projector.catch_up(lane).await.unwrap();
                }
                folded
            }
        };
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..2 {
            for lane in 0..LANES {
                tasks.spawn(worker(lane));
            }
        }
        tasks.join_all().await.into_iter().sum::<u64>()
    };
    let acting = async {
        for _ in 0..300 {
            crowd.act(&world).await;
        }
    };
    let (folded, ()) = tokio::join!(racing, acting);
    let mut rest = 0;
    for lane in 0..LANES {
        rest += world.projector().catch_up(lane).await.unwrap();
    }
    // Each event counts once for the worker that folded it, unless projections went apart.
    assert_eq!(
        folded + rest,
        world.number("SELECT sum(head)::bigint FROM log_lane").await as u64
    );
    assert_eq!(world.number("SELECT count(*) FROM projection_parked").await, 0);
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_outlives_its_connections() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let failures = Arc::new(Failures::default());
    let projector = Projector::new(
        world.log.clone(),
        u16::from(LANES),
        Arc::clone(&failures) as Arc<dyn Observer>,
    );
    let runner = tokio::spawn(projector.clone().run_lane(0));
    let passed = async |sent: Recorded| {
        let position = Position {
            lane: 0,
            pos: sent.pos,
        };
        projector.checkpoints().passed(position, PATIENCE).await.unwrap();
    };
    for _ in 0..3 {
        passed(world.send(talk, ann, "hello", &[]).await).await;
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";
        eventually("workers lead", async || world.number(LEADERS).await == 2).await;
        assert_eq!(world.number(end).await, 2);
        passed(world.send(talk, bob, "hello", &[]).await).await;
    }
    runner.abort();
    assert!(failures.0.lock().unwrap().len() >= 3);
    world.settle().await;
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn a_read_model_ahead_of_the_log_vouches_for_nothing_until_it_is_rebuilt() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    world.settle().await;
    // As after a log was restored and the read models were not.
    world
        .execute("UPDATE projection_checkpoint SET pos = pos + 5 WHERE projection = 'unread' AND lane = 0")
        .await;
    assert_eq!(tidings_projections::ahead(&world.log).await.unwrap(), ["unread"]);
    let projector = world.projector();
    let error = projector.catch_up(0).await.unwrap_err().to_string();
    assert!(error.contains("unread") && error.contains("recover"), "{error}");
    let head = Position { lane: 0, pos: 1 };
    let passed = projector.checkpoints().passed(head, Duration::ZERO).await;
    assert_eq!(passed.unwrap_err().projection, "unread");

    tidings_projections::replay(&world.log, &["unread"], 1, &())
        .await
        .unwrap();
    assert!(tidings_projections::ahead(&world.log).await.unwrap().is_empty());
    world.group("group", &[ann], 0).await;
    projector.catch_up(0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_meets_what_it_does_not_know_leaves_the_lane_to_a_newer_one() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let unknown = world.append_raw(talk, 999, "{}").await;
    let older = world.projector();
    let worker = tokio::spawn(older.clone().run_lane(0));
    let models = ["history", "inbox", "unread"];
    let passed = async |names: &[&str], sent: Recorded| {
        let position = Position {
            lane: 0,
            pos: sent.pos,
        };
        older
            .checkpoints()
            .passed_by(names, position, PATIENCE)
            .await
            .unwrap();
    };
    // It does what it can.
    passed(&models, unknown.clone()).await;
    // A newer one gets the lock, although the older one is there and asks for it as well.
    let newer = world.log.pool().get().await.unwrap();
    let lock = &leader_lock("pg_advisory_lock");
    tokio::time::timeout(PATIENCE, newer.batch_execute(lock))
        .await
        .expect("the lock was kept")
        .unwrap();
    // What the newer one folds, the older one sees and its readers are told of.
    world
        .execute(&format!(
            "UPDATE event SET kind = 6, payload = '{{\"name\":\"new\"}}' WHERE lane = 0 AND pos = {}",
            unknown.pos
        ))
        .await;
    world.projector().catch_up(0).await.unwrap();
    passed(&["conversations"], unknown).await;
    newer
        .batch_execute(&leader_lock("pg_advisory_unlock"))
        .await
        .unwrap();
    // While there is no newer one, the older one goes on.
    let sent = world.send(talk, ann, "hello", &[]).await;
    passed(&["conversations", "history", "inbox", "unread"], sent).await;
    worker.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_leaves_the_lane_to_those_who_know_the_version_of_a_read_model_under_traffic_too() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    // Of the version before or behind: other nodes fold it.
    world
        .execute("UPDATE projection_checkpoint SET version = version + 1 WHERE projection = 'inbox'")
        .await;
    let projector = world.projector();
    let worker = tokio::spawn(projector.clone().run_lane(0));
    let sent = world.send(talk, ann, "hello", &[]).await;
    let position = Position {
        lane: 0,
        pos: sent.pos,
    };
    let models = ["conversations", "history", "unread"];
    let checkpoints = projector.checkpoints();
    checkpoints.passed_by(&models, position, PATIENCE).await.unwrap();
    let other = world.log.pool().get().await.unwrap();
    let lock = &leader_lock("pg_advisory_lock");
    let talking = async {
        loop {
            world.send(talk, bob, "hello", &[]).await;
            projector.wake().lane(0);
        }
    };
    tokio::select! {
        got = tokio::time::timeout(PATIENCE, other.batch_execute(lock)) => got.expect("the lock was kept").unwrap(),
        () = talking => {}
    }
    worker.abort();
}

/// Counts how often the state of a read model was looked at.
#[derive(Default)]
struct Looks(AtomicUsize);

impl Observer for Looks {
    fn stands(&self, _lane: u8, projection: &str, _head: u64, _pos: Option<u64>) {
        self.0
            .fetch_add(usize::from(projection == "history"), Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_in_no_haste_where_nobody_can_go_on_and_does_what_can_be_done() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    world.append_raw(talk, 999, "{}").await;
    let leader = world.log.pool().get().await.unwrap();
    let lock = &leader_lock("pg_advisory_lock");
    leader.batch_execute(lock).await.unwrap();
    let looks = Arc::new(Looks::default());
    let projector = Projector::new(
        world.log.clone(),
        u16::from(LANES),
        Arc::clone(&looks) as Arc<dyn Observer>,
    );
    let follower = tokio::spawn(projector.clone().run_lane(0));
    // The worker is silent, and one read model waits for a newer program: the others are folded all the same.
    let models = ["history", "inbox", "unread"];
    for _ in 0..2 {
        let sent = world.send(talk, ann, "hello", &[]).await;
        let position = Position {
            lane: 0,
            pos: sent.pos,
        };
        let checkpoints = projector.checkpoints();
        checkpoints.passed_by(&models, position, PATIENCE).await.unwrap();
    }
    // Ten looks a second and no more, though what it waits for does not come.
    let (before, begun) = (looks.0.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let many = looks.0.load(Ordering::Relaxed) - before;
    let took = begun.elapsed();
    assert!(many <= 20 * took.as_secs() as usize, "{many} looks in {took:?}");
    follower.abort();
}

/// Remembers how many events each fold took, but those of what lags.
#[derive(Default)]
struct Folds(Mutex<Vec<usize>>);

impl Observer for Folds {
    fn applied(&self, _lane: u8, projections: &[&str], events: usize) {
        if projections != ["search"] {
            self.0.lock().unwrap().push(events);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_now_and_then_is_folded_together() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let folds = Arc::new(Folds::default());
    let projector = Projector::new(
        world.log.clone(),
        u16::from(LANES),
        Arc::clone(&folds) as Arc<dyn Observer>,
    );
    let runner = tokio::spawn(projector.clone().run_lane(0));
    let begun = Instant::now();
    let mut sent = 0;
    while sent < 50 || begun.elapsed() < Duration::from_secs(1) {
        world.send(talk, ann, "hello", &[]).await;
        projector.wake().lane(0);
        sent += 1;
    }
    eventually("all of it is there", async || {
        world.number("SELECT count(*) FROM p_history_4.message").await == sent
    })
    .await;
    // Ten a second, and some at the ends.
    let most = begun.elapsed().as_millis() / 100 + 3;
    let folds = folds.0.lock().unwrap().len();
    assert!(
        folds as u128 <= most,
        "{folds} folds of {sent} events, where {most} do"
    );
    runner.abort();
}

#[tokio::test]
async fn a_fold_takes_no_more_bytes_than_it_can_bear() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let payload = format!(
        r#"{{"content":{{"kind":"text","text":"hello"}},"padding":"{}"}}"#,
        "x".repeat(1 << 20)
    );
    for _ in 0..20 {
        world.append_raw(talk, 16, &payload).await;
    }
    let folds = Arc::new(Folds::default());
    let projector = Projector::new(
        world.log.clone(),
        u16::from(LANES),
        Arc::clone(&folds) as Arc<dyn Observer>,
    );
    assert_eq!(projector.catch_up(0).await.unwrap(), 23);
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 20);
    let folds = folds.0.lock().unwrap();
    assert!(folds.iter().all(|events| *events <= 12), "{folds:?}");
}

#[tokio::test]
async fn a_log_that_answers_slowly_is_read_in_smaller_ranges() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    for _ in 0..120 {
        world.send(talk, ann, "hello", &[]).await;
    }
    // Each event takes a while: all of them take far longer than a read may, and some do not.
    world
        .execute(
            "ALTER TABLE event RENAME TO stored; \
             CREATE FUNCTION takes_a_while() RETURNS bool LANGUAGE plpgsql COST 10 AS \
             'BEGIN PERFORM pg_sleep(0.05); RETURN true; END'; \
             CREATE VIEW event AS SELECT * FROM stored WHERE takes_a_while()",
        )
        .await;
    let log = tidings_eventlog::Log::new(world.log.pool().clone(), Duration::from_secs(3));
    let projector = Projector::new(log, u16::from(LANES), Arc::new(()));
    // On a busy machine one event alone may take too long. What was folded before it is not read again.
    eventually("it is all read", async || projector.catch_up(0).await.is_ok()).await;
    assert_eq!(
        world.number("SELECT count(*) FROM p_history_4.message").await,
        120
    );
}
