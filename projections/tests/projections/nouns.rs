//! Edits, recalls, withholdings, reactions, pins, threads, attachments and own marks in the read models.

use crate::support::{Crowd, World};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use tidings_domain::event::Avatar;
use tidings_domain::stored::decode;
use tidings_domain::{
    Change, Content, ConversationEvent, ConversationId, Event, Handling, ReportEvent, UserEvent, reports_of,
};
use tidings_eventlog::Recorded;
use tidings_projections::{Order, Range, attachments, audit, conversations, history, inbox, unread};
use uuid::Uuid;

/// Of so many messages behind a position those of blocked people are taken off.
const BLOCKED_LOOKED_AT: i64 = 500;

fn all<P>() -> Range<P> {
    Range {
        after: None,
        before: None,
        order: Order::Ascending,
        rows: 1000,
    }
}

async fn versions(world: &World, message: &Recorded) -> Vec<(i64, String)> {
    let edits = history::edits(vec![message.stream], vec![message.seq as i64], &all());
    let found = world.ask(edits).await.into_iter().filter_map(|row| row.entry);
    found
        .map(|edit| (edit.seq, edit.text.unwrap().to_string()))
        .collect()
}

async fn reactions(world: &World, viewer: Uuid, message: &Recorded) -> Vec<(String, i64, bool)> {
    let reactions = history::reactions(viewer, vec![message.stream], vec![message.seq as i64]);
    let found = world.ask(reactions).await.into_iter();
    found
        .map(|reaction| (reaction.emoji, reaction.count, reaction.viewer_reacted))
        .collect()
}

/// The seqs of the messages that are pinned, as they are listed; each is said to be pinned, and no other is.
async fn pins(world: &World, conversation: Uuid) -> Vec<i64> {
    let listed: Vec<i64> = world
        .ask(history::pins(Uuid::nil(), vec![conversation]))
        .await
        .iter()
        .map(|message| message.seq)
        .collect();
    let all: Vec<i64> = (1..1000).collect();
    let pinned = history::pinned(vec![conversation; all.len()], all);
    let said: BTreeSet<i64> = world.ask(pinned).await.into_iter().map(|(_, seq)| seq).collect();
    assert_eq!(said, listed.iter().copied().collect());
    listed
}

/// The seqs of the pinned messages that somebody sees.
async fn pins_of(world: &World, user: Uuid, conversation: Uuid) -> Vec<i64> {
    let pins = world.ask(history::pins(user, vec![conversation])).await;
    pins.iter().map(|message| message.seq).collect()
}

async fn message(world: &World, message: &Recorded) -> history::Message {
    let found = history::by_id(Uuid::nil(), vec![message.stream], vec![message.command]);
    world.ask(found).await.remove(0)
}

/// Folds after each event, or everything at once.
async fn settle(world: &World, each: bool) {
    if each {
        world.settle().await;
    }
}

#[tokio::test]
async fn an_edited_message_keeps_every_version() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let talk = world.direct(ann, bob, 2).await;
        let sent = world.send(talk, ann, "hallo", &[]).await;
        let other = world.send(talk, bob, "what?", &[]).await;
        settle(&world, each).await;
        let first = world.edit(&sent, "hullo").await;
        settle(&world, each).await;
        let second = world.edit(&sent, "hello").await;
        world.settle().await;
        let now = message(&world, &sent).await;
        assert_eq!(
            (now.text.as_deref(), now.edited_at, now.recalled_at),
            (Some("hello"), Some(second.at), None)
        );
        let expected = [
            (sent.seq as i64, "hallo".to_owned()),
            (first.seq as i64, "hullo".to_owned()),
            (second.seq as i64, "hello".to_owned()),
        ];
        assert_eq!(versions(&world, &sent).await, expected);
        assert!(versions(&world, &other).await.is_empty());
        assert_eq!(message(&world, &other).await.edited_at, None);
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn a_recalled_message_keeps_its_place_and_nothing_else() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let talk = world.direct(ann, bob, 2).await;
        let sent = world.send(talk, ann, "secret", &[bob]).await;
        world.react(&sent, bob, "👍", true).await;
        world.edit(&sent, "more secret").await;
        settle(&world, each).await;
        let recall = world.recall(&sent, ann).await;
        settle(&world, each).await;
        // What comes behind the recall has no effect.
        world.edit(&sent, "most secret").await;
        world.react(&sent, ann, "👍", true).await;
        world.recall(&sent, bob).await;
        world.settle().await;
        let now = message(&world, &sent).await;
        assert_eq!((now.seq, now.sender), (sent.seq as i64, ann));
        assert_eq!(
            (now.text, now.edited_at, now.recalled_at),
            (None, None, Some(recall.at))
        );
        assert!(now.mentions.is_empty());
        assert!(versions(&world, &sent).await.is_empty());
        assert!(reactions(&world, bob, &sent).await.is_empty());
        for table in world.everything().await {
            assert!(!format!("{table:?}").contains("secret"), "{table:?}");
        }
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn a_reaction_counts_once_for_each_person_and_emoji_until_it_is_taken_back() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let talk = world.direct(ann, bob, 2).await;
        let sent = world.send(talk, ann, "hello", &[]).await;
        for (who, emoji, on) in [
            (bob, "🎉", true),
            (bob, "👍", true),
            (ann, "👍", true),
            (ann, "👍", true),
            (bob, "🎉", false),
            (ann, ":shrug:", true),
            (bob, "🎉", true),
            (ann, ":shrug:", false),
        ] {
            world.react(&sent, who, emoji, on).await;
            settle(&world, each).await;
        }
        world.settle().await;
        let expected = [("👍".to_owned(), 2, true), ("🎉".to_owned(), 1, false)];
        assert_eq!(reactions(&world, ann, &sent).await, expected);
        let people =
            history::reaction_people(vec![talk], vec![sent.seq as i64], vec!["👍".to_owned()], &all());
        let people: BTreeSet<Uuid> = world
            .ask(people)
            .await
            .into_iter()
            .filter_map(|row| row.entry)
            .collect();
        assert_eq!(people, [ann, bob].into());
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn a_pin_keeps_its_place_until_it_is_taken_away() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let talk = world.direct(ann, bob, 2).await;
        let mut said = vec![];
        for n in 0..4 {
            said.push(world.send(talk, ann, &format!("{n}"), &[]).await);
        }
        for (n, on) in [
            (2, true),
            (0, true),
            (1, true),
            (2, true),
            (0, false),
            (0, true),
            (1, false),
        ] {
            world.pin(&said[n], bob, on).await;
            settle(&world, each).await;
        }
        world.settle().await;
        let seq = |n: usize| said[n].seq as i64;
        assert_eq!(pins(&world, talk).await, [seq(0), seq(2)]);
        world.recall(&said[0], ann).await;
        // What comes behind the recall has no effect.
        world.pin(&said[0], bob, true).await;
        world.settle().await;
        assert_eq!(pins(&world, talk).await, [seq(2)]);
        world.assert_as_the_log_says().await;
    }
}

/// How many messages of a conversation somebody has not read, how many of these mention them, and how many wait for them.
async fn counts(world: &World, user: Uuid, conversation: Uuid) -> (i64, i64, i64) {
    world.settle().await;
    let seen = world.ask(conversations::by_id(user, vec![conversation])).await;
    let mentions = world.ask(unread::mention_counts(user, vec![conversation])).await;
    let waiting = world.ask(inbox::waiting(user, &all())).await;
    let pending = waiting
        .iter()
        .find_map(|row| row.entry.as_ref())
        .map_or(0, |entry| entry.pending_count);
    (seen[0].unread_count, mentions[0].1, pending)
}

/// Ann has said so much to Bob, mentioning him each time: the two, where, and what was said.
async fn mentioning(world: &World, messages: usize) -> ([Uuid; 2], Uuid, Vec<Recorded>) {
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 2).await;
    let mut said = vec![];
    for n in 0..messages {
        said.push(world.send(talk, ann, &format!("{n}"), &[bob]).await);
    }
    ([ann, bob], talk, said)
}

