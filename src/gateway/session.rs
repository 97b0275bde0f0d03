//! One connection, from its first byte to its last.

use super::gaps::Gaps;
use super::handshake::{Greeted, greet};
use super::proof::Answered;
use super::reader::{READS_IN_FLIGHT, Reader};
use super::registry::{Connection, Registered, Registry, TooMany};
use super::resume::Parts;
use super::shared::{ReaderEnd, Shared};
use super::socket::{Sink, Source};
use super::writer::Writer;
use super::{Gateway, close, resume};
use crate::delivery::{Outbox, Subscriber};
use crate::presence::Device;
use crate::wire;
use futures_util::FutureExt as _;
use rand::RngExt as _;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;
use tidings_domain::UserId;
use tidings_protocol::{Close, CloseCode, ServerFrame};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use tracing::field::display;

/// A connection that has said a valid hello. It stays in one place, since every step that hands it on would keep room for it.
struct Session {
    shared: Arc<Shared>,
    writer: Writer,
    reader: Reader,
    connection: u64,
    user: UserId,
    /// Objects of the hello's frame behind the hello itself.
    rest: Vec<String>,
}

/// Runs a connection.
pub(super) async fn run(
    gateway: Arc<Gateway>,
    sink: Sink,
    source: Source,
    address: IpAddr,
    token: Option<String>,
) {
    // Boxed, like all that happens once or seldom: a connection has room for this future for as long as it lives.
    let Some(session) = Box::pin(begin(&gateway, sink, source, address, token)).await else {
        return;
    };
    let (connection, user) = (session.connection, session.user);
    let shared = Arc::clone(&session.shared);
    // A panic ends this connection and nothing else; the hub forgets the connection however it ended. The future has no
    // name, for a name would keep room for it twice.
    let began = Instant::now();
    if AssertUnwindSafe(serve(&gateway, session))
        .catch_unwind()
        .await
        .is_err()
    {
        tracing::error!(connection, "a connection panicked");
        metrics::counter!("tidings_connection_panics_total").increment(1);
    }
    metrics::histogram!("tidings_connection_seconds").record(began.elapsed());
    gateway.hub.unregister(connection, user).await;
    if shared.watches.load(Ordering::Relaxed) {
        gateway.presence.unwatch(connection).await;
    }
}

/// From the upgrade to a session. `None` when the connection has ended; the reason has been said.
async fn begin(
    gateway: &Arc<Gateway>,
    mut sink: Sink,
    mut source: Source,
    address: IpAddr,
    token: Option<String>,
) -> Option<Box<Session>> {
    let leaving = gateway.lifecycle.leaving();
    let greeted = tokio::select! {
        greeted = greet(gateway, &mut sink, &mut source, token) => greeted,
        () = leaving.cancelled() => {
            close::say(&mut sink, going_away(gateway)).await;
            None
        }
    };
    let Some(greeted) = greeted else {
        close::await_farewell(&mut source).await;
        return None;
    };
    let entered = Registry::enter(
        &gateway.registry,
        greeted.user,
        &greeted.roles,
        greeted.session,
        greeted.device.as_str().into(),
        address,
        crate::clock::now(),
    );
    let registered = match entered {
        Ok(registered) => registered,
        Err(too_many) => {
            close::say(&mut sink, refusal(&too_many)).await;
            close::await_farewell(&mut source).await;
            return None;
        }
    };
    Some(Box::new(Session::new(gateway, sink, source, greeted, registered)))
}

fn refusal(too_many: &TooMany) -> Close {
    let (code, reason, retry_after_ms) = match too_many {
        TooMany::OfNode => (
            CloseCode::GoingAway,
            "the connection limit of this node is reached",
            5000,
        ),
        TooMany::OfUser => (
            CloseCode::Flooding,
            "this user has as many connections as one may have",
            5000,
        ),
        TooMany::InTime(wait) => (
            CloseCode::Flooding,
            "this user connects too often",
            wait.as_millis() as u64 + 1,
        ),
    };
    Close {
        reason: reason.to_owned(),
        ..Close::new(code).with_retry_after_ms(retry_after_ms)
    }
}

