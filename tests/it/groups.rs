//! Groups that govern themselves: settings, slow mode, muted members, bans, and owners who hand on.

use crate::support::*;
use serde_json::{Value, json};
use uuid::Uuid;

fn settings(group: Uuid, settings: &Value) -> Value {
    json!({ "type": "group.settings", "conversation": group, "settings": settings })
}

fn of(kind: &str, group: Uuid, user: &User) -> Value {
    json!({ "type": kind, "conversation": group, "user": user.id })
}

async fn asked(node: &TestNode, user: &User, group: Uuid, fields: &str, after: &Value) -> Value {
    let query = format!("{{ conversation(id: \"{group}\") {{ {fields} }} }}");
    let answer = node.graphql(user, &query, after.as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["conversation"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_set_at_one_node_and_both_keep_to_it() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&ben]).await;
    let said = b.say(group, "free").await["id"].clone();
    let fields = "settings { post invite pin everyone threads react attach forward history slowSeconds }";
    let usual = json!({ "post": "MEMBERS", "invite": "ADMINS", "pin": "ADMINS", "everyone": "ADMINS", "threads": "MEMBERS",
        "react": "MEMBERS", "attach": "MEMBERS", "forward": true, "history": "SHARED", "slowSeconds": 0 });
    let position = b.say(group, "still").await["position"].clone();
    assert_eq!(
        asked(&two, &ben, group, fields, &position).await["settings"],
        usual
    );

    let change = json!({ "post": "admins", "pin": "members", "react": "admins", "forward": false });
    b.refused(settings(group, &change), "forbidden").await;
    let position = a.acked_twice(settings(group, &change), 4).await["position"].clone();
    // What is so already is acked and not written.
    assert_eq!(a.acked(settings(group, &change)).await["seq"], 4);
    let seen = b.events(group, 4).await;
    assert_eq!(
        (&seen[3]["kind"], &seen[3]["data"]),
        (&json!("group.settings_changed"), &json!({ "settings": change }))
    );
    let mut now = usual;
    for (name, value) in [("post", "ADMINS"), ("pin", "MEMBERS"), ("react", "ADMINS")] {
        now[name] = json!(value);
    }
    now["forward"] = json!(false);
    assert_eq!(asked(&two, &ben, group, fields, &position).await["settings"], now);

    b.refused(message(group, "hi"), "forbidden").await;
    let react =
        json!({ "type": "message.react", "conversation": group, "message": said, "emoji": "👍", "on": true });
    b.refused(react.clone(), "forbidden").await;
    a.acked(react).await;
    b.acked(json!({ "type": "message.pin", "conversation": group, "message": said, "on": true }))
        .await;
    a.say(group, "news").await;
    // What is said here stays here.
    let other = b.create_group(&[&cat]).await;
    let forward = json!({ "type": "message.send", "conversation": other,
        "forward": { "conversation": group, "message": said } });
    let refused = b.refused(forward.clone(), "forbidden").await;
    assert_eq!(refused["field"], "forward", "{refused}");
    a.acked(settings(group, &json!({ "forward": true }))).await;
    b.acked(forward).await;

    let invited = of("group.add", group, &cat);
    b.refused(invited.clone(), "forbidden").await;
    a.acked(settings(group, &json!({ "invite": "members" }))).await;
    b.acked(invited).await;
    for wrong in [
        json!({ "post": "nobody" }),
        json!({ "history": "nobody" }),
        json!({ "colour": "red" }),
        json!({ "slow_s": 21_601 }),
        json!({ "slow_s": -1 }),
        json!([]),
    ] {
        let refused = a.refused(settings(group, &wrong), "invalid_argument").await;
        assert_eq!(refused["field"], "settings", "{refused}");
    }
    let direct = a.open_direct(&ben).await;
    let refused = a.refused(settings(direct, &change), "invalid_argument").await;
    assert_eq!(refused["field"], "conversation", "{refused}");
    let position = a.say(direct, "hi").await["position"].clone();
    assert_eq!(
        asked(&one, &ann, direct, fields, &position).await["settings"],
        json!(null)
    );
    one.stop().await;
    two.stop().await;
}

