//! The reading end: the library reads and checks what clients send.

use crate::gateway::close::Farewell;
use bytes::{Buf as _, Bytes};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::WebSocketContext;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes asked of the kernel at once, on the stack of whoever reads: a burst of commands is one call.
pub(super) const BURST: usize = 8192;
/// Bytes taken in before other connections of the same thread get their turn. A client that sends faster than it is read
/// would otherwise never let go of the thread.
pub(super) const TURN: usize = 64 << 10;
/// Bytes that are read off a client that goes on sending after the close.
const READ_OFF: usize = 16 << 20;
/// Bytes that a client's frame has at least, with nothing in it.
const FRAME_HEAD: usize = 6;

/// The reading end.
pub(in crate::gateway) struct Source {
    pub(super) stream: Arc<TcpStream>,
    /// Boxed, because each step of a session's beginning keeps room for what it hands on.
    pub(super) context: Box<WebSocketContext>,
    /// Bytes that were read and not taken yet.
    pub(super) early: Bytes,
    /// Bytes left of this connection's turn.
    pub(super) turn: usize,
    /// Bytes read since the last message ended, and how many they may be: fragments without content never end one.
    pub(super) unended: usize,
    pub(super) unended_max: usize,
    /// The library has given up: it must not be asked again.
    pub(super) broken: bool,
}

impl Source {
    /// The next message. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When the connection has ended or the client breaks the protocol.
    pub(in crate::gateway) async fn next(&mut self) -> Result<Message, Error> {
        loop {
            let mut ear = Ear {
                stream: &self.stream,
                early: &mut self.early,
                turn: &mut self.turn,
                taken: 0,
            };
            let read = self.context.read(&mut ear);
            self.unended += ear.taken;
            match read {
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    if self.unended > self.unended_max {
                        self.broken = true;
                        return Err(Error::Capacity(CapacityError::MessageTooLong {
                            size: self.unended,
                            max_size: self.unended_max,
                        }));
                    }
                    if self.turn == 0 {
                        self.turn = TURN;
                        tokio::task::yield_now().await;
                    } else {
                        self.stream.readable().await?;
                    }
                }
                read => {
                    self.unended = 0;
                    self.broken |= read.is_err();
                    return read;
                }
            }
        }
    }
}

impl Source {
    /// Reads to the end of the stream, or as much as is read of one that is closing; `silence` is how long nothing may come.
    /// What comes behind the client's close, or after it broke the protocol, are bytes without meaning.
    pub(in crate::gateway) async fn read_off(&mut self, farewell: &mut Farewell, silence: Duration) {
        let mut left = READ_OFF;
        while !self.broken && left > 0 {
            match timeout(silence, self.next()).await {
                Ok(Ok(Message::Close(close))) => {
                    farewell.code = close.map(|close| close.code.into());
                    break;
                }
                Ok(Ok(message)) => left = left.saturating_sub(FRAME_HEAD + message.len()),
                Ok(Err(Error::Io(error))) => {
                    farewell.reset = error.kind() == ErrorKind::ConnectionReset;
                    return;
                }
                Ok(Err(_)) => break,
                Err(_) => return,
            }
        }
        while left > 0 {
            match self.skim() {
                Ok(0) => return,
                Ok(count) => left = left.saturating_sub(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !matches!(timeout(silence, self.stream.readable()).await, Ok(Ok(()))) {
                        return;
                    }
                }
                Err(error) => {
                    farewell.reset = error.kind() == ErrorKind::ConnectionReset;
                    return;
                }
            }
        }
    }

    /// Reads bytes and forgets them.
    fn skim(&self) -> io::Result<usize> {
        self.stream.try_read(&mut [0; BURST])
    }
}

/// What the library reads from.
struct Ear<'a> {
    stream: &'a TcpStream,
    early: &'a mut Bytes,
    turn: &'a mut usize,
    /// Bytes taken from the kernel.
    taken: usize,
}

impl Ear<'_> {
    fn listen(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if *self.turn == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.stream.try_read(room)?;
        self.taken += count;
        *self.turn = self.turn.saturating_sub(count);
        Ok(count)
    }
}

impl Read for Ear<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if !self.early.is_empty() {
            let count = room.len().min(self.early.len());
            self.early.copy_to_slice(&mut room[..count]);
            if self.early.is_empty() {
                *self.early = Bytes::new();
            }
            return Ok(count);
        }
        if room.len() >= BURST {
            return self.listen(room);
        }
        let mut burst = [0; BURST];
        let count = self.listen(&mut burst)?;
        let taken = count.min(room.len());
        room[..taken].copy_from_slice(&burst[..taken]);
        if taken < count {
            *self.early = Bytes::copy_from_slice(&burst[taken..count]);
        }
        Ok(taken)
    }
}

/// The library would answer pings and closes by itself, in the middle of what the writer writes. The reader sees to that.
impl Write for Ear<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
