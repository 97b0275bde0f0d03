//! What those are told whom a rule refuses.

use super::problems;
use crate::outcome::Refusal;
use crate::problem::Problem;
use tidings_domain::Rejection;

/// Of a name, or of whoever has no account any more.
pub(super) fn rejection(rejection: &Rejection) -> Problem {
    match rejection {
        Rejection::Invalid { field, reason } => Problem::invalid(field.as_str(), *reason),
        Rejection::TooLarge { field, .. } => problems::too_long(rejection.to_string()).field(field.as_str()),
        _ => problems::missing(),
    }
}

/// Of the command that says that a file is stored.
pub(super) fn refusal(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Rejected(Rejection::TooLarge { .. }) => problems::full(),
        Refusal::Rejected(refused) => rejection(refused),
        Refusal::TooFast { retry_after } => {
            let ms = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            problems::too_many("you store files too fast").retry_after_ms(ms)
        }
        Refusal::Overloaded => problems::busy(refusal.to_string()),
        Refusal::IdReused | Refusal::Unavailable => {
            Problem::unavailable("the file could not be stored").retry_after_ms(1000)
        }
    }
}
