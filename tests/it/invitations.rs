//! Invitations into groups by name: who is invited sees nothing but that, and comes or does not.

use crate::support::*;
use serde_json::{Value, json};
use tidings_domain::INVITATIONS_A_DAY;
use tidings_domain::conversation::invitation::INVITERS_MAX;
use uuid::Uuid;

fn of(kind: &str, group: Uuid, user: &User) -> Value {
    json!({ "type": kind, "conversation": group, "user": user.id })
}

fn own(kind: &str, group: Uuid) -> Value {
    json!({ "type": kind, "conversation": group })
}

/// The next notice: its kind, and what it says.
async fn told(socket: &mut Socket) -> (String, Value) {
    let notice = socket.until("notice").await;
    (
        notice["kind"].as_str().unwrap().to_owned(),
        notice["data"].clone(),
    )
}

/// The group of the next invitation that somebody is told of.
async fn invited_to(socket: &mut Socket) -> Value {
    let (kind, data) = told(socket).await;
    assert_eq!(kind, "group.invited", "{data}");
    data["conversation"].clone()
}

async fn asked(node: &TestNode, user: &User, query: &str, after: &Value) -> Value {
    let answer = node.graphql(user, query, after["position"].as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// The groups that somebody is invited to, by GraphQL.
async fn waiting(node: &TestNode, user: &User) -> Vec<Value> {
    let query = "{ invitations { nodes { conversation name by { id } } } }";
    let found = asked(node, user, query, &Value::Null).await;
    found["invitations"]["nodes"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_at_one_node_is_told_on_all_devices_and_comes_in_by_another() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (mut tablet, mut c) = (one.socket(&ben).await, two.socket(&cat).await);
    let group = a.create_group(&[]).await;
    a.say(group, "before").await;
    let sent = a.acked_twice(of("group.invite", group, &ben), 3).await;
    // Nobody is invited twice.
    a.acked(of("group.invite", group, &ben)).await;
    let event = a.events(group, 3).await[2].clone();
    assert_eq!(event["kind"], "invitation.sent");
    let (name, until) = (event["data"]["name"].clone(), event["data"]["until"].clone());
    for socket in [&mut b, &mut tablet] {
        let expected = json!({ "conversation": group, "name": name, "by": ann.id, "until": until });
        assert_eq!(told(socket).await, ("group.invited".to_owned(), expected));
    }
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ invitations {{ nodes {{ user {{ id }} by {{ id }} }} }} }} }}"
    );
    let open = json!([{ "user": { "id": ben.id }, "by": { "id": ann.id } }]);
    assert_eq!(
        asked(&two, &ann, &query, &sent).await["conversation"]["invitations"]["nodes"],
        open
    );
    let mine = json!({ "conversation": group, "name": name, "by": { "id": ann.id } });
    eventually(async || (waiting(&two, &ben).await == [mine.clone()]).then_some(())).await;

    // No member, nothing to see.
    b.refused(message(group, "let me in"), "not_a_member").await;
    let fetch = json!({ "type": "fetch", "conversation": group, "from": 1, "limit": 10 });
    b.refused(fetch, "not_a_member").await;
    assert_eq!(
        asked(&two, &ben, &query, &sent).await["conversation"],
        Value::Null
    );
    // Others have not even that.
    for answer in ["group.accept", "group.decline"] {
        c.refused(own(answer, group), "not_a_member").await;
    }
    assert_eq!(waiting(&one, &cat).await, [] as [Value; 0]);

    let came = b.acked_twice(own("group.accept", group), 5).await;
    b.say(group, "here I am").await;
    let seen = a.events(group, 3).await;
    let kinds: Vec<&str> = seen.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["invitation.accepted", "member.added", "message.sent"]);
    assert_eq!(seen[1]["data"], json!({ "user": ben.id, "role": "member" }));
    for socket in [&mut b, &mut tablet] {
        let expected = json!({ "conversation": group, "outcome": "accepted" });
        assert_eq!(told(socket).await, ("invitation.ended".to_owned(), expected));
    }
    assert_eq!(
        asked(&one, &ann, &query, &came).await["conversation"]["invitations"]["nodes"],
        json!([])
    );
    // To its members, who invite nobody, the list is nobody's business.
    assert_eq!(
        asked(&one, &ben, &query, &came).await["conversation"]["invitations"],
        Value::Null
    );
    eventually(async || waiting(&one, &ben).await.is_empty().then_some(())).await;
    b.refused(own("group.accept", group), "conflict").await;
    a.refused(of("group.invite", group, &ben), "conflict").await;
    b.refused(of("group.invite", group, &cat), "forbidden").await;
    // Devices that come later are told the same.
    let (_late, missed) = two
        .resumed(&ben, json!({ "self": 0, group.to_string(): 5 }))
        .await;
    let notices = missed.iter().filter(|object| object["type"] == "notice");
    let kinds: Vec<&Value> = notices.map(|notice| &notice["kind"]).collect();
    assert_eq!(kinds, ["group.invited", "invitation.ended"]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_declines_is_left_alone_for_a_while_and_what_is_taken_back_is_gone() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (first, second, third) = (
        a.create_group(&[]).await,
        a.create_group(&[]).await,
        a.create_group(&[]).await,
    );
    let ended = |group: Uuid, outcome: &str| {
        (
            "invitation.ended".to_owned(),
            json!({ "conversation": group, "outcome": outcome }),
        )
    };
    a.acked(of("group.invite", first, &ben)).await;
    assert_eq!(invited_to(&mut b).await, json!(first));
    // Whoever does not come is not told how much is said in there.
    b.acked_twice(own("group.decline", first), 0).await;
    assert_eq!(told(&mut b).await, ended(first, "declined"));
    let refused = a.refused(of("group.invite", first, &ben), "rate_limited").await;
    assert_eq!(refused["field"], "user", "{refused}");
    b.refused(own("group.accept", first), "not_a_member").await;

    a.acked(of("group.invite", second, &ben)).await;
    assert_eq!(invited_to(&mut b).await, json!(second));
    a.acked(of("group.withdraw", second, &ben)).await;
    assert_eq!(told(&mut b).await, ended(second, "withdrawn"));
    b.refused(own("group.accept", second), "not_a_member").await;
    let refused = a.refused(of("group.withdraw", second, &ben), "not_found").await;
    assert_eq!(refused["field"], "user", "{refused}");

    // A ban ends what is open, and lets nothing new be sent.
    a.acked(of("group.invite", third, &ben)).await;
    assert_eq!(invited_to(&mut b).await, json!(third));
    a.acked(of("group.ban", third, &ben)).await;
    assert_eq!(told(&mut b).await, ended(third, "withdrawn"));
    b.refused(own("group.accept", third), "not_a_member").await;
    let refused = a.refused(of("group.invite", third, &ben), "forbidden").await;
    assert_eq!(refused["field"], "user", "{refused}");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_takes_their_invitations_with_them_and_the_invited_are_told() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[&cat]).await;
    a.acked(of("group.invite", group, &ben)).await;
    assert_eq!(invited_to(&mut b).await, json!(group));
    a.acked(own("group.leave", group)).await;
    let expected = json!({ "conversation": group, "outcome": "withdrawn", "by": ann.id });
    assert_eq!(told(&mut b).await, ("invitation.ended".to_owned(), expected));
    b.refused(own("group.accept", group), "not_a_member").await;
    eventually(async || waiting(&two, &ben).await.is_empty().then_some(())).await;
    one.stop().await;
    two.stop().await;
}

