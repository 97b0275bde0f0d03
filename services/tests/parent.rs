//! The servers end with the process that started them, even when that is killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "a test owns its tasks as long as it runs, and mints ids as clients do"
)]

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use tidings_services::{Postgres, PostgresOptions, Profile, Redis, RedisOptions, testing};

const DIRECTORY: &str = "TIDINGS_TEST_PARENT_DIRECTORY";
const PATIENCE: Duration = Duration::from_mins(1);

/// What the process that owns the servers reports of them.
struct Parent {
    process: Child,
    /// Kept open: a test harness that cannot print ends.
    _output: BufReader<ChildStdout>,
    /// PostgreSQL in the directory given, Redis likewise, then the shared two.
    pids: Vec<Pid>,
    homes: Vec<PathBuf>,
}

/// Not a test by itself: the body of the process that the tests below start and kill. Without the variable, which
/// only they set, it has nothing to do.
#[tokio::test]
#[ignore = "runs as a process of the other tests"]
async fn own_servers_until_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY).map(PathBuf::from) else {
        return;
    };
    let options = PostgresOptions::new(Profile::Durable).with("shared_buffers", "32MB");
    let postgres = Postgres::start(&dir.join("postgres"), options).await.unwrap();
    let redis = Redis::start(&dir.join("redis"), RedisOptions::default())
        .await
        .unwrap();
    let shared = testing::shared();
    // A backend of its own makes the shutdown more than trivial.
    let (client, connection) = tokio_postgres::connect(&postgres.url("postgres"), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    for pid in [
        postgres.pid(),
        redis.pid(),
        shared.postgres().pid(),
        shared.redis().pid(),
    ] {
        println!("pid {}", pid.unwrap());
    }
    for log in [shared.postgres().log_path(), shared.redis().log_path()] {
        println!("home {}", log.parent().unwrap().display());
    }
    println!("ready");
    std::future::pending::<()>().await;
    drop(client);
}

impl Parent {
    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // A test that fails leaves no process behind; one that has killed it already gets an error here.
        drop(self.process.kill());
    }
}

fn start_parent(dir: &Path) -> Parent {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "own_servers_until_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let (mut pids, mut homes) = (Vec::new(), Vec::new());
    let mut line = String::new();
    while line != "ready\n" {
        line.clear();
        assert_ne!(
            output.read_line(&mut line).unwrap(),
            0,
            "the parent did not come up"
        );
        if let Some(pid) = line.trim().strip_prefix("pid ") {
            pids.push(Pid::from_raw(pid.parse().unwrap()).unwrap());
        } else if let Some(home) = line.trim().strip_prefix("home ") {
            homes.push(PathBuf::from(home));
        }
    }
    assert_eq!((pids.len(), homes.len()), (4, 2));
    Parent {
        process,
        _output: output,
        pids,
        homes,
    }
}

fn is_running(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let zombie = stat
        .rsplit_once(')')
        .is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'));
    test_kill_process(pid).is_ok() && !zombie
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn open_directory() -> tempfile::TempDir {
    tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o711))
        .tempdir()
        .unwrap()
}

#[test]
fn servers_and_temporary_directories_go_when_the_parent_is_killed() {
    let dir = open_directory();
    let mut parent = start_parent(dir.path());
    assert!(parent.pids.iter().all(|pid| is_running(*pid)));
    assert!(parent.homes.iter().all(|home| home.exists()));
    parent.kill();
    wait_until("all servers are gone", || {
        !parent.pids.iter().any(|pid| is_running(*pid))
    });
    wait_until("the temporary directories are gone", || {
        !parent.homes.iter().any(|home| home.exists())
    });
    // The durable one was stopped cleanly, not killed.
    let log = fs::read_to_string(dir.path().join("postgres/server.log")).unwrap();
    assert!(log.contains("fast shutdown request"), "{log}");
    assert!(log.contains("database system is shut down"), "{log}");
    assert!(!dir.path().join("postgres/data/postmaster.pid").exists());
}

/// Finds the watchdogs through `/proc`.
#[cfg(target_os = "linux")]
#[test]
fn servers_that_outlive_even_their_watchdogs_are_replaced() {
    use rustix::process::{Signal, kill_process};

    let dir = open_directory();
    let mut parent = start_parent(dir.path());
    let watchdogs: Vec<_> = parent.pids[..2]
        .iter()
        .map(|pid| parent_of(*pid).unwrap())
        .collect();
    // The watchdog and the part of it that waits for the parent's end.
    for watchdog in watchdogs {
        for child in children_of(watchdog) {
            if !parent.pids.contains(&child) {
                kill_process(child, Signal::KILL).unwrap();
            }
        }
        kill_process(watchdog, Signal::KILL).unwrap();
    }
    parent.kill();
    wait_until("the shared servers are gone", || {
        !parent.pids[2..].iter().any(|pid| is_running(*pid))
    });
    assert!(
        parent.pids[..2].iter().all(|pid| is_running(*pid)),
        "there is no orphan to deal with"
    );

    let mut next = start_parent(dir.path());
    assert!(
        !parent.pids[..2].iter().any(|pid| is_running(*pid)),
        "an orphan still runs"
    );
    assert!(next.pids.iter().all(|pid| is_running(*pid)));
    next.kill();
    wait_until("all servers are gone", || {
        !next.pids.iter().any(|pid| is_running(*pid))
    });
}

#[cfg(target_os = "linux")]
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
    Pid::from_raw(parent.parse().ok()?)
}

#[cfg(target_os = "linux")]
fn children_of(parent: Pid) -> Vec<Pid> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    pids.filter(|pid| is_running(*pid) && parent_of(*pid) == Some(parent))
        .collect()
}
