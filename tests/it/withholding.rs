//! Messages that are withheld from everybody while moderators look at them.

use crate::administration::{ask, promoted};
use crate::support::*;
use serde_json::{Value, json};
use tidings::accounts::Role;
use uuid::Uuid;

fn report(conversation: Uuid, message: &Value) -> Value {
    json!({ "type": "report.send", "conversation": conversation, "message": message, "reason": "my address" })
}

/// The first report that nobody has settled, once the queue includes what was acked.
async fn reported(node: &TestNode, moderator: &User, after: &Value) -> Value {
    let query = "{ admin { reports(state: OPEN, first: 1) { nodes { id } } } }";
    let answer = node.graphql(moderator, query, after["position"].as_str()).await;
    answer["data"]["admin"]["reports"]["nodes"][0]["id"].clone()
}

/// What moderators order, or the code of the refusal.
async fn order(node: &TestNode, viewer: &User, mutation: &str) -> Result<Value, String> {
    let query = format!("mutation {{ done: {mutation} {{ state withheld action handledBy {{ id }} }} }}");
    let answer = node.graphql(viewer, &query, None).await;
    match answer.get("errors") {
        None => Ok(answer["data"]["done"].clone()),
        Some(errors) => Err(text(&errors[0]["extensions"]["code"])),
    }
}

/// The events of a conversation as they are read from the log now.
async fn fetched(socket: &mut Socket, conversation: Uuid) -> Vec<Value> {
    let fetch = json!({ "type": "fetch", "conversation": conversation, "from": 1, "limit": 100 });
    socket.command(fetch).await["events"].as_array().unwrap().clone()
}

/// What somebody is told of the message and of their conversation.
async fn told(node: &TestNode, user: &User, conversation: Uuid, message: &Value) -> Value {
    let query = format!(
        "{{ message(conversation: \"{conversation}\", id: {message}) {{ text withheld recalledAt edits {{ nodes {{ text }} }} }} \
            conversation(id: \"{conversation}\") {{ unreadCount mentionCount }} }}"
    );
    ask(node, user, &query).await
}

