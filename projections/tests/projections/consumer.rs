//! Consumers that are no read models.

use crate::support::{Crowd, LANES, World, eventually};
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tidings_domain::stored::Kind;
use tidings_projections::{
    Consumer, ConsumerPlace, Folds, Portion, Told, reactors_parked, retry_reactor, skip_reactor,
};

const HEARS: Folds = Folds::Only(&[Kind::MESSAGE_SENT]);
const FOR_EVER: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;

async fn open(world: &World) -> Consumer {
    Consumer::open(&world.log, "tester", &["conversations"])
        .await
        .unwrap()
}

async fn place(consumer: &Consumer, lane: u8) -> ConsumerPlace {
    consumer.places().await.unwrap()[usize::from(lane)]
}

async fn portion(consumer: &mut Consumer, lane: u8) -> Portion {
    let place = place(consumer, lane).await;
    match consumer.next(&place, HEARS, FOR_EVER).await.unwrap() {
        Told::Portion(portion) => portion,
        other => panic!("{other:?} from {place:?}"),
    }
}

fn positions(portion: &Portion) -> Vec<u64> {
    portion.facts().iter().map(|fact| fact.record.pos).collect()
}

fn of_lane(portion: &Portion) -> Vec<(u8, u64)> {
    let lane = portion.lane();
    positions(portion).into_iter().map(|pos| (lane, pos)).collect()
}

/// A process that is stopped keeps its connections, and with them the name.
#[tokio::test]
async fn the_server_ends_the_session_of_a_reactor_that_is_silent_for_long() {
    let world = World::new().await;
    world
        .execute(
            "CREATE TABLE patience (of_idle text); \
             CREATE FUNCTION note_patience() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO patience VALUES (current_setting('idle_session_timeout')); RETURN NEW; END $$; \
             CREATE TRIGGER note_patience BEFORE INSERT ON reactor_checkpoint FOR EACH ROW EXECUTE FUNCTION note_patience()",
        )
        .await;
    open(&world).await.places().await.unwrap();
    assert_eq!(
        world.rows("SELECT DISTINCT of_idle FROM patience").await,
        ["(5min)"]
    );
}

