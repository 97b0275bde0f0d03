//! The cheapest reader of many sockets: one thread that counts bytes. It can live in a process of its own, because a
//! process may not have enough files for both ends of ten thousand sockets.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::{PATIENCE, raise_file_limit};

/// How long a reader that has been told to end may take.
const END_LIMIT: Duration = Duration::from_secs(10);
/// Read at once.
const BUFFER: usize = 64 * 1024;
const EVENTS: usize = 1024;
/// Comes after those of the sockets with frames.
const CONTROL: Token = Token(usize::MAX >> 1);

/// Where the reader lives.
#[derive(Clone, Debug)]
pub enum FrameReader {
    /// In a thread of this process.
    Thread,
    /// In a process of its own: this program with these arguments calls [`frame_reader`].
    Process(PathBuf, Vec<String>),
}

impl FrameReader {
    /// A thread where this process may have enough files, else this program again with the argument `frame-reader`.
    pub fn of(sockets: usize) -> Result<Self> {
        /// Files for all else.
        const OTHERS: u64 = 1_000;
        if 2 * sockets as u64 + OTHERS <= raise_file_limit()? {
            return Ok(Self::Thread);
        }
        let program = std::env::current_exe().context("this program cannot be found")?;
        Ok(Self::Process(program, vec!["frame-reader".to_owned()]))
    }

    pub(crate) async fn start(&self, task: Task) -> Result<Running> {
        match self {
            Self::Thread => Ok(Running::Thread(tokio::task::spawn_blocking(move || task.run()))),
            Self::Process(program, arguments) => {
                let mut child = Command::new(program)
                    .args(arguments)
                    .stdin(std::process::Stdio::piped())
                    .stdout(std::process::Stdio::null())
                    .kill_on_drop(true)
                    .spawn()
                    .context("the reader of frames cannot be started")?;
                let mut stdin = child
                    .stdin
                    .take()
                    .context("the reader of frames takes no input")?;
                stdin.write_all(task.line().as_bytes()).await?;
                Ok(Running::Process(child))
            }
        }
    }
}

/// Reads frames as a line on standard input says, until the other side ends.
pub async fn frame_reader() -> Result<()> {
    let reading = tokio::task::spawn_blocking(|| {
        raise_file_limit()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Task::parse(&line)
            .context("not what a reader of frames is told")?
            .run()
    });
    reading.await?
}

/// A reader at work.
pub(crate) enum Running {
    Thread(JoinHandle<Result<()>>),
    Process(Child),
}

impl Running {
    /// Waits for its end. May be given up and called again, until it has answered.
    pub(crate) async fn ended(&mut self) -> Result<()> {
        match self {
            Self::Thread(thread) => thread.await?,
            Self::Process(child) => {
                let status = child.wait().await?;
                ensure!(status.success(), "the reader of frames ended with {status}");
                Ok(())
            }
        }
    }

    /// Waits for its end after the control connection was closed, though not for ever.
    pub(crate) async fn end(mut self) -> Result<()> {
        let ended = timeout(END_LIMIT, self.ended()).await;
        ended.context("the reader of frames does not end")?
    }
}

/// What a reader has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub address: SocketAddr,
    pub sockets: usize,
    /// Whenever so many more have come, all that have come are told.
    pub round_bytes: u64,
}

impl Task {
    fn line(&self) -> String {
        format!("{} {} {}\n", self.address, self.sockets, self.round_bytes)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let task = Self {
            address: words.next()?.parse().ok()?,
            sockets: words.next()?.parse().ok()?,
            round_bytes: words.next()?.parse().ok().filter(|bytes| *bytes > 0)?,
        };
        words.next().is_none().then_some(task)
    }

    /// Connects once for control, then for every socket, and reads until the control connection ends. Over it, it tells the
    /// number of all bytes, as 8 bytes, at the end of each round.
    fn run(self) -> Result<()> {
        let mut poll = Poll::new()?;
        let connect = |token| -> Result<TcpStream> {
            let stream = std::net::TcpStream::connect_timeout(&self.address, PATIENCE)
                .context("the reader of frames cannot connect")?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, token, Interest::READABLE)?;
            Ok(stream)
        };
        let mut control = connect(CONTROL)?;
        let mut sockets = (0..self.sockets)
            .map(|number| connect(Token(number)))
            .collect::<Result<Vec<_>>>()?;

        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; BUFFER];
        let (mut bytes, mut next) = (0, self.round_bytes);
        loop {
            match poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                bail!("no frames for {PATIENCE:?}");
            }
            for event in &events {
                if event.token() == CONTROL {
                    // Nothing is sent that way, so this is its end.
                    return Ok(());
                }
                bytes += take(&mut sockets[event.token().0], &mut buffer)?;
            }
            while bytes >= next {
                // One number for each round: the other side waits for it before it goes on, so it always fits.
                match control.write_all(&next.to_le_bytes()) {
                    // What was still on its way when the other side ended makes up another round.
                    Err(error)
                        if [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset]
                            .contains(&error.kind()) =>
                    {
                        return Ok(());
                    }
                    written => written?,
                }
                next += self.round_bytes;
            }
        }
    }
}

/// Reads all that a socket holds now. A short read has emptied it.
fn take(socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        match socket.read(buffer) {
            Ok(count) => {
                bytes += count as u64;
                if count < buffer.len() {
                    return Ok(bytes);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The other side is ending, which the control connection tells.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(bytes),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_back_from_its_line() {
        let task = Task {
            address: ([127, 0, 0, 1], 4_000).into(),
            sockets: 10_000,
            round_bytes: 3_600_000,
        };
        assert_eq!(Task::parse(&task.line()), Some(task));
        for wrong in ["", "127.0.0.1:1 2", "127.0.0.1:1 2 0", "127.0.0.1:1 2 3 4"] {
            assert_eq!(Task::parse(wrong), None, "{wrong}");
        }
    }
}
