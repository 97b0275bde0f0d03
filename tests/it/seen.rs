//! Who has read a message and whose devices have it, as receipts say it when it happens and GraphQL at any time later.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

/// A receipt that has not come by then from another node may be lost.
const LOST: Duration = Duration::from_secs(5);

fn read(conversation: Uuid, seq: u64) -> Value {
    json!({ "type": "read", "conversation": conversation, "seq": seq })
}

/// Who has read each message of a conversation, and who has it; people by their places in `people`. Nothing while the conversation
/// is not there yet: `after` is a position of one lane, which may be another than its own.
async fn lists(
    node: &TestNode,
    viewer: &User,
    conversation: Uuid,
    people: &[&User],
    after: &Value,
) -> Vec<(Vec<usize>, Vec<usize>)> {
    let query = format!(
        "{{ conversation(id: \"{conversation}\") {{ messages {{ nodes {{ \
         seenBy {{ nodes {{ user {{ id }} }} }} deliveredTo {{ nodes {{ user {{ id }} }} }} }} }} }} }}"
    );
    let answer = node.graphql(viewer, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let who = |list: &Value| {
        let mut who: Vec<usize> = list["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| {
                let id = id(&member["user"]["id"]);
                people.iter().position(|user| user.id == id).unwrap()
            })
            .collect();
        who.sort_unstable();
        who
    };
    let messages = answer["data"]["conversation"]["messages"]["nodes"].as_array();
    messages
        .into_iter()
        .flatten()
        .map(|message| (who(&message["seenBy"]), who(&message["deliveredTo"])))
        .collect()
}

/// A node that asks for proofs of receipt at once.
async fn prompt(store: &Store) -> TestNode {
    let mut config = store.config();
    (config.gateway.proof_ms, config.gateway.delivered_ms) = (10, 10);
    TestNode::start(config).await
}

/// The next receipt of a user that says this much.
async fn receipt(socket: &mut Socket, user: &User, key: &str, seq: u64) -> Value {
    let wanted = |object: &Value| {
        object["type"] == "receipt" && object["user"] == json!(user.id) && object[key] == json!(seq)
    };
    socket.take(wanted).await
}

/// Waits until somebody at another node is shown that the device of `user` has all up to a message. Between nodes a receipt may be lost, and
/// is not shown twice: then there is one message more. Returns how far that is, and the receipt.
async fn delivered_and_shown(
    device: &mut Socket,
    user: &User,
    to: &mut Socket,
    conversation: Uuid,
    mut seq: u64,
) -> (u64, Value) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let coming = timeout(LOST, receipt(to, user, "delivered_seq", seq));
        // A device answers pings while it is read from.
        let told = tokio::select! { told = coming => told, never = device.stays_in_use() => match never {} };
        if let Ok(told) = told {
            return (seq, told);
        }
        assert!(Instant::now() < deadline, "no receipt comes");
        seq = seq_of(&to.say(conversation, "more").await);
    }
}

/// Has `user` read up to a message until somebody at another node is shown it, as above. Returns how far that is, the ack, and the receipt.
async fn read_and_shown(
    reader: &mut Socket,
    user: &User,
    to: &mut Socket,
    conversation: Uuid,
    mut seq: u64,
) -> (u64, Value, Value) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ack = reader.acked(read(conversation, seq)).await;
        let coming = receipt(to, user, "read_seq", seq);
        if let Ok(told) = timeout(LOST, coming).await {
            return (seq, ack, told);
        }
        assert!(Instant::now() < deadline, "no receipt comes");
        seq = seq_of(&to.say(conversation, "more").await);
    }
}

