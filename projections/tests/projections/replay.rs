//! Rebuilding and verifying.

use crate::support::{Crowd, Failures, LANES, PATIENCE, World, eventually};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tidings_eventlog::{LogConfig, Position, schema};
use tidings_projections::{
    DifferenceKind, Observer, Progress, ProjectionError, Projector, Stage, replay, rollback, setup, verify,
};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_equals_the_live_read_models_whatever_the_ranges_and_workers() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 5).await;
    for n in 0..1000 {
        crowd.act(&world).await;
        // Ranges of many sizes, and lanes in many orders.
        if n % 11 == 0 {
            world.projector().catch_up((n % 3) as u8).await.unwrap();
        }
    }
    world.settle().await;
    let live = world.everything().await;
    assert!(live.values().all(|rows| !rows.is_empty()));
    for workers in [1, 4] {
        let replayed = replay(&world.log, &[], workers, &()).await.unwrap();
        assert_eq!(
            replayed.events,
            world.number("SELECT sum(head)::bigint FROM log_lane").await as u64
        );
        assert_eq!(world.everything().await, live, "{workers} workers");
    }
    assert_eq!(
        world.schemas().await,
        [
            "(p_announcements)",
            "(p_attachments_4)",
            "(p_conversations_3)",
            "(p_groups_3)",
            "(p_history_4)",
            "(p_inbox_3)",
            "(p_people_3)",
            "(p_search_2)",
            "(p_unread_6)"
        ]
    );
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_beside_a_running_server_loses_nothing() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 7).await;
    let failures = Arc::new(Failures::default());
    let projector = Projector::new(
        world.log.clone(),
        u16::from(LANES),
        Arc::clone(&failures) as Arc<dyn Observer>,
    );
    let runners: Vec<_> = (0..LANES)
        .map(|lane| tokio::spawn(projector.clone().run_lane(lane)))
        .collect();
    let talking = async {
        for _ in 0..600 {
            crowd.act(&world).await;
        }
    };
    let rebuilding = async {
        for names in [&[][..], &["unread", "inbox"], &["history"], &[]] {
            replay(&world.log, names, 2, &()).await.unwrap();
        }
        for name in ["history", "inbox", "history"] {
            rollback(&world.log, name, 2, &()).await.unwrap();
        }
    };
    // A reader with prepared statements never meets a missing table.
    let reading = async {
        let client = world.log.pool().get().await.unwrap();
        let count = client
            .prepare("SELECT count(*) FROM p_history_4.message")
            .await
            .unwrap();
        let mut seen = 0;
        for _ in 0..300 {
            let now: i64 = client.query_one(&count, &[]).await.unwrap().get(0);
            assert!(now >= seen, "history shrank from {seen} to {now}");
            seen = now;
        }
    };
    tokio::join!(talking, rebuilding, reading);
    for head in world.log.heads().await.unwrap() {
        let position = Position {
            lane: head.lane,
            pos: head.head,
        };
        projector.checkpoints().passed(position, PATIENCE).await.unwrap();
    }
    world.assert_as_the_log_says().await;
    assert_eq!(
        world
            .number("SELECT count(*) FROM projection_checkpoint WHERE projection NOT LIKE '%\\_old'")
            .await,
        36
    );
    assert_eq!(world.number("SELECT count(*) FROM projection_parked").await, 0);
    // The runner's own prepared statements write to the new tables.
    let before = world.number("SELECT count(*) FROM p_history_4.message").await;
    for _ in 0..40 {
        crowd.act(&world).await;
    }
    eventually("the runner went on", async || {
        world.number("SELECT count(*) FROM p_history_4.message").await > before
    })
    .await;
    runners.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(*failures.0.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_difference_is_found() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 9).await;
    for _ in 0..200 {
        crowd.act(&world).await;
    }
    world.settle().await;
    // Live tables behind the head are compared with the log as far as they have come.
    for _ in 0..30 {
        crowd.act(&world).await;
    }
    world.assert_as_the_log_says().await;
    world.execute("UPDATE p_unread_6.read_position SET msg_no = msg_no + 1 WHERE (user_id, conversation) = (SELECT user_id, conversation FROM p_unread_6.read_position ORDER BY 1, 2 LIMIT 1)").await;
    world.execute("DELETE FROM p_history_4.message WHERE (conversation, seq) = (SELECT conversation, seq FROM p_history_4.message ORDER BY 1, 2 LIMIT 1)").await;
    world.execute("INSERT INTO p_unread_6.mention VALUES ('ffffffff-0000-4000-8000-000000000000', 'ffffffff-0000-4000-8000-000000000000', 5, 1)").await;
    let report = verify(&world.log, &[], 2, &()).await.unwrap();
    assert!(!report.is_equal());
    let of = |table: &str| report.tables.iter().find(|found| found.table == table).unwrap();
    assert_eq!(
        of("read_position")
            .differences
            .iter()
            .map(|found| found.kind)
            .collect::<Vec<_>>(),
        [DifferenceKind::Changed]
    );
    assert_eq!(of("message").differences[0].kind, DifferenceKind::Missing);
    assert_eq!(of("message").rows + 1, of("message").rows_from_log);
    let mention = &of("mention").differences;
    assert_eq!(mention[0].kind, DifferenceKind::Unexpected);
    assert_eq!(mention[0].key[2], "5");
    assert!(
        of("delivered").equal
            && of("membership").equal
            && of("member").equal
            && of("person").equal
            && of("conversation").equal
    );
    // Nothing of the check stays behind, and a rebuild puts things right.
    assert_eq!(world.schemas().await.len(), 9);
    replay(&world.log, &["unread", "history"], 2, &()).await.unwrap();
    world.assert_as_the_log_says().await;
}

