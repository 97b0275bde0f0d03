//! What newcomers see of a group, in the read models.

use crate::support::World;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_domain::{History, SettingsChange};
use tidings_eventlog::Recorded;
use tidings_projections::{
    Listed, Membership, Newcomers, Order, Range, Stay, Visible, attachments, history, memberships, visible,
};
use uuid::Uuid;

fn all() -> Range<i64> {
    Range {
        after: None,
        before: None,
        order: Order::Ascending,
        rows: 1000,
    }
}

fn turn(history: History) -> SettingsChange {
    SettingsChange {
        history: Some(history),
        ..SettingsChange::default()
    }
}

async fn membership(world: &World, user: Uuid) -> Membership {
    world.settle().await;
    let mut found = memberships(world.log.pool(), &[user]).await.unwrap();
    found.remove(0).of_user.remove(0)
}

fn seqs(page: Vec<Listed<history::Message>>) -> Vec<i64> {
    page.into_iter()
        .filter_map(|row| row.entry.map(|message| message.seq))
        .collect()
}

#[tokio::test]
async fn what_somebody_sees_is_found_at_their_joining_however_events_are_divided() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob, eve) = (
            world.register(0, "ann").await,
            world.register(1, "bob").await,
            world.register(3, "eve").await,
        );
        let group = world.group("g", &[ann], 2).await;
        // Folded event by event, or all in one range.
        let step = async |event: Recorded| {
            if each {
                world.settle().await;
            }
            event
        };
        step(world.send(group, ann, "one", &[]).await).await;
        step(world.set(group, turn(History::Joined)).await).await;
        step(world.add(group, bob).await).await;
        step(world.send(group, ann, "two", &[]).await).await;
        step(world.set(group, turn(History::Shared)).await).await;
        step(world.send(group, ann, "three", &[]).await).await;
        let eves = step(world.add(group, eve).await).await;
        let bob_left = step(world.leave(group, bob).await).await;
        let joined = step(world.set(group, turn(History::Joined)).await).await;
        let bobs = step(world.add(group, bob).await).await;
        world.settle().await;
        let rows = "SELECT user_id, joined_seq, visible_from, unseen_msg_no FROM p_conversations_3.member ORDER BY joined_seq";
        assert_eq!(
            world.rows(rows).await,
            [
                format!("({ann},1,1,0)"),
                format!("({eve},{},7,2)", eves.seq),
                format!("({bob},{0},{0},3)", bobs.seq),
            ],
            "{each}"
        );
        // Bob came in by the fourth event.
        let stays = "SELECT user_id, from_seq, to_seq FROM p_conversations_3.stay";
        assert_eq!(
            world.rows(stays).await,
            [format!("({bob},4,{})", bob_left.seq)],
            "{each}"
        );
        let eves = membership(&world, eve).await;
        assert_eq!(eves.visible, Visible::since(7));
        assert_eq!(
            eves.newcomers,
            Newcomers::turned(History::Joined, joined.seq, joined.msg_no)
        );
        world.assert_as_the_log_says().await;
    }
}

/// Where the read models are behind, the log says the same.
#[tokio::test]
async fn a_membership_that_is_followed_comes_to_what_is_folded() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    world.send(group, ann, "one", &[]).await;
    let mut followed = membership(&world, bob).await;
    let mut stays = vec![];
    for (history, back_to_all) in [(History::Joined, false), (History::Shared, true)] {
        let left = world.leave(group, bob).await;
        stays.push(Stay {
            from: followed.visible.latest(),
            to: left.seq,
        });
        followed.leave(left.seq);
        world.send(group, ann, "behind his back", &[]).await;
        let turned = world.set(group, turn(history)).await;
        followed.turn(history, turned.seq, turned.msg_no);
        world.send(group, ann, "and again", &[]).await;
        let back = world.add(group, bob).await;
        followed.join(back.seq, back.msg_no);
        let folded = membership(&world, bob).await;
        assert_eq!(
            (
                &followed.visible,
                followed.newcomers,
                followed.sent(),
                followed.delivered_msg_no
            ),
            (
                &folded.visible,
                folded.newcomers,
                folded.sent(),
                folded.delivered_msg_no
            )
        );
        let expected = if back_to_all { turned.seq + 1 } else { back.seq };
        assert_eq!(folded.visible, Visible::since(expected).with(stays.clone()));
        let alone = visible(world.log.pool(), bob, group).await.unwrap();
        assert_eq!(alone, Some(folded.visible.clone()));
        // What he saw by the first of them and was not sent is owed all the time.
        assert_eq!(folded.sent(), 0);
    }
}

