//! What was missed comes back: from cursors of any age, from the stored delivery cursor, within limits that are said.

use crate::deaf::{arrived, narrow};
use crate::support::*;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;
use tidings::gateway::GatewayLimits;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_resumes_exactly_where_it_was() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let mut b = node.socket(&ben).await;
    let conversation = a.open_direct(&ben).await;
    for n in 0..5 {
        a.say(conversation, &n.to_string()).await;
    }
    b.events(conversation, 6).await;
    drop(b);
    for n in 5..10 {
        a.say(conversation, &n.to_string()).await;
    }
    for cursor in [6, 3, 0, 11] {
        let (_socket, missed) = node
            .resumed(&ben, json!({ conversation.to_string(): cursor }))
            .await;
        assert_eq!(
            seqs(&missed),
            (cursor + 1..=11).collect::<Vec<_>>(),
            "from {cursor}"
        );
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_gets_what_no_device_was_sent() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    // Ben has never been there.
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "one").await;
    let (b, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), [1, 2]);
    drop(b);
    // What is written before the server sees that it has gone counts as sent.
    eventually(async || (node.node.gateway().registry.count() == 1).then_some(())).await;
    a.say(conversation, "two").await;
    // The delivery cursor is stored a moment after the device has gone.
    let inbox = "{ inbox { nodes { pendingCount conversation { id } messages { nodes { text } } } } }";
    let pending = eventually(async || {
        let answer = node.graphql(&ben, inbox, None).await;
        let nodes = answer["data"]["inbox"]["nodes"].clone();
        // Not the count alone: until "two" is in the read models, "one" is the only one pending.
        let two = nodes[0]["messages"]["nodes"][0]["text"] == "two";
        (nodes.as_array()?.len() == 1 && nodes[0]["pendingCount"] == 1 && two).then_some(nodes)
    })
    .await;
    assert_eq!(pending[0]["conversation"]["id"], conversation.to_string());
    let (_b, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), [3]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_limits_cut_off_is_said_as_a_gap() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.catch_up_events = 10;
    config.gateway.catch_up_total = 25;
    let node = TestNode::start(config).await;
    let users = [
        node.register("a").await,
        node.register("b").await,
        node.register("c").await,
        node.register("d").await,
    ];
    let mut a = node.socket(&users[0]).await;
    let mut conversations = vec![];
    for user in &users[1..] {
        conversations.push(a.open_direct(user).await);
    }
    // The last one has the newest activity.
    for conversation in &conversations {
        for n in 0..29 {
            a.say(*conversation, &n.to_string()).await;
        }
    }
    let resume: serde_json::Map<_, _> = conversations
        .iter()
        .map(|id| (id.to_string(), json!(0)))
        .collect();
    let (_socket, missed) = node.resumed(&users[0], resume.into()).await;
    let of = |conversation: Uuid| {
        let own = missed
            .iter()
            .filter(|object| object["conversation"] == conversation.to_string());
        let gap = own
            .clone()
            .find(|object| object["type"] == "gap")
            .map(|gap| (gap["from"].clone(), gap["to"].clone()));
        let events: Vec<_> = own.filter(|object| object["type"] == "event").cloned().collect();
        (gap, seqs(&events))
    };
    for conversation in &conversations[1..] {
        assert_eq!(
            of(*conversation),
            (Some((json!(1), json!(20))), (21..=30).collect())
        );
    }
    // The budget over all is spent: this one gets only its gap.
    assert_eq!(of(conversations[0]), (Some((json!(1), json!(30))), vec![]));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seam_between_catch_up_and_live_neither_skips_nor_repeats() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let comings = std::sync::atomic::AtomicU32::new(0);
    // Until enough comings have fallen into it.
    let talking = async {
        let mut count = 0;
        while count < 400 || comings.load(Relaxed) < 20 {
            a.say(conversation, &count.to_string()).await;
            count += 1;
            tokio::time::sleep(BREATH).await;
        }
        a.say(conversation, "end").await;
    };
    let coming_and_going = async {
        let mut cursor = 0_u64;
        let mut is_over = false;
        while !is_over {
            let (mut socket, mut seen) = node
                .resumed(&ben, json!({ conversation.to_string(): cursor }))
                .await;
            let is_last = |seen: &[serde_json::Value]| words(seen).last().is_some_and(|word| word == "end");
            if !is_last(&seen) {
                seen.extend(socket.events(conversation, 1).await);
            }
            for seq in seqs(&seen) {
                assert_eq!(seq, cursor + 1);
                cursor = seq;
            }
            is_over = is_last(&seen);
            comings.fetch_add(1, Relaxed);
        }
    };
    tokio::join!(talking, coming_and_going);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn being_added_while_connecting_is_never_missed() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    for _ in 0..20 {
        let adding = async {
            let group = a.create_group(&[&ben]).await;
            a.say(group, "welcome").await;
            group
        };
        let ((mut socket, missed), group) = tokio::join!(node.resumed(&ben, json!({})), adding);
        let of_group = |object: &serde_json::Value| object["conversation"] == group.to_string();
        let mut seen: Vec<_> = missed.into_iter().filter(of_group).collect();
        let rest = 2 - seen.len();
        seen.extend(socket.events(group, rest).await);
        assert_eq!(seqs(&seen), [1, 2]);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_while_away_sees_everything_up_to_that_and_nothing_after() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    a.say(group, "before").await;
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    a.say(group, "behind your back").await;
    let (mut b, missed) = node.resumed(&ben, json!({ group.to_string(): 1 })).await;
    assert_eq!(seqs(&missed), [2, 3]);
    b.refused(
        json!({ "type": "fetch", "conversation": group, "from": 1, "limit": 10 }),
        "not_a_member",
    )
    .await;
    let query = format!("{{ conversation(id: \"{group}\") {{ id }} }}");
    assert_eq!(
        node.graphql(&ben, &query, None).await["data"]["conversation"],
        json!(null)
    );
    // Back again, the conversation goes on without a hole.
    a.acked(json!({ "type": "group.add", "conversation": group, "user": ben.id }))
        .await;
    a.say(group, "welcome back").await;
    assert_eq!(seqs(&b.events(group, 3).await), [4, 5, 6]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_out_is_not_told_how_much_is_said_behind_them() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat, dan] = node.people(["ann", "ben", "cat", "dan"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben, &cat, &dan]).await;
    for (kind, user) in [("group.remove", &ben), ("group.ban", &cat)] {
        a.acked(json!({ "type": kind, "conversation": group, "user": user.id }))
            .await;
    }
    let mut d = node.socket(&dan).await;
    let gone = d
        .acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    let gone = gone["seq"].as_u64().unwrap();
    let mut head = 0;
    for word in ["one", "two", "three"] {
        head = a.say(group, word).await["seq"].as_u64().unwrap();
    }
    for (user, left) in [(&ben, 2), (&cat, 3), (&dan, gone)] {
        for cursor in [left, left + 1, head - 1, head, head + 1, 9999] {
            let (_socket, all) = node.resumed(user, json!({ group.to_string(): cursor })).await;
            let told: Vec<_> = all
                .iter()
                .filter(|object| object["conversation"] == json!(group))
                .map(|object| json!([object["type"], object["field"], object["head"]]))
                .collect();
            let refusal = json!(["error", "resume", left]);
            let expected: Vec<_> = (cursor > left).then_some(refusal).into_iter().collect();
            assert_eq!(told, expected, "the cursor {cursor} of one who went at {left}");
        }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_messages_expire_from_the_inbox_with_a_word_and_stay_in_history() {
    let store = Store::new().await;
    let mut config = store.config();
    config.inbox_days = 0;
    config.inbox_clean_up_s = 1;
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let ack = a.say(conversation, "soon gone").await;
    let inbox = "{ inbox { nodes { pendingCount } } }";
    eventually(async || {
        let answer = node.graphql(&ben, inbox, ack["position"].as_str()).await;
        (answer["data"]["inbox"]["nodes"] == json!([])).then_some(())
    })
    .await;
    let (mut b, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert_eq!(
        (&missed[0]["type"], &missed[0]["from"], &missed[0]["to"]),
        (&json!("gap"), &json!(1), &json!(2))
    );
    let page = b
        .command(json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 10 }))
        .await;
    assert_eq!(words(page["events"].as_array().unwrap()), ["soon gone"]);
    node.stop().await;
}

/// A device of Ben's that reads nothing, and has far more to read of one conversation than fits between it and the node.
struct Behind {
    _store: Store,
    node: TestNode,
    /// Ann, who has said all that.
    a: Socket,
    ben: User,
    slow: WebSocketStream<TcpStream>,
    flooded: Uuid,
}

async fn behind(shape: impl FnOnce(&mut GatewayLimits)) -> Behind {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.outbox_events = 4;
    config.gateway.send_buffer_bytes = 4096;
    config.gateway.slow_ms = 300_000;
    shape(&mut config.gateway);
    let node = TestNode::start(config).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let flooded = a.open_direct(&ben).await;
    let slow = narrow(node.node.address(), &ben).await;
    arrived(&slow, "synced").await;
    a.say_much(flooded, 100).await;
    Behind {
        _store: store,
        node,
        a,
        ben,
        slow,
        flooded,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_device_is_sent_what_was_joined_meanwhile_from_its_beginning() {
    let Behind {
        node,
        mut a,
        ben,
        slow,
        flooded,
        _store,
    } = Box::pin(behind(|limits| {
        (limits.proof_ms, limits.delivered_ms) = (10, 10);
    }))
    .await;
    // The slow device has far more to read than fits between the two, and a new conversation comes up.
    let group = a.create_group(&[&ben]).await;
    let last = a.say(group, "one").await;
    // The other device takes everything and proves it.
    let mut fast = node.socket(&ben).await;
    let inbox = "{ inbox { nodes { pendingCount } } }";
    eventually(async || {
        fast.works().await;
        let answer = node.graphql(&ben, inbox, last["position"].as_str()).await;
        (answer["data"]["inbox"]["nodes"] == json!([])).then_some(())
    })
    .await;
    let head = last["seq"].as_u64().unwrap();
    let mut slow = Socket::from(slow);
    assert_eq!(
        seqs(&slow.events(flooded, 101).await),
        (1..=101).collect::<Vec<_>>()
    );
    assert_eq!(
        seqs(&slow.events(group, head as usize).await),
        (1..=head).collect::<Vec<_>>()
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_device_is_sent_what_was_joined_left_and_joined_again_meanwhile_from_its_beginning() {
    let Behind {
        node,
        mut a,
        ben,
        slow,
        _store,
        ..
    } = Box::pin(behind(|_| {})).await;
    // What comes now finds no room, and is dropped.
    let group = a.create_group(&[&ben]).await;
    a.say(group, "one").await;
    let of_ben = |kind: &str| json!({ "type": kind, "conversation": group, "user": ben.id });
    a.acked(of_ben("group.remove")).await;
    a.acked(of_ben("group.add")).await;
    let head = a.say(group, "two").await["seq"].as_u64().unwrap();
    let mut slow = Socket::from(slow);
    assert_eq!(
        seqs(&slow.events(group, head as usize).await),
        (1..=head).collect::<Vec<_>>()
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_device_is_told_what_its_user_never_saw_between_two_memberships() {
    let Behind {
        node,
        mut a,
        ben,
        slow,
        _store,
        ..
    } = Box::pin(behind(|_| {})).await;
    let group = a.create_group(&[&ben]).await;
    let of_ben = |kind: &str| json!({ "type": kind, "conversation": group, "user": ben.id });
    let settings = json!({ "history": "joined" });
    a.acked(json!({ "type": "group.settings", "conversation": group, "settings": settings }))
        .await;
    a.say(group, "one").await;
    a.acked(of_ben("group.remove")).await;
    a.say(group, "behind your back").await;
    a.acked(of_ben("group.add")).await;
    a.say(group, "two").await;
    let mut slow = Socket::from(slow);
    assert_eq!(seqs(&slow.events(group, 6).await), [1, 2, 3, 4, 6, 7]);
    let gap = slow.until("gap").await;
    assert_eq!(
        (&gap["conversation"], &gap["from"], &gap["to"]),
        (&json!(group), &json!(5), &json!(5))
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_waits_for_the_log_is_pinged_all_the_same() {
    let store = Store::new().await;
    let mut config = store.config();
    // Whoever answers none of two is let go, and on a busy machine an answer takes its time.
    config.gateway.heartbeat_ms = 4_000;
    let node = TestNode::start(config).await;
    let ann = node.register("ann").await;
    let jam = store.client().await;
    jam.batch_execute("BEGIN; LOCK TABLE log_lane IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut a = node.raw().await;
    a.send(&json!({ "type": "hello", "token": ann.token, "device": "test" }))
        .await;
    a.until("welcome").await;
    for _ in 0..3 {
        let next = tokio::time::timeout(PATIENCE, futures_util::StreamExt::next(&mut a.stream));
        let frame = next.await.unwrap().unwrap().unwrap();
        assert!(frame.is_ping(), "{frame:?}");
    }
    jam.batch_execute("ROLLBACK").await.unwrap();
    a.until("synced").await;
    node.stop().await;
}

/// A node with room for four pages, whose clients may take their time.
async fn cramped(store: &Store) -> TestNode {
    let mut config = store.config();
    config.gateway.catch_up_page_bytes = 256 << 10;
    config.gateway.catch_up_node_bytes = 1 << 20;
    config.gateway.send_buffer_bytes = 4096;
    config.gateway.slow_ms = 300_000;
    TestNode::start(config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_read_nothing_hold_no_more_than_the_nodes_room_and_delay_nobody() {
    let store = Store::new().await;
    let node = cramped(&store).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let long = "\u{1}".repeat(8_000);
    for _ in 0..100 {
        a.say(conversation, &long).await;
    }
    let mut idle = vec![];
    for _ in 0..8 {
        idle.push(narrow(node.node.address(), &ben).await);
    }
    let room = &node.node.gateway().page_room;
    eventually(async || (room.held() == 1 << 20).then_some(())).await;
    let (_b, missed) = node.resumed(&ben, json!({ conversation.to_string(): 0 })).await;
    assert_eq!(seqs(&missed), (1..=101).collect::<Vec<_>>());
    // What was held for this one is given back a moment behind its last page.
    eventually(async || (room.held() == 1 << 20).then_some(())).await;
    drop(idle);
    eventually(async || (room.held() == 0).then_some(())).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_of_somebody_who_was_removed_can_be_fetched_until_it_is_proved() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.catch_up_events = 10;
    config.gateway.proof_ms = 10;
    let node = TestNode::start(config.clone()).await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    for n in 0..30 {
        a.say(group, &n.to_string()).await;
    }
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    a.say(group, "behind your back").await;
    let resume = json!({ group.to_string(): 1 });
    let fetch = |from: u64, limit: u64| json!({ "type": "fetch", "conversation": group, "from": from, "limit": limit });
    // A connection that breaks before the gap was fetched changes nothing.
    for _ in 0..2 {
        let (mut b, missed) = node.resumed(&ben, resume.clone()).await;
        let gap = missed.iter().find(|object| object["type"] == "gap").unwrap();
        assert_eq!((&gap["from"], &gap["to"]), (&json!(2), &json!(22)));
        assert_eq!(seqs(&missed), (23..=32).collect::<Vec<_>>());
        b.works().await;
    }
    let (mut b, _) = node.resumed(&ben, resume).await;
    // Exactly the gap, in pages, and nothing of what is behind the leaving or before the cursor.
    let page = b.command(fetch(1, 5)).await;
    assert_eq!(seqs(page["events"].as_array().unwrap()), [2, 3, 4, 5, 6]);
    assert_eq!(page["more"], true);
    b.refused(fetch(23, 1000), "not_a_member").await;
    let page = b.command(fetch(7, 1000)).await;
    assert_eq!(
        seqs(page["events"].as_array().unwrap()),
        (7..=22).collect::<Vec<_>>()
    );
    assert_eq!(page["more"], false);
    // Proved by the answers to pings, it is owed no more.
    eventually(async || {
        b.works().await;
        (b.command(fetch(2, 1)).await["code"] == "not_a_member").then_some(())
    })
    .await;
    drop(b);
    node.stop().await;
    let node = TestNode::start(config).await;
    for (resume, shown) in [
        (json!({}), vec![]),
        (json!({ group.to_string(): 32 }), vec![]),
        (json!({ group.to_string(): 0 }), vec![32]),
    ] {
        let (mut b, missed) = node.resumed(&ben, resume).await;
        assert_eq!(seqs(&missed), shown);
        b.refused(fetch(1, 1000), "not_a_member").await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_device_of_somebody_removed_learns_of_it_and_goes_on_without_a_hole_when_they_are_back() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    for n in 0..5 {
        a.say(group, &n.to_string()).await;
    }
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    let (mut phone, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), (1..=7).collect::<Vec<_>>());
    phone.stream.close(None).await.unwrap();
    phone.closed().await;
    crate::deaf::gone(&node, &ben).await;
    a.say(group, "behind your back").await;
    // What the phone has had is stored by then: nothing is owed any more.
    node.stop().await;
    let node = store.node().await;
    let mut a = node.socket(&ann).await;
    let told = |missed: &[serde_json::Value]| -> Vec<(String, Option<u64>, Option<u64>)> {
        let number = |object: &serde_json::Value, name: &str| object[name].as_u64();
        let gap = |object: &serde_json::Value| (number(object, "from"), number(object, "to"));
        missed
            .iter()
            .map(|object| match object["type"].as_str().unwrap() {
                "gap" => ("gap".to_owned(), gap(object).0, gap(object).1),
                _ => (text(&object["kind"]), number(object, "seq"), None),
            })
            .collect()
    };
    let removed = ("member.removed".to_owned(), Some(7), None);
    for (cursor, gap) in [(3, Some((4, 6))), (6, None)] {
        let (mut laptop, missed) = node.resumed(&ben, json!({ group.to_string(): cursor })).await;
        let gap = gap.map(|(from, to)| ("gap".to_owned(), Some(from), Some(to)));
        let expected: Vec<_> = gap.into_iter().chain([removed.clone()]).collect();
        assert_eq!(told(&missed), expected);
        // The past stays closed.
        let fetch = json!({ "type": "fetch", "conversation": group, "from": 1, "limit": 1000 });
        laptop.refused(fetch, "not_a_member").await;
    }
    let (mut laptop, _) = node.resumed(&ben, json!({ group.to_string(): 3 })).await;
    a.acked(json!({ "type": "group.add", "conversation": group, "user": ben.id }))
        .await;
    a.say(group, "welcome back").await;
    assert_eq!(seqs(&laptop.events(group, 3).await), [8, 9, 10]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_device_of_somebody_removed_has_had_is_said_and_can_be_fetched() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    for n in 0..5 {
        a.say(group, &n.to_string()).await;
    }
    let (mut phone, missed) = node.resumed(&ben, json!({})).await;
    assert_eq!(seqs(&missed), (1..=6).collect::<Vec<_>>());
    phone.stream.close(None).await.unwrap();
    phone.closed().await;
    crate::deaf::gone(&node, &ben).await;
    a.say(group, "while away").await;
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    a.say(group, "behind your back").await;
    // What the phone has had is stored by then.
    node.stop().await;
    let node = store.node().await;
    let (mut laptop, missed) = node.resumed(&ben, json!({ group.to_string(): 3 })).await;
    assert_eq!(
        (&missed[0]["type"], &missed[0]["from"], &missed[0]["to"]),
        (&json!("gap"), &json!(4), &json!(6))
    );
    assert_eq!(seqs(&missed), [7, 8]);
    // The proof of what was owed closes nothing that is still to be fetched.
    laptop.works().await;
    laptop.works().await;
    let fetch = |from: u64| json!({ "type": "fetch", "conversation": group, "from": from, "limit": 1000 });
    let page = laptop.command(fetch(1)).await;
    assert_eq!(seqs(page["events"].as_array().unwrap()), [4, 5, 6], "{page}");
    assert_eq!(page["more"], false);
    laptop.refused(fetch(7), "not_a_member").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_that_cannot_be_read_are_said_and_count_as_absent() {
    let store = Store::new().await;
    let node = store.node().await;
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "one").await;
    let (_socket, missed) = node
        .resumed(&ben, json!({ conversation.to_string(): null }))
        .await;
    assert_eq!((missed.len(), seqs(&missed)), (2, vec![1, 2]));
    let other = Uuid::new_v4().to_string();
    for resume in [
        json!({ conversation.to_string(): 1, "nobody": 7 }),
        json!({ conversation.to_string(): 1, other: -1 }),
        json!({ conversation.to_string(): 1, "self": "4" }),
    ] {
        let (_socket, missed) = node.resumed(&ben, resume.clone()).await;
        assert_eq!(
            (&missed[0]["code"], &missed[0]["field"], missed[0].get("id")),
            (&json!("invalid_argument"), &json!("resume"), None),
            "{resume}"
        );
        assert_eq!(seqs(&missed), [2], "{resume}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_come_in_as_many_parts_as_they_need() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.hello_ms = 500;
    let (node, impatient) = (store.node().await, TestNode::start(config).await);
    let (ann, ben) = (node.register("ann").await, node.register("ben").await);
    let mut a = node.socket(&ann).await;
    let (one, two) = (a.open_direct(&ben).await, a.create_group(&[&ben]).await);
    for _ in 0..3 {
        a.say(one, "x").await;
        a.say(two, "y").await;
    }
    let foreign = || -> serde_json::Map<String, serde_json::Value> {
        (0..1_000)
            .map(|_| (Uuid::new_v4().to_string(), json!(1)))
            .collect()
    };
    let mut b = node.raw().await;
    let hello =
        json!({ "type": "hello", "token": ben.token, "resume": { one.to_string(): 4 }, "more": true });
    b.send(&hello).await;
    b.until("welcome").await;
    for _ in 0..4 {
        b.send(&json!({ "type": "resume", "resume": foreign(), "more": true }))
            .await;
    }
    b.send(&json!({ "type": "resume", "resume": { two.to_string(): 2 } }))
        .await;
    let mut missed = vec![];
    loop {
        let object = b.receive().await;
        if object["type"] == "synced" {
            break;
        }
        missed.push(object);
    }
    // Of conversations that one has never been in there is nothing to be behind of.
    let (refused, missed): (Vec<_>, Vec<_>) =
        missed.into_iter().partition(|object| object["type"] == "error");
    assert_eq!(refused.len(), 4_000);
    assert!(
        refused
            .iter()
            .all(|refused| (&refused["field"], &refused["head"]) == (&json!("resume"), &json!(0)))
    );
    assert!(
        missed
            .iter()
            .all(|event| event["conversation"] == two.to_string())
    );
    assert_eq!(seqs(&missed), [3, 4]);
    // One that nobody waits for is refused and changes nothing.
    b.send(&json!({ "type": "resume", "resume": { one.to_string(): 0 } }))
        .await;
    assert_eq!(b.until("error").await["field"], "resume");
    b.works().await;
    // A hello that is never finished does not stay.
    let mut c = impatient.raw().await;
    c.send(&hello).await;
    assert_eq!(c.closed().await.1, Some(4003));
    impatient.stop().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_hello_without_a_token_keeps_the_upgrades() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let mut request = format!("ws://{}/ws", node.node.address())
        .into_client_request()
        .unwrap();
    let bearer = format!("Bearer {}", ann.token).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    let (stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut socket = Socket::from(stream);
    for _ in 0..2 {
        socket.send(&json!({ "type": "hello" })).await;
        assert_eq!(socket.until("welcome").await["user"], ann.id.to_string());
    }
    socket.works().await;
    // Where the upgrade had none, there is nothing to keep.
    let mut socket = node.socket(&ann).await;
    socket.send(&json!({ "type": "hello" })).await;
    assert_eq!(socket.closed().await.1, Some(4501));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_has_fetched_of_a_gap_is_not_owed_when_they_are_removed() {
    let store = Store::new().await;
    let mut config = store.config();
    config.gateway.catch_up_events = 10;
    config.gateway.proof_ms = 10;
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[&ben]).await;
    for n in 0..30 {
        a.say(group, &n.to_string()).await;
    }
    let (mut b, missed) = node.resumed(&ben, json!({ group.to_string(): 1 })).await;
    assert!(missed.iter().any(|object| object["type"] == "gap"), "{missed:?}");
    let fetch = |limit: u64| json!({ "type": "fetch", "conversation": group, "from": 2, "limit": limit });
    assert_eq!(b.command(fetch(1000)).await["type"], "events");
    a.acked(json!({ "type": "group.remove", "conversation": group, "user": ben.id }))
        .await;
    eventually(async || {
        b.works().await;
        (b.command(fetch(1)).await["code"] == "not_a_member").then_some(())
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fetched_and_not_read_holds_no_more_than_the_nodes_room_and_delays_nobody() {
    let store = Store::new().await;
    let node = cramped(&store).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let group = a.create_group(&[]).await;
    let long = "\u{1}".repeat(8_000);
    for _ in 0..40 {
        a.say(group, &long).await;
    }
    a.acked(json!({ "type": "group.add", "conversation": group, "user": ben.id }))
        .await;
    let fetch = |from: u64| json!({ "type": "fetch", "id": Uuid::now_v7(), "conversation": group, "from": from, "limit": 30 });
    let mut idle = vec![];
    for _ in 0..4 {
        let mut stream = narrow(node.node.address(), &ben).await;
        loop {
            let frame = tokio::time::timeout(PATIENCE, stream.next()).await;
            let frame = frame.unwrap().unwrap().unwrap();
            if frame.is_text() && frame.to_text().unwrap().contains("\"synced\"") {
                break;
            }
        }
        for _ in 0..8 {
            stream.send(Message::text(fetch(2).to_string())).await.unwrap();
        }
        idle.push(stream);
    }
    let room = &node.node.gateway().page_room;
    eventually(async || (room.held() > 512 << 10).then_some(())).await;
    let mut b = node.socket(&ben).await;
    let (mut from, mut fetched) = (2, vec![]);
    loop {
        let page = b.command(fetch(from)).await;
        assert_eq!(page["type"], "events", "{page}");
        fetched.extend(seqs(page["events"].as_array().unwrap()));
        from = fetched.last().unwrap() + 1;
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(fetched, (2..=42).collect::<Vec<_>>());
    drop(idle);
    eventually(async || (room.held() == 0).then_some(())).await;
    node.stop().await;
}
