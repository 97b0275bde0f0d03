//! Why an account could not be used.

use super::database::DatabaseError;
use super::password::HashError;
use super::rules::Broken;
use std::time::Duration;
use thiserror::Error;

/// Why somebody was not admitted.
#[derive(Debug, Error)]
pub enum AccountError {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("the username is taken")]
    Taken,
    #[error("the username or the password is wrong")]
    Wrong,
    #[error("the refresh token is not valid")]
    BadRefreshToken,
    #[error("this account has no password here")]
    NoPassword,
    #[error("the account is suspended")]
    Suspended,
    #[error("too many attempts")]
    TooMany { wait: Duration },
    #[error("too many passwords are being checked")]
    Busy,
    #[error("accounts are unavailable: {0}")]
    Unavailable(String),
}

impl From<DatabaseError> for AccountError {
    fn from(error: DatabaseError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<tokio_postgres::Error> for AccountError {
    fn from(error: tokio_postgres::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl From<HashError> for AccountError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(_) => Self::Unavailable(error.to_string()),
        }
    }
}
