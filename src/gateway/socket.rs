//! A WebSocket on the bare TCP stream, so that a delivery costs one system call and no copy.
//!
//! The library reads and checks what clients send; what goes out are frames that were built elsewhere, written as they
//! are. Reader and writer live in one task and share the stream.

use super::close::Farewell;
use super::limits::GatewayLimits;
use crate::wire::Frame;
use bytes::{Buf as _, Bytes};
use socket2::SockRef;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message};

/// What the library holds for every connection, idle ones too. It grows with the frames that come.
const READ_BUFFER: usize = 512;
/// Bytes asked of the kernel at once, on the stack of whoever reads: a burst of commands is one call.
const BURST: usize = 8192;
/// Bytes taken in before other connections of the same thread get their turn. A client that sends faster than it is read
/// would otherwise never let go of the thread.
const TURN: usize = 64 << 10;
/// What all frames of one message may weigh, in largest messages: one in frames of a byte each weighs seven times as much.
const FRAMED: usize = 8;
/// Bytes that are read off a client that goes on sending after the close.
const READ_OFF: usize = 16 << 20;
/// Frames given to the kernel at once.
const SLICES: usize = 64;

/// Makes the two ends of a connection whose upgrade is done; `early` is what came in behind the upgrade.
pub(super) fn split(stream: TcpStream, early: Bytes, limits: &GatewayLimits) -> (Sink, Source) {
    if limits.send_buffer_bytes > 0 {
        // What the kernel makes of it is its own affair.
        let _ = SockRef::from(&stream).set_send_buffer_size(limits.send_buffer_bytes as usize);
    }
    let frame_bytes = limits.frame_bytes;
    let stream = Arc::new(stream);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(frame_bytes))
        .max_frame_size(Some(frame_bytes));
    let source = Source {
        stream: Arc::clone(&stream),
        context: Box::new(WebSocketContext::new(Role::Server, Some(config))),
        early,
        turn: TURN,
        unended: 0,
        unended_max: frame_bytes.saturating_mul(FRAMED).saturating_add(BURST),
        broken: false,
    };
    let sink = Sink {
        stream,
        midway: false,
        rest: None,
    };
    (sink, source)
}

/// The reading end.
pub(super) struct Source {
    stream: Arc<TcpStream>,
    /// Boxed, because each step of a session's beginning keeps room for what it hands on.
    context: Box<WebSocketContext>,
    /// Bytes that were read and not taken yet.
    early: Bytes,
    /// Bytes left of this connection's turn.
    turn: usize,
    /// Bytes read since the last message ended, and how many they may be: fragments without content never end one.
    unended: usize,
    unended_max: usize,
    /// The library has given up: it must not be asked again.
    broken: bool,
}