impl Session {
    fn new(
        gateway: &Arc<Gateway>,
        sink: Sink,
        source: Source,
        greeted: Greeted,
        registered: Registered,
    ) -> Self {
        let shared = Arc::new(Shared {
            outbox: Arc::new(Outbox::new(
                gateway.limits.outbox_events,
                gateway.limits.outbox_bytes,
            )),
            in_flight: Arc::new(Semaphore::new(gateway.limits.commands_in_flight as usize)),
            reads: Arc::new(Semaphore::new(READS_IN_FLIGHT as usize)),
            missed: AtomicU32::new(0),
            answered: Answered::default(),
            gaps: Gaps::default(),
            watches: AtomicBool::new(false),
            resume: Parts::new(greeted.resume, greeted.more),
            expires_at_ms: AtomicI64::new(greeted.expires_at.timestamp_millis()),
            time_lines: gateway.hub.time_lines(),
            stop_reading: CancellationToken::new(),
        });
        let Greeted {
            user,
            unreadable,
            rest,
            session,
            renewal,
            login,
            ..
        } = greeted;
        let arrived = gateway.presence.arrive(user, device(&registered, &rest));
        let here = gateway.announcements.arrive(user);
        let connection = registered.connection.id;
        // What is logged about it from here on is found by these.
        let span = Span::current();
        span.record("connection", connection);
        span.record("session", display(session));
        span.record("user", display(user));
        let subscriber = Subscriber {
            connection,
            user,
            outbox: Arc::clone(&shared.outbox),
        };
        shared
            .outbox
            .system(&gateway.welcome(user, session, registered.role), None);
        if unreadable > 0 {
            let refusal = ServerFrame::Error(resume::unreadable(unreadable));
            shared.outbox.system(&refusal, None);
        }
        let login = gateway.logins.enter(connection, user, session, login, &shared);
        Self {
            writer: Writer::new(Arc::clone(gateway), sink, Arc::clone(&shared), subscriber),
            reader: Reader::new(
                Arc::clone(gateway),
                source,
                Arc::clone(&shared),
                (registered, arrived, here),
                session,
                renewal,
                login,
            ),
            shared,
            connection,
            user,
            rest,
        }
    }
}

/// A connection, as others may be told of it.
fn device(registered: &Registered, rest: &[String]) -> Device {
    let Connection {
        id,
        session,
        device,
        since,
        ..
    } = &registered.connection;
    Device {
        connection: *id,
        session: *session,
        device: Arc::clone(device),
        since: *since,
        status: wire::said_with_hello(rest).unwrap_or(Device::BEGINS),
    }
}

async fn serve(gateway: &Gateway, mut session: Box<Session>) {
    let Session {
        shared,
        writer,
        reader,
        rest,
        ..
    } = &mut *session;
    let mut closed = None;
    {
        let mut writing = std::pin::pin!(writer.run());
        let mut draining = std::pin::pin!(drain(gateway, shared));
        tokio::select! {
            () = &mut writing => {}
            end = reader.run(std::mem::take(rest)) => match end {
                ReaderEnd::Gone => {}
                ReaderEnd::Closed { clean } => closed = Some(clean),
                ReaderEnd::Violation(close) => {
                    shared.outbox.close(close);
                    writing.await;
                }
                // Either the reason is in the outbox already, or the node drains and it will be.
                ReaderEnd::Stopped => tokio::select! {
                    () = &mut writing => {}
                    () = draining => writing.await,
                },
            },
            () = &mut draining => writing.await,
        }
    }
    Box::pin(end(writer, reader, closed)).await;
}

/// The last things that a connection does; `closed` says, when its client has closed it, whether that was a clean close.
async fn end(writer: &mut Writer, reader: &mut Reader, closed: Option<bool>) {
    // Here, for the writer may have ended first.
    reader.detach_all();
    let answered = closed.is_some() && writer.answer_close().await;
    let farewell = close::await_farewell(&mut reader.source).await;
    if closed == Some(true) && answered && !farewell.reset {
        writer.received_all();
    }
    writer.close_answered(farewell.code);
    writer.note_delivered_last().await;
}

/// When the node lets its clients go: waits this connection's turn, stops reading, lets answers go out, and asks for the close.
async fn drain(gateway: &Gateway, shared: &Shared) {
    let leaving = gateway.lifecycle.leaving();
    // The doors may have been shut since this client came in.
    if gateway.lifecycle.is_open() {
        leaving.cancelled().await;
    }
    Box::pin(go_away(gateway, shared)).await;
}

async fn go_away(gateway: &Gateway, shared: &Shared) {
    let spread = rand::rng().random_range(0..=gateway.limits.drain_ms);
    tokio::time::sleep(Duration::from_millis(spread)).await;
    shared.stop_reading.cancel();
    let answered = async {
        let commands = shared.in_flight.acquire_many(gateway.limits.commands_in_flight);
        tokio::join!(commands, shared.reads.acquire_many(READS_IN_FLIGHT))
    };
    // What is not answered by then is in doubt for the client, who sends it again with the same id.
    let _ = tokio::time::timeout(gateway.answers(), answered).await;
    shared.outbox.close(going_away(gateway));
}

fn going_away(gateway: &Gateway) -> Close {
    Close::new(CloseCode::GoingAway)
        .with_retry_after_ms(rand::rng().random_range(0..=gateway.limits.return_ms))
}
