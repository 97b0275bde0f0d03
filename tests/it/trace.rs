//! What happened to a message, as administrators are told.

use crate::administration::{administrator, ask};
use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

/// What is asked of a message.
async fn trace(node: &TestNode, root: &User, conversation: Uuid, message: &Value) -> Value {
    let query = format!(
        "{{ admin {{ trace(conversation: \"{conversation}\", message: {message}) {{ message conversation position seq sentAt recalledAt \
         sender {{ id }} complete events {{ nodes {{ kind seq position at by {{ id }} }} }} \
         projections {{ name state aside {{ id error }} }} counts {{ recipients delivered read }} \
         recipients {{ nodes {{ user {{ id }} delivered read hasLeft }} pageInfo {{ hasNextPage }} }} }} }} }}"
    );
    ask(node, root, &query).await["admin"]["trace"].clone()
}

fn kinds(trace: &Value) -> Vec<String> {
    let events = trace["events"]["nodes"].as_array().unwrap().iter();
    events.map(|event| text(&event["kind"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sees_what_became_of_a_message_and_not_what_it_said() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let [ann, ben, cat, dan] = node.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben, &cat]).await;
    a.say(group, "something before it").await;
    let sent = a.say(group, "a secret").await;
    let message = sent["id"].clone();
    let of_it = |kind: &str| json!({ "type": kind, "conversation": group, "message": message });
    let mut edit = of_it("message.edit");
    edit["content"] = json!({ "kind": "text", "text": "no secret" });
    a.acked(edit).await;
    let mut react = of_it("message.react");
    (react["emoji"], react["on"]) = (json!("👍"), json!(true));
    b.acked(react).await;
    let mut pin = of_it("message.pin");
    pin["on"] = json!(true);
    a.acked(pin).await;
    b.acked(json!({ "type": "read", "conversation": group, "seq": sent["seq"] }))
        .await;
    for (kind, user) in [("group.remove", &cat), ("group.add", &dan)] {
        a.acked(json!({ "type": kind, "conversation": group, "user": user.id }))
            .await;
    }
    node.folded(&root).await;

    let told = trace(&node, &root, group, &message).await;
    assert_eq!(
        kinds(&told),
        [
            "message.sent",
            "message.edited",
            "reaction.changed",
            "pin.changed"
        ]
    );
    assert_eq!(
        (&told["position"], &told["seq"]),
        (&sent["position"], &sent["seq"])
    );
    assert_eq!((&told["message"], id(&told["conversation"])), (&message, group));
    assert_eq!(
        (&told["complete"], &told["recalledAt"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(id(&told["sender"]["id"]), ann.id);
    assert_eq!(id(&told["events"]["nodes"][2]["by"]["id"]), ben.id);
    assert_eq!(
        told["counts"],
        json!({ "recipients": 2, "delivered": 1, "read": 1 })
    );
    // Who came later was to have none of it, and who has left since was.
    let mut with = [
        (
            ben.id,
            json!({ "user": { "id": ben.id }, "delivered": true, "read": true, "hasLeft": false }),
        ),
        (
            cat.id,
            json!({ "user": { "id": cat.id }, "delivered": false, "read": false, "hasLeft": true }),
        ),
    ];
    with.sort_by_key(|(user, _)| *user);
    assert_eq!(
        told["recipients"]["nodes"],
        json!(with.map(|(_, recipient)| recipient))
    );
    let projections = told["projections"].as_array().unwrap();
    assert_eq!(projections.len(), tidings_projections::names().len());
    assert!(
        projections
            .iter()
            .filter(|one| one["name"] != "search")
            .all(|one| one["state"] == "FOLDED" && one["aside"] == Value::Null),
        "{projections:?}"
    );

    // Also of what was recalled.
    a.acked(of_it("message.recall")).await;
    let told = trace(&node, &root, group, &message).await;
    assert_eq!(
        kinds(&told)[4..],
        ["pin.changed".to_owned(), "message.recalled".to_owned()],
        "{told:#}"
    );
    assert_eq!(told["recalledAt"], told["events"]["nodes"][5]["at"]);
    assert!(
        !told.to_string().contains("secret") && !told.to_string().contains("👍"),
        "{told}"
    );

    // Where it is not, it is nothing, and neither is what is no message.
    let other = a.open_direct(&ben).await;
    let renamed = a
        .acked(json!({ "type": "group.rename", "conversation": group, "name": "other" }))
        .await;
    for (conversation, message) in [
        (other, message.clone()),
        (group, json!(Uuid::new_v4())),
        (Uuid::new_v4(), message.clone()),
        (group, renamed["id"].clone()),
    ] {
        assert_eq!(trace(&node, &root, conversation, &message).await, Value::Null);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_is_read_by_who_has_read_its_thread_and_the_main_timeline_where_that_shows_it() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let [ann, ben, cat, dan] = node.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let (mut c, mut d) = (node.socket(&cat).await, node.socket(&dan).await);
    let group = a.create_group(&[&ben, &cat, &dan]).await;
    let begun = a.say(group, "a root").await["id"].clone();
    let reply = |also: bool| {
        let mut reply = message(group, "a reply");
        (reply["thread"], reply["also"]) = (begun.clone(), json!(also));
        reply
    };
    let alone = a.acked(reply(false)).await;
    let both = a.acked(reply(true)).await;
    let of_it = |kind: &str| json!({ "type": kind, "conversation": group, "message": alone["id"] });
    let mut edit = of_it("message.edit");
    edit["content"] = json!({ "kind": "text", "text": "another" });
    a.acked(edit).await;
    let mut react = of_it("message.react");
    (react["emoji"], react["on"]) = (json!("👍"), json!(true));
    b.acked(react).await;
    // Ben reads the thread up to the first reply, Cat the main timeline up to its end, and Dan says something in the thread.
    let read = |seq: &Value| json!({ "type": "read", "conversation": group, "seq": seq });
    let mut in_thread = read(&alone["seq"]);
    in_thread["thread"] = begun.clone();
    b.acked(in_thread).await;
    c.acked(read(&both["seq"])).await;
    d.acked(reply(false)).await;
    node.folded(&root).await;

    let told = trace(&node, &root, group, &alone["id"]).await;
    assert_eq!(
        kinds(&told),
        ["message.sent", "message.edited", "reaction.changed"]
    );
    assert_eq!(told["seq"], alone["seq"]);
    let readers = |told: &Value| {
        let all = told["recipients"]["nodes"].as_array().unwrap().iter();
        let have_read = all.filter(|recipient| recipient["read"] == true);
        let mut readers: Vec<Uuid> = have_read.map(|recipient| id(&recipient["user"]["id"])).collect();
        readers.sort_unstable();
        readers
    };
    let people = |mut people: Vec<Uuid>| {
        people.sort_unstable();
        people
    };
    assert_eq!(readers(&told), people(vec![ben.id, dan.id]));
    assert_eq!(
        (&told["counts"]["recipients"], &told["counts"]["read"]),
        (&json!(3), &json!(2))
    );
    let told = trace(&node, &root, group, &both["id"]).await;
    assert_eq!(readers(&told), people(vec![cat.id, dan.id]));
    assert_eq!(told["counts"]["read"], 2);

    a.acked(of_it("message.recall")).await;
    node.folded(&root).await;
    let told = trace(&node, &root, group, &alone["id"]).await;
    assert_eq!(kinds(&told)[3..], ["message.recalled".to_owned()]);
    assert!(told["recalledAt"].is_string(), "{told}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_tells_which_read_model_has_put_an_event_of_the_message_aside() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let talk = a.open_direct(&ben).await;
    let sent = a.say(talk, "hello").await;
    node.folded(&root).await;
    let position = text(&sent["position"]);
    let (lane, pos) = position.split_once(':').unwrap();
    let version = tidings_projections::find("history").unwrap().version();
    let aside = format!(
        "INSERT INTO projection_parked (projection, version, lane, pos, stream, error) \
         VALUES ('history', {version}, {lane}, {pos}, '{talk}', 'a bug'), ('history', {version} + 1, {lane}, {pos}, '{talk}', 'another')"
    );
    store.client().await.batch_execute(&aside).await.unwrap();
    let told = trace(&node, &root, talk, &sent["id"]).await;
    let state = |name: &str| {
        let all = told["projections"].as_array().unwrap().iter();
        let mut named = all.filter(|one| one["name"] == name);
        let one = named.next().unwrap();
        (one["state"].clone(), one["aside"].clone())
    };
    let aside = json!({ "id": format!("history:{position}"), "error": "a bug" });
    assert_eq!(state("history"), (json!("PARKED"), aside));
    assert_eq!(state("conversations"), (json!("FOLDED"), Value::Null));
    node.stop().await;
}
