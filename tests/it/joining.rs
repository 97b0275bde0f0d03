//! Requests to be let into groups: those who answer are told of them without being flooded, and those who ask are told the answer.

use crate::support::*;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// The next notice: its kind, and what it says.
async fn told(socket: &mut Socket) -> (String, Value) {
    let notice = socket.until("notice").await;
    (text(&notice["kind"]), notice["data"].clone())
}

/// Who asks, by the next notice.
async fn asked_by(socket: &mut Socket, group: Uuid) -> Uuid {
    let (kind, data) = told(socket).await;
    assert_eq!(
        (kind.as_str(), &data["conversation"]),
        ("group.asked", &json!(group)),
        "{data}"
    );
    assert!(data["until"].is_string() && data["seq"].is_u64(), "{data}");
    id(&data["user"])
}

/// All who had asked are answered, by the next notice.
async fn all_answered(socket: &mut Socket, group: Uuid) {
    let (kind, data) = told(socket).await;
    assert_eq!(
        (kind.as_str(), &data["conversation"]),
        ("group.answered", &json!(group)),
        "{data}"
    );
    assert!(data["seq"].is_u64(), "{data}");
}

const ASKED: i16 = 90;
const ANSWERED: i16 = 91;

/// Nobody is told anything while the session that has said so lasts,
const HELD: &str = "SELECT pg_advisory_lock(hashtextextended('tidings.reactor.join-notices', 0))";
/// or until it says this.
const FREED: &str = "SELECT pg_advisory_unlock_all()";

