//! Stops a server that outlived its parent and its watchdog, so that its directory can be used again.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::error::ServiceError;
use crate::process::{gone_within, is_alive, output_within, send};

const CLEAN_LIMIT: Duration = Duration::from_secs(30);
const FORCED_LIMIT: Duration = Duration::from_secs(10);

/// Ends the server named by `pid_file` if it still runs on `data`. A file that names a process of another kind is
/// left from before a reboot and is removed, because the server would take it for a running one.
pub(crate) fn stop(data: &Path, pid_file: &Path, clean: Signal) -> Result<(), ServiceError> {
    let Some(pid) = recorded(pid_file) else {
        return Ok(());
    };
    if !is_alive(pid) {
        return Ok(());
    }
    if !runs_on(pid, data) {
        return fs::remove_file(pid_file).map_err(ServiceError::io("remove", pid_file));
    }
    tracing::info!(
        pid = pid.as_raw_nonzero(),
        "stopping a server that an earlier run left on {}",
        data.display()
    );
    for (signal, limit) in [
        (clean, CLEAN_LIMIT),
        (Signal::QUIT, FORCED_LIMIT),
        (Signal::KILL, FORCED_LIMIT),
    ] {
        send(pid, signal);
        send(pid, Signal::CONT);
        if gone_within(&[pid], limit) {
            break;
        }
    }
    Ok(())
}

/// The process id in the first line of a pid file.
pub(crate) fn recorded(pid_file: &Path) -> Option<Pid> {
    let text = fs::read_to_string(pid_file).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
}

/// Both servers make their data directory their working directory, which tells them from a process that merely got
/// the same id later.
fn runs_on(pid: Pid, data: &Path) -> bool {
    if Path::new("/proc/self/cwd").exists() {
        return fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero())).is_ok_and(|cwd| cwd == data);
    }
    let mut command = Command::new("ps");
    command
        .args(["-o", "comm=", "-p", &pid.as_raw_nonzero().to_string()])
        .stdin(Stdio::null());
    let Ok(output) = output_within(command, Duration::from_secs(10)) else {
        return false;
    };
    let name = String::from_utf8_lossy(&output.stdout).into_owned();
    ["postgres", "redis-server", "valkey-server"]
        .iter()
        .any(|server| name.contains(server))
}
