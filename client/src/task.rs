//! The connection's one task: connects, runs a session, waits, comes back.

mod session;

use std::{sync::Arc, time::Duration};

use tidings_protocol::Resume;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Config, ConnectionState, DisconnectReason, Incoming, Token, TokenReason,
    flight::Flight,
    handle::Outgoing,
    queue::Queue,
    sequence::{Counts, Sequencer},
    socket::dial,
};

/// How long a closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// All that outlives a single session.
pub(crate) struct Task {
    config: Config,
    requests: mpsc::Receiver<Outgoing>,
    /// Whether any handle is left.
    requests_open: bool,
    /// What waits for the user.
    queue: Queue,
    state: watch::Sender<ConnectionState>,
    ended: CancellationToken,
    sequencer: Sequencer,
    flight: Flight,
    /// Whose commands are kept. They are sent for nobody else.
    owner: Option<Uuid>,
}

/// What a connection came to.
struct Ended {
    reason: DisconnectReason,
    /// Whether the server took the hello.
    welcomed: bool,
    /// Whether all that was missed had come.
    synced: bool,
}

impl Ended {
    /// The end of a connection that never stood.
    fn early(reason: DisconnectReason) -> Self {
        Self {
            reason,
            welcomed: false,
            synced: false,
        }
    }
}

impl Task {
    pub(crate) fn new(
        config: Config,
        requests: mpsc::Receiver<Outgoing>,
        queue: Queue,
        state: watch::Sender<ConnectionState>,
        ended: CancellationToken,
        counts: Arc<Counts>,
        owner: Option<Uuid>,
    ) -> Self {
        Self {
            sequencer: Sequencer::new(&config.resume, counts),
            flight: Flight::new(config.command_timeout),
            config,
            requests,
            requests_open: true,
            queue,
            state,
            ended,
            owner,
        }
    }

    pub(crate) async fn run(mut self) {
        let mut failures = 0;
        let mut url_index = 0;
        let mut token_reason = TokenReason::Connect;
        // How many addresses in a row were of no use.
        let mut useless = 0;
        loop {
            let Ended {
                reason,
                welcomed,
                synced,
            } = self.attempt(url_index, token_reason).await;
            tracing::debug!(%reason, "connection ended");
            self.sequencer.connection_lost();
            self.flight.connection_lost();
            failures = if synced { 1 } else { failures + 1 };
            if !welcomed {
                url_index += 1;
            }
            useless = if reason.blames_address() { useless + 1 } else { 0 };
            // A refused token is final, unless a provider may have another; and that is asked only once.
            let asked_again = token_reason == TokenReason::Refused && !welcomed;
            let new_token = reason.blames_token() && self.config.tokens.can_renew() && !asked_again;
            token_reason = if new_token {
                TokenReason::Refused
            } else {
                TokenReason::Connect
            };
            let other_address = useless > 0 && useless < self.config.urls.len();
            let retry_in = if reason.is_retryable() || new_token || other_address {
                let asked = reason.retry_after();
                self.config.backoff.delay(failures, asked, rand::random())
            } else {
                None
            };
            self.tell(reason, retry_in);
            let Some(delay) = retry_in else { break };
            self.state.send_replace(ConnectionState::Waiting);
            let recovered = self.queue.recovered();
            let wait = async {
                tokio::time::sleep(delay).await;
                recovered.await;
            };
            if self.meanwhile(wait).await.is_none() {
                self.tell(DisconnectReason::ByUser, None);
                break;
            }
        }
        self.state.send_replace(ConnectionState::Ended);
        self.finish().await;
    }

    /// Says that the connection has ended.
    fn tell(&mut self, reason: DisconnectReason, retry_in: Option<Duration>) {
        // Its text is of bounded length, or came in a frame, which is.
        self.queue.push(Incoming::Disconnected { reason, retry_in }, 0);
    }

    /// One connection from its opening to its end.
    async fn attempt(&mut self, url_index: usize, token_reason: TokenReason) -> Ended {
        self.state.send_replace(ConnectionState::Connecting);
        let limit = self.config.connect_timeout;
        let token = self.config.tokens.get(token_reason);
        let token: Token = match self.meanwhile(tokio::time::timeout(limit, token)).await {
            Some(Ok(Ok(token))) => token,
            Some(Ok(Err(failure))) => return Ended::early(DisconnectReason::NoToken(failure.0)),
            Some(Err(_)) => return Ended::early(DisconnectReason::NoToken("no answer in time".to_owned())),
            None => return Ended::early(DisconnectReason::ByUser),
        };
        let Some(url) = self
            .config
            .urls
            .get(url_index % self.config.urls.len().max(1))
            .cloned()
        else {
            return Ended::early(DisconnectReason::BadAddress("none is given".to_owned()));
        };
        let tls = self.config.tls.clone();
        match self
            .meanwhile(tokio::time::timeout(
                limit,
                Box::pin(dial(&url, &tls, self.queue.had())),
            ))
            .await
        {
            Some(Ok(Ok(socket))) => self.session(socket, token).await,
            Some(Ok(Err(reason))) => Ended::early(reason),
            Some(Err(_)) => Ended::early(DisconnectReason::Network("connecting took too long".to_owned())),
            None => Ended::early(DisconnectReason::ByUser),
        }
    }

    fn resume(&mut self) -> Resume {
        self.sequencer.resume()
    }

    /// Waits for something without a session, while queues still move and old commands time out. `None` when
    /// the user ended the connection first.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        loop {
            let room = self.requests_open && self.flight.has_room(self.config.in_flight_max);
            let due = self.flight.next_deadline();
            tokio::select! {
                () = self.ended.cancelled() => return None,
                output = &mut future => return Some(output),
                open = self.queue.has_room(), if self.queue.is_waiting() => {
                    if !open {
                        return None;
                    }
                    self.queue.hand_out();
                }
                request = self.requests.recv(), if room => match request {
                    Some(Outgoing::Command(request)) => self.flight.add(request, Instant::now()),
                    Some(Outgoing::Ephemeral(_)) => {}
                    None => self.requests_open = false,
                },
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    // There are no holes to fill without a session.
                    self.flight.expire(Instant::now());
                }
            }
        }
    }

    /// Returns all commands, and hands out what is ready as long as the user takes it.
    async fn finish(mut self) {
        self.requests.close();
        self.flight.close();
        while let Ok(request) = self.requests.try_recv() {
            if let Outgoing::Command(request) = request {
                self.flight.add(request, Instant::now());
            }
        }
        self.flight.close();
        while let Some(waiting) = self.queue.pop() {
            if self.ended.is_cancelled() {
                // The user may have stopped reading without dropping the stream.
                let sent = tokio::time::timeout(CLOSE_TIMEOUT, self.queue.send(waiting)).await;
                if !matches!(sent, Ok(true)) {
                    return;
                }
            } else {
                tokio::select! {
                    () = self.ended.cancelled() => return,
                    sent = self.queue.send(waiting) => if !sent { return },
                }
            }
        }
    }
}
