//! A WebSocket on the bare TCP stream, so that a delivery costs one system call and no copy.
//!
//! The library reads and checks what clients send; what goes out are frames that were built elsewhere, written as they
//! are. Reader and writer live in one task and share the stream.

use super::frame::Frame;
use bytes::{Buf as _, Bytes};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message};

/// What the library holds for every connection, idle ones too. It grows with the frames that come.
const READ_BUFFER: usize = 512;
/// Bytes asked of the kernel at once, on the stack of whoever reads: a burst of commands is one call.
const BURST: usize = 8192;
/// Frames given to the kernel at once.
const SLICES: usize = 64;

/// Makes the two ends of a connection whose upgrade is done; `early` is what came in behind the upgrade.
pub(super) fn split(stream: TcpStream, early: Bytes, frame_bytes: usize) -> (Sink, Source) {
    let stream = Arc::new(stream);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(frame_bytes))
        .max_frame_size(Some(frame_bytes));
    let source = Source {
        stream: Arc::clone(&stream),
        context: Box::new(WebSocketContext::new(Role::Server, Some(config))),
        early,
    };
    let sink = Sink {
        stream,
        midway: false,
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
            };
            match self.context.read(&mut ear) {
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.stream.readable().await?;
                }
                read => return read,
            }
        }
    }
}

/// What the library reads from.
struct Ear<'a> {
    stream: &'a TcpStream,
    early: &'a mut Bytes,
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
            return self.stream.try_read(room);
        }
        let mut burst = [0; BURST];
        let count = self.stream.try_read(&mut burst)?;
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
    /// A write was given up, perhaps within a frame: whatever came behind it would be taken for the rest of it.
    midway: bool,
}

impl Sink {
    /// Writes frames, all of them. When it fails or is dropped before its end, nothing more can be written.
    pub(super) async fn write(&mut self, frames: &[Frame]) -> io::Result<()> {
        match self.try_write(frames)? {
            None => Ok(()),
            Some(place) => self.write_rest(frames, place).await,
        }
    }

    /// Writes as much as the kernel takes at once. Answers the place where it stopped, if it did: then [`Sink::write_rest`]
    /// must go on with the same frames, and nothing else can be written before.
    pub(super) fn try_write(&mut self, frames: &[Frame]) -> io::Result<Option<Place>> {
        if std::mem::replace(&mut self.midway, true) {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut place = Place::default();
        let done = self.advance(frames, &mut place)?;
        self.midway = !done;
        Ok((!done).then_some(place))
    }

    /// Writes what [`Sink::try_write`] has left.
    pub(super) async fn write_rest(&mut self, frames: &[Frame], mut place: Place) -> io::Result<()> {
        loop {
            self.stream.writable().await?;
            if self.advance(frames, &mut place)? {
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
        while self.frame < frames.len() && self.offset >= frames[self.frame].len() {
            self.offset -= frames[self.frame].len();
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
        let (mut sink, _source) = split(far, Bytes::new(), 65_536);
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
        let (_sink, mut source) = split(far, Bytes::copy_from_slice(early), 65_536);
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
