//! Typing and receipts: shown to those who may see them, and never at the cost of anything that counts.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// What came before the answer to a ping that goes out now, and is of this type.
async fn so_far(socket: &mut Socket, kind: &str) -> Vec<Value> {
    let id = Uuid::new_v4();
    socket.send(&json!({ "type": "ping", "id": id })).await;
    let mut found = vec![];
    loop {
        let object = socket.receive().await;
        if object["id"] == id.to_string() {
            return found;
        }
        found.extend((object["type"] == kind).then_some(object));
    }
}

fn typing(conversation: Uuid, on: bool) -> Value {
    json!({ "type": "typing", "conversation": conversation, "on": on })
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_is_shown_to_the_others_on_every_node() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        here.socket(&ann).await,
        here.socket(&ben).await,
        there.socket(&cat).await,
    );
    let group = a.create_group(&[&ben, &cat]).await;
    c.events(group, 1).await;
    // Redis may not be read yet on the other node; every change is news.
    let shown = eventually(async || {
        a.send(&typing(group, true)).await;
        a.send(&typing(group, false)).await;
        so_far(&mut c, "typing").await.into_iter().next()
    })
    .await;
    assert_eq!((id(&shown["conversation"]), id(&shown["user"])), (group, ann.id));
    // What was typed while nobody knew yet who may know is shown as it is then.
    eventually(async || {
        a.send(&typing(group, true)).await;
        a.send(&typing(group, false)).await;
        let shown = so_far(&mut b, "typing").await;
        shown.iter().any(|shown| shown["on"] == true).then_some(())
    })
    .await;
    assert!(
        so_far(&mut a, "typing").await.is_empty(),
        "one's own typing is shown to oneself"
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_that_waited_for_redis_is_not_shown_when_it_is_over() {
    let (store, redis) = Store::with_redis().await;
    let (here, there) = (store.node().await, store.node().await);
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let (mut a, mut b) = (here.socket(&ann).await, there.socket(&ben).await);
    let mut groups = vec![];
    for _ in 0..8 {
        let group = a.create_group(&[&ben]).await;
        b.events(group, 1).await;
        groups.push(group);
    }
    let last = groups.pop().unwrap();
    let until_shown = async |a: &mut Socket, b: &mut Socket| {
        let mut before = vec![];
        eventually(async || {
            a.send(&typing(last, true)).await;
            a.send(&typing(last, false)).await;
            before.extend(so_far(b, "typing").await);
            before
                .iter()
                .any(|shown| id(&shown["conversation"]) == last)
                .then_some(())
        })
        .await;
        before
    };
    until_shown(&mut a, &mut b).await;
    redis.pause().await.unwrap();
    for group in &groups {
        a.send(&typing(*group, true)).await;
    }
    a.works().await;
    // Longer than it is shown.
    tokio::time::sleep(Duration::from_secs(7)).await;
    redis.resume().await.unwrap();
    let shown = until_shown(&mut a, &mut b).await;
    // The first ones may have been on their way to Redis already.
    for group in &groups[3..] {
        let late = shown.iter().filter(|shown| id(&shown["conversation"]) == *group);
        assert_eq!(late.count(), 0, "{shown:?}");
    }
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_typing_is_shown_a_few_times() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    b.events(conversation, 1).await;
    // From here on it is known that she may.
    eventually(async || {
        a.send(&typing(conversation, true)).await;
        so_far(&mut b, "typing").await.into_iter().next()
    })
    .await;
    let frame = |n: usize| {
        let mut lines = vec![];
        for m in 0..100 {
            lines.push(typing(conversation, (n + m).is_multiple_of(2)).to_string());
        }
        lines.join("\n")
    };
    let before = std::time::Instant::now();
    for n in 0..20 {
        a.send_text(&frame(n)).await;
    }
    a.works().await;
    // All of it went through the reader; what it let pass went through the hub before the message did, or was dropped.
    a.say(conversation, "done").await;
    b.events(conversation, 1).await;
    let shown = so_far(&mut b, "typing").await.len();
    let allowed = 10 + 2 * before.elapsed().as_secs() as usize + 2;
    assert!(
        (1..=allowed).contains(&shown),
        "{shown} of 2000 were shown, {allowed} may be"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_former_members_type_to_nobody() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    let group = a.create_group(&[&ben]).await;
    b.events(group, 1).await;
    c.send(&typing(group, true)).await;
    c.works().await;
    b.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    // The hub has let Ben go once he was shown that he left.
    b.events(group, 1).await;
    b.send(&typing(group, true)).await;
    b.works().await;
    // A member's typing comes through, behind theirs.
    let both = a.create_group(&[&ben, &cat]).await;
    a.events(both, 1).await;
    assert!(so_far(&mut a, "typing").await.is_empty());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_shown_typing_where_too_many_are() {
    let store = Store::new().await;
    let node = store.node().await;
    let mut people = vec![];
    for n in 0..3 {
        people.push(node.register(&format!("p{n}")).await);
    }
    let mut a = node.socket(&people[0]).await;
    let (large, small) = (
        a.create_group(&people.iter().skip(1).collect::<Vec<_>>()).await,
        a.open_direct(&people[1]).await,
    );
    let mut sockets = vec![];
    for n in 0..100 {
        sockets.push(node.socket(&people[1 + n % 2]).await);
    }
    // With the sender's there are 101 connections.
    let shown = eventually(async || {
        a.send(&typing(large, true)).await;
        a.send(&typing(small, true)).await;
        so_far(&mut sockets[0], "typing").await.into_iter().next()
    })
    .await;
    assert_eq!(id(&shown["conversation"]), small);
    for socket in &mut sockets {
        let all = so_far(socket, "typing").await;
        assert!(
            all.iter().all(|typing| id(&typing["conversation"]) == small),
            "{all:?}"
        );
    }
    // One less, and they are shown it.
    sockets.pop();
    let shown = eventually(async || {
        a.send(&typing(large, false)).await;
        a.send(&typing(large, true)).await;
        let all = so_far(&mut sockets[0], "typing").await;
        all.into_iter()
            .find(|typing| id(&typing["conversation"]) == large)
    })
    .await;
    assert_eq!(id(&shown["user"]), people[0].id);
    node.stop().await;
}

/// Until something was so three times in a row: what was typed before may come late, and a node may not have heard yet.
async fn settles(mut is_so: impl AsyncFnMut() -> bool) {
    let mut times = 0;
    eventually(async || {
        times = if is_so().await { times + 1 } else { 0 };
        (times == 3).then_some(())
    })
    .await;
}

/// Whether `typist` is shown to `viewer` when they type there, again and again until `fence`, who may be shown, is.
async fn is_shown(
    (typist, fence): (&mut Socket, &mut Socket),
    (viewer, of): (&mut Socket, [&User; 2]),
    conversation: Uuid,
) -> bool {
    let mut shown = vec![];
    eventually(async || {
        for on in [true, false] {
            typist.send(&typing(conversation, on)).await;
            typist.works().await;
            fence.send(&typing(conversation, on)).await;
            fence.works().await;
        }
        for object in so_far(viewer, "typing").await {
            shown.push(id(&object["user"]));
        }
        shown.contains(&of[1].id).then_some(())
    })
    .await;
    shown.contains(&of[0].id)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_types_to_nobody() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    // Both are heard by the same way, one behind the other.
    let (mut a, mut b, mut c) = (
        here.socket(&ann).await,
        there.socket(&ben).await,
        there.socket(&cat).await,
    );
    let group = a.create_group(&[&ben, &cat]).await;
    b.events(group, 1).await;
    c.events(group, 1).await;
    let role = json!({ "type": "group.role", "conversation": group, "user": cat.id, "role": "admin" });
    a.acked(role).await;
    let mute = |on| json!({ "type": "group.mute", "conversation": group, "user": ben.id, "on": on });
    let post = |who| json!({ "type": "group.settings", "conversation": group, "settings": { "post": who } });
    let slow = |seconds| json!({ "type": "group.settings", "conversation": group, "settings": { "slow_s": seconds } });
    // Ben's node has heard of each before he types again; that he was heard before does not matter.
    for (less, more) in [(mute(true), mute(false)), (post("admins"), post("members"))] {
        eventually(async || {
            is_shown((&mut b, &mut c), (&mut a, [&ben, &cat]), group)
                .await
                .then_some(())
        })
        .await;
        let seq = a.acked(less).await["seq"].clone();
        b.take(|object| object["type"] == "event" && object["seq"] == seq)
            .await;
        settles(async || !is_shown((&mut b, &mut c), (&mut a, [&ben, &cat]), group).await).await;
        a.acked(more).await;
    }
    // In slow mode whoever has to wait is as one who may not write.
    a.acked(slow(3600)).await;
    let seq = b.say(group, "once").await["seq"].clone();
    b.take(|object| object["type"] == "event" && object["seq"] == seq)
        .await;
    settles(async || !is_shown((&mut b, &mut c), (&mut a, [&ben, &cat]), group).await).await;
    here.stop().await;
    there.stop().await;
}

/// Whether somebody is shown to `other` when they type, again and again until another device of their own is shown it, as it is in any case.
async fn is_seen(
    (typist, user): (&mut Socket, &User),
    own: &mut Socket,
    other: &mut Socket,
    conversation: Uuid,
) -> bool {
    let mut is_seen = false;
    let is_theirs =
        |shown: &Value| id(&shown["user"]) == user.id && id(&shown["conversation"]) == conversation;
    eventually(async || {
        for on in [true, false] {
            typist.send(&typing(conversation, on)).await;
        }
        typist.works().await;
        let echo = so_far(own, "typing").await.iter().any(is_theirs);
        is_seen |= so_far(other, "typing").await.iter().any(is_theirs);
        echo.then_some(())
    })
    .await;
    is_seen
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_types_to_whom_they_block_or_who_blocks_them_and_neither_can_tell() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        here.socket(&ann).await,
        there.socket(&ben).await,
        here.socket(&cat).await,
    );
    let (mut anns, mut bens) = (here.socket(&ann).await, there.socket(&ben).await);
    let direct = a.open_direct(&ben).await;
    let group = a.create_group(&[&ben, &cat]).await;
    for socket in [&mut b, &mut bens, &mut anns] {
        socket.events(direct, 1).await;
        socket.events(group, 1).await;
    }
    c.events(group, 1).await;
    for conversation in [direct, group] {
        eventually(async || {
            let by_ben = is_seen((&mut b, &ben), &mut bens, &mut a, conversation).await;
            let by_ann = is_seen((&mut a, &ann), &mut anns, &mut b, conversation).await;
            (by_ben && by_ann).then_some(())
        })
        .await;
    }
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": true }))
        .await;
    for conversation in [direct, group] {
        settles(async || {
            let by_ben = is_seen((&mut b, &ben), &mut bens, &mut a, conversation).await;
            let by_ann = is_seen((&mut a, &ann), &mut anns, &mut b, conversation).await;
            !by_ben && !by_ann
        })
        .await;
    }
    // To whom no block stands nothing has changed.
    so_far(&mut c, "typing").await;
    eventually(async || {
        let seen = is_seen((&mut b, &ben), &mut bens, &mut c, group).await;
        seen.then_some(())
    })
    .await;
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": false }))
        .await;
    for conversation in [direct, group] {
        eventually(async || {
            let seen = is_seen((&mut b, &ben), &mut bens, &mut a, conversation).await;
            seen.then_some(())
        })
        .await;
    }
    here.stop().await;
    there.stop().await;
}
