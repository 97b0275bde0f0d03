//! New versions of read models beside those that are live.

use crate::support::{Crowd, LANES, PATIENCE, World, eventually};
use std::time::Duration;
use tidings_eventlog::{Position, Recorded};
use tidings_projections::{Projector, setup};
use tokio::time::timeout;

/// Runs all lanes.
fn run(projector: &Projector) -> tokio::task::JoinSet<()> {
    let mut lanes = tokio::task::JoinSet::new();
    for lane in 0..LANES {
        lanes.spawn(projector.clone().run_lane(lane));
    }
    lanes
}

fn position(of: &Recorded) -> Position {
    Position {
        lane: of.lane,
        pos: of.pos,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_built_beside_the_old_one_and_nobody_waits_but_its_readers() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 17).await;
    for _ in 0..300 {
        crowd.act(&world).await;
    }
    world.settle().await;
    world.forget_version(&["history", "unread"]).await;

    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history", "unread"]);
    let projector = world.projector();
    projector.begin_builds(&["history", "unread"]);
    let checkpoints = projector.checkpoints();
    let _lanes = run(&projector);
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 1).await;
    let sent = world.send(group, ann, "meanwhile", &[]).await;
    // What is not being built goes on.
    checkpoints.passed(position(&sent), PATIENCE).await.unwrap();
    let too_soon = timeout(Duration::from_millis(100), checkpoints.built(&["history"]));
    assert!(too_soon.await.is_err());
    assert_eq!(world.number("SELECT count(*) FROM p_history_2.message").await, 0);

    timeout(PATIENCE, projector.clone().build()).await.unwrap();
    checkpoints.built(&["history", "unread"]).await;
    for head in world.log.heads().await.unwrap() {
        let (lane, pos) = (head.lane, head.head);
        checkpoints
            .passed(Position { lane, pos }, PATIENCE)
            .await
            .unwrap();
    }
    world.assert_as_the_log_says().await;
    assert!(setup(world.log.pool()).await.unwrap().is_empty());
    // The version before is as it was: whoever knows it may go on with it.
    let before = "SELECT count(*) FROM projection_checkpoint WHERE projection = 'history' AND version = 1";
    assert_eq!(world.number(before).await, i64::from(LANES));
    assert_eq!(world.number("SELECT count(*) FROM p_history.kept").await, 0);
    // And from now on the lanes fold it.
    let sent = world.send(group, ann, "afterwards", &[]).await;
    checkpoints
        .passed_by(&["history"], position(&sent), PATIENCE)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_was_killed_goes_on_where_it_was() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    world.write_messages(group, ann, 7000).await;
    world.forget_version(&["history"]).await;
    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history"]);
    let first = world.projector();
    first.begin_builds(&["history"]);
    let building = tokio::spawn(first.build());
    let done =
        "SELECT pos FROM projection_checkpoint WHERE projection = 'history' AND version = 2 AND lane = 0";
    eventually("a part is built", async || world.number(done).await > 0).await;
    building.abort();
    assert!(building.await.is_err(), "it was done too soon to be killed");
    // Whoever begins anew would lose this.
    world
        .execute("UPDATE p_history_2.message SET text = 'kept' WHERE seq = 2")
        .await;

    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history"]);
    let second = world.projector();
    second.begin_builds(&["history"]);
    timeout(PATIENCE, second.build()).await.unwrap();
    let kept = "SELECT count(*) FROM p_history_2.message WHERE text = 'kept'";
    assert_eq!(world.number(kept).await, 1);
    assert_eq!(
        world.number("SELECT count(*) FROM p_history_2.message").await,
        7000
    );
    assert!(setup(world.log.pool()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_nodes_one_builds_and_all_are_told() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 19).await;
    for _ in 0..100 {
        crowd.act(&world).await;
    }
    world.forget_version(&["history", "unread"]).await;
    let building = setup(world.log.pool()).await.unwrap();
    let mut nodes = tokio::task::JoinSet::new();
    let mut runners = vec![];
    for _ in 0..3 {
        let projector = world.projector();
        projector.begin_builds(&building);
        runners.push(run(&projector));
        nodes.spawn(projector.build());
    }
    timeout(PATIENCE, nodes.join_all()).await.unwrap();
    drop(runners);
    world.settle().await;
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_folds_other_versions_keeps_nobody_from_folding_these() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    // As a program of other versions does for as long as it runs.
    let other = world.log.pool().get().await.unwrap();
    let lock = "SELECT pg_advisory_lock(hashtextextended('tidings.projections.lane.0', 0)), \
                pg_advisory_lock(hashtextextended('tidings.projections.lane.0.1.1.2.1', 0))";
    other.batch_execute(lock).await.unwrap();
    let projector = world.projector();
    let _lane = tokio::spawn(projector.clone().run_lane(0));
    eventually("these have a leader of their own", async || {
        world.number(crate::runner::LEADERS).await == 3
    })
    .await;
    let group = world.group("g", &[ann], 0).await;
    let sent = world.send(group, ann, "hello", &[]).await;
    projector
        .checkpoints()
        .passed(position(&sent), PATIENCE)
        .await
        .unwrap();
}