#[tokio::test]
async fn a_recalled_message_is_not_unread_does_not_mention_and_does_not_wait() {
    let world = World::new().await;
    let ([ann, bob], talk, said) = mentioning(&world, 3).await;
    let counts = async || counts(&world, bob, talk).await;
    assert_eq!(counts().await, (3, 3, 3));
    world.recall(&said[1], ann).await;
    assert_eq!(counts().await, (2, 2, 2));
    // One that was read is not subtracted again.
    world.read(bob, &said[1]).await;
    world.deliver(bob, &said[1]).await;
    assert_eq!(counts().await, (1, 1, 1));
    world.recall(&said[0], ann).await;
    assert_eq!(counts().await, (1, 1, 1));
    world.recall(&said[2], ann).await;
    assert_eq!(counts().await, (0, 0, 0));
    world.send(talk, ann, "at last", &[]).await;
    assert_eq!(counts().await, (1, 0, 1));
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn a_withheld_message_is_in_no_count_until_it_is_shown_again_and_a_recall_wins() {
    let world = World::new().await;
    let ([ann, bob], talk, said) = mentioning(&world, 3).await;
    let counts = async || counts(&world, bob, talk).await;
    assert_eq!(counts().await, (3, 3, 3));
    world.withhold(&said[1], ann, true).await;
    assert_eq!(counts().await, (2, 2, 2));
    world.withhold(&said[1], ann, false).await;
    assert_eq!(counts().await, (3, 3, 3));
    // Both in one batch.
    world.withhold(&said[2], ann, true).await;
    world.withhold(&said[2], ann, false).await;
    assert_eq!(counts().await, (3, 3, 3));
    // One that was read meanwhile is not unread when it is back.
    world.withhold(&said[0], ann, true).await;
    world.read(bob, &said[0]).await;
    world.deliver(bob, &said[0]).await;
    world.withhold(&said[0], ann, false).await;
    assert_eq!(counts().await, (2, 2, 2));
    for recalled_first in [false, true] {
        let message = &said[1 + usize::from(recalled_first)];
        world.withhold(message, ann, true).await;
        world.settle().await;
        world.recall(message, ann).await;
        if recalled_first {
            world.settle().await;
        }
        world.withhold(message, ann, false).await;
        world.settle().await;
    }
    assert_eq!(counts().await, (0, 0, 0));
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn threads_of_the_past_are_not_told_where_too_many_had_replies_since() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 2).await;
    let root = world.send(group, ann, "a root", &[]).await;
    let reply = world.reply(&root, ann, false, &[]).await;
    world.settle().await;
    let upto = reply.seq as i64;
    let too_many = async || {
        let rows = world
            .ask(history::past_thread_activity(ann, group, upto, &all()))
            .await;
        assert_eq!(
            rows[0].1.entry.as_ref().map(|thread| thread.root),
            Some(root.command)
        );
        rows[0].0
    };
    let begin = async |threads: i64| {
        let rows = format!(
            "INSERT INTO p_history_4.thread SELECT '{group}', gen_random_uuid(), 1, {upto} + n, now() FROM generate_series(1, {threads}) n"
        );
        world.execute(&rows).await;
    };
    begin(history::PAST_THREADS_MAX).await;
    assert!(!too_many().await);
    begin(1).await;
    assert!(too_many().await);
}

#[tokio::test]
async fn a_withheld_message_says_nothing_wherever_it_is_read_until_it_is_shown_again() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let root = world.call(group, ann, "a root", &[bob]).await;
    world.pin(&root, ann, true).await;
    let reply = world.reply(&root, ann, false, &[]).await;
    let upto = reply.seq as i64;
    let read = async || {
        world.settle().await;
        let mut found = world
            .ask(history::by_id(bob, vec![group], vec![root.command]))
            .await;
        let pages = world.ask(history::pages(bob, vec![group], vec![0], &all())).await;
        found.extend(pages.into_iter().filter_map(|row| row.entry));
        found.extend(world.ask(history::last(bob, vec![group])).await);
        found.extend(world.ask(history::pins(bob, vec![group])).await);
        let below = history::replies(bob, vec![group], vec![root.command], &all());
        found.extend(world.ask(below).await.into_iter().filter_map(|row| row.entry));
        let past = history::past_by_id(bob, vec![group], vec![root.command], vec![upto]);
        found.extend(world.ask(past).await.into_iter().map(|(_, message)| message));
        let (roots, uptos) = (vec![root.command], vec![upto]);
        let past = history::past_thread_replies(bob, vec![group], roots, uptos, &all());
        found.extend(world.ask(past).await.into_iter().filter_map(|row| row.entry));
        let past = world.ask(history::past_page(bob, group, upto, &all())).await;
        found.extend(past.into_iter().filter_map(|row| row.entry));
        let seq = root.seq as i64;
        found.extend(world.ask(history::past_pins(bob, group, vec![seq], upto)).await);
        found
    };
    let whole = read().await;
    assert_eq!(whole.len(), 9);
    assert!(
        whole
            .iter()
            .all(|message| message.text.is_some() && !message.withheld)
    );
    for message in [&root, &reply] {
        world.withhold(message, ann, true).await;
    }
    let withheld = read().await;
    assert_eq!(withheld.len(), 9);
    for message in &withheld {
        assert!(message.withheld && message.text.is_none(), "{message:?}");
        assert!(message.mentions.is_empty() && !message.everyone && message.recalled_at.is_none());
    }
    for message in [&root, &reply] {
        world.withhold(message, ann, false).await;
    }
    let again = read().await;
    let said = |messages: &[history::Message]| -> Vec<_> {
        let said = messages.iter();
        said.map(|message| (message.seq, message.text.clone(), message.mentions.clone()))
            .collect()
    };
    assert_eq!(said(&again), said(&whole));
}

#[tokio::test]
async fn what_is_hidden_is_not_unread_does_not_mention_and_does_not_wait() {
    let world = World::new().await;
    let ([ann, bob], talk, said) = mentioning(&world, 4).await;
    let counts = async || counts(&world, bob, talk).await;
    assert_eq!(counts().await, (4, 4, 4));
    world.hide(bob, &said[1..2]).await;
    assert_eq!(counts().await, (3, 3, 3));
    // Neither again nor by a recall is it taken off twice.
    world.hide(bob, &said[1..2]).await;
    world.recall(&said[1], ann).await;
    assert_eq!(counts().await, (3, 3, 3));
    world.clear(bob, &said[0]).await;
    assert_eq!(counts().await, (2, 2, 2));
    world.hide(bob, &said[2..]).await;
    assert_eq!(counts().await, (0, 0, 0));
    world.send(talk, ann, "at last", &[bob]).await;
    assert_eq!(counts().await, (1, 1, 1));
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn what_people_say_whom_one_blocks_does_not_wait_where_no_more_than_the_bound_lies_behind() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let cat = world.register(2, "cat").await;
    let group = world.group("g", &[ann, bob, cat], 3).await;
    let listed = async || {
        world.settle().await;
        let waiting = world.ask(inbox::waiting(bob, &all())).await;
        let entries = waiting.into_iter().filter_map(|row| row.entry);
        let counts = entries.map(|entry| (entry.conversation.unread_count, entry.pending_count));
        counts.collect::<Vec<_>>()
    };
    let first = world.send(group, ann, "one", &[]).await;
    world.send(group, ann, "two", &[]).await;
    assert_eq!(listed().await, [(2, 2)]);
    world.pair(bob, ann, Change::Blocked { on: true }, true).await;
    // It is listed all the same.
    assert_eq!(listed().await, [(0, 0)]);
    world.send(group, cat, "three", &[]).await;
    assert_eq!(listed().await, [(1, 1)]);
    // Each position has a bound of its own.
    for _ in 3..BLOCKED_LOOKED_AT {
        world.send(group, ann, "more", &[]).await;
    }
    assert_eq!(listed().await, [(1, 1)]);
    world.send(group, ann, "one too many", &[]).await;
    let uncorrected = BLOCKED_LOOKED_AT + 1;
    assert_eq!(listed().await, [(uncorrected, uncorrected)]);
    world.deliver(bob, &first).await;
    assert_eq!(listed().await, [(uncorrected, 1)]);
    world.read(bob, &first).await;
    assert_eq!(listed().await, [(1, 1)]);
}

