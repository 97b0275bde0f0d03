//! The directory of one server: its lock, its port, its log, and where its data really lies.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::ServiceError;

const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
const TAIL_BYTES: u64 = 2048;
const TAIL_LINES: usize = 8;

/// What a server shows to those who speak TLS with it, in PEM.
#[derive(Clone)]
pub struct ServerTls {
    pub certificate: String,
    pub key: String,
}

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerTls")
    }
}

/// One server's directory, locked for as long as this value lives. The kernel lets go of the lock when the process
/// ends, however it ends.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
    data: PathBuf,
    pub(crate) account: Option<Account>,
    _lock: Lock,
}

/// A lock on a whole file that ends with this value. Closing the file is not enough: a process that another thread
/// is about to start has a copy of the descriptor until it runs its program, and keeps the lock for that long.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is what is left to do, and happens next.
        let _ = self.0.unlock();
    }
}

impl Home {
    /// Creates and locks `dir`, and settles who runs the server and where its data lies.
    pub(crate) fn open(service: &'static str, dir: &Path) -> Result<Self, ServiceError> {
        fs::create_dir_all(dir).map_err(ServiceError::io("create", dir))?;
        let dir = fs::canonicalize(dir).map_err(ServiceError::io("find", dir))?;
        let lock_path = dir.join("lock");
        let lock = private().truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(ServiceError::io("open", &lock_path))?;
        let lock = match Lock::take(lock) {
            Ok(lock) => lock,
            Err(TryLockError::WouldBlock) => return Err(ServiceError::InUse { service, dir }),
            Err(TryLockError::Error(source)) => {
                return Err(ServiceError::Io {
                    action: "lock",
                    path: lock_path,
                    source,
                });
            }
        };
        let elsewhere = dir.join("elsewhere");
        let base = fs::canonicalize(&elsewhere).unwrap_or_else(|_| dir.clone());
        let mut data = base.join("data");
        let account = Account::choose(service, &data)?;
        if let Some(account) = account
            && !account.can_enter(&base)
        {
            let base = outside(&dir)?;
            if fs::symlink_metadata(&elsewhere).is_err() {
                symlink(&base, &elsewhere).map_err(ServiceError::io("link", &elsewhere))?;
            }
            tracing::info!(
                "{service} runs as an unprivileged user, who cannot enter {}: its data is in {}",
                dir.display(),
                base.display()
            );
            data = base.join("data");
        }
        Ok(Self {
            dir,
            data,
            account,
            _lock: lock,
        })
    }

    /// Where the server keeps its data. Not created by [`Home::open`].
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Creates a directory for the server's user alone, empty unless it existed.
    pub(crate) fn create_private(&self, path: &Path) -> Result<(), ServiceError> {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(path);
        created.map_err(ServiceError::io("create", path))?;
        self.account.map_or(Ok(()), |account| account.give(path))
    }

    /// Writes a file that only the server's user can read.
    pub(crate) fn write_private(&self, path: &Path, contents: &str) -> Result<(), ServiceError> {
        let written = private()
            .truncate(true)
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(contents.as_bytes()));
        written.map_err(ServiceError::io("write", path))?;
        self.account.map_or(Ok(()), |account| account.give(path))
    }

    /// Writes a file of that name for the owner of this directory alone.
    pub(crate) fn write_own(&self, name: &str, contents: &str) -> Result<(), ServiceError> {
        let path = self.dir.join(name);
        let part = self.dir.join(format!("{name}.part"));
        let written = private()
            .truncate(true)
            .write(true)
            .open(&part)
            .and_then(|mut file| file.write_all(contents.as_bytes()))
            .and_then(|()| fs::rename(&part, &path));
        written.map_err(ServiceError::io("write", &path))
    }

    /// The directory itself.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts a certificate and its key where the server can read them; answers their paths.
    pub(crate) fn write_tls(&self, tls: &ServerTls) -> Result<(String, String), ServiceError> {
        let dir = self.data.with_file_name("tls");
        self.create_private(&dir)?;
        let (certificate, key) = (dir.join("server.crt"), dir.join("server.key"));
        self.write_private(&certificate, &tls.certificate)?;
        self.write_private(&key, &tls.key)?;
        Ok((certificate.display().to_string(), key.display().to_string()))
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// Opens the log for appending; one that has grown large is put aside first.
    pub(crate) fn open_log(&self) -> Result<File, ServiceError> {
        let path = self.log_path();
        if fs::metadata(&path).is_ok_and(|found| found.len() > LOG_BYTES_MAX) {
            fs::rename(&path, self.dir.join("server.log.old")).map_err(ServiceError::io("rename", &path))?;
        }
        private()
            .append(true)
            .open(&path)
            .map_err(ServiceError::io("open", &path))
    }

    /// The port of the last run, if there was one.
    pub(crate) fn last_port(&self) -> Option<u16> {
        fs::read_to_string(self.dir.join("port"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    pub(crate) fn keep_port(&self, port: u16) -> Result<(), ServiceError> {
        self.write_own("port", &format!("{port}\n"))
    }
}

/// How files that are nobody else's business are made.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

/// The port of the server that another process runs on `dir`: the directory is locked and something listens.
pub(crate) fn running_port(dir: &Path) -> Option<u16> {
    let lock = OpenOptions::new().write(true).open(dir.join("lock")).ok()?;
    if !matches!(Lock::take(lock), Err(TryLockError::WouldBlock)) {
        return None;
    }
    let port = fs::read_to_string(dir.join("port")).ok()?.trim().parse().ok()?;
    (!crate::port::is_free(port)).then_some(port)
}

/// A directory that any user may enter, for data whose own place is closed to the server's user. Only root gets
/// here. Not a temporary directory, because systems clean those by age.
fn outside(dir: &Path) -> Result<PathBuf, ServiceError> {
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    let base = Path::new("/var/lib/tidings").join(format!("{:016x}", hasher.finish()));
    let created = DirBuilder::new().recursive(true).mode(0o755).create(&base);
    created.map_err(ServiceError::io("create", &base))?;
    Ok(base)
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_goes_with_its_owner_while_a_process_about_to_start_has_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let open = || private().truncate(false).write(true).open(&path).unwrap();
        let lock = Lock::take(open()).unwrap();
        // What a forked process holds: the same open file.
        let _copy = lock.0.try_clone().unwrap();
        assert!(matches!(Lock::take(open()), Err(TryLockError::WouldBlock)));
        drop(lock);
        Lock::take(open()).unwrap();
    }
}