/// The reactor asks the log and not the read models, so that an invitation behind a block is not told of, however soon it comes.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_invites_as_others_do_and_nobody_is_told() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat] = one.people(["ann", "ben", "cat"]).await;
    let (mut a, mut b, mut c) = (
        one.socket(&ann).await,
        two.socket(&ben).await,
        one.socket(&cat).await,
    );
    let (of_ben, of_cat) = (b.create_group(&[]).await, c.create_group(&[]).await);
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": true }))
        .await;
    let hidden = b.acked(of("group.invite", of_ben, &ann)).await;
    assert_eq!(told(&mut a).await.0, "user.blocked");
    // Ann lets nobody add her, and may be invited still.
    a.acked(json!({ "type": "settings.update", "add_me": "nobody" }))
        .await;
    assert_eq!(told(&mut a).await.0, "settings.updated");
    let shown = c.acked(of("group.invite", of_cat, &ann)).await;
    // What Ben is answered tells nothing.
    assert_eq!(
        (&hidden["seq"], &hidden["duplicate"]),
        (&shown["seq"], &shown["duplicate"])
    );
    let query =
        format!("{{ conversation(id: \"{of_ben}\") {{ invitations {{ nodes {{ user {{ id }} }} }} }} }}");
    assert_eq!(
        asked(&two, &ben, &query, &hidden).await["conversation"]["invitations"]["nodes"],
        json!([{ "user": { "id": ann.id } }])
    );
    // Cat's is the next thing that Ann hears of, and the only one that waits for her.
    assert_eq!(invited_to(&mut a).await, json!(of_cat));
    b.acked(of("group.withdraw", of_ben, &ann)).await;
    c.acked(of("group.withdraw", of_cat, &ann)).await;
    let (kind, data) = told(&mut a).await;
    assert_eq!(
        (kind.as_str(), &data["conversation"]),
        ("invitation.ended", &json!(of_cat))
    );
    // Once the block is lifted Ben is heard again.
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": false }))
        .await;
    assert_eq!(told(&mut a).await.0, "user.blocked");
    b.acked(of("group.invite", of_ben, &ann)).await;
    assert_eq!(invited_to(&mut a).await, json!(of_ben));
    one.stop().await;
    two.stop().await;
}