/// The log itself holds who wrote when, so that no node, no batch and no restart lets more through.
#[tokio::test(flavor = "multi_thread")]
async fn in_slow_mode_a_member_writes_once_whichever_node_is_asked() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, one.socket(&ben).await);
    let (mut elsewhere, mut c) = (two.socket(&ben).await, two.socket(&cat).await);
    let group = a.create_group(&[&ben, &cat]).await;
    a.acked(settings(group, &json!({ "slow_s": 3600 }))).await;
    // Both in one frame, so that they are decided together.
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let with = |id: Uuid, words: &str| {
        let mut send = message(group, words);
        send["id"] = json!(id);
        send
    };
    b.send_text(&format!("{}\n{}", with(first, "one"), with(second, "two")))
        .await;
    assert_eq!(b.answer(first).await["seq"], 3);
    let refused = b.answer(second).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("rate_limited"), &json!("conversation")),
        "{refused}"
    );
    let wait = refused["retry_after_ms"].as_u64().unwrap();
    assert!((3_400_000..=3_600_001).contains(&wait), "{refused}");
    elsewhere.refused(message(group, "three"), "rate_limited").await;
    // The first one again is answered as it was.
    elsewhere.send(&with(first, "one")).await;
    assert_eq!(elsewhere.answer(first).await["duplicate"], true);
    let edit = json!({ "type": "message.edit", "conversation": group, "message": first,
        "content": { "kind": "text", "text": "once" } });
    elsewhere.acked(edit).await;
    c.say(group, "each for themselves").await;
    for _ in 0..3 {
        a.say(group, "as often as they like").await;
    }
    one.stop().await;
    two.stop().await;
    let node = store.node().await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    b.refused(message(group, "four"), "rate_limited").await;
    a.acked(settings(group, &json!({ "slow_s": 0 }))).await;
    b.say(group, "at last").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_slow_mode_a_member_waits_as_long_as_they_are_told_though_the_logs_time_is_ahead() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, one.socket(&ben).await);
    let mut elsewhere = two.socket(&ben).await;
    let group = a.create_group(&[&ben]).await;
    a.acked(settings(group, &json!({ "slow_s": 2 }))).await;
    store.log_time_ahead().await;
    // Both in one frame, so that they are decided together.
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let with = |id: Uuid| {
        let mut send = message(group, "hi");
        send["id"] = json!(id);
        send
    };
    b.send_text(&format!("{}\n{}", with(first), with(second))).await;
    assert_eq!(b.answer(first).await["type"], "ack");
    let refused = b.answer(second).await;
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    let waited = async |refused: Value| {
        let wait = refused["retry_after_ms"].as_u64().unwrap();
        assert!(wait <= 2_001, "{refused}");
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    };
    waited(refused).await;
    b.say(group, "in time").await;
    // A node that has to read the group learns of it all just now.
    let answer = elsewhere.command(message(group, "elsewhere")).await;
    if answer["type"] != "ack" {
        waited(answer).await;
        elsewhere.say(group, "elsewhere").await;
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_muted_reads_along_and_who_is_banned_is_out() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let mut c = two.socket(&cat).await;
    let group = a.create_group(&[&ben, &cat]).await;
    c.events(group, 1).await;
    let mute = |on: bool| {
        let mut mute = of("group.mute", group, &ben);
        mute["on"] = json!(on);
        mute
    };
    c.refused(mute(true), "forbidden").await;
    let mut for_a_day = mute(true);
    let until = (chrono::Utc::now() + chrono::TimeDelta::days(1))
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    for_a_day["until"] = json!(until);
    let position = a.acked_twice(for_a_day, 2).await["position"].clone();
    let refused = b.refused(message(group, "hi"), "forbidden").await;
    assert!(
        refused["retry_after_ms"].as_u64().unwrap() > 80_000_000,
        "{refused}"
    );
    let muted = "mutedMembers { nodes { user { id } by { id } until reason } }";
    assert_eq!(
        asked(&two, &cat, group, muted, &position).await["mutedMembers"]["nodes"],
        json!([{ "user": { "id": ben.id }, "by": { "id": ann.id }, "until": until, "reason": null }])
    );
    let position = a.acked(mute(false)).await["position"].clone();
    assert_eq!(
        asked(&one, &ann, group, muted, &position).await["mutedMembers"]["nodes"],
        json!([])
    );
    b.say(group, "back").await;

    let mut ban = of("group.ban", group, &ben);
    ban["reason"] = json!("spam");
    c.refused(ban.clone(), "forbidden").await;
    let position = a.acked_twice(ban, 6).await["position"].clone();
    let seen = c.events(group, 5).await;
    let told: Vec<_> = seen
        .iter()
        .map(|event| (&event["kind"], &event["data"]))
        .collect();
    assert_eq!(
        told[3..],
        [
            (&json!("member.removed"), &json!({ "user": ben.id })),
            (
                &json!("member.banned"),
                &json!({ "user": ben.id, "reason": "spam" })
            )
        ]
    );
    b.refused(message(group, "hi"), "not_a_member").await;
    let add = of("group.add", group, &ben);
    let refused = a.refused(add.clone(), "forbidden").await;
    assert_eq!(refused["field"], "user", "{refused}");
    // The list is for those who may do it.
    let banned = "banned { nodes { user { id } by { id } until reason } }";
    assert_eq!(
        asked(&two, &ann, group, banned, &position).await["banned"]["nodes"],
        json!([{ "user": { "id": ben.id }, "by": { "id": ann.id }, "until": null, "reason": "spam" }])
    );
    assert_eq!(
        asked(&two, &cat, group, banned, &position).await["banned"],
        json!(null)
    );
    let position = a.acked(of("group.unban", group, &ben)).await["position"].clone();
    assert_eq!(
        asked(&one, &ann, group, banned, &position).await["banned"]["nodes"],
        json!([])
    );
    a.acked(add).await;
    b.say(group, "again").await;

    let refused = a.refused(of("group.transfer", group, &dan), "not_found").await;
    assert_eq!(refused["field"], "user", "{refused}");
    a.acked(of("group.transfer", group, &cat)).await;
    a.refused(of("group.transfer", group, &ben), "forbidden").await;
    let mut demote = of("group.role", group, &ann);
    demote["role"] = json!("member");
    c.acked(demote).await;
    one.stop().await;
    two.stop().await;
}

