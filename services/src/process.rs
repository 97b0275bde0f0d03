//! One server process under its watchdog, and short runs of other programs, all with limits on waiting.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::account::Account;

const WATCHDOG: &str = include_str!("watchdog.sh");
const POLL: Duration = Duration::from_millis(10);

/// What to run, as whom, and how the watchdog stops it when the parent is gone.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: &'a [String],
    pub(crate) environment: &'a [(String, String)],
    pub(crate) account: Option<Account>,
    pub(crate) stop_signal: &'static str,
    pub(crate) log: File,
}

/// A running server. Dropping it stops the server soon afterwards, without waiting.
#[derive(Debug)]
pub(crate) struct Process {
    watchdog: Child,
    server: Pid,
    /// The watchdog stops the server when this closes.
    _lifeline: ChildStdin,
}

impl Process {
    pub(crate) fn spawn(launch: Launch<'_>) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command
            .args(["-c", WATCHDOG, "watchdog", launch.stop_signal])
            .arg(launch.program);
        command.args(launch.arguments).current_dir("/");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(launch.log);
        // Signals from the terminal must reach only the parent, which decides when its servers stop.
        command.process_group(0);
        // The parent's environment may hold secrets that are none of the server's business.
        let kept = ["PATH", "LD_LIBRARY_PATH"].map(|name| (name, std::env::var_os(name)));
        command.env_clear().env("LC_ALL", "C");
        command.envs(kept.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.envs(launch.environment.iter().map(|(name, value)| (name, value)));
        if let Some(account) = launch.account {
            account.apply(&mut command);
        }
        let mut watchdog = command.spawn()?;
        let lifeline = watchdog.stdin.take();
        let mut line = String::new();
        if let Some(output) = watchdog.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let server = line.trim().parse().ok().and_then(Pid::from_raw);
        match (server, lifeline) {
            (Some(server), Some(lifeline)) => Ok(Self {
                watchdog,
                server,
                _lifeline: lifeline,
            }),
            _ => Err(io::Error::other("the shell did not start the server")),
        }
    }

    pub(crate) fn server(&self) -> Pid {
        self.server
    }

    /// The exit status, once the server has ended.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.watchdog.try_wait()
    }

    /// Waits for the server's end; false when it still runs after `limit`.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        while self.ended()?.is_none() {
            if Instant::now() >= deadline {
                return Ok(false);
            }
            thread::sleep(POLL);
        }
        Ok(true)
    }

    /// Sends a signal to the server itself. That it has ended already is no error.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.server, signal);
    }

    /// Sends a signal to the server and all its direct children, with the server stopped meanwhile, so that it
    /// starts no child unseen.
    pub(crate) fn signal_all(&self, signal: Signal) -> Vec<Pid> {
        send(self.server, Signal::STOP);
        let children = children_of(self.server);
        for child in &children {
            send(*child, signal);
        }
        send(self.server, signal);
        children
    }
}

pub(crate) fn send(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process(pid, signal) {
        tracing::debug!(pid = pid.as_raw_nonzero(), ?signal, %error, "signal not sent");
    }
}

/// Whether the process exists and is not merely waiting to be reaped.
pub(crate) fn is_alive(pid: Pid) -> bool {
    let exists = match test_kill_process(pid) {
        Ok(()) => true,
        Err(error) => error == rustix::io::Errno::PERM,
    };
    exists && stat_fields(pid).is_none_or(|(state, _)| state != 'Z')
}

/// Waits until none of the processes is alive; false when one still is after `limit`.
pub(crate) fn gone_within(pids: &[Pid], limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    while pids.iter().any(|pid| is_alive(*pid)) {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// Runs a program to its end and returns what it printed, a few kilobytes at most; kills it after `limit`.
pub(crate) fn output_within(mut command: Command, limit: Duration) -> io::Result<Output> {
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it did not end in time"));
        }
        thread::sleep(Duration::from_millis(2));
    };
    let mut stdout = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(64 * 1024).read_to_end(&mut stdout)?;
    }
    Ok(Output {
        status,
        stdout,
        stderr: Vec::new(),
    })
}

fn children_of(parent: Pid) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return listed_children_of(parent);
    };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw))
        .filter(|pid| stat_fields(*pid).is_some_and(|(_, of)| of == parent.as_raw_nonzero().get()))
        .collect()
}

/// The same for systems without `/proc`.
fn listed_children_of(parent: Pid) -> Vec<Pid> {
    let mut command = Command::new("ps");
    command.args(["-A", "-o", "pid=,ppid="]).stdin(Stdio::null());
    let Ok(output) = output_within(command, Duration::from_secs(10)) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pairs = text.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<i32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    pairs
        .filter(|(_, of)| *of == parent.as_raw_nonzero().get())
        .filter_map(|(pid, _)| Pid::from_raw(pid))
        .collect()
}

/// State letter and parent of a process, from `/proc`.
fn stat_fields(pid: Pid) -> Option<(char, i32)> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The second field is the program's name in brackets and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
