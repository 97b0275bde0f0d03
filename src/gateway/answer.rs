//! Answers of the domain and the log as frames.

use crate::delivery::Outbox;
use crate::lanes::{Accepted, Refusal};
use crate::planted;
use crate::wire::Frame;
use chrono::TimeDelta;
use std::sync::Arc;
use tidings_domain::Rejection;
use tidings_protocol::{Ack, ErrorCode, ErrorFrame, Position, ServerFrame, Spelled};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// How long a client waits before it sends an overloaded command again.
const OVERLOADED_MS: u64 = 250;
/// The same while the log is away.
const UNAVAILABLE_MS: u64 = 1000;

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

/// The answer to command `id`.
pub(super) fn answer(id: Uuid, result: Result<Accepted, Refusal>) -> ServerFrame {
    match result {
        Ok(accepted) => ServerFrame::Ack(ack(id, &accepted)),
        Err(refusal) => ServerFrame::Error(refused(Some(id), &refusal)),
    }
}

/// An ack for a command whose conversation is the stream that it wrote to.
pub(super) fn ack(id: Uuid, accepted: &Accepted) -> Ack {
    Ack {
        id,
        conversation: accepted.stream,
        seq: accepted.seq,
        position: Position {
            lane: u16::from(accepted.position.lane),
            pos: accepted.position.pos,
        },
        at: (accepted.at + TimeDelta::milliseconds(planted::is("misplaced").into())).into(),
        duplicate: accepted.duplicate,
        data: None,
    }
}

/// A refusal as a frame.
pub(super) fn refused(id: Option<Uuid>, refusal: &Refusal) -> ErrorFrame {
    let message = refusal.to_string();
    match refusal {
        Refusal::Rejected(rejection) => rejected(id, rejection),
        Refusal::IdReused => ErrorFrame::new(id, ErrorCode::Conflict, message).with_field("id"),
        Refusal::Overloaded => {
            ErrorFrame::new(id, ErrorCode::Overloaded, message).with_retry_after_ms(OVERLOADED_MS)
        }
        Refusal::Unavailable => {
            ErrorFrame::new(id, ErrorCode::Unavailable, message).with_retry_after_ms(UNAVAILABLE_MS)
        }
    }
}

fn rejected(id: Option<Uuid>, rejection: &Rejection) -> ErrorFrame {
    let message = rejection.to_string();
    match rejection {
        Rejection::NotFound(field) => {
            ErrorFrame::new(id, ErrorCode::NotFound, message).with_field(field.as_str())
        }
        Rejection::NotAMember => ErrorFrame::new(id, ErrorCode::NotAMember, message),
        Rejection::Forbidden(_) => ErrorFrame::new(id, ErrorCode::Forbidden, message),
        Rejection::TooLate(field) => {
            ErrorFrame::new(id, ErrorCode::Forbidden, message).with_field(field.as_str())
        }
        Rejection::Conflict(_) => ErrorFrame::new(id, ErrorCode::Conflict, message),
        Rejection::Invalid { field, .. } => {
            ErrorFrame::new(id, ErrorCode::InvalidArgument, message).with_field(field.as_str())
        }
        Rejection::TooLarge { field, .. } => {
            ErrorFrame::new(id, ErrorCode::TooLarge, message).with_field(field.as_str())
        }
    }
}
