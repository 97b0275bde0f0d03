//! Frames that were built before, written to many sockets: the least that a delivery costs.

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use tidings_report::Report;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::frame_reader::{FrameReader, Task};
use crate::meter::{Meter, Rounds};
use crate::{FRAME, within};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// Writes that wait at a socket; in a closed loop there is never more than one.
const QUEUE: usize = 4;

/// What raw sockets did.
pub struct RawFrames {
    pub sockets: usize,
    pub per_write: usize,
    pub frames_per_s: Vec<f64>,
    /// All frames, also those of the warm-up. The reader has counted their bytes.
    pub frames: u64,
}

impl RawFrames {
    pub fn name(&self) -> String {
        format!(
            "raw frames to {} sockets, {} a write",
            self.sockets, self.per_write
        )
    }

    pub fn report(&self, report: &mut Report) {
        report.figure(&self.name(), "frames/s", &self.frames_per_s);
    }
}

/// Writes `per_write` frames at once to each of so many sockets, each of which has a task of its own. The next round
/// begins when the reader, one thread that only counts bytes, has all of them.
///
/// Many sockets need a second process; see [`FrameReader::of`].
pub async fn raw_frames(sockets: usize, per_write: usize, rounds: &Rounds) -> Result<RawFrames> {
    raw_frames_to(&FrameReader::of(sockets)?, sockets, per_write, rounds).await
}

/// The same, with a reader of one's choice.
pub async fn raw_frames_to(
    reader: &FrameReader,
    sockets: usize,
    per_write: usize,
    rounds: &Rounds,
) -> Result<RawFrames> {
    ensure!(
        sockets > 0 && per_write > 0,
        "without sockets there are no frames"
    );
    raise_file_limit()?;
    let listener = listen()?;
    let task = Task {
        address: listener.local_addr()?,
        sockets,
        round_bytes: (sockets * per_write * FRAME) as u64,
    };
    let mut reading = reader.start(task).await?;
    let meter = tokio::select! {
        written = write_rounds(&listener, sockets, per_write, rounds) => written?,
        ended = reading.ended() => {
            ended?;
            bail!("the reader of frames ended too early");
        }
    };
    reading.end().await?;
    Ok(RawFrames {
        sockets,
        per_write,
        frames_per_s: meter.rates(),
        frames: meter.total(),
    })
}

/// Accepts the reader's connections and writes to them, in a closed loop.
async fn write_rounds(
    listener: &TcpListener,
    sockets: usize,
    per_write: usize,
    rounds: &Rounds,
) -> Result<Meter> {
    // The sockets end with this function, and then so does the reader.
    let (mut control, mut writers) = (accept(listener).await?, JoinSet::new());
    let mut queues = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        let (queue, frames) = mpsc::channel(QUEUE);
        writers.spawn(write(accept(listener).await?, frames));
        queues.push(queue);
    }
    let frames = Bytes::from(vec![b'x'; FRAME * per_write]);
    let mut meter = Meter::start(rounds);
    while !meter.is_over() {
        for queue in &queues {
            if queue.try_send(frames.clone()).is_err() {
                bail!("a socket has ended");
            }
        }
        let told = within("reading frames", control.read_u64_le()).await?;
        meter.add(Instant::now(), sockets * per_write);
        ensure!(
            told == meter.total() * FRAME as u64,
            "the reader has {told} bytes of {} frames",
            meter.total()
        );
    }
    Ok(meter)
}

/// Raises the number of files that this process may open as far as the system lets, and answers it.
pub fn raise_file_limit() -> Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX).context("the limit of open files cannot be read")
}

fn listen() -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    Ok(socket.listen(BACKLOG)?)
}

async fn accept(listener: &TcpListener) -> Result<TcpStream> {
    let (stream, _) = within("the reader of frames", listener.accept()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn write(stream: TcpStream, mut waiting: mpsc::Receiver<Bytes>) -> Result<()> {
    while let Some(frames) = waiting.recv().await {
        let mut rest = &frames[..];
        while !rest.is_empty() {
            match stream.try_write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
