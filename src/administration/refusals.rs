//! What lanes refuse, for administrators: as clients are told it on the socket, whose codes these are.

use crate::outcome;
use crate::wire;
use tidings_graphql::{Code, Refusal};
use tidings_protocol::ErrorCode;

/// Why something is not done.
pub(super) fn refused(refusal: &outcome::Refusal) -> Refusal {
    let told = wire::refused(None, refusal);
    if told.retryable {
        tracing::warn!(%refusal, "what an administrator orders is not taken");
    }
    Refusal {
        field: told.field,
        retry_after_ms: told.retry_after_ms,
        ..Refusal::new(code(told.code), told.message)
    }
}

fn code(code: ErrorCode) -> Code {
    match code {
        ErrorCode::InvalidArgument | ErrorCode::InvalidFrame | ErrorCode::UnknownType => {
            Code::InvalidArgument
        }
        ErrorCode::Unauthenticated => Code::Unauthenticated,
        ErrorCode::Forbidden => Code::Forbidden,
        // To whoever is no member, there is no such conversation.
        ErrorCode::NotFound | ErrorCode::NotAMember => Code::NotFound,
        ErrorCode::Conflict => Code::Conflict,
        ErrorCode::TooLarge => Code::TooLarge,
        ErrorCode::RateLimited => Code::RateLimited,
        ErrorCode::Overloaded => Code::Overloaded,
        ErrorCode::Unavailable | ErrorCode::Unknown => Code::Unavailable,
    }
}
