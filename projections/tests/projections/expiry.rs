//! Looking for inboxes that have waited too long.

use crate::support::{World, eventually};
use std::collections::BTreeSet;
use tidings_projections::{Expiry, Place};
use uuid::Uuid;

#[tokio::test]
async fn every_membership_is_looked_at_once_however_many_inboxes_have_waited_too_long() {
    let world = World::new().await;
    // Members in any order, of some conversations each, on all lanes.
    let people: Vec<Uuid> = (1..=1500_u128)
        .map(|n| Uuid::from_u128((n << 64) | (n % 4)))
        .collect();
    let (mut owed, mut cutoff) = (BTreeSet::new(), None);
    for n in 0..3_u8 {
        let group = world.group(&format!("g{n}"), &people, n).await;
        let sent = world.send(group, people[0], "to all", &[]).await;
        cutoff = cutoff.max(Some(sent.at));
        owed.extend(people.iter().map(|user| (*user, group, sent.seq)));
    }
    world.settle().await;
    let task = Expiry::take(world.log.pool()).await.unwrap().unwrap();
    let (mut pages, mut place, mut found) = (0, Some(Place::default()), BTreeSet::new());
    while let Some(after) = place {
        let page = task.page(cutoff.unwrap(), after).await.unwrap();
        for (user, cursors) in page.inboxes {
            for (conversation, end) in cursors {
                assert!(found.insert((user.0, conversation.0, end.seq)), "{user:?} twice");
            }
        }
        (pages, place) = (pages + 1, page.next);
    }
    assert_eq!(found, owed);
    // 4,500 memberships, of which nothing was moved: a look that began anew would not have ended.
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn one_session_of_all_looks_for_them_until_it_ends() {
    let world = World::new().await;
    let first = Expiry::take(world.log.pool()).await.unwrap();
    assert!(first.is_some());
    assert!(Expiry::take(world.log.pool()).await.unwrap().is_none());
    drop(first);
    eventually("another takes it", async || {
        Expiry::take(world.log.pool()).await.unwrap().is_some()
    })
    .await;
}
