//! What people show of themselves, and what they want of others.

use crate::support::*;
use serde_json::{Value, json};

/// A picture of one transparent pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

async fn seen(node: &TestNode, viewer: &User, user: &User, after: &Value) -> Value {
    let query = format!(
        "{{ user(id: \"{}\") {{ displayName about avatar {{ id url }} names {{ displayName }} settings {{ direct }} }} }}",
        user.id
    );
    let answer = node.graphql(viewer, &query, after["position"].as_str()).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["user"].clone()
}

async fn upload(node: &TestNode, user: &User, bytes: &'static [u8]) -> Value {
    let url = node.url("/attachments?name=me.png");
    let sent = node.http.post(url).bearer_auth(&user.token).body(bytes).send();
    let answer: Value = serde_json::from_str(&sent.await.unwrap().text().await.unwrap()).unwrap();
    answer["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_shows_is_seen_by_all_and_told_to_their_own_devices() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut phone, mut tablet) = (one.socket(&ann).await, two.socket(&ann).await);
    let mut b = two.socket(&ben).await;
    let picture = upload(&one, &ann, PIXEL).await;
    let shown = json!({ "display_name": "Ann B.", "about": "from Turin", "avatar": picture });
    let mut update = shown.clone();
    update["type"] = json!("profile.update");
    let ack = phone.acked(update.clone()).await;
    assert_eq!(
        ack["conversation"],
        json!(ann.id),
        "what is about oneself names oneself"
    );
    for socket in [&mut phone, &mut tablet] {
        let notice = socket.until("notice").await;
        assert_eq!(
            (&notice["kind"], &notice["data"]),
            (&json!("profile.updated"), &shown)
        );
        assert_eq!(notice["seq"], ack["seq"]);
    }
    for (node, viewer) in [(&one, &ann), (&two, &ben)] {
        let seen = seen(node, viewer, &ann, &ack).await;
        assert_eq!(
            (&seen["displayName"], &seen["about"]),
            (&json!("Ann B."), &json!("from Turin"))
        );
        let names = seen["names"].as_array().unwrap();
        assert_eq!((names.len(), &names[0]["displayName"]), (2, &json!("Ann B.")));
        assert_eq!(seen["avatar"]["id"], picture);
        // The picture is for everybody, also by its address alone.
        let url = node.url(seen["avatar"]["url"].as_str().unwrap());
        assert_eq!(node.http.get(url).send().await.unwrap().status(), 200);
    }
    // What is said again under its id is the same, and told once.
    let seq = ack["seq"].as_u64().unwrap() + 1;
    phone.acked_twice(update, seq).await;
    // An empty text takes it away, and what is not named stays.
    let ack = phone
        .acked(json!({ "type": "profile.update", "about": "", "avatar": "" }))
        .await;
    let seen = seen(&two, &ben, &ann, &ack).await;
    assert_eq!((&seen["about"], &seen["avatar"]), (&Value::Null, &Value::Null));
    assert_eq!(seen["displayName"], json!("Ann B."));
    // Nobody else is told.
    b.send(&json!({ "type": "ping" })).await;
    assert_eq!(b.receive().await["type"], json!("pong"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_refused_by_its_field() {
    let store = Store::new().await;
    let node = store.node().await;
    let [ann, ben] = node.people(["ann", "ben"]).await;
    let mut phone = node.socket(&ann).await;
    let (bens, text) = (
        upload(&node, &ben, PIXEL).await,
        upload(&node, &ann, b"words").await,
    );
    for (field, value, code) in [
        ("display_name", json!(" "), "invalid_argument"),
        ("display_name", json!("a\nb"), "invalid_argument"),
        ("display_name", json!(7), "invalid_argument"),
        ("display_name", json!("a".repeat(65)), "too_large"),
        ("about", json!("a\u{202e}b"), "invalid_argument"),
        ("about", json!("a".repeat(257)), "too_large"),
        ("avatar", json!("x"), "invalid_argument"),
        ("avatar", bens, "not_found"),
        ("avatar", json!(uuid::Uuid::new_v4()), "not_found"),
        ("avatar", text, "invalid_argument"),
    ] {
        let update = json!({ "type": "profile.update", field: value });
        let refused = phone.refused(update, code).await;
        assert_eq!(refused["field"], json!(field), "{value}");
    }
    for (field, value) in [
        ("direct", json!("friends")),
        ("add_me", json!(true)),
        ("last_seen", json!("")),
        ("receipts", json!("no")),
    ] {
        let update = json!({ "type": "settings.update", field: value });
        let refused = phone.refused(update, "invalid_argument").await;
        assert_eq!(refused["field"], json!(field), "{value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_wants_is_told_to_their_own_devices_and_shown_to_nobody_else() {
    let store = Store::new().await;
    let (one, two) = (store.node().await, store.node().await);
    let [ann, ben] = one.people(["ann", "ben"]).await;
    let (mut phone, mut tablet) = (one.socket(&ann).await, two.socket(&ann).await);
    let wanted = json!({ "receipts": false, "direct": "contacts" });
    let mut update = wanted.clone();
    update["type"] = json!("settings.update");
    let ack = phone.acked(update.clone()).await;
    for socket in [&mut phone, &mut tablet] {
        let notice = socket.until("notice").await;
        assert_eq!(
            (&notice["kind"], &notice["data"]),
            (&json!("settings.updated"), &wanted)
        );
    }
    let query = "{ me { settings { receipts lastSeen direct addMe } } }";
    let answer = two.graphql(&ann, query, ack["position"].as_str()).await;
    assert_eq!(
        answer["data"]["me"]["settings"],
        json!({ "receipts": false, "lastSeen": "EVERYONE", "direct": "CONTACTS", "addMe": "EVERYONE" })
    );
    assert_eq!(seen(&two, &ben, &ann, &ack).await["settings"], Value::Null);
    // What is so already is acked, and nobody is told.
    let again = phone.acked(update).await;
    assert_eq!(again["seq"], ack["seq"]);
    phone.send(&json!({ "type": "ping" })).await;
    assert_eq!(phone.receive().await["type"], json!("pong"));
}
