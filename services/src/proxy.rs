//! A TCP proxy that stands in front of a server and misbehaves when told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const CHUNK_BYTES: usize = 16 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const CUT_LIMIT: Duration = Duration::from_secs(5);
/// Of a narrow proxy's sockets, so that a receiver which does not read is felt by the sender soon.
const NARROW_BYTES: u32 = 4096;
const BACKLOG: u32 = 1024;

/// Forwards TCP connections from a port of its own on 127.0.0.1 to a server, and cuts, stalls or delays them. Ends
/// with all its connections when dropped. It belongs to the tokio runtime that started it.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    open: watch::Receiver<usize>,
    done: Arc<Done>,
    acceptor: JoinHandle<()>,
}

/// What a proxy has done to connections since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Harm {
    /// Connections that were closed, or not taken.
    pub cut: u64,
    /// Chunks, and connections, that had to wait for [`ChaosProxy::restore`].
    pub held: u64,
    /// Chunks that came later.
    pub late: u64,
}

#[derive(Debug, Default)]
struct Done {
    cut: AtomicU64,
    held: AtomicU64,
    late: AtomicU64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    Open,
    /// Bytes stay where they are; connections are accepted and lead nowhere.
    Stalled,
    /// Connections are closed, new ones at once.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct Weather {
    path: Path,
    delay: Duration,
    /// Connections of earlier generations are stranded.
    generation: u64,
    /// Of connections of earlier generations than this the server has heard too little for too long.
    given_up: u64,
    /// How many bytes new connections get from the server before nothing passes any more.
    allowance: Option<u64>,
}

