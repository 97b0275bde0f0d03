//! What people are to one another, in the read model: a row for each of the two who is to see it.

use crate::support::*;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use tidings_domain::event::{PairChanged, SettingsUpdated};
use tidings_domain::stored::decode;
use tidings_domain::{Audience, Change, Event, Greeting};
use tidings_projections::people::{self, TieKind};
use tidings_projections::{Order, Range};
use uuid::Uuid;

const REQUEST: Change = Change::Requested { text: None };

fn all() -> Range<Uuid> {
    Range {
        after: None,
        before: None,
        order: Order::Ascending,
        rows: 1000,
    }
}

async fn list(world: &World, user: Uuid, kind: TieKind) -> Vec<Uuid> {
    let found = world.ask(people::ties_of(vec![user], kind, &all())).await;
    found
        .into_iter()
        .filter_map(|row| row.entry)
        .map(|tie| tie.user)
        .collect()
}

/// What is so between two people by the words of each event, one after the other.
#[derive(Default)]
struct Definition {
    /// Of one of the two, as they see it, and the other one.
    contacts: BTreeSet<(Uuid, Uuid)>,
    /// By who asks and who is asked.
    sent: BTreeSet<(Uuid, Uuid)>,
    /// By who is asked, has heard it and has not declined, and who asks.
    received: BTreeSet<(Uuid, Uuid)>,
    blocks: BTreeSet<(Uuid, Uuid)>,
}

impl Definition {
    fn fold(&mut self, changed: &PairChanged) {
        let (by, user) = (changed.by.0, changed.user.0);
        let both = [(by, user), (user, by)];
        let sides = match changed.only {
            None => &both[..],
            Some(only) if only.0 == by => &both[..1],
            Some(_) => &both[1..],
        };
        let sides = sides.iter().copied();
        match &changed.change {
            Change::Requested { .. } => {
                self.sent.insert((by, user));
                if changed.heard {
                    self.received.insert((user, by));
                }
            }
            Change::Accepted => {
                for (one, other) in sides {
                    self.sent.remove(&(one, other));
                    self.received.remove(&(one, other));
                    self.contacts.insert((one, other));
                }
            }
            Change::Declined { .. } => {
                self.received.remove(&(by, user));
            }
            Change::Withdrawn => {
                self.sent.remove(&(by, user));
                self.received.remove(&(user, by));
            }
            Change::Removed => {
                for side in sides {
                    self.contacts.remove(&side);
                }
            }
            Change::Blocked { on: true } => {
                self.blocks.insert((by, user));
            }
            Change::Blocked { on: false } => {
                self.blocks.remove(&(by, user));
            }
        }
    }

    fn list(&self, user: Uuid, kind: TieKind) -> Vec<Uuid> {
        let of = |all: &BTreeSet<(Uuid, Uuid)>| -> Vec<Uuid> {
            let mine = all.iter().filter(|(one, _)| *one == user);
            mine.map(|(_, other)| *other).collect()
        };
        match kind {
            TieKind::Contact => of(&self.contacts),
            TieKind::Sent => of(&self.sent),
            TieKind::Received => {
                let mut mine = of(&self.received);
                mine.retain(|by| !self.blocks.contains(&(user, *by)));
                mine
            }
            TieKind::Blocked => of(&self.blocks),
            TieKind::Asked => vec![],
        }
    }
}

