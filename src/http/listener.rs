//! Accepting sockets and speaking HTTP over them until the node drains.

use super::limits::HttpLimits;
use super::sockets::{Full, Place, Socket, Sockets};
use crate::lifecycle::Lifecycle;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause when the system has no more sockets to give.
const EXHAUSTED: Duration = Duration::from_secs(1);
/// Sockets that are told at the same time that there is no place for them; beyond, they are just closed.
const REFUSALS: usize = 64;
/// How long one is given to have read that.
const REFUSAL_READ: Duration = Duration::from_secs(1);

/// Serves until the node drains. Open requests are finished; what was upgraded is its owner's to end. `sockets` may be
/// open at once; those of one address are counted here unless requests come through proxies.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    sockets: usize,
    proxied: bool,
    lifecycle: Lifecycle,
) {
    let draining = lifecycle.draining();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head());
    let server = Server {
        http,
        service: TowerToHyperService::new(router),
        draining: draining.clone(),
    };
    let sockets = Sockets::new(sockets, limits.sockets_per_address);
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = draining.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            // It was gone before it was taken.
            Err(error) if is_of_one_socket(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "sockets cannot be accepted");
                sleep(EXHAUSTED).await;
                continue;
            }
        };
        let place = Sockets::enter(&sockets).and_then(|place| {
            // Proxies hold many sockets; clients behind them are known once they ask for something.
            if !proxied {
                place.count_for(peer.ip())?;
            }
            Ok(place)
        });
        match place {
            Ok(place) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no delay could not be set");
                }
                let socket = Socket::new(stream, Arc::clone(&place), limits.stalled());
                tasks.spawn(server.clone().converse(socket, place, peer));
            }
            Err(full) => {
                if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                    tasks.spawn(async move {
                        // Whoever does not wait for the answer needs none.
                        let _ = timeout(REFUSAL_READ, refuse(stream, full)).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

#[derive(Clone)]
struct Server {
    http: http1::Builder,
    service: TowerToHyperService<Router>,
    draining: CancellationToken,
}

impl Server {
    /// Speaks HTTP over one socket, until it ends or becomes something else.
    async fn converse(self, socket: Socket, place: Arc<Place>, peer: SocketAddr) {
        let Self {
            http,
            service,
            draining,
        } = self;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Arc::clone(&place));
            service.call(request)
        });
        let mut connection = std::pin::pin!(
            http.serve_connection(TokioIo::new(socket), service)
                .with_upgrades()
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = draining.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::trace!(%error, "a socket ended");
        }
    }
}

fn is_of_one_socket(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

/// Says that there is no place, and waits until the client has closed: what it sent would otherwise reset the socket
/// before it has read this.
async fn refuse(stream: TcpStream, full: Full) -> io::Result<()> {
    let (status, code, detail) = match full {
        Full::Node => (
            "503 Service Unavailable",
            "overloaded",
            "the socket limit of this node is reached",
        ),
        Full::Address => (
            "429 Too Many Requests",
            "rate_limited",
            "this address has as many sockets as one may have",
        ),
    };
    let (number, title) = status.split_once(' ').unwrap_or_default();
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{number},"detail":"{detail}","code":"{code}","retry_after_ms":5000}}"#
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nretry-after: 5\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // It fits into an empty buffer of the kernel, so nobody is waited for.
    let mut bare = stream.into_std()?;
    bare.write_all(answer.as_bytes())?;
    bare.shutdown(std::net::Shutdown::Write)?;
    let mut stream = TcpStream::from_std(bare)?;
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
