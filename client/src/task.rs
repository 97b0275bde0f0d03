//! The connection's one task: connects, runs a session, waits, comes back.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tidings_protocol::Resume;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, DisconnectReason, Incoming, Token, TokenReason,
    flight::Flight,
    handle::Outgoing,
    sequence::{Counts, Sequencer},
    session::{CLOSE_TIMEOUT, Ended, has_room},
    socket::dial,
};

/// All that outlives a single session.
pub(crate) struct Task {
    pub(crate) config: Config,
    pub(crate) requests: mpsc::Receiver<Outgoing>,
    /// Whether any handle is left.
    pub(crate) requests_open: bool,
    pub(crate) events: mpsc::Sender<Incoming>,
    pub(crate) ended: CancellationToken,
    pub(crate) sequencer: Sequencer,
    pub(crate) flight: Flight,
    /// What waits for room in the event queue. While it is not empty the socket is not read, so its length is
    /// bounded by what one text frame can bring.
    pub(crate) ready: VecDeque<Incoming>,
}

impl Task {
    pub(crate) fn new(
        config: Config,
        requests: mpsc::Receiver<Outgoing>,
        events: mpsc::Sender<Incoming>,
        ended: CancellationToken,
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            sequencer: Sequencer::new(&config.resume, counts),
            flight: Flight::new(config.command_timeout, config.command_attempts),
            config,
            requests,
            requests_open: true,
            events,
            ended,
            ready: VecDeque::new(),
        }
    }

    pub(crate) async fn run(mut self) {
        let mut failures = 0;
        let mut url_index = 0;
        let mut token_reason = TokenReason::Connect;
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
            // A refused token is final, unless a provider may have another; and that is asked only once.
            let asked_again = token_reason == TokenReason::Refused && !welcomed;
            let new_token = reason.blames_token() && self.config.tokens.can_renew() && !asked_again;
            token_reason = if new_token {
                TokenReason::Refused
            } else {
                TokenReason::Connect
            };
            let retry_in = if reason.is_retryable() || new_token {
                let delay = self.config.backoff.delay(failures, rand::random());
                delay.map(|delay| server_delay(&reason).unwrap_or(delay))
            } else {
                None
            };
            self.ready.push_back(Incoming::Disconnected { reason, retry_in });
            let Some(delay) = retry_in else { break };
            if self.meanwhile(tokio::time::sleep(delay)).await.is_none() {
                self.ready.push_back(Incoming::Disconnected {
                    reason: DisconnectReason::ByUser,
                    retry_in: None,
                });
                break;
            }
        }
        self.finish().await;
    }

    /// One connection from its opening to its end.
    async fn attempt(&mut self, url_index: usize, token_reason: TokenReason) -> Ended {
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
            return Ended::early(DisconnectReason::Network("no address given".to_owned()));
        };
        match self
            .meanwhile(tokio::time::timeout(limit, Box::pin(dial(&url))))
            .await
        {
            Some(Ok(Ok(socket))) => self.session(socket, token).await,
            Some(Ok(Err(error))) => Ended::early(DisconnectReason::Network(error.to_string())),
            Some(Err(_)) => Ended::early(DisconnectReason::Network("connecting took too long".to_owned())),
            None => Ended::early(DisconnectReason::ByUser),
        }
    }

    pub(crate) fn resume(&self) -> Resume {
        self.sequencer.resume()
    }

    /// Waits for something without a session, while queues still move and old commands time out. `None` when
    /// the user ended the connection first.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        loop {
            let room = self.requests_open && self.flight.len() < self.config.in_flight_max;
            let due = self.flight.next_deadline();
            tokio::select! {
                () = self.ended.cancelled() => return None,
                output = &mut future => return Some(output),
                open = has_room(&self.events), if !self.ready.is_empty() => {
                    if !open {
                        return None;
                    }
                    self.hand_out();
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

    /// Answers all commands, and hands out what is ready as long as the user takes it.
    async fn finish(mut self) {
        self.requests.close();
        self.flight.close();
        while let Ok(request) = self.requests.try_recv() {
            if let Outgoing::Command(request) = request {
                self.flight.add(request, Instant::now());
            }
        }
        self.flight.close();
        while let Some(incoming) = self.ready.pop_front() {
            if self.ended.is_cancelled() {
                // The user may have stopped reading without dropping the stream.
                let sent = tokio::time::timeout(CLOSE_TIMEOUT, self.events.send(incoming)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            } else {
                tokio::select! {
                    () = self.ended.cancelled() => return,
                    sent = self.events.send(incoming) => if sent.is_err() { return },
                }
            }
        }
    }
}

/// How long the server wants the client to stay away.
fn server_delay(reason: &DisconnectReason) -> Option<Duration> {
    let millis = match reason {
        DisconnectReason::Closed(close) => close.retry_after_ms,
        DisconnectReason::HelloRefused(error) => error.retry_after_ms,
        _ => None,
    };
    millis.map(Duration::from_millis)
}
