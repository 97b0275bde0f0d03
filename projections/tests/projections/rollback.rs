//! The way back from a rebuild.

use crate::support::{Crowd, World, eventually};
use tidings_projections::{Progress, ProjectionError, Stage, is_kept, replay, rollback};
use tokio::sync::Notify;

/// What stands at the live table of messages; tables keep it when their schemas change names.
async fn mark(world: &World) -> Vec<String> {
    world
        .rows("SELECT obj_description('p_history_4.message'::regclass, 'pg_class') mark")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_puts_back_what_a_rebuild_has_replaced_with_all_that_has_happened_since() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 21).await;
    for _ in 0..100 {
        crowd.act(&world).await;
    }
    world.settle().await;
    world
        .execute("COMMENT ON TABLE p_history_4.message IS 'first'")
        .await;
    let first = mark(&world).await;
    replay(&world.log, &["history"], 2, &()).await.unwrap();
    let second = mark(&world).await;
    assert_ne!(first, second);
    for _ in 0..100 {
        crowd.act(&world).await;
    }
    world.settle().await;
    let live = world.everything().await;
    for expected in [&first, &second, &first] {
        assert!(is_kept(world.log.pool(), "history").await.unwrap());
        let went = rollback(&world.log, "history", 2, &()).await.unwrap();
        assert_eq!(went.projections, ["history"]);
        assert_eq!(mark(&world).await, *expected);
        assert_eq!(world.everything().await, live);
    }
    // What is live now goes on.
    for _ in 0..50 {
        crowd.act(&world).await;
    }
    world.settle().await;
    assert_ne!(world.everything().await, live);
    world.assert_as_the_log_says().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_aside_comes_back_with_its_tables() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    world.send(group, ann, "hello", &[]).await;
    world.settle().await;
    let parked = "INSERT INTO projection_parked (projection, version, lane, pos, stream, error) \
                  SELECT 'history', version, lane, 1, gen_random_uuid(), 'planted' FROM projection_checkpoint \
                   WHERE projection = 'history' AND lane = 0";
    world.execute(parked).await;
    let aside = "SELECT count(*) FROM projection_parked WHERE projection = 'history'";
    replay(&world.log, &["history"], 2, &()).await.unwrap();
    assert_eq!(world.number(aside).await, 0);
    rollback(&world.log, "history", 2, &()).await.unwrap();
    assert_eq!(world.number(aside).await, 1);
}

/// Says when a rebuild is about to swap.
#[derive(Default)]
struct Settling(Notify);

impl Progress for Settling {
    fn stage(&self, stage: Stage) {
        if stage == Stage::Settling {
            self.0.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_does_not_come_to_its_swap_leaves_the_way_back() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 22).await;
    for _ in 0..50 {
        crowd.act(&world).await;
    }
    world.settle().await;
    let live = world.everything().await;
    let first = mark(&world).await;
    world
        .execute("COMMENT ON TABLE p_history_4.message IS 'first'")
        .await;
    replay(&world.log, &["history"], 2, &()).await.unwrap();
    assert_eq!(mark(&world).await, first);
    let settling = Settling::default();
    tokio::select! {
        biased;
        () = settling.0.notified() => {}
        replayed = replay(&world.log, &["history"], 2, &settling) => panic!("it came through: {replayed:?}"),
    }
    assert!(is_kept(world.log.pool(), "history").await.unwrap());
    eventually("the rebuild was given up", async || {
        !matches!(
            rollback(&world.log, "history", 2, &()).await,
            Err(ProjectionError::Busy)
        )
    })
    .await;
    assert_eq!(mark(&world).await, ["(first)"]);
    assert_eq!(world.everything().await, live);
    // What is kept no more is gone.
    replay(&world.log, &["history"], 2, &()).await.unwrap();
    let gone = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%\\_gone'";
    assert_eq!(world.number(gone).await, 0);
    assert_eq!(
        world
            .number("SELECT count(*) FROM projection_checkpoint WHERE projection LIKE '%\\_gone'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_way_back_to_what_was_not_kept_or_to_another_time_line() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    world.send(group, ann, "hello", &[]).await;
    world.settle().await;
    let live = world.everything().await;
    let refused = async || {
        assert!(!is_kept(world.log.pool(), "history").await.unwrap());
        let refused = rollback(&world.log, "history", 2, &()).await;
        assert!(
            matches!(refused, Err(ProjectionError::NothingKept("history"))),
            "{refused:?}"
        );
        assert_eq!(world.everything().await, live);
    };
    refused().await;
    replay(&world.log, &["history"], 2, &()).await.unwrap();
    assert!(is_kept(world.log.pool(), "history").await.unwrap());
    assert!(!is_kept(world.log.pool(), "unread").await.unwrap());
    world.execute("UPDATE log_lane SET epoch = epoch + 1").await;
    refused().await;
}
