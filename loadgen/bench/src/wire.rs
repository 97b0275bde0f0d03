//! A WebSocket client that costs next to nothing, so that thousands fit beside the server that is measured: it reads into
//! a buffer on the stack, cuts frames in place, and looks at no more of them than it must.

mod object;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub use object::{Object, parse};

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
    /// Connects and upgrades.
    pub async fn connect(server: SocketAddr) -> Result<Self> {
        timeout(PATIENCE, Self::upgrade(server))
            .await
            .context("the server does not answer")?
    }

    async fn upgrade(server: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(server).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
