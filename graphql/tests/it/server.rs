//! A server on a port of its own, and a small HTTP client.

use crate::support::{LONG, World};
use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tidings_graphql::http::{Authenticate, Service, routes};
use tidings_graphql::{Code, Refusal, Viewer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) draining: CancellationToken,
    /// Ends the sessions of all viewers.
    pub(crate) revoking: CancellationToken,
    task: JoinHandle<()>,
}

/// Tokens of these tests are user ids. `brief-<id>` is one that expires soon, `admin-<id>` an administrator's, `hasty-<id>` that of somebody
/// who has begun too many sockets.
struct Tokens {
    revoking: CancellationToken,
}

impl Authenticate for Tokens {
    fn viewer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Viewer, Refusal>> {
        Box::pin(async move {
            if token == "away" {
                return Err(Refusal::unavailable("tokens cannot be checked just now"));
            }
            let (token, roles) = match token.split_once('-') {
                Some((role @ ("admin" | "hasty"), id)) => (id, vec![role.to_owned()]),
                _ => (token, vec![]),
            };
            let (id, valid_for) = match token.strip_prefix("brief-") {
                Some(id) => (id, Some(Duration::from_millis(100))),
                None => (token, None),
            };
            let user = Uuid::try_parse(id)
                .map_err(|_| Refusal::new(Code::Unauthenticated, "the token is not valid"))?;
            Ok(Viewer {
                user,
                roles,
                session: None,
                valid_for,
            })
        })
    }

    fn begins(&self, viewer: &Viewer) -> Result<(), Duration> {
        if viewer.roles.iter().any(|role| role == "hasty") {
            return Err(Duration::from_secs(3));
        }
        Ok(())
    }

    fn ended<'a>(&'a self, _: &Viewer) -> BoxFuture<'a, ()> {
        Box::pin(self.revoking.cancelled())
    }
}

impl Server {
    pub(crate) async fn start(world: &World) -> Self {
        Self::with_init(world, LONG).await
    }

    /// With another time for a client of a socket to say who it is.
    pub(crate) async fn with_init(world: &World, init: Duration) -> Self {
        let (draining, revoking) = (CancellationToken::new(), CancellationToken::new());
        let service = Service {
            graphql: world.graphql.clone(),
            authenticate: Arc::new(Tokens {
                revoking: revoking.clone(),
            }),
            init,
            playground: || Some(Response::new(Body::from("<html>")).into_response()),
            draining: draining.clone(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, routes(service)).await.unwrap() });
        Self {
            address,
            draining,
            revoking,
            task,
        }
    }

    pub(crate) async fn send(&self, request: Request<String>) -> Answer {
        tokio::time::timeout(LONG, self.exchange(request)).await.unwrap()
    }

    async fn exchange(&self, request: Request<String>) -> Answer {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n",
            request.method(),
            request.uri()
        );
        for (name, value) in request.headers() {
            write!(head, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", request.body().len()).unwrap();
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses a large body may close before it has all of it.
        let _ = stream.write_all(request.body().as_bytes()).await;
        let mut bytes = vec![];
        let _ = stream.read_to_end(&mut bytes).await;
        Answer::parse(&String::from_utf8(bytes).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Self {
            status,
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}
