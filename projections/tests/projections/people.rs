//! What people show of themselves, and what they want of others.

use crate::support::*;
use std::collections::BTreeMap;
use tidings_domain::event::{Avatar, SettingsUpdated};
use tidings_domain::stored::decode;
use tidings_domain::{Audience, Event, Settings, UserEvent};
use tidings_projections::conversations;
use tidings_projections::people::{self, Profile};
use uuid::Uuid;

async fn profile(world: &World, user: Uuid) -> Option<Profile> {
    world
        .ask(people::profiles(vec![user]))
        .await
        .pop()
        .map(|(_, profile)| profile)
}

async fn names(world: &World, user: Uuid, most: i64) -> Vec<String> {
    let names = world.ask(people::names(vec![user], most)).await;
    names.into_iter().map(|(_, name)| name.display_name).collect()
}

async fn settings(world: &World, user: Uuid) -> Option<Settings> {
    world
        .ask(people::settings(vec![user]))
        .await
        .pop()
        .map(|(_, settings)| settings)
}

async fn shown_name(world: &World, user: Uuid) -> String {
    world
        .ask(conversations::people(vec![user]))
        .await
        .remove(0)
        .display_name
}

#[tokio::test]
async fn what_is_not_named_stays_and_every_name_is_kept() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let picture = world.store(ann, 5).await.command;
    world.settle().await;
    assert_eq!(
        (profile(&world, ann).await, settings(&world, ann).await),
        (None, None)
    );
    world.profile(ann, Some("Ann B."), Some("here"), None).await;
    world.settle().await;
    world.profile(ann, None, None, Some(Avatar(Some(picture)))).await;
    world.profile(ann, Some("Ann C."), None, None).await;
    world.settle().await;
    let mut expected = Profile {
        about: "here".to_owned(),
        avatar: Some(picture),
    };
    assert_eq!(profile(&world, ann).await.as_ref(), Some(&expected));
    assert_eq!(
        names(&world, ann, 9).await,
        ["Ann C.", "Ann B.", "ann the person"]
    );
    assert_eq!(names(&world, ann, 2).await, ["Ann C.", "Ann B."]);
    assert_eq!(shown_name(&world, ann).await, "Ann C.");
    world.profile(ann, None, Some(""), Some(Avatar(None))).await;
    world.settle().await;
    expected = Profile::default();
    assert_eq!(profile(&world, ann).await.as_ref(), Some(&expected));
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn whatever_people_say_of_themselves_the_last_of_each_holds() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 91).await;
    for n in 0..400 {
        crowd.act(&world).await;
        if n % 40 == 0 {
            world.settle().await;
        }
    }
    world.settle().await;
    let mut wanted: BTreeMap<Uuid, Settings> = BTreeMap::new();
    let mut shown: BTreeMap<Uuid, Profile> = BTreeMap::new();
    let mut named: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    for record in world.told().await {
        match decode(record.kind, record.ver, &record.payload).unwrap() {
            Event::User(UserEvent::Registered(registered)) => {
                named
                    .entry(record.stream)
                    .or_default()
                    .insert(0, registered.display_name);
            }
            Event::User(UserEvent::SettingsUpdated(updated)) => {
                let settings = wanted.entry(record.stream).or_default();
                *settings = settings.with(updated);
            }
            Event::User(UserEvent::ProfileUpdated(updated)) => {
                if let Some(name) = updated.display_name {
                    named
                        .entry(record.stream)
                        .or_default()
                        .insert(0, name.as_str().to_owned());
                }
                if updated.about.is_none() && updated.avatar.is_none() {
                    continue;
                }
                let profile = shown.entry(record.stream).or_default();
                if let Some(about) = updated.about {
                    about.as_str().clone_into(&mut profile.about);
                }
                if let Some(Avatar(avatar)) = updated.avatar {
                    profile.avatar = avatar;
                }
            }
            _ => {}
        }
    }
    assert!(!wanted.is_empty() && !shown.is_empty());
    for user in crowd.users() {
        assert_eq!(settings(&world, *user).await, wanted.get(user).copied());
        assert_eq!(profile(&world, *user).await, shown.get(user).cloned());
        assert_eq!(names(&world, *user, 1000).await, named[user]);
        assert_eq!(shown_name(&world, *user).await, named[user][0]);
    }
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn who_has_said_nothing_of_one_thing_wants_what_everybody_wants() {
    let world = World::new().await;
    let ann = world.register(1, "ann").await;
    let direct = SettingsUpdated {
        direct: Some(Audience::Contacts),
        ..SettingsUpdated::default()
    };
    world.settings(ann, direct).await;
    world.settle().await;
    let expected = Settings::default().with(direct);
    assert_eq!(settings(&world, ann).await, Some(expected));
    assert!(expected.receipts);
}