impl ChaosProxy {
    /// Listens on a free port and forwards to `upstream`, which need not be up yet.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::on(listener, upstream, false)
    }

    /// As [`ChaosProxy::start`], but through buffers that hold a few KiB: a client that does not read blocks the server as
    /// if nothing stood between them. To be called within a tokio runtime.
    pub fn narrow(upstream: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Accepted sockets inherit it.
        socket.set_send_buffer_size(NARROW_BYTES)?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Self::on(socket.listen(BACKLOG)?, upstream, true)
    }

    fn on(listener: TcpListener, upstream: SocketAddr, narrow: bool) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (weather, forecast) = watch::channel(Weather {
            path: Path::Open,
            delay: Duration::ZERO,
            generation: 0,
            given_up: 0,
            allowance: None,
        });
        let (count, open) = watch::channel(0);
        let done = Arc::<Done>::default();
        let to = Upstream {
            address: upstream,
            narrow,
            done: Arc::clone(&done),
        };
        #[expect(clippy::disallowed_methods, reason = "the proxy ends it when it is dropped")]
        let acceptor = tokio::spawn(accept(listener, to, forecast, count));
        Ok(Self {
            address,
            weather,
            open,
            done,
            acceptor,
        })
    }

    /// A proxy in front of a server on this machine.
    pub async fn to_port(port: u16) -> io::Result<Self> {
        Self::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The number of connections that are being forwarded.
    pub fn connections(&self) -> usize {
        *self.open.borrow()
    }

    /// What it has done so far.
    pub fn harm(&self) -> Harm {
        Harm {
            cut: self.done.cut.load(Ordering::Relaxed),
            held: self.done.held.load(Ordering::Relaxed),
            late: self.done.late.load(Ordering::Relaxed),
        }
    }

    /// Closes all connections, and new ones as they come, until [`ChaosProxy::restore`]. Returns when none is left.
    pub async fn cut(&self) {
        self.weather.send_modify(|weather| weather.path = Path::Cut);
        let mut open = self.open.clone();
        let none_left = open.wait_for(|count| *count == 0);
        if tokio::time::timeout(CUT_LIMIT, none_left).await.is_err() {
            tracing::warn!(
                "connections through the proxy did not close in {} s",
                CUT_LIMIT.as_secs()
            );
        }
    }

    /// Holds back all bytes in both directions, as a network that has lost its route, until [`ChaosProxy::restore`],
    /// after which they go on.
    pub fn stall(&self) {
        self.weather.send_modify(|weather| weather.path = Path::Stalled);
    }

    /// Holds back all bytes of the connections that are open now, for good, and lets new ones through: what a router leaves
    /// that has forgotten them.
    pub fn strand(&self) {
        self.weather.send_modify(|weather| weather.generation += 1);
    }

    /// Ends the server's side of all that is stranded, as its keepalives would after a while. The client's side stays as it is.
    pub fn give_up_stranded(&self) {
        self.weather
            .send_modify(|weather| weather.given_up = weather.generation);
    }

    /// Strands each connection from now on when it has brought so many bytes from the server: a network that dies in the
    /// middle of something.
    pub fn strand_after(&self, bytes: u64) {
        self.weather
            .send_modify(|weather| weather.allowance = Some(bytes));
    }

    /// Lets bytes and new connections through again. The delay stays as it is.
    pub fn restore(&self) {
        self.weather.send_modify(|weather| weather.path = Path::Open);
    }

    /// Holds each chunk of at most 16 KiB, in both directions, for this many milliseconds. Throughput falls with it.
    pub fn delay(&self, ms: u64) {
        self.weather
            .send_modify(|weather| weather.delay = Duration::from_millis(ms));
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Where connections lead, and how.
#[derive(Debug, Clone)]
struct Upstream {
    address: SocketAddr,
    narrow: bool,
    done: Arc<Done>,
}

impl Upstream {
    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if self.narrow {
            socket.set_recv_buffer_size(NARROW_BYTES)?;
        }
        socket.connect(self.address).await
    }
}

/// Owns the connections' tasks, so that aborting it ends them.
async fn accept(
    listener: TcpListener,
    upstream: Upstream,
    weather: watch::Receiver<Weather>,
    count: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    if weather.borrow().path == Path::Cut {
                        upstream.done.cut.fetch_add(1, Ordering::Relaxed);
                    } else {
                        connections.spawn(forward(client, upstream.clone(), weather.clone()));
                    }
                }
                // Out of file descriptors, most likely: give the connections a moment to end.
                Err(error) => {
                    tracing::warn!(%error, "the proxy accepts no connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
        count.send_replace(connections.len());
    }
}

async fn forward(client: TcpStream, upstream: Upstream, mut weather: watch::Receiver<Weather>) {
    let done = Arc::clone(&upstream.done);
    let pumping = pump_both(client, upstream, weather.clone());
    tokio::select! {
        result = pumping => if let Err(error) = result {
            tracing::debug!(%error, "a connection through the proxy ended");
        },
        // Also when the proxy itself is gone.
        cut = weather.wait_for(|weather| weather.path == Path::Cut) => {
            done.cut.fetch_add(u64::from(cut.is_ok()), Ordering::Relaxed);
        }
    }
}

async fn pump_both(
    mut client: TcpStream,
    upstream: Upstream,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let done = &*upstream.done;
    let (generation, mut allowance) = {
        let weather = weather.borrow();
        (weather.generation, weather.allowance)
    };
    wait_for_open(&mut weather, generation, done).await?;
    let mut server = tokio::time::timeout(CONNECT_LIMIT, upstream.connect()).await??;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let mut forecast = weather.clone();
    let given_up = |weather: &Weather| weather.given_up > generation;
    {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let mut no_end = None;
        let up = pump(
            from_client,
            to_server,
            weather.clone(),
            generation,
            &mut no_end,
            done,
        );
        let down = pump(from_server, to_client, weather, generation, &mut allowance, done);
        tokio::select! {
            both = async { tokio::try_join!(up, down) } => match both {
                Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {}
                both => return both.map(|_| ()),
            },
            ended = forecast.wait_for(given_up) => drop(ended.map_err(|_| gone())?),
        }
    }
    forecast.wait_for(given_up).await.map_err(|_| gone())?;
    drop(server);
    // Nobody tells the client.
    std::future::pending().await
}

/// Moves bytes one way until the source ends, then passes the end on. That the `allowance` is used up is an error.
async fn pump(
    mut from: impl io::AsyncRead + Unpin,
    mut to: impl io::AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    generation: u64,
    allowance: &mut Option<u64>,
    done: &Done,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk).await?;
        let delay = weather.borrow().delay;
        if !delay.is_zero() {
            done.late.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(delay).await;
        }
        wait_for_open(&mut weather, generation, done).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        let passes = allowance.map_or(length, |left| left.min(length as u64) as usize);
        to.write_all(&chunk[..passes]).await?;
        if let Some(left) = allowance {
            *left -= passes as u64;
            if passes < length {
                done.held.fetch_add(1, Ordering::Relaxed);
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
        }
    }
}

async fn wait_for_open(
    weather: &mut watch::Receiver<Weather>,
    generation: u64,
    done: &Done,
) -> io::Result<()> {
    let passes = |weather: &Weather| weather.path == Path::Open && weather.generation == generation;
    if !passes(&weather.borrow()) {
        done.held.fetch_add(1, Ordering::Relaxed);
    }
    let open = weather.wait_for(passes).await;
    open.map(|_| ()).map_err(|_| gone())
}

fn gone() -> io::Error {
    io::Error::other("the proxy is gone")
}
