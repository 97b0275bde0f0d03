//! The user that the servers run as: the caller, or an unprivileged one when the caller is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::ServiceError;
use crate::process::output_within;

const LOOKUP_LIMIT: Duration = Duration::from_secs(10);

/// A user that root becomes for a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// Who shall run the server on `data`: `None` for the caller itself. Existing data decides, so that a directory
    /// made by an ordinary user still works under `sudo`.
    pub(crate) fn choose(service: &'static str, data: &Path) -> Result<Option<Self>, ServiceError> {
        let owner = fs::metadata(data).ok().map(|found| Self {
            uid: found.uid(),
            gid: found.gid(),
        });
        let caller = rustix::process::geteuid();
        if !caller.is_root() {
            return match owner {
                Some(owner) if owner.uid != caller.as_raw() => Err(ServiceError::ForeignOwner {
                    dir: data.to_owned(),
                    owner: owner.uid,
                }),
                _ => Ok(None),
            };
        }
        if let Some(owner) = owner.filter(|owner| owner.uid != 0) {
            return Ok(Some(owner));
        }
        let found = Self::named("postgres").or_else(|| Self::named("nobody"));
        found.map(Some).ok_or(ServiceError::NoAccount { service })
    }

    fn named(name: &str) -> Option<Self> {
        let number = |flag: &str| -> Option<u32> {
            let mut command = Command::new("id");
            command
                .args([flag, name])
                .stdin(Stdio::null())
                .stderr(Stdio::null());
            let output = output_within(command, LOOKUP_LIMIT).ok()?;
            String::from_utf8_lossy(&output.stdout).trim().parse().ok()
        };
        Some(Self {
            uid: number("-u")?,
            gid: number("-g")?,
        })
    }

    /// Makes `command` run as this user, without the caller's supplementary groups.
    pub(crate) fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    pub(crate) fn give(self, path: &Path) -> Result<(), ServiceError> {
        chown(path, Some(self.uid), Some(self.gid)).map_err(ServiceError::io("change the owner of", path))
    }

    /// Whether this user can enter `dir`, which a closed parent such as `/root` prevents.
    pub(crate) fn can_enter(self, dir: &Path) -> bool {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"cd -- "$1""#, "sh"])
            .arg(dir)
            .current_dir("/");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.apply(&mut command);
        output_within(command, LOOKUP_LIMIT).is_ok_and(|output| output.status.success())
    }
}
