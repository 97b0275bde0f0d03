//! A TCP proxy that stands in front of a server and misbehaves when told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const CHUNK_BYTES: usize = 16 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const CUT_LIMIT: Duration = Duration::from_secs(5);

/// Forwards TCP connections from a port of its own on 127.0.0.1 to a server, and cuts, stalls or delays them. Ends
/// with all its connections when dropped. It belongs to the tokio runtime that started it.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    open: watch::Receiver<usize>,
    acceptor: JoinHandle<()>,
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
}

impl ChaosProxy {
    /// Listens on a free port and forwards to `upstream`, which need not be up yet.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (weather, forecast) = watch::channel(Weather {
            path: Path::Open,
            delay: Duration::ZERO,
            generation: 0,
        });
        let (count, open) = watch::channel(0);
        let acceptor = tokio::spawn(accept(listener, upstream, forecast, count));
        Ok(Self {
            address,
            weather,
            open,
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

/// Owns the connections' tasks, so that aborting it ends them.
async fn accept(
    listener: TcpListener,
    upstream: SocketAddr,
    weather: watch::Receiver<Weather>,
    count: watch::Sender<usize>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    if weather.borrow().path != Path::Cut {
                        connections.spawn(forward(client, upstream, weather.clone()));
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

async fn forward(client: TcpStream, upstream: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let pumping = pump_both(client, upstream, weather.clone());
    tokio::select! {
        result = pumping => if let Err(error) = result {
            tracing::debug!(%error, "a connection through the proxy ended");
        },
        // Also when the proxy itself is gone.
        _ = weather.wait_for(|weather| weather.path == Path::Cut) => {}
    }
}

async fn pump_both(
    mut client: TcpStream,
    upstream: SocketAddr,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let generation = weather.borrow().generation;
    wait_for_open(&mut weather, generation).await?;
    let connecting = TcpStream::connect(upstream);
    let mut server = tokio::time::timeout(CONNECT_LIMIT, connecting).await??;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = pump(from_client, to_server, weather.clone(), generation);
    let down = pump(from_server, to_client, weather, generation);
    tokio::try_join!(up, down).map(|_| ())
}

/// Moves bytes one way until the source ends, then passes the end on.
async fn pump(
    mut from: impl io::AsyncRead + Unpin,
    mut to: impl io::AsyncWrite + Unpin,
    mut weather: watch::Receiver<Weather>,
    generation: u64,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = from.read(&mut chunk).await?;
        let delay = weather.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        wait_for_open(&mut weather, generation).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..length]).await?;
    }
}

async fn wait_for_open(weather: &mut watch::Receiver<Weather>, generation: u64) -> io::Result<()> {
    let passes = |weather: &Weather| weather.path == Path::Open && weather.generation == generation;
    let open = weather.wait_for(passes).await;
    open.map(|_| ())
        .map_err(|_| io::Error::other("the proxy is gone"))
}
