//! Clients that mean no good: half requests, sockets that say nothing, floods, frames without end, questions as large as the
//! server lets them. Nobody beside them may feel it. There are so many of them, for so long, and they write nothing to the log.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use rand::RngExt as _;
use serde_json::Value;
use tidings_protocol::{Action, ClientFrame, Content, Hello, MessageSend};
use tidings_stand::Api;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::http::Person;
use crate::wire::{LIMIT, Wire};

/// Clients of each kind.
const CLIENTS: usize = 6;
/// Objects in a frame of a flood.
const OBJECTS: usize = 50;
/// Between the frames of one client. A server that was built without optimisation takes several times as long for each: as
/// many would measure the machine.
const PAUSE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 80 } else { 20 });
/// Before a client comes again when it was sent away.
const RETURN: Duration = Duration::from_millis(50);
/// More than a frame may have.
const OVERSIZE_BYTES: usize = 100_000;
/// Control frames, and empty parts of a message, that are sent at once.
const AT_ONCE: usize = 200;
/// As much as one request may cost, nearly: 49 times 1,005 of 50,000.
const QUESTION: &str = "{ conversations(first: 49) { nodes { id title members(first: 100) { nodes { user { id username } } } \
    messages(first: 100) { nodes { id text sender { id username } } } } } }";

/// A way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// Heads of requests that come a byte at a time and never end.
    HalfRequests,
    /// Sockets that never say hello.
    Silent,
    /// Everybody types all the time.
    Typing,
    /// Reads of everything, again and again.
    Reads,
    /// Commands about conversations and people that do not exist.
    UnknownIds,
    /// Frames that are larger than allowed, in one piece or in many.
    Oversize,
    /// Pings and empty parts of a message, without end.
    Endless,
    /// Questions as large as they may be.
    Graphql,
}

/// Who does it, and to whom.
pub(crate) struct Horde<'a> {
    pub(crate) kind: Hostility,
    pub(crate) people: &'a [Person],
    /// A conversation that all of them are in.
    pub(crate) conversation: Uuid,
    pub(crate) node: SocketAddr,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Harm {
    /// How often it came through.
    pub(crate) came_through: u64,
    /// Questions that were refused because too much was asked. Commands that were the node counts, which does not answer each.
    pub(crate) refused: u64,
}

impl Hostility {
    pub const ALL: [Self; 8] = [
        Self::HalfRequests,
        Self::Silent,
        Self::Typing,
        Self::Reads,
        Self::UnknownIds,
        Self::Oversize,
        Self::Endless,
        Self::Graphql,
    ];

    /// The name of the count that shows that it reached the server.
    pub(crate) fn effect(self) -> &'static str {
        match self {
            Self::HalfRequests => "half requests ended by a node",
            Self::Silent => "sockets without hello",
            Self::Typing => "frames of typing in floods",
            Self::Reads => "frames of reads in floods",
            Self::UnknownIds => "frames with unknown ids in floods",
            Self::Oversize => "oversize frames refused",
            Self::Endless => "endless frames taken",
            Self::Graphql => "large questions answered",
        }
    }
}

impl fmt::Display for Hostility {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::HalfRequests => "requests that never end",
            Self::Silent => "sockets that say nothing",
            Self::Typing => "a flood of typing",
            Self::Reads => "a flood of reads",
            Self::UnknownIds => "a flood of unknown ids",
            Self::Oversize => "frames that are too large",
            Self::Endless => "pings and empty frames without end",
            Self::Graphql => "questions as large as they may be",
        })
    }
}