#[tokio::test]
async fn what_is_said_in_a_thread_alone_is_not_unread_and_moves_nothing_in_the_main_timeline() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let root = world.send(group, ann, "a root", &[]).await;
    let seen = async || {
        world.settle().await;
        let mut seen = world.ask(conversations::by_id(bob, vec![group])).await;
        let waiting = world.ask(inbox::waiting(bob, &all())).await;
        let pending = waiting
            .iter()
            .find_map(|row| row.entry.as_ref())
            .map_or(0, |entry| entry.pending_count);
        let last = world.ask(history::last(bob, vec![group])).await.remove(0);
        let seen = seen.remove(0);
        (seen.unread_count, pending, seen.last_at, last.seq)
    };
    let before = seen().await;
    assert_eq!(before, (1, 1, root.at, root.seq as i64));
    let alone = world.reply(&root, ann, false, &[]).await;
    assert_eq!(seen().await, before);
    // Nor does a reply of one's own read what stands before it.
    world.reply(&root, bob, false, &[]).await;
    assert_eq!(seen().await, before);
    let both = world.reply(&root, ann, true, &[]).await;
    let after = (2, 2, both.at, both.seq as i64);
    assert_eq!(seen().await, after);
    // What is in no count is not taken out of one.
    world.recall(&alone, ann).await;
    assert_eq!(seen().await, after);
    world.recall(&both, ann).await;
    let (unread, pending, ..) = seen().await;
    assert_eq!((unread, pending), (1, 1));
    let mut thread = world
        .ask(history::threads(Uuid::nil(), vec![group], vec![root.command]))
        .await;
    assert_eq!(thread.remove(0).replies, 1);
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn a_thread_counts_the_replies_that_its_viewer_sees() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let root = world.send(group, ann, "a root", &[]).await;
    let first = world.reply(&root, ann, false, &[]).await;
    let second = world.reply(&root, ann, false, &[]).await;
    let third = world.reply(&root, ann, false, &[]).await;
    let fourth = world.reply(&root, ann, true, &[]).await;
    let (rooms, roots, upto) = (vec![group], vec![root.command], fourth.seq as i64);
    let counted = async |viewer: Uuid| {
        world.settle().await;
        let named = history::threads(viewer, rooms.clone(), roots.clone());
        let named = world.ask(named).await.remove(0).replies;
        let listed = history::thread_activity(viewer, rooms.clone(), &all());
        let listed = world.ask(listed).await.remove(0).entry.unwrap().replies;
        let past = history::past_threads(viewer, rooms.clone(), roots.clone(), vec![upto]);
        let past = world.ask(past).await.remove(0).1.replies;
        assert_eq!((listed, past), (named, named));
        named
    };
    let past = async || {
        let past = history::past_replies(bob, rooms.clone(), roots.clone(), vec![upto]);
        world.ask(past).await.remove(0).3
    };
    assert_eq!(counted(bob).await, 4);
    world.withhold(&first, ann, true).await;
    assert_eq!((counted(bob).await, past().await), (3, 3));
    world.hide(bob, &[root.clone(), first.clone()]).await;
    // What is hidden and withheld, or recalled, is taken off once.
    assert_eq!((counted(bob).await, past().await), (3, 3));
    world.withhold(&first, ann, false).await;
    assert_eq!((counted(bob).await, past().await), (3, 3));
    assert_eq!(counted(ann).await, 4);
    world.recall(&first, ann).await;
    assert_eq!(counted(bob).await, 3);
    world.recall(&second, ann).await;
    assert_eq!(counted(bob).await, 2);
    world.clear(bob, &third).await;
    assert_eq!(counted(bob).await, 1);
    assert_eq!(counted(ann).await, 2);
    world.withhold(&fourth, ann, true).await;
    assert_eq!(counted(bob).await, 0);
    assert_eq!(counted(ann).await, 1);
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn a_mention_in_a_thread_counts_until_it_is_recalled() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let root = world.send(group, ann, "a root", &[]).await;
    let mentioned = async || {
        world.settle().await;
        world.ask(unread::mention_counts(bob, vec![group])).await[0].1
    };
    let reply = world.reply(&root, ann, false, &[bob]).await;
    world.reply(&root, ann, true, &[bob]).await;
    assert_eq!(mentioned().await, 2);
    world.recall(&reply, ann).await;
    assert_eq!(mentioned().await, 1);
    // The message before it, which has the same number, is none that was recalled.
    let seen = world.ask(conversations::by_id(bob, vec![group])).await;
    assert_eq!(seen[0].unread_count, 2);
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn threads_are_followed_by_who_takes_part_unless_they_said_otherwise() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let (cat, dan) = (world.register(3, "cat").await, world.register(1, "dan").await);
        let group = world.group("g", &[ann, bob, cat, dan], 2).await;
        let root = world.send(group, ann, "a root", &[]).await;
        let (seen, threads) = (
            async |user: Uuid| {
                let state = unread::thread_states(user, vec![group], vec![root.command]);
                let state = world.ask(state).await.remove(0);
                (state.following, state.unread)
            },
            async |user: Uuid| world.ask(unread::unread_threads(user, vec![group])).await[0].1,
        );
        settle(&world, each).await;
        world.reply(&root, bob, false, &[cat]).await;
        world.settle().await;
        assert_eq!(seen(ann).await, (true, 1));
        assert_eq!(seen(bob).await, (true, 0));
        assert_eq!(seen(cat).await, (true, 1));
        assert_eq!(seen(dan).await, (false, 1));
        assert_eq!((threads(cat).await, threads(dan).await), (1, 0));
        world.follow(dan, &root, true).await;
        world.follow(cat, &root, false).await;
        settle(&world, each).await;
        // Nobody else's mention undoes what somebody has said.
        let last = world.reply(&root, ann, true, &[cat, dan]).await;
        world.settle().await;
        assert_eq!((seen(cat).await, seen(dan).await), ((false, 2), (true, 2)));
        assert_eq!((threads(cat).await, threads(dan).await), (0, 1));
        assert_eq!(seen(ann).await, (true, 0));
        world.read_thread(dan, root.command, &last).await;
        world.read_thread(dan, root.command, &root).await;
        world.settle().await;
        assert_eq!((seen(dan).await, threads(dan).await), ((true, 0), 0));
        let found = tidings_projections::thread_read_seq(world.log.pool(), dan, group, root.command);
        assert_eq!(found.await.unwrap(), last.seq);
        world.recall(&last, ann).await;
        world.settle().await;
        assert_eq!(seen(bob).await, (true, 0));
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn everyone_is_one_row_that_counts_once_for_those_who_were_there() {
    for each in [true, false] {
        let world = World::new().await;
        let mut people = vec![];
        for (lane, name) in [(0, "ann"), (1, "bob"), (2, "cat"), (3, "dan")] {
            people.push(world.register(lane, name).await);
        }
        let [ann, bob, cat, dan] = people[..] else {
            unreachable!()
        };
        let group = world.group("all", &[ann, bob, cat], 2).await;
        let counts = async || {
            world.settle().await;
            let mut counts = vec![];
            for user in [ann, bob, cat, dan] {
                let mentions = world.ask(unread::mention_counts(user, vec![group])).await;
                counts.push(mentions[0].1);
            }
            counts
        };
        let mut said = vec![];
        for mentions in [&[bob][..], &[]] {
            said.push(world.call(group, ann, "all", mentions).await);
            settle(&world, each).await;
        }
        world.add(group, dan).await;
        // Bob is named as well in one of them, Dan came later.
        assert_eq!(counts().await, [0, 2, 2, 0]);
        said.push(world.call(group, bob, "again", &[]).await);
        // Who sends has read.
        assert_eq!(counts().await, [1, 0, 3, 1]);
        assert_eq!(world.number("SELECT count(*) FROM p_unread_6.everyone").await, 3);
        world.recall(&said[0], ann).await;
        assert_eq!(counts().await, [1, 0, 2, 1]);
        world.read(cat, &said[1]).await;
        assert_eq!(counts().await, [1, 0, 1, 1]);
        world.recall(&said[2], bob).await;
        assert_eq!(counts().await, [0, 0, 0, 0]);
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn who_mentions_everyone_in_a_thread_alone_is_counted_until_the_thread_is_read() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let root = world.send(group, ann, "a root", &[]).await;
    let call = world.call_in_thread(&root, ann).await;
    let counted = async || {
        world.settle().await;
        let count = world.ask(unread::mention_counts(bob, vec![group])).await[0].1;
        assert_eq!(world.ask(unread::mention_total(bob)).await, [count]);
        count
    };
    assert_eq!(counted().await, 1);
    let later = world.send(group, ann, "beside it", &[]).await;
    world.read(bob, &later).await;
    assert_eq!(counted().await, 1);
    world.read_thread(bob, root.command, &call).await;
    assert_eq!(counted().await, 0);
    let again = world.call_in_thread(&root, ann).await;
    assert_eq!(counted().await, 1);
    world.recall(&again, ann).await;
    assert_eq!(counted().await, 0);
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn a_mention_in_a_thread_alone_is_read_with_the_thread_and_not_with_the_main_timeline() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let root = world.send(group, ann, "a root", &[]).await;
    let alone = world.reply(&root, ann, false, &[bob]).await;
    let both = world.reply(&root, ann, true, &[bob]).await;
    let counted = async || {
        world.settle().await;
        let count = world.ask(unread::mention_counts(bob, vec![group])).await[0].1;
        assert_eq!(world.ask(unread::mention_total(bob)).await, [count]);
        count
    };
    assert_eq!(counted().await, 2);
    world.read(bob, &both).await;
    assert_eq!(counted().await, 1);
    world.read_thread(bob, root.command, &alone).await;
    assert_eq!(counted().await, 0);
    world.assert_as_the_log_says().await;
}

/// What somebody is told of a conversation: by definition, from all that ever happened.
#[derive(Default)]
struct Reference {
    /// By seq: text, versions, reactions, mentions, and whether it mentions everybody.
    messages: BTreeMap<i64, Told>,
    recalled: BTreeSet<i64>,
    /// Those that are withheld in the end.
    withheld: BTreeSet<i64>,
    /// By seq of the message: the id of the message that begins its thread, and whether the main timeline shows it.
    replies: BTreeMap<i64, (Uuid, bool)>,
    /// Of people who are in the conversation, since when.
    joined: BTreeMap<Uuid, i64>,
    /// By person and thread: the seq up to which it is read, by reading or replying, and what they said of following it.
    threads_read: BTreeMap<(Uuid, Uuid), i64>,
    follows: BTreeMap<(Uuid, Uuid), bool>,
    /// Who began a thread, has replied in it or was mentioned in it.
    parts: BTreeSet<(Uuid, Uuid)>,
    senders: BTreeMap<i64, Uuid>,
    /// By seq of the message: the seq of the event that pinned it.
    pins: BTreeMap<i64, i64>,
    /// Of each person, up to which seq they have read, sent or joined.
    places: BTreeMap<Uuid, i64>,
    /// The same without what they have read.
    own: BTreeMap<Uuid, i64>,
    /// Messages that mention people, recalled or not.
    mentioned: BTreeSet<(Uuid, i64)>,
    /// What each person has marked, in order.
    marks: BTreeMap<Uuid, Vec<UserEvent>>,
    /// The messages that each person has hidden.
    hidden: BTreeSet<(Uuid, i64)>,
    /// Up to where each has cleared it.
    cleared: BTreeMap<Uuid, i64>,
    /// Who blocks whom in the end.
    blocks: BTreeSet<(Uuid, Uuid)>,
    /// By seq, when each message of the main timeline was said.
    said: BTreeMap<i64, DateTime<Utc>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    text: Option<String>,
    versions: Vec<String>,
    reactions: BTreeSet<(String, Uuid)>,
    mentions: BTreeSet<Uuid>,
    /// Who has mentioned everybody by it.
    calls: Option<Uuid>,
    /// Whose words it is, and the message that said them.
    forwarded: Option<(Uuid, Uuid)>,
}

impl Reference {
    fn of(conversation: Uuid, events: &[Recorded]) -> Self {
        let mut reference = Self::default();
        for record in events {
            let seq = record.seq as i64;
            match decode(record.kind, record.ver, &record.payload).unwrap() {
                Event::User(UserEvent::CursorsMoved(moved)) => {
                    if let Some(cursor) = moved.read.get(&conversation.into()) {
                        reference.reach(record.stream, cursor.seq as i64);
                    }
                }
                Event::User(UserEvent::MessagesHidden(hidden)) if hidden.conversation.0 == conversation => {
                    let seqs = hidden.seqs.iter().map(|seq| (record.stream, *seq as i64));
                    reference.hidden.extend(seqs);
                }
                Event::User(UserEvent::ConversationCleared(cleared))
                    if cleared.conversation.0 == conversation =>
                {
                    reference.reach(record.stream, cleared.seq as i64);
                    let place = reference.cleared.entry(record.stream).or_default();
                    *place = (cleared.seq as i64).max(*place);
                }
                Event::User(UserEvent::ThreadFollowed(said)) if said.conversation.0 == conversation => {
                    reference.follows.insert((record.stream, said.thread), said.on);
                }
                Event::User(UserEvent::ThreadRead(said)) if said.conversation.0 == conversation => {
                    reference.read_thread(record.stream, said.thread, said.seq as i64);
                }
                Event::Pair(changed) => {
                    let pair = (changed.by.0, changed.user.0);
                    match changed.change {
                        Change::Blocked { on: true } => _ = reference.blocks.insert(pair),
                        Change::Blocked { on: false } => _ = reference.blocks.remove(&pair),
                        _ => {}
                    }
                }
                Event::User(event) if marked(&event) == Some(conversation) => {
                    reference.marks.entry(record.stream).or_default().push(event);
                }
                Event::Conversation(event) if record.stream == conversation => {
                    reference.take(record, seq, event);
                }
                _ => {}
            }
        }
        for seq in &reference.recalled {
            reference.messages.insert(*seq, Told::default());
            reference.pins.remove(seq);
            reference.withheld.remove(seq);
        }
        // What was made of it stays, for whoever shows messages to leave it out.
        for seq in &reference.withheld {
            let told = reference.messages.entry(*seq).or_default();
            let Told {
                versions, reactions, ..
            } = std::mem::take(told);
            *told = Told {
                versions,
                reactions,
                ..Told::default()
            };
        }
        reference
    }

    fn take(&mut self, record: &Recorded, seq: i64, event: ConversationEvent) {
        let text = |content| match content {
            Content::Text { text } => text.as_str().to_owned(),
            Content::Image { caption, .. } | Content::File { caption, .. } => {
                caption.unwrap().as_str().to_owned()
            }
        };
        match event {
            ConversationEvent::MemberAdded(added) => {
                self.reach(added.user.0, seq);
                self.own.insert(added.user.0, seq);
                self.joined.insert(added.user.0, seq);
            }
            ConversationEvent::MessageSent(sent) => {
                let told = Told {
                    text: Some(text(sent.content)),
                    mentions: sent.mentions.iter().map(|user| user.0).collect(),
                    calls: sent.everyone.then_some(record.actor),
                    forwarded: sent
                        .forwarded
                        .map(|forwarded| (forwarded.sender.0, forwarded.message)),
                    ..Told::default()
                };
                let others = told.mentions.iter().filter(|user| **user != record.actor);
                self.mentioned.extend(others.map(|user| (*user, seq)));
                self.messages.insert(seq, told);
                self.senders.insert(seq, record.actor);
                if let Some(root) = sent.thread {
                    let author = sent.thread_author.map(|author| author.0);
                    let named = sent.mentions.iter().map(|user| user.0);
                    for user in named.chain(author).chain([record.actor]) {
                        self.parts.insert((user, root));
                    }
                    self.read_thread(record.actor, root, seq);
                    self.replies.insert(seq, (root, sent.also));
                }
                // What somebody says in a thread alone reads nothing of the main timeline.
                if self.is_in_main(seq) {
                    self.said.insert(seq, record.at);
                    self.reach(record.actor, seq);
                    self.own.insert(record.actor, seq);
                }
            }
            ConversationEvent::MessageEdited(edited) => {
                let told = self.told(edited.message_seq);
                if told.versions.is_empty() {
                    told.versions.extend(told.text.take());
                }
                let text = text(edited.content);
                told.versions.push(text.clone());
                told.text = Some(text);
            }
            ConversationEvent::MessageRecalled(recalled) => {
                self.recalled.insert(recalled.message_seq as i64);
            }
            ConversationEvent::MessageWithheld(changed) if changed.withheld => {
                self.withheld.insert(changed.message_seq as i64);
            }
            ConversationEvent::MessageWithheld(changed) => {
                self.withheld.remove(&(changed.message_seq as i64));
            }
            ConversationEvent::PinChanged(changed) if changed.on => {
                self.pins.entry(changed.message_seq as i64).or_insert(seq);
            }
            ConversationEvent::PinChanged(changed) => {
                self.pins.remove(&(changed.message_seq as i64));
            }
            ConversationEvent::ReactionChanged(changed) => {
                let reaction = (changed.emoji.as_str().to_owned(), record.actor);
                let reactions = &mut self.told(changed.message_seq).reactions;
                if changed.on {
                    reactions.insert(reaction);
                } else {
                    reactions.remove(&reaction);
                }
            }
            _ => {}
        }
    }

    fn read_thread(&mut self, user: Uuid, root: Uuid, seq: i64) {
        let read = self.threads_read.entry((user, root)).or_default();
        *read = seq.max(*read);
    }

    /// Whether somebody follows a thread, and how many replies they have not read.
    fn thread(&self, user: Uuid, root: Uuid) -> (bool, i64) {
        let key = (user, root);
        let follows = self.follows.get(&key).copied();
        let unread = self.replies.iter().filter(|(seq, (of, _))| {
            *of == root
                && **seq > self.thread_place(user, root)
                && self.is_whole(**seq)
                && self.senders[seq] != user
                && self.is_heard_by(user, **seq)
        });
        (
            follows.unwrap_or_else(|| self.parts.contains(&key)),
            unread.count() as i64,
        )
    }

    /// Whether a message still says something.
    fn is_whole(&self, seq: i64) -> bool {
        !self.recalled.contains(&seq) && !self.withheld.contains(&seq)
    }

    fn thread_place(&self, user: Uuid, root: Uuid) -> i64 {
        let read = self.threads_read.get(&(user, root)).copied().unwrap_or(0);
        let joined = self.joined.get(&user).copied().unwrap_or(0);
        read.max(joined)
            .max(self.cleared.get(&user).copied().unwrap_or(0))
    }

    fn is_in_main(&self, seq: i64) -> bool {
        self.replies.get(&seq).is_none_or(|(_, also)| *also)
    }

    /// By root: the seqs of the replies, and how many of them still say something.
    fn threads(&self) -> BTreeMap<Uuid, (Vec<i64>, i64)> {
        let mut threads: BTreeMap<Uuid, (Vec<i64>, i64)> = BTreeMap::new();
        for (seq, (root, _)) in &self.replies {
            let thread = threads.entry(*root).or_default();
            thread.0.push(*seq);
            thread.1 += i64::from(self.is_whole(*seq));
        }
        threads
    }

    /// The seqs of the messages that are pinned, the last one first.
    fn pinned(&self) -> Vec<i64> {
        let mut pins: Vec<_> = self.pins.iter().collect();
        pins.sort_unstable_by_key(|(_, pinned)| std::cmp::Reverse(**pinned));
        pins.into_iter().map(|(seq, _)| *seq).collect()
    }

    fn told(&mut self, seq: u64) -> &mut Told {
        self.messages.get_mut(&(seq as i64)).unwrap()
    }

    fn reach(&mut self, user: Uuid, seq: i64) {
        let place = self.places.entry(user).or_default();
        *place = seq.max(*place);
    }

    /// Whether somebody has not hidden the message at this seq.
    fn is_seen_by(&self, user: Uuid, seq: i64) -> bool {
        seq > self.cleared.get(&user).copied().unwrap_or(0) && !self.hidden.contains(&(user, seq))
    }

    /// The same, where they do not block its sender either.
    fn is_heard_by(&self, user: Uuid, seq: i64) -> bool {
        self.is_seen_by(user, seq) && !self.blocks.contains(&(user, self.senders[&seq]))
    }

    /// How the conversation is marked for somebody.
    fn marks(&self, user: Uuid) -> unread::Marks {
        let mut marks = unread::Marks::default();
        let (mut archived, mut marked) = (None, None);
        for event in self.marks.get(&user).into_iter().flatten() {
            match event {
                UserEvent::ConversationMuted(muted) => {
                    marks.muted_until = muted.until.map(tidings_domain::Moment::time);
                    marks.muted = muted.on && marks.muted_until.is_none_or(|until| until > Utc::now());
                    marks.muted_until = marks.muted_until.filter(|_| marks.muted);
                }
                UserEvent::ConversationArchived(event) => {
                    archived = event.on.then_some(event.place.seq as i64);
                }
                UserEvent::ConversationMarked(event) => marked = event.seq.filter(|_| event.unread),
                _ => {}
            }
        }
        marks.archived = archived.is_some_and(|archived| {
            let mut mentioned = self.mentioned.range((user, archived + 1)..=(user, i64::MAX));
            let mut said = self.said.range(archived + 1..);
            mentioned.next().is_none() && said.all(|(seq, at)| self.is_quiet(user, *seq, *at))
        });
        let own = self.own.get(&user).copied().unwrap_or(0);
        marks.unread = marked.is_some_and(|seq| own <= seq as i64);
        marks
    }

    /// Whether the conversation was muted for somebody when a message of it was said.
    fn is_quiet(&self, user: Uuid, seq: i64, at: DateTime<Utc>) -> bool {
        let marks = self.marks.get(&user).into_iter().flatten();
        let mut mutes = marks.filter_map(|event| match event {
            UserEvent::ConversationMuted(muted) if (muted.place.seq as i64) < seq => Some(muted),
            _ => None,
        });
        mutes
            .next_back()
            .is_some_and(|muted| muted.on && muted.until.is_none_or(|until| at < until.time()))
    }

    /// Unread messages, and those that mention the user.
    fn counts(&self, user: Uuid) -> (i64, i64) {
        self.counted(user, true)
    }

    /// Unread messages that mention the user by name.
    fn named(&self, user: Uuid) -> i64 {
        self.counted(user, false).1
    }

    /// Unread messages, and those that mention the user: by name, or with everybody, too.
    fn counted(&self, user: Uuid, with_all: bool) -> (i64, i64) {
        let place = self.places.get(&user).copied().unwrap_or(0);
        let standing = self.messages.iter();
        let standing = standing.filter(|(seq, _)| self.is_whole(**seq) && self.is_heard_by(user, **seq));
        let (mut unread, mut mentions) = (0, 0);
        for (seq, told) in standing {
            let (is_unread, is_counted) = match self.replies.get(seq) {
                Some((root, false)) => (*seq > self.thread_place(user, *root), false),
                _ => (*seq > place, true),
            };
            unread += i64::from(is_unread && is_counted);
            let by_name = told.mentions.contains(&user);
            let is_mention = by_name || with_all && told.calls.is_some();
            mentions += i64::from(is_unread && is_mention && self.senders[seq] != user);
        }
        (unread, mentions)
    }
}

/// The conversation that somebody marks for themselves.
fn marked(event: &UserEvent) -> Option<Uuid> {
    match event {
        UserEvent::ConversationMuted(event) => Some(event.conversation.0),
        UserEvent::ConversationArchived(event) => Some(event.conversation.0),
        UserEvent::ConversationMarked(event) => Some(event.conversation.0),
        _ => None,
    }
}

async fn shown(world: &World, conversation: Uuid, seq: i64, message: &history::Message) -> Told {
    let edits = history::edits(vec![conversation], vec![seq], &all());
    let versions = world.ask(edits).await.into_iter().filter_map(|row| row.entry);
    let mut told = Told {
        text: message.text.as_deref().map(str::to_owned),
        versions: versions.map(|edit| edit.text.unwrap().to_string()).collect(),
        reactions: BTreeSet::new(),
        mentions: message.mentions.iter().copied().collect(),
        calls: message.everyone.then_some(message.sender),
        forwarded: message
            .forwarded
            .map(|forwarded| (forwarded.sender, forwarded.message)),
    };
    for reaction in world
        .ask(history::reactions(Uuid::nil(), vec![conversation], vec![seq]))
        .await
    {
        let people = history::reaction_people(
            vec![conversation],
            vec![seq],
            vec![reaction.emoji.clone()],
            &all(),
        );
        let people = world.ask(people).await.into_iter().filter_map(|row| row.entry);
        let before = told.reactions.len();
        told.reactions
            .extend(people.map(|user| (reaction.emoji.clone(), user)));
        assert_eq!((told.reactions.len() - before) as i64, reaction.count);
    }
    told
}

/// The replies in all threads of a conversation, which are as they should be.
async fn replies(world: &World, conversation: Uuid, reference: &Reference) -> Vec<history::Message> {
    let threads = reference.threads();
    let listed = world
        .ask(history::thread_activity(Uuid::nil(), vec![conversation], &all()))
        .await;
    let mut listed: Vec<_> = listed.into_iter().filter_map(|row| row.entry).collect();
    assert!(listed.is_sorted_by(|one, next| one.last_seq < next.last_seq));
    assert_eq!(listed.len(), threads.len());
    listed.sort_unstable_by_key(|thread| thread.root);
    let mut found = vec![];
    for (thread, (root, (seqs, count))) in listed.iter().zip(&threads) {
        assert_eq!(
            (thread.root, thread.replies, thread.last_seq),
            (*root, *count, seqs[seqs.len() - 1])
        );
        let named = history::threads(Uuid::nil(), vec![conversation], vec![*root]);
        let named = world.ask(named).await;
        assert_eq!(named, std::slice::from_ref(thread));
        let below = world
            .ask(history::replies(
                Uuid::nil(),
                vec![conversation],
                vec![*root],
                &all(),
            ))
            .await;
        let below: Vec<_> = below.into_iter().filter_map(|row| row.entry).collect();
        assert!(below.iter().map(|message| message.seq).eq(seqs.iter().copied()));
        for message in &below {
            assert_eq!(
                (message.thread, message.main),
                (Some(*root), reference.is_in_main(message.seq))
            );
        }
        found.extend(below);
    }
    found
}

/// The threads are told as they were when some of the replies had come.
async fn past_threads(world: &World, conversation: Uuid, reference: &Reference) {
    let told: Vec<i64> = reference.replies.keys().copied().collect();
    for upto in told.iter().copied().step_by(1 + told.len() / 4) {
        let mut then = vec![];
        for (root, (seqs, _)) in reference.threads() {
            let seqs: Vec<i64> = seqs.into_iter().filter(|seq| *seq <= upto).collect();
            if let Some(last) = seqs.last().copied() {
                let whole = seqs.iter().filter(|seq| reference.is_whole(**seq));
                then.push((last, root, whole.count() as i64));
                let past = history::past_thread_replies(
                    Uuid::nil(),
                    vec![conversation],
                    vec![root],
                    vec![upto],
                    &all(),
                );
                let below = world.ask(past).await.into_iter().filter_map(|row| row.entry);
                assert!(below.map(|message| message.seq).eq(seqs), "{root} at {upto}");
            }
        }
        then.sort_unstable();
        let past = history::past_thread_activity(Uuid::nil(), conversation, upto, &all());
        let listed = world.ask(past).await;
        assert!(listed.iter().all(|(too_many, _)| !too_many));
        let listed = listed.into_iter().filter_map(|(_, row)| row.entry);
        let listed = listed.map(|thread| (thread.last_seq, thread.root, thread.replies));
        assert_eq!(listed.collect::<Vec<_>>(), then, "{conversation} at {upto}");
        let roots: Vec<Uuid> = reference.threads().into_keys().collect();
        let (conversations, uptos) = (vec![conversation; roots.len()], vec![upto; roots.len()]);
        let named = history::past_threads(Uuid::nil(), conversations, roots, uptos);
        let named = world.ask(named).await.into_iter();
        let mut named: Vec<_> = named
            .map(|(_, thread)| (thread.last_seq, thread.root, thread.replies))
            .collect();
        named.sort_unstable();
        assert_eq!(named, then, "{conversation} at {upto}");
    }
}

/// What a crowd of this seed has done, in read models that are at the heads.
async fn talked(seed: u64) -> (World, Crowd) {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, seed).await;
    for n in 0..400 {
        crowd.act(&world).await;
        // Ranges of many sizes, and lanes in many orders.
        if n % 13 == 0 {
            world.projector().catch_up((n % 4) as u8).await.unwrap();
        }
    }
    world.settle().await;
    (world, crowd)
}