/// However often somebody comes and goes, and however events are divided, what each of their memberships showed them is known.
#[tokio::test]
async fn what_earlier_memberships_showed_is_kept_however_events_are_divided() {
    let world = World::new().await;
    let mut rng = StdRng::seed_from_u64(59);
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let (mut is_in, mut now, mut turned_at) = (true, History::Shared, 0);
    let (mut from, mut stays) = (1, vec![]);
    for n in 0..120 {
        let deed = rng.random_range(0..4);
        if deed == 0 {
            let history = if now == History::Shared {
                History::Joined
            } else {
                History::Shared
            };
            (now, turned_at) = (history, world.set(group, turn(history)).await.seq);
        } else if deed == 1 {
            world.send(group, ann, &format!("{n}"), &[]).await;
        } else if is_in {
            let to = world.leave(group, bob).await.seq;
            stays.push(Stay { from, to });
            is_in = false;
        } else {
            let back = world.add(group, bob).await.seq;
            from = if now == History::Shared {
                turned_at + 1
            } else {
                back
            };
            is_in = true;
        }
        // Ranges of all lengths.
        if rng.random_bool(0.2) {
            world.settle().await;
        }
    }
    let folded = membership(&world, bob).await;
    let ended = if is_in {
        &stays[..]
    } else {
        &stays[..stays.len() - 1]
    };
    assert!(ended.len() > 5, "{stays:?}");
    assert_eq!(folded.visible, Visible::since(from).with(ended.to_vec()));
    world.assert_as_the_log_says().await;
}

/// Whoever was never in sees nothing, and of a conversation that is aside nobody knows who sees what.
#[tokio::test]
async fn what_somebody_sees_is_not_known_of_what_is_aside() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann], 2).await;
    world.settle().await;
    let sees = async |user| visible(world.log.pool(), user, group).await.unwrap();
    assert_eq!(sees(ann).await, Some(Visible::since(1)));
    assert_eq!(sees(bob).await, Some(Visible::since(u64::MAX)));
    world.append_raw(group, 16, "{}").await;
    world.settle().await;
    assert_eq!(sees(ann).await, None);
}

