//! Finds the server programs on this machine and tells their versions.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::error::ServiceError;
use crate::process::output_within;

const POSTGRES_MINIMUM: u32 = 14;
const REDIS_MINIMUM: u32 = 7;
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// Where packagers put PostgreSQL outside `PATH`; `*` stands for one directory level.
const POSTGRES_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
];
const REDIS_PLACES: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/opt/homebrew/opt/redis/bin",
    "/usr/local/opt/redis/bin",
];
/// Valkey speaks the same protocol and is what some distributions ship instead.
const REDIS_PROGRAMS: &[&str] = &["redis-server", "valkey-server"];

/// One PostgreSQL installation: the directory that holds `postgres` and `initdb`.
#[derive(Debug, Clone)]
pub(crate) struct PostgresPrograms {
    pub(crate) bin: PathBuf,
    pub(crate) major: u32,
}

/// The newest installed PostgreSQL, or the one of major version `wanted` where data of that version exists in `dir`.
pub(crate) fn find_postgres(wanted: Option<u32>, dir: &Path) -> Result<PostgresPrograms, ServiceError> {
    let mut found = Vec::new();
    for place in places(POSTGRES_PLACES) {
        // Distributions link single programs into PATH; their siblings are beside the real file.
        let Ok(postgres) = fs::canonicalize(place.join("postgres")) else {
            continue;
        };
        let Some(bin) = postgres.parent().map(Path::to_owned) else {
            continue;
        };
        let known = found
            .iter()
            .any(|programs: &PostgresPrograms| programs.bin == bin);
        if known || !bin.join("initdb").is_file() {
            continue;
        }
        if let Some(major) = version_of(&postgres).as_deref().and_then(first_number) {
            found.push(PostgresPrograms { bin, major });
        }
    }
    let described = || {
        let names = found
            .iter()
            .map(|programs| format!("{} in {}", programs.major, programs.bin.display()));
        names.collect::<Vec<_>>().join(", ")
    };
    if let Some(data) = wanted {
        return found
            .iter()
            .find(|programs| programs.major == data)
            .cloned()
            .ok_or_else(|| {
                let found = if found.is_empty() {
                    "no PostgreSQL at all".to_owned()
                } else {
                    described()
                };
                ServiceError::DataVersion {
                    dir: dir.to_owned(),
                    data,
                    found,
                }
            });
    }
    match found.iter().max_by_key(|programs| programs.major) {
        Some(newest) if newest.major >= POSTGRES_MINIMUM => Ok(newest.clone()),
        Some(_) => Err(ServiceError::TooOld {
            service: "PostgreSQL",
            minimum: POSTGRES_MINIMUM,
            found: described(),
        }),
        None => Err(ServiceError::Missing {
            service: "PostgreSQL",
            minimum: POSTGRES_MINIMUM,
            programs: "postgres with initdb beside it",
            places: format!("PATH, {}", POSTGRES_PLACES.join(", ")),
        }),
    }
}

/// The first Redis (or Valkey) server that is recent enough.
pub(crate) fn find_redis() -> Result<PathBuf, ServiceError> {
    let mut too_old = Vec::new();
    for place in places(REDIS_PLACES) {
        for name in REDIS_PROGRAMS {
            let program = place.join(name);
            if !program.is_file() {
                continue;
            }
            let Some(version) = version_of(&program) else {
                continue;
            };
            match version
                .split_once(" v=")
                .and_then(|(_, number)| first_number(number))
            {
                Some(major) if major >= REDIS_MINIMUM => return Ok(program),
                Some(major) => too_old.push(format!("{major} ({})", program.display())),
                None => {}
            }
        }
    }
    if too_old.is_empty() {
        return Err(ServiceError::Missing {
            service: "Redis",
            minimum: REDIS_MINIMUM,
            programs: "redis-server or valkey-server",
            places: format!("PATH, {}", REDIS_PLACES.join(", ")),
        });
    }
    too_old.dedup();
    Err(ServiceError::TooOld {
        service: "Redis",
        minimum: REDIS_MINIMUM,
        found: too_old.join(", "),
    })
}

/// The directories of `PATH`, then those that match `patterns`.
fn places(patterns: &[&str]) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<_> = env::split_paths(&path)
        .filter(|place| place.is_absolute())
        .collect();
    places.extend(patterns.iter().flat_map(|pattern| matching(pattern)));
    places
}

/// Directories that match a pattern with at most one `*` in one of its components.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![PathBuf::from(pattern)];
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn version_of(program: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).current_dir("/");
    let output = output_within(command, VERSION_LIMIT).ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn first_number(text: &str) -> Option<u32> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits: String = text[start..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_servers_print() {
        assert_eq!(
            first_number("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(first_number("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(first_number("no version here"), None);
    }

    #[test]
    fn a_pattern_matches_directories_only() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("pgsql-15/bin")).unwrap();
        fs::create_dir_all(root.path().join("other/bin")).unwrap();
        fs::write(root.path().join("pgsql-16"), "").unwrap();
        let pattern = format!("{}/pgsql-*/bin", root.path().display());
        assert_eq!(matching(&pattern), [root.path().join("pgsql-15/bin")]);
    }

    #[test]
    fn data_of_a_version_that_is_not_installed_is_refused_by_name() {
        let error = find_postgres(Some(9), Path::new("/somewhere")).unwrap_err();
        assert!(error.to_string().contains("data is of PostgreSQL 9"), "{error}");
    }
}
