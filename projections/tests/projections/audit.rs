//! The audit of one stream at a time.

use crate::support::{Crowd, World};
use std::collections::BTreeSet;
use tidings_projections::{Audited, audit, drawn};
use uuid::Uuid;

/// All streams of the log, each drawn by the position of some event.
async fn streams(world: &World) -> BTreeSet<Uuid> {
    let events = world.number("SELECT sum(head)::bigint FROM log_lane").await as u64;
    let mut found = BTreeSet::new();
    for draw in 0..events {
        found.extend(drawn(&world.log, draw).await.unwrap());
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stream_is_as_the_log_says_however_far_the_read_models_are() {
    let world = World::new().await;
    assert_eq!(drawn(&world.log, 7).await.unwrap(), None);
    let mut crowd = Crowd::new(&world, 31).await;
    for _ in 0..150 {
        crowd.act(&world).await;
    }
    world.settle().await;
    // These are in the log, and not in the read models.
    for _ in 0..50 {
        crowd.act(&world).await;
    }
    let streams = streams(&world).await;
    assert!(streams.len() > 5);
    for stream in streams {
        let found = audit(&world.log, stream).await.unwrap().done().unwrap();
        assert!(found.events > 0);
        assert_eq!(found.drifts, [], "{stream}");
    }
    // Nothing is left behind.
    assert_eq!(world.schemas().await.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_grows_meanwhile_is_not_taken_for_wrong() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    let projector = world.projector();
    let growing = async {
        loop {
            world.send(group, ann, "more", &[]).await;
            projector.catch_up(0).await.unwrap();
        }
    };
    let auditing = async {
        for _ in 0..20 {
            let found = audit(&world.log, group).await.unwrap().done().unwrap();
            assert_eq!(found.drifts, []);
        }
    };
    tokio::select! {
        () = growing => {}
        () = auditing => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_wrong_missing_or_too_many_are_named() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    for text in ["one", "two", "three"] {
        world.send(group, ann, text, &[]).await;
    }
    world.settle().await;
    let seqs = "SELECT seq FROM p_history_4.message ORDER BY seq";
    let seqs = world.rows(seqs).await;
    assert_eq!(seqs.len(), 3, "{seqs:?}");
    world
        .execute("UPDATE p_history_4.message SET text = 'another' WHERE text = 'one'")
        .await;
    world
        .execute("DELETE FROM p_history_4.message WHERE text = 'two'")
        .await;
    let beyond = "INSERT INTO p_history_4.pin SELECT conversation, 99, 99 FROM p_history_4.message LIMIT 1";
    world.execute(beyond).await;
    let found = audit(&world.log, group).await.unwrap().done().unwrap();
    let told: Vec<(&str, &str)> = found
        .drifts
        .iter()
        .map(|drift| (drift.projection, drift.table))
        .collect();
    assert_eq!(
        told,
        [("history", "message"), ("history", "message"), ("history", "pin")],
        "{found:?}"
    );
    // What is not read is not judged.
    world
        .execute("DELETE FROM projection_version WHERE projection = 'history'")
        .await;
    let found = audit(&world.log, group).await.unwrap().done().unwrap();
    assert_eq!(found.drifts, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_too_long_is_told_from_one_that_another_node_looks_at() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 0).await;
    world.write_messages(group, ann, 10_000).await;
    assert_eq!(audit(&world.log, group).await.unwrap(), Audited::TooLong);
    let other = world.log.pool().get().await.unwrap();
    other
        .batch_execute("SELECT pg_advisory_lock(hashtextextended('tidings.projections.audit', 0))")
        .await
        .unwrap();
    assert_eq!(audit(&world.log, group).await.unwrap(), Audited::Busy);
}
