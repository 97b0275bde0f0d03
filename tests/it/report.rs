//! What members report, and those who look after it.

use crate::administration::{ask, promoted};
use crate::support::*;
use serde_json::{Value, json};
use tidings::accounts::Role;
use tidings_domain::{ConversationId, pair_of, reports_of};
use tidings_eventlog::record::lane_of;
use uuid::Uuid;

fn report(conversation: Uuid, message: &Value) -> Value {
    json!({ "type": "report.send", "conversation": conversation, "message": message, "reason": "an insult", "note": "not\nthe first" })
}

fn edit(conversation: Uuid, message: &Value, words: &str) -> Value {
    json!({ "type": "message.edit", "conversation": conversation, "message": message,
        "content": { "kind": "text", "text": words } })
}

fn recall(conversation: Uuid, message: &Value) -> Value {
    json!({ "type": "message.recall", "conversation": conversation, "message": message })
}

/// Sends a command as it is, with its id: it must be acked.
async fn exactly(socket: &mut Socket, command: &Value) -> Value {
    socket.send(command).await;
    let answer = socket.answer(id(&command["id"])).await;
    assert_eq!(answer["type"], "ack", "{answer}");
    answer
}

const REPORT: &str = "id conversation message position versions state action reason note handlingNote \
    sender { id } reporter { id } handledBy { id }";