/// Behind a block or not, nobody's invitation keeps another's away, takes it back or is told with it.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_keeps_nobody_elses_invitation_away() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (mut c, mut d) = (one.socket(&cat).await, two.socket(&dan).await);
    // Dan owns the group, and its ordinary members may add people.
    let group = d.create_group(&[&ben, &cat]).await;
    let settings =
        json!({ "type": "group.settings", "conversation": group, "settings": { "invite": "members" } });
    d.acked(settings).await;
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": true }))
        .await;
    assert_eq!(told(&mut a).await.0, "user.blocked");
    let hidden = b.acked(of("group.invite", group, &ann)).await;
    let shown = c.acked(of("group.invite", group, &ann)).await;
    assert_eq!(
        shown["seq"].as_u64(),
        hidden["seq"].as_u64().map(|seq| seq + 1),
        "it is an invitation of its own"
    );
    let (kind, data) = told(&mut a).await;
    assert_eq!(
        (kind.as_str(), &data["by"]),
        ("group.invited", &json!(cat.id)),
        "{data}"
    );
    // Once more is none, for either of them: nothing stands behind the last one.
    for socket in [&mut b, &mut c] {
        let again = socket.acked(of("group.invite", group, &ann)).await;
        assert_eq!(again["seq"], shown["seq"]);
    }
    // The group sees one of each, and Ann one that names nobody whom she blocks.
    let query = format!(
        "{{ conversation(id: \"{group}\") {{ invitations {{ nodes {{ user {{ id }} by {{ id }} }} }} }} }}"
    );
    let mut inviters = [json!(ben.id), json!(cat.id)];
    inviters.sort_by_key(Value::to_string);
    let rows = inviters.map(|by| json!({ "user": { "id": ann.id }, "by": { "id": by } }));
    assert_eq!(
        asked(&one, &dan, &query, &shown).await["conversation"]["invitations"]["nodes"],
        json!(rows)
    );
    let named = async |node: &TestNode| {
        let found = waiting(node, &ann).await.into_iter();
        found
            .map(|invitation| invitation["by"]["id"].clone())
            .collect::<Vec<_>>()
    };
    eventually(async || (named(&two).await == [json!(cat.id)]).then_some(())).await;

    // Dan's is told beside it. What Ben takes back is not told, and ends nobody else's.
    d.acked(of("group.invite", group, &ann)).await;
    assert_eq!(told(&mut a).await.1["by"], json!(dan.id));
    b.acked(of("group.withdraw", group, &ann)).await;
    let event = d.events(group, 6).await.pop().unwrap();
    assert_eq!(
        (&event["kind"], &event["data"]),
        (
            &json!("invitation.withdrawn"),
            &json!({ "user": ann.id, "by": ben.id })
        )
    );
    c.acked(of("group.withdraw", group, &ann)).await;
    let ended = json!({ "conversation": group, "outcome": "withdrawn", "by": cat.id });
    assert_eq!(told(&mut a).await, ("invitation.ended".to_owned(), ended));
    let refused = b.refused(of("group.withdraw", group, &ann), "forbidden").await;
    assert_eq!(
        c.refused(of("group.withdraw", group, &ann), "forbidden").await["message"],
        refused["message"]
    );
    eventually(async || (named(&two).await == [json!(dan.id)]).then_some(())).await;
    a.acked(own("group.accept", group)).await;
    let ended = json!({ "conversation": group, "outcome": "accepted" });
    assert_eq!(told(&mut a).await, ("invitation.ended".to_owned(), ended));
    eventually(async || waiting(&two, &ann).await.is_empty().then_some(())).await;
    one.stop().await;
    two.stop().await;
}

