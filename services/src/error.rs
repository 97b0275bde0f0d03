//! What can go wrong while a private server is started, stopped or used.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why a private PostgreSQL or Redis could not do what was asked. The text tells the person at the keyboard what to
/// do about it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No installation was found at all.
    #[error("find {service} {minimum} or later: no {programs} in {places}; run scripts/install-deps.sh")]
    Missing {
        service: &'static str,
        minimum: u32,
        programs: &'static str,
        places: String,
    },

    /// Only installations older than the least supported version were found.
    #[error("find {service} {minimum} or later: only {found} is installed; run scripts/install-deps.sh")]
    TooOld {
        service: &'static str,
        minimum: u32,
        found: String,
    },

    /// The data directory was made by another major version than any installed one.
    #[error(
        "use {}: its data is of PostgreSQL {data}, but only {found} is installed; \
         install PostgreSQL {data}, or remove the directory to begin anew",
        dir.display()
    )]
    DataVersion { dir: PathBuf, data: u32, found: String },

    /// Another live process has this directory.
    #[error("use {}: another running process keeps its {service} there", dir.display())]
    InUse { service: &'static str, dir: PathBuf },

    /// The directory belongs to another user, and the caller is not root.
    #[error("use {}: it belongs to the user with id {owner}; run as that user, or remove it", dir.display())]
    ForeignOwner { dir: PathBuf, owner: u32 },

    /// The caller is root, which the servers refuse to be, and there is no other user to run them as.
    #[error("run {service}: it must not run as root, and neither the user postgres nor nobody exists")]
    NoAccount { service: &'static str },

    /// A file, directory or program could not be used.
    #[error("{action} {}: {source}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    /// The server (or the program that prepares its directory) ended when it should not have.
    #[error("start {service}: it ended with {status}; its log {} ends with:\n{tail}", log.display())]
    Exited {
        service: &'static str,
        status: String,
        log: PathBuf,
        tail: String,
    },

    /// The server did not do what was asked of it in time.
    #[error("wait for {service} to {action}: not done in {} s; see its log {}", limit.as_secs(), log.display())]
    TimedOut {
        service: &'static str,
        action: &'static str,
        limit: Duration,
        log: PathBuf,
    },

    /// A statement that creates or drops a database failed.
    #[error("{action}: {source}")]
    Database {
        action: String,
        source: tokio_postgres::Error,
    },

    /// A statement that creates or drops a database was not answered in time.
    #[error("{action}: no answer in {} s", limit.as_secs())]
    NoAnswer { action: String, limit: Duration },

    /// The caller's migration of a template database failed.
    #[error("migrate the template database {template}: {source}")]
    Migration {
        template: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ServiceError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn exited(service: &'static str, status: &dyn fmt::Display, log: &Path) -> Self {
        Self::Exited {
            service,
            status: status.to_string(),
            log: log.to_owned(),
            tail: crate::files::tail(log),
        }
    }
}
