//! Events that a projection cannot take.

use crate::support::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tidings_projections::{Observer, ProjectionError, Projector, Retried, attachments, parked, retry_parked};
use uuid::Uuid;

/// A message whose text PostgreSQL cannot store. Commands with such a text are refused; this is what a bug would write.
const NUL: &str = r#"{"content":{"kind":"text","text":"a\u0000b"}}"#;

#[derive(Default)]
struct Counter(AtomicUsize);

impl Observer for Counter {
    fn parked(&self, _lane: u8, _projection: &str, events: usize) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_poison_event_parks_its_stream_in_its_projection_only() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let (sick, well) = (
        world.direct(ann, bob, 0).await,
        world.group("well", &[ann, bob], 0).await,
    );
    world.send(sick, ann, "before", &[]).await;
    let poison = world.append_raw(sick, 16, NUL).await;
    world.send(sick, ann, "behind", &[]).await;
    for n in 0..50 {
        world.send(well, ann, &format!("{n}"), &[]).await;
    }
    let counter = Arc::new(Counter::default());
    let projector = Projector::new(world.log.clone(), 4, Arc::clone(&counter) as Arc<dyn Observer>);
    projector.catch_up(0).await.unwrap();
    world.send(sick, bob, "later", &[]).await;
    world.send(well, bob, "later", &[]).await;
    projector.catch_up(0).await.unwrap();

    let said = async |conversation| {
        world
            .number(&format!(
                "SELECT count(*) FROM p_history_4.message WHERE conversation = '{conversation}'"
            ))
            .await
    };
    assert_eq!((said(sick).await, said(well).await), (1, 51));
    let aside = parked(world.log.pool(), 10).await.unwrap();
    assert!(
        aside
            .iter()
            .all(|event| event.projection == "history" && event.stream == sick && event.lane == 0)
    );
    assert_eq!(aside.iter().map(|event| event.pos).min(), Some(poison.pos));
    assert_eq!(aside.len(), 3);
    assert_eq!(counter.0.load(Ordering::Relaxed), 3);
    assert!(
        aside
            .iter()
            .any(|event| event.pos == poison.pos && event.error.contains("22021")),
        "{aside:?}"
    );
    // Other projections know the stream to its end.
    let last =
        format!("SELECT last_msg_no FROM p_conversations_3.conversation WHERE conversation = '{sick}'");
    assert_eq!(world.number(&last).await, 4);

    // What cannot be folded stays, and so does all behind it.
    assert_eq!(
        retry_parked(&world.log, "history").await.unwrap(),
        Retried { applied: 0, left: 3 }
    );
    // When the cause is gone, all of it comes in order.
    world.execute(&format!("UPDATE event SET payload = '{{\"content\":{{\"kind\":\"text\",\"text\":\"healed\"}}}}' WHERE lane = 0 AND pos = {}", poison.pos)).await;
    assert_eq!(
        retry_parked(&world.log, "history").await.unwrap(),
        Retried { applied: 3, left: 0 }
    );
    let texts = format!("SELECT text FROM p_history_4.message WHERE conversation = '{sick}' ORDER BY seq");
    assert_eq!(
        world.rows(&texts).await,
        ["(before)", "(healed)", "(behind)", "(later)"]
    );
    world.send(sick, bob, "after", &[]).await;
    world.settle().await;
    assert_eq!(said(sick).await, 5);
    // What could take the event knows it as it was.
    tidings_projections::replay(&world.log, &["search"], 1, &())
        .await
        .unwrap();
    world.assert_as_the_log_says().await;
    assert!(retry_parked(&world.log, "nonsense").await.is_err());
}

/// Somebody may have stored it, for all that the read model knows.
#[tokio::test]
async fn while_a_file_is_aside_no_file_counts_as_nobodys() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let lonely = world.store(ann, 7).await;
    world.settle().await;
    let sum = "0".repeat(64);
    let (long_ago, soon) = (
        (chrono::DateTime::UNIX_EPOCH, lonely.stream),
        chrono::DateTime::from_timestamp(4_000_000_000, 0).unwrap(),
    );
    let is_stored = async || world.ask(attachments::is_stored(sum.clone(), &[])).await;
    let orphans = async || world.ask(attachments::orphans(long_ago, soon, 10)).await.len();
    assert_eq!((is_stored().await, orphans().await), (vec![false], 1));
    let poison = format!(r#"{{"name":"a\u0000b","type":"text/plain","size":7,"sha256":"{sum}"}}"#);
    world.append_raw(ann, 67, &poison).await;
    world.projector().catch_up(0).await.unwrap();
    assert_eq!((is_stored().await, orphans().await), (vec![true], 0));
}

