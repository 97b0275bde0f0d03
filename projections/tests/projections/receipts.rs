//! Who has read messages, and whose devices have been sent them.

use crate::support::{Crowd, World};
use std::collections::BTreeMap;
use tidings_domain::stored::decode;
use tidings_domain::{ConversationEvent, Event, Membership, Receipts, UserEvent};
use tidings_eventlog::Recorded;
use tidings_projections::{conversations, inbox, unread};
use uuid::Uuid;

/// Who has read a message, which stands in a thread or not and is shown in the main timeline or not, and who has it.
async fn lists(
    world: &World,
    conversation: Uuid,
    seq: i64,
    sender: Uuid,
    (thread, main): (Option<Uuid>, bool),
) -> (Vec<Uuid>, Vec<Uuid>) {
    let asked = || (vec![conversation], vec![seq], vec![sender]);
    let (conversations, seqs, senders) = asked();
    let stands = (vec![thread], vec![main]);
    let seen = unread::seen_by(conversations, seqs, senders, stands.0, stands.1, 1000);
    let seen = world.ask(seen).await;
    let (conversations, seqs, senders) = asked();
    let sent = world
        .ask(inbox::delivered_to(conversations, seqs, senders, 1000))
        .await;
    let users = |found: Vec<(i64, conversations::Member)>| found.into_iter().map(|(_, member)| member.user);
    (users(seen).collect(), users(sent).collect())
}

#[tokio::test]
async fn what_is_delivered_is_not_read_and_what_has_expired_is_neither() {
    let world = World::new().await;
    let (ann, bob) = (world.register(0, "ann").await, world.register(1, "bob").await);
    let talk = world.direct(ann, bob, 2).await;
    let mut said = vec![];
    for n in 0..3 {
        said.push(world.send(talk, ann, &format!("{n}"), &[]).await);
    }
    // For each message, whether Bob has read it and whether he has it.
    let told = async || {
        world.settle().await;
        let mut told = vec![];
        for message in &said {
            let (seen, sent) = lists(&world, talk, message.seq as i64, ann, (None, true)).await;
            told.push((seen.contains(&bob), sent.contains(&bob)));
        }
        told
    };
    assert_eq!(told().await, [(false, false), (false, false), (false, false)]);
    world.deliver(bob, &said[0]).await;
    assert_eq!(told().await, [(false, true), (false, false), (false, false)]);
    world.expire(bob, &said[2]).await;
    assert_eq!(told().await, [(false, true), (false, false), (false, false)]);
    // Read elsewhere, it was sent.
    world.read(bob, &said[1]).await;
    assert_eq!(told().await, [(true, true), (true, true), (false, false)]);
    world.deliver(bob, &said[2]).await;
    assert_eq!(told().await, [(true, true), (true, true), (false, true)]);
    let shown = world.ask(conversations::receipts(vec![talk])).await;
    assert_eq!(shown, [(talk, Receipts::of(true, 2))]);
}

/// What is known of a member of a conversation: by definition, from all that ever happened.
#[derive(Default)]
struct Member {
    joined: Option<i64>,
    /// How far they have read, sent or joined.
    read: i64,
    /// The same of threads, by the message that begins each.
    threads: BTreeMap<Uuid, i64>,
    delivered: i64,
    /// From here to the delivery cursor everything has expired.
    lapsed_from: Option<i64>,
}

impl Member {
    fn has(&self) -> i64 {
        self.lapsed_from
            .map_or(self.delivered, |from| from - 1)
            .max(self.read)
    }
}

