//! What becomes of messages behind their acks.

use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::{Value, json};
use tidings_client::SendStatus;
use uuid::Uuid;

use crate::peer::{Listener, ROOM, event, say, within};

/// Somebody else than the user, whom the scripted server welcomes as the nil id.
const BEN: Uuid = Uuid::from_u128(2);

fn receipt(user: Uuid, delivered: u64, read: u64) -> Value {
    json!({ "type": "receipt", "conversation": ROOM, "user": user, "delivered_seq": delivered, "read_seq": read })
}

async fn becomes(changes: &mut BoxStream<'static, SendStatus>, wanted: SendStatus) {
    let wanted = async { while changes.next().await.expect("it goes on") != wanted {} };
    within(wanted).await;
}

#[tokio::test]
async fn a_message_is_sent_then_delivered_then_read() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let one = client.send(say("one")).await.unwrap();
    let two = client.send(say("two")).await.unwrap();
    let (mut first, mut second) = (one.changes(), two.changes());
    let (frame, next) = (peer.read().await, peer.read().await);
    peer.ack(&frame, 5).await;
    becomes(&mut first, SendStatus::Sent).await;
    // One's own devices say nothing of others.
    peer.write(&receipt(Uuid::nil(), 9, 9)).await;
    peer.write(&receipt(BEN, 5, 0)).await;
    becomes(&mut first, SendStatus::Delivered).await;
    // It may be behind what was heard of it.
    peer.write(&receipt(BEN, 7, 5)).await;
    becomes(&mut first, SendStatus::Read).await;
    assert_eq!(within(first.next()).await, None);
    peer.ack(&next, 6).await;
    becomes(&mut second, SendStatus::Delivered).await;
    // Who answers has read what is before the answer, in the main line alone.
    let mut reply = event(8);
    reply["actor"] = json!(BEN);
    reply["data"]["thread"] = json!(ROOM);
    peer.write(&reply).await;
    let mut reply = event(9);
    reply["actor"] = json!(BEN);
    assert_eq!(two.status(), SendStatus::Delivered);
    peer.write(&reply).await;
    becomes(&mut second, SendStatus::Read).await;
}

#[tokio::test]
async fn nothing_but_a_message_is_delivered() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let pinned = client.pin(ROOM, ROOM, true).await.unwrap();
    let mut changes = pinned.changes();
    let frame = peer.read().await;
    peer.write(&receipt(BEN, 9, 9)).await;
    peer.ack(&frame, 5).await;
    becomes(&mut changes, SendStatus::Sent).await;
    assert_eq!(within(changes.next()).await, None);
}