/// Waits until somebody finds so many messages by a word in them.
async fn finds(node: &TestNode, user: &User, count: usize) {
    let query = "{ search(query: \"street\") { nodes { text } complete } }";
    eventually(async || {
        let found = ask(node, user, query).await["search"].clone();
        let nodes = found["nodes"].as_array().map_or(0, Vec::len);
        (found["complete"] == true && nodes == count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withheld_says_nothing_to_anybody_until_its_report_is_settled() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let moderator = promoted(&two, "mod", &[Role::Moderator]).await;
    let auditor = promoted(&two, "audit", &[Role::Auditor]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let room = a.create_group(&[&ben]).await;
    let mut command = message(room, "she lives in this street");
    command["mentions"] = json!([ben.id]);
    let said = a.acked(command).await;
    let other = json!({ "kind": "text", "text": "she lives in that street" });
    a.acked(json!({ "type": "message.edit", "conversation": room, "message": said["id"], "content": other }))
        .await;
    b.events(room, 3).await;
    finds(&two, &ben, 1).await;
    let ack = b.acked(report(room, &said["id"])).await;
    let id_of_report = reported(&one, &moderator, &ack).await;

    let withhold = format!("withholdReported(id: {id_of_report}, note: \"an address\")");
    for viewer in [&auditor, &ben] {
        assert_eq!(order(&one, viewer, &withhold).await, Err("forbidden".to_owned()));
    }
    let looked = json!({ "state": "ASSIGNED", "withheld": true, "action": "ASSIGN", "handledBy": { "id": moderator.id } });
    assert_eq!(order(&one, &moderator, &withhold).await, Ok(looked.clone()));
    // The same again changes nothing.
    assert_eq!(order(&two, &moderator, &withhold).await, Ok(looked));
    let changed = |withheld: bool| {
        let mut data = json!({ "message": said["id"], "message_seq": said["seq"], "message_no": 1, "withheld": withheld });
        if withheld {
            data["reason"] = json!("an address");
        }
        data
    };
    for socket in [&mut a, &mut b] {
        let event = socket.take(|object| object["kind"] == "message.withheld").await;
        assert_eq!((&event["seq"], id(&event["actor"])), (&json!(4), moderator.id));
        assert_eq!(event["data"], changed(true));
    }
    let bare = json!({ "message": said["id"], "content": null, "withheld": true });
    let (_, missed) = one.resumed(&ben, json!({ room.to_string(): 0 })).await;
    for events in [fetched(&mut a, room).await, fetched(&mut b, room).await, missed] {
        assert_eq!(seqs(&events), [1, 2, 3, 4]);
        assert_eq!(events[1]["data"], bare);
        assert_eq!(events[2]["data"]["content"], Value::Null);
        assert!(!json!(events).to_string().contains("street"), "{events:?}");
    }
    let nothing = json!({ "text": null, "withheld": true, "recalledAt": null, "edits": { "nodes": [] } });
    for viewer in [&ann, &ben] {
        let told = told(&two, viewer, room, &said["id"]).await;
        assert_eq!(told["message"], nothing);
        assert_eq!(
            told["conversation"],
            json!({ "unreadCount": 0, "mentionCount": 0 })
        );
        finds(&one, viewer, 0).await;
    }
    // Nobody does anything to it, and what answers it goes on.
    let of_it = |kind: &str| json!({ "type": kind, "conversation": room, "message": said["id"] });
    let mut edit = of_it("message.edit");
    edit["content"] = json!({ "kind": "text", "text": "elsewhere" });
    a.refused(edit, "not_found").await;
    let mut react = of_it("message.react");
    (react["emoji"], react["on"]) = (json!("👍"), json!(true));
    b.refused(react, "not_found").await;
    let source = json!({ "conversation": room, "message": said["id"] });
    let forward = json!({ "type": "message.send", "conversation": room, "forward": source });
    assert_eq!(b.refused(forward, "not_found").await["field"], "forward");
    let mut reply = message(room, "why?");
    reply["reply_to"] = said["id"].clone();
    a.acked(reply).await;
    let evidence = "{ admin { reports { nodes { evidence { text } } } } }";
    let evidence = ask(&two, &moderator, evidence).await["admin"]["reports"]["nodes"][0].clone();
    assert_eq!(
        evidence["evidence"],
        json!([{ "text": "she lives in this street" }, { "text": "she lives in that street" }])
    );

    let dismiss = format!("resolveReport(id: {id_of_report}, action: DISMISS)");
    let settled = order(&two, &moderator, &dismiss).await.unwrap();
    assert_eq!(
        (&settled["state"], &settled["withheld"]),
        (&json!("DISMISSED"), &json!(false))
    );
    for socket in [&mut a, &mut b] {
        let event = socket
            .take(|object| object["kind"] == "message.withheld" && object["seq"] == 6)
            .await;
        assert_eq!(event["data"], changed(false));
    }
    let events = fetched(&mut b, room).await;
    assert_eq!(
        words(&events),
        ["she lives in this street", "she lives in that street", "why?"]
    );
    let told = told(&one, &ben, room, &said["id"]).await;
    assert_eq!(
        (&told["message"]["text"], &told["message"]["withheld"]),
        (&json!("she lives in that street"), &json!(false))
    );
    assert_eq!(
        told["conversation"],
        json!({ "unreadCount": 2, "mentionCount": 1 })
    );
    finds(&one, &ben, 1).await;
    // What is settled is not looked at any more.
    assert_eq!(
        order(&one, &moderator, &withhold).await,
        Err("conflict".to_owned())
    );
    let audit = "{ admin { audit { nodes { act target reason } } } }";
    let acts = ask(&one, &auditor, audit).await["admin"]["audit"]["nodes"].clone();
    let act = json!({ "act": "report.withhold", "target": format!("message {} in {room}", text(&said["id"])),
        "reason": "an address" });
    assert!(acts.as_array().unwrap().contains(&act), "{acts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_show_it_again_or_take_it_back() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let moderator = promoted(&node, "mod", &[Role::Moderator]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    let said = a.say(room, "this street").await;
    b.events(room, 2).await;
    let ack = b.acked(report(room, &said["id"])).await;
    let found = reported(&node, &moderator, &ack).await;
    let withhold = format!("withholdReported(id: {found}, note: \"an address\")");
    for (mutation, withheld) in [
        (withhold.clone(), true),
        (format!("showReportedAgain(id: {found})"), false),
        (withhold, true),
    ] {
        let done = order(&node, &moderator, &mutation).await.unwrap();
        assert_eq!(
            (&done["state"], &done["withheld"]),
            (&json!("ASSIGNED"), &json!(withheld))
        );
        let told = told(&node, &ben, room, &said["id"]).await;
        assert_eq!(told["message"]["text"].is_null(), withheld);
    }
    let recall = format!("resolveReport(id: {found}, action: RECALL, note: \"an address\")");
    let settled = order(&node, &moderator, &recall).await.unwrap();
    assert_eq!(
        (&settled["state"], &settled["withheld"]),
        (&json!("RESOLVED"), &json!(false))
    );
    let kinds: Vec<String> = b
        .events(room, 5)
        .await
        .iter()
        .map(|event| text(&event["kind"]))
        .collect();
    let changed = "message.withheld";
    assert_eq!(kinds, [changed, changed, changed, changed, "message.recalled"]);
    let gone = told(&node, &ben, room, &said["id"]).await["message"].clone();
    assert!(gone["text"].is_null() && gone["withheld"] == false && !gone["recalledAt"].is_null());
    let fetched = fetched(&mut b, room).await;
    assert_eq!(
        fetched[1]["data"],
        json!({ "message": said["id"], "content": null })
    );
}
