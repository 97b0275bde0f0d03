//! `/graphql/ws`: the protocol `graphql-transport-ws`.
//!
//! One task owns a socket: it reads, runs the operations, and writes. What it writes waits for the client to read, and so do
//! the operations behind it; a client that reads nothing is dropped.

mod frames;
mod operations;

use super::{NotBearer, Service, not_bearer, token_of};
use crate::errors::Refusal;
use crate::viewer::Viewer;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use frames::{Closing, FromClient, ToClient};
use operations::{Event, Operations};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite;

const PROTOCOL: &str = "graphql-transport-ws";
const MESSAGE_BYTES_MAX: usize = super::REQUEST_BYTES_MAX;
/// A message of up to this length is read whole before it is refused, so that nothing unread resets the connection before
/// its sender has read why.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;
/// How long a client's own close is waited for.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often the client is asked whether it is still there. One that has been silent for two of these is not.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// How long the client may take to read one message.
const SEND: Duration = Duration::from_secs(10);

/// `GET /graphql/ws`.
pub(super) async fn upgrade(
    State(service): State<Service>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return no_websocket();
    };
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let draining = service.draining.clone();
            let mut connection = Connection { service, socket };
            let ended = tokio::select! {
                ended = connection.serve(&headers) => ended,
                () = draining.cancelled() => End::Close(Closing::GoingAway),
            };
            if let End::Close(closing) = ended {
                connection.close(closing).await;
            }
        })
}

/// RFC 6455, 4.4: whoever asks otherwise is told which version there is.
fn no_websocket() -> Response {
    let says = [
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::UPGRADE, "websocket"),
        (header::CONNECTION, "upgrade"),
    ];
    (StatusCode::UPGRADE_REQUIRED, says).into_response()
}

struct Connection {
    service: Service,
    socket: WebSocket,
}

/// How a connection comes to its end.
enum End {
    /// The client is gone, or as good as gone.
    Gone,
    /// The client is told why.
    Close(Closing),
}

impl From<Closing> for End {
    fn from(closing: Closing) -> Self {
        Self::Close(closing)
    }
}

