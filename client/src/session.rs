//! One connection: writes commands, reads frames, watches the silence.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _, stream::SplitStream};
use tidings_protocol::{ClientFrame, Hello, ServerFrame, split_frame};
use tokio::{sync::mpsc, time::Instant};
use tokio_tungstenite::tungstenite::{
    self, Message, Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode as SocketCode},
};

use crate::{
    DisconnectReason, Incoming, Token, TokenFuture, TokenReason,
    flight::HoleAnswer,
    handle::Outgoing,
    sequence::Missing,
    socket::{Socket, network, write},
    task::Task,
};

/// How long a closing handshake may take.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The most cursors in one hello, so that it fits into a frame. The rest resume from the server's stored cursor;
/// should that be ahead of what came here, the next event shows a hole and it is fetched.
const RESUME_MAX: usize = 1200;

/// What a connection came to.
pub(crate) struct Ended {
    pub(crate) reason: DisconnectReason,
    /// Whether the server took the hello.
    pub(crate) welcomed: bool,
    /// Whether all that was missed had come.
    pub(crate) synced: bool,
}

impl Ended {
    /// The end of a connection that never stood.
    pub(crate) fn early(reason: DisconnectReason) -> Self {
        Self {
            reason,
            welcomed: false,
            synced: false,
        }
    }
}

/// The state of one connection.
struct Session {
    outgoing: VecDeque<Utf8Bytes>,
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
}

impl Task {
    /// Runs one connection to its end.
    pub(crate) async fn session(&mut self, socket: Socket, token: Token) -> Ended {
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
            renew_at: token.renew_in.map(|delay| now + delay),
            renewal: None,
        };
        let resume = self.resume();
        session.outgoing.push_back(self.hello(token.text, resume));
        let mut timer = Box::pin(tokio::time::sleep_until(now + session.patience));

        let reason = loop {
            if session.welcomed {
                while let Some(text) = self.flight.next_to_send(Instant::now(), session.frame_bytes) {
                    session.outgoing.push_back(text.into());
                }
            }
            let reading = self.ready.is_empty();
            let writing = session.unflushed || !session.outgoing.is_empty();
            let room = self.requests_open && self.flight.len() < session.in_flight_max;
            let due = session.due(reading, self.flight.next_deadline());
            if due < timer.deadline() || timer.is_elapsed() {
                timer.as_mut().reset(due);
            }
            tokio::select! {
                () = self.ended.cancelled() => break DisconnectReason::ByUser,
                written = write(&mut sink, &mut session.outgoing), if writing => {
                    session.unflushed = false;
                    if let Err(error) = written {
                        break network(&error);
                    }
                }
                open = has_room(&self.events), if !reading => {
                    if !open {
                        break DisconnectReason::ByUser;
                    }
                    self.hand_out();
                    // Silence counts only while this side listens.
                    session.heard = Instant::now();
                }
                message = stream.next(), if reading => {
                    session.heard = Instant::now();
                    // Reading may have queued a pong, which only writing sends.
                    if !matches!(message, Some(Ok(Message::Text(_)))) {
                        session.unflushed = true;
                    }
                    if let Some(reason) = self.message(&mut session, message) {
                        break reason;
                    }
                    self.hand_out();
                }
                request = self.requests.recv(), if room => match request {
                    Some(Outgoing::Command(request)) => self.flight.add(request, Instant::now()),
                    Some(Outgoing::Ephemeral(text)) if session.welcomed => {
                        session.outgoing.push_back(text.into());
                    }
                    Some(Outgoing::Ephemeral(_)) => {}
                    None => self.requests_open = false,
                },
                token = renewed(&mut session.renewal), if session.renewal.is_some() => {
                    session.renewal = None;
                    match token {
                        Ok(token) => {
                            session.renew_at = token.renew_in.map(|delay| Instant::now() + delay);
                            session.outgoing.push_back(self.hello(token.text, tidings_protocol::Resume::default()));
                        }
                        // The one in use may still live on; the server says when it does not.
                        Err(failure) => tracing::warn!(%failure, "token not renewed"),
                    }
                }
                () = &mut timer => {
                    let now = Instant::now();
                    if reading && now >= session.heard + session.patience {
                        break DisconnectReason::Silent;
                    }
                    for conversation in self.flight.expire(now) {
                        let missing = self.sequencer.unfillable(conversation, &mut self.ready);
                        self.ask(missing);
                    }
                    if session.renew_at.is_some_and(|at| at <= now) {
                        session.renew_at = None;
                        session.renewal = Some(self.config.tokens.get(TokenReason::Renew));
                    }
                }
            }
        };
        let closing = async {
            let frame = CloseFrame {
                code: SocketCode::Normal,
                reason: "".into(),
            };
            // The other side may be gone already; the reason is known either way.
            let _ = sink.send(Message::Close(Some(frame))).await;
            if reason == DisconnectReason::ByUser {
                self.drain(&mut session, &mut stream).await;
            }
            let _ = sink.close().await;
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
        Ended {
            reason,
            welcomed: session.welcomed,
            synced: session.synced,
        }
    }

    fn hello(&self, token: String, mut resume: tidings_protocol::Resume) -> Utf8Bytes {
        while resume.conversations.len() > RESUME_MAX {
            resume.conversations.pop_last();
        }
        let hello = Hello {
            token: Some(token),
            device: Some(self.config.device.clone()),
            resume,
            ..Hello::default()
        };
        serde_json::to_string(&ClientFrame::Hello(hello))
            .expect("maps with string keys always serialize")
            .into()
    }