/// The reports of a state, once they include what was acked.
async fn queue(node: &TestNode, viewer: &User, state: &str, after: &Value) -> Vec<Value> {
    let query = format!("{{ admin {{ reports(state: {state}) {{ nodes {{ {REPORT} }} }} }} }}");
    let answer = node.graphql(viewer, &query, after["position"].as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    let nodes = answer["data"]["admin"]["reports"]["nodes"].as_array();
    nodes.unwrap().clone()
}

/// What moderators do with a report, or the code of the refusal and its field.
async fn resolve(
    node: &TestNode,
    viewer: &User,
    report: &Value,
    how: &str,
) -> Result<Value, (String, Value)> {
    let query = format!("mutation {{ resolveReport(id: {report}, {how}) {{ {REPORT} }} }}");
    let answer = node.graphql(viewer, &query, None).await;
    match answer.get("errors") {
        None => Ok(answer["data"]["resolveReport"].clone()),
        Some(errors) => {
            let told = &errors[0]["extensions"];
            Err((text(&told["code"]), told["field"].clone()))
        }
    }
}

/// What is shown of what each reported message had said.
async fn evidence(node: &TestNode, viewer: &User) -> Vec<Vec<String>> {
    let query = "{ admin { reports { nodes { evidence { seq kind text } } } } }";
    let reports = ask(node, viewer, query).await["admin"]["reports"]["nodes"].clone();
    let words = |report: &Value| {
        let versions = report["evidence"].as_array().unwrap();
        versions.iter().map(|version| text(&version["text"])).collect()
    };
    reports.as_array().unwrap().iter().map(words).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reported_is_seen_as_it_was_whatever_became_of_it_and_whoever_looks_is_written_down() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let moderator = promoted(&two, "mod", &[Role::Moderator]).await;
    let auditor = promoted(&two, "audit", &[Role::Auditor]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    let said = a.say(room, "fool").await;
    a.acked(edit(room, &said["id"], "you fool")).await;
    b.events(room, 3).await;
    let ack = b.acked_twice(report(room, &said["id"]), 0).await;
    assert_eq!((&ack["conversation"], &ack["seq"]), (&json!(room), &json!(0)));
    // Once is enough.
    let again = b.acked(report(room, &said["id"])).await;
    // Too late for Ann, who is told nothing.
    a.acked(edit(room, &said["id"], "dear friend")).await;
    let gone = a.acked(recall(room, &said["id"])).await;

    let open = queue(&one, &moderator, "OPEN", &again).await;
    assert_eq!(open.len(), 1);
    let found = &open[0];
    assert_eq!(
        [&found["conversation"], &found["message"], &found["position"]],
        [&json!(room), &said["id"], &ack["position"]]
    );
    assert_eq!(
        [
            &found["reason"],
            &found["note"],
            &found["state"],
            &found["action"]
        ],
        [
            &json!("an insult"),
            &json!("not\nthe first"),
            &json!("OPEN"),
            &Value::Null
        ]
    );
    assert_eq!(
        [id(&found["sender"]["id"]), id(&found["reporter"]["id"])],
        [ann.id, ben.id]
    );
    queue(&two, &moderator, "OPEN", &gone).await;
    for (node, viewer) in [(&one, &moderator), (&two, &auditor)] {
        assert_eq!(evidence(node, viewer).await, [["fool", "you fool"]]);
    }
    // Both have looked.
    let query = "{ admin { audit { nodes { act target reason by { id } } } } }";
    let acts = ask(&one, &auditor, query).await["admin"]["audit"]["nodes"].clone();
    let looked = |viewer: &User| {
        json!({ "act": "report.read", "target": format!("message {} in {room}", text(&said["id"])),
            "reason": null, "by": { "id": viewer.id } })
    };
    assert_eq!(acts, json!([looked(&moderator), looked(&auditor)]));
    // Members see nothing of it, neither the one who reports nor the one who is reported.
    for member in [&ann, &ben] {
        let answer = ask(&two, member, "{ admin { reports { nodes { id } } } }").await;
        assert_eq!(answer, json!({ "admin": null }));
    }
    a.works().await;
    while let Some(object) = a.next_already() {
        assert!(!object.to_string().contains("report"), "{object}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_is_edited_into_behind_its_report_is_reported_by_the_same_person_once_more() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let moderator = promoted(&two, "mod", &[Role::Moderator]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    let said = a.say(room, "dear friend").await;
    b.events(room, 2).await;
    let ack = b.acked(report(room, &said["id"])).await;
    let open = queue(&one, &moderator, "OPEN", &ack).await;
    let settled = resolve(&one, &moderator, &open[0]["id"], "action: DISMISS").await;
    assert!(settled.is_ok(), "{settled:?}");
    // Nothing has come to it.
    let again = b.acked(report(room, &said["id"])).await;
    assert_eq!(queue(&one, &moderator, "OPEN", &again).await, [] as [Value; 0]);

    a.acked(edit(room, &said["id"], "you fool")).await;
    b.events(room, 1).await;
    let mut insult = report(room, &said["id"]);
    insult["reason"] = json!("it was made into an insult");
    let ack = b.acked_twice(insult, 0).await;
    let reopened = queue(&one, &moderator, "OPEN", &ack).await;
    assert_eq!(reopened.len(), 1);
    let found = &reopened[0];
    assert_eq!(
        [&found["id"], &found["position"]],
        [&open[0]["id"], &ack["position"]]
    );
    assert_eq!([&open[0]["versions"], &found["versions"]], [&json!(1), &json!(2)]);
    assert_eq!(
        [&found["reason"], &found["action"], &found["handledBy"]],
        [&json!("it was made into an insult"), &Value::Null, &Value::Null]
    );
    assert_eq!(evidence(&one, &moderator).await, [["dear friend", "you fool"]]);
    // Who has seen only what it was before does not settle it, also not as it was settled then.
    for order in [
        "resolveReport(action: DISMISS, versions: 1",
        "resolveReport(action: RECALL, note: \"an insult\", versions: 1",
        "withholdReported(note: \"an insult\", versions: 1",
        "showReportedAgain(versions: 1",
    ] {
        let order = format!("mutation {{ {order}, id: {}) {{ id }} }}", found["id"]);
        let answer = two.graphql(&moderator, &order, None).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "conflict", "{answer}");
    }
    assert_eq!(queue(&one, &moderator, "OPEN", &ack).await, reopened);
    let how = "action: RESOLVE, versions: 2";
    let settled = resolve(&two, &moderator, &found["id"], how).await;
    assert!(settled.is_ok(), "{settled:?}");
    let again = b.acked(report(room, &said["id"])).await;
    assert_eq!(queue(&one, &moderator, "OPEN", &again).await, [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_take_back_what_was_reported_and_members_are_told_why() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let moderator = promoted(&two, "mod", &[Role::Moderator]).await;
    let auditor = promoted(&two, "audit", &[Role::Auditor]).await;
    let (mut a, mut b, mut c) = (
        one.socket(&ann).await,
        two.socket(&ben).await,
        two.socket(&cat).await,
    );
    let room = a.create_group(&[&ben, &cat]).await;
    let said = a.say(room, "you fools").await;
    b.events(room, 2).await;
    b.acked(report(room, &said["id"])).await;
    let ack = c.acked(report(room, &said["id"])).await;
    let open = queue(&one, &moderator, "OPEN", &ack).await;
    let [first, second] = [0, 1].map(|n| open[n]["id"].clone());

    let forbidden = Err(("forbidden".to_owned(), Value::Null));
    for viewer in [&auditor, &ben, &ann] {
        assert_eq!(resolve(&one, viewer, &first, "action: DISMISS").await, forbidden);
    }
    let unsaid = Err(("invalid_argument".to_owned(), json!("note")));
    assert_eq!(resolve(&one, &moderator, &first, "action: RECALL").await, unsaid);
    let looked = resolve(&one, &moderator, &first, "action: ASSIGN").await.unwrap();
    assert_eq!(
        [&looked["state"], &looked["handledBy"]["id"]],
        [&json!("ASSIGNED"), &json!(moderator.id)]
    );
    let how = "action: RECALL, note: \"insults\"";
    let settled = resolve(&one, &moderator, &first, how).await.unwrap();
    assert_eq!(
        [&settled["state"], &settled["action"], &settled["handlingNote"]],
        [&json!("RESOLVED"), &json!("RECALL"), &json!("insults")]
    );
    for socket in [&mut a, &mut b, &mut c] {
        let event = socket.take(|object| object["kind"] == "message.recalled").await;
        assert_eq!(id(&event["actor"]), moderator.id);
        assert_eq!(
            event["data"],
            json!({ "message": said["id"], "message_seq": said["seq"], "message_no": 1, "reason": "insults" })
        );
    }
    // Settled is settled, by whichever node.
    assert_eq!(resolve(&two, &moderator, &first, how).await.unwrap(), settled);
    assert_eq!(resolve(&two, &moderator, &first, "action: RECALL").await, unsaid);
    let conflict = Err(("conflict".to_owned(), Value::Null));
    for other in ["action: DISMISS", "action: RECALL, note: \"another reason\""] {
        assert_eq!(
            resolve(&two, &moderator, &first, other).await,
            conflict,
            "{other}"
        );
    }
    // The other one is about a message that is gone, which is no less settled for that.
    let settled = resolve(&two, &moderator, &second, how).await.unwrap();
    assert_eq!(settled["state"], json!("RESOLVED"));
    assert_eq!(queue(&two, &moderator, "OPEN", &ack).await, [] as [Value; 0]);
    assert_eq!(queue(&two, &moderator, "RESOLVED", &ack).await.len(), 2);
    let query = "{ admin { audit { nodes { act target reason by { id } } } } }";
    let acts = ask(&one, &auditor, query).await["admin"]["audit"]["nodes"].clone();
    let target = format!("message {} in {room}: recall", text(&said["id"]));
    let done = json!({ "act": "report.resolve", "target": target, "reason": "insults", "by": { "id": moderator.id } });
    assert!(acts.as_array().unwrap().contains(&done), "{acts}");
    let query = format!(
        "{{ message(conversation: \"{room}\", id: {}) {{ text recalledAt }} }}",
        said["id"]
    );
    let shown = ask(&two, &cat, &query).await;
    assert!(shown["message"]["text"].is_null() && !shown["message"]["recalledAt"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_judges_their_own_message_nor_learns_who_reports_it() {
    let store = Store::new().await;
    let one = store.node().await;
    let ben = one.register("ben").await;
    let moderator = promoted(&one, "mod", &[Role::Moderator, Role::Admin]).await;
    let (mut m, mut b) = (one.socket(&moderator).await, one.socket(&ben).await);
    let room = m.open_direct(&ben).await;
    let said = m.say(room, "fool").await;
    let ack = b.acked(report(room, &said["id"])).await;
    assert_eq!(queue(&one, &moderator, "OPEN", &ack).await, [] as [Value; 0]);
    let other = promoted(&one, "other", &[Role::Moderator]).await;
    let found = queue(&one, &other, "OPEN", &ack).await;
    let none = Err(("not_found".to_owned(), Value::Null));
    assert_eq!(
        resolve(&one, &moderator, &found[0]["id"], "action: DISMISS").await,
        none
    );
    assert!(
        resolve(&one, &other, &found[0]["id"], "action: DISMISS")
            .await
            .is_ok()
    );
    // The audit does not name the report, whose id says whose it is to whoever tries all members.
    assert_eq!(evidence(&one, &other).await, [["fool"]]);
    let query = "{ admin { audit { nodes { act target reason } } } }";
    let acts = ask(&one, &moderator, query).await.to_string();
    for told in ["report.read", "report.resolve", &text(&said["id"])] {
        assert!(acts.contains(told), "{told}: {acts}");
    }
    assert!(!acts.contains(&text(&found[0]["id"])), "{acts}");
}

/// The positions and kinds of a page of the log, and where it ends.
async fn looked_at(node: &TestNode, viewer: &User, arguments: &str) -> (Vec<(String, String)>, Value) {
    let query = format!(
        "{{ admin {{ events({arguments}) {{ nodes {{ position kind }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
    );
    let page = ask(node, viewer, &query).await["admin"]["events"].clone();
    let nodes = page["nodes"].as_array().unwrap().iter();
    let events = nodes.map(|event| (text(&event["position"]), text(&event["kind"])));
    (events.collect(), page["pageInfo"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_no_administrator_who_has_reported_or_blocked_them() {
    let store = Store::new().await;
    let one = store.node().await;
    let ben = one.register("ben").await;
    let root = promoted(&one, "root", &[Role::Admin]).await;
    let (mut r, mut b) = (one.socket(&root).await, one.socket(&ben).await);
    let room = r.open_direct(&ben).await;
    let said = r.say(room, "fool").await;
    let ack = b.acked(report(room, &said["id"])).await;
    let other = promoted(&one, "other", &[Role::Moderator]).await;
    let found = queue(&one, &other, "OPEN", &ack).await;
    let settled = resolve(&one, &other, &found[0]["id"], "action: DISMISS").await;
    assert!(settled.is_ok(), "{settled:?}");
    r.say(room, "dear friend").await;
    b.acked(json!({ "type": "user.block", "user": root.id, "on": true }))
        .await;

    // The notice to whoever blocks is in the log behind that.
    b.take(|object| object["type"] == "notice" && object["kind"] == "user.blocked")
        .await;
    // Whoever knows what it is about knows the stream.
    let reports = reports_of(ConversationId(room), id(&said["id"]));
    let pair = pair_of(ConversationId(room));
    let lane = lane_of(room);
    for arguments in [
        format!("conversation: \"{reports}\""),
        format!("conversation: \"{pair}\""),
        format!("lane: {lane}, kind: \"report.filed\""),
        format!("lane: {lane}, kind: \"report.handled\""),
        format!("lane: {lane}, kind: \"pair.changed\""),
        format!("lane: {lane}, kind: \"98\""),
        format!("lane: {}, kind: \"user.blocked\"", lane_of(ben.id)),
    ] {
        let (events, around) = looked_at(&one, &root, &arguments).await;
        assert!(events.is_empty(), "{arguments}: {events:?}");
        assert_eq!(around["hasNextPage"], json!(false), "{arguments}");
    }
    // Around them all is told, and pages are full.
    let (all, _) = looked_at(&one, &root, &format!("lane: {lane}, first: 200")).await;
    let is_hidden = |kind: &str| kind.starts_with("report.") || kind == "pair.changed";
    assert!(!all.iter().any(|(_, kind)| is_hidden(kind)), "{all:?}");
    let said = all.iter().filter(|(_, kind)| kind == "message.sent");
    assert_eq!(said.count(), 2, "{all:?}");
    let (mut events, mut after) = (vec![], String::new());
    while events.len() < all.len() {
        let (page, around) = looked_at(&one, &root, &format!("lane: {lane}, first: 1{after}")).await;
        assert_eq!(page.len(), 1, "{events:?}");
        events.extend(page);
        after = format!(", after: {}", around["endCursor"]);
    }
    assert_eq!(events, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_members_report_and_only_what_is_there_and_only_so_much_in_a_day() {
    let store = Store::new().await;
    let one = store.node().await;
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let moderator = promoted(&one, "mod", &[Role::Moderator]).await;
    let (mut a, mut b, mut c) = (
        one.socket(&ann).await,
        one.socket(&ben).await,
        one.socket(&cat).await,
    );
    let room = a.open_direct(&ben).await;
    let said = a.say(room, "fool").await;
    c.refused(report(room, &said["id"]), "not_a_member").await;
    for (object, code, field) in [
        (report(room, &json!(Uuid::new_v4())), "not_found", "message"),
        (report(room, &json!("none")), "invalid_argument", "message"),
    ] {
        assert_eq!(b.refused(object, code).await["field"], field);
    }
    assert_eq!(
        a.refused(report(room, &said["id"]), "invalid_argument").await["field"],
        "message"
    );
    let with = |field: &str, value: Value| {
        let mut object = report(room, &said["id"]);
        object[field] = value;
        object
    };
    for (field, value, code) in [
        ("reason", json!(" "), "invalid_argument"),
        ("reason", json!("x".repeat(257)), "too_large"),
        ("note", json!("x".repeat(1001)), "too_large"),
        ("note", json!("\u{7}"), "invalid_argument"),
    ] {
        assert_eq!(b.refused(with(field, value), code).await["field"], field);
    }
    let (mut sent, mut ack) = (Value::Null, Value::Null);
    for n in 0..20 {
        let said = a.say(room, &format!("fool {n}")).await;
        sent = report(room, &said["id"]);
        sent["id"] = json!(Uuid::new_v4());
        ack = exactly(&mut b, &sent).await;
    }
    assert_eq!(queue(&one, &moderator, "OPEN", &ack).await.len(), 20);
    let refused = b.refused(report(room, &said["id"]), "rate_limited").await;
    let wait = refused["retry_after_ms"].as_u64().unwrap();
    assert!(wait > 86_000_000 && wait <= 86_400_000, "{wait}");
    // What was reported before is answered as it was.
    let again = exactly(&mut b, &sent).await;
    assert_eq!(
        [&again["position"], &again["duplicate"]],
        [&ack["position"], &json!(true)]
    );
    b.acked(report(room, &sent["message"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_may_have_been_sent_just_before_and_a_repeat_is_known_by_any_node() {
    let store = Store::new().await;
    let one = store.node().await;
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let moderator = promoted(&one, "mod", &[Role::Moderator]).await;
    let (mut a, mut b) = (one.socket(&ann).await, one.socket(&ben).await);
    let room = a.open_direct(&ben).await;
    b.events(room, 1).await;
    // Ben's message of the same frame is not his to report, but it is there.
    let mut said = message(room, "hi");
    said["id"] = json!(Uuid::new_v4());
    let mut own = report(room, &said["id"]);
    own["id"] = json!(Uuid::new_v4());
    b.send_text(&format!("{said}\n{own}")).await;
    let refused = b.answer(id(&own["id"])).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("invalid_argument"), &json!("message"))
    );

    let mut sent = report(room, &said["id"]);
    sent["id"] = json!(Uuid::new_v4());
    let ack = exactly(&mut a, &sent).await;
    one.stop().await;
    let two = store.node().await;
    let mut a = two.socket(&ann).await;
    let again = exactly(&mut a, &sent).await;
    assert_eq!(again["duplicate"], json!(true));
    assert_eq!(
        [&again["position"], &again["at"], &again["seq"]],
        [&ack["position"], &ack["at"], &json!(0)]
    );
    let mut other = sent.clone();
    other["reason"] = json!("spam");
    a.send(&other).await;
    assert_eq!(a.answer(id(&sent["id"])).await["code"], "conflict");
    assert_eq!(queue(&two, &moderator, "OPEN", &ack).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_reported_for_what_the_operator_says_and_what_was_taken_stays_so() {
    let store = Store::new().await;
    let only = |reason: &str| {
        let mut config = store.config();
        config.reports.reasons = vec![reason.to_owned()];
        config.reports.other_reasons = false;
        config
    };
    let one = TestNode::start(only("an insult")).await;
    let two = TestNode::start(only("Spam")).await;
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let moderator = promoted(&one, "mod", &[Role::Moderator]).await;
    let (mut a, mut b) = (one.socket(&ann).await, one.raw().await);
    b.send(&json!({ "type": "hello", "token": ben.token })).await;
    let limits = b.until("welcome").await["limits"].clone();
    assert_eq!(
        [&limits["report_reasons"], &limits["report_other_reasons"]],
        [&json!(["an insult"]), &json!(false)]
    );
    let room = a.open_direct(&ben).await;
    let said = a.say(room, "fool").await;
    b.events(room, 2).await;
    let mut spam = report(room, &said["id"]);
    spam["reason"] = json!("Spam");
    assert_eq!(
        b.refused(spam.clone(), "invalid_argument").await["field"],
        "reason"
    );
    let mut sent = report(room, &said["id"]);
    sent["id"] = json!(Uuid::new_v4());
    let ack = exactly(&mut b, &sent).await;

    // Where another reason is taken, as when the list has become another.
    let mut c = two.socket(&ben).await;
    let again = exactly(&mut c, &sent).await;
    assert_eq!(
        [&again["position"], &again["duplicate"]],
        [&ack["position"], &json!(true)]
    );
    let said = a.say(room, "you fool").await;
    let insult = report(room, &said["id"]);
    assert_eq!(c.refused(insult, "invalid_argument").await["field"], "reason");
    spam["message"] = said["id"].clone();
    let ack = c.acked(spam).await;
    let open = queue(&two, &moderator, "OPEN", &ack).await;
    let reasons: Vec<&Value> = open.iter().map(|report| &report["reason"]).collect();
    assert_eq!(reasons, [&json!("an insult"), &json!("Spam")]);
}
