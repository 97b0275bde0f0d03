//! One connection: writes commands, reads frames, watches the silence.

mod closing;
mod frames;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tidings_protocol::Resume;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{Ended, Task};
use crate::{
    ConnectionState, DisconnectReason, Incoming, Token, TokenFuture, TokenReason,
    handle::Outgoing,
    hello::hello,
    socket::{Proof, Socket, network, write},
};

/// A token that could not be renewed is asked for again after this, and twice as long each time, up to the other.
const RENEW_AGAIN_MIN: Duration = Duration::from_secs(1);
const RENEW_AGAIN_MAX: Duration = Duration::from_secs(30);

/// The least and the most silence that is borne, whatever the server says of its heartbeat: with less a client would leave whoever is slow
/// for a moment, with more it would never learn that a server is gone.
const SILENCE_MIN: Duration = Duration::from_secs(1);
const SILENCE_MAX: Duration = Duration::from_mins(10);

/// The state of one connection.
struct Session {
    outgoing: VecDeque<Message>,
    /// Whether the sink may hold bytes that are not on the wire.
    unflushed: bool,
    welcomed: bool,
    synced: bool,
    /// How many commands may be unanswered.
    in_flight_max: usize,
    frame_bytes: usize,
    /// When the server was heard last, and how long it may be silent.
    heard: Instant,
    patience: Duration,
    renew_at: Option<Instant>,
    renewal: Option<TokenFuture>,
    renew_again: Duration,
    /// Whether pings are answered as they come.
    proof: Arc<Proof>,
    /// The ping whose answer has to wait for the user.
    held: Option<Held>,
}

/// A ping that was read behind something that the user does not have yet.
struct Held {
    payload: Bytes,
    /// How many values the user has to have for the answer; not known while something is still to be fetched.
    upto: Option<u64>,
}

impl Task {
    /// Runs one connection to its end.
    pub(super) async fn session(&mut self, socket: Socket, token: Token) -> Ended {
        let proof = socket.proof();
        let (mut sink, mut stream) = socket.split();
        let now = Instant::now();
        let mut session = Session {
            outgoing: VecDeque::new(),
            unflushed: false,
            welcomed: false,
            synced: false,
            in_flight_max: self.config.in_flight_max,
            frame_bytes: usize::MAX,
            heard: now,
            patience: self.config.connect_timeout,
            renew_at: token.renew_in.and_then(|delay| now.checked_add(delay)),
            renewal: None,
            renew_again: RENEW_AGAIN_MIN,
            proof,
            held: None,
        };
        let resume = self.resume();
        let words = hello(&token.text, &self.config.device, resume);
        session.outgoing.extend(words.into_iter().map(Message::Text));
        let mut timer = Box::pin(tokio::time::sleep_until(now + session.patience));

        let reason = loop {
            if session.welcomed {
                let (bytes, most) = (session.frame_bytes, session.in_flight_max);
                while let Some(text) = self.flight.next_to_send(Instant::now(), bytes, most) {
                    session.outgoing.push_back(Message::text(&*text));
                }
            }
            if self.sequencer.has_caught_up() {
                self.caught_up(&mut session);
            }
            let provable = self.provable(&mut session);
            // What the sink has taken may not be on the wire yet when another branch comes first.
            session.unflushed |= !session.outgoing.is_empty();
            let room = self.requests_open && self.flight.has_room(session.in_flight_max);
            // One at a time: each answer needs room for itself.
            let behind = self.sequencer.is_behind() && !self.flight.is_filling();
            let due = session.due(self.flight.next_deadline());
            if due < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(due);
            }
            tokio::select! {
                () = self.ended.cancelled() => break DisconnectReason::ByUser,
                written = write(&mut sink, &mut session.outgoing), if session.unflushed => {
                    session.unflushed = false;
                    if let Err(error) = written {
                        break network(&error);
                    }
                }
                open = self.queue.has_room(), if self.queue.is_waiting() => {
                    if !open {
                        break DisconnectReason::ByUser;
                    }
                    self.queue.hand_out();
                }
                () = self.queue.had_to(provable.unwrap_or(0)), if provable.is_some() => {
                    if let Some(held) = session.held.take() {
                        session.outgoing.push_back(Message::Pong(held.payload));
                    }
                }
                () = self.queue.eased(), if behind => {
                    let missing = self.sequencer.resumed();
                    self.ask(missing);
                }
                message = stream.next() => {
                    session.heard = Instant::now();
                    // Reading may have queued a pong, which only writing sends.
                    if !matches!(message, Some(Ok(Message::Text(_)))) {
                        session.unflushed = true;
                    }
                    if let Some(reason) = self.message(&mut session, message) {
                        break reason;
                    }
                    if self.queue.is_overrun() {
                        break DisconnectReason::Overrun;
                    }
                    self.queue.hand_out();
                }
                request = self.requests.recv(), if room => match request {
                    Some(Outgoing::Command(request)) => self.flight.add(request, Instant::now()),
                    // It is of no use later.
                    Some(Outgoing::Ephemeral(text)) if session.welcomed && !session.unflushed => {
                        session.outgoing.push_back(Message::text(text));
                    }
                    Some(Outgoing::Ephemeral(_)) => {}
                    None => self.requests_open = false,
                },
                token = renewed(&mut session.renewal), if session.renewal.is_some() => {
                    session.renewal = None;
                    match token {
                        Ok(token) => {
                            let renew_at = |delay| Instant::now().checked_add(delay);
                            session.renew_at = token.renew_in.and_then(renew_at);
                            session.renew_again = RENEW_AGAIN_MIN;
                            let words = hello(&token.text, &self.config.device, Resume::default());
                            session.outgoing.extend(words.into_iter().map(Message::Text));
                        }
                        // The one in use may still live on; the server says when it does not.
                        Err(failure) => {
                            tracing::warn!(%failure, "token not renewed");
                            session.renew_at = Some(Instant::now() + session.renew_again);
                            session.renew_again = (session.renew_again * 2).min(RENEW_AGAIN_MAX);
                        }
                    }
                }
                () = &mut timer => {
                    let now = Instant::now();
                    if now >= session.heard + session.patience {
                        break DisconnectReason::Silent;
                    }
                    for hole in self.flight.expire(now) {
                        // That it could not be had for now, or was not answered, says nothing of what is missing.
                        let missing = self.sequencer.missing(hole.conversation);
                        self.ask(missing);
                    }
                    if session.renew_at.is_some_and(|at| at <= now) {
                        session.renew_at = None;
                        session.renewal = Some(self.config.tokens.get(TokenReason::Renew));
                    }
                }
            }
        };
        // Whatever else ended it, the socket is just dropped: a closing handshake would be proof of receipt.
        if reason == DisconnectReason::ByUser {
            self.close(&mut session, &mut sink, &mut stream).await;
        }
        Ended {
            reason,
            welcomed: session.welcomed,
            synced: session.synced,
        }
    }

    /// Says what a ping that is read next asks for; returns how many values the user has to have before the one that waits is
    /// answered.
    fn provable(&self, session: &mut Session) -> Option<u64> {
        let wanted = self.sequencer.is_whole().then(|| self.queue.put_in());
        session.proof.want(wanted);
        let held = session.held.as_mut()?;
        held.upto = held.upto.or(wanted);
        held.upto
    }

    fn caught_up(&mut self, session: &mut Session) {
        if !session.synced {
            session.synced = true;
            self.queue.push(Incoming::Synced, 0);
            self.state.send_replace(ConnectionState::Live);
            self.queue.hand_out();
        }
    }
}