/// A newer version has written a kind of event that this one does not know.
#[tokio::test]
async fn an_unknown_kind_holds_who_looks_at_it_and_is_never_put_aside() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let (newer, well) = (
        world.direct(ann, bob, 0).await,
        world.group("well", &[ann, bob], 0).await,
    );
    let before = world.send(newer, ann, "before", &[]).await;
    let unknown = world.append_raw(newer, 999, "{}").await;
    world.send(newer, ann, "behind", &[]).await;
    world.send(well, ann, "hello", &[]).await;
    let refused = world.projector().catch_up(0).await.unwrap_err();
    assert!(matches!(refused, ProjectionError::Newer { .. }), "{refused}");
    let at = async |projection: &str| {
        let sql =
            format!("SELECT pos FROM projection_checkpoint WHERE lane = 0 AND projection = '{projection}'");
        world.number(&sql).await as u64
    };
    // What it may be about stands before it, and what never looks at it goes on.
    assert_eq!(at("conversations").await, unknown.pos - 1);
    for other in ["history", "inbox", "search", "unread"] {
        assert_eq!(at(other).await, unknown.pos + 2, "{other}");
    }
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 3);
    let last = "SELECT max(last_seq) FROM p_conversations_3.conversation";
    assert_eq!(world.number(last).await as u64, before.seq);
    // Nor is it passed over by a rebuild, which leaves everything as it was.
    let refused = tidings_projections::replay(&world.log, &[], 2, &())
        .await
        .unwrap_err();
    assert!(matches!(refused, ProjectionError::Newer { .. }), "{refused}");
    assert_eq!(world.number("SELECT count(*) FROM projection_parked").await, 0);
    // A version of a kind that is known otherwise is held by all who look at the kind.
    world
        .execute(&format!(
            "UPDATE event SET kind = 16, ver = 9 WHERE lane = 0 AND pos = {}",
            unknown.pos
        ))
        .await;
    let refused = tidings_projections::replay(&world.log, &["unread"], 2, &())
        .await
        .unwrap_err();
    assert!(matches!(refused, ProjectionError::Newer { .. }), "{refused}");
    // Whoever can read it goes on where the other stood.
    let text = r#"{"content":{"kind":"text","text":"new"}}"#;
    world
        .execute(&format!(
            "UPDATE event SET kind = 16, ver = 1, payload = '{text}' WHERE lane = 0 AND pos = {}",
            unknown.pos
        ))
        .await;
    world.settle().await;
    assert_eq!(at("conversations").await, unknown.pos + 2);
}

#[tokio::test]
async fn what_no_version_can_read_is_put_aside_by_those_who_look_at_it() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let (sick, well) = (
        world.direct(ann, bob, 0).await,
        world.group("well", &[ann, bob], 0).await,
    );
    world.append_raw(sick, 16, "{}").await;
    world.send(sick, ann, "behind", &[]).await;
    world.send(well, ann, "hello", &[]).await;
    world.settle().await;
    assert_eq!(world.number("SELECT count(*) FROM p_history_4.message").await, 1);
    let aside = "SELECT projection, count(*) FROM projection_parked WHERE projection NOT LIKE '%\\_old' GROUP BY 1 ORDER BY 1";
    let expected = [
        "(attachments,2)",
        "(conversations,2)",
        "(history,2)",
        "(search,2)",
        "(unread,2)",
    ];
    assert_eq!(world.rows(aside).await, expected);
    // A rebuild puts the same aside.
    tidings_projections::replay(&world.log, &[], 2, &())
        .await
        .unwrap();
    assert_eq!(world.rows(aside).await, expected);
    world.assert_as_the_log_says().await;
    // What is told of it is as little as there is to know, however many events are aside.
    for n in 0..20 {
        world.send(sick, ann, &format!("{n}"), &[]).await;
    }
    world.settle().await;
    let of = tidings_projections::memberships(world.log.pool(), &[ann])
        .await
        .unwrap();
    let aside: Vec<(Uuid, u64)> = of[0]
        .seen
        .aside
        .iter()
        .map(|aside| (aside.conversation, aside.folded_seq))
        .collect();
    assert_eq!(aside, [(sick, 1)]);
    let parked: Vec<bool> = of[0].of_user.iter().map(|membership| membership.parked).collect();
    assert_eq!(parked.iter().filter(|parked| **parked).count(), 1);
}

#[tokio::test]
async fn a_broken_read_model_does_not_stop_the_others() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(0, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    world.send(talk, ann, "hello", &[]).await;
    world
        .execute(
            "ALTER TABLE p_inbox_3.delivered RENAME TO lost; ALTER TABLE p_history_4.message RENAME TO lost",
        )
        .await;
    world
        .deliver(bob, &world.send(talk, ann, "hello", &[]).await)
        .await;
    assert!(world.projector().catch_up(0).await.is_err());
    assert_eq!(
        world
            .number("SELECT last_msg_no FROM p_conversations_3.conversation")
            .await,
        2
    );
    assert_eq!(world.number("SELECT count(*) FROM projection_parked").await, 0);
    world
        .execute(
            "ALTER TABLE p_inbox_3.lost RENAME TO delivered; ALTER TABLE p_history_4.lost RENAME TO message",
        )
        .await;
    world.settle().await;
    world.assert_as_the_log_says().await;
}
