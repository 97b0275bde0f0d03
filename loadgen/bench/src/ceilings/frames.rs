//! Frames that were built before, written to many sockets: what a delivery costs at least.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::FRAME;

const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes read at once.
const READ: usize = 16 * 1024;

/// Frames a second to so many sockets, each with a task of its own that writes `per_write` frames at once. The next round
/// begins when the last socket's reader has them.
pub async fn raw_frames(sockets: usize, per_write: usize, length: Duration) -> Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let received = Arc::new(Received::default());
    let round = (sockets * per_write * FRAME) as u64;
    // Aborted when this function ends.
    let mut tasks = JoinSet::new();
    let mut writers = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (near, (far, _)) = (near?, far?);
        far.set_nodelay(true)?;
        let (frames, waiting) = mpsc::channel::<Bytes>(64);
        writers.push(frames);
        tasks.spawn(write(far, waiting));
        tasks.spawn(read(near, Arc::clone(&received), round));
    }
    let frames = Bytes::from(vec![b'x'; FRAME * per_write]);
    let start = Instant::now();
    let mut rounds = 0_u64;
    while start.elapsed() < length {
        for writer in &writers {
            writer.send(frames.clone()).await.context("a socket was closed")?;
        }
        rounds += 1;
        timeout(PATIENCE, received.reaches(rounds * round))
            .await
            .context("frames are missing")?;
    }
    Ok((rounds * (sockets * per_write) as u64) as f64 / start.elapsed().as_secs_f64())
}

#[derive(Default)]
struct Received {
    bytes: AtomicU64,
    round: Notify,
}

impl Received {
    async fn reaches(&self, bytes: u64) {
        while self.bytes.load(Ordering::Acquire) < bytes {
            self.round.notified().await;
        }
    }
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

async fn read(mut stream: TcpStream, received: Arc<Received>, round: u64) -> Result<()> {
    let mut buffer = vec![0; READ.min(FRAME * 64)];
    loop {
        let count = stream.read(&mut buffer).await? as u64;
        if count == 0 {
            return Ok(());
        }
        let bytes = received.bytes.fetch_add(count, Ordering::AcqRel) + count;
        if bytes.is_multiple_of(round) {
            received.round.notify_one();
        }
    }
}
