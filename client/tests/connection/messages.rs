//! What changes a message goes out behind it, and what is told of it is typed.

use serde_json::json;
use tidings_client::Incoming;
use tidings_protocol::{
    Content, EventData, MessageEdited, MessageRecalled, MessageSent, ReactionChanged, Source,
};
use uuid::Uuid;

use crate::peer::{Listener, ROOM, say, within};

#[tokio::test]
async fn edits_reactions_and_recalls_follow_their_message_and_are_acked() {
    let listener = Listener::bind().await;
    let (client, _events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let sent = client.send(say("helo")).await.unwrap();
    let message = sent.id();
    let edit = client.edit(ROOM, message, Content::text("hello")).await.unwrap();
    let react = client.react(ROOM, message, "👍", true).await.unwrap();
    let recall = client.recall(ROOM, message).await.unwrap();
    let source = Source {
        conversation: Uuid::from_u128(8),
        message,
    };
    let forward = client.forward(ROOM, source).await.unwrap();

    let (room, of) = (ROOM.to_string(), message.to_string());
    let expected = [
        json!({"type": "message.send", "conversation": room, "content": {"kind": "text", "text": "helo"}}),
        json!({"type": "message.edit", "conversation": room, "message": of,
            "content": {"kind": "text", "text": "hello"}}),
        json!({"type": "message.react", "conversation": room, "message": of, "emoji": "👍", "on": true}),
        json!({"type": "message.recall", "conversation": room, "message": of}),
        json!({"type": "message.send", "conversation": room,
            "forward": {"conversation": source.conversation, "message": of}}),
    ];
    for (seq, (pending, mut expected)) in
        (5..).zip([sent, edit, react, recall, forward].into_iter().zip(expected))
    {
        let command = peer.read().await;
        expected["id"] = json!(pending.id());
        assert_eq!(command, expected);
        peer.ack(&command, seq).await;
        assert_eq!(within(pending).await.unwrap().seq, seq);
    }
}

#[tokio::test]
async fn what_became_of_a_message_comes_out_typed() {
    let listener = Listener::bind().await;
    let (_client, mut events) = listener.connect();
    let (mut peer, _) = listener.welcome().await;
    let message = Uuid::from_u128(99);
    let data = [
        ("message.sent", json!({"message": message, "content": null})),
        (
            "message.edited",
            json!({"message": message, "message_seq": 1, "content": null}),
        ),
        (
            "reaction.changed",
            json!({"message": message, "message_seq": 1, "emoji": ":wave:", "on": false}),
        ),
        (
            "message.recalled",
            json!({"message": message, "message_seq": 1, "message_no": 1}),
        ),
    ];
    for (seq, (kind, data)) in (1..).zip(data) {
        peer.write(
            &json!({"type": "event", "conversation": ROOM, "seq": seq, "kind": kind,
            "actor": Uuid::nil(), "at": "2026-11-26T12:00:00.000Z", "data": data}),
        )
        .await;
    }
    let mut seen = vec![];
    while seen.len() < 4 {
        if let Some(Incoming::Event(event)) = within(events.next()).await {
            seen.push(event.decode());
        }
    }
    let message_seq = 1;
    assert_eq!(
        seen,
        [
            EventData::MessageSent(MessageSent {
                message,
                content: None,
                withheld: false,
                reply_to: None,
                mentions: vec![],
                thread: None,
                thread_author: None,
                also: false,
                everyone: false,
                forwarded: None,
                slow: None,
            }),
            EventData::MessageEdited(MessageEdited {
                message,
                message_seq,
                content: None,
            }),
            EventData::ReactionChanged(ReactionChanged {
                message,
                message_seq,
                emoji: ":wave:".to_owned(),
                on: false,
            }),
            EventData::MessageRecalled(MessageRecalled {
                message,
                message_seq,
                message_no: 1,
                reason: None,
            }),
        ]
    );
}
