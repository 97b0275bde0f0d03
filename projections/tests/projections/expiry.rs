//! Looking for messages that have waited too long in inboxes.

use crate::support::World;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use tidings_domain::{Cursor, History, SettingsChange};
use tidings_eventlog::Recorded;
use tidings_projections::{Overdue, Owed, memberships};
use uuid::Uuid;

/// Who is owed what of `conversations`, and in how many pages they were looked at.
async fn owed(world: &World, conversations: &[Uuid], cutoff: DateTime<Utc>) -> (BTreeSet<Owed>, usize) {
    let conversations = conversations.iter().copied().collect();
    let mut overdue = Overdue::find(world.log.pool(), conversations, cutoff)
        .await
        .unwrap();
    let (mut found, mut pages) = (BTreeSet::new(), 0);
    while let Some(page) = overdue.page().await.unwrap() {
        pages += 1;
        for owed in page {
            assert!(found.insert(owed), "{owed:?} twice");
        }
    }
    (found, pages)
}

fn of(user: Uuid, message: &Recorded) -> Owed {
    Owed {
        user: user.into(),
        conversation: message.stream.into(),
        end: Cursor {
            seq: message.seq,
            msg_no: message.msg_no,
        },
    }
}

#[tokio::test]
async fn every_member_is_looked_at_once_however_many_there_are() {
    let world = World::new().await;
    // In any order, on all lanes.
    let people: Vec<Uuid> = (1..=1500_u128)
        .map(|n| Uuid::from_u128((n << 64) | (n % 4)))
        .collect();
    let (mut expected, mut conversations, mut cutoff) = (BTreeSet::new(), vec![], DateTime::UNIX_EPOCH);
    for n in 0..3_u8 {
        let group = world.group(&format!("g{n}"), &people, n).await;
        let sent = world.send(group, people[0], "to all", &[]).await;
        conversations.push(group);
        cutoff = sent.at;
        expected.extend(people.iter().map(|user| of(*user, &sent)));
    }
    for pair in people.windows(2).take(100) {
        let talk = world.direct(pair[0], pair[1], 3).await;
        let sent = world.send(talk, pair[0], "to one", &[]).await;
        conversations.push(talk);
        cutoff = sent.at;
        expected.extend(pair.iter().map(|user| of(*user, &sent)));
    }
    world.settle().await;
    let (found, pages) = owed(&world, &conversations, cutoff).await;
    assert_eq!(found, expected);
    // 4,700 members: of many conversations a few each, and the rest of those that are large.
    assert!((3..100).contains(&pages), "{pages}");
}

#[tokio::test]
async fn what_waited_too_long_is_found_with_where_to_move() {
    let world = World::new().await;
    let (ann, bob, eve) = (
        world.register(0, "a").await,
        world.register(1, "b").await,
        world.register(2, "e").await,
    );
    let group = world.group("g", &[ann, bob, eve], 2).await;
    let quiet = world.direct(ann, bob, 3).await;
    let mut said = vec![];
    for n in 0..20 {
        said.push(world.send(group, ann, &format!("{n}"), &[]).await);
        if n % 3 == 0 {
            world.rename(group, &format!("name {n}")).await;
        }
    }
    let whisper = world.send(quiet, ann, "psst", &[]).await;
    world.deliver(ann, &said[19]).await;
    world.deliver(ann, &whisper).await;
    world.deliver(bob, &said[12]).await;
    world.remove(group, eve).await;
    world.settle().await;
    let both = [group, quiet];
    for (n, message) in said.iter().enumerate() {
        let (found, _) = owed(&world, &both, message.at).await;
        let expected = (n > 12).then(|| of(bob, message));
        assert_eq!(found, expected.into_iter().collect(), "{n}");
    }
    let (found, _) = owed(&world, &both, whisper.at).await;
    assert_eq!(found, BTreeSet::from([of(bob, &said[19]), of(bob, &whisper)]));
    // What is owed of others is not looked at.
    let (found, _) = owed(&world, &[quiet], whisper.at).await;
    assert_eq!(found, BTreeSet::from([of(bob, &whisper)]));
    world.expire(bob, &said[19]).await;
    world.expire(bob, &whisper).await;
    world.settle().await;
    assert!(owed(&world, &both, whisper.at).await.0.is_empty());
}

#[tokio::test]
async fn what_was_owed_before_a_return_to_a_group_that_hides_its_history_is_found_as_well() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "a").await, world.register(1, "b").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let joined = SettingsChange {
        history: Some(History::Joined),
        ..SettingsChange::default()
    };
    world.set(group, joined).await;
    let missed = world.send(group, ann, "you were in", &[]).await;
    world.deliver(ann, &missed).await;
    world.remove(group, bob).await;
    world.add(group, bob).await;
    world.settle().await;
    let (found, _) = owed(&world, &[group], missed.at).await;
    assert_eq!(found, BTreeSet::from([of(bob, &missed)]));
    world.expire(bob, &missed).await;
    world.settle().await;
    assert!(owed(&world, &[group], missed.at).await.0.is_empty());
    let mut found = memberships(world.log.pool(), &[bob]).await.unwrap();
    let found = found.remove(0).of_user.remove(0);
    // The leaving is owed still.
    assert_eq!((found.sent(), found.expired_from), (missed.seq, Some(1)));
}

/// What an expired cursor costs beside few idle cursors and beside many, which is no test.
///
///     cargo test -p tidings-projections --test projections -- --ignored --nocapture an_expired_cursor_costs
#[tokio::test]
#[ignore = "a measurement"]
async fn an_expired_cursor_costs_the_same_beside_many_that_are_idle() {
    const DUE: usize = 50;
    for idle in [100_usize, 10_000, 100, 10_000] {
        let world = World::new().await;
        let people: Vec<Uuid> = (1..=idle as u128)
            .map(|n| Uuid::from_u128((n << 64) | (n % 4)))
            .collect();
        // Everybody has been idle for long in a group where nothing was said since.
        let group = world.group("idle", &people, 1).await;
        let old = world.send(group, people[0], "long ago", &[]).await;
        for user in &people {
            world.expire(*user, &old).await;
        }
        let (mut due, mut cutoff) = (vec![], old.at);
        for pair in people.windows(2).take(DUE) {
            let talk = world.direct(pair[0], pair[1], 3).await;
            cutoff = world.send(talk, pair[0], "due now", &[]).await.at;
            due.push(talk);
        }
        world.settle().await;
        world.execute("ANALYZE").await;
        owed(&world, &due, cutoff).await;
        let begun = std::time::Instant::now();
        let (found, _) = owed(&world, &due, cutoff).await;
        let took = begun.elapsed() / found.len() as u32;
        println!(
            "{idle:6} idle cursors: {took:?} for each of {} expired",
            found.len()
        );
    }
}