    /// Moves what is ready into the event queue, as far as there is room now.
    pub(crate) fn hand_out(&mut self) {
        while !self.ready.is_empty() {
            let Ok(permit) = self.events.try_reserve() else {
                return;
            };
            if let Some(incoming) = self.ready.pop_front() {
                permit.send(incoming);
            }
        }
    }

    /// Takes what the server sent before it answers the close, so that all that it counts as sent has come.
    async fn drain(&mut self, session: &mut Session, stream: &mut SplitStream<Socket>) {
        loop {
            while !self.ready.is_empty() {
                if !has_room(&self.events).await {
                    return;
                }
                self.hand_out();
            }
            let message = stream.next().await;
            if self.message(session, message).is_some() {
                return;
            }
        }
    }

    fn ask(&mut self, missing: Option<Missing>) {
        if let Some(Missing { conversation, from }) = missing {
            self.flight.add_hole(conversation, from, Instant::now());
        }
    }

    /// Takes one WebSocket message; returns why the connection ends, if it does.
    fn message(
        &mut self,
        session: &mut Session,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Option<DisconnectReason> {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => {
                // 1005: the close frame had no code.
                let code = frame.map_or(1005, |frame| u16::from(frame.code));
                return Some(DisconnectReason::SocketClosed { code });
            }
            Some(Ok(_)) => return None,
            Some(Err(error)) => return Some(network(&error)),
            None => return Some(DisconnectReason::Network("the connection was cut".to_owned())),
        };
        for line in split_frame(&text) {
            match ServerFrame::parse(line) {
                Ok(Some(frame)) => {
                    if let Some(reason) = self.frame(session, frame) {
                        return Some(reason);
                    }
                }
                Ok(None) => {}
                // An event that cannot be read shows as a hole and is fetched, so nothing goes amiss silently.
                Err(error) => tracing::warn!(%error, "unreadable frame skipped"),
            }
        }
        None
    }

    fn frame(&mut self, session: &mut Session, frame: ServerFrame) -> Option<DisconnectReason> {
        let out = &mut self.ready;
        match frame {
            ServerFrame::Event(event) => {
                let missing = self.sequencer.event(event, out);
                self.ask(missing);
            }
            ServerFrame::Ack(ack) => self.flight.acked(ack),
            ServerFrame::Welcome(welcome) => {
                // A renewed hello may be welcomed again; that changes nothing here.
                if !session.welcomed {
                    session.welcomed(&welcome);
                    out.push_back(Incoming::Connected(welcome));
                }
            }
            ServerFrame::Synced => {
                if !session.synced {
                    session.synced = true;
                    out.push_back(Incoming::Synced);
                }
            }
            ServerFrame::Gap(gap) => self.sequencer.gap(gap, out),
            ServerFrame::Events(events) => {
                if let Some(answer) = self.flight.fetched(events) {
                    self.hole(answer);
                }
            }
            ServerFrame::Error(error) => match error.id {
                Some(id) => {
                    if let Some(answer) = self.flight.refused(id, error, Instant::now()) {
                        self.hole(answer);
                    }
                }
                None if !session.welcomed => return Some(DisconnectReason::HelloRefused(error)),
                None => tracing::warn!(code = %error.code, "the server refused a frame without an id"),
            },
            ServerFrame::Notice(notice) => self.sequencer.notice(notice, out),
            ServerFrame::Typing(typing) => out.push_back(Incoming::Typing(typing)),
            ServerFrame::Presence(presence) => out.push_back(Incoming::Presence(presence)),
            ServerFrame::Receipt(receipt) => out.push_back(Incoming::Receipt(receipt)),
            ServerFrame::Pong { .. } => {}
            ServerFrame::Close(close) => return Some(DisconnectReason::Closed(close)),
        }
        None
    }

    fn hole(&mut self, answer: HoleAnswer) {
        let missing = match answer {
            HoleAnswer::Filled(events) => self.sequencer.filled(events, &mut self.ready),
            HoleAnswer::Refused(conversation) => self.sequencer.unfillable(conversation, &mut self.ready),
        };
        self.ask(missing);
    }
}

impl Session {
    fn welcomed(&mut self, welcome: &tidings_protocol::Welcome) {
        self.welcomed = true;
        self.patience = Duration::from_millis(welcome.heartbeat_ms.saturating_mul(5) / 2);
        if welcome.limits.frame_bytes > 0 {
            self.frame_bytes = welcome.limits.frame_bytes as usize;
        }
        if let Some(most) = welcome.limits.commands_in_flight {
            self.in_flight_max = self.in_flight_max.min(most.max(1) as usize);
        }
    }

    /// When the timer has something to do next.
    fn due(&self, reading: bool, flight: Option<Instant>) -> Instant {
        let silent = self.heard + self.patience;
        // While this side does not listen, silence is looked at again later.
        let silent = if reading {
            silent
        } else {
            silent.max(Instant::now() + self.patience)
        };
        [flight, self.renew_at]
            .into_iter()
            .flatten()
            .fold(silent, Instant::min)
    }
}

/// Waits until the queue has room; false when nobody will take anything out any more.
pub(crate) async fn has_room(events: &mpsc::Sender<Incoming>) -> bool {
    events.reserve().await.is_ok()
}

/// The provider's answer; pending for ever when none was asked.
async fn renewed(renewal: &mut Option<TokenFuture>) -> Result<Token, crate::TokenFailure> {
    match renewal {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