impl Horde<'_> {
    /// Misbehaves for so long.
    pub(crate) async fn harass(&self, lasts: Duration) -> Harm {
        let deadline = Instant::now() + lasts;
        let clients = (0..CLIENTS).map(async |number| {
            let person = &self.people[number % self.people.len()];
            let mut harm = Harm::default();
            while Instant::now() < deadline {
                // However it ends, they come again.
                let _ = timeout_at(deadline, self.once(person, number, &mut harm)).await;
                sleep(RETURN).await;
            }
            harm
        });
        let all = join_all(clients).await;
        all.into_iter().fold(Harm::default(), |sum, harm| Harm {
            came_through: sum.came_through + harm.came_through,
            refused: sum.refused + harm.refused,
        })
    }

    /// One connection, for as long as it stands.
    async fn once(&self, person: &Person, number: usize, harm: &mut Harm) -> Result<()> {
        match self.kind {
            Hostility::HalfRequests => {
                let mut socket = TcpStream::connect(self.node).await?;
                socket
                    .write_all(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
                    .await?;
                let mut byte = [0];
                loop {
                    socket.write_all(b"x").await?;
                    // Whatever the server says to it, it has ended it.
                    if timeout(5 * PAUSE, socket.read(&mut byte)).await.is_ok() {
                        break;
                    }
                }
                // Unless it has ended itself.
                TcpStream::connect(self.node).await?;
                harm.came_through += 1;
                Ok(())
            }
            Hostility::Silent => {
                let mut socket = self.open().await?;
                harm.came_through += 1;
                while let Some(Ok(_)) = socket.next().await {}
                Ok(())
            }
            Hostility::Typing | Hostility::Reads | Hostility::UnknownIds => {
                let device = format!("hostile {number}");
                let mut wire = Wire::connect(
                    self.node,
                    &person.token,
                    &device,
                    &std::collections::BTreeMap::new(),
                    LIMIT,
                )
                .await?;
                loop {
                    wire.write(&self.flood()).await?;
                    harm.came_through += 1;
                    while let Some(frame) = wire.next().now_or_never() {
                        frame?;
                    }
                    sleep(PAUSE).await;
                }
            }
            Hostility::Oversize => {
                let mut socket = self.welcomed(person).await?;
                let bytes = "x".repeat(OVERSIZE_BYTES);
                if number.is_multiple_of(2) {
                    socket.send(Message::text(bytes)).await?;
                } else {
                    for part in 0..4 {
                        let opcode = if part == 0 { Data::Text } else { Data::Continue };
                        let frame = Frame::message(
                            bytes[..OVERSIZE_BYTES / 4].to_owned(),
                            OpCode::Data(opcode),
                            false,
                        );
                        socket.send(Message::Frame(frame)).await?;
                    }
                }
                while let Some(answer) = socket.next().await {
                    if matches!(answer, Ok(Message::Close(_)) | Err(_)) {
                        harm.came_through += 1;
                        break;
                    }
                }
                Ok(())
            }
            Hostility::Endless => {
                let mut socket = self.welcomed(person).await?;
                if !number.is_multiple_of(2) {
                    let first = Frame::message("{", OpCode::Data(Data::Text), false);
                    socket.send(Message::Frame(first)).await?;
                }
                loop {
                    for _ in 0..AT_ONCE {
                        let message = if number.is_multiple_of(2) {
                            Message::Ping("x".into())
                        } else {
                            Message::Frame(Frame::message("", OpCode::Data(Data::Continue), false))
                        };
                        socket.feed(message).await?;
                    }
                    socket.flush().await?;
                    harm.came_through += AT_ONCE as u64;
                    while let Some(Some(message)) = socket.next().now_or_never() {
                        message?;
                    }
                    sleep(PAUSE).await;
                }
            }
            Hostility::Graphql => {
                let api = Api::new(&format!("http://{}", self.node))?;
                loop {
                    let answer = api.answer(&person.token, QUESTION, Value::Null).await?;
                    let answer: Value = serde_json::from_slice(&answer)?;
                    ensure!(
                        answer["errors"][0]["extensions"]["code"] != "too_large",
                        "the question is refused before it is asked: {answer}"
                    );
                    // That there are too many of them the server may well say.
                    if answer["data"]["conversations"].is_object() {
                        harm.came_through += 1;
                    } else {
                        let is_rate = answer["errors"][0]["extensions"]["code"] == "rate_limited";
                        harm.refused += u64::from(is_rate);
                        sleep(PAUSE).await;
                    }
                }
            }
        }
    }

    async fn open(&self) -> Result<WebSocketStream<TcpStream>> {
        let stream = TcpStream::connect(self.node).await?;
        Ok(client_async(format!("ws://{}/ws", self.node), stream).await?.0)
    }

    /// A socket that has said hello and was answered.
    async fn welcomed(&self, person: &Person) -> Result<WebSocketStream<TcpStream>> {
        let mut socket = self.open().await?;
        let hello = Hello {
            token: Some(person.token.to_string()),
            device: Some("hostile".to_owned()),
            ..Hello::default()
        };
        let hello = serde_json::to_string(&ClientFrame::Hello(hello))?;
        socket.send(Message::text(hello)).await?;
        let answer = socket.next().await;
        let is_welcomed = matches!(answer, Some(Ok(Message::Text(text))) if text.contains("\"welcome\""));
        ensure!(is_welcomed, "not welcomed");
        Ok(socket)
    }

    /// A frame full of objects.
    fn flood(&self) -> String {
        let mut random = rand::rng();
        let mut unknown = || Uuid::from_u128(random.random());
        let objects = (0..OBJECTS).map(|number| {
            let conversation = if number.is_multiple_of(2) {
                self.conversation
            } else {
                unknown()
            };
            let frame = match (self.kind, number % 4) {
                (Hostility::Typing, _) => ClientFrame::Typing {
                    conversation,
                    on: number.is_multiple_of(4),
                },
                (Hostility::Reads, _) => command(Action::Read {
                    conversation,
                    seq: 1,
                    thread: None,
                }),
                (_, 0) => command(Action::MessageSend(MessageSend {
                    reply_to: Some(unknown()),
                    ..MessageSend::new(unknown(), Content::text("x"))
                })),
                (_, 1) => command(Action::Fetch {
                    conversation: unknown(),
                    from: 1,
                    limit: 1000,
                }),
                (_, 2) => command(Action::GroupAdd {
                    conversation: unknown(),
                    user: unknown(),
                }),
                (..) => command(Action::DirectOpen { user: unknown() }),
            };
            serde_json::to_string(&frame).unwrap_or_default()
        });
        objects.collect::<Vec<_>>().join("\n")
    }
}

fn command(action: Action) -> ClientFrame {
    ClientFrame::Command(tidings_protocol::Command {
        action,
        id: Uuid::now_v7(),
    })
}