impl Connection {
    async fn serve(&mut self, headers: &HeaderMap) -> End {
        match self.talk(headers).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn talk(&mut self, headers: &HeaderMap) -> Result<std::convert::Infallible, End> {
        if self.socket.protocol().is_none() {
            return Err(Closing::WrongProtocol.into());
        }
        let viewer = self.greet(headers).await?;
        self.send(&ToClient::ConnectionAck).await?;
        let mut operations = Operations::new(self.service.graphql.clone(), viewer.clone());
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.reset();
        let expiry = sleep(viewer.valid_for.unwrap_or(Duration::MAX));
        tokio::pin!(expiry);
        let authenticate = Arc::clone(&self.service.authenticate);
        let mut ended = authenticate.ended(&viewer);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                message = receive(&mut self.socket) => {
                    heard = Instant::now();
                    if let Some(message) = message? {
                        self.handle(message, &mut operations).await?;
                    }
                }
                Some(event) = operations.next() => self.tell(event).await?,
                _ = keep_alive.tick() => {
                    if heard.elapsed() > 2 * KEEP_ALIVE {
                        return Err(End::Gone);
                    }
                    self.send(&ToClient::Ping).await?;
                }
                () = &mut expiry => return Err(Closing::Forbidden.into()),
                () = &mut ended => return Err(Closing::Forbidden.into()),
            }
        }
    }

    /// Waits for the first message and finds out who is there.
    async fn greet(&mut self, headers: &HeaderMap) -> Result<Viewer, End> {
        let deadline = Instant::now() + self.service.init;
        loop {
            let message = timeout_at(deadline, receive(&mut self.socket))
                .await
                .map_err(|_| Closing::InitTimeout)??;
            match message {
                Some(FromClient::ConnectionInit { payload }) => {
                    let found = timeout_at(deadline, viewer(&self.service, payload.as_ref(), headers)).await;
                    return match found.map_err(|_| Closing::InitTimeout)? {
                        Ok(Some(viewer)) => Ok(viewer),
                        Ok(None) => Err(Closing::Forbidden.into()),
                        Err(refusal) => Err(Closing::of(&refusal).into()),
                    };
                }
                Some(FromClient::Ping { payload }) => self.send(&ToClient::Pong { payload }).await?,
                Some(FromClient::Subscribe { .. }) => return Err(Closing::Unauthorized.into()),
                Some(FromClient::Pong | FromClient::Complete { .. }) | None => {}
            }
        }
    }

    async fn handle(&mut self, message: FromClient, operations: &mut Operations) -> Result<(), End> {
        match message {
            FromClient::ConnectionInit { .. } => Err(Closing::TooManyInits.into()),
            FromClient::Ping { payload } => self.send(&ToClient::Pong { payload }).await,
            FromClient::Pong => Ok(()),
            FromClient::Subscribe { id, payload } => {
                if operations.has(&id) {
                    return Err(Closing::Duplicate(id).into());
                }
                match operations.start(id.clone(), payload) {
                    Ok(()) => Ok(()),
                    Err(refusal) => {
                        self.tell(Event::Refused(id, refusal.into_response().errors))
                            .await
                    }
                }
            }
            FromClient::Complete { id } => {
                operations.end(&id);
                Ok(())
            }
        }
    }

    async fn tell(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Answer(id, answer) => {
                let encoding = move || {
                    let payload = &answer.response;
                    // It counts among the answers until it is sent.
                    (encode(&ToClient::Next { id: &id, payload }), answer)
                };
                let (text, _answer) = self.service.graphql.aside(encoding).await.ok_or(End::Gone)?;
                self.send_text(text?).await
            }
            Event::Refused(id, payload) => {
                let (id, payload) = (&id, &payload);
                self.send(&ToClient::Error { id, payload }).await
            }
            Event::Ended(id) => self.send(&ToClient::Complete { id: &id }).await,
        }
    }

    async fn send(&mut self, message: &ToClient<'_>) -> Result<(), End> {
        self.send_text(encode(message)?).await
    }

    async fn send_text(&mut self, text: String) -> Result<(), End> {
        match timeout(SEND, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }

    async fn close(mut self, closing: Closing) {
        let frame = CloseFrame {
            code: closing.code(),
            reason: closing.reason().into_owned().into(),
        };
        let _ = timeout(SEND, self.socket.send(Message::Close(Some(frame)))).await;
        // A socket that is dropped with unread bytes is reset, which can overtake the reason.
        let farewell = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = timeout(FAREWELL, farewell).await;
    }
}

fn encode(message: &ToClient<'_>) -> Result<String, End> {
    serde_json::to_string(message).map_err(|_| End::Gone)
}

/// Who the greeting speaks for, or else the upgrade.
async fn viewer(
    service: &Service,
    payload: Option<&Value>,
    headers: &HeaderMap,
) -> Result<Option<Viewer>, Refusal> {
    let text = |name: &str| {
        payload
            .and_then(|payload| payload.get(name))
            .and_then(Value::as_str)
    };
    let authorization = text("authorization").or_else(|| text("Authorization"));
    let token = match (text("token"), authorization) {
        (Some(token), _) => token,
        (None, Some(authorization)) => token_of(authorization).map_err(|NotBearer| not_bearer())?,
        (None, None) => return service.viewer(headers).await,
    };
    service.authenticate.viewer(token).await.map(Some)
}

/// The next message; `None` for one that only shows that the client is there.
async fn receive(socket: &mut WebSocket) -> Result<Option<FromClient>, End> {
    match socket.recv().await {
        Some(Ok(Message::Text(text))) if text.len() > MESSAGE_BYTES_MAX => Err(Closing::TooBig.into()),
        Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
            Ok(message) => Ok(Some(message)),
            Err(_) => Err(Closing::InvalidMessage.into()),
        },
        Some(Ok(Message::Binary(_))) => Err(Closing::InvalidMessage.into()),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(match error.into_inner().downcast_ref() {
            Some(tungstenite::Error::Capacity(_)) => Closing::TooBig.into(),
            _ => End::Gone,
        }),
    }
}