#[tokio::test]
async fn whatever_happens_the_read_models_say_what_its_definition_says() {
    let mut kept = BTreeSet::new();
    for seed in 31..36 {
        let (world, crowd) = talked(seed).await;
        let log = world.told().await;
        let (mut recalled, mut withheld, mut pinned, mut replied) = (0, 0, 0, 0);
        let mut totals = BTreeMap::<Uuid, (i64, i64)>::new();
        let told_ids: BTreeMap<(Uuid, i64), Uuid> = log
            .iter()
            .map(|record| ((record.stream, record.seq as i64), record.command))
            .collect();
        let mut gone = 0;
        for (group, members) in crowd.groups() {
            let reference = Reference::of(group, &log);
            recalled += reference.recalled.len();
            withheld += reference.withheld.len();
            let messages = world
                .ask(history::pages(Uuid::nil(), vec![group], vec![0], &all()))
                .await;
            let messages: Vec<_> = messages.into_iter().filter_map(|row| row.entry).collect();
            let main: Vec<i64> = messages.iter().map(|message| message.seq).collect();
            let said = reference.messages.keys().copied();
            assert_eq!(
                main,
                said.filter(|seq| reference.is_in_main(*seq)).collect::<Vec<_>>()
            );
            let below = replies(&world, group, &reference).await;
            past_threads(&world, group, &reference).await;
            replied += below.len();
            for message in messages.iter().chain(&below) {
                let told = &reference.messages[&message.seq];
                assert_eq!(
                    message.recalled_at.is_some(),
                    reference.recalled.contains(&message.seq)
                );
                assert_eq!(message.withheld, reference.withheld.contains(&message.seq));
                assert_eq!(
                    shown(&world, group, message.seq, message).await,
                    *told,
                    "{message:?}"
                );
            }
            assert_eq!(
                pins(&world, group).await,
                reference.pinned(),
                "pins of {group}, seed {seed}"
            );
            pinned += reference.pins.len();
            for user in crowd.users().iter().filter(|user| members.contains(user)) {
                let seen = world.ask(conversations::by_id(*user, vec![group])).await;
                let mentions = world.ask(unread::mention_counts(*user, vec![group])).await;
                assert_eq!(
                    (seen[0].unread_count, mentions[0].1),
                    reference.counts(*user),
                    "user {user} in {group}, seed {seed}"
                );
                let visible: Vec<i64> = reference
                    .messages
                    .keys()
                    .copied()
                    .filter(|seq| reference.is_seen_by(*user, *seq))
                    .collect();
                let main = visible.iter().copied();
                let expected: Vec<i64> = main.filter(|seq| reference.is_in_main(*seq)).collect();
                let pages = world
                    .ask(history::pages(*user, vec![group], vec![0], &all()))
                    .await;
                let found: Vec<i64> = pages
                    .into_iter()
                    .filter_map(|row| row.entry)
                    .map(|message| message.seq)
                    .collect();
                assert_eq!(found, expected, "user {user} in {group}, seed {seed}");
                let last = world.ask(history::last(*user, vec![group])).await;
                assert_eq!(last.first().map(|message| message.seq), expected.last().copied());
                let ids = reference
                    .messages
                    .keys()
                    .map(|seq| told_ids[&(group, *seq)])
                    .collect::<Vec<_>>();
                let by_id = world
                    .ask(history::by_id(*user, vec![group; ids.len()], ids))
                    .await;
                assert_eq!(by_id.len(), visible.len());
                for (root, (seqs, _)) in reference.threads() {
                    let below = history::replies(*user, vec![group], vec![root], &all());
                    let below = world.ask(below).await.into_iter().filter_map(|row| row.entry);
                    let shown = seqs.into_iter().filter(|seq| visible.contains(seq));
                    assert!(
                        below.map(|message| message.seq).eq(shown),
                        "user {user} below {root}, seed {seed}"
                    );
                }
                let seen = pins_of(&world, *user, group).await;
                let pinned = reference
                    .pinned()
                    .into_iter()
                    .filter(|seq| reference.is_seen_by(*user, *seq));
                assert_eq!(seen, pinned.collect::<Vec<_>>());
                gone += reference.messages.len() - visible.len();
                let roots: Vec<Uuid> = reference.threads().into_keys().collect();
                let states = world.ask(unread::thread_states(
                    *user,
                    vec![group; roots.len()],
                    roots.clone(),
                ));
                let states = states.await;
                assert_eq!(states.len(), roots.len());
                for state in states {
                    let told = (state.following, state.unread);
                    assert_eq!(
                        told,
                        reference.thread(*user, state.root),
                        "user {user} in thread {} of {group}, seed {seed}",
                        state.root
                    );
                }
                let mine = roots.iter().map(|root| reference.thread(*user, *root));
                let mine = mine.filter(|(following, unread)| *following && *unread > 0);
                assert_eq!(
                    world.ask(unread::unread_threads(*user, vec![group])).await,
                    [(group, mine.count() as i64)],
                    "threads of {user} in {group}, seed {seed}"
                );
                let marks = reference.marks(*user);
                assert_eq!(
                    world.ask(unread::marks(*user, vec![group])).await,
                    [(group, marks)],
                    "user {user} in {group}, seed {seed}"
                );
                kept.extend(
                    [marks.muted, marks.archived, marks.unread]
                        .iter()
                        .enumerate()
                        .filter_map(|(n, on)| on.then_some(n)),
                );
                let (unread, mentions) = reference.counts(*user);
                let total = totals.entry(*user).or_default();
                // Of what is muted, only direct mentions are in a total.
                *total = if marks.muted {
                    (total.0, total.1 + reference.named(*user))
                } else {
                    (total.0 + unread, total.1 + mentions)
                };
            }
        }
        for (user, (unread, mentions)) in totals {
            assert_eq!(
                world.ask(unread::unread_total(user)).await,
                [unread],
                "{user}, seed {seed}"
            );
            assert_eq!(
                world.ask(unread::mention_total(user)).await,
                [mentions],
                "{user}, seed {seed}"
            );
        }
        assert!(gone > 0, "seed {seed} hides nothing");
        assert!(recalled > 0, "seed {seed} recalls nothing");
        assert!(withheld > 0, "seed {seed} withholds nothing");
        assert!(pinned > 0, "seed {seed} pins nothing");
        assert!(replied > 0, "seed {seed} replies to nothing");
        world.assert_as_the_log_says().await;
    }
    assert_eq!(kept.len(), 3, "of the marks some never last: {kept:?}");
}