fn seq_of(ack: &Value) -> u64 {
    ack["seq"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_is_shown_as_delivered_and_then_as_read_on_any_node() {
    let store = Store::new().await;
    let (here, there) = (prompt(&store).await, prompt(&store).await);
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let people = [&ann, &ben];
    let mut a = here.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    a.say(conversation, "one").await;
    let last = a.say(conversation, "two").await;
    let two = seq_of(&last);
    assert_eq!(
        lists(&there, &ann, conversation, &people, &last["position"]).await,
        [(vec![], vec![]), (vec![], vec![])]
    );

    let mut b = there.socket(&ben).await;
    // Messages begin behind the opening of the conversation.
    let shown_as = |to: u64, read_to: u64| -> Vec<(Vec<usize>, Vec<usize>)> {
        let seen = |seq| if seq <= read_to { vec![1] } else { vec![] };
        (2..=to).map(|seq| (seen(seq), vec![1])).collect()
    };
    let (last, told) = delivered_and_shown(&mut b, &ben, &mut a, conversation, two).await;
    assert_eq!(told["read_seq"], 0);
    let nobody_read = async || {
        let lists = lists(&here, &ann, conversation, &people, &Value::Null).await;
        (lists == shown_as(last, 0)).then_some(())
    };
    eventually(nobody_read).await;

    let (read_to, ack, told) = read_and_shown(&mut b, &ben, &mut a, conversation, 2).await;
    assert!(told["delivered_seq"].as_u64().unwrap() >= last, "{told}");
    let last = last.max(read_to);
    eventually(async || {
        let lists = lists(&there, &ann, conversation, &people, &ack["position"]).await;
        (lists == shown_as(last, read_to)).then_some(())
    })
    .await;
    // Whoever answers has read what is before the answer.
    let ack = b.say(conversation, "three").await;
    let mut answered = shown_as(last, last);
    answered.push((vec![], vec![]));
    assert_eq!(
        lists(&here, &ben, conversation, &people, &ack["position"]).await,
        answered
    );
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_clears_a_conversation_has_not_read_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    let said = a.say(conversation, "one").await;
    let readers = async |positions: &Value| -> Vec<Vec<usize>> {
        let lists = lists(&node, &ann, conversation, &[&ann, &ben], positions).await;
        lists.into_iter().map(|(readers, _)| readers).collect()
    };
    let clear = json!({ "type": "conversation.clear", "conversation": conversation, "seq": said["seq"] });
    let cleared = b.acked(clear).await;
    let both = [&said, &cleared].map(|ack| ack["position"].as_str().unwrap());
    let both = json!(both.join(","));
    let unread = format!("{{ conversation(id: \"{conversation}\") {{ unreadCount }} }}");
    let answer = node.graphql(&ben, &unread, both.as_str()).await;
    assert_eq!(answer["data"]["conversation"]["unreadCount"], 0, "{answer}");
    assert_eq!(readers(&both).await, [Vec::<usize>::new()]);
    let answered = b.say(conversation, "two").await;
    assert_eq!(readers(&answered["position"]).await, [vec![1_usize], vec![]]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_direct_message_has_come_is_told_though_cursors_are_stored_seldom() {
    let store = Store::new().await;
    let mut config = store.config();
    (config.gateway.proof_ms, config.gateway.delivered_direct_ms) = (10, 10);
    (config.gateway.delivered_ms, config.gateway.heartbeat_ms) = (3_600_000, 3_600_000);
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    for seq in 2..5 {
        a.say(conversation, "news").await;
        // His device only listens, and not at once: the proof that is asked for comes when it was looked for already.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let told = receipt(&mut a, &ben, "delivered_seq", seq);
        tokio::select! { _ = told => {}, never = b.stays_in_use() => match never {} }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_tells_who_has_read_and_not_who_has_it_and_leaves_out_who_came_later() {
    let store = Store::new().await;
    let node = prompt(&store).await;
    let [ann, ben, cat, dan, eve] = node.people(["ann", "ben", "cat", "dan", "eve"]).await;
    let people = [&ann, &ben, &cat, &dan];
    let (mut a, mut b, mut c) = (
        node.socket(&ann).await,
        node.socket(&ben).await,
        node.socket(&cat).await,
    );
    let mut d = node.socket(&dan).await;
    let group = a.create_group(&[&ben, &cat]).await;
    a.say(group, "one").await;
    a.acked(json!({ "type": "group.add", "conversation": group, "user": dan.id }))
        .await;
    let two = a.say(group, "two").await;
    for socket in [&mut b, &mut d] {
        socket.acked(read(group, 4)).await;
    }
    let position = c.acked(read(group, 2)).await["position"].clone();
    let told = receipt(&mut a, &cat, "read_seq", 2).await;
    assert_eq!(told.get("delivered_seq"), None);
    eventually(async || {
        let lists = lists(&node, &ann, group, &people, &position).await;
        (lists == [(vec![1, 2], vec![]), (vec![1, 3], vec![])]).then_some(())
    })
    .await;

    // Page by page, in the order of ids.
    let page = async |viewer: &User, arguments: &str| {
        let message = two["id"].as_str().unwrap();
        let query = format!(
            "{{ message(conversation: \"{group}\", id: \"{message}\") {{ seenBy({arguments}) {{ \
             nodes {{ user {{ id }} }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"
        );
        node.graphql(viewer, &query, None).await
    };
    let first = page(&ann, "first: 1").await["data"]["message"]["seenBy"].clone();
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let end = first["pageInfo"]["endCursor"].as_str().unwrap();
    let second =
        page(&ann, &format!("first: 1, after: \"{end}\"")).await["data"]["message"]["seenBy"].clone();
    assert_eq!(
        (
            &second["pageInfo"]["hasNextPage"],
            &second["pageInfo"]["hasPreviousPage"]
        ),
        (&json!(false), &json!(true))
    );
    let both = [&first, &second].map(|page| id(&page["nodes"][0]["user"]["id"]));
    assert!(both[0] < both[1] && both.iter().all(|id| [ben.id, dan.id].contains(id)));

    // Who leaves is no reader any more, and strangers see no message to ask of.
    let left = d
        .acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    assert_eq!(
        lists(&node, &ann, group, &people, &left["position"]).await,
        [(vec![1, 2], vec![]), (vec![1], vec![])]
    );
    for stranger in [&dan, &eve] {
        let answer = page(stranger, "first: 1").await;
        assert_eq!(answer["data"]["message"], Value::Null, "{answer}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_in_a_direct_conversation_has_read_and_receipts_say_so() {
    let store = Store::new().await;
    let node = prompt(&store).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let conversation = a.open_direct(&ben).await;
    // From the first receipt on it is known to which time line seqs belong.
    b.acked(read(conversation, 1)).await;
    receipt(&mut a, &ben, "read_seq", 1).await;
    for _ in 0..3 {
        a.say(conversation, "a question").await;
        let answer = seq_of(&b.say(conversation, "an answer").await);
        // It comes with what his device has been sent: he never says that he reads.
        let coming = receipt(&mut a, &ben, "read_seq", answer);
        let told = tokio::select! { told = coming => told, never = b.stays_in_use() => match never {} };
        assert_eq!(told["delivered_seq"], json!(answer), "{told}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_has_read_also_where_another_device_at_another_node_has_the_answer_first() {
    let store = Store::new().await;
    let mut config = store.config();
    // What the phone has is never stored meanwhile, for that would show the answer, too: it is to come by what the browser has.
    config.gateway.delivered_ms = 3_600_000;
    let (here, there) = (TestNode::start(config).await, prompt(&store).await);
    let [ann, ben] = here.people(["ann", "ben"]).await;
    let (mut a, mut browser) = (there.socket(&ann).await, there.socket(&ben).await);
    let mut phone = here.socket(&ben).await;
    let conversation = a.open_direct(&ben).await;
    read_and_shown(&mut phone, &ben, &mut a, conversation, 1).await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        a.say(conversation, "a question").await;
        let answer = seq_of(&phone.say(conversation, "an answer").await);
        let coming = timeout(LOST, receipt(&mut a, &ben, "read_seq", answer));
        let told = tokio::select! { told = coming => told, never = browser.stays_in_use() => match never {} };
        if told.is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "no receipt comes");
    }
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receipt_from_another_node_has_shown_does_not_go_back_with_the_first_read_here() {
    let store = Store::new().await;
    let mut config = store.config();
    // Nothing is stored there before somebody reads.
    config.gateway.delivered_ms = 3_600_000;
    let (here, there) = (store.node().await, TestNode::start(config).await);
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let (mut a, mut phone) = (there.socket(&ann).await, here.socket(&ben).await);
    let group = phone.create_group(&[&ann, &cat]).await;
    a.events(group, 1).await;
    let deadline = Instant::now() + PATIENCE;
    let (second, answer) = loop {
        let first = seq_of(&a.say(group, "one").await);
        let second = seq_of(&a.say(group, "two").await);
        let answer = seq_of(&phone.say(group, "an answer").await);
        phone.acked(read(group, first)).await;
        // Whoever has answered has read, which the node of their phone knows alone.
        let told = timeout(LOST, receipt(&mut a, &ben, "read_seq", answer)).await;
        if told.is_ok() {
            break (second, answer);
        }
        assert!(Instant::now() < deadline, "no receipt comes");
    };
    let mut tablet = there.socket(&ben).await;
    tablet.acked(read(group, second)).await;
    let last = seq_of(&a.say(group, "three").await);
    tablet.acked(read(group, last)).await;
    let told = a
        .take(|object| object["type"] == "receipt" && object["user"] == json!(ben.id))
        .await;
    assert_eq!(told["read_seq"], json!(last), "it was {answer} before");
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_no_receipts_is_shown_none_and_shows_none() {
    let store = Store::new().await;
    let (here, there) = (store.node().await, store.node().await);
    let [ann, ben, cat] = here.people(["ann", "ben", "cat"]).await;
    let people = [&ann, &ben, &cat];
    let (mut a, mut b, mut c) = (
        here.socket(&ann).await,
        there.socket(&ben).await,
        there.socket(&cat).await,
    );
    let group = a.create_group(&[&ben, &cat]).await;
    let tells = async |position: &Value| {
        here.folded(&ann).await;
        let mut tells = vec![];
        for viewer in people {
            let lists = lists(&here, viewer, group, &people, position).await;
            tells.push(lists[0].0.clone());
        }
        tells
    };
    // What is answered behind an ack is so for what comes then.
    let waited = async |ack: &Value| {
        let position = ack["position"].as_str();
        for node in [&here, &there] {
            node.graphql(
                &ann,
                "{ me { settings { receipts } } contacts { nodes { at } } }",
                position,
            )
            .await;
        }
    };
    let one = seq_of(&a.say(group, "one").await);
    let (shown, all, _) = read_and_shown(&mut c, &cat, &mut a, group, one).await;
    receipt(&mut b, &cat, "read_seq", shown).await;
    assert_eq!(tells(&all["position"]).await, [vec![2], vec![2], vec![2]]);
    // Ben wants none: he is shown none, and his are shown to himself alone.
    let ack = b
        .acked(json!({ "type": "settings.update", "receipts": false }))
        .await;
    waited(&ack).await;
    let two = seq_of(&a.say(group, "two").await);
    let last = b.acked(read(group, two)).await;
    receipt(&mut b, &ben, "read_seq", two).await;
    assert_eq!(tells(&last["position"]).await, [vec![2], vec![1], vec![2]]);
    // Cat blocks Ann: neither is shown the other's.
    let ack = c
        .acked(json!({ "type": "user.block", "user": ann.id, "on": true }))
        .await;
    waited(&ack).await;
    assert_eq!(tells(&ack["position"]).await, [vec![], vec![1], vec![2]]);
    let ack = b
        .acked(json!({ "type": "settings.update", "receipts": true }))
        .await;
    waited(&ack).await;
    c.acked(read(group, two)).await;
    // Ann is shown Ben's read, which comes behind it, and was not shown it.
    receipt(&mut b, &cat, "read_seq", two).await;
    let three = seq_of(&a.say(group, "three").await);
    read_and_shown(&mut b, &ben, &mut a, group, three).await;
    while let Some(object) = a.next_already() {
        let is_cats = object["type"] == "receipt" && object["user"] == json!(cat.id);
        assert!(
            !is_cats || object["read_seq"].as_u64().unwrap() <= shown,
            "{object}"
        );
    }
}
