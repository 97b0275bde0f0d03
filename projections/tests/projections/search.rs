//! What messages are found by.

use crate::support::{Crowd, PATIENCE, World};
use chrono::{DateTime, TimeDelta};
use tidings_domain::stored::decode;
use tidings_domain::{ConversationEvent, Event, History, SettingsChange};
use tidings_eventlog::{Position, Recorded};
use tidings_projections::search::{CandidatePlace, Wanted, candidates, conversation, sender};
use tidings_search::{Query, tokens};
use uuid::Uuid;

fn wanted(tsquery: Option<String>) -> Wanted {
    Wanted {
        ranked_by: tsquery.clone(),
        tsquery,
        from: DateTime::UNIX_EPOCH,
        to: DateTime::UNIX_EPOCH + TimeDelta::days(100_000),
        behind: None,
        rows: 1000,
    }
}

/// The messages that somebody finds, newest first.
async fn found(world: &World, viewer: Uuid, typed: &str) -> Vec<Uuid> {
    let wanted = wanted(Query::parse(typed).tsquery());
    let found = world.ask(candidates(viewer, &wanted)).await.into_iter();
    found.map(|candidate| candidate.message).collect()
}

#[tokio::test]
async fn a_newcomer_finds_what_was_sent_from_their_joining_on() {
    let world = World::new().await;
    let (ann, bob, eve) = (
        world.register(0, "ann").await,
        world.register(1, "bob").await,
        world.register(3, "eve").await,
    );
    let group = world.group("g", &[ann, bob], 2).await;
    let old = world.send(group, ann, "an old draft", &[]).await;
    let joined = SettingsChange {
        history: Some(History::Joined),
        ..SettingsChange::default()
    };
    world.set(group, joined).await;
    world.add(group, eve).await;
    let new = world.send(group, ann, "a new draft", &[]).await;
    world.settle().await;
    assert_eq!(found(&world, eve, "draft ").await, [new.command]);
    assert_eq!(found(&world, bob, "draft ").await, [new.command, old.command]);
}

#[tokio::test]
async fn a_message_is_found_by_what_it_says_now_until_it_is_recalled() {
    for each in [true, false] {
        let world = World::new().await;
        let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
        let talk = world.direct(ann, bob, 2).await;
        let sent = world.send(talk, ann, "the first draft", &[]).await;
        let other = world.send(talk, bob, "another draft", &[]).await;
        if each {
            world.settle().await;
        }
        world.edit(&sent, "the second version").await;
        if each {
            world.settle().await;
        }
        world.edit(&sent, "the third version").await;
        world.settle().await;
        assert_eq!(found(&world, bob, "draft ").await, [other.command]);
        assert!(found(&world, bob, "second ").await.is_empty());
        assert_eq!(found(&world, bob, "thir").await, [sent.command]);
        world.recall(&sent, ann).await;
        if each {
            world.settle().await;
        }
        // What comes behind the recall has no effect.
        world.edit(&sent, "the fourth version").await;
        world.settle().await;
        assert!(found(&world, bob, "version ").await.is_empty());
        assert!(found(&world, bob, "fourth ").await.is_empty());
        world.assert_as_the_log_says().await;
    }
}

#[tokio::test]
async fn only_members_find_and_the_newest_first() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let group = world.group("g", &[ann, bob], 2).await;
    let mut sent = vec![];
    for n in 0..5 {
        sent.push(world.send(group, ann, &format!("hello {n}"), &[]).await);
    }
    world.settle().await;
    let all: Vec<Uuid> = sent.iter().rev().map(|sent| sent.command).collect();
    assert_eq!(found(&world, ann, "hello ").await, all);
    assert_eq!(found(&world, bob, "hello ").await, all);
    // From a place on, and so many.
    let wanted = Wanted {
        behind: Some(CandidatePlace {
            at: sent[3].at,
            conversation: group,
            seq: sent[3].seq as i64,
        }),
        rows: 2,
        ..wanted(Query::parse("hello").tsquery())
    };
    let some = world.ask(candidates(bob, &wanted)).await;
    let some: Vec<Uuid> = some.into_iter().map(|candidate| candidate.message).collect();
    assert_eq!(some, all[2..4]);
    world.leave(group, bob).await;
    world.settle().await;
    assert!(found(&world, bob, "hello ").await.is_empty());
    assert_eq!(found(&world, ann, "hello ").await, all);
}

