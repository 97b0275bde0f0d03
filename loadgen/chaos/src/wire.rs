//! A bare WebSocket to a node, which shows every frame as it comes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tidings_protocol::{Action, ClientFrame, Command, Hello, Limits, Resume, ServerFrame, split_frame};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

/// How long connecting with the welcome, and each write, may take where the next try may go to another node.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// The same where the machine is slow, or nobody else can be asked.
pub(crate) const LONG_LIMIT: Duration = Duration::from_secs(20);
/// The receive buffer, so small that a device which does not read is felt by the server soon.
const RECEIVE_BYTES: u32 = 4096;

/// A connection that has been welcomed.
pub(crate) struct Wire {
    socket: WebSocketStream<TcpStream>,
    ready: VecDeque<ServerFrame>,
    limits: Limits,
    /// How long a write may take.
    limit: Duration,
}

impl Wire {
    /// Connects and says hello; what was missed comes out of [`Wire::next`]. That, and each write, may take as long as `limit`.
    pub(crate) async fn connect(
        node: SocketAddr,
        token: &str,
        device: &str,
        cursors: &BTreeMap<Uuid, u64>,
        limit: Duration,
    ) -> Result<Self> {
        let connecting = async {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(RECEIVE_BYTES)?;
            let stream = socket.connect(node).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = client_async(format!("ws://{node}/ws"), stream).await?;
            let mut wire = Self {
                socket,
                ready: VecDeque::new(),
                limits: Limits::default(),
                limit,
            };
            let hello = Hello {
                token: Some(token.to_owned()),
                device: Some(device.to_owned()),
                resume: Resume {
                    conversations: cursors.iter().map(|(id, seq)| (*id, *seq)).collect(),
                    notices: None,
                },
                ..Hello::default()
            };
            wire.write(&serde_json::to_string(&ClientFrame::Hello(hello))?)
                .await?;
            match wire.next().await? {
                ServerFrame::Welcome(welcome) => {
                    wire.limits = welcome.limits;
                    Ok(wire)
                }
                other => bail!("no welcome, but {}", other.encode()),
            }
        };
        timeout(limit, connecting).await.context("no welcome in time")?
    }

    /// What the server said of its limits.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Sends commands in one frame.
    pub(crate) async fn send(&mut self, commands: &[(Uuid, Action)]) -> Result<()> {
        let objects: Result<Vec<_>, _> = commands
            .iter()
            .map(|(id, action)| {
                let (id, action) = (*id, action.clone());
                serde_json::to_string(&ClientFrame::Command(Command { action, id }))
            })
            .collect();
        self.write(&objects?.join("\n")).await
    }

    /// Says that the person types, or has stopped.
    pub(crate) async fn typing(&mut self, conversation: Uuid, on: bool) -> Result<()> {
        let typing = ClientFrame::Typing { conversation, on };
        self.write(&serde_json::to_string(&typing)?).await
    }

    /// Asks for a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<()> {
        self.write(&serde_json::to_string(&ClientFrame::Ping { id: None })?)
            .await
    }

    /// The next object that this side knows of. Cancel-safe. An error is the end of the connection.
    pub(crate) async fn next(&mut self) -> Result<ServerFrame> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(frame);
            }
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    for object in split_frame(&text) {
                        self.ready.extend(ServerFrame::parse(object)?);
                    }
                }
                Some(Ok(Message::Close(frame))) => bail!("closed by the server: {frame:?}"),
                // The answer to a ping goes out with the next read.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => bail!("the connection has ended"),
            }
        }
    }

    /// Ends the connection without a word; what was read and not given out is the answer.
    pub(crate) fn end(self) -> VecDeque<ServerFrame> {
        self.ready
    }

    /// Sends a frame as it stands.
    pub(crate) async fn write(&mut self, text: &str) -> Result<()> {
        timeout(self.limit, self.socket.send(Message::text(text)))
            .await
            .context("a frame was not taken in time")??;
        Ok(())
    }
}