/// The kinds of what somebody was told as one who answers, in their order.
async fn heard(client: &tokio_postgres::Client, user: &User) -> Vec<i16> {
    let sql = "SELECT kind FROM event WHERE stream = $1 AND kind IN ($2, $3) ORDER BY seq";
    let rows = client.query(sql, &[&user.id, &ASKED, &ANSWERED]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The reactor looks at all of a group once more, as after a crash before it has noted how far it has come.
async fn looked_again(client: &tokio_postgres::Client, group: Uuid) {
    let back = "UPDATE reactor_checkpoint SET pos = 0 WHERE reactor = 'join-notices'";
    client.batch_execute(back).await.unwrap();
    looked(client, group).await;
}

/// Until it was looked whom anything is to be told of what the group holds by now.
async fn looked(client: &tokio_postgres::Client, group: Uuid) {
    let sql = "SELECT bool_and(c.pos >= e.pos) FROM event e \
                 JOIN reactor_checkpoint c ON c.reactor = 'join-notices' AND c.lane = e.lane \
                WHERE e.stream = $1";
    eventually(async || {
        let row = client.query_one(sql, &[&group]).await.unwrap();
        row.get::<_, Option<bool>>(0).unwrap_or(false).then_some(())
    })
    .await;
}

fn join(group: Uuid) -> Value {
    json!({ "type": "group.join", "conversation": group })
}

fn answer(kind: &str, group: Uuid, user: &User) -> Value {
    json!({ "type": kind, "conversation": group, "user": user.id })
}

/// What whoever comes into a group by a link sends.
async fn join_by_link(keeper: &mut Socket, group: Uuid) -> Value {
    let link = keeper
        .acked(json!({ "type": "group.link.create", "conversation": group }))
        .await;
    json!({ "type": "group.join", "secret": link["data"]["secret"] })
}

/// A group that wants to be asked. Those who answer are its owner and these admins.
async fn asked_for(owner: &mut Socket, admins: &[&User]) -> Uuid {
    let group = owner.create_group(admins).await;
    let settings = json!({ "join": "request" });
    owner
        .acked(json!({ "type": "group.settings", "conversation": group, "settings": settings }))
        .await;
    for user in admins {
        let mut role = answer("group.role", group, user);
        role["role"] = json!("admin");
        owner.acked(role).await;
    }
    group
}

/// Those who answer in a scene: the first so many of its people.
const ANN: usize = 1;
const ANN_AND_BEN: usize = 2;

/// Ann, Ben, Cat and Dan, or the first of them, each with a socket to a node, and a group of Ann's that wants to be asked.
async fn scene<const N: usize>(nodes: [&TestNode; N], keepers: usize) -> ([User; N], [Socket; N], Uuid) {
    let names = ["ann", "ben", "cat", "dan"];
    let people = nodes[0].people(*names.first_chunk::<N>().unwrap()).await;
    let mut sockets = Vec::with_capacity(N);
    for (node, user) in nodes.iter().zip(&people) {
        sockets.push(node.socket(user).await);
    }
    let admins: Vec<&User> = people[1..keepers].iter().collect();
    let group = asked_for(&mut sockets[0], &admins).await;
    (people, sockets.try_into().ok().unwrap(), group)
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_answer_are_told_of_one_who_asks_and_of_others_when_all_are_answered() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let ([_, _, cat, dan], [mut a, mut b, mut c, mut d], group) =
        scene([&one, &two, &two, &one], ANN_AND_BEN).await;
    c.acked(join(group)).await;
    for keeper in [&mut a, &mut b] {
        assert_eq!(asked_by(keeper, group).await, cat.id);
    }
    // Dan is one of those of whom they know that there are some.
    d.acked(join(group)).await;
    a.acked(answer("group.approve", group, &cat)).await;
    let let_in = json!({ "conversation": group, "approved": true });
    assert_eq!(told(&mut c).await, ("join.answered".to_owned(), let_in));
    b.acked(answer("group.refuse", group, &dan)).await;
    let refused = json!({ "conversation": group, "approved": false });
    assert_eq!(told(&mut d).await, ("join.answered".to_owned(), refused));
    for keeper in [&mut a, &mut b] {
        all_answered(keeper, group).await;
    }
    let eve = one.register("eve").await;
    let mut later = two.socket(&eve).await;
    later.acked(join(group)).await;
    for keeper in [&mut a, &mut b] {
        assert_eq!(asked_by(keeper, group).await, eve.id);
    }
    // Whoever lets them in by their name has answered, too.
    a.acked(answer("group.add", group, &eve)).await;
    assert_eq!(told(&mut later).await.1["approved"], true);
    assert_eq!(told(&mut b).await.0, "group.answered");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_by_whoever_answers_is_not_told_of_and_cannot_tell() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let ([_, ben, cat], [mut a, mut b, mut c], group) = scene([&one, &two, &two], ANN).await;
    a.acked(json!({ "type": "user.block", "user": ben.id, "on": true }))
        .await;
    assert_eq!(told(&mut a).await.0, "user.blocked");
    let (of_ben, of_cat) = (b.acked(join(group)).await, c.acked(join(group)).await);
    assert_eq!(of_ben["data"], of_cat["data"]);
    assert_eq!(asked_by(&mut a, group).await, cat.id);
    // The group answers as it answers everybody.
    for (socket, user) in [(&mut b, &ben), (&mut c, &cat)] {
        a.acked(answer("group.refuse", group, user)).await;
        let refused = json!({ "conversation": group, "approved": false });
        assert_eq!(told(socket).await, ("join.answered".to_owned(), refused));
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_request_back_is_told_nothing_and_those_who_answer_are_told_that_it_ended() {
    let store = Store::new().await;
    let node = store.node().await;
    let ([_, ben, cat], [mut a, mut b, mut c], group) = scene([&node; 3], ANN).await;
    b.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, ben.id);
    b.acked(answer("group.withdraw", group, &ben)).await;
    all_answered(&mut a, group).await;
    // Of whoever asks behind it they are told again.
    c.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, cat.id);
    a.acked(answer("group.approve", group, &cat)).await;
    assert_eq!(told(&mut c).await.0, "join.answered");
    all_answered(&mut a, group).await;
    // What Ben is told next is of another group.
    let other = asked_for(&mut a, &[]).await;
    b.acked(join(other)).await;
    assert_eq!(asked_by(&mut a, other).await, ben.id);
    a.acked(answer("group.approve", other, &ben)).await;
    let let_in = json!({ "conversation": other, "approved": true });
    assert_eq!(told(&mut b).await, ("join.answered".to_owned(), let_in));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_way_somebody_comes_in_who_had_asked_those_who_answer_are_told_that_nobody_waits() {
    let store = Store::new().await;
    let client = store.client().await;
    let (one, two) = (store.node().await, store.node().await);
    let ([ann, ben, cat, dan], [mut a, mut b, mut c, mut d], group) =
        scene([&one, &two, &two, &one], ANN).await;
    let by_link = join_by_link(&mut a, group).await;
    b.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, ben.id);
    b.acked(by_link).await;
    all_answered(&mut a, group).await;
    c.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, cat.id);
    a.acked(answer("group.invite", group, &cat)).await;
    c.acked(json!({ "type": "group.accept", "conversation": group }))
        .await;
    all_answered(&mut a, group).await;
    d.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, dan.id);
    let open = json!({ "type": "group.settings", "conversation": group, "settings": { "join": "open" } });
    a.acked(open).await;
    d.acked(join(group)).await;
    all_answered(&mut a, group).await;
    looked(&client, group).await;
    assert_eq!(heard(&client, &ann).await, [ASKED, ANSWERED].repeat(3));
    // They know that they are in.
    for user in [&ben, &cat, &dan] {
        let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = 92";
        let told: i64 = client.query_one(sql, &[&user.id]).await.unwrap().get(0);
        assert_eq!(told, 0);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_waits_no_other_who_asks_no_more_ends_the_notice() {
    let store = Store::new().await;
    let client = store.client().await;
    let node = store.node().await;
    let ([ann, ben, cat, dan], [mut a, mut b, mut c, mut d], group) = scene([&node; 4], ANN).await;
    let by_link = join_by_link(&mut a, group).await;
    b.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, ben.id);
    for socket in [&mut c, &mut d] {
        socket.acked(join(group)).await;
    }
    b.acked(by_link).await;
    c.acked(answer("group.withdraw", group, &cat)).await;
    looked(&client, group).await;
    assert_eq!(heard(&client, &ann).await, [ASKED]);
    d.acked(answer("group.withdraw", group, &dan)).await;
    all_answered(&mut a, group).await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_is_told_that_somebody_asks_when_they_come_back() {
    let store = Store::new().await;
    let node = store.node().await;
    let ([ann, _], [a, mut b], group) = scene([&node; 2], ANN).await;
    drop(a);
    b.acked(join(group)).await;
    let client = store.client().await;
    eventually(async || {
        let sql = "SELECT count(*) FROM event WHERE stream = $1 AND kind = 90";
        let told: i64 = client.query_one(sql, &[&ann.id]).await.unwrap().get(0);
        (told == 1).then_some(())
    })
    .await;
    let (_, missed) = node.resumed(&ann, json!({})).await;
    assert!(
        missed.iter().any(|object| object["kind"] == "group.asked"),
        "{missed:?}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_and_goes_has_nobody_told_more_than_three_times_a_day() {
    let store = Store::new().await;
    let client = store.client().await;
    let node = store.node().await;
    let ([_, ben, cat], [mut a, mut b, mut c], group) = scene([&node; 3], ANN_AND_BEN).await;
    let by_link = join_by_link(&mut a, group).await;
    for (round, is_answered) in [true, false, true, false, true].into_iter().enumerate() {
        c.acked(join(group)).await;
        if round < 3 {
            assert_eq!(asked_by(&mut b, group).await, cat.id);
        }
        // Of who is answered before that nobody is told anyway.
        looked(&client, group).await;
        if is_answered {
            a.acked(answer("group.approve", group, &cat)).await;
            assert_eq!(told(&mut c).await.0, "join.answered");
        } else {
            c.acked(by_link.clone()).await;
        }
        if round < 3 {
            all_answered(&mut b, group).await;
        }
        c.acked(json!({ "type": "group.leave", "conversation": group }))
            .await;
    }
    // What Ben is told next is of another group.
    let other = asked_for(&mut a, &[&ben]).await;
    c.acked(join(other)).await;
    assert_eq!(asked_by(&mut b, other).await, cat.id);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_right_behind_the_last_answer_is_told_of() {
    let store = Store::new().await;
    let node = store.node().await;
    let ([_, ben, cat, dan], [mut a, mut b, mut c, mut d], group) = scene([&node; 4], ANN_AND_BEN).await;
    c.acked(join(group)).await;
    for keeper in [&mut a, &mut b] {
        assert_eq!(asked_by(keeper, group).await, cat.id);
    }
    a.acked(json!({ "type": "group.mute", "conversation": group, "user": ben.id, "on": true }))
        .await;
    // Most often before it is looked for what is new.
    a.acked(answer("group.refuse", group, &cat)).await;
    d.acked(join(group)).await;
    for keeper in [&mut a, &mut b] {
        all_answered(keeper, group).await;
    }
    assert_eq!(asked_by(&mut a, group).await, dan.id);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_ends_by_the_clock_and_who_is_muted_is_not_told_though_the_logs_time_is_ahead() {
    let store = Store::new().await;
    let client = store.client().await;
    let node = store.node().await;
    let ([_, ben, cat], [mut a, _, mut c], group) = scene([&node; 3], ANN_AND_BEN).await;
    let until = (Utc::now() + TimeDelta::hours(12)).to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut mute = answer("group.mute", group, &ben);
    mute["on"] = json!(true);
    mute["until"] = json!(until);
    a.acked(mute).await;
    store.log_time_ahead().await;
    c.acked(join(group)).await;
    let (kind, data) = told(&mut a).await;
    assert_eq!((kind.as_str(), id(&data["user"])), ("group.asked", cat.id));
    let until: DateTime<Utc> = text(&data["until"]).parse().unwrap();
    assert!(until <= Utc::now() + TimeDelta::days(1), "{until}");
    looked(&client, group).await;
    assert_eq!(heard(&client, &ben).await, [] as [i16; 0]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_looked_at_again_ends_no_notice_of_whoever_asked_behind_it() {
    let store = Store::new().await;
    let client = store.client().await;
    // Nobody is told anything until Cat has asked behind the answer to Ben.
    client.batch_execute(HELD).await.unwrap();
    let node = store.node().await;
    let ([ann, ben, cat], [mut a, mut b, mut c], group) = scene([&node; 3], ANN).await;
    b.acked(join(group)).await;
    a.acked(answer("group.refuse", group, &ben)).await;
    c.acked(join(group)).await;
    client.batch_execute(FREED).await.unwrap();
    assert_eq!(asked_by(&mut a, group).await, cat.id);
    looked(&client, group).await;
    looked_again(&client, group).await;
    assert_eq!(heard(&client, &ann).await, [ASKED]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_and_is_looked_at_again_ends_no_notice_of_whoever_asked_behind_it() {
    let store = Store::new().await;
    let client = store.client().await;
    client.batch_execute(HELD).await.unwrap();
    let (one, two) = (store.node().await, store.node().await);
    let ([ann, ben, _, dan], [mut a, mut b, mut c, mut d], group) =
        scene([&one, &two, &one, &two], ANN).await;
    let by_link = join_by_link(&mut a, group).await;
    b.acked(join(group)).await;
    b.acked(answer("group.withdraw", group, &ben)).await;
    c.acked(join(group)).await;
    c.acked(by_link).await;
    d.acked(join(group)).await;
    client.batch_execute(FREED).await.unwrap();
    assert_eq!(asked_by(&mut a, group).await, dan.id);
    looked(&client, group).await;
    looked_again(&client, group).await;
    assert_eq!(heard(&client, &ann).await, [ASKED]);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_tried_again_alone_ends_no_notice_that_stands_for_whoever_asked_behind_it() {
    let store = Store::new().await;
    let client = store.client().await;
    let node = store.node().await;
    let ([ann, ben, cat], [mut a, mut b, _], group) = scene([&node; 3], ANN).await;
    b.acked(join(group)).await;
    assert_eq!(asked_by(&mut a, group).await, ben.id);
    node.stop().await;
    // The answer was put aside because Ann could not be told of it, and Cat's request was looked at while the notice stood.
    client.batch_execute(HELD).await.unwrap();
    let node = store.node().await;
    let (mut a, mut c) = (node.socket(&ann).await, node.socket(&cat).await);
    a.acked(answer("group.refuse", group, &ben)).await;
    c.acked(join(group)).await;
    let aside = "INSERT INTO reactor_parked (reactor, lane, pos, stream, error, again) \
                 SELECT 'join-notices', lane, pos, stream, 'it was away', true FROM event WHERE stream = $1 AND kind = 15";
    client.execute(aside, &[&group]).await.unwrap();
    let past = "UPDATE reactor_checkpoint c SET pos = e.pos FROM event e \
                 WHERE c.reactor = 'join-notices' AND c.lane = e.lane AND e.stream = $1 AND e.kind = 14 \
                   AND e.pos = (SELECT max(pos) FROM event WHERE stream = $1)";
    assert_eq!(client.execute(past, &[&group]).await.unwrap(), 1);
    client.batch_execute(FREED).await.unwrap();
    eventually(async || {
        let sql = "SELECT count(*) FROM reactor_parked";
        let aside: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        (aside == 0).then_some(())
    })
    .await;
    assert_eq!(heard(&client, &ann).await, [ASKED]);
    // It ends with the answer to her.
    a.acked(answer("group.refuse", group, &cat)).await;
    all_answered(&mut a, group).await;
    assert_eq!(heard(&client, &ann).await, [ASKED, ANSWERED]);
    node.stop().await;
}
