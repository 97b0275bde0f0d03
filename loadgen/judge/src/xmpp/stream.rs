//! A stream to an XMPP server: from the socket to a bound resource.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf as _, BytesMut};
use quick_xml::escape::escape;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::stanza::{CLIENT, SASL, STREAMS, bind, condition, iq, register};
use super::xml::{Element, Piece, Pieces};

/// How long one answer may take while a stream is set up.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Where a server is, and whom it serves.
#[derive(Clone, Debug)]
pub struct Address {
    /// Of the plain client port.
    pub socket: SocketAddr,
    /// The part of a JID behind the `@`.
    pub domain: String,
    /// The same for rooms.
    pub rooms: String,
}

/// A name and its password.
pub(super) struct Login<'a> {
    pub(super) username: &'a str,
    pub(super) password: &'a str,
    pub(super) resource: &'a str,
}

pub(super) struct Stream {
    socket: TcpStream,
    pieces: Pieces,
    output: BytesMut,
    asked: u64,
}

impl Stream {
    /// Opens a stream that nobody is logged in to.
    pub(super) async fn open(address: &Address) -> Result<Self> {
        // Without TLS, a password must not leave the machine.
        if !address.socket.ip().is_loopback() {
            bail!(
                "{} is not on this machine, and this adapter speaks no TLS",
                address.socket
            );
        }
        let socket = timeout(ANSWER_LIMIT, TcpStream::connect(address.socket)).await;
        let socket = socket.context("the server takes no connection")??;
        socket.set_nodelay(true)?;
        let mut stream = Self {
            socket,
            pieces: Pieces::default(),
            output: BytesMut::new(),
            asked: 0,
        };
        stream.start(&address.domain).await?;
        Ok(stream)
    }

    /// Makes an account, before anybody is logged in.
    pub(super) async fn register(&mut self, username: &str, password: &str) -> Result<()> {
        self.ask("set", None, register(username, password))
            .await
            .with_context(|| format!("cannot register {username}"))?;
        Ok(())
    }

    /// Opens a stream with a bound resource.
    pub(super) async fn log_in(address: &Address, login: &Login<'_>) -> Result<Self> {
        let mut stream = Self::open(address).await?;
        let secret = format!("\0{}\0{}", login.username, login.password);
        let auth = Element::new("auth", SASL).with("mechanism", "PLAIN");
        stream.queue(&auth.text(&STANDARD.encode(secret)));
        let answer = stream.answer().await?;
        if !answer.is("success", SASL) {
            bail!("{} is not let in", login.username);
        }
        stream.pieces = Pieces::default();
        stream.start(&address.domain).await?;
        stream.ask("set", None, bind(login.resource)).await?;
        Ok(stream)
    }

    /// Opens the stream, or opens it anew, and takes its features.
    async fn start(&mut self, domain: &str) -> Result<()> {
        let opening = format!(
            "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>",
            escape(domain)
        );
        self.output.extend_from_slice(opening.as_bytes());
        let features = self.answer().await?;
        if !features.is("features", STREAMS) {
            bail!("the server begins with {} instead of its features", features.name);
        }
        Ok(())
    }

    /// Puts an element into the output; [`Stream::next`] writes it.
    pub(super) fn queue(&mut self, element: &Element) {
        let mut text = String::new();
        element.write(CLIENT, &mut text);
        self.output.extend_from_slice(text.as_bytes());
    }

    /// A new id for a request.
    pub(super) fn id(&mut self) -> String {
        self.asked += 1;
        format!("q{}", self.asked)
    }

    /// The next element; none when the server has closed the stream. Writes what is queued meanwhile. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Option<Element>> {
        loop {
            match self.pieces.next()? {
                Some(Piece::Element(element)) if element.is("error", STREAMS) => {
                    let named = element.children.first().map_or("unnamed", |child| &child.name);
                    bail!("the server ends the stream: {named}");
                }
                Some(Piece::Element(element)) => return Ok(Some(element)),
                Some(Piece::Opened) => continue,
                Some(Piece::Closed) => return Ok(None),
                None => {}
            }
            let (mut reading, mut writing) = self.socket.split();
            tokio::select! {
                read = reading.read_buf(self.pieces.buffer()) => if read? == 0 {
                    return Ok(None);
                },
                written = writing.write(&self.output), if !self.output.is_empty() => {
                    let written = written?;
                    self.output.advance(written);
                }
            }
        }
    }

    /// Asks and waits for the answer; all else that comes meanwhile is dropped, so no session may run yet.
    pub(super) async fn ask(&mut self, kind: &str, to: Option<&str>, payload: Element) -> Result<Element> {
        let id = self.id();
        self.queue(&iq(kind, &id, to, payload));
        loop {
            let answer = self.answer().await?;
            if answer.name == "iq" && answer.attribute("id") == Some(&id) {
                if answer.attribute("type") == Some("error") {
                    bail!("the server refuses: {}", condition(&answer));
                }
                return Ok(answer);
            }
        }
    }

    /// The next element, which must come soon.
    pub(super) async fn answer(&mut self) -> Result<Element> {
        let next = timeout(ANSWER_LIMIT, self.next()).await;
        next.context("no answer in time")??
            .context("the server closed the stream")
    }

    /// Closes the stream and waits until the server has done so too, which it does when it has dealt with all that was
    /// sent.
    pub(super) async fn close(mut self) {
        self.output.extend_from_slice(b"</stream:stream>");
        // One that is broken needs no closing.
        let closing = async { while let Ok(Some(_)) = self.next().await {} };
        let _ = timeout(CLOSE_LIMIT, closing).await;
        let _ = self.socket.shutdown().await;
    }
}
