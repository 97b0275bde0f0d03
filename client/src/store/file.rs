//! Commands in a file, which survive a crash of the program and of the machine.
//!
//! The file is a line that says whose it is, then a line for each command that was taken and for each that was answered,
//! with a checksum in front. What was answered is left out when the file is written again: beside itself, and put in its
//! place in one step. A line that cannot be read is the torn end of a write that nobody was told of, or damage; the lines
//! behind it still count.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{CommandStore, Kept, StoreError};

/// What a file begins with, before the user.
const HEADER: &str = "tidings-commands 1 ";
/// A checksum in hexadecimal, and what the line does.
const PREFIX_BYTES: usize = 10;

/// A store in a file, of one user and one program at a time. It is at most twice as large as its limit, and a
/// second one stands beside it while it is written again.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    user: Uuid,
    file: File,
    /// Held as long as the store is. A file of its own, for the other is replaced.
    _lock: Lock,
    kept: BTreeMap<u64, Kept>,
    order_of: HashMap<Uuid, u64>,
    next_order: u64,
    /// From here on nothing is safe yet.
    unsafe_from: u64,
    /// Of the lines of all that is kept.
    bytes: usize,
    bytes_max: usize,
    /// Of the whole file.
    file_bytes: usize,
    /// What is in the file is not known, so that it is written again before anything is added.
    suspect: bool,
}

/// A lock on a whole file that ends with this value. Closing the file is not enough: a process that another thread of
/// the application is about to start has a copy of the descriptor until it runs its program.
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

/// A file cannot be used as a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another program has it open, or another part of this one.
    #[error("the store is in use")]
    InUse,
    /// It has the commands of somebody else.
    #[error("the store has the commands of another user")]
    OtherUser,
    /// It is something else, or of a later version.
    #[error("not a store of this version")]
    Foreign,
    /// It cannot be read or written.
    #[error("the store cannot be opened: {0}")]
    Io(#[from] io::Error),
}

impl FileStore {
    /// How many bytes of commands it holds, where nothing else is said.
    pub const BYTES_MAX: usize = 8 << 20;

    /// Opens the file at `path`, or makes it, for the commands of `user`. The folder must be there. A file beside it with
    /// `.lock` behind its name keeps others out, and stays.
    ///
    /// It takes commands of at most `bytes_max` bytes together, and then answers [`StoreError::Full`] until some were
    /// answered; what it has already is kept even if it is more.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is changed then.
    pub fn open(path: impl Into<PathBuf>, user: Uuid, bytes_max: usize) -> Result<Self, OpenError> {
        let path = path.into();
        let lock = private().create(true).open(beside(&path, ".lock"))?;
        let lock = Lock::take(lock).map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse,
            TryLockError::Error(error) => OpenError::Io(error),
        })?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let mut replay = Replay::default();
        if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
            replay.read(&bytes, user)?;
        }
        if replay.damaged > 0 {
            tracing::warn!(
                lines = replay.damaged,
                "lines of the store of commands cannot be read"
            );
        }
        // No torn line is left to be written behind.
        let (file, file_bytes) = write(&path, user, &replay.kept)?;
        Ok(Self {
            path,
            user,
            file,
            _lock: lock,
            order_of: replay
                .kept
                .iter()
                .map(|(order, kept)| (kept.id, *order))
                .collect(),
            bytes: replay.kept.values().map(|kept| line_bytes(&kept.frame)).sum(),
            kept: replay.kept,
            next_order: replay.next_order,
            unsafe_from: replay.next_order,
            bytes_max,
            file_bytes,
            suspect: false,
        })
    }

    /// Adds a line, in a file that has no more than it may.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.suspect || self.file_bytes + line.len() > self.bytes.max(self.bytes_max).saturating_mul(2) {
            // If it fails, the name may be another file's already.
            self.suspect = true;
            (self.file, self.file_bytes) = write(&self.path, self.user, &self.kept)?;
        }
        // Half a line may be there if it fails.
        self.suspect = true;
        self.file.write_all(line)?;
        self.suspect = false;
        self.file_bytes += line.len();
        Ok(())
    }

    fn forget(&mut self, order: u64) {
        if let Some(kept) = self.kept.remove(&order) {
            self.order_of.remove(&kept.id);
            self.bytes -= line_bytes(&kept.frame);
        }
    }
}

