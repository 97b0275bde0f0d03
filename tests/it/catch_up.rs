//! What was missed comes back: from cursors of any age, from the stored delivery cursor, within limits that are said.

use crate::support::*;
use serde_json::json;
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
    let talking = async {
        for n in 0..400 {
            a.say(conversation, &n.to_string()).await;
        }
    };
    let coming_and_going = async {
        let mut cursor = 0_u64;
        while cursor < 401 {
            let (mut socket, missed) = node
                .resumed(&ben, json!({ conversation.to_string(): cursor }))
                .await;
            let mut seen = seqs(&missed);
            let live = usize::from(cursor + (seen.len() as u64) < 401);
            seen.extend(seqs(&socket.events(conversation, live).await));
            for seq in seen {
                assert_eq!(seq, cursor + 1);
                cursor = seq;
            }
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