fn members(conversation: Uuid, events: &[Recorded]) -> BTreeMap<Uuid, Member> {
    let mut members: BTreeMap<Uuid, Member> = BTreeMap::new();
    for record in events {
        let seq = record.seq as i64;
        match decode(record.kind, record.ver, &record.payload).unwrap() {
            Event::User(UserEvent::CursorsMoved(moved)) => {
                let member = members.entry(record.stream).or_default();
                if let Some(cursor) = moved.read.get(&conversation.into()) {
                    member.read = member.read.max(cursor.seq as i64);
                }
                if let Some(cursor) = moved.delivered.get(&conversation.into()) {
                    let seq = cursor.seq as i64;
                    if seq >= member.delivered {
                        (member.delivered, member.lapsed_from) = (seq, None);
                    }
                }
            }
            Event::User(UserEvent::ThreadRead(read)) if read.conversation.0 == conversation => {
                let member = members.entry(record.stream).or_default();
                let place = member.threads.entry(read.thread).or_default();
                *place = (*place).max(read.seq as i64);
            }
            Event::User(UserEvent::InboxExpired(expired)) => {
                let member = members.entry(record.stream).or_default();
                if let Some(cursor) = expired.cursors.get(&conversation.into()) {
                    let seq = cursor.seq as i64;
                    if seq > member.delivered {
                        member.lapsed_from.get_or_insert(member.delivered + 1);
                        member.delivered = seq;
                    }
                }
            }
            Event::Conversation(event) if record.stream == conversation => {
                match event.membership() {
                    Membership::Joined(joined) => {
                        for (user, _) in joined.iter() {
                            let member = members.entry(user.0).or_default();
                            member.joined = Some(seq);
                        }
                    }
                    Membership::Left(user) => members.entry(user.0).or_default().joined = None,
                    Membership::Unchanged => {}
                }
                if let ConversationEvent::MessageSent(sent) = event {
                    let member = members.entry(record.actor).or_default();
                    // What somebody says in a thread alone reads nothing of the main timeline.
                    if sent.line().is_main() {
                        member.read = member.read.max(seq);
                    }
                    if let Some(thread) = sent.thread {
                        let place = member.threads.entry(thread).or_default();
                        *place = (*place).max(seq);
                    }
                }
            }
            _ => {}
        }
    }
    members
}

#[tokio::test]
async fn whatever_happens_they_are_the_members_who_were_there_and_have_come_so_far() {
    let (mut seen, mut in_threads, mut sent) = (0, 0, 0);
    for seed in 51..54 {
        let world = World::new().await;
        let mut crowd = Crowd::new(&world, seed).await;
        for n in 0..300 {
            crowd.act(&world).await;
            if n % 13 == 0 {
                world.projector().catch_up((n % 4) as u8).await.unwrap();
            }
        }
        world.settle().await;
        let log = world.told().await;
        for (group, _) in crowd.groups() {
            let members = members(group, &log);
            let messages = log.iter().filter_map(|record| {
                let decoded = decode(record.kind, record.ver, &record.payload).unwrap();
                match decoded {
                    Event::Conversation(ConversationEvent::MessageSent(sent)) if record.stream == group => {
                        Some((record, sent.thread, sent.line().is_main()))
                    }
                    _ => None,
                }
            });
            for (message, thread, main) in messages {
                let seq = message.seq as i64;
                let there = |(user, member): &(&Uuid, &Member)| {
                    **user != message.actor && member.joined.is_some_and(|joined| joined < seq)
                };
                let who = |far: &dyn Fn(&Member) -> i64| -> Vec<Uuid> {
                    let there = members.iter().filter(there);
                    let far = there.filter(|(_, member)| far(member) >= seq);
                    far.map(|(user, _)| *user).collect()
                };
                let read = |member: &Member| {
                    let in_thread = thread.and_then(|thread| member.threads.get(&thread));
                    let in_main = if main { member.read } else { 0 };
                    in_thread.map_or(in_main, |seq| in_main.max(*seq))
                };
                let expected = (who(&read), who(&Member::has));
                let found = lists(&world, group, seq, message.actor, (thread, main)).await;
                assert_eq!(found, expected, "seq {seq} of {group}, seed {seed}");
                in_threads += if main { 0 } else { found.0.len() };
                seen += found.0.len();
                sent += found.1.len();
            }
        }
    }
    assert!(in_threads > 0 && sent > seen, "{seen} seen, {sent} sent");
}
