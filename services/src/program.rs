//! Any other program that must not outlive its caller: a node to measure or to break.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Launch, Process};

/// A running program under a watchdog, which ends it when this process ends, however it does. Dropping it ends it too.
#[derive(Debug)]
pub struct Program {
    process: Mutex<Process>,
    log: PathBuf,
}

impl Program {
    /// Starts `program` as the calling user. Its output is added to the file `log`; of the caller's environment it gets
    /// no more than the paths, and `environment` besides.
    pub fn start(
        program: &Path,
        arguments: &[String],
        environment: &[(String, String)],
        log: &Path,
    ) -> io::Result<Self> {
        let process = Process::spawn(Launch {
            program,
            arguments,
            environment,
            account: None,
            stop_signal: "TERM",
            log: OpenOptions::new().create(true).append(true).open(log)?,
        })?;
        Ok(Self {
            process: Mutex::new(process),
            log: log.to_owned(),
        })
    }

    pub fn pid(&self) -> u32 {
        self.process().server().as_raw_nonzero().get().unsigned_abs()
    }

    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it still runs, paused or not.
    pub fn is_running(&self) -> bool {
        matches!(self.process().ended(), Ok(None))
    }

    /// Asks it to end; false when it has not within `limit`. Blocks.
    pub fn stop(&self, limit: Duration) -> bool {
        self.signal_and_wait(Signal::TERM, limit)
    }

    /// Kills it; false when it has not ended within `limit`. Blocks.
    pub fn kill(&self, limit: Duration) -> bool {
        self.signal_and_wait(Signal::KILL, limit)
    }

    /// Stops it in the middle of whatever it does.
    pub fn pause(&self) {
        self.process().signal(Signal::STOP);
    }

    /// Lets a paused program go on.
    pub fn resume(&self) {
        self.process().signal(Signal::CONT);
    }

    fn signal_and_wait(&self, signal: Signal, limit: Duration) -> bool {
        let mut process = self.process();
        process.signal(signal);
        // A paused one must wake to see it.
        process.signal(Signal::CONT);
        process.ends_within(limit).unwrap_or(false)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
