//! How the user goes away, and what that says of what they have.

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode as SocketCode},
};

use super::Session;
use crate::{
    socket::Socket,
    task::{CLOSE_TIMEOUT, Task},
};

/// Has the server answer, and ask in front of that what this side has.
const PING: &str = r#"{"type":"ping"}"#;

impl Task {
    /// The user goes away for good. That itself proves nothing, for what the server sends until it hears of it may be taken by nobody: what
    /// the user has is proved before, as always, by the answer to a ping.
    pub(super) async fn close(
        &mut self,
        session: &mut Session,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
    ) {
        let proving = async {
            if session.welcomed && self.taken(session, stream).await {
                self.prove(session, sink, stream).await;
            }
        };
        // In an error's or a time-out's case nothing more is proved, which is true.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, proving).await;
        let closing = async {
            let frame = CloseFrame {
                code: SocketCode::Away,
                reason: "".into(),
            };
            // The other side may be gone already.
            let _ = sink.send(Message::Close(Some(frame))).await;
            // What the server sent before it answers the close comes out, too, for whoever takes it.
            while self.message(session, stream.next().await).is_none() {
                self.queue.hand_out();
            }
            let _ = sink.close().await;
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
    }

    /// Has the server ask what this side has, and answers that once the user has it. A server that has nothing to ask just answers.
    async fn prove(
        &mut self,
        session: &mut Session,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
    ) {
        let answered = session.answered;
        let mut asked = false;
        while session.answered == answered || session.held.is_some() {
            // While a ping waits for its answer, the server asks for no more.
            if !asked && session.held.is_none() {
                asked = true;
                if sink.send(Message::text(PING)).await.is_err() {
                    return;
                }
            }
            self.queue.hand_out();
            if self.queue.is_closed() {
                return;
            }
            let provable = self.provable(session);
            tokio::select! {
                () = self.queue.had_to(provable.unwrap_or(0)), if provable.is_some() => {
                    if let Some(held) = session.held.take() {
                        let _ = sink.send(Message::Pong(held.payload)).await;
                    }
                }
                open = self.queue.has_room(), if self.queue.is_waiting() => {
                    if !open {
                        return;
                    }
                }
                message = stream.next() => {
                    if self.message(session, message).is_some() {
                        return;
                    }
                }
            }
        }
        // A pong that reading has queued stands in front of the close.
        let _ = sink.flush().await;
    }

    /// Waits until the user has taken all that has come; false when they will not.
    async fn taken(&mut self, session: &mut Session, stream: &mut SplitStream<Socket>) -> bool {
        loop {
            self.queue.hand_out();
            if !self.sequencer.is_whole() || self.queue.is_closed() {
                return false;
            }
            if self.queue.is_taken() {
                return true;
            }
            self.provable(session);
            tokio::select! {
                () = self.queue.emptied() => {}
                message = stream.next() => {
                    if self.message(session, message).is_some() {
                        return false;
                    }
                }
            }
        }
    }
}