/// Whoever is invited by somebody whom they block may come in by another's invitation as long as that one may add people.
#[tokio::test(flavor = "multi_thread")]
async fn who_goes_or_may_add_nobody_leaves_others_invitations_as_they_are() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben, cat, dan] = one.people(["ann", "ben", "cat", "dan"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let (mut c, mut d) = (one.socket(&cat).await, two.socket(&dan).await);
    let group = d.create_group(&[&ben, &cat]).await;
    let invite =
        |who: &str| json!({ "type": "group.settings", "conversation": group, "settings": { "invite": who } });
    d.acked(invite("members")).await;
    for (socket, by) in [(&mut b, &ben), (&mut c, &cat)] {
        socket.acked(of("group.invite", group, &ann)).await;
        let (kind, data) = told(&mut a).await;
        assert_eq!((kind.as_str(), &data["by"]), ("group.invited", &json!(by.id)));
    }
    b.acked(own("group.leave", group)).await;
    let ended = json!({ "conversation": group, "outcome": "withdrawn", "by": ben.id });
    assert_eq!(told(&mut a).await, ("invitation.ended".to_owned(), ended));
    d.acked(invite("admins")).await;
    a.refused(own("group.accept", group), "not_a_member").await;
    d.acked(json!({ "type": "group.role", "conversation": group, "user": cat.id, "role": "admin" }))
        .await;
    a.acked(own("group.accept", group)).await;
    assert_eq!(told(&mut a).await.1["outcome"], "accepted");
    one.stop().await;
    two.stop().await;
}

/// The bound is one of the group, and its answers are the same for everybody who has as much to say there.
#[tokio::test(flavor = "multi_thread")]
async fn so_many_invite_the_same_person_and_owners_and_admins_always_can() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, dan] = one.people(["ann", "dan"]).await;
    let (mut a, mut d) = (one.socket(&ann).await, two.socket(&dan).await);
    let mut crowd = vec![];
    for n in 0..=INVITERS_MAX {
        crowd.push(one.register(&format!("person{n}")).await);
    }
    let group = d.create_group(&crowd.iter().collect::<Vec<_>>()).await;
    let settings =
        json!({ "type": "group.settings", "conversation": group, "settings": { "invite": "members" } });
    d.acked(settings).await;
    // Ann blocks the first, the last, and some in between.
    for person in crowd.iter().step_by(4) {
        a.acked(json!({ "type": "user.block", "user": person.id, "on": true }))
            .await;
        assert_eq!(told(&mut a).await.0, "user.blocked");
    }
    let (last, others) = crowd.split_last().unwrap();
    for person in others {
        let mut socket = one.socket(person).await;
        socket.acked(of("group.invite", group, &ann)).await;
    }
    for (n, person) in others.iter().enumerate() {
        if n % 4 != 0 {
            let (kind, data) = told(&mut a).await;
            assert_eq!((kind.as_str(), &data["by"]), ("group.invited", &json!(person.id)));
        }
    }
    let mut l = one.socket(last).await;
    l.refused(of("group.invite", group, &ann), "conflict").await;
    // An owner's takes the place of the oldest, of which Ann was not told.
    d.acked(of("group.invite", group, &ann)).await;
    let (kind, data) = told(&mut a).await;
    assert_eq!(
        (kind.as_str(), &data["by"]),
        ("group.invited", &json!(dan.id)),
        "{data}"
    );
    let query =
        format!("{{ conversation(id: \"{group}\") {{ invitations {{ nodes {{ by {{ id }} }} }} }} }}");
    let open = eventually(async || {
        let found = asked(&two, &dan, &query, &Value::Null).await;
        let nodes = found["conversation"]["invitations"]["nodes"].as_array().cloned();
        nodes.filter(|nodes| nodes.contains(&json!({ "by": { "id": dan.id } })))
    })
    .await;
    assert_eq!(open.len(), INVITERS_MAX);
    assert!(!open.contains(&json!({ "by": { "id": crowd[0].id } })));
    // One that may add nobody any more makes way for anybody.
    let mute = json!({ "type": "group.mute", "conversation": group, "user": crowd[1].id, "on": true });
    d.acked(mute).await;
    l.acked(of("group.invite", group, &ann)).await;
    let ended = json!({ "conversation": group, "outcome": "withdrawn", "by": crowd[1].id });
    assert_eq!(told(&mut a).await, ("invitation.ended".to_owned(), ended));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_invites_and_takes_back_tells_nobody_without_end() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let group = a.create_group(&[]).await;
    for _ in 0..3 {
        a.acked(of("group.invite", group, &ben)).await;
        assert_eq!(told(&mut b).await.0, "group.invited");
        a.acked(of("group.withdraw", group, &ben)).await;
        assert_eq!(told(&mut b).await.0, "invitation.ended");
    }
    // Every node knows.
    let mut a = two.socket(&ann).await;
    let refused = a.refused(of("group.invite", group, &ben), "rate_limited").await;
    assert_eq!(refused["field"], "user", "{refused}");
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 0, "{refused}");
    one.stop().await;
    two.stop().await;
}

