//! Lanes that are added while nodes run.

use crate::faults::{port_of, through};
use crate::support::*;
use serde_json::json;
use std::time::Duration;
use tidings_eventlog::{LogConfig, schema};
use tidings_services::ChaosProxy;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn running_nodes_take_up_a_lane_that_is_added_and_nobody_is_refused_meanwhile() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let (ann, ben) = (one.register("ann").await, two.register("ben").await);
    let (mut a, mut b) = (one.socket(&ann).await, two.socket(&ben).await);
    let config = LogConfig::from_url(store.database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    schema::migrate(&config, 5).await.unwrap();

    // Whoever comes at once is let in.
    let mut early = two.socket(&ben).await;
    let cat = eventually(async || {
        let user = one.register("cat").await;
        (user.id.as_bytes()[15] == 4).then_some(user)
    })
    .await;
    // The other node need not have seen the lane yet.
    let mut c = two.socket(&cat).await;
    let group = c.create_group(&[&ann, &ben]).await;
    assert_eq!(group.as_bytes()[15], 4);
    let position = text(&c.say(group, "hello").await["position"]);
    // Those who were there before the lane was see what happens in it.
    for socket in [&mut a, &mut b, &mut early, &mut c] {
        assert_eq!(seqs(&socket.events(group, 2).await), [1, 2]);
    }
    b.say(group, "hi").await;
    for socket in [&mut a, &mut early, &mut c] {
        assert_eq!(words(&socket.events(group, 1).await), ["hi"]);
    }
    let query = format!("{{ conversation(id: \"{group}\") {{ lastSeq }} }}");
    for node in [&one, &two] {
        eventually(async || {
            let answer = node.graphql(&ann, &query, Some(&position)).await;
            answer["data"]["conversation"]["lastSeq"]
                .as_u64()
                .filter(|seq| *seq >= 2)
        })
        .await;
    }
    // A lane that the log does not have is no lane.
    let nowhere = Uuid::from_u128(0xffff);
    a.refused(message(nowhere, "?"), "not_a_member").await;
    let somebody = json!({ "type": "direct.open", "user": Uuid::from_u128(0xffff) });
    a.refused(somebody, "not_found").await;
    a.refused(
        json!({ "type": "fetch", "conversation": nowhere, "from": 1, "limit": 1 }),
        "not_a_member",
    )
    .await;
    one.stop().await;
    two.stop().await;
}

/// A lane is used by others for a while before a node can find out that it is there.
#[tokio::test(flavor = "multi_thread")]
async fn what_happened_in_a_lane_before_a_node_knew_of_it_reaches_those_who_were_connected() {
    let store = Store::new().await;
    let proxy = ChaosProxy::to_port(port_of(store.database.url())).await.unwrap();
    let mut config = store.config();
    config.database_url = Some(through(store.database.url(), proxy.port()));
    // It keeps its clients however long it cannot write.
    config.unwritable_s = 3600;
    let (one, two) = (store.node().await, TestNode::start(config).await);
    let ben = one.register("ben").await;
    let mut b = two.socket(&ben).await;
    proxy.stall();
    let config = LogConfig::from_url(store.database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    schema::migrate(&config, 5).await.unwrap();
    let cat = eventually(async || {
        let user = one.register("cat").await;
        (user.id.as_bytes()[15] == 4).then_some(user)
    })
    .await;
    let mut c = one.socket(&cat).await;
    let group = c.create_group(&[&ben]).await;
    c.say(group, "hello").await;
    proxy.restore();
    assert_eq!(seqs(&b.events(group, 2).await), [1, 2]);
    one.stop().await;
    two.stop().await;
}

/// Somebody makes or swaps read models, so that the new lane gets no places in them.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_has_no_places_yet_keeps_nobody_from_connecting() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut a = node.socket(&ann).await;
    let conversation = a.open_direct(&ben).await;
    let database = store.client().await;
    database
        .batch_execute("SELECT pg_advisory_lock(hashtextextended('tidings.projections', 0))")
        .await
        .unwrap();
    let config = LogConfig::from_url(store.database.url())
        .unwrap()
        .with_timeout(PATIENCE);
    schema::migrate(&config, 5).await.unwrap();
    let mut b = node.socket(&ben).await;
    let places = "SELECT count(*) FROM projection_checkpoint WHERE lane = 4";
    let row = database.query_one(places, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
    a.say(conversation, "hello").await;
    b.take(|object| object["data"]["content"]["text"] == "hello")
        .await;
    database
        .batch_execute("SELECT pg_advisory_unlock(hashtextextended('tidings.projections', 0))")
        .await
        .unwrap();
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_made_in_time_however_often_somebody_asks_for_a_lane_that_is_not_there() {
    let store = Store::new().await;
    let node = store.node().await;
    let ann = node.register("ann").await;
    let mut a = node.socket(&ann).await;
    let database = store.client().await;
    let nowhere = Uuid::from_u128(0xffff);
    for _ in 0..20 {
        a.command(message(nowhere, "?")).await;
    }
    // The segment that the node has to make again.
    database.batch_execute("DROP TABLE event_000001").await.unwrap();
    let made = eventually(async || {
        let row = database
            .query_one("SELECT to_regclass('event_000001') IS NOT NULL", &[])
            .await;
        row.unwrap().get::<_, bool>(0).then_some(())
    });
    let asking = async {
        loop {
            a.command(message(nowhere, "?")).await;
            // Far more often than segments are looked after, and not so often that it is refused.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = made => {}
        () = asking => {}
    }
    node.stop().await;
}