impl Source {
    /// The next message. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When the connection has ended or the client breaks the protocol.
    pub(super) async fn next(&mut self) -> Result<Message, Error> {
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
    pub(super) async fn read_off(&mut self, farewell: &mut Farewell, silence: Duration) {
        while !self.broken {
            match timeout(silence, self.next()).await {
                Ok(Ok(Message::Close(close))) => {
                    farewell.code = close.map(|close| close.code.into());
                    break;
                }
                Ok(Ok(_)) => {}
                Ok(Err(Error::Io(error))) => {
                    farewell.reset = error.kind() == ErrorKind::ConnectionReset;
                    return;
                }
                Ok(Err(_)) => break,
                Err(_) => return,
            }
        }
        let mut left = READ_OFF;
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

/// The writing end.
pub(super) struct Sink {
    stream: Arc<TcpStream>,
    /// A write was dropped, perhaps within a frame: whatever came behind it would be taken for the rest of it.
    midway: bool,
    /// The frame within which a write was given up, and how much of it is written.
    rest: Option<Box<(Frame, usize)>>,
}

impl Sink {
    /// Writes frames, all of them. When it fails or is dropped before its end, nothing more can be written.
    pub(super) async fn write(&mut self, frames: &[Frame]) -> io::Result<()> {
        match self.try_write(frames)? {
            None => Ok(()),
            Some(mut place) => self.write_rest(frames, &mut place).await,
        }
    }

    /// Gives a write up that is at `place`. Only what is needed to say something else will still be written of it.
    pub(super) fn give_up(&mut self, frames: &[Frame], place: &Place) {
        self.midway = false;
        let begun = frames.get(place.frame).filter(|_| place.offset > 0);
        self.rest = begun.map(|frame| Box::new((frame.clone(), place.offset)));
    }

    /// Ends the frame within which a write was given up.
    pub(super) async fn end_frame(&mut self) -> io::Result<()> {
        let Some(rest) = self.rest.take() else {
            return Ok(());
        };
        let mut place = Place {
            frame: 0,
            offset: rest.1,
        };
        self.midway = true;
        self.write_rest(std::slice::from_ref(&rest.0), &mut place).await
    }

    /// Ends the stream behind what was written.
    pub(super) fn finish(&self) {
        // It may have ended already.
        let _ = SockRef::from(&*self.stream).shutdown(Shutdown::Write);
    }

    /// Writes as much as the kernel takes at once. Answers the place where it stopped, if it did: then [`Sink::write_rest`]
    /// must go on with the same frames, and nothing else can be written before.
    pub(super) fn try_write(&mut self, frames: &[Frame]) -> io::Result<Option<Place>> {
        if self.rest.is_some() || std::mem::replace(&mut self.midway, true) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut place = Place::default();
        let done = self.advance(frames, &mut place)?;
        self.midway = !done;
        Ok((!done).then_some(place))
    }

    /// Writes what [`Sink::try_write`] has left.
    pub(super) async fn write_rest(&mut self, frames: &[Frame], place: &mut Place) -> io::Result<()> {
        loop {
            self.stream.writable().await?;
            if self.advance(frames, place)? {
                self.midway = false;
                return Ok(());
            }
        }
    }

    /// Writes on from a place, until all is written or the kernel takes no more; answers whether it is all.
    fn advance(&self, frames: &[Frame], place: &mut Place) -> io::Result<bool> {
        while place.frame < frames.len() {
            let end = frames.len().min(place.frame + SLICES);
            let written = match &frames[place.frame..end] {
                [one] => self.stream.try_write(&one.bytes()[place.offset..]),
                several => self.write_several(several, place.offset),
            };
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => place.pass(frames, count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn write_several(&self, frames: &[Frame], offset: usize) -> io::Result<usize> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        for (slice, frame) in slices.iter_mut().zip(frames) {
            *slice = IoSlice::new(frame.bytes());
        }
        slices[0].advance(offset);
        self.stream.try_write_vectored(&slices[..frames.len()])
    }
}

/// How much of some frames has been written.
#[derive(Default)]
pub(super) struct Place {
    /// The first that has not been written whole.
    frame: usize,
    /// Bytes of it that have been.
    offset: usize,
}

impl Place {
    fn pass(&mut self, frames: &[Frame], bytes: usize) {
        self.offset += bytes;
        while self.frame < frames.len() && self.offset >= frames[self.frame].size() {
            self.offset -= frames[self.frame].size();
            self.frame += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(
            TcpStream::connect(listener.local_addr().unwrap()),
            listener.accept()
        );
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn frames_of_all_sizes_arrive_whole_at_a_slow_reader() {
        let (mut near, far) = pair().await;
        let (mut sink, _source) = split(far, Bytes::new(), &GatewayLimits::default());
        let frames: Vec<Frame> = (0..300_usize)
            .map(|n| Frame::text(&vec![b'a' + (n % 26) as u8; n * n]))
            .collect();
        let expected: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
        let writing = tokio::spawn(async move { sink.write(&frames).await });
        let mut read = vec![0; expected.len()];
        for part in read.chunks_mut(100_000) {
            near.read_exact(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        writing.await.unwrap().unwrap();
        assert!(read == expected);
    }

    #[tokio::test]
    async fn what_came_with_the_upgrade_and_what_comes_in_bursts_is_read_in_order() {
        use tokio::io::AsyncWriteExt as _;
        let (mut near, far) = pair().await;
        let masked = |text: &str| [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
        let whole: Vec<u8> = (0..2000).flat_map(|n| masked(&n.to_string())).collect();
        let (early, late) = whole.split_at(9);
        let (_sink, mut source) = split(far, Bytes::copy_from_slice(early), &GatewayLimits::default());
        near.write_all(late).await.unwrap();
        for n in 0..2000 {
            assert_eq!(
                source.next().await.unwrap().into_text().unwrap().as_str(),
                n.to_string()
            );
        }
        drop(near);
        assert!(source.next().await.is_err());
    }
}
