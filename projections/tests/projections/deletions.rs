//! What the read models say of somebody whose account is deleted, and of whom a deletion concerns.

use crate::support::*;
use chrono::DateTime;
use tidings_domain::event::{AccountDeleted, Avatar, DeletedBy, Registered};
use tidings_domain::{Change, Event, User, UserCommand, UserEvent};
use tidings_projections::people::{self, Profile};
use tidings_projections::{conversations, present, tied, waiting};
use uuid::Uuid;

/// What is decided when somebody's account is deleted.
fn deletion() -> Vec<Event> {
    let mut user = User::default();
    user.evolve(&UserEvent::Registered(Registered {
        username: "ann".to_owned(),
        display_name: "Ann".to_owned(),
    }));
    let deleted = AccountDeleted {
        by: DeletedBy::Person,
        name_freed: true,
    };
    let events = user.decide(UserCommand::Delete(deleted), DateTime::UNIX_EPOCH);
    events.unwrap().into_iter().map(Event::from).collect()
}

#[tokio::test]
async fn whose_account_is_deleted_shows_nothing_and_is_found_by_no_name() {
    for each in [false, true] {
        let world = World::new().await;
        let ann = world.register(0, "ann").await;
        let picture = world.store(ann, 5).await.command;
        let avatar = Some(Avatar(Some(picture)));
        world.profile(ann, Some("Ann B."), Some("here"), avatar).await;
        if each {
            world.settle().await;
        }
        world.append(ann, ann, &deletion()).await;
        world.settle().await;
        let person = world.ask(conversations::people(vec![ann])).await.remove(0);
        assert_eq!(
            (person.username, person.display_name.as_str(), person.is_deleted),
            (ann.to_string(), "deleted user", true)
        );
        let profile = world.ask(people::profiles(vec![ann])).await.pop();
        assert_eq!(profile, Some((ann, Profile::default())));
        for name in ["ann".to_owned(), ann.to_string()] {
            let found = world.ask(conversations::person_named(name)).await;
            assert!(found.is_empty(), "{found:?}");
        }
        // Somebody else takes the name.
        let other = world.register(2, "ann").await;
        world.settle().await;
        let found = world.ask(conversations::person_named("ann".to_owned())).await;
        assert_eq!(found.iter().map(|person| person.id).collect::<Vec<_>>(), [other]);
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn it_is_found_whom_a_deletion_concerns_a_page_after_the_other() {
    let world = World::new().await;
    let mut users = vec![];
    for n in 0..6_u8 {
        users.push(world.register(n % LANES, &format!("user{n}")).await);
    }
    let ann = users[0];
    let direct = world.direct(ann, users[1], 0).await;
    let (group, left, asked, invited) = (
        world.group("g", &[users[1], ann], 1).await,
        world.group("left", &[users[1], ann], 2).await,
        world.group("asked", &[users[1]], 0).await,
        world.group("invited", &[users[1]], 1).await,
    );
    world.leave(left, ann).await;
    world.ask_in(asked, ann, true).await;
    world.invite(invited, users[1], ann, None).await;
    let request = || Change::Requested { text: None };
    // A contact, one whom she waits for, one who waits unheard, one who blocks her, and one with whom she had something.
    world.pair(users[1], ann, request(), true).await;
    world.pair(ann, users[1], Change::Accepted, true).await;
    world.pair(ann, users[2], request(), true).await;
    world.pair(users[3], ann, request(), false).await;
    world
        .pair(users[4], ann, Change::Blocked { on: true }, false)
        .await;
    world
        .pair(ann, users[5], Change::Blocked { on: true }, false)
        .await;
    world
        .pair(ann, users[5], Change::Blocked { on: false }, false)
        .await;
    world.settle().await;
    let pool = world.log.pool();

    let mut places = vec![];
    let mut after = Uuid::nil();
    while let Some(place) = present(pool, ann, after, 1).await.unwrap().pop() {
        after = place.conversation;
        places.push((place.conversation, place.is_direct, place.other));
    }
    let mut expected = vec![(direct, true, Some(users[1])), (group, false, None)];
    expected.sort_unstable();
    assert_eq!(places, expected);

    let mut expected = vec![asked, invited];
    expected.sort_unstable();
    assert_eq!(waiting(pool, ann, Uuid::nil(), 10).await.unwrap(), expected);
    assert_eq!(waiting(pool, ann, expected[0], 10).await.unwrap(), [expected[1]]);

    let mut found = tied(pool, ann, Uuid::nil(), 10).await.unwrap();
    found.dedup();
    let mut expected = users[1..5].to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(tied(pool, ann, expected[0], 1).await.unwrap(), [expected[1]]);
}
