//! The other side of the wire, scripted by each test.

#![expect(
    clippy::unwrap_used,
    reason = "a script that does not go as written has failed"
)]

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tidings_client::{Backoff, Client, Config, EventStream, Incoming, connect};
use tidings_protocol::{Action, Content, MessageSend, SUBPROTOCOL};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
        http::HeaderValue,
    },
};
use uuid::Uuid;

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const ROOM: Uuid = Uuid::from_u128(7);

pub(crate) struct Listener(pub(crate) TcpListener);

impl Listener {
    pub(crate) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn config(&self) -> Config {
        let address = self.0.local_addr().unwrap();
        let mut config = Config::new(format!("ws://{address}/ws"), "a-token", "a-device");
        config.backoff =
            Backoff::new(Duration::from_millis(5), Duration::from_millis(20)).with_attempts_max(5);
        config
    }

    pub(crate) fn connect(&self) -> (Client, EventStream) {
        connect(self.config())
    }

    /// Waits for the next connection.
    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = within(self.0.accept()).await.unwrap();
        Peer(accept_hdr_async(stream, agree).await.unwrap())
    }

    /// The same, and takes its hello and welcomes it.
    pub(crate) async fn welcome(&self) -> (Peer, Value) {
        let mut peer = self.accept().await;
        let hello = peer.read().await;
        assert_eq!(hello["type"], "hello");
        peer.write(&welcome(25_000)).await;
        (peer, hello)
    }
}

/// The server's side of the upgrade.
#[expect(
    clippy::result_large_err,
    clippy::unnecessary_wraps,
    reason = "the signature is the library's"
)]
pub(crate) fn agree(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let name = HeaderValue::from_static(SUBPROTOCOL);
    response.headers_mut().insert("sec-websocket-protocol", name);
    Ok(response)
}

pub(crate) struct Peer(pub(crate) WebSocketStream<TcpStream>);

impl Peer {
    pub(crate) async fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = within(self.0.next()).await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    pub(crate) async fn write(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).await.unwrap();
    }

    pub(crate) async fn ack(&mut self, command: &Value, seq: u64) {
        self.write(
            &json!({"type": "ack", "id": command["id"], "conversation": ROOM, "seq": seq,
            "position": "0:1", "at": "2026-11-23T16:00:00.000Z"}),
        )
        .await;
    }

    pub(crate) async fn refuse(&mut self, command: &Value, code: &str, retryable: bool) {
        self.write(
            &json!({"type": "error", "id": command["id"], "code": code, "message": "no",
            "retryable": retryable, "retry_after_ms": 1}),
        )
        .await;
    }

    /// Answers fetches of a conversation that ends at `head`, each with at most `most` events, until the connection ends.
    pub(crate) async fn serve(mut self, head: u64, most: u64, event: impl Fn(u64) -> Value) {
        while let Some(Ok(message)) = self.0.next().await {
            let Message::Text(text) = message else { continue };
            let command: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(command["type"], "fetch");
            let from = command["from"].as_u64().unwrap();
            let limit = command["limit"].as_u64().unwrap();
            let to = head.min(from + limit.min(most) - 1);
            let events: Vec<_> = (from..=to).map(&event).collect();
            let answer = json!({"type": "events", "id": command["id"], "conversation": ROOM,
                "events": events, "more": to < head});
            // The client may be gone already.
            if self.0.send(Message::text(answer.to_string())).await.is_err() {
                return;
            }
        }
    }

    /// The next text, and what the pongs in front of it say.
    pub(crate) async fn text_and_pongs(&mut self) -> (Value, Vec<Vec<u8>>) {
        let mut pongs = vec![];
        loop {
            match within(self.0.next()).await.unwrap().unwrap() {
                Message::Text(text) => return (serde_json::from_str(&text).unwrap(), pongs),
                Message::Pong(payload) => pongs.push(payload.to_vec()),
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn ping(&mut self, payload: &'static [u8]) {
        self.0.send(Message::Ping(payload.into())).await.unwrap();
    }

    /// The code of the client's close frame; `None` when the connection ends without one.
    pub(crate) async fn closing(&mut self) -> Option<u16> {
        loop {
            match within(self.0.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Cuts the connection without a word.
    pub(crate) fn cut(self) {
        drop(self.0);
    }
}

pub(crate) fn welcome(heartbeat_ms: u64) -> Value {
    json!({"type": "welcome", "user": Uuid::nil(), "session": Uuid::nil(), "server": "scripted/1",
        "heartbeat_ms": heartbeat_ms, "time": "2026-11-23T16:00:00.000Z",
        "limits": {"frame_bytes": 65536, "text_bytes": 8192, "catch_up_events": 1000, "catch_up_total": 10000}})
}

pub(crate) fn event(seq: u64) -> Value {
    json!({"type": "event", "conversation": ROOM, "seq": seq, "kind": "message.sent", "actor": Uuid::nil(),
        "at": "2026-11-23T16:00:00.000Z",
        "data": {"message": Uuid::from_u128(u128::from(seq)), "content": {"kind": "text", "text": "hi"}}})
}

pub(crate) fn say(text: &str) -> Action {
    Action::MessageSend(MessageSend::new(ROOM, Content::text(text)))
}

pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it takes too long")
}

/// The next values of the stream, shortened: events as their seq.
pub(crate) async fn next(events: &mut EventStream) -> String {
    match within(events.next()).await {
        None => "end".to_owned(),
        Some(Incoming::Connected(_)) => "connected".to_owned(),
        Some(Incoming::Synced) => "synced".to_owned(),
        Some(Incoming::Event(event)) => event.seq.to_string(),
        Some(Incoming::Gap(gap)) => format!("gap {}..{}", gap.from, gap.to),
        Some(Incoming::Rewound { to, .. }) => format!("back to {to}"),
        Some(Incoming::Notice(notice)) => format!("notice {}", notice.seq),
        Some(Incoming::Disconnected {
            retry_in: Some(_), ..
        }) => "disconnected".to_owned(),
        Some(Incoming::Disconnected {
            reason,
            retry_in: None,
        }) => format!("over: {reason}"),
        Some(other) => format!("{other:?}"),
    }
}
