//! What becomes of commands, as clients are told: the one place where refusals get their codes.

use crate::outcome::{Accepted, Refusal};
use crate::planted;
use chrono::TimeDelta;
use serde_json::{Map, Value};
use std::time::Duration;
use tidings_domain::Rejection;
use tidings_protocol::{Ack, ErrorCode, ErrorFrame, Position, ServerFrame};
use uuid::Uuid;

/// How long a client waits before it sends an overloaded command again.
const OVERLOADED_MS: u64 = 250;
/// The same while the log is away.
const UNAVAILABLE_MS: u64 = 1000;

/// The answer to command `id`.
pub fn answer(id: Uuid, result: Result<Accepted, Refusal>) -> ServerFrame {
    match result {
        Ok(accepted) => ServerFrame::Ack(ack(id, &accepted)),
        Err(refusal) => ServerFrame::Error(refused(Some(id), &refusal)),
    }
}

/// The answer to a command that makes something for its sender alone.
pub fn answer_made(id: Uuid, result: Result<Accepted, Refusal>, made: Map<String, Value>) -> ServerFrame {
    match answer(id, result) {
        ServerFrame::Ack(ack) => ServerFrame::Ack(Ack {
            data: Some(made),
            ..ack
        }),
        refused => refused,
    }
}

/// An ack for a command whose conversation is the stream that it wrote to.
fn ack(id: Uuid, accepted: &Accepted) -> Ack {
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
        data: accepted
            .pending
            .then(|| Map::from_iter([("pending".to_owned(), true.into())])),
    }
}

/// A refusal as a frame.
pub fn refused(id: Option<Uuid>, refusal: &Refusal) -> ErrorFrame {
    let message = refusal.to_string();
    match refusal {
        Refusal::Rejected(rejection) => rejected(id, rejection),
        Refusal::IdReused => ErrorFrame::new(id, ErrorCode::Conflict, message).with_field("id"),
        Refusal::TooFast { retry_after } => {
            // It is too much of one conversation: others need not wait for it.
            let error = ErrorFrame::new(id, ErrorCode::RateLimited, message).with_field("conversation");
            error.with_retry_after_ms(rounded_up(*retry_after))
        }
        Refusal::Overloaded => {
            ErrorFrame::new(id, ErrorCode::Overloaded, message).with_retry_after_ms(OVERLOADED_MS)
        }
        Refusal::Unavailable => {
            ErrorFrame::new(id, ErrorCode::Unavailable, message).with_retry_after_ms(UNAVAILABLE_MS)
        }
    }
}

/// A wait, and a moment more, so that it is not again too early.
fn rounded_up(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1)
}

fn rejected(id: Option<Uuid>, rejection: &Rejection) -> ErrorFrame {
    let message = rejection.to_string();
    match rejection {
        Rejection::NotFound(field) | Rejection::Missing { field, .. } => {
            ErrorFrame::new(id, ErrorCode::NotFound, message).with_field(field.as_str())
        }
        Rejection::NotAMember => ErrorFrame::new(id, ErrorCode::NotAMember, message),
        Rejection::Forbidden(_) => ErrorFrame::new(id, ErrorCode::Forbidden, message),
        Rejection::TooLate(field) | Rejection::Denied { field, .. } => {
            ErrorFrame::new(id, ErrorCode::Forbidden, message).with_field(field.as_str())
        }
        Rejection::Muted { wait } => {
            let refused = ErrorFrame::new(id, ErrorCode::Forbidden, message);
            match wait {
                Some(wait) => refused.with_retry_after_ms(rounded_up(wait.to_std().unwrap_or_default())),
                None => refused,
            }
        }
        Rejection::TooOften { field, wait, .. } => ErrorFrame::new(id, ErrorCode::RateLimited, message)
            .with_field(field.as_str())
            .with_retry_after_ms(rounded_up(wait.to_std().unwrap_or_default())),
        Rejection::Conflict(_) => ErrorFrame::new(id, ErrorCode::Conflict, message),
        Rejection::Invalid { field, .. } => {
            ErrorFrame::new(id, ErrorCode::InvalidArgument, message).with_field(field.as_str())
        }
        Rejection::TooLarge { field, .. } => {
            ErrorFrame::new(id, ErrorCode::TooLarge, message).with_field(field.as_str())
        }
    }
}
