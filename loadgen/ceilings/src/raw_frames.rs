//! Frames that were built before, written to many sockets: the least that a delivery costs.

use std::io::IoSlice;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use tidings_report::Report;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::frame_reader::{FrameReader, Task};
use crate::meter::{Meter, Rounds};
use crate::{FRAME, within};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// Writes that go out as one, at most.
const GATHERED_MAX: usize = 64;

/// What raw sockets did.
pub struct RawFrames {
    pub sockets: usize,
    /// Frames that are handed to a socket at once.
    pub per_write: usize,
    /// Frames, or handfuls of them, that are on their way to all sockets at the same time.
    pub in_flight: usize,
    pub frames_per_s: Vec<f64>,
    /// All frames, also those of the warm-up. The reader has counted their bytes.
    pub frames: u64,
}

impl RawFrames {
    pub fn name(&self) -> String {
        match (self.per_write, self.in_flight) {
            (1, in_flight) if in_flight > 1 => {
                format!("raw frames to {} sockets, {in_flight} in flight", self.sockets)
            }
            (per_write, _) => format!("raw frames to {} sockets, {per_write} a write", self.sockets),
        }
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
    raw_frames_to(&FrameReader::of(sockets)?, sockets, per_write, 1, rounds).await
}

/// The most that deliveries can be: frames to each of so many sockets, of which `in_flight` may be on their way to all of
/// them before the reader has the first. What has queued at a socket meanwhile goes out in one write.
pub async fn raw_frames_in_flight(sockets: usize, in_flight: usize, rounds: &Rounds) -> Result<RawFrames> {
    raw_frames_to(&FrameReader::of(sockets)?, sockets, 1, in_flight, rounds).await
}

/// The same, with a reader of one's choice.
pub async fn raw_frames_to(
    reader: &FrameReader,
    sockets: usize,
    per_write: usize,
    in_flight: usize,
    rounds: &Rounds,
) -> Result<RawFrames> {
    ensure!(
        sockets > 0 && per_write > 0 && in_flight > 0,
        "without sockets there are no frames"
    );
    raise_file_limit()?;
    let listener = listen()?;
    let task = Task {
        address: listener.local_addr()?,
        sockets,
        round_bytes: (sockets * per_write * FRAME) as u64,
    };
    let mut done = RawFrames {
        sockets,
        per_write,
        in_flight,
        frames_per_s: vec![],
        frames: 0,
    };
    let mut reading = reader.start(task).await?;
    let meter = tokio::select! {
        written = write_rounds(&listener, &done, rounds) => written?,
        ended = reading.ended() => {
            ended?;
            bail!("the reader of frames ended too early");
        }
    };
    reading.end().await?;
    done.frames_per_s = meter.rates();
    done.frames = meter.total();
    Ok(done)
}

/// Accepts the reader's connections and writes to them, in a closed loop.
async fn write_rounds(listener: &TcpListener, shape: &RawFrames, rounds: &Rounds) -> Result<Meter> {
    // The sockets end with this function, and then so does the reader.
    let (mut control, mut writers) = (accept(listener).await?, JoinSet::new());
    let mut queues = Vec::with_capacity(shape.sockets);
    for _ in 0..shape.sockets {
        let (queue, frames) = mpsc::channel(shape.in_flight + 1);
        writers.spawn(write(accept(listener).await?, frames));
        queues.push(queue);
    }
    let frames = Bytes::from(vec![b'x'; FRAME * shape.per_write]);
    let mut meter = Meter::start(rounds);
    let (mut begun, mut ended) = (0, 0);
    while !meter.is_over() {
        while begun - ended < shape.in_flight {
            for queue in &queues {
                // A socket may be behind the others, whose bytes have closed the round for all.
                if let Err(TrySendError::Full(frames)) = queue.try_send(frames.clone()) {
                    within("a socket that is behind", queue.send(frames)).await?;
                }
            }
            begun += 1;
        }
        let told = within("reading frames", control.read_u64_le()).await?;
        ended += 1;
        meter.add(Instant::now(), shape.sockets * shape.per_write);
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
    let mut gathered = Vec::with_capacity(GATHERED_MAX);
    while waiting.recv_many(&mut gathered, GATHERED_MAX).await > 0 {
        let mut slices: Vec<IoSlice<'_>> = gathered.iter().map(|frames| IoSlice::new(frames)).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match stream.try_write_vectored(rest) {
                Ok(count) => IoSlice::advance_slices(&mut rest, count),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        gathered.clear();
    }
    Ok(())
}
