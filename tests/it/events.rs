//! The log as administrators look at it: what happened, and nothing of what was said.

use crate::administration::{administrator, ask};
use crate::support::*;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use tidings_eventlog::record::lane_of;
use uuid::Uuid;

/// A page of events, as the field's arguments say.
async fn events(node: &TestNode, root: &User, arguments: &str) -> Value {
    let query = format!(
        "{{ admin {{ events({arguments}) {{ complete nodes {{ position seq kind at stream command by {{ id }} }} \
         pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }} }}"
    );
    ask(node, root, &query).await["admin"]["events"].clone()
}

/// A field of each event of a page.
fn each(page: &Value, field: &str) -> Vec<Value> {
    let nodes = page["nodes"].as_array().unwrap().iter();
    nodes.map(|event| event[field].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_found_by_where_and_when_they_happened_and_by_whom() {
    let store = Store::new().await;
    let node = store.node().await;
    let root = administrator(&node).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let first = a.say(group, "the plan is secret").await;
    b.say(group, "what plan").await;
    let recall = json!({ "type": "message.recall", "conversation": group, "message": first["id"] });
    a.acked(recall).await;

    let of_group = format!("conversation: \"{group}\"");
    let all = events(&node, &root, &of_group).await;
    let kinds = json!([
        "group.created",
        "message.sent",
        "message.sent",
        "message.recalled"
    ]);
    assert_eq!(json!(each(&all, "kind")), kinds, "{all:#}");
    assert_eq!(json!(each(&all, "seq")), json!([1, 2, 3, 4]));
    assert_eq!(all["nodes"][1]["position"], first["position"]);
    assert_eq!(all["nodes"][1]["command"], first["id"]);
    assert_eq!(id(&all["nodes"][2]["by"]["id"]), ben.id);
    assert_eq!(id(&all["nodes"][2]["stream"]), group);
    assert_eq!(
        (&all["complete"], &all["pageInfo"]["hasNextPage"]),
        (&json!(true), &json!(false))
    );
    assert!(!all.to_string().contains("plan"), "{all}");

    // Page by page.
    let one = events(&node, &root, &format!("{of_group}, first: 3")).await;
    assert_eq!(
        (each(&one, "seq").len(), &one["pageInfo"]["hasNextPage"]),
        (3, &json!(true))
    );
    let cursor = text(&one["pageInfo"]["endCursor"]);
    let rest = events(
        &node,
        &root,
        &format!("{of_group}, first: 3, after: \"{cursor}\""),
    )
    .await;
    assert_eq!(json!(each(&rest, "seq")), json!([4]));
    assert_eq!(rest["pageInfo"]["hasPreviousPage"], json!(true));

    // By whom, of what kind, and when.
    let by_ben = events(&node, &root, &format!("{of_group}, user: \"{}\"", ben.id)).await;
    assert_eq!(json!(each(&by_ben, "seq")), json!([3]));
    let recalls = events(&node, &root, &format!("{of_group}, kind: \"message.recalled\"")).await;
    assert_eq!(json!(each(&recalls, "seq")), json!([4]));
    let at: DateTime<Utc> = text(&all["nodes"][2]["at"]).parse().unwrap();
    // Times are told in milliseconds, and events may lie closer together.
    let later = (at + Duration::hours(1)).to_rfc3339();
    let before = (at - Duration::hours(1)).to_rfc3339();
    for (times, count) in [
        (format!("from: \"{later}\""), 0),
        (format!("to: \"{before}\""), 0),
        (format!("from: \"{before}\", to: \"{later}\""), 4),
    ] {
        let found = events(&node, &root, &format!("{of_group}, {times}")).await;
        assert_eq!(each(&found, "seq").len(), count, "{times}");
        let lane = lane_of(group);
        let found = events(
            &node,
            &root,
            &format!("lane: {lane}, kind: \"message.sent\", {times}"),
        )
        .await;
        assert_eq!(each(&found, "seq").len(), count / 2, "{times}");
    }

    // Over all lanes, by lane and position: Ben's registration is in his own.
    let by_ben = events(&node, &root, &format!("user: \"{}\"", ben.id)).await;
    let kinds = each(&by_ben, "kind");
    assert!(
        kinds.contains(&json!("user.registered")) && kinds.contains(&json!("message.sent")),
        "{kinds:?}"
    );
    let everything = events(&node, &root, "first: 200").await;
    let places: Vec<(u64, u64)> = each(&everything, "position")
        .iter()
        .map(|position| {
            let (lane, pos) = position.as_str().unwrap().split_once(':').unwrap();
            (lane.parse().unwrap(), pos.parse().unwrap())
        })
        .collect();
    assert!(places.is_sorted() && places.len() >= 7, "{places:?}");

    // What there is none of, and what cannot be.
    let nowhere = format!("conversation: \"{}\"", Uuid::new_v4());
    let elsewhere = format!("{of_group}, lane: {}", (lane_of(group) + 1) % 4);
    for arguments in [nowhere, elsewhere, "lane: 77".to_owned()] {
        assert_eq!(
            each(&events(&node, &root, &arguments).await, "seq"),
            [] as [Value; 0]
        );
    }
    for (arguments, field) in [
        ("kind: \"message.lost\"", "kind"),
        ("lane: 256", "lane"),
        ("conversation: \"x\"", "conversation"),
        ("after: \"m0000000000000001\"", "after"),
        ("first: 201", "first"),
    ] {
        let query = format!("{{ admin {{ events({arguments}) {{ complete }} }} }}");
        let refused = node.graphql(&root, &query, None).await;
        assert_eq!(refused["errors"][0]["extensions"]["field"], field, "{refused}");
    }
    // To everybody else there is no administration.
    let query = format!(
        "{{ admin {{ events({of_group}) {{ complete }} trace(conversation: \"{group}\", message: \"{group}\") {{ seq }} }} }}"
    );
    assert_eq!(
        node.graphql(&ann, &query, None).await,
        json!({ "data": { "admin": null } })
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_events_ends_where_enough_were_looked_at() {
    let store = Store::new().await;
    let client = store.client().await;
    let (long_ago, stream) = ("2026-01-01T00:00:00Z", tidings_domain::ADMINISTRATION);
    let fill = format!(
        "INSERT INTO event (lane, pos, stream, seq, msg_no, kind, ver, control, actor, at, command, idx, digest, payload) \
         SELECT 0, n, '{stream}', n, 0, 96, 1, false, '{stream}', timestamptz '{long_ago}' + n * interval '1 s', gen_random_uuid(), \
                0, 0, '{{\"act\":\"user.suspend\",\"target\":\"nobody\"}}' \
           FROM generate_series(1, 10500) n; \
         INSERT INTO stream (lane, stream, head_seq, msg_no, guard_seq, last_at) VALUES (0, '{stream}', 10500, 0, 0, now()); \
         UPDATE log_lane SET head = 10500, last_at = now() WHERE lane = 0"
    );
    client.batch_execute(&fill).await.unwrap();
    let node = store.node().await;
    let root = administrator(&node).await;
    node.folded(&root).await;
    let told = |page: &Value| {
        let around = &page["pageInfo"];
        (
            each(page, "seq"),
            page["complete"].as_bool().unwrap(),
            around["hasNextPage"].as_bool().unwrap(),
        )
    };
    let first = events(&node, &root, "lane: 0, kind: \"message.recalled\"").await;
    assert_eq!(told(&first), (vec![], false, true));
    let cursor = text(&first["pageInfo"]["endCursor"]);
    let rest = events(
        &node,
        &root,
        &format!("lane: 0, kind: \"message.recalled\", after: \"{cursor}\""),
    )
    .await;
    assert_eq!(told(&rest), (vec![], true, false));
    // The same of a stream; and times say where to look.
    let of_stream = format!("conversation: \"{stream}\", user: \"{}\"", root.id);
    assert_eq!(
        told(&events(&node, &root, &of_stream).await),
        (vec![], false, true)
    );
    let from = "from: \"2026-01-01T02:54:59Z\"";
    let late = events(
        &node,
        &root,
        &format!("lane: 0, kind: \"administrator.acted\", {from}, first: 3"),
    )
    .await;
    assert_eq!(told(&late), (vec![json!(10_499), json!(10_500)], true, false));
    let of_stream = format!("conversation: \"{stream}\", {from}");
    let late = events(&node, &root, &of_stream).await;
    assert_eq!(told(&late), (vec![json!(10_499), json!(10_500)], true, false));
    assert_eq!(
        json!(each(&late, "kind")),
        json!(["administrator.acted", "administrator.acted"])
    );
    node.stop().await;
}