/// Files, with their owner and size.
type Files = BTreeMap<Uuid, (Uuid, u64)>;
/// The file that a message shows, by conversation and seq.
type Shown = BTreeMap<(Uuid, u64), Uuid>;

/// Files, which of them messages show, and which messages are withheld: by definition, from all that ever happened.
fn files(events: &[Recorded]) -> (Files, Shown, BTreeSet<(Uuid, u64)>) {
    let (mut files, mut shown, mut gone) = (BTreeMap::new(), BTreeMap::new(), vec![]);
    let mut withheld = BTreeSet::new();
    for record in events {
        match decode(record.kind, record.ver, &record.payload).unwrap() {
            Event::User(UserEvent::AttachmentStored(stored)) => {
                files.insert(record.command, (record.stream, stored.size));
            }
            Event::User(UserEvent::AttachmentRemoved(removed)) => {
                files.remove(&removed.attachment);
            }
            Event::Conversation(ConversationEvent::MessageSent(sent)) => {
                let key = (record.stream, record.seq);
                shown.extend(sent.content.attachment().map(|file| (key, file)));
            }
            Event::Conversation(ConversationEvent::MessageRecalled(recalled)) => {
                gone.push((record.stream, recalled.message_seq));
            }
            Event::Conversation(ConversationEvent::MessageWithheld(changed)) => {
                let key = (record.stream, changed.message_seq);
                if changed.withheld {
                    withheld.insert(key);
                } else {
                    withheld.remove(&key);
                }
            }
            _ => {}
        }
    }
    for key in gone {
        shown.remove(&key);
    }
    (files, shown, withheld)
}

