//! What processes use, as the kernel tells it.

use std::fs;
use std::ops::Sub;
use std::time::Duration;

/// Processor time, memory and context switches of a process or several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub user: Duration,
    pub system: Duration,
    /// Resident memory, in KiB.
    pub rss_kib: u64,
    /// The anonymous part of it, in KiB: without the pages of files.
    pub anonymous_kib: u64,
    /// Times that a thread gave its processor away by itself, and times that it was taken from one. Those of threads that
    /// have ended are not in it.
    pub switches: u64,
}

impl Usage {
    /// Of one process; nothing for one that has ended.
    pub fn of(pid: u32) -> Self {
        Self::read(pid).unwrap_or_default()
    }

    /// Of a process, its children, and children that it has waited for.
    pub fn of_family(parent: u32) -> Self {
        let children = fs::read_dir("/proc").into_iter().flatten().flatten();
        let children = children
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| fields(*pid).is_some_and(|fields| number(&fields, 1) == u64::from(parent)));
        let mut sum = Self::of(parent);
        if let Some(fields) = fields(parent) {
            sum.user += ticks(number(&fields, 13));
            sum.system += ticks(number(&fields, 14));
        }
        for child in children {
            let child = Self::of(child);
            sum.user += child.user;
            sum.system += child.system;
            sum.rss_kib += child.rss_kib;
            sum.anonymous_kib += child.anonymous_kib;
            sum.switches += child.switches;
        }
        sum
    }

    /// Of the calling process.
    pub fn own() -> Self {
        Self::of(std::process::id())
    }

    /// Processor time in all.
    pub fn cpu(&self) -> Duration {
        self.user + self.system
    }

    fn read(pid: u32) -> Option<Self> {
        let fields = fields(pid)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self {
            user: ticks(number(&fields, 11)),
            system: ticks(number(&fields, 12)),
            rss_kib: entry(&status, "VmRSS:"),
            anonymous_kib: entry(&status, "RssAnon:"),
            switches: switches(pid),
        })
    }
}

impl Sub for Usage {
    type Output = Self;

    /// What was used since `earlier`; memory stays as it is now.
    fn sub(self, earlier: Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            switches: self.switches.saturating_sub(earlier.switches),
            ..self
        }
    }
}

/// Of all threads that a process has now.
fn switches(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    // A thread that ends meanwhile counts nothing.
    let statuses = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    statuses
        .map(|status| {
            entry(&status, "voluntary_ctxt_switches:") + entry(&status, "nonvoluntary_ctxt_switches:")
        })
        .sum()
}

/// The number in a line of a `status` file; zero where it has none.
fn entry(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// The fields of `/proc/PID/stat` after the program's name, which may hold anything.
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(
        stat.rsplit_once(')')?
            .1
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    )
}

fn number(fields: &[String], index: usize) -> u64 {
    fields.get(index).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs(count) / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

// Usage is read from /proc.
#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_own_usage() {
        let before = Usage::own();
        let mut sum = 0_u64;
        while (Usage::own() - before).cpu() < Duration::from_millis(50) {
            sum = (0..100_000).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
        assert!(before.rss_kib > 0 && sum < u64::MAX);
    }

    #[test]
    fn switches_of_all_threads_count() {
        const SLEEPS: u64 = 200;
        let before = Usage::own().switches;
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let (slept, done) = std::sync::mpsc::channel();
        let sleeper = std::thread::spawn(move || {
            (0..SLEEPS).for_each(|_| std::thread::sleep(Duration::from_micros(50)));
            slept.send(()).unwrap();
            // Only while the thread lives do its switches show.
            let _ = ended.recv();
        });
        done.recv().unwrap();
        assert!(Usage::own().switches >= before + SLEEPS);
        drop(end);
        sleeper.join().unwrap();
    }
}