/// Both nodes are asked at once, again and again: the lane lets one in.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_a_link_is_one_persons_whichever_nodes_are_asked() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let mut a = one.socket(&ann).await;
    let (mut b, mut c) = (one.socket(&ben).await, two.socket(&cat).await);
    for round in 0..5 {
        let group = a.create_group(&[]).await;
        let id = Uuid::now_v7();
        let create = json!({ "type": "group.link.create", "id": id, "conversation": group, "uses": 1 });
        a.send(&create).await;
        let made = a.answer(id).await;
        a.send(&create).await;
        // Its repeat is told the same, and nobody else ever.
        let again = a.answer(id).await;
        assert_eq!(
            (&again["data"], &again["duplicate"]),
            (&made["data"], &json!(true))
        );
        assert_eq!(made["data"]["link"], json!(id), "{made}");
        let secret = made["data"]["secret"].as_str().unwrap().to_owned();
        let join = |id: Uuid| json!({ "type": "group.join", "id": id, "secret": secret });
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        let (first_join, second_join) = (join(first), join(second));
        tokio::join!(b.send(&first_join), c.send(&second_join));
        let (of_ben, of_cat) = (b.answer(first).await, c.answer(second).await);
        let codes = [&of_ben, &of_cat].map(|answer| answer["code"].as_str().unwrap_or("in").to_owned());
        let mut sorted = codes.clone();
        sorted.sort();
        assert_eq!(sorted, ["in", "not_found"], "round {round}: {of_ben} {of_cat}");
        let (winner, id, user) = if codes[0] == "in" {
            (&mut b, first, &ben)
        } else {
            (&mut c, second, &cat)
        };
        // Whoever came in is in, and their repeat is answered as it was.
        winner.send(&join(id)).await;
        let again = winner.answer(id).await;
        assert_eq!(
            (&again["duplicate"], &again["conversation"]),
            (&json!(true), &json!(group))
        );
        winner.say(group, "I am in").await;
        let seen = a.events(group, 4).await;
        assert_eq!(
            (&seen[2]["kind"], &seen[2]["data"]),
            (
                &json!("member.added"),
                &json!({ "user": user.id, "role": "member", "link": made["data"]["link"] })
            )
        );
        assert!(!seen.iter().any(|event| event.to_string().contains(&secret)));
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_over_lets_nobody_in_and_says_no_more_than_one_that_never_was() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat] = node.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[]).await;
    let create = |more: Value| {
        let mut create = json!({ "type": "group.link.create", "conversation": group });
        create
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        create
    };
    let join = |secret: &Value| json!({ "type": "group.join", "secret": secret });
    let made = a.acked(create(json!({}))).await["data"].clone();
    b.refused(create(json!({})), "not_a_member").await;
    let fields = "links { nodes { id by { id } uses used } } joinRequests { nodes { user { id } } }";
    let position = b.acked(join(&made["secret"])).await["position"].clone();
    let link = json!({ "id": made["link"], "by": { "id": ann.id }, "uses": null, "used": 1 });
    assert_eq!(
        asked(&node, &ann, group, fields, &position).await,
        json!({ "links": { "nodes": [link] }, "joinRequests": { "nodes": [] } })
    );
    assert_eq!(
        asked(&node, &ben, group, fields, &position).await,
        json!({ "links": null, "joinRequests": null })
    );
    b.refused(join(&made["secret"]), "conflict").await;
    b.refused(create(json!({})), "forbidden").await;
    let mut c = node.socket(&cat).await;
    let revoke = json!({ "type": "group.link.revoke", "conversation": group, "link": made["link"] });
    b.refused(revoke.clone(), "forbidden").await;
    a.acked(revoke).await;
    let brief = a.acked(create(json!({ "expires_in_s": 1 }))).await;
    let at: chrono::DateTime<chrono::Utc> = brief["at"].as_str().unwrap().parse().unwrap();
    let (brief, over) = (&brief["data"], at + chrono::TimeDelta::seconds(1));
    while chrono::Utc::now() <= over {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let unknown = json!(format!("{}{}", group.simple(), Uuid::now_v7().simple()));
    for secret in [&made["secret"], &brief["secret"], &unknown, &json!("x")] {
        let refused = c.refused(join(secret), "not_found").await;
        assert_eq!(refused["field"], "secret", "{refused}");
    }
    for (field, value) in [
        ("expires_in_s", 0),
        ("expires_in_s", 2_592_001),
        ("uses", 0),
        ("uses", 10_001),
    ] {
        let refused = a
            .refused(create(json!({ field: value })), "invalid_argument")
            .await;
        assert_eq!(refused["field"], field, "{refused}");
    }
    a.refused(json!({ "type": "group.join" }), "invalid_argument")
        .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_into_an_open_group_and_ask_at_one_that_wants_to_be_asked() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (mut c, mut d) = (two.socket(&cat).await, one.socket(&dan).await);
    let group = a.create_group(&[]).await;
    let join = json!({ "type": "group.join", "conversation": group });
    b.refused(join.clone(), "not_a_member").await;
    a.acked(settings(group, &json!({ "join": "open" }))).await;
    assert_eq!(b.acked(join.clone()).await.get("data"), None);
    b.say(group, "hello").await;
    a.acked(settings(group, &json!({ "join": "request" }))).await;
    let asked_by = [Uuid::now_v7(), Uuid::now_v7()];
    for (socket, id) in [(&mut c, asked_by[0]), (&mut d, asked_by[1])] {
        let mut first = join.clone();
        first["id"] = json!(id);
        socket.send(&first).await;
        // How much is said in there is not told to whoever waits.
        let is_outside = |waits: &Value| {
            let expected = (&json!({ "pending": true }), &json!(0));
            assert_eq!((&waits["data"], &waits["seq"]), expected, "{waits}");
        };
        is_outside(&socket.answer(id).await);
        for _ in 0..2 {
            b.say(group, "not for your ears").await;
            is_outside(&socket.acked(join.clone()).await);
        }
        // What else is said under this id changes no answer.
        let mut other = json!({ "type": "group.leave", "conversation": group });
        other["id"] = json!(id);
        for node in [&one, &two] {
            let mut elsewhere = node.socket(if id == asked_by[0] { &cat } else { &dan }).await;
            elsewhere.send(&other).await;
            assert_eq!(elsewhere.answer(id).await["code"], "conflict");
            elsewhere.send(&first).await;
            is_outside(&elsewhere.answer(id).await);
        }
        socket.refused(message(group, "let me in"), "not_a_member").await;
    }
    let position = c.acked(join.clone()).await["position"].clone();
    let fields = "settings { join } joinRequests { nodes { user { id } } }";
    let found = asked(&two, &ann, group, fields, &position).await;
    assert_eq!(found["settings"]["join"], "REQUEST");
    assert_eq!(found["joinRequests"]["nodes"].as_array().unwrap().len(), 2);
    b.refused(of("group.approve", group, &cat), "forbidden").await;
    a.acked(of("group.approve", group, &cat)).await;
    let position = a.acked(of("group.refuse", group, &dan)).await["position"].clone();
    c.say(group, "thank you").await;
    // Whoever has not heard that they asked is told at any node, whatever became of it.
    c.acked(json!({ "type": "group.leave", "conversation": group }))
        .await;
    for (user, id) in [(&cat, asked_by[0]), (&dan, asked_by[1])] {
        for node in [&one, &two] {
            let mut socket = node.socket(user).await;
            let mut again = join.clone();
            again["id"] = json!(id);
            socket.send(&again).await;
            let told = socket.answer(id).await;
            assert_eq!(
                (&told["duplicate"], &told["data"], &told["seq"]),
                (&json!(true), &json!({ "pending": true }), &json!(0)),
                "{told}"
            );
        }
    }
    let refused = d.refused(join.clone(), "rate_limited").await;
    assert_eq!(refused["field"], "conversation", "{refused}");
    for answered in [&cat, &dan] {
        let refused = a.refused(of("group.approve", group, answered), "not_found").await;
        assert_eq!(refused["field"], "user", "{refused}");
    }
    let found = asked(&one, &ann, group, fields, &position).await;
    assert_eq!(found["joinRequests"]["nodes"], json!([]));
    let mut ban = of("group.ban", group, &ben);
    ban["reason"] = json!("rude");
    a.acked(ban).await;
    a.acked(settings(group, &json!({ "join": "open" }))).await;
    b.refused(join, "forbidden").await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_let_in_may_take_it_back_and_an_answer_tells_of_no_block() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben, cat, dan] = node.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let (mut c, mut d) = (node.socket(&cat).await, node.socket(&dan).await);
    let group = a.create_group(&[&cat]).await;
    a.acked(json!({ "type": "group.role", "conversation": group, "user": cat.id, "role": "admin" }))
        .await;
    a.acked(settings(group, &json!({ "join": "request" }))).await;
    let join = json!({ "type": "group.join", "conversation": group });
    b.acked(join.clone()).await;
    c.refused(of("group.withdraw", group, &ben), "not_found").await;
    b.acked_twice(of("group.withdraw", group, &ben), 0).await;
    c.refused(of("group.approve", group, &ben), "not_found").await;
    b.refused(of("group.withdraw", group, &ben), "not_a_member").await;
    b.refused(join.clone(), "rate_limited").await;
    c.acked(of("group.add", group, &ben)).await;
    d.acked(join).await;
    d.acked(json!({ "type": "user.block", "user": ann.id, "on": true }))
        .await;
    // A block stands in another lane than a group.
    node.folded(&dan).await;
    a.acked(of("group.approve", group, &dan)).await;
    node.stop().await;
}