/// Files of messages that were recalled and of which a report is open: by definition, from all that ever happened.
fn evidence(events: &[Recorded]) -> BTreeSet<Uuid> {
    let (mut shown, mut recalled, mut open) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
    for record in events {
        match decode(record.kind, record.ver, &record.payload).unwrap() {
            Event::Conversation(ConversationEvent::MessageSent(sent)) => {
                shown.extend(sent.content.attachment().map(|file| (record.command, file)));
            }
            Event::Conversation(ConversationEvent::MessageRecalled(event)) => {
                recalled.insert(event.message);
            }
            Event::Report(ReportEvent::Filed(filed)) => {
                open.insert(filed.report, filed.message);
            }
            Event::Report(ReportEvent::Handled(handled)) if handled.action.is_final() => {
                open.remove(&handled.report);
            }
            _ => {}
        }
    }
    let looked_at = open.values().filter(|message| recalled.contains(*message));
    looked_at
        .filter_map(|message| shown.get(message).copied())
        .collect()
}

/// The picture that each person shows.
fn pictures(told: &[Recorded]) -> BTreeMap<Uuid, Uuid> {
    let mut pictures = BTreeMap::new();
    for record in told {
        if let Event::User(UserEvent::ProfileUpdated(updated)) =
            decode(record.kind, record.ver, &record.payload).unwrap()
            && let Some(Avatar(avatar)) = updated.avatar
        {
            match avatar {
                Some(avatar) => pictures.insert(record.stream, avatar),
                None => pictures.remove(&record.stream),
            };
        }
    }
    pictures
}

