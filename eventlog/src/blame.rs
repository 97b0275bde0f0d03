//! What an error of the database says about the statement and about the session: the one place that judges SQLSTATEs.

use tokio_postgres::Error;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// What was asked for cannot be: values, integrity, a limit, an exception raised on purpose. Asking again changes nothing.
    Statement,
    /// Another transaction was in the way, or holds a lock. Asking again may succeed.
    Rival,
    /// Not as the statement expects, whatever its values: a table, a right or a function that is not there.
    Schema,
    /// Not here, not now: a server that is read-only, stopping or out of resources, a session that lost what was prepared, a
    /// statement that was cut off. Nothing was written; another session may succeed.
    Session,
    /// The session is gone. Whether anything was written is not known.
    Lost,
}

impl Blame {
    /// Judges by the class of the SQLSTATE. Only errors that are the statement's own by name are the statement's: in doubt
    /// it is the session's.
    pub fn of(error: &Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return Self::Lost;
        };
        let code = db.code().code();
        // The server ended this session, or says that it is broken: a commit may or may not have been reached.
        if code.starts_with("57P") {
            return Self::Lost;
        }
        match code.get(..2).unwrap_or(code) {
            "08" => Self::Lost,
            "21" | "22" | "23" | "54" | "P0" => Self::Statement,
            "40" | "55" => Self::Rival,
            "28" | "3D" | "3F" | "42" => Self::Schema,
            // Among them 0A (a plan that is no more), 25 (read-only), 26, 53, 57, 58.
            _ => Self::Session,
        }
    }

    /// Whether the session is as good as before. Any other is given up.
    pub fn keeps_session(self) -> bool {
        matches!(self, Self::Statement | Self::Rival)
    }
}

/// The server's own message where there is one; `Display` of the error alone says only "db error". Details, which may quote
/// values, are left out.
pub fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