#[tokio::test]
async fn it_is_told_what_it_hears_and_goes_on_where_it_was() {
    let world = World::new().await;
    let (ann, bob) = (world.register(1, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let first = world.send(talk, ann, "one", &[]).await;
    let mut consumer = open(&world).await;
    // The read models that it relies on have not come so far.
    let before = place(&consumer, 0).await;
    assert_eq!((before.pos, before.reach), (0, 0));
    assert!(matches!(
        consumer.next(&before, HEARS, FOR_EVER).await.unwrap(),
        Told::Nothing
    ));
    world.settle().await;
    let told = portion(&mut consumer, 0).await;
    assert_eq!((positions(&told), told.to()), (vec![first.pos], first.pos));
    // Again, until it says that it is done.
    let told = portion(&mut consumer, 0).await;
    assert_eq!(positions(&told), [first.pos]);
    assert!(consumer.advance(&told).await.unwrap());
    assert!(
        !consumer.advance(&told).await.unwrap(),
        "the same place was left twice"
    );
    let second = world.send(talk, ann, "two", &[]).await;
    let third = world.send(talk, ann, "three", &[]).await;
    world.settle().await;
    // What is not due waits.
    let here = place(&consumer, 0).await;
    let told = match consumer.next(&here, HEARS, second.at).await.unwrap() {
        Told::Portion(portion) => portion,
        other => panic!("{other:?}"),
    };
    assert_eq!((positions(&told), told.to()), (vec![second.pos], second.pos));
    assert!(consumer.advance(&told).await.unwrap());
    drop(consumer);
    let mut another = open(&world).await;
    assert_eq!(positions(&portion(&mut another, 0).await), [third.pos]);
}

#[tokio::test]
async fn a_place_says_by_when_all_was_appended_though_the_logs_time_is_ahead() {
    let world = World::new().await;
    let (ann, bob) = (world.register(1, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let ahead = "UPDATE log_lane SET last_at = now() + interval '1 day'";
    let session = world.log.pool().get().await.unwrap();
    session.batch_execute(ahead).await.unwrap();
    world.send(talk, ann, "one", &[]).await;
    let last = world.send(talk, ann, "two", &[]).await;
    world.settle().await;
    let mut consumer = open(&world).await;
    let here = place(&consumer, 0).await;
    assert_eq!(here.last_at, last.at);
    let told = match consumer.next(&here, HEARS, here.last_at).await.unwrap() {
        Told::Portion(portion) => portion,
        other => panic!("{other:?}"),
    };
    assert_eq!(told.to(), last.pos);
}

#[tokio::test]
async fn whatever_breaks_and_whoever_else_is_there_each_event_is_done_with_once() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 31).await;
    for _ in 0..200 {
        crowd.act(&world).await;
    }
    world.settle().await;
    let mut rng = StdRng::seed_from_u64(31);
    // Two that take each other for gone.
    let mut consumers = [open(&world).await, open(&world).await];
    let (mut under_way, mut done) = (vec![], vec![]);
    for _ in 0..200 {
        let consumer = &mut consumers[rng.random_range(0..2)];
        let here = place(consumer, rng.random_range(0..LANES)).await;
        let upto = (here.pos + rng.random_range(1..6)).min(here.reach);
        let Told::Portion(portion) = consumer
            .next(&ConsumerPlace { reach: upto, ..here }, HEARS, FOR_EVER)
            .await
            .unwrap()
        else {
            continue;
        };
        under_way.push(portion);
        // Others come to their ends later, or never.
        if rng.random_bool(0.6) {
            let portion = under_way.swap_remove(rng.random_range(0..under_way.len()));
            if consumers[rng.random_range(0..2)].advance(&portion).await.unwrap() {
                done.extend(of_lane(&portion));
            }
        }
    }
    for lane in 0..LANES {
        loop {
            let here = place(&consumers[0], lane).await;
            let Told::Portion(rest) = consumers[0].next(&here, HEARS, FOR_EVER).await.unwrap() else {
                break;
            };
            assert!(consumers[0].advance(&rest).await.unwrap());
            done.extend(of_lane(&rest));
        }
    }
    let said = world.told().await;
    let said: Vec<_> = said
        .iter()
        .filter(|event| event.kind == 16)
        .map(|event| (event.lane, event.pos))
        .collect();
    done.sort_unstable();
    assert_eq!(done, said);
}

#[tokio::test]
async fn what_it_cannot_take_stands_aside_until_it_is_tried_again_or_skipped() {
    let world = World::new().await;
    let (ann, bob) = (world.register(1, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let (first, second) = (
        world.send(talk, ann, "one", &[]).await,
        world.send(talk, ann, "two", &[]).await,
    );
    // One that nobody can read, and one behind it that a read model has put aside with it.
    let other = world.direct(bob, ann, 0).await;
    let broken = world.append_raw(other, 16, "{\"content\":5}").await;
    let behind = world.send(other, ann, "three", &[]).await;
    world.settle().await;
    let mut consumer = open(&world).await;
    let mut told = portion(&mut consumer, 0).await;
    assert_eq!(positions(&told), [first.pos, second.pos]);
    told.put_aside(second.pos, "not this one".to_owned(), false);
    assert!(consumer.advance(&told).await.unwrap());
    let aside = async || {
        let parked = reactors_parked(world.log.pool(), 10).await.unwrap();
        let mut aside: Vec<_> = parked
            .into_iter()
            .map(|parked| (parked.pos, parked.attempts))
            .collect();
        aside.sort_unstable();
        aside
    };
    assert_eq!(aside().await, [(second.pos, 1), (broken.pos, 1), (behind.pos, 1)]);

    // Nobody has asked.
    assert!(consumer.wanted().await.unwrap().is_empty());
    assert_eq!(retry_reactor(world.log.pool(), "tester").await.unwrap(), 3);
    for place in consumer.wanted().await.unwrap() {
        let portion = consumer.again(place, HEARS).await.unwrap();
        consumer.tried(&portion).await.unwrap();
    }
    assert_eq!(aside().await, [(broken.pos, 2), (behind.pos, 2)]);
    assert!(consumer.wanted().await.unwrap().is_empty());
    // One that cannot be tried is tried for as long as that is so, behind the others.
    assert_eq!(retry_reactor(world.log.pool(), "tester").await.unwrap(), 2);
    for attempts in 3..=20 {
        consumer.failed((0, broken.pos), "it is away").await.unwrap();
        assert_eq!(aside().await, [(broken.pos, attempts), (behind.pos, 2)]);
        assert_eq!(
            consumer.wanted().await.unwrap(),
            [(0, behind.pos), (0, broken.pos)]
        );
    }
    assert!(
        skip_reactor(world.log.pool(), "tester", 0, broken.pos)
            .await
            .unwrap()
    );
    assert!(
        !skip_reactor(world.log.pool(), "tester", 0, broken.pos)
            .await
            .unwrap()
    );
    assert_eq!(aside().await, [(behind.pos, 2)]);
}

#[tokio::test]
async fn an_event_of_a_newer_program_is_left_to_it() {
    let world = World::new().await;
    let (ann, bob) = (world.register(1, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let first = world.send(talk, ann, "one", &[]).await;
    world.append_raw(talk, 9999, "{}").await;
    world.send(talk, ann, "two", &[]).await;
    let mut consumer = Consumer::open(&world.log, "tester", &[]).await.unwrap();
    // One that it does not listen to is none of its business.
    let told = portion(&mut consumer, 0).await;
    assert_eq!(told.facts().len(), 2);
    let all = Folds::AllBut(&[]);
    let here = place(&consumer, 0).await;
    let Told::Portion(told) = consumer.next(&here, all, FOR_EVER).await.unwrap() else {
        panic!("nothing was told");
    };
    assert_eq!(told.to(), first.pos);
    assert!(consumer.advance(&told).await.unwrap());
    let here = place(&consumer, 0).await;
    assert!(matches!(
        consumer.next(&here, all, FOR_EVER).await.unwrap(),
        Told::Newer(_)
    ));
}

#[tokio::test]
async fn it_goes_back_with_the_log() {
    let world = World::new().await;
    let (ann, bob) = (world.register(1, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 0).await;
    let sent = world.send(talk, ann, "one", &[]).await;
    world.settle().await;
    let mut consumer = open(&world).await;
    let told = portion(&mut consumer, 0).await;
    assert!(consumer.advance(&told).await.unwrap());
    // As a back-up leaves it whose checkpoints are newer than its log.
    world
        .execute(&format!(
            "UPDATE reactor_checkpoint SET pos = {} WHERE lane = 0",
            sent.pos + 100
        ))
        .await;
    assert_eq!(place(&consumer, 0).await.pos, sent.pos);
}

#[tokio::test]
async fn one_session_of_all_owns_the_name_until_it_ends() {
    let world = World::new().await;
    let (first, second) = (open(&world).await, open(&world).await);
    assert!(first.own().await.unwrap());
    assert!(!second.own().await.unwrap());
    first.disown().await;
    assert!(second.own().await.unwrap());
    assert!(!first.own().await.unwrap());
    drop(second);
    let taken = async || first.own().await.unwrap();
    eventually("the name is free", taken).await;
}