impl Session {
    /// A ping was read, and answered if it could be.
    fn pinged(&mut self, payload: Bytes) {
        if self.proof.is_given() {
            self.held = None;
        } else if self.held.as_ref().is_none_or(|held| held.payload != payload) && !payload.is_empty() {
            // An answer to the newest ping stands for those before it. The same one again asks for no more than it did.
            self.held = Some(Held { payload, upto: None });
        }
    }

    fn welcomed(&mut self, welcome: &tidings_protocol::Welcome) {
        self.welcomed = true;
        self.patience = patience(welcome.heartbeat_ms);
        if welcome.limits.frame_bytes > 0 {
            self.frame_bytes = welcome.limits.frame_bytes as usize;
        }
        if let Some(most) = welcome.limits.commands_in_flight {
            self.in_flight_max = self.in_flight_max.min(most.max(1) as usize);
        }
    }

    /// When the timer has something to do next.
    fn due(&self, flight: Option<Instant>) -> Instant {
        [flight, self.renew_at]
            .into_iter()
            .flatten()
            .fold(self.heard + self.patience, Instant::min)
    }
}

/// How long a server may be silent that says that it is heard each so many milliseconds: two and a half times that, within bounds.
fn patience(heartbeat_ms: u64) -> Duration {
    Duration::from_millis(heartbeat_ms.saturating_mul(5) / 2).clamp(SILENCE_MIN, SILENCE_MAX)
}

/// The provider's answer; pending for ever when none was asked.
async fn renewed(renewal: &mut Option<TokenFuture>) -> Result<Token, crate::TokenFailure> {
    match renewal {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_borne_for_two_and_a_half_heartbeats_neither_never_nor_for_ever() {
        assert_eq!(patience(25_000), Duration::from_millis(62_500));
        assert_eq!(patience(500), Duration::from_millis(1250));
        for hasty in [0, 1, 20] {
            assert_eq!(patience(hasty), SILENCE_MIN);
        }
        for slow in [3_600_000, u64::MAX / 2, u64::MAX] {
            assert_eq!(patience(slow), SILENCE_MAX);
        }
    }
}
