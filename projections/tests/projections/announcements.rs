//! What was announced, whom it has reached, and who has read it.

use crate::support::*;
use chrono::{DateTime, Utc};
use tidings_domain::AnnouncementText;
use tidings_domain::event::AnnouncementChange;
use tidings_projections::announcements::{Announcement, Reach, announcements, announcements_by_id, reach};
use tidings_projections::{Order, Range, lately};
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(7);

fn made(text: &str, at: Option<DateTime<Utc>>) -> AnnouncementChange {
    AnnouncementChange::Made {
        text: AnnouncementText::parse(text).unwrap(),
        at: at.map(Into::into),
    }
}

async fn one(world: &World, id: Uuid) -> Announcement {
    world.ask(announcements_by_id(vec![id])).await.remove(0)
}

async fn reach_of(world: &World, id: Uuid) -> Reach {
    world.ask(reach(vec![id])).await.remove(0).1
}

#[tokio::test]
async fn what_has_become_of_an_announcement_is_seen_whether_it_came_in_one_batch_or_in_two() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let later = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    for settles in [false, true] {
        let [now, published, cancelled] = [1, 2, 3].map(|n| Uuid::from_u128(n + 10 * u128::from(settles)));
        let first = world.announce(ann, now, made("now", None)).await;
        world.announce(ann, published, made("later", Some(later))).await;
        world.announce(ann, cancelled, made("never", Some(later))).await;
        if settles {
            world.settle().await;
        }
        let over = world
            .announce(ann, published, AnnouncementChange::Published)
            .await;
        let gone = world
            .announce(ann, cancelled, AnnouncementChange::Cancelled)
            .await;
        world.settle().await;
        let found = one(&world, now).await;
        assert_eq!((found.text.as_str(), found.by), ("now", ann));
        assert_eq!(
            (found.made_at, found.at, found.published_at, found.cancelled_at),
            (first.at, first.at, Some(first.at), None)
        );
        let found = one(&world, published).await;
        assert_eq!(
            (found.at, found.published_at, found.cancelled_at),
            (later, Some(over.at), None)
        );
        let found = one(&world, cancelled).await;
        assert_eq!(
            (found.published_at, found.cancelled_at, found.cancelled_by),
            (None, Some(gone.at), Some(ann))
        );
    }
    let range = Range {
        after: Some(Uuid::from_u128(1)),
        before: None,
        order: Order::Descending,
        rows: 2,
    };
    let listed = world.ask(announcements(&range)).await;
    let ids: Vec<Uuid> = listed.iter().map(|row| row.entry.as_ref().unwrap().id).collect();
    assert_eq!(ids, [13, 12].map(Uuid::from_u128));
    assert_eq!(listed[0].around, (true, false));
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn its_reach_is_who_was_told_and_who_of_them_has_read_up_to_there() {
    let world = World::new().await;
    let mut people = vec![];
    for (lane, name) in [(0, "ann"), (1, "ben"), (2, "cat")] {
        people.push(world.register(lane, name).await);
    }
    world.settle().await;
    assert_eq!(reach_of(&world, ID).await, Reach::default());
    // Ann reads before she is told: that is not it.
    world.read_notices(people[0], 1_000_000).await;
    for user in &people {
        world.told_of(*user, ID).await;
    }
    let another = world.told_of(people[1], Uuid::from_u128(8)).await;
    world.read_notices(people[1], another.seq - 1).await;
    let told = world.told_of(people[2], Uuid::from_u128(8)).await;
    world.settle().await;
    world.read_notices(people[2], told.seq).await;
    world.settle().await;
    assert_eq!(
        reach_of(&world, ID).await,
        Reach {
            delivered: 3,
            read: 2
        }
    );
    let of_another = reach_of(&world, Uuid::from_u128(8)).await;
    assert_eq!(
        of_another,
        Reach {
            delivered: 2,
            read: 1
        }
    );
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn what_somebody_was_told_last_is_known_and_since_when_they_are_there() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let ben = world.register(1, "ben").await;
    world.told_of(ann, ID).await;
    world.told_of(ann, Uuid::from_u128(8)).await;
    world.settle().await;
    let nobody = Uuid::from_u128(99);
    let found = lately(world.log.pool(), &[ann, ben, nobody]).await.unwrap();
    let last: Vec<Option<Uuid>> = found.iter().map(|lately| lately.announcement).collect();
    assert_eq!(last, [Some(Uuid::from_u128(8)), None, None]);
    let there: Vec<bool> = found
        .iter()
        .map(|lately| lately.registered_at.is_some())
        .collect();
    assert_eq!(there, [true, true, false]);
}