#[tokio::test]
async fn whatever_becomes_of_people_each_sees_what_is_theirs_to_see() {
    for batch in [7, 1000] {
        let world = World::new().await;
        let mut crowd = Crowd::new(&world, 92).await;
        for n in 1..=500 {
            crowd.act(&world).await;
            if n % batch == 0 {
                world.settle().await;
            }
        }
        world.settle().await;
        let (mut definition, mut count) = (Definition::default(), 0);
        for record in world.told().await {
            if let Event::Pair(changed) = decode(record.kind, record.ver, &record.payload).unwrap() {
                definition.fold(&changed);
                count += 1;
            }
        }
        assert!(count > 15, "{count}");
        for user in crowd.users() {
            for kind in [
                TieKind::Contact,
                TieKind::Sent,
                TieKind::Received,
                TieKind::Blocked,
            ] {
                let listed = list(&world, *user, kind).await;
                assert_eq!(listed, definition.list(*user, kind), "{kind:?}");
            }
        }
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn lists_have_pages_and_requests_their_text() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let mut others = vec![];
    for n in 0..5_u8 {
        let other = world.register(n % LANES, &format!("u{n}")).await;
        let text = Greeting::parse(&format!("greeting {n}")).ok();
        world.pair(other, ann, Change::Requested { text }, true).await;
        others.push(other);
    }
    others.sort_unstable();
    world.settle().await;
    let page = Range {
        after: Some(others[0]),
        before: Some(others[4]),
        rows: 2,
        ..all()
    };
    let found = world
        .ask(people::ties_of(vec![ann], TieKind::Received, &page))
        .await;
    assert!(found.iter().all(|row| row.around == (true, true)));
    let ties: Vec<_> = found.into_iter().filter_map(|row| row.entry).collect();
    let ids: Vec<Uuid> = ties.iter().map(|tie| tie.user).collect();
    assert_eq!(ids, others[1..3]);
    assert!(
        ties.iter()
            .all(|tie| tie.text.as_ref().unwrap().starts_with("greeting"))
    );
}

#[tokio::test]
async fn it_is_known_who_wants_what_of_whom_and_how_many_people_somebody_has_to_do_with() {
    let world = World::new().await;
    let mut people = vec![];
    for (lane, name) in [(0, "ann"), (1, "ben"), (2, "cat"), (3, "dan")] {
        people.push(world.register(lane, name).await);
    }
    let [ann, ben, cat, dan] = people[..] else {
        unreachable!()
    };
    world.pair(ann, ben, REQUEST, true).await;
    world.pair(ben, ann, Change::Accepted, true).await;
    world.pair(ann, cat, REQUEST, true).await;
    world.pair(ann, dan, REQUEST, false).await;
    world.pair(dan, ann, Change::Blocked { on: true }, false).await;
    world.pair(ann, cat, Change::Blocked { on: true }, false).await;
    let wants = SettingsUpdated {
        add_me: Some(Audience::Contacts),
        receipts: Some(false),
        ..SettingsUpdated::default()
    };
    world.settings(cat, wants).await;
    world.settle().await;
    let pool = world.log.pool();
    let regards = tidings_projections::regards(pool, ann, &people[1..])
        .await
        .unwrap();
    let regards: Vec<_> = regards
        .into_iter()
        .map(|(user, regard)| {
            let blocks = [regard.is_blocked, regard.blocks];
            (user, regard.is_contact, blocks, regard.settings.add_me)
        })
        .collect();
    assert_eq!(
        regards,
        [
            (ben, true, [false, false], Audience::Everyone),
            (cat, false, [false, true], Audience::Contacts),
            (dan, false, [true, false], Audience::Everyone),
        ]
    );
    let day = DateTime::<Utc>::from_timestamp_micros(0).unwrap();
    let ties = tidings_projections::ties(pool, ann, day).await.unwrap();
    assert_eq!(
        (
            ties.contacts,
            ties.requests,
            ties.today,
            ties.blocks,
            ties.free_at
        ),
        (1, 2, 3, 1, None)
    );
    let later = Utc::now() + TimeDelta::days(1);
    assert_eq!(
        tidings_projections::ties(pool, ann, later).await.unwrap().today,
        0
    );
    // Receipts: neither with whom a block stands, whoever blocks, nor of whom does not want them.
    let kept = async |viewer: Uuid| {
        let mut kept = world.ask(people::kept_from(viewer, people.clone())).await;
        kept.retain(|user| *user != viewer);
        kept
    };
    assert_eq!(kept(ann).await, [cat, dan]);
    assert_eq!(kept(ben).await, [cat]);
    assert_eq!(kept(cat).await, [ann, ben, dan]);
    let group = world.group("g", &people, 1).await;
    world.settle().await;
    let withheld = async |user: Uuid| -> BTreeSet<Uuid> {
        let found = tidings_projections::withheld(pool, user, &[group]).await.unwrap();
        found.into_iter().map(|(_, user)| user).collect()
    };
    assert_eq!(withheld(ann).await, [cat, dan].into());
    assert_eq!(withheld(ben).await, [cat].into());
    assert!(withheld(cat).await.contains(&cat), "who wants none shows none");
}
