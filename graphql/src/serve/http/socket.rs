//! `/graphql/ws`: the protocol `graphql-transport-ws`.
//!
//! The library speaks it: it reads what a client says, runs the operations, and writes out their answers. Between it and the
//! socket stands one task, which owns the socket, lets through what is allowed, and knows when to close. What is written waits
//! for the client to read, and so do the operations behind it; a client that reads nothing is dropped.

mod closing;
mod gate;
mod operations;

use super::{Authenticate, NotBearer, Service, not_bearer, token_of};
use crate::errors::Refusal;
use crate::viewer::Viewer;
use async_graphql::{Data, ServerError};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts as _, State};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use closing::Closing;
use futures_util::future::BoxFuture;
use futures_util::{sink, stream};
use gate::{Gate, Heard};
use operations::{Beside, Operations};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
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
const PING: &str = r#"{"type":"ping"}"#;
/// How long the client may take to read one message.
const SEND: Duration = Duration::from_secs(10);

/// `GET /graphql/ws`.
pub(super) async fn upgrade(
    State(service): State<Service>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let (Ok(upgrade), Some(protocol)) = (upgrade, protocol().await) else {
        return no_websocket();
    };
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let draining = service.draining.clone();
            let mut connection = Connection {
                service,
                socket,
                gate: Gate::default(),
            };
            let ended = tokio::select! {
                ended = connection.talk(protocol, headers) => ended,
                () = draining.cancelled() => End::Close(Closing::GoingAway),
            };
            if let End::Close(closing) = ended {
                connection.close(closing).await;
            }
        })
}

