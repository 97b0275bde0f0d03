//! A WebSocket client that costs next to nothing, so that thousands fit beside the server that is measured: it reads into
//! a buffer on the stack, cuts frames in place, and looks at no more of them than it must.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use uuid::Uuid;

/// The longest wait for a handshake, and for a catch-up.
const PATIENCE: Duration = Duration::from_mins(2);
/// Bytes read at once.
const READ: usize = 16 * 1024;
/// The longest frame from a server that makes sense: an answer to `fetch`.
const FRAME_MAX: usize = 4 << 20;
/// RFC 6455 wants frames of clients masked. What it is masked with protects proxies, of which there are none here.
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Instead of a length: two or eight bytes of it follow.
const SHORT: u8 = 0x7e;
const LONG: u8 = 0x7f;

/// A connection that speaks `tidings.v1`.
pub struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// What waits to be written.
    out: Vec<u8>,
}

impl Socket {
    /// Connects and upgrades. With `from`, the connection comes from that local address: one address can hold no more than
    /// some 28,000 connections to one port.
    pub async fn connect(server: SocketAddr, from: Option<SocketAddr>) -> Result<Self> {
        timeout(PATIENCE, Self::upgrade(server, from))
            .await
            .context("the server does not answer")?
    }

    async fn upgrade(server: SocketAddr, from: Option<SocketAddr>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(from) = from {
            socket.bind(from)?;
        }
        let mut stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: tidings.v1\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        // The server says nothing before hello, so what comes is the answer alone.
        let mut answer = Vec::with_capacity(512);
        while !answer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut answer).await? == 0 || answer.len() > 8192 {
                bail!("the upgrade was not answered");
            }
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
            bail!("the upgrade was refused: {}", String::from_utf8_lossy(line));
        }
        Ok(Self {
            stream,
            rest: Vec::new(),
            out: Vec::new(),
        })
    }

    /// Says hello; `resume` is a JSON object.
    pub async fn hello(&mut self, token: &str, device: &str, resume: &serde_json::Value) -> Result<()> {
        let hello = json!({"type": "hello", "token": token, "device": device, "resume": resume});
        self.queue(hello.to_string().as_bytes());
        self.flush().await?;
        Ok(())
    }

    /// Reads until `synced`, and shows every object before it.
    pub async fn synced(&mut self, mut see: impl FnMut(&[u8])) -> Result<()> {
        let reading = async {
            let mut synced = false;
            while !synced {
                self.stream.readable().await?;
                self.read(|object| {
                    synced |= object == br#"{"type":"synced"}"#;
                    see(object);
                })?;
                self.flush().await?;
            }
            Ok(())
        };
        timeout(PATIENCE, reading).await.context("no `synced` came")?
    }

    /// Waits until there is something to read.
    pub async fn readable(&self) -> io::Result<()> {
        self.stream.readable().await
    }

    /// Reads what is there, without waiting, and shows each object of it. Pongs wait for the next [`Socket::flush`].
    ///
    /// # Errors
    /// When the connection has ended or the server breaks the protocol.
    pub fn read(&mut self, mut see: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = [0; READ];
        loop {
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.take(&buffer[..count], &mut see)?;
                    if count < READ {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, bytes: &[u8], see: &mut impl FnMut(&[u8])) -> io::Result<()> {
        if self.rest.is_empty() {
            let used = self.frames(bytes, see)?;
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend_from_slice(bytes);
            let used = self.frames(&rest, see)?;
            rest.drain(..used);
            self.rest = rest;
        }
        if self.rest.is_empty() {
            // Ten thousand idle buffers would be memory that the server may need.
            self.rest = Vec::new();
        }
        Ok(())
    }

    /// Shows the objects of all whole frames; answers how many bytes they were.
    fn frames(&mut self, bytes: &[u8], see: &mut impl FnMut(&[u8])) -> io::Result<usize> {
        let mut at = 0;
        while let Some((header, length)) = header(&bytes[at..])? {
            let Some(payload) = bytes.get(at + header..at + header + length) else {
                break;
            };
            match bytes[at] & 0x0f {
                TEXT => payload.split(|byte| *byte == b'\n').for_each(&mut *see),
                PING => self.frame(PONG, payload),
                CLOSE => return Err(ErrorKind::ConnectionAborted.into()),
                _ => {}
            }
            at += header + length;
        }
        Ok(at)
    }

    /// Puts an object into the queue of what is written.
    pub fn queue(&mut self, object: &[u8]) {
        self.frame(TEXT, object);
    }

    fn frame(&mut self, kind: u8, payload: &[u8]) {
        self.out.push(0x80 | kind);
        match payload.len() {
            length @ ..126 => self.out.push(0x80 | length as u8),
            length @ ..65_536 => {
                self.out.push(0x80 | SHORT);
                self.out.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                self.out.push(0x80 | LONG);
                self.out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        self.out.extend_from_slice(&MASK);
        let masked = payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask);
        self.out.extend(masked);
    }

    /// Writes what is queued.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        let writing = timeout(PATIENCE, self.stream.write_all(&self.out)).await;
        self.out.clear();
        writing.map_err(|_| io::Error::from(ErrorKind::TimedOut))?
    }

    /// The connection's own address.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }
}

/// Lengths of a frame's header and payload, once the header is there.
fn header(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    if first & 0x80 == 0 || second & 0x80 != 0 {
        // This server neither cuts messages nor masks them.
        return Err(ErrorKind::InvalidData.into());
    }
    let (header, length) = match second {
        SHORT => match bytes.get(2..4).and_then(|part| part.try_into().ok()) {
            Some(length) => (4, usize::from(u16::from_be_bytes(length))),
            None => return Ok(None),
        },
        LONG => match bytes.get(2..10).and_then(|part| part.try_into().ok()) {
            Some(length) => (
                10,
                usize::try_from(u64::from_be_bytes(length)).unwrap_or(usize::MAX),
            ),
            None => return Ok(None),
        },
        length => (2, usize::from(length)),
    };
    if length > FRAME_MAX {
        return Err(ErrorKind::InvalidData.into());
    }
    Ok(Some((header, length)))
}

/// What an object from the server is, as far as measuring needs to know.
#[derive(Debug, PartialEq, Eq)]
pub enum Object {
    Ack {
        id: Uuid,
        conversation: Uuid,
        seq: u64,
    },
    /// An event; `message` is the id of the message that it carries, if it does.
    Event {
        conversation: Uuid,
        seq: u64,
        message: Option<Uuid>,
    },
    Error {
        text: String,
    },
    Other,
}

/// Reads an object. What this server writes in its usual order is read at a glance, anything else as JSON.
pub fn parse(object: &[u8]) -> Object {
    if let Some(event) = event_at_a_glance(object) {
        return event;
    }
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(object) else {
        return Object::Other;
    };
    let id = |pointer: &str| -> Option<Uuid> { value.pointer(pointer)?.as_str()?.parse().ok() };
    let seq = value["seq"].as_u64().unwrap_or(0);
    match (value["type"].as_str(), id("/id"), id("/conversation")) {
        (Some("ack"), Some(id), Some(conversation)) => Object::Ack {
            id,
            conversation,
            seq,
        },
        (Some("event"), _, Some(conversation)) => Object::Event {
            conversation,
            seq,
            message: id("/data/message"),
        },
        (Some("error" | "close" | "gap"), ..) => Object::Error {
            text: String::from_utf8_lossy(object).into_owned(),
        },
        _ => Object::Other,
    }
}

/// Acks and messages in the order of fields in which this server writes them.
fn event_at_a_glance(object: &[u8]) -> Option<Object> {
    if let Some(rest) = object.strip_prefix(br#"{"type":"ack","id":""#) {
        let (id, rest) = uuid(rest)?;
        let (conversation, rest) = uuid(rest.strip_prefix(br#"","conversation":""#)?)?;
        let (seq, _) = number(rest.strip_prefix(br#"","seq":"#)?)?;
        return Some(Object::Ack {
            id,
            conversation,
            seq,
        });
    }
    let rest = object.strip_prefix(br#"{"type":"event","conversation":""#)?;
    let (conversation, rest) = uuid(rest)?;
    let (seq, rest) = number(rest.strip_prefix(br#"","seq":"#)?)?;
    let rest = rest.strip_prefix(br#","kind":"message.sent","actor":""#)?;
    let (_, rest) = uuid(rest)?;
    let rest = rest.strip_prefix(br#"","at":""#)?;
    let at = rest.iter().position(|byte| *byte == b'"')?;
    let (message, _) = uuid(rest[at..].strip_prefix(br#"","data":{"message":""#)?)?;
    Some(Object::Event {
        conversation,
        seq,
        message: Some(message),
    })
}

fn uuid(bytes: &[u8]) -> Option<(Uuid, &[u8])> {
    let (text, rest) = bytes.split_at_checked(36)?;
    Some((Uuid::try_parse_ascii(text).ok()?, rest))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((number, &bytes[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01990000-0000-7000-8000-000000000001";

    #[test]
    fn headers_are_read_once_they_are_whole() {
        assert_eq!(header(&[0x81]).unwrap(), None);
        assert_eq!(header(&[0x81, 5]).unwrap(), Some((2, 5)));
        assert_eq!(header(&[0x81, 126, 1]).unwrap(), None);
        assert_eq!(header(&[0x81, 126, 1, 2]).unwrap(), Some((4, 258)));
        assert_eq!(
            header(&[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap(),
            Some((10, 65_536))
        );
        assert!(header(&[0x01, 5]).is_err());
        assert!(header(&[0x81, 127, 1, 0, 0, 0, 0, 1, 0, 0]).is_err());
    }

    #[test]
    fn a_glance_and_json_agree() {
        let ack = format!(r#"{{"type":"ack","id":"{ID}","conversation":"{ID}","seq":7,"position":"0:9"}}"#);
        let turned = format!(r#"{{"seq":7,"conversation":"{ID}","id":"{ID}","type":"ack"}}"#);
        assert!(matches!(parse(ack.as_bytes()), Object::Ack { seq: 7, .. }));
        assert_eq!(parse(ack.as_bytes()), parse(turned.as_bytes()));
        let event = format!(
            r#"{{"type":"event","conversation":"{ID}","seq":3,"kind":"message.sent","actor":"{ID}","at":"2026-01-01T00:00:00.000Z","data":{{"message":"{ID}","content":{{}}}}}}"#
        );
        let turned = format!(
            r#"{{"data":{{"message":"{ID}"}},"seq":3,"conversation":"{ID}","kind":"message.sent","type":"event"}}"#
        );
        assert!(matches!(
            parse(event.as_bytes()),
            Object::Event {
                seq: 3,
                message: Some(_),
                ..
            }
        ));
        assert_eq!(parse(event.as_bytes()), parse(turned.as_bytes()));
        assert!(event_at_a_glance(event.as_bytes()).is_some());
        assert_eq!(parse(br#"{"type":"synced"}"#), Object::Other);
    }
}