/// Remembers what it was told.
#[derive(Default)]
struct Told {
    stages: Mutex<Vec<Stage>>,
    steps: Mutex<Vec<(u64, u64)>>,
}

impl Progress for Told {
    fn lane(&self, _lane: u8, done: u64, total: u64) {
        self.steps.lock().unwrap().push((done, total));
    }

    fn stage(&self, stage: Stage) {
        self.stages.lock().unwrap().push(stage);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_of_many_ranges_tells_its_progress() {
    let world = World::new().await;
    let ann = world.register(1, "ann").await;
    let group = world.group("g", &[ann], 1).await;
    world.write_messages(group, ann, 12000).await;
    let told = Told::default();
    let replayed = replay(&world.log, &[], 4, &told).await.unwrap();
    assert_eq!(replayed.positions[&1], 12002);
    assert_eq!(
        world.number("SELECT count(*) FROM p_history_4.message").await,
        12000
    );
    assert_eq!(
        world.number("SELECT msg_no FROM p_unread_6.own_position").await,
        12000
    );
    assert_eq!(
        told.stages.into_inner().unwrap(),
        [
            Stage::Building,
            Stage::Indexing,
            Stage::Comparing,
            Stage::Settling,
            Stage::Swapping
        ]
    );
    assert_eq!(
        told.steps.into_inner().unwrap(),
        [(5000, 12002), (10000, 12002), (12002, 12002)]
    );
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_rebuild_runs_and_unknown_names_are_refused() {
    let world = World::new().await;
    world.register(0, "ann").await;
    let both = tokio::join!(replay(&world.log, &[], 2, &()), replay(&world.log, &[], 2, &()));
    let done = [both.0.is_ok(), both.1.is_ok()];
    assert!(done.contains(&true), "{done:?}");
    let leader = world.log.pool().get().await.unwrap();
    leader
        .batch_execute("SELECT pg_advisory_lock(hashtextextended('tidings.projections.rebuild', 0))")
        .await
        .unwrap();
    assert!(matches!(
        replay(&world.log, &[], 2, &()).await,
        Err(ProjectionError::Busy)
    ));
    assert!(matches!(
        verify(&world.log, &[], 2, &()).await,
        Err(ProjectionError::Busy)
    ));
    assert!(matches!(
        replay(&world.log, &["nonsense"], 2, &()).await,
        Err(ProjectionError::Unknown(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_can_be_built_where_there_are_none_and_a_dropped_one_starts_anew() {
    let world = World::bare().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    world.send(group, ann, "hello", &[]).await;
    assert!(matches!(
        verify(&world.log, &[], 2, &()).await,
        Err(ProjectionError::Missing(_))
    ));
    replay(&world.log, &[], 2, &()).await.unwrap();
    assert!(setup(world.log.pool()).await.unwrap().is_empty());
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 1);
    world.execute("DROP SCHEMA p_history_4 CASCADE").await;
    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history"]);
    replay(&world.log, &["history"], 2, &()).await.unwrap();
    assert!(setup(world.log.pool()).await.unwrap().is_empty());
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 1);
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_where_all_is_there_waits_for_nobody() {
    let world = World::new().await;
    let mut making = world.log.pool().get().await.unwrap();
    let making = making.transaction().await.unwrap();
    making
        .batch_execute("SELECT pg_advisory_xact_lock(hashtextextended('tidings.projections', 0))")
        .await
        .unwrap();
    assert!(setup(world.log.pool()).await.unwrap().is_empty());
    // Where something is to be made, one after the other makes it.
    world
        .execute("DELETE FROM projection_checkpoint WHERE projection = 'history' AND lane = 0")
        .await;
    assert!(setup(world.log.pool()).await.is_err());
    making.rollback().await.unwrap();
    assert!(setup(world.log.pool()).await.unwrap().is_empty());
    let lanes = "SELECT count(*) FROM projection_checkpoint WHERE projection = 'history'";
    assert_eq!(world.number(lanes).await, i64::from(LANES));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_fails_leaves_everything_as_it_was() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 13).await;
    for _ in 0..50 {
        crowd.act(&world).await;
    }
    world.settle().await;
    let before = world.everything().await;
    // A hole in the log must never pass unnoticed.
    world
        .execute("ALTER TABLE event RENAME TO kept; CREATE VIEW event AS SELECT * FROM kept WHERE pos <> 3")
        .await;
    assert!(matches!(
        replay(&world.log, &[], 2, &()).await,
        Err(ProjectionError::Hole { .. })
    ));
    world
        .execute("DROP VIEW event; ALTER TABLE kept RENAME TO event")
        .await;
    assert_eq!(world.everything().await, before);
    assert_eq!(world.schemas().await.len(), 9);
    assert_eq!(
        world.number("SELECT count(*) FROM projection_checkpoint").await,
        36
    );
    world.assert_as_the_log_says().await;
}

/// Does something when a rebuild comes to a stage for the first time, which waits for it.
struct At<A> {
    stage: Stage,
    act: A,
    is_done: AtomicBool,
}

impl<A: AsyncFn()> At<A> {
    fn new(stage: Stage, act: A) -> Self {
        Self {
            stage,
            act,
            is_done: AtomicBool::new(false),
        }
    }
}

impl<A: AsyncFn() + Send + Sync> Progress for At<A> {
    fn stage(&self, stage: Stage) {
        if stage == self.stage && !self.is_done.swap(true, Ordering::Relaxed) {
            block_in_place(|| Handle::current().block_on((self.act)()));
        }
    }
}

/// Adds a lane, in which a message is sent that the live read models have at once.
async fn talk_in_another_lane(world: &World) {
    let config = LogConfig::from_url(&world.url).unwrap().with_timeout(PATIENCE);
    schema::migrate(&config, u16::from(LANES) + 1).await.unwrap();
    setup(world.log.pool()).await.unwrap();
    let zoe = world.register(LANES, "zoe").await;
    let group = world.group("late", &[zoe], LANES).await;
    world.send(group, zoe, "hello", &[]).await;
    world.projector().catch_up(LANES).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_a_lane_that_is_added_during_a_rebuild_or_a_rollback_is_in_what_goes_live() {
    for stage in [Stage::Indexing, Stage::Settling] {
        for is_rollback in [false, true] {
            let world = World::new().await;
            let ann = world.register(0, "ann").await;
            let group = world.group("g", &[ann], 0).await;
            world.send(group, ann, "hello", &[]).await;
            world.settle().await;
            let adding = At::new(stage, async || talk_in_another_lane(&world).await);
            if is_rollback {
                replay(&world.log, &["history"], 2, &()).await.unwrap();
                rollback(&world.log, "history", 2, &adding).await.unwrap();
            } else {
                replay(&world.log, &["history"], 2, &adding).await.unwrap();
            }
            assert!(adding.is_done.load(Ordering::Relaxed));
            let messages = world.number("SELECT count(*) FROM p_history_4.message").await;
            assert_eq!(messages, 2, "{stage:?}, rollback: {is_rollback}");
            let behind = "SELECT count(*) FROM projection_checkpoint c JOIN log_lane l ON l.lane = c.lane \
                          WHERE c.projection = 'history' AND c.pos < l.head";
            assert_eq!(world.number(behind).await, 0);
            world.assert_as_the_log_says().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_lost_its_places_does_not_go_live() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    world.send(group, ann, "hello", &[]).await;
    world.settle().await;
    let losing = At::new(Stage::Settling, async || {
        let lost = "DELETE FROM projection_checkpoint WHERE projection = 'history_next'";
        world.execute(lost).await;
    });
    let replayed = replay(&world.log, &["history"], 1, &losing).await;
    assert!(
        matches!(replayed, Err(ProjectionError::Missing("history"))),
        "{replayed:?}"
    );
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 1);
    world.assert_as_the_log_says().await;
}