/// Over all groups together.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_invites_so_many_in_a_day_and_no_more() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    for _ in 0..INVITATIONS_A_DAY {
        let group = a.create_group(&[]).await;
        a.acked(of("group.invite", group, &ben)).await;
    }
    // As far as the read models have come.
    let refused = eventually(async || {
        let group = a.create_group(&[]).await;
        let answer = a.command(of("group.invite", group, &ben)).await;
        (answer["code"] == "rate_limited").then_some(answer)
    })
    .await;
    assert_eq!(refused["field"], "user", "{refused}");
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 0, "{refused}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_its_field() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    let group = a.create_group(&[]).await;
    let talk = a.open_direct(&ben).await;
    for kind in ["group.invite", "group.withdraw"] {
        for (user, code) in [
            (json!(Uuid::new_v4()), "not_found"),
            (json!("ben"), "invalid_argument"),
            (Value::Null, "invalid_argument"),
        ] {
            let command = json!({ "type": kind, "conversation": group, "user": user });
            let refused = a.refused(command, code).await;
            assert_eq!(refused["field"], "user", "{kind} {user}");
        }
        b.refused(of(kind, group, &ben), "not_a_member").await;
        let refused = a.refused(of(kind, talk, &ben), "invalid_argument").await;
        assert_eq!(refused["field"], "conversation", "{kind}");
    }
    for kind in ["group.accept", "group.decline"] {
        b.refused(own(kind, Uuid::new_v4()), "not_a_member").await;
        let refused = b.refused(json!({ "type": kind }), "invalid_argument").await;
        assert_eq!(refused["field"], "conversation", "{kind}");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_invited_often_goes_on_with_what_is_their_own() {
    let store = Store::new().await;
    let mut config = store.config();
    (
        config.conversation_changes_per_second,
        config.conversation_changes_burst,
    ) = (1, 4);
    let node = TestNode::start(config).await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let (mut a, mut b) = (node.socket(&ann).await, node.socket(&ben).await);
    for _ in 0..8 {
        let group = a.create_group(&[]).await;
        a.acked(of("group.invite", group, &ben)).await;
        invited_to(&mut b).await;
    }
    b.acked(json!({ "type": "settings.update", "receipts": false }))
        .await;
    node.stop().await;
}
