//! What those are told who are refused.

use super::store::StoreError;
use crate::accounts::AuthError;
use crate::problem::Problem;
use axum::http::StatusCode;
use std::borrow::Cow;
use tidings_protocol::ErrorCode;

pub(super) fn missing() -> Problem {
    Problem::new(ErrorCode::NotFound, "there is no such attachment")
}

pub(super) fn away() -> Problem {
    Problem::unavailable("attachments cannot be looked up just now").retry_after_ms(1000)
}

pub(super) fn store(error: &StoreError) -> Problem {
    tracing::warn!(%error, "the store of attachments is in trouble");
    Problem::unavailable("files cannot be stored or read just now").retry_after_ms(1000)
}

pub(super) fn too_large(most: u64) -> Problem {
    Problem::new(ErrorCode::TooLarge, format!("a file has at most {most} bytes"))
}

pub(super) fn full() -> Problem {
    Problem::new(
        ErrorCode::TooLarge,
        "there is no room for it among what you have stored",
    )
}

/// Whether a file is refused for want of room.
pub(super) fn is_full(problem: &Problem) -> bool {
    problem.code() == ErrorCode::TooLarge
}

pub(super) fn stands_still() -> Problem {
    Problem::new(ErrorCode::InvalidArgument, "the body did not arrive in time")
        .status(StatusCode::REQUEST_TIMEOUT)
}

pub(super) fn token(error: AuthError) -> Problem {
    match error {
        AuthError::Suspended => Problem::new(ErrorCode::Forbidden, error.to_string()),
        AuthError::Unavailable => Problem::unavailable(error.to_string()).retry_after_ms(1000),
        AuthError::Expired | AuthError::Invalid | AuthError::Ended => {
            Problem::unauthenticated(error.to_string())
        }
    }
}

pub(super) fn too_long(detail: String) -> Problem {
    Problem::new(ErrorCode::TooLarge, detail)
}

/// Somebody has too much under way.
pub(super) fn too_many(detail: &'static str) -> Problem {
    Problem::new(ErrorCode::RateLimited, detail).retry_after_ms(1000)
}

/// The node has too much under way.
pub(super) fn busy(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(ErrorCode::Overloaded, detail).retry_after_ms(1000)
}

/// What is said of an upload whose sender asks how far it is, where that cannot be said just now. Whatever else is no success, clients of tus
/// take for the end of the upload, and send the file again from its beginning.
pub(super) fn later(problem: Problem) -> Problem {
    if problem.code().retryable() {
        return problem.status(StatusCode::LOCKED);
    }
    problem
}

pub(super) fn broken() -> Problem {
    Problem::new(ErrorCode::InvalidArgument, "the body cannot be read")
}

pub(super) fn elsewhere() -> Problem {
    Problem::new(ErrorCode::Conflict, "the upload is at another offset")
}

pub(super) fn method() -> Problem {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;
    use axum::response::IntoResponse as _;

    #[test]
    fn what_can_be_asked_again_is_locked_and_says_when_and_all_else_is_what_it_was() {
        for problem in [
            away(),
            store(&StoreError::Late),
            too_many("you have enough files under way"),
            busy("there are too many files under way"),
            token(AuthError::Unavailable),
        ] {
            let code = problem.code();
            let later = later(problem);
            assert_eq!(later.code(), code);
            let response = later.into_response();
            assert_eq!(response.status(), StatusCode::LOCKED);
            assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        }
        for problem in [missing(), full(), method(), token(AuthError::Expired)] {
            assert_eq!(later(problem.clone()), problem);
        }
    }
}
