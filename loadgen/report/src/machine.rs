//! What was measured, when and on what. Nothing that names the machine, its owner or its places.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use serde::{Deserialize, Serialize};

/// The machine and the day.
#[derive(Serialize, Deserialize)]
pub(crate) struct Machine {
    date: String,
    processor: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
    /// Versions of the stores and other programs, by name.
    #[serde(default)]
    versions: BTreeMap<String, String>,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let kib = field(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            date: today(),
            processor: field(&processor, "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: kib.unwrap_or(0).div_ceil(1 << 20),
            kernel: kernel.trim().to_owned(),
            versions: BTreeMap::new(),
        }
    }

    pub(crate) fn add_version(&mut self, program: &str, version: &str) {
        self.versions.insert(program.to_owned(), version.to_owned());
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, {} cores, {} GiB, Linux {}",
            self.date, self.processor, self.cores, self.memory_gib, self.kernel
        )?;
        let mut versions = self.versions.iter();
        versions.try_for_each(|(program, version)| write!(f, ", {program} {version}"))
    }
}

/// The command line of this process, as others would type it: places and passwords of this machine are left out.
pub(crate) fn command() -> String {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let rest = words.map(|word| public(&word));
    let words: Vec<String> = std::iter::once(last(&program)).chain(rest).collect();
    words.join(" ")
}

fn public(word: &str) -> String {
    let (option, value) = match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => (format!("{option}="), value),
        _ => (String::new(), word),
    };
    let shown = match value.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or_default()),
        None if value.starts_with('/') => last(value),
        None => value.to_owned(),
    };
    option + &shown
}

fn last(path: &str) -> String {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a report tells its day")]
fn today() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_passwords_are_not_told() {
        let told = [
            "--out",
            "/home/me/out/",
            "--program=/opt/bin/tidings",
            "--rounds=3",
            "a/b",
        ]
        .map(public);
        assert_eq!(told, ["--out", "out", "--program=tidings", "--rounds=3", "a/b"]);
        assert_eq!(
            public("--url=postgres://me:secret@db/tidings"),
            "--url=postgres://db/tidings"
        );
    }

    #[test]
    fn the_machine_is_described() {
        let mut machine = Machine::this();
        machine.add_version("PostgreSQL", "15.18");
        assert!(machine.cores > 0 && machine.memory_gib > 0, "{machine}");
        assert!(machine.to_string().ends_with(", PostgreSQL 15.18"), "{machine}");
    }
}
