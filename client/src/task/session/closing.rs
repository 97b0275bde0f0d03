//! How the user goes away.

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

impl Task {
    /// The user goes away for good. A normal closure proves that they have all that was sent; any other proves nothing.
    pub(super) async fn close(
        &mut self,
        session: &mut Session,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
    ) {
        // In an error's or a time-out's case nothing is proved, which is true.
        let taken = tokio::time::timeout(CLOSE_TIMEOUT, self.taken(session, stream)).await;
        let code = if taken == Ok(true) {
            SocketCode::Normal
        } else {
            SocketCode::Away
        };
        let closing = async {
            let frame = CloseFrame {
                code,
                reason: "".into(),
            };
            // The other side may be gone already.
            let _ = sink.send(Message::Close(Some(frame))).await;
            // What the server sent before it answers the close counts as sent, so it is taken too.
            while self.message(session, stream.next().await).is_none() {
                self.queue.hand_out();
            }
            let _ = sink.close().await;
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
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
