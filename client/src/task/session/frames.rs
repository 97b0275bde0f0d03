//! What the server says.

use tidings_protocol::{ErrorFrame, ServerFrame, split_frame};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message};

use super::Session;
use crate::{
    ConnectionState, DisconnectReason, Incoming, flight::HoleAnswer, sequence::Missing, socket::network,
    task::Task,
};

impl Task {
    /// Takes one WebSocket message; returns why the connection ends, if it does.
    pub(super) fn message(
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
            Some(Ok(Message::Ping(payload))) => {
                session.pinged(payload);
                return None;
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
        let out = &mut self.queue;
        match frame {
            ServerFrame::Event(event) => {
                self.flight.receipts.event(&event);
                let missing = self.sequencer.event(event, out);
                self.ask(missing);
            }
            ServerFrame::Ack(ack) => {
                if let Some(answer) = self.flight.acked(ack) {
                    self.hole(answer);
                }
            }
            ServerFrame::Welcome(welcome) => {
                if self.owner.is_some_and(|owner| owner != welcome.user) {
                    return Some(DisconnectReason::OtherUser);
                }
                // A renewed hello may be welcomed again; that changes nothing here.
                if !session.welcomed {
                    self.flight.receipts.welcomed(welcome.user);
                    session.welcomed(&welcome);
                    out.push(Incoming::Connected(welcome), 0);
                    self.state.send_replace(ConnectionState::CatchingUp);
                }
            }
            ServerFrame::Synced => self.sequencer.all_sent(),
            ServerFrame::Gap(gap) => {
                let missing = self.sequencer.gap(gap, out);
                self.ask(missing);
            }
            ServerFrame::Events(events) => {
                if let Some(answer) = self.flight.fetched(events) {
                    self.hole(answer);
                }
            }
            ServerFrame::Error(error) => return self.refused(session, error),
            ServerFrame::Notice(notice) => self.sequencer.notice(notice, out),
            ServerFrame::Typing(typing) => out.offer(Incoming::Typing(typing)),
            ServerFrame::Presence(presence) => out.offer(Incoming::Presence(presence)),
            ServerFrame::PresenceCount(count) => out.offer(Incoming::PresenceCount(count)),
            ServerFrame::PresenceState(state) => {
                if let Some(state) = self.flight.watched(state).filter(|state| state.id.is_none()) {
                    out.offer(Incoming::PresenceState(state));
                }
            }
            ServerFrame::Receipt(receipt) => {
                self.flight.receipts.heard(&receipt);
                out.offer(Incoming::Receipt(receipt));
            }
            ServerFrame::Pong { .. } => {}
            ServerFrame::Close(close) => return Some(DisconnectReason::Closed(close)),
        }
        None
    }

    fn refused(&mut self, session: &Session, error: ErrorFrame) -> Option<DisconnectReason> {
        if let Some(id) = error.id {
            if let Some(answer) = self.flight.refused(id, error, Instant::now()) {
                self.hole(answer);
            }
            return None;
        }
        if error.field.as_deref() == Some("resume") {
            tracing::warn!(message = %error.message, "the server did not take a cursor");
            if let Some(head) = error.head {
                self.sequencer.rewind(error.conversation, head, &mut self.queue);
                if let Some(conversation) = error.conversation {
                    self.flight.receipts.rewound(conversation);
                }
            }
            return None;
        }
        if !session.welcomed {
            return Some(DisconnectReason::HelloRefused(error));
        }
        tracing::warn!(code = %error.code, "the server refused a frame without an id");
        None
    }

    pub(super) fn hole(&mut self, answer: HoleAnswer) {
        let out = &mut self.queue;
        let missing = match answer {
            HoleAnswer::Filled(events, asked) => self.sequencer.filled(events, asked.from, out),
            HoleAnswer::Refused(asked) => self.sequencer.unfillable(asked.conversation, asked.from, out),
        };
        self.ask(missing);
    }

    pub(super) fn ask(&mut self, missing: Option<Missing>) {
        if let Some(missing) = missing {
            self.flight.add_hole(missing, Instant::now());
        }
    }
}