/// The library's name for the protocol, which it gives only to a request that asks for it.
async fn protocol() -> Option<GraphQLProtocol> {
    let request = Request::builder().header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    let (mut parts, ()) = request.body(()).ok()?.into_parts();
    GraphQLProtocol::from_request_parts(&mut parts, &()).await.ok()
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
    gate: Gate,
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

/// Something that the library says, and what goes with it.
type Said = (Message, Option<Beside>);

impl Connection {
    async fn talk(&mut self, protocol: GraphQLProtocol, headers: HeaderMap) -> End {
        if self.socket.protocol().is_none() {
            return Closing::WrongProtocol.into();
        }
        let (to_library, from_client) = mpsc::channel(1);
        let (to_client, from_library) = mpsc::channel(1);
        let (greeted, greeting) = oneshot::channel();
        let library = speak(&self.service, protocol, headers, from_client, to_client, greeted);
        let graphql = self.service.graphql.clone();
        // To read requests and to write out answers takes as long as they are. That the library has ended is heard behind the last
        // that it says.
        let speaking = async move {
            let _ = graphql.at_desk(library).await;
            pending::<Infallible>().await
        };
        tokio::select! {
            ended = self.pass(to_library, from_library, greeting) => match ended {
                Ok(never) => match never {},
                Err(end) => end,
            },
            never = speaking => match never {},
        }
    }

    /// Passes on what client and library say, for as long as they may talk.
    async fn pass(
        &mut self,
        to_library: mpsc::Sender<Message>,
        mut from_library: mpsc::Receiver<Said>,
        mut greeting: oneshot::Receiver<Result<Viewer, Closing>>,
    ) -> Result<Infallible, End> {
        let authenticate = Arc::clone(&self.service.authenticate);
        let mut until: BoxFuture<'_, Closing> = Box::pin(too_late(self.service.init));
        let mut is_greeted = false;
        let mut keep_alive = interval(KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        keep_alive.reset();
        let mut heard = Instant::now();
        // The library takes one message after the other, and meanwhile the client is not read.
        let (mut place, mut is_over) = (None, false);
        loop {
            tokio::select! {
                free = to_library.reserve(), if place.is_none() && !is_over => match free {
                    Ok(free) => place = Some(free),
                    // It hears no more, but may have something left to say.
                    Err(_) => is_over = true,
                },
                text = receive(&mut self.socket), if place.is_some() && self.gate.is_open() => {
                    heard = Instant::now();
                    let Some(text) = text? else { continue };
                    match self.gate.hear(text)? {
                        Heard::Passed(text) => pass_on(&mut place, text),
                        Heard::Kept => {}
                        Heard::Refused(id, refusal) => self.refuse(&id, &refusal.into_response().errors).await?,
                    }
                }
                said = from_library.recv() => {
                    let (message, beside) = said.ok_or(End::Gone)?;
                    self.tell(message, beside).await?;
                    if let Some(text) = self.gate.release() {
                        pass_on(&mut place, text);
                    }
                }
                found = &mut greeting, if !is_greeted => {
                    is_greeted = true;
                    // A library that ends without a greeting has said why, and that is still to be heard.
                    if let Ok(found) = found {
                        until = Box::pin(no_longer(Arc::clone(&authenticate), found?));
                    }
                }
                _ = keep_alive.tick() => {
                    if heard.elapsed() > 2 * KEEP_ALIVE {
                        return Err(End::Gone);
                    }
                    self.send(Message::text(PING)).await?;
                }
                closing = &mut until => return Err(closing.into()),
            }
        }
    }

    /// Tells the client what the library says, if the client is to hear it.
    async fn tell(&mut self, message: Message, beside: Option<Beside>) -> Result<(), End> {
        match (message, beside) {
            (Message::Close(frame), _) => Err(Closing::meant_by(frame.map_or(0, |frame| frame.code)).into()),
            (Message::Text(text), Some(Beside::Refused(errors))) => match gate::id_of(&text) {
                Some(id) => {
                    self.gate.refused(&id);
                    self.refuse(&id, &errors).await
                }
                None => Err(End::Gone),
            },
            (message, Some(Beside::Held(held))) => {
                let sent = self.send(message).await;
                // It counts among the answers until it is sent.
                drop(held);
                sent
            }
            (Message::Text(text), None) if !self.gate.lets_out(&text) => Ok(()),
            (message, None) => self.send(message).await,
            (_, Some(Beside::Refused(_))) => Err(End::Gone),
        }
    }

    /// Says that an operation was never executed.
    async fn refuse(&mut self, id: &str, errors: &[ServerError]) -> Result<(), End> {
        let message = json!({ "type": "error", "id": id, "payload": errors });
        self.send(Message::text(message.to_string())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND, self.socket.send(message)).await {
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

/// The library's part: reads from `from_client` and answers to `to_client`.
fn speak(
    service: &Service,
    protocol: GraphQLProtocol,
    headers: HeaderMap,
    mut from_client: mpsc::Receiver<Message>,
    to_client: mpsc::Sender<Said>,
    greeted: oneshot::Sender<Result<Viewer, Closing>>,
) -> impl Future<Output = ()> + Send + use<> {
    let operations = Operations::new(service.graphql.clone());
    let input = stream::poll_fn(move |context| from_client.poll_recv(context).map(|message| message.map(Ok)));
    let beside = operations.clone();
    let output = sink::unfold(to_client, move |to_client, message| {
        let said = (message, beside.beside());
        async move { to_client.send(said).await.map(|()| to_client) }
    });
    let greeter = Arc::new(Greeter {
        service: service.clone(),
        headers,
        operations: operations.clone(),
        greeted: Mutex::new(Some(greeted)),
    });
    GraphQLWebSocket::new_with_pair(output, input, operations, protocol)
        .on_connection_init(move |payload| Arc::clone(&greeter).greet(payload))
        .on_ping(|_, payload| std::future::ready(Ok(payload)))
        .serve()
}

/// Answers the greeting.
struct Greeter {
    service: Service,
    headers: HeaderMap,
    operations: Operations,
    greeted: Mutex<Option<oneshot::Sender<Result<Viewer, Closing>>>>,
}

impl Greeter {
    /// Finds out who is there, and says so to the task that owns the socket.
    async fn greet(self: Arc<Self>, payload: Value) -> async_graphql::Result<Data> {
        let found = match viewer(&self.service, &payload, &self.headers).await {
            Ok(Some(viewer)) => match self.service.authenticate.begins(&viewer) {
                Ok(()) => {
                    self.operations.begin(viewer.clone());
                    Ok(viewer)
                }
                Err(wait) => Err(Closing::TooOften(wait)),
            },
            Ok(None) => Err(Closing::Forbidden),
            Err(refusal) => Err(Closing::of(&refusal)),
        };
        let is_welcome = found.is_ok();
        let greeted = self.greeted.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(greeted) = greeted {
            // Where nobody listens any more, the connection is over.
            let _ = greeted.send(found);
        }
        if !is_welcome {
            // The owner of the socket closes it, and knows better why.
            pending::<()>().await;
        }
        Ok(Data::default())
    }
}

/// Who the greeting speaks for, or else the upgrade.
async fn viewer(service: &Service, payload: &Value, headers: &HeaderMap) -> Result<Option<Viewer>, Refusal> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    let authorization = text("authorization").or_else(|| text("Authorization"));
    let token = match (text("token"), authorization) {
        (Some(token), _) => token,
        (None, Some(authorization)) => token_of(authorization).map_err(|NotBearer| not_bearer())?,
        (None, None) => return service.viewer(headers).await,
    };
    service.authenticate.viewer(token).await.map(Some)
}

/// A client that does not say who it is in time.
async fn too_late(init: Duration) -> Closing {
    sleep(init).await;
    Closing::InitTimeout
}

/// A client whose token is no longer good.
async fn no_longer(authenticate: Arc<dyn Authenticate>, viewer: Viewer) -> Closing {
    tokio::select! {
        () = sleep(viewer.valid_for.unwrap_or(Duration::MAX)) => {}
        () = authenticate.ended(&viewer) => {}
    }
    Closing::Forbidden
}

fn pass_on(place: &mut Option<mpsc::Permit<'_, Message>>, text: Utf8Bytes) {
    if let Some(place) = place.take() {
        place.send(Message::Text(text));
    }
}

/// The next message; `None` for one that only shows that the client is there.
async fn receive(socket: &mut WebSocket) -> Result<Option<Utf8Bytes>, End> {
    match socket.recv().await {
        Some(Ok(Message::Text(text))) if text.len() > MESSAGE_BYTES_MAX => Err(Closing::TooBig.into()),
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Binary(_))) => Err(Closing::InvalidMessage.into()),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
        Some(Err(error)) => Err(match error.into_inner().downcast_ref() {
            Some(tungstenite::Error::Capacity(_)) => Closing::TooBig.into(),
            _ => End::Gone,
        }),
    }
}
