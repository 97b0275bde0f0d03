//! New versions of read models beside those that are live.

use crate::support::{Crowd, LANES, PATIENCE, World, eventually};
use std::time::Duration;
use tidings_eventlog::{Position, Recorded};
use tidings_projections::{Projector, replay, setup};
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
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 0);

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
    let before = "SELECT count(*) FROM projection_checkpoint WHERE projection = 'history' AND version = 3";
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
    // It does not come to its end before it is killed.
    world
        .execute(
            "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$; \
             CREATE TRIGGER hold BEFORE INSERT ON p_history_4.message FOR EACH ROW WHEN (NEW.seq > 6000) EXECUTE FUNCTION hold()",
        )
        .await;
    let holder = world.log.pool().get().await.unwrap();
    holder
        .batch_execute("SELECT pg_advisory_lock(4711)")
        .await
        .unwrap();
    let one = world.projector();
    one.begin_builds(&["history"]);
    let building = tokio::spawn(one.build());
    let done =
        "SELECT pos FROM projection_checkpoint WHERE projection = 'history' AND version = 4 AND lane = 0";
    eventually("a part is built", async || world.number(done).await > 0).await;
    building.abort();
    assert!(building.await.is_err(), "it was done too soon to be killed");
    holder
        .batch_execute("SELECT pg_advisory_unlock(4711)")
        .await
        .unwrap();
    // Whoever begins anew would write this again.
    let written = "SELECT xmin::text::bigint FROM p_history_4.message WHERE seq = 2";
    let first = world.number(written).await;

    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history"]);
    let other = world.projector();
    other.begin_builds(&["history"]);
    timeout(PATIENCE, other.build()).await.unwrap();
    assert_eq!(world.number(written).await, first);
    assert_eq!(
        world.number("SELECT count(*) FROM p_history_4.message").await,
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
        world.number(crate::runner::LEADERS).await == 4
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

#[tokio::test]
async fn a_program_that_knows_no_versions_deletes_nothing_of_a_later_one() {
    let world = World::new().await;
    let client = world.log.pool().get().await.unwrap();
    let parked = "INSERT INTO projection_parked (projection, version, lane, pos, stream, error) \
                  VALUES ('history', 3, 0, 1, gen_random_uuid(), 'e')";
    client.execute(parked, &[]).await.unwrap();
    // As it deletes, which does not say when it connects that it tells them apart.
    client
        .batch_execute(
            "BEGIN; SET LOCAL tidings.versions = ''; DELETE FROM projection_checkpoint WHERE projection = 'history'; \
             DELETE FROM projection_parked WHERE projection = 'history'; COMMIT",
        )
        .await
        .unwrap();
    let kept = "SELECT (SELECT count(*) FROM projection_checkpoint WHERE projection = 'history') \
                     + (SELECT count(*) FROM projection_parked WHERE projection = 'history')";
    assert_eq!(world.number(kept).await, i64::from(LANES) + 1);
    // What it knows itself is its own affair.
    let parked = "INSERT INTO projection_parked (projection, version, lane, pos, stream, error) \
                  VALUES ('conversations', 1, 0, 1, gen_random_uuid(), 'e')";
    client.execute(parked, &[]).await.unwrap();
    client
        .batch_execute("BEGIN; SET LOCAL tidings.versions = ''; DELETE FROM projection_parked WHERE projection = 'conversations'; COMMIT")
        .await
        .unwrap();
    let left = "SELECT count(*) FROM projection_parked WHERE projection = 'conversations'";
    assert_eq!(world.number(left).await, 0);
    // This program can.
    let deleted = client
        .execute("DELETE FROM projection_parked WHERE projection = 'history'", &[])
        .await;
    assert_eq!(deleted.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_built_and_is_not_what_the_log_says_is_refused_until_it_is_rebuilt() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 1).await;
    for n in 0..5 {
        world.send(group, ann, &n.to_string(), &[]).await;
    }
    world.settle().await;
    world.forget_version(&["history", "unread"]).await;
    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history", "unread"]);
    // Something between the fold and its table.
    world
        .execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.text := 'spoilt'; RETURN NEW; END $$; \
             CREATE TRIGGER spoil BEFORE INSERT ON p_history_4.message FOR EACH ROW WHEN (NEW.msg_no = 3) EXECUTE FUNCTION spoil()",
        )
        .await;
    let projector = world.projector();
    projector.begin_builds(&["history", "unread"]);
    let checkpoints = projector.checkpoints();
    let mut building = tokio::task::JoinSet::new();
    building.spawn(projector.clone().build());
    // The others are used all the same.
    timeout(PATIENCE, checkpoints.built(&["unread"])).await.unwrap();
    let refused = checkpoints.refused();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].0, "history");
    assert!(refused[0].1.contains("message"), "{refused:?}");
    assert_eq!(checkpoints.building(), ["history"]);
    let live = "SELECT count(*) FROM projection_version WHERE projection = 'history' AND version = 4";
    assert_eq!(world.number(live).await, 0);
    // Nobody builds it again and again.
    let spoilt = "SELECT count(*) FROM p_history_4.message WHERE text = 'spoilt'";
    assert_eq!(world.number(spoilt).await, 1);

    // Whoever built may hold the lock for a moment longer.
    eventually("a rebuild", async || {
        replay(&world.log, &["history"], 1, &()).await.is_ok()
    })
    .await;
    timeout(PATIENCE, building.join_next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    checkpoints.built(&["history"]).await;
    assert_eq!(checkpoints.refused(), []);
    assert_eq!(world.number(live).await, 1);
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_built_have_the_indexes_of_those_that_were_made_empty() {
    let world = World::new().await;
    // Beside what is kept of before.
    let indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname LIKE 'p\\_%' AND schemaname NOT LIKE '%\\_old' ORDER BY 1";
    let made = world.rows(indexes).await;
    let ann = world.register(0, "ann").await;
    world.group("g", &[ann], 1).await;
    world.settle().await;
    replay(&world.log, &[], 1, &()).await.unwrap();
    assert_eq!(world.rows(indexes).await, made);
    world.forget_version(&["history"]).await;
    assert_eq!(setup(world.log.pool()).await.unwrap(), ["history"]);
    let early =
        "SELECT count(*) FROM pg_indexes WHERE indexname = 'message_id' AND schemaname NOT LIKE '%\\_old'";
    assert_eq!(world.number(early).await, 0);
    let projector = world.projector();
    projector.begin_builds(&["history"]);
    timeout(PATIENCE, projector.build()).await.unwrap();
    assert_eq!(world.rows(indexes).await, made);
}
