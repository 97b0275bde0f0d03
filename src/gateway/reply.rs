//! The way of one answer.

use crate::delivery::Outbox;
use crate::wire::Frame;
use std::sync::Arc;
use tidings_protocol::{ErrorFrame, ServerFrame, Spelled};
use tokio::sync::OwnedSemaphorePermit;

/// Where the answer to one object goes.
pub(super) struct Reply {
    pub(super) outbox: Arc<Outbox>,
    /// How the object spelled its id.
    pub(super) spelled: Spelled,
    /// Given back once the answer is written.
    pub(super) permit: OwnedSemaphorePermit,
}

impl Reply {
    pub(super) fn send(self, frame: &ServerFrame) {
        let object = self.spelled.answer(frame.encode());
        self.outbox
            .system_frame(Frame::text(object.as_bytes()), Some(self.permit));
    }

    pub(super) fn refuse(self, refusal: ErrorFrame) {
        self.send(&ServerFrame::Error(refusal));
    }
}
