//! A wall clock of a node's own, which can be stepped while the node runs. Monotonic time stays as it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where Linux distributions put the library. It comes with the package `libfaketime`.
const PLACES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
];
/// Where the library keeps shared memory, which a process that is killed leaves behind.
const SHARED_MEMORY: &str = "/dev/shm";

/// The clock of one node, right until it is stepped.
#[derive(Debug)]
pub struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    /// Whether this machine has what clocks need.
    pub fn is_available() -> bool {
        library().is_some()
    }

    /// A clock whose step stands in `file`; none where the library is missing.
    pub(crate) fn new(file: PathBuf) -> io::Result<Option<Self>> {
        let Some(library) = library() else {
            return Ok(None);
        };
        let clock = Self { library, file };
        clock.step(0)?;
        Ok(Some(clock))
    }

    /// Makes the node's clock differ from the right time by so many seconds. The node sees it within a second.
    pub fn step(&self, seconds: i64) -> io::Result<()> {
        // Put in place whole, because the node may read at any moment.
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        fs::rename(&new, &self.file)
    }

    /// The variables that give a process this clock.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        sweep();
    }
}

fn library() -> Option<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|path| path.is_file())
}

/// Removes what processes that are gone have left.
fn sweep() {
    let left = fs::read_dir(SHARED_MEMORY).into_iter().flatten().flatten();
    for entry in left {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let pid = ["faketime_shm_", "sem.faketime_sem_"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix));
        if let Some(pid) = pid
            && pid.bytes().all(|byte| byte.is_ascii_digit())
            && !Path::new("/proc").join(pid).exists()
        {
            // Another stand may have been quicker.
            let _ = fs::remove_file(entry.path());
        }
    }
}
