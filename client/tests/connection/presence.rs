//! Who is there, asked for and told.

use crate::peer::{Listener, ROOM, next, within};
use serde_json::json;
use tidings_client::Incoming;
use tidings_protocol::Status;
use uuid::Uuid;

#[tokio::test]
async fn who_is_there_is_asked_for_and_told() {
    let listener = Listener::bind().await;
    let (client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    assert_eq!(next(&mut events).await, "connected");
    let user = Uuid::from_u128(7);
    let answering = async {
        let command = peer.read().await;
        assert_eq!(command["type"], "presence.watch");
        assert_eq!(command["users"], json!([user]));
        peer.write(&json!({"type": "presence.state", "id": command["id"], "users": {user.to_string(): {"online": true, "status": "dnd"}},
            "conversations": {ROOM.to_string(): {"online": 2}}}))
            .await;
        // One that nobody asked for takes the place of all that was said.
        peer.write(&json!({"type": "presence.state", "users": {}, "conversations": {}, "unknown": true}))
            .await;
        peer.write(&json!({"type": "presence", "user": user, "online": false}))
            .await;
        peer.write(&json!({"type": "presence.count", "conversation": ROOM, "online": 3}))
            .await;
    };
    let (state, ()) = tokio::join!(within(client.watch(vec![user], vec![ROOM])), answering);
    let state = state.unwrap();
    assert!(state.users[&user].online && state.conversations[&ROOM].online == 2);
    let mut told = vec![];
    for _ in 0..3 {
        told.push(within(events.next()).await.unwrap());
    }
    assert!(matches!(&told[0], Incoming::PresenceState(state) if state.unknown));
    assert!(
        matches!(&told[1], Incoming::Presence(presence) if presence.user == user && !presence.seen.online)
    );
    assert!(matches!(&told[2], Incoming::PresenceCount(count) if count.online == 3));
    client.status(Status::Away);
    assert_eq!(peer.read().await, json!({"type": "status", "value": "away"}));
}
