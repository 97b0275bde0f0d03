//! Temporary directories that go even when the test process is killed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::ServiceError;

/// A directory that a small shell removes when its standard input closes: when this value is dropped, and also when
/// the process is killed or ends with the value in a static.
#[derive(Debug)]
pub(super) struct TemporaryHome {
    dir: PathBuf,
    remover: Child,
}

/// The server in the directory gets the same cue to end and may still be writing, hence the repetition.
const REMOVER: &str = r#"
trap '' HUP INT QUIT TERM
while read -r _; do :; done
tries=0
while [ "$tries" -lt 300 ] && [ -e "$1" ]; do
    rm -rf "$1" 2>/dev/null
    tries=$((tries + 1))
    [ -e "$1" ] && sleep 0.2
done
"#;

impl TemporaryHome {
    pub(super) fn new() -> Result<Self, ServiceError> {
        let parent = std::env::temp_dir();
        // The server's user must be able to enter.
        let made = tempfile::Builder::new()
            .prefix("tidings-")
            .permissions(Permissions::from_mode(0o711))
            .tempdir()
            .map_err(ServiceError::io("create a directory in", &parent))?;
        let mut command = Command::new("sh");
        command
            .args(["-c", REMOVER, "remover"])
            .arg(made.path())
            .current_dir("/")
            .process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let remover = command
            .spawn()
            .map_err(ServiceError::io("run sh for", made.path()))?;
        Ok(Self {
            dir: made.keep(),
            remover,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for TemporaryHome {
    fn drop(&mut self) {
        self.remover.stdin.take();
    }
}