/// The same of PostgreSQL and of the tokens themselves, of which the latter have the last word.
#[tokio::test]
async fn words_phrases_and_letters_are_found_as_their_tokens_match() {
    let texts = [
        "Hello world",
        "hello, wide WORLD",
        "call getUserId() or user_id",
        "see https://example.com/a-b.html",
        "全文検索です",
        "検索 全文",
        "Grüße aus München",
        "don't worry",
        "a1b2c3d4e5f6",
        "ทดสอบ ระบบ",
    ];
    let typed = [
        "hello",
        "\"hello world\"",
        "hello -wide ",
        "user id",
        "\"user id\" ",
        "getuserid",
        "example.com",
        "全文",
        "検索で",
        "索",
        "grusse",
        "munchen",
        "dont ",
        "don't ",
        "a1b2",
        "ระบ",
        "html -worry ",
        "-hello ",
        "wor",
    ];
    let world = World::new().await;
    let ann = world.register(0, "ann").await;
    let group = world.group("g", &[ann], 1).await;
    let mut sent = vec![];
    for text in texts {
        sent.push((text, world.send(group, ann, text, &[]).await.command));
    }
    world.settle().await;
    for typed in typed {
        let query = Query::parse(typed);
        let matching = sent.iter().rev().filter(|(text, _)| query.matches(&tokens(text)));
        let expected: Vec<Uuid> = matching.map(|(_, message)| *message).collect();
        assert!(!expected.is_empty(), "{typed}");
        assert_eq!(found(&world, ann, typed).await, expected, "{typed}");
    }
    // And by who sent it, and where.
    let by = |lexeme: String| wanted(Some(format!("'{lexeme}'")));
    assert_eq!(
        world.ask(candidates(ann, &by(sender(ann)))).await.len(),
        texts.len()
    );
    assert_eq!(
        world.ask(candidates(ann, &by(conversation(group)))).await.len(),
        texts.len()
    );
    assert!(world.ask(candidates(ann, &by(sender(group)))).await.is_empty());
}

/// What was sent in other months is in other tables, whoever comes to a month first.
#[tokio::test]
async fn each_month_has_a_table_and_a_rebuild_makes_the_same() {
    let world = World::new().await;
    let mut crowd = Crowd::new(&world, 7).await;
    for _ in 0..100 {
        crowd.act(&world).await;
    }
    world
        .execute("UPDATE event SET at = at - pos * interval '9 days'")
        .await;
    world.settle().await;
    let tables = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'p_search_2.entry'::regclass";
    assert!(world.number(tables).await > 3);
    world.assert_as_the_log_says().await;
    let before = world.everything().await;
    tidings_projections::replay(&world.log, &["search"], 2, &())
        .await
        .unwrap();
    assert_eq!(world.everything().await, before);
    assert_eq!(before["p_search_2.entry"].len(), shown(&world).await.len());
}

/// The messages of the log that were not recalled.
async fn shown(world: &World) -> Vec<Recorded> {
    let told = world.told().await;
    let said = |record: &Recorded| decode(record.kind, record.ver, &record.payload).unwrap();
    let recalled: Vec<Uuid> = told
        .iter()
        .filter_map(|record| match said(record) {
            Event::Conversation(ConversationEvent::MessageRecalled(recalled)) => Some(recalled.message),
            _ => None,
        })
        .collect();
    let is_shown = |record: &Recorded| match said(record) {
        Event::Conversation(ConversationEvent::MessageSent(_)) => !recalled.contains(&record.command),
        _ => false,
    };
    told.into_iter().filter(is_shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_messages_are_found_by_may_lag_and_delays_no_other_read_model() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 2).await;
    world.settle().await;
    let in_the_way = world.log.pool().get().await.unwrap();
    in_the_way
        .batch_execute("BEGIN; LOCK TABLE p_search_2.entry IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let projector = world.projector();
    let running = tokio::spawn(projector.clone().run_lane(2));
    let sent = world.send(talk, ann, "hello", &[]).await;
    let position = Position {
        lane: sent.lane,
        pos: sent.pos,
    };
    let checkpoints = projector.checkpoints();
    checkpoints.passed(position, PATIENCE).await.unwrap();
    let lagging = "SELECT pos FROM projection_checkpoint WHERE projection = 'search' AND lane = 2";
    assert_eq!(world.number(lagging).await, sent.pos as i64 - 1);
    in_the_way.batch_execute("ROLLBACK").await.unwrap();
    checkpoints
        .passed_by(&["search"], position, PATIENCE)
        .await
        .unwrap();
    assert_eq!(found(&world, bob, "hello").await, [sent.command]);
    running.abort();
}