#[tokio::test]
async fn whatever_is_asked_of_history_leaves_out_what_the_viewer_does_not_see() {
    let world = World::new().await;
    let (ann, bob, eve) = (
        world.register(0, "ann").await,
        world.register(1, "bob").await,
        world.register(3, "eve").await,
    );
    let group = world.group("g", &[ann, bob], 2).await;
    let file = world.store(ann, 7).await.command;
    let old = world.send(group, ann, "old", &[]).await;
    world.show(group, ann, file).await;
    world.pin(&old, ann, true).await;
    world.reply(&old, bob, false, &[]).await;
    let quiet = world.send(group, ann, "nobody replied", &[]).await;
    world.reply(&quiet, bob, false, &[]).await;
    world.set(group, turn(History::Joined)).await;
    world.send(group, ann, "hidden", &[]).await;
    world.add(group, eve).await;
    world.settle().await;
    let pages = |viewer| history::pages(viewer, vec![group], vec![0], &all());
    let last = |viewer| history::last(viewer, vec![group]);
    assert!(seqs(world.ask(pages(eve)).await).is_empty());
    assert!(world.ask(last(eve)).await.is_empty());

    let new = world.send(group, ann, "new", &[]).await;
    let later = world.reply(&old, bob, false, &[]).await;
    world.settle().await;
    assert_eq!(seqs(world.ask(pages(eve)).await), [new.seq as i64]);
    assert_eq!(seqs(world.ask(pages(bob)).await).len(), 5);
    let end = world.ask(last(eve)).await.remove(0);
    assert_eq!(end.seq, new.seq as i64);
    // There is nothing before, and nothing is told of it.
    let before = Range {
        before: Some(new.seq as i64),
        ..all()
    };
    let page = world
        .ask(history::pages(eve, vec![group], vec![0], &before))
        .await;
    assert!(page.iter().all(|row| row.entry.is_none()));
    let behind = Range {
        after: Some(old.seq as i64),
        ..all()
    };
    let page = world
        .ask(history::pages(eve, vec![group], vec![0], &behind))
        .await;
    assert!(page.iter().all(|row| !row.around.0));

    let by_id = |viewer, message: &Recorded| history::by_id(viewer, vec![group], vec![message.command]);
    for (message, sees) in [(&old, false), (&quiet, false), (&new, true)] {
        assert_eq!(world.ask(by_id(eve, message)).await.len(), usize::from(sees));
        assert_eq!(world.ask(by_id(bob, message)).await.len(), 1);
    }
    assert!(world.ask(history::pins(eve, vec![group])).await.is_empty());
    assert_eq!(world.ask(history::pins(bob, vec![group])).await.len(), 1);
    // A thread that goes on is there, with what she sees of it.
    let threads = |viewer| history::threads(viewer, vec![group; 2], vec![old.command, quiet.command]);
    let counted = async |viewer: Uuid| {
        let named = world.ask(threads(viewer)).await.into_iter();
        let mut named: Vec<_> = named.map(|thread| (thread.root, thread.replies)).collect();
        let listed = history::thread_activity(viewer, vec![group], &all());
        let listed = world.ask(listed).await.into_iter().filter_map(|row| row.entry);
        let mut listed: Vec<_> = listed.map(|thread| (thread.root, thread.replies)).collect();
        named.sort_unstable();
        listed.sort_unstable();
        assert_eq!(named, listed);
        named
    };
    assert_eq!(counted(eve).await, [(old.command, 1)]);
    let mut bobs = [(old.command, 2), (quiet.command, 1)];
    bobs.sort_unstable();
    assert_eq!(counted(bob).await, bobs);
    let replies = |viewer| history::replies(viewer, vec![group], vec![old.command], &all());
    assert_eq!(seqs(world.ask(replies(eve)).await), [later.seq as i64]);
    assert_eq!(seqs(world.ask(replies(bob)).await).len(), 2);
    // As it was, too, once she was there.
    for (upto, sees) in [(later.seq as i64, true), (later.seq as i64 - 1, false)] {
        let roots = vec![old.command, quiet.command];
        let expected = vec![1; usize::from(sees)];
        let named = history::past_threads(eve, vec![group; 2], roots, vec![upto; 2]);
        let named = world
            .ask(named)
            .await
            .into_iter()
            .map(|(_, thread)| thread.replies);
        assert_eq!(named.collect::<Vec<_>>(), expected);
        let listed = world
            .ask(history::past_thread_activity(eve, group, upto, &all()))
            .await;
        let listed = listed.into_iter().filter_map(|(_, row)| row.entry);
        assert_eq!(listed.map(|thread| thread.replies).collect::<Vec<_>>(), expected);
        let below = history::past_thread_replies(eve, vec![group], vec![old.command], vec![upto], &all());
        assert_eq!(seqs(world.ask(below).await).len(), usize::from(sees));
    }

    // A file is seen by whoever sees a message that shows it.
    assert!(world.ask(attachments::visible(file, eve)).await.is_empty());
    assert_eq!(world.ask(attachments::visible(file, bob)).await.len(), 1);
    world.show(group, bob, file).await;
    world.settle().await;
    assert_eq!(world.ask(attachments::visible(file, eve)).await.len(), 1);
}
