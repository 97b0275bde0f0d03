//! The life of one server, whichever it is: start, stop, crash, pause and start again on the same port and data.
//! Everything here blocks; the public types move it off the async threads.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::error::ServiceError;
use crate::files::Home;
use crate::orphan;
use crate::port::{Port, is_free};
use crate::process::{Launch, Process, gone_within};
use crate::secret::Secret;

/// Recovery after a crash counts as starting.
const START_LIMIT: Duration = Duration::from_mins(2);
const STOP_LIMIT: Duration = Duration::from_mins(1);
const KILL_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);
const ATTEMPTS: u32 = 10;

/// How one kind of server is run.
#[derive(Debug)]
pub(crate) struct Recipe {
    pub(crate) service: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The option that precedes the port number on the command line.
    pub(crate) port_option: &'static str,
    /// Written by the server itself.
    pub(crate) pid_file: PathBuf,
    /// Makes the server close its connections, finish cleanly and end.
    pub(crate) clean: Signal,
    /// What the watchdog sends when the parent is gone: a name that `kill -s` knows.
    pub(crate) abandoned: &'static str,
    pub(crate) secret: Secret,
    pub(crate) ready: fn(&Self, port: u16, server: Pid) -> bool,
}

/// A server that has been started, and may be down at the moment.
#[derive(Debug)]
pub(crate) struct Instance {
    recipe: Recipe,
    home: Home,
    port: Port,
    process: Mutex<Option<Process>>,
}

enum Failure {
    /// The server ended before it was ready.
    Ended(ExitStatus),
    Other(ServiceError),
}

impl Instance {
    pub(crate) fn start(recipe: Recipe, home: Home) -> Result<Self, ServiceError> {
        orphan::stop(home.data(), &recipe.pid_file, recipe.clean)?;
        let mut port = home.last_port().and_then(Port::of);
        for attempt in 1.. {
            let Some(chosen) = port.take().or_else(Port::unused) else {
                let source = std::io::Error::other("no free port on 127.0.0.1");
                return Err(ServiceError::Io {
                    action: "listen for",
                    path: recipe.program,
                    source,
                });
            };
            match launch(&recipe, &home, chosen.number()) {
                Ok(process) => {
                    home.keep_port(chosen.number())?;
                    let process = Mutex::new(Some(process));
                    return Ok(Self {
                        recipe,
                        home,
                        port: chosen,
                        process,
                    });
                }
                // Either another process took the port first, or children of a killed server still hold its memory.
                Err(Failure::Ended(_)) if attempt < ATTEMPTS && may_pass(&home, chosen.number()) => {
                    thread::sleep(Duration::from_millis(200));
                    port = is_free(chosen.number()).then_some(chosen);
                }
                Err(failure) => return Err(failure.into_error(&recipe, &home)),
            }
        }
        unreachable!("the last attempt returns")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.home.log_path()
    }

    /// The server's process id, while it has one.
    pub(crate) fn pid(&self) -> Option<u32> {
        let mut process = self.process();
        let process = process.as_mut()?;
        match process.ended() {
            Ok(None) => Some(process.server().as_raw_nonzero().get().unsigned_abs()),
            _ => None,
        }
    }

    /// Sends `signal` and waits for the end. A server that is down already is left so.
    pub(crate) fn stop(&self, signal: Signal) -> Result<(), ServiceError> {
        let mut slot = self.process();
        let Some(mut process) = slot.take() else {
            return Ok(());
        };
        process.signal(signal);
        process.signal_all(Signal::CONT);
        let ended = process
            .ends_within(STOP_LIMIT)
            .map_err(ServiceError::io("wait for", &self.recipe.program))?;
        if ended {
            return Ok(());
        }
        self.crash(process)?;
        Err(self.timed_out("stop", STOP_LIMIT))
    }

    /// Stops cleanly, as [`Instance::stop`] with the signal of the recipe.
    pub(crate) fn stop_clean(&self) -> Result<(), ServiceError> {
        self.stop(self.recipe.clean)
    }

    /// Kills the server and its children as a crash would, and waits until they are gone.
    pub(crate) fn kill(&self) -> Result<(), ServiceError> {
        let process = self.process().take();
        process.map_or(Ok(()), |process| self.crash(process))
    }

    /// Starts the server again on the same port and data, after a clean stop if it still runs.
    pub(crate) fn restart(&self) -> Result<(), ServiceError> {
        self.stop_clean()?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            match launch(&self.recipe, &self.home, self.port()) {
                Ok(process) => {
                    *self.process() = Some(process);
                    return Ok(());
                }
                Err(Failure::Ended(_)) if Instant::now() < deadline && may_pass(&self.home, self.port()) => {
                    thread::sleep(Duration::from_millis(200));
                }
                Err(failure) => return Err(failure.into_error(&self.recipe, &self.home)),
            }
        }
    }

    /// Freezes (`STOP`) or thaws (`CONT`) the server and its children.
    pub(crate) fn signal_all(&self, signal: Signal) {
        if let Some(process) = self.process().as_ref() {
            process.signal_all(signal);
        }
    }

    fn crash(&self, mut process: Process) -> Result<(), ServiceError> {
        let children = process.signal_all(Signal::KILL);
        let ended = process
            .ends_within(KILL_LIMIT)
            .map_err(ServiceError::io("wait for", &self.recipe.program))?;
        if ended && gone_within(&children, KILL_LIMIT) {
            return Ok(());
        }
        Err(self.timed_out("die", KILL_LIMIT))
    }

    fn timed_out(&self, action: &'static str, limit: Duration) -> ServiceError {
        ServiceError::TimedOut {
            service: self.recipe.service,
            action,
            limit,
            log: self.log_path(),
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    fn into_error(self, recipe: &Recipe, home: &Home) -> ServiceError {
        match self {
            Self::Ended(status) => ServiceError::exited(recipe.service, &status, &home.log_path()),
            Self::Other(error) => error,
        }
    }
}

/// Whether a start that failed may succeed a moment later.
fn may_pass(home: &Home, port: u16) -> bool {
    !is_free(port) || crate::files::tail(&home.log_path()).contains("shared memory block")
}

/// Runs the server once and waits until it is ready.
fn launch(recipe: &Recipe, home: &Home, port: u16) -> Result<Process, Failure> {
    let log = home.open_log().map_err(Failure::Other)?;
    let mut arguments = recipe.arguments.clone();
    arguments.extend([recipe.port_option.to_owned(), port.to_string()]);
    let spawned = Process::spawn(Launch {
        program: &recipe.program,
        arguments: &arguments,
        environment: &[],
        account: home.account,
        stop_signal: recipe.abandoned,
        log,
    });
    let io = |source| ServiceError::Io {
        action: "run",
        path: recipe.program.clone(),
        source,
    };
    let mut process = spawned.map_err(|error| Failure::Other(io(error)))?;
    let deadline = Instant::now() + START_LIMIT;
    while !(recipe.ready)(recipe, port, process.server()) {
        if let Some(status) = process.ended().map_err(|error| Failure::Other(io(error)))? {
            return Err(Failure::Ended(status));
        }
        if Instant::now() >= deadline {
            return Err(Failure::Other(ServiceError::TimedOut {
                service: recipe.service,
                action: "be ready",
                limit: START_LIMIT,
                log: home.log_path(),
            }));
        }
        thread::sleep(POLL);
    }
    Ok(process)
}

/// Runs blocking work off the async threads. A panic in it goes on in the caller.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(ServiceError::Io {
                action: "run work for",
                path: "the servers".into(),
                source: std::io::Error::other(error),
            }),
        },
    }
}