impl CommandStore for FileStore {
    fn user(&self) -> Option<Uuid> {
        Some(self.user)
    }

    fn kept(&self) -> Vec<Kept> {
        self.kept.values().cloned().collect()
    }

    fn put(&mut self, command: &Kept) -> Result<(), StoreError> {
        if self.order_of.contains_key(&command.id) {
            return Ok(());
        }
        let line = line('+', &command.frame);
        if self.bytes + line.len() > self.bytes_max {
            return Err(StoreError::Full);
        }
        self.append(&line).map_err(failed)?;
        self.bytes += line.len();
        self.order_of.insert(command.id, self.next_order);
        self.kept.insert(self.next_order, command.clone());
        self.next_order += 1;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if let Err(error) = self.file.sync_data() {
            // What a failed sync leaves on disk nobody knows.
            self.suspect = true;
            for order in self.unsafe_from..self.next_order {
                self.forget(order);
            }
            self.unsafe_from = self.next_order;
            return Err(failed(error));
        }
        self.unsafe_from = self.next_order;
        Ok(())
    }

    fn remove(&mut self, ids: &[Uuid]) {
        for id in ids {
            let Some(order) = self.order_of.get(id).copied() else {
                continue;
            };
            self.forget(order);
            if let Err(error) = self.append(&line('-', &id.to_string())) {
                tracing::warn!(%error, "an answered command stays in the store, and may be sent again");
            }
        }
    }
}

/// What the lines of a file come to.
#[derive(Default)]
struct Replay {
    kept: BTreeMap<u64, Kept>,
    next_order: u64,
    damaged: usize,
}

impl Replay {
    fn read(&mut self, bytes: &[u8], user: Uuid) -> Result<(), OpenError> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let header = lines.next().and_then(|line| str::from_utf8(line).ok());
        let owner = header.and_then(|line| line.strip_prefix(HEADER));
        let owner: Uuid = owner
            .and_then(|owner| owner.parse().ok())
            .ok_or(OpenError::Foreign)?;
        if owner != user {
            return Err(OpenError::OtherUser);
        }
        let mut order_of = HashMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            match read_line(line) {
                Some(('+', frame)) if let Some(kept) = Kept::read(frame) => {
                    order_of.insert(kept.id, self.next_order);
                    self.kept.insert(self.next_order, kept);
                    self.next_order += 1;
                }
                Some(('-', id)) if let Ok(id) = id.parse::<Uuid>() => {
                    if let Some(order) = order_of.remove(&id) {
                        self.kept.remove(&order);
                    }
                }
                _ => self.damaged += 1,
            }
        }
        Ok(())
    }
}

/// Puts a file with what is kept, and nothing else, in the place of the one that is there; returns it, and how long it is.
fn write(path: &Path, user: Uuid, kept: &BTreeMap<u64, Kept>) -> io::Result<(File, usize)> {
    let mut text = format!("{HEADER}{user}\n").into_bytes();
    for kept in kept.values() {
        text.extend(line('+', &kept.frame));
    }
    let next = beside(path, ".new");
    let mut file = private().create(true).truncate(true).open(&next)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    // The name has to survive, too.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync_folder(folder.unwrap_or(Path::new(".")))?;
    Ok((OpenOptions::new().append(true).open(path)?, text.len()))
}

fn line(sign: char, text: &str) -> Vec<u8> {
    let sum = crc32fast::hash(format!("{sign}{text}").as_bytes());
    format!("{sum:08x} {sign}{text}\n").into_bytes()
}

fn line_bytes(text: &str) -> usize {
    PREFIX_BYTES + text.len() + 1
}

fn read_line(line: &[u8]) -> Option<(char, &str)> {
    let line = str::from_utf8(line).ok()?;
    let (sum, text) = line.split_once(' ')?;
    let sum = u32::from_str_radix(sum, 16).ok()?;
    let sign = text.chars().next().filter(char::is_ascii)?;
    (crc32fast::hash(text.as_bytes()) == sum).then_some((sign, &text[1..]))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

/// What people write is nobody else's business.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened, and a renamed file needs no more.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: io::Error) -> StoreError {
    StoreError::Failed(error.to_string())
}