#[tokio::test]
async fn a_file_is_seen_by_its_owner_and_by_members_of_conversations_that_show_it() {
    for seed in 41..43 {
        let (world, crowd) = talked(seed).await;
        let told = world.told().await;
        let (files, shown, withheld) = files(&told);
        assert!(files.len() > 3 && !shown.is_empty(), "seed {seed} shows nothing");
        let (pictures, evidence) = (pictures(&told), evidence(&told));
        let groups: BTreeMap<Uuid, _> = crowd.groups().collect();
        for user in crowd.users() {
            for (file, (owner, _)) in &files {
                let mut places = shown.iter().filter(|(_, shown)| *shown == file);
                let is_shown =
                    places.any(|(place, _)| groups[&place.0].contains(user) && !withheld.contains(place));
                let seen = world.ask(attachments::visible(*file, *user)).await;
                let is_picture = pictures.values().any(|picture| picture == file);
                assert_eq!(
                    !seen.is_empty(),
                    owner == user || is_shown || is_picture,
                    "seed {seed}"
                );
            }
            let sizes: Vec<u64> = files
                .values()
                .filter(|(owner, _)| owner == user)
                .map(|(_, size)| *size)
                .collect();
            let usage = world.ask(attachments::usage(*user)).await;
            let usage = usage.first().copied().unwrap_or_default();
            assert_eq!(usage, (sizes.iter().sum::<u64>() as i64, sizes.len() as i64));
        }
        let long_ago = (DateTime::UNIX_EPOCH, Uuid::nil());
        let soon = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
        let looked_at = world.ask(attachments::orphans(long_ago, soon, 1000)).await;
        assert_eq!(looked_at.len(), files.len());
        let heads = world.log.heads().await.unwrap();
        let ids: Vec<Uuid> = looked_at.iter().map(|file| file.id).collect();
        let told = world.ask(attachments::unclaimed(ids.clone(), &heads)).await;
        let told: BTreeMap<Uuid, bool> = told.into_iter().collect();
        let reported = world.ask(attachments::evidence(ids, &heads)).await;
        let reported: BTreeMap<Uuid, bool> = reported.into_iter().collect();
        for file in looked_at {
            let mut claims = shown.values().chain(pictures.values());
            assert_eq!(file.unclaimed, !claims.any(|shown| *shown == file.id));
            assert_eq!(told[&file.id], file.unclaimed);
            assert_eq!(reported[&file.id], evidence.contains(&file.id));
        }
        // Of what was removed it is known, too.
        let all = evidence.iter().copied().collect();
        let reported = world.ask(attachments::evidence(all, &heads)).await;
        assert!(reported.iter().all(|(_, is_evidence)| *is_evidence));
        assert_eq!(reported.len(), evidence.len());
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn what_a_recalled_message_showed_is_nobodys_and_evidence_while_a_report_is_open() {
    let world = World::new().await;
    let (ann, bob, cat) = (
        world.register(0, "ann").await,
        world.register(1, "bob").await,
        world.register(2, "cat").await,
    );
    let talk = world.group("g", &[ann, bob, cat], 3).await;
    let file = world.store(ann, 7).await.command;
    let shown = world.show(talk, ann, file).await;
    let soon = DateTime::from_timestamp(4_000_000_000, 0).unwrap();
    let is_unclaimed = async || {
        world.settle().await;
        let heads = world.log.heads().await.unwrap();
        let told = world.ask(attachments::unclaimed(vec![file], &heads)).await;
        let oldest = (DateTime::UNIX_EPOCH, Uuid::nil());
        let looked_at = world.ask(attachments::orphans(oldest, soon, 10)).await;
        assert_eq!(told, [(file, looked_at[0].unclaimed)]);
        looked_at[0].unclaimed
    };
    let is_evidence = async || {
        // What the conversation and its reports make together is not missed by a look at one of them.
        for stream in [talk, reports_of(ConversationId(talk), shown.command)] {
            world.settle().await;
            let found = audit(&world.log, stream).await.unwrap().done().unwrap();
            assert_eq!(found.drifts, [], "{stream}");
        }
        let heads = world.log.heads().await.unwrap();
        let told = world.ask(attachments::evidence(vec![file], &heads)).await;
        told == [(file, true)]
    };
    let moderator = Uuid::from_u128(77);
    world.report(&shown, bob, "a picture").await;
    world.report(&shown, cat, "a picture").await;
    assert!(!is_unclaimed().await, "it is shown");
    world.recall(&shown, ann).await;
    assert!(is_evidence().await, "two reports are open");
    assert!(is_unclaimed().await, "and it is nobody's");
    world.handle(&shown, bob, moderator, Handling::Recall).await;
    assert!(is_evidence().await, "one is open");
    world.handle(&shown, cat, moderator, Handling::Assign).await;
    assert!(is_evidence().await, "somebody looks at it");
    world.handle(&shown, cat, moderator, Handling::Dismiss).await;
    assert!(!is_evidence().await);
    assert!(is_unclaimed().await);
    world.report_as(&shown, bob, "once more", 2).await;
    assert!(is_evidence().await);
    world.remove_file(ann, file, 7).await;
    assert!(is_evidence().await, "it is gone for its owner");
    world.handle(&shown, bob, moderator, Handling::Resolve).await;
    assert!(!is_evidence().await);
    world.assert_as_the_log_says().await;
}

#[tokio::test]
async fn which_files_are_nobodys_is_told_by_a_read_model_that_holds_all_that_was_said_and_by_no_other() {
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let talk = world.group("g", &[ann], 1).await;
    let file = world.store(ann, 7).await.command;
    world.settle().await;
    world.show(talk, ann, file).await;
    let heads = world.log.heads().await.unwrap();
    let sum = format!("{:064x}", 7);
    let told = async || {
        let unclaimed = world.ask(attachments::unclaimed(vec![file], &heads)).await;
        let evidence = world.ask(attachments::evidence(vec![file], &heads)).await;
        let is_stored = world.ask(attachments::is_stored(sum.clone(), &heads)).await;
        (unclaimed, evidence, is_stored)
    };
    assert_eq!(told().await, (vec![], vec![], vec![]));
    world.settle().await;
    assert_eq!(
        told().await,
        (vec![(file, false)], vec![(file, false)], vec![true])
    );
    // One that is ahead holds what the log has lost.
    let ahead =
        "UPDATE projection_checkpoint SET pos = pos + 1 WHERE projection = 'attachments' AND lane = 1";
    world.execute(ahead).await;
    assert_eq!(told().await, (vec![], vec![], vec![]));
}

#[tokio::test]
async fn a_file_that_very_many_messages_show_is_seen_wherever_it_is_shown() {
    let world = World::new().await;
    let mut people = vec![];
    for (lane, name) in [(0, "ann"), (1, "bob"), (2, "cat")] {
        people.push(world.register(lane, name).await);
    }
    let talk = world.direct(people[0], people[1], 2).await;
    let file = world.store(people[0], 7).await.command;
    world.show(talk, people[0], file).await;
    world.settle().await;
    // In front of the one that Bob sees, in whatever order they are found.
    world
        .execute(&format!(
            "INSERT INTO p_attachments_4.claim SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 1, '{file}' \
             FROM generate_series(1, 3000) n; \
             DELETE FROM p_attachments_4.claim WHERE conversation = '{talk}'; \
             INSERT INTO p_attachments_4.claim VALUES ('{talk}', 2, '{file}'); ANALYZE p_attachments_4.claim"
        ))
        .await;
    let mut seen = vec![];
    for user in people {
        seen.push(world.ask(attachments::visible(file, user)).await.len());
    }
    assert_eq!(seen, [1, 1, 0]);
}
