//! How groups govern themselves, in the read models.

use crate::support::World;
use chrono::{DateTime, TimeDelta, Utc};
use tidings_domain::{Change, Ending, GroupSettings, SettingsChange, Who};
use tidings_projections::groups::{self, SanctionKind};
use tidings_projections::{Order, Range};
use uuid::Uuid;

fn all<P>() -> Range<P> {
    Range {
        after: None,
        before: None,
        order: Order::Ascending,
        rows: 1000,
    }
}

async fn settings(world: &World, group: Uuid) -> GroupSettings {
    let mut change = SettingsChange::default();
    for setting in world.ask(groups::settings(vec![group])).await {
        setting.say(&mut change);
    }
    GroupSettings::default().with(&change)
}

async fn sanctioned(world: &World, group: Uuid, kind: SanctionKind) -> Vec<(Uuid, Uuid, Option<String>)> {
    let found = world.ask(groups::sanctions(vec![group], kind, &all())).await;
    let found = found.into_iter().filter_map(|row| row.entry);
    found
        .map(|sanction| (sanction.user, sanction.by, sanction.reason))
        .collect()
}

#[tokio::test]
async fn of_each_setting_the_last_word_counts() {
    for each in [true, false] {
        let world = World::new().await;
        let ann = world.register(0, "ann").await;
        let (group, other) = (
            world.group("g", &[ann], 1).await,
            world.group("h", &[ann], 2).await,
        );
        let changes = [
            SettingsChange {
                post: Some(Who::Admins),
                slow_s: Some(30),
                ..SettingsChange::default()
            },
            SettingsChange {
                post: Some(Who::Members),
                forward: Some(false),
                ..SettingsChange::default()
            },
        ];
        for change in changes {
            world.set(group, change).await;
            if each {
                world.settle().await;
            }
        }
        world.settle().await;
        let expected = GroupSettings {
            forward: false,
            slow_s: 30,
            ..GroupSettings::default()
        };
        assert_eq!(settings(&world, group).await, expected);
        assert_eq!(settings(&world, other).await, GroupSettings::default());
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn a_link_counts_who_came_by_it_until_it_is_revoked() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let cat = world.register(2, "cat").await;
        let group = world.group("g", &[ann], 2).await;
        let (link, other) = (
            world.link(group, ann, Some(2)).await,
            world.link(group, ann, None).await,
        );
        if each {
            world.settle().await;
        }
        world.come_by(group, bob, link).await;
        world.come_by(group, cat, link).await;
        world.revoke(group, other).await;
        world.settle().await;
        let found = world.ask(groups::links(vec![group], &all())).await;
        let found: Vec<_> = found.into_iter().filter_map(|row| row.entry).collect();
        let told: Vec<_> = found
            .iter()
            .map(|found| (found.link, found.by, found.uses, found.used))
            .collect();
        assert_eq!(told, [(link, ann, Some(2), 2)]);
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn who_asks_waits_until_there_is_an_answer() {
    for each in [true, false] {
        let world = World::new().await;
        let ann = world.register(0, "ann").await;
        let group = world.group("g", &[ann], 2).await;
        let mut asking = vec![];
        for n in 0..4_u8 {
            let user = world.register(n, &format!("u{n}")).await;
            world.ask_in(group, user, true).await;
            asking.push(user);
        }
        if each {
            world.settle().await;
        }
        world.ask_in(group, asking[0], false).await;
        world.add(group, asking[1]).await;
        world.ban(group, asking[2], true).await;
        world.settle().await;
        let found = world.ask(groups::requests(vec![group], &all())).await;
        let waiting: Vec<Uuid> = found
            .into_iter()
            .filter_map(|row| Some(row.entry?.user))
            .collect();
        assert_eq!(waiting, [asking[3]]);
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn a_sanction_stands_until_it_is_lifted_and_a_later_one_takes_its_place() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let group = world.group("g", &[ann, bob], 2).await;
        world.silence(group, bob, true).await;
        world.ban(group, bob, true).await;
        if each {
            world.settle().await;
        }
        world.silence(group, bob, false).await;
        world.ban(group, ann, true).await;
        world.ban(group, ann, false).await;
        world.settle().await;
        assert_eq!(sanctioned(&world, group, SanctionKind::Muted).await, []);
        assert_eq!(
            sanctioned(&world, group, SanctionKind::Banned).await,
            [(bob, Uuid::nil(), Some("spam".to_owned()))]
        );
        world.ban(group, bob, true).await;
        world.silence(group, ann, true).await;
        world.settle().await;
        assert_eq!(sanctioned(&world, group, SanctionKind::Banned).await.len(), 1);
        assert_eq!(
            sanctioned(&world, group, SanctionKind::Muted).await,
            [(ann, Uuid::nil(), None)]
        );
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn a_ban_is_shown_until_it_is_over_also_where_nobody_has_lifted_it() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    world.ban_until(group, ann, 1_000_000_000).await;
    world.ban(group, bob, true).await;
    world.settle().await;
    let bans = sanctioned(&world, group, SanctionKind::Banned).await;
    assert_eq!(bans, [(bob, Uuid::nil(), Some("spam".to_owned()))]);
    // Nor does a list go on to one that is over.
    world.ban(group, bob, false).await;
    world.settle().await;
    let (first, last) = (Uuid::nil(), Uuid::max());
    for (after, before) in [(Some(last), None), (None, Some(first))] {
        let range = Range {
            after,
            before,
            ..all()
        };
        let select = groups::sanctions(vec![group], SanctionKind::Banned, &range);
        let found = world.ask(select).await;
        let around: Vec<_> = found.iter().map(|row| row.around).collect();
        assert_eq!(around, [(false, false)]);
    }
    // The ban is a new one.
    world.ban(group, ann, true).await;
    world.settle().await;
    assert_eq!(sanctioned(&world, group, SanctionKind::Banned).await.len(), 1);
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn an_invitation_stands_until_it_has_an_answer_and_for_who_was_told_as_they_were_told() {
    for each in [true, false] {
        let world = World::new().await;
        let ann = world.register(0, "ann").await;
        let group = world.group("g", &[ann], 2).await;
        let mut invited = vec![];
        for n in 0..5_u8 {
            let user = world.register(n % 4, &format!("u{n}")).await;
            world.invite(group, ann, user, None).await;
            // The last one is told of nothing.
            if n < 4 {
                world.tell(user, group, ann, None).await;
            }
            invited.push(user);
        }
        if each {
            world.settle().await;
        }
        let outcomes = [Ending::Accepted, Ending::Declined, Ending::Withdrawn];
        for (user, outcome) in invited.iter().zip(outcomes) {
            world.invite(group, ann, *user, Some(outcome)).await;
            world.tell(*user, group, ann, Some(outcome)).await;
        }
        world.settle().await;
        let found = world.ask(groups::invitations(vec![group], &all())).await;
        let open: Vec<(Uuid, Uuid)> = found
            .into_iter()
            .filter_map(|row| row.entry)
            .map(|invitation| (invitation.user, invitation.by))
            .collect();
        let mut expected = [(invited[3], ann), (invited[4], ann)];
        expected.sort();
        assert_eq!(open, expected);
        for (n, user) in invited.iter().enumerate() {
            let found = world.ask(groups::invited(vec![*user], &all())).await;
            let told: Vec<_> = found
                .into_iter()
                .filter_map(|row| row.entry)
                .map(|invited| (invited.conversation, invited.name, invited.by))
                .collect();
            let waits = (n == 3).then(|| (group, "g".to_owned(), ann));
            assert_eq!(told, waits.into_iter().collect::<Vec<_>>(), "{n}");
        }
        // Each counts among those of the day, whatever has become of it, and one that comes again counts once.
        world.invite(group, ann, invited[0], None).await;
        world.settle().await;
        let day = DateTime::<Utc>::from_timestamp_micros(0).unwrap();
        let since = |user, since| tidings_projections::invitations_since(world.log.pool(), user, since);
        let sent = since(ann, day).await.unwrap();
        assert_eq!((sent.invitations, sent.free_at), (5, None));
        let later = Utc::now() + TimeDelta::days(1);
        assert_eq!(since(ann, later).await.unwrap().invitations, 0);
        assert_eq!(since(invited[0], day).await.unwrap().invitations, 0);
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn each_inviter_has_a_row_of_their_own_and_whoever_is_told_sees_the_group_once() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let (cat, dan) = (world.register(2, "cat").await, world.register(3, "dan").await);
        let (group, other) = (
            world.group("g", &[ann, bob, cat], 2).await,
            world.group("h", &[ann, bob], 1).await,
        );
        for (group, by) in [
            (group, ann),
            (group, bob),
            (group, cat),
            (other, ann),
            (other, bob),
        ] {
            world.invite(group, by, dan, None).await;
            // Of Ann's invitations they are told nothing.
            if by != ann {
                world.tell(dan, group, by, None).await;
            }
        }
        if each {
            world.settle().await;
        }
        let open = async |group| {
            let found = world.ask(groups::invitations(vec![group], &all())).await;
            let found = found.into_iter().filter_map(|row| row.entry);
            found
                .map(|invitation| (invitation.user, invitation.by))
                .collect::<Vec<(Uuid, Uuid)>>()
        };
        let named = async || {
            let found = world.ask(groups::invited(vec![dan], &all())).await;
            let found = found.into_iter().filter_map(|row| row.entry);
            found
                .map(|invited| (invited.conversation, invited.by))
                .collect::<Vec<(Uuid, Uuid)>>()
        };
        // Ann's ends, of which nobody hears, and Bob's in the one group; in the other one Bob's is answered, and Ann's with it.
        world.take_back(group, ann, dan).await;
        world.take_back(group, bob, dan).await;
        world.tell_taken_back(dan, group, bob).await;
        world.invite(other, dan, dan, Some(Ending::Declined)).await;
        world.tell(dan, other, bob, Some(Ending::Declined)).await;
        world.settle().await;
        assert_eq!(open(group).await, [(dan, cat)]);
        assert_eq!(open(other).await, []);
        assert_eq!(named().await, [(group, cat)]);
        // Whoever was told of first names it, and of those whom they block by now nobody does.
        world.invite(group, bob, dan, None).await;
        world.tell(dan, group, bob, None).await;
        world.settle().await;
        let mut both = [(dan, bob), (dan, cat)];
        both.sort_unstable();
        assert_eq!(open(group).await, both);
        assert_eq!(named().await, [(group, cat)]);
        for (blocked, names) in [(cat, Some(bob)), (bob, None)] {
            world
                .pair(dan, blocked, Change::Blocked { on: true }, false)
                .await;
            world.settle().await;
            let expected: Vec<(Uuid, Uuid)> = names.map(|by| (group, by)).into_iter().collect();
            assert_eq!(named().await, expected);
        }
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn pages_of_invitations_are_in_the_order_of_who_is_invited_and_then_of_who_invites() {
    let world = World::new().await;
    let mut people = vec![];
    for n in 0..6_u8 {
        people.push(world.register(n % 4, &format!("u{n}")).await);
    }
    let group = world.group("g", &people[..3], 2).await;
    let mut expected = vec![];
    for user in &people[3..] {
        for by in &people[..3] {
            world.invite(group, *by, *user, None).await;
            expected.push((*user, *by));
        }
    }
    world.settle().await;
    expected.sort_unstable();
    for (after, place) in expected.iter().enumerate() {
        let range = Range {
            after: Some(*place),
            rows: 2,
            ..all()
        };
        let found = world.ask(groups::invitations(vec![group], &range)).await;
        assert_eq!(found[0].around, (true, false));
        let page: Vec<(Uuid, Uuid)> = found
            .into_iter()
            .filter_map(|row| row.entry)
            .map(|invitation| (invitation.user, invitation.by))
            .collect();
        let rest = &expected[after + 1..];
        assert_eq!(page, rest[..rest.len().min(2)]);
    }
}
